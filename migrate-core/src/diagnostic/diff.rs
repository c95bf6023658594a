//! Two texts → a unified diff.

use similar::{ChangeTag, TextDiff};

/// Lines around a change.
const CONTEXT: usize = 3;
/// More than a screen helps nobody.
const MOST_LINES: usize = 40;

pub(super) fn unified(old: &str, new: &str) -> Vec<String> {
    // Where only one side has them, the ends of the lines are the difference.
    let show_returns = old.contains("\r\n") != new.contains("\r\n");
    let diff = TextDiff::from_lines(old, new);
    let mut lines = Vec::new();
    for (position, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if position > 0 {
            lines.push("…".to_owned());
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            lines.push(format!("{sign} {}", shown(change.value(), show_returns)));
            if change.missing_newline() && change.tag() != ChangeTag::Equal {
                lines.push("\\ no newline at the end".to_owned());
            }
        }
    }
    if lines.len() > MOST_LINES {
        let more = lines.len() - MOST_LINES;
        lines.truncate(MOST_LINES);
        lines.push(format!("… and {more} more lines"));
    }
    lines
}

fn shown(line: &str, show_returns: bool) -> String {
    let line = line.strip_suffix('\n').unwrap_or(line);
    match line.strip_suffix('\r') {
        Some(line) if show_returns => format!("{line}␍"),
        Some(line) => line.to_owned(),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(old: &str, new: &str, expected: &[&str]) {
        assert_eq!(unified(old, new), expected);
    }

    fn numbered(lines: usize, text: &str) -> String {
        (1..=lines).flat_map(|number| [text.to_owned(), format!(" {number}\n")]).collect()
    }

    #[test]
    fn changes_stand_in_up_to_three_lines_of_context() {
        check("a\nb\n", "a\nb\n", &[]);
        check("a\nb\nc\n", "a\nB\nc\n", &["  a", "- b", "+ B", "  c"]);
        let old = numbered(20, "");
        let new = old.replace("\n 2\n", "\ntwo\n").replace("\n 19\n", "\n");
        check(
            &old,
            &new,
            &["   1", "-  2", "+ two", "   3", "   4", "   5", "…", "   16", "   17", "   18", "-  19", "   20"],
        );
    }

    #[test]
    fn differences_in_line_ends_are_visible() {
        check("a\r\n", "a\n", &["- a␍", "+ a"]);
        check("a\r\nb\r\n", "A\r\nb\r\n", &["- a", "+ A", "  b"]);
        check("a\n", "a", &["- a", "+ a", "\\ no newline at the end"]);
    }

    #[test]
    fn a_long_diff_is_cut() {
        let old = numbered(30, "old");
        let new = numbered(30, "new");
        let lines = unified(&old, &new);
        assert_eq!((lines.len(), lines.last().map(String::as_str)), (41, Some("… and 20 more lines")));
    }

    #[test]
    fn two_large_unlike_texts_are_compared_in_reasonable_time() {
        let old = numbered(20_000, "insert into t values");
        let new = numbered(20_000, "delete from u where a =");
        assert_eq!(unified(&old, &new).len(), 41);
    }
}
