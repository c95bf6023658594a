//! `down`: run ways back, as they were stored when their migrations were applied.

use migrate_core::diagnostic::{Diagnostic, codes};
use migrate_core::plan::{DownGoal, Goal, Target};
use serde_json::json;

use super::guard::Guard;
use super::{Answer, Outcome, apply};
use crate::args::DownArgs;
use crate::backends::block_on;
use crate::backup;
use crate::config::Key;
use crate::failure::Failure;
use crate::project::Project;
use crate::screen::Screen;

pub(super) fn down(project: &Project<'_>, args: &DownArgs, screen: &mut Screen<'_>) -> Answer {
    let goal = goal(args)?;
    let opened = project.open(false)?;
    let set = project.set(screen, &opened)?;
    let migrator = project.migrator(&opened, set, Goal::Down(goal))?;
    let plan = block_on(opened.backend, migrator.plan())?;
    if args.dry_run {
        screen.diagnostics(&plan.notes);
        screen.line(&apply::steps_of(&plan));
        if plan.runs() && project.config.is_on(Key::BackupRequired) {
            screen.line(&backup::is_required(&apply::typed(project)));
        }
        return Ok(Outcome::done(json!({ "plan": plan })));
    }
    if !plan.is_empty() {
        apply::ask(project, screen, &opened, &plan)?;
    }
    let mut guard = Guard::new(&args.guard);
    let migrator = guard.pass(project, screen, &opened, migrator, &plan)?;
    let report = apply::carry_out(project, screen, &opened, &migrator, &plan)?;
    Ok(Outcome::done(guard.result(&report)))
}

fn goal(args: &DownArgs) -> Result<DownGoal, Failure> {
    match (&args.to, args.steps) {
        (Some(Target::Version(version)), _) if version.parts().is_empty() && version.suffix().is_none() => {
            Ok(DownGoal::Empty)
        }
        (Some(to), _) => Ok(DownGoal::To(to.clone())),
        (None, Some(steps)) => Ok(DownGoal::Steps(steps)),
        (None, None) => Err(Failure::usage(
            Diagnostic::error(codes::USAGE, "down needs to know how far")
                .help("the newest migration only:       migrate down --steps 1")
                .help("down to a version, which stays:  migrate down --to VERSION"),
        )),
    }
}
