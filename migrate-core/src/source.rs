//! Source text and places in it.
//!
//! A [`Source`] is a file, or the part of a file that belongs to one direction of a migration. Every offset in this
//! crate is a byte offset into the *whole* file, so an error found in the `down` section still names the right line.
//! Reading files is not here: layouts and the CLI hand text in.
//!
//! What is carried out may differ from what was written: placeholders have values. [`Source::text`] and every offset are
//! about what is carried out; [`Source::written`], [`Source::position`] and every checksum about what was written.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A named text, and the part of it that is meant.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    path: Arc<str>,
    /// As it is carried out.
    text: Arc<str>,
    range: Range<usize>,
    stored: bool,
    /// As it was written, where that is something else.
    written: Option<Arc<Written>>,
    /// Where its statements are, where markers of its layout say so.
    cuts: Option<Arc<[Cut]>>,
}

/// A text with placeholders, and what became of them.
#[derive(Debug, PartialEq, Eq)]
struct Written {
    text: Box<str>,
    /// In order, none inside another.
    values: Vec<Value>,
}

/// A placeholder as it was written, and its value as it is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Value {
    written: Range<usize>,
    executed: Range<usize>,
}

/// A stretch of a file that markers of its layout delimit. What lies outside of all cuts is not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Its bytes in the file.
    pub range: Range<usize>,
    /// Its author says that it is one statement. Otherwise it is split like any text.
    pub whole: bool,
}

impl Source {
    /// The whole of `text`, shown to people as `path`.
    pub fn new(path: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        let range = 0..text.len();
        Self { path: path.into(), text, range, stored: false, written: None, cuts: None }
    }

    /// A text that is in no file: `description` says where it is stored.
    pub fn stored(description: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        Self { stored: true, ..Self::new(description, text) }
    }

    /// Whether it is in no file, so that nobody can edit it.
    pub(crate) fn is_stored(&self) -> bool {
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

    /// The same file with statements where `cuts` are; none leaves that to the splitter. They are in order and do not
    /// overlap.
    pub fn with_cuts(&self, cuts: Vec<Cut>) -> Self {
        Self { cuts: (!cuts.is_empty()).then(|| cuts.into()), ..self.clone() }
    }

    /// The cuts in the part that is meant; `None` where the splitter decides.
    pub fn cuts(&self) -> Option<impl Iterator<Item = Cut>> {
        let inside = |cut: &Cut| {
            let range = cut.range.start.max(self.range.start)..cut.range.end.min(self.range.end);
            (!range.is_empty()).then_some(Cut { range, whole: cut.whole })
        };
        self.cuts.as_ref().map(|cuts| cuts.iter().filter_map(inside))
    }

    /// The whole file with values in place of placeholders, which are ranges of its bytes in order.
    ///
    /// # Panics
    /// If it has values already, or a range is not on character boundaries or overlaps the one before.
    pub fn with_values<V: AsRef<str>>(&self, values: impl IntoIterator<Item = (Range<usize>, V)>) -> Self {
        assert!(self.written.is_none(), "{} has its values already", self.path);
        let (mut text, mut at, mut found) = (String::new(), 0, Vec::new());
        for (written, value) in values {
            text.push_str(&self.text[at..written.start]);
            let start = text.len();
            text.push_str(value.as_ref());
            at = written.end;
            found.push(Value { written, executed: start..text.len() });
        }
        if found.is_empty() {
            return self.clone();
        }
        text.push_str(&self.text[at..]);
        let written = Written { text: Box::from(&*self.text), values: found };
        Self { written: Some(Arc::new(written)), cuts: None, ..Self::new(Arc::clone(&self.path), text) }
    }

    /// The name a person knows the text by: a path as it was given, or a description of where it is stored.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The part that is meant, as it is carried out. It may hold secrets that are in no file: people are shown what was
    /// [written](Self::written).
    pub fn text(&self) -> &str {
        &self.text[self.range.clone()]
    }

    /// The whole file as it is carried out, which every offset counts in.
    pub fn file(&self) -> &str {
        &self.text
    }

    /// Where [`text`](Self::text) lies in [`file`](Self::file).
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// The part that is meant, as it was written.
    pub fn written(&self) -> &str {
        &self.written_file()[self.written_range(self.range())]
    }

    /// The whole file as it was written.
    pub(crate) fn written_file(&self) -> &str {
        self.written.as_ref().map_or(&*self.text, |written| &*written.text)
    }

    /// Whether placeholders of it have values.
    pub(crate) fn has_values(&self) -> bool {
        self.written.is_some()
    }

    /// The same part of the file as it was written: what is compared with other files, and never carried out.
    pub(crate) fn as_written(&self) -> Self {
        if self.written.is_none() {
            return self.clone();
        }
        let cut = |cut: &Cut| Cut { range: self.written_range(cut.range.clone()), whole: cut.whole };
        Self {
            range: self.written_range(self.range()),
            stored: self.stored,
            cuts: self.cuts.as_ref().map(|cuts| cuts.iter().map(cut).collect()),
            ..Self::new(Arc::clone(&self.path), self.written_file())
        }
    }

    /// Where bytes of the file as it is carried out were written; a placeholder is never cut in two.
    pub(crate) fn written_range(&self, at: Range<usize>) -> Range<usize> {
        let Some(written) = &self.written else { return at };
        let last = |count: usize| count.checked_sub(1).map(|index| &written.values[index]);
        let start = last(written.values.partition_point(|value| value.executed.start <= at.start));
        let start = match start {
            Some(Value { written, executed }) if at.start < executed.end || *executed == (at.start..at.start) => {
                written.start
            }
            Some(value) => value.written.end + (at.start - value.executed.end),
            None => at.start,
        };
        let end = last(written.values.partition_point(|value| value.executed.start < at.end));
        let end = match end {
            Some(value) if at.end <= value.executed.end => value.written.end,
            Some(value) => value.written.end + (at.end - value.executed.end),
            None => at.end,
        };
        start..end.max(start)
    }

    /// Where a place of the file as it was written is in what is carried out; of a placeholder it is where its value
    /// begins.
    pub(crate) fn executed_offset(&self, offset: usize) -> usize {
        let Some(written) = &self.written else { return offset };
        let next = written.values.partition_point(|value| value.written.start <= offset);
        let Some(value) = next.checked_sub(1).map(|index| &written.values[index]) else { return offset };
        match offset.checked_sub(value.written.end) {
            Some(behind) => value.executed.end + behind,
            None => value.executed.start,
        }
    }

    /// Line and column, in the file as it was written, of a byte offset into the file. An offset inside a character
    /// counts as its start, one past the end as the end.
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let text = self.written_file();
        let mut offset = self.written_range(offset..offset).start.min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &text[..offset];
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

    /// `a ${x}b\n${y}c` with `x` = `12345` and nothing for `y`.
    fn with_values() -> Source {
        Source::new("x.sql", "a ${x}b\n${y}c").with_values([(2..6, "12345"), (8..12, "")])
    }

    #[test]
    fn what_is_carried_out_has_values_and_what_was_written_has_not() {
        let source = with_values();
        assert_eq!((source.text(), source.written()), ("a 12345b\nc", "a ${x}b\n${y}c"));
        assert_eq!(source.as_written(), Source::new("x.sql", "a ${x}b\n${y}c"));
        assert_eq!(source.part(0..8).written(), "a ${x}b");
        assert_eq!(source.part(9..10).written(), "${y}c");
        assert!(!format!("{source:?}").contains("12345"));
    }

    #[test]
    fn places_are_those_of_what_was_written() {
        let source = with_values();
        let written = |at: Range<usize>| &source.written_file()[source.written_range(at)];
        for (at, expected) in [
            (0..1, "a"),
            (0..2, "a "),
            (2..7, "${x}"),
            (3..4, "${x}"),
            (4..8, "${x}b"),
            (7..8, "b"),
            (7..9, "b\n"),
            (9..10, "${y}c"),
            (8..10, "\n${y}c"),
            (0..10, "a ${x}b\n${y}c"),
        ] {
            assert_eq!(written(at.clone()), expected, "{at:?}");
        }
        for (offset, line, column) in [(0, 1, 1), (2, 1, 3), (5, 1, 3), (7, 1, 7), (9, 2, 1), (10, 2, 6), (99, 2, 6)] {
            assert_eq!(source.position(offset), Position { line, column }, "{offset}");
        }
        for (written, executed) in [(0, 0), (2, 2), (4, 2), (6, 7), (8, 9), (12, 9), (13, 10)] {
            assert_eq!(source.executed_offset(written), executed, "{written}");
        }
    }
}
