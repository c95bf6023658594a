//! The lock of the migrations: waited for, told, and given back on every path.

use std::sync::mpsc;
use std::time::Duration;

use futures_executor::block_on;
use insta::assert_snapshot;
use migrate_core::backend::{Backend, Locked, TableName};
use migrate_core::error::ErrorKind;
use migrate_core::event::Event;
use migrate_core::testing::Memory;
use migrate_core::testing::fixture::Text;

use super::{entries, ids, migrator, options, rows, told, up};

const ONE: &[Text<'_>] = &[("1", "CREATE TABLE a (n INTEGER);", "")];

fn held(memory: &Memory) -> Box<dyn migrate_core::Session> {
    let mut holder = block_on(memory.connect()).unwrap();
    let taken = block_on(holder.try_lock(&TableName::default(), "web-7f9c")).unwrap();
    assert!(matches!(taken, Locked::Mine { .. }));
    holder
}

#[test]
fn waiting_tells_who_has_it_and_comes_to_an_end() {
    let memory = Memory::transactional();
    let holder = held(&memory);
    let (lines, result) = told(&migrator(&memory, ONE));
    let error = result.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Locked { .. }) && error.is_locked());
    assert_eq!(lines.first().map(String::as_str), Some("waiting for web-7f9c"));
    drop(holder);
    assert_eq!(ids(&up(&memory, ONE).unwrap()), ["up 1"]);
}

#[test]
fn not_waiting_at_all_is_possible() {
    let memory = Memory::transactional();
    let _holder = held(&memory);
    let mut options = options();
    options.lock_wait = Duration::ZERO;
    let (lines, result) = told(&migrator(&memory, ONE).options(options));
    assert_eq!(lines, Vec::<String>::new());
    assert_snapshot!(result.unwrap_err().to_string(), @"
    refused[M0306]: somebody else holds the lock: web-7f9c has it, after waiting 0 ms
       = wait for it to end, or wait longer: --lock-wait 30m
    ");
}

#[test]
fn whoever_waited_finds_what_the_holder_did() {
    let memory = Memory::transactional();
    let mut holder = Some(held(&memory));
    let mut patient = options();
    patient.lock_wait = Duration::from_secs(60);
    let waiting = migrator(&memory, ONE).options(patient);
    // The holder does the work while we wait: on the first report of waiting.
    let mut observer = |event: &Event<'_>| {
        if let Event::Waiting { .. } = event
            && let Some(mut session) = holder.take()
        {
            // On a thread of its own: this one is inside the executor.
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    block_on(session.unlock(&TableName::default())).unwrap();
                    up(&memory, ONE).unwrap();
                });
            });
        }
    };
    assert_eq!(block_on(waiting.run(&mut observer)).unwrap().steps, []);
}

#[test]
fn a_current_database_needs_no_lock() {
    let memory = Memory::transactional();
    up(&memory, ONE).unwrap();
    let _holder = held(&memory);
    assert!(up(&memory, ONE).unwrap().is_empty());
    assert!(block_on(migrator(&memory, ONE).check()).unwrap().is_current());
}

#[test]
fn it_is_given_back_on_every_path() {
    let failing: &[Text<'_>] = &[("1", "INSERT INTO nosuch VALUES (1);", "")];
    let half: &[Text<'_>] = &[("1", "CREATE TABLE b (n INTEGER); INSERT INTO nosuch VALUES (1);", "")];
    for memory in [Memory::transactional(), Memory::implicit()] {
        let free = |what: &str| assert_eq!(memory.lock_holder(), None, "{what}");
        up(&memory, failing).unwrap_err();
        free("after a failed statement");
        up(&memory, half).unwrap_err();
        free("after half a script");
        let stopped = migrator(&memory, ONE);
        stopped.stop_handle().stop();
        let error = block_on(stopped.up()).unwrap_err();
        assert!(!matches!(error.kind(), ErrorKind::Statement(_)), "{error}");
        free("after a stop");
        let plan = block_on(migrator(&memory, ONE).plan());
        let other: &[Text<'_>] = &[("0", "CREATE TABLE z (n INTEGER);", "")];
        let _ = up(&memory, other);
        if let Ok(plan) = plan {
            block_on(migrator(&memory, ONE).apply(&plan, &mut ())).unwrap_err();
            free("after a stale plan");
        }
        let baseline = migrate_core::Goal::Baseline("9".parse().unwrap());
        block_on(migrator(&memory, ONE).goal(baseline).up()).unwrap_err();
        free("after a refusal");
    }
}

#[test]
fn a_running_statement_is_cancelled_from_another_thread() {
    let memory = Memory::transactional();
    let texts: &[Text<'_>] =
        &[("1", "CREATE TABLE a (n INTEGER); SLEEP;", ""), ("2", "CREATE TABLE b (n INTEGER);", "")];
    let sleeping = migrator(&memory, texts);
    let handle = sleeping.stop_handle();
    let (sent, began) = mpsc::channel();
    let error = std::thread::scope(|scope| {
        scope.spawn(move || {
            began.recv().unwrap();
            handle.cancel().unwrap();
        });
        let mut observer = |event: &Event<'_>| {
            if let Event::StatementStarted { statement: 2, .. } = event {
                sent.send(()).unwrap();
            }
        };
        block_on(sleeping.run(&mut observer)).unwrap_err()
    });
    assert_snapshot!(error.to_string(), @"
    refused[M0304]: stopped by request, 2 migrations left
       = no migration was completed in this run
       = run `migrate up` again: it goes on from here
    ");
    assert_eq!((rows(&memory), super::numbers(&memory, "a")), (vec![], None));
    assert_eq!(memory.lock_holder(), None);
}

#[test]
fn a_lease_that_passed_on_is_taken_again_before_anything_else_is_written() {
    for memory in [Memory::transactional(), Memory::implicit()] {
        let texts: &[Text<'_>] =
            &[("1", "CREATE TABLE a (n INTEGER)", ""), ("2", "REINDEX; INSERT INTO a VALUES (2)", "")];
        let mut expired = false;
        let mut observer = |event: &Event<'_>| {
            if let Event::StepFinished { .. } = event
                && !std::mem::replace(&mut expired, true)
            {
                memory.expire_lock();
            }
        };
        let report = block_on(migrator(&memory, texts).run(&mut observer)).unwrap();
        assert_eq!(ids(&report), ["up 1", "up 2"]);
        assert_eq!(rows(&memory), ["1 up 1 done", "2 up 2 done"]);
        let fences: Vec<u64> = entries(&memory).iter().map(|entry| entry.fence).collect();
        assert_eq!(fences, [1, 3], "the fence of the lock under which each was written");
        assert_eq!(memory.lock_holder(), None);
    }
}
