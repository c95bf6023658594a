//! Real servers for tests: started when first needed, gone when the test process is, however it ends.
//!
//! | module | holds |
//! |---|---|
//! | [`postgres`] | a PostgreSQL server: one that a test process shares, or one of a test's own that may be killed |
//! | [`database`] | a PostgreSQL database of a test's own |
//! | [`psql`] | a client of PostgreSQL whose transaction stays open between two calls |
//! | [`pgbouncer`] | a pooler in front of a PostgreSQL server |
//! | [`mysql`] | servers of MySQL and MariaDB, a cluster, their databases and clients |
//! | [`place`] | a database of a test's own on any engine, SQLite among them |
//! | [`guard`] | the folder of a server, and what clears it away when the test process dies |
//! | [`certificates`] | an authority and what it signed, for TLS |
//! | `process` | programs, and what is done to processes |
//! | `conversation` | a client program that is told something and answers |
//! | `url` | the parts of a server's URL |
//!
//! Every test that needs a server stands in a module `on_postgres`, `on_mysql` or `on_mariadb`: by that name they are
//! left out where `MIGRATE_TEST_SKIP` names `postgres`, `mysql` or `mariadb`.

pub mod certificates;
mod conversation;
pub mod database;
pub mod guard;
pub mod mysql;
pub mod pgbouncer;
pub mod place;
pub mod postgres;
mod process;
pub mod psql;
mod url;

pub use database::Database;
pub use mysql::{Flavour, MySql};
pub use pgbouncer::{Pgbouncer, PoolMode};
pub use place::{Engine, Place};
pub use postgres::{Options, Postgres};
pub use process::is_alive;
pub use psql::Psql;

use std::env;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use process::{command_of, complaint, found, said, said_of, signal};
use url::Url;

/// Asks for something again and again until it is there.
///
/// # Panics
/// If it is not there after half a minute; `what` says what was missing.
pub fn wait_for<T>(what: &str, mut there: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = there() {
            return found;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "waited half a minute: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Panics if a server is to be left out: its tests should not have been started.
fn not_skipped(server: &str) {
    let skipped = env::var("MIGRATE_TEST_SKIP").unwrap_or_default();
    assert!(
        !skipped.split(',').any(|name| name.trim() == server),
        "MIGRATE_TEST_SKIP names {server}: leave its tests out with `cargo test -- --skip on_{server}::`, \
         as scripts/test does"
    );
}

/// A port on which nobody listens. Whoever takes it at once is nearly sure to get it, and must be ready to try again.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("a listener has an address").port()
}

/// A name that no other database of the server has.
fn unique_name() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let moment = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("migrate_test_{}_{}_{count}", std::process::id(), moment.subsec_nanos())
}
