//! The grammar of native file names.
//!
//! ```text
//! VERSION[_DESCRIPTION][.ENGINE][.up|.down].sql
//! X.Y[.Z…]_ORDINAL_(pre|post)[_DESCRIPTION][.ENGINE][.up|.down].sql
//! R__NAME[.ENGINE][.up|.down].sql
//! BVERSION__DESCRIPTION[.ENGINE].sql
//! ```
//!
//! Phase and ordinal only come together and only after a dotted version, so `0012_post_tags.sql` is version 12, "post
//! tags". A version has a `-suffix` only where it is dotted and a description follows: `12-add.sql` is a slip.

use crate::migration::{MigrationId, Phase};
use crate::version::{ParseVersionError, Version};

/// The words that are engines, whoever reads: a file for another engine is no near miss.
pub(super) const ENGINES: &[&str] = &["postgres", "postgresql", "mysql", "mariadb", "sqlite"];

/// Phase and ordinal.
type InRelease = (Phase, u32);

/// A file name, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) subject: Subject,
    /// With spaces.
    pub(super) description: String,
    /// Everything before the endings: files of one migration share it.
    pub(super) stem: String,
    /// Lower-case.
    pub(super) engine: Option<String>,
    pub(super) direction: Direction,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Versioned {
        version: Version,
        /// Where the name gives both.
        place: Option<InRelease>,
    },
    Repeatable {
        name: String,
    },
    Snapshot {
        version: Version,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// Not said: up, or both in sections.
    Whole,
    Up,
    Down,
}

/// Why a name is outside the grammar, as the end of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// No `.sql` at the end.
    Ending,
    /// Something between the description and `.sql` that is neither an engine nor a direction.
    Part(String),
    /// Engine and direction the wrong way round, or one of them twice.
    Order,
    /// It starts with no version.
    NoVersion,
    /// The version is followed by something other than `_`.
    NoUnderscore(String),
    /// A number beyond what we count to.
    TooLarge(String),
    /// Nothing where a description or name must be.
    NothingAfter(&'static str),
    /// The phase before its ordinal, or in capitals.
    Phase(String),
    /// A snapshot has no down.
    SnapshotDown,
}

impl std::fmt::Display for Flaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ending => write!(f, "it does not end in .sql"),
            Self::Part(part) if part.is_empty() => write!(f, "there is nothing between two dots"),
            Self::Part(part) => write!(f, "`.{part}` is neither an engine nor .up or .down"),
            Self::Order => write!(f, "the endings are .ENGINE.up.sql or .ENGINE.down.sql, in this order"),
            Self::NoVersion => write!(f, "it starts with no version"),
            Self::NoUnderscore(version) => write!(f, "after the version `{version}` comes `_`"),
            Self::TooLarge(number) => write!(f, "{number} is too large"),
            Self::NothingAfter(what) => write!(f, "nothing follows {what}"),
            Self::Phase(phase) => write!(f, "`{phase}` is no phase here: it is written _01_pre_ or _50_post_"),
            Self::SnapshotDown => write!(f, "a snapshot has no down"),
        }
    }
}

impl Name {
    /// The identity as far as the name tells: a directive may still give a phase.
    pub(super) fn id(&self) -> Option<MigrationId> {
        match &self.subject {
            Subject::Versioned { version, place } => {
                let (phase, ordinal) = place.unwrap_or_default();
                Some(MigrationId::versioned(version.clone(), phase, ordinal))
            }
            Subject::Repeatable { name } => Some(MigrationId::repeatable(name)),
            Subject::Snapshot { .. } => None,
        }
    }

    /// `2.1.0_post_drop`: what looks like a phase is part of the description.
    pub(super) fn phase_without_ordinal(&self) -> Option<&str> {
        match &self.subject {
            Subject::Versioned { version, place: None } if version.is_dotted() => {
                let first = self.description.split(' ').next()?;
                ["pre", "post"].contains(&first).then_some(first)
            }
            _ => None,
        }
    }
}

/// Reads a file name. `engines` are the names of the reading engine, for engines we do not know.
pub(super) fn parse(file: &str, engines: &[&str]) -> Result<Name, Flaw> {
    let Some(stem) = strip_ending(file, ".sql") else {
        return Err(Flaw::Ending);
    };
    let (stem, direction) = match (strip_ending(stem, ".up"), strip_ending(stem, ".down")) {
        (Some(stem), _) => (stem, Direction::Up),
        (_, Some(stem)) => (stem, Direction::Down),
        _ => (stem, Direction::Whole),
    };
    let engine = stem.rsplit_once('.').map(|(_, word)| word.to_ascii_lowercase());
    let engine = engine.filter(|word| is_engine(word, engines));
    let stem = match &engine {
        Some(engine) => &stem[..stem.len() - engine.len() - 1],
        None => stem,
    };
    let (subject, description) = subject(stem)?;
    if let Some((_, part)) = undotted(&subject, stem) {
        let repeated = is_engine(part, engines) || is_direction(part);
        return Err(if repeated { Flaw::Order } else { Flaw::Part(part.to_owned()) });
    }
    if matches!(subject, Subject::Snapshot { .. }) && direction == Direction::Down {
        return Err(Flaw::SnapshotDown);
    }
    Ok(Name { subject, description: words(description), stem: stem.to_owned(), engine, direction })
}

/// What is left of the stem when it holds a dot outside its version, split at the last dot.
fn undotted<'a>(subject: &Subject, stem: &'a str) -> Option<(&'a str, &'a str)> {
    let after_version = match subject {
        Subject::Versioned { .. } => stem.find('_')?,
        Subject::Repeatable { .. } => 0,
        Subject::Snapshot { .. } => stem.find("__")?,
    };
    stem[after_version..].rsplit_once('.')
}

fn subject(stem: &str) -> Result<(Subject, &str), Flaw> {
    if let Some(name) = stem.strip_prefix("R__") {
        if name.is_empty() {
            return Err(Flaw::NothingAfter("R__"));
        }
        return Ok((Subject::Repeatable { name: name.to_owned() }, name));
    }
    if let Some(rest) = stem.strip_prefix('B').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        let Some((version, description)) = rest.split_once("__") else {
            return Err(Flaw::NothingAfter("the version of the snapshot: it goes on with __"));
        };
        return Ok((Subject::Snapshot { version: self::version(version, true)? }, description));
    }
    let (version, rest) = match stem.split_once('_') {
        Some((version, rest)) => (self::version(version, true)?, rest),
        None => return Ok((Subject::Versioned { version: version(stem, false)?, place: None }, "")),
    };
    if rest.is_empty() {
        return Err(Flaw::NothingAfter("the `_`"));
    }
    if !version.is_dotted() {
        return Ok((Subject::Versioned { version, place: None }, rest));
    }
    let (place, description) = place(rest)?;
    Ok((Subject::Versioned { version, place }, description))
}

fn version(text: &str, described: bool) -> Result<Version, Flaw> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number = text[..digits].trim_end_matches('.');
    match text.parse::<Version>() {
        Ok(version) if version.suffix().is_none() || (version.is_dotted() && described) => Ok(version),
        Err(ParseVersionError::TooLarge(_)) => Err(Flaw::TooLarge(number.to_owned())),
        _ if number.is_empty() => Err(Flaw::NoVersion),
        _ => Err(Flaw::NoUnderscore(number.to_owned())),
    }
}

/// `01_pre_add_owner` → where in the release, and the description.
fn place(rest: &str) -> Result<(Option<InRelease>, &str), Flaw> {
    let mut parts = rest.splitn(3, '_');
    let (first, second) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let description = parts.next().unwrap_or_default();
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_phase = |text: &str| text.eq_ignore_ascii_case("pre") || text.eq_ignore_ascii_case("post");
    if is_phase(first) && is_number(second) {
        return Err(Flaw::Phase(first.to_owned()));
    }
    if !is_number(first) || !is_phase(second) {
        return Ok((None, rest));
    }
    let phase = match second {
        "pre" => Phase::Pre,
        "post" => Phase::Post,
        _ => return Err(Flaw::Phase(second.to_owned())),
    };
    let ordinal = first.parse().map_err(|_| Flaw::TooLarge(first.to_owned()))?;
    Ok((Some((phase, ordinal)), description))
}

/// `text` without `ending`, whose case does not matter.
fn strip_ending<'a>(text: &'a str, ending: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(ending.len())?;
    text.get(at..)?.eq_ignore_ascii_case(ending).then(|| &text[..at])
}

pub(super) fn is_engine(word: &str, engines: &[&str]) -> bool {
    ENGINES.iter().chain(engines).any(|engine| engine.eq_ignore_ascii_case(word))
}

pub(super) fn is_direction(word: &str) -> bool {
    word.eq_ignore_ascii_case("up") || word.eq_ignore_ascii_case("down")
}

fn words(text: &str) -> String {
    text.split('_').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
