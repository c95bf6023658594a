//! What a person is told, as a value: a code, a message, a place, and what to do next.
//!
//! Everything a user may be told about a set, a plan or a run is a [`Diagnostic`]; the error types of this crate carry
//! the facts and turn into one. Colours are not here: the CLI adds them around this text.

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

/// Every code there is. A code never changes its meaning and is never used again.
pub mod codes {
    use super::Code;

    macro_rules! codes {
        ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
            $($(#[$doc])* pub const $name: Code = Code($code);)*
            /// All of them, in order.
            pub const ALL: &[Code] = &[$($name),*];
        };
    }

    codes! {
        /// A file name is close to the layout's grammar but not in it.
        NEAR_MISS_NAME = "M0001";
        /// Two files claim the same identity.
        DUPLICATE = "M0002";
        /// A `down` without its `up`.
        DANGLING_DOWN = "M0003";
        /// A file or folder could not be read.
        UNREADABLE = "M0004";
        /// A file is not UTF-8.
        NOT_UTF8 = "M0005";
        /// A folder holds no migration.
        EMPTY_FOLDER = "M0006";
        /// A directive is unknown or has a bad value.
        BAD_DIRECTIVE = "M0007";
        /// The manifest is not what it should be.
        BAD_MANIFEST = "M0008";
        /// A script cannot be split: something is open at its end, or only a native client could run it.
        BAD_SCRIPT = "M0009";
        /// A version suffix that people read as "before the release".
        PRERELEASE_SUFFIX = "M0010";
        /// A file has no statement.
        NO_STATEMENT = "M0011";
        /// A new file sorts below one that was there before (`validate --since`).
        SORTS_BELOW = "M0012";
        /// A released file was edited (`validate --since`).
        EDITED_RELEASED = "M0013";
        /// A migration has no `down` where one is required (`validate --require-down`).
        NO_DOWN = "M0014";
        /// A migration has files for other engines only.
        OTHER_ENGINE = "M0015";
        /// A released migration is gone (`validate --since`).
        REMOVED_RELEASED = "M0016";
        /// A folder inside the migrations' folder holds files that look like migrations.
        SUBFOLDER = "M0017";

        /// An applied migration was changed in more than white space and comments.
        CHANGED = "M0110";
        /// An applied migration was changed in white space or comments only.
        REFORMATTED = "M0111";
        /// A file's `down` is not the stored one.
        DOWN_DIFFERS = "M0112";

        /// A pending migration sorts below an applied one.
        OUT_OF_ORDER = "M0201";
        /// A script is open and blocks everything else.
        OPEN = "M0202";
        /// Nobody can say whether a statement ran.
        IN_DOUBT = "M0203";
        /// The part of a script that had run was changed.
        PREFIX_CHANGED = "M0204";
        /// The database has what this set does not know.
        AHEAD = "M0205";
        /// There is no way back.
        NO_WAY_BACK = "M0206";
        /// The database has objects but no history.
        NON_EMPTY = "M0207";
        /// The history belongs to another tool.
        FOREIGN_HISTORY = "M0208";
        /// The database is below what this set can start from, or must stop on the way.
        GATE = "M0209";
        /// A post migration is pending and nobody chose a phase.
        PHASE = "M0210";
        /// A goal names what does not exist.
        UNKNOWN_TARGET = "M0211";
        /// The plan was made for another state of the database.
        STALE_PLAN = "M0212";
        /// The plan's digest is not the one that was asked for.
        WRONG_DIGEST = "M0213";
        /// The history was written by a newer tool.
        NEWER_HISTORY = "M0214";
        /// Applied migrations this set no longer has, below its newest.
        SQUASHED = "M0215";
        /// The history already knows what a command would write.
        ALREADY = "M0216";
        /// A batch directive does not fit its statement.
        BAD_BATCH = "M0217";

        /// A precondition did not hold.
        PRECONDITION = "M0301";
        /// A statement failed.
        STATEMENT_FAILED = "M0302";
        /// The connection was lost during a statement.
        CONNECTION_LOST = "M0303";
        /// The run was stopped by request.
        STOPPED = "M0304";
        /// The server refused what is not a statement of a migration.
        SERVER = "M0305";
        /// Somebody else holds the lock.
        LOCKED = "M0306";
        /// A lock of the database did not become free in time.
        LOCK_TIMEOUT = "M0307";

        /// No connection.
        NO_CONNECTION = "M0401";
        /// A URL or path of a database is not what it should be.
        BAD_URL = "M0402";
        /// No compiled-in backend knows the URL's scheme.
        NO_BACKEND = "M0403";
        /// There is no such database.
        NO_DATABASE = "M0404";
        /// The project's configuration is not what it should be.
        BAD_CONFIG = "M0405";
        /// A command needs an answer and there is no terminal.
        NEEDS_YES = "M0406";
        /// A command cannot be carried out as it was typed.
        USAGE = "M0407";
        /// A backup or a restore failed.
        BACKUP = "M0408";
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

    /// A range of bytes of a source's file; of a range over several lines the first is shown.
    pub fn in_source(source: &Source, at: Range<usize>) -> Self {
        let position = source.position(at.start);
        let line = source.file().lines().nth(position.line - 1).unwrap_or_default().trim_start_matches('\u{feff}');
        let rest = line.chars().count().saturating_sub(position.column - 1);
        let meant = source.file().get(at).map_or(1, |text| text.lines().next().unwrap_or_default().chars().count());
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
    /// A unified diff, line by line with its sign.
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

    /// With the difference between two texts.
    pub fn diff(mut self, old: &str, new: &str) -> Self {
        self.diff = unified(old, new);
        self
    }
}

/// The candidate a person most likely meant by `word`, if any is near enough to be worth asking.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = word.to_lowercase();
    let allowed = (folded.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

fn unified(_old: &str, _new: &str) -> Vec<String> {
    Vec::new()
}
