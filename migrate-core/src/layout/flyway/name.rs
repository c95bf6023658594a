//! The grammar of Flyway's file names.
//!
//! Source: Flyway 13.0.0, `ResourceNameParser` and `MigrationVersion`. A name without its suffix begins with the longest
//! prefix that fits, those of migrations and the names of callback events alike; what follows is split at the first
//! separator. To the left of it is the version, to the right the description, in which each `_` is a blank.

use super::events::{EVENTS, Event};
use super::settings::Settings;
use crate::layout::name::strip_ending;
use crate::version::Version;

/// A file name, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) subject: Subject,
    /// With blanks for each `_`, and nothing taken away.
    pub(super) description: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Versioned(Version),
    Undo(Version),
    Baseline(Version),
    Repeatable,
    Callback(Event),
}

/// Why a name is outside the grammar, as the end of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It begins with no prefix, or has another suffix: nothing of Flyway's.
    Foreign,
    /// What should be a version.
    Version(String),
    /// A number beyond what we count to.
    TooLarge(String),
    /// What has no version has one.
    NoVersion { prefix: String, left: String },
}

impl std::fmt::Display for Flaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Foreign => write!(f, "it begins with none of Flyway's prefixes"),
            Self::Version(text) if text.is_empty() => write!(f, "it has no version"),
            Self::Version(text) => write!(f, "`{text}` is no version: numbers with dots or underscores, then __"),
            Self::TooLarge(text) => write!(f, "{text} is too large"),
            Self::NoVersion { prefix, left } => write!(f, "`{left}` stands between {prefix} and __"),
        }
    }
}

/// Reads the last part of a path.
pub(super) fn parse(base: &str, settings: &Settings) -> Result<Name, Flaw> {
    let stem = settings.suffixes.iter().find_map(|suffix| strip_ending(base, suffix)).ok_or(Flaw::Foreign)?;
    parse_stem(stem, settings)
}

/// Reads a name whose suffix was taken off.
pub(super) fn parse_stem(stem: &str, settings: &Settings) -> Result<Name, Flaw> {
    let prefixes = [
        (settings.versioned.as_str(), Kind::Versioned),
        (settings.repeatable.as_str(), Kind::Repeatable),
        (settings.baseline.as_str(), Kind::Baseline),
        (settings.undo.as_str(), Kind::Undo),
    ];
    let events = EVENTS.iter().map(|event| (event.name, Kind::Callback(*event)));
    let (prefix, kind) = prefixes
        .into_iter()
        .chain(events)
        .filter(|(prefix, _)| !prefix.is_empty() && stem.starts_with(prefix))
        .max_by_key(|(prefix, _)| prefix.len())
        .ok_or(Flaw::Foreign)?;
    let rest = &stem[prefix.len()..];
    let (left, right) = rest.split_once(settings.separator.as_str()).unwrap_or((rest, ""));
    let unversioned = |subject| {
        if left.is_empty() {
            Ok(subject)
        } else {
            Err(Flaw::NoVersion { prefix: prefix.to_owned(), left: left.to_owned() })
        }
    };
    let subject = match kind {
        Kind::Versioned => Subject::Versioned(version(left)?),
        Kind::Undo => Subject::Undo(version(left)?),
        Kind::Baseline => Subject::Baseline(version(left)?),
        Kind::Repeatable => unversioned(Subject::Repeatable)?,
        Kind::Callback(event) => unversioned(Subject::Callback(event))?,
    };
    Ok(Name { subject, description: right.replace('_', " ") })
}

enum Kind {
    Versioned,
    Undo,
    Baseline,
    Repeatable,
    Callback(Event),
}

/// `1_1` and `1.1` are one version; each part is a number.
fn version(text: &str) -> Result<Version, Flaw> {
    let dotted = text.replace('_', ".");
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !dotted.split('.').all(is_number) {
        return Err(Flaw::Version(text.to_owned()));
    }
    dotted.parse().map_err(|_| Flaw::TooLarge(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cases: &[(&str, &str)]) {
        for (base, expected) in cases {
            let shown = match parse(base, &Settings::default()) {
                Ok(Name { subject, description }) => {
                    let subject = match subject {
                        Subject::Versioned(version) => format!("V {version}"),
                        Subject::Undo(version) => format!("U {version}"),
                        Subject::Baseline(version) => format!("B {version}"),
                        Subject::Repeatable => "R".to_owned(),
                        Subject::Callback(event) => event.name.to_owned(),
                    };
                    format!("{subject} | {description}")
                }
                Err(flaw) => flaw.to_string(),
            };
            assert_eq!(shown, *expected, "{base}");
        }
    }

    #[test]
    fn names_are_read_as_flyway_reads_them() {
        check(&[
            ("V1__create_users.sql", "V 1 | create users"),
            ("V1_1__add__name__x.sql", "V 1.1 | add  name  x"),
            ("V1.2.3__x.sql", "V 1.2.3 | x"),
            ("V003__x.SQL", "V 003 | x"),
            ("V20240131120000__a.sql", "V 20240131120000 | a"),
            ("V4.sql", "V 4 | "),
            ("V1___x.sql", "V 1 |  x"),
            ("R__user_view.sql", "R | user view"),
            ("R.sql", "R | "),
            ("B2__base.sql", "B 2 | base"),
            ("U1__drop.sql", "U 1 | drop"),
            ("beforeMigrate.sql", "beforeMigrate | "),
            ("beforeEachMigrate__set_role.sql", "beforeEachMigrate | set role"),
            ("afterEachMigrateStatementError.sql", "afterEachMigrateStatementError | "),
        ]);
    }

    #[test]
    fn other_names_say_why() {
        check(&[
            ("v1__x.sql", "it begins with none of Flyway's prefixes"),
            ("V1_x.sql", "`1_x` is no version: numbers with dots or underscores, then __"),
            ("V__x.sql", "it has no version"),
            ("V1.__x.sql", "`1.` is no version: numbers with dots or underscores, then __"),
            ("V1..2__x.sql", "`1..2` is no version: numbers with dots or underscores, then __"),
            ("V1a__x.sql", "`1a` is no version: numbers with dots or underscores, then __"),
            ("V999999999999999999999999999999999999999__x.sql", "999999999999999999999999999999999999999 is too large"),
            ("README.sql", "`EADME` stands between R and __"),
            ("R1__x.sql", "`1` stands between R and __"),
            ("beforeMigrateX.sql", "`X` stands between beforeMigrate and __"),
            ("V1__x.sql.bak", "it begins with none of Flyway's prefixes"),
        ]);
    }
}
