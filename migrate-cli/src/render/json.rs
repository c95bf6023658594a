//! JSON: one versioned document on stdout at the end, and events as lines on stderr.

use std::time::Duration;

use migrate_core::diagnostic::Diagnostic;
use migrate_core::event::Event;
use migrate_core::plan::Step;
use serde_json::{Value, json};

use crate::exit::Exit;

/// The version of everything here. A field never changes its meaning; new ones may come.
pub const SCHEMA: u32 = 1;

/// The document of a command.
pub fn document(command: &str, exit: Exit, result: Value, diagnostics: &[Diagnostic]) -> Value {
    let mut document = json!({
        "schema": SCHEMA,
        "command": command,
        "ok": exit == Exit::Done,
        "exit": exit.code(),
        "diagnostics": diagnostics,
    });
    if let Value::Object(fields) = result {
        document.as_object_mut().into_iter().for_each(|document| document.extend(fields.clone()));
    }
    document
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
            let steps: Vec<_> = plan.steps.iter().map(|step| step.id.to_string()).collect();
            json!({ "event": "planned", "digest": plan.digest(), "steps": steps })
        }
        Event::Settled { step, statement, ran, evidence } => {
            with(step, json!({ "event": "settled", "statement": statement, "ran": ran, "evidence": evidence }))
        }
        Event::StepStarted { step } => {
            with(step, json!({ "event": "step_started", "statements": step.statements() }))
        }
        Event::StatementStarted { step, statement } => {
            with(step, json!({ "event": "statement_started", "statement": statement }))
        }
        Event::StatementFinished { step, statement, rows } => {
            with(step, json!({ "event": "statement_finished", "statement": statement, "rows": rows }))
        }
        Event::Batch { step, statement, done, total, rows } => with(
            step,
            json!({ "event": "batch", "statement": statement, "done": done, "total": total, "rows": rows }),
        ),
        Event::Noticed { step, notice } => {
            let id = step.map(|step| step.id.to_string());
            json!({ "event": "notice", "migration": id, "notice": notice })
        }
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
        Event::Remark { diagnostic } => diagnostic_event(diagnostic),
        _ => json!({ "event": "other" }),
    }
}

fn with(step: &Step, mut event: Value) -> Value {
    event["migration"] = json!(step.id);
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
        let document = document("up", Exit::Usage, json!({ "steps": [] }), &diagnostics);
        assert_eq!(document["schema"], 1);
        assert_eq!((&document["command"], &document["exit"], &document["ok"]), (&json!("up"), &json!(2), &json!(false)));
        assert_eq!((&document["steps"], &document["diagnostics"][0]["code"]), (&json!([]), &json!("M0407")));
    }
}
