//! What a row of another tool's history says, in words that all tools share.

use crate::version::Version;

use super::Record;

/// What a row of another tool's history says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignEntry {
    /// Which migrations it is about.
    pub names: Names,
    /// The identity in the tool's own words, verbatim.
    pub label: String,
    /// What it does, where the tool keeps that.
    pub description: String,
    /// What became of it.
    pub state: ForeignState,
    /// How sure that is.
    pub quality: Quality,
    /// What the tool recorded of the file.
    pub checksum: Option<Recorded>,
    /// In which language it was written, where it is not SQL: there is no script to compare.
    pub code: Option<String>,
    /// The row.
    pub record: Record,
}

impl ForeignEntry {
    /// An applied entry that was recorded as such.
    pub fn applied(names: Names, label: impl Into<String>, record: &Record) -> Self {
        Self {
            names,
            label: label.into(),
            description: String::new(),
            state: ForeignState::Applied,
            quality: Quality::Recorded,
            checksum: None,
            code: None,
            record: record.clone(),
        }
    }

    /// With another state.
    pub fn state(self, state: ForeignState) -> Self {
        Self { state, ..self }
    }

    /// With what it does.
    pub fn description(self, description: impl Into<String>) -> Self {
        Self { description: description.into(), ..self }
    }

    /// With another quality.
    pub fn quality(self, quality: Quality) -> Self {
        Self { quality, ..self }
    }

    /// With what the tool recorded of the file; an empty text is nothing.
    pub fn checksum(self, algorithm: Algorithm, value: impl Into<String>) -> Self {
        let value = value.into();
        let checksum = (!value.is_empty()).then_some(Recorded { algorithm, value });
        Self { checksum, ..self }
    }
}

/// Which migrations an entry is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// Everything that a version names.
    Version(Version),
    /// The migration whose file or folder begins with this, up to the first `_`: a version that is a text.
    Prefix(String),
    /// Everything up to a version.
    UpTo(Version),
    /// A repeatable of this description.
    Repeatable(String),
    /// The migration with this file or folder.
    File(String),
    /// A changeset of Liquibase.
    Changeset {
        /// Its id.
        id: String,
        /// Its author.
        author: String,
        /// Its file, without `classpath:` and with `/`.
        path: String,
    },
    /// The migration with this SHA-256, or made at this millisecond of the epoch.
    Digest {
        /// Lower-case hexadecimal digits.
        sha256: String,
        /// What decides for the tool itself.
        when: Option<u64>,
    },
    /// The first so many migrations.
    First(usize),
    /// Where a tool stands whose migrations are code.
    Head,
    /// No migration: the row says something about the table or the schema.
    Nothing,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum ForeignState {
    /// It is applied.
    Applied,
    /// It failed, and may be half done.
    Failed,
    /// It was begun, and nobody said how it ended.
    InProgress,
    /// It was applied and taken back.
    Reverted,
    /// It was there before the tool came.
    Baseline,
    /// Its file was gone, and the tool was told to forget it.
    Tombstone,
    /// A later row about the same counts.
    Superseded,
}

impl ForeignState {
    /// Whether what it names counts as applied.
    pub fn counts(self) -> bool {
        matches!(self, Self::Applied | Self::Baseline)
    }

    /// Whether nobody can go on before somebody has looked.
    pub fn is_unfinished(self) -> bool {
        matches!(self, Self::Failed | Self::InProgress)
    }
}

/// How sure it is that exactly this was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
pub enum Quality {
    /// The tool has a row for it.
    Recorded,
    /// The tool only knows how far it has come.
    Inferred,
}

impl Quality {
    /// As it stands in the history.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Inferred => "inferred",
        }
    }
}

/// What a tool recorded of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Recorded {
    /// How it was taken.
    pub algorithm: Algorithm,
    /// As it stands in the table.
    pub value: String,
}

/// A version as a tool writes it: a number where it is one, else the beginning of a file's name.
pub(super) fn version_or_prefix(text: &str) -> Names {
    text.parse().map_or_else(|_| Names::Prefix(text.to_owned()), Names::Version)
}

/// The later of two rows about one thing counts: `entries` are in the order of their writing.
pub(super) fn supersede(entries: &mut [ForeignEntry]) {
    for index in (0..entries.len()).rev() {
        if entries[index].state == ForeignState::Superseded || entries[index].names == Names::Nothing {
            continue;
        }
        let (before, rest) = entries.split_at_mut(index);
        for earlier in before.iter_mut().filter(|earlier| earlier.names == rest[0].names) {
            earlier.state = ForeignState::Superseded;
        }
    }
}

/// What a recorded checksum was taken with. The names are stable: they stand in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Algorithm {
    /// [`flyway`](crate::checksum::foreign::flyway).
    FlywayCrc32,
    /// [`sqlx`](crate::checksum::foreign::sqlx).
    Sha384Raw,
    /// [`refinery`](crate::checksum::foreign::refinery), with versions of 32 bits or of 64: a table does not say which.
    Sip13,
    /// [`sha256`](crate::checksum::foreign::sha256).
    Sha256Raw,
    /// [`liquibase`](crate::checksum::foreign::liquibase).
    Liquibase,
    /// [`Atlas`](crate::checksum::foreign::Atlas): over all files up to this one.
    AtlasH1Cumulative,
    /// [`sqitch`](crate::checksum::foreign::sqitch).
    Sha1Raw,
}

/// What comes of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(tag = "checksum", rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Verdict {
    /// The file is what the tool ran.
    Matches,
    /// It is, once its line ends are changed.
    LineEndings,
    /// It is not.
    Differs {
        /// In the tool's table.
        recorded: String,
        /// Of the file.
        found: String,
    },
    /// The tool keeps nothing that could be compared: what the file holds now is what is first seen.
    NotRecorded,
    /// It was taken in a way that cannot be repeated.
    NotComparable {
        /// Why.
        why: String,
    },
}

impl Verdict {
    /// Whether the file may be taken for what was run.
    pub fn agrees(&self) -> bool {
        !matches!(self, Self::Differs { .. })
    }
}
