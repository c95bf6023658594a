//! The MySQL backend on real servers of MariaDB. The files are those of `tests/tests/mysql`, and two more: `partitions`, and `galera`, on a
//! cluster.
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // helpers of tests are tests too

/// By this name the tests are left out where there is no server: see `scripts/test`.
#[path = "../mysql"]
mod on_mariadb {
    /// Whose server the tests run on.
    const FLAVOUR: migrate_tests::servers::Flavour = migrate_tests::servers::Flavour::MariaDb;

    mod conformance;
    mod connect;
    mod exclusion;
    mod halfway;
    mod kills;
    mod kinds;
    #[path = "../mariadb/partitions.rs"]
    mod partitions;
    mod refusals;
    mod scripts;
    mod session;
    mod support;
    mod sweep;
    mod traffic;
    mod world;
}

/// By this name the tests are left out where there is no cluster.
#[path = "."]
mod on_galera {
    mod galera;
}
