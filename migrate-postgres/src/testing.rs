//! A migrated database for a test. Behind the feature `testing`.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use migrate_core::backend::ServerError;
use migrate_core::error::ErrorKind;
use migrate_core::{Error, Goal, MigrationSet, Migrator};
use tokio_postgres::error::SqlState;

use crate::Postgres;
use crate::connect::quoted;
use crate::error::server_error;

/// A database that is dropped with the value, whoever is still connected.
#[derive(Debug)]
#[must_use = "it is dropped with this value"]
pub struct Scratch {
    database: Postgres,
    name: String,
}

/// A database of its own with everything in `set` applied, on the server of `server`, whose user may create databases.
///
/// The set is applied once, to a template whose name has the set's digest in it; each call after that is a copy made by the
/// server. Templates stay when the tests are over, so that the next run of the tests is fast too: they are called
/// `migrate_template_…` and may be dropped whenever no test is running.
///
/// ```no_run
/// # async fn test() -> Result<(), Box<dyn std::error::Error>> {
/// use migrate_postgres::{Postgres, testing::scratch};
///
/// let server = Postgres::from_url("postgres://postgres@localhost/postgres")?;
/// let scratch = scratch(&server, &migrate_postgres::embed_migrations!("tests/embedded")).await?;
/// println!("connect to the database {}", scratch.name());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of connecting, of creating a database, and of applying the set.
pub async fn scratch(server: &Postgres, set: &MigrationSet) -> Result<Scratch, Error> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let template = template(server, set).await?;
    let name = format!("migrate_scratch_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    // Of a process of this number that is no more.
    let scratch = Scratch { database: server.with_database(&name), name };
    let sql = format!("CREATE DATABASE {} TEMPLATE {}", quoted(&scratch.name), quoted(&template));
    scratch.database.drop_database().await.map_err(ErrorKind::from)?;
    execute(server, &sql).await?;
    Ok(scratch)
}

/// The database that has the set and that nobody uses; made where it is not there yet.
async fn template(server: &Postgres, set: &MigrationSet) -> Result<String, Error> {
    // Names are short; 64 bits of the digest tell sets apart.
    let digits = set.digest().rsplit(':').next().unwrap_or_default();
    let key: String = digits.chars().take(16).collect();
    let (name, draft) = (format!("migrate_template_{key}"), format!("migrate_draft_{key}"));
    let link = server.open().await.map_err(ErrorKind::from)?;
    let there = format!("SELECT 1 FROM pg_database WHERE datname = '{name}'");
    let lock = format!("SELECT pg_try_advisory_lock(hashtext('{name}'))");
    let has = |rows: Vec<tokio_postgres::SimpleQueryMessage>, wanted: &str| {
        crate::session::cells(&rows).into_iter().flatten().flatten().any(|cell| cell == wanted)
    };
    let failed = |error: tokio_postgres::Error| Error::from(ErrorKind::from(server_error(&error)));
    loop {
        if has(link.client.simple_query(&there).await.map_err(failed)?, "1") {
            return Ok(name);
        }
        // Of several that find it missing one makes it.
        if has(link.client.simple_query(&lock).await.map_err(failed)?, "t") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    if !has(link.client.simple_query(&there).await.map_err(failed)?, "1") {
        let database = server.with_database(&draft);
        // Half-made by a process that is no more.
        database.drop_database().await.map_err(ErrorKind::from)?;
        database.create_database().await.map_err(ErrorKind::from)?;
        Migrator::new(database, set.clone()).goal(Goal::all()).up().await?;
        // Under its name it is complete, whoever is killed when. The server takes a moment to see that we are gone.
        let rename = format!("ALTER DATABASE {} RENAME TO {}", quoted(&draft), quoted(&name));
        while let Err(error) = link.client.batch_execute(&rename).await {
            if error.code() != Some(&SqlState::OBJECT_IN_USE) {
                return Err(failed(error));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    Ok(name)
}

async fn execute(server: &Postgres, sql: &str) -> Result<(), Error> {
    let link = server.open().await.map_err(ErrorKind::from)?;
    let done: Result<(), ServerError> = link.client.batch_execute(sql).await.map_err(|error| server_error(&error));
    Ok(done.map_err(ErrorKind::from)?)
}

impl Scratch {
    /// Where it is: what a migrator connects to.
    pub fn database(&self) -> &Postgres {
        &self.database
    }

    /// Its name, on the server that was given.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let database = self.database.clone();
        // The test's runtime may be the one of this thread, and cannot wait here. Whoever panics here ends the process.
        let _ = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(database.drop_database()))
        })
        .join();
    }
}
