//! Copies of a database while it is in use, through SQLite's backup interface (<https://sqlite.org/backup.html>).

use std::fs::{self, File};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use migrate_core::Backend;
use migrate_core::backend::{Fault, ServerError};
use migrate_core::error::seconds;
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::Sqlite;
use crate::connect::{BUSY_TIMEOUT, beside};
use crate::error::server_error;

/// Between two attempts at a locked database.
const PAUSE: Duration = Duration::from_millis(25);

/// Copies `database` to the file `to`, as of one moment. The copy appears under its name when it is complete and on
/// the disk; a file that was there is replaced.
///
/// # Errors
/// If the database cannot be read, the copy cannot be written, or `to` is a database that is in use.
pub fn backup(database: &Sqlite, to: &Path) -> Result<(), ServerError> {
    let failed = |what: &str, error: std::io::Error| {
        ServerError::new(Fault::Refused, format!("the backup {} cannot be {what}: {error}", to.display()))
    };
    for suffix in ["-wal", "-journal"] {
        // SQLite would take it for the journal of the copy, and play it back into that.
        if beside(to, suffix).exists() {
            return Err(ServerError::new(
                Fault::Refused,
                format!("{} is a database in use: it has a {suffix} file; choose another name", to.display()),
            ));
        }
    }
    let source = database.clone().create(false).connection()?;
    let draft = beside(to, &format!(".{}.part", std::process::id()));
    remove(&draft).map_err(|error| failed("written", error))?;
    let copied = Sqlite::open(&draft).connection().and_then(|mut target| copy(&source, &mut target, BUSY_TIMEOUT));
    let kept = copied.and_then(|()| {
        File::open(&draft).and_then(|file| file.sync_all()).map_err(|error| failed("written", error))?;
        fs::rename(&draft, to).map_err(|error| failed("put in its place", error))?;
        sync_folder(to).map_err(|error| failed("put in its place", error))
    });
    if kept.is_err() {
        // What is left of a copy is worth nothing; the first error is the one to tell.
        let _ = remove(&draft);
        let _ = remove(&beside(&draft, "-journal"));
    }
    kept
}

/// Replaces the content of `database` with that of the file `from`, in one transaction: readers see the old content or
/// the new. A missing database is created. Waits for readers and writers as long as its busy timeout.
///
/// # Errors
/// If `from` is not a sound SQLite database, or `database` is locked or cannot be written.
pub fn restore(database: &Sqlite, from: &Path) -> Result<(), ServerError> {
    let source = Sqlite::open(from).read_only(true).connection()?;
    let sound = source.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    match sound.map_err(|error| server_error(&error))?.as_str() {
        "ok" => {}
        said => {
            return Err(ServerError::new(
                Fault::Refused,
                format!("{} is damaged and was not restored: {said}", from.display()),
            ));
        }
    }
    let mut target = database.connection()?;
    copy(&source, &mut target, database.patience()).map_err(|mut error| {
        error.message = format!("{} cannot be restored: {}", database.label(), error.message);
        error
    })
}

/// In one step, so that no writer comes between; again and again while somebody has a lock.
fn copy(from: &Connection, to: &mut Connection, patience: Duration) -> Result<(), ServerError> {
    let said = |error: &rusqlite::Error| server_error(error);
    let asked = Instant::now();
    let backup = Backup::new(from, to).map_err(|error| said(&error))?;
    loop {
        match backup.step(-1).map_err(|error| said(&error))? {
            StepResult::Done => return Ok(()),
            _ if asked.elapsed() < patience => thread::sleep(PAUSE),
            _ => {
                let message =
                    format!("another connection has the database locked; waited {}", seconds(asked.elapsed()));
                return Err(ServerError::new(Fault::LockTimeout, message).code("SQLITE_BUSY"));
            }
        }
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// So that the new name survives a power failure, where folders can be synchronised.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    if cfg!(unix) {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}
