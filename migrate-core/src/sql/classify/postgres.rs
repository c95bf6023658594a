//! PostgreSQL. Which statements are refused in a transaction block is said on the page of each
//! (<https://www.postgresql.org/docs/current/sql-commands.html>); in the server they call `PreventInTransactionBlock`.

use super::words::Words;
use super::{class, deletes_everything, transaction, transaction_end, with};
use crate::sql::lexer::TokenKind;
use crate::sql::{Class, Recovery, Sharing, StatementKind, Syntax, TransactionControl};

const UNKNOWN: Class =
    Class { kind: StatementKind::Unknown, sharing: Sharing::Shares, destructive: true, queues: true };

/// PostgreSQL.
///
/// The sharing of a `CALL`, a `REINDEX TABLE` and a `CLUSTER t` does not show in the text: a procedure may commit, a
/// partitioned table is refused in a transaction. They are said to share; where they cannot, the server refuses them
/// and nothing happened.
pub fn postgres(text: &str, syntax: &Syntax) -> Class {
    let mut words = Words::new(text, syntax);
    loop {
        let Some(first) = words.next() else { return UNKNOWN };
        // `EXPLAIN ANALYZE` runs what it explains.
        if !(first.is("explain") && explains_by_running(&mut words)) {
            return statement(&mut words, first.text, syntax);
        }
    }
}

fn explains_by_running(words: &mut Words<'_>) -> bool {
    let options = words.parenthesised();
    let runs = is_on(&options, "analyze") || words.eat("analyze");
    words.eat("verbose");
    runs
}

/// Whether an option is in a list like `(VERBOSE, ANALYZE false)` and not switched off.
fn is_on(options: &[super::Word<'_>], name: &str) -> bool {
    let found = options.iter().position(|word| word.is(name));
    found.is_some_and(|at| !options.get(at + 1).is_some_and(|value| value.is_any(&["false", "off", "0", "'off'"])))
}

fn statement(words: &mut Words<'_>, first: &str, syntax: &Syntax) -> Class {
    use StatementKind::{Definition, Maintenance, Manipulation, Query, Session};
    let shares = |kind| class(kind, Sharing::Shares);
    match first.to_ascii_lowercase().as_str() {
        // `SELECT … INTO` creates a table.
        "select" => shares(if words.has_at_top("into") { Definition } else { Query }),
        "values" | "table" | "(" | "show" | "explain" | "declare" | "fetch" | "move" | "close" => shares(Query),
        "with" => with(words),
        "insert" | "update" | "merge" => shares(Manipulation),
        "delete" => shares(Manipulation).destructive(!words.has_at_top("where")),
        "copy" => copy(words),
        "create" => create(words),
        "alter" => alter(words),
        "drop" => drop(words),
        "comment" | "grant" | "revoke" | "security" | "reassign" | "import" => shares(Definition).queues(true),
        "truncate" => shares(Definition).destructive(true).queues(true),
        "refresh" => shares(Maintenance).queues(!words.has_any(&["concurrently"])),
        "reindex" => reindex(words),
        "vacuum" => {
            let full = words.next_is("full") || is_on(&words.parenthesised(), "full");
            class(Maintenance, Sharing::Alone(Recovery::Repeat)).queues(full)
        }
        "analyze" | "analyse" | "checkpoint" => shares(Maintenance),
        "cluster" => {
            words.parenthesised();
            words.eat("verbose");
            let all = words.peek().is_none();
            class(Maintenance, if all { Sharing::Alone(Recovery::Repeat) } else { Sharing::Shares }).queues(true)
        }
        "lock" => shares(Session).queues(true),
        "prepare" if words.next_is("transaction") => transaction(TransactionControl::Other),
        "discard" if words.next_is("all") => class(Session, Sharing::Alone(Recovery::Repeat)),
        "set" | "reset" | "discard" | "prepare" | "deallocate" | "listen" | "unlisten" | "notify" | "load" => {
            shares(Session)
        }
        "call" | "execute" => shares(StatementKind::Call).destructive(true).queues(true),
        "do" => anonymous_block(words, syntax),
        "begin" => begin(words),
        "start" if words.eat("transaction") => begin(words),
        "commit" | "end" => transaction_end(words, TransactionControl::Commit),
        "rollback" | "abort" => transaction_end(words, TransactionControl::Rollback),
        "savepoint" | "release" => transaction(TransactionControl::Savepoint),
        _ => UNKNOWN,
    }
}

/// `BEGIN` with modes is no pair of brackets that could be taken off.
fn begin(words: &mut Words<'_>) -> Class {
    words.eat_any(&["work", "transaction"]);
    transaction(if words.peek().is_none() { TransactionControl::Begin } else { TransactionControl::Other })
}

fn copy(words: &mut Words<'_>) -> Class {
    let mut kind = StatementKind::Query;
    if !words.next_is("(") {
        words.name();
        words.parenthesised();
        if words.eat("from") {
            kind = if words.eat("stdin") { StatementKind::CopyIn } else { StatementKind::Manipulation };
        }
    }
    class(kind, Sharing::Shares)
}

fn create(words: &mut Words<'_>) -> Class {
    let definition = |sharing| class(StatementKind::Definition, sharing);
    words.eat("unique");
    if words.eat("index") {
        let concurrently = words.next_is("concurrently");
        let sharing = if concurrently { Sharing::Alone(Recovery::Definition) } else { Sharing::Shares };
        return definition(sharing).queues(!concurrently);
    }
    if words.eat_any(&["database", "tablespace"]) {
        return definition(Sharing::Alone(Recovery::Definition));
    }
    if words.eat("subscription") {
        // It makes a slot on the other server, unless told not to.
        let off = |name: &str| {
            let value = words.clone().skip_while(|word| !word.is(name)).skip(1).find(|word| !word.is("="));
            value.is_some_and(|value| value.is_any(&["false", "off", "0"]) || value.text == "'false'")
        };
        let local = off("create_slot") || off("connect");
        return definition(if local { Sharing::Shares } else { Sharing::Alone(Recovery::Definition) });
    }
    definition(Sharing::Shares).queues(true)
}

fn alter(words: &mut Words<'_>) -> Class {
    let definition = class(StatementKind::Definition, Sharing::Shares).queues(true);
    if words.eat("system") {
        return class(StatementKind::Maintenance, Sharing::Alone(Recovery::Repeat));
    }
    if words.eat("database") {
        words.name();
        let moves = words.eat_all(&["set", "tablespace"]);
        return if moves { Class { sharing: Sharing::Alone(Recovery::Repeat), ..definition } } else { definition };
    }
    if words.eat("subscription") {
        words.name();
        return alter_subscription(words);
    }
    if words.eat("type") {
        words.name();
        return definition.destructive(words.parts().any(|mut action| action.eat_all(&["drop", "attribute"])));
    }
    words.eat("foreign");
    if !words.eat("table") {
        return definition;
    }
    words.eat_all(&["if", "exists"]);
    words.eat("only");
    words.name();
    words.eat("*");
    if words.eat_all(&["detach", "partition"]) {
        words.name();
        if words.eat("concurrently") {
            return class(StatementKind::Definition, Sharing::Alone(Recovery::Definition));
        }
    }
    definition.destructive(words.parts().any(|mut action| action.eat("drop") && !action.next_is("constraint")))
}

fn alter_subscription(words: &mut Words<'_>) -> Class {
    let definition = |sharing| class(StatementKind::Definition, sharing).queues(true);
    let refreshes = !words.clone().skip_while(|word| !word.is("refresh")).skip(1).any(|word| word.is("false"));
    if words.next_is("refresh") || (words.eat_all(&["set", "publication"]) && refreshes) {
        return definition(Sharing::Alone(Recovery::Repeat));
    }
    if words.eat_any(&["add", "drop"]) && refreshes {
        return definition(Sharing::Alone(Recovery::Definition));
    }
    // These change the slot on the other server.
    if words.next_is("set") && words.has_any(&["failover", "two_phase"]) {
        return definition(Sharing::Alone(Recovery::Repeat));
    }
    definition(Sharing::Shares)
}

fn drop(words: &mut Words<'_>) -> Class {
    let class = class(StatementKind::Definition, Sharing::Shares).destructive(true);
    if words.eat_all(&["index", "concurrently"]) || words.eat_any(&["database", "tablespace", "subscription"]) {
        return Class { sharing: Sharing::Alone(Recovery::Drop), ..class };
    }
    class.queues(true)
}

fn reindex(words: &mut Words<'_>) -> Class {
    let options = words.parenthesised();
    let everything = words.eat_any(&["database", "system", "schema"]);
    if !everything {
        words.eat_any(&["index", "table"]);
    }
    let concurrently = is_on(&options, "concurrently") || words.next_is("concurrently");
    let sharing = match (concurrently, everything) {
        // What it built and did not finish stays behind under other names, and is in the way of nothing: it is dropped.
        (true, _) => Sharing::Alone(Recovery::Definition),
        (false, true) => Sharing::Alone(Recovery::Repeat),
        (false, false) => Sharing::Shares,
    };
    class(StatementKind::Maintenance, sharing).queues(!concurrently)
}

/// `DO`: shares, unless its text commits.
fn anonymous_block(words: &Words<'_>, syntax: &Syntax) -> Class {
    let mut commits = false;
    let mut destructive = false;
    for string in words.clone().filter(|word| word.kind == TokenKind::String) {
        let body = Words::new(unquoted(string.text), syntax);
        let mut begins = true;
        for word in body.clone() {
            commits |= begins && word.is_any(&["commit", "rollback"]);
            destructive |= word.is_any(&["drop", "truncate"]);
            // `EXECUTE 'drop …'`
            destructive |= word.kind == TokenKind::String
                && Words::new(unquoted(word.text), syntax).has_any(&["drop", "truncate"]);
            begins = word.is_any(&[";", "begin", "then", "else", "loop", ">>"]);
        }
        destructive |= deletes_everything(&body);
    }
    let sharing = if commits { Sharing::Alone(Recovery::Call) } else { Sharing::Shares };
    class(StatementKind::Call, sharing).destructive(destructive).queues(true)
}

/// What is between the quotes of a string. Doubled quotes in it stay: only its words matter here.
fn unquoted(string: &str) -> &str {
    let (open, close) = match string.strip_prefix('$') {
        Some(rest) => rest.find('$').map_or((0, 0), |tag| (tag + 2, tag + 2)),
        None => (string.find('\'').map_or(0, |quote| quote + 1), 1),
    };
    string.get(open..string.len().saturating_sub(close)).unwrap_or("")
}
