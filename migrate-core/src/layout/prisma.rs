//! Prisma Migrate: `20240131120000_create_users/migration.sql`.
//!
//! | | |
//! |---|---|
//! | names | a folder a migration, `VERSION_NAME`; its whole name is its identity to the tool |
//! | order | the tool compares names as text; one that is merged late is run, as `migrate deploy` does |
//! | down | none; a `down.sql` in the folder is never run by the tool, and not here |
//! | transaction | none of the tool's; what can be one is one here |
//! | placeholders | none |
//! | refused | a folder without `migration.sql`, a name that does not begin with a number, names whose order as text is not theirs as numbers |
//!
//! Two folders may have one version: the second is `…/pre/01`, in the order of their names.
//!
//! Source: prisma-engines, `schema-connector/src/migrations_directory.rs` and
//! `schema-core/src/commands/apply_migrations.rs`.

use super::detect::Evidence;
use super::draft::{Draft, foreign_way_back};
use super::name::{forward_only, in_a_name, leading_digits, new_number, number, words};
use super::subfolders::{Subfolder, loose_scripts, subfolders, without_script};
use super::{Folder, Late, Layout, NewFile, NewMigration, Reading};
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::migration::{MigrationId, Phase};
use crate::set::ReadOptions;
use crate::version::Version;

/// Prisma's layout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prisma;

const TOOL: &str = "Prisma";
const SCRIPT: &str = "migration.sql";
/// It names the engine, and stands in every folder of the tool's migrations.
const LOCK: &str = "migration_lock.toml";

impl Layout for Prisma {
    fn name(&self) -> &'static str {
        "prisma"
    }

    /// Its lock file beside folders with scripts.
    fn signature(&self, folder: &Folder) -> Option<Evidence> {
        folder.file(LOCK)?;
        let first = folder.subfolder_names().find(|name| folder.file(&format!("{name}/{SCRIPT}")).is_some())?;
        Some(Evidence::certain(format!("{LOCK} and {first}/{SCRIPT}")))
    }

    fn late(&self) -> Late {
        Late::Runs
    }

    fn reads_subfolders(&self) -> bool {
        true
    }

    fn read(&self, folder: &Folder, options: &ReadOptions) -> Reading {
        let mut reading = Reading { diagnostics: folder.tree().problems.clone(), ..Reading::default() };
        loose_scripts(folder, TOOL, SCRIPT, &mut reading);
        provider(folder, options, &mut reading);
        let mut keys = Vec::new();
        let mut last = None;
        for subfolder in subfolders(folder) {
            let Some((version, description)) = named(&subfolder, &mut reading) else { continue };
            let Some(script) = subfolder.file(SCRIPT) else {
                reading.diagnostics.push(without_script(&subfolder, TOOL, SCRIPT));
                continue;
            };
            let id = successor(last.as_ref(), version);
            last = Some(id.clone());
            keys.push((subfolder.name.to_owned(), id.clone(), subfolder.path()));
            let Some(up) = reading.text(script) else { continue };
            let draft = Draft::new(id, description, up);
            let problem = foreign_way_back(&draft.up, &draft.title(), self);
            reading.diagnostics.extend(problem);
            unread_down(&subfolder, &draft.title(), &mut reading);
            reading.take(draft, &options.engine);
        }
        reading.check_text_order(TOOL, keys);
        reading.without_twins()
    }

    fn files(&self, new: &NewMigration) -> Result<Vec<NewFile>, Box<Diagnostic>> {
        let version = new_number(new, TOOL, u128::MAX)?;
        forward_only(new, TOOL)?;
        let name = format!("{version}_{}/{SCRIPT}", in_a_name(&new.description));
        Ok(vec![NewFile { name, text: String::new() }])
    }
}

/// Names have their version and their words; the number before the first `_` is the version.
fn named(subfolder: &Subfolder<'_>, reading: &mut Reading) -> Option<(Version, String)> {
    let parsed = leading_digits(subfolder.name).and_then(|(digits, rest)| {
        let description = rest.strip_prefix('_').or(rest.is_empty().then_some(""))?;
        Some((number(digits, u128::MAX)?, words(description)))
    });
    if parsed.is_none() {
        reading.diagnostics.push(
            Diagnostic::error(
                codes::NEAR_MISS_NAME,
                format!(
                    "{}: does not begin with a number and `_`, so it has no place in the order here",
                    subfolder.name
                ),
            )
            .at(Place::path(subfolder.path()))
            .help("the names are VERSION_NAME, like 20240131120000_create_users"),
        );
    }
    parsed
}

/// The identity of the next folder: its version, and its place among those of that version.
pub(super) fn successor(last: Option<&MigrationId>, version: Version) -> MigrationId {
    let ordinal = match last {
        Some(MigrationId::Versioned { version: last, ordinal, .. }) if *last == version => ordinal + 1,
        _ => 0,
    };
    MigrationId::versioned(version, Phase::Pre, ordinal)
}

/// The engine that the tool made the files for, where it is another one.
fn provider(folder: &Folder, options: &ReadOptions, reading: &mut Reading) {
    let Some(lock) = folder.file(LOCK) else { return };
    let Some(source) = reading.text(&lock) else { return };
    let stated = source.text().lines().find_map(|line| {
        let value = line.trim().strip_prefix("provider")?.trim_start().strip_prefix('=')?;
        Some(value.trim().trim_matches('"').to_owned())
    });
    let names = options.engine.names;
    if let Some(provider) = stated.filter(|provider| !names.contains(&provider.as_str())) {
        let engine = names.first().copied().unwrap_or_default();
        reading.diagnostics.push(
            Diagnostic::warning(
                codes::FOREIGN_FILE,
                format!("{LOCK}: says that the scripts are for {provider}, and they are read for {engine}"),
            )
            .at(Place::path(lock.path())),
        );
    }
}

fn unread_down(subfolder: &Subfolder<'_>, title: &str, reading: &mut Reading) {
    if let Some(down) = subfolder.file("down.sql") {
        reading.diagnostics.push(
            Diagnostic::note(
                codes::FOREIGN_FILE,
                format!("{title}: has a down.sql, which {TOOL} never runs: it is not read"),
            )
            .at(Place::path(down.path())),
        );
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;
    use crate::layout::testing::{decision, names_read_back, shown};

    const POSTGRES: (&str, &str) = (LOCK, "# do not edit\nprovider = \"postgresql\"\n");

    #[test]
    fn folders_are_read_by_their_names() {
        assert_snapshot!(shown(&Prisma, &[
            POSTGRES,
            ("0_init/migration.sql", "create table users (id int);"),
            ("20240131120000_add_email/migration.sql", "alter table users add email text;"),
            ("20240131120000_add_phone/migration.sql", "alter table users add phone text;"),
            ("20240131120000_add_phone/down.sql", "alter table users drop phone;"),
            ("20240201120000/migration.sql", "select 1;"),
        ]), @"
        0 init: m/0_init/migration.sql
        20240131120000 add email: m/20240131120000_add_email/migration.sql
        20240131120000/pre/01 add phone: m/20240131120000_add_phone/migration.sql
        20240201120000: m/20240201120000/migration.sql
        note[M0019]: 20240131120000/pre/01 add phone: has a down.sql, which Prisma never runs: it is not read
          --> m/20240131120000_add_phone/down.sql
        ");
    }

    #[test]
    fn what_is_wrong_with_folders_is_said() {
        assert_snapshot!(shown(&Prisma, &[
            (LOCK, "provider = \"mysql\"\n"),
            ("9_a/migration.sql", "select 1;"),
            ("10_b/migration.sql", "select 1;"),
            ("init/migration.sql", "select 1;"),
            ("3_c/steps.json", "{}"),
            ("4_d.sql", "select 1;"),
        ]), @"
        9 a: m/9_a/migration.sql
        10 b: m/10_b/migration.sql
        warning[M0001]: 4_d.sql: is not read: a migration of Prisma is a folder with migration.sql in it
          --> m/4_d.sql
           = if it is a migration, give it a folder of its own
        warning[M0019]: migration_lock.toml: says that the scripts are for mysql, and they are read for postgres
          --> m/migration_lock.toml
        error[M0001]: 3_c: holds no migration.sql, and Prisma stops at it
          --> m/3_c
           = if it is no migration, move it out of the folder
        error[M0001]: init: does not begin with a number and `_`, so it has no place in the order here
          --> m/init
           = the names are VERSION_NAME, like 20240131120000_create_users
        error[M0201]: 9_a: Prisma runs it after 10_b, because it compares text; as numbers it comes first
          --> m/9_a
           = an order that depends on how many digits a version has cannot be kept
           = where nothing is applied yet, write all versions with the same number of digits
        ");
    }

    #[test]
    fn its_lock_file_decides() {
        let files = [POSTGRES, ("1_a/migration.sql", "")];
        assert_eq!(decision(&files, &[]), "prisma: migration_lock.toml and 1_a/migration.sql");
    }

    proptest! {
        #[test]
        fn a_new_migration_reads_back(number: u128, words in "[a-zà-ü0-9]{0,6}( [a-z-]{1,6}){0,3}") {
            names_read_back(&Prisma, &number.to_string(), &words, false);
        }
    }
}
