//! Stopping in the middle, and going on from there.

use futures_executor::block_on;
use insta::assert_snapshot;
use migrate_core::Goal;
use migrate_core::error::ErrorKind;
use migrate_core::event::Event;
use migrate_core::plan::{DownGoal, OnAhead, Policy};
use migrate_core::testing::Memory;
use migrate_core::testing::fixture::Text;
use migrate_core::{Error, Migrator, Report};

use super::{ids, migrator, numbers, rows, told, up};

const TWO: &[Text<'_>] = &[
    (
        "1",
        "CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1); CREATE TABLE b (n INTEGER);",
        "DROP TABLE b; DROP TABLE a;",
    ),
    ("2", "CREATE TABLE c (n INTEGER);", "DROP TABLE c;"),
];

/// Where nothing is known of a statement in flight, each of them travels alone.
fn one_by_one() -> Memory {
    Memory::implicit().without_evidence()
}

/// Stops once statement `after` of `migration` has run.
fn stopped_after(migrator: &Migrator, migration: &str, after: usize) -> Result<Report, Error> {
    let handle = migrator.stop_handle();
    let mut observer = |event: &Event<'_>| {
        if let Event::StatementFinished { step, statement, .. } = event
            && (step.id.to_string().as_str(), *statement) == (migration, after)
        {
            handle.stop();
        }
    };
    block_on(migrator.run(&mut observer))
}

#[test]
fn a_journalled_step_stops_between_statements_and_goes_on() {
    let memory = one_by_one();
    let error = stopped_after(&migrator(&memory, TWO), "1", 2).unwrap_err();
    assert_snapshot!(error.to_string(), @"
    refused[M0304]: stopped by request, 2 migrations left
       = no migration was completed in this run
       = run `migrate up` again: it goes on from here
    ");
    assert!(matches!(error.kind(), ErrorKind::Stopped { left } if left.len() == 2));
    assert_eq!(rows(&memory), ["1 up 1 interrupted at 2"]);
    let (lines, report) = told(&migrator(&memory, TWO));
    assert_eq!(lines, ["1 statement 3", "2 statement 1"]);
    assert_eq!(ids(&report.unwrap()), ["up 1", "up 2"]);
    assert_eq!(rows(&memory), ["1 up 1 interrupted at 2", "2 up 1 done", "3 up 2 done"]);
    assert_eq!(numbers(&memory, "a").unwrap(), ["1"]);
}

#[test]
fn a_stop_at_the_end_of_a_step_leaves_it_complete() {
    let memory = one_by_one();
    stopped_after(&migrator(&memory, TWO), "1", 3).unwrap_err();
    assert_eq!(rows(&memory), ["1 up 1 done"]);
}

fn down(memory: &Memory, texts: &[Text<'_>], goal: DownGoal) -> Migrator {
    migrator(memory, texts).goal(Goal::Down(goal))
}

#[test]
fn an_open_way_back_is_finished_by_the_next_up_which_then_goes_up() {
    let memory = one_by_one();
    up(&memory, TWO).unwrap();
    stopped_after(&down(&memory, TWO, DownGoal::Empty), "1", 1).unwrap_err();
    assert_eq!(rows(&memory)[2..], ["3 down 2 done", "4 down 1 interrupted at 1"]);
    let report = up(&memory, TWO).unwrap();
    assert_eq!(ids(&report), ["down 1", "up 1", "up 2"]);
    assert_eq!(report.now_at, Some("2".parse().unwrap()));
    assert_eq!((numbers(&memory, "a").unwrap(), numbers(&memory, "c").unwrap().len()), (vec!["1".to_owned()], 0));
}

#[test]
fn an_open_way_back_is_finished_by_the_next_down_which_goes_on() {
    let memory = one_by_one();
    up(&memory, TWO).unwrap();
    stopped_after(&down(&memory, TWO, DownGoal::Steps(1)), "2", 1).unwrap();
    up(&memory, TWO).unwrap();
    let three: Vec<Text<'_>> =
        TWO.iter().copied().chain([("3", "REINDEX", "REINDEX; DROP TABLE c; CREATE TABLE c (n INTEGER)")]).collect();
    up(&memory, &three).unwrap();
    stopped_after(&down(&memory, &three, DownGoal::Empty), "3", 1).unwrap_err();
    let report = block_on(down(&memory, &three, DownGoal::Empty).up()).unwrap();
    assert_eq!((ids(&report), report.now_at), (["down 3", "down 2", "down 1"].map(str::to_owned).to_vec(), None));
}

#[test]
fn an_older_release_finishes_a_downgrade_with_what_is_stored() {
    let memory = one_by_one();
    let three: Vec<Text<'_>> =
        TWO.iter().copied().chain([("3", "REINDEX", "REINDEX; DROP TABLE c; CREATE TABLE c (n INTEGER)")]).collect();
    up(&memory, &three).unwrap();
    let older = |on_ahead| migrator(&memory, &TWO[..1]).policy(policy(on_ahead));
    stopped_after(&older(OnAhead::Downgrade), "3", 1).unwrap_err();
    let error = block_on(older(OnAhead::Compatible).up()).unwrap_err();
    assert_snapshot!(error.to_string(), @r#"
    error[M0202]: 3 test: down was stopped before statement 2 of 3, and must be finished first
       = this set does not have that migration: finish it with the release that has it, or with the stored down script: migrate up --allow-downgrade
       = or, once all of it is done by hand: migrate resolve 3 --applied
       = or, once it is undone by hand:      migrate resolve 3 --not-applied
    "#);
    let report = block_on(older(OnAhead::Downgrade).up()).unwrap();
    assert_eq!(
        (ids(&report), report.now_at),
        (["down 3", "down 2"].map(str::to_owned).to_vec(), Some("1".parse().unwrap()))
    );
}

fn policy(on_ahead: OnAhead) -> Policy {
    let mut policy = Policy::default();
    policy.on_ahead = on_ahead;
    policy
}
