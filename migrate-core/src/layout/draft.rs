//! Files → the migrations of a [`Reading`].

use std::collections::BTreeMap;
use std::ops::Range;

use super::{EngineNames, File, Layout, Reading};
use crate::checksum;
use crate::code::CodeWork;
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::migration::{self, Attributes, Migration, MigrationId, RunAttributes};
use crate::set::duplicate_files;
use crate::source::{Cut, Source};
use crate::sql::Syntax;
use crate::sql::directive::{self, DirectiveKind, give};
use crate::sql::lexer::{Lexer, TokenKind};

/// A migration as its layout found it. What its own directives say is added when it is [taken](Reading::take).
pub(super) struct Draft {
    pub(super) id: MigrationId,
    pub(super) description: String,
    pub(super) up: Source,
    pub(super) down: Option<Source>,
    pub(super) attributes: Attributes,
}

impl Draft {
    pub(super) fn new(id: MigrationId, description: impl Into<String>, up: Source) -> Self {
        Self { id, description: description.into(), up, down: None, attributes: Attributes::default() }
    }

    pub(super) fn title(&self) -> String {
        migration::title(&self.id, &self.description)
    }
}

impl Reading {
    /// The text of a file; what cannot be read is reported.
    pub(super) fn text(&mut self, file: &File) -> Option<Source> {
        file.source().map_err(|problem| self.diagnostics.push(*problem)).ok()
    }

    /// What lies beside the scripts and cannot be read without the feature `manifest`.
    #[cfg(not(feature = "manifest"))]
    pub(super) fn unread(&mut self, name: &str, path: &str) {
        self.diagnostics.push(super::unread(name, path));
    }

    /// One more migration, with what its `-- migrate:` directives say about how it runs. They are comments to every
    /// other tool, so that whoever goes on with its layout has them too.
    pub(super) fn take(&mut self, mut draft: Draft, engine: &EngineNames) {
        let title = draft.title();
        let Draft { up, down, attributes, .. } = &mut draft;
        for directive in self.directives(up, &title, engine) {
            if let DirectiveKind::Code(_) = directive.kind {
                let message = format!("{title}: only a file of the native layout declares code");
                self.diagnostics.push(
                    Diagnostic::error(codes::BAD_DIRECTIVE, message)
                        .at(Place::in_source(up, directive.at))
                        .help("register the code in the application alone"),
                );
                continue;
            }
            let agrees = match &directive.kind {
                DirectiveKind::RequiresVersion(version) => {
                    give(&mut attributes.requires_version, Some(version.clone()))
                }
                DirectiveKind::CompatibleFrom(version) => give(&mut attributes.compatible_from, Some(version.clone())),
                DirectiveKind::Irreversible(reason) => give(&mut attributes.irreversible, Some(reason.clone())),
                kind => directive::take(&mut attributes.run, kind),
            };
            self.contradiction(agrees, &title, up, directive.at);
        }
        if let Some(down) = down {
            for directive in self.directives(down, &title, engine) {
                let agrees = directive::take(&mut attributes.down, &directive.kind);
                self.contradiction(agrees, &title, down, directive.at);
            }
        }
        self.migrations.push(Migration {
            checksum: checksum::raw(draft.up.written()),
            id: draft.id,
            description: draft.description,
            up: draft.up,
            down: draft.down,
            attributes: draft.attributes,
        });
    }

    /// A migration whose work is code of another program.
    pub(super) fn take_code(&mut self, id: MigrationId, description: String, file: &File, language: &str) {
        let attributes = Attributes { code: Some(CodeWork::in_language(language)), ..Attributes::default() };
        self.migrations.push(Migration {
            id,
            description,
            up: Source::new(file.path(), ""),
            checksum: String::new(),
            down: None,
            attributes,
        });
    }

    fn contradiction(&mut self, agrees: bool, title: &str, source: &Source, at: Range<usize>) {
        if !agrees {
            self.diagnostics.push(
                Diagnostic::error(
                    codes::BAD_DIRECTIVE,
                    format!("{title}: said before in this file, with another value"),
                )
                .at(Place::in_source(source, at))
                .help("say it once"),
            );
        }
    }

    fn directives(&mut self, source: &Source, title: &str, engine: &EngineNames) -> Vec<directive::Directive> {
        let directives = directive::directives(source, &engine.syntax);
        for problem in directives.problems {
            // Options behind a section's marker are another tool's own.
            let line = source.file()[..problem.at.start].rfind('\n').map_or(0, |end| end + 1);
            let said = source.file()[line..problem.at.start].trim_start_matches(['\u{feff}', '-', ' ', '\t']);
            if said.starts_with("migrate:up") || said.starts_with("migrate:down") {
                continue;
            }
            let diagnostic = Diagnostic::error(codes::BAD_DIRECTIVE, format!("{title}: {}", problem.message))
                .at(Place::in_source(source, problem.at));
            self.diagnostics.push(problem.help.into_iter().fold(diagnostic, Diagnostic::help));
        }
        directives.found
    }

    /// Of several migrations with one identity the first is kept, and each other one is reported.
    pub(super) fn without_twins(mut self) -> Self {
        let mut taken: BTreeMap<MigrationId, String> = BTreeMap::new();
        let diagnostics = &mut self.diagnostics;
        self.migrations.retain(|migration| match taken.get(&migration.id) {
            Some(other) => {
                diagnostics.push(duplicate_files(&migration.title(), migration.up.path(), other));
                false
            }
            None => taken.insert(migration.id.clone(), migration.up.path().to_owned()).is_none(),
        });
        self
    }

    /// Reports where this layout's own tool, which compares names as text, has another order than numbers have. `keys`
    /// are what it compares, with their identities.
    pub(super) fn check_text_order(&mut self, tool: &str, mut keys: Vec<(String, MigrationId, String)>) {
        keys.sort();
        for pair in keys.windows(2) {
            let [(first, earlier, _), (second, later, path)] = pair else { continue };
            if earlier > later {
                self.diagnostics.push(
                    Diagnostic::error(
                        codes::OUT_OF_ORDER,
                        format!("{second}: {tool} runs it after {first}, because it compares text; as numbers it comes first"),
                    )
                    .at(Place::path(path))
                    .help("an order that depends on how many digits a version has cannot be kept")
                    .help("where nothing is applied yet, write all versions with the same number of digits"),
                );
            }
        }
    }
}

/// Whether a line is a marker, and whose.
type WayBack = (fn(&str) -> bool, &'static str);

/// The markers that begin a way back in files of other tools, and whose layout they are: the line without its blanks, in
/// small letters.
const WAYS_BACK: &[WayBack] = &[
    (|line| line.starts_with("--") && line.contains("+goose") && line.contains("down"), "goose"),
    (|line| line.starts_with("-- +migrate down"), "sql-migrate"),
    (|line| line.starts_with("--") && line[2..].trim_start().starts_with("migrate:down"), "dbmate"),
    (|line| line.starts_with("--") && line.contains("//") && line.contains("@undo"), "mybatis"),
];

/// A whole file is run by a layout without sections: the way back in it, too, unless somebody says so.
pub(super) fn foreign_way_back(source: &Source, title: &str, layout: &dyn Layout) -> Option<Diagnostic> {
    let text = source.text();
    if !["+goose", "+migrate", "migrate:", "@UNDO"].iter().any(|word| text.contains(word)) {
        return None;
    }
    let mut start = source.range().start;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim().to_ascii_lowercase();
        let found = WAYS_BACK.iter().find(|(is_marker, _)| is_marker(&trimmed));
        // The native layout has dbmate's markers too.
        if let Some((_, other)) = found.filter(|(_, other)| *other != "dbmate" || layout.name() != "native") {
            let at = start..start + line.trim_end().len();
            let message = format!(
                "{title}: this begins the way back in a file of {other}, and {} runs the whole file",
                layout.name()
            );
            return Some(
                Diagnostic::error(codes::BAD_DIRECTIVE, message)
                    .at(Place::in_source(source, at))
                    .help(format!("if the files are {other}'s: --layout {other}")),
            );
        }
        start += line.len();
    }
    None
}

/// Statements that a text of the layout's own stands between, outside of strings if `lexed` tells where these are.
pub(super) fn between(source: &Source, from: usize, separator: &str, lexed: Option<&Syntax>) -> Vec<Cut> {
    let (text, base) = (source.text(), source.range().start);
    if separator.is_empty() || !text[from - base..].contains(separator) {
        return Vec::new();
    }
    let strings: Vec<Range<usize>> = lexed.map_or_else(Vec::new, |syntax| {
        let tokens = Lexer::new(text, syntax).filter(|token| matches!(token.kind, TokenKind::String | TokenKind::Name));
        tokens.map(|token| base + token.start..base + token.end).collect()
    });
    let mut cuts = Vec::new();
    let mut start = from;
    let ends = text[from - base..].match_indices(separator).map(|(at, _)| from + at);
    for end in ends.filter(|at| !strings.iter().any(|string| string.start < *at && *at < string.end)) {
        // Where separators overlap, as blank lines do, the first one counts.
        if end >= start {
            cuts.push(Cut { range: start..end, whole: true });
            start = end + separator.len();
        }
    }
    cuts.push(Cut { range: start..source.range().end, whole: true });
    cuts
}

/// How one script runs, when nothing but the absence of a transaction is said.
pub(super) fn without_transaction() -> RunAttributes {
    RunAttributes { no_transaction: true, ..RunAttributes::default() }
}
