//! `20240131120000_create_users/migration.sql`, without a journal.
//!
//! | | |
//! |---|---|
//! | names | `^\d{14}_.+`, a folder a migration, with `migration.sql` and the tool's picture of the schema |
//! | order | the tool compares names as text |
//! | late | the tool passes over, without a word, what is older than the newest applied one; here it is refused |
//! | down | none |
//! | transaction | the tool runs everything that is pending in one; here each migration is one of its own |
//! | placeholders | none |
//! | refused | a folder without `migration.sql`, another form of name |

use super::{TOOL, breakpoints};
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::layout::detect::Evidence;
use crate::layout::draft::{Draft, foreign_way_back};
use crate::layout::name::{forward_only, in_a_name, leading_digits, new_number, number, words};
use crate::layout::prisma::successor;
use crate::layout::subfolders::{loose_scripts, subfolders, without_script};
use crate::layout::{Folder, Layout, NewFile, NewMigration, Reading};
use crate::set::ReadOptions;
use crate::source::{Cut, Source};
use crate::sql::Syntax;

/// Drizzle's layout from the beta of 1.0 on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DrizzleFolders;

const SCRIPT: &str = "migration.sql";

/// The fourteen digits of the time, and the description.
fn parse(name: &str) -> Option<(&str, &str)> {
    let (digits, rest) = leading_digits(name).filter(|(digits, _)| digits.len() == 14)?;
    Some((digits, rest.strip_prefix('_').filter(|description| !description.is_empty())?))
}

impl Layout for DrizzleFolders {
    fn name(&self) -> &'static str {
        "drizzle-folders"
    }

    /// Its folders; Prisma's have a lock file beside them.
    fn signature(&self, folder: &Folder) -> Option<Evidence> {
        if folder.file("migration_lock.toml").is_some() {
            return None;
        }
        let is_one = |name: &str| parse(name).is_some() && folder.file(&format!("{name}/{SCRIPT}")).is_some();
        let first = folder.subfolder_names().find(|name| is_one(name))?;
        Some(Evidence::certain(format!("{first}/{SCRIPT}")))
    }

    fn reads_subfolders(&self) -> bool {
        true
    }

    fn cuts(&self, source: &Source, _syntax: &Syntax) -> Vec<Cut> {
        breakpoints(source)
    }

    fn read(&self, folder: &Folder, options: &ReadOptions) -> Reading {
        let mut reading = Reading { diagnostics: folder.tree().problems.clone(), ..Reading::default() };
        loose_scripts(folder, TOOL, SCRIPT, &mut reading);
        let mut last = None;
        for subfolder in subfolders(folder) {
            let named =
                parse(subfolder.name).and_then(|(digits, rest)| Some((number(digits, u128::MAX)?, words(rest))));
            let Some((version, description)) = named else {
                if subfolder.file(SCRIPT).is_some() {
                    reading.diagnostics.push(
                        Diagnostic::error(
                            codes::NEAR_MISS_NAME,
                            format!("{}: is not a name of {TOOL}", subfolder.name),
                        )
                        .at(Place::path(subfolder.path()))
                        .help("the names are YYYYMMDDHHMMSS_NAME"),
                    );
                }
                continue;
            };
            let Some(script) = subfolder.file(SCRIPT) else {
                reading.diagnostics.push(without_script(&subfolder, TOOL, SCRIPT));
                continue;
            };
            let id = successor(last.as_ref(), version);
            last = Some(id.clone());
            let Some(up) = reading.text(script) else { continue };
            let draft = Draft::new(id, description, up.with_cuts(breakpoints(&up)));
            let problem = foreign_way_back(&draft.up, &draft.title(), self);
            reading.diagnostics.extend(problem);
            reading.take(draft, &options.engine);
        }
        reading.without_twins()
    }

    fn files(&self, new: &NewMigration) -> Result<Vec<NewFile>, Box<Diagnostic>> {
        let version = new_number(new, TOOL, u128::MAX)?;
        forward_only(new, TOOL)?;
        let folder = format!("{version}_{}", in_a_name(&new.description));
        if parse(&folder).is_none() {
            let message = format!("{}: a migration of {TOOL} is named YYYYMMDDHHMMSS_NAME", new.id);
            return Err(Box::new(Diagnostic::error(codes::USAGE, message)));
        }
        Ok(vec![NewFile { name: format!("{folder}/{SCRIPT}"), text: String::new() }])
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;
    use crate::layout::testing::{decision, names_read_back, shown};

    #[test]
    fn folders_are_read_by_their_names() {
        assert_snapshot!(shown(&DrizzleFolders, &[
            ("20240131120000_create_users/migration.sql", "create table users (id int);"),
            ("20240131120000_create_users/snapshot.json", "{}"),
            ("20240201120000_add_email/migration.sql", "alter table users add email text;"),
            ("meta/notes.txt", ""),
        ]), @"
        20240131120000 create users: m/20240131120000_create_users/migration.sql
        20240201120000 add email: m/20240201120000_add_email/migration.sql
        ");
    }

    #[test]
    fn what_is_wrong_with_folders_is_said() {
        assert_snapshot!(shown(&DrizzleFolders, &[
            ("20240131120000_a/snapshot.json", "{}"),
            ("2024_b/migration.sql", "select 1;"),
            ("0000_c.sql", "select 1;"),
        ]), @"
        warning[M0001]: 0000_c.sql: is not read: a migration of Drizzle is a folder with migration.sql in it
          --> m/0000_c.sql
           = if it is a migration, give it a folder of its own
        error[M0001]: 20240131120000_a: holds no migration.sql, and Drizzle stops at it
          --> m/20240131120000_a
           = if it is no migration, move it out of the folder
        error[M0001]: 2024_b: is not a name of Drizzle
          --> m/2024_b
           = the names are YYYYMMDDHHMMSS_NAME
        ");
    }

    #[test]
    fn its_folders_decide_where_no_lock_file_is() {
        let files = [("20240131120000_a/migration.sql", ""), ("20240131120000_a/snapshot.json", "")];
        assert_eq!(decision(&files, &[]), "drizzle-folders: 20240131120000_a/migration.sql");
        let locked = [files[0], ("migration_lock.toml", "")];
        assert_eq!(decision(&locked, &[]), "prisma: migration_lock.toml and 20240131120000_a/migration.sql");
    }

    proptest! {
        #[test]
        fn a_new_migration_reads_back(number in 10_000_000_000_000_u64..100_000_000_000_000, words in "[a-zà-ü0-9]{1,6}( [a-z-]{1,6}){0,3}") {
            names_read_back(&DrizzleFolders, &number.to_string(), &words, false);
        }
    }
}
