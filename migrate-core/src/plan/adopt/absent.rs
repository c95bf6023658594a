//! Without the feature `other-tools` another tool's history is seen and not understood.

use crate::history::Entry;
use crate::history::format::{self, Mark, Reading};

use super::super::planner::Planner;
use super::super::{AdoptGoal, ForeignHistory, Refusal, Step};

/// Nothing is taken over.
pub(in super::super) fn steps(_planner: &Planner<'_>, _goal: &AdoptGoal) -> Result<(Vec<Step>, ()), Refusal> {
    Err(Refusal::without_other_tools("the history of another tool cannot be taken over"))
}

/// A policy that takes over what it finds is refused where it finds something new.
pub(in super::super) fn due(planner: &Planner<'_>) -> Result<Vec<Step>, Refusal> {
    let found = planner.history().is_blank() && !planner.observed.foreign.found(planner.set).is_empty();
    if found || since(planner).is_some() {
        return steps(planner, &AdoptGoal::default()).map(|(steps, ())| steps);
    }
    Ok(Vec::new())
}

/// What a tool did whose history was taken over, nobody can tell; that it did nothing shows.
pub(in super::super) fn check_moved(planner: &Planner<'_>) -> Result<(), Refusal> {
    let Some(Mark { tool, table, .. }) = since(planner) else { return Ok(()) };
    if planner.policy.foreign_history != ForeignHistory::Refuse {
        return Ok(());
    }
    let title = format::by_name(&tool).map_or(tool.as_str(), |format| format.title());
    let what = format!("what {title} did in {table} after its history was taken over cannot be told");
    Err(Refusal::without_other_tools(what))
}

/// The history that was taken over, where its rows are not those of the mark any more.
fn since(planner: &Planner<'_>) -> Option<Mark> {
    let last = planner.history().adoption()?;
    let reading = planner.observed.foreign.reading.as_ref()?;
    Mark::of(last).filter(|_| !is_as_it_was(reading, last))
}

#[cfg(feature = "manifest")]
fn is_as_it_was(reading: &Reading, mark: &Entry) -> bool {
    reading.digest() == mark.checksum
}

/// Rows are compared as JSON.
#[cfg(not(feature = "manifest"))]
fn is_as_it_was(_reading: &Reading, _mark: &Entry) -> bool {
    false
}
