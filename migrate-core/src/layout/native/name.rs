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

use crate::layout::name::{strip_ending, words};
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

pub(super) fn is_engine(word: &str, engines: &[&str]) -> bool {
    ENGINES.iter().chain(engines).any(|engine| engine.eq_ignore_ascii_case(word))
}

pub(super) fn is_direction(word: &str) -> bool {
    word.eq_ignore_ascii_case("up") || word.eq_ignore_ascii_case("down")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks each name against what is understood by it, or why it is refused.
    #[track_caller]
    fn check(cases: &[(&str, &str)]) {
        for (file, expected) in cases {
            let shown = match parse(file, &["duckdb"]) {
                Ok(name) => {
                    let subject = match &name.subject {
                        Subject::Snapshot { version } => format!("B{version}"),
                        _ => name.id().unwrap().to_string(),
                    };
                    let engine = name.engine.map_or(String::new(), |engine| format!(" for {engine}"));
                    format!("{subject} | {} | {:?}{engine}", name.description, name.direction)
                }
                Err(flaw) => flaw.to_string(),
            };
            assert_eq!(shown, *expected, "{file}");
        }
    }

    #[test]
    fn a_version_and_a_description() {
        check(&[
            ("20261120103000_create_users.sql", "20261120103000 | create users | Whole"),
            ("0012_post_tags.sql", "0012 | post tags | Whole"),
            ("12_01_pre_tags.sql", "12 | 01 pre tags | Whole"),
            ("7_2_factor_auth.sql", "7 | 2 factor auth | Whole"),
            ("2.1.0_7_day_window.sql", "2.1.0 | 7 day window | Whole"),
            ("1__two__words_.sql", "1 | two words | Whole"),
            ("3_Größe-neu.sql", "3 | Größe-neu | Whole"),
            ("3.sql", "3 |  | Whole"),
            ("2.1.0.sql", "2.1.0 |  | Whole"),
            ("3.up.sql", "3 |  | Up"),
            ("2.0.0-rc1_add_x.sql", "2.0.0-rc1 | add x | Whole"),
            ("2.0-rc.1_add_x.down.sql", "2.0-rc.1 | add x | Down"),
        ]);
    }

    #[test]
    fn endings_name_an_engine_and_a_direction() {
        check(&[
            ("1_x.up.sql", "1 | x | Up"),
            ("1_x.down.sql", "1 | x | Down"),
            ("1_X.UP.SQL", "1 | X | Up"),
            ("1_x.SQL", "1 | x | Whole"),
            ("3_totals.postgres.sql", "3 | totals | Whole for postgres"),
            ("3_totals.mariadb.down.sql", "3 | totals | Down for mariadb"),
            ("3_totals.DuckDB.sql", "3 | totals | Whole for duckdb"),
            ("3.sqlite.sql", "3 |  | Whole for sqlite"),
        ]);
    }

    #[test]
    fn phase_and_ordinal_come_together_after_a_dotted_version() {
        check(&[
            ("2.1.0_01_pre_add_owner.up.sql", "2.1.0/pre/01 | add owner | Up"),
            ("2.1.0_50_post_drop_legacy.sql", "2.1.0/post/50 | drop legacy | Whole"),
            ("2.1_003_pre.sql", "2.1/pre/03 |  | Whole"),
            ("2.1.0_post_drop.sql", "2.1.0 | post drop | Whole"),
            ("2.1.0_01_prefix.sql", "2.1.0 | 01 prefix | Whole"),
            ("2.1.0_01_PRE_x.sql", "`PRE` is no phase here: it is written _01_pre_ or _50_post_"),
            ("2.1.0_post_50_drop.sql", "`post` is no phase here: it is written _01_pre_ or _50_post_"),
            ("2.1.0_99999999999_pre_x.sql", "99999999999 is too large"),
        ]);
    }

    #[test]
    fn repeatables_and_snapshots() {
        check(&[
            ("R__user_view.sql", "R user_view | user view | Whole"),
            ("R__user_view.mysql.sql", "R user_view | user view | Whole for mysql"),
            ("R__user_view.down.sql", "R user_view | user view | Down"),
            ("B2.1.0__snapshot.sql", "B2.1.0 | snapshot | Whole"),
            ("B2.1.0__.postgres.sql", "B2.1.0 |  | Whole for postgres"),
            ("B2__x.down.sql", "a snapshot has no down"),
            ("B2.sql", "nothing follows the version of the snapshot: it goes on with __"),
            ("R__.sql", "nothing follows R__"),
        ]);
    }

    #[test]
    fn everything_else_is_refused_with_its_reason() {
        check(&[
            ("30_x.up..sql", "there is nothing between two dots"),
            ("12add.sql", "after the version `12` comes `_`"),
            ("12-add.sql", "after the version `12` comes `_`"),
            ("1.2-add.sql", "after the version `1.2` comes `_`"),
            ("1._x.sql", "after the version `1` comes `_`"),
            ("V1__x.sql", "it starts with no version"),
            ("create_users.sql", "it starts with no version"),
            ("_x.sql", "it starts with no version"),
            (".sql", "it starts with no version"),
            ("1_.sql", "nothing follows the `_`"),
            ("1_x.dwn.sql", "`.dwn` is neither an engine nor .up or .down"),
            ("1_x.postgress.sql", "`.postgress` is neither an engine nor .up or .down"),
            ("1_add_v1.2.sql", "`.2` is neither an engine nor .up or .down"),
            ("1_x.up.postgres.sql", "the endings are .ENGINE.up.sql or .ENGINE.down.sql, in this order"),
            ("1_x.up.down.sql", "the endings are .ENGINE.up.sql or .ENGINE.down.sql, in this order"),
            ("999999999999999999999999999999999999999_x.sql", "999999999999999999999999999999999999999 is too large"),
            ("1_x.sql.bak", "it does not end in .sql"),
            ("1_x", "it does not end in .sql"),
            ("", "it does not end in .sql"),
        ]);
    }
}
