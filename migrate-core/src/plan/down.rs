//! The rules of going down: ways back, highest first, from the database's own copy.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::checksum;
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::history::{Action, Applied, Entry, History, State};
use crate::migration::{Migration, MigrationId, RunAttributes};
use crate::source::Source;
use crate::sql::directive;

use super::planner::{Planner, applied_as};
use super::refusal::some;
use super::resume::Prefix;
use super::{DownGoal, Refusal, Step, code, record, snapshot, stored};

type Chosen<'h> = Vec<(&'h MigrationId, &'h Applied)>;

pub(super) fn plan(planner: &Planner<'_>, goal: &DownGoal) -> Result<(Vec<Step>, Vec<Diagnostic>), Refusal> {
    let (mut steps, mut notes) = (Vec::new(), Vec::new());
    let mut chosen = chosen(planner.history(), goal)?;
    if let Some(open) = planner.history().open() {
        let in_reach = chosen.iter().any(|(id, _)| **id == open.id);
        if open.action != Action::Down || !in_reach {
            let known = planner.has(open);
            return Err(Refusal::Open { entry: Box::new(open.clone()), known });
        }
        // What was being taken back is finished first.
        steps.push(resume(planner, open, &mut notes)?);
        chosen.retain(|(id, _)| **id != open.id);
    }
    squashed(planner, &chosen)?;
    in_reverse(planner, &mut chosen);
    for (id, applied) in chosen {
        let has_way_back = applied.down_key.is_some() || planner.known_as(id).is_some_and(|known| known.down.is_some());
        steps.push(if id.is_repeatable() && !has_way_back {
            // Nothing takes it back, but it must run again with what it stands on.
            record::forget(planner, id)
        } else {
            back(planner, id, applied, &mut notes)?
        });
    }
    Ok((steps, notes))
}

/// What the goal takes back, highest first. Repeatables stay, unless everything goes.
pub(super) fn chosen<'h>(history: &'h History, goal: &DownGoal) -> Result<Chosen<'h>, Refusal> {
    let versioned = || history.applied().rev().filter(|(id, _)| !id.is_repeatable());
    match goal {
        DownGoal::Empty => Ok(history.applied().rev().collect()),
        DownGoal::Steps(steps) => Ok(versioned().take(*steps).collect()),
        DownGoal::To(target) => {
            let floor = history.floor().map(|floor| MigrationId::versioned(floor.clone(), crate::Phase::Pre, 0));
            let ids = versioned().map(|(id, _)| id);
            let Some(target) = target.resolve(ids.chain(&floor)) else {
                return Err(Refusal::UnknownTarget {
                    target: format!("{target} among what is applied"),
                    known: history.applied().map(|(id, _)| id).filter(|id| !id.is_repeatable()).cloned().collect(),
                });
            };
            Ok(versioned().filter(|(id, _)| !target.reaches(id)).collect())
        }
    }
}

/// What is below the newest of the set and has no file in it is left alone: its release is long gone.
fn squashed(planner: &Planner<'_>, chosen: &Chosen<'_>) -> Result<(), Refusal> {
    let squashed = snapshot::squashed(planner.set, planner.history());
    let titles: Vec<String> = chosen
        .iter()
        .filter(|(id, _)| squashed.contains(id))
        .map(|(id, applied)| planner.history().entry(applied.key.seq).map_or_else(|| id.to_string(), Entry::title))
        .collect();
    if titles.is_empty() {
        return Ok(());
    }
    let message = format!("what is squashed is never taken back: {}", some(&titles));
    Err(Refusal::Script(vec![
        Diagnostic::refused(codes::NO_WAY_BACK, message)
            .help("nothing was run: these are applied, below the newest migration of this set, and have no files in it")
            .help("go back with a release that still has them"),
    ]))
}

/// Repeatables are taken back before what they require.
fn in_reverse(planner: &Planner<'_>, chosen: &mut Chosen<'_>) {
    if chosen.iter().any(|(id, _)| id.is_repeatable()) {
        let places: BTreeMap<&MigrationId, usize> =
            planner.set.repeatables_in_order().into_iter().map(|migration| &migration.id).zip(1..).collect();
        // All that are versioned keep their order behind them; those of other releases go first.
        chosen.sort_by_key(|(id, _)| {
            Reverse(if id.is_repeatable() { places.get(id).copied().unwrap_or(usize::MAX) } else { 0 })
        });
    }
}

/// The stored ways back of what is ahead of us. A repeatable that only a later release has goes with it if it can.
pub(super) fn downgrade(planner: &Planner<'_>, ahead: &[(&MigrationId, &Applied)]) -> Result<Vec<Step>, Refusal> {
    if planner.newest_known().is_none() && planner.history().floor().is_none() {
        return Err(Refusal::NothingKnown { applied: ahead.iter().map(|(id, _)| (*id).clone()).collect() });
    }
    let repeatables =
        planner.unknown().filter(|(id, applied)| id.is_repeatable() && applied.down_key.is_some()).collect::<Vec<_>>();
    let limit = planner.policy.downgrade_limit;
    let steps = ahead.len() + repeatables.len();
    if steps > limit {
        return Err(Refusal::DowngradeLimit { steps, limit });
    }
    let highest_first = repeatables.iter().rev().chain(ahead.iter().rev());
    highest_first.map(|(id, applied)| back(planner, id, applied, &mut Vec::new())).collect()
}

/// The step that finishes a way back that is not over.
pub(super) fn resume(planner: &Planner<'_>, open: &Entry, notes: &mut Vec<Diagnostic>) -> Result<Step, Refusal> {
    let migration = planner.known_as(&open.id);
    if let Some(step) = migration.and_then(|migration| in_code(planner, migration, &open.id)) {
        return step;
    }
    let file = migration.and_then(|migration| migration.down.as_ref());
    let sent = planner.sent(open, file);
    let mended = match (&sent, migration, file) {
        (None, _, file) => file.cloned(),
        (Some(sent), Some(migration), Some(file)) if open.state == State::Failed => {
            mended(planner, open, migration, file, sent, notes)
        }
        // Nobody touched anything, and what was sent goes on.
        _ => None,
    };
    let Some(source) = mended.or(sent) else {
        return Err(Refusal::Open { entry: Box::new(open.clone()), known: false });
    };
    step(planner, &open.id, &open.description, &source, migration)
}

/// After a failure the file is what a person mends. It counts if it begins with what has run, as it is written or as it
/// was stored.
fn mended(
    planner: &Planner<'_>,
    open: &Entry,
    migration: &Migration,
    file: &Source,
    sent: &Source,
    notes: &mut Vec<Diagnostic>,
) -> Option<Source> {
    let form = stored::form(file, &migration.attributes.down, planner.syntax());
    if [file.text(), &*form].contains(&sent.text()) {
        return None;
    }
    let formed = Source::stored(format!("<the way back in {}, as it is stored>", file.path()), &*form);
    let begins = |source: &Source| {
        planner.script(source, &open.title()).is_ok_and(|script| {
            match open.prefix_digest.as_deref().and_then(Prefix::from_text) {
                Some(prefix) => prefix.starts(&script),
                None => open.cursor == 0,
            }
        })
    };
    let mended = [file.clone(), formed].into_iter().find(begins);
    if mended.is_none() && differs(planner, sent, file) {
        notes.push(
            differing(planner, &open.title(), sent, file)
                .help("the one that failed goes on: the file's does not begin with the statements that have run")
                .help("to go on with the file's, leave those statements as they ran and change the rest"),
        );
    }
    mended
}

/// Whether the way back of a file is another one than `stored`, beyond white space and comments.
fn differs(planner: &Planner<'_>, stored: &Source, file: &Source) -> bool {
    checksum::normalised(stored, planner.syntax()) != checksum::normalised(file, planner.syntax())
}

fn differing(planner: &Planner<'_>, title: &str, stored: &Source, file: &Source) -> Diagnostic {
    Diagnostic::warning(codes::DOWN_DIFFERS, format!("{title}: the file's way back is not the stored one"))
        .at(Place::path(file.path()))
        .diff(&planner.shown(stored.text()), &planner.shown(file.written()))
}

fn back(
    planner: &Planner<'_>,
    id: &MigrationId,
    applied: &Applied,
    notes: &mut Vec<Diagnostic>,
) -> Result<Step, Refusal> {
    let migration = planner.known_as(id);
    let entry = planner.history().entry(applied.key.seq);
    let title = migration.map(Migration::title).or_else(|| entry.map(Entry::title)).unwrap_or_else(|| id.to_string());
    if let Some(reason) = migration.and_then(|migration| migration.attributes.irreversible.clone()) {
        let path = migration.map(|m| m.up.path().to_owned());
        return Err(Refusal::NoWayBack { title, reason: Some(reason), code: false, path });
    }
    let stored = planner.stored_down(id);
    let file = migration.and_then(|migration| migration.down.as_ref());
    let form = |file| {
        stored::form(file, &migration.map(|known| known.attributes.down.clone()).unwrap_or_default(), planner.syntax())
    };
    if let (Some(stored), Some(file)) = (&stored, file)
        && stored.text() != form(file)
        && differs(planner, stored, file)
    {
        notes.push(
            differing(planner, &title, stored, file)
                .help("the stored one runs: it belongs to what was applied")
                .help(format!("to run the file's instead, store it first: migrate accept {id}")),
        );
    }
    if stored.is_none()
        && let Some(step) = migration.and_then(|migration| in_code(planner, migration, id))
    {
        return step;
    }
    let Some(source) = stored.as_ref().or(file) else {
        let code = migration.is_some_and(|migration| migration.attributes.code.is_some());
        let path = migration.map(|m| m.up.path().to_owned());
        return Err(Refusal::NoWayBack { title, reason: planner.stored_reason(id), code, path });
    };
    let description = entry.map_or("", |entry| &entry.description);
    step(planner, id, description, source, migration)
}

/// The way back that is code itself; a script of the file goes before it.
fn in_code(planner: &Planner<'_>, migration: &Migration, id: &MigrationId) -> Option<Result<Step, Refusal>> {
    let work = migration.attributes.code.as_ref().filter(|work| work.has_down && migration.down.is_none())?;
    let applied = applied_as(planner.history(), migration).map(|(_, applied)| applied.checksum.clone());
    Some(code::step(planner, Action::Down, migration, work, id).map(|mut step| {
        step.row.entry.checksum = applied.unwrap_or(step.row.entry.checksum);
        step
    }))
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
            asked: None,
        },
    };
    row.entry.id = id.clone();
    description.clone_into(&mut row.entry.description);
    if let Some((_, applied)) = migration.and_then(|migration| applied_as(planner.history(), migration)) {
        row.entry.checksum.clone_from(&applied.checksum);
        row.entry.checksum_normalised.clone_from(&applied.checksum_normalised);
    }
    row.script = Some(source.written().to_owned());
    let run = run_attributes(planner, source, migration);
    planner.step(Action::Down, source, &run, row)
}

/// A stored script carries what it needs to run in its own directives; of a file its layout has read it.
fn run_attributes(planner: &Planner<'_>, source: &Source, migration: Option<&Migration>) -> RunAttributes {
    match migration {
        Some(migration) if !source.is_stored() => migration.attributes.down.clone(),
        _ => directive::run_attributes(&directive::directives(source, planner.syntax()).found),
    }
}
