//! The rules of rows without a script: baseline, resolve, accept.

use crate::checksum;
use crate::history::{Action, Status, entry::FLOOR};
use crate::migration::{Migration, MigrationId, Phase};
use crate::version::Version;

use super::planner::{Planner, applied_as};
use super::{Refusal, Step};

/// One row for each known migration up to `version`, and one that marks the version itself.
pub(super) fn baseline(planner: &Planner<'_>, version: &Version) -> Result<Vec<Step>, Refusal> {
    let history = planner.history();
    if let Some((id, _)) = history.applied().next() {
        return Err(Refusal::Already {
            what: format!("the history already has {id}: a baseline is only for a database without one"),
            help: "see what it has with `migrate history`".to_owned(),
        });
    }
    let versioned = planner.set.versioned();
    let below_all = versioned.first().and_then(|first| first.id.version()).is_none_or(|first| version < first);
    if !below_all && versioned.iter().all(|migration| migration.id.version() != Some(version)) {
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
    let id = MigrationId::versioned(version.clone(), Phase::Pre, 0);
    let mut entry = planner.blank_entry(id, Action::Baseline);
    "baseline".clone_into(&mut entry.description);
    entry.origin = Some(FLOOR.to_owned());
    steps.push(Planner::recorded(crate::backend::NewEntry { entry, script: None, down_script: None }));
    Ok(steps)
}

pub(super) fn applied(planner: &Planner<'_>, id: &MigrationId) -> Result<Vec<Step>, Refusal> {
    if let (Status::Open(open), None) = (planner.history().status(id), planner.set.get(id)) {
        // Its release began it, and somebody has done the rest without that release.
        let mut entry = planner.blank_entry(id.clone(), Action::Resolve);
        entry.description.clone_from(&open.description);
        entry.checksum.clone_from(&open.checksum);
        entry.checksum_normalised.clone_from(&open.checksum_normalised);
        entry.compatible_from.clone_from(&open.compatible_from);
        return Ok(vec![Planner::recorded(crate::backend::NewEntry { entry, script: None, down_script: None })]);
    }
    let migration = known(planner, id)?;
    if let Status::Applied(_) = planner.history().status(id) {
        return Err(Refusal::Already {
            what: format!("{} is applied already", migration.title()),
            help: "see the history with `migrate history`".to_owned(),
        });
    }
    Ok(vec![Planner::recorded(planner.row(migration, Action::Resolve))])
}

pub(super) fn not_applied(planner: &Planner<'_>, id: &MigrationId) -> Result<Vec<Step>, Refusal> {
    let history = planner.history();
    if matches!(history.status(id), Status::Pending) {
        known(planner, id)?;
        return Err(Refusal::Already {
            what: format!("{id} is not applied, and nothing is open about it"),
            help: "see the history with `migrate history`".to_owned(),
        });
    }
    let mut entry = planner.blank_entry(id.clone(), Action::Forget);
    if let Some(last) = history.entries().iter().rev().find(|entry| entry.id == *id) {
        entry.description.clone_from(&last.description);
        entry.checksum.clone_from(&last.checksum);
    }
    Ok(vec![Planner::recorded(crate::backend::NewEntry { entry, script: None, down_script: None })])
}

pub(super) fn accept(planner: &Planner<'_>, id: &MigrationId) -> Result<Vec<Step>, Refusal> {
    let migration = known(planner, id)?;
    match applied_as(planner.history(), migration) {
        None => Err(Refusal::Already {
            what: format!("{} is not applied: its text can still change freely", migration.title()),
            help: "apply it with `migrate up`".to_owned(),
        }),
        Some((applied_id, applied)) if applied.checksum == migration.checksum => {
            let down = migration.down.as_ref().map(|down| checksum::raw(down.text()));
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
            Ok(vec![Planner::recorded(row)])
        }
        Some((applied_id, _)) => {
            let mut row = planner.row(migration, Action::Accept);
            row.entry.id = applied_id.clone();
            Ok(vec![Planner::recorded(row)])
        }
    }
}

fn known<'a>(planner: &Planner<'a>, id: &MigrationId) -> Result<&'a Migration, Refusal> {
    planner.set.get(id).ok_or_else(|| Refusal::UnknownTarget {
        target: id.to_string(),
        known: planner.set.iter().map(|migration| migration.id.clone()).collect(),
    })
}
