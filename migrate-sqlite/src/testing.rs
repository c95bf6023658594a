//! What the conformance suite of `migrate-core` needs of this backend. Behind the feature `testing`; not covered by
//! semantic versioning.

use std::future::Future;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use migrate_core::testing;

use crate::Sqlite;
use crate::blocking::block_on;

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
        std::fs::create_dir(&folder).expect("the folder for temporary files can be written");
        Self { folder }
    }

    fn backend(&self) -> Sqlite {
        Sqlite::open(self.folder.join("fixture.db"))
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        block_on(future)
    }

    fn alone() -> &'static str {
        "VACUUM"
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        // What cannot be removed lies in a folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
