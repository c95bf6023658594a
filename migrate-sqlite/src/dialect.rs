//! Plain data about SQLite, and effects as SQL for its shell.

use migrate_core::EngineNames;
use migrate_core::backend::{
    Advance, Atomicity, Cancel, Dialect, Effect, Exclusion, NewEntry, Orphan, Settings, TableName,
};
use migrate_core::history::State;
use migrate_core::history::table::{self, Value};
use migrate_core::sql::{Syntax, classify};

use crate::settings::{DEFER_FOREIGN_KEYS, FOREIGN_KEYS, assignment};
use crate::{history, rebuild};

/// SQLite.
pub static SQLITE: Dialect = Dialect {
    names: EngineNames::SQLITE.names,
    syntax: Syntax::SQLITE,
    classify: classify::sqlite,
    atomicity: Atomicity::Script,
    exclusion: Exclusion::Optimistic,
    orphan: Orphan::None,
    cancel: Cancel::Statement,
    script_settings: rebuild::script_settings,
    effect_sql,
    client_prologue: ".bail on",
    history_sql,
};

/// A text as an SQL expression that means exactly this text, in a database of any encoding, also read by the shell.
///
/// A NUL would end the SQL text, the shell drops the CR of a CRLF, and a terminal obeys other control characters, so
/// these are named and put in by SQLite.
///
/// ```
/// use migrate_sqlite::dialect::literal;
///
/// assert_eq!(literal("it's"), "'it''s'");
/// assert_eq!(literal("a\r\nb"), "replace('a<U+D>\nb', '<U+D>', char(13))");
/// ```
pub fn literal(text: &str) -> String {
    let mut visible = text.to_owned();
    let mut replaced = Vec::new();
    while let Some(control) = visible.chars().find(|c| c.is_control() && *c != '\n' && *c != '\t') {
        let code = u32::from(control);
        // One `<` at its beginning and one `>` at its end: what is left and right of it can make no second one.
        let mut name = format!("<U+{code:X}>");
        let mut tried = 0;
        while text.contains(&name) {
            tried += 1;
            name = format!("<U+{code:X}.{tried}>");
        }
        visible = visible.replace(control, &name);
        replaced.push((name, code));
    }
    let quoted = format!("'{}'", visible.replace('\'', "''"));
    replaced.iter().fold(quoted, |sql, (name, code)| format!("replace({sql}, '{name}', char({code}))"))
}

/// Two lower-case digits a byte.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// A name, quoted.
pub(crate) fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A table with its schema, quoted.
pub(crate) fn qualified(table: &TableName) -> String {
    match &table.schema {
        Some(schema) => format!("{}.{}", name(schema), name(&table.name)),
        None => name(&table.name),
    }
}

/// The current time as the history stores it. `unixepoch('subsec')` would need SQLite 3.42.
const NOW: &str = "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)";

fn effect_sql(effect: &Effect<'_>, table: &TableName) -> String {
    match effect {
        Effect::Begin(settings) => begin(settings),
        Effect::Commit => "COMMIT;".to_owned(),
        Effect::Rollback => "ROLLBACK;".to_owned(),
        Effect::Set(settings) => pragmas(settings, |_| true).join("\n"),
        Effect::Statement(statement) => format!("{};", statement.text),
        Effect::Append(new) => append(new, table),
        Effect::Advance(advance) => self::advance(advance, table),
        Effect::Mirror(row) => format!("{};", row.sql.trim_end().trim_end_matches(';')),
        // An effect that this version does not know cannot be printed; `perform` refuses it as well.
        other => format!("-- not known to this version: {other:?}"),
    }
}

fn history_sql(table: &TableName) -> String {
    format!("{};", history::create_table(&qualified(table)))
}

fn begin(settings: &Settings) -> String {
    let mut lines = pragmas(settings, |name| !name.eq_ignore_ascii_case(DEFER_FOREIGN_KEYS));
    lines.push("BEGIN IMMEDIATE;".to_owned());
    let inside = Settings { variables: settings.variables.clone(), ..Settings::default() };
    lines.extend(pragmas(&inside, |name| name.eq_ignore_ascii_case(DEFER_FOREIGN_KEYS)));
    lines.join("\n")
}

/// The shell has no statement timeout, so that one is not among them.
fn pragmas(settings: &Settings, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut lines = Vec::new();
    let variables = settings.variables.iter();
    if wanted(FOREIGN_KEYS) && !variables.clone().any(|(name, _)| name.eq_ignore_ascii_case(FOREIGN_KEYS)) {
        lines.push(format!("PRAGMA {FOREIGN_KEYS} = on;"));
    }
    for (name, value) in variables.filter(|(name, _)| wanted(name)) {
        lines.push(match assignment(name, value) {
            Ok(pragma) => format!("{pragma};"),
            Err(error) => format!("-- {error}"),
        });
    }
    if let Some(limit) = settings.lock_timeout {
        lines.push(format!("PRAGMA busy_timeout = {};", crate::settings::busy_milliseconds(limit)));
    }
    lines
}

fn append(new: &NewEntry, table: &TableName) -> String {
    let mut columns = Vec::new();
    let mut values = Vec::new();
    for (column, value) in table::encode(new) {
        columns.push(name(column));
        values.push(self::value(value));
    }
    columns.extend([name("started_at"), name("finished_at")]);
    values.extend([NOW.to_owned(), if new.entry.state == State::InFlight { "NULL" } else { NOW }.to_owned()]);
    format!("INSERT INTO {} ({})\nVALUES ({});", qualified(table), columns.join(", "), values.join(", "))
}

fn advance(advance: &Advance, table: &TableName) -> String {
    let mut set: Vec<_> =
        table::changes(advance).map(|(column, new)| format!("{} = {}", name(column), value(new))).collect();
    if advance.state != State::InFlight {
        set.push(format!("{} = {NOW}", name("finished_at")));
    }
    let expected: Vec<_> =
        table::expected(advance).map(|(column, old)| format!("{} = {}", name(column), value(old))).collect();
    format!("UPDATE {} SET {}\nWHERE {};", qualified(table), set.join(", "), expected.join(" AND "))
}

fn value(value: Value<'_>) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => literal(text),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rusqlite::Connection;

    use super::literal;

    fn check(text: &str) {
        let sql = format!("SELECT {} AS x", literal(text));
        for encoding in ["UTF-8", "UTF-16"] {
            let connection = Connection::open_in_memory().unwrap();
            connection.execute_batch(&format!("PRAGMA encoding = '{encoding}'; CREATE TABLE t (x)")).unwrap();
            let back: String = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
            assert_eq!(back, text, "{sql}");
        }
        assert!(sql.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'), "{sql:?}");
    }

    #[test]
    fn hostile_texts_come_back_as_they_were() {
        for text in [
            "",
            "'",
            "\0<U+0>\0<U+0.1>",
            "<U+\r0>\0<U\0",
            "<<U+D>\r>",
            "''",
            "\0",
            "a\0'b",
            "\r\n",
            "\n;\n.quit\n",
            "\\'",
            "'); DROP TABLE t; --",
            "\u{feff}é😀",
        ] {
            check(text);
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back_as_it_was(text in any::<String>()) {
            check(&text);
        }

        #[test]
        fn quotes_and_controls_come_back(text in "['\"\\\\\\x00-\\x20;\\-a]{0,40}") {
            check(&text);
        }
    }
}
