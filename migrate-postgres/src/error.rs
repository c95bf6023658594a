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

/// Where in `statement` an error happened that was raised inside its body: a `DO` block, whose lines the server counts.
///
/// `where` reads `PL/pgSQL function inline_code_block line 3 at SQL statement`; the first line of the body is that of
/// the opening quote.
pub(crate) fn place_inside(error: &DbError, statement: &str) -> Option<usize> {
    if let Some(ErrorPosition::Internal { position, query }) = error.position() {
        // What failed was a statement of the body, as it stands there or put together by it.
        let character = usize::try_from(*position).ok()?.checked_sub(1)?;
        let inside = query.char_indices().nth(character).map_or(query.len(), |(at, _)| at);
        if let Some(body) = statement.find(query.as_str()) {
            return Some(body + inside);
        }
    }
    let line = error.where_()?.lines().rev().find_map(|line| {
        let number = line.split_once("inline_code_block line ")?.1;
        number.split(' ').next()?.parse::<usize>().ok()
    })?;
    let opening = ["$", "'"].iter().filter_map(|quote| statement.find(quote)).min()?;
    let mut start = opening;
    for _ in 1..line {
        start += statement.get(start..)?.find('\n')? + 1;
    }
    if line == 1 {
        return Some(start);
    }
    let text = statement.get(start..)?;
    Some(start + (text.len() - text.trim_start().len()))
}

/// Where in the data of a `COPY` the line begins that an error is about.
///
/// `where` reads `COPY t, line 3, column c: "x"`.
pub(crate) fn place_in_data(error: &DbError, data: &str) -> Option<usize> {
    line_of_data(error.where_()?, data)
}

fn line_of_data(context: &str, data: &str) -> Option<usize> {
    let line = context.lines().find_map(|line| line.strip_prefix("COPY ")?.split_once(", line "))?.1;
    let digits = line.find(|c: char| !c.is_ascii_digit()).unwrap_or(line.len());
    let number: usize = line[..digits].parse().ok()?;
    let mut lines = data.split_inclusive('\n');
    let before = lines.by_ref().take(number.checked_sub(1)?).map(str::len).sum();
    // An error about the end of the data is told of a line behind it.
    lines.next().map(|_| before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_data_is_found() {
        let data = "1\tone\n2\ttwo\n3\tthree\n";
        for (context, place) in [
            ("COPY book, line 1", Some(0)),
            ("COPY book, line 2: \"2\"", Some(6)),
            ("COPY book, line 3, column at: \"x, line 1\"", Some(12)),
            ("COPY book, line 4", None),
            ("COPY book, line 0", None),
            ("COPY book", None),
            ("SQL statement \"select 1\"\nCOPY book, line 2", Some(6)),
        ] {
            assert_eq!(line_of_data(context, data), place, "{context}");
        }
    }
}
