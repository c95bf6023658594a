//! golang-migrate: `000001_create_users.up.sql`, and `.down.sql` beside it.
//!
//! | | |
//! |---|---|
//! | names | `^([0-9]+)_(.*)\.(down\|up)\.(.*)$`, in one folder; the last part is any ending |
//! | order | by number; one that is merged late is never run by the tool, without a word, so here it is refused |
//! | pairing | by version; either may be missing, and a version with a down alone does nothing on its way up |
//! | transaction | none of the tool's; what can be one is one here |
//! | markers, placeholders | none |
//! | refused | two files for one version and direction, numbers over 64 bits, sections of other tools |
//!
//! Source: golang-migrate at commit 18966c755f, `source/parse.go` and `source/migration.go`.

use std::collections::BTreeMap;

use super::detect::Evidence;
use super::draft::{Draft, foreign_way_back};
use super::name::{ends, in_a_name, leading_digits, new_number, number, plain, words};
use super::stray::{self, Names, unread_subfolders};
use super::{File, Folder, Layout, NewFile, NewMigration, Reading};
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::set::{ReadOptions, duplicate_files};
use crate::source::Source;
use crate::version::Version;

/// golang-migrate's layout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GolangMigrate;

const TOOL: &str = "golang-migrate";
const NAMES: Names = Names {
    tool: TOOL,
    form: "VERSION_NAME.up.sql and VERSION_NAME.down.sql",
    is_name: |name| Name::parse(name).is_some(),
};
const LARGEST: u128 = u64::MAX as u128;

/// A name in the grammar.
struct Name<'a> {
    digits: &'a str,
    description: &'a str,
    is_up: bool,
}

impl<'a> Name<'a> {
    fn parse(name: &'a str) -> Option<Self> {
        let (digits, rest) = leading_digits(name)?;
        let rest = rest.strip_prefix('_')?;
        // The greedy group before it leaves the last direction that something follows.
        let (up, down) = (rest.rfind(".up."), rest.rfind(".down."));
        let is_up = up > down;
        let description = &rest[..up.max(down)?];
        Some(Self { digits, description, is_up })
    }
}

/// The two directions of a version.
#[derive(Default)]
struct Pair<'a> {
    up: Option<(&'a File, Name<'a>)>,
    down: Option<(&'a File, Name<'a>)>,
}

impl Layout for GolangMigrate {
    fn name(&self) -> &'static str {
        TOOL
    }

    /// Pairs, which other layouts have too; a Go module above the folder makes them certain.
    fn signature(&self, folder: &Folder) -> Option<Evidence> {
        let file = folder.files().iter().find(|file| {
            let name = file.name();
            Name::parse(name).is_some() && (ends(name, ".up.sql") || ends(name, ".down.sql"))
        })?;
        Some(match folder.above("go.mod") {
            Some(module) => Evidence::certain(format!("{} and {}", file.name(), module.path())),
            None => Evidence::plain(file.name()),
        })
    }

    fn read(&self, folder: &Folder, options: &ReadOptions) -> Reading {
        let mut reading = Reading::default();
        for (version, pair) in pairs(folder, &mut reading) {
            let Some((_, name)) = pair.up.as_ref().or(pair.down.as_ref()) else { continue };
            let description = words(name.description);
            let Some(up) = forward(&pair, &mut reading) else { continue };
            let mut draft = Draft::new(plain(version), description, up);
            draft.down = pair.down.and_then(|(file, _)| reading.text(file));
            let problem = foreign_way_back(&draft.up, &draft.title(), self);
            reading.diagnostics.extend(problem);
            reading.take(draft, &options.engine);
        }
        unread_subfolders(folder, &mut reading);
        reading
    }

    fn files(&self, new: &NewMigration) -> Result<Vec<NewFile>, Box<Diagnostic>> {
        let version = new_number(new, TOOL, LARGEST)?;
        let stem = format!("{version}_{}", in_a_name(&new.description));
        let file = |direction: &str| NewFile { name: format!("{stem}.{direction}.sql"), text: String::new() };
        Ok(if new.reversible { vec![file("up"), file("down")] } else { vec![file("up")] })
    }
}

fn pairs<'a>(folder: &'a Folder, reading: &mut Reading) -> BTreeMap<Version, Pair<'a>> {
    let mut pairs: BTreeMap<Version, Pair<'_>> = BTreeMap::new();
    for file in folder.files() {
        let Some(name) = Name::parse(file.name()) else {
            reading.diagnostics.extend(stray::judge(file, &NAMES));
            continue;
        };
        let Some(version) = number(name.digits, LARGEST) else {
            let message = format!("{}: {} is more than {TOOL} counts to, which is {LARGEST}", file.name(), name.digits);
            reading.diagnostics.push(Diagnostic::error(codes::NEAR_MISS_NAME, message).at(Place::path(file.path())));
            continue;
        };
        let pair = pairs.entry(version).or_default();
        let place = if name.is_up { &mut pair.up } else { &mut pair.down };
        match place {
            Some((other, _)) => {
                let title = format!("{} {}", name.digits, words(name.description));
                reading.diagnostics.push(duplicate_files(&title, &file.path(), &other.path()));
            }
            None => *place = Some((file, name)),
        }
    }
    pairs
}

/// What runs on the way up; nothing, where only a way back is there.
fn forward(pair: &Pair<'_>, reading: &mut Reading) -> Option<Source> {
    match (&pair.up, &pair.down) {
        (Some((up, _)), _) => reading.text(up),
        (None, Some((down, name))) => {
            let message = format!(
                "{} {}: has a way back alone, so {TOOL} does nothing on its way up",
                name.digits,
                words(name.description)
            );
            reading.diagnostics.push(
                Diagnostic::warning(codes::DANGLING_DOWN, message)
                    .at(Place::path(down.path()))
                    .help(format!("its up would be {}_{}.up.sql", name.digits, name.description)),
            );
            let up = down.path().replace(".down.", ".up.");
            Some(Source::new(up, ""))
        }
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;
    use crate::layout::testing::{decision, names_read_back, shown};

    #[test]
    fn pairs_are_read_by_version() {
        assert_snapshot!(shown(&GolangMigrate, &[
            ("000001_create_users.up.sql", "create table users (id bigint);"),
            ("000001_create_users.down.sql", "drop table users;"),
            ("000002_add_email.up.sql", "alter table users add email text;"),
            ("10_.up.sql", "select 1;"),
            ("3_dated.up.v2.pgsql", "select 3;"),
            ("README.md", ""),
            ("embed.go", "package migrations"),
        ]), @r"
        000001 create users: m/000001_create_users.up.sql <- m/000001_create_users.down.sql
        000002 add email: m/000002_add_email.up.sql
        3 dated: m/3_dated.up.v2.pgsql
        10: m/10_.up.sql
        ");
    }

    #[test]
    fn what_is_wrong_with_names_is_said() {
        assert_snapshot!(shown(&GolangMigrate, &[
            ("1_a.up.sql", "select 1;"),
            ("001_b.up.sql", "select 1;"),
            ("2_lost.down.sql", "select 1;"),
            ("30_x.up..sql", "select 1;"),
            ("4_x.UP.sql", "select 1;"),
            ("5_x.sql", "select 1;"),
            ("99999999999999999999_x.up.sql", "select 1;"),
            ("6_seed.go", ""),
        ]), @"
        001 b: m/001_b.up.sql
        2 lost: m/2_lost.up.sql <- m/2_lost.down.sql
        30 x: m/30_x.up..sql
        error[M0002]: 1 a: two files claim this identity
          --> m/1_a.up.sql
           = the other one is m/001_b.up.sql
           = give the newer one a higher version; one that is applied anywhere keeps its name
        error[M0001]: 4_x.UP.sql: is not a name of golang-migrate, which would pass it over without a word
          --> m/4_x.UP.sql
           = if it is a migration, name it 4_x.up.sql
           = if it is none, move it out of the folder
        error[M0001]: 5_x.sql: is not a name of golang-migrate, which would pass it over without a word
          --> m/5_x.sql
           = if it is a migration, name it 5_x.up.sql
           = if it is none, move it out of the folder
        warning[M0001]: 6_seed.go: is Go, which golang-migrate does not run and is not run here
          --> m/6_seed.go
        error[M0001]: 99999999999999999999_x.up.sql: 99999999999999999999 is more than golang-migrate counts to, which is 18446744073709551615
          --> m/99999999999999999999_x.up.sql
        warning[M0003]: 2 lost: has a way back alone, so golang-migrate does nothing on its way up
          --> m/2_lost.down.sql
           = its up would be 2_lost.up.sql
        ");
    }

    #[test]
    fn sections_of_other_tools_are_no_part_of_the_way_up() {
        let goose = "-- +goose Up\nselect 1;\n-- +goose Down\ndrop table a;\n";
        assert_snapshot!(shown(&GolangMigrate, &[("1_a.up.sql", goose)]), @"
        1 a: m/1_a.up.sql
        error[M0007]: 1 a: this begins the way back in a file of goose, and golang-migrate runs the whole file
          --> m/1_a.up.sql:3:1
         3 | -- +goose Down
           | ^^^^^^^^^^^^^^
           = if the files are goose's: --layout goose
        ");
    }

    #[test]
    fn pairs_are_a_plain_shape_and_a_go_module_makes_them_certain() {
        let files = [("1_a.up.sql", ""), ("1_a.down.sql", "")];
        assert_eq!(decision(&files, &[]), "native, or sqlx (1_a.down.sql), or golang-migrate (1_a.down.sql)");
        assert_eq!(decision(&files, &[("go.mod", "")]), "golang-migrate: 1_a.down.sql and go.mod");
    }

    proptest! {
        #[test]
        fn a_new_migration_reads_back(number: u64, words in "[a-zà-ü0-9]{0,6}( [a-z-]{1,6}){0,3}", reversible: bool) {
            names_read_back(&GolangMigrate, &number.to_string(), &words, reversible);
        }
    }
}
