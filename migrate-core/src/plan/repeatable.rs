//! The rules of repeatables: which run, and in which order.

use crate::checksum;
use crate::diagnostic::{Diagnostic, codes};
use crate::history::Entry;
use crate::migration::{Migration, MigrationId};

use super::planner::{Planner, applied_as, counts_as};
use super::{PhaseGoal, Target, UpGoal};

/// Those that run where the goal reaches the end of the newest release, or names one.
pub(super) fn due<'a>(
    planner: &Planner<'a>,
    goal: &UpGoal,
    target: Option<&Target>,
    phase: Option<PhaseGoal>,
    open: Option<&Entry>,
    notes: &mut Vec<Diagnostic>,
) -> Vec<&'a Migration> {
    let last = planner.set.last_versioned().map(|migration| &migration.id);
    let named = match target {
        Some(Target::Id(id)) if id.is_repeatable() => Some(id),
        _ => None,
    };
    let everything = goal.steps.is_none()
        && phase != Some(PhaseGoal::Pre)
        && target.is_none_or(|target| last.is_some_and(|last| target.reaches(last)));
    let wanted = named.map(|id| with_required(planner, id)).unwrap_or_default();
    let mut due: Vec<&Migration> = Vec::new();
    for migration in planner.set.repeatables_in_order() {
        let is_named = named.is_some() && wanted.contains(&&migration.id);
        let is_open = open.is_some_and(|open| open.id == migration.id);
        if (everything || is_named) && !is_open && planner.takes_part(migration) && is_due(planner, migration, notes) {
            due.push(migration);
        }
    }
    due
}

/// A repeatable and all that it requires, and that these require.
fn with_required<'a>(planner: &Planner<'a>, id: &MigrationId) -> Vec<&'a MigrationId> {
    let mut found: Vec<&MigrationId> = Vec::new();
    let mut left: Vec<&'a Migration> = planner.set.get(id).into_iter().collect();
    while let Some(migration) = left.pop() {
        if found.contains(&&migration.id) {
            continue;
        }
        found.push(&migration.id);
        let requires = &migration.attributes.requires;
        left.extend(planner.set.repeatables().iter().filter(|other| match &other.id {
            MigrationId::Repeatable { name } => requires.iter().any(|wanted| is_called(name, wanted)),
            MigrationId::Versioned { .. } => false,
        }));
    }
    found
}

/// A directive's names hold no blanks, while those of some layouts do.
fn is_called(name: &str, wanted: &str) -> bool {
    name == wanted || name.replace(' ', "_") == wanted
}

/// A repeatable is due when its text is not the one that ran last, unless that text ran before: then the database is
/// ahead, and an older replica must not flip it back.
fn is_due(planner: &Planner<'_>, migration: &Migration, notes: &mut Vec<Diagnostic>) -> bool {
    let Some((id, applied)) = applied_as(planner.history(), migration) else { return true };
    if counts_as(migration, &applied.checksum) {
        return planner.has_other_values(migration, applied);
    }
    let normalised = checksum::normalised(&migration.up.as_written(), planner.syntax());
    if applied.checksum_normalised.as_deref() == Some(&normalised) {
        return false;
    }
    if planner.history().ran_before(id, &migration.checksum) {
        notes.push(
            Diagnostic::warning(
                codes::AHEAD,
                format!("{}: the database has a newer text of it; this older one is left alone", migration.title()),
            )
            .help("if the older text is meant to come back, change anything in it: a comment is enough"),
        );
        return false;
    }
    true
}
