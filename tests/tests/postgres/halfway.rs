//! What leaves something behind when it does not come to its end, stopped while it waits half-way for somebody else:
//! what it left is cleared away, and it is done once.

use std::thread;

use migrate_core::error::ErrorKind;
use migrate_core::{MigrationSet, Migrator, StopHandle};
use migrate_tests::proxy::{How, Proxy};
use migrate_tests::servers::{Database, Options, Postgres as Server, wait_for};

use super::support::{assert_whole, backend, block_on, set};

/// What ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The connection, with nobody told.
    Cut,
    /// An administrator.
    Terminated,
    /// Whoever runs it.
    Stopped,
    /// The whole server dies.
    Killed,
}

/// A statement that commits on its way and then waits for those who use the table.
fn slow(statement: &str) -> MigrationSet {
    set(&[
        (
            "1_create",
            "create table ran (what text not null);\ncreate table a as select i as n, i as m from generate_series(1, 100) as i;\n\
             create index a_old on a (n);\ncreate table parts (n integer) partition by range (n);\n\
             create table part_1 partition of parts for values from (0) to (10);\n\
             create table part_2 partition of parts for values from (10) to (20);\ninsert into ran values ('1');",
        ),
        ("2_slow", statement),
        ("3_last", "insert into ran values ('3');"),
    ])
}

fn undisturbed(set: &MigrationSet) -> String {
    let database = Server::shared().database();
    block_on(Migrator::new(backend(&database.url()), set.clone()).up()).unwrap_or_else(|error| panic!("{error}"));
    database.contents()
}

/// The process that runs the statement, once it waits.
fn waits(database: &Database<'_>) -> u32 {
    let sql = "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' \
               and query ilike '%concurrently%' and pid <> pg_backend_pid()";
    wait_for("it waits half-way", || database.psql(sql).trim().parse().ok())
}

fn first_only(set: &MigrationSet) -> MigrationSet {
    MigrationSet::new("main", vec![set.iter().next().expect("a migration").clone()]).expect("one is no two")
}

fn half_way(server: &Server, statement: &str, end: End) {
    let set = slow(statement);
    let expected = undisturbed(&set);
    let context = format!("{statement} {end:?}");
    let database = server.database();
    block_on(Migrator::new(backend(&database.url()), first_only(&set)).up())
        .unwrap_or_else(|e| panic!("{context}: {e}"));
    let proxy = Proxy::to(&server.address());
    let migrator = Migrator::new(backend(&database.url_by(&proxy.address())), set.clone());
    let stop: StopHandle = migrator.stop_handle();
    thread::scope(|scope| {
        // In here, so that nothing waits for it when this fails.
        let mut blocker = database.client();
        blocker.run("begin; insert into a values (0, 0); insert into parts values (1), (11)");
        let run = scope.spawn(move || block_on(migrator.up()));
        let pid = waits(&database);
        match end {
            End::Cut => proxy.cut_all(How::Reset),
            End::Terminated => server.terminate_backend(pid),
            End::Stopped => stop.cancel().expect("a server that listens"),
            End::Killed => {
                server.kill9();
                server.restart();
            }
        }
        if end == End::Stopped {
            wait_for(&context, || run.is_finished().then_some(()));
            let error = run.join().expect("a run").expect_err("it was stopped");
            assert!(matches!(error.kind(), ErrorKind::Stopped { .. }), "{context}: {error:#?}");
            blocker.run("rollback");
        } else {
            if end != End::Killed {
                blocker.run("rollback");
            }
            wait_for(&context, || run.is_finished().then_some(()));
            let result = run.join().expect("a run");
            result.unwrap_or_else(|error| panic!("{context}: {error:#?}\n{}", history(&database)));
        }
    });
    let next = block_on(Migrator::new(backend(&database.url()), set.clone()).up());
    next.unwrap_or_else(|error| panic!("{context}: {error:#?}\n{}", history(&database)));
    assert_whole(&database, &set, &expected, &context);
}

fn history(database: &Database<'_>) -> String {
    database.psql("select seq, version, state, cursor, note, settled_by, error from migrate_history order by seq")
}

fn all_ends(statement: &str) {
    let own = Server::start(Options::default());
    for end in [End::Cut, End::Terminated, End::Stopped] {
        half_way(Server::shared(), statement, end);
    }
    half_way(&own, statement, End::Killed);
}

#[test]
fn an_index_is_built_once_whatever_stopped_its_first_build() {
    all_ends("create index concurrently a_n on a (n, m);");
}

#[test]
fn an_index_without_a_name_is_built_once_whatever_stopped_its_first_build() {
    all_ends("create unique index concurrently on a (m);");
}

#[test]
fn an_index_is_dropped_whatever_stopped_it_first() {
    all_ends("drop index concurrently a_old;");
}

#[test]
fn a_rebuilt_index_leaves_no_other_behind_whatever_stopped_it_first() {
    all_ends("reindex index concurrently a_old;");
}

#[test]
fn a_rebuilt_table_leaves_no_index_behind_whatever_stopped_it_first() {
    all_ends("reindex table concurrently a;");
}

#[test]
fn a_partition_is_detached_whatever_stopped_it_first() {
    if Server::shared().version() < 140_000 {
        let error = block_on(Migrator::new(backend(&Server::shared().database().url()), slow(DETACH)).up());
        assert!(error.is_err(), "13 has no such statement");
        return;
    }
    all_ends(DETACH);
}

const DETACH: &str = "alter table parts detach partition part_1 concurrently;";

#[test]
fn what_a_build_that_took_too_long_left_is_cleared_away_by_the_next_run() {
    let set = slow("-- migrate:timeout statement=300ms\ncreate index concurrently a_n on a (n, m);");
    let database = Server::shared().database();
    block_on(Migrator::new(backend(&database.url()), first_only(&set)).up()).unwrap();
    let mut blocker = database.client();
    blocker.run("begin; insert into a values (0, 0)");
    let error = block_on(Migrator::new(backend(&database.url()), set.clone()).up()).unwrap_err();
    let ErrorKind::Statement(failure) = error.kind() else { panic!("{error:#?}") };
    // Whoever kept the build waiting keeps what clears up waiting too, but not for long.
    assert_eq!(failure.statement, Some(1), "{error}");
    assert!(failure.left_behind.as_ref().is_some_and(|why| why.contains("lock timeout")), "{error}");
    assert!(database.contents().contains("a_n ON public.a USING btree (n, m) INVALID"));
    blocker.run("rollback");
    block_on(Migrator::new(backend(&database.url()), set.clone()).up()).unwrap();
    assert_whole(&database, &set, &undisturbed(&set), "another time");
}
