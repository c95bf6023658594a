//! SQLite's result codes → what the core decides by.
//!
//! Codes and their meaning: <https://sqlite.org/rescode.html>. A message never repeats the statement: whoever shows it
//! has the statement's place in its file.

use migrate_core::backend::{Fault, ServerError};
use migrate_core::sql::{Syntax, classify};
use rusqlite::{Error, ffi};

/// What SQLite said, as the core understands it.
pub(crate) fn server_error(error: &Error) -> ServerError {
    match error {
        Error::SqliteFailure(code, message) => failure(code.extended_code, message.as_deref()),
        Error::SqlInputError { error, msg, offset, .. } => {
            let mut failed = failure(error.extended_code, Some(msg));
            failed.position = usize::try_from(*offset).ok();
            failed
        }
        Error::MultipleStatement => ServerError::new(Fault::Refused, "more than one statement where one was expected"),
        Error::InvalidParameterName(name) => ServerError::new(
            Fault::Refused,
            format!("the statement has the parameter {name}, and a script has nothing to give it a value"),
        ),
        other => ServerError::new(Fault::Refused, other.to_string()),
    }
}

/// The place of the object that a message names, in the statement. SQLite gives an offset for what its parser meets,
/// and none for `no such table: t` or `table t already exists`.
pub(crate) fn named_place(message: &str, statement: &str) -> Option<usize> {
    let name = match message.split_once(": ") {
        Some((what, name)) if what.starts_with("no such ") || what == "duplicate column name" => name,
        _ => message.strip_suffix(" already exists")?.split_once(' ')?.1,
    };
    let name = name.rsplit('.').next()?;
    let unquoted = |text: &str| text.trim_matches(['"', '`', '[', ']', '\'']).eq_ignore_ascii_case(name);
    classify::words(statement, &Syntax::SQLITE).find(|word| unquoted(word.text)).map(|word| word.at)
}

/// The primary result code of an error, without its extension.
pub(crate) fn primary(error: &Error) -> Option<i32> {
    error.sqlite_error().map(|code| code.extended_code & 0xff)
}

/// Whether the error is that another connection has a lock.
pub(crate) fn is_busy(error: &Error) -> bool {
    matches!(primary(error), Some(ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED))
}

/// Whether the error says that a row with this key exists.
pub(crate) fn is_duplicate(error: &Error) -> bool {
    error.sqlite_error().is_some_and(|code| {
        matches!(code.extended_code, ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_UNIQUE)
    })
}

/// Whether the error says that a foreign key is violated.
pub(crate) fn is_foreign_key(error: &Error) -> bool {
    error.sqlite_error().is_some_and(|code| code.extended_code == ffi::SQLITE_CONSTRAINT_FOREIGNKEY)
}

/// Whether the error says that a table does not exist. SQLite has no code for it.
pub(crate) fn is_no_such_table(error: &Error) -> bool {
    match error {
        Error::SqliteFailure(_, Some(message)) => message.starts_with("no such table"),
        Error::SqlInputError { msg, .. } => msg.starts_with("no such table"),
        _ => false,
    }
}

fn failure(code: i32, message: Option<&str>) -> ServerError {
    let said = message.map_or_else(|| ffi::code_to_str(code).to_owned(), lower_first);
    let (fault, text, hint) = match code & 0xff {
        ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => {
            (Fault::LockTimeout, "another connection has the database locked".to_owned(), None)
        }
        ffi::SQLITE_INTERRUPT => (Fault::Cancelled, "stopped on request".to_owned(), None),
        ffi::SQLITE_READONLY => (Fault::ReadOnly, said, Some(READ_ONLY)),
        ffi::SQLITE_CANTOPEN => (Fault::Refused, said, Some("check that the path exists and may be read and written")),
        ffi::SQLITE_NOTADB => {
            let hint = "check that this is the file you mean";
            (Fault::Refused, "the file is not an SQLite database, or it is encrypted".to_owned(), Some(hint))
        }
        ffi::SQLITE_CORRUPT => (Fault::Refused, said, Some("the file is damaged: restore it from a backup")),
        ffi::SQLITE_FULL => (Fault::Refused, said, Some("free space on the disk, or raise PRAGMA max_page_count")),
        ffi::SQLITE_IOERR => (Fault::Refused, said, Some("the operating system failed to read or write the file")),
        _ => {
            let hint = rename_hint(&said);
            (Fault::Refused, said, hint)
        }
    };
    let mut error = ServerError::new(fault, text);
    error.code = Some(code_name(code).map_or_else(|| format!("SQLite {code}"), str::to_owned));
    error.hint = hint.map(str::to_owned);
    error
}

const READ_ONLY: &str = "check the permissions of the file and of its folder, `mode=ro`, and PRAGMA query_only";

/// Since SQLite 3.26 a rename re-reads every view and trigger, and fails where one names a table that is gone at that
/// moment. See <https://sqlite.org/lang_altertable.html>.
fn rename_hint(message: &str) -> Option<&'static str> {
    (message.starts_with("error in view") || message.starts_with("error in trigger")).then_some(
        "drop what refers to the table before its rebuild and create it again afterwards, \
         or put `PRAGMA legacy_alter_table = ON;` before the rename",
    )
}

/// SQLite begins a few messages (`FOREIGN KEY constraint failed`) with a keyword, which stays as it is.
fn lower_first(message: &str) -> String {
    let mut letters = message.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if first.is_uppercase() && second.is_lowercase() => {
            first.to_lowercase().chain(message.chars().skip(1)).collect()
        }
        _ => message.to_owned(),
    }
}

macro_rules! code_names {
    ($($name:ident)*) => {
        /// SQLite's own name of a result code.
        fn code_name(code: i32) -> Option<&'static str> {
            match code {
                $(ffi::$name => Some(stringify!($name)),)*
                _ => None,
            }
        }
    };
}
code_names! {
    SQLITE_ERROR SQLITE_INTERNAL SQLITE_PERM SQLITE_ABORT SQLITE_BUSY SQLITE_LOCKED SQLITE_NOMEM SQLITE_READONLY
    SQLITE_INTERRUPT SQLITE_IOERR SQLITE_CORRUPT SQLITE_NOTFOUND SQLITE_FULL SQLITE_CANTOPEN SQLITE_PROTOCOL
    SQLITE_SCHEMA SQLITE_TOOBIG SQLITE_CONSTRAINT SQLITE_MISMATCH SQLITE_MISUSE SQLITE_NOLFS SQLITE_AUTH SQLITE_RANGE
    SQLITE_NOTADB
    SQLITE_ABORT_ROLLBACK SQLITE_AUTH_USER SQLITE_BUSY_RECOVERY SQLITE_BUSY_SNAPSHOT SQLITE_BUSY_TIMEOUT
    SQLITE_CANTOPEN_ISDIR SQLITE_CANTOPEN_FULLPATH SQLITE_CANTOPEN_NOTEMPDIR SQLITE_CANTOPEN_SYMLINK
    SQLITE_CONSTRAINT_CHECK SQLITE_CONSTRAINT_COMMITHOOK SQLITE_CONSTRAINT_DATATYPE SQLITE_CONSTRAINT_FOREIGNKEY
    SQLITE_CONSTRAINT_FUNCTION SQLITE_CONSTRAINT_NOTNULL SQLITE_CONSTRAINT_PINNED SQLITE_CONSTRAINT_PRIMARYKEY
    SQLITE_CONSTRAINT_ROWID SQLITE_CONSTRAINT_TRIGGER SQLITE_CONSTRAINT_UNIQUE SQLITE_CONSTRAINT_VTAB
    SQLITE_CORRUPT_INDEX SQLITE_CORRUPT_SEQUENCE SQLITE_CORRUPT_VTAB
    SQLITE_ERROR_MISSING_COLLSEQ SQLITE_ERROR_RETRY SQLITE_ERROR_SNAPSHOT
    SQLITE_IOERR_ACCESS SQLITE_IOERR_CHECKRESERVEDLOCK SQLITE_IOERR_CLOSE SQLITE_IOERR_CORRUPTFS SQLITE_IOERR_DELETE
    SQLITE_IOERR_DIR_FSYNC SQLITE_IOERR_FSTAT SQLITE_IOERR_FSYNC SQLITE_IOERR_GETTEMPPATH SQLITE_IOERR_LOCK
    SQLITE_IOERR_MMAP SQLITE_IOERR_NOMEM SQLITE_IOERR_RDLOCK SQLITE_IOERR_READ SQLITE_IOERR_SEEK
    SQLITE_IOERR_SHMLOCK SQLITE_IOERR_SHMMAP SQLITE_IOERR_SHMOPEN SQLITE_IOERR_SHMSIZE SQLITE_IOERR_SHORT_READ
    SQLITE_IOERR_TRUNCATE SQLITE_IOERR_UNLOCK SQLITE_IOERR_WRITE
    SQLITE_LOCKED_SHAREDCACHE SQLITE_LOCKED_VTAB
    SQLITE_READONLY_CANTINIT SQLITE_READONLY_CANTLOCK SQLITE_READONLY_DBMOVED SQLITE_READONLY_DIRECTORY
    SQLITE_READONLY_RECOVERY SQLITE_READONLY_ROLLBACK
}

#[cfg(test)]
mod tests {
    use migrate_core::backend::Fault;
    use rusqlite::{Connection, Error, ffi};

    use super::{named_place, server_error};

    #[test]
    fn result_codes_become_faults() {
        let check = |code: i32, fault: Fault, name: &str| {
            let error = server_error(&Error::SqliteFailure(ffi::Error::new(code), None));
            assert_eq!((error.fault, error.code.as_deref()), (fault, Some(name)), "{error}");
            assert!(!error.message.ends_with('.'), "{error}");
        };
        check(ffi::SQLITE_BUSY, Fault::LockTimeout, "SQLITE_BUSY");
        check(ffi::SQLITE_BUSY_SNAPSHOT, Fault::LockTimeout, "SQLITE_BUSY_SNAPSHOT");
        check(ffi::SQLITE_LOCKED_SHAREDCACHE, Fault::LockTimeout, "SQLITE_LOCKED_SHAREDCACHE");
        check(ffi::SQLITE_INTERRUPT, Fault::Cancelled, "SQLITE_INTERRUPT");
        check(ffi::SQLITE_READONLY_DIRECTORY, Fault::ReadOnly, "SQLITE_READONLY_DIRECTORY");
        check(ffi::SQLITE_CANTOPEN, Fault::Refused, "SQLITE_CANTOPEN");
        check(ffi::SQLITE_NOTADB, Fault::Refused, "SQLITE_NOTADB");
        check(ffi::SQLITE_FULL, Fault::Refused, "SQLITE_FULL");
        check(ffi::SQLITE_IOERR_WRITE, Fault::Refused, "SQLITE_IOERR_WRITE");
        check(ffi::SQLITE_CONSTRAINT_FOREIGNKEY, Fault::Refused, "SQLITE_CONSTRAINT_FOREIGNKEY");
        check(0x7f01, Fault::Refused, "SQLite 32513");
    }

    #[test]
    fn an_error_in_the_text_has_its_place_and_not_the_text() {
        let connection = Connection::open_in_memory().unwrap();
        let error = connection.prepare("SELECT 'größe', nosuch FROM sqlite_master").err().unwrap();
        let error = server_error(&error);
        assert_eq!(error.position, Some("SELECT 'größe', ".len()));
        assert_eq!(error.message, "no such column: nosuch");
    }

    #[test]
    fn an_object_that_a_message_names_is_found_in_the_statement() {
        #[track_caller]
        fn check(statement: &str, message: &str, expected: Option<&str>) {
            let rest = named_place(message, statement).map(|at| &statement[at..]);
            assert_eq!(rest, expected);
        }
        check("insert into \"B\" values ('b')", "no such table: b", Some("\"B\" values ('b')"));
        check("drop index main.i", "no such index: main.i", Some("i"));
        check("create table t (a)", "table t already exists", Some("t (a)"));
        check("alter table t add a int", "duplicate column name: a", Some("a int"));
        check("insert into t values (1)", "no such table: log", None);
        check("select 1", "database is locked", None);
    }
}
