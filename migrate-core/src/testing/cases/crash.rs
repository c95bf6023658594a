//! The sweep: a connection lost at every moment.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::super::Crash;
use super::super::fixture::{Fixture, set};
use super::{done, migrator, numbers, up};
use crate::backend::Backend;
use crate::error::ErrorKind;
use crate::event::Event;
use crate::migration::MigrationId;
use crate::plan::{DownGoal, Goal, Refusal};
use crate::set::MigrationSet;
use crate::{Migrator, RunOptions};

/// For every k: the connection is lost before the k-th thing done to the database and after it. The next run completes,
/// or names one doubt that looking at the database decides; nothing runs twice, nothing is lost.
pub fn a_crash_anywhere_loses_nothing<F: Fixture>() {
    let swept = crash_sweep::<F>();
    assert!(swept.points > 20, "{swept:?}");
}

/// What a sweep met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Moments at which the connection was lost.
    pub points: usize,
    /// Doubts that a person had to decide.
    pub doubts: usize,
}

/// The sweep itself.
///
/// # Panics
/// If something ran twice or was lost.
pub fn crash_sweep<F: Fixture>() -> Swept {
    let mut swept = Swept::default();
    for after in [false, true] {
        for at in 0.. {
            match crash_at::<F>(at, after) {
                ControlFlow::Break(()) => break,
                ControlFlow::Continue(doubts) => {
                    swept.points += 1;
                    swept.doubts += doubts;
                }
            }
        }
    }
    swept
}

/// For every k: a run whose connection is lost before or after the k-th thing done to the database connects again and
/// comes to its end, with everything done once and every step reported once; or names a doubt that nobody can decide.
pub fn a_lost_connection_is_survived<F: Fixture>() {
    let mut survived = 0;
    for after in [false, true] {
        for at in 0.. {
            match survive_at::<F>(at, after) {
                ControlFlow::Break(()) => break,
                ControlFlow::Continue(complete) => survived += usize::from(complete),
            }
        }
    }
    assert!(survived > 10, "{survived}");
}

/// Up with a crash; `Break` once it did not meet its moment, else whether the run came to its end by itself.
fn survive_at<F: Fixture>(at: usize, after: bool) -> ControlFlow<(), bool> {
    let fixture = F::create();
    let moment = format!("lost {} effect {at}", if after { "after" } else { "before" });
    let second = format!("INSERT INTO a VALUES (2); {}; CREATE TABLE b (n INTEGER);", F::alone());
    let set = set(&[
        ("1", "CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1);", ""),
        ("2", &second, ""),
        ("3", "INSERT INTO a VALUES (3);", ""),
        ("4", "DROP TABLE b;", ""),
    ]);
    let backend = Crash::new(fixture.backend(), at, after);
    let mut finished = Vec::new();
    let mut observer = |event: &Event<'_>| {
        if let Event::StepFinished { step, .. } = event {
            finished.push(format!("{} {}", step.action, step.id));
        }
    };
    let result = F::block_on(Migrator::new(backend.clone(), set.clone()).run(&mut observer));
    if !backend.crashed() {
        return ControlFlow::Break(());
    }
    let complete = match result {
        Ok(report) => {
            assert_eq!(done(&report), ["up 1", "up 2", "up 3", "up 4"], "{moment}");
            assert_eq!(finished, done(&report), "{moment}");
            assert_eq!(report.now_at, set.last_versioned().map(|last| last.id.clone()), "{moment}");
            true
        }
        Err(error) => {
            let ErrorKind::Refused(Refusal::InDoubt { id, statement, .. }) = error.kind() else {
                panic!("{moment}: {error}");
            };
            look_and_settle(&fixture, &set, id, *statement, false);
            up(&fixture, &set).unwrap_or_else(|error| panic!("{moment}: {error}"));
            false
        }
    };
    assert_eq!(numbers(&fixture, "a"), Some(vec![1, 2, 3]), "{moment}");
    assert_eq!(numbers(&fixture, "b"), None, "{moment}");
    ControlFlow::Continue(complete)
}

/// Up with a crash, up again, down with a crash, down again; `Break` once neither met its moment.
fn crash_at<F: Fixture>(at: usize, after: bool) -> ControlFlow<(), usize> {
    let fixture = F::create();
    let second =
        format!("INSERT INTO a VALUES (2); {}; CREATE TABLE c (n INTEGER); INSERT INTO a VALUES (3);", F::alone());
    let second_down = format!("DELETE FROM c; {}; DROP TABLE c;", F::alone());
    let set = set(&[
        (
            "1",
            "CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1); CREATE TABLE b (n INTEGER);",
            "DROP TABLE b; DROP TABLE a;",
        ),
        ("2", &second, &second_down),
        ("3", "DROP TABLE b; INSERT INTO a VALUES (4);", "CREATE TABLE b (n INTEGER); INSERT INTO b VALUES (1);"),
    ]);
    let moment = format!("crash {} effect {at}", if after { "after" } else { "before" });
    let run = |goal: &Goal, crash: Option<usize>| {
        let backend = Crash::new(fixture.backend(), crash.unwrap_or(usize::MAX), after);
        // What the next run makes of it is the question here, not what this one could.
        let options = RunOptions { reconnect_for: Duration::ZERO, ..RunOptions::default() };
        let migrator = Migrator::new(backend.clone(), set.clone()).goal(goal.clone()).options(options);
        (F::block_on(migrator.up()), backend.crashed())
    };
    let mut doubts = 0;
    let mut complete = |goal: Goal| {
        let (result, crashed) = run(&goal, Some(at));
        if crashed && let Err(error) = result {
            assert!(matches!(error.kind(), ErrorKind::Lost(_)), "{moment}: {error}");
        }
        for _ in 0..10 {
            match run(&goal, None).0 {
                Ok(report) if report.is_empty() => return crashed,
                Ok(_) => {}
                Err(error) => {
                    let ErrorKind::Refused(Refusal::InDoubt { id, statement, .. }) = error.kind() else {
                        panic!("{moment}: {error}");
                    };
                    doubts += 1;
                    look_and_settle(&fixture, &set, id, *statement, matches!(goal, Goal::Down(_)));
                }
            }
        }
        panic!("{moment}: the run does not come to its end");
    };
    let met_up = complete(Goal::up());
    assert_eq!(numbers(&fixture, "a"), Some(vec![1, 2, 3, 4]), "{moment}");
    assert_eq!((numbers(&fixture, "b"), numbers(&fixture, "c")), (None, Some(vec![])), "{moment}");
    let met_down = complete(Goal::Down(DownGoal::Empty));
    for table in ["a", "b", "c"] {
        assert_eq!(numbers(&fixture, table), None, "{moment}: {table} after going down");
    }
    if met_up || met_down { ControlFlow::Continue(doubts) } else { ControlFlow::Break(()) }
}

/// What a person does who is asked: looks whether the table is there, and says so.
pub(super) fn look_and_settle<F: Fixture>(
    fixture: &F,
    set: &MigrationSet,
    id: &MigrationId,
    statement: usize,
    down: bool,
) {
    let source = match set.get(id) {
        Some(migration) if down => migration.down.as_ref().unwrap(),
        Some(migration) => &migration.up,
        None => &set.snapshots().first().unwrap().script,
    };
    let dialect = fixture.backend().dialect();
    let script = crate::sql::Script::parse(source.clone(), &dialect.syntax, dialect.classify).unwrap();
    let text = script.statement(statement - 1).text;
    let mut words = text.split_whitespace();
    let (verb, table) = (words.next().unwrap(), words.nth(1).unwrap());
    let there = numbers(fixture, table).is_some();
    let ran = if verb == "CREATE" { there } else { !there };
    F::block_on(migrator(fixture, set).settle(id, statement, ran)).unwrap();
}

/// Whether the suite notices: a sweep over a backend that lies must not come to its end.
///
/// # Panics
/// If it does.
pub fn the_sweep_must_fail<F: Fixture>() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let swept = catch_unwind(AssertUnwindSafe(crash_sweep::<F>));
    std::panic::set_hook(hook);
    assert!(swept.is_err(), "the sweep did not notice: {swept:?}");
}
