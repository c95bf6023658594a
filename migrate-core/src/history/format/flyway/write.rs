//! Writing Flyway's table: its definition, its rows, and what is not a row of it.
//!
//! Flyway reads ten columns by name and validates version, type, description and checksum of each versioned row. A
//! row of ours is one that Flyway itself would have written. Source: Flyway 13.0.0; a table written like this was
//! validated and continued by 7.15.0.

use std::time::Duration;

use crate::backend::TableName;
use crate::set::MigrationSet;

use super::super::engine::Engine;

pub use super::super::unwritten::NotInFlyway;

/// The table where nobody chose another name.
pub const TABLE: &str = "flyway_schema_history";

/// What Flyway calls a baseline that nobody described.
pub const BASELINE: &str = "<< Flyway Baseline >>";

/// A row, without what the server fills in: its rank, its time, and who installed it where that is not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// As the author wrote it, with dots; `None` for a repeatable.
    pub version: Option<String>,
    /// At most 200 characters.
    pub description: String,
    /// What it is.
    pub kind: Kind,
    /// The file, relative to its location.
    pub script: String,
    /// Flyway's own, [`foreign::flyway`](crate::checksum::foreign::flyway); `None` for a baseline.
    pub checksum: Option<i32>,
    /// Who; `None` is the user of the connection.
    pub installed_by: Option<String>,
    /// How long it took.
    pub execution_time: Elapsed,
    /// `false` only for what failed outside a transaction.
    pub success: bool,
}

/// How long a migration took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elapsed {
    /// Milliseconds.
    Millis(i32),
    /// As long as the transaction in which the row is written, by the server's clock. SQLite has none that would tell:
    /// there it is nothing.
    OfTransaction,
}

impl Elapsed {
    /// A time that was measured.
    pub fn of(elapsed: Duration) -> Self {
        Self::Millis(i32::try_from(elapsed.as_millis()).unwrap_or(i32::MAX))
    }

    fn sql(self, engine: Engine) -> String {
        match (self, engine) {
            (Self::Millis(millis), _) => millis.to_string(),
            (Self::OfTransaction, Engine::Postgres) => {
                "CAST(EXTRACT(EPOCH FROM clock_timestamp() - now()) * 1000 AS integer)".to_owned()
            }
            // The backend keeps there when the transaction began.
            (Self::OfTransaction, Engine::MySql | Engine::MariaDb) => {
                "COALESCE(TIMESTAMPDIFF(MICROSECOND, @migrate_began, UTC_TIMESTAMP(6)) DIV 1000, 0)".to_owned()
            }
            (Self::OfTransaction, Engine::Sqlite) => "0".to_owned(),
        }
    }
}

/// The types of rows that we write; those that only a commercial edition could read are not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A versioned or repeatable script.
    Sql,
    /// A baseline migration, `B2__all.sql`, which did the work of all versions up to its own.
    SqlBaseline,
    /// What a `baseline` writes; Flyway knows it as such in the first two rows only.
    Baseline,
    /// A tombstone: a file of that version is pending again.
    Delete,
}

impl Kind {
    fn text(self) -> &'static str {
        match self {
            Self::Sql => "SQL",
            Self::SqlBaseline => "SQL_BASELINE",
            Self::Baseline => "BASELINE",
            Self::Delete => "DELETE",
        }
    }
}

/// Whether the rows of a component can be written at all.
///
/// # Errors
/// For any component but [`MigrationSet::MAIN`].
pub fn component(component: &str) -> Result<(), NotInFlyway> {
    if component == MigrationSet::MAIN { Ok(()) } else { Err(NotInFlyway::Component(component.to_owned())) }
}

/// The table's definition, as Flyway 13 creates it: statements without terminators. They fail where the table exists.
pub fn create_table(engine: Engine, table: &TableName) -> Vec<String> {
    let (name, index) = (engine.table(table), engine.name(&format!("{}_s_idx", table.name)));
    let key = engine.name(&format!("{}_pk", table.name));
    let column = |column: &str| engine.name(column);
    let columns = |rank: &str, integer: &str, time: &str, truth: &str| {
        let text = |length: usize| format!("VARCHAR({length})");
        [
            format!("{} {rank}", column("installed_rank")),
            format!("{} {}", column("version"), text(50)),
            format!("{} {} NOT NULL", column("description"), text(200)),
            format!("{} {} NOT NULL", column("type"), text(20)),
            format!("{} {} NOT NULL", column("script"), text(1_000)),
            format!("{} {integer}", column("checksum")),
            format!("{} {} NOT NULL", column("installed_by"), text(100)),
            format!("{} {time}", column("installed_on")),
            format!("{} {integer} NOT NULL", column("execution_time")),
            format!("{} {truth} NOT NULL", column("success")),
        ]
        .join(", ")
    };
    let success = column("success");
    match engine {
        Engine::Postgres => vec![
            format!(
                "CREATE TABLE {name} ({})",
                columns("INT NOT NULL", "INTEGER", "TIMESTAMP NOT NULL DEFAULT now()", "BOOLEAN")
            ),
            format!("ALTER TABLE {name} ADD CONSTRAINT {key} PRIMARY KEY ({})", column("installed_rank")),
            format!("CREATE INDEX {index} ON {name} ({success})"),
        ],
        Engine::MySql | Engine::MariaDb => {
            let constraint = if engine == Engine::MySql { format!("CONSTRAINT {key} ") } else { String::new() };
            vec![
                format!(
                    "CREATE TABLE {name} ({}, {constraint}PRIMARY KEY ({}))",
                    columns("INT NOT NULL", "INT", "TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP", "BOOL"),
                    column("installed_rank")
                ),
                format!("CREATE INDEX {index} ON {name} ({success})"),
            ]
        }
        Engine::Sqlite => {
            let now = "TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f','now'))";
            let schema = table.schema.as_deref().unwrap_or("main");
            vec![
                format!("CREATE TABLE {name} ({})", columns("INT NOT NULL PRIMARY KEY", "INT", now, "BOOLEAN")),
                format!("CREATE INDEX {}.{index} ON {} ({success})", engine.name(schema), engine.name(&table.name)),
            ]
        }
    }
}

/// Appends a row behind all others.
pub fn insert(engine: Engine, table: &TableName, row: &Row) -> String {
    let installed_by = match &row.installed_by {
        Some(by) => engine.literal(by),
        None => current_user(engine).to_owned(),
    };
    let values = [
        next_rank(engine, table),
        engine.optional(row.version.as_deref()),
        engine.literal(&row.description),
        engine.literal(row.kind.text()),
        engine.literal(&row.script),
        row.checksum.map_or_else(|| "NULL".to_owned(), |sum| sum.to_string()),
        installed_by,
        row.execution_time.sql(engine),
        engine.boolean(row.success).to_owned(),
    ];
    // A subquery in VALUES may not read the table that is written, in MySQL; a SELECT may.
    format!("INSERT INTO {} ({}) SELECT {}", engine.table(table), columns(engine), values.join(", "))
}

/// Says that a version is no longer applied: Flyway then takes its file for pending. Does nothing where it never was.
pub fn delete(engine: Engine, table: &TableName, version: &str) -> String {
    let name = engine.table(table);
    let column = |column: &str| format!("o.{}", engine.name(column));
    format!(
        "INSERT INTO {name} ({}) SELECT {}, {}, {}, {}, {}, {}, {}, 0, {} FROM {name} o WHERE {} = \
         (SELECT MAX({}) FROM {name} o WHERE {} = {} AND {} <> 'DELETE' AND {} = {})",
        columns(engine),
        next_rank(engine, table),
        column("version"),
        column("description"),
        engine.literal(Kind::Delete.text()),
        column("script"),
        column("checksum"),
        current_user(engine),
        engine.boolean(true),
        column("installed_rank"),
        column("installed_rank"),
        column("version"),
        engine.literal(version),
        column("type"),
        column("success"),
        engine.boolean(true),
    )
}

/// Takes the row of a failed attempt away, as Flyway's own repair does.
pub fn forget_failure(engine: Engine, table: &TableName, row: &Row) -> String {
    match &row.version {
        Some(version) => forget_failures_of(engine, table, version),
        None => forget(engine, table, "description", &row.description),
    }
}

/// Takes the rows of failed attempts at a version away.
pub(crate) fn forget_failures_of(engine: Engine, table: &TableName, version: &str) -> String {
    forget(engine, table, "version", version)
}

fn forget(engine: Engine, table: &TableName, column: &str, value: &str) -> String {
    let which = format!("{} = {}", engine.name(column), engine.literal(value));
    format!(
        "DELETE FROM {} WHERE {} = {} AND {which}",
        engine.table(table),
        engine.name("success"),
        engine.boolean(false)
    )
}

/// Writes description, type and checksum of an applied version anew, as Flyway's own repair does after a file was
/// changed. For a repeatable Flyway appends a row instead.
pub fn repair(engine: Engine, table: &TableName, row: &Row) -> Option<String> {
    let version = row.version.as_deref()?;
    let set = |column: &str, value: String| format!("{} = {value}", engine.name(column));
    Some(format!(
        "UPDATE {} SET {}, {} WHERE {} = {} AND {} = 'SQL'",
        engine.table(table),
        set("description", engine.literal(&row.description)),
        set("checksum", row.checksum.map_or_else(|| "NULL".to_owned(), |sum| sum.to_string())),
        engine.name("version"),
        engine.literal(version),
        engine.name("type")
    ))
}

fn next_rank(engine: Engine, table: &TableName) -> String {
    // Derived, so that MySQL reads the table before it writes it.
    format!(
        "(SELECT COALESCE(MAX(r.n), 0) + 1 FROM (SELECT {} AS n FROM {}) r)",
        engine.name("installed_rank"),
        engine.table(table)
    )
}

/// Who Flyway says it was, where nobody told it.
fn current_user(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => "current_user",
        Engine::MySql | Engine::MariaDb => "SUBSTRING_INDEX(USER(), '@', 1)",
        Engine::Sqlite => "''",
    }
}

fn columns(engine: Engine) -> String {
    [
        "installed_rank",
        "version",
        "description",
        "type",
        "script",
        "checksum",
        "installed_by",
        "execution_time",
        "success",
    ]
    .map(|column| engine.name(column))
    .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum;
    use crate::migration::{Attributes, Migration};
    use crate::source::Source;

    fn migration(id: &str, path: &str, text: &str) -> Migration {
        Migration {
            id: id.parse().unwrap(),
            description: "create users".to_owned(),
            up: Source::new(path, text),
            checksum: checksum::raw(text),
            down: None,
            attributes: Attributes::default(),
        }
    }

    #[test]
    fn a_row_is_what_flyway_derives_from_the_file() {
        let row = |id: &str, path: &str, root| {
            let migration = migration(id, path, "CREATE TABLE users (id INTEGER PRIMARY KEY);\n");
            let row = Row::applied(&migration, root, Duration::from_millis(7)).unwrap();
            (row.version, row.description, row.script, row.checksum, row.execution_time.sql(Engine::Sqlite))
        };
        let users = Some(-7_233_374);
        let text = |text: &str| text.to_owned();
        assert_eq!(
            row("1.1", "db/migration/sub/V1_1__add__name__x.sql", Some("db/migration")),
            (Some(text("1.1")), text("add  name  x"), text("sub/V1_1__add__name__x.sql"), users, text("7"))
        );
        assert_eq!(
            row("003", "m/V003___x.SQL", None),
            (Some(text("003")), text(" x"), text("V003___x.SQL"), users, text("7"))
        );
        assert_eq!(
            row("R user view", "m/R__user_view.sql", None),
            (None, text("user view"), text("R__user_view.sql"), users, text("7"))
        );
        // Files that Flyway would not know are described as we do.
        assert_eq!(
            row("0001", "m/0001_create_users.sql", None),
            (Some(text("0001")), text("create users"), text("0001_create_users.sql"), users, text("7"))
        );
    }

    #[test]
    fn what_flyway_cannot_have_says_why() {
        let refused = |id: &str| Row::applied(&migration(id, "m/a.sql", ""), None, Duration::ZERO).unwrap_err();
        assert_eq!(
            refused("2.1/pre/03").to_string(),
            "2.1/pre/03 create users: flyway knows neither phases nor ordinals"
        );
        assert_eq!(refused("1.0-collate").to_string(), "1.0-collate create users: flyway's versions have no suffix");
        assert!(component("main").is_ok());
        assert_eq!(
            component("billing").unwrap_err().to_string(),
            "component billing: flyway knows no components, only main can be written"
        );
    }

    #[test]
    fn long_names_are_cut_as_flyway_cuts_them() {
        let name = format!("m/V1__{}.sql", "x".repeat(300));
        let row = Row::applied(&migration("1", &name, ""), None, Duration::ZERO).unwrap();
        assert_eq!(row.description, format!("{}...", "x".repeat(197)));
        let deep = format!("m/{}/V1__a.sql", "y".repeat(1_200));
        let row = Row::applied(&migration("1", &deep, ""), Some("m"), Duration::ZERO).unwrap();
        assert_eq!((row.script.len(), &row.script[..4]), (1_000, "...y"));
    }

    #[test]
    fn the_table_is_written_as_flyway_writes_it() {
        let table = TableName { schema: Some("public".to_owned()), name: TABLE.to_owned() };
        let row = Row::applied(&migration("1", "m/V1__a.sql", "x"), None, Duration::ZERO).unwrap();
        let mut sql = create_table(Engine::Postgres, &table);
        sql.push(insert(Engine::Postgres, &table, &row));
        insta::assert_snapshot!(sql.join(";\n"), @r#"
        CREATE TABLE "public"."flyway_schema_history" ("installed_rank" INT NOT NULL, "version" VARCHAR(50), "description" VARCHAR(200) NOT NULL, "type" VARCHAR(20) NOT NULL, "script" VARCHAR(1000) NOT NULL, "checksum" INTEGER, "installed_by" VARCHAR(100) NOT NULL, "installed_on" TIMESTAMP NOT NULL DEFAULT now(), "execution_time" INTEGER NOT NULL, "success" BOOLEAN NOT NULL);
        ALTER TABLE "public"."flyway_schema_history" ADD CONSTRAINT "flyway_schema_history_pk" PRIMARY KEY ("installed_rank");
        CREATE INDEX "flyway_schema_history_s_idx" ON "public"."flyway_schema_history" ("success");
        INSERT INTO "public"."flyway_schema_history" ("installed_rank", "version", "description", "type", "script", "checksum", "installed_by", "execution_time", "success") SELECT (SELECT COALESCE(MAX(r.n), 0) + 1 FROM (SELECT "installed_rank" AS n FROM "public"."flyway_schema_history") r), '1', 'a', 'SQL', 'V1__a.sql', -1931733373, current_user, 0, true
        "#);
        let table = TableName { schema: None, name: TABLE.to_owned() };
        let mut sql = create_table(Engine::MySql, &table);
        sql.push(delete(Engine::MySql, &table, "1"));
        insta::assert_snapshot!(sql.join(";\n"), @r"
        CREATE TABLE `flyway_schema_history` (`installed_rank` INT NOT NULL, `version` VARCHAR(50), `description` VARCHAR(200) NOT NULL, `type` VARCHAR(20) NOT NULL, `script` VARCHAR(1000) NOT NULL, `checksum` INT, `installed_by` VARCHAR(100) NOT NULL, `installed_on` TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, `execution_time` INT NOT NULL, `success` BOOL NOT NULL, CONSTRAINT `flyway_schema_history_pk` PRIMARY KEY (`installed_rank`));
        CREATE INDEX `flyway_schema_history_s_idx` ON `flyway_schema_history` (`success`);
        INSERT INTO `flyway_schema_history` (`installed_rank`, `version`, `description`, `type`, `script`, `checksum`, `installed_by`, `execution_time`, `success`) SELECT (SELECT COALESCE(MAX(r.n), 0) + 1 FROM (SELECT `installed_rank` AS n FROM `flyway_schema_history`) r), o.`version`, o.`description`, 'DELETE', o.`script`, o.`checksum`, SUBSTRING_INDEX(USER(), '@', 1), 0, 1 FROM `flyway_schema_history` o WHERE o.`installed_rank` = (SELECT MAX(o.`installed_rank`) FROM `flyway_schema_history` o WHERE o.`version` = '1' AND o.`type` <> 'DELETE' AND o.`success` = 1)
        ");
        let mut sql = create_table(Engine::Sqlite, &table);
        sql.push(forget_failure(Engine::Sqlite, &table, &row));
        sql.extend(repair(Engine::Sqlite, &table, &row));
        insta::assert_snapshot!(sql.join(";\n"), @r#"
        CREATE TABLE "flyway_schema_history" ("installed_rank" INT NOT NULL PRIMARY KEY, "version" VARCHAR(50), "description" VARCHAR(200) NOT NULL, "type" VARCHAR(20) NOT NULL, "script" VARCHAR(1000) NOT NULL, "checksum" INT, "installed_by" VARCHAR(100) NOT NULL, "installed_on" TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f','now')), "execution_time" INT NOT NULL, "success" BOOLEAN NOT NULL);
        CREATE INDEX "main"."flyway_schema_history_s_idx" ON "flyway_schema_history" ("success");
        DELETE FROM "flyway_schema_history" WHERE "success" = 0 AND "version" = '1';
        UPDATE "flyway_schema_history" SET "description" = 'a', "checksum" = -1931733373 WHERE "version" = '1' AND "type" = 'SQL'
        "#);
    }
}
