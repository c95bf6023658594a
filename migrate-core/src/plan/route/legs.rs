//! What is pending, cut at every deploy.

use std::collections::BTreeSet;

use crate::migration::{Migration, Phase};
use crate::set::MigrationSet;
use crate::version::Version;

use super::{Gate, Leg, Note, Waypoint};
use crate::plan::deploy::is_release;

/// The legs of a rolling upgrade. `pending` is in the order of execution and ends at `to`; on a `fresh` database no
/// release is at work, and only what a migration requires is a stop.
pub(super) fn legs(
    set: &MigrationSet,
    at: Option<&Version>,
    fresh: bool,
    pending: &[&Migration],
    to: &Version,
) -> Vec<Leg> {
    let mut way = Way { set, at: at.cloned(), legs: Vec::new() };
    let manifest = set.manifest();
    let minimum = manifest.minimum.as_ref().filter(|minimum| !fresh && at.is_none_or(|at| at < *minimum));
    if let Some(minimum) = minimum {
        way.reach(minimum, Some(Gate::Minimum));
    }
    // What its own release did is behind us.
    let pending: Vec<&Migration> = pending
        .iter()
        .copied()
        .filter(|migration| minimum.is_none_or(|minimum| version(migration) > minimum))
        .collect();
    let is_open = |stop: &Version| pending.iter().any(|migration| version(migration) == stop);
    let stops: BTreeSet<&Version> = manifest
        .stops
        .iter()
        .filter(|stop| !fresh && *stop <= to && (way.at.as_ref() < Some(*stop) || is_open(stop)))
        .collect();
    let all: BTreeSet<&Version> =
        pending.iter().map(|migration| version(migration)).chain(stops.iter().copied()).collect();
    for release in all {
        let own: Vec<&Migration> = pending.iter().copied().filter(|migration| version(migration) == release).collect();
        way.require(&own);
        way.reach(release, stops.contains(release).then_some(Gate::Stop));
        if let Some(leg) = way.legs.last_mut() {
            let of = |phase| own.iter().filter(move |migration| migration.id.phase() == phase);
            leg.before.extend(of(Phase::Pre).map(|migration| Waypoint::of(migration)));
            leg.after.extend(of(Phase::Post).map(|migration| Waypoint::of(migration)));
        }
    }
    if way.at.as_ref() < Some(to) {
        way.reach(to, None);
    }
    way.legs
}

/// The same with the service stopped: everything up to the next gate at once.
pub(super) fn with_the_service_stopped(legs: Vec<Leg>) -> Vec<Leg> {
    let mut out: Vec<Leg> = Vec::new();
    for mut leg in legs {
        leg.before.append(&mut leg.after);
        match out.last_mut() {
            Some(last) if last.gate.is_none() && !leg.is_elsewhere() => {
                last.before.append(&mut leg.before);
                last.notes.append(&mut leg.notes);
                (last.release, last.gate) = (leg.release, leg.gate);
            }
            _ => out.push(leg),
        }
    }
    out
}

struct Way<'a> {
    set: &'a MigrationSet,
    /// Where the database is after the legs so far.
    at: Option<Version>,
    legs: Vec<Leg>,
}

impl Way<'_> {
    /// A stop wherever one of these needs a version that nothing before it reaches.
    fn require(&mut self, own: &[&Migration]) {
        for migration in own {
            let required = migration.attributes.requires_version.clone();
            if let Some(required) = required.filter(|required| self.at.as_ref() < Some(required)) {
                self.reach(&required, Some(Gate::RequiredBy { title: migration.title() }));
            }
        }
    }

    /// Goes on to a release: to a stop of its own, or with what does not end at a deploy.
    fn reach(&mut self, version: &Version, gate: Option<Gate>) {
        let since = self.at.take();
        let notes = self.notes(since.as_ref(), version);
        let release = self.named(version);
        let goes_on =
            |leg: &&mut Leg| leg.gate.is_none() && leg.after.is_empty() && !is_release(self.set, &leg.release);
        let elsewhere = matches!(gate, Some(Gate::Minimum | Gate::RequiredBy { .. }));
        match self.legs.last_mut().filter(goes_on).filter(|_| !elsewhere) {
            Some(leg) => {
                (leg.release, leg.gate) = (release, gate);
                leg.notes.extend(notes);
            }
            None => self.legs.push(Leg { release, gate, before: Vec::new(), after: Vec::new(), notes }),
        }
        self.at = since.max(Some(version.clone()));
    }

    /// What the manifest says about `version`, and the releases behind `since` before it.
    fn notes(&self, since: Option<&Version>, version: &Version) -> Vec<Note> {
        let releases = self.set.manifest().releases.iter();
        let on_the_way =
            releases.filter(|(release, _)| *release == version || Some(*release) > since && *release <= version);
        on_the_way.map(|(release, about)| Note { release: release.clone(), about: about.clone() }).collect()
    }

    /// As the manifest writes it, else without the zeros that only make file names sort.
    fn named(&self, version: &Version) -> Version {
        let written = self.set.manifest().releases.get_key_value(version);
        written.map_or_else(|| version.without_leading_zeros(), |(release, _)| release.clone())
    }
}

fn version(migration: &Migration) -> &Version {
    migration.id.version().expect("only versioned migrations are pending on a route")
}
