//! Snapshots: an empty database gets everything at once, and statements that were appended run by themselves.

use std::ops::ControlFlow;
use std::time::Duration;

use super::super::Crash;
use super::super::fixture::{Fixture, folder, id, set};
use super::{done, down, look_and_settle, migrator, numbers, up};
use crate::backend::Backend;
use crate::error::ErrorKind;
use crate::history::Action;
use crate::plan::{DownGoal, Goal, Refusal};
use crate::set::MigrationSet;
use crate::{Migrator, RunOptions};

/// A snapshot in place of 1 and 2, whose files are gone, and one migration behind it.
fn squashed<F: Fixture>(fixture: &F, script: &str) -> MigrationSet {
    let snapshot = format!("-- migrate:replaces 1=sha256:gone 2\n{script}");
    let files = [("B2__all.sql", snapshot.as_str()), ("3_more.sql", "INSERT INTO a VALUES (3);")];
    folder(fixture.backend().dialect(), &files)
}

/// An empty database is installed by the snapshot and by what is behind it; its history says what it stands for, and
/// the next run has nothing to do.
pub fn a_snapshot_installs_everything_at_once<F: Fixture>() {
    let fixture = F::create();
    let set = squashed(&fixture, "CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1); INSERT INTO a VALUES (2);");
    let report = up(&fixture, &set).unwrap();
    assert_eq!(done(&report), ["snapshot 2", "up 3"]);
    assert_eq!(report.steps[0].stands_for, [id("1"), id("2")]);
    assert_eq!(report.now_at, Some(id("3")));
    assert_eq!(numbers(&fixture, "a"), Some(vec![1, 2, 3]));
    let observed = F::block_on(migrator(&fixture, &set).observe()).unwrap();
    let applied: Vec<_> = observed.history.applied().map(|(id, _)| id.to_string()).collect();
    assert_eq!(applied, ["1", "2", "3"]);
    let of = |version: &str| observed.history.of(&id(version)).next().unwrap().clone();
    assert_eq!((of("1").action, of("1").origin.as_deref()), (Action::Snapshot, Some("B2 all")));
    assert_eq!((of("1").checksum.as_str(), of("2").checksum.as_str()), ("sha256:gone", ""));
    assert!(F::block_on(migrator(&fixture, &set).check()).unwrap().is_current());
    assert!(up(&fixture, &set).unwrap().is_empty());
    // What has no file any more stays.
    let error = down(&fixture, &set, DownGoal::Empty).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused(Refusal::Script(_))), "{error}");
    assert_eq!(numbers(&fixture, "a"), Some(vec![1, 2, 3]));
}

/// For every k: the connection is lost before or after the k-th thing done while a snapshot is installed. The next run
/// goes on with it as the snapshot; nothing runs twice, nothing is lost, and never is a part of what it stands for
/// applied.
pub fn a_crash_inside_a_snapshot_loses_nothing<F: Fixture>() {
    let mut points = 0;
    for after in [false, true] {
        for at in 0.. {
            match install_at::<F>(at, after) {
                ControlFlow::Break(()) => break,
                ControlFlow::Continue(()) => points += 1,
            }
        }
    }
    assert!(points > 8, "{points}");
}

fn install_at<F: Fixture>(at: usize, after: bool) -> ControlFlow<()> {
    let fixture = F::create();
    let moment = format!("crash {} effect {at}", if after { "after" } else { "before" });
    let script = format!(
        "CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1); {}; CREATE TABLE b (n INTEGER); INSERT INTO a VALUES (2);",
        F::alone()
    );
    let set = squashed(&fixture, &script);
    let backend = Crash::new(fixture.backend(), at, after);
    let options = RunOptions { reconnect_for: Duration::ZERO, ..RunOptions::default() };
    let result = F::block_on(Migrator::new(backend.clone(), set.clone()).options(options).up());
    if !backend.crashed() {
        return ControlFlow::Break(());
    }
    if let Err(error) = result {
        assert!(matches!(error.kind(), ErrorKind::Lost(_)), "{moment}: {error}");
    }
    for _ in 0..10 {
        let observed = F::block_on(migrator(&fixture, &set).observe()).unwrap();
        let applied = observed.history.applied().filter(|(id, _)| **id < self::id("3")).count();
        assert!(applied == 0 || applied == 2, "{moment}: {applied} of what it stands for");
        match up(&fixture, &set) {
            Ok(report) if report.is_empty() => break,
            Ok(_) => {}
            Err(error) => {
                let ErrorKind::Refused(Refusal::InDoubt { id, statement, .. }) = error.kind() else {
                    panic!("{moment}: {error}");
                };
                look_and_settle(&fixture, &set, id, *statement, false);
            }
        }
    }
    assert_eq!(numbers(&fixture, "a"), Some(vec![1, 2, 3]), "{moment}");
    assert_eq!(numbers(&fixture, "b"), Some(vec![]), "{moment}");
    assert!(F::block_on(migrator(&fixture, &set).check()).unwrap().is_current(), "{moment}");
    ControlFlow::Continue(())
}

/// Statements that were appended to an applied migration run on request, and nothing else does.
pub fn what_was_appended_runs_on_request<F: Fixture>() {
    let fixture = F::create();
    let first = "CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1);";
    up(&fixture, &set(&[("1", first, "")])).unwrap();
    let appended = format!("{first} INSERT INTO a VALUES (2); CREATE TABLE b (n INTEGER);");
    let later = set(&[("1", &appended, ""), ("2", "INSERT INTO a VALUES (3);", "")]);
    let amend = migrator(&fixture, &later).goal(Goal::Amend(id("1")));
    let error = up(&fixture, &later).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused(Refusal::Changed(changed)) if changed[0].appended), "{error}");
    assert_eq!(done(&F::block_on(amend.up()).unwrap()), ["up 1"]);
    assert_eq!((numbers(&fixture, "a"), numbers(&fixture, "b")), (Some(vec![1, 2]), Some(vec![])));
    assert!(F::block_on(amend.up()).is_err(), "there is nothing more to amend");
    assert_eq!(done(&up(&fixture, &later).unwrap()), ["up 2"]);
    assert_eq!(numbers(&fixture, "a"), Some(vec![1, 2, 3]));
}
