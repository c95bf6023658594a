//! What became of a statement that could not share a transaction with its row.
//!
//! | module | holds |
//! |---|---|
//! | [`names`] | statement → which objects it is about, and what of them tells |
//! | [`alter`] | the same for `ALTER TABLE` |
//! | [`expression`] | what is read of an object → an SQL expression |
//! | [`trips`] | what an expression cannot read |
//! | [`known`] | what need not be asked again |
//! | [`call`] | code that may commit on its way |
//! | [`prepared`] | what `EXECUTE` runs |
//! | [`decision`] | what was noted, and what is there now → what became of it |
//! | [`wreck`] | what a killed server leaves behind, whatever its catalog says |
//!
//! The rules were found by some 3,500 crashes of MySQL 9.7 and MariaDB 10.11. Their measure: what is equal is run again,
//! so everything that a statement can change must be read, or its repetition must be harmless; what is different ran, so
//! nothing may be read that changes by itself; and what can be half done is never taken for done.
//!
//! Deliberately absent: GTIDs, which must be asked for ([`crate::gtid`]), `CREATE_TIME` (a rename that is rolled back changes it on MariaDB), and the binary log.

use async_trait::async_trait;
use migrate_core::backend::{Note, Row, ServerError, Settled};
use migrate_core::sql::{Statement, StatementKind, Syntax};

mod alter;
mod call;
mod decision;
mod expression;
mod known;
mod names;
mod prepared;
#[cfg(test)]
mod tests;
mod trips;
mod words;
mod wreck;

pub(crate) use call::{SEGMENTS, STARTED};
pub(crate) use known::Known;

use expression::Database;
use names::{About, Rule};
use prepared::Noted;
use trips::Identity;
use words::Words;

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

/// What is to be written down before `statement` is sent.
///
/// An expression wherever possible: it is answered when the statements before it have run, whatever they are.
pub(crate) async fn note(
    ask: &mut dyn Ask,
    place: &Place,
    known: &mut Known,
    statement: &Statement<'_>,
    syntax: &Syntax,
) -> Result<Note, ServerError> {
    if !matches!(statement.class.kind, StatementKind::Call) {
        return definition(ask, place, known, statement, syntax).await;
    }
    match call::note(ask, place, statement, syntax).await? {
        Note::Nothing => prepared::note(ask, place, known, statement, syntax).await,
        note => Ok(note),
    }
}

/// The same of what names its objects itself.
async fn definition(
    ask: &mut dyn Ask,
    place: &Place,
    known: &mut Known,
    statement: &Statement<'_>,
    syntax: &Syntax,
) -> Result<Note, ServerError> {
    let Some(about) = About::of(statement, syntax) else { return Ok(Note::Nothing) };
    if let Rule::Temporary { .. } = about.rule {
        return Ok(Note::Is("temporary".to_owned()));
    }
    if about.rule == Rule::Removes || known.absent(ask, place, &about).await? {
        let parts = vec![if about.rule == Rule::Removes { "1" } else { "0" }; about.objects.len()].join(",");
        return Ok(Note::Asked(expression::constant(&parts)));
    }
    // Without the numbers of InnoDB only rows can tell tables apart that look the same.
    let identity = if about.blind && !place.process { Identity::Rows } else { Identity::Numbers };
    if identity == Identity::Numbers
        && let Some(expression) = expression::expression(place, &about, Database::Current)
    {
        return Ok(Note::Asked(expression));
    }
    Ok(trips::read(ask, place, &about, &place.database, identity).await?.map_or(Note::Nothing, Note::Is))
}

/// What became of `statement`, with the lock held and the thread that ran it gone.
pub(crate) async fn settle(
    ask: &mut dyn Ask,
    place: &Place,
    statement: &Statement<'_>,
    note: Option<&str>,
    syntax: &Syntax,
) -> Result<Settled, ServerError> {
    let (statement, note) = match note.and_then(prepared::in_note) {
        Some(Noted::Repeats) => return Ok(Settled::DidNotRun(decision::REPEAT.to_owned())),
        Some(Noted::As(noted, text)) => (&prepared::executed(statement, text, syntax), Some(noted)),
        None => (statement, note),
    };
    let about = About::of(statement, syntax);
    let words = Words::new(statement.text, syntax);
    decision::settle(ask, place, statement, note, about.as_ref(), words).await
}
