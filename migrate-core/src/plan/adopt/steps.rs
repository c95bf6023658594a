//! The rows that take a history over.

use crate::backend::{Dialect, NewEntry};
use crate::history::Action;
use crate::history::format::{Damaged, Engine, Found, Mark, Reading};
use crate::migration::{MigrationId, Phase};
use crate::set::MigrationSet;

use super::super::planner::Planner;
use super::super::{AdoptGoal, Observed, Policy, Refusal, Step, record};
use super::{Adoption, Problem, matching};

/// What taking over the history that `goal` means would do, with what stands against it.
///
/// Available with feature `other-tools`.
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
    Ok(matching::plan(&Planner::new(set, observed, policy, dialect), goal)?.0)
}

/// The steps that take a history over, and whose it is; none where everything is taken over already.
pub(in super::super) fn steps(planner: &Planner<'_>, goal: &AdoptGoal) -> Result<(Vec<Step>, Found), Refusal> {
    let (adoption, found) = matching::plan(planner, goal)?;
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
        let mut step = record::forget(planner, id);
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
pub(in super::super) fn damaged(found: &Found, damaged: &Damaged) -> Refusal {
    Refusal::Adoption(vec![Problem::Damaged {
        tool: found.format().title(),
        table: found.table.name.clone(),
        what: damaged.to_string(),
    }])
}

/// The engine of a plan, where other tools' tables are known on it.
pub(in super::super) fn engine(planner: &Planner<'_>) -> Option<Engine> {
    Engine::of(planner.dialect.name(), &planner.observed.server.product)
}
