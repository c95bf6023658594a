//! Text → statements with exact byte spans.

use std::ops::Range;

use super::Syntax;
use crate::source::Source;

/// One statement's place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// From its first to its last significant token.
    pub text: Range<usize>,
    /// The data block of a `COPY … FROM STDIN`, without its `\.` line.
    pub data: Option<Range<usize>>,
}

/// Something in the text that keeps it from being split, or that only a native client could run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The bytes of the file it is about.
    pub at: Range<usize>,
    /// What is wrong: lower-case, no full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// What [`split`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// The statements, in order.
    pub pieces: Vec<Piece>,
    /// Everything that is wrong, in order.
    pub problems: Vec<Problem>,
}

/// Splits a source into statements. Never stops at the first problem.
pub fn split(_source: &Source, _syntax: &Syntax) -> Split {
    Split::default()
}
