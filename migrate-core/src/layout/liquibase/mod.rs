//! Liquibase's formatted SQL: files with `--liquibase formatted sql`, of changesets `--changeset author:id`.
//!
//! Liquibase knows a changeset by author, id and path and has no versions, so these are given here: the number that a
//! file's name begins with, and the place of the changeset in the file as its ordinal; in a single file without a number
//! the place is the version. So changesets are added at the end, as Liquibase wants it anyway.
//!
//! | | |
//! |---|---|
//! | names | `.sql` in one folder; several files each begin with a number or a version of their own |
//! | order | by that, then by place; the description is `author:id` |
//! | way back | `--rollback` lines or a block; `empty` and `not required` do nothing; without any there is none |
//! | transaction | one per changeset; `runInTransaction:false` turns it off |
//! | markers | `splitStatements:false` and `endDelimiter` |
//! | placeholders | `${name}` from `--property`, `[placeholders]` and `--placeholder`; without a value an error |
//! | honoured | `dbms`, `ignore`, `runOnChange` (a repeatable, after all others); `context` and `labels` select nothing, as without `--contexts` |
//! | refused | `runAlways`, `runWith`, `failOnError:false`, preconditions, `ignoreLines`, files without the first line |
//!
//! Source: Liquibase at commit cdbdec7fa9, `FormattedSqlChangeLogParser`.

mod parse;
#[cfg(test)]
mod tests;

use std::ops::Range;

use self::parse::{Changelog, Changeset};
use super::detect::Evidence;
use super::draft::Draft;
use super::marker;
use super::name::{plain, strip_ending};
use super::stray::{self, Names};
use super::{EngineNames, File, Folder, Layout, NewFile, NewMigration, Reading};
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::migration::{MigrationId, Phase, RunAttributes};
use crate::placeholder::{Grammar, Values};
use crate::set::ReadOptions;
use crate::source::{Cut, Source};
use crate::sql::Syntax;
use crate::version::Version;

/// The layout of Liquibase's formatted SQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Liquibase;

const TOOL: &str = "Liquibase";
const NAMES: Names =
    Names { tool: TOOL, form: "VERSION_NAME.sql", is_name: |name| strip_ending(name, ".sql").is_some() };

impl Layout for Liquibase {
    fn name(&self) -> &'static str {
        "liquibase"
    }

    fn signature(&self, folder: &Folder) -> Option<Evidence> {
        let formatted = |source: &&Source| marker::lines(source).any(|line| parse::is_formatted(line.text));
        let source = folder.scripts().iter().find(formatted)?;
        Some(Evidence::certain(format!("`--liquibase formatted` in {}", source.path())))
    }

    fn read(&self, folder: &Folder, options: &ReadOptions) -> Reading {
        let mut reading = Reading::default();
        let mut files = Vec::new();
        for file in folder.files() {
            if strip_ending(file.name(), ".sql").is_none() {
                reading.diagnostics.extend(stray::judge(file, &NAMES));
                continue;
            }
            let Some(source) = reading.text(file) else { continue };
            if marker::lines(&source).any(|line| parse::is_formatted(line.text)) {
                files.push((file, source));
            } else {
                reading.diagnostics.push(unformatted(file));
            }
        }
        let single = files.len() == 1;
        let mut contexts = Vec::new();
        for (file, source) in files {
            let base = leading_version(file.name());
            if base.is_none() && !single {
                reading.diagnostics.push(without_number(file));
                continue;
            }
            let mut reader = Reader { base, options, reading: &mut reading, contexts: &mut contexts };
            reader.file(file.name(), &source);
        }
        reading.diagnostics.extend(contexts_note(&contexts));
        reading.without_twins()
    }

    /// A stored text begins with its header.
    fn cuts(&self, source: &Source, _: &Syntax) -> Vec<Cut> {
        let log = parse::parse(source);
        let [changeset] = log.changesets.as_slice() else { return Vec::new() };
        let (one_statement, delimiter) = changeset.division();
        cuts(source, changeset, one_statement, delimiter)
    }

    fn files(&self, new: &NewMigration) -> Result<Vec<NewFile>, Box<Diagnostic>> {
        let refused = |message: String| Err(Box::new(Diagnostic::error(codes::USAGE, message)));
        let MigrationId::Versioned { version, phase: Phase::Pre, ordinal: 0 | 1 } = &new.id else {
            return refused(format!("{}: a new file of {TOOL} begins with a version, without a phase", new.id));
        };
        if version.suffix().is_some() {
            return refused(format!("{}: a version has no suffix in {TOOL}'s files", new.id));
        }
        let dbms = match new.engine.as_deref() {
            None => String::new(),
            Some("postgres") => " dbms:postgresql".to_owned(),
            Some(engine) => format!(" dbms:{engine}"),
        };
        let (author, id) = new.description.split_once(':').unwrap_or(("migrate", new.description.as_str()));
        let quoted = |text: &str| if text.contains([' ', ':']) { format!("\"{text}\"") } else { text.to_owned() };
        if id.is_empty() || new.description.contains('"') {
            return refused(format!("{}: the description becomes the changeset's author:id", new.id));
        }
        let back = if new.reversible { "--rollback not required\n" } else { "" };
        let words: String = id.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        Ok(vec![NewFile {
            name: format!("{version}_{words}.sql"),
            text: format!("--liquibase formatted sql\n--changeset {}:{}{dbms}\n\n{back}", quoted(author), quoted(id)),
        }])
    }
}

/// The number or version that a name begins with, perhaps behind a `V`.
fn leading_version(name: &str) -> Option<Version> {
    let name =
        name.strip_prefix(['V', 'v']).filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(name);
    let end = name.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(name.len());
    name[..end].trim_end_matches('.').parse().ok()
}

fn unformatted(file: &File) -> Diagnostic {
    let message = format!(
        "{}: has no line `--liquibase formatted sql`, so {TOOL} runs it only where a changelog names it",
        file.name()
    );
    Diagnostic::error(codes::NEAR_MISS_NAME, message)
        .at(Place::path(file.path()))
        .help("make it a changeset: put that line first, and `--changeset author:id` below it")
        .help("or move it out of the folder")
}

fn without_number(file: &File) -> Diagnostic {
    let message = format!(
        "{}: begins with no number, and among several files only that gives its changesets a place",
        file.name()
    );
    Diagnostic::error(codes::NEAR_MISS_NAME, message)
        .at(Place::path(file.path()))
        .help(format!("name the files in the order of their includes: {}", NAMES.form))
        .help(format!("to keep {TOOL}'s path of a changeset, say logicalFilePath on its first line"))
}

fn contexts_note(titles: &[String]) -> Option<Diagnostic> {
    let first = titles.first()?;
    let more = if titles.len() == 1 { String::new() } else { format!(" and {} more", titles.len() - 1) };
    Some(
        Diagnostic::warning(
            codes::BAD_DIRECTIVE,
            format!("{first}{more}: runs whatever its contexts and labels are, as {TOOL} does where none are chosen"),
        )
        .help("what is to run only in some places is an optional migration: in migrations.toml, optional = \"NAME\""),
    )
}

struct Reader<'a> {
    /// The version of the file; without one its changesets are versions themselves.
    base: Option<Version>,
    options: &'a ReadOptions,
    reading: &'a mut Reading,
    contexts: &'a mut Vec<String>,
}

/// What the attributes of a changeset come to.
#[allow(clippy::struct_excessive_bools)] // each is an attribute
#[derive(Default)]
struct Way {
    run: RunAttributes,
    repeats: bool,
    skipped: bool,
    elsewhere: bool,
    back_one_statement: bool,
    back_delimiter: Option<String>,
}

impl Reader<'_> {
    fn file(&mut self, name: &str, source: &Source) {
        let Changelog { changesets, properties, problems } = parse::parse(source);
        for (at, message) in problems {
            self.reading.diagnostics.push(
                Diagnostic::error(codes::BAD_DIRECTIVE, format!("{name}: {message}")).at(Place::in_source(source, at)),
            );
        }
        let mut values: Values = properties.into_iter().collect();
        for (name, value) in self.options.placeholders.iter() {
            values = values.with(name, value);
        }
        for (index, changeset) in changesets.iter().enumerate() {
            self.changeset(source, changeset, index, &values);
        }
    }

    fn id(&self, index: usize) -> MigrationId {
        let place = u32::try_from(index + 1).unwrap_or(u32::MAX);
        match &self.base {
            Some(version) => MigrationId::versioned(version.clone(), Phase::Pre, place),
            None => place.to_string().parse().map_or_else(|_| MigrationId::repeatable(place.to_string()), plain),
        }
    }

    fn changeset(&mut self, source: &Source, changeset: &Changeset, index: usize, values: &Values) {
        let name = format!("{}:{}", changeset.author, changeset.id);
        let mut id = self.id(index);
        let title = crate::migration::title(&id, &name);
        let way = self.way(source, changeset, &title);
        if way.repeats {
            id = MigrationId::repeatable(&name);
        }
        if way.skipped {
            return;
        }
        if way.elsewhere {
            self.reading.elsewhere.push(id);
            return;
        }
        let range = changeset.range.clone();
        let found = Grammar::PLAIN.values(source, range.clone(), &title, values, &mut self.reading.diagnostics);
        let replaced = source.with_values(without_notes(source, &range, found, &self.options.engine.syntax));
        let up = replaced.part(replaced.executed_offset(range.start)..replaced.executed_offset(range.end));
        let (one_statement, delimiter) = changeset.division();
        let up = up.with_cuts(cuts(&up, changeset, one_statement, delimiter));
        let mut draft = Draft::new(id, name, up);
        draft.attributes.run = way.run.clone();
        if !changeset.rollback.is_empty() {
            draft.down = Some(back(source, changeset, values, &way));
            draft.attributes.down = way.run;
        }
        self.reading.take(draft, &self.options.engine);
    }

    fn way(&mut self, source: &Source, changeset: &Changeset, title: &str) -> Way {
        let mut way = Way::default();
        let place = || Place::in_source(source, changeset.header.clone());
        let mut refuse = |what: &str, help: &str| {
            let message = format!("{title}: {what}");
            self.reading
                .diagnostics
                .push(Diagnostic::error(codes::BAD_DIRECTIVE, message).at(place()).help(help.to_owned()));
        };
        let mut said_contexts = false;
        for (name, value) in &changeset.attributes {
            let is = |flag: &str| value.eq_ignore_ascii_case(flag);
            match name.to_ascii_lowercase().as_str() {
                "rollbacksplitstatements" => way.back_one_statement = is("false"),
                "rollbackenddelimiter" => way.back_delimiter = Some(value.clone()),
                "runintransaction" => way.run.no_transaction = is("false"),
                "runonchange" => way.repeats = is("true"),
                "ignore" => way.skipped = is("true"),
                "dbms" => way.elsewhere = !is_for(value, &self.options.engine),
                "context" | "contextfilter" | "contexts" | "labels" => said_contexts = true,
                "runalways" if is("true") => refuse(
                    "runs every time, which a migration does not",
                    "make it a repeatable by changing its text, or run it beside the migrations",
                ),
                "failonerror" if is("false") => refuse(
                    "goes on after a failure, which a migration does not",
                    "write the statement so that it cannot fail",
                ),
                "runwith" | "runwithspoolfile" if !value.is_empty() && !is("jdbc") => {
                    refuse("is for another program than the database", "write it in SQL that the server takes");
                }
                "splitstatements"
                | "enddelimiter"
                | "stripcomments"
                | "runalways"
                | "failonerror"
                | "runwith"
                | "runwithspoolfile"
                | "logicalfilepath"
                | "objectquotingstrategy"
                | "created" => {}
                other => refuse(
                    &format!("`{other}` is no attribute that is known here"),
                    "take it out, or move the changeset out of the folder",
                ),
            }
        }
        for at in &changeset.conditions {
            self.reading.diagnostics.push(
                Diagnostic::error(codes::BAD_DIRECTIVE, format!("{title}: this decides what runs, and nothing here evaluates it"))
                    .at(Place::in_source(source, at.clone()))
                    .help("write what must hold as `-- migrate:precondition \"text\" SELECT …`, or make it the manifest's: optional = \"NAME\""),
            );
        }
        if said_contexts && !way.elsewhere && !way.skipped {
            self.contexts.push(title.to_owned());
        }
        way
    }
}

/// Values, and nothing in place of the lines that only Liquibase takes for comments: to MySQL `--rollback` is none.
fn without_notes<'v>(
    source: &Source,
    range: &Range<usize>,
    values: Vec<(Range<usize>, &'v str)>,
    syntax: &Syntax,
) -> Vec<(Range<usize>, &'v str)> {
    if !syntax.dash_comment_needs_space {
        return values;
    }
    let part = source.part(range.clone());
    let notes: Vec<Range<usize>> =
        marker::lines(&part).filter(|line| marker::is_tight(line.text)).map(|line| line.meant()).collect();
    let outside = |(at, _): &(Range<usize>, &str)| !notes.iter().any(|note| note.contains(&at.start));
    let mut all: Vec<_> = values.into_iter().filter(outside).collect();
    all.extend(notes.iter().map(|note| (note.clone(), "")));
    all.sort_by_key(|(at, _)| at.start);
    all
}

/// `postgresql,mysql`, `!oracle`, `all`, `none`.
fn is_for(dbms: &str, engine: &EngineNames) -> bool {
    let names: Vec<&str> = dbms.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let ours = |name: &str| {
        engine.names.first().is_some_and(|first| first.eq_ignore_ascii_case(name))
            || (engine.names.contains(&"postgres") && name.eq_ignore_ascii_case("postgresql"))
    };
    let excluded = names.iter().filter_map(|name| name.strip_prefix('!')).any(ours);
    let mut wanted = names.iter().filter(|name| !name.starts_with('!')).peekable();
    let all = wanted.peek().is_none() || wanted.clone().any(|name| name.eq_ignore_ascii_case("all"));
    !excluded && !names.iter().any(|name| name.eq_ignore_ascii_case("none")) && (all || wanted.any(|name| ours(name)))
}

/// Where the statements of a changeset are whose header says how it is divided.
fn cuts(up: &Source, changeset: &Changeset, one_statement: bool, delimiter: Option<&str>) -> Vec<Cut> {
    let range = up.executed_offset(changeset.header.end)..up.executed_offset(changeset.body_end);
    match delimiter {
        Some("") => vec![Cut { range, whole: true }],
        Some(delimiter) if delimiter != ";" => delimited(up, range, delimiter),
        // Without the header and what is behind the body: to MySQL `--changeset` is no comment.
        _ => vec![Cut { range, whole: one_statement }],
    }
}

/// Statements that end with a line which is the delimiter, or ends with it.
fn delimited(source: &Source, range: Range<usize>, delimiter: &str) -> Vec<Cut> {
    let delimiter = delimiter.trim_start_matches("\\n");
    let (mut cuts, mut start) = (Vec::new(), range.start);
    for line in marker::lines(&source.part(range.clone())) {
        let text = line.text.trim_end();
        if let Some(before) = text.strip_suffix(delimiter).filter(|_| !delimiter.is_empty()) {
            cuts.push(Cut { range: start..line.range.start + before.len(), whole: true });
            start = line.range.end;
        }
    }
    cuts.push(Cut { range: start..range.end, whole: true });
    cuts.retain(|cut| !cut.range.is_empty());
    cuts
}

/// The lines of the rollback as one text, and nothing else of the file.
fn back(source: &Source, changeset: &Changeset, values: &Values, way: &Way) -> Source {
    let (mut replaced, mut at) = (Vec::new(), 0);
    for stretch in &changeset.rollback {
        replaced.push((at..stretch.start, "\n"));
        // What has no value was reported with the changeset.
        replaced.extend(Grammar::PLAIN.values(source, stretch.clone(), "", values, &mut Vec::new()));
        at = stretch.end;
    }
    replaced.push((at..source.range().end, ""));
    let back = source.with_values(replaced);
    let range = back.range();
    let cuts = match way.back_delimiter.as_deref().filter(|delimiter| *delimiter != ";") {
        Some(delimiter) => delimited(&back, range, delimiter),
        None if way.back_one_statement => vec![Cut { range, whole: true }],
        None => Vec::new(),
    };
    back.with_cuts(cuts)
}
