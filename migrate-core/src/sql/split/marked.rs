//! Statements whose author says where they begin and end.
//!
//! `-- migrate:statement begin` and `-- migrate:statement end`, each on a line of its own, hold one statement whatever
//! is in it; other tools have markers of their own, which their layouts turn into [`Cut`](crate::source::Cut)s. People
//! put several plain statements between such markers too, because their tool sends the text as it is. These stay several
//! where that is beyond doubt: each of them is announced, recorded and recovered by itself.

use std::ops::Range;

use super::{Piece, Problem, Split, client, stretch};
use crate::sql::Syntax;
use crate::sql::lexer::{Lexer, Token};
use crate::sql::syntax::Bodies;

/// What a comment says about where a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    Begin,
    End,
}

impl Marker {
    /// Reads a line comment.
    pub(crate) fn of(comment: &str) -> Option<Self> {
        let said = comment.trim_end().strip_prefix("--")?.trim_start().strip_prefix("migrate:statement")?;
        match said.trim() {
            "begin" => Some(Self::Begin),
            "end" => Some(Self::End),
            _ => None,
        }
    }
}

/// From the line after the one at `at` to the line that ends the statement, whose own end is the second number.
pub(crate) fn block(text: &str, at: usize) -> Option<(Range<usize>, usize)> {
    let start = (client::line_end(text, at) + 1).min(text.len());
    let mut line = start;
    while line < text.len() {
        let end = client::line_end(text, line);
        if Marker::of(text[line..end].trim_start()) == Some(Marker::End) {
            return Some((start..line, end));
        }
        line = end + 1;
    }
    None
}

/// The statement in a stretch of a text, or the several that plainly are there.
pub(super) fn statement(text: &str, range: Range<usize>, syntax: &Syntax) -> Split {
    let split = stretch(text, range.clone(), syntax);
    let clean = split.problems.is_empty();
    if clean
        && (split.pieces.len() < 2 || split.pieces.iter().all(|piece| begins_one(&text[piece.text.clone()], syntax)))
    {
        return split;
    }
    let inner = &text[range.clone()];
    let first = Lexer::new(inner, syntax).find(Token::is_significant).map_or(inner.len(), |token| token.start);
    let end = inner.trim_end_matches(|c: char| c.is_whitespace() || c == ';').len();
    let at = range.start + first..range.start + end.max(first);
    Split {
        pieces: (!at.is_empty()).then_some(Piece { text: at, data: None }).into_iter().collect(),
        problems: Vec::new(),
    }
}

/// Whether a piece cannot be the rest of a body that was cut in the middle.
fn begins_one(text: &str, syntax: &Syntax) -> bool {
    const BEGINNINGS: &[&str] = &[
        "alter", "analyze", "comment", "copy", "create", "delete", "drop", "grant", "insert", "refresh", "reindex",
        "rename", "replace", "revoke", "select", "set", "truncate", "update", "vacuum", "with", "pragma", "call",
    ];
    const BODIES: &[&str] = &["procedure", "function", "trigger", "event", "package", "begin", "declare"];
    let words: Vec<&str> =
        Lexer::new(text, syntax).filter(Token::is_significant).map(|token| token.text(text)).collect();
    let is = |word: &str, among: &[&str]| among.iter().any(|one| one.eq_ignore_ascii_case(word));
    let [first, rest @ ..] = words.as_slice() else { return false };
    let makes = is(first, &["create", "alter", "replace"]);
    let has_body = makes
        && matches!(syntax.bodies, Bodies::Mysql | Bodies::Sqlite)
        && rest.iter().take(12).any(|word| is(word, BODIES));
    // A body that was understood reaches to its end.
    is(first, BEGINNINGS) && (!has_body || rest.last().is_some_and(|word| is(word, &["end"])))
}

pub(super) fn never_ended(at: Range<usize>) -> Problem {
    Problem {
        at,
        message: "the statement that begins here is never ended".to_owned(),
        help: Some("write `-- migrate:statement end` on a line of its own after it".to_owned()),
    }
}

pub(super) fn misplaced(at: Range<usize>, marker: Marker) -> Problem {
    let (message, help) = match marker {
        Marker::Begin => ("a marked statement begins amid another one", "end the statement before it with `;`"),
        Marker::End => {
            ("no marked statement is open here", "write `-- migrate:statement begin` before it, or remove it")
        }
    };
    Problem { at, message: message.to_owned(), help: Some(help.to_owned()) }
}
