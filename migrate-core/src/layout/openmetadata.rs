//! OpenMetadata's own migrations: `native/1.6.0/postgres/schemaChanges.sql` and its Flyway era beside it.
//!
//! | | |
//! |---|---|
//! | names | `VERSION/ENGINE/schemaChanges.sql` and `VERSION/ENGINE/postDataMigrationSQLScript.sql`, the version three numbers or more and perhaps a suffix; `flyway/DRIVER/v001__x.sql` is version `0.0.1` |
//! | order | by version, an extension's after the one it extends; within a version the changes of the schema, the data, what comes after the data |
//! | parts | ordinals of one version: schema 1, after the data 3; 2 is the tool's Java in between, of which no file tells |
//! | engines | folders `mysql` (MariaDB too) and `postgres`; of another engine's versions it is said that they are elsewhere |
//! | transaction | none of the tool's, which writes down each statement; here what can be one is one |
//! | way back, placeholders | none |
//! | repeated statements | the tool runs a text once, whatever version repeats it; here each file runs as it is |
//!
//! Source: OpenMetadata at commit 636b0663, `MigrationFile`, `MigrationProcessImpl` and `FlywayMigrationFile`.

use std::collections::BTreeMap;

use super::detect::Evidence;
use super::draft::Draft;
use super::name::{plain, strip_ending, words};
use super::subfolders::loose_script;
use super::{EngineNames, File, Folder, Layout, NewFile, NewMigration, Reading};
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::migration::{MigrationId, Phase};
use crate::set::ReadOptions;
use crate::version::Version;

/// The layout of OpenMetadata's `bootstrap/sql/migrations`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Openmetadata;

const TOOL: &str = "OpenMetadata";
const SCHEMA: &str = "schemaChanges.sql";
const AFTER_DATA: &str = "postDataMigrationSQLScript.sql";
/// The Java between them would be 2.
const PARTS: [(&str, u32, &str); 2] = [(SCHEMA, 1, "schema changes"), (AFTER_DATA, 3, "after the data migration")];
const DRIVERS: [(&str, &str); 2] = [("com.mysql.cj.jdbc.Driver", "mysql"), ("org.postgresql.Driver", "postgres")];

/// What a file is by its path.
#[derive(Debug, PartialEq, Eq)]
enum Found<'n> {
    /// A part of a version.
    Part { version: Version, engine: &'n str, ordinal: u32, description: &'static str },
    /// Of the Flyway era.
    Flyway { version: Version, engine: &'static str, description: String },
    /// SQL in a place where parts are.
    Stray,
    /// Nothing of the tool's.
    Other,
}

impl Layout for Openmetadata {
    fn name(&self) -> &'static str {
        "openmetadata"
    }

    fn signature(&self, folder: &Folder) -> Option<Evidence> {
        let is_part = |file: &&File| matches!(place(file.name()), Found::Part { .. });
        let file = folder.tree().files.iter().find(is_part)?;
        Some(Evidence::certain(file.name()))
    }

    fn reads_subfolders(&self) -> bool {
        true
    }

    fn read(&self, folder: &Folder, options: &ReadOptions) -> Reading {
        let mut reading = Reading::default();
        reading.diagnostics.extend(folder.tree().problems.iter().cloned());
        let ours = ours(&options.engine);
        // For each part the engines that have it.
        let mut elsewhere: BTreeMap<MigrationId, bool> = BTreeMap::new();
        for file in &folder.tree().files {
            let (id, engine, description) = match place(file.name()) {
                Found::Part { version, engine, ordinal, description } => {
                    (MigrationId::versioned(version, Phase::Pre, ordinal), engine, description.to_owned())
                }
                Found::Flyway { version, engine, description } => (plain(version), engine, description),
                Found::Stray => {
                    reading.diagnostics.push(stray(file));
                    continue;
                }
                Found::Other => {
                    let loose = loose_script(file, TOOL, "ENGINE/schemaChanges.sql");
                    reading.diagnostics.extend(loose.filter(|_| file.subfolder().is_empty()));
                    continue;
                }
            };
            let is_ours = Some(engine) == ours;
            *elsewhere.entry(id.clone()).or_default() |= is_ours;
            if is_ours && let Some(source) = reading.text(file) {
                reading.take(Draft::new(id, description, source), &options.engine);
            }
        }
        reading.elsewhere.extend(elsewhere.into_iter().filter(|(_, is_ours)| !is_ours).map(|(id, _)| id));
        reading.without_twins()
    }

    fn files(&self, new: &NewMigration) -> Result<Vec<NewFile>, Box<Diagnostic>> {
        let refused = |message: String| Err(Box::new(Diagnostic::error(codes::USAGE, message)));
        if new.reversible {
            return refused(format!("{}: {TOOL} has no ways back", new.id));
        }
        let MigrationId::Versioned { version, phase: Phase::Pre, ordinal } = &new.id else {
            return refused(format!("{}: {TOOL} has neither repeatables nor phases", new.id));
        };
        let part = PARTS.iter().find(|(_, number, _)| number == ordinal || (*ordinal == 0 && *number == 1));
        let (Some((name, ..)), true) = (part, is_version(version.as_str())) else {
            return refused(format!(
                "{}: a migration of {TOOL} is a version of three numbers, the changes of the schema (01) or what comes after the data (03)",
                new.id
            ));
        };
        let engines = match new.engine.as_deref() {
            None => vec!["mysql", "postgres"],
            Some("mariadb") => vec!["mysql"],
            Some("postgresql") => vec!["postgres"],
            Some(engine @ ("mysql" | "postgres")) => vec![engine],
            Some(engine) => return refused(format!("{}: {TOOL} has no files for {engine}", new.id)),
        };
        let file = |engine: &str| NewFile { name: format!("{version}/{engine}/{name}"), text: String::new() };
        Ok(engines.into_iter().map(file).collect())
    }
}

/// The folder of an engine.
fn ours(engine: &EngineNames) -> Option<&'static str> {
    ["mysql", "postgres"].into_iter().find(|name| engine.names.contains(name))
}

fn place(name: &str) -> Found<'_> {
    let parts: Vec<&str> = name.split('/').collect();
    match parts.as_slice() {
        [.., version, engine @ ("mysql" | "postgres"), file] if is_version(version) => {
            let Ok(version) = version.parse() else { return Found::Stray };
            match PARTS.iter().find(|(name, ..)| name == file) {
                Some((_, ordinal, description)) => Found::Part { version, engine, ordinal: *ordinal, description },
                None if file.to_ascii_lowercase().ends_with(".sql") => Found::Stray,
                None => Found::Other,
            }
        }
        [.., driver, file] => {
            let Some((_, engine)) = DRIVERS.iter().find(|(name, _)| name == driver) else { return Found::Other };
            match flyway(file) {
                Some((version, description)) => Found::Flyway { version, engine, description },
                None if file.to_ascii_lowercase().ends_with(".sql") => Found::Stray,
                None => Found::Other,
            }
        }
        _ => Found::Other,
    }
}

/// `1.6.0`, `1.6.0.1`, `1.6.0-collate`.
fn is_version(text: &str) -> bool {
    let (numbers, suffix) = text.split_once('-').unwrap_or((text, "x"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    numbers.split('.').count() >= 3
        && numbers.split('.').all(is_number)
        && !suffix.is_empty()
        && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// `v001__create_db.sql` → version `0.0.1`.
fn flyway(file: &str) -> Option<(Version, String)> {
    let (version, description) = strip_ending(file, ".sql")?.strip_prefix(['v', 'V'])?.split_once("__")?;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let version = version.split('.').all(is_number).then(|| format!("0.0.{version}").parse().ok())??;
    Some((version, words(description)))
}

fn stray(file: &File) -> Diagnostic {
    Diagnostic::warning(codes::NEAR_MISS_NAME, format!("{}: is not read, because {TOOL} does not read it", file.name()))
        .at(Place::path(file.path()))
        .help(format!("in the folder of an engine it reads {SCHEMA} and {AFTER_DATA}"))
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;
    use crate::layout::testing::{decision, shown_for};

    const FILES: &[(&str, &str)] = &[
        ("native/1.1.0/mysql/schemaChanges.sql", "create table a (n int);"),
        ("native/1.1.0/postgres/schemaChanges.sql", "create table a (n int);"),
        ("native/1.1.0/postgres/postDataMigrationSQLScript.sql", "update a set n = 1;"),
        ("native/1.10.0/postgres/schemaChanges.sql", ""),
        ("native/1.9.0.1/postgres/schemaChanges.sql", "select 1;"),
        ("native/1.9.0-collate/postgres/schemaChanges.sql", "select 1;"),
        ("native/1.9.0/postgres/schemaChanges.sql", "select 1;"),
        ("native/1.9.0/postgres/postDataMigration.sql", "select 1;"),
        ("native/1.9.0/postgres/schemaChanges.sql.orig", "select 1;"),
        ("native/1.9.0/data/lists.json", "{}"),
        ("native/1.2/postgres/schemaChanges.sql", "select 1;"),
        ("flyway/org.postgresql.Driver/v001__create_db_connection_info.sql", "select 1;"),
        ("flyway/org.postgresql.Driver/v010__later.sql", "select 1;"),
        ("flyway/com.mysql.cj.jdbc.Driver/v001__create_db_connection_info.sql", "select 1;"),
        ("flyway/com.mysql.cj.jdbc.Driver/v002__only_here.sql", "select 1;"),
    ];

    #[test]
    fn versions_have_parts_for_each_engine() {
        assert_snapshot!(shown_for(&Openmetadata, EngineNames::POSTGRES, FILES), @"
        0.0.001 create db connection info: m/flyway/org.postgresql.Driver/v001__create_db_connection_info.sql
        0.0.010 later: m/flyway/org.postgresql.Driver/v010__later.sql
        1.1.0/pre/01 schema changes: m/native/1.1.0/postgres/schemaChanges.sql
        1.1.0/pre/03 after the data migration: m/native/1.1.0/postgres/postDataMigrationSQLScript.sql
        1.9.0/pre/01 schema changes: m/native/1.9.0/postgres/schemaChanges.sql
        1.9.0-collate/pre/01 schema changes: m/native/1.9.0-collate/postgres/schemaChanges.sql
        1.9.0.1/pre/01 schema changes: m/native/1.9.0.1/postgres/schemaChanges.sql
        1.10.0/pre/01 schema changes: m/native/1.10.0/postgres/schemaChanges.sql
        warning[M0001]: native/1.9.0/postgres/postDataMigration.sql: is not read, because OpenMetadata does not read it
          --> m/native/1.9.0/postgres/postDataMigration.sql
           = in the folder of an engine it reads schemaChanges.sql and postDataMigrationSQLScript.sql
        ");
        assert_snapshot!(shown_for(&Openmetadata, EngineNames::MARIADB, FILES), @"
        0.0.001 create db connection info: m/flyway/com.mysql.cj.jdbc.Driver/v001__create_db_connection_info.sql
        0.0.002 only here: m/flyway/com.mysql.cj.jdbc.Driver/v002__only_here.sql
        1.1.0/pre/01 schema changes: m/native/1.1.0/mysql/schemaChanges.sql
        warning[M0001]: native/1.9.0/postgres/postDataMigration.sql: is not read, because OpenMetadata does not read it
          --> m/native/1.9.0/postgres/postDataMigration.sql
           = in the folder of an engine it reads schemaChanges.sql and postDataMigrationSQLScript.sql
        ");
        let folder = Folder::embedded("m", FILES.iter().copied());
        let elsewhere = |engine| Openmetadata.read(&folder, &ReadOptions::new(engine)).elsewhere.len();
        assert_eq!(
            (elsewhere(EngineNames::POSTGRES), elsewhere(EngineNames::MYSQL), elsewhere(EngineNames::SQLITE)),
            (1, 6, 9)
        );
    }

    #[test]
    fn the_folder_of_a_version_makes_it_openmetadatas() {
        assert_eq!(decision(FILES, &[]), "openmetadata: native/1.1.0/mysql/schemaChanges.sql");
        assert_eq!(decision(&[("1.1/postgres/schemaChanges.sql", "")], &[]), "native");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_named_reads_back(
            version in "[0-9]{1,3}(\\.[0-9]{1,3}){2,3}(-[a-z]{1,6})?",
            ordinal in prop::sample::select(&[1_u32, 3][..]),
            mysql: bool,
        ) {
            let id = MigrationId::versioned(version.parse().unwrap(), Phase::Pre, ordinal);
            let new = NewMigration { id: id.clone(), description: String::new(), engine: None, reversible: false };
            let files = Openmetadata.files(&new).unwrap();
            let folder = Folder::embedded("m", files.into_iter().map(|file| (file.name, file.text)));
            let engine = if mysql { EngineNames::MARIADB } else { EngineNames::POSTGRES };
            let reading = Openmetadata.read(&folder, &ReadOptions::new(engine));
            prop_assert_eq!(&reading.diagnostics, &[]);
            let ids: Vec<_> = reading.migrations.iter().map(|migration| &migration.id).collect();
            prop_assert_eq!(ids, [&id]);
        }
    }
}
