//! SQLite.

use super::words::Words;
use super::{class, transaction, transaction_end, with};
use crate::sql::{Class, Recovery, Sharing, StatementKind, Syntax, TransactionControl};

const UNKNOWN: Class =
    Class { kind: StatementKind::Unknown, sharing: Sharing::Shares, destructive: true, queues: true };

/// SQLite. Nobody queues for anything smaller than the file: what runs alone needs it whole, so a lock timeout belongs
/// on it. Everything else has the timeout of its transaction.
pub fn sqlite(text: &str, syntax: &Syntax) -> Class {
    use StatementKind::{Definition, Maintenance, Manipulation, Query, Session};
    let shares = |kind| class(kind, Sharing::Shares);
    let mut words = Words::new(text, syntax);
    let Some(first) = words.next() else { return UNKNOWN };
    match first.text.to_ascii_lowercase().as_str() {
        "select" | "values" | "explain" | "(" => shares(Query),
        "with" => with(&words),
        "insert" | "update" | "replace" => shares(Manipulation),
        "delete" => shares(Manipulation).destructive(!words.has_at_top("where")),
        "create" => shares(Definition),
        "drop" => shares(Definition).destructive(true),
        "alter" => {
            words.eat("table");
            words.name();
            shares(Definition).destructive(words.eat("drop") && !words.next_is("constraint"))
        }
        "analyze" | "reindex" => shares(Maintenance),
        // A second `VACUUM INTO` finds its file there.
        "vacuum" if words.has_any(&["into"]) => class(Maintenance, Sharing::Alone(Recovery::NonAtomic)).queues(true),
        "vacuum" => class(Maintenance, Sharing::Alone(Recovery::Repeat)).queues(true),
        "attach" | "detach" => class(Session, Sharing::Alone(Recovery::Repeat)).queues(true),
        "pragma" => pragma(&mut words),
        "begin" => transaction(TransactionControl::Begin),
        "commit" | "end" => transaction_end(&mut words, TransactionControl::Commit),
        "rollback" => transaction_end(&mut words, TransactionControl::Rollback),
        "savepoint" | "release" => transaction(TransactionControl::Savepoint),
        _ => UNKNOWN,
    }
}

/// Some take no effect, or fail, in a transaction (<https://www.sqlite.org/pragma.html>). `foreign_keys` is one of
/// them too; it belongs to the session, not to the script, and the backend takes care of it.
fn pragma(words: &mut Words<'_>) -> Class {
    let mut name = words.next();
    if words.eat(".") {
        name = words.next();
    }
    let sets = words.next_is("=") || words.next_is("(");
    let is = |names: &[&str]| name.is_some_and(|name| name.is_any(names));
    if is(&["wal_checkpoint"]) || (sets && is(&["journal_mode", "synchronous", "temp_store"])) {
        return class(StatementKind::Session, Sharing::Alone(Recovery::Repeat)).queues(true);
    }
    let stored = sets && is(&["user_version", "application_id"]);
    class(if stored { StatementKind::Manipulation } else { StatementKind::Session }, Sharing::Shares)
}
