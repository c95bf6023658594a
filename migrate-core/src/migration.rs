//! What a migration is: an identity that orders it, its work, and what was said about it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::code::CodeWork;
use crate::source::Source;
use crate::version::{ParseVersionError, Version};

/// Before or after the deploy of the release that the version names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
pub enum Phase {
    /// Before: the old release still runs on the result.
    #[default]
    Pre,
    /// After: may take away what only the old release used.
    Post,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pre => "pre",
            Self::Post => "post",
        })
    }
}

/// The identity of a migration. Its order is the order of execution.
///
/// ```
/// use migrate_core::{MigrationId, Phase, Version};
///
/// let add = MigrationId::versioned("2.1.0".parse()?, Phase::Pre, 1);
/// let drop = MigrationId::versioned("2.1.0".parse()?, Phase::Post, 50);
/// assert!(add < drop && drop < MigrationId::repeatable("user_view"));
/// assert_eq!(drop.to_string(), "2.1.0/post/50");
/// # Ok::<(), migrate_core::version::ParseVersionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MigrationId {
    /// Runs once, in its place.
    Versioned {
        /// The release, or just a number.
        version: Version,
        /// Before or after the deploy of that release.
        phase: Phase,
        /// The place within the phase.
        ordinal: u32,
    },
    /// Runs after all versioned ones, whenever its text changes.
    Repeatable {
        /// Its name, which is its whole identity.
        name: String,
    },
}

impl MigrationId {
    /// A versioned identity.
    pub fn versioned(version: Version, phase: Phase, ordinal: u32) -> Self {
        Self::Versioned { version, phase, ordinal }
    }

    /// A repeatable identity.
    pub fn repeatable(name: impl Into<String>) -> Self {
        Self::Repeatable { name: name.into() }
    }

    /// The version; a repeatable has none.
    pub fn version(&self) -> Option<&Version> {
        match self {
            Self::Versioned { version, .. } => Some(version),
            Self::Repeatable { .. } => None,
        }
    }

    /// The phase; a repeatable runs with the last post.
    pub fn phase(&self) -> Phase {
        match self {
            Self::Versioned { phase, .. } => *phase,
            Self::Repeatable { .. } => Phase::Post,
        }
    }

    /// Whether it is a repeatable.
    pub fn is_repeatable(&self) -> bool {
        matches!(self, Self::Repeatable { .. })
    }

    /// As it is typed in a shell: in quotes where it has a blank.
    pub fn typed(&self) -> String {
        let text = self.to_string();
        if text.contains(' ') { format!("\"{text}\"") } else { text }
    }
}

/// `2.1.0/post/50`, `20261120103000` where phase and ordinal were never given, `R user_view`.
impl fmt::Display for MigrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Versioned { version, phase: Phase::Pre, ordinal: 0 } => version.to_string(),
            Self::Versioned { version, phase: Phase::Post, ordinal: 0 } => format!("{version}/post"),
            Self::Versioned { version, phase, ordinal } => format!("{version}/{phase}/{ordinal:02}"),
            Self::Repeatable { name } => format!("R {name}"),
        };
        f.pad(&text)
    }
}

/// Why a text is no identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseMigrationIdError {
    /// The part before the first `/` is no version.
    #[error(transparent)]
    Version(#[from] ParseVersionError),
    /// What follows the version is no phase.
    #[error("`{0}` is no migration: after the version comes /pre or /post, like 2.1.0/post/50")]
    Phase(String),
    /// What follows the phase is no number, or a fourth part follows it.
    #[error("`{0}` is no migration: after the phase comes one number, like 2.1.0/post/50")]
    Ordinal(String),
    /// A repeatable without a name.
    #[error("`{0}` is no migration: after R comes the name of a repeatable, like R user_view")]
    Name(String),
}

/// Reads what [`Display`](fmt::Display) writes; of a repeatable also its file's way, `R__user_view`.
impl FromStr for MigrationId {
    type Err = ParseMigrationIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(name) = text.strip_prefix("R__").or_else(|| text.strip_prefix("R ")) {
            let name = name.trim();
            if name.is_empty() {
                return Err(ParseMigrationIdError::Name(text.to_owned()));
            }
            return Ok(Self::repeatable(name));
        }
        let mut parts = text.splitn(3, '/');
        let version = parts.next().unwrap_or_default().parse()?;
        let phase = match parts.next() {
            None | Some("pre") => Phase::Pre,
            Some("post") => Phase::Post,
            Some(_) => return Err(ParseMigrationIdError::Phase(text.to_owned())),
        };
        let ordinal = match parts.next() {
            None => 0,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| ParseMigrationIdError::Ordinal(text.to_owned()))?
            }
            Some(_) => return Err(ParseMigrationIdError::Ordinal(text.to_owned())),
        };
        Ok(Self::versioned(version, phase, ordinal))
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for MigrationId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One migration of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its identity and place.
    pub id: MigrationId,
    /// What its name says, with spaces.
    pub description: String,
    /// The work forward: SQL, or where [`Attributes::code`] says so what another program runs.
    pub up: Source,
    /// The raw digest of `up` as it was written (see [`crate::checksum`]), taken when the set was read.
    pub checksum: String,
    /// The way back, if there is one.
    pub down: Option<Source>,
    /// What its directives and the manifest say about it.
    pub attributes: Attributes,
}

impl Migration {
    /// `2.1.0/pre/03 add owner`, as every message begins.
    pub fn title(&self) -> String {
        title(&self.id, &self.description)
    }
}

/// A script that installs an empty database at once, in place of the migrations it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The version the database has afterwards.
    pub version: Version,
    /// What its name says, with spaces.
    pub description: String,
    /// The whole script.
    pub script: Source,
    /// The raw digest of `script`.
    pub checksum: String,
    /// How it runs.
    pub run: RunAttributes,
    /// What it stands for.
    pub replaces: Vec<Replaced>,
    /// Its author wrote down what it stands for. Otherwise it is what the folder holds below it: what was taken out of
    /// there nobody knows.
    pub is_declared: bool,
}

impl Snapshot {
    /// `B2.1.0 snapshot`, as every message begins.
    pub fn title(&self) -> String {
        snapshot_title(&self.version, &self.description)
    }
}

/// `B2.1.0 snapshot`.
pub(crate) fn snapshot_title(version: &Version, description: &str) -> String {
    format!("B{version} {description}").trim_end().to_owned()
}

/// A migration that a snapshot stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Replaced {
    /// Its identity.
    pub id: MigrationId,
    /// Its raw digest when the snapshot was made.
    pub checksum: Option<String>,
}

/// `2.1.0/pre/03 add owner`; a repeatable's description is its name.
pub(crate) fn title(id: &MigrationId, description: &str) -> String {
    match id {
        MigrationId::Repeatable { .. } => id.to_string(),
        MigrationId::Versioned { .. } if description.is_empty() => id.to_string(),
        MigrationId::Versioned { .. } => format!("{id} {description}"),
    }
}

/// What directives and the manifest say about one migration. Directives of the `down` part are in `down`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// How the `up` script runs.
    pub run: RunAttributes,
    /// How the `down` script runs.
    pub down: RunAttributes,
    /// The database must have reached this version first.
    pub requires_version: Option<Version>,
    /// The oldest release that may run on the result.
    pub compatible_from: Option<Version>,
    /// Why there is no way back.
    pub irreversible: Option<String>,
    /// Stands outside order, phase and checks until this name is included.
    pub optional: Option<String>,
    /// Names of repeatables that must have run before this repeatable.
    pub requires: Vec<String>,
    /// Runs when it comes late too, unless a policy says otherwise: it sorts below an applied one and its layout's own
    /// tool would run it.
    pub unordered: bool,
    /// Older raw checksums that count as this migration.
    pub accepted_checksums: Vec<String>,
    /// Older identities of this migration.
    pub renamed_from: Vec<MigrationId>,
    /// Its work is code. Nothing can tell whether that of another program was changed, so its checksum is empty; for
    /// ours it is what was declared.
    pub code: Option<CodeWork>,
}

/// How one script is run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunAttributes {
    /// Each statement for itself, journalled, even where a transaction were possible.
    pub no_transaction: bool,
    /// Session settings, in order.
    pub settings: Vec<(String, String)>,
    /// Time limits of its own.
    pub timeouts: Timeouts,
    /// What must hold under the lock before the script runs.
    pub preconditions: Vec<Precondition>,
    /// Statements that run over key ranges.
    pub batches: Vec<BatchAt>,
}

/// Time limits; `None` is "as the run says", zero is "no limit".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Timeouts {
    /// The longest wait for a lock of the database.
    pub lock: Option<Duration>,
    /// The longest run of one statement.
    pub statement: Option<Duration>,
}

/// SQL that must return one true value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Precondition {
    /// What it means, for people.
    pub text: String,
    /// One row, one value.
    pub sql: String,
    /// Byte offset of the directive in the file.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub offset: usize,
}

/// A batch directive and the statement it stands before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchAt {
    /// The directive belongs to the first statement at or after this byte offset of the file.
    pub offset: usize,
    /// How to run it.
    pub batch: Batch,
}

/// How a statement is repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
pub enum Batch {
    /// Over ranges of a key, `:lo` to `:hi`, both inclusive: every row exactly once.
    Ranges {
        /// The table whose key is walked.
        table: String,
        /// An integer column of that table.
        key: String,
        /// How far apart `:lo` and `:hi` are at most.
        size: u64,
        /// The rest between two ranges.
        pause: Duration,
    },
    /// Until it affects no row: at least once.
    UntilEmpty {
        /// The count of affected rows may never exceed this.
        limit: u64,
        /// The rest between two rounds.
        pause: Duration,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_sort_by_version_then_phase_then_ordinal_then_repeatables() {
        let id = |v: &str, phase, ordinal| MigrationId::versioned(v.parse().unwrap(), phase, ordinal);
        let ascending = [
            id("1", Phase::Pre, 0),
            id("2.0", Phase::Pre, 2),
            id("2", Phase::Pre, 10),
            id("2", Phase::Post, 1),
            id("2.1", Phase::Pre, 0),
            MigrationId::repeatable("a"),
            MigrationId::repeatable("b"),
        ];
        assert!(ascending.is_sorted());
        let shown: Vec<_> = ascending.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["1", "2.0/pre/02", "2/pre/10", "2/post/01", "2.1", "R a", "R b"]);
    }

    #[test]
    fn identities_are_read_as_they_are_shown() {
        for text in ["1", "2.0/pre/02", "2.1.0/post/50", "2.1.0/post", "20261120103000", "1.0-collate", "R user_view"] {
            assert_eq!(text.parse::<MigrationId>().unwrap().to_string(), text);
        }
        for (text, same) in [("R__user_view", "R user_view"), ("2.1.0/pre", "2.1.0"), ("2.1/pre/3", "2.1.0/pre/03")] {
            assert_eq!(text.parse::<MigrationId>().unwrap(), same.parse().unwrap());
        }
    }

    #[test]
    fn texts_that_are_no_identities_say_why() {
        for (text, message) in [
            ("", "`` is not a version: expected numbers separated by dots, like 3 or 2.1.0"),
            ("user_view", "`user_view` is not a version: expected numbers separated by dots, like 3 or 2.1.0"),
            ("2.1/past/3", "`2.1/past/3` is no migration: after the version comes /pre or /post, like 2.1.0/post/50"),
            ("2.1/pre/x", "`2.1/pre/x` is no migration: after the phase comes one number, like 2.1.0/post/50"),
            ("2.1/pre/", "`2.1/pre/` is no migration: after the phase comes one number, like 2.1.0/post/50"),
            ("2.1/pre/1/2", "`2.1/pre/1/2` is no migration: after the phase comes one number, like 2.1.0/post/50"),
            ("R ", "`R ` is no migration: after R comes the name of a repeatable, like R user_view"),
        ] {
            assert_eq!(text.parse::<MigrationId>().unwrap_err().to_string(), message);
        }
    }
}
