//! The native layout.
//!
//! | module | does |
//! |---|---|
//! | [`name`] | the grammar of file names |
//! | [`slip`] | what was meant by a name outside it |
//! | [`group`] | files → migrations: directions and engine variants |
//! | [`text`] | sections and directives |

mod group;
mod name;
mod slip;
#[cfg(test)]
mod tests;
mod text;
#[cfg(test)]
mod text_tests;

use self::group::Found;
use self::name::{Name, Subject};
use self::slip::Outside;
use super::draft::foreign_way_back;
use super::name::{ends_a_name, in_a_name};
use super::stray::unread_subfolders;
use super::{Evidence, Folder, Layout, NewFile, NewMigration, Reading};
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::migration::{Migration, MigrationId, Phase};
use crate::set::ReadOptions;

/// Version, description, and nothing else unless it is needed: `20261120103000_create_users.sql`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Native;

impl Layout for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    /// It is what a folder has that has no other sign.
    fn signature(&self, _folder: &Folder) -> Option<Evidence> {
        None
    }

    fn read(&self, folder: &Folder, options: &ReadOptions) -> Reading {
        let engine = &options.engine;
        let mut reading = Reading::default();
        let mut found = Vec::new();
        for file in folder.files() {
            match name::parse(file.name(), engine.names) {
                Ok(name) => found.push(Found { file, name }),
                Err(flaw) => {
                    if let Outside::NearMiss(nearest) = slip::judge(file.name(), engine.names) {
                        let message = format!("{}: is not a migration's name: {flaw}", file.name());
                        reading.diagnostics.push(
                            Diagnostic::error(codes::NEAR_MISS_NAME, message)
                                .at(Place::path(file.path()))
                                .help(slip::advice(file.name(), &flaw, nearest)),
                        );
                    }
                }
            }
        }
        group::read(found, options, &mut reading);
        let foreign = |migration: &Migration| foreign_way_back(&migration.up, &migration.title(), self);
        let foreign: Vec<_> = reading.migrations.iter().filter_map(foreign).collect();
        reading.diagnostics.extend(foreign);
        unread_subfolders(folder, &mut reading);
        reading
    }

    fn files(&self, new: &NewMigration) -> Result<Vec<NewFile>, Box<Diagnostic>> {
        let stem = stem(new)?;
        let engine = new.engine.as_ref().map(|engine| format!(".{engine}")).unwrap_or_default();
        let file = |direction: &str, text: String| NewFile { name: format!("{stem}{engine}{direction}.sql"), text };
        let files = if new.reversible {
            vec![file(".up", header(&new.id)), file(".down", String::new())]
        } else {
            vec![file("", header(&new.id))]
        };
        for file in &files {
            let name = name::parse(&file.name, new.engine.as_deref().as_slice());
            let said = name.as_ref().ok().and_then(Name::id).map(|id| with_header(id, &new.id));
            if said.as_ref() != Some(&new.id) {
                let reason = name
                    .err()
                    .map_or_else(|| "it would be read as another migration".to_owned(), |flaw| flaw.to_string());
                let message = format!("{}: cannot be named {}: {reason}", new.id, file.name);
                return Err(Box::new(Diagnostic::error(codes::USAGE, message)));
            }
        }
        Ok(files)
    }
}

/// The name before its endings.
fn stem(new: &NewMigration) -> Result<String, Box<Diagnostic>> {
    let refused = |message: String| Err(Box::new(Diagnostic::error(codes::USAGE, message)));
    if let Some(engine) = new.engine.as_ref().filter(|engine| engine.is_empty() || engine.contains(ends_a_name)) {
        return refused(format!("{}: `{engine}` cannot be an engine's name", new.id));
    }
    let description = in_a_name(&new.description);
    let tail = if description.is_empty() { String::new() } else { format!("_{description}") };
    let (version, phase, ordinal) = match &new.id {
        MigrationId::Repeatable { name } if name.contains(ends_a_name) => {
            return refused(format!("{}: a repeatable's name has no blanks, dots or slashes in it", new.id));
        }
        MigrationId::Repeatable { name } => return Ok(format!("R__{name}")),
        MigrationId::Versioned { version, phase, ordinal } => (version, *phase, *ordinal),
    };
    let plain = format!("{version}{tail}");
    if !version.is_dotted() {
        if ordinal != 0 {
            return refused(format!(
                "{}: only a dotted version can have an ordinal, like {version}.0/{phase}/{ordinal:02}",
                new.id
            ));
        }
        return Ok(plain);
    }
    // A description may itself begin like a place in a release, or almost.
    let is_plain = name::parse(&format!("{plain}.sql"), &[])
        .is_ok_and(|name| name.id().as_ref() == Some(&new.id) && name.phase_without_ordinal().is_none());
    let is_placed = ordinal != 0 || phase != Phase::Pre || (!is_plain && !tail.is_empty());
    Ok(if is_placed { format!("{version}_{ordinal:02}_{phase}{tail}") } else { plain })
}

/// The directive that says what the name cannot.
fn header(id: &MigrationId) -> String {
    match id {
        MigrationId::Versioned { version, phase: Phase::Post, .. } if !version.is_dotted() => {
            "-- migrate:phase post\n".to_owned()
        }
        _ => String::new(),
    }
}

/// What a name says together with the [`header`] of `wanted`.
fn with_header(named: MigrationId, wanted: &MigrationId) -> MigrationId {
    match named {
        MigrationId::Versioned { version, ordinal, .. } if !header(wanted).is_empty() => {
            MigrationId::versioned(version, Phase::Post, ordinal)
        }
        named => named,
    }
}

impl Name {
    /// As messages begin.
    fn title(&self) -> String {
        match (&self.subject, self.id()) {
            (_, Some(id)) => crate::migration::title(&id, &self.description),
            (Subject::Snapshot { version }, None) => crate::migration::snapshot_title(version, &self.description),
            (_, None) => self.stem.clone(),
        }
    }
}
