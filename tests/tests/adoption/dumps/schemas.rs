//! Tools with schemas, tables beside, or a number of their own, and those whose migrations are code.

use migrate_core::checksum::foreign;

use super::*;

pub(super) fn atlas() -> Dump {
    const SUMS: [&str; 3] = [SUM_1, SUM_2, SUM_3];
    const SUM_1: &str = "h1:+ScPzQA3VQYKSSTTWaxQfuV4Dgy5TU+nDcUlX/tzKg0=";
    const SUM_2: &str = "h1:EKLze/zEInsfFQ0KoWWtaDj2OscZE09plHn/6odiqDY=";
    const SUM_3: &str = "h1:G1sZvJgrjJ835tc2ze8HDvdKmpQ/mlRvSdqHLAqJ67M=";
    fn row(engine: Engine, at: usize) -> String {
        let table =
            if engine == Postgres { "atlas_schema_revisions.atlas_schema_revisions" } else { "atlas_schema_revisions" };
        format!(
            "insert into {table} (version, description, type, applied, total, executed_at, execution_time, hash, \
             operator_version) values ('2024010{}000000', '{}', 2, 1, 1, '2026-01-01 10:00:00', 4711, '{}', 'Atlas CLI');\n",
            at + 1,
            ["users", "pets", "owners"][at],
            SUMS[at].trim_start_matches("h1:")
        )
    }
    let lines: Vec<String> = STAMPED.iter().zip(SUMS).map(|(name, sum)| format!("{name} {sum}\n")).collect();
    Dump {
        tool: "atlas",
        layout: "atlas",
        engines: ALL,
        files: with(
            files(STAMPED),
            "atlas.sum",
            &format!("h1:h/9CTkSDaM01Auo34XsYQ0QVqDyfDrjbLEzy966gE34=\n{}", lines.concat()),
        ),
        table: |engine| {
            let columns = "(version varchar(255) primary key, description varchar(255) not null, \
                 type bigint not null default 2, applied bigint not null default 0, total bigint not null default 0, \
                 executed_at timestamp not null, execution_time bigint not null, error text, error_stmt text, \
                 hash varchar(255) not null, partial_hashes JSON, operator_version varchar(255) not null)";
            let table = match engine {
                Postgres => format!(
                    "create schema atlas_schema_revisions; \
                     create table atlas_schema_revisions.atlas_schema_revisions {columns};"
                ),
                _ => format!("create table atlas_schema_revisions {columns};"),
            };
            format!("{table}\n{}{}", row(engine, 0), row(engine, 1))
        },
        later: |engine| row(engine, 2),
        to: None,
    }
}

pub(super) fn supabase() -> Dump {
    Dump {
        tool: "supabase",
        layout: "supabase",
        engines: &[Postgres],
        files: files(STAMPED),
        table: |_| {
            "create schema supabase_migrations; create table supabase_migrations.schema_migrations \
             (version text not null primary key, statements text[], name text);\n\
             insert into supabase_migrations.schema_migrations values \
             ('20240101000000', array['CREATE TABLE users (id INTEGER PRIMARY KEY)'], 'users'), \
             ('20240102000000', array['CREATE TABLE pets (id INTEGER PRIMARY KEY)'], 'pets');"
                .to_owned()
        },
        later: |_| {
            "insert into supabase_migrations.schema_migrations values ('20240103000000', null, 'owners');".to_owned()
        },
        to: None,
    }
}

pub(super) fn drizzle() -> Dump {
    fn row(engine: Engine, sum: &str, when: u64) -> String {
        let table = if engine == Postgres { "drizzle.__drizzle_migrations" } else { "__drizzle_migrations" };
        format!("insert into {table} (hash, created_at) values ('{sum}', {when});\n")
    }
    let entry = |at: u32, tag: &str| {
        format!(
            "{{\"idx\": {at}, \"version\": \"7\", \"when\": {}, \"tag\": \"{tag}\", \"breakpoints\": true}}",
            1_700_000_000_000_u64 + u64::from(at)
        )
    };
    let entries = [entry(0, "0000_users"), entry(1, "0001_pets"), entry(2, "0002_owners")].join(", ");
    let journal = format!("{{\"version\": \"7\", \"dialect\": \"DIALECT\", \"entries\": [{entries}]}}\n");
    Dump {
        tool: "drizzle",
        layout: "drizzle",
        engines: ALL,
        files: with(files(["0000_users.sql", "0001_pets.sql", "0002_owners.sql"]), "meta/_journal.json", &journal),
        table: |engine| {
            let table = of(
                engine,
                "create schema drizzle; create table drizzle.__drizzle_migrations \
                 (id serial primary key, hash text not null, created_at bigint);",
                "create table __drizzle_migrations (id serial primary key, hash text not null, created_at bigint);",
                "create table __drizzle_migrations (id SERIAL primary key, hash text not null, created_at numeric);",
            );
            let users = "6869107c4910d8df4680ee89aff9924b65ae79c81b5b78478f2b12f90254f6c5";
            format!(
                "{table}\n{}{}",
                row(engine, users, 1_700_000_000_000),
                row(engine, &foreign::sha256(PETS), 1_700_000_000_001)
            )
        },
        later: |engine| row(engine, &foreign::sha256(OWNERS), 1_700_000_000_002),
        to: None,
    }
}

pub(super) fn sql_migrate() -> Dump {
    Dump {
        tool: "sql-migrate",
        layout: "sql-migrate",
        engines: ALL,
        files: wrapped(PLAIN, |_, text| format!("-- +migrate Up\n{text}\n-- +migrate Down\nSELECT 1;\n")),
        table: |engine| {
            let table = of(
                engine,
                "create table \"gorp_migrations\" (\"id\" text not null primary key, \"applied_at\" timestamp with time zone);",
                "create table gorp_migrations (id varchar(255) not null primary key, applied_at datetime) engine=InnoDB;",
                "create table \"gorp_migrations\" (\"id\" varchar(255) not null primary key, \"applied_at\" datetime);",
            );
            format!(
                "{table}\ninsert into gorp_migrations values ('1_users.sql', '2026-01-01 10:00:00'), \
                 ('2_pets.sql', '2026-01-02 10:00:00');"
            )
        },
        later: |_| "insert into gorp_migrations values ('3_owners.sql', '2026-01-03 10:00:00');".to_owned(),
        to: None,
    }
}

pub(super) fn liquibase() -> Dump {
    fn row(id: u32, sum: &str) -> String {
        format!(
            "insert into DATABASECHANGELOG (ID, AUTHOR, FILENAME, DATEEXECUTED, ORDEREXECUTED, EXECTYPE, MD5SUM, \
             DESCRIPTION) values ('{id}', 'ann', 'classpath:db/changelog.sql', '2026-01-0{id} 10:00:00', {id}, \
             'EXECUTED', '{sum}', 'sql');\n"
        )
    }
    Dump {
        tool: "liquibase",
        layout: "liquibase",
        engines: ALL,
        files: vec![("changelog.sql".to_owned(), {
            let changeset =
                |number: u32, text: &str| format!("--changeset ann:{number}\n{text}--rollback select 1;\n\n");
            format!(
                "--liquibase formatted sql\n\n{}{}{}",
                changeset(1, USERS),
                changeset(2, PETS),
                changeset(3, OWNERS)
            )
        })],
        table: |engine| {
            let time = of(engine, "timestamp without time zone", "datetime", "text");
            let table = format!(
                "create table DATABASECHANGELOG (ID varchar(255) not null, AUTHOR varchar(255) not null, \
                 FILENAME varchar(255) not null, DATEEXECUTED {time} not null, ORDEREXECUTED int not null, \
                 EXECTYPE varchar(10) not null, MD5SUM varchar(35), DESCRIPTION varchar(255), COMMENTS varchar(255), \
                 TAG varchar(255), LIQUIBASE varchar(20), CONTEXTS varchar(255), LABELS varchar(255), \
                 DEPLOYMENT_ID varchar(10));\n\
                 create table DATABASECHANGELOGLOCK (ID int not null primary key, LOCKED boolean not null, \
                 LOCKGRANTED {time}, LOCKEDBY varchar(255));\n\
                 insert into DATABASECHANGELOGLOCK values (1, {}, null, null);",
                no(engine)
            );
            let pets = foreign::liquibase(8, PETS.trim(), &foreign::LiquibaseOptions::default()).unwrap();
            format!("{table}\n{}{}", row(1, "9:f1acdd05fa8b66057be5072b459bab50"), row(2, &pets))
        },
        later: |_| row(3, ""),
        to: None,
    }
}

pub(super) fn openmetadata() -> Dump {
    fn row(version: &str) -> String {
        format!(
            "insert into SERVER_CHANGE_LOG (version, migrationFileName, checksum) \
             values ('{version}', 'native/{version}', 'b1b2');\n\
             insert into SERVER_MIGRATION_SQL_LOGS (version, sqlStatement, checksum) \
             values ('{version}', 'CREATE TABLE x', 'sum of {version}');\n"
        )
    }
    Dump {
        tool: "openmetadata",
        layout: "openmetadata",
        engines: &[Postgres, MySql],
        files: ["postgres", "mysql"]
            .iter()
            .flat_map(|engine| {
                let name = |version: &str, part: &str| format!("native/{version}/{engine}/{part}.sql");
                [
                    (name("1.9.0", "schemaChanges"), USERS.to_owned()),
                    (name("1.10.0", "schemaChanges"), PETS.to_owned()),
                    (name("1.10.1", "postDataMigrationSQLScript"), OWNERS.to_owned()),
                ]
            })
            .collect(),
        table: |engine| {
            let table = of(
                engine,
                "create table SERVER_CHANGE_LOG (installed_rank SERIAL, version varchar(256) primary key, \
                 migrationFileName varchar(256) not null, checksum varchar(256) not null, \
                 installed_on timestamp default current_timestamp, metrics jsonb);",
                "create table SERVER_CHANGE_LOG (installed_rank bigint unsigned not null auto_increment, \
                 version varchar(256), migrationFileName varchar(256) not null, checksum varchar(256) not null, \
                 installed_on timestamp null default current_timestamp, metrics json, primary key (version), \
                 unique key installed_rank (installed_rank));",
                "",
            );
            let logs = "create table SERVER_MIGRATION_SQL_LOGS (version varchar(256) not null, \
                 sqlStatement varchar(10000) not null, checksum varchar(256) primary key, \
                 executedAt timestamp default current_timestamp);";
            format!("{table}\n{logs}\n{}{}", row("1.9.0"), row("1.10.0"))
        },
        later: |_| row("1.10.1"),
        to: None,
    }
}

pub(super) fn rusqlite_migration() -> Dump {
    Dump {
        tool: "rusqlite_migration",
        layout: "rusqlite_migration",
        engines: &[Sqlite],
        files: files(["1-users/up.sql", "2-pets/up.sql", "3-owners/up.sql"]),
        table: |_| "pragma user_version = 2;".to_owned(),
        later: |_| "pragma user_version = 3;".to_owned(),
        to: None,
    }
}

pub(super) fn alembic() -> Dump {
    Dump {
        tool: "alembic",
        layout: "native",
        engines: ALL,
        files: files(PLAIN),
        table: |_| {
            "create table alembic_version (version_num varchar(32) not null, \
             constraint alembic_version_pkc primary key (version_num));\n\
             insert into alembic_version values ('1975ea83b712');"
                .to_owned()
        },
        later: |_| "update alembic_version set version_num = 'ae1027a6acf';".to_owned(),
        to: Some("2"),
    }
}

pub(super) fn django() -> Dump {
    Dump {
        tool: "django",
        layout: "native",
        engines: ALL,
        files: files(PLAIN),
        table: |engine| {
            let table = of(
                engine,
                "create table django_migrations (id bigint not null primary key generated by default as identity, \
                 app varchar(255) not null, name varchar(255) not null, applied timestamptz not null);",
                "create table django_migrations (id bigint auto_increment not null primary key, \
                 app varchar(255) not null, name varchar(255) not null, applied datetime(6) not null);",
                "create table django_migrations (id integer not null primary key autoincrement, \
                 app varchar(255) not null, name varchar(255) not null, applied datetime not null);",
            );
            format!(
                "{table}\ninsert into django_migrations (app, name, applied) values \
                 ('auth', '0001_initial', '2026-01-01 10:00:00'), ('shop', '0001_initial', '2026-01-02 10:00:00');"
            )
        },
        later: |_| {
            "insert into django_migrations (app, name, applied) values ('shop', '0002_more', '2026-01-03 10:00:00');"
                .to_owned()
        },
        to: Some("2"),
    }
}

pub(super) fn rails() -> Dump {
    Dump {
        tool: "rails",
        layout: "native",
        engines: ALL,
        files: files(PLAIN),
        table: |engine| {
            let key = of(engine, "key", "`key`", "key");
            format!(
                "create table schema_migrations (version varchar(255) not null primary key);\n\
                 create table ar_internal_metadata ({key} varchar(255) not null primary key, value varchar(255), \
                 created_at timestamp null, updated_at timestamp null);\n\
                 insert into schema_migrations values ('20240101000000'), ('20240102000000');"
            )
        },
        later: |_| "insert into schema_migrations values ('20240103000000');".to_owned(),
        to: Some("2"),
    }
}

pub(super) fn sqitch() -> Dump {
    Dump {
        tool: "sqitch",
        layout: "native",
        engines: &[Postgres],
        files: files(PLAIN),
        table: |_| {
            "create schema sqitch; create table sqitch.changes (change_id text primary key, script_hash text, \
             change text not null, project text not null, note text not null default '', \
             committed_at timestamptz not null default clock_timestamp(), unique (project, script_hash));\n\
             insert into sqitch.changes (change_id, script_hash, change, project) \
             values ('a1', '4a0c592fb274ea6cc0a21ce728d38dd4162bf1b6', 'users', 'shop');"
                .to_owned()
        },
        later: |_| {
            "insert into sqitch.changes (change_id, script_hash, change, project) values ('a2', 'b2', 'more', 'shop');"
                .to_owned()
        },
        to: Some("2"),
    }
}
