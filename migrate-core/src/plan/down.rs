//! The rules of going down: ways back, highest first, from the database's own copy.

use crate::checksum;
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::history::{Action, Applied, Entry};
use crate::migration::{Migration, MigrationId, RunAttributes};
use crate::source::Source;
use crate::sql::directive;

use super::planner::{Planner, applied_as, stored_source};
use super::{DownGoal, Refusal, Step, up};

pub(super) fn plan(planner: &Planner<'_>, goal: &DownGoal) -> Result<(Vec<Step>, Vec<Diagnostic>), Refusal> {
    let mut notes = Vec::new();
    if let Some(open) = planner.history().open() {
        if open.action == Action::Down {
            return Ok((vec![up::resume(planner, open)?], notes));
        }
        let known = planner.set.get(&open.id).is_some();
        return Err(Refusal::Open { entry: Box::new(open.clone()), known });
    }
    let applied: Vec<_> = planner.history().applied().rev().filter(|(id, _)| !id.is_repeatable()).collect();
    let chosen: Vec<_> = match goal {
        DownGoal::Steps(steps) => applied.into_iter().take(*steps).collect(),
        DownGoal::Empty => applied,
        DownGoal::To(target) => {
            let ids: Vec<&MigrationId> = applied.iter().map(|(id, _)| *id).collect();
            let target = target.resolve(ids.iter().copied()).ok_or_else(|| Refusal::NotApplied {
                target: target.to_string(),
                applied: ids.iter().rev().map(|id| (*id).clone()).collect(),
            })?;
            applied.into_iter().filter(|(id, _)| !target.reaches(id)).collect()
        }
    };
    let mut steps = Vec::new();
    for (id, applied) in chosen {
        steps.push(back(planner, id, applied, &mut notes)?);
    }
    Ok((steps, notes))
}

/// The stored ways back of what is ahead of us, down to the highest that we know.
pub(super) fn downgrade(
    planner: &Planner<'_>,
    ahead: &[(&MigrationId, &Applied)],
    newest_known: Option<&MigrationId>,
) -> Result<Vec<Step>, Refusal> {
    if newest_known.is_none() {
        return Err(Refusal::NothingKnown { applied: ahead.iter().map(|(id, _)| (*id).clone()).collect() });
    }
    let limit = planner.policy.downgrade_limit;
    if ahead.len() > limit {
        return Err(Refusal::DowngradeLimit { steps: ahead.len(), limit });
    }
    ahead.iter().rev().map(|(id, applied)| back(planner, id, applied, &mut Vec::new())).collect()
}

/// The step that finishes a way back that is not over.
pub(super) fn resume(planner: &Planner<'_>, open: &Entry) -> Result<Step, Refusal> {
    let text = planner.observed.texts.get(&open.key).and_then(|texts| texts.script.clone());
    let migration = planner.set.get(&open.id);
    let source = match (migration.and_then(|migration| migration.down.clone()), text) {
        // The file wins: it is what a person mends after a failure. That its beginning is unchanged is checked.
        (Some(file), _) => file,
        (None, Some(text)) => stored_source(open, &text),
        (None, None) => return Err(Refusal::Open { entry: Box::new(open.clone()), known: false }),
    };
    step(planner, &open.id, &open.description, &source, migration)
}

fn back(
    planner: &Planner<'_>,
    id: &MigrationId,
    applied: &Applied,
    notes: &mut Vec<Diagnostic>,
) -> Result<Step, Refusal> {
    let migration = planner.set.get(id).or_else(|| planner.set.renamed(id));
    let entry = planner.history().entry(applied.key.seq);
    let title = migration.map(Migration::title).or_else(|| entry.map(Entry::title)).unwrap_or_else(|| id.to_string());
    if let Some(reason) = migration.and_then(|migration| migration.attributes.irreversible.clone()) {
        return Err(Refusal::NoWayBack {
            title,
            reason: Some(reason),
            path: migration.map(|m| m.up.path().to_owned()),
        });
    }
    let stored = applied.down_key.as_ref().and_then(|key| {
        let text = planner.observed.texts.get(key)?.down_script.as_deref()?;
        Some(stored_source(planner.history().entry(key.seq)?, text))
    });
    let file = migration.and_then(|migration| migration.down.as_ref());
    if let (Some(stored), Some(file)) = (&stored, file)
        && stored.text() != file.text()
        && checksum::normalised(stored, planner.syntax()) != checksum::normalised(file, planner.syntax())
    {
        notes.push(
            Diagnostic::warning(codes::DOWN_DIFFERS, format!("{title}: the file's way back is not the stored one"))
                .at(Place::path(file.path()))
                .diff(stored.text(), file.text())
                .help("the stored one runs: it belongs to what was applied"),
        );
    }
    match stored.as_ref().or(file) {
        Some(source) => {
            let description = entry.map_or("", |entry| &entry.description);
            step(planner, id, description, source, migration)
        }
        None => Err(Refusal::NoWayBack { title, reason: None, path: migration.map(|m| m.up.path().to_owned()) }),
    }
}

fn step(
    planner: &Planner<'_>,
    id: &MigrationId,
    description: &str,
    source: &Source,
    migration: Option<&Migration>,
) -> Result<Step, Refusal> {
    let mut row = match migration {
        Some(migration) => planner.row(migration, Action::Down),
        None => crate::backend::NewEntry {
            entry: planner.blank_entry(id.clone(), Action::Down),
            script: None,
            down_script: None,
        },
    };
    row.entry.id = id.clone();
    description.clone_into(&mut row.entry.description);
    if let Some((_, applied)) = migration.and_then(|migration| applied_as(planner.history(), migration)) {
        row.entry.checksum.clone_from(&applied.checksum);
        row.entry.checksum_normalised.clone_from(&applied.checksum_normalised);
    }
    row.script = Some(source.text().to_owned());
    let run = run_attributes(planner, source);
    planner.step(Action::Down, source, &run, row)
}

/// A stored script carries what it needs to run in its own directives.
fn run_attributes(planner: &Planner<'_>, source: &Source) -> RunAttributes {
    directive::run_attributes(&directive::directives(source, planner.syntax()).found)
}
