//! What cannot be carried out through a pooler that pools transactions: there is no session that lasts from one
//! statement to the next, and none that the lock, a setting or the data of a `COPY` could belong to.

use crate::diagnostic::{Diagnostic, Place, codes};
use crate::sql::StatementKind;

use super::{How, Mode, Refusal, Step};

/// A step that needs a session of its own, where there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    let found = |index: usize, what: String| {
        let at = if index < script.len() {
            let statement = script.statement(index);
            Place::in_source(script.source_of(index), statement.offset..statement.offset + statement.text.len())
        } else {
            Place::path(script.source().path())
        };
        Some(NeedsSession { title: step.title(), place: at, what })
    };
    let of = |index: usize| format!("statement {} of {}", index + 1, script.len());
    let in_transactions = step.units.iter().all(|unit| unit.how == How::Together);
    if step.mode == Mode::Transaction || (step.mode == Mode::Callback && in_transactions) {
        let copies = |index: &usize| script.statement(*index).class.kind == StatementKind::CopyIn;
        let index = step.units.iter().flat_map(|unit| unit.runs.clone()).find(copies)?;
        return found(index, format!("{} carries the data of a COPY", of(index)));
    }
    // The unit that made it a journalled one; where none did, its author or an interrupted attempt.
    let special = step.units.iter().find_map(|unit| match &unit.how {
        How::Alone(_) => Some((unit.runs.start, "cannot be in a transaction")),
        How::Batch(_) => Some((unit.runs.start, "runs in batches")),
        How::Discarded => Some((unit.covers.start, "opens a transaction of its own")),
        How::Together if unit.covers != unit.runs => Some((unit.covers.start, "controls the transaction itself")),
        How::Together => None,
    });
    match special {
        Some((index, what)) => found(index, format!("{} {what}", of(index))),
        None if step.resume.is_some() => {
            found(step.first_statement(), "it goes on with an attempt that was interrupted".to_owned())
        }
        None => found(step.first_statement(), "its statements are written down one by one".to_owned()),
    }
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
