//! What the other tool did after its history was taken over.

use crate::history::format::{Mark, Reading};
use crate::migration::MigrationId;

use super::super::planner::Planner;
use super::super::{AdoptGoal, ForeignHistory, Refusal, Step};
use super::adoption::Adoption;
use super::matching;
use super::problem::Problem;

/// Says no where the tool went on: what it did there is unknown here.
///
/// As long as its rows are those of the mark, nothing is compared. What it applied and we have too is no news: that is
/// how its table looks where we write to it ourselves.
pub(in super::super) fn check(planner: &Planner<'_>) -> Result<(), Refusal> {
    let Some((goal, reading)) = since(planner) else { return Ok(()) };
    if planner.policy.foreign_history != ForeignHistory::Refuse || planner.policy.mirror.is_some() {
        return Ok(());
    }
    let found = &reading.found;
    let news = match matching::plan(planner, &goal) {
        Ok((adoption, _)) => news(&adoption),
        // It cannot be read any more: somebody was there.
        Err(Refusal::Adoption(problems)) => {
            vec![
                problems
                    .iter()
                    .flat_map(Problem::diagnostics)
                    .map(|diagnostic| diagnostic.message)
                    .collect::<Vec<_>>()
                    .join("; "),
            ]
        }
        Err(other) => return Err(other),
    };
    let news = if found.format().is_head_only() { vec!["it does not stand where it stood".to_owned()] } else { news };
    if news.is_empty() {
        return Ok(());
    }
    let format = found.format();
    Err(Refusal::ForeignMoved { tool: format.name(), title: format.title(), table: found.table.name.clone(), news })
}

/// The steps that take over what is due: a history that was never taken over, or what came since.
pub(in super::super) fn due(planner: &Planner<'_>) -> Result<Vec<Step>, Refusal> {
    let goal = match since(planner) {
        Some((goal, _)) => goal,
        None if planner.history().is_blank() && !planner.observed.foreign.found(planner.set).is_empty() => {
            AdoptGoal::default()
        }
        None => return Ok(Vec::new()),
    };
    Ok(super::steps::steps(planner, &goal)?.0)
}

/// The history that was taken over, where its rows are not those of the mark any more.
fn since<'p>(planner: &'p Planner<'_>) -> Option<(AdoptGoal, &'p Reading)> {
    let last = planner.history().adoption()?;
    let mark = Mark::of(last)?;
    let reading = planner.observed.foreign.reading.as_ref()?;
    let goal = AdoptGoal { from: Some(mark.tool), table: Some(mark.table), ..AdoptGoal::default() };
    (reading.digest() != last.checksum).then_some((goal, reading))
}

/// What is there and not in our history.
fn news(adoption: &Adoption) -> Vec<String> {
    let applied = adoption.applied.iter().filter(|one| !one.already);
    let mut news: Vec<String> = applied.map(|one| format!("it applied {}", one.title)).collect();
    let unknown = adoption.unknown.iter().filter(|one| !one.already && one.recorded_as.is_some());
    news.extend(unknown.map(|one| format!("it applied {}, which is not in this set", one.label)));
    news.extend(adoption.taken_back.iter().map(|id: &MigrationId| format!("it took {id} back")));
    for problem in &adoption.problems {
        if let Problem::Unfinished { entries, .. } = problem {
            news.extend(entries.iter().map(|entry| format!("it has not finished {}", entry.label)));
        }
    }
    news
}
