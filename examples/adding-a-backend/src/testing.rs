//! What the conformance suite of `migrate-core` needs of this backend.

use migrate_core::testing;
use tempfile::TempDir;

use crate::Toy;
use crate::engine::Connection;

/// A database file of its own, removed with the value.
#[derive(Debug)]
pub struct Fixture {
    folder: TempDir,
}

impl testing::Fixture for Fixture {
    type Backend = Toy;
    type Native = Connection;

    fn create() -> Self {
        Self { folder: tempfile::tempdir().expect("the folder for temporary files can be written") }
    }

    fn backend(&self) -> Toy {
        Toy::open(self.folder.path().join("fixture.toy")).create(true)
    }

    fn alone() -> &'static str {
        "COMPACT"
    }
}
