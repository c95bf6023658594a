//! What a server says of itself, and what it says when something fails.

use std::fmt;
use std::time::Duration;

use crate::sql::Syntax;

/// Facts that planning needs, read at the start of every run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // independent facts
pub struct Server {
    /// `SQLite 3.50.1`, as the server calls itself.
    pub product: String,
    /// The database's own name, which a destructive command asks for.
    pub database: String,
    /// The lexical rules with this session's modes.
    pub syntax: Syntax,
    /// Whether the history table exists, in whatever format.
    pub has_history: bool,
    /// Some objects of the target schema that are neither ours nor an extension's; empty means empty.
    pub objects: Vec<String>,
    /// Tables of other tools' histories.
    pub foreign_histories: Vec<String>,
    /// Tables whose engine has no transactions: what is written to one of them cannot be rolled back.
    pub not_transactional: Vec<String>,
    /// Tables with partitions, where the server changes these one by one and one that is killed meanwhile can destroy the
    /// table; `None` where a change of them is as atomic as any.
    pub partitioned: Option<Vec<String>>,
    /// Nothing can be written here.
    pub read_only: bool,
    /// A pooler that pools transactions stands between us and the server: nothing of a session lasts.
    ///
    /// The planner then refuses what needs a session, so that only [`Effect::Begin`](super::Effect::Begin) to
    /// [`Effect::Commit`](super::Effect::Commit) is sent; the lock must be a lease with a real fence.
    pub pooled: bool,
    /// Everything this session does is part of a transaction of the caller's, which only the caller ends.
    ///
    /// The planner then refuses what cannot be part of it, so that between [`Effect::Begin`](super::Effect::Begin) and
    /// [`Effect::Commit`](super::Effect::Commit) there is a savepoint and nothing more, and nothing is set outside.
    pub joined: bool,
}

impl Server {
    /// A database of its own that is empty and can be written, with nothing in between. A backend says what is different,
    /// and goes on to compile when there is more to say:
    ///
    /// ```
    /// use migrate_core::backend::Server;
    /// use migrate_core::sql::Syntax;
    ///
    /// let server = Server { read_only: true, ..Server::new("Engine 1.0", "shop", Syntax::STANDARD) };
    /// assert!(server.objects.is_empty());
    /// ```
    pub fn new(product: impl Into<String>, database: impl Into<String>, syntax: Syntax) -> Self {
        Self {
            product: product.into(),
            database: database.into(),
            syntax,
            has_history: false,
            objects: Vec::new(),
            foreign_histories: Vec::new(),
            not_transactional: Vec::new(),
            partitioned: None,
            read_only: false,
            pooled: false,
            joined: false,
        }
    }
}

/// Where the history is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TableName {
    /// The schema; `None` is the connection's own.
    pub schema: Option<String>,
    /// The table.
    pub name: String,
}

impl Default for TableName {
    fn default() -> Self {
        Self { schema: None, name: "migrate_history".to_owned() }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Who has the lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Holder {
    /// The owner text it gave, or what the server knows of it.
    pub who: String,
    /// For how long.
    pub since: Option<Duration>,
    /// What it runs.
    pub running: Option<String>,
}

/// Who keeps a statement waiting for a lock of the database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Blocker {
    /// Process or connection id, user, application.
    pub who: String,
    /// Its transaction's age.
    pub age: Option<Duration>,
    /// What it runs, or ran last.
    pub query: Option<String>,
}

/// A remark of the server: a notice, a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Notice {
    /// `NOTICE`, `WARNING`, …
    pub level: String,
    /// What it says.
    pub message: String,
}

/// What went wrong, in the terms the core decides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Fault {
    /// The server said no.
    Refused,
    /// A lock of the database was not free in time; nothing happened.
    LockTimeout,
    /// A deadlock or a lost race between transactions; nothing happened.
    Deadlock,
    /// The statement took longer than it may; nothing happened.
    StatementTimeout,
    /// The statement was stopped on request; nothing happened.
    Cancelled,
    /// The history row exists already.
    Duplicate,
    /// The history row is not as expected.
    Stale,
    /// The history says what this version does not understand.
    NewerHistory,
    /// We never heard: the connection is gone.
    Lost,
    /// No connection.
    Connect,
    /// The server has no such database.
    NoDatabase,
    /// Nothing can be written here.
    ReadOnly,
    /// The engine or this backend cannot do that.
    Unsupported,
}

/// An error of a server, without any secret in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default())]
pub struct ServerError {
    /// In the terms the core decides by.
    pub fault: Fault,
    /// In the server's terms: an SQLSTATE, an error number, a result code.
    pub code: Option<String>,
    /// What it says.
    pub message: String,
    /// More of what it says.
    pub detail: Option<String>,
    /// What it advises.
    pub hint: Option<String>,
    /// Byte offset in the statement; in its data, one byte and the length of its text more.
    pub position: Option<usize>,
    /// Who kept it waiting.
    pub blockers: Vec<Blocker>,
}

impl ServerError {
    /// What a backend without a database of its own answers: its migrators work on sessions of the caller's alone.
    pub fn no_database() -> Self {
        let mut error = Self::new(Fault::Unsupported, "this migrator has no database of its own to connect to");
        error.hint = Some("hand it a session: Migrator::run_on".to_owned());
        error
    }

    /// An error with a fault and a message.
    pub fn new(fault: Fault, message: impl Into<String>) -> Self {
        Self {
            fault,
            code: None,
            message: message.into(),
            detail: None,
            hint: None,
            position: None,
            blockers: Vec::new(),
        }
    }

    /// With the server's own code.
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// With the place in the statement, in bytes.
    pub fn position(mut self, position: usize) -> Self {
        self.position = Some(position);
        self
    }

    /// With what is advised.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether the connection is gone.
    pub fn is_lost(&self) -> bool {
        self.fault == Fault::Lost
    }

    /// Whether the same may succeed later because somebody else was in the way.
    pub fn is_contention(&self) -> bool {
        matches!(self.fault, Fault::LockTimeout | Fault::Deadlock)
    }
}
