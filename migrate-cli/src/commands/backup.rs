//! `backup` and `restore`: the database as a file.

use migrate_core::diagnostic::{Diagnostic, Place, codes};
use serde_json::json;

use super::{Answer, Outcome};
use crate::args::{BackupArgs, RestoreArgs};
use crate::backup;
use crate::confirm::confirm;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Project;
use crate::screen::Screen;

pub(super) fn backup(project: &Project<'_>, args: &BackupArgs, screen: &mut Screen<'_>) -> Answer {
    let opened = project.open(false)?;
    let made = backup::built_in(&opened, project.cwd.join(&args.file))?;
    screen.line(&made.line(&opened.database.name()));
    Ok(Outcome::done(made.result()))
}

pub(super) fn restore(project: &Project<'_>, args: &RestoreArgs, screen: &mut Screen<'_>) -> Answer {
    let opened = project.open(true)?;
    let file = project.cwd.join(&args.file);
    if !file.is_file() {
        return Err(Failure::new(
            Exit::Precondition,
            Diagnostic::error(codes::BACKUP, "there is no such backup")
                .at(Place::path(file.display().to_string()))
                .help("nothing was done"),
        ));
    }
    let name = opened.database.name();
    if let Some(command) = opened.database.restored_by(&file) {
        let message = format!("{name}: a backup of a server's database is restored by the server's own tool");
        return Err(Failure::new(
            Exit::Precondition,
            Diagnostic::refused(codes::BACKUP, message).help("nothing was done").help(format!("like this: {command}")),
        ));
    }
    let what = format!("restore: this replaces everything in {name} by {}", file.display());
    confirm(screen, project.cli.common.yes, &format!("restore {}", args.file), &what, &name)?;
    opened.database.restore(&file).map_err(|error| Failure::backup(&error))?;
    screen.line(&format!("{name}: restored from {}", file.display()));
    screen.line("next: migrate status");
    Ok(Outcome::done(json!({ "file": file.display().to_string() })))
}
