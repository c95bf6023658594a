//! What a run did.

use std::time::Duration;

use crate::diagnostic::Diagnostic;
use crate::history::Action;
use crate::migration::MigrationId;
use crate::plan::Step;

/// What a run did, complete or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Report {
    /// Steps that are complete and committed, in order.
    pub steps: Vec<StepReport>,
    /// The newest applied migration afterwards.
    pub now_at: Option<MigrationId>,
    /// How long it took, waiting included.
    pub elapsed: Duration,
    /// What is worth knowing.
    pub notes: Vec<Diagnostic>,
}

/// One complete step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct StepReport {
    /// Which migration.
    pub id: MigrationId,
    /// As messages name it.
    pub title: String,
    /// What was done with it.
    pub action: Action,
    /// How many statements ran.
    pub statements: usize,
    /// How long they took.
    pub elapsed: Duration,
    /// What a snapshot stands for, which is applied with it.
    pub stands_for: Vec<MigrationId>,
}

impl StepReport {
    pub(super) fn of(step: &Step, statements: usize, elapsed: Duration) -> Self {
        let stands_for = step.also.iter().map(|row| row.entry.id.clone()).collect();
        Self { id: step.id.clone(), title: step.title(), action: step.action, statements, elapsed, stands_for }
    }
}

impl Report {
    /// Whether nothing had to be done.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// What this run applied, for an error's help.
    pub(crate) fn applied_line(&self) -> String {
        self.done_line("applied", "no migration was completed in this run")
    }

    /// What this run took back, for an error's help.
    pub(crate) fn taken_back_line(&self) -> String {
        self.done_line("taken back", "nothing was taken back in this run")
    }

    fn done_line(&self, done: &str, nothing: &str) -> String {
        let titles: Vec<_> = self.steps.iter().map(|step| step.id.to_string()).collect();
        match titles.as_slice() {
            [] => nothing.to_owned(),
            few if few.len() <= 4 => format!("{done} before it in this run: {}", few.join(", ")),
            [first, .., last] => format!("{done} before it in this run: {first} … {last} ({})", titles.len()),
            [one] => format!("{done} before it in this run: {one}"),
        }
    }
}
