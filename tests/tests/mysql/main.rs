//! The MySQL backend on real servers of MySQL. Those of MariaDB are in `tests/tests/mariadb`, with the same files.
//!
//! | file | holds |
//! |---|---|
//! | `accounts` | what the server remembers of accounts, and its tables do not; which MariaDB has elsewhere |
//! | `support` | a fixture, sets from texts, what a database holds |
//! | `conformance` | the suite of the core |
//! | `connect` | TLS, logins, option files: how a connection comes about; local files |
//! | `exclusion` | many processes at once |
//! | `gtid` | identifiers that are chosen beforehand, which MariaDB has not |
//! | `halfway` | connections lost while a statement runs for long |
//! | `kills` | kill -9 of clients and servers, KILL of connections and statements, in every kind of statement |
//! | `kinds` | those kinds |
//! | `refusals` | what is refused, and what a person reads then |
//! | `scripts` | dumps, bodies, other modes, errors at every place |
//! | `session` | what a script leaves behind |
//! | `sweep` | the connection cut before and after every message |
//! | `traffic` | others who use the same tables |
//! | `world` | what a statement can change in a server, beyond its database |
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // helpers of tests are tests too

/// By this name the tests are left out where there is no server: see `scripts/test`.
#[path = "."]
mod on_mysql {
    /// Whose server the tests run on.
    const FLAVOUR: migrate_tests::servers::Flavour = migrate_tests::servers::Flavour::MySql;

    mod accounts;
    mod conformance;
    mod connect;
    mod exclusion;
    mod gtid;
    mod halfway;
    mod kills;
    mod kinds;
    mod refusals;
    mod scripts;
    mod session;
    mod support;
    mod sweep;
    mod traffic;
    mod world;
}
