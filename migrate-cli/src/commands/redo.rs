//! `redo`: take the newest migration back and apply it again, as its file is now.

use migrate_core::diagnostic::{Diagnostic, codes};
use migrate_core::plan::{DownGoal, Goal, PhaseGoal, Target, UpGoal};
use serde_json::json;

use super::guard::Guard;
use super::{Answer, Outcome, apply};
use crate::args::RedoArgs;
use crate::backends::block_on;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Project;
use crate::render::json;
use crate::screen::Screen;

pub(super) fn redo(project: &Project<'_>, args: &RedoArgs, screen: &mut Screen<'_>) -> Answer {
    let opened = project.open(false)?;
    let set = project.set(screen, &opened)?;
    let migrator = project.migrator(&opened, set.clone(), Goal::Down(DownGoal::Steps(1)))?;
    let plan = block_on(opened.backend, migrator.plan())?;
    let Some(step) = plan.recorded().next() else {
        screen.line("nothing to do · nothing is applied");
        return Ok(Outcome::done(json!({})));
    };
    if set.get(&step.id).is_none() {
        return Err(Failure::new(
            Exit::Refused,
            Diagnostic::refused(
                codes::NO_WAY_BACK,
                format!("{}: has no file here to apply it again from", step.title()),
            )
            .help("take it back alone: migrate down --steps 1"),
        ));
    }
    let again = UpGoal { to: Some(Target::Id(step.id.clone())), steps: None, phase: Some(PhaseGoal::All) };
    apply::ask(project, screen, &opened, &plan)?;
    let mut guard = Guard::new(&args.guard);
    let migrator = guard.pass(project, screen, &opened, migrator, &plan)?;
    let down = apply::carry_out(project, screen, &opened, &migrator, &plan)?;
    let migrator = guard.named(project.migrator(&opened, set, Goal::Up(again))?);
    let up = apply::reach(project, screen, &opened, &migrator)?;
    let mut result = guard.result(&up);
    result["down"] = json::report(&down);
    Ok(Outcome::done(result))
}
