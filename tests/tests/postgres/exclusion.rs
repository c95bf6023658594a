//! Several processes at once: each migration runs once, nobody fails, and who waits knows for whom.

use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use migrate_core::backend::Holder;
use migrate_core::{Event, Migrator};
use migrate_tests::project::Files;
use migrate_tests::proxy::{How, Proxy};
use migrate_tests::servers::{Database, Pgbouncer, PoolMode, Postgres as Server, wait_for};
use migrate_tests::{Project, Transcript, program};

use super::support::{assert_whole, backend, block_on, set};

const SMALL: Files<'_> = &[
    ("1_create", "create table ran (what text not null);\ninsert into ran values ('1');"),
    ("2_more", "create table a (n integer primary key);\ninsert into ran values ('2');"),
    ("3_rows", "insert into a select generate_series(1, 1000);\ninsert into ran values ('3');"),
    ("4_column", "alter table a add column m integer not null default 0;\ninsert into ran values ('4');"),
    ("5_last", "insert into ran values ('5');"),
];

const BUILDS: Files<'_> = &[
    (
        "1_create",
        "create table ran (what text not null);\ncreate table a as select i as n, i as m from generate_series(1, 1000) as i;\n\
         insert into ran values ('1');",
    ),
    ("2_build", "create index concurrently a_n on a (n);"),
    ("3_mark", "insert into ran values ('3');"),
    ("4_build", "create index concurrently a_m on a (m);"),
    ("5_last", "insert into ran values ('5');"),
];

fn up(url: &str) -> String {
    format!("up -d {url} --dir migrations")
}

fn start_all(project: &Project, url: &str, processes: usize) -> Vec<Transcript> {
    let words = up(url);
    let children: Vec<Child> = (0..processes).map(|_| project.start(&words)).collect();
    children.into_iter().map(|child| project.end(&words, child)).collect()
}

/// What an undisturbed run leaves.
fn undisturbed(files: Files<'_>) -> String {
    let database = Server::shared().database();
    block_on(Migrator::new(backend(&database.url()), set(files)).up()).unwrap_or_else(|error| panic!("{error}"));
    let contents = database.contents();
    assert!(contents.contains("public.ran (1)\n"), "the set did nothing:\n{contents}");
    contents
}

fn together(files: Files<'_>, database: &Database<'_>, url: &str) {
    let expected = undisturbed(files);
    let transcripts = start_all(&Project::with(files), url, 20);
    for transcript in &transcripts {
        assert_eq!(transcript.code, Some(0), "{transcript}\n{}", database.server().log());
    }
    assert_whole(database, &set(files), &expected, "20 at once");
}

#[test]
fn twenty_at_once_build_each_index_once_and_nobody_fails() {
    program();
    let database = Server::shared().database();
    together(BUILDS, &database, &database.url());
}

#[test]
fn twenty_at_once_behind_a_pooler_apply_each_migration_once_and_nobody_fails() {
    program();
    let database = Server::shared().database();
    let pooler = Pgbouncer::start(Server::shared(), PoolMode::Transaction, 3);
    together(SMALL, &database, &pooler.url(&database));
}

/// Waits until a statement that names `what` runs in a database.
fn runs(database: &Database<'_>, what: &str) {
    let sql = format!(
        "select count(*) from pg_stat_activity where datname = current_database() and state = 'active' \
         and query like '%{what}%' and pid <> pg_backend_pid()"
    );
    wait_for(what, || (database.psql(&sql).trim() != "0").then_some(()));
}

/// A set whose second migration takes `seconds`.
fn slow(seconds: u32) -> Vec<(&'static str, String)> {
    vec![
        ("1_create", "create table ran (what text not null);\ninsert into ran values ('1');".to_owned()),
        ("2_slow", format!("insert into ran values ('2');\nselect pg_sleep({seconds});")),
        ("3_last", "insert into ran values ('3');".to_owned()),
    ]
}

fn borrowed<'a>(files: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    files.iter().map(|(name, text)| (*name, text.as_str())).collect()
}

#[test]
fn who_waits_is_told_who_is_at_work_since_when_and_what_runs() {
    let database = Server::shared().database();
    let files = slow(3);
    let files = borrowed(&files);
    let (project, words) = (Project::with(&files), up(&database.url()));
    let holder = project.start(&words);
    runs(&database, "pg_sleep");
    let mut holders: Vec<Holder> = Vec::new();
    let mut observer = |event: &Event<'_>| {
        if let Event::Waiting { holder, .. } = event {
            holders.push((*holder).clone());
        }
    };
    let report = block_on(Migrator::new(backend(&database.url()), set(&files)).run(&mut observer)).unwrap();
    assert_eq!(project.end(&words, holder).code, Some(0));
    assert!(report.is_empty(), "the other one did it all: {report:?}");
    let Some(told) = holders.first() else { panic!("it never waited") };
    let at_once = holders.iter().find(|holder| holder.running.as_ref().is_some_and(|sql| sql.contains("pg_sleep")));
    assert!(at_once.is_some(), "nobody says what runs: {holders:#?}");
    assert!(told.who.contains("migrate") && told.who.contains("process"), "{told:?}");
    assert!(told.since.is_some_and(|since| since < Duration::from_secs(60)), "{told:?}");
}

#[test]
fn after_the_holder_is_killed_the_next_goes_on_as_soon_as_the_server_notices() {
    let server = Server::shared();
    let database = server.database();
    // Before 14 the server does not look whether its client is still there.
    let (seconds, again) = if server.version() >= 140_000 { (100, 0) } else { (5, 5) };
    let files = slow(seconds);
    let (project, words) = (Project::with(&borrowed(&files)), up(&database.url()));
    let mut holder = project.start(&words);
    runs(&database, "pg_sleep");
    holder.kill().expect("a child can be killed");
    let begin = Instant::now();
    project.end(&words, holder);
    // What took so long does not any more. Where the server did not look, the orphan came to its end and wrote its row.
    let files = slow(again);
    let files = borrowed(&files);
    block_on(Migrator::new(backend(&database.url()), set(&files)).up()).unwrap_or_else(|error| panic!("{error}"));
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    assert_eq!(database.psql("select what from ran order by what"), "1\n2\n3\n");
}

#[test]
fn behind_a_pooler_the_next_goes_on_after_the_lease_of_a_killed_holder() {
    let server = Server::shared();
    let database = server.database();
    let pooler = Pgbouncer::start(server, PoolMode::Transaction, 2);
    let files = slow(2);
    let files = borrowed(&files);
    let (project, words) = (Project::with(&files), up(&pooler.url(&database)));
    let mut holder = project.start(&words);
    runs(&database, "pg_sleep");
    holder.kill().expect("a child can be killed");
    project.end(&words, holder);
    let waiting = thread::scope(|scope| {
        let next = scope.spawn(|| start_all(&project, &pooler.url(&database), 2));
        // As if the time of the lease had passed: it is locked for as long as the orphan runs.
        let late = "update migrate_history_lock set expires_at = clock_timestamp() where owner is not null returning 1";
        assert_eq!(database.psql(late), "1\n");
        next.join().expect("two runs")
    });
    for transcript in waiting {
        assert_eq!(transcript.code, Some(0), "{transcript}");
    }
    assert_eq!(database.psql("select what from ran order by what"), "1\n2\n3\n");
}

#[test]
fn a_run_that_connects_again_holds_the_lock_again() {
    let database = Server::shared().database();
    let proxy = Proxy::to(&Server::shared().address());
    let set = set(&[("1_create", "create table ran (n integer);"), ("2_waits", "select pg_advisory_xact_lock(7);")]);
    let migrator = Migrator::new(backend(&database.url_by(&proxy.address())), set.clone());
    let waiting = |other_than: u32| {
        let sql = format!(
            "select pid from pg_stat_activity where datname = current_database() and wait_event = 'advisory' \
             and pid <> {other_than} limit 1"
        );
        wait_for("the second step waits", || database.psql(&sql).trim().parse::<u32>().ok())
    };
    let locks = |pid: u32| {
        let sql = format!("select count(*) from pg_locks where locktype = 'advisory' and granted and pid = {pid}");
        database.psql(&sql)
    };
    thread::scope(|scope| {
        // In here, so that nothing waits for it when this fails.
        let mut blocker = database.client();
        blocker.run("select pg_advisory_lock(7)");
        let run = scope.spawn(move || block_on(migrator.up()));
        let first = waiting(0);
        assert_eq!(locks(first), "1\n");
        proxy.cut_all(How::Reset);
        let second = waiting(first);
        assert_eq!(locks(second), "1\n", "it works without the lock");
        blocker.run("select pg_advisory_unlock(7)");
        run.join().expect("a run").unwrap_or_else(|error| panic!("{error:#?}"));
    });
    assert_whole(&database, &set, &database.contents(), "connected again");
}
