//! The rows of a plan in Flyway's table, what is missing there, and what Flyway did by itself.

use std::time::Duration;

use crate::backend::TableName;
use crate::history::format::flyway::row::version_of;
use crate::history::format::flyway::write::{self, Elapsed, NotInFlyway, Row};
use crate::history::format::{ForeignEntry, ForeignState, Names, Table};
use crate::history::{Action, Applied, Entry, entry::FLOOR};
use crate::migration::{Migration, MigrationId};
use crate::version::Version;

use super::super::planner::Planner;
use super::super::{AdoptGoal, Mode, Plan, Refusal, Step, adopt};
use super::{Mirror, Mirrored};

/// What Flyway has applied by itself, as steps that take it over; none where it has done nothing of its own.
///
/// # Errors
/// If its table cannot be read, or Flyway has not finished what it began.
pub(in super::super) fn due(planner: &Planner<'_>) -> Result<Vec<Step>, Refusal> {
    let history = planner.history();
    let (Some(_), false, None) = (&planner.policy.mirror, history.is_blank(), history.open()) else {
        return Ok(Vec::new());
    };
    let Some(reading) = &planner.observed.foreign.reading else { return Ok(Vec::new()) };
    let table = Some(reading.found.table.name.clone());
    let goal = AdoptGoal { from: Some("flyway".to_owned()), table, ..AdoptGoal::default() };
    let mut steps = adopt::steps(planner, &goal)?.0;
    if steps.iter().all(|step| step.row.entry.is_adoption()) {
        // Its rows are ours.
        steps.clear();
    }
    Ok(steps)
}

/// Gives each step of `plan` its row in Flyway's table, and says what is to be done before them.
///
/// # Errors
/// With everything that Flyway cannot have, and if its table holds what Flyway does not write.
pub(in super::super) fn add(planner: &Planner<'_>, plan: &mut Plan) -> Result<(), Refusal> {
    let Some(name) = &planner.policy.mirror else { return Ok(()) };
    let Some(engine) = adopt::engine(planner) else {
        return Err(Refusal::NotMirrored(vec![NotInFlyway::Engine(planner.dialect.name())]));
    };
    let mut problems: Vec<NotInFlyway> = write::component(planner.set.component()).err().into_iter().collect();
    for step in plan.steps.iter_mut().filter(|step| step.mode != Mode::Callback) {
        match mirrored(planner, step) {
            Ok(mirrored) => step.mirror = mirrored,
            Err(problem) => problems.push(problem),
        }
    }
    let there = there(planner, name);
    let entries = match &planner.observed.foreign.reading {
        Some(reading) => reading.decode().map_err(|damaged| adopt::damaged(&reading.found, &damaged))?,
        None => Vec::new(),
    };
    let mut fill = Vec::new();
    for row in missing(planner, &entries) {
        match row {
            Ok(row) => fill.push(row),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(Refusal::NotMirrored(problems));
    }
    let home = || planner.observed.foreign.home.clone();
    let table = match there {
        Some(table) => table.name.clone(),
        None => TableName { schema: name.schema.clone().or_else(home), name: name.name.clone() },
    };
    let create = there.is_none();
    // Nothing is made for a plan that has nothing to say.
    if !plan.steps.is_empty() || !fill.is_empty() {
        plan.mirror = Some(Mirror { engine, table, create, fill });
    }
    Ok(())
}

/// The table, where it exists.
fn there<'p>(planner: &'p Planner<'_>, name: &TableName) -> Option<&'p Table> {
    planner
        .observed
        .foreign
        .tables
        .iter()
        .find(|table| table.is_called(&name.name) && (name.schema.is_none() || table.name.schema == name.schema))
}

/// What Flyway's table says of a step.
fn mirrored(planner: &Planner<'_>, step: &Step) -> Result<Option<Mirrored>, NotInFlyway> {
    let entry = &step.row.entry;
    let taken_back = || Ok(version_of(entry)?.map(Mirrored::TakenBack));
    match step.action {
        Action::Down | Action::Forget => taken_back(),
        Action::Baseline if is_floor(entry) => {
            let version = entry.id.version().expect("a floor is a version");
            Ok(Some(Mirrored::Row(Row::baseline(version)?)))
        }
        Action::Snapshot if entry.is_snapshot() => snapshot_row(planner, step).map(Some),
        // Flyway has one row for all that was there before, or that a baseline migration stands for.
        Action::Baseline | Action::Snapshot | Action::Refresh => Ok(None),
        // Its own row is there.
        Action::Adopt if is_of_flyway(entry) => Ok(None),
        Action::Up | Action::Resolve | Action::Adopt | Action::Accept => {
            let Some(migration) = planner.known_as(&entry.id) else { return Ok(None) };
            let row =
                Row { execution_time: Elapsed::OfTransaction, ..applied_row(planner, migration, Duration::ZERO)? };
            let changed = step.action == Action::Accept || entry.is_amendment();
            Ok(Some(if changed { Mirrored::Changed(row) } else { Mirrored::Row(row) }))
        }
    }
}

/// A snapshot is what Flyway calls a baseline migration.
fn snapshot_row(planner: &Planner<'_>, step: &Step) -> Result<Mirrored, NotInFlyway> {
    let version = step.id.version();
    let snapshot = planner.set.snapshots().iter().find(|snapshot| Some(&snapshot.version) == version);
    let snapshot = snapshot.expect("its step was planned from it");
    let root = planner.set.root_of(snapshot.script.path());
    Ok(Mirrored::Row(Row::snapshot(snapshot, root)?))
}

fn applied_row(planner: &Planner<'_>, migration: &Migration, elapsed: Duration) -> Result<Row, NotInFlyway> {
    if migration.attributes.code.is_some() {
        return Err(NotInFlyway::Code(migration.title()));
    }
    Row::applied(migration, planner.set.root_of(migration.up.path()), elapsed)
}

fn is_floor(entry: &Entry) -> bool {
    entry.action == Action::Baseline && entry.origin.as_deref() == Some(FLOOR)
}

fn is_of_flyway(entry: &Entry) -> bool {
    entry.is_adoption() || entry.origin.as_deref().is_some_and(|origin| origin.starts_with("flyway "))
}

/// The rows of what is applied and missing in Flyway's table. What no file of the set belongs to any more is missing for
/// Flyway too.
fn missing(planner: &Planner<'_>, entries: &[ForeignEntry]) -> Vec<Result<Row, NotInFlyway>> {
    let history = planner.history();
    let has = |migration: &Migration| {
        entries.iter().filter(|entry| entry.state.counts()).any(|entry| match &entry.names {
            Names::Version(version) => migration.id.version() == Some(version),
            Names::UpTo(version) => migration.id.version().is_some_and(|ours| ours <= version),
            Names::Repeatable(name) => migration.description == *name || migration.id == MigrationId::repeatable(name),
            _ => false,
        })
    };
    let floor = history.floor();
    let baseline = |version: &Version| {
        let known = entries.iter().any(|entry| entry.state == ForeignState::Baseline);
        (!known).then(|| Row::baseline(version))
    };
    let covered = |applied: &Applied| {
        history
            .entry(applied.key.seq)
            .is_none_or(|entry| matches!(entry.action, Action::Baseline | Action::Snapshot) || is_of_flyway(entry))
    };
    let mut rows: Vec<(u64, &Migration)> = planner
        .set
        .iter()
        .filter_map(|migration| {
            let (_, applied) = super::super::planner::applied_as(history, migration)?;
            (!covered(applied) && !has(migration)).then_some((applied.key.seq, migration))
        })
        .collect();
    rows.sort_by_key(|(seq, _)| *seq);
    let rows = rows.into_iter().map(|(seq, migration)| {
        let elapsed = history.entry(seq).and_then(Entry::elapsed).unwrap_or_default();
        applied_row(planner, migration, elapsed)
    });
    floor.and_then(baseline).into_iter().chain(rows).collect()
}
