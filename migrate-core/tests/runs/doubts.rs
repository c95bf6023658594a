//! What nobody can tell is asked once, and what a person says counts.

use futures_executor::block_on;
use insta::assert_snapshot;
use migrate_core::error::ErrorKind;
use migrate_core::plan::Refusal;
use migrate_core::testing::fixture::{Text, id};
use migrate_core::testing::{Crash, Memory};

use super::{entries, ids, migrator, rows, told, up};

const CALLING: &[Text<'_>] = &[
    ("1", "CREATE TABLE a (n INTEGER);\nCALL p;\nINSERT INTO a VALUES (1);", ""),
    ("2", "CREATE TABLE b (n INTEGER);", ""),
];

/// A database on which the connection was lost around the `CALL`, once for each moment at which that leaves a doubt.
fn in_doubt() -> Vec<(Memory, Crash<Memory>)> {
    let mut found = Vec::new();
    for after in [false, true] {
        for at in 0.. {
            let memory = Memory::implicit();
            let crash = Crash::new(memory.clone(), at, after);
            let _ = up(&crash, CALLING);
            if !crash.crashed() {
                break;
            }
            if entries(&memory).last().is_some_and(|entry| entry.cursor == 1 && entry.note.is_some()) {
                found.push((memory, crash));
            }
        }
    }
    found
}

#[test]
fn a_call_in_doubt_asks_exactly_one_question() {
    let found = in_doubt();
    // Announced and not sent, sent and not answered; its own row travels with it.
    assert!(found.len() >= 2, "{}", found.len());
    for (memory, _) in &found {
        let calls = memory.calls().len();
        for _ in 0..2 {
            let error = up(memory, CALLING).unwrap_err();
            assert!(error.is_in_doubt(), "{error}");
        }
        assert_eq!(memory.calls().len(), calls, "asking runs nothing");
    }
    assert_snapshot!(up(&found[0].0, CALLING).unwrap_err().to_string(), @r#"
    error[M0203]: 1 test: nobody can tell whether statement 2 of 3 ran: it runs code that commits on the way
      --> 1_test.sql:2:1
     2 | CALL p;
       | ^^^^^^
       = look at the database, then say which it is; nothing else is in doubt
       = it ran:         migrate resolve 1 --statement 2 --ran
       = it did not run: migrate resolve 1 --statement 2 --not-run
    "#);
}

#[test]
fn what_a_person_says_is_written_down_and_gone_on_with() {
    for (memory, _) in in_doubt() {
        let ran = memory.calls() == ["p"];
        block_on(migrator(&memory, CALLING).settle(&id("1"), 2, ran)).unwrap();
        let open = entries(&memory).pop().unwrap();
        let verb = if ran { "ran" } else { "did not run" };
        assert_eq!(open.settled_by, Some(format!("person: kim said that it {verb}")));
        assert_eq!(ids(&up(&memory, CALLING).unwrap()), ["up 1", "up 2"]);
        assert_eq!(memory.calls(), ["p"]);
    }
}

#[test]
fn a_person_is_asked_about_one_statement_of_one_migration() {
    let (memory, _) = in_doubt().remove(0);
    let refused = |migration: &str, statement| {
        let error = block_on(migrator(&memory, CALLING).settle(&id(migration), statement, true)).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Refused(Refusal::Already { .. })), "{error}");
        error.to_string()
    };
    assert_snapshot!(refused("2", 2), @"
    refused[M0216]: nothing is in doubt about 2
       = see where it stands with `migrate status`
    ");
    assert_snapshot!(refused("1", 3), @r#"
    refused[M0216]: the doubt about 1 test is about statement 2, not 3
       = say whether that one ran: migrate resolve 1 --statement 2 --ran, or --not-run
    "#);
    assert_eq!(entries(&memory).last().unwrap().cursor, 1, "nothing was written");
}

#[test]
fn what_shares_a_transaction_with_its_row_is_no_question_for_a_person() {
    // Lost in the middle of the insert: it is in flight at statement 3, and was never announced.
    for at in 0.. {
        let memory = Memory::implicit();
        let crash = Crash::new(memory.clone(), at, false);
        let _ = up(&crash, CALLING);
        assert!(crash.crashed(), "no such moment");
        if entries(&memory).last().is_none_or(|entry| entry.cursor != 2) {
            continue;
        }
        let error = block_on(migrator(&memory, CALLING).settle(&id("1"), 3, true)).unwrap_err();
        assert_snapshot!(error.to_string(), @"
    refused[M0216]: nothing is in doubt about 1 test: no statement of it can have run unseen
       = run `migrate up` again: it goes on by itself
    ");
        assert_eq!(ids(&up(&memory, CALLING).unwrap()), ["up 1", "up 2"]);
        assert_eq!(super::numbers(&memory, "a"), Some(vec!["1".to_owned()]));
        return;
    }
}

#[test]
fn evidence_decides_and_is_told() {
    let texts: &[Text<'_>] = &[("1", "CREATE TABLE a (n INTEGER); CREATE TABLE b (n INTEGER);", "")];
    let mut seen = Vec::new();
    for after in [false, true] {
        for at in 0.. {
            let memory = Memory::implicit();
            let crash = Crash::new(memory.clone(), at, after);
            let _ = up(&crash, texts);
            if !crash.crashed() {
                break;
            }
            let (lines, result) = told(&migrator(&memory, texts));
            result.unwrap();
            seen.extend(lines.into_iter().filter(|line| line.starts_with("settled 2")));
            let settled: Vec<_> = entries(&memory).into_iter().filter_map(|entry| entry.settled_by).collect();
            assert!(settled.len() < 2, "{settled:?}");
        }
    }
    seen.sort();
    seen.dedup();
    assert_snapshot!(seen.join("\n"), @"
    settled 2: did not run (catalog: nothing changed)
    settled 2: ran (catalog: the table changed)
    ");
}

#[test]
fn a_masked_secret_does_not_keep_it_from_going_on() {
    let texts: &[Text<'_>] =
        &[("1", "CREATE TABLE a (n INTEGER) PASSWORD 'hunter2';\nCREATE TABLE b (n INTEGER);", "")];
    let mut moments = 0;
    for at in 0.. {
        let memory = Memory::implicit();
        let crash = Crash::new(memory.clone(), at, true);
        let _ = up(&crash, texts);
        if !crash.crashed() {
            break;
        }
        moments += usize::from(entries(&memory).last().is_some_and(|entry| entry.state.as_str() == "in_flight"));
        up(&memory, texts).unwrap_or_else(|error| panic!("{at}: {error}"));
        assert_eq!(rows(&memory).last().unwrap().rsplit(' ').next(), Some("done"));
    }
    assert!(moments > 4, "{moments}");
}

#[test]
fn what_was_sent_and_is_gone_is_a_doubt() {
    let before: &[Text<'_>] = &[("1", "CREATE TABLE a (n INTEGER) PASSWORD 'hunter2';", "")];
    let after: &[Text<'_>] = &[("1", "CREATE TABLE a (n INTEGER);", "")];
    for at in 0.. {
        let memory = Memory::implicit();
        let crash = Crash::new(memory.clone(), at, false);
        let _ = up(&crash, before);
        assert!(crash.crashed(), "no such moment");
        if entries(&memory).last().is_some_and(|entry| entry.note.is_some()) {
            assert_snapshot!(up(&memory, after).unwrap_err().to_string(), @r#"
    error[M0203]: 1 test: nobody can tell whether statement 1 of 1 ran: what was sent is not stored, and the file was changed since
      --> 1_test.sql:1:1
     1 | CREATE TABLE a (n INTEGER);
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^
       = look at the database, then say which it is; nothing else is in doubt
       = it ran:         migrate resolve 1 --statement 1 --ran
       = it did not run: migrate resolve 1 --statement 1 --not-run
    "#);
            block_on(migrator(&memory, after).settle(&id("1"), 1, false)).unwrap();
            up(&memory, after).unwrap();
            return;
        }
    }
}
