//! One attempt at one script.

use std::fmt;

use crate::migration::{self, MigrationId};
use crate::version::Version;

/// The `origin` of the row that marks a baseline's version.
pub const FLOOR: &str = "floor";

/// The primary key of a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct EntryKey {
    /// Whose history it belongs to.
    pub component: String,
    /// From 1, without gaps.
    pub seq: u64,
}

/// Microseconds since 1970-01-01 00:00 UTC, by the server's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Timestamp(pub i64);

/// A row without its long texts. Of a row only `state`, `cursor`, `prefix_digest`, `note`, `settled_by`, `checkpoint`,
/// `error` and `finished_at` ever change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Entry {
    /// Which row.
    pub key: EntryKey,
    /// Which migration.
    pub id: MigrationId,
    /// The migration's description at the time.
    pub description: String,
    /// What was attempted.
    pub action: Action,
    /// How it ended, if it did.
    pub state: State,
    /// Statements certainly run. In [`State::InFlight`] the one at the cursor may have run.
    pub cursor: u64,
    /// Statements of the script at the time.
    pub statements: u64,
    /// Digest of the text that the cursor has passed, with its length; see `plan::resume`.
    pub prefix_digest: Option<String>,
    /// Evidence taken before the statement at the cursor.
    pub note: Option<String>,
    /// What decided a doubt, and why.
    pub settled_by: Option<String>,
    /// Raw digest of the `up` part.
    pub checksum: String,
    /// Normalised digest of the `up` part.
    pub checksum_normalised: Option<String>,
    /// Digest of what was really run, after placeholders.
    pub executed_digest: Option<String>,
    /// Raw digest of the way back.
    pub down_checksum: Option<String>,
    /// Where the row comes from, if not from a run: `floor`, another tool, a snapshot.
    pub origin: Option<String>,
    /// The oldest release that may run on the result.
    pub compatible_from: Option<Version>,
    /// The set that was current once this row was done.
    pub set_digest: Option<String>,
    /// Where a batch or a code migration goes on.
    pub checkpoint: Option<String>,
    /// What the server said.
    pub error: Option<String>,
    /// Which run wrote it.
    pub run_id: String,
    /// Under which lock.
    pub fence: u64,
    /// Who ran it.
    pub installed_by: Option<String>,
    /// Which release of the application ran it.
    pub app_version: Option<String>,
    /// Which version of this tool ran it.
    pub tool_version: Option<String>,
    /// When it began; written by the server.
    pub started_at: Option<Timestamp>,
    /// When it ended; written by the server.
    pub finished_at: Option<Timestamp>,
    /// Whether a way back is stored.
    pub has_down: bool,
}

impl Entry {
    /// `2.1.0/pre/03 add owner`, as every message begins.
    pub fn title(&self) -> String {
        migration::title(&self.id, &self.description)
    }

    /// Whether it is not over: everything else waits for it.
    pub fn is_open(&self) -> bool {
        self.state != State::Done
    }

    /// Whether it is the row that marks a baseline's version, and not a migration below it.
    pub fn is_floor(&self) -> bool {
        self.action == Action::Baseline && self.origin.as_deref() == Some(FLOOR)
    }
}

/// What a row records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Action {
    /// The script was run.
    Up,
    /// The way back was run.
    Down,
    /// Was there before the history began.
    Baseline,
    /// Was part of a snapshot.
    Snapshot,
    /// Was applied by another tool.
    Adopt,
    /// A changed text was accepted.
    Accept,
    /// The stored way back was replaced.
    Refresh,
    /// A person said that it is applied.
    Resolve,
    /// A person said that it is not applied, or pruned it.
    Forget,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
pub enum State {
    /// It runs, or its client died.
    InFlight,
    /// The server said no to the statement at the cursor.
    Failed,
    /// It ended without an error before its end: stopped, or its doubt was settled.
    Interrupted,
    /// It is complete.
    Done,
}

macro_rules! texts {
    ($type:ident: $($variant:ident = $text:literal),*) => {
        impl $type {
            /// As it stands in the table.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// From the table; `None` was written by a newer tool.
            pub fn from_text(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}
texts!(Action: Up = "up", Down = "down", Baseline = "baseline", Snapshot = "snapshot", Adopt = "adopt",
    Accept = "accept", Refresh = "refresh", Resolve = "resolve", Forget = "forget");
texts!(State: InFlight = "in_flight", Failed = "failed", Interrupted = "interrupted", Done = "done");

/// The long texts of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// The script as it was stored.
    pub script: Option<String>,
    /// The way back as it was stored.
    pub down_script: Option<String>,
}
