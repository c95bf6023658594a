//! A migration of ours → the row that Flyway would have written.

use std::time::Duration;

use super::name;
use super::write::{BASELINE, Elapsed, Kind, NotInFlyway, Row};
use crate::checksum::foreign;
use crate::history::Entry;
use crate::migration::{Migration, MigrationId, Phase, Snapshot};

impl Row {
    /// The row of a migration that was applied. `root` is the location its path is relative to.
    ///
    /// # Errors
    /// If Flyway has no such migration.
    pub fn applied(migration: &Migration, root: Option<&str>, elapsed: Duration) -> Result<Self, NotInFlyway> {
        let (version, description) = identity(migration)?;
        if migration.attributes.code.is_some() {
            return Err(NotInFlyway::Code(migration.title()));
        }
        // A repeatable counts by what was run, a versioned one by what was written.
        let text = if migration.id.is_repeatable() { migration.up.text() } else { migration.up.written_file() };
        Ok(Self {
            version,
            description: shortened(&description),
            kind: Kind::Sql,
            script: script(migration.up.path(), root),
            checksum: Some(foreign::flyway(text)),
            installed_by: None,
            execution_time: Elapsed::of(elapsed),
            success: true,
        })
    }

    /// The row of a snapshot that was installed, as Flyway writes that of a baseline migration. `root` is the location
    /// its path is relative to.
    ///
    /// # Errors
    /// If Flyway has no such version.
    pub fn snapshot(snapshot: &Snapshot, root: Option<&str>) -> Result<Self, NotInFlyway> {
        Ok(Self {
            version: Some(version_text(&snapshot.version, &snapshot.title())?),
            description: shortened(&snapshot.description),
            kind: Kind::SqlBaseline,
            script: script(snapshot.script.path(), root),
            checksum: Some(foreign::flyway(snapshot.script.written_file())),
            installed_by: None,
            execution_time: Elapsed::OfTransaction,
            success: true,
        })
    }

    /// The row of a migration that failed outside a transaction. It is replaced once it has succeeded
    /// ([`forget_failure`](super::write::forget_failure)).
    ///
    /// # Errors
    /// If Flyway has no such migration.
    pub fn failed(migration: &Migration, root: Option<&str>, elapsed: Duration) -> Result<Self, NotInFlyway> {
        Ok(Self { success: false, ..Self::applied(migration, root, elapsed)? })
    }

    /// The row of a baseline at a version.
    ///
    /// # Errors
    /// If Flyway has no such version.
    pub fn baseline(version: &crate::Version) -> Result<Self, NotInFlyway> {
        Ok(Self {
            version: Some(version_text(version, &format!("baseline {version}"))?),
            description: BASELINE.to_owned(),
            kind: Kind::Baseline,
            script: BASELINE.to_owned(),
            checksum: None,
            installed_by: None,
            execution_time: Elapsed::Millis(0),
            success: true,
        })
    }
}

/// The version under which Flyway knows an entry of the history; `None` for a repeatable.
///
/// # Errors
/// If Flyway has no such version.
pub(crate) fn version_of(entry: &Entry) -> Result<Option<String>, NotInFlyway> {
    of_id(&entry.id, &entry.title())
}

fn of_id(id: &MigrationId, title: &str) -> Result<Option<String>, NotInFlyway> {
    match id {
        MigrationId::Repeatable { .. } => Ok(None),
        MigrationId::Versioned { version, phase: Phase::Pre, ordinal: 0 } => version_text(version, title).map(Some),
        MigrationId::Versioned { .. } => Err(NotInFlyway::Phased(title.to_owned())),
    }
}

fn version_text(version: &crate::Version, title: &str) -> Result<String, NotInFlyway> {
    let text = version.as_str();
    if version.suffix().is_some() {
        return Err(NotInFlyway::Suffix(title.to_owned()));
    }
    if text.len() > 50 { Err(NotInFlyway::TooLong(title.to_owned())) } else { Ok(text.to_owned()) }
}

/// Version and description, as Flyway derives them from the file's name where that is one of its own.
fn identity(migration: &Migration) -> Result<(Option<String>, String), NotInFlyway> {
    let version = of_id(&migration.id, &migration.title())?;
    let Some(named) = name::parse(file_name(migration.up.path())) else {
        let description = match &migration.id {
            MigrationId::Repeatable { name } => name.clone(),
            MigrationId::Versioned { .. } => migration.description.clone(),
        };
        return Ok((version, description));
    };
    let same = match (&named.version, migration.id.version()) {
        (Some(text), Some(version)) => text.parse().is_ok_and(|parsed: crate::Version| parsed == *version),
        (None, None) => true,
        _ => false,
    };
    Ok(if same { (named.version, named.description) } else { (version, migration.description.clone()) })
}

fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// The path below its location; without a location the name alone.
fn script(path: &str, root: Option<&str>) -> String {
    let path = path.replace('\\', "/");
    let below = root.and_then(|root| path.strip_prefix(root.replace('\\', "/").trim_end_matches('/')));
    let script = match below {
        Some(below) => below.trim_start_matches('/'),
        None => file_name(&path),
    };
    let length = script.chars().count();
    if length <= 1_000 {
        return script.to_owned();
    }
    let end: String = script.chars().skip(length - 997).collect();
    format!("...{end}")
}

fn shortened(description: &str) -> String {
    if description.chars().count() <= 200 {
        return description.to_owned();
    }
    description.chars().take(197).chain("...".chars()).collect()
}
