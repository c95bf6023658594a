//! Error numbers → what the core decides by. They are those of
//! <https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html> and
//! <https://mariadb.com/docs/server/reference/error-codes>.

mod position;

use std::error::Error as StdError;
use std::io::ErrorKind;

use migrate_core::backend::{Fault, ServerError};
use mysql_async::{DriverError, IoError, LocalInfileError};

pub(crate) use position::located;

/// An error of the driver. Its place, where it has one, is read separately: see [`located`].
pub(crate) fn server_error(error: &mysql_async::Error) -> ServerError {
    match error {
        mysql_async::Error::Server(refused) => refusal(refused),
        mysql_async::Error::Driver(DriverError::LocalInfile(file)) => no_file(file),
        other if is_end(other) => ServerError::new(Fault::Lost, "the server closed the connection"),
        // After any other one the driver has closed it itself.
        other => ServerError::new(Fault::Lost, chain(other)),
    }
}

/// `LOAD DATA LOCAL` did not get its file, so that nothing happened. The driver has closed the connection.
pub(crate) fn no_file(error: &LocalInfileError) -> ServerError {
    let (message, hint) = match error {
        LocalInfileError::PathIsNotInTheWhiteList(name) => (
            format!("LOAD DATA LOCAL asks for {name}, which is no file of the migration's folder"),
            "put the file beside the migration, and name it from there",
        ),
        LocalInfileError::NoHandler => (
            "LOAD DATA LOCAL asks for a file, and this connection gives none out".to_owned(),
            "name the folder that its files may be taken from: `Mysql::local_files`",
        ),
        other => (format!("the file that LOAD DATA LOCAL asks for cannot be read: {other}"), "see to the file"),
    };
    let mut refused = ServerError::new(Fault::Refused, message);
    refused.hint = Some(hint.to_owned());
    refused
}

/// Whether nothing more came: a server that stops, or is told to, says no word, not even that of TLS.
fn is_end(error: &mysql_async::Error) -> bool {
    match error {
        mysql_async::Error::Driver(DriverError::ConnectionClosed) => true,
        mysql_async::Error::Io(IoError::Io(cause)) => cause.kind() == ErrorKind::UnexpectedEof,
        _ => false,
    }
}

/// What the server said.
pub(crate) fn refusal(error: &mysql_async::ServerError) -> ServerError {
    let fault = fault(error.code, &error.state, &error.message);
    let mut refused = ServerError::new(fault, error.message.as_str()).code(error.code.to_string());
    refused.hint = advice(error.code, &error.message).map(str::to_owned);
    refused
}

fn advice(code: u16, message: &str) -> Option<&'static str> {
    match code {
        // MySQL 9.6 moved them out of the server. Seen on 9.7: the component brings them back, but not for generated
        // columns, which refuse them (3763).
        1305 if is_classic_hash(message) => {
            Some("MySQL has it in a component since 9.6: INSTALL COMPONENT 'file://component_classic_hashing'")
        }
        // LOAD DATA LOCAL, of MySQL and MariaDB.
        3948 | 4166 => Some("somebody who may do it: SET GLOBAL local_infile = 1"),
        _ => None,
    }
}

/// `FUNCTION shop.MD5 does not exist`.
fn is_classic_hash(message: &str) -> bool {
    let function = message.strip_prefix("FUNCTION ").and_then(|rest| rest.strip_suffix(" does not exist"));
    let name = function.and_then(|function| function.rsplit('.').next()).unwrap_or_default();
    ["MD5", "SHA", "SHA1"].iter().any(|hash| name.eq_ignore_ascii_case(hash))
}

fn fault(code: u16, state: &str, message: &str) -> Fault {
    match code {
        // A row's lock or a table's was not free in time; the second is NOWAIT.
        1205 | 3572 => Fault::LockTimeout,
        // A deadlock, also one of GET_LOCK, also what the loser of a race in a Galera cluster is told.
        1213 | 3058 => Fault::Deadlock,
        // MySQL's max_execution_time, MariaDB's max_statement_time.
        3024 | 1969 => Fault::StatementTimeout,
        1317 => Fault::Cancelled,
        // The option is named in the message: the same number is that of --skip-grant-tables and --secure-file-priv.
        1290 if message.contains("read-only") || message.contains("read_only") => Fault::ReadOnly,
        // A transaction, the server, InnoDB.
        1792 | 1836 | 1874 => Fault::ReadOnly,
        1049 => Fault::NoDatabase,
        // A node of a Galera cluster is not ready, or lost the others under a transaction: it is looked what became of it.
        1047 | 1180 if message.contains("WSREP") || message.contains("provider status") => Fault::Lost,
        1047 => Fault::Refused,
        // The server stops; somebody ended the connection, or it waited for too long; packets that did not arrive.
        1053 | 1080 | 1152..=1161 | 1184 | 1927 | 3169 | 4031 => Fault::Lost,
        1235 => Fault::Unsupported,
        _ if state == "0A000" => Fault::Unsupported,
        _ if state.starts_with("08") => Fault::Lost,
        _ => Fault::Refused,
    }
}

/// The driver's own words, without the names of its layers, and the causes they leave out.
pub(crate) fn chain(error: &mysql_async::Error) -> String {
    let mut text = String::new();
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(this) = cause {
        cause = this.source();
        // Each layer repeats the next one behind a word of its own.
        let next = cause.map(ToString::to_string).unwrap_or_default();
        let own = this.to_string();
        if cause.is_some() && own.contains(next.as_str()) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(own.trim_end_matches('.'));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;

    use mysql_async::Error;

    use super::*;

    #[test]
    fn numbers_become_what_the_core_decides_by() {
        for (code, state, message, expected) in [
            (1064, "42000", "You have an error in your SQL syntax", Fault::Refused),
            (1205, "HY000", "Lock wait timeout exceeded; try restarting transaction", Fault::LockTimeout),
            (3572, "HY000", "Statement aborted because lock(s) could not be acquired immediately", Fault::LockTimeout),
            (1213, "40001", "Deadlock found when trying to get lock; try restarting transaction", Fault::Deadlock),
            (1047, "08S01", "WSREP has not yet prepared node for application use", Fault::Lost),
            (1047, "08S01", "Unknown command", Fault::Refused),
            (1180, "HY000", "… (provider status: Not connected to Primary Component)", Fault::Lost),
            (1180, "HY000", "Got error 28 \"No space left on device\" during COMMIT", Fault::Refused),
            (3024, "HY000", "Query execution was interrupted, maximum statement …", Fault::StatementTimeout),
            (1969, "70100", "Query execution was interrupted (max_statement_time exceeded)", Fault::StatementTimeout),
            (1317, "70100", "Query execution was interrupted", Fault::Cancelled),
            (1290, "HY000", "… running with the --super-read-only option so it cannot execute …", Fault::ReadOnly),
            (1290, "HY000", "… running with the --read-only option so it cannot execute …", Fault::ReadOnly),
            (1290, "HY000", "… running with the --secure-file-priv option so it cannot …", Fault::Refused),
            (1792, "25006", "Cannot execute statement in a READ ONLY transaction", Fault::ReadOnly),
            (1836, "HY000", "Running in read-only mode", Fault::ReadOnly),
            (1049, "42000", "Unknown database 'shop'", Fault::NoDatabase),
            (1053, "08S01", "Server shutdown in progress", Fault::Lost),
            (1927, "70100", "Connection was killed", Fault::Lost),
            (4031, "HY000", "The client was disconnected by the server because of inactivity", Fault::Lost),
            (1153, "08S01", "Got a packet bigger than 'max_allowed_packet' bytes", Fault::Lost),
            (1846, "0A000", "ALGORITHM=INSTANT is not supported", Fault::Unsupported),
            (1235, "42000", "This version of MySQL doesn't yet support '…'", Fault::Unsupported),
            (1062, "23000", "Duplicate entry '1' for key 'PRIMARY'", Fault::Refused),
        ] {
            let error = server_error(&Error::Server(mysql_async::ServerError {
                code,
                message: message.to_owned(),
                state: state.to_owned(),
            }));
            let expected = ServerError::new(expected, message).code(code.to_string());
            assert_eq!(error, expected, "{code}");
        }
    }

    #[test]
    fn what_a_newer_server_has_moved_is_found_again() {
        for (message, advised) in [
            ("FUNCTION shop.MD5 does not exist", true),
            ("FUNCTION shop.sha1 does not exist", true),
            ("FUNCTION shop.md5_of_order does not exist", false),
            ("PROCEDURE shop.MD5 does not exist", false),
        ] {
            assert_eq!(advice(1305, message).is_some(), advised, "{message}");
        }
    }

    #[test]
    fn without_an_answer_the_connection_is_gone() {
        let reset = || io::Error::new(ErrorKind::ConnectionReset, "reset by peer");
        for (error, message) in [
            (Error::Io(IoError::Io(reset())), "reset by peer"),
            (Error::Io(IoError::Io(io::Error::from(ErrorKind::UnexpectedEof))), "the server closed the connection"),
            (Error::Driver(DriverError::ConnectionClosed), "the server closed the connection"),
            (Error::Driver(DriverError::PacketOutOfOrder), "Packet out of order"),
        ] {
            let lost = server_error(&error);
            assert_eq!((lost.fault, lost.message.as_str()), (Fault::Lost, message));
        }
    }

    #[test]
    fn a_file_that_is_not_given_out_is_a_refusal() {
        let asked = LocalInfileError::PathIsNotInTheWhiteList("/etc/passwd".to_owned());
        let refused = server_error(&Error::Driver(DriverError::LocalInfile(asked)));
        let message = "LOAD DATA LOCAL asks for /etc/passwd, which is no file of the migration's folder";
        assert_eq!((refused.fault, refused.message.as_str()), (Fault::Refused, message));
    }
}
