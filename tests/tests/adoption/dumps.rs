//! What each tool leaves in a database and in a folder: its table as it creates it, two rows, and three files.
//!
//! Everything here is written by us, from the definitions and rules that the tools' sources give.
//!
//! | file | holds |
//! |---|---|
//! | `rows` | tools that keep one table with a row a migration, or a row for all |
//! | `schemas` | tools with schemas, tables beside or a number of their own, and those whose migrations are code |

mod rows;
mod schemas;

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
        rows::flyway(),
        rows::golang_migrate(),
        rows::sqlx(),
        rows::goose(),
        rows::refinery(),
        rows::diesel(),
        rows::dbmate(),
        rows::prisma(),
        rows::mybatis(),
        schemas::atlas(),
        schemas::supabase(),
        schemas::drizzle(),
        schemas::sql_migrate(),
        schemas::liquibase(),
        schemas::openmetadata(),
        schemas::rusqlite_migration(),
        schemas::alembic(),
        schemas::django(),
        schemas::rails(),
        schemas::sqitch(),
    ]
}

pub(crate) fn named(tool: &str) -> Dump {
    all().into_iter().find(|dump| dump.tool == tool).unwrap()
}
