//! The rules of going up.

use crate::diagnostic::{Diagnostic, codes};
use crate::history::entry::INSTALL;
use crate::history::{Action, Entry};
use crate::migration::{Migration, MigrationId, Phase};
use crate::version::Version;

use super::planner::{Planner, applied_as};
use super::{ForeignHistory, Observed, OnAhead, OnNonempty, PhaseGoal, Refusal, Step, Target, UpGoal};
use super::{adopt, ahead, code, deploy, down, gate, mirror, order, record, refresh, repeatable, snapshot};

type Planned = (Vec<Step>, Vec<Diagnostic>);

pub(super) fn plan(planner: &Planner<'_>, goal: &UpGoal) -> Result<Planned, Refusal> {
    if let Some(open) = planner.history().open()
        && open.action == Action::Down
    {
        return after_open_down(planner, goal, open);
    }
    if planner.policy.foreign_history == ForeignHistory::Adopt {
        let adopted = adopt::due(planner)?;
        if !adopted.is_empty() {
            return after_adoption(planner, goal, adopted);
        }
    }
    let mirrored = mirror::due(planner)?;
    if !mirrored.is_empty() {
        return after_adoption(planner, goal, mirrored);
    }
    adopt::check_moved(planner)?;
    let mut notes = Vec::new();
    let baseline = first_contact(planner, &mut notes)?;
    // What the plan itself records as there before counts as the floor for everything behind it.
    let floor = match &planner.policy.on_nonempty {
        OnNonempty::Baseline(version) if !baseline.is_empty() => Some(version),
        _ => None,
    };
    let target = target(planner, goal)?;
    let phase = goal.phase.or(planner.policy.phase);
    let open = planner.history().open();
    let installed = match open.filter(|open| open.is_snapshot()) {
        Some(open) => Some(resume_snapshot(planner, open, target.as_ref(), phase)?),
        None if baseline.is_empty() => snapshot::due(planner, target.as_ref(), phase)?,
        None => None,
    };
    if let Some(installed) = installed {
        return after_snapshot(planner, goal, installed);
    }
    let resumed = open.map(|open| resume(planner, open)).transpose()?;
    let changed = planner.changed(&mut notes);
    if !changed.is_empty() {
        return Err(Refusal::Changed(changed));
    }
    if let Some(downgrade) = ahead::plan(planner, &mut notes)? {
        return Ok((downgrade, notes));
    }
    let fresh = planner.is_fresh() && baseline.is_empty();
    gate::minimum(planner, fresh)?;
    if baseline.is_empty() {
        snapshot::in_between(planner, target.as_ref())?;
    }
    if fresh {
        notes.extend(gate::not_installed(planner, target.as_ref(), phase));
    }

    let is_open = |migration: &Migration| {
        open.is_some_and(|open| open.id == migration.id || migration.attributes.renamed_from.contains(&open.id))
    };
    let mut pending: Vec<&Migration> = planner
        .set
        .versioned()
        .iter()
        .filter(|migration| planner.takes_part(migration) && !is_open(migration))
        .filter(|migration| applied_as(planner.history(), migration).is_none())
        .filter(|migration| floor.is_none_or(|floor| migration.id.version() > Some(floor)))
        .collect();
    order::check(planner, &pending, open)?;
    if let Some(open) = open {
        reach_open(open, target.as_ref(), phase)?;
    }
    pending.retain(|migration| target.as_ref().is_none_or(|target| target.reaches(&migration.id)));
    let mut chosen = order::phases(&pending, phase, fresh, &planner.policy.include)?;
    if let Some(limit) = goal.steps {
        chosen.truncate(limit.saturating_sub(usize::from(resumed.is_some())));
    }
    let at = at(planner, floor);
    if !fresh {
        gate::stops(planner, at, &pending, &chosen)?;
        deploy::check(planner, phase, &chosen)?;
    }
    let due = repeatable::due(planner, goal, target.as_ref(), phase, open, &mut notes);
    code::gate(&chosen, &due)?;
    gate::required_versions(planner, at, open, chosen.iter().chain(&due).copied())?;

    let mut steps = baseline;
    steps.extend(resumed);
    for migration in chosen.iter().chain(&due) {
        let mut step = apply(planner, migration)?;
        if fresh && goes_all_the_way(planner, goal) {
            step.row.entry.origin = Some(INSTALL.to_owned());
        }
        steps.push(step);
    }
    steps.extend(refresh::due(planner));
    Ok((steps, notes))
}

/// What was being taken back is finished first; everything else is planned for the history that this leaves.
fn after_open_down(planner: &Planner<'_>, goal: &UpGoal, open: &Entry) -> Result<Planned, Refusal> {
    let known = planner.known_as(&open.id).is_some();
    if !known && planner.policy.on_ahead != OnAhead::Downgrade {
        return Err(Refusal::Open { entry: Box::new(open.clone()), known });
    }
    let mut notes = Vec::new();
    let resumed = down::resume(planner, open, &mut notes)?;
    let observed = Observed { history: planner.history().after_open_down(), ..planner.observed.clone() };
    let after = Planner::new(planner.set, &observed, planner.policy, planner.dialect);
    let steps = if known {
        let (steps, of_plan) = plan(&after, goal)?;
        notes.extend(of_plan);
        steps
    } else {
        // It belongs to a downgrade, and nothing is upgraded in the same run.
        ahead::plan(&after, &mut notes)?.unwrap_or_default()
    };
    Ok((std::iter::once(resumed).chain(steps).collect(), notes))
}

/// What another tool applied is taken over first; everything else is planned for the history that this leaves.
fn after_adoption(planner: &Planner<'_>, goal: &UpGoal, adopted: Vec<Step>) -> Result<Planned, Refusal> {
    let history = planner.history().with(adopted.iter().map(|step| step.row.entry.clone()));
    let observed = Observed { history, ..planner.observed.clone() };
    let (steps, notes) = plan(&Planner::new(planner.set, &observed, planner.policy, planner.dialect), goal)?;
    Ok((adopted.into_iter().chain(steps).collect(), notes))
}

/// A snapshot comes first; everything else is planned for the history that it leaves, on a database that is still being
/// installed.
fn after_snapshot(planner: &Planner<'_>, goal: &UpGoal, mut installed: Step) -> Result<Planned, Refusal> {
    let mut own = installed.row.entry.clone();
    own.origin = Some(snapshot::of_install());
    if goes_all_the_way(planner, goal) {
        installed.row.entry.origin.clone_from(&own.origin);
    }
    let rows = std::iter::once(own).chain(installed.also.iter().map(|row| row.entry.clone()));
    let observed = Observed { history: planner.history().with(rows), ..planner.observed.clone() };
    let rest = UpGoal { steps: goal.steps.map(|steps| steps.saturating_sub(1)), ..goal.clone() };
    let (steps, notes) = plan(&Planner::new(planner.set, &observed, planner.policy, planner.dialect), &rest)?;
    Ok((std::iter::once(installed).chain(steps).collect(), notes))
}

fn resume_snapshot(
    planner: &Planner<'_>,
    open: &Entry,
    target: Option<&Target>,
    phase: Option<PhaseGoal>,
) -> Result<Step, Refusal> {
    let refused = |known| Refusal::Open { entry: Box::new(open.clone()), known };
    let snapshot = snapshot::of_open(planner, open).ok_or_else(|| refused(false))?;
    if !snapshot::in_reach(snapshot, target, phase) {
        return Err(refused(true));
    }
    snapshot::step(planner, snapshot)
}

/// Whether nothing of the set is left behind it.
fn goes_all_the_way(planner: &Planner<'_>, goal: &UpGoal) -> bool {
    let phase = goal.phase.or(planner.policy.phase);
    goal.to.is_none() && goal.steps.is_none() && phase.is_none_or(|phase| phase == PhaseGoal::All)
}

/// Where the database is; `floor` is what a baseline of the same plan makes of it.
pub(super) fn at<'a>(planner: &Planner<'a>, floor: Option<&'a Version>) -> Option<&'a Version> {
    let newest = planner.history().newest().and_then(MigrationId::version);
    [newest, planner.history().floor(), floor].into_iter().flatten().max()
}

fn apply(planner: &Planner<'_>, migration: &Migration) -> Result<Step, Refusal> {
    if let Some(work) = &migration.attributes.code {
        return code::step(planner, Action::Up, migration, work, &migration.id);
    }
    let row = planner.row(migration, Action::Up);
    planner.step(Action::Up, &migration.up, &migration.attributes.run, row)
}

/// An attempt that is not over is gone on with only where the goal reaches it: nothing runs that nobody asked for.
fn reach_open(open: &Entry, target: Option<&Target>, phase: Option<PhaseGoal>) -> Result<(), Refusal> {
    let in_phase = match phase {
        None | Some(PhaseGoal::All) => true,
        Some(PhaseGoal::Pre) => open.id.phase() == Phase::Pre,
        Some(PhaseGoal::Post) => open.id.phase() == Phase::Post,
    };
    let in_reach = open.id.is_repeatable() || target.is_none_or(|target| target.reaches(&open.id));
    if in_phase && in_reach {
        return Ok(());
    }
    Err(Refusal::Open { entry: Box::new(open.clone()), known: true })
}

/// What to do with a database that has objects but no history.
pub(super) fn first_contact(planner: &Planner<'_>, notes: &mut Vec<Diagnostic>) -> Result<Vec<Step>, Refusal> {
    let server = &planner.observed.server;
    if !planner.history().is_blank() {
        return Ok(Vec::new());
    }
    let mut found = planner.observed.foreign.found(planner.set);
    let mut tables = server.foreign_histories.clone();
    if let Some(made) = mirror::made_by_us(planner) {
        found.retain(|found| found.table.name != *made);
        tables.retain(|table| *table != made.name);
    }
    let foreign = !found.is_empty() || !tables.is_empty();
    if foreign && planner.policy.foreign_history != ForeignHistory::Ignore {
        let found = found.iter().map(adopt::problem::Candidate::of).collect();
        return Err(Refusal::Foreign { found, tables });
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
    let ids = planner.set.iter().map(|migration| &migration.id).chain(planner.replaced());
    match target.resolve(ids.chain(planner.history().applied().map(|(id, _)| id))) {
        Some(target) => Ok(Some(target)),
        None if matches!(target, Target::Version(version) if planner.set.manifest().names(version)) => {
            Ok(Some(target.clone()))
        }
        None => Err(Refusal::UnknownTarget {
            target: target.to_string(),
            known: planner.set.versioned().iter().map(|migration| migration.id.clone()).collect(),
        }),
    }
}

/// The step that goes on with the attempt that is not over.
fn resume(planner: &Planner<'_>, open: &Entry) -> Result<Step, Refusal> {
    let Some(migration) = planner.known_as(&open.id) else {
        return Err(Refusal::Open { entry: Box::new(open.clone()), known: false });
    };
    if let Some(work) = &migration.attributes.code {
        let mut step = code::step(planner, Action::Up, migration, work, &open.id)?;
        step.row.entry.origin.clone_from(&open.origin);
        return Ok(step);
    }
    let mut row = planner.row(migration, Action::Up);
    row.entry.id = open.id.clone();
    row.entry.origin.clone_from(&open.origin);
    let mut step = planner.step(open.action, &migration.up, &migration.attributes.run, row)?;
    step.action = Action::Up;
    Ok(step)
}
