//! A diagnostic as text, in the form of a compiler's messages.

use std::fmt;

use super::{Diagnostic, Place};

/// Wider lines are cut around the place that is meant.
const WIDEST: usize = 160;
/// What stays visible to the left of that place.
const LEAD: usize = 60;

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let position = self.place.as_ref().and_then(|place| place.position);
        // The gutter holds two digits at least, so that short files look alike.
        let gutter = position.map_or(0, |position| position.line.to_string().len()).max(2);
        let margin = " ".repeat(gutter + 1);
        write!(f, "{}[{}]: {}", self.severity, self.code, indented(&self.message, &format!("{margin}  ")))?;
        if let Some(place) = &self.place {
            write!(f, "\n{:gutter$}--> {}", "", visible(&place.path))?;
            if let Some(position) = position {
                write!(f, ":{position}")?;
            }
            if let (Some(position), Some(line)) = (position, &place.line) {
                let (text, caret) = excerpt(line, position.column - 1, place.length);
                let text = format!("{:>gutter$} | {text}", position.line);
                write!(f, "\n{}\n{margin}| {caret}", text.trim_end())?;
            }
        }
        for line in &self.diff {
            let shown = cut(&cells(line), 0, 0).0;
            write!(f, "\n{margin}| {}", shown.trim_end())?;
        }
        for line in &self.help {
            write!(f, "\n{margin}= {}", indented(line, &format!("{margin}  ")))?;
        }
        Ok(())
    }
}

/// Servers send messages of several lines.
fn indented(text: &str, margin: &str) -> String {
    text.trim_end().lines().map(visible).collect::<Vec<_>>().join(&format!("\n{margin}"))
}

/// The line and the carets under it.
fn excerpt(line: &str, start: usize, length: usize) -> (String, String) {
    cut(&cells(line), start, length)
}

/// A line as what each character looks like, and how wide that is.
fn cells(line: &str) -> Vec<(char, usize)> {
    line.chars()
        .map(|character| {
            if character == '\t' {
                // The width of a tab: `cut` writes that many spaces.
                return (' ', 4);
            }
            let character = harmless(character);
            (character, columns(character))
        })
        .collect()
}

/// How many columns of a terminal a character takes.
#[cfg(feature = "diagnostics")]
fn columns(character: char) -> usize {
    unicode_width::UnicodeWidthChar::width(character).unwrap_or(1)
}

/// Without the feature `diagnostics` all are taken for alike.
#[cfg(not(feature = "diagnostics"))]
fn columns(_character: char) -> usize {
    1
}

fn cut(cells: &[(char, usize)], start: usize, length: usize) -> (String, String) {
    let width = |cells: &[(char, usize)]| cells.iter().map(|(_, width)| width).sum::<usize>();
    let start = start.min(cells.len());
    let (mut from, mut to) = (0, cells.len());
    if width(cells) > WIDEST {
        from = start;
        while from > 0 && width(&cells[from - 1..start]) <= LEAD {
            from -= 1;
        }
        to = from;
        while to < cells.len() && width(&cells[from..=to]) <= WIDEST {
            to += 1;
        }
    }
    let (mut text, mut carets) = (String::new(), String::new());
    if from > 0 {
        text.push('…');
        carets.push(' ');
    }
    for (character, width) in &cells[from..to] {
        if *character == ' ' { text.extend(std::iter::repeat_n(' ', *width)) } else { text.push(*character) }
    }
    if to < cells.len() {
        text.push('…');
    }
    carets.push_str(&" ".repeat(width(&cells[from..start])));
    let end = start.saturating_add(length).min(to);
    carets.push_str(&"^".repeat(if end > start { width(&cells[start..end]).max(1) } else { 1 }));
    (text, carets)
}

/// Text from a file or a server must not steer the terminal, nor turn the order of what follows it.
fn harmless(character: char) -> char {
    match character {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => char::REPLACEMENT_CHARACTER,
        _ if character.is_control() => char::REPLACEMENT_CHARACTER,
        _ => character,
    }
}

fn visible(line: &str) -> String {
    line.chars().map(|character| if character == '\t' { ' ' } else { harmless(character) }).collect()
}

/// `path:line:column`, as terminals and editors link it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => write!(f, "{}:{position}", self.path),
            None => f.write_str(&self.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use crate::diagnostic::{Diagnostic, Place, codes};
    use crate::source::Source;

    /// An error at the first `needle` of a file that holds `text`.
    #[track_caller]
    fn at(text: &str, needle: &str) -> Diagnostic {
        let start = text.find(needle).unwrap();
        let source = Source::new("migrations/1_x.sql", text);
        Diagnostic::error(codes::STATEMENT_FAILED, "1 x: statement 1 of 1 failed")
            .at(Place::in_source(&source, start..start + needle.len()))
    }

    #[test]
    fn a_place_shows_its_line_and_a_caret() {
        let text = format!("{}  create index on pets (owner);\n", "-- a line\n".repeat(17));
        let diagnostic = Diagnostic::error(
            codes::STATEMENT_FAILED,
            "2.1.0/pre/03 add owner: statement 4 of 7 failed: column \"owner\" does not exist (42703)",
        )
        .at(at(&text, "owner").place.unwrap())
        .help("applied before it in this run: 2.1.0/pre/01, 2.1.0/pre/02; still pending: 2.1.0/post/50")
        .help("the transaction was rolled back: fix the file and run `migrate up` again");
        assert_snapshot!(diagnostic, @r#"
        error[M0302]: 2.1.0/pre/03 add owner: statement 4 of 7 failed: column "owner" does not exist (42703)
          --> migrations/1_x.sql:18:25
        18 |   create index on pets (owner);
           |                         ^^^^^
           = applied before it in this run: 2.1.0/pre/01, 2.1.0/pre/02; still pending: 2.1.0/post/50
           = the transaction was rolled back: fix the file and run `migrate up` again
        "#);
    }

    #[test]
    fn a_diff_stands_between_the_place_and_the_help() {
        let diagnostic = Diagnostic::error(codes::CHANGED, "20261101 add email was changed after it was applied")
            .at(Place::path("migrations/20261101_add_email.sql"))
            .diff("alter table users add column email text;\n", "alter table users add column email text not null;\n")
            .help("put the old text back:     migrate accept 20261101 --restore")
            .help("or accept the new text:    migrate accept 20261101");
        assert_snapshot!(diagnostic, @"
        error[M0110]: 20261101 add email was changed after it was applied
          --> migrations/20261101_add_email.sql
           | - alter table users add column email text;
           | + alter table users add column email text not null;
           = put the old text back:     migrate accept 20261101 --restore
           = or accept the new text:    migrate accept 20261101
        ");
    }

    #[test]
    fn without_a_place_there_is_no_arrow() {
        let diagnostic = Diagnostic::refused(codes::AHEAD, "the database is ahead").help("deploy 3.4.0");
        assert_snapshot!(diagnostic, @"
        refused[M0205]: the database is ahead
           = deploy 3.4.0
        ");
        assert_snapshot!(Diagnostic::warning(codes::NO_STATEMENT, "1: has no statement"), @"warning[M0011]: 1: has no statement");
    }

    #[test]
    fn tabs_and_wide_characters_keep_the_caret_in_place() {
        assert_snapshot!(at("\tselect '日本', ownr;", "ownr"), @"
        error[M0302]: 1 x: statement 1 of 1 failed
          --> migrations/1_x.sql:1:15
         1 |     select '日本', ownr;
           |                    ^^^^
        ");
        // A combining accent takes no column of its own.
        assert_eq!(super::excerpt("e\u{301}: x", 4, 1).1, "   ^");
    }

    #[test]
    fn a_long_line_is_cut_around_the_caret() {
        let text = format!("insert into t values {}, (ownr), {};", "(1), ".repeat(60), "(2), ".repeat(60));
        assert_snapshot!(at(&text, "ownr"), @"
        error[M0302]: 1 x: statement 1 of 1 failed
          --> migrations/1_x.sql:1:325
         1 | …, (1), (1), (1), (1), (1), (1), (1), (1), (1), (1), (1), , (ownr), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2)…
           |                                                              ^^^^
        ");
        let text = format!("selct {};", "(2), ".repeat(60));
        assert_snapshot!(at(&text, "selct"), @"
        error[M0302]: 1 x: statement 1 of 1 failed
          --> migrations/1_x.sql:1:1
         1 | selct (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2), (2),…
           | ^^^^^
        ");
    }

    #[test]
    fn the_gutter_grows_with_the_line_number() {
        assert_snapshot!(at(&format!("{}bad", "\n".repeat(1233)), "bad"), @"
        error[M0302]: 1 x: statement 1 of 1 failed
            --> migrations/1_x.sql:1234:1
        1234 | bad
             | ^^^
        ");
    }

    #[test]
    fn of_several_lines_the_first_is_shown() {
        assert_snapshot!(at("select 'a\nb\nc", "'a\nb\nc"), @"
        error[M0302]: 1 x: statement 1 of 1 failed
          --> migrations/1_x.sql:1:8
         1 | select 'a
           |        ^^
        ");
    }

    #[test]
    fn a_place_at_the_end_of_the_text_has_a_caret_too() {
        let source = Source::new("x.sql", "select 1\n");
        let diagnostic = Diagnostic::error(codes::BAD_SCRIPT, "x.sql: ends here");
        assert_snapshot!(diagnostic.clone().at(Place::in_source(&source, 8..8)), @"
        error[M0009]: x.sql: ends here
          --> x.sql:1:9
         1 | select 1
           |         ^
        ");
        assert_snapshot!(diagnostic.at(Place::in_source(&source, 9..9)), @"
        error[M0009]: x.sql: ends here
          --> x.sql:2:1
         2 |
           | ^
        ");
    }

    #[test]
    fn what_would_steer_a_terminal_is_replaced() {
        let diagnostic = at("select '\u{1b}[31m\u{202e}' x;", "x;").help("a server's\n\tsecond \u{7}line");
        assert_snapshot!(diagnostic, @"
        error[M0302]: 1 x: statement 1 of 1 failed
          --> migrations/1_x.sql:1:17
         1 | select '�[31m�' x;
           |                 ^^
           = a server's
              second �line
        ");
    }
}
