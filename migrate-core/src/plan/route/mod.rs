//! The way to a release: where an upgrade stops, what runs before each deploy, and what after it.
//!
//! Planned from a history, or from a version that somebody names: then nobody needs the database. A rolling upgrade
//! stops at every release that ships migrations and at every gate; with the service stopped only the gates are left.
//!
//! | module | holds |
//! |---|---|
//! | `legs` | from one deploy to the next |
//! | `text` | the route as people read it |
//! | `guide` | the route as a document, for whoever carries it out |

mod guide;
mod legs;
mod text;

use crate::backend::Dialect;
use crate::manifest::Release;
use crate::migration::{Migration, MigrationId};
use crate::set::MigrationSet;
use crate::version::Version;

use super::planner::{Planner, applied_as};
use super::{Observed, OnNonempty, Policy, Refusal, deploy, order, up};

/// The way to a release.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Route {
    /// Whose history.
    pub component: String,
    /// The newest version that is applied; `None` for a database that has none.
    pub from: Option<Version>,
    /// The release it leads to.
    pub to: Version,
    /// Whether the service is at work meanwhile.
    pub strategy: Strategy,
    /// From one deploy to the next.
    pub legs: Vec<Leg>,
}

/// Whether the service is at work during an upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Strategy {
    /// It is: old and new replicas side by side.
    Rolling,
    /// It is stopped.
    Stop,
}

/// What belongs to one deploy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Leg {
    /// What is deployed. One without a dot is a number, and names the newest migration of the release.
    pub release: Version,
    /// Why nobody passes it, where more than its migrations makes it a stop.
    pub gate: Option<Gate>,
    /// What runs before the deploy, in order.
    pub before: Vec<Waypoint>,
    /// What runs after it, in order.
    pub after: Vec<Waypoint>,
    /// What the manifest says about the releases since the last stop.
    pub notes: Vec<Note>,
}

/// Why an upgrade does not pass a release.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Gate {
    /// The set starts there: what comes before is the work of that release's own set.
    Minimum,
    /// The manifest names it among its stops.
    Stop,
    /// A migration needs it, and this set does not lead there.
    RequiredBy {
        /// As messages name the migration.
        title: String,
    },
    /// What runs before its deploy is applied, and nobody knows whether it is deployed.
    Begun,
}

/// A migration on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Waypoint {
    /// Which.
    pub id: MigrationId,
    /// What its name says.
    pub description: String,
    /// The language of its work, where only another program can do it.
    pub code: Option<String>,
    /// Session settings of its own.
    pub settings: Vec<(String, String)>,
    /// What must hold before it runs, in words.
    pub preconditions: Vec<String>,
}

/// What the manifest says about a release.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Note {
    /// Which.
    pub release: Version,
    /// For whoever upgrades, and where to read more.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub about: Release,
}

/// Where a route begins.
struct Start<'a> {
    at: Option<Version>,
    /// No release is at work on it: there is nothing to stop for.
    fresh: bool,
    pending: Vec<&'a Migration>,
    /// The release whose migrations are all applied, and which may be still to be deployed.
    begun: Option<&'a Version>,
}

/// The way from what the history says to `to`, or to the newest version of the set.
///
/// # Errors
/// Those of a plan that come before any choice of a goal: a gap, objects without a history, another tool's history, what
/// is out of order; and a release that neither a migration nor the manifest names.
pub fn route(
    set: &MigrationSet,
    observed: &Observed,
    policy: &Policy,
    dialect: &Dialect,
    to: Option<&Version>,
    strategy: Strategy,
) -> Result<Route, Refusal> {
    let planner = Planner::new(set, observed, policy, dialect);
    if let Some(seq) = observed.history.gap() {
        return Err(Refusal::Gap { seq });
    }
    let baseline = up::first_contact(&planner, &mut Vec::new())?;
    let floor = match &policy.on_nonempty {
        OnNonempty::Baseline(version) if !baseline.is_empty() => Some(version),
        _ => None,
    };
    let pending: Vec<&Migration> = set
        .versioned()
        .iter()
        .filter(|migration| planner.takes_part(migration) && applied_as(&observed.history, migration).is_none())
        .filter(|migration| floor.is_none_or(|floor| migration.id.version() > Some(floor)))
        .collect();
    order::check(&planner, &pending, observed.history.open())?;
    let at = up::at(&planner, floor).cloned();
    let fresh = planner.is_fresh() && baseline.is_empty();
    let begun = deploy::begun(&planner);
    planned(set, Start { at, fresh, pending, begun }, to, strategy)
}

/// The way from a version at which everything up to it is applied, without a database. What an optional migration is
/// included by is the policy's.
///
/// # Errors
/// If neither a migration nor the manifest names `to`.
pub fn route_from(
    set: &MigrationSet,
    from: &Version,
    policy: &Policy,
    to: Option<&Version>,
    strategy: Strategy,
) -> Result<Route, Refusal> {
    let takes_part = |migration: &&Migration| {
        migration.attributes.optional.as_ref().is_none_or(|name| policy.include.contains(name))
    };
    let pending = set.versioned().iter().filter(|migration| migration.id.version() > Some(from));
    let pending = pending.filter(takes_part).collect();
    planned(set, Start { at: Some(from.clone()), fresh: false, pending, begun: None }, to, strategy)
}

fn planned(set: &MigrationSet, start: Start<'_>, to: Option<&Version>, strategy: Strategy) -> Result<Route, Refusal> {
    let Start { at, fresh, mut pending, begun } = start;
    let manifest = set.manifest();
    let newest = || set.last_versioned().and_then(|migration| migration.id.version()).or(at.as_ref());
    let to = match to {
        Some(to) => {
            if !manifest.names(to) && !set.releases().chain(&at).any(|version| version == to) {
                return Err(Refusal::UnknownTarget {
                    target: to.to_string(),
                    known: set.versioned().iter().map(|migration| migration.id.clone()).collect(),
                });
            }
            to.clone()
        }
        None => newest().map_or_else(|| Version::new([0]), Version::clone),
    };
    pending.retain(|migration| migration.id.version() <= Some(&to));
    let strategy = if fresh { Strategy::Stop } else { strategy };
    let mut legs = legs::legs(set, at.as_ref(), fresh, &pending, &to);
    match (strategy, begun) {
        (Strategy::Stop, _) => legs = legs::with_the_service_stopped(legs),
        (Strategy::Rolling, Some(begun))
            if !legs.is_empty() && pending.iter().all(|migration| migration.id.version() > Some(begun)) =>
        {
            legs.insert(0, Leg::begun(set, begun));
        }
        (Strategy::Rolling, _) => {}
    }
    let (from, to) = (at.map(|at| at.without_leading_zeros()), to.without_leading_zeros());
    Ok(Route { component: set.component().to_owned(), from, to, strategy, legs })
}

impl Waypoint {
    fn of(migration: &Migration) -> Self {
        let attributes = &migration.attributes;
        Self {
            id: migration.id.clone(),
            description: migration.description.clone(),
            code: attributes.code.as_ref().filter(|work| work.runs.is_none()).map(|work| work.language.clone()),
            settings: attributes.run.settings.clone(),
            preconditions: attributes.run.preconditions.iter().map(|precondition| precondition.text.clone()).collect(),
        }
    }

    /// `3.4.0/pre/01 index orders`, as every message begins.
    pub fn title(&self) -> String {
        crate::migration::title(&self.id, &self.description)
    }
}

impl Leg {
    fn begun(set: &MigrationSet, release: &Version) -> Self {
        let about = set.manifest().releases.get_key_value(release);
        let notes = about.map(|(release, about)| Note { release: release.clone(), about: about.clone() });
        let release = release.without_leading_zeros();
        let notes = notes.into_iter().collect();
        Self { release, gate: Some(Gate::Begun), before: Vec::new(), after: Vec::new(), notes }
    }

    /// Whether it is the work of that release's own set.
    pub fn is_elsewhere(&self) -> bool {
        matches!(self.gate, Some(Gate::Minimum | Gate::RequiredBy { .. }))
    }

    /// Whether migrations of this set belong to it.
    pub fn has_migrations(&self) -> bool {
        !self.before.is_empty() || !self.after.is_empty()
    }
}
