//! `new`: begin a migration.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::SystemTime;

use jiff::tz::Offset;
use migrate_core::diagnostic::{Diagnostic, Place, codes};
use migrate_core::layout::{Folder, Layout, NewMigration};
use migrate_core::{EngineNames, MigrationId, MigrationSet, Phase, ReadOptions, Version};
use serde_json::json;

use super::{Answer, Outcome};
use crate::args::NewArgs;
use crate::args::run::PhaseArg;
use crate::failure::Failure;
use crate::project::Project;
use crate::screen::Screen;

mod snapshot;

/// How wide the first sequential number is.
const NUMBER: usize = 4;

pub(super) fn new(project: &Project<'_>, args: &NewArgs, screen: &mut Screen<'_>) -> Answer {
    let folders = project.config.folders();
    // Where several folders make a set, the last one grows.
    let target = folders.last().cloned().unwrap_or_default();
    if !target.exists() {
        std::fs::create_dir(&target).map_err(|error| uncreated(&target, &error))?;
        screen.line(&format!("created {}/", target.display()));
    }
    let (folder, problems) = Folder::read(&folders);
    if !problems.is_empty() {
        return Err(problems.into());
    }
    if let Some(engine) = &args.engine {
        known_engine(project, engine)?;
    }
    let options = project.read_options(project.engine()?.dialect().engine(), screen.now());
    let (layout, _) = MigrationSet::layout_of(&folder, &options).map_err(|problem| Failure::usage(*problem))?;
    if let Some(version) = &args.snapshot {
        return snapshot::new(project, args, version, layout, screen);
    }
    let known = known(&folder, layout, &options);
    let description = description(&args.name);
    if description.is_empty() {
        return Err(Failure::usage(
            Diagnostic::error(codes::USAGE, "a migration needs a name of letters or digits")
                .help("like this: migrate new create_users"),
        ));
    }
    let id = identity(args, &description, &known, screen.now());
    let new = NewMigration { id, description, engine: args.engine.clone(), reversible: args.reversible };
    let files = layout.files(&new)?;
    let mut created = vec![];
    for file in &files {
        let path = target.join(&file.name);
        write(&path, &file.text)?;
        screen.line(&path.display().to_string());
        created.push(path.display().to_string());
    }
    Ok(Outcome::done(json!({ "id": new.id, "files": created })))
}

/// A file for an engine that nobody knows would be read as a migration for all.
fn known_engine(project: &Project<'_>, engine: &str) -> Result<(), Failure> {
    let known = [EngineNames::POSTGRES, EngineNames::MYSQL, EngineNames::MARIADB, EngineNames::SQLITE];
    let mut names: Vec<&str> = known.iter().flat_map(|engine| engine.names.iter().copied()).collect();
    names.extend(project.backends.iter().flat_map(|backend| backend.dialect().names.iter().copied()));
    if names.contains(&engine) {
        return Ok(());
    }
    names.sort_unstable();
    names.dedup();
    Err(Failure::usage(
        Diagnostic::error(codes::USAGE, format!("there is no engine `{engine}`"))
            .help(format!("there are: {}", names.join(", "))),
    ))
}

/// The identities in the folder, whatever else is wrong with it.
fn known(folder: &Folder, layout: &dyn Layout, options: &ReadOptions) -> Vec<MigrationId> {
    let reading = layout.read(folder, options);
    let mut known = reading.elsewhere;
    known.extend(reading.migrations.into_iter().map(|migration| migration.id));
    known.sort();
    known
}

fn identity(args: &NewArgs, description: &str, known: &[MigrationId], now: SystemTime) -> MigrationId {
    if args.repeatable {
        return MigrationId::repeatable(description.replace(' ', "_"));
    }
    if let Some(release) = &args.release {
        let (phase, first) = match args.phase {
            Some(PhaseArg::Post) => (Phase::Post, 50),
            _ => (Phase::Pre, 1),
        };
        let ordinals = known.iter().filter_map(|id| match id {
            MigrationId::Versioned { version, phase: its, ordinal } if version == release && *its == phase => {
                Some(*ordinal)
            }
            _ => None,
        });
        return MigrationId::versioned(release.clone(), phase, ordinals.max().map_or(first, |newest| newest + 1));
    }
    let newest = known.iter().rev().find_map(MigrationId::version);
    let text = if args.sequential { sequential(newest) } else { after(newest, &time(now)) };
    let version: Version = text.parse().unwrap_or_else(|_| Version::new([1]));
    MigrationId::versioned(version, Phase::Pre, 0)
}

/// The number after the newest one, as wide as that.
fn sequential(newest: Option<&Version>) -> String {
    let number = newest.and_then(|version| version.parts().first()).map_or(1, |number| number.saturating_add(1));
    let width = newest.map_or(NUMBER, |version| version.as_str().split('.').next().map_or(NUMBER, str::len));
    format!("{number:0width$}")
}

/// A time that is above the newest one, should that be from a clock that goes fast.
fn after(newest: Option<&Version>, time: &str) -> String {
    match newest.and_then(|version| version.parts().first()) {
        Some(number) if *number >= time.parse().unwrap_or(0) => number.saturating_add(1).to_string(),
        _ => time.to_owned(),
    }
}

/// `20261120103000` in UTC.
fn time(now: SystemTime) -> String {
    let instant = jiff::Timestamp::try_from(now).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    Offset::UTC.to_datetime(instant).strftime("%Y%m%d%H%M%S").to_string()
}

/// `Create-Users table` → `create users table`.
fn description(words: &[String]) -> String {
    let text = words.join(" ");
    let plain: String = text.chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    plain.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    // In some layouts a migration is a folder.
    if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
        std::fs::create_dir_all(folder).map_err(|error| uncreated(folder, &error))?;
    }
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| uncreated(path, &error))
}

fn uncreated(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(
        Diagnostic::error(codes::UNREADABLE, format!("cannot be created: {error}"))
            .at(Place::path(path.display().to_string()))
            .help("see where you are, or begin a project: migrate init"),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_new_migration_sorts_above_all_others() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_257_000);
        assert_eq!(time(now), "20261121103000");
        for (newest, expected) in [
            (None, "20261121103000"),
            (Some("7"), "20261121103000"),
            (Some("20261121103000"), "20261121103001"),
            (Some("20270101000000"), "20270101000001"),
            (Some("20261121103000000000"), "20261121103000000001"),
        ] {
            assert_eq!(after(newest.map(version).as_ref(), &time(now)), expected);
        }
        for (newest, expected) in
            [(None, "0001"), (Some("0009"), "0010"), (Some("99"), "100"), (Some("000034"), "000035")]
        {
            assert_eq!(sequential(newest.map(version).as_ref()), expected);
        }
    }

    #[test]
    fn a_name_is_words_however_it_is_typed() {
        for (typed, expected) in
            [("create_users", "create users"), ("Create-Users", "create users"), ("add größe", "add größe"), ("--", "")]
        {
            assert_eq!(description(&[typed.to_owned()]), expected);
        }
        assert_eq!(description(&["create".to_owned(), "users".to_owned()]), "create users");
    }
}
