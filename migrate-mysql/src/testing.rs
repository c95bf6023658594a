//! A migrated database for a test. Behind the feature `testing`.

use std::sync::atomic::{AtomicU32, Ordering};

use migrate_core::error::ErrorKind;
use migrate_core::{Error, Goal, MigrationSet, Migrator};

use crate::Mysql;

/// A database that is dropped with the value.
#[derive(Debug)]
#[must_use = "it is dropped with this value"]
pub struct Scratch {
    database: Mysql,
    name: String,
}

/// A database of its own with everything in `set` applied, on the server of `server`, whose user may create databases.
///
/// These servers cannot copy a database, so the set is applied each time: a file of the set that makes a schema as it is by
/// now (`B…__….sql`) is what makes this fast.
///
/// ```no_run
/// # async fn test() -> Result<(), Box<dyn std::error::Error>> {
/// use migrate_mysql::{Mysql, testing::scratch};
///
/// let server = Mysql::from_url("mysql://root@localhost/mysql")?;
/// let scratch = scratch(&server, &migrate_mysql::embed_migrations!("tests/embedded")).await?;
/// println!("connect to the database {}", scratch.name());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of connecting, of creating a database, and of applying the set.
pub async fn scratch(server: &Mysql, set: &MigrationSet) -> Result<Scratch, Error> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("migrate_scratch_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let scratch = Scratch { database: server.with_database(&name), name };
    // Of a process of this number that is no more.
    scratch.database.drop_database().await.map_err(ErrorKind::from)?;
    scratch.database.create_database().await.map_err(ErrorKind::from)?;
    Migrator::new(scratch.database.clone(), set.clone()).goal(Goal::all()).up().await?;
    Ok(scratch)
}

impl Scratch {
    /// Where it is: what a migrator connects to.
    pub fn database(&self) -> &Mysql {
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
