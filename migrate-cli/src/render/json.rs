//! JSON: one versioned document on stdout at the end, and events as lines on stderr.
//!
//! Every document has `schema`, `command`, `ok`, `exit` and `diagnostics` (each with `code`, `severity`, `message`,
//! `place`, `diff`, `help`), and besides, by command:
//!
//! | command | fields |
//! |---|---|
//! | `up`, `down`, `baseline`, `resolve`, `accept`, `db reset` | `report`: `steps` (`id`, `title`, `action`, `statements`, `ms`), `now_at`, `ms`, `notes`; also after an error, with what was done by then |
//! | `adopt` | `adoption`: `tool`, `title`, `table`, `evidence`, `applied` (`id`, `title`, `label`, `quality`, `checksum`, `accepted`, `already`), `pending`, `unknown`, `taken_back`, `not_represented`, `problems`; without `--dry-run` also `report` |
//! | `export` | `export`: `tool`, `table`, `definitions`, `rows` |
//! | `redo` | `down` and `report`, both as above |
//! | `up`, `down`, `redo` with `--backup` | also `backup`: `file`, `bytes` |
//! | `plan`, `up --dry-run`, `down --dry-run` | `plan`: `digest`, `from`, `steps` with their statements; `plan --sql` also `sql` |
//! | `status` | `database`, `product`, `history`, `layout`, `component`, `now_at`, `applied`, `pending`, `migrations` (`id`, `description`, `state`, `when`, `ms`, `remarks`) |
//! | `history` | `history`: the rows |
//! | `check`, `wait` | `state` (`current` with `at`, `pending` with `count` and `pending`); what is ahead or blocked is a diagnostic |
//! | `validate` | `migrations`, `findings`: how many |
//! | `new` | `id`, `files` |
//! | `init` | `created`, `kept` |
//! | `backup`, `restore` | `file`; `backup` also `bytes` |
//! | `db create`, `db drop` | `created`, `dropped` |
//! | `config show` | `file`, `environment`, `settings` (`name`, `value`, `origin`) |
//!
//! Of several components `up`, `plan`, `status`, `check`, `wait` and `validate` have these fields once for each, by its name
//! in `components`; what one was refused for is its `refused`. `order` holds the names, what is needed first.
//!
//! Times are UTC in the form of RFC 3339, durations milliseconds.

use std::time::Duration;

use migrate_core::apply::Report;
use migrate_core::diagnostic::Diagnostic;
use migrate_core::event::Event;
use migrate_core::history::{Entry, Timestamp};
use migrate_core::plan::{Mode, Step};
use serde::Serialize;
use serde_json::{Value, json};

use crate::exit::Exit;

/// The version of everything here. A field never changes its meaning; new ones may come.
pub const SCHEMA: u32 = 1;

/// The document of a command.
#[derive(Debug, Serialize)]
pub struct Document<'a> {
    /// [`SCHEMA`].
    pub schema: u32,
    /// As it was typed, without flags.
    pub command: &'a str,
    /// Whether the exit code is 0.
    pub ok: bool,
    /// The exit code.
    pub exit: u8,
    /// What the command itself has to say.
    #[serde(flatten)]
    pub result: Value,
    /// What a person was told.
    pub diagnostics: &'a [Diagnostic],
}

impl<'a> Document<'a> {
    /// For a command that ended so.
    pub fn new(command: &'a str, exit: Exit, result: Value, diagnostics: &'a [Diagnostic]) -> Self {
        Self { schema: SCHEMA, command, ok: exit == Exit::Done, exit: exit.code(), result, diagnostics }
    }
}

/// What a run did.
pub fn report(report: &Report) -> Value {
    let steps: Vec<Value> = report
        .steps
        .iter()
        .map(|step| {
            let mut done = json!({
                "id": step.id,
                "title": step.title,
                "action": step.action,
                "statements": step.statements,
                "ms": millis(step.elapsed),
            });
            if !step.stands_for.is_empty() {
                done["stands_for"] = json!(step.stands_for);
            }
            done
        })
        .collect();
    json!({ "steps": steps, "now_at": report.now_at, "ms": millis(report.elapsed), "notes": report.notes })
}

/// A row of the history.
pub fn entry(entry: &Entry) -> Value {
    json!({
        "row": entry.key.seq,
        "component": entry.key.component,
        "id": entry.id,
        "description": entry.description,
        "action": entry.action.as_str(),
        "state": entry.state.as_str(),
        "statements": entry.statements,
        "cursor": entry.cursor,
        "checksum": entry.checksum,
        "has_down": entry.has_down,
        "origin": entry.origin,
        "settled_by": entry.settled_by,
        "error": entry.error,
        "started_at": entry.started_at.map(instant),
        "finished_at": entry.finished_at.map(instant),
        "installed_by": entry.installed_by,
        "app_version": entry.app_version,
        "tool_version": entry.tool_version,
        "run_id": entry.run_id,
    })
}

/// `2026-11-18T09:12:00.123456Z`.
pub(super) fn instant(timestamp: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(timestamp.0).map_or_else(|_| timestamp.date(), |instant| instant.to_string())
}

/// A diagnostic as a line among the events.
pub fn diagnostic_event(diagnostic: &Diagnostic) -> Value {
    json!({ "event": "diagnostic", "diagnostic": diagnostic })
}

/// An event as a line.
pub fn event(event: &Event<'_>) -> Value {
    match event {
        Event::Connected { server } => {
            json!({ "event": "connected", "product": server.product, "database": server.database })
        }
        Event::Waiting { holder, waited } => {
            json!({ "event": "waiting", "holder": holder, "waited_ms": millis(*waited) })
        }
        Event::Planned { plan } => {
            let steps: Vec<_> = plan.recorded().map(|step| step.id.to_string()).collect();
            json!({ "event": "planned", "digest": plan.digest(), "steps": steps })
        }
        Event::Settled { step, statement, ran, evidence } => {
            with(step, json!({ "event": "settled", "statement": statement, "ran": ran, "evidence": evidence }))
        }
        Event::StepStarted { step } => with(step, json!({ "event": "step_started", "statements": step.statements() })),
        Event::StatementStarted { step, statement } => {
            with(step, json!({ "event": "statement_started", "statement": statement }))
        }
        Event::StatementFinished { step, statement, rows } => {
            with(step, json!({ "event": "statement_finished", "statement": statement, "rows": rows }))
        }
        Event::Batch { step, statement, done, total, rows } => {
            with(step, json!({ "event": "batch", "statement": statement, "done": done, "total": total, "rows": rows }))
        }
        Event::Resumed { step, how } => with(step, json!({ "event": "resumed", "how": how })),
        Event::Progress { step, done, total } => {
            with(step, json!({ "event": "progress", "done": done, "total": total }))
        }
        Event::Noticed { step, notice } => {
            let id = step.map(|step| step.id.to_string());
            json!({ "event": "notice", "migration": id, "notice": notice })
        }
        Event::Blocked { step, statement, blockers, waited } => with(
            step,
            json!({
                "event": "blocked",
                "statement": statement,
                "blockers": blockers,
                "waited_ms": millis(*waited),
            }),
        ),
        Event::Retry { step, attempt, next_in, give_up_in, error } => with(
            step,
            json!({
                "event": "retry",
                "attempt": attempt,
                "next_in_ms": millis(*next_in),
                "give_up_in_ms": millis(*give_up_in),
                "error": error.to_string(),
                "blockers": error.blockers,
            }),
        ),
        Event::StepFinished { step, elapsed } => {
            with(step, json!({ "event": "step_finished", "ms": millis(*elapsed) }))
        }
        Event::Reconnecting { error, attempt, next_in } => json!({
            "event": "reconnecting",
            "attempt": attempt,
            "next_in_ms": millis(*next_in),
            "error": error.to_string(),
        }),
        Event::Remark { diagnostic } => diagnostic_event(diagnostic),
        _ => json!({ "event": "other" }),
    }
}

fn with(step: &Step, mut event: Value) -> Value {
    match step.mode {
        Mode::Callback => event["callback"] = json!(step.title()),
        _ => event["migration"] = json!(step.id),
    }
    event["action"] = json!(step.action);
    event
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use migrate_core::diagnostic::codes;

    use super::*;

    #[test]
    fn the_document_says_what_it_is_and_how_it_ended() {
        let diagnostics = [Diagnostic::error(codes::USAGE, "no")];
        let document = Document::new("up", Exit::Usage, json!({ "steps": [] }), &diagnostics);
        assert_eq!(
            serde_json::to_string(&document).unwrap(),
            r#"{"schema":1,"command":"up","ok":false,"exit":2,"steps":[],"diagnostics":[{"code":"M0407","severity":"error","message":"no","place":null,"diff":[],"help":[]}]}"#
        );
    }
}
