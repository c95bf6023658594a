//! One statement, and what the planner and the journal need to know about its kind.

/// A view of one statement of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// Its number in the script, from 1, as people count.
    pub number: usize,
    /// From its first to its last significant token: no terminator, no surrounding comments. Executable comments
    /// (`/*! */`) and hints (`/*+ */`) are significant.
    pub text: &'a str,
    /// Byte offset of `text` in the file.
    pub offset: usize,
    /// The data block of a PostgreSQL `COPY … FROM STDIN`, without its `\.` line.
    pub data: Option<&'a str>,
    /// What kind of statement it is.
    pub class: Class,
}

/// What kind of statement: everything the planner branches on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
pub struct Class {
    /// The family it belongs to.
    pub kind: StatementKind,
    /// Whether it can be in one transaction with its history row.
    pub sharing: Sharing,
    /// It removes data or objects: `DROP`, `TRUNCATE`, a `DELETE` without a condition, a dropped column.
    pub destructive: bool,
    /// It may wait for locks others hold while others queue behind it, so a lock timeout belongs on it. One that does
    /// not, and runs alone, waits as long as it must.
    pub queues: bool,
}

/// The family of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
pub enum StatementKind {
    /// `BEGIN`, `COMMIT`, … at the top level of a script.
    Transaction(TransactionControl),
    /// Creates, alters or drops objects, or changes grants and comments on them.
    Definition,
    /// Writes rows.
    Manipulation,
    /// Only reads.
    Query,
    /// Changes the session: `SET`, `PRAGMA`, `USE`.
    Session,
    /// Runs stored or anonymous code: `CALL`, `DO`.
    Call,
    /// `VACUUM`, `ANALYZE`, `OPTIMIZE`, `REINDEX`, …
    Maintenance,
    /// PostgreSQL `COPY … FROM STDIN` with its data in the script.
    CopyIn,
    /// Nothing we know; every other answer about it is on the safe side.
    Unknown,
}

/// Transaction control at the top level of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
pub enum TransactionControl {
    /// Opens a transaction: `BEGIN`, `START TRANSACTION`.
    Begin,
    /// Ends it and keeps its effects: `COMMIT`, `END`.
    Commit,
    /// Ends it and drops its effects: `ROLLBACK`, `ABORT`.
    Rollback,
    /// Stays inside it: `SAVEPOINT`, `RELEASE`, `ROLLBACK TO`.
    Savepoint,
    /// Anything stranger: `PREPARE TRANSACTION`, `COMMIT AND CHAIN`, `SET autocommit`, `XA`, `LOCK TABLES`.
    Other,
}

/// Whether a statement can be in one transaction with the history row that records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
pub enum Sharing {
    /// It can, so nobody is ever in doubt about it.
    Shares,
    /// It commits the transaction it finds (MySQL's DDL).
    Commits(Recovery),
    /// The server refuses it inside a transaction (`VACUUM`, `CREATE INDEX CONCURRENTLY`).
    Alone(Recovery),
}

/// What decides after a crash inside a statement that could not share a transaction with its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
pub enum Recovery {
    /// Running it again leads to the same state, so it is run again.
    Repeat,
    /// Only removes named objects: what is still there is removed, the rest is done.
    Drop,
    /// Atomic in itself; whether it ran shows in the catalog.
    Definition,
    /// As [`Definition`](Self::Definition), of a table whose files the server changes one by one: one that is killed
    /// meanwhile can leave a table that nobody can read, and a person must look.
    FileByFile,
    /// May have been half done; if anything changed, a person must look.
    NonAtomic,
    /// Runs code that may commit on the way; if anything changed, a person must look.
    Call,
}

impl Sharing {
    /// What decides after a crash; `None` where no doubt can arise.
    pub fn recovery(self) -> Option<Recovery> {
        match self {
            Self::Shares => None,
            Self::Commits(recovery) | Self::Alone(recovery) => Some(recovery),
        }
    }
}
