//! sqlx: `20240131120000_create_users.sql`, or `.up.sql` and `.down.sql`.
//!
//! | | |
//! |---|---|
//! | names | split at the first `_`: a number of 64 bits before it, `.sql` at the end; `.up.sql` and `.down.sql` are the reversible form |
//! | order | by number; one that is merged late is run, as the tool does |
//! | pairing | by version |
//! | transaction | one a file; a file whose very first bytes are `-- no-transaction` has none (MySQL knows no such mark) |
//! | session | on MySQL and MariaDB `\|\|` joins texts, and times are UTC: `sql_mode` and `time_zone` are set as its driver does |
//! | placeholders | none |
//! | refused | a name whose version is no number, two files for one version |
//!
//! Source: sqlx at commit 9d6bf6629f, `sqlx-core/src/migrate/source.rs`, `migration_type.rs` and `migration.rs`;
//! `sqlx-mysql/src/options/connect.rs` and `connection/stream.rs` for the session.

use std::collections::BTreeMap;

use super::detect::Evidence;
use super::draft::{Draft, foreign_way_back};
use super::name::{in_a_name, new_number, number, plain, words};
use super::stray::{self, Names, unread_subfolders};
use super::{EngineNames, File, Folder, Late, Layout, NewFile, NewMigration, Reading};
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::set::{ReadOptions, duplicate_files};
use crate::source::Source;
use crate::version::Version;

/// sqlx's layout, in both of its forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sqlx;

const TOOL: &str = "sqlx";
const NAMES: Names = Names {
    tool: TOOL,
    form: "VERSION_NAME.sql, or VERSION_NAME.up.sql and VERSION_NAME.down.sql",
    is_name: |name| Name::parse(name).is_some_and(|name| name.version().is_some()),
};
const LARGEST: u128 = i64::MAX as u128;
/// At the very beginning of a file: no transaction.
const MARK: &str = "-- no-transaction";

/// A name that the tool reads, or stumbles over.
struct Name<'a> {
    version: &'a str,
    description: &'a str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Simple,
    Up,
    Down,
}

impl<'a> Name<'a> {
    fn parse(name: &'a str) -> Option<Self> {
        let (version, rest) = name.split_once('_')?;
        let (description, kind) = if let Some(rest) = rest.strip_suffix(".up.sql") {
            (rest, Kind::Up)
        } else if let Some(rest) = rest.strip_suffix(".down.sql") {
            (rest, Kind::Down)
        } else {
            (rest.strip_suffix(".sql")?, Kind::Simple)
        };
        Some(Self { version, description, kind })
    }

    fn version(&self) -> Option<Version> {
        number(self.version, LARGEST)
    }

    /// `up` or `down` in a name that ends in neither `.up.sql` nor `.down.sql`.
    fn misspelt_direction(&self) -> Option<&'a str> {
        let mut parts = self.description.split('.').skip(1).filter(|_| self.kind == Kind::Simple);
        parts.find(|part| part.eq_ignore_ascii_case("up") || part.eq_ignore_ascii_case("down"))
    }

    fn title(&self) -> String {
        format!("{} {}", self.version, words(self.description)).trim_end().to_owned()
    }
}

#[derive(Default)]
struct Pair<'a> {
    up: Option<(&'a File, Name<'a>)>,
    down: Option<(&'a File, Name<'a>)>,
}

impl Layout for Sqlx {
    fn name(&self) -> &'static str {
        TOOL
    }

    /// Its own settings, or pairs in a crate that uses it. Numbered files alone are what everybody has.
    fn signature(&self, folder: &Folder) -> Option<Evidence> {
        let names = folder.files().iter().filter_map(|file| Some((file, Name::parse(file.name())?)));
        let mut names = names.filter(|(_, name)| name.version().is_some()).peekable();
        let (first, _) = names.peek()?;
        let first = first.name().to_owned();
        if let Some(settings) = folder.above("sqlx.toml") {
            return Some(Evidence::certain(format!("{first} and {}", settings.path())));
        }
        if folder.scripts().iter().any(|script| script.text().starts_with(MARK)) {
            return Some(Evidence::certain(format!("a file that begins with `{MARK}`")));
        }
        let pair = names.find(|(_, name)| name.kind != Kind::Simple).map(|(file, _)| file.name().to_owned());
        let crate_uses_it = folder.above("Cargo.toml").filter(|cargo| {
            cargo.source().is_ok_and(|source| source.text().lines().any(|line| line.trim_start().starts_with("sqlx")))
        });
        Some(match (pair, crate_uses_it) {
            (Some(pair), Some(cargo)) => Evidence::certain(format!("{pair}, and sqlx in {}", cargo.path())),
            (None, Some(cargo)) => Evidence::plain(format!("{first}, and sqlx in {}", cargo.path())),
            (Some(pair), None) => Evidence::plain(pair),
            (None, None) => return None,
        })
    }

    fn late(&self) -> Late {
        Late::Runs
    }

    fn read(&self, folder: &Folder, options: &ReadOptions) -> Reading {
        let mut reading = Reading::default();
        for (version, pair) in pairs(folder, &mut reading) {
            let Some((file, name)) = pair.up else {
                reading.diagnostics.extend(pair.down.as_ref().map(|(file, name)| without_up(file, name)));
                continue;
            };
            let Some(up) = reading.text(file) else { continue };
            let mut draft = Draft::new(plain(version), words(name.description), up);
            draft.down = pair.down.and_then(|(file, _)| reading.text(file));
            let title = draft.title();
            draft.attributes.run.no_transaction = marked(&draft.up, &title, &options.engine, &mut reading);
            if let Some(down) = &draft.down {
                draft.attributes.down.no_transaction = marked(down, &title, &options.engine, &mut reading);
            }
            let attributes = &mut draft.attributes;
            for run in [&mut attributes.run, &mut attributes.down] {
                run.settings = session(&options.engine);
            }
            let problem = foreign_way_back(&draft.up, &title, self);
            reading.diagnostics.extend(problem);
            reading.take(draft, &options.engine);
        }
        unread_subfolders(folder, &mut reading);
        reading
    }

    fn files(&self, new: &NewMigration) -> Result<Vec<NewFile>, Box<Diagnostic>> {
        let version = new_number(new, TOOL, LARGEST)?;
        let stem = format!("{version}_{}", in_a_name(&new.description));
        let file = |ending: &str| NewFile { name: format!("{stem}{ending}.sql"), text: String::new() };
        Ok(if new.reversible { vec![file(".up"), file(".down")] } else { vec![file("")] })
    }
}

fn pairs<'a>(folder: &'a Folder, reading: &mut Reading) -> BTreeMap<Version, Pair<'a>> {
    let mut pairs: BTreeMap<Version, Pair<'_>> = BTreeMap::new();
    for file in folder.files() {
        let Some(name) = Name::parse(file.name()) else {
            reading.diagnostics.extend(stray::judge(file, &NAMES));
            continue;
        };
        let Some(version) = name.version() else {
            let message = format!("{}: `{}` is no version, and {TOOL} stops at it", file.name(), name.version);
            reading.diagnostics.push(
                Diagnostic::error(codes::NEAR_MISS_NAME, message)
                    .at(Place::path(file.path()))
                    .help(format!("a version is a number up to {LARGEST}, before the first `_`"))
                    .help("if it is no migration, move it out of the folder"),
            );
            continue;
        };
        if let Some(direction) = name.misspelt_direction() {
            let message = format!(
                "{}: {TOOL} takes it for a way forward of its own, and `{direction}` for a part of its name",
                file.name()
            );
            let right = format!(
                "{}_{}.{}.sql",
                name.version,
                name.description.split('.').next().unwrap_or_default(),
                direction.to_ascii_lowercase()
            );
            reading.diagnostics.push(
                Diagnostic::error(codes::NEAR_MISS_NAME, message)
                    .at(Place::path(file.path()))
                    .help(format!("if it is one direction of a migration, name it {right}")),
            );
            continue;
        }
        let pair = pairs.entry(version).or_default();
        let place = if name.kind == Kind::Down { &mut pair.down } else { &mut pair.up };
        match place {
            Some((other, _)) => {
                reading.diagnostics.push(duplicate_files(&name.title(), &file.path(), &other.path()));
            }
            None => *place = Some((file, name)),
        }
    }
    pairs
}

fn without_up(file: &File, name: &Name<'_>) -> Diagnostic {
    Diagnostic::error(codes::DANGLING_DOWN, format!("{}: a down without its up", name.title()))
        .at(Place::path(file.path()))
        .help(format!("its up would be {}_{}.up.sql", name.version, name.description))
}

/// What its driver sets, and asks for with its capabilities, whenever it connects.
fn session(engine: &EngineNames) -> Vec<(String, String)> {
    const MYSQL: [(&str, &str); 2] =
        [("sql_mode", "+PIPES_AS_CONCAT,IGNORE_SPACE,NO_ENGINE_SUBSTITUTION"), ("time_zone", "+00:00")];
    let set = if engine.names.contains(&"mysql") { MYSQL.as_slice() } else { &[] };
    set.iter().map(|(variable, value)| ((*variable).to_owned(), (*value).to_owned())).collect()
}

/// Whether a file says that it runs without a transaction. Where it says so one line too late, nobody hears it.
fn marked(source: &Source, title: &str, engine: &EngineNames, reading: &mut Reading) -> bool {
    let text = source.text();
    let is_mysql = engine.names.contains(&"mysql");
    if text.starts_with(MARK) {
        return !is_mysql;
    }
    let mut at = source.range().start;
    for line in text.split_inclusive('\n').take(20) {
        let bare = line.trim_start_matches('\u{feff}').trim();
        if !bare.is_empty() && !bare.starts_with("--") {
            break;
        }
        if bare.starts_with(MARK) && !is_mysql {
            let start = at + line.find(MARK).unwrap_or_default();
            reading.diagnostics.push(
                Diagnostic::warning(
                    codes::BAD_DIRECTIVE,
                    format!("{title}: says nothing here: {TOOL} sees this mark at the very first byte of a file only"),
                )
                .at(Place::in_source(source, start..start + MARK.len()))
                .help("if no transaction is meant: put it at the very beginning, before blanks, comments and a byte order mark"),
            );
            break;
        }
        at += line.len();
    }
    false
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;
    use crate::layout::testing::{decision, names_read_back, shown, shown_for};

    #[test]
    fn both_forms_are_read() {
        let files = [
            ("20240131120000_create_users.sql", "create table users (id bigint);"),
            ("20240201120000_add_email.up.sql", "alter table users add email text;"),
            ("20240201120000_add_email.down.sql", "-- no-transaction\nalter table users drop email;"),
            ("0003_index.sql", "-- no-transaction\ncreate index concurrently i on users (email);"),
            ("seed.txt", ""),
        ];
        assert_snapshot!(shown(&Sqlx, &files), @"
        0003 index: m/0003_index.sql (no transaction)
        20240131120000 create users: m/20240131120000_create_users.sql
        20240201120000 add email: m/20240201120000_add_email.up.sql <- m/20240201120000_add_email.down.sql (no transaction back)
        ");
        assert_snapshot!(shown_for(&Sqlx, EngineNames::MYSQL, &files[3..4]), @"0003 index: m/0003_index.sql");
    }

    #[test]
    fn what_is_wrong_with_names_and_marks_is_said() {
        assert_snapshot!(shown(&Sqlx, &[
            ("1_a.sql", "select 1;"),
            ("01_b.up.sql", "select 1;"),
            ("2_lost.down.sql", "select 1;"),
            ("v3_x.sql", "select 1;"),
            ("+4_x.sql", "select 1;"),
            ("5-x.sql", "select 1;"),
            ("30_x.up..sql", "select 1;"),
            ("31_x.Down.sql", "select 1;"),
            ("schema.sql", "select 1;"),
            ("6_bom.sql", "\u{feff}-- no-transaction\r\nselect 1;\r\n"),
            ("7_late.sql", "-- an index\n-- no-transaction\nselect 1;\n"),
        ]), @"
        01 b: m/01_b.up.sql
        6 bom: m/6_bom.sql
        7 late: m/7_late.sql
        error[M0001]: +4_x.sql: `+4` is no version, and sqlx stops at it
          --> m/+4_x.sql
           = a version is a number up to 9223372036854775807, before the first `_`
           = if it is no migration, move it out of the folder
        error[M0002]: 1 a: two files claim this identity
          --> m/1_a.sql
           = the other one is m/01_b.up.sql
           = give the newer one a higher version; one that is applied anywhere keeps its name
        error[M0001]: 30_x.up..sql: sqlx takes it for a way forward of its own, and `up` for a part of its name
          --> m/30_x.up..sql
           = if it is one direction of a migration, name it 30_x.up.sql
        error[M0001]: 31_x.Down.sql: sqlx takes it for a way forward of its own, and `Down` for a part of its name
          --> m/31_x.Down.sql
           = if it is one direction of a migration, name it 31_x.down.sql
        error[M0001]: 5-x.sql: is not a name of sqlx, which would pass it over without a word
          --> m/5-x.sql
           = if it is a migration, name it 5_x.sql
           = if it is none, move it out of the folder
        warning[M0001]: schema.sql: is not read, because it has no name of sqlx
          --> m/schema.sql
           = the names are VERSION_NAME.sql, or VERSION_NAME.up.sql and VERSION_NAME.down.sql
        error[M0001]: v3_x.sql: `v3` is no version, and sqlx stops at it
          --> m/v3_x.sql
           = a version is a number up to 9223372036854775807, before the first `_`
           = if it is no migration, move it out of the folder
        error[M0003]: 2 lost: a down without its up
          --> m/2_lost.down.sql
           = its up would be 2_lost.up.sql
        warning[M0007]: 6 bom: says nothing here: sqlx sees this mark at the very first byte of a file only
          --> m/6_bom.sql:1:1
         1 | -- no-transaction
           | ^^^^^^^^^^^^^^^^^
           = if no transaction is meant: put it at the very beginning, before blanks, comments and a byte order mark
        warning[M0007]: 7 late: says nothing here: sqlx sees this mark at the very first byte of a file only
          --> m/7_late.sql:2:1
         2 | -- no-transaction
           | ^^^^^^^^^^^^^^^^^
           = if no transaction is meant: put it at the very beginning, before blanks, comments and a byte order mark
        ");
    }

    #[test]
    fn a_setting_or_a_mark_of_its_own_decides_and_numbers_do_not() {
        let simple = [("1_a.sql", "select 1;")];
        assert_eq!(decision(&simple, &[]), "native");
        assert_eq!(decision(&simple, &[("sqlx.toml", "")]), "sqlx: 1_a.sql and sqlx.toml");
        let cargo = ("Cargo.toml", "[dependencies]\nsqlx = \"0.9\"\n");
        assert_eq!(decision(&simple, &[cargo]), "native, or sqlx (1_a.sql, and sqlx in Cargo.toml)");
        let marked = [("1_a.sql", "-- no-transaction\nselect 1;")];
        assert_eq!(decision(&marked, &[]), "sqlx: a file that begins with `-- no-transaction`");
        let pair = [("1_a.up.sql", ""), ("1_a.down.sql", "")];
        assert_eq!(decision(&pair, &[cargo]), "sqlx: 1_a.down.sql, and sqlx in Cargo.toml");
        assert_eq!(decision(&pair, &[]), "native, or sqlx (1_a.down.sql), or golang-migrate (1_a.down.sql)");
    }

    proptest! {
        #[test]
        fn a_new_migration_reads_back(number in 0..=i64::MAX, words in "[a-zà-ü0-9]{0,6}( [a-z-]{1,6}){0,3}", reversible: bool) {
            names_read_back(&Sqlx, &number.to_string(), &words, reversible);
        }
    }
}
