//! What cannot be carried out through a pooler that pools transactions: there is no session that lasts from one
//! statement to the next, and none that the lock, a setting or the data of a `COPY` could belong to.

use crate::diagnostic::{Diagnostic, Place, codes};
use crate::sql::{Script, StatementKind};

use super::{How, Mode, Refusal, Step};

/// A step that needs a session of its own, where there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NeedsSession {
    /// Which migration, as messages name it.
    pub title: String,
    /// The statement it is about.
    pub place: Place,
    /// What it does that needs one.
    pub what: String,
}

/// Refuses what needs a session of its own, all of it at once.
pub(super) fn refuse(steps: &[Step]) -> Result<(), Refusal> {
    let refused: Vec<NeedsSession> = steps.iter().filter_map(needs_session).collect();
    if refused.is_empty() { Ok(()) } else { Err(Refusal::NeedsSession(refused)) }
}

fn needs_session(step: &Step) -> Option<NeedsSession> {
    if let Some(code) = step.code.as_ref().filter(|code| code.runs.is_journalled()) {
        let what = format!("its code runs {}", code.runs);
        return Some(NeedsSession { title: step.title(), place: Place::path(&code.path), what });
    }
    let script = step.script.as_ref()?;
    let (place, what) = if let Some(found) = not_in_transactions(step) {
        found
    } else {
        let copies = |index: &usize| script.statement(*index).class.kind == StatementKind::CopyIn;
        let index = step.units.iter().flat_map(|unit| unit.runs.clone()).find(copies)?;
        (at(script, index), format!("{} carries the data of a COPY", of(script, index)))
    };
    Some(NeedsSession { title: step.title(), place, what })
}

/// Why a step is more than transactions of ours, and where; `None` where it is not.
pub(super) fn not_in_transactions(step: &Step) -> Option<(Place, String)> {
    let script = step.script.as_ref()?;
    let in_transactions = step.units.iter().all(|unit| unit.how == How::Together);
    if step.mode == Mode::Transaction || (step.mode == Mode::Callback && in_transactions) {
        return None;
    }
    // The unit that made it a journalled one; where none did, its author or an interrupted attempt.
    let special = step.units.iter().find_map(|unit| match &unit.how {
        How::Alone(_) => Some((unit.runs.start, "cannot be in a transaction")),
        How::Batch(_) => Some((unit.runs.start, "runs in batches")),
        How::Discarded => Some((unit.covers.start, "opens a transaction of its own")),
        How::Together if unit.covers != unit.runs => Some((unit.covers.start, "controls the transaction itself")),
        How::Together => None,
    });
    Some(match special {
        Some((index, what)) => (at(script, index), format!("{} {what}", of(script, index))),
        None if step.resume.is_some() => {
            (at(script, step.first_statement()), "it goes on with an attempt that was interrupted".to_owned())
        }
        None => (at(script, step.first_statement()), "its statements are written down one by one".to_owned()),
    })
}

fn at(script: &Script, index: usize) -> Place {
    if index < script.len() {
        let statement = script.statement(index);
        Place::in_source(script.source_of(index), statement.offset..statement.offset + statement.text.len())
    } else {
        Place::path(script.source().path())
    }
}

fn of(script: &Script, index: usize) -> String {
    format!("statement {} of {}", index + 1, script.len())
}

impl NeedsSession {
    pub(super) fn diagnostic(&self) -> Diagnostic {
        let Self { title, place, what } = self;
        Diagnostic::refused(
            codes::NEEDS_SESSION,
            format!("{title}: cannot run through a transaction-mode pooler: {what}"),
        )
        .at(place.clone())
        .help("nothing was run")
        .help("use a direct connection to the server: --direct-url")
    }
}
