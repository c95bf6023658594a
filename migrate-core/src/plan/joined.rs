//! What cannot be part of a transaction that the caller opened and alone ends: nothing of it may be committed by the run,
//! and nothing may need a transaction, or none, of its own.

use crate::backend::Dialect;
use crate::diagnostic::{Diagnostic, Place, codes};

use super::pooled::not_in_transactions;
use super::{Mode, Plan, Refusal, Step};

/// A step that cannot be part of the caller's transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotJoined {
    /// Which migration, as messages name it.
    pub title: String,
    /// What it is about; `None` where that is no statement.
    pub place: Option<Place>,
    /// Why it cannot.
    pub what: String,
}

/// Refuses what cannot be part of the caller's transaction, all of it at once.
pub(super) fn refuse(plan: &Plan, dialect: &Dialect) -> Result<(), Refusal> {
    let mut refused: Vec<NotJoined> = plan.steps.iter().filter_map(|step| not_joined(step, dialect)).collect();
    if let Some(found) = plan.keeps_out() {
        refused.push(NotJoined {
            title: format!("the history of {}", found.format().title()),
            place: None,
            what: "whoever takes it over keeps that tool out with locks of its own".to_owned(),
        });
    }
    if refused.is_empty() { Ok(()) } else { Err(Refusal::NotJoined(refused)) }
}

fn not_joined(step: &Step, dialect: &Dialect) -> Option<NotJoined> {
    let found = |place, what| Some(NotJoined { title: step.title(), place, what });
    if let Some((place, what)) = not_in_transactions(step) {
        return found(Some(place), what);
    }
    match (step.mode, step.script.as_ref()) {
        (Mode::Record, _) => None,
        (Mode::Transaction | Mode::Callback, Some(script)) => {
            let settings = (dialect.script_settings)(script);
            let (name, value) = settings.first()?;
            found(
                Some(Place::path(script.source().path())),
                format!("it needs {name} = {value} before its transaction begins"),
            )
        }
        (Mode::Code, _) => found(None, "its work is code, which is given the connection itself".to_owned()),
        _ => found(None, "it needs more than one transaction".to_owned()),
    }
}

impl NotJoined {
    pub(super) fn diagnostic(&self) -> Diagnostic {
        let Self { title, place, what } = self;
        let diagnostic = Diagnostic::refused(
            codes::NOT_IN_TRANSACTION,
            format!("{title}: cannot be part of the caller's transaction: {what}"),
        );
        match place {
            Some(place) => diagnostic.at(place.clone()),
            None => diagnostic,
        }
        .help("nothing was run, and the transaction is as it was")
        .help("migrate on the connection itself, or on a URL, before the transaction begins")
    }
}
