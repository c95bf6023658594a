//! What a person is told, as a value: a code, a message, a place, and what to do next.
//!
//! Everything a user may be told about a set, a plan or a run is a [`Diagnostic`]; the error types of this crate carry
//! the facts and turn into one. Colours are not here: the CLI adds them around this text.
//!
//! Without the feature `diagnostics` nothing is compared: there are no differences of texts, nobody is asked whether
//! another word was meant, and under wide characters a caret stands beside its place.

pub mod codes;
#[cfg(feature = "diagnostics")]
mod diff;
mod render;
#[cfg(feature = "diagnostics")]
mod spelling;

use std::fmt;
use std::ops::Range;

use crate::source::{Position, Source};

/// A stable code, `M` and four digits. The table of all of them is [`codes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Code(pub &'static str);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Will hurt somebody later.
    Warning,
    /// Nothing is broken, but a rule says no.
    Refused,
    /// Something is wrong.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Refused => "refused",
            Self::Error => "error",
        })
    }
}

/// A place in a text, with the line a person should look at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Place {
    /// The file as it was given.
    pub path: String,
    /// Where in it; `None` is the whole file.
    pub position: Option<Position>,
    /// The text of that line.
    pub line: Option<String>,
    /// How many characters of the line are meant, at least 1.
    pub length: usize,
}

impl Place {
    /// The whole of a file or folder.
    pub fn path(path: impl Into<String>) -> Self {
        Self { path: path.into(), position: None, line: None, length: 0 }
    }

    /// A range of bytes of a source's file, as it was written; of a range over several lines the first is shown.
    pub fn in_source(source: &Source, at: Range<usize>) -> Self {
        let position = source.position(at.start);
        let file = source.written_file();
        let at = source.written_range(at);
        let line = file.lines().nth(position.line - 1).unwrap_or_default().trim_start_matches('\u{feff}');
        let rest = line.chars().count().saturating_sub(position.column - 1);
        let meant = file.get(at).map_or(1, |text| text.lines().next().unwrap_or_default().chars().count());
        Self {
            path: source.path().to_owned(),
            position: Some(position),
            line: Some(line.to_owned()),
            length: meant.min(rest).max(1),
        }
    }
}

/// One thing a person is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Diagnostic {
    /// What it is, for machines and for searching.
    pub code: Code,
    /// How much it matters.
    pub severity: Severity,
    /// One sentence, lower-case, no full stop, the migration first.
    pub message: String,
    /// Where.
    pub place: Option<Place>,
    /// A unified diff, line by line with its sign: `- old`, `+ new`, `  same`; `…` where lines are left out.
    pub diff: Vec<String>,
    /// What else is so, and what to do next: the last one is a command to type where there is one.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// A rule that says no.
    pub fn refused(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Refused, code, message)
    }

    /// Something that will hurt later.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// Something worth knowing.
    pub fn note(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, message)
    }

    fn new(severity: Severity, code: Code, message: impl Into<String>) -> Self {
        Self { code, severity, message: message.into(), place: None, diff: Vec::new(), help: Vec::new() }
    }

    /// With its place.
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// With one more line of what is so or what to do.
    pub fn help(mut self, line: impl Into<String>) -> Self {
        self.help.push(line.into());
        self
    }

    /// With the difference between two texts. Without the feature `diagnostics` it stays as it is.
    #[cfg(feature = "diagnostics")]
    pub fn diff(mut self, old: &str, new: &str) -> Self {
        self.diff = diff::unified(old, new);
        self
    }

    /// With the difference between two texts. Without the feature `diagnostics` it stays as it is.
    #[cfg(not(feature = "diagnostics"))]
    pub fn diff(self, _old: &str, _new: &str) -> Self {
        self
    }
}

/// What this program cannot do, because it was built without a feature: `what` says it, as in `… cannot be read`.
pub(crate) fn without_feature(code: Code, what: impl fmt::Display, feature: &str) -> Diagnostic {
    Diagnostic::error(code, format!("{what}: this program was built without the feature `{feature}`"))
        .help(format!("build it with that: features = [\"{feature}\"] where Cargo.toml names the backend's crate"))
}

/// The candidate a person most likely meant by `word`, if any is near enough to be worth asking.
#[cfg(feature = "diagnostics")]
pub(crate) use spelling::nearest;

/// Without the feature `diagnostics` nobody is asked.
#[cfg(not(feature = "diagnostics"))]
pub(crate) fn nearest<'a>(_word: &str, _candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_well_formed_ascending_and_each_used_once() {
        let codes: Vec<&str> = codes::ALL.iter().map(|code| code.0).collect();
        assert!(codes.iter().all(|code| code.len() == 5 && code.starts_with('M')));
        assert!(codes.windows(2).all(|pair| pair[0] < pair[1]), "{codes:?}");
    }
}
