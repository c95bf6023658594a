//! Atlas, its versioned form: `20240131120000_create_users.sql` and `atlas.sum`.
//!
//! | | |
//! |---|---|
//! | names | `*.sql`; the version is what stands before the first `_` |
//! | integrity | `atlas.sum` is verified; the first file that is not as it says is named |
//! | order | the tool compares file names as text; one that comes late is refused (its `--exec-order linear`) |
//! | down | none in the folder |
//! | transaction | one a file; `-- atlas:txmode none` at the top turns it off |
//! | statements | the splitter's; `-- atlas:delimiter` at the top names what ends them instead |
//! | checkpoint | a file with `-- atlas:checkpoint` stands for everything before it: a snapshot |
//! | placeholders | none; templates and `atlas:import` are refused |
//! | refused | a version that is no number, a file that `atlas.sum` does not know as it is, the other formats the tool can read |
//!
//! | module | does |
//! |---|---|
//! | [`sum`] | `atlas.sum` |
//! | [`header`] | the directives at the top of a file |
//!
//! Source: Atlas at commit a5e0aecc2b, `sql/migrate/dir.go` and `sql/migrate/migrate.go`.

mod header;
#[cfg_attr(not(feature = "manifest"), path = "unverified.rs")]
mod sum;
#[cfg(test)]
mod tests;

use super::detect::Evidence;
use super::draft::{Draft, foreign_way_back};
use super::name::{ends, forward_only, in_a_name, new_number, number, plain, words};
use super::stray::{self, Names, unread_subfolders};
use super::{File, Folder, Layout, NewFile, NewMigration, Reading};
use crate::checksum;
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::migration::{Replaced, Snapshot};
use crate::set::ReadOptions;
use crate::source::{Cut, Source};
use crate::sql::Syntax;
use crate::version::Version;

/// Atlas' layout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Atlas;

const TOOL: &str = "Atlas";
const NAMES: Names = Names { tool: TOOL, form: "VERSION_NAME.sql", is_name: |name| ends(name, ".sql") };

/// The version's text and the description.
fn parse(name: &str) -> Option<(&str, &str)> {
    let stem = name.strip_suffix(".sql")?;
    Some(stem.split_once('_').unwrap_or((stem, "")))
}

impl Layout for Atlas {
    fn name(&self) -> &'static str {
        "atlas"
    }

    /// Its sum. The tool also keeps one for the formats of other tools, whose files it reads as they do.
    fn signature(&self, folder: &Folder) -> Option<Evidence> {
        folder.file(sum::FILE)?;
        let other = folder.scripts().iter().find(|script| {
            let text = script.text();
            ends(script.path(), ".down.sql")
                || ["+goose", "-- +migrate ", "migrate:up", "liquibase formatted"]
                    .iter()
                    .any(|mark| text.contains(mark))
        });
        Some(match other {
            Some(script) => {
                Evidence::shared(format!("{}, but {} is written for another tool", sum::FILE, script.path()))
            }
            None => Evidence::certain(sum::FILE),
        })
    }

    fn cuts(&self, source: &Source, syntax: &Syntax) -> Vec<Cut> {
        header::cuts(source, syntax)
    }

    fn read(&self, folder: &Folder, options: &ReadOptions) -> Reading {
        let mut reading = Reading::default();
        let (mut keys, mut checkpoints) = (Vec::new(), Vec::new());
        for file in folder.files() {
            let Some((version, description)) = parse(file.name()) else {
                reading.diagnostics.extend(stray::judge(file, &NAMES));
                continue;
            };
            let Some(version) = numbered(file, version, &mut reading) else { continue };
            let Some(up) = reading.text(file) else { continue };
            let up = up.with_cuts(self.cuts(&up, &options.engine.syntax));
            let mut draft = Draft::new(plain(version.clone()), words(description), up);
            keys.push((file.name().to_owned(), draft.id.clone(), file.path()));
            let title = draft.title();
            let header = header::read(&draft.up, &title, &mut reading);
            draft.attributes.run.no_transaction = header.no_transaction;
            let problem = foreign_way_back(&draft.up, &title, self).or_else(|| by_name_a_way_back(file, &title));
            reading.diagnostics.extend(problem);
            if header.is_checkpoint {
                checkpoints.push((version, draft));
            } else {
                reading.take(draft, &options.engine);
            }
        }
        sum::verify(folder, &mut reading);
        unread_subfolders(folder, &mut reading);
        reading.check_text_order(TOOL, keys);
        let mut reading = reading.without_twins();
        for (version, draft) in checkpoints {
            let snapshot = snapshot(version, draft, &reading);
            reading.snapshots.push(snapshot);
        }
        reading
    }

    /// The sum does not know the file yet; its owner has to be asked to count again, once it is written.
    fn files(&self, new: &NewMigration) -> Result<Vec<NewFile>, Box<Diagnostic>> {
        let version = new_number(new, TOOL, u128::MAX)?;
        forward_only(new, TOOL)?;
        let name = format!("{version}_{}.sql", in_a_name(&new.description));
        Ok(vec![NewFile { name, text: String::new() }])
    }
}

fn numbered(file: &File, version: &str, reading: &mut Reading) -> Option<Version> {
    let number = number(version, u128::MAX);
    if number.is_none() {
        reading.diagnostics.push(
            Diagnostic::error(
                codes::NEAR_MISS_NAME,
                format!("{}: `{version}` is no number, so it has no place in the order here", file.name()),
            )
            .at(Place::path(file.path()))
            .help(format!("to {TOOL} it is a version; what stands before the first `_` must be digits here")),
        );
    }
    number
}

/// `1_x.down.sql` belongs to one of the other formats.
fn by_name_a_way_back(file: &File, title: &str) -> Option<Diagnostic> {
    ends(file.name(), ".down.sql").then(|| {
        Diagnostic::error(
            codes::NEAR_MISS_NAME,
            format!("{title}: is by its name a way back, and in this layout it would run on the way up"),
        )
        .at(Place::path(file.path()))
        .help("if the folder is in the format of golang-migrate: --layout golang-migrate")
    })
}

/// What a new database starts from, instead of everything before it.
fn snapshot(version: Version, draft: Draft, reading: &Reading) -> Snapshot {
    let before = reading.migrations.iter().filter(|migration| migration.id.version() < Some(&version));
    let replaces = before
        .map(|migration| Replaced { id: migration.id.clone(), checksum: Some(migration.checksum.clone()) })
        .collect();
    Snapshot {
        version,
        description: draft.description,
        checksum: checksum::raw(draft.up.written()),
        script: draft.up,
        run: draft.attributes.run,
        replaces,
        is_declared: false,
    }
}
