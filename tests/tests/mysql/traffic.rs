//! Migrations among others who use the same tables: nobody is kept waiting for long, and who is in the way is named.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use migrate_core::backend::Blocker;
use migrate_core::error::ErrorKind;
use migrate_core::{Event, MigrationSet, Migrator, RunOptions};
use migrate_tests::Project;
use migrate_tests::servers::mysql::Database;
use migrate_tests::servers::{Flavour, MySql as Server, wait_for};

use super::FLAVOUR;
use super::support::{backend, block_on, endless, fragile, set};

/// Who was said to be in the way, and how often a step was tried again.
#[derive(Debug, Default)]
struct Heard {
    blockers: Vec<Blocker>,
    retries: u32,
}

/// Runs what is pending, as patiently as by default, and listens.
fn run(database: &Database<'_>, set: &MigrationSet) -> Heard {
    let mut heard = Heard::default();
    let mut observer = |event: &Event<'_>| match event {
        Event::Blocked { blockers, .. } => heard.blockers.extend(blockers.iter().cloned()),
        Event::Retry { error, .. } => {
            heard.retries += 1;
            heard.blockers.extend(error.blockers.iter().cloned());
        }
        _ => {}
    };
    let result = block_on(Migrator::new(backend(&database.url()), set.clone()).run(&mut observer));
    result.unwrap_or_else(|error| panic!("{error}"));
    heard
}

/// Raises a flag when it is dropped, also by a panic: a scope waits for its threads, whatever happened.
struct AtEnd<'a>(&'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Reads a table every 20 ms until it is told to stop: how many times, and the longest wait.
fn read(database: &Database<'_>, stop: &AtomicBool) -> (u32, Duration) {
    let mut client = database.client();
    let (mut reads, mut longest) = (0, Duration::ZERO);
    while !stop.load(Ordering::SeqCst) {
        let begin = Instant::now();
        assert_eq!(client.run("select n from accounts where id = 7"), "7\n");
        longest = longest.max(begin.elapsed());
        reads += 1;
        // The traffic is the subject.
        thread::sleep(Duration::from_millis(20).saturating_sub(begin.elapsed()));
    }
    (reads, longest)
}

/// Waits until the process list shows a connection to the database like this.
fn waits(database: &Database<'_>, what: &str) {
    let sql = format!(
        "select count(*) from information_schema.processlist where db = database() and id <> connection_id() and {what}"
    );
    wait_for(what, || (database.sql(&sql).trim() != "0").then_some(()));
}

const ACCOUNTS: (&str, &str) = (
    "1_accounts",
    "create table accounts (id int primary key, n int);\ninsert into accounts with recursive r as \
     (select 1 as i union all select i + 1 from r where i < 100) select i, i from r;",
);

fn named(heard: &Heard, id: u64) -> Option<&Blocker> {
    heard.blockers.iter().find(|blocker| blocker.who.starts_with(&format!("connection {id},")))
}

#[test]
fn every_try_at_a_statement_has_its_limit() {
    // Each has its own way to be decided after a crash, and so to be sent.
    for statement in ["drop table accounts", "analyze table accounts", "alter table accounts add m int"] {
        let database = Server::shared(FLAVOUR).database();
        run(&database, &set(&[ACCOUNTS]));
        let mut blocker = database.client();
        blocker.begin("lock tables accounts write; do sleep(9); unlock tables");
        waits(&database, "info like 'do sleep%'");
        let heard = run(&database, &set(&[ACCOUNTS, ("2_waits", statement)]));
        assert!(heard.retries > 1, "{statement}: {heard:?}");
        blocker.end();
    }
}

#[test]
fn a_table_that_is_read_stays_readable_while_its_change_waits_for_somebody() {
    const HELD: Duration = Duration::from_secs(8);
    let database = Server::shared(FLAVOUR).database();
    run(&database, &set(&[ACCOUNTS]));
    let mut blocker = database.client();
    let id = blocker.id();
    blocker.begin(&format!("begin; select count(*) from accounts; do sleep({}); commit", HELD.as_secs()));
    waits(&database, "info like 'do sleep%'");
    let begin = Instant::now();
    let stop = AtomicBool::new(false);
    let (heard, elapsed, reads) = thread::scope(|scope| {
        let readers: Vec<_> = (0..4).map(|_| scope.spawn(|| read(&database, &stop))).collect();
        let at_end = AtEnd(&stop);
        let heard = run(&database, &set(&[ACCOUNTS, ("2_note", "alter table accounts add column note text;")]));
        let elapsed = begin.elapsed();
        drop(at_end);
        (heard, elapsed, readers.into_iter().map(|reader| reader.join().expect("a reader")).collect::<Vec<_>>())
    });
    let longest = reads.iter().map(|(_, longest)| *longest).max().unwrap_or_default();
    let count: u32 = reads.iter().map(|(reads, _)| reads).sum();
    println!("{count} reads, the longest {longest:?}; {} tries again; {elapsed:?} in all", heard.retries);
    let limit = RunOptions::default().lock_timeout;
    assert!(longest < limit + Duration::from_secs(2), "a read waited {longest:?}");
    assert!(longest > limit / 2, "nobody ever stood in a queue: this tests nothing");
    assert!(heard.retries > 0, "{heard:?}");
    let blocker = named(&heard, id).unwrap_or_else(|| panic!("connection {id} is not named: {heard:#?}"));
    assert!(blocker.who.contains("user test") && blocker.age.is_some(), "{blocker:?}");
    assert!(blocker.query.as_deref().is_some_and(|query| query.contains("sleep")), "{blocker:?}");
    // The longest pause between two tries, and a try.
    assert!(elapsed < HELD + Duration::from_secs(5) + limit + Duration::from_secs(2), "{elapsed:?}");
    assert_eq!(database.sql("select count(note) from accounts"), "0\n");
}

#[test]
fn a_row_that_somebody_holds_is_waited_for_and_its_holder_named() {
    for alone in ["", "-- migrate:no-transaction\n"] {
        let database = Server::shared(FLAVOUR).database();
        run(&database, &set(&[ACCOUNTS]));
        let mut blocker = database.client();
        let id = blocker.id();
        blocker.run("begin; update accounts set n = 70 where id = 7");
        let text = format!("{alone}update accounts set n = n + 1 where id in (7, 8);");
        let both = set(&[ACCOUNTS, ("2_rows", &text)]);
        let stop = AtomicBool::new(false);
        let heard = thread::scope(|scope| {
            let running = scope.spawn(|| {
                let _at_end = AtEnd(&stop);
                run(&database, &both)
            });
            // It is told to wait two seconds, and to try again. What InnoDB shows of transactions does not change while
            // it is looked at all the time.
            let sql = "select count(*) from information_schema.processlist where db = database() \
                       and id <> connection_id() and state = 'updating'";
            for (what, count) in [("it waits", "1"), ("it gave up", "0")] {
                wait_for(what, || (stop.load(Ordering::SeqCst) || database.sql(sql).trim() == count).then_some(()));
            }
            blocker.run("commit");
            running.join().expect("a run")
        });
        assert!(heard.retries > 0, "{heard:?}");
        let blocker = named(&heard, id).unwrap_or_else(|| panic!("connection {id} is not named: {heard:#?}"));
        assert!(blocker.who.contains("idle for") && blocker.age.is_some(), "{blocker:?}");
        assert_eq!(database.sql("select group_concat(n order by id) from accounts where id in (7, 8)"), "71,9\n");
    }
}

#[test]
fn what_gives_up_waiting_names_who_was_in_the_way() {
    let database = Server::shared(FLAVOUR).database();
    run(&database, &set(&[ACCOUNTS]));
    let mut blocker = database.client();
    let id = blocker.id();
    blocker.run("begin; select count(*) from accounts");
    let mut options = RunOptions::default();
    options.lock_timeout = Duration::from_secs(3);
    options.lock_retry_for = Duration::from_millis(500);
    let both = set(&[ACCOUNTS, ("2_b", "alter table accounts add column m integer;")]);
    let error = block_on(Migrator::new(backend(&database.url()), both.clone()).options(options).up()).unwrap_err();
    assert!(error.is_retryable(), "{error:#?}");
    let text = error.to_string();
    assert!(text.contains(&format!("connection {id}, user test")), "{text}");
    assert_eq!(database.sql("select state from migrate_history where version = '2'"), "failed\n");
    blocker.run("commit");
    run(&database, &both);
}

#[test]
fn a_deadlock_is_tried_again() {
    let database = Server::shared(FLAVOUR).database();
    let first = ("2_tables", "create table heavy (n int);\ncreate table a (id int primary key, n int);");
    run(&database, &set(&[ACCOUNTS, first]).clone());
    database.sql("insert into heavy select id from accounts; insert into a values (1, 0), (2, 0)");
    let mut other = database.client();
    // Who changed fewer rows is the victim.
    other.run("begin; update heavy set n = n + 1; update a set n = n + 10 where id = 2");
    let both = set(&[
        ACCOUNTS,
        first,
        ("3_locks", "update a set n = n + 1 where id = 1;\nupdate a set n = n + 1 where id = 2;"),
    ]);
    let heard = thread::scope(|scope| {
        let running = scope.spawn(|| run(&database, &both));
        let waiting = "select count(*) from information_schema.processlist where db = database() \
                       and id <> connection_id() and state = 'updating' and info like 'update a%id = 2%'";
        wait_for("it waits", || (running.is_finished() || database.sql(waiting).trim() != "0").then_some(()));
        assert_eq!(other.run("update a set n = n + 10 where id = 1; commit"), "");
        running.join().expect("a run")
    });
    assert_eq!(heard.retries, 1, "{heard:?}");
    assert_eq!(database.sql("select group_concat(n order by id) from a"), "11,11\n");
}

#[test]
fn a_connection_that_somebody_kills_is_replaced() {
    let database = Server::shared(FLAVOUR).database();
    let files = set(&[
        ACCOUNTS,
        (
            "2_slow",
            "create table b as select sleep(0.7) as s;\ninsert into b select sleep(0.7);\ncreate table c (n int);",
        ),
    ]);
    let mut kills = 2;
    let mut reconnections = 0;
    let mut observer = |event: &Event<'_>| match event {
        Event::StatementStarted { statement: 1 | 2, .. } if kills > 0 => {
            kills -= 1;
            let (server, name) = (database.server(), database.name().to_owned());
            thread::spawn(move || {
                let running = || {
                    let sql = format!(
                        "select id from information_schema.processlist where db = '{name}' and info like '%sleep(0.7)%' \
                         and id <> connection_id()"
                    );
                    server.sql("", &sql).lines().next().and_then(|id| id.parse().ok())
                };
                server.kill_session(wait_for("it runs", running));
            });
        }
        Event::Reconnecting { .. } => reconnections += 1,
        _ => {}
    };
    let migrator = Migrator::new(backend(&database.url()), files.clone());
    block_on(migrator.run(&mut observer)).unwrap_or_else(|error| panic!("{error}"));
    assert!(reconnections > 0);
    assert_eq!(database.sql("select count(*) from b"), "2\n");
    assert!(block_on(fragile(&database.url(), &files).check()).unwrap().is_current());
}

#[test]
fn the_first_stop_lets_what_was_sent_finish() {
    let database = Server::shared(FLAVOUR).database();
    let files = set(&[
        ("1_first", "create table a (n int);"),
        ("2_slow", "analyze table a;\ninsert into a select sleep(1);\ninsert into a values (2);"),
        (
            "3_after",
            "-- migrate:precondition \"there are rows\" select count(*) > 0 from a\ncreate table after (n int);",
        ),
    ]);
    let migrator = fragile(&database.url(), &files);
    let stop = migrator.stop_handle();
    let mut observer = |event: &Event<'_>| {
        if let Event::StatementStarted { statement: 2, .. } = event {
            stop.stop();
        }
    };
    let error = block_on(migrator.run(&mut observer)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Stopped { .. }), "{error}");
    let rows = database.sql("select count(*) from a");
    assert!(rows == "2\n" || rows == "1\n", "{rows}");
    let states = database.sql("select state from migrate_history where version = '2'");
    assert!(states == "done\n" || states == "interrupted\n", "{states}");
    block_on(fragile(&database.url(), &files).up()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(database.sql("select count(*) from a"), "2\n");
}

#[test]
fn the_second_signal_stops_the_statement_on_the_server_and_says_where_the_run_stands() {
    let endless = endless();
    for slow in [&format!("insert into a {endless}"), &format!("create table b as {endless}"), "call p()"] {
        let database = Server::shared(FLAVOUR).database();
        let text = format!("analyze table a;\n{slow};\ninsert into a values (2);");
        let project = Project::with(&[
            ("1_first", &format!("create table a (n bigint);\ncreate procedure p() begin {endless}; end;")),
            ("2_slow", &text),
            ("3_after", "create table after (n int);"),
        ]);
        let mut command = project.command(&["up", "-d", &database.url()]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        waits(&database, "info like '%endless%' and info not like 'create procedure%' and time > 0");
        for _ in 0..2 {
            let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
            assert!(killed.success());
            // Two signals of the same kind become one while the first is not taken.
            thread::sleep(Duration::from_millis(300));
        }
        let said = project.end("up", child);
        assert_eq!(said.code, Some(9), "{slow}: {said}");
        assert!(said.stderr.contains("2 migrations left"), "{slow}: {said}");
        assert!(!said.stdout.contains("test:test") && !said.stderr.contains("test:test"), "{said}");
        let row = database.sql("select state, `cursor` from migrate_history where version = '2'");
        if row == "in_flight\t1\n" {
            // It may have been carried out all the same: the next run looks, or asks about the call.
            assert!(!slow.starts_with("insert"), "{slow}: {said}");
            continue;
        }
        assert_eq!(row, "interrupted\t1\n", "{slow}: {said}");
        project.write("migrations/2_slow.sql", &text.replace(slow, "do 0"));
        project.migrate_with(&["up", "-d", &database.url()]).exits(0);
        assert_eq!(database.sql("select n from a"), "2\n", "{slow}");
        if FLAVOUR == Flavour::MySql {
            assert_eq!(database.sql("show tables like 'b'"), "", "{slow}");
        }
    }
}
