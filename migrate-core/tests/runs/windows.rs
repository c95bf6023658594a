//! Several small steps in one go.

use migrate_core::backend::{Blocker, Fault};
use migrate_core::migration::Precondition;
use migrate_core::testing::fixture::{self, Text};
use migrate_core::testing::{Memory, Record};
use migrate_core::{MigrationSet, Migrator};

use super::{ids, numbers, rows, told, up};

const FOUR: &[Text<'_>] = &[
    ("1", "CREATE TABLE a (n INTEGER);", ""),
    ("2", "INSERT INTO a VALUES (2);", ""),
    ("3", "INSERT INTO nosuch VALUES (3);", ""),
    ("4", "INSERT INTO a VALUES (4);", ""),
];

/// What was sent in one go, from the first `begin` on.
fn sent(lines: &[String]) -> &[String] {
    let first = lines.iter().position(|line| line.starts_with("| ")).unwrap();
    let length = lines[first..].iter().take_while(|line| line.starts_with("| ")).count();
    &lines[first..first + length]
}

#[test]
fn small_steps_travel_together_each_its_own_transaction() {
    let recorded = Record::new(Memory::transactional());
    let report = up(&recorded, &FOUR[..2]).unwrap();
    assert_eq!(ids(&report), ["up 1", "up 2"]);
    assert_eq!(
        sent(&recorded.lines()),
        [
            "| begin",
            "| CREATE TABLE a (n INTEGER)",
            "| append 1 up 1 done at 1",
            "| commit",
            "| begin",
            "| INSERT INTO a VALUES (2)",
            "| append 2 up 2 done at 1",
            "| commit",
        ]
    );
}

#[test]
fn a_failure_in_the_middle_leaves_those_before_it_and_nothing_after() {
    let memory = Memory::transactional();
    let recorded = Record::new(memory.clone());
    let error = up(&recorded, FOUR).unwrap_err();
    assert_eq!(sent(&recorded.lines()).len(), 16, "all four were sent at once");
    assert_eq!(ids(error.report()), ["up 1", "up 2"]);
    insta::assert_snapshot!(error.to_string(), @"
    error[M0302]: 3 test: statement 1 of 1 failed: no such table: nosuch (MEM01)
      --> 3_test.sql:1:13
     1 | INSERT INTO nosuch VALUES (3);
       |             ^^^^^^
       = applied before it in this run: 1, 2; still pending: 4 test
       = the transaction was rolled back: fix the file and run `migrate up` again
    ");
    assert_eq!(rows(&memory), ["1 up 1 done", "2 up 2 done"]);
    assert_eq!(numbers(&memory, "a").unwrap(), ["2"]);
    // The next run begins with the one that failed.
    let mended: Vec<Text<'_>> =
        FOUR.iter().map(|(id, text, down)| (*id, if *id == "3" { "REINDEX" } else { *text }, *down)).collect();
    assert_eq!(ids(&up(&memory, &mended).unwrap()), ["up 3", "up 4"]);
}

#[test]
fn a_lock_in_the_middle_leaves_those_before_it_and_goes_on() {
    let memory = Memory::transactional();
    memory.fail_next("VALUES (2)", Fault::LockTimeout, 1);
    let (_, report) = told(&super::migrator(&memory, &[FOUR[0], FOUR[1], FOUR[3]]));
    assert_eq!(ids(&report.unwrap()), ["up 1", "up 2", "up 4"]);
    assert_eq!(numbers(&memory, "a").unwrap(), ["2", "4"]);
}

#[test]
fn a_precondition_is_asked_between_windows() {
    let mut migrations: Vec<_> = FOUR[..2].iter().map(fixture::migration).collect();
    migrations[1].attributes.run.preconditions =
        vec![Precondition { text: "a is there".to_owned(), sql: "SELECT 1".to_owned(), offset: 0 }];
    let recorded = Record::new(Memory::transactional());
    let set = MigrationSet::new("main", migrations).unwrap();
    futures_executor::block_on(Migrator::new(recorded.clone(), set).up()).unwrap();
    let lines = recorded.lines();
    let asked = lines.iter().position(|line| line == "query SELECT 1").unwrap();
    assert_eq!(lines[asked - 1], "begin", "inside the transaction that it guards");
    assert_eq!(sent(&lines).len(), 4, "the first one travels alone");
}

#[test]
fn what_the_server_remarks_and_who_is_in_the_way_belongs_to_its_step() {
    for memory in [Memory::transactional(), Memory::implicit()] {
        let texts = &[FOUR[0], ("2", "INSERT INTO a VALUES (1); RAISE hello; INSERT INTO a VALUES (2)", "")];
        let blocker = Blocker { who: "pid 812 (analytics)".to_owned(), ..Blocker::default() };
        memory.block_next("VALUES (2)", blocker);
        let (lines, report) = told(&super::migrator(&memory, texts));
        report.unwrap();
        assert_eq!(
            lines,
            [
                "1 statement 1",
                "2 statement 1",
                "hello during 2",
                "2 statement 2",
                "2 statement Some(3) waits for pid 812 (analytics)",
                "2 statement 3"
            ]
        );
    }
}

#[test]
fn journalled_steps_travel_together_where_the_server_takes_their_notes() {
    let recorded = Record::new(Memory::implicit());
    let two = [("1", "CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1);", ""), ("2", "DROP TABLE a;", "")];
    let report = up(&recorded, &two).unwrap();
    assert_eq!(ids(&report), ["up 1", "up 2"]);
    assert_eq!(
        sent(&recorded.lines()),
        [
            "| append 1 up 1 in_flight at 0 with what the server finds",
            "| set 0 variables, lock timeout Some(2s)",
            "| CREATE TABLE a (n INTEGER)",
            "| advance 1 0 → 1 in_flight",
            "| begin",
            "| INSERT INTO a VALUES (1)",
            "| advance 1 1 → 2 done",
            "| commit",
            "| set 0 variables, lock timeout None",
            "| append 2 up 2 in_flight at 0 with what the server finds",
            "| set 0 variables, lock timeout Some(2s)",
            "| DROP TABLE a",
            "| advance 2 0 → 1 done",
            "| set 0 variables, lock timeout None",
        ]
    );
}

#[test]
fn a_journalled_step_that_fails_on_the_way_is_gone_on_with_where_it_failed() {
    let memory = Memory::implicit();
    memory.fail_next("INTO a", Fault::LockTimeout, 1);
    let texts = [
        ("1", "CREATE TABLE a (n INTEGER);", ""),
        ("2", "CREATE TABLE b (n INTEGER); INSERT INTO a VALUES (1); CREATE TABLE c (n INTEGER);", ""),
        ("3", "DROP TABLE nosuch;", ""),
        ("4", "CREATE TABLE d (n INTEGER);", ""),
    ];
    let error = up(&memory, &texts).unwrap_err();
    assert_eq!(ids(error.report()), ["up 1", "up 2"], "the lock was waited for");
    assert_eq!(numbers(&memory, "a").unwrap(), ["1"]);
    assert_eq!(rows(&memory), ["1 up 1 done", "2 up 2 done", "3 up 3 failed at 0"]);
    insta::assert_snapshot!(error.to_string(), @"
    error[M0302]: 3 test: statement 1 of 1 failed: no such table: nosuch (MEM01)
      --> 3_test.sql:1:12
     1 | DROP TABLE nosuch;
       |            ^^^^^^
       = applied before it in this run: 1, 2; still pending: 4 test
       = nothing of this migration has run
       = fix the file from line 1 on and run `migrate up` again: it goes on with statement 1
    ");
}
