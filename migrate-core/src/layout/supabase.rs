//! Supabase: `supabase/migrations/20240131120000_create_users.sql`.
//!
//! | | |
//! |---|---|
//! | names | `^([0-9]+)_(.*)\.sql$` |
//! | order | the tool compares file names as text; one that comes late is refused |
//! | down | none (the tool's `migration down` drops everything and plays the files again) |
//! | transaction | one a file, without exception in the tool; what cannot be in one is journalled here |
//! | placeholders | none |
//! | refused | two files for one version, names whose order as text is not theirs as numbers |
//!
//! A first file `…_init.sql` that is older than 2021-12-09 is passed over by the tool, and here with a note.
//!
//! Source: Supabase CLI at commit 1d1e719126, `pkg/migration/file.go` and `list.go`.

use super::detect::Evidence;
use super::draft::{Draft, foreign_way_back};
use super::name::{forward_only, in_a_name, leading_digits, new_number, number, plain, words};
use super::stray::{self, Names, unread_subfolders};
use super::{Folder, Layout, NewFile, NewMigration, Reading};
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::set::ReadOptions;

/// Supabase's layout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Supabase;

const TOOL: &str = "Supabase";
const NAMES: Names = Names { tool: TOOL, form: "VERSION_NAME.sql", is_name: |name| parse(name).is_some() };
/// A first `init` before this time was made by an older form of the tool and is passed over.
const FIRST: &str = "20211209000000";

fn parse(name: &str) -> Option<(&str, &str)> {
    let (digits, rest) = leading_digits(name)?;
    Some((digits, rest.strip_prefix('_')?.strip_suffix(".sql")?))
}

impl Layout for Supabase {
    fn name(&self) -> &'static str {
        "supabase"
    }

    /// The folder's place in a project of the tool.
    fn signature(&self, folder: &Folder) -> Option<Evidence> {
        let file = folder.files().iter().find(|file| parse(file.name()).is_some())?;
        if let Some(settings) = folder.above("supabase/config.toml") {
            return Some(Evidence::certain(format!("{} and {}", file.name(), settings.path())));
        }
        let root = folder.roots().iter().find(|root| root.ends_with("supabase/migrations"))?;
        Some(Evidence::certain(format!("the folder {}", root.display())))
    }

    fn read(&self, folder: &Folder, options: &ReadOptions) -> Reading {
        let mut reading = Reading::default();
        let mut keys = Vec::new();
        for (place, file) in folder.files().iter().enumerate() {
            let Some((digits, description)) = parse(file.name()) else {
                reading.diagnostics.extend(stray::judge(file, &NAMES));
                continue;
            };
            if place == 0 && description == "init" && digits.len() == FIRST.len() && digits < FIRST {
                reading.diagnostics.push(
                    Diagnostic::note(
                        codes::FOREIGN_FILE,
                        format!(
                            "{}: is from before {TOOL} wrote its first file itself, and is not read, as the tool does",
                            file.name()
                        ),
                    )
                    .at(Place::path(file.path())),
                );
                continue;
            }
            let Some(version) = number(digits, u128::MAX) else {
                let message = format!("{}: {digits} is more than is counted to here", file.name());
                reading
                    .diagnostics
                    .push(Diagnostic::error(codes::NEAR_MISS_NAME, message).at(Place::path(file.path())));
                continue;
            };
            let Some(up) = reading.text(file) else { continue };
            let draft = Draft::new(plain(version), words(description), up);
            keys.push((file.name().to_owned(), draft.id.clone(), file.path()));
            let problem = foreign_way_back(&draft.up, &draft.title(), self);
            reading.diagnostics.extend(problem);
            reading.take(draft, &options.engine);
        }
        unread_subfolders(folder, &mut reading);
        reading.check_text_order(TOOL, keys);
        reading.without_twins()
    }

    fn files(&self, new: &NewMigration) -> Result<Vec<NewFile>, Box<Diagnostic>> {
        let version = new_number(new, TOOL, u128::MAX)?;
        forward_only(new, TOOL)?;
        let name = format!("{version}_{}.sql", in_a_name(&new.description));
        Ok(vec![NewFile { name, text: String::new() }])
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;
    use crate::layout::EngineNames;
    use crate::layout::testing::{decision, names_read_back, shown, shown_folder};

    #[test]
    fn files_are_read() {
        assert_snapshot!(shown(&Supabase, &[
            ("20210101000000_init.sql", "select 1;"),
            ("20240131120000_create_users.sql", "create table users (id int);"),
            ("20240201120000_.sql", "select 1;"),
            ("20240301120000_seed.ts", ""),
            ("20240131_x", ""),
            ("20240401-y.sql", "select 1;"),
            ("999_z.sql", "select 1;"),
        ]), @"
        999 z: m/999_z.sql
        20240131120000 create users: m/20240131120000_create_users.sql
        20240201120000: m/20240201120000_.sql
        note[M0019]: 20210101000000_init.sql: is from before Supabase wrote its first file itself, and is not read, as the tool does
          --> m/20210101000000_init.sql
        error[M0001]: 20240131_x: is not a name of Supabase, which would pass it over without a word
          --> m/20240131_x
           = if it is a migration, name it 20240131_x.sql
           = if it is none, move it out of the folder
        warning[M0001]: 20240301120000_seed.ts: is TypeScript, which Supabase does not run and is not run here
          --> m/20240301120000_seed.ts
        error[M0001]: 20240401-y.sql: is not a name of Supabase, which would pass it over without a word
          --> m/20240401-y.sql
           = if it is a migration, name it 20240401_y.sql
           = if it is none, move it out of the folder
        error[M0201]: 999_z.sql: Supabase runs it after 20240201120000_.sql, because it compares text; as numbers it comes first
          --> m/999_z.sql
           = an order that depends on how many digits a version has cannot be kept
           = where nothing is applied yet, write all versions with the same number of digits
        ");
    }

    #[test]
    fn the_place_of_the_folder_decides() {
        let files = [("20240131120000_a.sql", "")];
        assert_eq!(decision(&files, &[]), "native");
        let expected = "supabase: 20240131120000_a.sql and supabase/config.toml";
        assert_eq!(decision(&files, &[("supabase/config.toml", "")]), expected);
        let folder = Folder::embedded("supabase/migrations", files);
        assert_eq!(Supabase.signature(&folder), Some(Evidence::certain("the folder supabase/migrations")));
        assert_eq!(
            shown_folder(&Supabase, EngineNames::POSTGRES, &folder),
            "20240131120000 a: supabase/migrations/20240131120000_a.sql\n"
        );
    }

    proptest! {
        #[test]
        fn a_new_migration_reads_back(number in 20_220_000_000_000_u64.., words in "[a-zà-ü0-9]{0,6}( [a-z-]{1,6}){0,3}") {
            names_read_back(&Supabase, &number.to_string(), &words, false);
        }
    }
}
