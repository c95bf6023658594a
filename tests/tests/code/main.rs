//! Work that is no single script: code of the application, statements in batches, and what is done only on request.

#![allow(clippy::unwrap_used)] // helpers of tests are tests too

use std::future::Future;
use std::path::Path;

use migrate_core::backend::Backend;
use migrate_core::layout::EngineNames;
use migrate_core::{MigrationSet, ReadOptions};
use migrate_sqlite::Sqlite;
use migrate_tests::Project;
use tokio::runtime::{Builder, Runtime};

mod batches;
mod kv;
mod screens;
#[cfg(unix)]
mod servers;

/// A database of a test's own, and how the program and this process reach it.
trait Database {
    fn engine() -> EngineNames;
    fn create() -> Self;
    /// For the program, in a project.
    fn url(&self) -> String;
    /// For this process.
    fn backend(&self, project: &Project) -> Box<dyn Backend>;
}

struct OnSqlite;

impl Database for OnSqlite {
    fn engine() -> EngineNames {
        EngineNames::SQLITE
    }

    fn create() -> Self {
        Self
    }

    fn url(&self) -> String {
        "sqlite:app.db".to_owned()
    }

    fn backend(&self, project: &Project) -> Box<dyn Backend> {
        Box::new(Sqlite::open(project.path("app.db")))
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// The set of a project.
fn set<D: Database>(folder: &Path) -> MigrationSet {
    let read = MigrationSet::read(&[folder.to_path_buf()], &ReadOptions::new(D::engine()));
    read.unwrap_or_else(|problems| panic!("{}", problems[0])).set
}

/// All cells of an answer, apart by commas; nothing where the server says no.
fn cells(backend: &dyn Backend, sql: &str) -> Option<String> {
    block_on(async {
        let mut session = backend.connect().await.unwrap();
        let rows = session.query(sql).await.ok()?;
        Some(rows.into_iter().flatten().flatten().collect::<Vec<_>>().join(","))
    })
}
