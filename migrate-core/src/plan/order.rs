//! The rules of order: what comes late, and which phase is whose turn.

use crate::history::{Action, Entry};
use crate::migration::{Migration, MigrationId, Phase};

use super::planner::Planner;
use super::{OutOfOrder, PhaseGoal, Refusal};

/// A pending migration below an applied one that we know was merged late; an attempt that is not over counts as
/// applied.
pub(super) fn check(planner: &Planner<'_>, pending: &[&Migration], open: Option<&Entry>) -> Result<(), Refusal> {
    let open = open.filter(|open| open.action != Action::Down && !open.id.is_repeatable()).map(|open| &open.id);
    let newest: Option<&MigrationId> = planner.newest_known().max(open);
    let late = late(planner, pending, |migration| {
        newest.is_some_and(|newest| migration.id < *newest) && !by_layout(planner, migration)
    });
    if let Some(newest) = newest.filter(|_| !late.is_empty()) {
        return Err(refused(&late, newest.to_string(), open == Some(newest)));
    }
    // A file at or below the baseline that the baseline does not name appeared later.
    let Some(floor) = planner.history().floor() else { return Ok(()) };
    let late = self::late(planner, pending, |migration| {
        migration.id.version().is_some_and(|version| version <= floor)
            && planner.history().of(&migration.id).next().is_none()
    });
    if late.is_empty() { Ok(()) } else { Err(refused(&late, format!("the baseline {floor}"), false)) }
}

/// Whether the layout's own tool would run it. What a baseline means, no such tool knows.
fn by_layout(planner: &Planner<'_>, migration: &Migration) -> bool {
    planner.policy.out_of_order == OutOfOrder::AsLayout && migration.attributes.unordered
}

fn late<'m>(
    planner: &Planner<'_>,
    pending: &[&'m Migration],
    is_late: impl Fn(&Migration) -> bool,
) -> Vec<&'m Migration> {
    let allowed = |migration: &Migration| match &planner.policy.out_of_order {
        OutOfOrder::AsLayout | OutOfOrder::Refuse => false,
        OutOfOrder::Allow(ids) => ids.contains(&migration.id),
        OutOfOrder::AllowAll => true,
    };
    // An optional one takes its place when it is included.
    let counts = |migration: &Migration| migration.attributes.optional.is_none() && !allowed(migration);
    pending.iter().copied().filter(|migration| is_late(migration) && counts(migration)).collect()
}

fn refused(late: &[&Migration], newest: String, begun: bool) -> Refusal {
    Refusal::OutOfOrder {
        late: late
            .iter()
            .map(|migration| (migration.id.clone(), migration.title(), migration.up.path().to_owned()))
            .collect(),
        newest,
        begun,
    }
}

/// Which of the pending ones the phase lets through. `fresh` is a database on which no release can be at work.
pub(super) fn phases<'m>(
    pending: &[&'m Migration],
    phase: Option<PhaseGoal>,
    fresh: bool,
    include: &[String],
) -> Result<Vec<&'m Migration>, Refusal> {
    let of = |phase| pending.iter().copied().filter(move |migration: &&Migration| migration.id.phase() == phase);
    let (chosen, blocking) = match phase {
        Some(PhaseGoal::All) => return Ok(pending.to_vec()),
        None if fresh || of(Phase::Post).next().is_none() => return Ok(pending.to_vec()),
        None => {
            let titles = |phase| of(phase).map(Migration::title).collect();
            let (pre, post) = (titles(Phase::Pre), titles(Phase::Post));
            return Err(Refusal::PhaseChoice { pre, post, include: include.to_vec() });
        }
        Some(PhaseGoal::Pre) => {
            let chosen: Vec<_> = of(Phase::Pre).collect();
            // The first post blocks the pre of every later release.
            let first = of(Phase::Post).next();
            let blocked = first.and_then(|post| chosen.iter().find(|pre| pre.id.version() > post.id.version()));
            (chosen.clone(), first.zip(blocked.copied()))
        }
        Some(PhaseGoal::Post) => {
            let chosen: Vec<_> = of(Phase::Post).collect();
            // The first pre blocks the post of its release and of every later one.
            let first = of(Phase::Pre).next();
            let blocked = first.and_then(|pre| chosen.iter().find(|post| post.id.version() >= pre.id.version()));
            (chosen.clone(), first.zip(blocked.copied()))
        }
    };
    match (blocking, pending.first()) {
        (Some((first, wanted)), Some(next)) => Err(Refusal::PhaseOrder {
            wanted: wanted.title(),
            first: first.title(),
            next: next.id.version().cloned().unwrap_or_else(|| "0".parse().expect("a version")),
            phase: next.id.phase(),
        }),
        _ => Ok(chosen),
    }
}
