//! Plain data about PostgreSQL, and effects as SQL for psql.

use std::time::Duration;

use migrate_core::EngineNames;
use migrate_core::backend::{Atomicity, Cancel, Dialect, Effect, Exclusion, Orphan, Settings, TableName};
use migrate_core::sql::{Syntax, classify};

use crate::history;

/// PostgreSQL, 13 and later.
pub static POSTGRES: Dialect = Dialect {
    names: EngineNames::POSTGRES.names,
    syntax: Syntax::POSTGRES,
    classify: classify::postgres,
    atomicity: Atomicity::Script,
    exclusion: Exclusion::Session,
    orphan: Orphan::HoldsLock,
    cancel: Cancel::Statement,
    script_settings: |_| Vec::new(),
    effect_sql,
    client_prologue: "\\set ON_ERROR_STOP on",
    history_sql: |table| format!("{};", history::create_table(&qualified(table))),
};

/// A text as a literal that means exactly this text, whatever `standard_conforming_strings` and `backslash_quote` are.
///
/// PostgreSQL has no NUL in texts: it becomes the replacement character.
///
/// ```
/// use migrate_postgres::dialect::literal;
///
/// assert_eq!(literal("it's"), "'it''s'");
/// assert_eq!(literal(r"a\b"), r"E'a\\b'");
/// ```
pub fn literal(text: &str) -> String {
    let quoted = text.replace('\'', "''").replace('\0', "\u{fffd}");
    if quoted.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
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

/// What ends every transaction before its row is written: deferred constraints speak now, and not at the commit.
pub(crate) const CHECK: &str = "SET CONSTRAINTS ALL IMMEDIATE";

/// How long settings last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Transaction,
    Session,
}

/// Settings as statements, in order; later ones win.
pub(crate) fn assignments(settings: &Settings, scope: Scope) -> Vec<String> {
    let mut statements = Vec::new();
    for (key, limit) in [("lock_timeout", settings.lock_timeout), ("statement_timeout", settings.statement_timeout)] {
        if let Some(limit) = limit {
            statements.push(assignment(key, &milliseconds(limit), scope));
        }
    }
    statements.extend(settings.variables.iter().map(|(key, value)| assignment(key, value, scope)));
    statements
}

/// `SET [LOCAL] key = 'value'`.
///
/// Not `set_config()`, which is a query: after one a script can no longer choose its isolation level. Only where the
/// value is a list of names would `SET` take it for one name.
pub(crate) fn assignment(key: &str, value: &str, scope: Scope) -> String {
    const LISTS: &[&str] = &["search_path", "temp_tablespaces", "local_preload_libraries", "session_preload_libraries"];
    if LISTS.iter().any(|list| key.eq_ignore_ascii_case(list)) {
        let local = scope == Scope::Transaction;
        return format!("SELECT pg_catalog.set_config({}, {}, {local})", literal(key), literal(value));
    }
    let key: Vec<_> = key.split('.').map(|part| name(&part.to_ascii_lowercase())).collect();
    let local = if scope == Scope::Transaction { "LOCAL " } else { "" };
    format!("SET {local}{} = {}", key.join("."), literal(value))
}

/// A limit as PostgreSQL takes it. Zero is none; what is shorter than a millisecond is one.
fn milliseconds(limit: Duration) -> String {
    let milliseconds = limit.as_millis().max(u128::from(!limit.is_zero()));
    // The largest value of these settings is that of a C int.
    milliseconds.min(i32::MAX.unsigned_abs().into()).to_string()
}

fn effect_sql(effect: &Effect<'_>, table: &TableName) -> String {
    let lines = |statements: Vec<String>| statements.iter().map(|sql| format!("{sql};")).collect::<Vec<_>>().join("\n");
    let table = &qualified(table);
    match effect {
        Effect::Begin(settings) => {
            let mut statements = vec!["BEGIN".to_owned()];
            statements.extend(assignments(settings, Scope::Transaction));
            lines(statements)
        }
        Effect::Commit => "COMMIT;".to_owned(),
        Effect::Rollback => "ROLLBACK;".to_owned(),
        Effect::Set(settings) => {
            let mut statements = vec!["RESET ALL".to_owned()];
            statements.extend(assignments(settings, Scope::Session));
            lines(statements)
        }
        Effect::Statement(statement) => match statement.data {
            Some(data) => {
                let newline = if data.is_empty() || data.ends_with('\n') { "" } else { "\n" };
                format!("{};\n{data}{newline}\\.", statement.text)
            }
            None => format!("{};", statement.text),
        },
        Effect::Append(new) => format!("{};", history::append(table, new, None)),
        Effect::Advance(advance) => format!("{};", history::advance(table, advance, None)),
        Effect::Mirror(row) => format!("{};", row.sql.trim_end().trim_end_matches(';')),
        // An effect that this version does not know cannot be printed; `perform` refuses it as well.
        other => format!("-- not known to this version: {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The text that a server reads, for either value of `standard_conforming_strings`.
    fn read(literal: &str) -> String {
        let (escapes, quoted) = match literal.strip_prefix('E') {
            Some(rest) => (true, rest),
            None => (false, literal),
        };
        let mut text = String::new();
        let mut characters = quoted[1..quoted.len() - 1].chars();
        while let Some(c) = characters.next() {
            match c {
                '\'' => assert_eq!(characters.next(), Some('\''), "{literal} ends early"),
                '\\' => assert!(escapes && characters.next() == Some('\\'), "{literal} depends on a setting"),
                _ => {}
            }
            text.push(c);
        }
        text
    }

    proptest! {
        #[test]
        fn any_text_comes_back_as_it_was(text in any::<String>()) {
            prop_assert_eq!(read(&literal(&text)), text.replace('\0', "\u{fffd}"));
        }

        #[test]
        fn quotes_and_backslashes_come_back(text in "['\\\\E\"$;\\-a\n]{0,40}") {
            prop_assert_eq!(read(&literal(&text)), text);
        }
    }

    #[test]
    fn settings_are_statements_of_their_scope() {
        let settings = Settings {
            variables: vec![
                ("work_mem".to_owned(), "20MB".to_owned()),
                ("search_path".to_owned(), "app, public".to_owned()),
                ("App.Tenant".to_owned(), "it's".to_owned()),
            ],
            lock_timeout: Some(Duration::from_secs(2)),
            statement_timeout: Some(Duration::from_nanos(1)),
        };
        assert_eq!(
            assignments(&settings, Scope::Transaction),
            [
                "SET LOCAL \"lock_timeout\" = '2000'",
                "SET LOCAL \"statement_timeout\" = '1'",
                "SET LOCAL \"work_mem\" = '20MB'",
                "SELECT pg_catalog.set_config('search_path', 'app, public', true)",
                "SET LOCAL \"app\".\"tenant\" = 'it''s'",
            ]
        );
        assert_eq!(assignments(&settings, Scope::Session)[0], "SET \"lock_timeout\" = '2000'");
    }
}
