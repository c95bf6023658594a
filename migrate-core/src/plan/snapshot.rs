//! The rules of snapshots: when one is installed, what it stands for, and which databases are in between.
//!
//! A snapshot is for an empty database. It is one step with its own row, and behind that, in the same transaction, a row
//! for each migration that it stands for: after it the history says what it would say had they run, so that their files
//! can go. A database that has some of them and not all needs a release that still has the files.

use crate::backend::NewEntry;
use crate::checksum;
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::history::entry::{INSTALL, SNAPSHOT};
use crate::history::{Action, Entry, History};
use crate::manifest::Release;
use crate::migration::{MigrationId, Phase, Replaced, Snapshot};
use crate::set::{MigrationSet, validate};
use crate::version::Version;

use super::gate::noted;
use super::planner::Planner;
use super::refusal::some;
use super::{PhaseGoal, Refusal, Step, Target, gate};

/// The column that holds a title.
const LONGEST: usize = 240;

/// The step that installs the newest snapshot in reach; `None` where there is none, or the database is not empty.
pub(super) fn due(
    planner: &Planner<'_>,
    target: Option<&Target>,
    phase: Option<PhaseGoal>,
) -> Result<Option<Step>, Refusal> {
    let history = planner.history();
    let nothing = history.floor().is_none() && history.applied().next().is_none() && history.open().is_none();
    // Objects that were there before the first row of any component are nobody's that we know.
    let is_empty = planner.observed.server.objects.is_empty() || !history.is_blank();
    if !nothing || !is_empty {
        return Ok(None);
    }
    let newest = planner.set.snapshots().iter().rev().find(|snapshot| in_reach(snapshot, target, phase));
    newest.map(|snapshot| step(planner, snapshot)).transpose()
}

/// Whether the goal reaches everything that the snapshot stands for.
pub(super) fn in_reach(snapshot: &Snapshot, target: Option<&Target>, phase: Option<PhaseGoal>) -> bool {
    let own = MigrationId::versioned(snapshot.version.clone(), Phase::Pre, 0);
    // What an older release still uses is nothing on an empty database, so that a post in it comes not too early.
    let in_phase = |id: &MigrationId| phase != Some(PhaseGoal::Post) || id.phase() == Phase::Post;
    let ids = snapshot.replaces.iter().map(|replaced| &replaced.id).filter(|id| !id.is_repeatable());
    ids.chain([&own]).all(|id| target.is_none_or(|target| target.reaches(id)))
        && snapshot.replaces.iter().all(|replaced| replaced.id.is_repeatable() || in_phase(&replaced.id))
}

/// The snapshot that an attempt is about which is not over.
pub(super) fn of_open<'a>(planner: &Planner<'a>, open: &Entry) -> Option<&'a Snapshot> {
    let version = open.id.version().filter(|_| open.is_snapshot())?;
    planner.set.snapshots().iter().find(|snapshot| snapshot.version == *version)
}

/// The step that installs a snapshot, or goes on with installing it.
///
/// # Errors
/// If a file that is still there is not what the snapshot says of it, or the script cannot run.
pub(super) fn step(planner: &Planner<'_>, snapshot: &Snapshot) -> Result<Step, Refusal> {
    let differs = validate::snapshot(planner.set, snapshot);
    if !differs.is_empty() {
        return Err(Refusal::Script(differs));
    }
    let mut step = planner.step(Action::Snapshot, &snapshot.script, &snapshot.run, own_row(planner, snapshot))?;
    step.also = rows(planner, snapshot);
    Ok(step)
}

/// The row of a snapshot's own script.
pub(super) fn own_row(planner: &Planner<'_>, snapshot: &Snapshot) -> NewEntry {
    let id = MigrationId::versioned(snapshot.version.clone(), Phase::Pre, 0);
    let mut entry = planner.blank_entry(id, Action::Snapshot);
    entry.description.clone_from(&snapshot.description);
    entry.checksum.clone_from(&snapshot.checksum);
    entry.checksum_normalised = Some(checksum::normalised(&snapshot.script.as_written(), planner.syntax()));
    entry.origin = Some(SNAPSHOT.to_owned());
    NewEntry { entry, script: Some(snapshot.script.written().to_owned()), down_script: None, asked: None }
}

/// The row of a snapshot's step in a run that installs everything.
pub(super) fn of_install() -> String {
    format!("{SNAPSHOT}; {INSTALL}")
}

/// One row for each migration that a snapshot stands for, in the order of execution.
pub(super) fn rows(planner: &Planner<'_>, snapshot: &Snapshot) -> Vec<NewEntry> {
    let mut replaces: Vec<&Replaced> = snapshot.replaces.iter().collect();
    replaces.sort_by(|a, b| a.id.cmp(&b.id));
    replaces.dedup_by(|a, b| a.id == b.id);
    let origin: String = snapshot.title().chars().take(LONGEST).collect();
    let included = |replaced: &&Replaced| {
        snapshot.is_declared || planner.known_as(&replaced.id).is_none_or(|migration| planner.takes_part(migration))
    };
    let row = |replaced: &Replaced| {
        let mut row = row(planner, replaced, Action::Snapshot);
        row.entry.origin = Some(origin.clone());
        row
    };
    replaces.into_iter().filter(included).map(row).collect()
}

/// The row of one of them: as its file has it, or as far as the snapshot knows it.
pub(super) fn row(planner: &Planner<'_>, replaced: &Replaced, action: Action) -> NewEntry {
    if let Some(migration) = planner.known_as(&replaced.id) {
        let mut row = planner.row(migration, action);
        row.entry.id = replaced.id.clone();
        return row;
    }
    let mut entry = planner.blank_entry(replaced.id.clone(), action);
    if let MigrationId::Repeatable { name } = &replaced.id {
        entry.description.clone_from(name);
    }
    entry.checksum = replaced.checksum.clone().unwrap_or_default();
    NewEntry { entry, script: None, down_script: None, asked: None }
}

/// What declared snapshots stand for and no file of the set does any more, each once.
pub(super) fn without_files<'a>(planner: &Planner<'a>) -> Vec<&'a Replaced> {
    let declared = planner.set.snapshots().iter().filter(|snapshot| snapshot.is_declared);
    let replaced = declared.flat_map(|snapshot| &snapshot.replaces);
    let mut found: Vec<&Replaced> = replaced.filter(|replaced| planner.known_as(&replaced.id).is_none()).collect();
    found.sort_by(|a, b| a.id.cmp(&b.id));
    found.dedup_by(|a, b| a.id == b.id);
    found
}

/// What is applied, below the newest that a set speaks of, and has no file in it any more, in order of execution: it is
/// left alone.
pub fn squashed<'h>(set: &MigrationSet, history: &'h History) -> Vec<&'h MigrationId> {
    let replaced = set.snapshots().iter().flat_map(|snapshot| &snapshot.replaces).map(|replaced| &replaced.id);
    let newest =
        set.versioned().iter().map(|migration| &migration.id).chain(replaced).filter(|id| !id.is_repeatable()).max();
    let is_gone = |id: &MigrationId| set.get(id).is_none() && set.renamed(id).is_none();
    let applied = history.applied().map(|(id, _)| id).filter(|id| !id.is_repeatable());
    applied.filter(|id| is_gone(id) && newest.is_some_and(|newest| *id <= newest)).collect()
}

/// A database that is past some of what a snapshot stands for, and not all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InBetween {
    /// The snapshot, as messages name it.
    pub snapshot: String,
    /// Its file.
    pub path: String,
    /// Where the database is.
    pub at: Option<Version>,
    /// Whether there is nothing in it.
    pub is_empty: bool,
    /// What it lacks.
    pub missing: Vec<String>,
    /// The release that still had the files.
    pub release: Version,
    /// What there is to read about it.
    pub about: Release,
}

impl InBetween {
    pub(super) fn diagnostic(&self) -> Diagnostic {
        let Self { snapshot, path, at, is_empty, missing, release, about } = self;
        let is_nowhere = at.is_none();
        let at = at.as_ref().map_or("no version".to_owned(), |at| at.without_leading_zeros().to_string());
        let (are, have, them) =
            if missing.len() == 1 { ("is", "has no file", "it") } else { ("are", "have no files", "them") };
        let missing = some(missing);
        let message = format!(
            "the database is at {at}: {missing} {are} not applied, and {have} any more: {snapshot} stands for {them}"
        );
        let diagnostic = Diagnostic::refused(codes::GATE, message).at(Place::path(path));
        if is_nowhere && *is_empty {
            return diagnostic.help(format!(
                "nothing was run: an empty database gets all of it at once, where the goal reaches all of it: migrate up --to {release}"
            ));
        }
        let diagnostic = diagnostic.help("nothing was run: a snapshot is only for an empty database");
        if is_nowhere {
            return diagnostic
                .help(format!("if it already has what they made, record that: migrate baseline {release}"));
        }
        let url = about.url.as_ref().map(|url| format!(" ({url})")).unwrap_or_default();
        let route =
            format!("the route: migrate up with release {release}{url}, which still has the files, then with this one");
        noted(diagnostic.help(route), release, about)
    }
}

/// A database that the goal would take past migrations that have no files any more, and that it has not.
pub(super) fn in_between(planner: &Planner<'_>, target: Option<&Target>) -> Result<(), Refusal> {
    let history = planner.history();
    for snapshot in planner.set.snapshots().iter().filter(|snapshot| snapshot.is_declared) {
        let is_missing = |id: &&MigrationId| {
            !id.is_repeatable()
                && planner.known_as(id).is_none()
                && history.applied_entry(id).is_none()
                && history.floor().is_none_or(|floor| id.version() > Some(floor))
                && target.is_none_or(|target| target.reaches(id))
        };
        let missing: Vec<String> =
            snapshot.replaces.iter().map(|replaced| &replaced.id).filter(is_missing).map(ToString::to_string).collect();
        if !missing.is_empty() {
            let release = snapshot.version.without_leading_zeros();
            return Err(Refusal::InBetween(Box::new(InBetween {
                snapshot: snapshot.title(),
                path: snapshot.script.path().to_owned(),
                at: history.at().cloned(),
                is_empty: planner.observed.server.objects.is_empty(),
                missing,
                about: gate::about(planner, &snapshot.version),
                release,
            })));
        }
    }
    Ok(())
}
