//! A database of a test's own, on any engine.

use std::path::PathBuf;

use crate::servers::{Database, Flavour, MySql, Postgres, mysql};
use crate::{Project, project};

/// Whose database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file.
    Sqlite,
    /// The shared server of PostgreSQL.
    Postgres,
    /// The shared server of MySQL.
    MySql,
    /// The shared server of MariaDB.
    MariaDb,
}

impl Engine {
    /// Whether definitions commit, as those of MySQL and MariaDB do.
    pub fn commits_definitions(self) -> bool {
        matches!(self, Self::MySql | Self::MariaDb)
    }
}

/// A new, empty database.
#[derive(Debug)]
pub enum Place {
    /// The file `app.db` of a project.
    Sqlite(PathBuf),
    /// A database of PostgreSQL.
    Postgres(Database<'static>),
    /// A database of MySQL or MariaDB.
    MySql(mysql::Database<'static>),
}

impl Place {
    /// Of SQLite it is in the project's folder, and comes to be when it is first opened.
    pub fn new(engine: Engine, project: &Project) -> Self {
        match engine {
            Engine::Sqlite => Self::Sqlite(project.path("app.db")),
            Engine::Postgres => Self::Postgres(Postgres::shared().database()),
            Engine::MySql => Self::MySql(MySql::shared(Flavour::MySql).database()),
            Engine::MariaDb => Self::MySql(MySql::shared(Flavour::MariaDb).database()),
        }
    }

    /// Its URL, as `migrate` and the programs of `tests/tools` take it.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Postgres(database) => database.url(),
            Self::MySql(database) => database.url(),
        }
    }

    /// What the native client prints for one statement.
    ///
    /// # Panics
    /// If the database says no.
    pub fn sql(&self, sql: &str) -> String {
        match self {
            Self::Sqlite(path) => project::query(path, sql),
            Self::Postgres(database) => database.psql(sql),
            Self::MySql(database) => database.sql(sql),
        }
    }

    /// Runs a whole script, statement by statement, as the native client does.
    ///
    /// # Panics
    /// If the database says no.
    pub fn run(&self, script: &str) {
        match self {
            Self::Sqlite(path) => {
                let connection = rusqlite::Connection::open(path).expect("a database");
                connection.execute_batch(script).unwrap_or_else(|error| panic!("{script}: {error}"));
            }
            Self::Postgres(database) => drop(database.feed(script)),
            Self::MySql(database) => drop(database.feed(script).unwrap_or_else(|error| panic!("{script}: {error}"))),
        }
    }

    /// Everything in it but what belongs to us.
    pub fn contents(&self) -> String {
        match self {
            Self::Sqlite(path) => project::contents(path),
            Self::Postgres(database) => database.contents(),
            Self::MySql(database) => database.contents(),
        }
    }

    /// A table's definition and all of its rows.
    pub fn table(&self, name: &str) -> String {
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
    pub fn drop(&self, table: &str) {
        self.run(&format!("drop table if exists {table}"));
    }
}

/// Each test, a function that takes an [`Engine`], in a module of these engines: by the modules' names the tests are left
/// out where there is no server, see `scripts/test`.
///
/// ```text
/// migrate_tests::on! { on_sqlite Sqlite, on_postgres Postgres: { the_rows_are_there } on_mysql MySql: { it_goes_on } }
/// ```
#[macro_export]
macro_rules! on {
    (@one $module:ident $engine:ident { $($test:ident)* }) => {
        mod $module {
            $(#[test]
            fn $test() {
                super::$test($crate::servers::Engine::$engine);
            })*
        }
    };
    ($($module:ident $engine:ident),+: $tests:tt $($rest:tt)*) => {
        $($crate::on! { @one $module $engine $tests })+
        $crate::on! { $($rest)* }
    };
    () => {};
}
