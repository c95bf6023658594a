//! The PostgreSQL backend on real servers.
//!
//! | file | holds |
//! |---|---|
//! | `support` | a fixture, sets from texts, what a database holds |
//! | `conformance` | the suite of the core |
//! | `connect` | TLS, passwords, several hosts, poolers: how a connection comes about |
//! | `exclusion` | many processes at once |
//! | `halfway` | what leaves something behind, stopped half-way |
//! | `joined` | runs inside a transaction of the caller's |
//! | `kills` | kill -9 of clients and servers |
//! | `pooler` | pgbouncer in between |
//! | `refusals` | what is refused, and what a person reads then |
//! | `scripts` | dumps, concurrent indexes, missing rights |
//! | `session` | what a script leaves behind |
//! | `sweep` | the connection cut before and after every message |
//! | `traffic` | others who use the same tables |
//! | `window` | many transactions in one trip, and faults in the middle of them |
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // helpers of tests are tests too

/// By this name the tests are left out where there is no server: see `scripts/test`.
#[path = "."]
mod on_postgres {
    mod conformance;
    mod connect;
    mod exclusion;
    mod halfway;
    mod joined;
    mod kills;
    mod pooler;
    mod refusals;
    mod scripts;
    mod session;
    mod support;
    mod sweep;
    mod traffic;
    mod window;
}
