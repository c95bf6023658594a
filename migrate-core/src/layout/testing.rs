//! What the tests of all layouts do: folders as lists of names and texts → what is understood and said.

use std::fmt::Write as _;

use super::detect::InDatabase;
use super::{EngineNames, Folder, Layout, NewMigration, Reading, detect};
use crate::set::ReadOptions;
use crate::source::Source;
use crate::sql::Syntax;
use crate::sql::split::split;

/// One line a migration, then the diagnostics.
pub(super) fn shown(layout: &dyn Layout, files: &[(&str, &str)]) -> String {
    shown_for(layout, EngineNames::POSTGRES, files)
}

pub(super) fn shown_for(layout: &dyn Layout, engine: EngineNames, files: &[(&str, &str)]) -> String {
    shown_folder(layout, engine, &Folder::embedded("m", files.iter().copied()))
}

pub(super) fn shown_folder(layout: &dyn Layout, engine: EngineNames, folder: &Folder) -> String {
    let mut reading = layout.read(folder, &ReadOptions::new(engine));
    reading.migrations.sort_by(|a, b| a.id.cmp(&b.id));
    let mut out = String::new();
    for migration in &reading.migrations {
        let attributes = &migration.attributes;
        let mut notes = Vec::new();
        notes.extend(attributes.code.as_ref().map(|work| format!("code: {}", work.language)));
        notes.extend(attributes.run.no_transaction.then(|| "no transaction".to_owned()));
        notes.extend(attributes.down.no_transaction.then(|| "no transaction back".to_owned()));
        notes.extend(attributes.unordered.then(|| "any order".to_owned()));
        let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
        let down = migration.down.as_ref().map_or(String::new(), |down| format!(" <- {}", down.path()));
        let _ = writeln!(out, "{}: {}{down}{notes}", migration.title(), migration.up.path());
    }
    for snapshot in &reading.snapshots {
        let replaces: Vec<_> = snapshot.replaces.iter().map(|replaced| replaced.id.to_string()).collect();
        let _ = writeln!(out, "{}: {} for {}", snapshot.title(), snapshot.script.path(), replaces.join(", "));
    }
    for diagnostic in &reading.diagnostics {
        let _ = writeln!(out, "{diagnostic}");
    }
    out
}

/// The statements of the first migration, a line each.
pub(super) fn statements(layout: &dyn Layout, engine: EngineNames, files: &[(&str, &str)]) -> String {
    let reading = layout.read(&Folder::embedded("m", files.iter().copied()), &ReadOptions::new(engine));
    let up = &reading.migrations[0].up;
    let split = split(up, &engine.syntax);
    assert_eq!(split.problems, []);
    let lines: Vec<_> = split.pieces.iter().map(|piece| format!("{:?}", &up.file()[piece.text.clone()])).collect();
    lines.join("\n")
}

/// The layout that the signs of a folder lead to, and why.
pub(super) fn decision(files: &[(&str, &str)], above: &[(&str, &str)]) -> String {
    decision_with(files, above, &InDatabase::default())
}

pub(super) fn decision_with(files: &[(&str, &str)], above: &[(&str, &str)], database: &InDatabase) -> String {
    let folder = Folder::embedded("m", files.iter().copied()).with_above(above.iter().copied());
    match detect(&folder, database) {
        Ok(found) => {
            let seen = found.seen.map(|seen| format!(": {seen}")).unwrap_or_default();
            let others: Vec<_> =
                found.others.iter().map(|other| format!(", or {} ({})", other.layout, other.seen)).collect();
            format!("{}{seen}{}", found.layout, others.concat())
        }
        Err(problem) => problem.to_string(),
    }
}

/// Checks that what [`Layout::files`] gives reads back to the same identity and description.
#[track_caller]
pub(super) fn names_read_back(layout: &dyn Layout, id: &str, description: &str, reversible: bool) {
    let description = description.trim();
    let new = NewMigration { id: id.parse().unwrap(), description: description.to_owned(), engine: None, reversible };
    let files = layout.files(&new).unwrap_or_else(|refusal| panic!("{refusal}"));
    let with_sql = |text: String| text.replace("\n\n", "\nselect 1;\n") + "select 1;\n";
    let folder = Folder::embedded("m", files.into_iter().map(|file| (file.name, with_sql(file.text))));
    let reading = layout.read(&folder, &ReadOptions::new(EngineNames::POSTGRES));
    assert_eq!(reading.diagnostics, []);
    let [migration] = reading.migrations.as_slice() else { panic!("{reading:?}") };
    assert_eq!((&migration.id, migration.description.as_str()), (&new.id, description));
    assert_eq!(migration.down.is_some(), reversible);
}

/// What is said of a folder.
pub(super) fn said(reading: &Reading) -> String {
    reading.diagnostics.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The statements of a direction.
#[track_caller]
pub(super) fn pieces(source: &Source) -> Vec<String> {
    let split = split(source, &Syntax::POSTGRES);
    assert_eq!(split.problems, []);
    split.pieces.into_iter().map(|piece| source.file()[piece.text].to_owned()).collect()
}
