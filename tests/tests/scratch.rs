//! Migrated databases for tests, as users of the feature `testing` get them.

use std::future::Future;

use migrate_core::layout::Folder;
use migrate_core::{EngineNames, MigrationSet, Migrator, ReadOptions};
use tokio::runtime::{Builder, Runtime};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// Forty tables; `last` makes it a set of its own.
fn set(engine: EngineNames, last: &str) -> MigrationSet {
    let files = (1..=40)
        .map(|number| (format!("{number}_t.sql"), format!("create table t{number} (n integer primary key);")))
        .chain([("41_last.sql".to_owned(), format!("create table {last} (n integer);"))]);
    let loaded = MigrationSet::from_folder(&Folder::embedded("migrations", files), &ReadOptions::new(engine));
    loaded.unwrap_or_else(|problems| panic!("{}", problems[0])).set
}

#[test]
fn each_test_has_a_sqlite_database_of_its_own() {
    let set = set(EngineNames::SQLITE, "z");
    let scratch = || migrate_sqlite::testing::scratch(&set).unwrap_or_else(|error| panic!("{error}"));
    let first = scratch();
    let open = |path| rusqlite::Connection::open(path).expect("a database");
    open(first.path()).execute("insert into t1 values (1)", []).expect("a row");
    let second = scratch();
    let count = |table: &str| {
        open(second.path()).query_row(&format!("select count(*) from {table}"), [], |row| row.get::<_, i64>(0))
    };
    assert_eq!((count("t1"), count("z")), (Ok(0), Ok(0)), "all tables are there, and nobody else's rows");
    let migrator = migrate_sqlite::blocking::Migrator::new(second.database(), set.clone());
    assert!(migrator.check().unwrap_or_else(|error| panic!("{error}")).is_current());
    let path = second.path();
    drop(second);
    assert!(!path.exists());
}

#[cfg(unix)]
mod on_postgres {
    use migrate_postgres::Postgres;
    use migrate_postgres::testing::scratch;
    use migrate_tests::servers::Postgres as Server;

    use super::{EngineNames, Migrator, block_on, set};

    #[test]
    fn each_test_has_a_database_of_its_own_and_one_template_serves_them_all() {
        // Templates stay, so the server is one of this test's own.
        let server = Server::start(migrate_tests::servers::Options::default());
        let url = server.url("postgres");
        let at = Postgres::from_url(&url).unwrap_or_else(|error| panic!("{error}"));
        let set = set(EngineNames::POSTGRES, "z");
        // Several that come at once make one template.
        let scratches: Vec<_> = std::thread::scope(|scope| {
            let make = || block_on(scratch(&at, &set)).unwrap_or_else(|error| panic!("{error}"));
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(make)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
        });
        let named = |like: &str| {
            server.psql("postgres", &format!("select count(*) from pg_database where datname like '{like}'"))
        };
        assert_eq!((named("migrate_template_%"), named("migrate_draft_%")), ("1\n".to_owned(), "0\n".to_owned()));
        server.psql(scratches[0].name(), "insert into t1 values (1)");
        assert_eq!(server.psql(scratches[1].name(), "select count(*) from t1"), "0\n");
        let check = Migrator::new(scratches[1].database().clone(), set.clone());
        assert!(block_on(check.check()).unwrap_or_else(|error| panic!("{error}")).is_current());
        let another = block_on(scratch(&at, &set)).unwrap_or_else(|error| panic!("{error}"));
        drop((scratches, another));
        assert_eq!(named("migrate_scratch_%"), "0\n");
    }
}

#[cfg(unix)]
mod on_mysql {
    #[test]
    fn each_test_has_a_database_of_its_own() {
        super::of_mysql(migrate_tests::servers::Flavour::MySql, super::EngineNames::MYSQL);
    }
}

#[cfg(unix)]
mod on_mariadb {
    #[test]
    fn each_test_has_a_database_of_its_own() {
        super::of_mysql(migrate_tests::servers::Flavour::MariaDb, super::EngineNames::MARIADB);
    }
}

#[cfg(unix)]
fn of_mysql(flavour: migrate_tests::servers::Flavour, engine: EngineNames) {
    use migrate_mysql::testing::scratch;
    let server = migrate_tests::servers::MySql::shared(flavour);
    let somewhere = server.database();
    let at = migrate_mysql::Mysql::from_url(&somewhere.url()).unwrap_or_else(|error| panic!("{error}"));
    let set = set(engine, "z");
    let make = || block_on(scratch(&at, &set)).unwrap_or_else(|error| panic!("{error}"));
    let first = make();
    let second = make();
    server.sql(first.name(), "insert into t1 values (1)");
    assert_eq!(server.sql(second.name(), "select count(*) from t1"), "0\n");
    let check = Migrator::new(second.database().clone(), set.clone());
    assert!(block_on(check.check()).unwrap_or_else(|error| panic!("{error}")).is_current());
    let names = [first.name().to_owned(), second.name().to_owned()];
    drop((first, second));
    let left = server.sql("", "show databases");
    assert!(names.iter().all(|name| !left.lines().any(|line| line == name)), "{left}");
}
