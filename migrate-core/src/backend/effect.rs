//! One thing done to the database, and how a list of them ended.

use std::time::Duration;

use super::{Blocker, Notice, ServerError};
use crate::history::{Entry, EntryKey, State};
use crate::sql::Statement;

/// One thing done to the database.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Effect<'a> {
    /// Opens a transaction with these settings for its duration; what cannot be set inside one is set before and
    /// restored after it.
    Begin(&'a Settings),
    /// Commits it, after whatever the engine can still check.
    Commit,
    /// Rolls it back.
    Rollback,
    /// Settings for the session: everything not named goes back to what the connection came with.
    Set(&'a Settings),
    /// A statement of a script. COPY data rides with it.
    Statement(&'a Statement<'a>),
    /// INSERT of a history row. A `(component, seq)` that exists is a [`Fault::Duplicate`](super::Fault::Duplicate).
    Append(&'a NewEntry),
    /// Compare-and-set of a history row, by a run that still holds its lock. A miss is a [`Fault::Stale`](super::Fault::Stale), so nothing after it runs.
    Advance(&'a Advance),
    /// A row in another tool's table.
    Mirror(&'a ForeignRow),
}

/// A history row to be written. The server fills the times in: `started_at` with the beginning of the transaction,
/// `finished_at` with now unless the state is [`State::InFlight`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// Everything but the times and `has_down`. Its `fence` is that of the lock that the writing run holds: a backend
    /// whose locks can expire answers [`Fault::Stale`](super::Fault::Stale) where the lock has passed on.
    pub entry: Entry,
    /// The script as it is stored.
    pub script: Option<String>,
    /// The way back as it is stored.
    pub down_script: Option<String>,
    /// An expression whose value is the note, as in [`Advance::asked`]: the row announces its first statement.
    pub asked: Option<String>,
}

/// A change of one history row, carried out only if the row is as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advance {
    /// Which row.
    pub key: EntryKey,
    /// Expected: who wrote it.
    pub run_id: String,
    /// Expected: under which lock.
    pub fence: u64,
    /// Expected: the fence of the lock that the writing run holds. It is `fence`, unless the row is an earlier run's.
    /// A backend whose locks can expire answers [`Fault::Stale`](super::Fault::Stale) where the lock has passed on.
    pub holder_fence: u64,
    /// Expected: how far it had come.
    pub from_cursor: u64,
    /// New: statements certainly run.
    pub cursor: u64,
    /// New: digest of what the cursor has passed.
    pub prefix_digest: Option<String>,
    /// New state. Anything but [`State::InFlight`] also writes `finished_at`.
    pub state: State,
    /// New: evidence taken before the statement at the cursor.
    pub note: Option<String>,
    /// New: an expression of the server's, from [`Note::Asked`](super::Note::Asked), whose value is the note in place of
    /// `note`. Where it is NULL the note is empty: a row without a note says that nothing was sent.
    pub asked: Option<String>,
    /// New: what decided a doubt.
    pub settled_by: Option<String>,
    /// New: where a batch or a code migration goes on.
    pub checkpoint: Option<String>,
    /// New: what the server said.
    pub error: Option<String>,
}

/// A row for another tool's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignRow {
    /// The statement that writes it.
    pub sql: String,
}

/// What holds for a session or a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Settings {
    /// Variables of the engine, in order.
    pub variables: Vec<(String, String)>,
    /// The longest wait for a lock; zero is for ever, `None` the connection's own.
    pub lock_timeout: Option<Duration>,
    /// The longest run of one statement; zero is for ever, `None` the connection's own.
    pub statement_timeout: Option<Duration>,
}

/// How a list of effects ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Performed {
    /// What was acknowledged, in order: a lower bound after [`End::Lost`].
    pub done: Vec<Done>,
    /// Whether that is all.
    pub end: End,
}

/// One acknowledged effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Rows it affected, where the server says so.
    pub rows: Option<u64>,
}

/// Why a list of effects ended.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    /// All were carried out.
    All,
    /// The server said no to one: it had no effect, and nothing after it was carried out.
    Refused {
        /// Index into the list.
        at: usize,
        /// What the server said.
        error: ServerError,
    },
    /// The connection is gone; the first effect not in `done` may or may not have happened.
    Lost(ServerError),
}

impl Performed {
    /// All done.
    pub fn all(done: Vec<Done>) -> Self {
        Self { done, end: End::All }
    }

    /// Ended by `error` at effect `at`, as its fault says.
    pub fn failed(done: Vec<Done>, at: usize, error: ServerError) -> Self {
        let end = if error.is_lost() { End::Lost(error) } else { End::Refused { at, error } };
        Self { done, end }
    }
}

/// Told while effects are carried out; indexes are into the list.
pub trait Progress {
    /// An effect is about to be sent.
    fn began(&mut self, at: usize);
    /// An effect was acknowledged.
    fn done(&mut self, at: usize, done: &Done);
    /// The server remarked something.
    fn notice(&mut self, notice: Notice);
    /// An effect has been waiting for somebody's lock for so long. Told again while it lasts, as often as a person who
    /// watches should hear of it; a backend that cannot see who is in the way never tells.
    fn blocked(&mut self, at: usize, blockers: &[Blocker], waited: Duration) {
        let _ = (at, blockers, waited);
    }
}

/// Nobody is told.
impl Progress for () {
    fn began(&mut self, _: usize) {}
    fn done(&mut self, _: usize, _: &Done) {}
    fn notice(&mut self, _: Notice) {}
}
