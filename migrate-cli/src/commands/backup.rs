//! `backup` and `restore`: the database as a file.

use migrate_core::diagnostic::{Diagnostic, Place, codes};
use serde_json::json;

use super::{Answer, Outcome};
use crate::args::{BackupArgs, RestoreArgs};
use crate::confirm::confirm;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Project;
use crate::screen::Screen;

pub(super) fn backup(project: &Project<'_>, args: &BackupArgs, screen: &mut Screen<'_>) -> Answer {
    let opened = project.open(false)?;
    let file = project.cwd.join(&args.file);
    if file.exists() {
        return Err(Failure::new(
            Exit::Precondition,
            Diagnostic::refused(codes::BACKUP, "the file is there already")
                .at(Place::path(file.display().to_string()))
                .help("choose another name: a backup never replaces anything"),
        ));
    }
    opened.database.backup(&file).map_err(|error| Failure::backup(&error))?;
    let bytes = std::fs::metadata(&file).map_or(0, |metadata| metadata.len());
    screen.line(&format!("{}: backup of {}, {}", file.display(), opened.database.name(), size(bytes)));
    Ok(Outcome::done(json!({ "file": file.display().to_string(), "bytes": bytes })))
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
    let what = format!("restore: this replaces everything in {name} by {}", file.display());
    confirm(screen, project.cli.common.yes, &format!("restore {}", args.file), &what, &name)?;
    opened.database.restore(&file).map_err(|error| Failure::backup(&error))?;
    screen.line(&format!("{name}: restored from {}", file.display()));
    screen.line("next: migrate status");
    Ok(Outcome::done(json!({ "file": file.display().to_string() })))
}

fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}
