//! A fixture, sets from texts, what a database holds.

use std::future::Future;

use migrate_core::testing::Fixture;
use migrate_postgres::Postgres;
use migrate_tests::servers::{Database, Postgres as Server};
use tokio::runtime::{Builder, Runtime};

/// A database of its own on the shared server.
pub(crate) struct Fresh {
    database: Database<'static>,
}

impl Fixture for Fresh {
    type Backend = Postgres;

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
