//! The read-only answer at a service's start: may it run on this database?

use crate::diagnostic::Diagnostic;
use crate::history::Action;
use crate::migration::MigrationId;

use super::{Mode, Plan, Refusal};

/// What a database is to a set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "whether a service may run is what it says"]
pub enum Check {
    /// Everything is applied.
    Current {
        /// The newest applied migration.
        at: Option<MigrationId>,
        /// What is worth knowing.
        notes: Vec<Diagnostic>,
    },
    /// Something is to be applied.
    Pending {
        /// Titles, in order of execution.
        titles: Vec<String>,
    },
    /// The database is ahead, and this release may not run on it.
    Ahead(Refusal),
    /// Nothing can be applied until somebody acts.
    Blocked(Refusal),
}

impl Check {
    /// The answer that a planned `up` gives.
    pub(crate) fn from_planned(planned: Result<Plan, Refusal>, at: Option<MigrationId>) -> Self {
        // No state of the database depends on what leaves no row, or on how it would be taken back.
        let recorded = planned.map(|mut plan| {
            plan.steps.retain(|step| step.mode != Mode::Callback && step.action != Action::Refresh);
            plan
        });
        match recorded {
            Ok(plan) if plan.is_empty() => Self::Current { at, notes: plan.notes },
            // An attempt that is not over counts as blocked: a service must not start on half a migration.
            Ok(plan) => match plan.steps.iter().find_map(|step| step.resume.as_ref()) {
                Some(resume) => Self::Blocked(Refusal::Open { entry: Box::new(resume.entry.clone()), known: true }),
                None => Self::Pending { titles: plan.steps.iter().map(super::text::title).collect() },
            },
            Err(Refusal::PhaseChoice { pre, post, .. }) => Self::Pending { titles: [pre, post].concat() },
            Err(refusal) if refusal.is_ahead() => Self::Ahead(refusal),
            Err(refusal) => Self::Blocked(refusal),
        }
    }

    /// Whether a service may start.
    pub fn is_current(&self) -> bool {
        matches!(self, Self::Current { .. })
    }
}
