//! Runs on the engine in memory: what is written down, tried again, stopped, locked, and sent together.

#![allow(clippy::unwrap_used)] // helpers of tests are tests too

mod callbacks;
mod code;
mod components;
mod doubts;
mod failures;
mod locks;
mod reconnects;
mod stops;
mod texts;
mod windows;

use std::time::Duration;

use futures_executor::block_on;
use migrate_core::backend::{Backend, TableName};
use migrate_core::event::Event;
use migrate_core::history::{Entry, State};
use migrate_core::testing::Memory;
use migrate_core::testing::fixture::{Text, set};
use migrate_core::{Error, Migrator, Report, RunOptions};

fn migrator(backend: &(impl Backend + Clone + 'static), texts: &[Text<'_>]) -> Migrator {
    Migrator::new(backend.clone(), set(texts)).options(options())
}

/// Nothing waits for long, so that whoever waits for nothing fails soon.
fn options() -> RunOptions {
    let mut options = RunOptions::default();
    options.lock_wait = Duration::from_millis(50);
    options.lock_retry_for = Duration::from_secs(60);
    // Whoever loses a connection sees at once what it left.
    options.reconnect_for = Duration::ZERO;
    options.installed_by = Some("kim".to_owned());
    options
}

fn up(backend: &(impl Backend + Clone + 'static), texts: &[Text<'_>]) -> Result<Report, Error> {
    block_on(migrator(backend, texts).up())
}

/// What a run says on its way, one line an event that matters here.
fn told(migrator: &Migrator) -> (Vec<String>, Result<Report, Error>) {
    let mut lines = Vec::new();
    let mut observer = |event: &Event<'_>| match event {
        Event::Settled { statement, ran, evidence, .. } => {
            lines.push(format!("settled {statement}: {} ({evidence})", if *ran { "ran" } else { "did not run" }));
        }
        Event::StatementFinished { step, statement, .. } => lines.push(format!("{} statement {statement}", step.id)),
        Event::Retry { attempt, error, .. } => lines.push(format!("retry {attempt}: {error}")),
        Event::Noticed { step, notice } => {
            let step = step.map(|step| step.id.to_string());
            lines.push(format!("{} during {}", notice.message, step.unwrap_or_default()));
        }
        Event::Blocked { step, statement, blockers, .. } => {
            lines.push(format!("{} statement {statement:?} waits for {}", step.id, blockers[0].who));
        }
        Event::Waiting { holder, .. } => lines.push(format!("waiting for {}", holder.who)),
        Event::Batch { done, rows, .. } => lines.push(format!("batch {done}, {rows} rows")),
        _ => {}
    };
    let result = block_on(migrator.run(&mut observer));
    (lines, result)
}

/// The rows of the history: `1 up 1 failed at 2`.
fn rows(memory: &Memory) -> Vec<String> {
    let entries = entries(memory);
    let line = |entry: &Entry| {
        let at = if entry.state == State::Done { String::new() } else { format!(" at {}", entry.cursor) };
        format!("{} {} {} {}{at}", entry.key.seq, entry.action, entry.id, entry.state)
    };
    entries.iter().map(line).collect()
}

fn entries(memory: &Memory) -> Vec<Entry> {
    let mut session = block_on(memory.connect()).unwrap();
    block_on(session.load(&TableName::default())).unwrap()
}

/// The numbers in a table; `None` if there is no such table.
fn numbers(memory: &Memory, table: &str) -> Option<Vec<String>> {
    let mut session = block_on(memory.connect()).unwrap();
    let rows = block_on(session.query(&format!("SELECT n FROM {table}"))).ok()?;
    Some(rows.into_iter().filter_map(|mut row| row.remove(0)).collect())
}

fn ids(report: &Report) -> Vec<String> {
    report.steps.iter().map(|step| format!("{} {}", step.action, step.id)).collect()
}
