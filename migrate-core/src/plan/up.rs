//! The rules of going up.

use crate::diagnostic::{Diagnostic, codes};
use crate::history::{Action, Applied, Entry, Status};
use crate::migration::{Migration, MigrationId, Phase};

use super::planner::{Planner, applied_as};
use super::refusal::Ahead;
use super::{ForeignHistory, OnAhead, OnNonempty, OutOfOrder, PhaseGoal, Refusal, Step, Target, UpGoal, down, record};

type Planned = (Vec<Step>, Vec<Diagnostic>);

pub(super) fn plan(planner: &Planner<'_>, goal: &UpGoal) -> Result<Planned, Refusal> {
    let mut notes = Vec::new();
    let mut steps = first_contact(planner, &mut notes)?;
    let floor = match &planner.policy.on_nonempty {
        OnNonempty::Baseline(version) if !steps.is_empty() => Some(version.clone()),
        _ => None,
    };
    let target = target(planner, goal)?;
    let mut resumed = None;
    if let Some(open) = planner.history().open() {
        let step = resume(planner, open)?;
        if step.action == Action::Down {
            // What was being taken back is finished first; what to apply then is another plan.
            return Ok((vec![step], notes));
        }
        resumed = Some(step);
    }
    let changed = planner.changed(&mut notes);
    if !changed.is_empty() {
        return Err(Refusal::Changed(changed));
    }
    if let Some(downgrade) = ahead(planner, &mut notes)? {
        return Ok((downgrade, notes));
    }
    minimum(planner)?;

    let mut pending: Vec<&Migration> = planner
        .set
        .versioned()
        .iter()
        .filter(|migration| planner.takes_part(migration))
        .filter(|migration| matches!(planner.history().status(&migration.id), Status::Pending))
        .filter(|migration| applied_as(planner.history(), migration).is_none())
        .filter(|migration| floor.as_ref().is_none_or(|floor| migration.id.version() > Some(floor)))
        .collect();
    out_of_order(planner, &pending)?;
    pending.retain(|migration| target.as_ref().is_none_or(|target| target.reaches(&migration.id)));
    let phase = goal.phase.or(planner.policy.phase);
    let fresh = planner.history().is_empty() && steps.is_empty();
    let mut chosen = phases(&pending, phase, fresh)?;
    required_versions(planner, &chosen)?;
    if let Some(limit) = goal.steps {
        chosen.truncate(limit.saturating_sub(usize::from(resumed.is_some())));
    }

    steps.extend(resumed);
    for migration in &chosen {
        steps.push(apply(planner, migration)?);
    }
    let everything = goal.to.is_none() && goal.steps.is_none() && phase != Some(PhaseGoal::Pre);
    if everything {
        for migration in planner.set.repeatables_in_order() {
            let resumed = steps.iter().any(|step| step.id == migration.id);
            if !resumed && planner.takes_part(migration) && is_due(planner, migration, &mut notes) {
                steps.push(apply(planner, migration)?);
            }
        }
    }
    Ok((steps, notes))
}

fn apply(planner: &Planner<'_>, migration: &Migration) -> Result<Step, Refusal> {
    let row = planner.row(migration, Action::Up);
    planner.step(Action::Up, &migration.up, &migration.attributes.run, row)
}

/// What to do with a database that has objects but no history.
fn first_contact(planner: &Planner<'_>, notes: &mut Vec<Diagnostic>) -> Result<Vec<Step>, Refusal> {
    let server = &planner.observed.server;
    if !planner.history().is_blank() {
        return Ok(Vec::new());
    }
    if !server.foreign_histories.is_empty() && planner.policy.foreign_history == ForeignHistory::Refuse {
        return Err(Refusal::Foreign { tables: server.foreign_histories.clone() });
    }
    if server.objects.is_empty() {
        return Ok(Vec::new());
    }
    match &planner.policy.on_nonempty {
        OnNonempty::Refuse => Err(Refusal::NonEmpty {
            database: server.database.clone(),
            objects: server.objects.clone(),
            newest: planner.set.last_versioned().map(|migration| migration.id.clone()),
        }),
        OnNonempty::Run => {
            notes.push(Diagnostic::warning(
                codes::NON_EMPTY,
                format!(
                    "{} has objects but no history, and everything runs from the first migration on",
                    server.database
                ),
            ));
            Ok(Vec::new())
        }
        OnNonempty::Baseline(version) => record::baseline(planner, version),
    }
}

fn target(planner: &Planner<'_>, goal: &UpGoal) -> Result<Option<Target>, Refusal> {
    let Some(target) = &goal.to else { return Ok(None) };
    let ids = planner.set.versioned().iter().map(|migration| &migration.id);
    match target.resolve(ids.chain(planner.history().applied().map(|(id, _)| id))) {
        Some(target) => Ok(Some(target)),
        None => Err(Refusal::UnknownTarget {
            target: target.to_string(),
            known: planner.set.versioned().iter().map(|migration| migration.id.clone()).collect(),
        }),
    }
}

/// The step that goes on with the attempt that is not over.
pub(super) fn resume(planner: &Planner<'_>, open: &Entry) -> Result<Step, Refusal> {
    match open.action {
        Action::Down => down::resume(planner, open),
        _ => match planner.set.get(&open.id).or_else(|| planner.set.renamed(&open.id)) {
            Some(migration) => {
                let mut row = planner.row(migration, Action::Up);
                row.entry.id = open.id.clone();
                planner.step(Action::Up, &migration.up, &migration.attributes.run, row)
            }
            None => Err(Refusal::Open { entry: Box::new(open.clone()), known: false }),
        },
    }
}

/// What the database has above everything we know: go on, refuse, or the steps of a downgrade.
fn ahead(planner: &Planner<'_>, notes: &mut Vec<Diagnostic>) -> Result<Option<Vec<Step>>, Refusal> {
    let newest_known = planner.newest_known();
    let (ahead, squashed): (Vec<_>, Vec<_>) = planner
        .unknown()
        .filter(|(id, _)| !id.is_repeatable())
        .partition(|(id, _)| newest_known.is_none_or(|newest| *id > newest));
    if !squashed.is_empty() {
        let ids: Vec<_> = squashed.iter().map(|(id, _)| id.to_string()).collect();
        let note = Diagnostic::note(codes::SQUASHED, format!("applied, and no longer in this set: {}", ids.join(", ")));
        notes.push(squashed.iter().filter_map(|(id, applied)| new_name(planner, id, applied)).fold(note, Diagnostic::help));
    }
    if ahead.is_empty() {
        return Ok(None);
    }
    let refusal = |because| {
        Refusal::Ahead(Ahead {
            entries: ahead.iter().map(|(_, applied)| entry(planner, applied).clone()).collect(),
            us: planner.set.last_versioned().map(|migration| migration.id.clone()),
            because,
        })
    };
    match planner.policy.on_ahead {
        OnAhead::Refuse => return Err(refusal(None)),
        OnAhead::Downgrade => return down::downgrade(planner, &ahead, newest_known).map(Some),
        OnAhead::Compatible => {
            if let Some(because) = incompatible(planner, &ahead) {
                return Err(refusal(Some(because)));
            }
        }
        OnAhead::Tolerate => {}
    }
    let ids: Vec<_> = ahead.iter().map(|(id, _)| id.to_string()).collect();
    notes.push(match newest_known {
        Some(_) => Diagnostic::warning(codes::AHEAD, format!("the database is ahead of this set: {}", ids.join(", ")))
            .help("nothing there says that it does not work with this release"),
        None => {
            Diagnostic::warning(codes::AHEAD, format!("this set knows nothing of what is applied: {}", ids.join(", ")))
                .help("if these are another application's migrations: check --dir and --database")
        }
    });
    Ok(None)
}

/// A pending migration with exactly the text of one that is applied and gone: somebody gave it another version.
fn new_name(planner: &Planner<'_>, id: &MigrationId, applied: &Applied) -> Option<String> {
    let same = planner.set.versioned().iter().find(|migration| {
        migration.checksum == applied.checksum && matches!(planner.history().status(&migration.id), Status::Pending)
    })?;
    Some(format!(
        "{} has the text of {id}: if only its name is new, write into {}: [migration.\"{}\"] renamed-from = [\"{id}\"]",
        same.title(),
        crate::manifest::Manifest::FILE,
        same.id
    ))
}

/// Why our release cannot run on what is ahead of us, if something there says so.
fn incompatible(planner: &Planner<'_>, ahead: &[(&MigrationId, &Applied)]) -> Option<String> {
    let us = planner.set.last_versioned().and_then(|migration| migration.id.version());
    ahead.iter().find_map(|(id, applied)| {
        let entry = entry(planner, applied);
        if let Some(oldest) = &entry.compatible_from
            && us.is_none_or(|us| oldest > us)
        {
            return Some(format!("{} needs at least {oldest}", entry.title()));
        }
        (id.phase() == Phase::Post && id.version() > us)
            .then(|| format!("{} takes away what an older release may still use", entry.title()))
    })
}

fn entry<'a>(planner: &Planner<'a>, applied: &Applied) -> &'a Entry {
    planner.history().entry(applied.key.seq).expect("the fold only names rows that it read")
}

fn minimum(planner: &Planner<'_>) -> Result<(), Refusal> {
    let Some(minimum) = &planner.set.manifest().minimum else { return Ok(()) };
    if planner.history().is_empty() {
        return Ok(());
    }
    let at = planner.history().newest().and_then(MigrationId::version).max(planner.history().floor());
    if at.is_none_or(|at| at < minimum) {
        return Err(Refusal::BelowMinimum {
            at: at.cloned(),
            minimum: minimum.clone(),
            url: planner.set.manifest().releases.get(minimum).and_then(|release| release.url.clone()),
        });
    }
    Ok(())
}

fn required_versions(planner: &Planner<'_>, chosen: &[&Migration]) -> Result<(), Refusal> {
    let mut at = planner.history().newest().and_then(MigrationId::version).max(planner.history().floor());
    for migration in chosen {
        if let Some(required) = &migration.attributes.requires_version
            && at.is_none_or(|at| at < required)
        {
            return Err(Refusal::RequiresVersion {
                title: migration.title(),
                required: required.clone(),
                at: at.cloned(),
                pending: planner.set.versioned().iter().any(|earlier| {
                    earlier.id < migration.id
                        && earlier.id.version() == Some(required)
                        && matches!(planner.history().status(&earlier.id), Status::Pending)
                }),
            });
        }
        at = at.max(migration.id.version());
    }
    Ok(())
}

/// A pending migration below an applied one that we know was merged late.
fn out_of_order(planner: &Planner<'_>, pending: &[&Migration]) -> Result<(), Refusal> {
    let Some(newest) = planner.newest_known() else { return floor_order(planner, pending) };
    let late: Vec<&Migration> = pending
        .iter()
        .copied()
        .filter(|migration| migration.id < *newest && migration.attributes.optional.is_none())
        .filter(|migration| !allowed(planner, migration))
        .collect();
    if late.is_empty() {
        return floor_order(planner, pending);
    }
    Err(refused_order(&late, newest.to_string()))
}

/// A file at or below the baseline that the baseline does not name appeared later.
fn floor_order(planner: &Planner<'_>, pending: &[&Migration]) -> Result<(), Refusal> {
    let Some(floor) = planner.history().floor() else { return Ok(()) };
    let late: Vec<&Migration> = pending
        .iter()
        .copied()
        .filter(|migration| migration.id.version().is_some_and(|version| version <= floor))
        .filter(|migration| migration.attributes.optional.is_none() && !allowed(planner, migration))
        .collect();
    if late.is_empty() { Ok(()) } else { Err(refused_order(&late, format!("the baseline {floor}"))) }
}

fn allowed(planner: &Planner<'_>, migration: &Migration) -> bool {
    match &planner.policy.out_of_order {
        OutOfOrder::Refuse => false,
        OutOfOrder::Allow(ids) => ids.contains(&migration.id),
        OutOfOrder::AllowAll => true,
    }
}

fn refused_order(late: &[&Migration], newest: String) -> Refusal {
    Refusal::OutOfOrder {
        late: late
            .iter()
            .map(|migration| (migration.id.clone(), migration.title(), migration.up.path().to_owned()))
            .collect(),
        newest,
    }
}

/// Which of the pending ones the phase lets through.
fn phases<'m>(pending: &[&'m Migration], phase: Option<PhaseGoal>, fresh: bool) -> Result<Vec<&'m Migration>, Refusal> {
    let of = |phase| pending.iter().copied().filter(move |migration: &&Migration| migration.id.phase() == phase);
    match phase {
        Some(PhaseGoal::All) => Ok(pending.to_vec()),
        None if fresh || of(Phase::Post).next().is_none() => Ok(pending.to_vec()),
        None => Err(Refusal::PhaseChoice {
            pre: of(Phase::Pre).map(Migration::title).collect(),
            post: of(Phase::Post).map(Migration::title).collect(),
        }),
        Some(PhaseGoal::Pre) => {
            let chosen: Vec<_> = of(Phase::Pre).collect();
            let blocking = of(Phase::Post)
                .find_map(|post| Some((post, *chosen.iter().find(|pre| pre.id.version() > post.id.version())?)));
            match blocking {
                Some((post, pre)) => Err(Refusal::PhaseOrder {
                    wanted: pre.title(),
                    first: post.title(),
                    phase: Phase::Post,
                    to: post.id.version().cloned(),
                }),
                None => Ok(chosen),
            }
        }
        Some(PhaseGoal::Post) => {
            let chosen: Vec<_> = of(Phase::Post).collect();
            let blocking = chosen
                .iter()
                .find_map(|post| Some((*post, of(Phase::Pre).find(|pre| pre.id.version() <= post.id.version())?)));
            match blocking {
                Some((post, pre)) => Err(Refusal::PhaseOrder {
                    wanted: post.title(),
                    first: pre.title(),
                    phase: Phase::Pre,
                    to: pre.id.version().cloned(),
                }),
                None => Ok(chosen),
            }
        }
    }
}

/// A repeatable is due when its text is not the one that ran last, unless that text ran before: then the database is
/// ahead, and an older replica must not flip it back.
fn is_due(planner: &Planner<'_>, migration: &Migration, notes: &mut Vec<Diagnostic>) -> bool {
    let Status::Applied(applied) = planner.history().status(&migration.id) else { return true };
    if applied.checksum == migration.checksum {
        return false;
    }
    let normalised = crate::checksum::normalised(&migration.up, planner.syntax());
    if applied.checksum_normalised.as_deref() == Some(&normalised) {
        return false;
    }
    if planner.history().ran_before(&migration.id, &migration.checksum) {
        notes.push(Diagnostic::warning(
            codes::AHEAD,
            format!("{}: the database has a newer text of it; this older one is left alone", migration.title()),
        ));
        return false;
    }
    true
}
