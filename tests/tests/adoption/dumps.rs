//! What each tool leaves in a database and in a folder: its table as it creates it, two rows, and three files.
//!
//! Everything here is written by us, from the definitions and rules that the tools' sources give.

use migrate_core::checksum::foreign;

/// The engine a dump is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Postgres,
    MySql,
    Sqlite,
}

use Engine::{MySql, Postgres, Sqlite};

/// What one tool leaves.
pub(crate) struct Dump {
    pub(crate) tool: &'static str,
    /// How its files are read.
    pub(crate) layout: &'static str,
    pub(crate) engines: &'static [Engine],
    pub(crate) files: Vec<(String, String)>,
    /// Its table with the rows of the first two migrations.
    pub(crate) table: fn(Engine) -> String,
    /// What it writes when it applies the third.
    pub(crate) later: fn(Engine) -> String,
    /// Its migrations are code, so a person says up to where the database is.
    pub(crate) to: Option<&'static str>,
}

pub(crate) const USERS: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY);\n";
pub(crate) const PETS: &str = "CREATE TABLE pets (id INTEGER PRIMARY KEY);\n";
pub(crate) const OWNERS: &str = "CREATE TABLE owners (id INTEGER PRIMARY KEY);\n";

const ALL: &[Engine] = &[Postgres, MySql, Sqlite];
/// The native layout's names, which several tools share.
const PLAIN: [&str; 3] = ["1_users.sql", "2_pets.sql", "3_owners.sql"];
const STAMPED: [&str; 3] = ["20240101000000_users.sql", "20240102000000_pets.sql", "20240103000000_owners.sql"];

fn files(names: [&str; 3]) -> Vec<(String, String)> {
    let texts = [USERS, PETS, OWNERS];
    names.iter().zip(texts).map(|(name, text)| ((*name).to_owned(), text.to_owned())).collect()
}

fn wrapped(names: [&str; 3], around: impl Fn(usize, &str) -> String) -> Vec<(String, String)> {
    files(names).into_iter().enumerate().map(|(at, (name, text))| (name, around(at + 1, &text))).collect()
}

fn with(mut files: Vec<(String, String)>, name: &str, text: &str) -> Vec<(String, String)> {
    files.push((name.to_owned(), text.to_owned()));
    files
}

/// A truth.
fn yes(engine: Engine) -> &'static str {
    if engine == Postgres { "true" } else { "1" }
}

fn no(engine: Engine) -> &'static str {
    if engine == Postgres { "false" } else { "0" }
}

/// Bytes from hexadecimal digits.
fn bytes(engine: Engine, digits: &str) -> String {
    if engine == Postgres { format!("'\\x{digits}'") } else { format!("x'{digits}'") }
}

/// The one of three that is this engine's.
fn of<'t>(engine: Engine, postgres: &'t str, mysql: &'t str, sqlite: &'t str) -> &'t str {
    match engine {
        Postgres => postgres,
        MySql => mysql,
        Sqlite => sqlite,
    }
}

pub(crate) fn all() -> Vec<Dump> {
    vec![
        flyway(),
        golang_migrate(),
        sqlx(),
        goose(),
        refinery(),
        diesel(),
        dbmate(),
        prisma(),
        mybatis(),
        atlas(),
        supabase(),
        drizzle(),
        sql_migrate(),
        liquibase(),
        openmetadata(),
        rusqlite_migration(),
        alembic(),
        django(),
        rails(),
        sqitch(),
    ]
}

pub(crate) fn named(tool: &str) -> Dump {
    all().into_iter().find(|dump| dump.tool == tool).unwrap()
}

fn flyway() -> Dump {
    fn row(engine: Engine, rank: u32, version: u32, name: &str, sum: i32) -> String {
        format!(
            "insert into flyway_schema_history (installed_rank, version, description, type, script, checksum, \
             installed_by, execution_time, success) values ({rank}, '{version}', '{name}', 'SQL', \
             'V{version}__{name}.sql', {sum}, 'ann', 12, {});\n",
            yes(engine)
        )
    }
    Dump {
        tool: "flyway",
        layout: "flyway",
        engines: ALL,
        files: files(["V1__users.sql", "V2__pets.sql", "more/V3__owners.sql"]),
        table: |engine| {
            use migrate_core::backend::TableName;
            use migrate_core::history::format::{Engine as Theirs, flyway::write};
            let theirs = match engine {
                Postgres => Theirs::Postgres,
                MySql => Theirs::MySql,
                Sqlite => Theirs::Sqlite,
            };
            let table = TableName { schema: None, name: write::TABLE.to_owned() };
            let mut sql = write::create_table(theirs, &table).join(";\n") + ";\n";
            sql += &row(engine, 1, 1, "users", -7_233_374);
            sql + &row(engine, 2, 2, "pets", foreign::flyway(PETS))
        },
        later: |engine| row(engine, 3, 3, "owners", foreign::flyway(OWNERS)),
        to: None,
    }
}

fn golang_migrate() -> Dump {
    Dump {
        tool: "golang-migrate",
        layout: "golang-migrate",
        engines: ALL,
        files: files(["000001_users.up.sql", "000002_pets.up.sql", "000003_owners.up.sql"]),
        table: |engine| {
            let table = of(
                engine,
                "create table \"public\".\"schema_migrations\" (version bigint not null primary key, dirty boolean not null);",
                "create table `schema_migrations` (version bigint not null primary key, dirty boolean not null);",
                "create table schema_migrations (version uint64,dirty bool); \
                 create unique index version_unique on schema_migrations (version);",
            );
            format!("{table}\ninsert into schema_migrations values (2, {});", no(engine))
        },
        later: |engine| {
            format!("delete from schema_migrations; insert into schema_migrations values (3, {});", no(engine))
        },
        to: None,
    }
}

fn sqlx() -> Dump {
    fn row(engine: Engine, version: u32, name: &str, digest: &str) -> String {
        format!(
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
             values ({version}, '{name}', {}, {}, 4711);\n",
            yes(engine),
            bytes(engine, digest)
        )
    }
    Dump {
        tool: "sqlx",
        layout: "sqlx",
        engines: ALL,
        files: files(PLAIN),
        table: |engine| {
            let table = of(
                engine,
                "create table _sqlx_migrations (version bigint primary key, description text not null, \
                 installed_on timestamptz not null default now(), success boolean not null, checksum bytea not null, \
                 execution_time bigint not null);",
                "create table _sqlx_migrations (version bigint primary key, description text not null, \
                 installed_on timestamp not null default current_timestamp, success boolean not null, \
                 checksum blob not null, execution_time bigint not null);",
                "create table _sqlx_migrations (version bigint primary key, description text not null, \
                 installed_on timestamp not null default current_timestamp, success boolean not null, \
                 checksum blob not null, execution_time bigint not null);",
            );
            let users =
                "bf56d804b4fa9e24aa2a3c122aaf2a88eea1e9f13d33cb772d90e0e8fa668bdf8f1ebb8de95be124e4681305e616e8f7";
            format!("{table}\n{}{}", row(engine, 1, "users", users), row(engine, 2, "pets", &foreign::sqlx(PETS)))
        },
        later: |engine| row(engine, 3, "owners", &foreign::sqlx(OWNERS)),
        to: None,
    }
}

fn goose() -> Dump {
    Dump {
        tool: "goose",
        layout: "goose",
        engines: ALL,
        files: wrapped(["00001_users.sql", "00002_pets.sql", "00003_owners.sql"], |_, text| {
            format!("-- +goose Up\n{text}-- +goose Down\nSELECT 1;\n")
        }),
        table: |engine| {
            let table = of(
                engine,
                "create table goose_db_version (id integer primary key generated by default as identity, \
                 version_id bigint not null, is_applied boolean not null, tstamp timestamp not null default now());",
                "create table goose_db_version (id bigint(20) unsigned not null auto_increment, \
                 version_id bigint not null, is_applied boolean not null, tstamp timestamp null default now(), \
                 primary key(id));",
                "create table goose_db_version (id integer primary key autoincrement, version_id integer not null, \
                 is_applied integer not null, tstamp timestamp default (datetime('now')));",
            );
            let yes = yes(engine);
            // An older goose appended rows where it went down.
            format!(
                "{table}\ninsert into goose_db_version (version_id, is_applied) values \
                 (0, {yes}), (1, {yes}), (2, {yes}), (2, {}), (2, {yes});",
                no(engine)
            )
        },
        later: |engine| format!("insert into goose_db_version (version_id, is_applied) values (3, {});", yes(engine)),
        to: None,
    }
}

fn refinery() -> Dump {
    fn row(version: i64, name: &str, sum: u64) -> String {
        format!(
            "insert into refinery_schema_history values ({version}, '{name}', '2026-01-0{version}T10:00:00Z', '{sum}');\n"
        )
    }
    Dump {
        tool: "refinery",
        layout: "refinery",
        engines: ALL,
        files: files(["V1__create_users.sql", "V2__pets.sql", "V3__owners.sql"]),
        table: |_| {
            let table = "create table refinery_schema_history (version int4 primary key, name varchar(255), \
                 applied_on varchar(255), checksum varchar(255));";
            let pets = foreign::refinery("pets", 2, PETS, false).unwrap();
            format!("{table}\n{}{}", row(1, "create_users", 18_274_778_505_149_910_206), row(2, "pets", pets))
        },
        later: |_| row(3, "owners", foreign::refinery("owners", 3, OWNERS, false).unwrap()),
        to: None,
    }
}

fn diesel() -> Dump {
    Dump {
        tool: "diesel",
        layout: "diesel",
        engines: ALL,
        files: files([
            "2024-01-01-000000_users/up.sql",
            "2024-01-02-000000_pets/up.sql",
            "2024-01-03-000000_owners/up.sql",
        ]),
        table: |_| {
            "create table __diesel_schema_migrations (version varchar(50) primary key not null, \
             run_on timestamp not null default current_timestamp);\n\
             insert into __diesel_schema_migrations (version) values ('20240101000000'), ('20240102000000');"
                .to_owned()
        },
        later: |_| "insert into __diesel_schema_migrations (version) values ('20240103000000');".to_owned(),
        to: None,
    }
}

fn dbmate() -> Dump {
    Dump {
        tool: "dbmate",
        layout: "dbmate",
        engines: ALL,
        files: wrapped(STAMPED, |_, text| format!("-- migrate:up\n{text}\n-- migrate:down\nselect 1;\n")),
        table: |engine| {
            let table = of(
                engine,
                "create table \"public\".\"schema_migrations\" (version varchar primary key);",
                "create table schema_migrations (version varchar(128) primary key);",
                "create table schema_migrations (version varchar(128) primary key);",
            );
            format!("{table}\ninsert into schema_migrations (version) values ('20240101000000'), ('20240102000000');")
        },
        later: |_| "insert into schema_migrations (version) values ('20240103000000');".to_owned(),
        to: None,
    }
}

fn prisma() -> Dump {
    fn row(number: u32, name: &str, sum: &str) -> String {
        format!(
            "insert into _prisma_migrations (id, checksum, finished_at, migration_name, started_at, applied_steps_count) \
             values ('00000000-0000-0000-0000-00000000000{number}', '{sum}', '2026-01-0{number} 10:00:01', '{name}', \
             '2026-01-0{number} 10:00:00', 1);\n"
        )
    }
    Dump {
        tool: "prisma",
        layout: "prisma",
        engines: ALL,
        files: with(
            files([
                "20240101000000_users/migration.sql",
                "20240102000000_pets/migration.sql",
                "20240103000000_owners/migration.sql",
            ]),
            "migration_lock.toml",
            "provider = \"PROVIDER\"\n",
        ),
        table: |engine| {
            let (time, number) = (
                of(engine, "timestamptz", "datetime(3)", "datetime"),
                of(engine, "integer", "integer unsigned", "integer unsigned"),
            );
            let now = of(engine, "now()", "current_timestamp(3)", "current_timestamp");
            let table = format!(
                "create table _prisma_migrations (id varchar(36) primary key not null, checksum varchar(64) not null, \
                 finished_at {time}, migration_name varchar(255) not null, logs text, rolled_back_at {time}, \
                 started_at {time} not null default {now}, applied_steps_count {number} not null default 0);"
            );
            let users = "6869107c4910d8df4680ee89aff9924b65ae79c81b5b78478f2b12f90254f6c5";
            // The first attempt at the second failed and was rolled back.
            let rolled_back = "insert into _prisma_migrations (id, checksum, migration_name, logs, rolled_back_at, \
                 started_at) values ('00000000-0000-0000-0000-000000000009', '00', '20240102000000_pets', 'error', \
                 '2026-01-02 09:00:01', '2026-01-02 09:00:00');";
            format!(
                "{table}\n{rolled_back}\n{}{}",
                row(1, "20240101000000_users", users),
                row(2, "20240102000000_pets", &foreign::sha256(PETS))
            )
        },
        later: |_| row(3, "20240103000000_owners", &foreign::sha256(OWNERS)),
        to: None,
    }
}

fn mybatis() -> Dump {
    Dump {
        tool: "mybatis",
        layout: "mybatis",
        engines: ALL,
        files: wrapped(
            [
                "scripts/20240101000000_users.sql",
                "scripts/20240102000000_pets.sql",
                "scripts/20240103000000_owners.sql",
            ],
            |_, text| format!("-- // a table\n{text}\n-- //@UNDO\nSELECT 1;\n"),
        ),
        table: |_| {
            "create table CHANGELOG (ID numeric(20,0) not null, APPLIED_AT varchar(25) not null, \
             DESCRIPTION varchar(255) not null, constraint PK_CHANGELOG primary key (ID));\n\
             insert into CHANGELOG values (20240101000000, '2026-01-01 10:00:00', 'users'), \
             (20240102000000, '2026-01-02 10:00:00', 'pets');"
                .to_owned()
        },
        later: |_| "insert into CHANGELOG values (20240103000000, '2026-01-03 10:00:00', 'owners');".to_owned(),
        to: None,
    }
}

fn atlas() -> Dump {
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

fn supabase() -> Dump {
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

fn drizzle() -> Dump {
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

fn sql_migrate() -> Dump {
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

fn liquibase() -> Dump {
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

fn openmetadata() -> Dump {
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

fn rusqlite_migration() -> Dump {
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

fn alembic() -> Dump {
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

fn django() -> Dump {
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

fn rails() -> Dump {
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

fn sqitch() -> Dump {
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
