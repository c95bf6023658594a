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
mod text;

use self::group::Found;
use self::name::{Name, Subject};
use self::slip::Outside;
use super::{EngineNames, Folder, Layout, NewFile, NewMigration, Reading};
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::migration::{MigrationId, Phase};

/// Version, description, and nothing else unless it is needed: `20261120103000_create_users.sql`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Native;

impl Layout for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn read(&self, folder: &Folder, engine: &EngineNames) -> Reading {
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
        group::read(found, engine, &mut reading);
        let some = !reading.migrations.is_empty();
        for (subfolder, count) in folder.scripts_below().into_iter().filter(|_| some) {
            let files = if count == 1 { "file" } else { "files" };
            reading.diagnostics.push(
                Diagnostic::note(
                    codes::SUBFOLDER,
                    format!("{}: holds {count} .sql {files} that are not read", subfolder.display()),
                )
                .at(Place::path(subfolder.display().to_string()))
                .help(
                    "files of a subfolder are no migrations of this set: give it with another --dir if they should be",
                ),
            );
        }
        reading
    }

    fn files(&self, new: &NewMigration) -> Result<Vec<NewFile>, Box<Diagnostic>> {
        let (stem, header) = stem(new)?;
        let engine = new.engine.as_ref().map(|engine| format!(".{engine}")).unwrap_or_default();
        let file = |direction: &str, header: &str| NewFile {
            name: format!("{stem}{engine}{direction}.sql"),
            text: header.to_owned(),
        };
        let files =
            if new.reversible { vec![file(".up", &header), file(".down", "")] } else { vec![file("", &header)] };
        for file in &files {
            let read = name::parse(&file.name, new.engine.as_deref().as_slice());
            if let Err(flaw) = read {
                return Err(Box::new(Diagnostic::error(
                    codes::USAGE,
                    format!("{}: is not a migration's name: {flaw}", file.name),
                )));
            }
        }
        Ok(files)
    }
}

/// The name before its endings, and the directives that say what the name cannot.
fn stem(new: &NewMigration) -> Result<(String, String), Box<Diagnostic>> {
    let description = in_a_name(&new.description);
    let tail = if description.is_empty() { String::new() } else { format!("_{description}") };
    let (version, phase, ordinal) = match &new.id {
        MigrationId::Repeatable { name } => return Ok((format!("R__{name}"), String::new())),
        MigrationId::Versioned { version, phase, ordinal } => (version, *phase, *ordinal),
    };
    let placed = || (format!("{version}_{ordinal:02}_{phase}{tail}"), String::new());
    if version.is_dotted() {
        let plain = format!("{version}{tail}");
        // A description may itself begin like a place in a release.
        let reads_back = name::parse(&format!("{plain}.sql"), &[]).is_ok_and(|name| {
            matches!(name.subject, Subject::Versioned { place: None, .. }) && name.phase_without_ordinal().is_none()
        });
        return Ok(if ordinal == 0 && phase == Phase::Pre && reads_back { (plain, String::new()) } else { placed() });
    }
    if ordinal != 0 {
        let message =
            format!("{}: only a dotted version can have an ordinal, like {version}.0/{phase}/{ordinal:02}", new.id);
        return Err(Box::new(Diagnostic::error(codes::USAGE, message)));
    }
    let header = if phase == Phase::Post { "-- migrate:phase post\n".to_owned() } else { String::new() };
    Ok((format!("{version}{tail}"), header))
}

/// A description as a part of a file name: what could end it or leave the folder becomes `_`.
fn in_a_name(description: &str) -> String {
    description
        .split(|c: char| c == '_' || c.is_whitespace() || c.is_control() || "./\\:*?\"<>|".contains(c))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("_")
}

impl Name {
    /// As messages begin.
    fn title(&self) -> String {
        match self.id() {
            Some(id) => crate::migration::title(&id, &self.description),
            None => self.stem.clone(),
        }
    }
}
