//! A backup before anything runs: by a command of the project's own, or by what the engine brings.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::SystemTime;

use jiff::tz::Offset;
use migrate_core::MigrationId;
use migrate_core::condition::size;
use migrate_core::diagnostic::{Diagnostic, Place, codes};
use serde_json::{Value, json};

use crate::config::{Key, Setting};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::{Opened, Project};
use crate::screen::Screen;

/// A backup that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Where it is.
    pub file: PathBuf,
    /// How large it is.
    pub bytes: u64,
}

impl Made {
    /// What is said of it.
    pub fn line(&self, database: &str) -> String {
        format!("{}: backup of {database}, {}", self.file.display(), size(self.bytes))
    }

    /// The same for the document.
    pub fn result(&self) -> Value {
        json!({ "file": self.file.display().to_string(), "bytes": self.bytes })
    }
}

/// What is said of a plan that needs one.
pub fn is_required(command: &str) -> String {
    format!("a backup is required: migrate {command} --backup, or --backup-done TEXT where there is one")
}

/// Why nothing runs without one.
pub fn required(database: &str, command: &str) -> Failure {
    refused(
        Diagnostic::refused(codes::BACKUP, format!("{database} has no backup, and backup.required asks for one"))
            .help(format!("nothing was run: make one on the way: migrate {command} --backup"))
            .help(format!("or say which one there is: migrate {command} --backup-done \"RDS snapshot X\"")),
    )
}

/// Makes the backup of a run: by `backup.command`, or else by what the engine brings, in the folder `backup.dir`.
///
/// # Errors
/// If there is none afterwards, or it is empty.
pub fn before_run(
    project: &Project<'_>,
    screen: &mut Screen<'_>,
    opened: &Opened<'_>,
    at: Option<&MigrationId>,
) -> Result<Made, Failure> {
    let file = file(project, opened, at, screen.now());
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|error| {
            refused(failed(&format!("the folder of backups cannot be created: {error}"), Some(folder)))
        })?;
    }
    match project.config.get(Key::BackupCommand) {
        None => built_in(opened, file),
        Some(command) => by_command(command, screen, opened, at, file),
    }
}

/// The database as a file that must not be there yet.
///
/// # Errors
/// If it is there, the engine brings nothing that makes a backup, or that fails.
pub fn built_in(opened: &Opened<'_>, file: PathBuf) -> Result<Made, Failure> {
    must_be_new(&file)?;
    opened.database.backup(&file).map_err(|error| Failure::backup(&error))?;
    verified(file)
}

/// `backups/app.db-1.3.0-20261120T103000Z.db`
fn file(project: &Project<'_>, opened: &Opened<'_>, at: Option<&MigrationId>, now: SystemTime) -> PathBuf {
    let folder = project.config.get(Key::BackupDir).map_or_else(
        || project.config.file().and_then(Path::parent).unwrap_or(project.cwd).join("backups"),
        Setting::path,
    );
    let at = at.map_or("empty".to_owned(), ToString::to_string);
    let instant = jiff::Timestamp::try_from(now).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let when = Offset::UTC.to_datetime(instant).strftime("%Y%m%dT%H%M%SZ");
    let plain = |c: char| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '-' };
    let name: String = format!("{}-{at}-{when}", opened.database.name()).chars().map(plain).collect();
    folder.join(format!("{name}.{}", opened.database.backup_extension()))
}

fn by_command(
    setting: &Setting,
    screen: &mut Screen<'_>,
    opened: &Opened<'_>,
    at: Option<&MigrationId>,
    file: PathBuf,
) -> Result<Made, Failure> {
    must_be_new(&file)?;
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut process = Command::new(shell);
    process.arg(flag).arg(setting.text()).stdin(Stdio::null());
    process
        .env("MIGRATE_BACKUP_FILE", std::path::absolute(&file).unwrap_or_else(|_| file.clone()))
        .env("MIGRATE_BACKUP_DATABASE", opened.database.name())
        .env("MIGRATE_BACKUP_ENGINE", opened.backend.dialect().name())
        .env("MIGRATE_BACKUP_VERSION", at.map(ToString::to_string).unwrap_or_default());
    if !setting.base.as_os_str().is_empty() {
        process.current_dir(&setting.base);
    }
    let origin = &setting.origin;
    let wrong = |why: &str| failed(&format!("the backup command {why}"), None).help(format!("it is set by {origin}"));
    let output = process.output().map_err(|error| refused(wrong(&format!("cannot be run: {error}"))))?;
    for line in said(&output) {
        screen.remark(&format!("  {line}"));
    }
    if !output.status.success() {
        return Err(refused(wrong(&format!("failed: {}", output.status))));
    }
    verified(file).map_err(|failure| Failure {
        diagnostics: failure
            .diagnostics
            .into_iter()
            .map(|problem| {
                problem
                    .help(format!("let it write the file $MIGRATE_BACKUP_FILE; it is set by {origin}"))
                    .help("a backup elsewhere is named with --backup-done \"RDS snapshot X\"")
            })
            .collect(),
        ..failure
    })
}

fn said(output: &Output) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let all = text(&output.stdout) + &text(&output.stderr);
    all.lines().map(str::to_owned).collect()
}

fn must_be_new(file: &Path) -> Result<(), Failure> {
    if !file.exists() {
        return Ok(());
    }
    Err(refused(
        Diagnostic::refused(codes::BACKUP, "the file is there already")
            .at(Place::path(file.display().to_string()))
            .help("choose another name: a backup never replaces anything"),
    ))
}

/// A backup that is not there, or holds nothing, is none.
fn verified(file: PathBuf) -> Result<Made, Failure> {
    match std::fs::metadata(&file) {
        Ok(found) if found.is_file() && found.len() > 0 => Ok(Made { bytes: found.len(), file }),
        Ok(_) => Err(refused(failed("the backup is empty", Some(&file)))),
        Err(error) => Err(refused(failed(&format!("there is no backup afterwards: {error}"), Some(&file)))),
    }
}

fn failed(what: &str, file: Option<&Path>) -> Diagnostic {
    let problem = Diagnostic::error(codes::BACKUP, what).help("nothing was run");
    match file {
        Some(file) => problem.at(Place::path(file.display().to_string())),
        None => problem,
    }
}

fn refused(problem: Diagnostic) -> Failure {
    Failure::new(Exit::Precondition, problem)
}
