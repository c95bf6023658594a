//! Lines that other tools mark their files with.

use std::ops::Range;

use crate::source::{Cut, Source};

/// One line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line<'t> {
    /// Without its end.
    pub(super) text: &'t str,
    /// Its bytes in the file, with its end.
    pub(super) range: Range<usize>,
}

impl Line<'_> {
    /// The bytes of what stands in it.
    pub(super) fn meant(&self) -> Range<usize> {
        let start = self.range.start + (self.text.len() - self.text.trim_start().len());
        start..start + self.text.trim().len()
    }
}

/// The lines of the part that is meant; a byte order mark is not part of the first.
pub(super) fn lines(source: &Source) -> impl Iterator<Item = Line<'_>> {
    let mut start = source.range().start;
    source.text().split_inclusive('\n').map(move |line| {
        let range = start..start + line.len();
        start = range.end;
        let text = line.trim_end_matches(['\r', '\n']).trim_start_matches('\u{feff}');
        let bom = line.len() - line.trim_start_matches('\u{feff}').len();
        Line { text, range: range.start + bom..range.end }
    })
}

/// Whether a line is a comment without a blank behind its dashes, which is none to MySQL.
pub(super) fn is_tight(line: &str) -> bool {
    let rest = line.trim_start().strip_prefix("--");
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(char::is_whitespace))
}

/// The cuts of a part of a file in which `blocks` are marked statements; what lies between them is split like any text.
/// Nothing where there are none.
pub(super) fn cuts(part: Range<usize>, blocks: &[Range<usize>]) -> Vec<Cut> {
    let (mut cuts, mut at) = (Vec::new(), part.start);
    for block in blocks {
        if at < block.start {
            cuts.push(Cut { range: at..block.start, whole: false });
        }
        cuts.push(Cut { range: block.clone(), whole: true });
        at = block.end;
    }
    if at < part.end && !cuts.is_empty() {
        cuts.push(Cut { range: at..part.end, whole: false });
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_their_places_without_ends_and_marks() {
        let source = Source::new("x.sql", "\u{feff}a\r\n  b \nc");
        let found: Vec<_> = lines(&source).map(|line| (line.text, &source.file()[line.range.clone()])).collect();
        assert_eq!(found, [("a", "a\r\n"), ("  b ", "  b \n"), ("c", "c")]);
        let meant: Vec<_> = lines(&source).map(|line| &source.file()[line.meant()]).collect();
        assert_eq!(meant, ["a", "b", "c"]);
    }

    #[test]
    fn cuts_cover_the_part() {
        let shown = |cuts: Vec<Cut>| cuts.into_iter().map(|cut| (cut.range, cut.whole)).collect::<Vec<_>>();
        assert_eq!(shown(cuts(0..10, &[])), []);
        assert_eq!(shown(cuts(0..10, &[2..4, 4..5])), [(0..2, false), (2..4, true), (4..5, true), (5..10, false)]);
        assert_eq!(shown(cuts(2..5, std::slice::from_ref(&(2..5)))), [(2..5, true)]);
    }
}
