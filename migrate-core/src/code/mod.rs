//! Migrations whose work is code and not a script.
//!
//! | module | holds |
//! |---|---|
//! | this one | [`Code`]: the work; [`CodeMigration`]: the work and what is declared about it |
//! | [`declared`] | what a set knows of code without having it: enough to plan, to print and to compare |
//! | [`error`] | why code ended early |
//!
//! How it is carried out, with its journal, is in [`apply`](crate::apply): [`CodeContext`] is the part of it that code
//! sees.
//!
//! A set holds declarations alone, so that it stays a value and planning stays pure; the code itself is a
//! [`Migrator`](crate::Migrator)'s. In the native layout a file can declare it, `-- migrate:code CHECKSUM` and nothing
//! else, so that whoever has the files and not the application knows that there is something it cannot run:
//!
//! ```
//! # #[cfg(feature = "testing")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use migrate_core::code::{Code, CodeContext, CodeError, CodeMigration};
//! use migrate_core::testing::Memory;
//! use migrate_core::{EngineNames, Migrator, MigrationSet, ReadOptions, async_trait, layout::Folder};
//!
//! /// Copies the numbers of `a` to `b`, three at a time.
//! struct Copy;
//!
//! #[async_trait]
//! impl Code for Copy {
//!     async fn up(&self, context: &mut CodeContext<'_>) -> Result<(), CodeError> {
//!         let rows = context.query("SELECT n FROM a").await?;
//!         let done: usize = context.checkpoint().unwrap_or("0").parse()?;
//!         for (batch, rows) in rows.chunks(3).enumerate().skip(done) {
//!             for row in rows {
//!                 let n = row[0].as_deref().unwrap_or("NULL");
//!                 context.execute(&format!("INSERT INTO b VALUES ({n})")).await?;
//!             }
//!             // These rows and how far they came: both or neither.
//!             context.commit((batch + 1).to_string()).await?;
//!         }
//!         Ok(())
//!     }
//! }
//!
//! let folder = Folder::embedded("migrations", [
//!     ("1_create.sql", "CREATE TABLE a (n INTEGER); CREATE TABLE b (n INTEGER); INSERT INTO a VALUES (7);"),
//!     ("2_copy.sql", "-- migrate:code copy-1\n"),
//! ]);
//! let engine = EngineNames { syntax: migrate_core::testing::memory::TRANSACTIONAL.syntax, ..EngineNames::SQLITE };
//! let set = MigrationSet::from_folder(&folder, &ReadOptions::new(engine)).map_err(|problems| problems[0].to_string())?.set;
//! let copy = CodeMigration::new("2".parse()?, "copy", "copy-1", Copy).in_batches();
//! let migrator = Migrator::new(Memory::transactional(), set).with_code([copy])?;
//! assert_eq!(futures_executor::block_on(migrator.up())?.steps.len(), 2);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "testing"))]
//! # fn main() {}
//! ```

pub mod declared;
pub mod error;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::checksum;
use crate::migration::{Attributes, Migration, MigrationId};
use crate::source::Source;

pub use crate::apply::code::CodeContext;
pub use declared::{CodeRuns, CodeWork, Restart};
pub use error::{CodeError, ContextError};

/// What a migration does where SQL alone cannot say it.
///
/// It runs on the connection of the run, under the lock of the migrations, which it must not give up. It is called
/// again after a crash as was [declared](CodeRuns), so what it keeps in memory, or does outside of the database, must
/// not matter.
#[async_trait]
pub trait Code: Send + Sync {
    /// The way forward.
    ///
    /// # Errors
    /// Whatever keeps it from its end. What it did since the last commit is rolled back, where it runs in transactions.
    async fn up(&self, context: &mut CodeContext<'_>) -> Result<(), CodeError>;

    /// The way back of code that was declared [reversible](CodeMigration::reversible).
    ///
    /// # Errors
    /// As of [`up`](Self::up).
    async fn down(&self, context: &mut CodeContext<'_>) -> Result<(), CodeError> {
        let _ = context;
        Err(CodeError::new("it was declared reversible, and has no down"))
    }

    /// Removes what an attempt left that did not come to its end, for code that starts over
    /// ([`Restart::FromScratch`]). It may find nothing, or be called twice.
    ///
    /// # Errors
    /// As of [`up`](Self::up).
    async fn reset(&self, context: &mut CodeContext<'_>) -> Result<(), CodeError> {
        let _ = context;
        Ok(())
    }
}

/// Code, where it stands among the migrations of a set, and how it runs. Without a further word it is one transaction
/// with its row in the history.
#[derive(Clone)]
pub struct CodeMigration {
    migration: Migration,
    code: Arc<dyn Code>,
}

impl CodeMigration {
    /// Code with a place in the order of the set.
    ///
    /// `checksum` says which code it is: it is compared with that of what was applied, as the text of a script is. A
    /// number that is counted up by hand will do, or a digest of the source:
    /// `migrate_core::checksum::raw(include_str!("kv.rs"))`.
    pub fn new(
        id: MigrationId,
        description: impl Into<String>,
        checksum: impl AsRef<str>,
        code: impl Code + 'static,
    ) -> Self {
        let migration = Migration {
            id,
            description: description.into(),
            up: Source::new(declared::REGISTERED, ""),
            checksum: checksum::of_code(checksum.as_ref()),
            down: None,
            attributes: Attributes {
                code: Some(CodeWork { runs: Some(CodeRuns::InTransaction), ..CodeWork::in_language("Rust") }),
                ..Attributes::default()
            },
        };
        Self { migration, code: Arc::new(code) }
    }

    /// In transactions of its own, each of which [ends](CodeContext::commit) with a checkpoint to go on from.
    #[must_use]
    pub fn in_batches(self) -> Self {
        self.running(CodeRuns::InBatches)
    }

    /// Outside of a transaction: for what cannot be in one, or has effects elsewhere.
    #[must_use]
    pub fn outside_transaction(self, restart: Restart) -> Self {
        self.running(CodeRuns::Outside(restart))
    }

    /// It has a [`down`](Code::down), which a release that has the code can run. Others have no way back.
    #[must_use]
    pub fn reversible(mut self) -> Self {
        self.work().has_down = true;
        self
    }

    /// What is said of it as of any other migration, the settings of its session and its time limits among it. What the
    /// file says that declares it goes before this.
    #[must_use]
    pub fn attributes(mut self, attributes: Attributes) -> Self {
        let code = self.migration.attributes.code.take();
        self.migration.attributes = Attributes { code, ..attributes };
        self
    }

    /// What the set is told.
    pub fn declaration(&self) -> &Migration {
        &self.migration
    }

    pub(crate) fn into_code(self) -> Arc<dyn Code> {
        self.code
    }

    fn running(mut self, runs: CodeRuns) -> Self {
        self.work().runs = Some(runs);
        self
    }

    fn work(&mut self) -> &mut CodeWork {
        self.migration.attributes.code.get_or_insert_with(|| CodeWork::in_language("Rust"))
    }
}

impl fmt::Debug for CodeMigration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodeMigration").field("migration", &self.migration).finish_non_exhaustive()
    }
}

/// The code that a migrator has, by what it belongs to.
pub(crate) type Codes = BTreeMap<MigrationId, Arc<dyn Code>>;
