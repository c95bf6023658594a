//! `rusqlite_migration`: `1-create_users/up.sql`, and `down.sql` beside it.
//!
//! | | |
//! |---|---|
//! | names | a folder a migration, `NUMBER-NAME`, the numbers consecutive from 1 |
//! | order | by number, which is also the place; nothing can come late |
//! | pairing, down | `up.sql` and `down.sql` in the folder |
//! | transaction | the tool runs everything that is pending in one; here each migration is one of its own |
//! | placeholders | none |
//! | refused | a gap in the numbers, two folders with one number, a folder without `up.sql` |
//!
//! What is written in code (`M::up("…")`, hooks, checks of foreign keys) is not in a folder and not read.
//!
//! Source: `rusqlite_migration` at commit 5288a2bbac, `src/loader.rs`.

use super::detect::Evidence;
use super::draft::{Draft, foreign_way_back};
use super::name::{in_a_name, leading_digits, new_number, number, plain};
use super::subfolders::{Subfolder, loose_scripts, subfolders, without_script};
use super::{Folder, Layout, NewFile, NewMigration, Reading};
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::set::ReadOptions;

/// The layout of `rusqlite_migration`'s folders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RusqliteMigration;

const TOOL: &str = "rusqlite_migration";
/// `PRAGMA user_version` is what it counts with.
const LARGEST: u128 = i32::MAX as u128;

impl Layout for RusqliteMigration {
    fn name(&self) -> &'static str {
        TOOL
    }

    /// Every folder is `NUMBER-NAME` with an `up.sql`, from 1 without a gap.
    fn signature(&self, folder: &Folder) -> Option<Evidence> {
        let mut numbers = Vec::new();
        for name in folder.subfolder_names() {
            let (digits, rest) = leading_digits(&name)?;
            folder.file(&format!("{name}/up.sql"))?;
            numbers.push(digits.parse::<usize>().ok().filter(|_| rest.starts_with('-') && rest.len() > 1)?);
        }
        numbers.sort_unstable();
        let is_consecutive = !numbers.is_empty() && numbers.iter().copied().eq(1..=numbers.len());
        is_consecutive.then(|| Evidence::certain("folders 1-NAME, 2-NAME … with up.sql"))
    }

    fn reads_subfolders(&self) -> bool {
        true
    }

    fn read(&self, folder: &Folder, options: &ReadOptions) -> Reading {
        let mut reading = Reading { diagnostics: folder.tree().problems.clone(), ..Reading::default() };
        loose_scripts(folder, TOOL, "up.sql", &mut reading);
        for subfolder in subfolders(folder) {
            let Some(draft) = draft(&subfolder, &mut reading) else { continue };
            let problem = foreign_way_back(&draft.up, &draft.title(), self);
            reading.diagnostics.extend(problem);
            reading.take(draft, &options.engine);
        }
        let mut reading = reading.without_twins();
        gaps(&mut reading);
        reading
    }

    fn files(&self, new: &NewMigration) -> Result<Vec<NewFile>, Box<Diagnostic>> {
        let version = new_number(new, TOOL, LARGEST)?;
        let description = in_a_name(&new.description);
        if description.is_empty() || version.parts().is_empty() {
            let message = format!("{}: a migration of {TOOL} has a number from 1 and a name", new.id);
            return Err(Box::new(Diagnostic::error(codes::USAGE, message)));
        }
        let file = |name: &str| NewFile { name: format!("{version}-{description}/{name}"), text: String::new() };
        Ok(if new.reversible { vec![file("up.sql"), file("down.sql")] } else { vec![file("up.sql")] })
    }
}

fn draft(subfolder: &Subfolder<'_>, reading: &mut Reading) -> Option<Draft> {
    let parsed = leading_digits(subfolder.name).and_then(|(digits, rest)| {
        let description = rest.strip_prefix('-').filter(|description| !description.is_empty())?;
        Some((number(digits, LARGEST).filter(|version| !version.parts().is_empty())?, description))
    });
    let Some((version, description)) = parsed else {
        reading.diagnostics.push(
            Diagnostic::error(
                codes::NEAR_MISS_NAME,
                format!("{}: is not a name of {TOOL}, which stops at it", subfolder.name),
            )
            .at(Place::path(subfolder.path()))
            .help("the names are NUMBER-NAME, like 1-create_users"),
        );
        return None;
    };
    let Some(up) = subfolder.file("up.sql") else {
        reading.diagnostics.push(without_script(subfolder, TOOL, "up.sql"));
        return None;
    };
    let up = reading.text(up)?;
    let mut draft = Draft::new(plain(version), description.replace('_', " "), up);
    draft.down = subfolder.file("down.sql").and_then(|down| reading.text(down));
    Some(draft)
}

/// The tool counts what it applied, so a number is also a place.
fn gaps(reading: &mut Reading) {
    let mut numbers: Vec<_> = reading.migrations.iter().map(|migration| (&migration.id, migration)).collect();
    numbers.sort_by_key(|(id, _)| *id);
    let mut problems = Vec::new();
    for (place, (id, migration)) in numbers.into_iter().enumerate() {
        let expected = place + 1;
        if id.version().is_none_or(|version| version.parts() != [expected as u128]) {
            problems.push(
                Diagnostic::error(
                    codes::NEAR_MISS_NAME,
                    format!("{}: is number {expected} in the folder, and {TOOL} takes no gaps", migration.title()),
                )
                .at(Place::path(migration.up.path()))
                .help(format!("the one before it, number {expected}, is missing")),
            );
            break;
        }
    }
    reading.diagnostics.extend(problems);
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;
    use crate::layout::EngineNames;
    use crate::layout::testing::{decision, names_read_back, shown_for};

    fn shown(files: &[(&str, &str)]) -> String {
        shown_for(&RusqliteMigration, EngineNames::SQLITE, files)
    }

    #[test]
    fn folders_are_read_by_their_numbers() {
        assert_snapshot!(shown(&[
            ("1-users/up.sql", "create table users (id integer primary key);"),
            ("1-users/down.sql", "drop table users;"),
            ("02-add_email/up.sql", "alter table users add email text;"),
            ("10-j/up.sql", "select 1;"),
            ("03-c/up.sql", "select 1;"),
        ]), @"
        1 users: m/1-users/up.sql <- m/1-users/down.sql
        02 add email: m/02-add_email/up.sql
        03 c: m/03-c/up.sql
        10 j: m/10-j/up.sql
        error[M0001]: 10 j: is number 4 in the folder, and rusqlite_migration takes no gaps
          --> m/10-j/up.sql
           = the one before it, number 4, is missing
        ");
    }

    #[test]
    fn what_is_wrong_with_folders_is_said() {
        assert_snapshot!(shown(&[
            ("1-a/up.sql", "select 1;"),
            ("01-b/up.sql", "select 1;"),
            ("2_c/up.sql", "select 1;"),
            ("0-d/up.sql", "select 1;"),
            ("3-e/down.sql", "select 1;"),
            ("4.sql", "select 1;"),
        ]), @"
        01 b: m/01-b/up.sql
        warning[M0001]: 4.sql: is not read: a migration of rusqlite_migration is a folder with up.sql in it
          --> m/4.sql
           = if it is a migration, give it a folder of its own
        error[M0001]: 0-d: is not a name of rusqlite_migration, which stops at it
          --> m/0-d
           = the names are NUMBER-NAME, like 1-create_users
        error[M0001]: 2_c: is not a name of rusqlite_migration, which stops at it
          --> m/2_c
           = the names are NUMBER-NAME, like 1-create_users
        error[M0001]: 3-e: holds no up.sql, and rusqlite_migration stops at it
          --> m/3-e
           = if it is no migration, move it out of the folder
        error[M0002]: 1 a: two files claim this identity
          --> m/1-a/up.sql
           = the other one is m/01-b/up.sql
           = give the newer one a higher version; one that is applied anywhere keeps its name
        ");
    }

    #[test]
    fn numbers_without_a_gap_decide() {
        let files = [("1-a/up.sql", ""), ("2-b/up.sql", "")];
        assert_eq!(decision(&files, &[]), "rusqlite_migration: folders 1-NAME, 2-NAME … with up.sql");
        assert_eq!(decision(&files[1..], &[]), "diesel: 2-b/up.sql");
    }

    proptest! {
        #[test]
        fn a_new_migration_reads_back(words in "[a-zà-ü0-9]{1,6}( [a-z-]{1,6}){0,3}", reversible: bool) {
            names_read_back(&RusqliteMigration, "1", &words, reversible);
        }
    }
}
