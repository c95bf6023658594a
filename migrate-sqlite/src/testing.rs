//! A migrated database for a test, and what the conformance suite of `migrate-core` needs of this backend. Behind the
//! feature `testing`; [`Fixture`] is not covered by semantic versioning.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use migrate_core::backend::{Fault, ServerError};
use migrate_core::error::ErrorKind;
use migrate_core::{Error, Goal, MigrationSet, testing};

use crate::Sqlite;
use crate::blocking::Migrator;

/// A database file in a folder of its own among the temporary files, removed with the value.
#[derive(Debug)]
#[must_use = "it is dropped with this value"]
pub struct Scratch {
    fixture: Fixture,
}

/// A database of its own with everything in `set` applied.
///
/// A set is applied once a process; each call after that writes a copy of the file.
///
/// ```
/// let set = migrate_sqlite::embed_migrations!("tests/embedded");
/// let scratch = migrate_sqlite::testing::scratch(&set)?;
/// let connection = migrate_sqlite::rusqlite::Connection::open(scratch.path())?;
/// connection.execute("insert into notes (body) values ('mine alone')", [])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Those of applying the set, and if no temporary file can be written.
pub fn scratch(set: &MigrationSet) -> Result<Scratch, Error> {
    static FILES: Mutex<BTreeMap<String, Vec<u8>>> = Mutex::new(BTreeMap::new());
    let scratch = Scratch { fixture: <Fixture as testing::Fixture>::create() };
    let path = scratch.path();
    let failed = |what: &str, error: &std::io::Error| {
        ErrorKind::from(ServerError::new(Fault::Refused, format!("{} cannot be {what}: {error}", path.display())))
    };
    // Several tests that come at once wait for the first: that is faster than doing its work again.
    let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(bytes) = files.get(set.digest()) {
        fs::write(&path, bytes).map_err(|error| failed("written", &error))?;
    } else {
        Migrator::new(scratch.database(), set.clone()).goal(Goal::all()).up()?;
        files.insert(set.digest().to_owned(), fs::read(&path).map_err(|error| failed("read", &error))?);
    }
    Ok(scratch)
}

impl Scratch {
    /// Where it is: what a migrator connects to.
    pub fn database(&self) -> Sqlite {
        Sqlite::open(self.path())
    }

    /// The file.
    pub fn path(&self) -> PathBuf {
        self.fixture.path()
    }
}

/// A database file of its own, removed with the value.
#[derive(Debug)]
pub struct Fixture {
    folder: PathBuf,
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

impl testing::Fixture for Fixture {
    type Backend = Sqlite;
    type Native = rusqlite::Connection;

    fn create() -> Self {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("migrate-sqlite-{}-{number}", std::process::id()));
        fs::create_dir(&folder).expect("the folder for temporary files can be written");
        Self { folder }
    }

    fn backend(&self) -> Sqlite {
        Sqlite::open(self.path())
    }

    fn alone() -> &'static str {
        "VACUUM"
    }
}

impl Fixture {
    fn path(&self) -> PathBuf {
        self.folder.join("fixture.db")
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // What cannot be removed lies in a folder for temporary files.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
