//! Scripts around migrations that leave no row.

use futures_executor::block_on;
use insta::assert_snapshot;
use migrate_core::backend::Fault;
use migrate_core::callback::{Callback, CallbackEvent};
use migrate_core::migration::RunAttributes;
use migrate_core::testing::fixture::{self, Text};
use migrate_core::testing::{Crash, Memory, Record};
use migrate_core::{Check, MigrationSet, Migrator, Source};

use super::{ids, numbers, options, rows, told};

const LOG: &str = "CREATE TABLE log (n INTEGER);";
const ONE: &[Text<'_>] = &[("1", "INSERT INTO log VALUES (one);", ""), ("2", "INSERT INTO log VALUES (two);", "")];

fn callback(event: CallbackEvent, text: &str) -> Callback {
    let script = Source::new(format!("{event}.sql"), text);
    Callback { event, description: String::new(), script, run: RunAttributes::default() }
}

/// Every event writes down that it was.
fn telling(texts: &[Text<'_>]) -> MigrationSet {
    let events = CallbackEvent::ALL.iter().map(|event| callback(*event, &format!("INSERT INTO log VALUES ({event});")));
    fixture::set(texts).with_callbacks(events.collect())
}

fn prepared(memory: &Memory) {
    let set = fixture::component("other", &[("1", LOG, "")]);
    block_on(Migrator::new(memory.clone(), set).up()).unwrap();
}

fn log(memory: &Memory) -> Vec<String> {
    numbers(memory, "log").unwrap()
}

#[test]
fn callbacks_run_around_every_run_and_leave_no_row() {
    let expected = [
        "beforeMigrate",
        "beforeEachMigrate",
        "one",
        "afterEachMigrate",
        "beforeEachMigrate",
        "two",
        "afterEachMigrate",
        "afterVersioned",
        "afterMigrateApplied",
        "afterMigrate",
    ];
    for memory in [Memory::transactional(), Memory::implicit()] {
        prepared(&memory);
        let migrator = Migrator::new(memory.clone(), telling(ONE));
        let report = block_on(migrator.up()).unwrap();
        assert_eq!(ids(&report), ["up 1", "up 2"]);
        assert_eq!(log(&memory), expected);
        assert_eq!(rows(&memory)[..2], ["1 up 1 done", "2 up 2 done"]);
        assert!(block_on(migrator.check()).unwrap().is_current(), "nothing is pending because a callback is due");

        assert!(block_on(migrator.up()).unwrap().is_empty());
        assert_eq!(log(&memory)[expected.len()..], ["beforeMigrate", "afterVersioned", "afterMigrate"]);
    }
}

#[test]
fn what_surrounds_a_migration_is_in_its_transaction() {
    let recorded = Record::new(Memory::transactional());
    let set = fixture::set(&[("1", LOG, "")]).with_callbacks(vec![
        callback(CallbackEvent::BeforeEachMigrate, "SELECT 1;"),
        callback(CallbackEvent::AfterEachMigrate, "INSERT INTO log VALUES (2)"),
    ]);
    block_on(Migrator::new(recorded.clone(), set).up()).unwrap();
    let lines = recorded.lines();
    let effects: Vec<_> = lines.iter().filter(|line| line.starts_with("| ")).collect();
    assert_eq!(
        effects,
        [
            "| begin",
            "| SELECT 1",
            "| CREATE TABLE log (n INTEGER)",
            "| INSERT INTO log VALUES (2)",
            "| append 1 up 1 done at 1",
            "| commit",
        ]
    );
}

#[test]
fn a_failure_in_what_surrounds_a_migration_takes_it_back() {
    let memory = Memory::transactional();
    let set = fixture::set(&[("1", LOG, "")])
        .with_callbacks(vec![callback(CallbackEvent::AfterEachMigrate, "SELECT 1;\nINSERT INTO nosuch VALUES (2);")]);
    let error = block_on(Migrator::new(memory.clone(), set).up()).unwrap_err();
    assert_snapshot!(error.to_string(), @"
    error[M0302]: 1 test: statement 3 of 3 failed: no such table: nosuch (MEM01)
      --> afterEachMigrate.sql:2:13
     2 | INSERT INTO nosuch VALUES (2);
       |             ^^^^^^
       = no migration was completed in this run
       = the transaction was rolled back: fix the file and run `migrate up` again
    ");
    assert_eq!((numbers(&memory, "log"), rows(&memory)), (None, vec![]));
}

#[test]
fn a_callback_that_fails_ends_the_run_before_what_comes_next() {
    let memory = Memory::transactional();
    let set =
        fixture::set(ONE).with_callbacks(vec![callback(CallbackEvent::BeforeMigrate, "INSERT INTO log VALUES (1);")]);
    let error = block_on(Migrator::new(memory.clone(), set).up()).unwrap_err();
    assert_snapshot!(error.to_string(), @"
    error[M0302]: beforeMigrate: statement 1 of 1 failed: no such table: log (MEM01)
      --> beforeMigrate.sql:1:13
     1 | INSERT INTO log VALUES (1);
       |             ^^^
       = no migration was completed in this run; still pending: 1 test, 2 test
       = it leaves no row and runs again from its beginning: fix the file and run `migrate up` again
    ");
    assert_eq!(rows(&memory), Vec::<String>::new());
}

#[test]
fn a_callback_waits_for_a_lock_as_a_migration_does() {
    let memory = Memory::transactional();
    prepared(&memory);
    memory.fail_next("(beforeMigrate)", Fault::LockTimeout, 2);
    let (lines, result) = told(&Migrator::new(memory.clone(), telling(&[])).options(options()));
    result.unwrap();
    assert_eq!(lines.iter().filter(|line| line.starts_with("retry")).count(), 2, "{lines:?}");
    assert_eq!(log(&memory), ["beforeMigrate", "afterVersioned", "afterMigrate"]);
}

#[test]
fn a_run_that_dies_in_the_middle_runs_the_callbacks_again() {
    for memory in [Memory::transactional as fn() -> Memory, Memory::implicit] {
        for at in 0..60 {
            let memory = memory();
            prepared(&memory);
            let crash = Crash::new(memory.clone(), at, true);
            let died = block_on(Migrator::new(crash.clone(), telling(ONE)).options(options()).up()).is_err();
            memory.expire_lock();
            block_on(Migrator::new(memory.clone(), telling(ONE)).options(options()).up()).unwrap();
            let log = log(&memory);
            let times = |word: &str| log.iter().filter(|line| *line == word).count();
            assert_eq!((times("one"), times("two")), (1, 1), "{at}: {log:?}");
            assert!(times("beforeMigrate") >= 1 && times("afterMigrate") >= 1, "{at}: {log:?}");
            assert!(times("beforeEachMigrate") >= 2, "{at}: {log:?}");
            assert_eq!(log.last().map(String::as_str), Some("afterMigrate"), "{at}: {log:?}");
            if !died && !crash.crashed() {
                break;
            }
            assert!(at < 59, "the run never came to its end");
        }
    }
}

#[test]
fn pending_code_of_another_program_blocks_a_service_and_recording_it_lets_it_go() {
    let memory = Memory::transactional();
    let set = || {
        let mut migrations: Vec<_> = ["1", "2"].map(|version| fixture::migration(&(version, "SELECT 1", ""))).into();
        migrations[1].attributes.code = Some(migrate_core::code::CodeWork::in_language("Go"));
        migrations[1].checksum.clear();
        MigrationSet::new("main", migrations).unwrap()
    };
    let migrator = Migrator::new(memory.clone(), set());
    assert!(block_on(migrator.up()).is_err());
    assert!(matches!(block_on(migrator.check()).unwrap(), Check::Blocked(_)));
    let to = migrate_core::plan::Target::Version("1".parse().unwrap());
    let up = migrate_core::plan::UpGoal { to: Some(to), ..Default::default() };
    block_on(Migrator::new(memory.clone(), set()).goal(migrate_core::Goal::Up(up)).up()).unwrap();
    let goal = migrate_core::Goal::ResolveApplied(fixture::id("2"));
    block_on(Migrator::new(memory.clone(), set()).goal(goal).up()).unwrap();
    assert!(block_on(migrator.up()).unwrap().is_empty());
    assert!(block_on(migrator.check()).unwrap().is_current());
    assert_eq!(rows(&memory), ["1 up 1 done", "2 resolve 2 done"]);
}
