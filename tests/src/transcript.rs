//! A command and its answer, as a person sees them, without what changes from run to run.

use std::fmt::{self, Write as _};
use std::process::Output;

/// What a command said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// The words after `migrate`.
    pub command: String,
    /// Data and screens.
    pub stdout: String,
    /// Errors and progress.
    pub stderr: String,
    /// The exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    folder: String,
}

impl Transcript {
    pub(crate) fn new(command: String, folder: String, output: &Output) -> Self {
        Self {
            command,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code(),
            folder,
        }
    }

    /// The same, after checking the exit code.
    ///
    /// # Panics
    /// If it is another one; the message is the whole transcript.
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }
}

/// Standard output, then errors. Durations, dates and the temporary folder are replaced.
impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "$ migrate {}", redacted(&self.command, &self.folder))?;
        for stream in [&self.stdout, &self.stderr] {
            f.write_str(&redacted(stream, &self.folder))?;
            if !stream.is_empty() && !stream.ends_with('\n') {
                writeln!(f, "(no newline)")?;
            }
        }
        match self.code {
            Some(0) => Ok(()),
            Some(code) => writeln!(f, "exit {code}"),
            None => writeln!(f, "ended by a signal"),
        }
    }
}

/// `text` with `folder` as `.`, durations as `_ ms`, dates as `DATE` and moments in file names as `NOW`.
pub fn redacted(text: &str, folder: &str) -> String {
    let text = text.replace(&format!("{folder}/"), "").replace(folder, ".");
    let mut result = String::new();
    let mut rest = text.as_str();
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let inside_a_word = rest[..start].ends_with(|c: char| c.is_alphanumeric());
        result.push_str(&rest[..start]);
        rest = &rest[start..];
        let (length, replacement) = match changing(rest) {
            Some(found) if !inside_a_word => found,
            _ => (rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()), None),
        };
        match replacement {
            Some(word) => {
                if word.starts_with('_') {
                    // Durations are aligned to the right: their length moves the blanks before them.
                    let bare = result.trim_end_matches(' ').len();
                    let blanks = (result.len() - bare).min(2);
                    result.truncate(bare);
                    result.push_str(&"  "[..blanks]);
                }
                result.push_str(word);
                if word.starts_with('_') {
                    // So do those behind them, where a longer one is in their column.
                    let behind = &rest[length..];
                    rest = behind.trim_start_matches(' ');
                    result.push_str(&"  "[..(behind.len() - rest.len()).min(2)]);
                    continue;
                }
            }
            None => result.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    result.push_str(rest);
    // The heading of that column in `history`.
    while let Some(at) = result.find("  state  time   ") {
        result.remove(at + "  state  time  ".len());
    }
    result
}

/// How much of the start of `text` changes from run to run, and what to write for it.
fn changing(text: &str) -> Option<(usize, Option<&'static str>)> {
    const DATES: [(&str, &str); 5] = [
        ("dddd-dd-dd dd:dd:dd", "DATE"),
        ("dddd-dd-ddTdd:dd:ddZ", "DATE"),
        ("dddd-dd-dd dd:dd", "DATE"),
        ("dddd-dd-dd", "DATE"),
        ("dddddddddddddd", "NOW"),
    ];
    for (shape, word) in DATES {
        let fits = text.len() >= shape.len()
            && shape.bytes().zip(text.bytes()).all(|(s, t)| if s == b'd' { t.is_ascii_digit() } else { s == t })
            && !text[shape.len()..].starts_with(|c: char| c.is_ascii_digit())
            && (word != "NOW" || text.starts_with("20"));
        if fits {
            return Some((shape.len(), Some(word)));
        }
    }
    let number = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let after = &text[number..];
    for (unit, word) in [(" ms", "_ ms"), (" µs", "_ ms"), (" s", "_ ms"), (" min", "_ min")] {
        if let Some(next) = after.strip_prefix(unit)
            && !next.starts_with(char::is_alphanumeric)
        {
            return Some((number + unit.len(), Some(word)));
        }
    }
    None
}

/// The lines that only one of two texts has.
pub fn difference(found: &str, expected: &str) -> String {
    let mut text = String::new();
    for (sign, these, others) in [('+', found, expected), ('-', expected, found)] {
        for line in these.lines() {
            let count = |text: &str| text.lines().filter(|other| *other == line).count();
            if count(these) > count(others) {
                let _ = writeln!(text, "{sign} {line}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::redacted;

    #[test]
    fn what_changes_from_run_to_run_is_replaced_and_nothing_else() {
        let cases = [
            ("  2.1.0  add owner      2 statements    13 ms", "  2.1.0  add owner      2 statements  _ ms"),
            ("3 applied in 0.2 s · now at 2.1.0", "3 applied in _ ms · now at 2.1.0"),
            ("applied  2026-11-18 09:12   41 ms", "applied  DATE  _ ms"),
            ("after it was applied (2026-11-18 by ada)", "after it was applied (DATE by ada)"),
            ("created migrations/20261120103000_a.sql", "created migrations/NOW_a.sql"),
            ("/tmp/x/app.db and /tmp/x", "app.db and ."),
            ("statement 3 of 5 statements", "statement 3 of 5 statements"),
            ("digest 7f3a91c2, sha256:0123", "digest 7f3a91c2, sha256:0123"),
            ("waits 5 seconds", "waits 5 seconds"),
            ("done   9 ms    ada@desk", "done  _ ms  ada@desk"),
            ("row  action  state  time    by", "row  action  state  time  by"),
        ];
        for (text, expected) in cases {
            assert_eq!(redacted(text, "/tmp/x"), expected);
        }
    }
}
