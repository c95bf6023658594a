//! What is left when the future of a call is dropped, at every moment at which it waits: the table in
//! `migrate-core/src/migrator/interrupted.md`.
#![cfg(unix)]

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use migrate_core::layout::Folder;
use migrate_core::{EngineNames, MigrationSet, Migrator, ReadOptions};
use migrate_mysql::Mysql;
use migrate_postgres::Postgres;
use migrate_sqlite::Sqlite;
use migrate_tests::Project;
use migrate_tests::servers::place::{Engine, Place};
use tokio::runtime::{Builder, Runtime};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// Three migrations, each of which writes down that it ran. What the second does the engine cannot roll back.
fn files(engine: Engine) -> Vec<(&'static str, String)> {
    let second = if engine.commits_definitions() { "create table second (n int)" } else { "vacuum" };
    vec![
        ("1_first.sql", "create table ran (n int);\ninsert into ran values (1);".to_owned()),
        ("2_second.sql", format!("{second};\ninsert into ran values (2);")),
        ("3_third.sql", "insert into ran values (3);".to_owned()),
    ]
}

fn set_of(engine: Engine, files: &[(&'static str, String)]) -> MigrationSet {
    let names = match engine {
        Engine::Sqlite => EngineNames::SQLITE,
        Engine::Postgres => EngineNames::POSTGRES,
        Engine::MySql => EngineNames::MYSQL,
        Engine::MariaDb => EngineNames::MARIADB,
    };
    let folder = Folder::embedded("migrations", files.iter().map(|(name, text)| (*name, text.as_str())));
    let loaded = MigrationSet::from_folder(&folder, &ReadOptions::new(names));
    loaded.unwrap_or_else(|problems| panic!("{}", problems[0])).set
}

fn set(engine: Engine) -> MigrationSet {
    set_of(engine, &files(engine))
}

fn migrator(engine: Engine, place: &Place) -> Migrator {
    let (url, set) = (place.url(), set(engine));
    match place {
        Place::Sqlite(path) => Migrator::new(Sqlite::open(path), set),
        Place::Postgres(_) => Migrator::new(Postgres::from_url(&url).unwrap_or_else(|error| panic!("{error}")), set),
        Place::MySql(_) => Migrator::new(Mysql::from_url(&url).unwrap_or_else(|error| panic!("{error}")), set),
    }
}

/// When a future is dropped.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// Once it has sent for the nth time.
    Sent(usize),
    /// Once the nth answer is there, which it has not seen.
    Answered(usize),
}

/// A future that ends early, with nothing.
struct Dropped<F> {
    future: Pin<Box<F>>,
    moment: Moment,
    turns: usize,
}

impl<F: Future> Future for Dropped<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if matches!(self.moment, Moment::Answered(limit) if self.turns == limit) {
            return Poll::Ready(None);
        }
        self.turns += 1;
        match self.future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if matches!(self.moment, Moment::Sent(limit) if self.turns == limit) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// The output of a future, or nothing where it was dropped before.
fn dropped<F: Future>(moment: Moment, future: F) -> Option<F::Output> {
    block_on(async {
        let output = Dropped { future: Box::pin(future), moment, turns: 0 }.await;
        // What a driver does with a connection that was let go of is a task of its own.
        tokio::task::yield_now().await;
        output
    })
}

/// Does `check` at every moment there is, until it says that there was no such moment.
fn sweep(check: impl Fn(Moment) -> bool) {
    for moments in [Moment::Sent as fn(usize) -> Moment, Moment::Answered] {
        let last = (1..1_000).find(|turn| check(moments(*turn)));
        assert!(last > Some(3), "it hardly waits, or never comes to its end: {last:?}");
    }
}

/// Panics unless everything is applied, each migration once.
fn assert_once(place: &Place, moment: Moment) {
    assert_eq!(place.sql("select n from ran order by n"), "1\n2\n3\n", "{moment:?}");
    let done = "select count(*), count(distinct version) from migrate_history where state = 'done'";
    let counted = place.sql(done);
    assert!(counted.trim().split(['|', '\t']).all(|count| count == "3"), "{moment:?}: {counted}");
}

fn reading_leaves_nothing_behind(engine: Engine) {
    let project = Project::new();
    let place = Place::new(engine, &project);
    let migrator = migrator(engine, &place);
    let empty = place.contents();
    sweep(|moment| dropped(moment, migrator.plan()).is_some());
    sweep(|moment| dropped(moment, migrator.check()).is_some());
    sweep(|moment| dropped(moment, migrator.status()).is_some());
    assert_eq!(place.contents(), empty);
    block_on(migrator.up()).unwrap_or_else(|error| panic!("{error}"));
    assert_once(&place, Moment::Sent(0));
}

fn a_run_is_finished_by_the_next(engine: Engine) {
    sweep(|moment| {
        let project = Project::new();
        let place = Place::new(engine, &project);
        let finished = dropped(moment, migrator(engine, &place).up());
        block_on(migrator(engine, &place).up()).unwrap_or_else(|error| panic!("{moment:?}: {error}"));
        assert_once(&place, moment);
        finished.is_some()
    });
}

mod on_postgres {
    use migrate_core::Migrator;
    use migrate_postgres::{Borrowed, PostgresSession, tokio_postgres};
    use migrate_tests::Project;
    use migrate_tests::servers::place::{Engine, Place};

    #[test]
    fn reading_leaves_nothing_behind() {
        super::reading_leaves_nothing_behind(Engine::Postgres);
    }

    #[test]
    fn a_run_is_finished_by_the_next() {
        super::a_run_is_finished_by_the_next(Engine::Postgres);
    }

    #[test]
    fn a_run_on_the_callers_connection_is_finished_by_the_next_on_the_same() {
        super::sweep(|moment| {
            let place = Place::new(Engine::Postgres, &Project::new());
            let mut client = super::block_on(async {
                let connected = tokio_postgres::connect(&place.url(), tokio_postgres::NoTls).await;
                let (client, connection) = connected.unwrap_or_else(|error| panic!("{error}"));
                tokio::spawn(connection);
                client
            });
            let migrator = Migrator::new(Borrowed, super::set(Engine::Postgres));
            let finished = super::dropped(moment, async {
                let mut session = PostgresSession::on(&mut client).await.unwrap_or_else(|error| panic!("{error}"));
                migrator.run_on(&mut session, &mut ()).await.map(drop)
            });
            super::block_on(async {
                let locked = "select now() = statement_timestamp(), \
                              (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid())";
                let rows = client.simple_query(locked).await.unwrap_or_else(|error| panic!("{moment:?}: {error}"));
                let tokio_postgres::SimpleQueryMessage::Row(row) = &rows[1] else { panic!("{rows:?}") };
                assert_eq!((row.get(0), row.get(1)), (Some("t"), Some("0")), "{moment:?}: a transaction or a lock");
                let mut session = PostgresSession::on(&mut client).await.unwrap_or_else(|error| panic!("{error}"));
                migrator.run_on(&mut session, &mut ()).await.unwrap_or_else(|error| panic!("{moment:?}: {error}"));
            });
            super::assert_once(&place, moment);
            finished.is_some()
        });
    }
}

mod on_mysql {
    use migrate_tests::servers::place::Engine;

    #[test]
    fn reading_leaves_nothing_behind() {
        super::reading_leaves_nothing_behind(Engine::MySql);
    }

    #[test]
    fn a_run_is_finished_by_the_next() {
        super::a_run_is_finished_by_the_next(Engine::MySql);
    }

    #[test]
    fn a_run_on_the_callers_connection_is_finished_by_the_next_on_another() {
        super::on_a_connection_of_mysql(Engine::MySql);
    }
}

mod on_mariadb {
    use migrate_tests::servers::place::Engine;

    #[test]
    fn reading_leaves_nothing_behind() {
        super::reading_leaves_nothing_behind(Engine::MariaDb);
    }

    #[test]
    fn a_run_is_finished_by_the_next() {
        super::a_run_is_finished_by_the_next(Engine::MariaDb);
    }

    #[test]
    fn a_run_on_the_callers_connection_is_finished_by_the_next_on_another() {
        super::on_a_connection_of_mysql(Engine::MariaDb);
    }
}

/// The connection itself is of no more use.
fn on_a_connection_of_mysql(engine: Engine) {
    use migrate_mysql::{Borrowed, MysqlSession, mysql_async};

    let connect = async |place: &Place| {
        // As the backend itself asks for: the number of rows that were found.
        let opts = mysql_async::Opts::from_url(&place.url().replace("mariadb://", "mysql://"))
            .unwrap_or_else(|error| panic!("{error}"));
        let opts = mysql_async::OptsBuilder::from_opts(opts).client_found_rows(true);
        mysql_async::Conn::new(opts).await.unwrap_or_else(|error| panic!("{error}"))
    };
    sweep(|moment| {
        let place = Place::new(engine, &Project::new());
        let backend = if engine == Engine::MySql { Borrowed::Mysql } else { Borrowed::Mariadb };
        let migrator = Migrator::new(backend, set(engine));
        let run = async |mut conn: mysql_async::Conn| {
            let mut session = MysqlSession::on(&mut conn).await.unwrap_or_else(|error| panic!("{error}"));
            migrator.run_on(&mut session, &mut ()).await.map(drop)
        };
        let first = block_on(connect(&place));
        let finished = dropped(moment, run(first));
        let next = block_on(async { run(connect(&place).await).await });
        next.unwrap_or_else(|error| panic!("{moment:?}: {error}"));
        assert_once(&place, moment);
        finished.is_some()
    });
}

/// Wakes nobody: whatever waits for it waits for ever.
struct Nobody;

impl Wake for Nobody {
    fn wake(self: Arc<Self>) {}
}

/// The output of a future that does not wait.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Nobody));
    match pin!(future).as_mut().poll(&mut Context::from_waker(&waker)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits, and could be dropped"),
    }
}

#[test]
fn on_sqlite_no_call_waits_so_that_none_can_be_dropped_half_way() {
    let project = Project::new();
    let place = Place::new(Engine::Sqlite, &project);
    drop(rusqlite::Connection::open(project.path("app.db")).expect("a database"));
    let migrator = migrator(Engine::Sqlite, &place);
    at_once(migrator.plan()).unwrap_or_else(|error| panic!("{error}"));
    at_once(migrator.up()).unwrap_or_else(|error| panic!("{error}"));
    assert_once(&place, Moment::Sent(0));
    assert!(at_once(migrator.check()).unwrap_or_else(|error| panic!("{error}")).is_current());
    at_once(migrator.status()).unwrap_or_else(|error| panic!("{error}"));
    let mut connection = rusqlite::Connection::open(project.path("app.db")).expect("a database");
    let mut session = migrate_sqlite::SqliteSession::on(&mut connection).unwrap_or_else(|error| panic!("{error}"));
    at_once(migrator.run_on(&mut session, &mut ())).unwrap_or_else(|error| panic!("{error}"));
    drop(session);
    // Nor where another one writes.
    connection.execute_batch("begin immediate").expect("nobody writes");
    let more = [files(Engine::Sqlite), vec![("4_more.sql", "insert into ran values (4);".to_owned())]].concat();
    let again = Migrator::new(Sqlite::open(project.path("app.db")), set_of(Engine::Sqlite, &more));
    let again = again.lock_wait(std::time::Duration::from_millis(20)).lock_retry_for(std::time::Duration::ZERO);
    let error = at_once(again.up()).expect_err("somebody writes");
    assert!(error.is_locked() || error.is_retryable(), "{error}");
}
