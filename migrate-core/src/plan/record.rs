//! The rules of rows without a script: baseline, resolve, accept, prune.

use crate::backend::NewEntry;
use crate::checksum;
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::history::entry::{FLOOR, PRUNED};
use crate::history::{Action, Entry, Status};
use crate::migration::{Migration, MigrationId, Phase};
use crate::version::Version;

use super::planner::{Planner, applied_as};
use super::{Refusal, Step, snapshot};

/// One row for each known migration up to `version`, and one that marks the version itself.
pub(super) fn baseline(planner: &Planner<'_>, version: &Version) -> Result<Vec<Step>, Refusal> {
    let history = planner.history();
    if let Some(open) = history.open() {
        let known = planner.has(open);
        return Err(Refusal::Open { entry: Box::new(open.clone()), known });
    }
    let has = history.applied().next().map(|(id, _)| id.to_string());
    if let Some(has) = has.or_else(|| history.floor().map(|floor| format!("the baseline {floor}"))) {
        return Err(Refusal::Already {
            what: format!("the history already has {has}: a baseline is only for a database without one"),
            help: "see what it has with `migrate history`".to_owned(),
        });
    }
    let versioned = planner.set.versioned();
    let below_all = versioned.first().and_then(|first| first.id.version()).is_none_or(|first| version < first);
    let named = planner.replaced().any(|id| id.version() == Some(version));
    if !below_all && !named && versioned.iter().all(|migration| migration.id.version() != Some(version)) {
        return Err(Refusal::UnknownTarget {
            target: version.to_string(),
            known: versioned.iter().map(|migration| migration.id.clone()).collect(),
        });
    }
    let mut steps: Vec<Step> = versioned
        .iter()
        .filter(|migration| migration.id.version() <= Some(version) && planner.takes_part(migration))
        .map(|migration| Planner::recorded(planner.row(migration, Action::Baseline)))
        .collect();
    // Of what a snapshot took the place of there is no more than its name.
    let gone = snapshot::without_files(planner).into_iter();
    let gone = gone.filter(|gone| gone.id.version().is_some_and(|other| other <= version));
    steps.extend(gone.map(|gone| Planner::recorded(snapshot::row(planner, gone, Action::Baseline))));
    steps.sort_by(|a, b| a.id.cmp(&b.id));
    steps.push(floor(planner, version));
    Ok(steps)
}

/// The row that marks a baseline's version.
fn floor(planner: &Planner<'_>, version: &Version) -> Step {
    let id = MigrationId::versioned(version.clone(), Phase::Pre, 0);
    let mut entry = planner.blank_entry(id, Action::Baseline);
    "baseline".clone_into(&mut entry.description);
    entry.origin = Some(FLOOR.to_owned());
    Planner::recorded(NewEntry { entry, script: None, down_script: None, asked: None })
}

/// A person says that it is applied. Of what only another release has, an attempt that is not over says what it is.
pub(super) fn applied(planner: &Planner<'_>, id: &MigrationId) -> Result<Vec<Step>, Refusal> {
    let open = planner.history().open().filter(|open| open.id == *id);
    if let Some(open) = open.filter(|open| open.is_snapshot()) {
        return installed(planner, open);
    }
    let gone = snapshot::without_files(planner).into_iter().find(|gone| gone.id == *id);
    let row = match (planner.known_as(id), open) {
        (Some(migration), _) => {
            if let Some((applied, _)) = applied_as(planner.history(), migration) {
                let name = if *applied == migration.id { String::new() } else { format!(" as {applied}") };
                return Err(Refusal::Already {
                    what: format!("{} is applied already{name}", migration.title()),
                    help: "see the history with `migrate history`".to_owned(),
                });
            }
            let mut row = planner.row(migration, Action::Resolve);
            row.entry.id = open.map_or(&migration.id, |open| &open.id).clone();
            row
        }
        (None, Some(open)) => of_open(planner, open),
        (None, None) => match gone.filter(|gone| planner.history().applied_entry(&gone.id).is_none()) {
            Some(gone) => snapshot::row(planner, gone, Action::Resolve),
            None => return Err(unknown(planner, id)),
        },
    };
    Ok(vec![Planner::recorded(row)])
}

/// A person says that all of a snapshot is there: so is everything that it stands for.
fn installed(planner: &Planner<'_>, open: &Entry) -> Result<Vec<Step>, Refusal> {
    let Some(snapshot) = snapshot::of_open(planner, open) else {
        return Err(Refusal::Open { entry: Box::new(open.clone()), known: false });
    };
    let own = snapshot::own_row(planner, snapshot);
    Ok(std::iter::once(own).chain(snapshot::rows(planner, snapshot)).map(Planner::recorded).collect())
}

/// What is applied and no file of the set belongs to any more, below its newest, is no longer kept: one row for each, and
/// one that marks the version of the last as the floor.
pub(super) fn prune(planner: &Planner<'_>) -> Result<Vec<Step>, Refusal> {
    if let Some(open) = planner.history().open() {
        let known = planner.has(open);
        return Err(Refusal::Open { entry: Box::new(open.clone()), known });
    }
    let gone = snapshot::squashed(planner.set, planner.history());
    let Some(version) = gone.last().and_then(|last| last.version()) else {
        return Err(Refusal::Already {
            what: "nothing is squashed: everything that is applied has its file".to_owned(),
            help: "see where everything stands with `migrate status`".to_owned(),
        });
    };
    let mut steps: Vec<Step> = gone.iter().map(|id| forget(planner, id)).collect();
    for step in &mut steps {
        step.row.entry.origin = Some(PRUNED.to_owned());
    }
    if planner.history().floor().is_none_or(|floor| floor < version) {
        steps.push(floor(planner, version));
    }
    Ok(steps)
}

fn of_open(planner: &Planner<'_>, open: &Entry) -> NewEntry {
    let mut row = blank(planner, &open.id, Action::Resolve);
    let texts = planner.observed.texts.get(&open.key);
    // The script of a way back is not that of the migration.
    row.script = texts.filter(|_| open.action != Action::Down).and_then(|texts| texts.script.clone());
    row.down_script = texts
        .and_then(|texts| texts.down_script.clone())
        .or_else(|| planner.stored_down(&open.id).map(|down| down.text().to_owned()));
    row.entry.has_down = row.down_script.is_some();
    row.entry.down_checksum = row.down_script.as_deref().map(checksum::raw);
    row.entry.checksum_normalised.clone_from(&open.checksum_normalised);
    row.entry.compatible_from.clone_from(&open.compatible_from);
    row
}

pub(super) fn not_applied(planner: &Planner<'_>, id: &MigrationId) -> Result<Vec<Step>, Refusal> {
    let history = planner.history();
    let old = planner.known_as(id).and_then(|migration| applied_as(history, migration)).map(|(old, _)| old);
    let id = if matches!(history.status(id), Status::Pending) { old.unwrap_or(id) } else { id };
    if matches!(history.status(id), Status::Pending) {
        let title = planner.known_as(id).ok_or_else(|| unknown(planner, id))?.title();
        return Err(Refusal::Already {
            what: format!("{title} is not applied, and no attempt at it is open"),
            help: "see where everything stands with `migrate status`".to_owned(),
        });
    }
    let mut step = forget(planner, id);
    if let Some(open) = planner.history().open().filter(|open| open.is_snapshot() && open.id == *id) {
        step.row.entry.description = open.title();
    }
    Ok(vec![step])
}

/// The row that says that something is not applied.
pub(super) fn forget(planner: &Planner<'_>, id: &MigrationId) -> Step {
    Planner::recorded(blank(planner, id, Action::Forget))
}

/// A row about something of which only the history may know.
fn blank(planner: &Planner<'_>, id: &MigrationId, action: Action) -> NewEntry {
    let mut entry = planner.blank_entry(id.clone(), action);
    if let Some(last) = planner.history().of(id).next_back() {
        entry.description.clone_from(&last.description);
        entry.checksum.clone_from(&last.checksum);
    }
    NewEntry { entry, script: None, down_script: None, asked: None }
}

pub(super) fn accept(planner: &Planner<'_>, id: &MigrationId) -> Result<(Vec<Step>, Vec<Diagnostic>), Refusal> {
    let migration = known(planner, id)?;
    match applied_as(planner.history(), migration) {
        None => Err(Refusal::Already {
            what: format!("{} is not applied: its text can still change freely", migration.title()),
            help: "apply it with `migrate up`".to_owned(),
        }),
        Some((applied_id, applied)) if applied.checksum == migration.checksum => {
            let down = planner.row(migration, Action::Refresh).entry.down_checksum;
            if down == applied.down_checksum {
                return Err(Refusal::Already {
                    what: format!("{} is applied with exactly this text", migration.title()),
                    help: "there is nothing to accept".to_owned(),
                });
            }
            // Only the way back differs: it is stored anew, and the old one stays in its row.
            let mut row = planner.row(migration, Action::Refresh);
            row.entry.id = applied_id.clone();
            row.script = None;
            Ok((vec![Planner::recorded(row)], Vec::new()))
        }
        Some((applied_id, applied)) => {
            let mut row = planner.row(migration, Action::Accept);
            row.entry.id = applied_id.clone();
            let note =
                Diagnostic::note(codes::CHANGED, format!("{}: this is accepted, and runs nowhere", migration.title()));
            let note = note.at(Place::path(migration.up.path()));
            let old = planner.stored_text(applied);
            let note = match old {
                _ if migration.attributes.code.is_some() => note,
                Some(old) => note.diff(&planner.shown(old), &planner.shown(migration.up.written())),
                None => note.help("the applied text is not stored, so there is nothing to compare with"),
            };
            Ok((vec![Planner::recorded(row)], vec![note]))
        }
    }
}

fn known<'a>(planner: &Planner<'a>, id: &MigrationId) -> Result<&'a Migration, Refusal> {
    planner.known_as(id).ok_or_else(|| unknown(planner, id))
}

fn unknown(planner: &Planner<'_>, id: &MigrationId) -> Refusal {
    Refusal::UnknownTarget {
        target: id.to_string(),
        known: planner.set.iter().map(|migration| migration.id.clone()).collect(),
    }
}
