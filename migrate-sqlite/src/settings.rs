//! PRAGMAs: set, asserted, and put back to what the connection came with.
//!
//! SQLite ignores a PRAGMA it does not know, and one that may not change at that moment, without a word. So each is
//! read back. See <https://sqlite.org/pragma.html>.

use std::time::Duration;

use migrate_core::backend::{Fault, ServerError};
use rusqlite::Connection;

use crate::dialect::literal;
use crate::error::server_error;

/// Whether foreign keys are enforced. Builds of SQLite differ in its default, so it is always set.
pub(crate) const FOREIGN_KEYS: &str = "foreign_keys";
/// Ends with each transaction, so it is set inside.
pub(crate) const DEFER_FOREIGN_KEYS: &str = "defer_foreign_keys";

/// PRAGMAs that change the connection and not the file: what a script sets of these is put back after it.
const OF_THE_CONNECTION: &[&str] = &[
    "automatic_index",
    "busy_timeout",
    "cache_size",
    "cache_spill",
    "cell_size_check",
    "checkpoint_fullfsync",
    "foreign_keys",
    "fullfsync",
    "ignore_check_constraints",
    "legacy_alter_table",
    "locking_mode",
    "mmap_size",
    "query_only",
    "read_uncommitted",
    "recursive_triggers",
    "reverse_unordered_selects",
    "synchronous",
    "temp_store",
    "threads",
    "trusted_schema",
    "wal_autocheckpoint",
    "writable_schema",
];

/// PRAGMAs that differ from what the connection came with, and what that was.
#[derive(Debug, Default)]
pub(crate) struct Changed(Vec<(String, String)>);

impl Changed {
    /// Makes `wanted` hold, and whatever else was changed what it was before. Not inside a transaction, where SQLite
    /// ignores some of them.
    pub(crate) fn assert(&mut self, connection: &Connection, wanted: &[(String, String)]) -> Result<(), ServerError> {
        let named = |name: &str| wanted.iter().any(|(wanted, _)| wanted.eq_ignore_ascii_case(name));
        let (keep, back): (Vec<_>, Vec<_>) = std::mem::take(&mut self.0).into_iter().partition(|(name, _)| named(name));
        self.0 = keep;
        for (name, before) in back {
            write(connection, &name, &before)?;
        }
        for (name, value) in wanted {
            if name.eq_ignore_ascii_case(DEFER_FOREIGN_KEYS) {
                continue;
            }
            let before = read(connection, name)?;
            if before.as_deref().is_some_and(|before| says(value, before)) {
                continue;
            }
            if let Some(before) = &before {
                self.remember(name, before);
            }
            set(connection, name, value, before.as_deref())?;
        }
        Ok(())
    }

    /// A script is about to run `PRAGMA name…` itself.
    pub(crate) fn about_to_change(&mut self, connection: &Connection, name: &str) -> Result<(), ServerError> {
        if OF_THE_CONNECTION.iter().any(|known| known.eq_ignore_ascii_case(name))
            && let Some(before) = read(connection, name)?
        {
            self.remember(name, &before);
        }
        Ok(())
    }

    fn remember(&mut self, name: &str, before: &str) {
        if !self.0.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
            self.0.push((name.to_owned(), before.to_owned()));
        }
    }
}

/// Sets one PRAGMA and finds out whether SQLite did it. `before` is its value until now.
pub(crate) fn set(connection: &Connection, name: &str, value: &str, before: Option<&str>) -> Result<(), ServerError> {
    write(connection, name, value)?;
    match read(connection, name)? {
        Some(now) if says(value, &now) => Ok(()),
        // Something else than asked for, but not what it was: SQLite has its own name or limit for it.
        Some(now) if before.is_some_and(|before| before != now) => Ok(()),
        Some(now) => Err(ServerError::new(
            Fault::Refused,
            format!("the setting {name} = {value} had no effect: SQLite keeps {now}"),
        )),
        None if is_known(connection, name)? => Ok(()),
        None => Err(ServerError::new(Fault::Refused, format!("SQLite has no setting {name}"))),
    }
}

/// The value of a PRAGMA; `None` where it has none to read.
pub(crate) fn read(connection: &Connection, name: &str) -> Result<Option<String>, ServerError> {
    let mut statement = connection.prepare(&format!("PRAGMA {}", checked(name)?)).map_err(|e| server_error(&e))?;
    let mut rows = statement.raw_query();
    let Some(row) = rows.next().map_err(|e| server_error(&e))? else { return Ok(None) };
    let value = row.get_ref(0).map_err(|e| server_error(&e))?;
    Ok(crate::history::text(value))
}

/// Sets a PRAGMA, without a look at what became of it.
pub(crate) fn write(connection: &Connection, name: &str, value: &str) -> Result<(), ServerError> {
    // PRAGMAs run partly while they are prepared, so a cached statement would not do it again.
    let mut statement = connection.prepare(&assignment(name, value)?).map_err(|e| server_error(&e))?;
    let mut rows = statement.raw_query();
    while rows.next().map_err(|e| server_error(&e))?.is_some() {}
    Ok(())
}

/// `PRAGMA name = value`, without a terminator.
pub(crate) fn assignment(name: &str, value: &str) -> Result<String, ServerError> {
    let name = checked(name)?;
    let plain = value.strip_prefix('-').unwrap_or(value);
    if !plain.is_empty() && plain.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        Ok(format!("PRAGMA {name} = {value}"))
    } else {
        Ok(format!("PRAGMA {name} = {}", literal(value)))
    }
}

fn checked(name: &str) -> Result<&str, ServerError> {
    if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Ok(name);
    }
    Err(ServerError::new(
        Fault::Refused,
        format!("`{}` is no name of a setting: letters, digits and underscores are legal", name.escape_debug()),
    ))
}

fn is_known(connection: &Connection, name: &str) -> Result<bool, ServerError> {
    // A build without introspection cannot tell.
    let sql = "SELECT 1 FROM pragma_pragma_list WHERE name = ?1 COLLATE NOCASE";
    let Ok(mut list) = connection.prepare(sql) else { return Ok(true) };
    list.exists([name]).map_err(|e| server_error(&e))
}

/// A wait for a lock as `PRAGMA busy_timeout` has it; zero, which is for ever elsewhere, is 24 days.
pub(crate) fn busy_milliseconds(limit: Duration) -> i32 {
    if limit.is_zero() {
        return i32::MAX;
    }
    i32::try_from(limit.as_millis()).unwrap_or(i32::MAX).max(1)
}

/// Whether a value of `foreign_keys` switches it on.
pub(crate) fn is_on(value: &str) -> bool {
    says(value, "1")
}

/// Whether a PRAGMA that was set to `value` reads as `now`.
fn says(value: &str, now: &str) -> bool {
    let number = match value.to_ascii_lowercase().as_str() {
        "off" | "no" | "false" | "none" => "0",
        "on" | "yes" | "true" | "normal" | "file" | "full_vacuum" => "1",
        "full" | "memory" | "incremental" => "2",
        "extra" => "3",
        _ => value,
    };
    value.eq_ignore_ascii_case(now) || number == now
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{Changed, read};

    fn owned(wanted: &[(&str, &str)]) -> Vec<(String, String)> {
        wanted.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_setting_holds_until_it_is_no_longer_wanted() {
        let connection = Connection::open_in_memory().unwrap();
        let before = read(&connection, "cache_size").unwrap();
        let mut changed = Changed::default();
        changed.assert(&connection, &owned(&[("cache_size", "-123"), ("legacy_alter_table", "on")])).unwrap();
        assert_eq!(read(&connection, "cache_size").unwrap().as_deref(), Some("-123"));
        changed.assert(&connection, &owned(&[("legacy_alter_table", "on")])).unwrap();
        assert_eq!(read(&connection, "cache_size").unwrap(), before);
        assert_eq!(read(&connection, "legacy_alter_table").unwrap().as_deref(), Some("1"));
        changed.assert(&connection, &[]).unwrap();
        assert_eq!(read(&connection, "legacy_alter_table").unwrap().as_deref(), Some("0"));
    }

    #[test]
    fn what_sqlite_ignores_is_an_error() {
        let connection = Connection::open_in_memory().unwrap();
        let check = |name: &str, value: &str, message: &str| {
            let error = Changed::default().assert(&connection, &owned(&[(name, value)])).unwrap_err();
            assert_eq!(error.message, message);
        };
        check("nosuch", "1", "SQLite has no setting nosuch");
        check("journal_mode", "wal", "the setting journal_mode = wal had no effect: SQLite keeps memory");
        check(
            "x = 1; DROP TABLE t; --",
            "1",
            "`x = 1; DROP TABLE t; --` is no name of a setting: letters, digits and underscores are legal",
        );
    }

    #[test]
    fn settings_that_read_differently_are_accepted() {
        let connection = Connection::open_in_memory().unwrap();
        let check = |name: &str, value: &str| {
            Changed::default().assert(&connection, &owned(&[(name, value)])).unwrap();
        };
        check("foreign_keys", "OFF");
        check("synchronous", "EXTRA");
        check("temp_store", "MEMORY");
        check("case_sensitive_like", "on");
        check("cache_size", "-4000");
    }
}
