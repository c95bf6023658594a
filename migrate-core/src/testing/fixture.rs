//! What the conformance suite needs of a backend, and the small sets it runs.

use std::future::Future;

use crate::backend::{Backend, Dialect, block_on};
use crate::checksum;
use crate::history::{Action, Entry, EntryKey};
use crate::layout::Folder;
use crate::migration::{Attributes, Migration, MigrationId, Phase};
use crate::set::{MigrationSet, ReadOptions};
use crate::source::Source;

/// A fresh, empty database for one test, gone when the value is dropped.
pub trait Fixture: Sized {
    /// The backend under test; clones reach the same database.
    type Backend: Backend + Clone + 'static;

    /// The driver's connection, as [`Session::native`](crate::backend::Session::native) gives it.
    type Native: std::any::Any;

    /// A new database. A server that cannot be had is a panic, not a skip.
    fn create() -> Self;

    /// A backend for it.
    fn backend(&self) -> Self::Backend;

    /// Runs a future to its end on whatever runtime the backend needs; by itself on none.
    fn block_on<T>(future: impl Future<Output = T>) -> T {
        block_on(future)
    }

    /// A statement that the server refuses in a transaction and that may be repeated.
    fn alone() -> &'static str;
}

/// `(version, up, down)`; an empty `down` is none.
pub type Text<'a> = (&'a str, &'a str, &'a str);

/// A set from texts, in the component `main`.
///
/// # Panics
/// If a version is none, or twice there.
pub fn set(texts: &[Text<'_>]) -> MigrationSet {
    component("main", texts)
}

/// A set of another component.
///
/// # Panics
/// As [`set`].
pub fn component(name: &str, texts: &[Text<'_>]) -> MigrationSet {
    MigrationSet::new(name, texts.iter().map(migration).collect()).expect("versions are unique")
}

/// A set from files in the native layout, as `dialect` reads them; what values alone cannot have are snapshots.
///
/// # Panics
/// If something is wrong with them.
pub fn folder(dialect: &Dialect, files: &[(&str, &str)]) -> MigrationSet {
    let folder = Folder::embedded("migrations", files.iter().copied());
    let options = ReadOptions { layout: Some("native".to_owned()), ..ReadOptions::new(dialect.engine()) };
    MigrationSet::from_folder(&folder, &options).unwrap_or_else(|problems| panic!("{}", problems[0])).set
}

/// One migration from texts.
///
/// # Panics
/// If the version is none.
pub fn migration((version, up, down): &Text<'_>) -> Migration {
    let down = (!down.is_empty()).then(|| Source::new(format!("{version}_test.down.sql"), *down));
    Migration {
        id: id(version),
        description: "test".to_owned(),
        up: Source::new(format!("{version}_test.sql"), *up),
        checksum: checksum::raw(up),
        down,
        attributes: Attributes::default(),
    }
}

/// A versioned identity without a phase.
///
/// # Panics
/// If the version is none.
pub fn id(version: &str) -> MigrationId {
    MigrationId::versioned(version.parse().expect("a version"), Phase::Pre, 0)
}

/// A row with nothing in it but what every row has.
pub fn entry(seq: u64, version: &str) -> Entry {
    let key = EntryKey { component: "main".to_owned(), seq };
    Entry { description: "test".to_owned(), run_id: "run".to_owned(), ..Entry::blank(key, id(version), Action::Up) }
}
