//! Why a history cannot be taken over: one case for each, with its facts.

use crate::backend::TableName;
use crate::diagnostic::{Diagnostic, Place, codes, without_feature};
use crate::history::format::unwritten::NotExported;
use crate::history::format::{FORMATS, Found};
use crate::migration::MigrationId;

use super::super::refusal::some;

/// Why a history cannot be taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(tag = "problem", rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Problem {
    /// No table of another tool, or not of the one that was named.
    NothingFound {
        /// The one that was named.
        tool: Option<&'static str>,
    },
    /// There is no tool of that name.
    UnknownTool(#[cfg_attr(feature = "serde", serde(skip))] String),
    /// A table was named, and not whose it is.
    TableOfWhom(#[cfg_attr(feature = "serde", serde(skip))] TableName),
    /// The table that was named is not there.
    NoTable {
        /// Whose it should be.
        tool: &'static str,
        /// Its name.
        table: TableName,
    },
    /// Several could be meant, or one that does not fit the files.
    Undecided {
        /// What there is.
        candidates: Vec<Candidate>,
        /// The layout that the files were read with.
        layout: &'static str,
    },
    /// Other tools' tables are not known on this engine.
    UnknownEngine(#[cfg_attr(feature = "serde", serde(skip))] &'static str),
    /// A pooler would give the other tool's lock to somebody else.
    Pooled,
    /// The table holds what its tool does not write.
    Damaged {
        /// Whose it is.
        tool: &'static str,
        /// Its name.
        table: TableName,
        /// What was found.
        what: String,
    },
    /// The tool failed or has not finished.
    Unfinished {
        /// Which tool.
        tool: &'static str,
        /// At what.
        entries: Vec<Unfinished>,
    },
    /// Files are not what the tool recorded of them.
    Changed {
        /// Which tool.
        tool: &'static str,
        /// Which files.
        changed: Vec<Changed>,
    },
    /// Migrations that only the tool can run are pending.
    PendingCode {
        /// Which tool.
        tool: &'static str,
        /// Title and path of each.
        files: Vec<(String, String)>,
    },
    /// The tool's own migrations are code, and nobody said what of the set is there.
    HeadOnly {
        /// Which tool.
        tool: &'static str,
        /// As people type it.
        name: &'static str,
        /// Where it stands.
        heads: String,
    },
}

/// A history that could be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Candidate {
    /// As people type the tool.
    pub tool: &'static str,
    /// As the tool is called.
    pub title: &'static str,
    /// Its table.
    pub table: TableName,
    /// What it was known by.
    pub evidence: Vec<String>,
}

/// What the tool failed at or has not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Unfinished {
    /// In the tool's own words.
    pub label: String,
    /// What it does.
    pub description: String,
    /// It failed; otherwise nobody said how it ended.
    pub failed: bool,
    /// The files that may be half done.
    pub files: Vec<String>,
}

/// A file that is not what the tool recorded of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Changed {
    /// Which migration.
    pub id: MigrationId,
    /// As messages name it.
    pub title: String,
    /// Its file.
    pub path: String,
    /// The checksum in the tool's table.
    pub recorded: String,
    /// That of the file.
    pub found: String,
}

impl Candidate {
    /// What a history that was found looks like.
    pub fn of(found: &Found) -> Self {
        let format = found.format();
        let columns: Vec<&str> = found.table.columns.iter().map(|column| column.name.as_str()).collect();
        let evidence = if found.table.is_called("pragma_user_version") {
            "the number user_version in the header of the file".to_owned()
        } else {
            format!("table {} with {}", found.table.name, few(&columns))
        };
        Self { tool: format.name(), title: format.title(), table: found.table.name.clone(), evidence: vec![evidence] }
    }
}

impl Problem {
    /// What a person should read.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            Self::Changed { tool, changed } => changed.iter().map(|changed| changed.diagnostic(tool)).collect(),
            Self::Unfinished { tool, entries } => entries.iter().map(|entry| entry.diagnostic(tool)).collect(),
            one => vec![one.diagnostic()],
        }
    }

    fn diagnostic(&self) -> Diagnostic {
        use Diagnostic as D;
        match self {
            Self::Changed { .. } | Self::Unfinished { .. } => unreachable!("these have diagnostics of their own"),
            Self::NothingFound { tool: None } => {
                D::refused(codes::FOREIGN_UNDECIDED, "there is no history of another tool that could be taken over")
                    .help("is its table somewhere else? name it: migrate adopt --from TOOL --from-table SCHEMA.TABLE")
                    .help("a database that already has what the migrations make: migrate baseline VERSION")
            }
            Self::NothingFound { tool: Some(tool) } => {
                D::refused(codes::FOREIGN_UNDECIDED, format!("there is no history of {tool}"))
                    .help("is its table called differently? name it: migrate adopt --from TOOL --from-table SCHEMA.TABLE")
            }
            Self::UnknownTool(name) => {
                let names: Vec<&str> = FORMATS.iter().map(|format| format.name()).collect();
                let diagnostic = D::error(codes::USAGE, format!("there is no tool `{name}`"));
                match crate::diagnostic::nearest(name, names.iter().copied()) {
                    Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
                    None => diagnostic.help(format!("the tools are {}", names.join(", "))),
                }
            }
            Self::TableOfWhom(table) => {
                D::error(codes::USAGE, format!("{table}: nobody said whose history it is"))
                    .help(format!("say it: migrate adopt --from TOOL --from-table {table}"))
            }
            Self::NoTable { tool, table } => {
                D::refused(codes::FOREIGN_UNDECIDED, format!("there is no table {table} for the history of {tool}"))
                    .help("name it with its schema: --from-table SCHEMA.TABLE")
            }
            Self::Undecided { candidates, layout } => {
                let diagnostic = D::refused(
                    codes::FOREIGN_UNDECIDED,
                    match candidates.as_slice() {
                        [one] => format!(
                            "the database has the history of {}, but the files were read with the layout {layout}",
                            one.title
                        ),
                        _ => format!("nobody can tell which of {} histories is to be taken over", candidates.len()),
                    },
                );
                let diagnostic = candidates.iter().fold(diagnostic, |diagnostic, candidate| {
                    diagnostic.help(format!("{}: {}", candidate.title, candidate.evidence.join(", ")))
                });
                let first = candidates.first().map_or("TOOL", |candidate| candidate.tool);
                diagnostic.help(format!("say which: migrate adopt --from {first}, with --layout if the files are its own"))
            }
            Self::UnknownEngine(engine) => {
                D::refused(codes::FOREIGN_UNDECIDED, format!("the tables of other tools are not known on {engine}"))
            }
            Self::Pooled => D::refused(
                codes::NEEDS_SESSION,
                "the other tool's lock needs a session of its own, and the pooler in between gives none",
            )
            .help("go around the pooler: --direct-url URL"),
            Self::Damaged { tool, table, what } => {
                D::error(codes::FOREIGN_UNFINISHED, format!("{table}: {what}"))
                    .help(format!("this is not what {tool} writes: nothing was taken over"))
            }
            Self::PendingCode { tool, files } => {
                let titles: Vec<&str> = files.iter().map(|(title, _)| title.as_str()).collect();
                let diagnostic = D::refused(
                    codes::FOREIGN_UNFINISHED,
                    format!("{}: only {tool} can run what is code, and it has not", few(&titles)),
                );
                let diagnostic = match files.first() {
                    Some((_, path)) => diagnostic.at(Place::path(path)),
                    None => diagnostic,
                };
                diagnostic.help(format!("let {tool} run {} first, then: migrate adopt", if files.len() == 1 { "it" } else { "them" }))
            }
            Self::HeadOnly { tool, name, heads } => D::refused(
                codes::FOREIGN_UNDECIDED,
                format!("{tool} stands at {heads}, and its migrations are code: which of these files the database has, it cannot tell"),
            )
            .help(format!("say up to which version it has them: migrate adopt --from {name} --to VERSION"))
            .help(format!("or that it has none of them:         migrate adopt --from {name} --to 0")),
        }
    }
}

/// That a history is there, and what can be done about it.
pub(in super::super) fn not_taken_over(found: &[Candidate], tables: &[String]) -> Diagnostic {
    let ignore = "or leave that history alone: set `foreign-history = \"ignore\"` under [policy] in migrate.toml";
    let refused =
        |what: &str| Diagnostic::refused(codes::FOREIGN_HISTORY, format!("the database has the history of {what}"));
    match found {
        [] => refused(&format!("another tool: {}", some(tables)))
            .help("record what it has already applied: migrate baseline VERSION")
            .help(ignore),
        [one] => refused(&format!("{}, and none of ours: {}", one.title, one.evidence.join(", ")))
            .help(format!("see what taking it over would do: migrate adopt --from {} --dry-run", one.tool))
            .help(format!("take it over:                     migrate adopt --from {}", one.tool))
            .help("or take it over and go on at once: migrate up --adopt")
            .help(ignore),
        several => {
            let titles: Vec<String> = several.iter().map(|one| one.title.to_owned()).collect();
            let refused = refused(&format!("{}, and none of ours", titles.join(" and of ")));
            let refused = several
                .iter()
                .fold(refused, |refused, one| refused.help(format!("{}: {}", one.title, one.evidence.join(", "))));
            refused
                .help(format!("say which is taken over: migrate adopt --from {} --dry-run", several[0].tool))
                .help(ignore)
        }
    }
}

/// What keeps our history out of another tool's table.
pub(in super::super) fn not_exported(problems: &[NotExported]) -> Vec<Diagnostic> {
    let diagnostic = |problem: &NotExported| match problem {
        NotExported::Tool(_) => Diagnostic::error(codes::USAGE, problem.to_string()),
        _ => Diagnostic::refused(codes::NOT_EXPORTED, problem.to_string()),
    };
    let mut diagnostics: Vec<Diagnostic> = problems.iter().map(diagnostic).collect();
    if let Some(last) = diagnostics.last_mut() {
        last.help.push("nothing was written".to_owned());
    }
    diagnostics
}

/// That this program knows nothing of other tools' histories.
pub(in super::super) fn without_other_tools(what: &str) -> Diagnostic {
    without_feature(codes::FOREIGN_HISTORY, what, "other-tools")
        .help("or have it done by the command line, which has all features: migrate adopt --dry-run")
        .help("once that tool is given up, drop its table, or look away from it: ForeignHistory::Ignore")
}

/// That a tool went on after its history was taken over.
pub(in super::super) fn moved(tool: &str, title: &str, table: &TableName, news: &[String]) -> Diagnostic {
    Diagnostic::refused(
        codes::FOREIGN_MOVED,
        format!("{title} went on after its history was taken over: {}", some(news)),
    )
    .help(format!("take that over too: migrate adopt --from {tool}"))
    .help(format!(
        "once {title} is given up, drop {table}, or look away from it: set `foreign-history = \"ignore\"` under [policy] in migrate.toml"
    ))
}

impl Unfinished {
    fn diagnostic(&self, tool: &str) -> Diagnostic {
        let label = if self.description.is_empty() || self.description == self.label {
            self.label.clone()
        } else {
            format!("{} {}", self.label, self.description)
        };
        let what = if self.failed { "failed" } else { "has not finished" };
        let mut diagnostic = Diagnostic::refused(
            codes::FOREIGN_UNFINISHED,
            format!("{label}: {tool} {what}, and what it left behind is not known"),
        );
        if let Some(path) = self.files.first() {
            diagnostic = diagnostic.at(Place::path(path));
        }
        if let [_, other, ..] = self.files.as_slice() {
            diagnostic = diagnostic.help(format!("or it was going back: {other}"));
        }
        diagnostic.help(format!("look at the database, finish it with {tool} or take it back, then: migrate adopt"))
    }
}

impl Changed {
    fn diagnostic(&self, tool: &str) -> Diagnostic {
        let Self { id, title, path, recorded, found } = self;
        Diagnostic::error(codes::FOREIGN_DIFFERS, format!("{title}: the file is not what {tool} recorded"))
            .at(Place::path(path))
            .help(format!("recorded: {recorded}"))
            .help(format!("the file: {found}"))
            .help("put the file back as it was run, or, if what it does is the same:")
            .help(format!("take it over as it is: migrate adopt --accept-changed {}", id.typed()))
    }
}

/// The first of many.
pub(super) fn few(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        all if all.len() <= 5 => all.join(", "),
        [first, second, third, .., last] => format!("{first}, {second}, {third} … {last} ({})", names.len()),
        _ => names.join(", "),
    }
}
