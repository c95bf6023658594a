//! What the database has above everything the set knows: the application was rolled back.

use crate::diagnostic::{Diagnostic, codes};
use crate::history::{Applied, Entry, Status};
use crate::manifest::Manifest;
use crate::migration::{MigrationId, Phase};
use crate::version::Version;

use super::planner::Planner;
use super::refusal::{Ahead, some};
use super::{OnAhead, Refusal, Step, down};

/// Goes on with a note, refuses, or answers the steps of a downgrade.
pub(super) fn plan(planner: &Planner<'_>, notes: &mut Vec<Diagnostic>) -> Result<Option<Vec<Step>>, Refusal> {
    let ahead: Vec<(&MigrationId, &Applied)> = planner.ahead().collect();
    let squashed: Vec<String> = planner
        .unknown()
        .filter(|(id, _)| !id.is_repeatable() && ahead.first().is_none_or(|(first, _)| id < first))
        .map(|(_, applied)| entry(planner, applied).title())
        .collect();
    // Without anything in common it is more likely the wrong folder, or the wrong database.
    let stranger = planner.newest_known().is_none() && planner.history().floor().is_none();
    if !squashed.is_empty() {
        let note =
            Diagnostic::note(codes::SQUASHED, format!("applied, and no longer in this set: {}", some(&squashed)));
        let renamed = planner.unknown().find_map(|(id, applied)| new_name(planner, id, applied));
        let note = renamed.into_iter().fold(note, Diagnostic::help);
        notes.push(note.help(if stranger {
            STRANGER
        } else {
            "they are below its newest migration, so they are taken for squashed and left alone"
        }));
    }
    if ahead.is_empty() {
        return Ok(None);
    }
    let needed = ahead.iter().filter_map(|(id, applied)| needs(planner, id, entry(planner, applied))).max();
    let refusal = |because: Option<&Needs>| {
        Refusal::Ahead(Ahead {
            entries: ahead.iter().map(|(_, applied)| entry(planner, applied).clone()).collect(),
            us: planner.newest_of_ours().cloned(),
            because: because.map(|needs| needs.because.clone()),
            deploy: because.map(|needs| needs.release.clone()),
            way_back: ahead.iter().all(|(_, applied)| applied.down_key.is_some()),
            irreversible: ahead
                .iter()
                .filter(|(_, applied)| applied.down_key.is_none())
                .filter_map(|(id, applied)| Some((entry(planner, applied).title(), planner.stored_reason(id)?)))
                .collect(),
        })
    };
    match planner.policy.on_ahead {
        OnAhead::Refuse => return Err(refusal(needed.as_ref())),
        OnAhead::Downgrade => return down::downgrade(planner, &ahead).map(Some),
        OnAhead::Compatible if needed.is_some() => return Err(refusal(needed.as_ref())),
        OnAhead::Compatible | OnAhead::Tolerate => {}
    }
    let titles: Vec<String> = ahead.iter().map(|(_, applied)| entry(planner, applied).title()).collect();
    let warning =
        Diagnostic::warning(codes::AHEAD, format!("the database is ahead of this set: it has {}", some(&titles)));
    notes.push(match needed {
        None if stranger => warning.help(STRANGER),
        None => warning.help("nothing there says that it does not work with this release"),
        Some(needs) => warning.help(format!("{}, and the policy tolerates that", needs.because)),
    });
    Ok(None)
}

const STRANGER: &str = "nothing that is applied is in this set: if that is news to you, check --dir and --database";

/// A pending migration with exactly the text of one that is applied and gone: somebody gave it another version.
fn new_name(planner: &Planner<'_>, id: &MigrationId, applied: &Applied) -> Option<String> {
    let same = planner.set.versioned().iter().find(|migration| {
        migration.checksum == applied.checksum
            && migration.description == entry(planner, applied).description
            && matches!(planner.history().status(&migration.id), Status::Pending)
    })?;
    Some(format!(
        "{} has the text of {id}: if only its name is new, write into {}: [migration.\"{}\"] renamed-from = [\"{id}\"]",
        same.title(),
        Manifest::FILE,
        same.id
    ))
}

/// Which release something applied needs, and why.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Needs {
    release: Version,
    because: String,
}

/// Why our release cannot run on what is ahead of us, if something there says so.
fn needs(planner: &Planner<'_>, id: &MigrationId, entry: &Entry) -> Option<Needs> {
    let us = planner.newest_of_ours().and_then(MigrationId::version);
    let newer = |version: &&Version| us.is_none_or(|us| *version > us);
    if let Some(oldest) = entry.compatible_from.as_ref().filter(newer) {
        let because = format!("{} needs at least {oldest}", entry.title());
        return Some(Needs { release: oldest.clone(), because });
    }
    let version = id.version().filter(|_| id.phase() == Phase::Post).filter(newer)?;
    let because = format!("{} takes away what an older release may still use", entry.title());
    Some(Needs { because, release: version.clone() })
}

pub(super) fn entry<'a>(planner: &Planner<'a>, applied: &Applied) -> &'a Entry {
    planner.history().entry(applied.key.seq).expect("the fold only names rows that it read")
}
