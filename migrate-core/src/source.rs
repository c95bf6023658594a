//! Source text and places in it.
//!
//! A [`Source`] is a file, or the part of a file that belongs to one direction of a migration. Every offset in this
//! crate is a byte offset into the *whole* file, so an error found in the `down` section still names the right line.
//! Reading files is not here: layouts and the CLI hand text in.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A named text, and the part of it that is meant.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    path: Arc<str>,
    text: Arc<str>,
    range: Range<usize>,
    stored: bool,
}

impl Source {
    /// The whole of `text`, shown to people as `path`.
    pub fn new(path: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let range = 0..text.len();
        Self { path: path.into(), text, range, stored: false }
    }

    /// A text that is in no file: `description` says where it is stored.
    pub fn stored(description: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        Self { stored: true, ..Self::new(description, text) }
    }

    /// Whether it is in no file, so that nobody can edit it.
    pub fn is_stored(&self) -> bool {
        self.stored
    }

    /// The same file, narrowed to `range` of its bytes.
    ///
    /// # Panics
    /// If `range` is not on character boundaries inside the file.
    pub fn part(&self, range: Range<usize>) -> Self {
        assert!(self.text.get(range.clone()).is_some(), "range {range:?} outside {}", self.path);
        Self { range, ..self.clone() }
    }

    /// The name a person knows the text by: a path as it was given, or a description of where it is stored.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The part that is meant.
    pub fn text(&self) -> &str {
        &self.text[self.range.clone()]
    }

    /// The whole file, which every offset counts in.
    pub fn file(&self) -> &str {
        &self.text
    }

    /// Where [`text`](Self::text) lies in [`file`](Self::file).
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// Line and column of a byte offset into the file. An offset inside a character counts as its start, one past
    /// the end as the end.
    pub fn position(&self, offset: usize) -> Position {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &self.text[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before[line_start..].trim_start_matches('\u{feff}').chars().count() + 1,
        }
    }
}

/// The text itself may be a whole dump; the name and the extent are what a person debugging wants.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({:?}, {:?})", self.path, self.range)
    }
}

/// A place in a file as editors count it: both from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, offset: usize, line: usize, column: usize) {
        assert_eq!(Source::new("x.sql", text).position(offset), Position { line, column });
    }

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        check("", 0, 1, 1);
        check("a\nbc", 3, 2, 2);
        check("größe x", 8, 1, 7);
        check("a\r\nb", 3, 2, 1);
        check("ab", 99, 1, 3);
        check("ö", 1, 1, 1);
        check("\u{feff}select", 3, 1, 1);
    }

    #[test]
    fn a_part_keeps_the_places_of_the_file() {
        let file = Source::new("x.sql", "up;\ndown;");
        let down = file.part(4..9);
        assert_eq!(down.text(), "down;");
        assert_eq!(down.position(down.range().start), Position { line: 2, column: 1 });
    }
}
