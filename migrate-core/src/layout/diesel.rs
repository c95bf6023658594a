//! diesel: `2024-01-31-120000_create_users/up.sql`, and `down.sql` beside it.
//!
//! | | |
//! |---|---|
//! | names | a folder a migration; its version is what stands before the first `_`, without `-` |
//! | order | the tool compares versions as text; one that is merged late is run, as the tool does |
//! | pairing, down | `up.sql` and `down.sql` in the folder |
//! | transaction | one a migration; `run_in_transaction` in `metadata.toml` is for both directions, and a file that does not have the key means false |
//! | placeholders | none |
//! | refused | a folder with files but no `up.sql`, an empty `up.sql`, a version that is no number, versions whose order as text is not theirs as numbers |
//!
//! Source: diesel at commit 04cc1b0bc6, `diesel_migrations/src/file_based_migrations.rs` and
//! `diesel_migrations/migrations_internals/src/lib.rs`.

use super::detect::Evidence;
use super::draft::{Draft, foreign_way_back, without_transaction};
use super::name::{in_a_name, new_number, number, plain, words};
use super::subfolders::{Subfolder, loose_scripts, subfolders, without_script};
use super::{File, Folder, Late, Layout, NewFile, NewMigration, Reading};
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::set::ReadOptions;

/// diesel's layout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Diesel;

const TOOL: &str = "diesel";
/// Whether there is a transaction, in `metadata.toml`.
#[cfg(feature = "manifest")]
const KEY: &str = "run_in_transaction";

impl Layout for Diesel {
    fn name(&self) -> &'static str {
        TOOL
    }

    /// Folders that all have an `up.sql`, or its settings above folders of which some have one.
    fn signature(&self, folder: &Folder) -> Option<Evidence> {
        let names: Vec<_> = folder.subfolder_names().collect();
        let first = names.iter().find(|name| folder.file(&format!("{name}/up.sql")).is_some())?;
        if let Some(settings) = folder.above("diesel.toml") {
            return Some(Evidence::certain(format!("{first}/up.sql and {}", settings.path())));
        }
        let all = subfolders(folder).iter().all(|subfolder| subfolder.file("up.sql").is_some());
        all.then(|| Evidence::certain(format!("{first}/up.sql")))
    }

    fn late(&self) -> Late {
        Late::Runs
    }

    fn reads_subfolders(&self) -> bool {
        true
    }

    fn read(&self, folder: &Folder, options: &ReadOptions) -> Reading {
        let mut reading = Reading { diagnostics: folder.tree().problems.clone(), ..Reading::default() };
        loose_scripts(folder, TOOL, "up.sql", &mut reading);
        let mut keys = Vec::new();
        for subfolder in subfolders(folder) {
            let Some(draft) = draft(&subfolder, &mut reading) else { continue };
            keys.push((digits(subfolder.name), draft.id.clone(), subfolder.path()));
            let problem = foreign_way_back(&draft.up, &draft.title(), self);
            reading.diagnostics.extend(problem);
            reading.take(draft, &options.engine);
        }
        reading.check_text_order(TOOL, keys);
        reading.without_twins()
    }

    fn files(&self, new: &NewMigration) -> Result<Vec<NewFile>, Box<Diagnostic>> {
        let version = new_number(new, TOOL, u128::MAX)?;
        let folder = format!("{}_{}", dashed(version.as_str()), in_a_name(&new.description));
        let file = |name: &str| NewFile { name: format!("{folder}/{name}"), text: String::new() };
        Ok(if new.reversible { vec![file("up.sql"), file("down.sql")] } else { vec![file("up.sql")] })
    }
}

/// What the tool stores of a name.
fn digits(name: &str) -> String {
    name.split('_').next().unwrap_or_default().replace('-', "")
}

/// `20240131120000` as the tool writes the time of a new migration.
fn dashed(version: &str) -> String {
    if version.len() != 14 {
        return version.to_owned();
    }
    format!("{}-{}-{}-{}", &version[..4], &version[4..6], &version[6..8], &version[8..])
}

fn draft(subfolder: &Subfolder<'_>, reading: &mut Reading) -> Option<Draft> {
    let Some(up) = subfolder.file("up.sql") else {
        reading.diagnostics.push(without_script(subfolder, TOOL, "up.sql"));
        return None;
    };
    let Some(version) = number(&digits(subfolder.name), u128::MAX) else {
        let message = format!("{}: `{}` is no version that is a number", subfolder.name, digits(subfolder.name));
        reading.diagnostics.push(
            Diagnostic::error(codes::NEAR_MISS_NAME, message)
                .at(Place::path(subfolder.path()))
                .help("a version is what stands before the first `_`, like 2024-01-31-120000"),
        );
        return None;
    };
    let description = subfolder.name.split_once('_').map_or("", |(_, description)| description);
    let up = reading.text(up)?;
    let mut draft = Draft::new(plain(version), words(description), up);
    if draft.up.text().is_empty() {
        reading.diagnostics.push(
            Diagnostic::error(
                codes::NO_STATEMENT,
                format!("{}: has an empty up.sql, which {TOOL} does not run", draft.title()),
            )
            .at(Place::path(draft.up.path()))
            .help("write a comment into it if nothing is to be done"),
        );
    }
    draft.down = subfolder.file("down.sql").and_then(|down| reading.text(down));
    if let Some(metadata) = subfolder.file("metadata.toml")
        && !in_transaction(metadata, &draft.title(), reading)
    {
        draft.attributes.run = without_transaction();
        draft.attributes.down = without_transaction();
    }
    Some(draft)
}

/// Nothing says what stands in `metadata.toml`.
#[cfg(not(feature = "manifest"))]
fn in_transaction(file: &File, _title: &str, reading: &mut Reading) -> bool {
    reading.unread(file.name(), &file.path());
    true
}

/// What `metadata.toml` says. The tool takes a file without the key for a false, and one that is no TOML for a true.
#[cfg(feature = "manifest")]
fn in_transaction(file: &File, title: &str, reading: &mut Reading) -> bool {
    use toml::Spanned;
    use toml::de::{DeTable, DeValue};

    let Some(source) = reading.text(file) else { return true };
    let warning = |message: String| {
        Diagnostic::warning(codes::FOREIGN_FILE, format!("{title}: {message}")).at(Place::path(source.path()))
    };
    let Ok(table) = DeTable::parse(source.text()) else {
        reading.diagnostics.push(
            warning(format!("metadata.toml is no TOML, so {TOOL} runs the migration in a transaction"))
                .help("correct it, or take it away"),
        );
        return true;
    };
    if let Some(DeValue::Boolean(value)) = table.get_ref().get(KEY).map(Spanned::get_ref) {
        return *value;
    }
    reading.diagnostics.push(
        warning(format!("metadata.toml does not say {KEY}, so {TOOL} runs the migration without a transaction"))
            .help(format!("say what is meant: {KEY} = true")),
    );
    false
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;
    use crate::layout::testing::{decision, names_read_back, shown};

    #[test]
    fn folders_are_read() {
        assert_snapshot!(shown(&Diesel, &[
            (".keep", ""),
            ("00000000000000_diesel_initial_setup/up.sql", "select 1;"),
            ("00000000000000_diesel_initial_setup/down.sql", "select 2;"),
            ("2024-01-31-120000_create_users/up.sql", "create table users (id int);"),
            ("2024-01-31-120000_create_users/down.sql", "drop table users;"),
            ("2024-02-01-120000_index/up.sql", "create index concurrently i on users (id);"),
            ("2024-02-01-120000_index/metadata.toml", "run_in_transaction = false\n"),
        ]), @"
        00000000000000 diesel initial setup: m/00000000000000_diesel_initial_setup/up.sql <- m/00000000000000_diesel_initial_setup/down.sql
        20240131120000 create users: m/2024-01-31-120000_create_users/up.sql <- m/2024-01-31-120000_create_users/down.sql
        20240201120000 index: m/2024-02-01-120000_index/up.sql (no transaction, no transaction back)
        ");
    }

    #[test]
    fn metadata_bites_where_its_key_is_missing() {
        assert_snapshot!(shown(&Diesel, &[
            ("1_a/up.sql", "select 1;"),
            ("1_a/metadata.toml", "# nothing yet\n"),
            ("2_b/up.sql", "select 1;"),
            ("2_b/metadata.toml", "run_in_transaction = \n"),
            ("3_c/up.sql", "select 1;"),
            ("3_c/metadata.toml", "run_in_transaction = true\n"),
        ]), @"
        1 a: m/1_a/up.sql (no transaction, no transaction back)
        2 b: m/2_b/up.sql
        3 c: m/3_c/up.sql
        warning[M0019]: 1 a: metadata.toml does not say run_in_transaction, so diesel runs the migration without a transaction
          --> m/1_a/metadata.toml
           = say what is meant: run_in_transaction = true
        warning[M0019]: 2 b: metadata.toml is no TOML, so diesel runs the migration in a transaction
          --> m/2_b/metadata.toml
           = correct it, or take it away
        ");
    }

    #[test]
    fn what_is_wrong_with_folders_is_said() {
        assert_snapshot!(shown(&Diesel, &[
            ("9_a/up.sql", "select 1;"),
            ("10_b/up.sql", "select 1;"),
            ("2024-01-31-1_c/up.sql", "select 1;"),
            ("20240131-1_d/up.sql", "select 1;"),
            ("5_e/Up.sql", "select 1;"),
            ("f/up.sql", "select 1;"),
            ("6_g/up.sql", ""),
            ("7_h.sql", "select 1;"),
        ]), @"
        6 g: m/6_g/up.sql
        9 a: m/9_a/up.sql
        10 b: m/10_b/up.sql
        202401311 c: m/2024-01-31-1_c/up.sql
        warning[M0001]: 7_h.sql: is not read: a migration of diesel is a folder with up.sql in it
          --> m/7_h.sql
           = if it is a migration, give it a folder of its own
        error[M0001]: 5_e: holds no up.sql, and diesel stops at it
          --> m/5_e
           = if it is no migration, move it out of the folder
        error[M0011]: 6 g: has an empty up.sql, which diesel does not run
          --> m/6_g/up.sql
           = write a comment into it if nothing is to be done
        error[M0001]: f: `f` is no version that is a number
          --> m/f
           = a version is what stands before the first `_`, like 2024-01-31-120000
        error[M0201]: 6: diesel runs it after 202401311, because it compares text; as numbers it comes first
          --> m/6_g
           = an order that depends on how many digits a version has cannot be kept
           = where nothing is applied yet, write all versions with the same number of digits
        error[M0002]: 202401311 d: two files claim this identity
          --> m/20240131-1_d/up.sql
           = the other one is m/2024-01-31-1_c/up.sql
           = give the newer one a higher version; one that is applied anywhere keeps its name
        ");
    }

    #[test]
    fn folders_with_an_up_decide() {
        let files = [("2024-01-31-120000_a/up.sql", ""), ("2024-01-31-120000_a/down.sql", "")];
        assert_eq!(decision(&files, &[]), "diesel: 2024-01-31-120000_a/up.sql");
        let more = [("1_a/up.sql", ""), ("b/notes.txt", "")];
        assert_eq!(decision(&more, &[]), "native");
        assert_eq!(decision(&more, &[("diesel.toml", "")]), "diesel: 1_a/up.sql and diesel.toml");
    }

    proptest! {
        #[test]
        fn a_new_migration_reads_back(number: u128, words in "[a-zà-ü0-9]{0,6}( [a-z-]{1,6}){0,3}", reversible: bool) {
            names_read_back(&Diesel, &number.to_string(), &words, reversible);
        }
    }
}
