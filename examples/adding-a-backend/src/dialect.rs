//! Plain data about the engine, and effects as statements for its own client.

use migrate_core::backend::{Atomicity, Cancel, Dialect, Effect, Exclusion, Orphan};
use migrate_core::sql::classify::words;
use migrate_core::sql::{Class, Recovery, Sharing, StatementKind, Syntax, TransactionControl};

use crate::history;

/// How the engine reads a text: as the standard says, with nothing of its own.
pub static SYNTAX: Syntax = Syntax::STANDARD;

/// The engine.
pub static TOY: Dialect = Dialect {
    names: &["toy"],
    syntax: Syntax::STANDARD,
    classify,
    // A table that was created in a transaction is gone when that is rolled back.
    atomicity: Atomicity::Script,
    // The lock is an open file's: it is there as long as the connection is.
    exclusion: Exclusion::Session,
    // The engine lives in the client's process, and ends with it.
    orphan: Orphan::None,
    cancel: Cancel::Never,
    script_settings: |_| Vec::new(),
    effect_sql: |effect, table| match effect {
        Effect::Begin(_) => "BEGIN;".to_owned(),
        Effect::Commit => "COMMIT;".to_owned(),
        Effect::Rollback => "ROLLBACK;".to_owned(),
        Effect::Statement(statement) => format!("{};", statement.text),
        Effect::Append(new) => format!("{};", history::insert(new, table)),
        Effect::Advance(advance) => format!("{};", history::update(advance, table)),
        // There is nothing that could be set.
        Effect::Set(_) => String::new(),
        Effect::Mirror(row) => format!("{};", row.sql),
        other => format!("-- {other:?}"),
    },
    client_prologue: "",
    history_sql: |table| format!("{};", history::create(table)),
};

/// What kind a statement is. Everything but `COMPACT` is part of a transaction, and what ends one is known.
fn classify(text: &str, syntax: &Syntax) -> Class {
    use TransactionControl::{Begin, Commit, Rollback};
    let mut words = words(text, syntax);
    let first = words.next().map(|word| word.text.to_ascii_uppercase()).unwrap_or_default();
    let (kind, sharing) = match first.as_str() {
        "CREATE" | "ALTER" | "DROP" => (StatementKind::Definition, Sharing::Shares),
        "INSERT" | "UPDATE" | "DELETE" => (StatementKind::Manipulation, Sharing::Shares),
        "SELECT" => (StatementKind::Query, Sharing::Shares),
        "COMPACT" => (StatementKind::Maintenance, Sharing::Alone(Recovery::Repeat)),
        "BEGIN" => (StatementKind::Transaction(Begin), Sharing::Alone(Recovery::Repeat)),
        "ROLLBACK" => (StatementKind::Transaction(Rollback), Sharing::Alone(Recovery::Repeat)),
        "COMMIT" => (StatementKind::Transaction(Commit), Sharing::Alone(Recovery::NonAtomic)),
        _ => (StatementKind::Unknown, Sharing::Shares),
    };
    let all_rows = first == "DELETE" && !words.any(|word| word.is("where"));
    Class { kind, sharing, destructive: first == "DROP" || all_rows, queues: sharing == Sharing::Shares }
}

/// A text as it is written in a statement.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as it is written in a statement.
pub(crate) fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
