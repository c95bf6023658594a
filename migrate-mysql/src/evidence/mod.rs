//! What became of a statement that could not share a transaction with its row.

use async_trait::async_trait;
use migrate_core::backend::{Note, Row, ServerError, Settled};
use migrate_core::sql::{Statement, Syntax};

/// Whoever can be asked: a session, and in tests a list of answers.
#[async_trait]
pub(crate) trait Ask: Send {
    /// The rows of one query as text.
    async fn rows(&mut self, sql: &str) -> Result<Vec<Row>, ServerError>;
}

/// Where the statement runs, as far as evidence depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The connection's database: what a name without one belongs to.
    pub(crate) database: String,
    /// MariaDB, and not MySQL.
    pub(crate) mariadb: bool,
    /// The server's version: 9.7.4 is `(9, 7, 4)`.
    pub(crate) version: (u16, u16, u16),
    /// The user has PROCESS, so that the tables of InnoDB can be read.
    pub(crate) process: bool,
}

pub(crate) async fn note(
    _ask: &mut dyn Ask,
    _place: &Place,
    _statement: &Statement<'_>,
    _syntax: &Syntax,
) -> Result<Note, ServerError> {
    Ok(Note::Nothing)
}

pub(crate) async fn settle(
    _ask: &mut dyn Ask,
    _place: &Place,
    _statement: &Statement<'_>,
    _note: Option<&str>,
    _syntax: &Syntax,
) -> Result<Settled, ServerError> {
    Ok(Settled::Undecided(String::new()))
}
