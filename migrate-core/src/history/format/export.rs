//! Leaving again: another tool's table, written from our history where that tool can have what is applied.
//!
//! The statements create the table and fill it, as the tool itself would have. What the tool has no row for is named,
//! and then nothing is written. Sources are those of the formats.
//!
//! Available with feature `other-tools`.

use std::time::Duration;

use crate::backend::TableName;
use crate::checksum::foreign;
use crate::history::{Entry, History, Timestamp};
use crate::migration::{Migration, MigrationId, Phase};
use crate::set::MigrationSet;

use super::Engine;
use super::flyway::write;
use super::verify::file_name;

pub use super::unwritten::{NotExported, TOOLS};

/// Another tool's table, ready to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Export {
    /// Whose.
    pub tool: &'static str,
    /// Its table.
    pub table: TableName,
    /// Definitions, without terminators. MySQL commits each.
    pub definitions: Vec<String>,
    /// Rows, without terminators.
    pub rows: Vec<String>,
}

/// Our history as `tool` would have it.
///
/// # Errors
/// Everything that the tool cannot have.
pub fn export(
    tool: &str,
    table: Option<TableName>,
    engine: Engine,
    set: &MigrationSet,
    history: &History,
) -> Result<Export, Vec<NotExported>> {
    let Some(tool) = TOOLS.iter().copied().find(|name| *name == tool) else {
        return Err(vec![NotExported::Tool(tool.to_owned())]);
    };
    let mut problems: Vec<NotExported> =
        history.open().map(|open| NotExported::Open(open.title())).into_iter().collect();
    let mut applied = Vec::new();
    for (id, state) in history.applied() {
        let entry = history.entry(state.key.seq);
        match set.get(id).or_else(|| set.renamed(id)) {
            Some(migration) => applied.push(Done { migration, entry }),
            None => problems.push(NotExported::Unknown(entry.map_or_else(|| id.to_string(), Entry::title))),
        }
    }
    let table = table.unwrap_or_else(|| TableName { schema: None, name: usual(tool).to_owned() });
    let parts = applied.iter().filter_map(|one| one.migration.id.version()?.parts().first());
    let wide = parts.into_iter().any(|part| i32::try_from(*part).is_err());
    let writer = Writer { tool, engine, table: &table, wide };
    let rows = match tool {
        "flyway" => writer.flyway(history, &applied),
        _ => writer.versions(set, &applied),
    };
    match rows {
        Ok(rows) if problems.is_empty() => {
            let definitions = writer.definitions();
            Ok(Export { tool, table, definitions, rows })
        }
        Ok(_) => Err(problems),
        Err(more) => Err([problems, more].concat()),
    }
}

/// The name its table usually has.
fn usual(tool: &str) -> &'static str {
    match tool {
        "flyway" => write::TABLE,
        "sqlx" => "_sqlx_migrations",
        "goose" => "goose_db_version",
        "refinery" => "refinery_schema_history",
        "diesel" => "__diesel_schema_migrations",
        _ => "schema_migrations",
    }
}

/// An applied migration.
struct Done<'a> {
    migration: &'a Migration,
    entry: Option<&'a Entry>,
}

struct Writer<'a> {
    tool: &'static str,
    engine: Engine,
    table: &'a TableName,
    /// A version has more than 32 bits.
    wide: bool,
}

impl Writer<'_> {
    fn definitions(&self) -> Vec<String> {
        let engine = self.engine;
        let name = engine.table(self.table);
        let of = |postgres: &str, mysql: &str, sqlite: &str| {
            let columns = match engine {
                Engine::Postgres => postgres,
                Engine::MySql | Engine::MariaDb => mysql,
                Engine::Sqlite => sqlite,
            };
            format!("CREATE TABLE {name} ({columns})")
        };
        let same = |columns: &str| of(columns, columns, columns);
        match self.tool {
            "flyway" => write::create_table(engine, self.table),
            "golang-migrate" => {
                let plain = "version bigint not null primary key, dirty boolean not null";
                let table = of(plain, plain, "version uint64,dirty bool");
                let index = format!("CREATE UNIQUE INDEX version_unique ON {name} (version)");
                if engine == Engine::Sqlite { vec![table, index] } else { vec![table] }
            }
            "sqlx" => {
                let columns = |time: &str, bytes: &str| {
                    format!(
                        "version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on {time}, \
                         success BOOLEAN NOT NULL, checksum {bytes} NOT NULL, execution_time BIGINT NOT NULL"
                    )
                };
                let other = columns("TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP", "BLOB");
                vec![of(&columns("TIMESTAMPTZ NOT NULL DEFAULT now()", "BYTEA"), &other, &other)]
            }
            "goose" => vec![of(
                "id integer PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, version_id bigint NOT NULL, \
                 is_applied boolean NOT NULL, tstamp timestamp NOT NULL DEFAULT now()",
                "id bigint(20) unsigned NOT NULL AUTO_INCREMENT, version_id bigint NOT NULL, \
                 is_applied boolean NOT NULL, tstamp timestamp NULL default now(), PRIMARY KEY(id)",
                "id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL, is_applied INTEGER NOT NULL, \
                 tstamp TIMESTAMP DEFAULT (datetime('now'))",
            )],
            "refinery" => {
                // Wider is only what the feature `int8-versions` reads.
                let version = if self.wide { "int8" } else { "int4" };
                vec![same(&format!(
                    "version {version} PRIMARY KEY, name VARCHAR(255), applied_on VARCHAR(255), checksum VARCHAR(255)"
                ))]
            }
            "diesel" => vec![same(
                "version VARCHAR(50) PRIMARY KEY NOT NULL, run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP",
            )],
            _ => {
                let shorter = "version varchar(128) primary key";
                vec![of("version varchar primary key", shorter, shorter)]
            }
        }
    }

    fn flyway(&self, history: &History, applied: &[Done<'_>]) -> Result<Vec<String>, Vec<NotExported>> {
        let (mut rows, mut problems) = (Vec::new(), Vec::new());
        if let Err(problem) = write::component(history.component()) {
            problems.push(problem.into());
        }
        let floor = history.floor().map(write::Row::baseline);
        let done = applied.iter().map(|one| {
            let elapsed = one.entry.and_then(Entry::elapsed).unwrap_or(Duration::ZERO);
            write::Row::applied(one.migration, None, elapsed)
        });
        for row in floor.into_iter().chain(done) {
            match row {
                Ok(row) => rows.push(write::insert(self.engine, self.table, &row)),
                Err(problem) => problems.push(problem.into()),
            }
        }
        if problems.is_empty() { Ok(rows) } else { Err(problems) }
    }

    /// The tools that know a migration by its version alone.
    fn versions(&self, set: &MigrationSet, applied: &[Done<'_>]) -> Result<Vec<String>, Vec<NotExported>> {
        let (mut rows, mut problems) = (Vec::new(), Vec::new());
        let name = self.engine.table(self.table);
        if self.tool == "goose" {
            let yes = self.engine.boolean(true);
            rows.push(format!("INSERT INTO {name} (version_id, is_applied) VALUES (0, {yes})"));
        }
        for one in applied {
            match self.row(one) {
                Ok(row) => rows.push(format!("INSERT INTO {name} {row}")),
                Err(problem) => problems.push(problem),
            }
        }
        if self.tool == "golang-migrate" {
            problems.extend(gaps(set, applied));
            // One row says how far it has come.
            rows.drain(..rows.len().saturating_sub(1));
        }
        if problems.is_empty() { Ok(rows) } else { Err(problems) }
    }

    fn row(&self, one: &Done<'_>) -> Result<String, NotExported> {
        let (tool, engine, migration) = (self.tool, self.engine, one.migration);
        let title = migration.title();
        let version = match &migration.id {
            MigrationId::Repeatable { .. } => return Err(NotExported::Repeatable { title, tool }),
            MigrationId::Versioned { version, phase: Phase::Pre, ordinal: 0 } => version,
            MigrationId::Versioned { .. } => return Err(NotExported::Phased { title, tool }),
        };
        let bits = if tool == "golang-migrate" { 64 } else { 63 };
        let number = match (version.suffix(), version.parts()) {
            (None, []) => Some(0),
            (None, [number]) => {
                u64::try_from(*number).ok().filter(|number| bits == 64 || i64::try_from(*number).is_ok())
            }
            _ => None,
        };
        let number = number.ok_or_else(|| NotExported::Version { title: title.clone(), tool, bits });
        let yes = engine.boolean(true);
        Ok(match tool {
            "golang-migrate" => format!("(version, dirty) VALUES ({}, {})", number?, engine.boolean(false)),
            "sqlx" => {
                let digest = foreign::sqlx(migration.up.written_file());
                let bytes = match engine {
                    Engine::Postgres => format!("decode('{digest}', 'hex')"),
                    _ => format!("x'{digest}'"),
                };
                let nanos = one.entry.and_then(Entry::elapsed).map_or(0, |elapsed| elapsed.as_nanos());
                format!(
                    "(version, description, success, checksum, execution_time) VALUES ({}, {}, {yes}, {bytes}, {nanos})",
                    number?,
                    engine.literal(&migration.description)
                )
            }
            "goose" => format!("(version_id, is_applied) VALUES ({}, {yes})", number?),
            "refinery" => {
                let number = number?;
                let name = refinery_name(migration);
                let signed = i64::try_from(number).unwrap_or(i64::MAX);
                let text = migration.up.written_file();
                // Whoever has such versions has the feature for them.
                let sum = foreign::refinery(&name, signed, text, false)
                    .or_else(|| foreign::refinery(&name, signed, text, true));
                let when = one.entry.and_then(|entry| entry.finished_at).unwrap_or(Timestamp(0));
                format!(
                    "(version, name, applied_on, checksum) VALUES ({number}, {}, '{}', '{}')",
                    engine.literal(&name),
                    rfc3339(when),
                    sum.unwrap_or_default()
                )
            }
            _ => format!("(version) VALUES ({})", engine.literal(&text_version(tool, one))),
        })
    }
}

/// What is pending below the newest applied version.
fn gaps(set: &MigrationSet, applied: &[Done<'_>]) -> Vec<NotExported> {
    let newest = applied.iter().map(|one| &one.migration.id).filter(|id| !id.is_repeatable()).max();
    let is_applied = |id: &MigrationId| applied.iter().any(|one| one.migration.id == *id);
    let below = set.versioned().iter().filter(|one| Some(&one.id) < newest && !is_applied(&one.id));
    below.map(|one| NotExported::Gap(one.title())).collect()
}

/// A version as a tool reads it from a name: diesel from the folder, dbmate from the file.
fn text_version(tool: &str, one: &Done<'_>) -> String {
    let migration = one.migration;
    let path = migration.up.path();
    let named = match tool {
        "diesel" => {
            path.rsplit(['/', '\\']).nth(1).map(|folder| folder.split('_').next().unwrap_or(folder).replace('-', ""))
        }
        _ => Some(file_name(path).chars().take_while(char::is_ascii_digit).collect()),
    };
    let version = migration.id.version();
    let same = |text: &String| text.parse().ok().as_ref() == version;
    named.filter(same).unwrap_or_else(|| version.map(ToString::to_string).unwrap_or_default())
}

/// What follows the version in the file's name.
fn refinery_name(migration: &Migration) -> String {
    let stem = file_name(migration.up.path()).trim_end_matches(".sql");
    let named = stem.strip_prefix(['V', 'U']).and_then(|rest| rest.split_once("__"));
    named.map_or_else(|| migration.description.replace(' ', "_"), |(_, name)| name.to_owned())
}

/// `2026-11-21T09:12:00Z`.
fn rfc3339(when: Timestamp) -> String {
    let seconds = when.0.div_euclid(1_000_000).rem_euclid(86_400);
    format!("{}T{:02}:{:02}:{:02}Z", when.date(), seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::checksum;
    use crate::history::{Action, EntryKey, State};
    use crate::migration::Attributes;
    use crate::source::Source;

    const USERS: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY);\n";

    fn set(files: &[(&str, &str)]) -> MigrationSet {
        let migration = |(id, path): &(&str, &str)| Migration {
            id: id.parse().unwrap(),
            description: "create users".to_owned(),
            up: Source::new(*path, USERS),
            checksum: checksum::raw(USERS),
            down: None,
            attributes: Attributes::default(),
        };
        MigrationSet::new("main", files.iter().map(migration).collect()).unwrap()
    }

    fn history(applied: &[&str]) -> History {
        let entry = |(seq, id): (u64, &&str)| {
            let key = EntryKey { component: "main".to_owned(), seq };
            let mut entry = Entry::blank(key, id.parse().unwrap(), Action::Up);
            entry.started_at = Some(Timestamp(1_767_225_600_000_000));
            entry.finished_at = Some(Timestamp(1_767_225_600_012_000));
            entry
        };
        History::fold((1..).zip(applied).map(entry).collect(), "main")
    }

    fn written(tool: &str, engine: Engine, files: &[(&str, &str)], applied: &[&str]) -> String {
        match export(tool, None, engine, &set(files), &history(applied)) {
            Ok(export) => [export.definitions, export.rows].concat().join(";\n"),
            Err(problems) => problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        }
    }

    #[test]
    fn a_table_is_what_its_tool_would_have_written() {
        let sqlx = [("1", "m/1_create_users.sql")];
        assert_snapshot!(written("sqlx", Engine::Postgres, &sqlx, &["1"]), @r#"
        CREATE TABLE "_sqlx_migrations" (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMPTZ NOT NULL DEFAULT now(), success BOOLEAN NOT NULL, checksum BYTEA NOT NULL, execution_time BIGINT NOT NULL);
        INSERT INTO "_sqlx_migrations" (version, description, success, checksum, execution_time) VALUES (1, 'create users', true, decode('bf56d804b4fa9e24aa2a3c122aaf2a88eea1e9f13d33cb772d90e0e8fa668bdf8f1ebb8de95be124e4681305e616e8f7', 'hex'), 12000000)
        "#);
        let golang = [("1", "m/000001_users.up.sql"), ("2", "m/000002_pets.up.sql")];
        assert_snapshot!(written("golang-migrate", Engine::Sqlite, &golang, &["1", "2"]), @r#"
        CREATE TABLE "schema_migrations" (version uint64,dirty bool);
        CREATE UNIQUE INDEX version_unique ON "schema_migrations" (version);
        INSERT INTO "schema_migrations" (version, dirty) VALUES (2, 0)
        "#);
        assert_snapshot!(written("goose", Engine::MySql, &golang, &["1"]), @r"
        CREATE TABLE `goose_db_version` (id bigint(20) unsigned NOT NULL AUTO_INCREMENT, version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp timestamp NULL default now(), PRIMARY KEY(id));
        INSERT INTO `goose_db_version` (version_id, is_applied) VALUES (0, 1);
        INSERT INTO `goose_db_version` (version_id, is_applied) VALUES (1, 1)
        ");
        let refinery = [("1", "m/V1__create_users.sql")];
        assert_snapshot!(written("refinery", Engine::Sqlite, &refinery, &["1"]), @r#"
        CREATE TABLE "refinery_schema_history" (version int4 PRIMARY KEY, name VARCHAR(255), applied_on VARCHAR(255), checksum VARCHAR(255));
        INSERT INTO "refinery_schema_history" (version, name, applied_on, checksum) VALUES (1, 'create_users', '2026-01-01T00:00:00Z', '18274778505149910206')
        "#);
        let diesel = [("20240131120000", "m/2024-01-31-120000_users/up.sql")];
        assert_snapshot!(written("diesel", Engine::Sqlite, &diesel, &["20240131120000"]), @r#"
        CREATE TABLE "__diesel_schema_migrations" (version VARCHAR(50) PRIMARY KEY NOT NULL, run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);
        INSERT INTO "__diesel_schema_migrations" (version) VALUES ('20240131120000')
        "#);
        let dbmate = [("20240131120000", "m/20240131120000_users.sql")];
        assert_snapshot!(written("dbmate", Engine::Postgres, &dbmate, &["20240131120000"]), @r#"
        CREATE TABLE "schema_migrations" (version varchar primary key);
        INSERT INTO "schema_migrations" (version) VALUES ('20240131120000')
        "#);
        assert_snapshot!(written("flyway", Engine::Sqlite, &refinery, &["1"]), @r#"
        CREATE TABLE "flyway_schema_history" ("installed_rank" INT NOT NULL PRIMARY KEY, "version" VARCHAR(50), "description" VARCHAR(200) NOT NULL, "type" VARCHAR(20) NOT NULL, "script" VARCHAR(1000) NOT NULL, "checksum" INT, "installed_by" VARCHAR(100) NOT NULL, "installed_on" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f','now')), "execution_time" INT NOT NULL, "success" BOOLEAN NOT NULL);
        CREATE INDEX "main"."flyway_schema_history_s_idx" ON "flyway_schema_history" ("success");
        INSERT INTO "flyway_schema_history" ("installed_rank", "version", "description", "type", "script", "checksum", "installed_by", "execution_time", "success") SELECT (SELECT COALESCE(MAX(r.n), 0) + 1 FROM (SELECT "installed_rank" AS n FROM "flyway_schema_history") r), '1', 'create users', 'SQL', 'V1__create_users.sql', -7233374, '', 12, 1
        "#);
    }

    #[test]
    fn what_a_tool_cannot_have_is_named() {
        let files = [("1.5", "m/a.sql"), ("2/post/50", "m/b.sql"), ("R view", "m/c.sql")];
        let applied = ["1.5", "2/post/50", "9", "R view"];
        assert_snapshot!(written("sqlx", Engine::Postgres, &files, &applied), @r"
        9: it is applied, and its file is not here
        1.5 create users: sqlx's versions are whole numbers of 63 bits
        2/post/50 create users: sqlx knows neither phases nor ordinals
        R view: sqlx has no repeatables
        ");
        assert_snapshot!(written("flyway", Engine::Postgres, &files, &applied), @r"
        9: it is applied, and its file is not here
        2/post/50 create users: flyway knows neither phases nor ordinals
        ");
        assert_snapshot!(written("liquibase", Engine::Postgres, &files, &applied), @"the history of `liquibase` cannot be written; these can: flyway, golang-migrate, sqlx, goose, refinery, diesel, dbmate");
        let golang = [("1", "m/1_a.up.sql"), ("2", "m/2_b.up.sql")];
        assert_snapshot!(written("golang-migrate", Engine::Postgres, &golang, &["2"]), @"1 create users: it is pending below what is applied, and golang-migrate would take it for applied");
        let mut open =
            Entry::blank(EntryKey { component: "main".to_owned(), seq: 1 }, "1".parse().unwrap(), Action::Up);
        open.state = State::Failed;
        let problems = export("sqlx", None, Engine::Sqlite, &set(&golang), &History::fold(vec![open], "main"));
        assert_eq!(problems.unwrap_err()[0].to_string(), "1: it is not finished");
    }
}
