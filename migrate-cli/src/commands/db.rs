//! `db create`, `db drop`, `db reset`.

use migrate_core::plan::Goal;
use serde_json::json;

use super::{Answer, Outcome, apply};
use crate::args::{DbArgs, DbCommand};
use crate::confirm::confirm;
use crate::failure::Failure;
use crate::project::Project;
use crate::screen::Screen;

pub(super) fn db(project: &Project<'_>, args: &DbArgs, screen: &mut Screen<'_>) -> Answer {
    match args.command {
        DbCommand::Create => create(project, screen),
        DbCommand::Drop => drop_database(project, screen),
        DbCommand::Reset(_) => reset(project, screen),
    }
}

fn create(project: &Project<'_>, screen: &mut Screen<'_>) -> Answer {
    let opened = project.open(true)?;
    let created = opened.database.create().map_err(Failure::server)?;
    let name = opened.database.name();
    screen.line(&if created { format!("created {name}") } else { format!("nothing to do · {name} is there") });
    Ok(Outcome::done(json!({ "created": created })))
}

fn drop_database(project: &Project<'_>, screen: &mut Screen<'_>) -> Answer {
    let opened = project.open(false)?;
    let name = opened.database.name();
    ask(project, screen, &name, "drop")?;
    let dropped = opened.database.drop_database().map_err(Failure::server)?;
    screen.line(&if dropped { format!("dropped {name}") } else { format!("nothing to do · there is no {name}") });
    Ok(Outcome::done(json!({ "dropped": dropped })))
}

fn reset(project: &Project<'_>, screen: &mut Screen<'_>) -> Answer {
    let opened = project.open(true)?;
    // What cannot be applied again is not dropped.
    let set = project.set(screen, &opened)?;
    let migrator = project.migrator(&opened, set, Goal::all())?;
    let name = opened.database.name();
    ask(project, screen, &name, "reset")?;
    opened.database.drop_database().map_err(Failure::server)?;
    opened.database.create().map_err(Failure::server)?;
    screen.line(&format!("dropped and created {name}"));
    let report = apply::reach(project, screen, &opened, &migrator)?;
    Ok(Outcome::done(apply::result(&report)))
}

fn ask(project: &Project<'_>, screen: &mut Screen<'_>, name: &str, verb: &str) -> Result<(), Failure> {
    let what = format!("db {verb}: this drops {name} with everything in it");
    confirm(screen, project.cli.common.yes, &format!("db {verb}"), &what, name)
}
