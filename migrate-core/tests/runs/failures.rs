//! Statements that fail, and statements that meet somebody's lock.

use std::time::Duration;

use futures_executor::block_on;
use insta::assert_snapshot;
use migrate_core::backend::Fault;
use migrate_core::error::ErrorKind;
use migrate_core::event::Event;
use migrate_core::layout::Folder;
use migrate_core::migration::{Batch, BatchAt, Migration, Precondition, RunAttributes};
use migrate_core::plan::Refusal;
use migrate_core::testing::fixture::{self, Text};
use migrate_core::testing::{Memory, Record};
use migrate_core::{EngineNames, MigrationSet, Migrator, ReadOptions};

use super::{entries, ids, migrator, numbers, options, rows, told, up};

const FIRST: &str = "CREATE TABLE a (n INTEGER);\nINSERT INTO a VALUES (1);\n";
const LAST: &str = "INSERT INTO a VALUES (4);\nINSERT INTO a VALUES (5);";

fn five(third: &str) -> String {
    format!("{FIRST}{third};\n{LAST}")
}

#[test]
fn the_third_of_five_fails_and_the_mended_file_goes_on_with_it() {
    let memory = Memory::implicit();
    let error = up(&memory, &[("1", &five("INSERT INTO nosuch VALUES (3)"), ""), ("2", "REINDEX", "")]).unwrap_err();
    assert_snapshot!(error.to_string(), @"
    error[M0302]: 1 test: statement 3 of 5 failed: no such table: nosuch (MEM01)
      --> 1_test.sql:3:13
     3 | INSERT INTO nosuch VALUES (3);
       |             ^^^^^^
       = no migration was completed in this run; still pending: 2 test
       = statements 1 and 2 are applied and recorded; 3 to 5 have not run
       = fix the file from line 3 on and run `migrate up` again: it goes on with statement 3
    ");
    assert_eq!(rows(&memory), ["1 up 1 failed at 2"]);
    let mended = five("INSERT INTO a VALUES (3)");
    let (lines, report) = told(&migrator(&memory, &[("1", &mended, "")]));
    assert_eq!(lines, ["1 statement 3", "1 statement 4", "1 statement 5"]);
    assert_eq!(report.unwrap().steps[0].statements, 3);
    assert_eq!(rows(&memory), ["1 up 1 failed at 2", "2 up 1 done"]);
    assert_eq!(numbers(&memory, "a").unwrap(), ["1", "3", "4", "5"]);
}

#[test]
fn a_changed_head_is_refused() {
    let memory = Memory::implicit();
    up(&memory, &[("1", &five("INSERT INTO nosuch VALUES (3)"), "")]).unwrap_err();
    let changed = five("INSERT INTO a VALUES (3)").replace("(1)", "(7)");
    let error = up(&memory, &[("1", &changed, "")]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused(Refusal::PrefixChanged { .. })), "{error}");
    assert_snapshot!(error.to_string(), @"
    error[M0204]: 1 test: the part that has already run was changed (2 statements had run)
      --> 1_test.sql
       |   CREATE TABLE a (n INTEGER);
       | - INSERT INTO a VALUES (1);
       | - INSERT INTO nosuch VALUES (3);
       | + INSERT INTO a VALUES (7);
       | + INSERT INTO a VALUES (3);
       |   INSERT INTO a VALUES (4);
       |   INSERT INTO a VALUES (5);
       = put that part of the file back as it was; only what has not run yet can be changed
    ");
    assert_eq!(rows(&memory), ["1 up 1 failed at 2"]);
}

#[test]
fn a_lock_that_goes_away_is_waited_for() {
    for (memory, at) in [(Memory::transactional(), "1 up 1 done"), (Memory::implicit(), "1 up 1 done")] {
        memory.fail_next("INSERT", Fault::LockTimeout, 2);
        memory.fail_next("INSERT", Fault::Deadlock, 1);
        let (lines, report) = told(&migrator(&memory, &[("1", FIRST, "")]));
        let retries: Vec<_> = lines.iter().filter(|line| line.starts_with("retry")).collect();
        assert_eq!(retries.len(), 3, "{lines:?}");
        assert!(retries[2].starts_with("retry 3: INSERT"), "{lines:?}");
        assert_eq!(ids(&report.unwrap()), ["up 1"]);
        assert_eq!((rows(&memory), numbers(&memory, "a").unwrap()), (vec![at.to_owned()], vec!["1".to_owned()]));
    }
}

#[test]
fn a_lock_that_stays_is_an_error_once_the_time_is_over() {
    for memory in [Memory::transactional(), Memory::implicit()] {
        memory.fail_next("INSERT", Fault::LockTimeout, usize::MAX);
        let mut options = options();
        options.lock_retry_for = Duration::from_millis(60);
        let (lines, result) = told(&migrator(&memory, &[("1", FIRST, "")]).options(options));
        let error = result.unwrap_err();
        assert!(error.is_locked() && error.is_retryable(), "{error}");
        assert!(lines.iter().any(|line| line.starts_with("retry 1")), "{lines:?}");
        assert_eq!(memory.lock_holder(), None);
    }
}

/// Two migrations, and a count of what the first has made.
fn counted() -> MigrationSet {
    let files = [
        ("1_a.sql", "CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (7);"),
        ("2_b.sql", "CREATE TABLE b (n INTEGER);"),
        ("migrations.toml", "[counts]\na = \"SELECT n FROM a\"\n"),
    ];
    let folder = Folder::embedded("migrations", files);
    let read = MigrationSet::from_folder(&folder, &ReadOptions::new(EngineNames::SQLITE));
    read.unwrap_or_else(|problems| panic!("{problems:?}")).set
}

#[test]
fn a_lock_in_the_way_of_a_count_is_waited_for_and_is_no_loss() {
    let memory = Memory::transactional();
    let migrator = Migrator::new(memory.clone(), counted()).options(options());
    let mut waited = 0;
    let mut observer = |event: &Event<'_>| match event {
        Event::StepFinished { .. } => memory.fail_next("SELECT n FROM a", Fault::LockTimeout, 2),
        Event::Retry { step, error, .. } => {
            assert!(error.to_string().contains("count a cannot be asked: "), "{error}");
            waited += usize::from(step.title().starts_with('2'));
        }
        _ => {}
    };
    block_on(migrator.run(&mut observer)).unwrap();
    assert_eq!(waited, 2);
    assert_eq!(entries(&memory)[1].note.as_deref(), Some("counts: a 7"));
}

#[test]
fn a_lock_that_stays_in_the_way_of_a_count_says_what_is_done() {
    let memory = Memory::transactional();
    let mut options = options();
    options.lock_retry_for = Duration::ZERO;
    let migrator = || Migrator::new(memory.clone(), counted()).options(options.clone());
    let mut observer = |event: &Event<'_>| {
        if let Event::StepFinished { .. } = event {
            memory.fail_next("SELECT n FROM a", Fault::LockTimeout, 1);
        }
    };
    let behind = block_on(migrator().run(&mut observer)).unwrap_err();
    assert!(behind.is_retryable(), "{behind}");
    assert_snapshot!(behind.to_string(), @"
    error[M0307]: 1 a: it is done, and count a cannot be asked: SELECT n FROM a met somebody's lock
       = hint: once the lock is gone, see with `migrate status` what is left to do
    ");
    memory.fail_next("SELECT n FROM a", Fault::LockTimeout, 1);
    assert_snapshot!(block_on(migrator().up()).unwrap_err().to_string(), @"
    error[M0307]: 2 b: it has not begun, and count a cannot be asked: SELECT n FROM a met somebody's lock
       = hint: once the lock is gone, see with `migrate status` what is left to do
    ");
    assert_eq!(rows(&memory), ["1 up 1 done"]);
    assert_eq!(ids(&block_on(migrator().up()).unwrap()), ["up 2"]);
}

#[test]
fn no_retries_means_none() {
    let memory = Memory::implicit();
    memory.fail_next("INSERT", Fault::LockTimeout, usize::MAX);
    let mut options = options();
    options.lock_retry_for = Duration::ZERO;
    let (lines, result) = told(&migrator(&memory, &[("1", FIRST, "")]).options(options));
    assert_eq!(lines, ["1 statement 1"]);
    assert_snapshot!(result.unwrap_err().to_string(), @"
    error[M0307]: 1 test: statement 2 of 2 failed: INSERT INTO a VALUES (1) met somebody's lock
      --> 1_test.sql:2:1
     2 | INSERT INTO a VALUES (1);
       | ^^^^^^^^^^^^^^^^^^^^^^^^
       = no migration was completed in this run
       = statement 1 is applied and recorded; 2 has not run
       = run `migrate up` again when it is free: it goes on with statement 2
    ");
    assert_eq!(rows(&memory), ["1 up 1 failed at 1"]);
}

#[test]
fn every_other_failure_is_final() {
    let memory = Memory::transactional();
    memory.fail_next("INSERT", Fault::StatementTimeout, 1);
    let (lines, result) = told(&migrator(&memory, &[("1", FIRST, "")]));
    assert!(matches!(result.unwrap_err().kind(), ErrorKind::Statement(_)));
    assert_eq!((lines, numbers(&memory, "a")), (vec!["1 statement 1".to_owned()], None));
}

fn with(change: impl FnOnce(&mut Migration), text: &str) -> MigrationSet {
    let mut migration = fixture::migration(&("1", text, ""));
    change(&mut migration);
    MigrationSet::new("main", vec![migration]).unwrap()
}

#[test]
fn a_precondition_is_asked_before_the_first_attempt_only() {
    let ask = |migration: &mut Migration| {
        migration.attributes.run.preconditions =
            vec![Precondition { text: "b is there".to_owned(), sql: "SELECT n FROM b".to_owned(), offset: 0 }];
    };
    let memory = Memory::implicit();
    up(&memory, &[("0", "CREATE TABLE b (n INTEGER); INSERT INTO b VALUES (0);", "")]).unwrap();
    let run = |text: &str| {
        let mut both: Vec<Migration> = with(ask, text).iter().cloned().collect();
        both.push(fixture::migration(&("0", "CREATE TABLE b (n INTEGER); INSERT INTO b VALUES (0);", "")));
        let set = MigrationSet::new("main", both).unwrap();
        block_on(Migrator::new(memory.clone(), set).up())
    };
    let text = "DELETE FROM b; INSERT INTO b VALUES (1); CREATE TABLE c (n INTEGER); INSERT INTO nosuch VALUES (1);";
    let error = run(text).unwrap_err();
    assert_snapshot!(error.to_string(), @r#"
    refused[M0301]: 1 test: the precondition does not hold: b is there
       = asked: SELECT n FROM b
       = answer: 0
       = nothing of this migration has run: make the precondition true and run `migrate up` again
       = or go on in spite of it, which is written down: migrate up --waive "b is there"
    "#);
    assert_eq!(rows(&memory).len(), 1, "nothing was begun");
    // It holds, and then the script itself makes it false: what goes on does not ask again.
    let text = "CREATE TABLE c (n INTEGER); DELETE FROM b; INSERT INTO nosuch VALUES (1);";
    up_to(&memory, "1");
    run(text).unwrap_err();
    assert_eq!(numbers(&memory, "b").unwrap(), Vec::<String>::new());
    run(&text.replace("nosuch", "c")).unwrap();
    assert_eq!(numbers(&memory, "c").unwrap(), ["1"]);
}

/// Puts `value` where the precondition looks.
fn up_to(memory: &Memory, value: &str) {
    let text = format!("DELETE FROM b; INSERT INTO b VALUES ({value});");
    let set = fixture::component("other", &[("1", &text, "")]);
    block_on(Migrator::new(memory.clone(), set).up()).unwrap();
}

fn emptying(limit: u64) -> impl FnOnce(&mut Migration) {
    move |migration| {
        let batch = Batch::UntilEmpty { limit, pause: Duration::ZERO };
        let offset = migration.up.text().find("DELETE").unwrap();
        migration.attributes.run.batches = vec![BatchAt { offset, batch }];
    }
}

const ROWS: &str = "CREATE TABLE a (n INTEGER);\nINSERT INTO a VALUES (1, 2, 3, 4, 5);\nDELETE FROM a LIMIT 2;";

#[test]
fn a_batch_runs_until_nothing_is_left() {
    let memory = Memory::transactional();
    let (lines, result) = told(&Migrator::new(memory.clone(), with(emptying(2), ROWS)));
    result.unwrap();
    assert_eq!(
        lines.iter().filter(|line| line.starts_with("batch")).collect::<Vec<_>>(),
        ["batch 1, 2 rows", "batch 2, 4 rows", "batch 3, 5 rows", "batch 4, 5 rows"]
    );
    assert_eq!((rows(&memory), numbers(&memory, "a")), (vec!["1 up 1 done".to_owned()], Some(vec![])));
}

#[test]
fn a_batch_that_changes_more_than_its_limit_is_stopped() {
    let memory = Memory::transactional();
    let (_, result) = told(&Migrator::new(memory.clone(), with(emptying(1), ROWS)));
    assert_snapshot!(result.unwrap_err().to_string(), @"
    error[M0302]: 1 test: statement 3 of 3 failed: the statement changed 2 rows in one round, more than its limit of 1
      --> 1_test.sql:3:1
     3 | DELETE FROM a LIMIT 2;
       | ^^^^^^^^^^^^^^^^^^^^^
       = no migration was completed in this run
       = statements 1 and 2 are applied and recorded; 3 has not run
       = fix the file from line 3 on and run `migrate up` again: it goes on with statement 3
    ");
    assert_eq!(rows(&memory), ["1 up 1 failed at 2"]);
}

#[test]
fn a_batch_that_gets_on_is_not_given_up_for_the_locks_it_met_before() {
    let memory = Memory::transactional();
    memory.fail_next("LIMIT", Fault::LockTimeout, 1);
    let batch = Migrator::new(memory.clone(), with(emptying(2), ROWS));
    let mut attempts = Vec::new();
    let mut observer = |event: &Event<'_>| match event {
        // Another lock in the round after each that got on.
        Event::Batch { .. } => memory.fail_next("LIMIT", Fault::LockTimeout, 1),
        Event::Retry { attempt, .. } => attempts.push(*attempt),
        _ => {}
    };
    block_on(batch.run(&mut observer)).unwrap();
    assert_eq!(attempts, [1, 1, 1, 1]);
}

#[test]
fn what_is_only_recorded_waits_for_locks_too() {
    let recorded = Record::new(Memory::transactional());
    let texts: &[Text<'_>] = &[("1", "CREATE TABLE a (n INTEGER);", ""), ("2", "CREATE TABLE b (n INTEGER);", "")];
    let baseline = migrate_core::Goal::Baseline("2".parse().unwrap());
    let report = block_on(migrator(&recorded, texts).goal(baseline).up()).unwrap();
    assert_eq!(ids(&report), ["baseline 1", "baseline 2", "baseline 2"]);
    assert_eq!(up(&recorded, texts).unwrap().steps, []);
    // All rows in one transaction.
    let lines = recorded.lines();
    let begin = lines.iter().position(|line| line == "begin").unwrap();
    assert_eq!(
        lines[begin + 1..begin + 5],
        [
            "| append 1 baseline 1 done at 0",
            "| append 2 baseline 2 done at 0",
            "| append 3 baseline 2 done at 0",
            "| commit"
        ]
    );
}

const BUILDING: &[Text<'_>] =
    &[("1", "CREATE TABLE a (n INTEGER);\nBUILD TABLE b;\nINSERT INTO b VALUES (1);\nREINDEX;\nBUILD TABLE c;", "")];

#[test]
fn what_queues_nobody_waits_as_long_as_it_must() {
    let sets = |text: &str, run: RunAttributes| -> Vec<String> {
        let recorded = Record::new(Memory::transactional());
        let mut migration = fixture::migration(&("1", text, ""));
        migration.attributes.run = run;
        let set = MigrationSet::new("main", vec![migration]).unwrap();
        block_on(Migrator::new(recorded.clone(), set).up()).unwrap();
        let lines = recorded.lines();
        let shown = |line: &String| line.starts_with("set ") || line.contains("BUILD") || line.contains("REINDEX");
        lines.into_iter().filter(shown).filter(|line| !line.starts_with("note")).collect()
    };
    assert_eq!(
        sets(BUILDING[0].1, RunAttributes::default()),
        [
            "set 0 variables, lock timeout Some(0ns)",
            "| BUILD TABLE b",
            "set 0 variables, lock timeout Some(2s)",
            "| REINDEX",
            "set 0 variables, lock timeout Some(0ns)",
            "| BUILD TABLE c",
            "set 0 variables, lock timeout None",
        ]
    );
    let mut said = RunAttributes::default();
    said.timeouts.lock = Some(Duration::from_secs(7));
    assert_eq!(
        sets(BUILDING[0].1, said),
        [
            "set 0 variables, lock timeout Some(7s)",
            "| BUILD TABLE b",
            "| REINDEX",
            "| BUILD TABLE c",
            "set 0 variables, lock timeout None",
        ]
    );
    let apart = RunAttributes { no_transaction: true, ..RunAttributes::default() };
    // Whatever the script set for the session is taken away behind it.
    assert_eq!(sets("CREATE TABLE a (n INTEGER);", apart), ["set 0 variables, lock timeout None"]);
}

#[test]
fn what_a_refused_statement_leaves_behind_is_removed_before_the_next_try() {
    let memory = Memory::transactional();
    memory.fail_next("BUILD TABLE b", Fault::Deadlock, 2);
    let (lines, report) = told(&migrator(&memory, BUILDING));
    assert_eq!(ids(&report.unwrap()), ["up 1"]);
    assert_eq!(lines.iter().filter(|line| line.starts_with("retry")).count(), 2, "{lines:?}");
    assert_eq!((numbers(&memory, "b"), numbers(&memory, "b_broken")), (Some(vec!["1".to_owned()]), None));
}

#[test]
fn what_a_refused_statement_leaves_behind_is_removed_before_it_counts_as_failed() {
    let memory = Memory::transactional();
    memory.fail_next("BUILD TABLE b", Fault::Refused, 1);
    up(&memory, BUILDING).unwrap_err();
    assert_eq!((rows(&memory), numbers(&memory, "b_broken")), (vec!["1 up 1 failed at 1".to_owned()], None));
    assert_eq!(ids(&up(&memory, BUILDING).unwrap()), ["up 1"]);
}

#[test]
fn what_cannot_be_removed_is_left_to_the_next_run() {
    let memory = Memory::transactional();
    memory.fail_next("BUILD TABLE b", Fault::LockTimeout, 1);
    memory.fail_next("DROP TABLE b_broken", Fault::Refused, 1);
    assert_snapshot!(up(&memory, BUILDING).unwrap_err().to_string(), @"
    error[M0307]: 1 test: statement 2 of 5 failed: BUILD TABLE b met somebody's lock
      --> 1_test.sql:2:1
     2 | BUILD TABLE b;
       | ^^^^^^^^^^^^^
       = no migration was completed in this run
       = statement 1 is applied and recorded; 2 to 5 have not run
       = what it left behind could not be removed: DROP TABLE b_broken met somebody's lock: the next run tries that again first
       = run `migrate up` again when it is free: it goes on with statement 2
    ");
    assert_eq!(rows(&memory), ["1 up 1 in_flight at 1"]);
    assert!(entries(&memory)[0].note.is_some() && numbers(&memory, "b_broken").is_some());
    assert_eq!(ids(&up(&memory, BUILDING).unwrap()), ["up 1"]);
    assert_eq!((numbers(&memory, "b"), numbers(&memory, "b_broken")), (Some(vec!["1".to_owned()]), None));
}
