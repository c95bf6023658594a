//! `SQLSTATE`s → what the core decides by. The classes are those of
//! <https://www.postgresql.org/docs/current/errcodes-appendix.html>.

use std::error::Error as _;

use migrate_core::backend::{Fault, ServerError};
use tokio_postgres::error::{DbError, ErrorPosition, SqlState};

/// An error of the driver. Its place, where it has one, is read separately: it counts from the beginning of a message,
/// not of a statement.
pub(crate) fn server_error(error: &tokio_postgres::Error) -> ServerError {
    match error.as_db_error() {
        Some(refused) => refusal(refused),
        None => ServerError::new(Fault::Lost, chain(error)),
    }
}

/// What the server said.
pub(crate) fn refusal(error: &DbError) -> ServerError {
    let mut refused = ServerError::new(fault(error.code()), error.message()).code(error.code().code());
    refused.detail = error.detail().map(str::to_owned);
    refused.hint = error.hint().map(str::to_owned);
    refused
}

fn fault(code: &SqlState) -> Fault {
    match code.code() {
        "55P03" => Fault::LockTimeout,
        // A deadlock, and what serializable transactions end with when another one was faster.
        "40P01" | "40001" => Fault::Deadlock,
        "57014" => Fault::StatementTimeout,
        "25006" => Fault::ReadOnly,
        "3D000" => Fault::NoDatabase,
        // The server, or somebody on it, ends the connection.
        "57P01" | "57P02" | "57P04" | "57P05" | "25P03" | "25P04" => Fault::Lost,
        "0A000" => Fault::Unsupported,
        code if code.starts_with("08") => Fault::Lost,
        _ => Fault::Refused,
    }
}

/// Where in the text that was sent the server saw the error, in bytes of it.
///
/// The server counts characters, from 1.
pub(crate) fn place(error: &DbError, sent: &str) -> Option<usize> {
    match error.position()? {
        ErrorPosition::Original(character) => {
            let character = usize::try_from(*character).ok()?.checked_sub(1)?;
            let at = sent.char_indices().nth(character).map(|(at, _)| at);
            Some(at.unwrap_or(sent.len()))
        }
        ErrorPosition::Internal { .. } => None,
    }
}

/// The driver's own words say only which layer failed; the cause is behind them.
pub(crate) fn chain(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
