//! The SQLite backend of `migrate`.
//!
//! ```
//! use migrate_core::Backend;
//! use migrate_sqlite::{Sqlite, blocking::block_on};
//!
//! let database = Sqlite::in_memory()?;
//! let mut session = block_on(database.connect())?;
//! let server = block_on(session.observe(&migrate_core::backend::TableName::default()))?;
//! assert!(server.objects.is_empty() && !server.read_only);
//! # Ok::<(), migrate_core::backend::ServerError>(())
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`connect`] | [`Sqlite`]: where the database is, how it is opened, created and dropped |
//! | [`url`] | `sqlite:…` URLs |
//! | [`session`] | [`SqliteSession`]: one connection, our own or the caller's |
//! | `perform` | effects → calls of SQLite |
//! | `settings` | PRAGMAs that are set, asserted and put back |
//! | `interrupt` | stopping a statement: on request, or because it ran too long |
//! | `history` | the history table |
//! | [`dialect`] | plain data about SQLite, and effects as SQL for its shell |
//! | `rebuild` | which scripts rebuild a table |
//! | `lock` | the lock of the migrations: an operating system's file lock |
//! | [`backup`] | copies of a database while it is in use |
//! | [`blocking`] | running these futures without a runtime |
//! | `error` | SQLite's result codes → what the core decides by |
//!
//! # Blocking
//! SQLite is a library and not a server: every method does its work inside the call and never yields, so no runtime is
//! needed, and none is helped. A service on a runtime wraps the whole run in its `spawn_blocking`.
//!
//! # Which SQLite
//! The application's: feature `bundled` compiles one in, otherwise the system's is linked. `rusqlite` 0.39 and 0.40
//! need SQLite 3.38, 0.41 needs 3.44.
//!
//! # Features
//! | feature | |
//! |---|---|
//! | `embed` (default) | [`embed_migrations!`]; brings `manifest` |
//! | `diagnostics` (default) | in messages the difference of two texts, whether another word was meant, carets under wide characters |
//! | `manifest` | `migrations.toml`, and what other tools leave beside their scripts: Flyway's and Diesel's settings, Drizzle's journal, `atlas.sum`; without it a set that has one is refused |
//! | `other-tools` | taking over another tool's history, writing Flyway's along, leaving again; brings `manifest` |
//! | `free-disk` | the precondition `free-space`; without it that fails |
//! | `bundled` | compiles an SQLite in, which needs a C compiler |
//! | `tracing` | spans and events of a run, for the `tracing` crate |
//! | `testing` | `testing::scratch`: a migrated database for a test; a fixture for the suite of the core |
//!
//! Without any of them scripts are run all the same, from files or from texts that are compiled in with `include_str!`
//! ([`Folder::embedded`](migrate_core::layout::Folder::embedded)), and an error says what, where and what to do next.
//!
//! # Deliberately absent
//! - Journal mode and `synchronous` are the user's: nothing here changes them.
//! - No policy: nothing here compares versions, knows what is pending, or tries anything again.
//! - No evidence about interrupted statements: what cannot share a transaction with its history row (`VACUUM`,
//!   `ATTACH`, some PRAGMAs) may simply be run again.

pub mod backup;
pub mod blocking;
pub mod connect;
pub mod dialect;
mod error;
mod history;
mod interrupt;
mod lock;
mod perform;
mod rebuild;
pub mod session;
mod settings;
#[cfg(feature = "testing")]
pub mod testing;
pub mod url;

pub use connect::{Borrowed, Sqlite};
pub use dialect::SQLITE;
pub use migrate_core as core;
pub use rusqlite;
pub use session::SqliteSession;
pub use url::UrlError;

#[cfg(feature = "embed")]
#[doc(hidden)]
pub use migrate_macros::embed as __embed;

/// A set that is read and checked at compile time: `embed_migrations!("migrations")` is an expression of type
/// [`MigrationSet`](migrate_core::MigrationSet). The folder counts from the crate's manifest.
///
/// Available with feature `embed`.
///
/// Whatever is wrong with the set is an error of the compiler that names the file, the line and the column. A file that
/// changes is seen by cargo; that one was *added* it sees only with this line in `build.rs`:
///
/// ```
/// println!("cargo::rerun-if-changed=migrations");
/// ```
///
/// The set's digest is computed by the compiler too: a program that finds everything applied parses nothing. In a debug
/// build the folder is compared with what was compiled in, where it is still there. If it differs, whatever would run
/// migrations or look for pending ones answers [`StaleBinary`](migrate_core::error::ErrorKind::StaleBinary), so that a
/// program that was not built again is not taken for a database that is behind.
///
/// ```
/// use migrate_sqlite::{Sqlite, blocking::Migrator};
///
/// let set = migrate_sqlite::embed_migrations!("tests/embedded");
/// let report = Migrator::new(Sqlite::in_memory()?, set).up()?;
/// assert_eq!(report.steps.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// ```compile_fail
/// let set = migrate_sqlite::embed_migrations!("tests/no_such_folder");
/// ```
#[cfg(feature = "embed")]
#[macro_export]
macro_rules! embed_migrations {
    ($folder:literal) => {
        $crate::__embed!(($crate::core) sqlite $folder)
    };
}

/// Says which feature is missing.
#[cfg(not(feature = "embed"))]
#[macro_export]
macro_rules! embed_migrations {
    ($($arguments:tt)*) => {
        ::core::compile_error!("embed_migrations! needs the feature `embed` of migrate-sqlite")
    };
}
