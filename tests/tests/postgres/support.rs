//! A fixture, sets from texts, what a database holds.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use migrate_core::layout::Folder;
use migrate_core::testing::Fixture;
use migrate_core::{EngineNames, MigrationSet, Migrator, ReadOptions, RunOptions};
use migrate_postgres::Postgres;
use migrate_tests::difference;
use migrate_tests::project::Files;
use migrate_tests::servers::{Database, Postgres as Server};
use tokio::runtime::{Builder, Runtime};

/// A database of its own on the shared server.
pub(crate) struct Fresh {
    database: Database<'static>,
}

impl Fixture for Fresh {
    type Backend = Postgres;
    type Native = migrate_postgres::tokio_postgres::Client;

    fn create() -> Self {
        Self { database: Server::shared().database() }
    }

    fn backend(&self) -> Postgres {
        backend(&self.database.url())
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        block_on(future)
    }

    fn alone() -> &'static str {
        "VACUUM"
    }
}

/// A backend for a URL.
pub(crate) fn backend(url: &str) -> Postgres {
    Postgres::from_url(url).expect("a URL of ours")
}

/// Runs a future on a runtime that lives as long as the thread: connections are driven by tasks of their own, which must
/// still be there at the next call.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// The files as a set.
pub(crate) fn set(files: Files<'_>) -> MigrationSet {
    let files = files.iter().map(|(name, text)| (format!("{name}.sql"), *text));
    let folder = Folder::embedded("migrations", files);
    let loaded = MigrationSet::from_folder(&folder, &ReadOptions::new(EngineNames::POSTGRES));
    loaded.unwrap_or_else(|problems| panic!("{}", problems[0])).set
}

/// A migrator that gives up where the connection is lost.
pub(crate) fn fragile(url: &str, set: &MigrationSet) -> Migrator {
    let mut options = RunOptions::default();
    options.reconnect_for = Duration::ZERO;
    Migrator::new(backend(url), set.clone()).options(options)
}

/// Panics unless the database is as an undisturbed run leaves it, everything is applied, and each migration once.
pub(crate) fn assert_whole(database: &Database<'_>, set: &MigrationSet, expected: &str, context: &str) {
    let found = database.contents();
    assert!(found == expected, "{context}: not what an undisturbed run leaves\n{}", difference(&found, expected));
    let check = block_on(fragile(&database.url(), set).check()).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert!(check.is_current(), "{context}: {check:?}");
    let rows = database.psql(
        "select version, string_agg(state, ' ' order by seq) from migrate_history \
         group by version, phase, ordinal having count(*) filter (where state = 'done') <> 1 \
         or count(*) filter (where state not in ('done', 'interrupted', 'failed')) > 0",
    );
    assert_eq!(rows, "", "{context}: not once");
}

/// Raises a flag when it is dropped, also by a panic: a scope waits for its threads, whatever happened.
pub(crate) struct AtEnd<'a>(pub(crate) &'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
