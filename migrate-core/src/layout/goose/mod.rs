//! goose: `00001_create_users.sql` with sections `-- +goose Up` and `-- +goose Down`.
//!
//! | | |
//! |---|---|
//! | names | `VERSION_NAME.sql` and `VERSION_NAME.go` in one folder, the version a number from 1 |
//! | order | by number; a late one is refused, as goose does without `-allow-missing` |
//! | pairing | both directions in one file, up first |
//! | transaction | one per migration and direction; none in a file with `-- +goose NO TRANSACTION` |
//! | markers | `StatementBegin` and `StatementEnd` hold one statement; between them the engine's own rules say where one ends |
//! | placeholders | between `ENVSUB ON` and `OFF`: `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`; a name without a value is an error, where goose puts nothing |
//! | refused | text before `Up`, unknown or indented markers, markers without their other half; Go until it is recorded |
//!
//! Source: goose at commit 520411a161, `internal/sqlparser/parser.go` and `collect.go`.

#[cfg(test)]
mod tests;
mod variables;

use std::ops::Range;

use self::variables::variables;
use super::detect::Evidence;
use super::draft::Draft;
use super::marker::{self, Line};
use super::name::{in_a_name, new_number, number, plain, strip_ending, words};
use super::stray::{self, Names};
use super::{File, Folder, Layout, NewFile, NewMigration, Reading};
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::migration::RunAttributes;
use crate::placeholder;
use crate::set::ReadOptions;
use crate::source::{Cut, Source};
use crate::sql::Syntax;
use crate::version::Version;

/// goose's layout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Goose;

const TOOL: &str = "goose";
const LARGEST: u128 = i64::MAX as u128;
const NAMES: Names = Names {
    tool: TOOL,
    form: "VERSION_NAME.sql, the version a number from 1",
    is_name: |name| strip_ending(name, ".sql").and_then(version_of).is_some(),
};

impl Layout for Goose {
    fn name(&self) -> &'static str {
        TOOL
    }

    fn signature(&self, folder: &Folder) -> Option<Evidence> {
        let marked = |source: &&Source| marker::lines(source).any(|line| is_marker(line.text));
        let source = folder.scripts().iter().find(marked)?;
        Some(Evidence::certain(format!("`+goose` in {}", source.path())))
    }

    fn read(&self, folder: &Folder, options: &ReadOptions) -> Reading {
        let mut reading = Reading::default();
        for file in folder.files() {
            read_file(file, options, &mut reading);
        }
        reading.without_twins()
    }

    fn cuts(&self, source: &Source, _: &Syntax) -> Vec<Cut> {
        let mut blocks = Vec::new();
        let mut open: Option<usize> = None;
        for line in marker::lines(source) {
            match Marker::of(line.text) {
                Some(Ok(Marker::Begin)) => open = Some(line.range.end),
                Some(Ok(Marker::End)) => blocks.extend(open.take().map(|start| start..line.range.start)),
                _ => {}
            }
        }
        marker::cuts(source.range(), &blocks)
    }

    fn files(&self, new: &NewMigration) -> Result<Vec<NewFile>, Box<Diagnostic>> {
        let version = new_number(new, TOOL, LARGEST)?;
        let name = format!("{version}_{}.sql", in_a_name(&new.description));
        let back = if new.reversible { "-- +goose Down\n\n" } else { "" };
        Ok(vec![NewFile { name, text: format!("-- +goose Up\n\n{back}") }])
    }
}

fn version_of(stem: &str) -> Option<(Version, &str)> {
    let (digits, rest) = stem.split_once('_')?;
    let version = number(digits, LARGEST)?;
    digits.contains(|c| c != '0').then_some((version, rest))
}

fn read_file(file: &File, options: &ReadOptions, reading: &mut Reading) {
    let name = file.name();
    if let Some(stem) = strip_ending(name, ".go") {
        // What else is written in Go beside the migrations is no migration.
        if !stem.ends_with("_test")
            && let Some((version, description)) = version_of(stem)
        {
            reading.take_code(plain(version), words(description), file, "Go");
        }
        return;
    }
    let Some((version, description)) = strip_ending(name, ".sql").and_then(version_of) else {
        reading.diagnostics.extend(stray::judge(file, &NAMES));
        return;
    };
    let Some(source) = reading.text(file) else { return };
    let mut draft = Draft::new(plain(version), words(description), source.clone());
    let title = draft.title();
    let mut parser = Parser { title: &title, source: &source, options, found: Found::default(), reading };
    parser.run();
    let Found { up, down, blocks, values, no_transaction, .. } = parser.found;
    let Some(up) = up else {
        reading.diagnostics.push(
            Diagnostic::error(codes::BAD_DIRECTIVE, format!("{title}: has no line `-- +goose Up`"))
                .at(Place::path(source.path()))
                .help("begin the way forward with it; goose refuses the file too"),
        );
        return;
    };
    let executed = source.with_values(values);
    let at = |offset: usize| executed.executed_offset(offset);
    let blocks: Vec<Range<usize>> = blocks.into_iter().map(|block| at(block.start)..at(block.end)).collect();
    let whole = executed.range();
    let executed = executed.with_cuts(marker::cuts(whole.clone(), &blocks));
    let middle = down.map_or(whole.end, |down| executed.executed_offset(down));
    let run = RunAttributes { no_transaction, ..RunAttributes::default() };
    draft.up = executed.part(if up < middle { whole.start..middle } else { middle..middle });
    draft.down = down.map(|_| executed.part(middle..whole.end));
    draft.attributes.run = run.clone();
    draft.attributes.down = run;
    reading.take(draft, &options.engine);
}

/// What a line says that goose acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marker {
    Up,
    Down,
    Begin,
    End,
    NoTransaction,
    Substitute(bool),
}

fn is_marker(line: &str) -> bool {
    line.trim().starts_with("--") && line.contains("+goose")
}

impl Marker {
    /// The marker of a line that is one; what follows `+goose` where that is none.
    fn of(line: &str) -> Option<Result<Self, &str>> {
        if !is_marker(line) {
            return None;
        }
        let said = line.split_once("+goose")?.1.trim();
        let words: Vec<String> = said.split_whitespace().map(str::to_ascii_lowercase).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Some(match words.as_slice() {
            ["up"] => Ok(Self::Up),
            ["down"] => Ok(Self::Down),
            ["statementbegin"] => Ok(Self::Begin),
            ["statementend"] => Ok(Self::End),
            ["no", "transaction"] => Ok(Self::NoTransaction),
            ["envsub", "on"] => Ok(Self::Substitute(true)),
            ["envsub", "off"] => Ok(Self::Substitute(false)),
            _ => Err(said),
        })
    }
}

/// What the lines of a file say.
#[derive(Default)]
struct Found {
    /// Where the line is that begins the way forward.
    up: Option<usize>,
    /// And the one that begins the way back.
    down: Option<usize>,
    /// What lies between `StatementBegin` and `StatementEnd`.
    blocks: Vec<Range<usize>>,
    /// The one that is not ended: its marker, and where it begins.
    open: Option<(Range<usize>, usize)>,
    values: Vec<(Range<usize>, String)>,
    substitutes: bool,
    no_transaction: bool,
    /// Something stood before the way forward.
    too_early: bool,
}

struct Parser<'a> {
    title: &'a str,
    source: &'a Source,
    options: &'a ReadOptions,
    found: Found,
    reading: &'a mut Reading,
}

impl Parser<'_> {
    fn run(&mut self) {
        let source = self.source;
        for line in marker::lines(source) {
            match Marker::of(line.text) {
                Some(marker) => self.marker(&line, marker),
                None => self.text(&line),
            }
        }
        if let Some((at, _)) = self.found.open.take() {
            self.problem(at, "the statement that begins here has no `-- +goose StatementEnd`");
        }
    }

    fn marker(&mut self, line: &Line<'_>, marker: Result<Marker, &str>) {
        if self.options.engine.syntax.dash_comment_needs_space && marker::is_tight(line.text) {
            self.found.values.push((line.meant(), String::new()));
        }
        if line.text.starts_with([' ', '\t']) {
            self.problem(line.meant(), "a marker of goose must not be indented");
        }
        let begun = self.found.up.is_some();
        match marker {
            Err(said) => {
                self.problem(line.meant(), &format!("`{said}` is nothing that goose knows"));
                self.help("known are Up, Down, StatementBegin, StatementEnd, NO TRANSACTION, ENVSUB ON and ENVSUB OFF");
            }
            Ok(Marker::Up) if begun => self.problem(line.meant(), "there are two lines `-- +goose Up`"),
            Ok(Marker::Up) => self.found.up = Some(line.range.start),
            Ok(Marker::Down) if self.found.down.is_some() => {
                self.problem(line.meant(), "there are two lines `-- +goose Down`");
            }
            Ok(Marker::Down) if !begun => self.problem(line.meant(), "the way back stands before the way forward"),
            Ok(Marker::Down) => {
                if let Some((at, _)) = self.found.open.take() {
                    self.problem(at, "the statement that begins here has no `-- +goose StatementEnd`");
                }
                self.found.down = Some(line.range.start);
            }
            Ok(Marker::Begin) if self.found.open.is_some() => {
                self.problem(line.meant(), "a statement begins inside another one");
            }
            Ok(Marker::Begin) => self.found.open = Some((line.meant(), line.range.end)),
            Ok(Marker::End) => match self.found.open.take() {
                Some((_, start)) => self.found.blocks.push(start..line.range.start),
                None => self.problem(line.meant(), "no `-- +goose StatementBegin` stands before it"),
            },
            Ok(Marker::NoTransaction) => self.found.no_transaction = true,
            Ok(Marker::Substitute(on)) => self.found.substitutes = on,
        }
    }

    fn text(&mut self, line: &Line<'_>) {
        let trimmed = line.text.trim();
        if self.found.up.is_none() && !trimmed.is_empty() && !trimmed.starts_with("--") && !self.found.too_early {
            self.found.too_early = true;
            self.problem(line.meant(), "text before `-- +goose Up` would never run");
            self.help("move it below that line; goose refuses the file too");
        }
        if !self.found.substitutes {
            return;
        }
        for variable in variables(line.text) {
            let at = line.range.start + variable.at.start..line.range.start + variable.at.end;
            let value = self.options.placeholders.get(variable.name);
            let value = value.or_else(|| self.options.environment.get(variable.name));
            let value = value.filter(|value| !(variable.default_for_empty && value.is_empty()));
            if let Some(value) = value.or(variable.default) {
                self.found.values.push((at, value.to_owned()));
            } else {
                {
                    let known = &self.options.placeholders;
                    let unknown = placeholder::unknown(self.source, self.title, at, variable.name, known);
                    self.reading.diagnostics.push(
                        unknown.help("if no variable is meant, end what is replaced before it: -- +goose ENVSUB OFF"),
                    );
                }
            }
        }
    }

    fn problem(&mut self, at: Range<usize>, message: &str) {
        self.reading.diagnostics.push(
            Diagnostic::error(codes::BAD_DIRECTIVE, format!("{}: {message}", self.title))
                .at(Place::in_source(self.source, at)),
        );
    }

    fn help(&mut self, line: &str) {
        if let Some(last) = self.reading.diagnostics.last_mut() {
            last.help.push(line.to_owned());
        }
    }
}
