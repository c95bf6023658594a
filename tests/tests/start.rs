//! What the start of a service costs where everything is applied: one question after connecting, however many migrations
//! there are.
#![cfg(unix)]

use std::future::Future;

use migrate_core::backend::Backend;
use migrate_core::layout::Folder;
use migrate_core::{EngineNames, Goal, MigrationSet, Migrator, ReadOptions};
use migrate_tests::proxy::{Counts, Proxy};
use tokio::runtime::{Builder, Runtime};

/// Sizes of sets.
const SIZES: [usize; 2] = [10, 1_000];

fn block_on<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// Migrations 1 to `size`.
fn set(size: usize, engine: EngineNames) -> MigrationSet {
    let files = (1..=size).map(|number| (format!("{number}_step.sql"), "select 1;"));
    let loaded = MigrationSet::from_folder(&Folder::embedded("migrations", files), &ReadOptions::new(engine));
    loaded.unwrap_or_else(|problems| panic!("{}", problems[0])).set
}

/// Records all of `set` as applied.
fn record(backend: impl Backend + 'static, set: &MigrationSet) {
    let newest = set.last_versioned().and_then(|newest| newest.id.version().cloned()).expect("it has one");
    let recorded = block_on(Migrator::new(backend, set.clone()).goal(Goal::Baseline(newest)).up());
    assert_eq!(recorded.unwrap_or_else(|error| panic!("{error}")).steps.len(), set.len() + 1);
}

/// What passes through `proxy` while `work` is done.
fn passed<T>(proxy: &Proxy, work: impl Future<Output = T>) -> (Counts, T) {
    let before = proxy.counts();
    let answer = block_on(work);
    // The last words of a connection may still be on their way.
    block_on(tokio::task::yield_now());
    (proxy.counts().since(before), answer)
}

/// Panics unless a start is one round trip more than a connection is, for every size alike.
fn check<B: Backend + Clone + 'static>(proxy: &Proxy, backend: &B, engine: EngineNames, fresh: impl Fn() -> B) {
    let (connecting, session) = passed(proxy, backend.connect());
    drop(session.unwrap_or_else(|error| panic!("{error}")));
    for size in SIZES {
        let (set, database) = (set(size, engine), fresh());
        record(database.clone(), &set);
        let migrator = Migrator::new(database, set);
        let (checking, check) = passed(proxy, migrator.check());
        assert!(check.unwrap_or_else(|error| panic!("{error}")).is_current());
        assert_eq!(checking.round_trips, connecting.round_trips + 1, "check() of {size}: {checking:?} {connecting:?}");
        let (upping, report) = passed(proxy, migrator.up());
        assert!(report.unwrap_or_else(|error| panic!("{error}")).is_empty());
        assert_eq!(upping.round_trips, connecting.round_trips + 1, "up() of {size}: {upping:?} {connecting:?}");
        assert_eq!((checking.connections, upping.connections), (1, 1));
    }
}

mod on_postgres {
    use std::cell::RefCell;

    use migrate_core::EngineNames;
    use migrate_postgres::Postgres;
    use migrate_tests::proxy::Proxy;
    use migrate_tests::servers::Postgres as Server;

    #[test]
    fn a_start_is_one_question_however_many_migrations_there_are() {
        let (server, databases) = (Server::shared(), RefCell::new(Vec::new()));
        let proxy = Proxy::to(&server.address());
        let fresh = || {
            databases.borrow_mut().push(server.database());
            let url = databases.borrow().last().map(|database| database.url_by(&proxy.address())).unwrap_or_default();
            Postgres::from_url(&url).unwrap_or_else(|error| panic!("{error}"))
        };
        super::check(&proxy, &fresh(), EngineNames::POSTGRES, fresh);
    }
}

mod on_mysql {
    use migrate_core::EngineNames;
    use migrate_tests::servers::Flavour;

    #[test]
    fn a_start_is_one_question_however_many_migrations_there_are() {
        super::of_mysql(Flavour::MySql, EngineNames::MYSQL);
    }
}

mod on_mariadb {
    use migrate_core::EngineNames;
    use migrate_tests::servers::Flavour;

    #[test]
    fn a_start_is_one_question_however_many_migrations_there_are() {
        super::of_mysql(Flavour::MariaDb, EngineNames::MARIADB);
    }
}

fn of_mysql(flavour: migrate_tests::servers::Flavour, engine: EngineNames) {
    let server = migrate_tests::servers::MySql::shared(flavour);
    let databases = std::cell::RefCell::new(Vec::new());
    let proxy = Proxy::start(migrate_tests::proxy::Protocol::MySql, &server.address(), std::time::Duration::ZERO);
    let fresh = || {
        databases.borrow_mut().push(server.database());
        let url = databases.borrow().last().map(|database| database.url_by(&proxy.address())).unwrap_or_default();
        // What is encrypted cannot be told apart.
        migrate_mysql::Mysql::from_url(&format!("{url}?ssl-mode=DISABLED")).unwrap_or_else(|error| panic!("{error}"))
    };
    check(&proxy, &fresh(), engine, fresh);
}
