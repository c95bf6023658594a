//! Plain data about an engine.

use std::fmt;

use super::{Effect, TableName};
use crate::layout::EngineNames;
use crate::sql::script::Classify;
use crate::sql::{Script, Syntax};

/// What the pure code must know about an engine. Built in a `static`, so a backend outside this workspace can describe
/// its own.
///
/// A capability is here only because the planner or the executor branches on it, and the conformance suite proves it
/// in both directions.
#[derive(Clone, Copy)]
pub struct Dialect {
    /// The engine's names: the `.ENGINE` of the files it can run, best first. The first is its own.
    pub names: &'static [&'static str],
    /// Its lexical rules with default session modes; [`Server::syntax`](super::Server) has the real ones.
    pub syntax: Syntax,
    /// What kind a statement is.
    pub classify: Classify,
    /// Whether definitions can be rolled back.
    pub atomicity: Atomicity,
    /// How two runs are kept apart.
    pub exclusion: Exclusion,
    /// What may be left of a run whose client died.
    pub orphan: Orphan,
    /// Whether a running statement can be stopped.
    pub cancel: Cancel,
    /// Settings that a script needs around its transaction (SQLite: foreign keys off while a table is rebuilt).
    pub script_settings: fn(&Script) -> Vec<(String, String)>,
    /// An effect as SQL for the native client, terminated, as `plan --sql` prints it.
    pub effect_sql: fn(&Effect<'_>, &TableName) -> String,
    /// What makes the native client stop at the first error: the first line of what `plan --sql` prints.
    pub client_prologue: &'static str,
    /// The history table as SQL for the native client; does nothing where it exists.
    pub history_sql: fn(&TableName) -> String,
}

/// Whether `CREATE TABLE` in a transaction is gone after a rollback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Atomicity {
    /// A whole script can be one transaction.
    Script,
    /// Definitions commit; only single statements are atomic.
    Statement,
}

/// How two runs are kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exclusion {
    /// A lock that lives on the working connection: whoever gets it knows that the previous holder's last statement
    /// has ended.
    Session,
    /// A transactional step excludes writers by itself, and the loser of a race finds its row number taken; only plans
    /// with a journalled step need the lock.
    Optimistic,
}

/// What may be left of a run whose client died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orphan {
    /// Nothing: the engine lives in the client's process.
    None,
    /// Its last statement may still run on the server, and holds the lock until it ends.
    HoldsLock,
}

/// Whether a running statement can be stopped from another thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancel {
    /// Through [`Session::canceller`](super::Session::canceller).
    Statement,
    /// Not at all: a stop waits for its end.
    Never,
}

impl Dialect {
    /// The engine's own name.
    ///
    /// # Panics
    /// If it has none.
    pub fn name(&self) -> &'static str {
        self.names[0]
    }

    /// What a layout must know of it.
    pub fn engine(&self) -> EngineNames {
        EngineNames { names: self.names, syntax: self.syntax }
    }
}

impl fmt::Debug for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialect")
            .field("name", &self.name())
            .field("atomicity", &self.atomicity)
            .field("exclusion", &self.exclusion)
            .field("orphan", &self.orphan)
            .field("cancel", &self.cancel)
            .finish_non_exhaustive()
    }
}
