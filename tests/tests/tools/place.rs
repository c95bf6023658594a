//! A database of a test's own, on any engine.

use std::path::PathBuf;

use migrate_tests::servers::{Database, Flavour, MySql, Postgres, mysql};
use migrate_tests::{Project, project};

/// Whose database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
    MySql,
    MariaDb,
}

impl Engine {
    /// Whether definitions commit, as those of MySQL and MariaDB do.
    pub(crate) fn commits_definitions(self) -> bool {
        matches!(self, Self::MySql | Self::MariaDb)
    }
}

/// A new, empty database.
#[derive(Debug)]
pub(crate) enum Place {
    Sqlite(PathBuf),
    Postgres(Database<'static>),
    MySql(mysql::Database<'static>),
}

impl Place {
    pub(crate) fn new(engine: Engine, project: &Project) -> Self {
        match engine {
            Engine::Sqlite => Self::Sqlite(project.path("app.db")),
            Engine::Postgres => Self::Postgres(Postgres::shared().database()),
            Engine::MySql => Self::MySql(MySql::shared(Flavour::MySql).database()),
            Engine::MariaDb => Self::MySql(MySql::shared(Flavour::MariaDb).database()),
        }
    }

    /// Its URL, as `migrate` and the programs of `tests/tools` take it.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(database) => database.url(),
            Self::MySql(database) => database.url(),
        }
    }

    /// What the native client prints.
    pub(crate) fn sql(&self, sql: &str) -> String {
        match self {
            Self::Sqlite(path) => project::query(path, sql),
            Self::Postgres(database) => database.psql(sql),
            Self::MySql(database) => database.sql(sql),
        }
    }

    /// Everything in it but what belongs to us.
    pub(crate) fn contents(&self) -> String {
        match self {
            Self::Sqlite(path) => project::contents(path),
            Self::Postgres(database) => database.contents(),
            Self::MySql(database) => database.contents(),
        }
    }

    /// A table's definition and all of its rows.
    pub(crate) fn table(&self, name: &str) -> String {
        let definition = match self {
            Self::Sqlite(_) => format!("select sql from sqlite_schema where tbl_name = '{name}' order by name"),
            Self::Postgres(_) => format!(
                "select attname, format_type(atttypid, atttypmod), attnotnull from pg_attribute \
                 where attrelid = '{name}'::regclass and attnum > 0 order by attnum"
            ),
            Self::MySql(_) => format!("show create table {name}"),
        };
        let columns = match self {
            Self::Sqlite(_) | Self::Postgres(_) => "*".to_owned(),
            // The client would print bytes as they are.
            Self::MySql(database) => database.sql(&format!(
                "select group_concat(if(data_type like '%blob', concat('hex(', column_name, ')'), \
                 concat('`', column_name, '`')) order by ordinal_position) from information_schema.columns \
                 where table_schema = database() and table_name = '{name}'"
            )),
        };
        self.sql(&definition) + &self.sql(&format!("select {columns} from {name} order by 1"))
    }

    /// Removes a table.
    pub(crate) fn drop(&self, table: &str) {
        match self {
            Self::Sqlite(path) => {
                let connection = rusqlite::Connection::open(path).expect("a database");
                connection.execute(&format!("drop table if exists {table}"), []).expect("a table that can be dropped");
            }
            Self::Postgres(_) | Self::MySql(_) => {
                self.sql(&format!("drop table if exists {table}"));
            }
        }
    }
}
