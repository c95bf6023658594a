//! `baseline`: record that a database already has everything up to a version.

use migrate_core::plan::Goal;

use super::{Answer, Outcome, apply};
use crate::args::BaselineArgs;
use crate::project::Project;
use crate::screen::Screen;

pub(super) fn baseline(project: &Project<'_>, args: &BaselineArgs, screen: &mut Screen<'_>) -> Answer {
    let opened = project.open(false)?;
    let set = project.set(screen, &opened)?;
    let migrator = project.migrator(&opened, set, Goal::Baseline(args.version.clone()))?;
    let report = apply::reach(project, screen, &opened, &migrator)?;
    screen.line("next: migrate status");
    Ok(Outcome::done(apply::result(&report)))
}
