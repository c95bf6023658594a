//! MySQL and MariaDB. What commits implicitly is listed in the manuals
//! (<https://dev.mysql.com/doc/refman/8.4/en/implicit-commit.html>,
//! <https://mariadb.com/kb/en/sql-statements-that-cause-an-implicit-commit/>).

use super::words::Words;
use super::{class, transaction, transaction_end, with};
use crate::sql::lexer::TokenKind;
use crate::sql::{Class, Recovery, Sharing, StatementKind, Syntax, TransactionControl};

const UNKNOWN: Class =
    Class { kind: StatementKind::Unknown, sharing: Sharing::Commits(Recovery::Call), destructive: true, queues: true };

/// MySQL and MariaDB.
///
/// The text does not tell which tables are not transactional: a write to one of those is said to share.
pub fn mysql(text: &str, syntax: &Syntax) -> Class {
    let mut words = Words::new(text, syntax);
    loop {
        let Some(first) = words.next() else { return UNKNOWN };
        let runs_the_rest = match () {
            // MariaDB: `SET STATEMENT max_statement_time = 1 FOR SELECT …`
            () if first.is("set") && words.eat("statement") => words.any(|word| word.is("for")),
            // MariaDB: `ANALYZE FORMAT=JSON UPDATE …` runs the statement.
            () if first.is("analyze") && !words.clone().next().is_some_and(|next| next.is_any(MAINTAINED)) => {
                if words.eat_all(&["format", "="]) {
                    words.next();
                }
                true
            }
            () => false,
        };
        if !runs_the_rest {
            return statement(&mut words, first.text);
        }
    }
}

/// What may follow `ANALYZE` if it is about tables and not about a statement.
const MAINTAINED: &[&str] = &["table", "tables", "local", "no_write_to_binlog"];

fn statement(words: &mut Words<'_>, first: &str) -> Class {
    use StatementKind::{Call, Definition, Maintenance, Manipulation, Query, Session};
    let shares = |kind| class(kind, Sharing::Shares);
    let repeats = |kind| class(kind, Sharing::Commits(Recovery::Repeat));
    let defines = class(Definition, Sharing::Commits(Recovery::Definition)).queues(true);
    match first.to_ascii_lowercase().as_str() {
        "select" | "values" | "table" | "(" | "show" | "desc" | "describe" | "explain" | "help" | "do" | "checksum"
        | "handler" | "get" | "signal" => shares(Query),
        "with" => with(words),
        "delete" => shares(Manipulation).destructive(!words.has_at_top("where")),
        "load" if words.next_is("index") => repeats(Maintenance),
        "insert" | "replace" | "update" | "load" => shares(Manipulation),
        "create" => create(words),
        "alter" => alter(words),
        "drop" => drop(words),
        "truncate" => defines.destructive(true),
        "rename" | "revoke" | "install" | "uninstall" => defines,
        "grant" => repeats(Definition).queues(true),
        "analyze" | "optimize" | "check" | "repair" | "flush" => repeats(Maintenance).queues(true),
        "start" if words.eat("transaction") => transaction(TransactionControl::Begin),
        "start" | "stop" | "cache" | "reset" | "purge" | "change" => repeats(Maintenance),
        "kill" => shares(Maintenance),
        "set" => set(words),
        "use" | "prepare" | "deallocate" => shares(Session),
        "call" | "execute" | "if" | "case" | "loop" | "while" | "repeat" | "for" => Class { kind: Call, ..UNKNOWN },
        "begin" if words.next_is("not") => Class { kind: Call, ..UNKNOWN },
        "begin" => transaction(TransactionControl::Begin),
        "commit" => transaction_end(words, TransactionControl::Commit),
        "rollback" => transaction_end(words, TransactionControl::Rollback),
        "savepoint" | "release" => transaction(TransactionControl::Savepoint),
        "xa" => transaction(TransactionControl::Other),
        // Ends what was open, like a definition, and can be done as often as one likes.
        "lock" | "unlock" => {
            class(StatementKind::Transaction(TransactionControl::Other), Sharing::Alone(Recovery::Repeat)).queues(true)
        }
        _ => UNKNOWN,
    }
}

fn create(words: &mut Words<'_>) -> Class {
    let definition = |recovery| class(StatementKind::Definition, Sharing::Commits(recovery)).queues(true);
    let replaces = words.eat_all(&["or", "replace"]);
    if words.eat("temporary") {
        // Does not commit, and is gone with the session that a rollback or a crash ends.
        return class(StatementKind::Definition, Sharing::Shares);
    }
    if words.next_is("table") && not_transactional(words) {
        // Made again, or found there without rows of its own: whatever was left behind does not matter.
        let conditional =
            words.clone().skip(1).take(3).map(|word| word.text.to_ascii_lowercase()).eq(["if", "not", "exists"]);
        let repeats = replaces || (conditional && !words.has_any(&["select", "values", "with"]));
        return definition(if repeats { Recovery::Repeat } else { Recovery::NonAtomic });
    }
    let Some(kind) = words.find(|word| word.kind == TokenKind::Word && word.is_any(KINDS)) else { return UNKNOWN };
    let repeatable = replaces || words.eat_all(&["if", "not", "exists"]);
    if kind.is("event") && runs_once(words) {
        // It runs and removes itself: that it is not there does not say that it never was.
        return definition(Recovery::Call);
    }
    definition(if repeatable { Recovery::Repeat } else { Recovery::Definition })
}

/// Whether an event runs at one time only and is gone then.
fn runs_once(words: &Words<'_>) -> bool {
    let mut schedule = words.clone();
    schedule.any(|word| word.is("schedule"))
        && schedule.eat("at")
        && !(schedule.any(|word| word.is("completion")) && schedule.eat("preserve"))
}

/// What can be created. The first of these words in a statement names the kind: only `DEFINER = …`, algorithms and
/// the like stand before it.
const KINDS: &[&str] = &[
    "database",
    "event",
    "function",
    "group",
    "index",
    "logfile",
    "package",
    "procedure",
    "resource",
    "role",
    "schema",
    "sequence",
    "server",
    "spatial",
    "table",
    "tablespace",
    "trigger",
    "user",
    "view",
];

/// Whether a statement gives a table an engine that has no transactions.
pub(crate) fn without_transactions(text: &str, syntax: &Syntax) -> bool {
    let words = Words::new(text, syntax);
    words.has_any(&["table"]) && not_transactional(&words)
}

/// Whether a table gets an engine that has no transactions.
fn not_transactional(words: &Words<'_>) -> bool {
    let known = |engine: &str| {
        let name = engine.trim_matches(['\'', '"', '`']);
        ["innodb", "ndb", "ndbcluster", "rocksdb", "tokudb"].iter().any(|known| name.eq_ignore_ascii_case(known))
    };
    let mut column = false;
    let mut tokens = words.with_depth();
    while let Some((depth, word)) = tokens.next() {
        if depth == 0 && word.is("engine") && !column {
            let engine = tokens.find(|(_, word)| !word.is("="));
            if engine.is_some_and(|(_, engine)| !known(engine.text)) {
                return true;
            }
        }
        column = word.is_any(&["add", "after", "alter", "change", "column", "drop", "modify", "rename", "to"]);
    }
    false
}

fn alter(words: &mut Words<'_>) -> Class {
    let definition = |recovery| class(StatementKind::Definition, Sharing::Commits(recovery)).queues(true);
    words.eat_any(&["online", "ignore"]);
    words.eat("ignore");
    if !words.eat("table") {
        return match () {
            // Keys are rotated, logs switched, certificates read: as often as one likes.
            () if words.next_is("instance") => definition(Recovery::Repeat),
            () if words.has_any(KINDS) => definition(Recovery::Definition),
            () => UNKNOWN,
        };
    }
    words.eat_all(&["if", "exists"]);
    words.name();
    if words.eat("wait") {
        words.next();
    }
    words.eat("nowait");
    if not_transactional(words) {
        return definition(Recovery::NonAtomic);
    }
    let destructive = words.parts().any(|mut action| match () {
        () if action.eat("drop") => !action.clone().next().is_some_and(|what| what.is_any(CONSTRAINTS)),
        () => action.eat_all(&["truncate", "partition"]),
    });
    let repeats = words.parts().all(|mut action| {
        let harmless = action.eat("force")
            || action.eat_all(&["disable", "keys"])
            || action.eat_all(&["enable", "keys"])
            || action.eat_any(&["auto_increment", "engine", "algorithm", "lock"]) && {
                action.eat("=");
                action.next();
                true
            };
        harmless && action.next().is_none_or(|word| word.is(","))
    });
    // Behind these are names of partitions.
    let maintains = words.clone().next().is_some_and(|verb| verb.is_any(MAINTAINS))
        && words.clone().nth(1).is_some_and(|word| word.is("partition"));
    let repeats = repeats || maintains;
    definition(if repeats { Recovery::Repeat } else { Recovery::Definition }).destructive(destructive)
}

/// What is done to partitions as often as one likes.
const MAINTAINS: &[&str] = &["analyze", "check", "optimize", "rebuild", "repair"];

const CONSTRAINTS: &[&str] = &["constraint", "check", "foreign", "primary"];

fn drop(words: &mut Words<'_>) -> Class {
    let definition =
        |recovery| class(StatementKind::Definition, Sharing::Commits(recovery)).destructive(true).queues(true);
    if words.eat("temporary") {
        return class(StatementKind::Definition, Sharing::Shares);
    }
    words.eat("undo");
    let Some(kind) = words.next().filter(|word| word.is_any(KINDS) || word.is_any(&["tables", "prepare"])) else {
        return UNKNOWN;
    };
    if kind.is("prepare") {
        return class(StatementKind::Session, Sharing::Shares);
    }
    let exists = words.eat_all(&["if", "exists"]);
    let several = words.has_any(&[","]);
    // Of a database MariaDB may have dropped a part.
    let repeats = exists && !several && !kind.is_any(&["database", "schema"]);
    definition(if repeats { Recovery::Repeat } else { Recovery::Drop })
}

/// Variables of the session that cannot be set while a transaction is open.
const OUTSIDE_TRANSACTIONS: &[&str] = &[
    // It ends an open one.
    "autocommit",
    "binlog_direct_non_transactional_updates",
    "binlog_format",
    "gtid_domain_id",
    "gtid_next",
    "gtid_seq_no",
    "session_track_gtids",
    "skip_replication",
    "sql_log_bin",
];

/// `SET`: of the session, unless it sets something that outlives it or changes how transactions begin.
fn set(words: &mut Words<'_>) -> Class {
    let repeats = class(StatementKind::Definition, Sharing::Commits(Recovery::Repeat));
    if words.eat("password") || words.eat_all(&["default", "role"]) {
        return repeats;
    }
    let mut outside = false;
    let mut global = false;
    let mut computed = false;
    for mut assignment in words.parts() {
        // `@@global.a`, `GLOBAL a`, `a`; a user's variable `@a` is none of them.
        assignment.eat_all(&["@", "@"]);
        let outlives = assignment.peek().is_some_and(|scope| scope.is_any(&["global", "persist", "persist_only"]));
        if assignment.eat_any(&["global", "session", "local", "persist", "persist_only"]) {
            assignment.eat(".");
        }
        outside |= assignment.peek().is_some_and(|variable| variable.is_any(OUTSIDE_TRANSACTIONS));
        let value = assignment.with_depth().take_while(|(depth, word)| *depth > 0 || !word.is(","));
        computed |= outlives
            && value.skip_while(|(_, word)| !word.is_any(&["=", ":="])).any(|(_, word)| word.is_any(&["@", "("]));
        global |= outlives;
    }
    let sharing = match () {
        () if outside && !global => Sharing::Alone(Recovery::Repeat),
        () if !global => Sharing::Shares,
        // What is computed need not come out the same again.
        () if computed => Sharing::Commits(Recovery::NonAtomic),
        () => Sharing::Commits(Recovery::Repeat),
    };
    class(StatementKind::Session, sharing)
}
