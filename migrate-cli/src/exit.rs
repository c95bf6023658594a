//! The exit codes, and which failure has which.

use migrate_core::backend::Fault;
use migrate_core::diagnostic::{Code, Diagnostic, codes};
use migrate_core::error::{Error, ErrorKind};

/// How the process ends. The numbers are promised: scripts branch on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// A rule says no.
    Refused = 1,
    /// The command line, the configuration or the set of migrations is not what it should be.
    Usage = 2,
    /// The server refused a statement.
    Failed = 3,
    /// A person has to say whether a statement ran.
    InDoubt = 4,
    /// Somebody else holds a lock.
    Locked = 5,
    /// No connection.
    NoConnection = 6,
    /// Something is pending (`check`, `wait`).
    Pending = 7,
    /// The database is ahead of this set.
    Ahead = 8,
    /// Stopped by a signal, with work left.
    Stopped = 9,
    /// A precondition did not hold, or a backup failed.
    Precondition = 10,
    /// There are findings (`validate`).
    Findings = 11,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Self {
        if error.is_in_doubt() {
            return Self::InDoubt;
        }
        if error.is_ahead() {
            return Self::Ahead;
        }
        if error.is_locked() {
            return Self::Locked;
        }
        match error.kind() {
            ErrorKind::Set(_) => Self::Usage,
            ErrorKind::Refused(_) => refused(&error.diagnostics()),
            ErrorKind::Connect(_) | ErrorKind::Lost(_) => Self::NoConnection,
            ErrorKind::Server(error) if error.fault == Fault::NoDatabase => Self::NoConnection,
            ErrorKind::Server(error) if error.fault == Fault::NewerHistory => Self::Refused,
            ErrorKind::Precondition(_) | ErrorKind::Preconditions { .. } => Self::Precondition,
            ErrorKind::RowsLost { .. } => Self::Refused,
            ErrorKind::Stopped { .. } => Self::Stopped,
            _ => Self::Failed,
        }
    }
}

/// A refusal because of what was typed or written, or because of what the database is like.
fn refused(diagnostics: &[Diagnostic]) -> Exit {
    const TYPED: [Code; 5] =
        [codes::UNKNOWN_TARGET, codes::USAGE, codes::BAD_SCRIPT, codes::BAD_DIRECTIVE, codes::BAD_BATCH];
    if diagnostics.iter().any(|diagnostic| TYPED.contains(&diagnostic.code)) { Exit::Usage } else { Exit::Refused }
}
