//! A fixture, sets from texts, what a database holds.

use std::future::Future;

use migrate_core::testing::Fixture;
use migrate_mysql::Mysql;
use migrate_tests::servers::MySql as Server;
use migrate_tests::servers::mysql::Database;
use tokio::runtime::{Builder, Runtime};

use super::FLAVOUR;

/// A database of its own on the shared server.
pub(crate) struct Fresh {
    database: Database<'static>,
}

impl Fixture for Fresh {
    type Backend = Mysql;

    fn create() -> Self {
        Self { database: Server::shared(FLAVOUR).database() }
    }

    fn backend(&self) -> Mysql {
        backend(&self.database.url())
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        block_on(future)
    }

    fn alone() -> &'static str {
        "ANALYZE TABLE a"
    }
}

/// A backend for a URL.
pub(crate) fn backend(url: &str) -> Mysql {
    Mysql::from_url(url).expect("a URL of ours")
}

/// Runs a future on a runtime that lives as long as the thread: what keeps a lease is a task of its own, which must still
/// be there at the next call.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}
