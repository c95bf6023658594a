//! A fixture, sets from texts, what a database holds.

use std::future::Future;
use std::time::Duration;

use migrate_core::backend::{Backend as _, Note};
use migrate_core::layout::Folder;
use migrate_core::sql::{Statement, Syntax, classify};
use migrate_core::testing::Fixture;
use migrate_core::{EngineNames, MigrationSet, Migrator, ReadOptions, RunOptions};
use migrate_mysql::Mysql;
use migrate_tests::difference;
use migrate_tests::project::Files;
use migrate_tests::proxy::{Protocol, Proxy};
use migrate_tests::servers::mysql::Database;
use migrate_tests::servers::{Flavour, MySql as Server};
use tokio::runtime::{Builder, Runtime};

use super::FLAVOUR;

/// A database of its own on the shared server.
pub(crate) struct Fresh {
    database: Database<'static>,
}

impl Fixture for Fresh {
    type Backend = Mysql;
    type Native = migrate_mysql::mysql_async::Conn;

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
        "FLUSH STATUS"
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

/// The files as a set.
pub(crate) fn set(files: Files<'_>) -> MigrationSet {
    let files = files.iter().map(|(name, text)| (format!("{name}.sql"), *text));
    let engine = if FLAVOUR == Flavour::MySql { EngineNames::MYSQL } else { EngineNames::MARIADB };
    let folder = Folder::embedded("migrations", files);
    let loaded = MigrationSet::from_folder(&folder, &ReadOptions::new(engine));
    loaded.unwrap_or_else(|problems| panic!("{}", problems[0])).set
}

/// A migrator that gives up where the connection is lost.
pub(crate) fn fragile(url: &str, set: &MigrationSet) -> Migrator {
    let mut options = RunOptions::default();
    options.reconnect_for = Duration::ZERO;
    Migrator::new(backend(url), set.clone()).options(options)
}

/// A proxy before a server, and the URL of a database by way of it.
pub(crate) fn proxied(database: &Database<'_>) -> (Proxy, String) {
    let proxy = Proxy::start(Protocol::MySql, &database.server().address(), Duration::ZERO);
    // What is encrypted cannot be told apart.
    let url = format!("{}?ssl-mode=DISABLED", database.url_by(&proxy.address()));
    (proxy, url)
}

/// Panics unless the database is as an undisturbed run leaves it, everything is applied, and each migration once.
pub(crate) fn assert_whole(database: &Database<'_>, set: &MigrationSet, expected: &str, context: &str) {
    let found = database.contents();
    assert!(found == expected, "{context}: not what an undisturbed run leaves\n{}", difference(&found, expected));
    let check = block_on(fragile(&database.url(), set).check()).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert!(check.is_current(), "{context}: {check:?}");
    assert_eq!(not_once(database), "", "{context}: not once\n{}", history(database));
}

/// The migrations that are not done exactly once.
pub(crate) fn not_once(database: &Database<'_>) -> String {
    database.sql(
        "select version, group_concat(state order by seq) from migrate_history group by version, phase, ordinal \
         having sum(state = 'done') <> 1 or sum(state not in ('done', 'interrupted', 'failed')) > 0",
    )
}

/// What the history says.
pub(crate) fn history(database: &Database<'_>) -> String {
    database.sql("select seq, version, state, `cursor`, note, settled_by, error from migrate_history order by seq")
}

/// A question whose answer takes minutes. One long sleep would not do: who is woken up goes on.
pub(crate) fn endless() -> String {
    let more = " union all select 1".repeat(200);
    format!("select sum(sleep(1) + n) as endless from (select 1 as n{more}) as seconds")
}

/// A statement of a script, by itself.
pub(crate) fn statement(text: &str) -> Statement<'_> {
    Statement { number: 1, text, offset: 0, data: None, class: classify::mysql(text, &Syntax::MYSQL) }
}

/// What is noted of a statement before it is sent, where that is asked of the catalog.
pub(crate) fn noted(database: &Database<'_>, text: &str) -> String {
    block_on(async {
        let mut session = backend(&database.url()).connect().await.unwrap();
        let Note::Asked(expression) = session.note(&statement(text)).await.unwrap() else { panic!("{text}") };
        let rows = session.query(&format!("SELECT {expression}")).await.unwrap();
        rows.into_iter().flatten().flatten().next().expect("a note")
    })
}
