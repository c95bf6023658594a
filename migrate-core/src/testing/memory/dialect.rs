//! The language of the database in memory: its two dialects, and what kind a statement is.

use crate::backend::{Atomicity, Cancel, Dialect, Exclusion, Orphan};
use crate::sql::{Class, Recovery, Sharing, StatementKind, Syntax, TransactionControl};

/// Definitions roll back, as on PostgreSQL.
pub static TRANSACTIONAL: Dialect = Dialect {
    names: &["memory"],
    syntax: Syntax::SQLITE,
    classify: classify_transactional,
    atomicity: Atomicity::Script,
    exclusion: Exclusion::Session,
    orphan: Orphan::HoldsLock,
    cancel: Cancel::Statement,
    script_settings: |_| Vec::new(),
    effect_sql: |effect, _| format!("{effect:?}"),
    client_prologue: "",
    history_sql: |table| format!("-- {table}"),
};

/// Definitions commit, as on MySQL.
pub static IMPLICIT: Dialect =
    Dialect { classify: classify_implicit, atomicity: Atomicity::Statement, ..TRANSACTIONAL };

/// Upper-case keywords, everything else as it is; punctuation separates.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .map(|word| {
            let upper = word.to_ascii_uppercase();
            let keyword = [
                "CREATE", "TABLE", "DROP", "ALTER", "INSERT", "INTO", "VALUES", "DELETE", "FROM", "SELECT", "REINDEX",
                "CALL", "SLEEP", "LIMIT", "RAISE", "BUILD",
            ];
            if keyword.contains(&upper.as_str()) { upper } else { word.to_owned() }
        })
        .collect()
}

fn classify_transactional(text: &str, _: &Syntax) -> Class {
    classify(text, Sharing::Shares)
}

fn classify_implicit(text: &str, _: &Syntax) -> Class {
    classify(text, Sharing::Commits(Recovery::Definition))
}

fn classify(text: &str, definition: Sharing) -> Class {
    let words = words(text);
    let (kind, sharing) = match words.first().map(|word| word.to_ascii_uppercase()).as_deref() {
        Some("CREATE" | "DROP" | "ALTER") => (StatementKind::Definition, definition),
        Some("INSERT" | "DELETE") => (StatementKind::Manipulation, Sharing::Shares),
        Some("SELECT") => (StatementKind::Query, Sharing::Shares),
        Some("REINDEX") => (StatementKind::Maintenance, Sharing::Alone(Recovery::Repeat)),
        Some("BUILD") => (StatementKind::Definition, Sharing::Alone(Recovery::Definition)),
        Some("CALL") => (StatementKind::Call, Sharing::Alone(Recovery::Call)),
        Some("BEGIN") => (StatementKind::Transaction(TransactionControl::Begin), Sharing::Shares),
        Some("COMMIT") => (StatementKind::Transaction(TransactionControl::Commit), Sharing::Shares),
        Some("ROLLBACK") => (StatementKind::Transaction(TransactionControl::Rollback), Sharing::Shares),
        _ => (StatementKind::Unknown, Sharing::Shares),
    };
    let destructive = matches!(words.first().map(String::as_str), Some("DROP" | "DELETE"));
    let queues = words.first().is_none_or(|word| word != "BUILD");
    Class { kind, sharing, destructive, queues }
}
