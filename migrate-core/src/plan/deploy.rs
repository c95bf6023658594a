//! Which release is deployed, and what may run before that of another.
//!
//! A database does not know which release is at work on it. A person says so ([`Policy::deployed`]), or a release did
//! when it ran migrations itself. Where nobody did, the chosen phase alone is somebody's word, unless the policy wants
//! more.

use crate::history::{Entry, History};
use crate::migration::{Migration, MigrationId, Phase};
use crate::set::MigrationSet;
use crate::version::Version;

use super::planner::Planner;
use super::{PhaseGoal, Policy, Refusal};

/// A release that is deployed, as far as anybody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployed {
    /// Which.
    pub release: Version,
    /// Who says so.
    pub by: DeployedBy,
}

/// Who says that a release is deployed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeployedBy {
    /// A person, or the release itself.
    Said,
    /// The last row of the history: that release ran a migration.
    Recorded,
}

impl Policy {
    /// The same where the release that runs the migrations says which it is, and nobody said more.
    #[must_use]
    pub(crate) fn with_app_version(mut self, app_version: Option<&str>) -> Self {
        self.deployed = self.deployed.or_else(|| app_version.and_then(release));
        self
    }
}

/// `3.4.0` or `v3.4.0`; what has no dot may be the number of a commit or of a build.
fn release(app_version: &str) -> Option<Version> {
    let version: Version = app_version.strip_prefix('v').unwrap_or(app_version).parse().ok()?;
    version.is_dotted().then_some(version)
}

/// Which release is deployed; `None` where nobody knows.
pub(super) fn known(policy: &Policy, history: &History, component: &str) -> Option<Deployed> {
    if let Some(release) = policy.deployed.clone() {
        return Some(Deployed { release, by: DeployedBy::Said });
    }
    // The versions of an embedded library are not those of the application that runs it.
    let last = history.entry(history.last_seq()).filter(|_| component == MigrationSet::MAIN)?;
    let recorded = |entry: &Entry| entry.app_version.as_deref().and_then(release);
    Some(Deployed { release: recorded(last)?, by: DeployedBy::Recorded })
}

/// A post runs once its release is deployed; a pre once the release before its own is, so that no release meets what is
/// two releases ahead of it.
pub(super) fn check(planner: &Planner<'_>, phase: Option<PhaseGoal>, chosen: &[&Migration]) -> Result<(), Refusal> {
    let phase = match phase {
        Some(PhaseGoal::Pre) => Phase::Pre,
        Some(PhaseGoal::Post) => Phase::Post,
        None | Some(PhaseGoal::All) => return Ok(()),
    };
    let known = known(planner.policy, planner.history(), planner.set.component());
    if known.is_none() && !planner.policy.require_deployed {
        return Ok(());
    }
    let needed = |migration: &Migration| {
        let version = migration.id.version()?;
        let releases = planner.set.releases().filter(|release| is_release(planner.set, release));
        match phase {
            Phase::Pre => releases.filter(|release| *release < version).last(),
            Phase::Post => releases.filter(|release| *release == version).last(),
        }
    };
    let too_early = chosen.iter().find_map(|migration| {
        let release = needed(migration)?;
        known.as_ref().is_none_or(|known| known.release < *release).then_some((migration, release))
    });
    let Some((wanted, release)) = too_early else { return Ok(()) };
    let release = release.without_leading_zeros();
    // What can run before that deploy.
    let first = chosen.iter().any(|migration| phase == Phase::Pre && migration.id.version() <= Some(&release));
    Err(Refusal::DeployFirst {
        wanted: wanted.title(),
        about: planner.set.manifest().releases.get(&release).cloned().unwrap_or_default(),
        release,
        phase,
        first,
        known,
    })
}

/// The release whose pre is the last thing that was applied, where nobody knows that it is deployed.
pub(super) fn begun<'a>(planner: &Planner<'a>) -> Option<&'a Version> {
    let newest = planner.history().newest().filter(|newest| newest.phase() == Phase::Pre)?;
    let release = newest.version().filter(|release| is_release(planner.set, release))?;
    let known = known(planner.policy, planner.history(), planner.set.component());
    known.is_none_or(|known| known.release < *release).then_some(release)
}

/// Whether a version is one of the application, and not just a number that a file needed.
pub(super) fn is_release(set: &MigrationSet, version: &Version) -> bool {
    let phased = |id: &MigrationId| match id {
        MigrationId::Versioned { phase, ordinal, .. } => *phase == Phase::Post || *ordinal > 0,
        MigrationId::Repeatable { .. } => false,
    };
    let named = set.manifest().releases.contains_key(version);
    named || version.is_dotted() && set.iter().any(|migration| phased(&migration.id))
}

#[cfg(test)]
mod tests {
    use super::release;

    #[test]
    fn a_release_is_not_the_number_of_a_build() {
        for (app_version, read) in [
            ("3.4.0", Some("3.4.0")),
            ("v3.4.0", Some("3.4.0")),
            ("3.4.0-rc1", Some("3.4.0-rc1")),
            ("20261128", None),
            ("1234567", None),
            ("main", None),
            ("", None),
        ] {
            assert_eq!(release(app_version).as_ref().map(crate::Version::as_str), read, "{app_version}");
        }
    }
}
