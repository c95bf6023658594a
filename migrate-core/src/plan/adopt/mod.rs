//! Taking over another tool's history: what was observed of it, planned as everything else is.
//!
//! | module | holds |
//! |---|---|
//! | this one | [`Foreign`]: what was observed; which history is meant; the rows that take it over |
//! | [`mod@adoption`] | [`Adoption`]: what would happen, as a value |
//! | `find` | which migrations of a set an entry is about |
//! | [`problem`] | [`Problem`]: why it cannot be taken over |
//! | `moved` | what the tool did after it was taken over |
//! | `text` | an adoption as people read it |
//!
//! Nothing is guessed: what a tool only lets conclude is marked as inferred, what it has failed at or not finished must
//! be finished first, and a file that is not what was recorded is named. The tool's table is only read.

use crate::backend::{Dialect, NewEntry, Server, TableName};
use crate::history::format::{self, Damaged, Engine, Found, HistoryFormat, Mark, Reading, Table};
use crate::history::{Action, History};
use crate::migration::{MigrationId, Phase};
use crate::set::MigrationSet;

use super::planner::Planner;
use super::{AdoptGoal, ForeignHistory, Goal, Observed, Plan, Policy, Refusal, Step, mirror};

pub mod adoption;
mod find;
mod moved;
pub mod problem;
mod text;

pub use adoption::{Adopted, Adoption, Pending, Unknown};
pub use problem::Problem;

pub(super) use moved::{check as check_moved, due};

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

/// What taking over the history that `goal` means would do, with what stands against it.
///
/// # Errors
/// If nobody can tell which history is meant, or it cannot be read.
pub fn adoption(
    set: &MigrationSet,
    observed: &Observed,
    goal: &AdoptGoal,
    policy: &Policy,
    dialect: &Dialect,
) -> Result<Adoption, Refusal> {
    Ok(adoption::plan(&Planner::new(set, observed, policy, dialect), goal)?.0)
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

/// The steps that take a history over, and whose it is; none where everything is taken over already.
pub(super) fn steps(planner: &Planner<'_>, goal: &AdoptGoal) -> Result<(Vec<Step>, Found), Refusal> {
    let (adoption, found) = adoption::plan(planner, goal)?;
    if let Some(refusal) = adoption.refusal() {
        return Err(refusal);
    }
    let format = found.format();
    let origin = |label: &str, quality: &str| {
        // The column holds 255 characters.
        let label: String = label.chars().take(200).collect();
        Some(format!("{} {label} {quality}", format.name()))
    };
    let mut steps = Vec::new();
    for adopted in adoption.applied.iter().filter(|adopted| !adopted.already) {
        let migration = planner.set.get(&adopted.id).expect("found in the set");
        let mut row = planner.row(migration, Action::Adopt);
        row.entry.origin = origin(&adopted.label, adopted.quality.as_str());
        row.entry.note = Some(adopted.record.clone());
        steps.push(Planner::recorded(row));
    }
    for unknown in adoption.unknown.iter().filter(|unknown| !unknown.already) {
        let Some(id) = &unknown.recorded_as else { continue };
        let mut entry = planner.blank_entry(id.clone(), Action::Adopt);
        entry.description.clone_from(&unknown.description);
        if let MigrationId::Repeatable { name } = id {
            entry.description.clone_from(name);
        }
        entry.origin = origin(&unknown.label, "recorded");
        entry.note = Some(unknown.record.clone());
        steps.push(Planner::recorded(NewEntry { entry, script: None, down_script: None, asked: None }));
    }
    for id in &adoption.taken_back {
        let mut step = super::record::forget(planner, id);
        step.row.entry.origin = origin("taken back", "recorded");
        steps.push(step);
    }
    if let Some(version) = goal.to.as_ref().filter(|version| format.is_head_only() && !version.parts().is_empty()) {
        steps.push(floor(planner, version));
    }
    let digest = planner.observed.foreign.reading.as_ref().map(Reading::digest).unwrap_or_default();
    let known = planner.history().adoption().is_some_and(|last| last.checksum == digest);
    if !steps.is_empty() || !known {
        steps.push(mark(planner, &adoption, &found, digest));
    }
    Ok((steps, found))
}

/// Everything up to a version was there before: no file that comes later below it is applied silently.
fn floor(planner: &Planner<'_>, version: &crate::Version) -> Step {
    let mut entry = planner.blank_entry(MigrationId::versioned(version.clone(), Phase::Pre, 0), Action::Baseline);
    "baseline".clone_into(&mut entry.description);
    entry.origin = Some(crate::history::entry::FLOOR.to_owned());
    Planner::recorded(NewEntry { entry, script: None, down_script: None, asked: None })
}

/// The row that says how far the history was taken over: it comes last, so that half an adoption has none.
fn mark(planner: &Planner<'_>, adoption: &Adoption, found: &Found, digest: String) -> Step {
    let name = format!("{}'s history in {}", found.format().title(), found.table.name);
    let mut entry = planner.blank_entry(MigrationId::repeatable(name.clone()), Action::Adopt);
    entry.description = name;
    entry.origin = Some(crate::history::entry::ADOPTION.to_owned());
    entry.checksum = digest;
    let (tool, layout) = (found.tool.to_owned(), planner.set.layout().to_owned());
    let mark = Mark { tool, table: found.table.name.clone(), layout };
    entry.note = Some(mark.note(&adoption.without_entry));
    Planner::recorded(NewEntry { entry, script: None, down_script: None, asked: None })
}

/// Why a history cannot be read.
pub(super) fn damaged(found: &Found, damaged: &Damaged) -> Refusal {
    Refusal::Adoption(vec![Problem::Damaged {
        tool: found.format().title(),
        table: found.table.name.clone(),
        what: damaged.to_string(),
    }])
}

/// The engine of a plan, where other tools' tables are known on it.
pub(super) fn engine(planner: &Planner<'_>) -> Option<Engine> {
    Engine::of(planner.dialect.name(), &planner.observed.server.product)
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
