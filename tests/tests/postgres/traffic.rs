//! Migrations among others who use the same tables: nobody is kept waiting for long, and who is in the way is named.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use migrate_core::backend::Blocker;
use migrate_core::{Event, MigrationSet, Migrator, RunOptions};
use migrate_tests::long;
use migrate_tests::servers::{Database, Postgres as Server, wait_for};

use super::support::{AtEnd, backend, block_on, set};

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

/// Reads a table `every` so often until it is told to stop: how many times, and the longest wait.
fn read(database: &Database<'_>, every: Duration, stop: &AtomicBool) -> (u32, Duration) {
    let mut client = database.client();
    let (mut reads, mut longest) = (0, Duration::ZERO);
    while !stop.load(Ordering::SeqCst) {
        let begin = Instant::now();
        let answer = client.run("select n from accounts where id = 7");
        assert_eq!(answer, "7\n");
        longest = longest.max(begin.elapsed());
        reads += 1;
        // The traffic is the subject.
        thread::sleep(every.saturating_sub(begin.elapsed()));
    }
    (reads, longest)
}

fn waits(database: &Database<'_>, what: &str) {
    let sql = format!("select count(*) from pg_stat_activity where datname = current_database() and {what}");
    wait_for(what, || (database.psql(&sql).trim() != "0").then_some(()));
}

#[test]
fn a_table_that_is_read_stays_readable_while_its_change_waits_for_somebody() {
    const HELD: Duration = Duration::from_secs(12);
    let database = Server::shared().database();
    let first = ("1_accounts", "create table accounts as select i as id, i as n from generate_series(1, 100) as i;");
    run(&database, &set(&[first]));
    let mut blocker = database.client();
    let pid = blocker.backend_pid();
    blocker.begin(&format!("begin; select count(*) from accounts; select pg_sleep({}); commit", HELD.as_secs()));
    waits(&database, "wait_event = 'PgSleep'");
    let begin = Instant::now();
    let stop = AtomicBool::new(false);
    let (heard, elapsed, reads) = thread::scope(|scope| {
        // 200 a second.
        let readers: Vec<_> =
            (0..4).map(|_| scope.spawn(|| read(&database, Duration::from_millis(20), &stop))).collect();
        let at_end = AtEnd(&stop);
        let second = ("2_note", "alter table accounts add column note text;");
        let heard = run(&database, &set(&[first, second]));
        let elapsed = begin.elapsed();
        drop(at_end);
        (heard, elapsed, readers.into_iter().map(|reader| reader.join().expect("a reader")).collect::<Vec<_>>())
    });
    let longest = reads.iter().map(|(_, longest)| *longest).max().unwrap_or_default();
    let count: u32 = reads.iter().map(|(reads, _)| reads).sum();
    println!("{count} reads, the longest {longest:?}; {} tries again; {elapsed:?} in all", heard.retries);
    let limit = RunOptions::default().lock_timeout;
    assert!(longest < limit + Duration::from_secs(1), "a read waited {longest:?}");
    assert!(longest > limit / 2, "nobody ever stood in a queue: this tests nothing");
    assert!(heard.retries > 0, "{heard:?}");
    let named = |blocker: &Blocker| blocker.who.contains(&format!("process {pid},")) && blocker.age.is_some();
    assert!(heard.blockers.iter().any(named), "process {pid} is not named: {heard:#?}");
    // The longest pause between two tries, and a try.
    assert!(elapsed < HELD + Duration::from_secs(5) + limit + Duration::from_secs(1), "{elapsed:?}");
    assert_eq!(database.psql("select count(note) from accounts"), "0\n");
}

#[test]
fn a_concurrent_build_waits_for_an_old_transaction_and_tells_of_it() {
    let held = if long() { 30 } else { 4 };
    let database = Server::shared().database();
    let first = ("1_a", "create table a as select i as n from generate_series(1, 1000) as i;");
    run(&database, &set(&[first]));
    let mut blocker = database.client();
    let pid = blocker.backend_pid();
    // It has written to the table, so the build must wait for its end.
    blocker.begin(&format!("begin; insert into a values (0); select pg_sleep({held}); commit"));
    waits(&database, "wait_event = 'PgSleep'");
    let begin = Instant::now();
    let heard = run(&database, &set(&[first, ("2_index", "create index concurrently a_n on a (n);")]));
    assert!(begin.elapsed() > Duration::from_secs(held - 2), "it did not wait: {:?}", begin.elapsed());
    let named = |blocker: &Blocker| blocker.who.contains(&format!("process {pid},")) && blocker.query.is_some();
    assert!(heard.blockers.iter().any(named), "process {pid} is not named: {heard:#?}");
    assert_eq!(heard.retries, 0, "{heard:#?}");
    let indexes = "select relname, indisvalid from pg_index join pg_class c on c.oid = indexrelid \
                   where indrelid = 'a'::regclass";
    assert_eq!(database.psql(indexes), "a_n|t\n");
}

#[test]
fn what_gives_up_waiting_names_who_was_in_the_way() {
    let database = Server::shared().database();
    let first = ("1_a", "create table a (n integer);");
    run(&database, &set(&[first]));
    let mut blocker = database.client();
    let pid = blocker.backend_pid();
    blocker.run("begin; select count(*) from a");
    let mut options = RunOptions::default();
    options.lock_timeout = Duration::from_millis(300);
    options.lock_retry_for = Duration::from_millis(500);
    let both = set(&[first, ("2_b", "alter table a add column m integer;")]);
    let error = block_on(Migrator::new(backend(&database.url()), both.clone()).options(options).up()).unwrap_err();
    assert!(error.is_retryable(), "{error:#?}");
    let text = error.to_string();
    assert!(text.contains(&format!("process {pid}")) && text.contains("select count(*) from a"), "{text}");
    blocker.run("commit");
    run(&database, &both);
}
