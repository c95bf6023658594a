//! The observer for `tracing`: what a subscriber gets of a run.

#![allow(clippy::unwrap_used)] // helpers of tests are tests too

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use futures_executor::block_on;
use insta::assert_snapshot;
use migrate_core::backend::{Backend as _, Fault, TableName};
use migrate_core::event::tracing::Tracing;
use migrate_core::testing::fixture::{self, Text};
use migrate_core::testing::{Crash, Memory};
use migrate_core::{Migrator, RunOptions};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Writes down every span and event, a line each.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    lines: Vec<String>,
    spans: Vec<String>,
    entered: Vec<u64>,
}

/// Fields in order, without what differs between runs.
struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let value = if field.name().ends_with("_ms") || field.name() == "digest" {
            "…".to_owned()
        } else {
            format!("{value:?}")
        };
        let _ = write!(self.0, " {}={value}", field.name());
    }
}

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut text = span.metadata().name().to_owned();
        span.record(&mut Fields(&mut text));
        let mut state = self.0.lock().unwrap();
        state.spans.push(text);
        Id::from_u64(state.spans.len() as u64)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = String::new();
        event.record(&mut Fields(&mut fields));
        let mut state = self.0.lock().unwrap();
        let span = state.entered.last().map(|id| state.spans[usize::try_from(*id).unwrap() - 1].clone());
        let level = event.metadata().level();
        let line = format!("{level:5} {}{fields}", span.map(|span| format!("[{span}]")).unwrap_or_default());
        state.lines.push(line);
    }

    fn enter(&self, span: &Id) {
        self.0.lock().unwrap().entered.push(span.into_u64());
    }

    fn exit(&self, _: &Id) {
        self.0.lock().unwrap().entered.pop();
    }
}

/// What a subscriber gets of a run.
fn traced(migrator: &Migrator) -> String {
    let lines = Lines::default();
    tracing::subscriber::with_default(lines.clone(), || {
        let _ = block_on(migrator.run(&mut Tracing::default()));
    });
    let state = lines.0.lock().unwrap();
    assert!(state.entered.is_empty(), "a span was left entered");
    state.lines.join("\n")
}

fn migrator(memory: &Memory, texts: &[Text<'_>]) -> Migrator {
    Migrator::new(memory.clone(), fixture::set(texts))
}

const TWO: &[Text<'_>] = &[
    ("1", "CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1);", ""),
    ("2", "CREATE TABLE b (n INTEGER) PASSWORD 'hunter2';", ""),
];

#[test]
fn steps_are_spans_and_statements_events_in_them() {
    let memory = Memory::transactional();
    memory.fail_next("INSERT", Fault::LockTimeout, 1);
    let lines = traced(&migrator(&memory, TWO));
    assert_snapshot!(lines, @r#"
    DEBUG  message=connected product="Memory 1.0" database="memory"
    DEBUG  message=connected product="Memory 1.0" database="memory"
    INFO   message=planned component="main" steps=2 digest=…
    INFO  [migration id=1 action="up" statements=2] message=started
    DEBUG [migration id=1 action="up" statements=2] message=statement sent statement=1
    DEBUG [migration id=1 action="up" statements=2] message=statement ran statement=1
    DEBUG [migration id=1 action="up" statements=2] message=statement sent statement=2
    WARN  [migration id=1 action="up" statements=2] message=somebody is in the way: trying again attempt=1 next_in_ms=… give_up_in_ms=… blockers=""
    INFO  [migration id=1 action="up" statements=2] message=started
    DEBUG [migration id=1 action="up" statements=2] message=statement sent statement=1
    DEBUG [migration id=1 action="up" statements=2] message=statement ran statement=1
    DEBUG [migration id=1 action="up" statements=2] message=statement sent statement=2
    DEBUG [migration id=1 action="up" statements=2] message=statement ran statement=2 rows=1
    INFO  [migration id=1 action="up" statements=2] message=finished elapsed_ms=…
    INFO  [migration id=2 action="up" statements=1] message=started
    DEBUG [migration id=2 action="up" statements=1] message=statement sent statement=1
    DEBUG [migration id=2 action="up" statements=1] message=statement ran statement=1
    INFO  [migration id=2 action="up" statements=1] message=finished elapsed_ms=…
    "#);
    assert!(!lines.contains("hunter2") && !lines.contains("CREATE"), "no text of a statement is handed on");
}

#[test]
fn waiting_is_a_warning() {
    let memory = Memory::transactional();
    let mut holder = block_on(memory.connect()).unwrap();
    block_on(holder.try_lock(&TableName::default(), "web-7f9c")).unwrap();
    let mut options = RunOptions::default();
    options.lock_wait = std::time::Duration::from_millis(1);
    let lines = traced(&migrator(&memory, TWO).options(options));
    let waiting = lines.lines().find(|line| line.contains("waiting")).unwrap();
    assert_snapshot!(waiting, @r#"WARN   message=waiting for the lock of the migrations holder="web-7f9c has it" waited_ms=…"#);
}

#[test]
fn a_decided_doubt_is_a_warning_in_its_step() {
    for at in 0.. {
        let memory = Memory::implicit();
        let crash = Crash::new(memory.clone(), at, true);
        let mut options = RunOptions::default();
        options.reconnect_for = std::time::Duration::ZERO;
        let _ = block_on(Migrator::new(crash.clone(), fixture::set(TWO)).options(options).up());
        assert!(crash.crashed(), "no such moment");
        let lines = traced(&migrator(&memory, TWO));
        if let Some(settled) = lines.lines().find(|line| line.contains("catalog")) {
            assert_snapshot!(settled, @r#"WARN  [migration id=1 action="up" statements=2] message=what an interrupted run left in doubt was decided statement=1 ran=false evidence="catalog: nothing changed""#);
            return;
        }
    }
}
