//! A run whose connection is lost goes on with another one.

use std::time::Duration;

use futures_executor::block_on;
use insta::assert_snapshot;
use migrate_core::backend::{Backend, Fault};
use migrate_core::error::ErrorKind;
use migrate_core::event::Event;
use migrate_core::plan::{DownGoal, Refusal, UpGoal};
use migrate_core::testing::fixture::{Text, id, set};
use migrate_core::testing::{Crash, Memory};
use migrate_core::{Goal, Migrator, RunOptions};

use super::{entries, ids, migrator, numbers, options, rows, up};

const THREE: &[Text<'_>] = &[
    ("1", "CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1)", "DROP TABLE a"),
    ("2", "INSERT INTO a VALUES (2); REINDEX; CREATE TABLE b (n INTEGER)", "DROP TABLE b"),
    ("3", "INSERT INTO a VALUES (3)", "REINDEX"),
];

fn patient() -> RunOptions {
    let mut options = options();
    options.reconnect_for = Duration::from_secs(60);
    options
}

/// Whatever is lost, and whenever: `prepare` makes a database, `attempt` is told which backend to use and returns
/// whether its moment can still come.
fn at_every_moment(prepare: impl Fn(&Memory), attempt: impl Fn(&Memory, &Crash<Memory>, &str)) {
    for personality in [Memory::transactional, Memory::implicit] {
        for after in [false, true] {
            for at in 0.. {
                let memory = personality();
                prepare(&memory);
                let crash = Crash::new(memory.clone(), at, after);
                attempt(&memory, &crash, &format!("{at} {after}"));
                if !crash.crashed() {
                    assert!(at > 5, "{at}");
                    break;
                }
            }
        }
    }
}

#[test]
fn a_plan_is_carried_out_to_its_end() {
    at_every_moment(
        |_| {},
        |memory, crash, moment| {
            let plan = block_on(migrator(memory, THREE).plan()).unwrap();
            let mut finished = Vec::new();
            let mut observer = |event: &Event<'_>| {
                if let Event::StepFinished { step, .. } = event {
                    finished.push(format!("up {}", step.id));
                }
            };
            let report = block_on(migrator(crash, THREE).options(patient()).apply(&plan, &mut observer));
            let report = report.unwrap_or_else(|error| panic!("{moment}: {error}"));
            assert_eq!(ids(&report), ["up 1", "up 2", "up 3"], "{moment}");
            assert_eq!(finished, ids(&report), "{moment}");
            assert_eq!(report.now_at, Some(id("3")), "{moment}");
            assert_eq!(numbers(memory, "a").unwrap(), ["1", "2", "3"], "{moment}");
            let runs: std::collections::BTreeSet<_> = entries(memory).into_iter().map(|entry| entry.run_id).collect();
            assert_eq!(runs.len(), 1, "the same run goes on: {moment}");
        },
    );
}

#[test]
fn so_many_steps_are_so_many() {
    let prepare = |memory: &Memory| {
        up(memory, THREE).unwrap();
    };
    at_every_moment(prepare, |memory, crash, moment| {
        let down = Goal::Down(DownGoal::Steps(2));
        let report = block_on(migrator(crash, THREE).options(patient()).goal(down).up()).unwrap();
        assert_eq!(
            (ids(&report), report.now_at),
            (vec!["down 3".to_owned(), "down 2".to_owned()], Some(id("1"))),
            "{moment}"
        );
        assert_eq!(numbers(memory, "b"), None);
    });
    at_every_moment(
        |_| {},
        |_, crash, moment| {
            let one = Goal::Up(UpGoal { steps: Some(1), ..UpGoal::default() });
            let report = block_on(migrator(crash, THREE).options(patient()).goal(one).up()).unwrap();
            assert_eq!((ids(&report), report.now_at), (vec!["up 1".to_owned()], Some(id("1"))), "{moment}");
        },
    );
}

#[test]
fn what_is_only_recorded_is_recorded_once() {
    at_every_moment(
        |_| {},
        |memory, crash, moment| {
            let goal = Goal::Baseline("2".parse().unwrap());
            let report = block_on(migrator(crash, THREE).options(patient()).goal(goal).up()).unwrap();
            assert_eq!(ids(&report), ["baseline 1", "baseline 2", "baseline 2"], "{moment}");
            assert_eq!(rows(memory).len(), 3, "{moment}");
        },
    );
}

/// The tries to connect again, and how the run ended.
fn tries(crash: &Crash<Memory>, options: RunOptions) -> (Vec<String>, String) {
    let mut lines = Vec::new();
    let mut observer = |event: &Event<'_>| {
        if let Event::Reconnecting { error, attempt, .. } = event {
            lines.push(format!("{attempt}: {error}"));
        }
    };
    let result = block_on(migrator(crash, THREE).options(options).run(&mut observer));
    let ended = match result {
        Ok(report) => ids(&report).join(", "),
        Err(error) => {
            assert!(matches!(error.kind(), ErrorKind::Lost(_)), "{error}");
            error.to_string()
        }
    };
    (lines, ended)
}

#[test]
fn a_server_that_comes_back_is_waited_for() {
    let (lines, ended) = tries(&Crash::new(Memory::transactional(), 12, false).away_for(2), patient());
    assert_eq!(
        lines,
        [
            "1: the connection was lost by the test",
            "2: the connection was refused by the test",
            "3: the connection was refused by the test",
        ]
    );
    assert_eq!(ended, "up 1, up 2, up 3");
}

#[test]
fn one_that_stays_away_is_given_up() {
    let mut short = options();
    short.reconnect_for = Duration::from_millis(20);
    let crash = Crash::new(Memory::transactional(), 12, false).away_for(usize::MAX);
    let (lines, ended) = tries(&crash, short);
    assert!(lines.len() > 1, "{lines:?}");
    assert_snapshot!(ended, @"
    error[M0303]: the connection was lost: the connection was lost by the test
       = applied before it in this run: 1
       = nothing is lost: run the same command again, it goes on where this run stopped
    ");
    let (lines, _) = tries(&Crash::new(Memory::transactional(), 12, false), options());
    assert_eq!(lines, Vec::<String>::new(), "no time is no try");
}

#[test]
fn what_loses_every_connection_is_not_sent_for_ever() {
    let (lines, ended) = tries(&Crash::new(Memory::transactional(), 12, false).again(), patient());
    assert_eq!(lines.len(), 5, "{lines:?}");
    assert!(ended.contains("the connection was lost"), "{ended}");
}

#[test]
fn a_stop_ends_the_tries() {
    let crash = Crash::new(Memory::transactional(), 12, false).away_for(usize::MAX);
    let stopped = migrator(&crash, THREE).options(patient());
    let handle = stopped.stop_handle();
    let mut tried = 0;
    let mut observer = |event: &Event<'_>| {
        if let Event::Reconnecting { .. } = event {
            tried += 1;
            handle.stop();
        }
    };
    let error = block_on(stopped.run(&mut observer)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Lost(error) if error.fault == Fault::Lost), "{error}");
    assert_eq!(tried, 1);
}

#[test]
fn the_session_of_a_caller_is_not_replaced() {
    let crash = Crash::new(Memory::transactional(), 12, false);
    let mut session = block_on(crash.connect()).unwrap();
    let error = block_on(migrator(&crash, THREE).options(patient()).run_on(&mut *session, &mut ())).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Lost(_)), "{error}");
}

#[test]
fn a_plan_in_which_somebody_else_wrote_meanwhile_is_stale() {
    let memory = Memory::implicit();
    let crash = Crash::new(memory.clone(), 18, false).away_for(1);
    let plan = block_on(migrator(&memory, THREE).plan()).unwrap();
    let other = Migrator::new(memory.clone(), set(THREE));
    let mut observer = |event: &Event<'_>| {
        if let Event::Reconnecting { attempt: 1, .. } = event {
            std::thread::scope(|scope| scope.spawn(|| block_on(other.up()).unwrap()).join().unwrap());
        }
    };
    let error = block_on(migrator(&crash, THREE).options(patient()).apply(&plan, &mut observer)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Refused(Refusal::StalePlan { .. })), "{error}");
    assert_eq!(numbers(&memory, "a").unwrap(), ["1", "2", "3"]);
}
