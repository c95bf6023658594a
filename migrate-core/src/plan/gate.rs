//! Gates: what must have been reached first. Nothing opens them but getting there.

use crate::diagnostic::{Diagnostic, Place, codes};
use crate::history::Entry;
use crate::manifest::Release;
use crate::migration::{Migration, Snapshot};
use crate::version::Version;

use super::planner::Planner;
use super::{PhaseGoal, Refusal, Target, deploy, snapshot};

/// The set starts from a version; an empty database can have everything.
pub(super) fn minimum(planner: &Planner<'_>, fresh: bool) -> Result<(), Refusal> {
    let Some(minimum) = planner.set.manifest().minimum.as_ref().filter(|_| !fresh && !planner.history().is_empty())
    else {
        return Ok(());
    };
    let at = planner.history().at();
    if at.is_some_and(|at| at >= minimum) {
        return Ok(());
    }
    Err(Refusal::BelowMinimum { at: at.cloned(), minimum: minimum.clone(), about: about(planner, minimum) })
}

/// A snapshot that would have been installed on an empty database, and is not. Where it does not say itself what it stands
/// for, files may be missing without a trace, so a person has to know.
pub(super) fn not_installed(
    planner: &Planner<'_>,
    target: Option<&Target>,
    phase: Option<PhaseGoal>,
) -> Vec<Diagnostic> {
    let floor = planner.history().floor();
    let wanted = |snapshot: &&Snapshot| {
        !snapshot.is_declared
            && floor.is_none_or(|floor| snapshot.version > *floor)
            && snapshot::in_reach(snapshot, target, phase)
    };
    let warning = |snapshot: &Snapshot| {
        let message = format!(
            "{}: is only for an empty database, and is not installed here; the migrations of the set run one after the other",
            snapshot.title()
        );
        Diagnostic::warning(codes::GATE, message)
            .at(Place::path(snapshot.script.path()))
            .help("if files it stands for were taken out of the folder, bring the database there with a release that has them")
    };
    planner.set.snapshots().iter().filter(wanted).map(warning).collect()
}

/// An upgrade ends at each stop, so that its release runs once.
pub(super) fn stops(
    planner: &Planner<'_>,
    at: Option<&Version>,
    pending: &[&Migration],
    chosen: &[&Migration],
) -> Result<(), Refusal> {
    let Some(last) = chosen.iter().filter_map(|migration| migration.id.version()).max() else { return Ok(()) };
    // A stop that is reached in part is not reached.
    let open = pending.iter().filter_map(|migration| migration.id.version()).min();
    let is_ahead = |stop: &&Version| *stop < last && (at < Some(*stop) || (at == Some(*stop) && open <= Some(*stop)));
    // No migration leads to a release that ships none: there the database is once that release is deployed, and not the
    // next one that ships some, which may say so of itself too early.
    let versions = |migration: &&Migration| migration.id.version().cloned();
    let ships = |stop: &Version| planner.set.releases().any(|release| release == stop);
    let known = deploy::known(planner.policy, planner.history(), planner.set.component());
    let was_deployed = |stop: &Version| {
        let next = pending.iter().filter_map(versions).filter(|version| version > stop).min();
        known.as_ref().is_some_and(|known| known.release >= *stop && Some(&known.release) < next.as_ref())
    };
    let is_ahead = |stop: &&Version| is_ahead(stop) && (ships(stop) || !was_deployed(stop));
    let mut route: Vec<Version> = planner.set.manifest().stops.iter().filter(is_ahead).cloned().collect();
    route.sort();
    match route.first().cloned() {
        None => Ok(()),
        Some(stop) => Err(Refusal::Stop {
            at: at.cloned(),
            about: about(planner, &stop),
            up_to: pending
                .iter()
                .filter_map(|migration| migration.id.version())
                .filter(|to| **to <= stop)
                .max()
                .cloned(),
            route: route.into_iter().chain([last.clone()]).collect(),
        }),
    }
}

/// A migration may need that a version was reached before it.
pub(super) fn required_versions<'m>(
    planner: &Planner<'_>,
    at: Option<&'m Version>,
    open: Option<&'m Entry>,
    chosen: impl Iterator<Item = &'m Migration>,
) -> Result<(), Refusal> {
    let mut at = at.max(open.and_then(|open| open.id.version()));
    for migration in chosen {
        if let Some(required) = &migration.attributes.requires_version
            && at.is_none_or(|at| at < required)
        {
            return Err(Refusal::RequiresVersion {
                title: migration.title(),
                about: about(planner, required),
                required: required.clone(),
                at: at.cloned(),
            });
        }
        at = at.max(migration.id.version());
    }
    Ok(())
}

/// What there is to read about a release.
pub(super) fn about(planner: &Planner<'_>, version: &Version) -> Release {
    planner.set.manifest().releases.get(version).cloned().unwrap_or_default()
}

/// What the manifest says about the release that comes next.
pub(super) fn noted(diagnostic: Diagnostic, release: &Version, about: &Release) -> Diagnostic {
    let lines = about.notes.iter().flat_map(|notes| notes.lines()).map(str::trim).filter(|line| !line.is_empty());
    lines.fold(diagnostic, |diagnostic, line| diagnostic.help(format!("notes on {release}: {line}")))
}

/// The same with its address.
pub(crate) fn to_read(diagnostic: Diagnostic, release: &Version, about: &Release) -> Diagnostic {
    let diagnostic = noted(diagnostic, release, about);
    match &about.url {
        Some(url) => diagnostic.help(format!("more on {release}: {url}")),
        None => diagnostic,
    }
}
