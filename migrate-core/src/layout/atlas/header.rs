//! The directives at the top of a file of Atlas: comments, and a blank line before the SQL.
//!
//! Source: Atlas at commit a5e0aecc2b, `sql/migrate/dir.go` (`LocalFile.Directive`) and `lex.go`.

use std::ops::Range;

use crate::diagnostic::{Diagnostic, Place, codes};
use crate::layout::Reading;
use crate::layout::draft::between;
use crate::source::{Cut, Source};
use crate::sql::Syntax;

/// What a file says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) no_transaction: bool,
    pub(super) is_checkpoint: bool,
}

/// A directive and where its line is.
struct Directive<'a> {
    name: &'a str,
    value: &'a str,
    at: Range<usize>,
}

/// Whether the sum passes over the text of this file.
#[cfg(feature = "manifest")]
pub(super) fn is_ignored(text: &str) -> bool {
    directives(text, 0).0.iter().any(|directive| directive.name == "sum" && directive.value == "ignore")
}

pub(super) fn read(source: &Source, title: &str, reading: &mut Reading) -> Header {
    let mut header = Header::default();
    let (directives, counts) = directives(source.text(), source.range().start);
    let mut say = |severity: fn(crate::diagnostic::Code, String) -> Diagnostic, at, message: String, help: &str| {
        let diagnostic = severity(codes::BAD_DIRECTIVE, format!("{title}: {message}"));
        reading.diagnostics.push(diagnostic.at(Place::in_source(source, at)).help(help.to_owned()));
    };
    for Directive { name, value, at } in directives {
        let matters = ["txmode", "delimiter", "checkpoint", "import"].contains(&name);
        if !counts && matters {
            say(
                Diagnostic::warning,
                at,
                format!("atlas:{name} says nothing here: no blank line follows the comments at the top"),
                "put a blank line between it and the SQL",
            );
            continue;
        }
        match (name, value) {
            ("txmode", "none") => header.no_transaction = true,
            ("txmode", "file") => {}
            ("txmode", _) => say(
                Diagnostic::error,
                at,
                format!("`{value}` is no transaction mode of a file"),
                "a file says `atlas:txmode none` or `atlas:txmode file`",
            ),
            ("checkpoint", _) => header.is_checkpoint = true,
            ("import", _) => say(
                Diagnostic::error,
                at,
                "takes in other files, which is not done here".to_owned(),
                "write the SQL into the file itself",
            ),
            _ => {}
        }
    }
    header
}

/// The directives of the comments at the top, and whether a blank line follows them, without which they are none.
fn directives(text: &str, base: usize) -> (Vec<Directive<'_>>, bool) {
    let mut found = Vec::new();
    let mut start = base;
    for line in text.split_inclusive('\n') {
        let at = start..start + line.trim_end().len();
        start += line.len();
        let said = line.trim_start_matches('\u{feff}').trim();
        let Some(comment) = said.strip_prefix("--").or_else(|| said.strip_prefix('#')) else {
            return (found, said.is_empty());
        };
        if let Some(said) = comment.trim_start().strip_prefix("atlas:") {
            let (name, value) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
            found.push(Directive { name, value: value.trim(), at });
        }
    }
    (found, true)
}

/// The statements between the delimiters that a file names; none where it names none.
pub(super) fn cuts(source: &Source, syntax: &Syntax) -> Vec<Cut> {
    let (directives, counts) = directives(source.text(), source.range().start);
    let last = directives.last().map_or(source.range().start, |directive| directive.at.end);
    match directives.iter().find(|directive| directive.name == "delimiter") {
        Some(directive) if counts => between(source, last, &unescaped(directive.value), Some(syntax)),
        _ => Vec::new(),
    }
}

/// `\n\n` as it is typed.
fn unescaped(value: &str) -> String {
    value.replace("\\n", "\n").replace("\\r", "\r").replace("\\t", "\t")
}
