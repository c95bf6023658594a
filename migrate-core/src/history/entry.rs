//! One attempt at one script.

use std::fmt;
use std::time::Duration;

use crate::checksum;
use crate::manifest::Dependency;
use crate::migration::{self, MigrationId};
use crate::version::Version;

/// The `origin` of the row that marks a baseline's version.
pub(crate) const FLOOR: &str = "floor";

/// With what a part of the `origin` of a row begins that names what its component needs of others:
/// `needs queue 2.0.0, audit 1`. Of a component's rows that run something the last one counts.
pub(crate) const NEEDS: &str = "needs ";

/// The `origin` of the row of statements that were appended to an applied migration and run on request.
pub(crate) const AMEND: &str = "amend";

/// The `origin` of the rows that say of what is squashed that it is no longer kept.
pub(crate) const PRUNED: &str = "pruned";

/// The `origin` of the rows of a run that installs everything on a database that had nothing: until one of them says
/// that the set is complete, no release can have been deployed.
pub(crate) const INSTALL: &str = "install";

/// The `origin` of the row of a snapshot's own script; what it stands for has rows behind it, whose `origin` is the
/// snapshot's title.
pub const SNAPSHOT: &str = "snapshot";

/// The `origin` of the row that marks how far another tool's history was taken over.
pub(crate) const ADOPTION: &str = "adoption";

/// With what the `origin` of a row begins before whose run a backup was made.
pub const BACKUP: &str = "backup ";

/// With what the `origin` of a row begins, or goes on behind `; `, that was run in spite of a precondition.
pub(crate) const WAIVED: &str = "waived ";

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

impl Timestamp {
    /// `2026-11-21`, in UTC. The civil calendar from days is Howard Hinnant's `civil_from_days`.
    pub fn date(self) -> String {
        let days = self.0.div_euclid(86_400_000_000) + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        format!("{year:04}-{month:02}-{day:02}")
    }
}

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
    /// Evidence taken before the statement at the cursor. Of what another tool applied, that tool's row as JSON; of a row
    /// that marks an adoption, see [`Mark`](super::format::Mark).
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
    /// Where the row comes from, if not from an ordinary run: `floor`, `install`, `adoption`, `snapshot`, `amend`, `pruned`; of what a
    /// snapshot stands for, that snapshot: `B2.1.0 all at once`; of what another tool applied, that tool, its own word for the migration, and how sure it is: `flyway 1.1 recorded`. Of a run that a
    /// backup was made for or a precondition waived, these: `backup app.db.bak; waived privileges`.
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
    /// A done row that says nothing yet but which migration it is about and what was done with it.
    pub fn blank(key: EntryKey, id: MigrationId, action: Action) -> Self {
        Self {
            key,
            id,
            description: String::new(),
            action,
            state: State::Done,
            cursor: 0,
            statements: 0,
            prefix_digest: None,
            note: None,
            settled_by: None,
            checksum: String::new(),
            checksum_normalised: None,
            executed_digest: None,
            down_checksum: None,
            origin: None,
            compatible_from: None,
            set_digest: None,
            checkpoint: None,
            error: None,
            run_id: String::new(),
            fence: 0,
            installed_by: None,
            app_version: None,
            tool_version: None,
            started_at: None,
            finished_at: None,
            has_down: false,
        }
    }

    /// Whether its work was code that this crate ran, or would have.
    pub fn is_code(&self) -> bool {
        checksum::declared_of_code(&self.checksum).is_some()
    }

    /// Where an attempt stands: `at statement 2 of 3`, `after statement 3 of 3`; of code `after checkpoint 42`.
    pub fn stands(&self) -> String {
        let (done, of) = (self.cursor, self.statements);
        if self.is_code() {
            return match &self.checkpoint {
                Some(checkpoint) => format!("after checkpoint {checkpoint}"),
                None if done > 0 => "after its code".to_owned(),
                None => "in its code".to_owned(),
            };
        }
        if done < of { format!("at statement {} of {of}", done + 1) } else { format!("after statement {done} of {of}") }
    }

    /// How long the attempt took, by the server's clock; `None` while it lasts.
    pub fn elapsed(&self) -> Option<Duration> {
        let micros = self.finished_at?.0.checked_sub(self.started_at?.0)?;
        Some(Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
    }

    /// `2.1.0/pre/03 add owner`, as every message begins; of a snapshot's own row `B2.1.0 all at once`.
    pub fn title(&self) -> String {
        match self.id.version().filter(|_| self.is_snapshot()) {
            Some(version) => migration::snapshot_title(version, &self.description),
            None => migration::title(&self.id, &self.description),
        }
    }

    /// Whether it is not over: everything else waits for it.
    pub fn is_open(&self) -> bool {
        self.state != State::Done
    }

    /// Whether it says of what is squashed that it is no longer kept.
    pub fn is_pruning(&self) -> bool {
        self.action == Action::Forget && self.origin.as_deref() == Some(PRUNED)
    }

    /// Whether it is the row that marks a baseline's version, and not a migration below it.
    pub fn is_floor(&self) -> bool {
        self.action == Action::Baseline && self.origin.as_deref() == Some(FLOOR)
    }

    /// Whether it is the row that marks how far another tool's history was taken over.
    pub fn is_adoption(&self) -> bool {
        self.action == Action::Adopt && self.origin.as_deref() == Some(ADOPTION)
    }

    /// Whether it is the row of a snapshot's script, and not of a migration that the snapshot stands for.
    pub fn is_snapshot(&self) -> bool {
        self.action == Action::Snapshot && self.origins().next() == Some(SNAPSHOT)
    }

    /// Whether it is about no migration, but marks something of the whole history.
    pub(crate) fn is_mark(&self) -> bool {
        self.is_floor() || self.is_adoption() || self.is_snapshot()
    }

    /// Whether it was written by a run that installs everything.
    pub fn is_of_install(&self) -> bool {
        let runs = self.action == Action::Up || self.is_snapshot();
        runs && self.origins().take_while(|part| is_mark(part)).any(|part| part == INSTALL)
    }

    /// Whether it ran what was appended to an applied migration.
    pub fn is_amendment(&self) -> bool {
        self.action == Action::Up && self.origins().next() == Some(AMEND)
    }

    /// What its `origin` says beside how its run was guarded: `snapshot; install`.
    pub(crate) fn marks(&self) -> Option<String> {
        let marks: Vec<&str> = self.origins().take_while(|part| is_mark(part)).collect();
        (!marks.is_empty()).then(|| marks.join("; "))
    }

    /// What its component needs of others, as far as it says so.
    pub fn needs(&self) -> Vec<Dependency> {
        let named = self.origins().find_map(|part| part.strip_prefix(NEEDS)).unwrap_or_default();
        let one = |text: &str| {
            let (component, version) = text.trim().rsplit_once(' ')?;
            Some(Dependency { component: component.to_owned(), version: version.parse().ok()? })
        };
        named.split(',').filter_map(one).collect()
    }

    /// Says in its `origin` what its component needs, behind its other marks and in place of what it said before.
    pub(crate) fn mark(&mut self, needs: &str) {
        let mut parts: Vec<&str> = self.origins().filter(|part| !part.starts_with(NEEDS)).collect();
        let behind = parts.iter().take_while(|part| is_mark(part)).count();
        parts.insert(behind, needs);
        self.origin = Some(parts.join("; "));
    }

    fn origins(&self) -> impl Iterator<Item = &str> {
        self.origin.as_deref().into_iter().flat_map(|origin| origin.split("; "))
    }

    /// What was done before its run and in spite of what it was run: `backup app.db.bak; waived privileges`.
    pub fn guarded_by(&self) -> Option<&str> {
        let runs = matches!(self.action, Action::Up | Action::Down) || self.is_snapshot();
        let origin = self.origin.as_deref().filter(|_| runs)?;
        let mut guard = origin;
        while let Some((_, rest)) = guard.split_once("; ").filter(|(mark, _)| is_mark(mark)) {
            guard = rest;
        }
        (guard.starts_with(BACKUP) || guard.starts_with(WAIVED)).then_some(guard)
    }
}

/// Whether a part of an `origin` marks what kind of row it is, and does not say how its run was guarded.
fn is_mark(part: &str) -> bool {
    [SNAPSHOT, INSTALL, AMEND].contains(&part) || part.starts_with(NEEDS)
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
    /// A snapshot was installed; also of what it stands for.
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

impl Action {
    /// Whether it says where the migration stands, and not only what counts as its text.
    pub(crate) fn is_attempt(self) -> bool {
        !matches!(self, Self::Accept | Self::Refresh)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_shows_its_utc_date() {
        for (seconds, date) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (1_795_219_199, "2026-11-20"),
            (-1, "1969-12-31"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(Timestamp(seconds * 1_000_000).date(), date);
        }
    }

    #[test]
    fn what_is_written_for_actions_and_states_is_read_back() {
        for action in [Action::Up, Action::Forget, Action::Snapshot] {
            assert_eq!(Action::from_text(action.as_str()), Some(action));
        }
        assert_eq!(State::from_text("in_flight"), Some(State::InFlight));
        assert_eq!(State::from_text("paused"), None);
    }
}
