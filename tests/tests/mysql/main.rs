//! The MySQL backend on real servers of MySQL. Those of MariaDB are in `tests/tests/mariadb`, with the same files.
//!
//! | file | holds |
//! |---|---|
//! | `support` | a fixture, sets from texts, what a database holds |
//! | `conformance` | the suite of the core |
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // helpers of tests are tests too

/// By this name the tests are left out where there is no server: see `scripts/test`.
#[path = "."]
mod on_mysql {
    /// Whose server the tests run on.
    const FLAVOUR: migrate_tests::servers::Flavour = migrate_tests::servers::Flavour::MySql;

    mod conformance;
    mod support;
}
