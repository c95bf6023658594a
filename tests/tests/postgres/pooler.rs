//! Behind a pooler that pools transactions: nothing of a session lasts, and nothing of ours may.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use migrate_core::backend::{Backend as _, Effect, End, Fault, Locked, Session, Settings, TableName};
use migrate_core::error::ErrorKind;
use migrate_core::sql::{Statement, Syntax, classify};
use migrate_core::{Migrator, Refusal};
use migrate_postgres::Postgres;
use migrate_tests::servers::{Pgbouncer, PoolMode, Postgres as Server, Psql, wait_for};

use super::support::{AtEnd, assert_whole, backend, block_on, fragile, set};

/// What a session can keep from one transaction to the next, in one row.
const STATE: &str = "select current_setting('lock_timeout'), current_setting('statement_timeout'), \
    current_setting('search_path'), current_setting('work_mem'), current_setting('application_name'), \
    current_setting('app.tenant', true) is not distinct from '' or current_setting('app.tenant', true) is null, \
    current_user, session_user, (select count(*) from pg_cursors where is_holdable), \
    (select count(*) from pg_listening_channels()), (select count(*) from pg_prepared_statements), \
    (select count(*) from pg_class where relpersistence = 't' and relnamespace = pg_my_temp_schema()), \
    (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid())";

#[test]
fn another_client_of_the_pooler_never_sees_what_a_script_set() {
    let server = Server::shared();
    let database = server.database();
    let pooler = Pgbouncer::start(server, PoolMode::Transaction, 1);
    let set = set(&[
        (
            "1_settings",
            "create table ran (n integer);\nset work_mem = '7MB';\nset lock_timeout = 777;\nset search_path = pg_catalog;\nset app.tenant = 'x';",
        ),
        (
            "2_role",
            "-- migrate:timeout lock=3s\n-- migrate:settings work_mem=8MB\ninsert into ran values (2);\nset role pg_monitor;",
        ),
        ("3_cursor", "declare c cursor with hold for select 1;\nlisten news;\ncreate temporary table t (n integer);"),
        ("4_last", "insert into ran values (4);\nselect pg_sleep(1);"),
    ]);
    let before = Psql::connect(server, &pooler.url(&database)).run(STATE);
    let (stop, looks) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut client = Psql::connect(server, &pooler.url(&database));
            while !stop.load(Ordering::SeqCst) {
                assert_eq!(client.run(STATE), before);
                looks.fetch_add(1, Ordering::SeqCst);
            }
        });
        let at_end = AtEnd(&stop);
        // From here on it is in the pooler's queue whenever the run lets go of the one connection.
        wait_for("the other client looks", || (other.is_finished() || looks.load(Ordering::SeqCst) > 0).then_some(()));
        let first = looks.load(Ordering::SeqCst);
        let result = block_on(fragile(&pooler.url(&database), &set).up());
        drop(at_end);
        result.unwrap_or_else(|error| panic!("{error}"));
        other.join().expect("it saw nothing");
        assert!(looks.load(Ordering::SeqCst) > first, "it did not look while the run was at work");
    });
    assert_eq!(Psql::connect(server, &pooler.url(&database)).run(STATE), before);
    assert_eq!(database.psql("select n from ran order by n"), "2\n4\n");
}

#[test]
fn what_fails_behind_a_pooler_leaves_nothing_to_others() {
    let server = Server::shared();
    let database = server.database();
    let pooler = Pgbouncer::start(server, PoolMode::Transaction, 1);
    let before = Psql::connect(server, &pooler.url(&database)).run(STATE);
    let broken = set(&[("1_a", "set work_mem = '7MB';\ncreate table a (n integer);\nselect 1 / 0;")]);
    let error = block_on(fragile(&pooler.url(&database), &broken).up()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Statement(_)), "{error:#?}");
    assert_eq!(Psql::connect(server, &pooler.url(&database)).run(STATE), before);
    let mended = set(&[("1_a", "create table a (n integer);")]);
    block_on(fragile(&pooler.url(&database), &mended).up()).unwrap();
    assert_whole(&database, &mended, &database.contents(), "mended");
}

#[test]
fn what_needs_a_session_is_refused_before_anything_runs() {
    let server = Server::shared();
    let pooler = Pgbouncer::start(server, PoolMode::Transaction, 2);
    let needy = [
        "create index concurrently a_n on a (n);",
        "-- migrate:no-transaction\ninsert into a values (1);",
        "insert into a values (1);\nvacuum;",
        "copy a from stdin;\n1\n\\.\n",
        "-- migrate:batch key=n size=10 table=a\nupdate a set n = n where n between :lo and :hi;",
    ];
    for text in needy {
        let database = server.database();
        let set = set(&[("1_a", "create table a (n integer primary key);"), ("2_needy", text)]);
        let error = block_on(fragile(&pooler.url(&database), &set).up()).unwrap_err();
        let ErrorKind::Refused(Refusal::NeedsSession(refused)) = error.kind() else { panic!("{text}: {error:#?}") };
        assert_eq!((refused.len(), &*refused[0].title), (1, "2 needy"), "{text}");
        assert!(error.to_string().contains("--direct-url"), "{text}: {error}");
        assert_eq!(database.contents(), "", "{text}");
        // On a direct connection there is nothing against it.
        block_on(fragile(&database.url(), &set).up()).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

#[test]
fn a_pooler_of_sessions_is_as_good_as_none_once_it_is_said_to_be_one() {
    let server = Server::shared();
    let database = server.database();
    let pooler = Pgbouncer::start(server, PoolMode::Session, 4);
    let url = pooler.url(&database);
    let set = set(&[
        ("1_a", "create table a (n integer);"),
        ("2_index", "create index concurrently a_n on a (n);"),
        ("3_vacuum", "vacuum a;"),
    ]);
    // A pooler does not say how it pools.
    let error = block_on(fragile(&url, &set).up()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused(Refusal::NeedsSession(_))), "{error:#?}");
    let said = Postgres::from_url(&url).expect("a URL of ours").pools_sessions(true);
    block_on(Migrator::new(said, set.clone()).up()).unwrap_or_else(|error| panic!("{error}"));
    assert_whole(&database, &set, &database.contents(), "pooled by sessions");
}

#[test]
fn whoever_lies_about_pooling_sessions_is_found_out() {
    let server = Server::shared();
    let database = server.database();
    let pooler = Pgbouncer::start(server, PoolMode::Transaction, 2);
    let said = Postgres::from_url(&pooler.url(&database)).expect("a URL of ours").pools_sessions(true);
    // Two others keep the connections moving.
    let url = pooler.url(&database);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut client = Psql::connect(server, &url);
                while !stop.load(Ordering::SeqCst) {
                    client.run("select 1");
                }
            });
        }
        let at_end = AtEnd(&stop);
        let set =
            set(&[("1_a", "create table a (n integer);"), ("2_index", "create index concurrently a_n on a (n);")]);
        let result = block_on(Migrator::new(said, set).up());
        drop(at_end);
        if let Err(error) = result {
            assert!(error.to_string().contains("direct"), "{error}");
        }
    });
}

fn session(pooler: &Pgbouncer<'_>, database: &migrate_tests::servers::Database<'_>) -> Box<dyn Session> {
    block_on(backend(&pooler.url(database)).connect()).expect("a pooler that answers")
}

fn lock(session: &mut dyn Session, owner: &str) -> Locked {
    block_on(session.try_lock(&TableName::default(), owner)).expect("an answer")
}

fn perform(session: &mut dyn Session, effects: &[Effect<'_>]) -> End {
    block_on(session.perform(&TableName::default(), effects, &mut ())).end
}

fn statement(text: &str) -> Statement<'_> {
    Statement { number: 1, text, offset: 0, data: None, class: classify::postgres(text, &Syntax::POSTGRES) }
}

/// As if so much time had passed that the lease ran out.
const RUNS_OUT: &str = "update migrate_history_lock set expires_at = clock_timestamp() - interval '1 s'";

#[test]
fn a_lease_that_ran_out_is_taken_over_and_its_holder_can_do_no_more() {
    let server = Server::shared();
    let database = server.database();
    let pooler = Pgbouncer::start(server, PoolMode::Transaction, 3);
    let (mut one, mut other) = (session(&pooler, &database), session(&pooler, &database));
    let Locked::Mine { fence } = lock(&mut *one, "ada@desk") else { panic!("nobody else is there") };
    let Locked::HeldBy(holder) = lock(&mut *other, "bob@desk") else { panic!("it was given twice") };
    assert!(holder.who.contains("ada@desk") && holder.since.is_some(), "{holder:?}");
    database.psql(RUNS_OUT);
    let Locked::Mine { fence: next } = lock(&mut *other, "bob@desk") else { panic!("it had run out") };
    assert!(next > fence);
    let (settings, create) = (Settings::default(), statement("create table late (n integer)"));
    let end = perform(&mut *one, &[Effect::Begin(&settings), Effect::Statement(&create), Effect::Commit]);
    let End::Refused { at: 0, error } = end else { panic!("{end:?}") };
    assert_eq!(error.fault, Fault::Stale, "{error}");
    assert_eq!(perform(&mut *one, &[Effect::Rollback]), End::All);
    // Nor does it give back what is not its own any more.
    block_on(one.unlock(&TableName::default())).expect("nothing to give back");
    assert!(matches!(lock(&mut *one, "ada@desk"), Locked::HeldBy(_)));
    let end = perform(&mut *other, &[Effect::Begin(&settings), Effect::Statement(&create), Effect::Commit]);
    assert_eq!(end, End::All);
    block_on(other.unlock(&TableName::default())).expect("it is its own");
    assert!(matches!(lock(&mut *one, "ada@desk"), Locked::Mine { .. }));
}

#[test]
fn a_lease_does_not_run_out_under_an_open_transaction() {
    let server = Server::shared();
    let database = server.database();
    let pooler = Pgbouncer::start(server, PoolMode::Transaction, 3);
    let (mut one, mut other) = (session(&pooler, &database), session(&pooler, &database));
    assert!(matches!(lock(&mut *one, "ada@desk"), Locked::Mine { .. }));
    database.psql(RUNS_OUT);
    let (settings, create) = (Settings::default(), statement("create table a (n integer)"));
    assert_eq!(perform(&mut *one, &[Effect::Begin(&settings), Effect::Statement(&create)]), End::All);
    assert!(matches!(lock(&mut *other, "bob@desk"), Locked::HeldBy(_)), "its transaction is open");
    assert_eq!(perform(&mut *one, &[Effect::Commit]), End::All);
    assert!(matches!(lock(&mut *other, "bob@desk"), Locked::Mine { .. }));
    assert_eq!(database.psql("select count(*) from a"), "0\n");
}

#[test]
fn a_lease_is_extended_while_its_holder_lives() {
    let server = Server::shared();
    let database = server.database();
    let pooler = Pgbouncer::start(server, PoolMode::Transaction, 1);
    let mut one = session(&pooler, &database);
    assert!(matches!(lock(&mut *one, "ada@desk"), Locked::Mine { .. }));
    let left = || database.psql("select expires_at from migrate_history_lock");
    let begin = left();
    // Whatever drives the connections runs only while something is waited for.
    wait_for("a sign of life", || {
        block_on(async { tokio::time::sleep(Duration::from_millis(20)).await });
        (left() != begin).then_some(())
    });
    drop(one);
    let mut other = session(&pooler, &database);
    wait_for("whoever is gone has given it back", || {
        block_on(async { tokio::time::sleep(Duration::from_millis(20)).await });
        matches!(lock(&mut *other, "bob@desk"), Locked::Mine { .. }).then_some(())
    });
}
