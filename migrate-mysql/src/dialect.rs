//! Plain data about MySQL and MariaDB, and effects as SQL for their clients.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use migrate_core::EngineNames;
use migrate_core::backend::{Atomicity, Cancel, Dialect, Effect, Exclusion, Orphan, Settings, TableName};
use migrate_core::sql::{Statement, Syntax, classify};

use crate::history;
use crate::packet::stores_its_text;

/// MySQL, 8.0 and later.
pub static MYSQL: Dialect = Dialect {
    names: EngineNames::MYSQL.names,
    syntax: Syntax::MYSQL,
    classify: classify::mysql,
    atomicity: Atomicity::Statement,
    exclusion: Exclusion::Session,
    orphan: Orphan::HoldsLock,
    cancel: Cancel::Statement,
    script_settings: |_| Vec::new(),
    effect_sql: |effect, table| effect_sql(effect, table, false),
    // Both clients stop at the first error unless they are told not to.
    client_prologue: "SET NAMES utf8mb4;",
    history_sql: |table| format!("{};", history::create_table(&qualified(table))),
};

/// MariaDB, 10.5 and later. It takes the files of MySQL where it has none of its own.
pub static MARIADB: Dialect =
    Dialect { names: EngineNames::MARIADB.names, effect_sql: |effect, table| effect_sql(effect, table, true), ..MYSQL };

/// A text as a literal that means exactly this text, whatever `sql_mode` and the character set of the connection are.
///
/// A backslash means what `NO_BACKSLASH_ESCAPES` says, and bytes above 127 what `SET NAMES` says: a text with either is
/// written in hexadecimal digits.
///
/// ```
/// use migrate_mysql::dialect::literal;
///
/// assert_eq!(literal("it's"), "'it''s'");
/// assert_eq!(literal(r"a\"), "_utf8mb4 0x615c");
/// assert_eq!(literal("ü"), "_utf8mb4 0xc3bc");
/// ```
pub fn literal(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    if text.bytes().all(|byte| byte.is_ascii() && byte != b'\\' && byte != 0) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut hexadecimal = String::with_capacity(11 + 2 * text.len());
    hexadecimal.push_str("_utf8mb4 0x");
    for byte in text.bytes() {
        hexadecimal.push(char::from(DIGITS[usize::from(byte >> 4)]));
        hexadecimal.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    hexadecimal
}

/// A name, quoted.
pub(crate) fn name(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A table with its database, quoted.
pub(crate) fn qualified(table: &TableName) -> String {
    match &table.schema {
        Some(schema) => format!("{}.{}", name(schema), name(&table.name)),
        None => name(&table.name),
    }
}

/// The longest wait that both servers take for `lock_wait_timeout`: a year.
const LONGEST_WAIT: u64 = 31_536_000;

/// The variables that settings mean, with their values; later ones win.
///
/// There is no limit for the statements of MySQL but for reading ones: the session keeps an eye on the others.
pub(crate) fn variables(settings: &Settings, mariadb: bool) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    if let Some(limit) = settings.lock_timeout {
        // They count in seconds, and what is shorter is one.
        let seconds = if limit.is_zero() { LONGEST_WAIT } else { rounded_up(limit).clamp(1, LONGEST_WAIT) };
        for variable in ["lock_wait_timeout", "innodb_lock_wait_timeout"] {
            all.insert(variable.to_owned(), seconds.to_string());
        }
    }
    if let Some(limit) = settings.statement_timeout.filter(|_| mariadb) {
        all.insert("max_statement_time".to_owned(), format!("{:.6}", limit.as_secs_f64()));
    }
    for (variable, value) in &settings.variables {
        let variable = variable.trim_start_matches("@@").trim_start_matches("session.").to_ascii_lowercase();
        all.insert(variable, value.clone());
    }
    all
}

const SQL_MODE: &str = "sql_mode";

fn rounded_up(limit: Duration) -> u64 {
    limit.as_secs() + u64::from(limit.subsec_nanos() > 0)
}

/// `SESSION name = value`.
///
/// `+MODE,MODE` as the `sql_mode` is added to what the session has: what is set to nothing else, that is.
///
/// A number stands without quotes, because the server takes no text for one; `20M` is what option files take.
pub(crate) fn assignment(variable: &str, value: &str) -> String {
    if let Some(more) = added_modes(variable, value) {
        return format!("SESSION {SQL_MODE} = CONCAT(@@SESSION.{SQL_MODE}, {})", literal(&format!(",{more}")));
    }
    let value = match value.trim() {
        number if number.parse::<f64>().is_ok() => number.to_owned(),
        // What cannot be set to a text at all.
        word if word.eq_ignore_ascii_case("default") || word.eq_ignore_ascii_case("null") => word.to_owned(),
        text => match suffixed(text) {
            Some(bytes) => bytes.to_string(),
            None => literal(value),
        },
    };
    format!("SESSION {} = {value}", name(variable))
}

fn suffixed(text: &str) -> Option<u64> {
    let unit = match text.chars().last()?.to_ascii_lowercase() {
        'k' => 10,
        'm' => 20,
        'g' => 30,
        _ => return None,
    };
    text[..text.len() - 1].parse::<u64>().ok()?.checked_shl(unit)
}

/// What a value means in a session that began with `base`: `+MODE,MODE` as the `sql_mode` is added to its own.
pub(crate) fn resolved<'v>(variable: &str, value: &'v str, base: Option<&String>) -> Cow<'v, str> {
    match (added_modes(variable, value), base) {
        (Some(more), Some(base)) if base.is_empty() => Cow::Borrowed(more),
        (Some(more), Some(base)) => Cow::Owned(format!("{base},{more}")),
        _ => Cow::Borrowed(value),
    }
}

fn added_modes<'v>(variable: &str, value: &'v str) -> Option<&'v str> {
    value.trim().strip_prefix('+').filter(|_| variable == SQL_MODE)
}

/// `SET …`, or nothing where nothing is set.
pub(crate) fn assignments<'v>(variables: impl IntoIterator<Item = (&'v String, &'v String)>) -> Option<String> {
    let all: Vec<_> = variables.into_iter().map(|(variable, value)| assignment(variable, value)).collect();
    (!all.is_empty()).then(|| format!("SET {}", all.join(", ")))
}

fn effect_sql(effect: &Effect<'_>, table: &TableName, mariadb: bool) -> String {
    let settings = |settings: &Settings| assignments(&variables(settings, mariadb)).map(|sql| format!("{sql};\n"));
    let table = &qualified(table);
    match effect {
        Effect::Begin(of) => {
            format!(
                "{}SET {} = UTC_TIMESTAMP(6);\nSTART TRANSACTION;",
                settings(of).unwrap_or_default(),
                history::BEGAN
            )
        }
        Effect::Commit => "COMMIT;".to_owned(),
        Effect::Rollback => "ROLLBACK;".to_owned(),
        Effect::Set(of) => settings(of).unwrap_or_default().trim_end().to_owned(),
        Effect::Statement(statement) => for_client(statement),
        Effect::Append(new) => format!("{};", history::append(table, new, false)),
        Effect::Advance(advance) => format!("{};", history::advance(table, advance)),
        Effect::Mirror(row) => format!("{};", row.sql.trim_end().trim_end_matches(';')),
        // An effect that this version does not know cannot be printed; `perform` refuses it as well.
        other => format!("-- not known to this version: {other:?}"),
    }
}

/// A statement as the client finds its end.
fn for_client(statement: &Statement<'_>) -> String {
    if !stores_its_text(statement.text, &Syntax::MYSQL) {
        return format!("{};", statement.text);
    }
    let delimiter = ["//", "$$", ";;", "|||"].into_iter().find(|text| !statement.text.contains(text)).unwrap_or("//");
    format!("DELIMITER {delimiter}\n{}{delimiter}\nDELIMITER ;", statement.text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The text that a server reads, whatever its modes are.
    fn read(literal: &str) -> String {
        if let Some(digits) = literal.strip_prefix("_utf8mb4 0x") {
            let bytes = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap());
            return String::from_utf8(bytes.collect()).unwrap();
        }
        let quoted = literal.strip_prefix('\'').unwrap().strip_suffix('\'').unwrap();
        assert!(quoted.is_ascii() && !quoted.contains('\\'), "{literal} depends on a setting");
        assert_eq!(quoted.replace("''", "").find('\''), None, "{literal} ends early");
        quoted.replace("''", "'")
    }

    proptest! {
        #[test]
        fn any_text_comes_back_as_it_was(text in any::<String>()) {
            prop_assert_eq!(read(&literal(&text)), text);
        }

        #[test]
        fn quotes_and_backslashes_come_back(text in "['\\\\\"`;\\-a\n\0]{0,40}") {
            prop_assert_eq!(read(&literal(&text)), text);
        }
    }

    #[test]
    fn settings_are_variables_of_the_session() {
        let settings = Settings {
            variables: vec![
                ("sort_buffer_size".to_owned(), "2M".to_owned()),
                ("SQL_MODE".to_owned(), "ANSI_QUOTES".to_owned()),
                ("@@session.foreign_key_checks".to_owned(), "0".to_owned()),
            ],
            lock_timeout: Some(Duration::from_millis(1_500)),
            statement_timeout: Some(Duration::from_millis(2_500)),
        };
        let set = |mariadb| assignments(&variables(&settings, mariadb)).unwrap();
        assert_eq!(
            set(false),
            "SET SESSION `foreign_key_checks` = 0, SESSION `innodb_lock_wait_timeout` = 2, \
             SESSION `lock_wait_timeout` = 2, SESSION `sort_buffer_size` = 2097152, SESSION `sql_mode` = 'ANSI_QUOTES'"
        );
        assert!(set(true).contains("`max_statement_time` = 2.500000"), "{}", set(true));
        let forever = Settings { lock_timeout: Some(Duration::ZERO), ..Settings::default() };
        assert_eq!(variables(&forever, false)["lock_wait_timeout"], "31536000");
        assert_eq!(assignments(&variables(&Settings::default(), true)), None);
    }

    #[test]
    fn modes_are_added_to_those_that_the_session_began_with() {
        for (base, value, expected) in [
            ("STRICT_ALL_TABLES", "+PIPES_AS_CONCAT,ANSI_QUOTES", "STRICT_ALL_TABLES,PIPES_AS_CONCAT,ANSI_QUOTES"),
            ("", "+ANSI_QUOTES", "ANSI_QUOTES"),
            ("STRICT_ALL_TABLES", "ANSI_QUOTES", "ANSI_QUOTES"),
        ] {
            assert_eq!(resolved(SQL_MODE, value, Some(&base.to_owned())), expected);
        }
        assert_eq!(resolved("time_zone", "+03:00", Some(&"SYSTEM".to_owned())), "+03:00");
        let printed = "SESSION sql_mode = CONCAT(@@SESSION.sql_mode, ',ANSI_QUOTES')";
        assert_eq!(assignment(SQL_MODE, "+ANSI_QUOTES"), printed);
    }
}
