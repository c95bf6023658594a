//! Taking over another tool's history: what was observed of it, planned as everything else is.
//!
//! | module | holds |
//! |---|---|
//! | this one | [`Foreign`]: what was observed; which history is meant |
//! | [`mod@adoption`] | [`Adoption`]: what would happen, as a value |
//! | `matching`, `find` | how it comes about; which migrations of a set an entry is about |
//! | `steps` | the rows that take it over |
//! | [`problem`] | [`Problem`]: why it cannot be taken over |
//! | `moved` | what the tool did after it was taken over |
//! | `text` | an adoption as people read it |
//!
//! Nothing is guessed: what a tool only lets conclude is marked as inferred, what it has failed at or not finished must
//! be finished first, and a file that is not what was recorded is named. The tool's table is only read.
//!
//! Available with feature `other-tools`. Without it such a history is noticed all the same, and what would have to be
//! understood of it is refused: `absent`.

use crate::backend::{Server, TableName};
use crate::history::History;
use crate::history::format::{self, Found, HistoryFormat, Mark, Reading, Table};
use crate::set::MigrationSet;

use super::planner::Planner;
use super::{AdoptGoal, ForeignHistory, Goal, Plan, Policy, mirror};

#[cfg(not(feature = "other-tools"))]
mod absent;
pub mod adoption;
#[cfg(feature = "other-tools")]
mod find;
#[cfg(feature = "other-tools")]
mod matching;
#[cfg(feature = "other-tools")]
mod moved;
pub mod problem;
#[cfg(feature = "other-tools")]
mod steps;
mod text;

pub use adoption::{Adopted, Adoption, Pending, Unknown};
pub use problem::Problem;

#[cfg(not(feature = "other-tools"))]
pub(super) use absent::{check_moved, due, steps};
#[cfg(feature = "other-tools")]
pub use steps::adoption;
#[cfg(feature = "other-tools")]
pub(super) use {
    moved::{check as check_moved, due},
    steps::{damaged, engine, steps},
};

/// What was observed of other tools' histories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Foreign {
    /// Tables that may be other tools'; empty where nobody looked.
    pub tables: Vec<Table>,
    /// The one that is to be taken over, or was.
    pub reading: Option<Reading>,
    /// The schema in which a table is made that names none; only asked for where one may have to be made.
    pub home: Option<String>,
}

impl Foreign {
    /// The histories among the tables that count for a set: a sign that many leave counts only where the set's layout
    /// is one of that tool's.
    pub fn found(&self, set: &MigrationSet) -> Vec<Found> {
        let mut found = format::recognised(&self.tables);
        found.retain(|found| {
            let format = found.format();
            !format.needs_layout() || format.layouts().contains(&set.layout())
        });
        found
    }

    /// The history that a goal means.
    ///
    /// # Errors
    /// If there is none, or several and nothing tells which.
    pub(super) fn chosen(&self, set: &MigrationSet, goal: &AdoptGoal) -> Result<Found, Problem> {
        let named =
            goal.from.as_deref().map(|name| format::by_name(name).ok_or_else(|| Problem::UnknownTool(name.to_owned())));
        let named = named.transpose()?;
        if let Some(table) = &goal.table {
            let format = named.ok_or_else(|| Problem::TableOfWhom(table.clone()))?;
            return self
                .called(format, table)
                .ok_or_else(|| Problem::NoTable { tool: format.title(), table: table.clone() });
        }
        let mut candidates = match named {
            // Whoever names a tool needs no other sign.
            Some(format) => {
                let mut all = format::recognised(&self.tables);
                all.retain(|found| found.tool == format.name());
                all
            }
            None => self.found(set),
        };
        if candidates.len() > 1 {
            let fit: Vec<Found> =
                candidates.iter().filter(|found| found.format().layouts().contains(&set.layout())).cloned().collect();
            if fit.len() == 1 {
                candidates = fit;
            }
        }
        let Some(first) = candidates.first() else {
            return Err(Problem::NothingFound { tool: named.map(HistoryFormat::title) });
        };
        let format = first.format();
        let agrees = named.is_some() || format.is_head_only() || format.layouts().contains(&set.layout());
        match candidates.as_slice() {
            [one] if agrees => Ok(one.clone()),
            _ => Err(Problem::Undecided {
                candidates: candidates.iter().map(problem::Candidate::of).collect(),
                layout: set.layout(),
            }),
        }
    }

    /// A table that somebody says is `format`'s.
    fn called(&self, format: &'static dyn HistoryFormat, name: &TableName) -> Option<Found> {
        let table = self
            .tables
            .iter()
            .find(|table| table.is_called(&name.name) && (name.schema.is_none() || table.name.schema == name.schema))?;
        Some(Found::new(format, table.clone(), &self.tables))
    }
}

/// A table whose name no tool has by itself: the one that was named, or the one that was taken over.
pub(crate) fn named_table(goal: &Goal, policy: &Policy, history: &History) -> Option<TableName> {
    if let Some(table) = policy.mirror.as_ref().filter(|_| mirror::concerns(goal)) {
        return Some(table.clone());
    }
    match goal {
        Goal::Adopt(goal) => goal.table.clone(),
        _ => Some(Mark::of(history.adoption()?)?.table),
    }
}

/// Whether other tools' tables must be looked for: where they are to be taken over or were, and where the database has
/// something and we know nothing of it. Nobody else pays for the question.
pub(crate) fn looks(goal: &Goal, policy: &Policy, history: &History, server: &Server) -> bool {
    let contact = history.is_blank() && !(server.objects.is_empty() && server.foreign_histories.is_empty());
    if policy.mirror.is_some() && mirror::concerns(goal) {
        return true;
    }
    match goal {
        Goal::Adopt(_) => true,
        Goal::Up(_) if policy.foreign_history == ForeignHistory::Ignore => false,
        Goal::Up(_) => contact || history.adoption().is_some(),
        _ => false,
    }
}

/// The history whose rows must be read.
pub(crate) fn reads(
    set: &MigrationSet,
    foreign: &Foreign,
    goal: &Goal,
    policy: &Policy,
    history: &History,
) -> Option<Found> {
    if let Some(table) = policy.mirror.as_ref().filter(|_| mirror::concerns(goal)) {
        return foreign.called(&format::flyway::Flyway, table);
    }
    match (goal, history.adoption()) {
        (Goal::Adopt(goal), _) => foreign.chosen(set, goal).ok(),
        (_, Some(adoption)) => {
            let mark = Mark::of(adoption)?;
            foreign.called(format::by_name(&mark.tool)?, &mark.table)
        }
        (_, None) if policy.foreign_history == ForeignHistory::Adopt => foreign.chosen(set, &AdoptGoal::default()).ok(),
        _ => None,
    }
}

/// The history that a plan takes over.
pub(super) fn adopted_by(planner: &Planner<'_>, plan: &Plan) -> Option<Found> {
    let adopts = plan.steps.iter().any(|step| step.row.entry.is_adoption());
    planner.observed.foreign.reading.as_ref().filter(|_| adopts).map(|reading| reading.found.clone())
}

/// Whether the other tool may still write, so that one row of ours cannot say that everything is applied: its table is
/// looked at before every answer, until it is gone or nobody wants to know. Only who has taken a history over pays for
/// that.
pub(super) fn is_watched(planner: &Planner<'_>, goal: &Goal, plan: &Plan) -> bool {
    if planner.policy.mirror.is_some() {
        return true;
    }
    if planner.policy.foreign_history == ForeignHistory::Ignore {
        return false;
    }
    let looked = matches!(goal, Goal::Up(_));
    let there = planner.observed.foreign.reading.is_some() || !looked;
    plan.adopts.is_some() || (planner.history().adoption().is_some() && there)
}
