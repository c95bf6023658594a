//! The observer for `tracing`: what a subscriber gets of a run.

#![allow(clippy::unwrap_used)] // helpers of tests are tests too

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use futures_executor::block_on;
use insta::assert_snapshot;
use migrate_core::backend::{Backend as _, Blocker, Fault, Holder, Notice, ServerError, TableName};
use migrate_core::diagnostic::codes;
use migrate_core::event::tracing::Tracing;
use migrate_core::testing::fixture::{self, Text};
use migrate_core::testing::{Crash, Memory};
use migrate_core::{Diagnostic, Event as Happened, Migrator, Observer as _, RunOptions};
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

/// The name, the level and the fields of every event, and whether it was in a span; of a span the same.
#[derive(Clone, Default)]
struct Names(Arc<Mutex<(Vec<[String; 4]>, usize)>>);

impl Names {
    fn add(&self, name: &str, metadata: &Metadata<'_>, place: &str) {
        assert_eq!(metadata.target(), "migrate", "{name}");
        let fields = metadata.fields().iter().map(|field| field.name()).filter(|name| *name != "message");
        let fields: Vec<_> = fields.map(|name| format!("`{name}`")).collect();
        let row = [format!("`{name}`"), metadata.level().to_string(), fields.join(", "), place.to_owned()];
        let rows = &mut self.0.lock().unwrap().0;
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
}

impl Subscriber for Names {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.add(span.metadata().name(), span.metadata(), "");
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Message(String);
        impl Visit for Message {
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        let inside = if self.0.lock().unwrap().1 > 0 { "yes" } else { "" };
        self.add(&message.0, event.metadata(), inside);
    }

    fn enter(&self, _: &Id) {
        self.0.lock().unwrap().1 += 1;
    }

    fn exit(&self, _: &Id) {
        self.0.lock().unwrap().1 -= 1;
    }
}

/// The rows of the tables in the documentation.
fn documented() -> Vec<[String; 4]> {
    let source = include_str!("../src/event/tracing.rs");
    let rows = source.lines().filter_map(|line| line.strip_prefix("//! | `"));
    let rows = rows.flat_map(|row| {
        let mut cells = row.split('|').map(str::trim);
        let mut next = || cells.next().unwrap_or_default().to_owned();
        let [name, levels, fields, place] = [format!("`{}", next()), next(), next(), next()];
        let places = if place.starts_with("where") { vec!["", "yes"] } else { vec![place.as_str()] };
        let row = |level: &str, place: &str| [name.clone(), level.to_owned(), fields.clone(), place.to_owned()];
        let rows = levels.split(", ").flat_map(|level| places.iter().map(move |place| (level, *place)));
        rows.map(|(level, place)| row(level, place)).collect::<Vec<_>>()
    });
    rows.collect()
}

#[test]
fn the_documented_names_are_those_that_are_there() {
    let memory = Memory::transactional();
    let plan = block_on(migrator(&memory, TWO).plan()).unwrap();
    let step = &plan.steps[0];
    let server = block_on(block_on(memory.connect()).unwrap().observe(&TableName::default())).unwrap();
    let (holder, notice) = (Holder::default(), Notice { level: "NOTICE".to_owned(), message: "hm".to_owned() });
    let (blockers, error) = ([Blocker::default()], ServerError::new(Fault::LockTimeout, "no"));
    let second = std::time::Duration::from_secs(1);
    let (note, warning, wrong) = (
        Diagnostic::note(codes::BAD_URL, "hm"),
        Diagnostic::warning(codes::BAD_URL, "hm"),
        Diagnostic::error(codes::BAD_URL, "hm"),
    );
    let all = [
        Happened::Connected { server: &server },
        Happened::Waiting { holder: &holder, waited: second },
        Happened::Planned { plan: &plan },
        Happened::Noticed { step: None, notice: &notice },
        Happened::StepStarted { step },
        Happened::Settled { step, statement: 1, ran: true, evidence: "catalog" },
        Happened::StatementStarted { step, statement: 1 },
        Happened::StatementFinished { step, statement: 1, rows: Some(1) },
        Happened::Batch { step, statement: 1, done: 1, total: Some(2), rows: 3 },
        Happened::Resumed { step, how: "goes on" },
        Happened::Progress { step, done: 1, total: Some(2) },
        Happened::Noticed { step: Some(step), notice: &notice },
        Happened::Blocked { step, statement: Some(1), blockers: &blockers, waited: second },
        Happened::Retry { step, attempt: 1, next_in: second, give_up_in: second, error: &error },
        Happened::StepFinished { step, elapsed: second },
        Happened::Reconnecting { error: &error, attempt: 1, next_in: second },
        Happened::Remark { diagnostic: &note },
        Happened::Remark { diagnostic: &warning },
        Happened::Remark { diagnostic: &wrong },
    ];
    let variants = include_str!("../src/event.rs").lines().filter_map(|line| line.trim().strip_suffix(" {"));
    let variants = variants.filter(|word| word.chars().all(char::is_alphanumeric));
    for variant in variants {
        let sampled = all.iter().any(|event| format!("{event:?}").starts_with(&format!("{variant} {{")));
        assert!(sampled, "{variant} is not among those that are sent here");
    }
    let names = Names::default();
    tracing::subscriber::with_default(names.clone(), || {
        let mut tracing = Tracing::default();
        for event in &all {
            tracing.event(event);
        }
    });
    let (mut emitted, mut documented) = (names.0.lock().unwrap().0.clone(), documented());
    emitted.sort();
    documented.sort();
    assert!(documented.len() > 16, "the tables were not found: {documented:?}");
    assert_eq!(emitted, documented);
}
