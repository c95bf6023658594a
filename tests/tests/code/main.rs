//! Work that is no single script: code of the application, statements in batches, and what is done only on request.

#![allow(clippy::unwrap_used)] // helpers of tests are tests too

use std::path::Path;

use migrate_core::backend::Backend;
use migrate_core::{MigrationSet, ReadOptions};
use migrate_tests::backends::{Database, block_on};

mod batches;
mod kv;
mod screens;
#[cfg(unix)]
mod servers;

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
