//! Several processes at once: each migration runs once, nobody fails, and who waits knows for whom.

use std::process::Child;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use migrate_core::backend::Holder;
use migrate_core::{Event, Migrator};
use migrate_tests::project::Files;
use migrate_tests::servers::mysql::Database;
use migrate_tests::servers::{MySql as Server, wait_for};
use migrate_tests::{Project, program};

use super::FLAVOUR;
use super::support::{assert_whole, backend, block_on, set};

const SMALL: Files<'_> = &[
    ("1_create", "create table ran (what text not null);\ninsert into ran values ('1');"),
    ("2_more", "create table a (n int primary key);\ninsert into ran values ('2');"),
    ("3_rows", "insert into a values (1), (2), (3);\ninsert into ran values ('3');"),
    (
        "4_column",
        "insert into ran values ('4a');\nalter table a add column m int not null default 0;\ninsert into ran values ('4b');",
    ),
    ("5_routine", "create procedure p() insert into ran values ('p');"),
    ("6_last", "call p();\ninsert into ran values ('6');"),
];

/// The second one takes its time.
const SLOW: Files<'_> = &[
    ("1_create", "create table ran (what text not null);\ninsert into ran values ('1');"),
    ("2_slow", "insert into ran values ('2');\ndo sleep(2);\ncreate table a (n int);"),
    ("3_last", "insert into ran values ('3');"),
];

fn up(database: &Database<'_>) -> String {
    format!("up -d {} --dir migrations", database.url())
}

/// What an undisturbed run leaves.
fn undisturbed(files: Files<'_>) -> String {
    let database = Server::shared(FLAVOUR).database();
    block_on(Migrator::new(backend(&database.url()), set(files)).up()).unwrap_or_else(|error| panic!("{error:#?}"));
    let contents = database.contents();
    assert!(contents.contains("\nran\t1\n"), "the set did nothing:\n{contents}");
    contents
}

#[test]
fn twenty_at_once_apply_each_migration_once_and_nobody_fails() {
    program();
    let expected = undisturbed(SMALL);
    let database = Server::shared(FLAVOUR).database();
    let (project, words) = (Project::with(SMALL), up(&database));
    let children: Vec<Child> = (0..20).map(|_| project.start(&words)).collect();
    for child in children {
        project.end(&words, child).exits(0);
    }
    assert_whole(&database, &set(SMALL), &expected, "20 at once");
}

/// The connection on which a statement of ours sleeps, once it does.
fn sleeper(database: &Database<'_>) -> u64 {
    let sql = format!(
        "select id from information_schema.processlist where db = '{}' and state = 'User sleep'",
        database.name()
    );
    wait_for("it sleeps", || database.sql(&sql).trim().parse().ok())
}

/// What those who wait are told, while the holder does what it likes and is then killed or not.
fn behind(kills: bool) {
    let expected = undisturbed(SLOW);
    let database = Server::shared(FLAVOUR).database();
    let (project, words) = (Project::with(SLOW), up(&database));
    let mut holder = project.start(&words);
    let connection = sleeper(&database);
    let (waits, told) = channel::<Holder>();
    let url = database.url();
    thread::scope(|scope| {
        let next = scope.spawn(move || {
            let mut observer = |event: &Event<'_>| {
                if let Event::Waiting { holder, .. } = event {
                    let _ = waits.send((*holder).clone());
                }
            };
            block_on(Migrator::new(backend(&url), set(SLOW)).run(&mut observer))
        });
        let waited_for = wait_for("it waits", || told.try_recv().ok());
        assert!(waited_for.who.ends_with(&format!("connection {connection}")), "{waited_for:?}");
        assert!(waited_for.since.is_some_and(|since| since < Duration::from_secs(60)), "{waited_for:?}");
        assert!(waited_for.running.as_ref().is_some_and(|sql| sql.contains("sleep(2)")), "{waited_for:?}");
        if kills {
            holder.kill().expect("a child can be killed");
        }
        next.join().expect("a run").unwrap_or_else(|error| panic!("{error:#?}"));
        // It did not go on while the orphan was there: that would have held the lock.
        assert!(!database.processes().contains(&connection) || !kills, "the orphan is still there");
    });
    let transcript = project.end(&words, holder);
    assert_eq!(transcript.code, if kills { None } else { Some(0) }, "{transcript}");
    assert_whole(&database, &set(SLOW), &expected, "the one behind");
}

#[test]
fn who_waits_is_told_who_is_at_work_since_when_and_what_runs() {
    behind(false);
}

#[test]
fn after_the_holder_is_killed_the_next_goes_on_when_its_statement_has_ended() {
    behind(true);
}
