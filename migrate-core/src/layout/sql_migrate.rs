//! sql-migrate: `20240131120000-create_users.sql` with sections `-- +migrate Up` and `-- +migrate Down`.
//!
//! | | |
//! |---|---|
//! | names | any `.sql` in one folder; here it begins with a number, because only that gives it a place |
//! | order | by that number; a late one runs, as the tool does |
//! | pairing | both directions in one file; several sections of one direction are one |
//! | transaction | one per migration and direction; none with `notransaction` on its marker |
//! | markers | `StatementBegin` and `StatementEnd` hold one statement; the prefix `-- +migrate ` begins its line, exactly so |
//! | placeholders | none |
//! | refused | names without a number, two files with one number, markers that the tool would pass over, markers without their other half |
//!
//! Source: sql-migrate at commit 563a2f0318, `sqlparse/sqlparse.go` and `migrate.go`.

use std::ops::Range;

use super::detect::Evidence;
use super::draft::Draft;
use super::marker::{self, Line};
use super::name::{in_a_name, leading_digits, new_number, number, plain, strip_ending};
use super::stray::{self, Names};
use super::{EngineNames, File, Folder, Late, Layout, NewFile, NewMigration, Reading};
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::migration::RunAttributes;
use crate::set::ReadOptions;
use crate::source::{Cut, Source};
use crate::sql::{Syntax, split};
use crate::version::Version;

/// sql-migrate's layout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SqlMigrate;

const TOOL: &str = "sql-migrate";
const PREFIX: &str = "-- +migrate ";
const LARGEST: u128 = i64::MAX as u128;
const NAMES: Names = Names { tool: TOOL, form: "VERSION-NAME.sql", is_name: |name| parse(name).is_some() };

fn parse(name: &str) -> Option<(Version, String)> {
    let (digits, rest) = leading_digits(strip_ending(name, ".sql")?)?;
    let words: Vec<&str> = rest.split(['_', '-']).filter(|word| !word.is_empty()).collect();
    Some((number(digits, LARGEST)?, words.join(" ")))
}

impl Layout for SqlMigrate {
    fn name(&self) -> &'static str {
        TOOL
    }

    fn signature(&self, folder: &Folder) -> Option<Evidence> {
        let marked = |source: &&Source| marker::lines(source).any(|line| line.text.starts_with(PREFIX));
        let source = folder.scripts().iter().find(marked)?;
        Some(Evidence::certain(format!("`{}` in {}", PREFIX.trim_end(), source.path())))
    }

    fn late(&self) -> Late {
        Late::Runs
    }

    fn read(&self, folder: &Folder, options: &ReadOptions) -> Reading {
        let mut reading = Reading::default();
        for file in folder.files() {
            match parse(file.name()) {
                Some((version, description)) => read_file(file, version, description, &options.engine, &mut reading),
                None => reading.diagnostics.extend(unnumbered(file)),
            }
        }
        reading.without_twins()
    }

    fn cuts(&self, source: &Source, _: &Syntax) -> Vec<Cut> {
        let mut blocks = Vec::new();
        let mut open: Option<usize> = None;
        for line in marker::lines(source) {
            match line.text.strip_prefix(PREFIX).map(str::trim) {
                Some("StatementBegin") => open = Some(line.range.end),
                Some("StatementEnd") => blocks.extend(open.take().map(|start| start..line.range.start)),
                _ => {}
            }
        }
        marker::cuts(source.range(), &blocks)
    }

    fn files(&self, new: &NewMigration) -> Result<Vec<NewFile>, Box<Diagnostic>> {
        let version = new_number(new, TOOL, LARGEST)?;
        let name = format!("{version}-{}.sql", in_a_name(&new.description));
        let back = if new.reversible { "-- +migrate Down\n\n" } else { "" };
        Ok(vec![NewFile { name, text: format!("-- +migrate Up\n\n{back}") }])
    }
}

/// The tool would run it after all numbered ones, also after those that are written later.
fn unnumbered(file: &File) -> Option<Diagnostic> {
    if strip_ending(file.name(), ".sql").is_none() || leading_digits(file.name()).is_some() {
        return stray::judge(file, &NAMES);
    }
    let message =
        format!("{}: has no number, so {TOOL} runs it after all that have one, and it has no place here", file.name());
    Some(
        Diagnostic::error(codes::NEAR_MISS_NAME, message)
            .at(Place::path(file.path()))
            .help(format!("the names are {}; one that is applied somewhere keeps its name there", NAMES.form)),
    )
}

fn read_file(file: &File, version: Version, description: String, engine: &EngineNames, reading: &mut Reading) {
    let Some(source) = reading.text(file) else { return };
    let mut draft = Draft::new(plain(version), description, source.clone());
    let title = draft.title();
    let mut parser =
        Parser { title: &title, source: &source, sections: Vec::new(), blocks: Vec::new(), open: None, reading };
    parser.run();
    let Parser { sections, blocks, .. } = parser;
    let Some(first) = sections.iter().position(|section| section.is_up) else {
        reading.diagnostics.push(
            Diagnostic::error(codes::BAD_DIRECTIVE, format!("{title}: has no line `{PREFIX}Up`"))
                .at(Place::path(source.path()))
                .help("begin the way forward with it; what is before it is never run"),
        );
        return;
    };
    let whole = source.range();
    let early = source.part(whole.start..sections[0].at.start);
    if let Some(piece) = split::split(&early, &engine.syntax).pieces.into_iter().next() {
        reading.diagnostics.push(
            Diagnostic::error(
                codes::BAD_DIRECTIVE,
                format!("{title}: a statement before `{PREFIX}Up` would never run"),
            )
            .at(Place::in_source(&source, piece.text))
            .help("move it below that line"),
        );
    }
    let marked = source.with_cuts(marker::cuts(whole.clone(), &blocks));
    let is_plain = first == 0 && sections.len() <= 2 && sections.iter().filter(|section| section.is_up).count() == 1;
    if is_plain {
        let middle = sections.get(1).map_or(whole.end, |down| down.at.start);
        draft.up = marked.part(whole.start..middle);
        draft.down = sections.get(1).map(|_| marked.part(middle..whole.end));
    } else {
        draft.up = marked.with_cuts(of_direction(&sections, &blocks, whole.end, true));
        let has_down = sections.iter().any(|section| !section.is_up);
        draft.down = has_down.then(|| marked.with_cuts(of_direction(&sections, &blocks, whole.end, false)));
    }
    let run = |is_up: bool| RunAttributes {
        no_transaction: sections.iter().any(|section| section.is_up == is_up && section.no_transaction),
        ..RunAttributes::default()
    };
    draft.attributes.run = run(true);
    draft.attributes.down = run(false);
    reading.take(draft, engine);
}

/// All sections of one direction.
fn of_direction(sections: &[Section], blocks: &[Range<usize>], end: usize, is_up: bool) -> Vec<Cut> {
    let mut cuts = Vec::new();
    for (index, section) in sections.iter().enumerate().filter(|(_, section)| section.is_up == is_up) {
        let part = section.at.start..sections.get(index + 1).map_or(end, |next| next.at.start);
        let inside: Vec<_> = blocks.iter().filter(|block| part.contains(&block.start)).cloned().collect();
        let of_part = marker::cuts(part.clone(), &inside);
        cuts.extend(if of_part.is_empty() { vec![Cut { range: part, whole: false }] } else { of_part });
    }
    cuts
}

struct Section {
    /// Its marker's line.
    at: Range<usize>,
    is_up: bool,
    no_transaction: bool,
}

struct Parser<'a> {
    title: &'a str,
    source: &'a Source,
    sections: Vec<Section>,
    blocks: Vec<Range<usize>>,
    /// The marker of a statement that is not ended, and where the statement begins.
    open: Option<(Range<usize>, usize)>,
    reading: &'a mut Reading,
}

impl Parser<'_> {
    fn run(&mut self) {
        let source = self.source;
        for line in marker::lines(source) {
            match line.text.strip_prefix(PREFIX) {
                Some(said) => self.marker(&line, said),
                None if is_nearly(line.text) => {
                    self.problem(
                        line.meant(),
                        &format!("the tool passes this over: a marker is `{PREFIX}…` at the beginning of its line"),
                    );
                }
                None => {}
            }
        }
        self.close();
    }

    fn marker(&mut self, line: &Line<'_>, said: &str) {
        let words: Vec<&str> = said.split_whitespace().collect();
        match words.as_slice() {
            [direction @ ("Up" | "Down"), options @ ..] => {
                for option in options.iter().filter(|option| **option != "notransaction") {
                    self.problem(
                        line.meant(),
                        &format!("`{option}` is nothing that the tool knows: an option is `notransaction`"),
                    );
                }
                self.close();
                let no_transaction = options.contains(&"notransaction");
                self.sections.push(Section { at: line.range.clone(), is_up: *direction == "Up", no_transaction });
            }
            ["StatementBegin"] if self.open.is_some() => {
                self.problem(line.meant(), "a statement begins inside another one");
            }
            ["StatementBegin"] => self.open = Some((line.meant(), line.range.end)),
            ["StatementEnd"] => match self.open.take() {
                Some((_, start)) => self.blocks.push(start..line.range.start),
                None => self.problem(line.meant(), &format!("no `{PREFIX}StatementBegin` stands before it")),
            },
            _ => {
                self.problem(line.meant(), &format!("the tool passes `{}` over without a word", said.trim()));
                if let Some(last) = self.reading.diagnostics.last_mut() {
                    last.help.push(
                        "known are Up, Down, StatementBegin and StatementEnd, in exactly these letters".to_owned(),
                    );
                }
            }
        }
    }

    /// A section ends with all its statements ended.
    fn close(&mut self) {
        if let Some((at, _)) = self.open.take() {
            self.problem(at, &format!("the statement that begins here has no `{PREFIX}StatementEnd`"));
        }
    }

    fn problem(&mut self, at: Range<usize>, message: &str) {
        self.reading.diagnostics.push(
            Diagnostic::error(codes::BAD_DIRECTIVE, format!("{}: {message}", self.title))
                .at(Place::in_source(self.source, at)),
        );
    }
}

/// `--+migrate Up`, ` -- +migrate Up`, `-- +Migrate Up`.
fn is_nearly(line: &str) -> bool {
    let said = line.trim_start().strip_prefix("--").map(|said| said.trim_start().to_ascii_lowercase());
    said.is_some_and(|said| said.starts_with("+migrate"))
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use proptest::prelude::*;

    use super::*;
    use crate::layout::testing::{decision, names_read_back, pieces, said, shown};

    const GOOD: &str = "-- +migrate Up\ncreate table a (n int);\n-- +migrate StatementBegin\none 'x; two;\n-- +migrate StatementEnd\n\
                        -- +migrate Down\ndrop table a;\n";

    fn read(text: &str) -> Reading {
        SqlMigrate.read(&Folder::embedded("m", [("1-a.sql", text)]), &ReadOptions::new(EngineNames::POSTGRES))
    }

    #[test]
    fn a_set_of_sql_migrates() {
        assert_snapshot!(shown(&SqlMigrate, &[
            ("20240131120000-create_a.sql", GOOD),
            ("3_index.sql", "-- +migrate Up notransaction\ncreate index concurrently i on a (n);\n-- +migrate Down notransaction\ndrop index i;"),
            ("10.sql", "-- +migrate Up\nselect 1;"),
            ("dbconfig.yml", ""),
        ]), @"
        3 index: m/3_index.sql <- m/3_index.sql (no transaction, no transaction back)
        10: m/10.sql
        20240131120000 create a: m/20240131120000-create_a.sql <- m/20240131120000-create_a.sql
        ");
    }

    #[test]
    fn sections_of_one_direction_are_one() {
        let reading = read(GOOD);
        assert_eq!(pieces(&reading.migrations[0].up), ["create table a (n int)", "one 'x; two"]);
        assert_eq!(pieces(reading.migrations[0].down.as_ref().unwrap()), ["drop table a"]);
        let several = "-- +migrate Down\ndrop a;\n-- +migrate Up\ncreate a;\n-- +migrate Down\n-- +migrate StatementBegin\ndrop 'b; x\n\
                       -- +migrate StatementEnd\n-- +migrate Up\ncreate b;\n";
        let reading = read(several);
        assert_eq!(reading.diagnostics, []);
        assert_eq!(pieces(&reading.migrations[0].up), ["create a", "create b"]);
        assert_eq!(pieces(reading.migrations[0].down.as_ref().unwrap()), ["drop a", "drop 'b; x"]);
    }

    #[test]
    fn what_the_tool_passes_over_is_an_error() {
        let said = |text: &str| said(&read(text));
        assert_snapshot!(said("select 1;\n-- +migrate Up\n-- +migrate up\n--+migrate Down\n  -- +migrate Down\n-- +migrate Down tx\n"), @"
        error[M0007]: 1 a: the tool passes `up` over without a word
          --> m/1-a.sql:3:1
         3 | -- +migrate up
           | ^^^^^^^^^^^^^^
           = known are Up, Down, StatementBegin and StatementEnd, in exactly these letters
        error[M0007]: 1 a: the tool passes this over: a marker is `-- +migrate …` at the beginning of its line
          --> m/1-a.sql:4:1
         4 | --+migrate Down
           | ^^^^^^^^^^^^^^^
        error[M0007]: 1 a: the tool passes this over: a marker is `-- +migrate …` at the beginning of its line
          --> m/1-a.sql:5:3
         5 |   -- +migrate Down
           |   ^^^^^^^^^^^^^^^^
        error[M0007]: 1 a: `tx` is nothing that the tool knows: an option is `notransaction`
          --> m/1-a.sql:6:1
         6 | -- +migrate Down tx
           | ^^^^^^^^^^^^^^^^^^^
        error[M0007]: 1 a: a statement before `-- +migrate Up` would never run
          --> m/1-a.sql:1:1
         1 | select 1;
           | ^^^^^^^^
           = move it below that line
        ");
        assert_snapshot!(said("-- +migrate Up\n-- +migrate StatementEnd\n-- +migrate StatementBegin\n-- +migrate Down\n"), @"
        error[M0007]: 1 a: no `-- +migrate StatementBegin` stands before it
          --> m/1-a.sql:2:1
         2 | -- +migrate StatementEnd
           | ^^^^^^^^^^^^^^^^^^^^^^^^
        error[M0007]: 1 a: the statement that begins here has no `-- +migrate StatementEnd`
          --> m/1-a.sql:3:1
         3 | -- +migrate StatementBegin
           | ^^^^^^^^^^^^^^^^^^^^^^^^^^
        ");
        assert_snapshot!(said("-- +migrate Down\nselect 1;"), @"
        error[M0007]: 1 a: has no line `-- +migrate Up`
          --> m/1-a.sql
           = begin the way forward with it; what is before it is never run
        ");
    }

    #[test]
    fn a_name_has_a_number() {
        assert_snapshot!(shown(&SqlMigrate, &[("1-a.sql", GOOD), ("001-b.sql", GOOD), ("seed.sql", GOOD), ("2-x.sql.txt", ""), ("notes.txt", "")]), @"
        001 b: m/001-b.sql <- m/001-b.sql
        error[M0001]: 2-x.sql.txt: is not a name of sql-migrate, which would pass it over without a word
          --> m/2-x.sql.txt
           = if it is a migration, name it 2_x.sql
           = if it is none, move it out of the folder
        error[M0001]: seed.sql: has no number, so sql-migrate runs it after all that have one, and it has no place here
          --> m/seed.sql
           = the names are VERSION-NAME.sql; one that is applied somewhere keeps its name there
        error[M0002]: 1 a: two files claim this identity
          --> m/1-a.sql
           = the other one is m/001-b.sql
           = give the newer one a higher version; one that is applied anywhere keeps its name
        ");
    }

    #[test]
    fn a_marker_makes_it_sql_migrates() {
        assert_eq!(decision(&[("1-a.sql", GOOD)], &[]), "sql-migrate: `-- +migrate` in m/1-a.sql");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_named_reads_back(version in "[0-9]{1,15}", description in "[a-z]{1,8}( [a-z0-9]{1,8}){0,3}", reversible: bool) {
            names_read_back(&SqlMigrate, &version, &description, reversible);
        }

        #[test]
        fn no_text_makes_it_panic(text in "(-- \\+migrate (Up|Down|StatementBegin|StatementEnd|x)\r?\n|[ a-z;'$\n\u{e9}]){0,30}") {
            let _ = read(&text);
        }
    }
}
