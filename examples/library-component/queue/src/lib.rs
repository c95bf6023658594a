//! A job queue in the database of whoever uses it.
//!
//! Its tables begin with `queue_`, and its history is a component of its own: the application brings it up to date
//! beside its own migrations, and an upgrade of this crate brings what it needs.

use migrate_sqlite::core::MigrationSet;
use migrate_sqlite::rusqlite::{Connection, OptionalExtension as _, Result};

/// What the tables of this version need.
pub fn migrations() -> MigrationSet {
    migrate_sqlite::embed_migrations!("migrations")
}

/// Puts a job in and gives its number. Inside a transaction of the caller's it is there once that is committed.
///
/// # Errors
/// What the database says.
pub fn put(connection: &Connection, work: &str) -> Result<i64> {
    connection.query_row("insert into queue_jobs (work) values (?1) returning id", [work], |row| row.get(0))
}

/// Takes the oldest job that nobody has taken.
///
/// # Errors
/// What the database says.
pub fn take(connection: &Connection) -> Result<Option<(i64, String)>> {
    let next = "update queue_jobs set taken = 1 where id = (select min(id) from queue_jobs where taken = 0) \
                returning id, work";
    connection.query_row(next, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}
