//! `accept`: accept the changed text of an applied migration, or put the old text back.

use std::fs;

use migrate_core::diagnostic::{Diagnostic, Place, codes};
use migrate_core::history::Status;
use migrate_core::plan::Goal;
use migrate_core::{Migration, MigrationId, Migrator, checksum};
use serde_json::json;

use super::{Answer, Outcome, apply, resolve};
use crate::args::AcceptArgs;
use crate::backends::block_on;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ids;
use crate::project::{Opened, Project};
use crate::screen::Screen;

pub(super) fn accept(project: &Project<'_>, args: &AcceptArgs, screen: &mut Screen<'_>) -> Answer {
    let opened = project.open(false)?;
    let set = project.set(screen, &opened)?;
    let known: Vec<MigrationId> = set.iter().map(|migration| migration.id.clone()).collect();
    let id = ids::find(&args.id, &known)?;
    let migrator = project.migrator(&opened, set, Goal::Accept(id.clone()))?;
    if args.restore {
        return restore(&opened, &migrator, &id, screen);
    }
    let report = apply::reach(project, screen, &opened, &migrator)?;
    Ok(Outcome::done(apply::result(&report)))
}

fn restore(opened: &Opened<'_>, migrator: &Migrator, id: &MigrationId, screen: &mut Screen<'_>) -> Answer {
    let observed = block_on(opened.backend, migrator.observe())?;
    let known = resolve::known(migrator, &observed);
    debug_assert!(known.contains(id), "it was found in the set");
    let Some(migration) = migrator.set().get(id) else {
        return Err(refused(id, format!("{id}: has no file here")));
    };
    let Status::Applied(applied) = observed.history.status(id) else {
        return Err(Failure::new(
            Exit::Refused,
            Diagnostic::refused(
                codes::CHANGED,
                format!("{}: is not applied, so no other text of it is known", migration.title()),
            )
            .help("take the old file from version control"),
        ));
    };
    if applied.checksum == migration.checksum {
        screen.line(&format!("nothing to do · {} is as it was applied", migration.up.path()));
        return Ok(Outcome::done(json!({ "restored": null })));
    }
    let texts = block_on(opened.backend, migrator.texts(std::slice::from_ref(&applied.script_key)))?;
    let Some(stored) = texts.into_iter().next().and_then(|texts| texts.script) else {
        return Err(refused(id, format!("{}: its text is not stored in the database", migration.title())));
    };
    if checksum::raw(&stored) != applied.checksum {
        let message = format!("{}: was stored with its passwords masked, so it cannot be put back", migration.title());
        return Err(refused(id, message));
    }
    write(migration, &stored)?;
    screen.line(&format!("{} is again as it was applied", migration.up.path()));
    Ok(Outcome::done(json!({ "restored": migration.up.path() })))
}

/// Writes the way forward; a way back in the same file stays.
fn write(migration: &Migration, stored: &str) -> Result<(), Failure> {
    let mut text = migration.up.file().to_owned();
    text.replace_range(migration.up.range(), stored);
    fs::write(migration.up.path(), text).map_err(|error| {
        Failure::usage(
            Diagnostic::error(codes::UNREADABLE, format!("cannot write the file: {error}"))
                .at(Place::path(migration.up.path())),
        )
    })
}

fn refused(id: &MigrationId, message: String) -> Failure {
    Failure::new(
        Exit::Refused,
        Diagnostic::refused(codes::CHANGED, message)
            .help("take the old file from version control")
            .help(format!("or accept the new text: migrate accept {}", id.typed())),
    )
}
