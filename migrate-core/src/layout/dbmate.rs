//! dbmate: `20240131120000_create_users.sql` with the sections `-- migrate:up` and `-- migrate:down`.
//!
//! | | |
//! |---|---|
//! | names | `^(\d+).*\.sql$`, in one or several folders |
//! | order | the tool compares file names as text; one that is merged late is run, as the tool does |
//! | sections | both must be there, up first; what follows a marker on its line are options |
//! | transaction | one a section; `transaction:false` on its marker turns it off |
//! | placeholders | none |
//! | refused | a missing section, statements before the first one, two files for one version, names whose order as text is not theirs as numbers |
//!
//! Of a file with several pairs of sections the tool runs the first, records the version and fails at the second
//! (2.36.0 on `SQLite`): so the first is the migration, and a warning says what is left out.
//!
//! Source: dbmate at commit f3e08f15e3, `pkg/dbmate/migration.go` and `db.go`.

use std::ops::Range;

use super::detect::Evidence;
use super::draft::Draft;
use super::name::{in_a_name, leading_digits, new_number, number, plain, words};
use super::stray::{self, Names, unread_subfolders};
use super::{EngineNames, Folder, Late, Layout, NewFile, NewMigration, Reading};
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::set::ReadOptions;
use crate::source::Source;
use crate::sql::split;

/// dbmate's layout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dbmate;

const TOOL: &str = "dbmate";
const NAMES: Names = Names { tool: TOOL, form: "VERSION_NAME.sql", is_name: |name| parse(name).is_some() };

/// The digits a name begins with, and its description.
fn parse(name: &str) -> Option<(&str, &str)> {
    let (digits, rest) = leading_digits(name)?;
    Some((digits, rest.strip_suffix(".sql")?))
}

impl Layout for Dbmate {
    fn name(&self) -> &'static str {
        TOOL
    }

    /// Its markers, which are the native layout's too.
    fn signature(&self, folder: &Folder) -> Option<Evidence> {
        let marked = folder.scripts().iter().find(|script| markers(script).iter().any(|marker| marker.is_up))?;
        Some(Evidence::plain(format!("`-- migrate:up` in {}", marked.path())))
    }

    fn late(&self) -> Late {
        Late::Runs
    }

    fn read(&self, folder: &Folder, options: &ReadOptions) -> Reading {
        let mut reading = Reading::default();
        let mut keys = Vec::new();
        for file in folder.files() {
            let Some((digits, description)) = parse(file.name()) else {
                reading.diagnostics.extend(stray::judge(file, &NAMES));
                continue;
            };
            let Some(version) = number(digits, u128::MAX) else {
                let message = format!("{}: {digits} is more than is counted to here", file.name());
                reading
                    .diagnostics
                    .push(Diagnostic::error(codes::NEAR_MISS_NAME, message).at(Place::path(file.path())));
                continue;
            };
            let Some(source) = reading.text(file) else { continue };
            let mut draft = Draft::new(plain(version), words(description), source);
            if !sections(&mut draft, &options.engine, &mut reading) {
                continue;
            }
            keys.push((file.name().to_owned(), draft.id.clone(), file.path()));
            reading.take(draft, &options.engine);
        }
        unread_subfolders(folder, &mut reading);
        reading.check_text_order(TOOL, keys);
        reading.without_twins()
    }

    fn files(&self, new: &NewMigration) -> Result<Vec<NewFile>, Box<Diagnostic>> {
        let version = new_number(new, TOOL, u128::MAX)?;
        if !new.reversible {
            // The tool wants both sections; an empty one is a way back that does nothing.
            let message = format!("{}: every migration of {TOOL} has a way back", new.id);
            return Err(Box::new(Diagnostic::error(codes::USAGE, message).help("ask for both: --reversible")));
        }
        let name = format!("{version}_{}.sql", in_a_name(&new.description));
        Ok(vec![NewFile { name, text: "-- migrate:up\n\n\n-- migrate:down\n\n".to_owned() }])
    }
}

/// A line that begins a section.
struct Marker {
    at: Range<usize>,
    is_up: bool,
    in_transaction: bool,
}

/// The lines `^--\s*migrate:(up|down)(\s*$|\s+\S+)`, with their offsets in the file.
fn markers(source: &Source) -> Vec<Marker> {
    let mut markers = Vec::new();
    let mut start = source.range().start;
    for line in source.text().split_inclusive('\n') {
        let at = start..start + line.trim_end().len();
        start += line.len();
        let line = line.trim_start_matches('\u{feff}');
        let Some(said) = line.strip_prefix("--").map(str::trim_start) else { continue };
        let Some(said) = said.strip_prefix("migrate:") else { continue };
        let mut words = said.split_whitespace();
        let is_up = match words.next() {
            Some("up") => true,
            Some("down") => false,
            _ => continue,
        };
        markers.push(Marker { at, is_up, in_transaction: !words.any(|word| word == "transaction:false") });
    }
    markers
}

/// Divides the file of a draft. Whether there is anything to run at all.
fn sections(draft: &mut Draft, engine: &EngineNames, reading: &mut Reading) -> bool {
    let (source, title) = (draft.up.clone(), draft.title());
    let whole = source.range();
    let markers = markers(&source);
    let mut problem = |at: Range<usize>, message: &str, help: &str| {
        reading.diagnostics.push(
            Diagnostic::error(codes::BAD_DIRECTIVE, format!("{title}: {message}"))
                .at(Place::in_source(&source, at))
                .help(help.to_owned()),
        );
    };
    let Some(up) = markers.iter().find(|marker| marker.is_up) else {
        problem(
            whole.start..whole.start,
            &format!("has no section `-- migrate:up`, and {TOOL} stops at it"),
            "write it before the way forward",
        );
        return false;
    };
    let Some(down) = markers.iter().find(|marker| !marker.is_up) else {
        problem(
            up.at.clone(),
            &format!("has no section `-- migrate:down`, and {TOOL} stops at it"),
            "write it at the end, and what takes the migration back below it",
        );
        return false;
    };
    if down.at.start < up.at.start {
        problem(down.at.clone(), "the section `migrate:down` stands before `migrate:up`", "put it after it");
        return false;
    }
    if let Some(piece) = split::split(&source.part(whole.start..up.at.start), &engine.syntax).pieces.into_iter().next()
    {
        problem(piece.text, "a statement before the first section would never run", "move it below `-- migrate:up`");
    }
    let second = markers.iter().find(|marker| marker.is_up && marker.at.start > up.at.start);
    if let Some(second) = second {
        reading.diagnostics.push(
            Diagnostic::warning(
                codes::BAD_DIRECTIVE,
                format!("{title}: this section and what follows is not run: {TOOL} records the version with the first one, and fails here"),
            )
            .at(Place::in_source(&source, second.at.clone()))
            .help("move it into a file of its own, with a later version"),
        );
    }
    let end = second.map_or(whole.end, |second| second.at.start);
    if down.at.start >= end {
        // The pair that counts is up, up: its way back belongs to the second.
        draft.down = None;
        draft.up = source.part(whole.start..end);
    } else {
        draft.down = Some(source.part(down.at.start..end));
        draft.up = source.part(whole.start..down.at.start);
    }
    draft.attributes.run.no_transaction = !up.in_transaction;
    draft.attributes.down.no_transaction = !down.in_transaction;
    true
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;
    use crate::layout::detect::InDatabase;
    use crate::layout::testing::{decision, decision_with, names_read_back, shown};

    #[test]
    fn sections_and_their_options_are_read() {
        let users = "-- the users\n-- migrate:up\ncreate table users (id int);\n\n-- migrate:down\ndrop table users;\n";
        let index = "--migrate:up transaction:false\ncreate index concurrently i on users (id);\n--  migrate:down  transaction:false x:y\ndrop index concurrently i;\n";
        let files = [("20240131120000_create_users.sql", users), ("20240201120000_index.sql", index)];
        assert_snapshot!(shown(&Dbmate, &files), @"
        20240131120000 create users: m/20240131120000_create_users.sql <- m/20240131120000_create_users.sql
        20240201120000 index: m/20240201120000_index.sql <- m/20240201120000_index.sql (no transaction, no transaction back)
        ");
        let folder = Folder::embedded("m", files);
        let reading = Dbmate.read(&folder, &ReadOptions::new(EngineNames::POSTGRES));
        let texts: Vec<_> =
            reading.migrations.iter().map(|m| (m.up.text(), m.down.as_ref().map_or("", Source::text))).collect();
        assert_eq!(texts[0], users.split_at(57));
        assert!(texts[1].0.starts_with("--migrate:up transaction:false\ncreate index"));
    }

    #[test]
    fn what_is_wrong_with_sections_is_said() {
        assert_snapshot!(shown(&Dbmate, &[
            ("1_a.sql", "create table a (n int);\n"),
            ("2_b.sql", "-- migrate:up\ncreate table b (n int);\n"),
            ("3_c.sql", "-- migrate:down\ndrop table c;\n-- migrate:up\ncreate table c (n int);\n"),
            ("4_d.sql", "create table d (n int);\n-- migrate:up\n-- migrate:down\n"),
            ("5_e.sql", "-- migrate:up\nselect 1;\n-- migrate:down\n-- migrate:up\nselect 2;\n-- migrate:down\n"),
            ("v6_f.sql", "-- migrate:up\n-- migrate:down\n"),
            ("10_g.sql", "-- migrate:up\n-- migrate:down\n"),
            ("010_h.sql", "-- migrate:up\n-- migrate:down\n"),
        ]), @"
        4 d: m/4_d.sql <- m/4_d.sql
        5 e: m/5_e.sql <- m/5_e.sql
        010 h: m/010_h.sql <- m/010_h.sql
        error[M0007]: 1 a: has no section `-- migrate:up`, and dbmate stops at it
          --> m/1_a.sql:1:1
         1 | create table a (n int);
           | ^
           = write it before the way forward
        error[M0007]: 2 b: has no section `-- migrate:down`, and dbmate stops at it
          --> m/2_b.sql:1:1
         1 | -- migrate:up
           | ^^^^^^^^^^^^^
           = write it at the end, and what takes the migration back below it
        error[M0007]: 3 c: the section `migrate:down` stands before `migrate:up`
          --> m/3_c.sql:1:1
         1 | -- migrate:down
           | ^^^^^^^^^^^^^^^
           = put it after it
        error[M0007]: 4 d: a statement before the first section would never run
          --> m/4_d.sql:1:1
         1 | create table d (n int);
           | ^^^^^^^^^^^^^^^^^^^^^^
           = move it below `-- migrate:up`
        warning[M0007]: 5 e: this section and what follows is not run: dbmate records the version with the first one, and fails here
          --> m/5_e.sql:4:1
         4 | -- migrate:up
           | ^^^^^^^^^^^^^
           = move it into a file of its own, with a later version
        error[M0001]: v6_f.sql: is not a name of dbmate, which would pass it over without a word
          --> m/v6_f.sql
           = the names are VERSION_NAME.sql
           = if it is none, move it out of the folder
        error[M0201]: 4_d.sql: dbmate runs it after 10_g.sql, because it compares text; as numbers it comes first
          --> m/4_d.sql
           = an order that depends on how many digits a version has cannot be kept
           = where nothing is applied yet, write all versions with the same number of digits
        error[M0002]: 10 g: two files claim this identity
          --> m/10_g.sql
           = the other one is m/010_h.sql
           = give the newer one a higher version; one that is applied anywhere keeps its name
        ");
    }

    #[test]
    fn markers_are_native_until_the_database_says_otherwise() {
        let files = [("1_a.sql", "-- migrate:up\n-- migrate:down\n")];
        assert_eq!(decision(&files, &[]), "native, or dbmate (`-- migrate:up` in m/1_a.sql)");
        let in_database = InDatabase { foreign: vec!["dbmate".to_owned()], ..InDatabase::default() };
        let expected = "dbmate: `-- migrate:up` in m/1_a.sql, and its table in the database";
        assert_eq!(decision_with(&files, &[], &in_database), expected);
    }

    proptest! {
        #[test]
        fn a_new_migration_reads_back(number: u128, words in "[a-zà-ü0-9]{0,6}( [a-z-]{1,6}){0,3}") {
            names_read_back(&Dbmate, &number.to_string(), &words, true);
        }
    }
}
