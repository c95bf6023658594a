//! What must hold of a server before a run changes anything: the preconditions that need no SQL of anybody's own.
//!
//! They are named in the manifest of a set or in the project's configuration, asked under the lock before the first
//! effect, and reported all at once: they hold, they fail, or nobody can tell.
//!
//! | module | holds |
//! |---|---|
//! | this one | [`Condition`], [`Conditions`], [`Finding`] |
//! | `parse` | how a condition is written |
//! | `engine` | what each engine is asked, and what its answer means |
//!
//! What must hold before a single migration is [`Precondition`](crate::migration::Precondition): that is SQL.

mod engine;
mod parse;

pub(crate) use engine::{Judged, Known};

use std::fmt;
use std::time::Duration;

use crate::version::Version;

/// Something that must hold of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// So much of the server's disk is free.
    FreeSpace(Space),
    /// The server is not older than this.
    ServerVersion(Vec<AtLeast>),
    /// Whoever runs it may create in the schema and owns what is there.
    Privileges,
    /// Nobody else is connected to the database.
    NoOtherSessions,
    /// No replica is farther behind.
    ReplicationLag(Duration),
}

/// An amount of space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// Of the database's size, in hundredths: `2x` is 200.
    Times(u64),
    /// Bytes.
    Bytes(u64),
}

/// The oldest version of a server, of one engine or of whichever it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtLeast {
    /// `postgres`, `mysql`, `mariadb` or `sqlite`; `None` is whichever it is.
    pub engine: Option<String>,
    /// The version.
    pub version: Version,
}

/// All that must hold before a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Each of them; the same name twice means both.
    pub all: Vec<Condition>,
    /// Whether what nobody can tell fails.
    pub required: bool,
}

/// What became of one condition.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Finding {
    /// The name by which it is waived.
    pub name: &'static str,
    /// As it would be written.
    pub condition: String,
    /// What was found.
    pub outcome: Outcome,
    /// The facts, for people.
    pub facts: String,
    /// Whether it keeps the run from beginning.
    pub stops: bool,
    /// Whether it would, had nobody waived it.
    pub waived: bool,
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
pub enum Outcome {
    /// It does.
    Passed,
    /// It does not.
    Failed,
    /// Nobody can tell.
    Unknown,
}

impl Condition {
    /// The names there are.
    pub const NAMES: [&str; 5] = ["free-space", "server-version", "privileges", "no-other-sessions", "replication-lag"];

    /// Its name, by which it is waived.
    pub fn name(&self) -> &'static str {
        match self {
            Self::FreeSpace(_) => "free-space",
            Self::ServerVersion(_) => "server-version",
            Self::Privileges => "privileges",
            Self::NoOtherSessions => "no-other-sessions",
            Self::ReplicationLag(_) => "replication-lag",
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::FreeSpace(space) => write!(f, " {space}"),
            Self::ServerVersion(versions) => {
                for (index, AtLeast { engine, version }) in versions.iter().enumerate() {
                    let engine = engine.as_deref().unwrap_or_default();
                    write!(f, "{}{engine}>={version}", if index == 0 { " " } else { ", " })?;
                }
                Ok(())
            }
            Self::ReplicationLag(longest) => write!(f, " {}", crate::error::seconds(*longest)),
            Self::Privileges | Self::NoOtherSessions => Ok(()),
        }
    }
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Times(hundredths) if hundredths % 100 == 0 => write!(f, "{}x", hundredths / 100),
            Self::Times(hundredths) => write!(f, "{}.{:02}x", hundredths / 100, hundredths % 100),
            Self::Bytes(bytes) => f.write_str(&size(*bytes)),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.outcome, self.condition, self.facts)?;
        if self.waived {
            f.write_str(" (waived)")?;
        }
        Ok(())
    }
}

impl Conditions {
    /// Whether nothing must hold.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// With those of somebody else, who may ask for more and for nothing less.
    pub fn and(mut self, others: &Self) -> Self {
        for other in &others.all {
            if !self.all.contains(other) {
                self.all.push(other.clone());
            }
        }
        self.required |= others.required;
        self
    }
}

impl Finding {
    pub(crate) fn of(
        condition: &Condition,
        (outcome, facts): (Outcome, String),
        required: bool,
        waive: &[String],
    ) -> Self {
        let bad = match outcome {
            Outcome::Passed => false,
            Outcome::Failed => true,
            Outcome::Unknown => required,
        };
        let name = condition.name();
        let waived = bad && waive.iter().any(|waived| waived == name);
        Self { name, condition: condition.to_string(), outcome, facts, stops: bad && !waived, waived }
    }
}

/// `340 kB`, `1.2 GB`: with decimal prefixes, as servers and disks are sold.
pub fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] =
        [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    match UNITS.iter().find(|(unit, _)| bytes >= *unit) {
        None => format!("{bytes} bytes"),
        Some((unit, name)) => {
            let (whole, tenth) = (bytes / unit, bytes % unit * 10 / unit);
            if whole < 10 && tenth > 0 { format!("{whole}.{tenth} {name}") } else { format!("{whole} {name}") }
        }
    }
}
