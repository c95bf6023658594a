//! `resolve`: say what became of a migration that was done by hand or is in doubt.

use migrate_core::history::Status;
use migrate_core::plan::{Goal, Observed};
use migrate_core::{MigrationId, Migrator};

use super::{Answer, Outcome, apply};
use crate::args::ResolveArgs;
use crate::backends::block_on;
use crate::ids;
use crate::project::Project;
use crate::screen::Screen;

pub(super) fn resolve(project: &Project<'_>, args: &ResolveArgs, screen: &mut Screen<'_>) -> Answer {
    let opened = project.open(false)?;
    let set = project.set(screen, &opened)?;
    let looking = project.migrator(&opened, set.clone(), Goal::up())?;
    let observed = block_on(opened.backend, looking.observe())?;
    let id = ids::find(&args.id, &known(&looking, &observed))?;
    let before = stands(&observed, &id);

    let report = if let Some(statement) = args.statement {
        block_on(opened.backend, looking.settle(&id, statement, args.ran))?
    } else {
        let goal = if args.applied { Goal::ResolveApplied(id.clone()) } else { Goal::ResolveNotApplied(id.clone()) };
        let migrator = project.migrator(&opened, set, goal)?;
        apply::reach(project, screen, &opened, &migrator)?
    };
    let after = stands(&block_on(opened.backend, looking.observe())?, &id);
    screen.line(&format!("{id}: {before} → {after}"));
    screen.line(if args.statement.is_some() { "next: migrate up" } else { "next: migrate status" });
    Ok(Outcome::done(apply::result(&report)))
}

/// What the set or the history knows.
pub(super) fn known(migrator: &Migrator, observed: &Observed) -> Vec<MigrationId> {
    let mut known: Vec<MigrationId> = migrator.set().iter().map(|migration| migration.id.clone()).collect();
    known.extend(observed.history.applied().map(|(id, _)| id.clone()));
    known.extend(observed.history.open().map(|entry| entry.id.clone()));
    known.sort();
    known.dedup();
    known
}

fn stands(observed: &Observed, id: &MigrationId) -> String {
    match observed.history.status(id) {
        Status::Pending => "not applied".to_owned(),
        Status::Applied(_) => "applied".to_owned(),
        Status::Open(entry) => format!("{} {}", entry.state.as_str().replace('_', "-"), entry.stands()),
    }
}
