//! What components need of each other: several sets in one database, each with its own rows.
//!
//! A set says in its manifest which version of another component it needs. That is checked before anything of it runs, and
//! stands in its rows, so that the other component is not taken back below it by somebody who knows nothing of the first.

use crate::diagnostic::{Diagnostic, Place, codes};
use crate::history::Action;
use crate::history::entry::NEEDS;
use crate::manifest::{Dependency, Manifest};

use super::planner::Planner;
use super::{Mode, Refusal, Step};

/// The most characters that are written down of them: the column holds 255, and more stands there.
const LONGEST: usize = 160;

/// Refuses to run something of a set whose needs are not met, and lets its rows say what they are.
pub(super) fn add(planner: &Planner<'_>, steps: &mut [Step]) -> Result<(), Refusal> {
    let needs = &planner.set.manifest().depends_on;
    let runs = |step: &Step| step.action == Action::Up || step.row.entry.is_snapshot();
    if needs.is_empty() || !steps.iter().any(runs) {
        return Ok(());
    }
    let missing = missing(planner, needs);
    if !missing.is_empty() {
        return Err(Refusal::Script(missing));
    }
    let named: Vec<String> = needs.iter().map(|need| format!("{} {}", need.component, need.version)).collect();
    let named = format!("{NEEDS}{}", named.join(", "));
    if named.len() > LONGEST {
        let message = format!("{}: needs more of other components than can be written down", planner.set.component());
        return Err(Refusal::Script(vec![
            Diagnostic::refused(codes::GATE, message)
                .help("nothing was run: leave out of depends-on what others need already"),
        ]));
    }
    for step in steps.iter_mut().filter(|step| runs(step) && step.mode != Mode::Callback) {
        step.row.entry.mark(&named);
    }
    Ok(())
}

fn missing(planner: &Planner<'_>, needs: &[Dependency]) -> Vec<Diagnostic> {
    let others = planner.history().others();
    let unmet = needs.iter().filter_map(|need| {
        let at = others.get(&need.component).and_then(|other| other.at.as_ref());
        if at.is_some_and(|at| *at >= need.version) {
            return None;
        }
        let Dependency { component, version } = need;
        let at = at.map_or("it has no version here".to_owned(), |at| format!("it is at {at}"));
        let us = planner.set.component();
        let message = format!("component {us} needs component {component} at {version} or later, and {at}");
        Some(
            Diagnostic::refused(codes::COMPONENT, message)
                .at(Place::path(Manifest::FILE))
                .help(format!("nothing was run: bring {component} there first: migrate up --component {component}")),
        )
    });
    unmet.collect()
}

/// Refuses to take back what another component says it needs.
pub(super) fn check_down(planner: &Planner<'_>, steps: &[Step]) -> Result<(), Refusal> {
    let history = planner.history();
    let gone = |step: &&Step| matches!(step.action, Action::Down | Action::Forget) && step.mode != Mode::Callback;
    let gone: Vec<_> = steps.iter().filter(gone).map(|step| &step.id).collect();
    if gone.is_empty() {
        return Ok(());
    }
    let left = history.applied().map(|(id, _)| id).filter(|id| !id.is_repeatable() && !gone.contains(id)).max();
    let at = left.and_then(|id| id.version()).max(history.floor());
    let us = planner.set.component();
    for (name, other) in history.others() {
        for need in other.needs.iter().filter(|need| need.component == us) {
            // What was not met before is not broken now.
            if history.at() >= Some(&need.version) && at < Some(&need.version) {
                let version = &need.version;
                let at = at.map_or("at no version".to_owned(), |at| format!("at {at}"));
                let message =
                    format!("component {name} needs component {us} at {version} or later, and it would be {at}");
                return Err(Refusal::Script(vec![
                    Diagnostic::refused(codes::COMPONENT, message)
                        .help(format!("nothing was run: take {name} back first: migrate down --component {name}"))
                        .help(format!("or stay at {version}: migrate down --component {us} --to {version}")),
                ]));
            }
        }
    }
    Ok(())
}
