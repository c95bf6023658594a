//! Code that may commit on its way: `CALL`, and MariaDB's compound statements at the top level.
//!
//! | the code | how it is sent |
//! |---|---|
//! | has no commit, and writes only where transactions are | in one transaction with its row |
//! | commits, or defines something, and never rolls back | its first part in one transaction with a note that it began |
//! | is dynamic, rolls back, writes where no transactions are, or may not be read | announced with nothing to go by |
//!
//! The second is told by the note `call:segments`: with `autocommit` off, ` started` is appended to it in the
//! transaction that the code finds open. The first commit of the code, or of a definition in it, takes that along, so
//! without it nothing has happened. A rollback in the code would take it back; hence the third row.

use std::collections::BTreeSet;

use migrate_core::backend::{Note, ServerError, Settled};
use migrate_core::sql::classify::Word;
use migrate_core::sql::lexer::TokenKind;
use migrate_core::sql::{Statement, Syntax};

use super::expression::literal;
use super::names::Name;
use super::trips::asked;
use super::words::Words;
use super::{Ask, Place};

/// What is noted of code whose first part shares a transaction with what says that it began.
pub(crate) const SEGMENTS: &str = "call:segments";
/// Appended to it in that transaction.
pub(crate) const STARTED: &str = " started";

/// More procedures than that are not followed.
const DEEP: usize = 64;

/// What code does, as far as transactions are concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Facts {
    commits: bool,
    /// It rolls back, or what it does is not seen.
    opaque: bool,
    calls: Vec<Name>,
    /// Databases it names.
    schemas: BTreeSet<String>,
}

impl Facts {
    /// What the code between these words does. Words that only look like it count as well: that costs a question at
    /// worst.
    fn of(words: &Words<'_>) -> Self {
        let mut facts = Self::default();
        let mut words = words.clone();
        let mut previous: Option<Word<'_>> = None;
        while let Some(word) = words.next() {
            let member = previous.is_some_and(|word| word.is_any(&[".", "@", ":"]));
            previous = Some(word);
            if words.at(".") && matches!(word.kind, TokenKind::Word | TokenKind::Name) {
                facts.schemas.insert(word.text.trim_matches('`').to_owned());
            }
            if member || word.kind != TokenKind::Word {
                continue;
            }
            match word.text.to_ascii_lowercase().as_str() {
                "call" => facts.calls.extend(words.name()),
                "rollback" => {
                    words.eat(&["work"]);
                    facts.opaque |= !words.at("to");
                }
                "create" | "drop" if words.at("temporary") => {}
                "start" => facts.commits |= words.at_any(&["transaction"]),
                // In a body it opens a block, or the compound statement itself.
                "begin" => facts.commits |= words.at_any(&["work"]),
                "set" => {
                    let next = words.rest().iter().take(3);
                    facts.opaque |= next.into_iter().any(|word| word.is_any(OUTLIVES));
                }
                "lock" => facts.opaque |= words.at_any(&["table", "tables"]),
                text if OPAQUE.contains(&text) => facts.opaque = true,
                text if COMMITS.contains(&text) && !words.at("(") => facts.commits = true,
                _ => {}
            }
        }
        facts
    }

    fn and(&mut self, other: Self) {
        self.commits |= other.commits;
        self.opaque |= other.opaque;
        self.calls.extend(other.calls);
        self.schemas.extend(other.schemas);
    }
}

/// What commits the transaction it finds.
const COMMITS: &[&str] = &[
    "alter",
    "analyze",
    "cache",
    "change",
    "check",
    "commit",
    "create",
    "drop",
    "flush",
    "grant",
    "import",
    "install",
    "load",
    "optimize",
    "purge",
    "rename",
    "repair",
    "reset",
    "revoke",
    "stop",
    "truncate",
    "uninstall",
];

/// What cannot be seen through, or is not undone by a rollback.
const OPAQUE: &[&str] =
    &["autocommit", "dumpfile", "execute", "immediate", "kill", "outfile", "prepare", "shutdown", "unlock", "xa"];

/// What is set beyond the session.
const OUTLIVES: &[&str] = &["global", "password", "persist", "persist_only"];

pub(super) async fn note(
    ask: &mut dyn Ask,
    place: &Place,
    statement: &Statement<'_>,
    syntax: &Syntax,
) -> Result<Note, ServerError> {
    let mut words = Words::new(statement.text, syntax);
    if words.eat(&["set", "statement"]) {
        words.skip_past(&["for"]);
    }
    let compound = words.eat(&["begin", "not", "atomic"])
        || words.at_any(&["call", "if", "case", "loop", "while", "repeat", "for"]);
    if !compound {
        return Ok(Note::Nothing);
    }
    let mut facts = Facts::of(&words);
    let mut known: BTreeSet<Name> = BTreeSet::new();
    facts.schemas.insert(place.database.clone());
    let mut calls = within(std::mem::take(&mut facts.calls), &place.database);
    while !calls.is_empty() {
        calls.retain(|name| known.insert(Name { name: name.name.to_lowercase(), ..name.clone() }));
        if known.len() > DEEP || facts.opaque {
            return Ok(Note::Nothing);
        }
        let mut next = Vec::new();
        for name in &calls {
            let Some(mut body) = body(ask, name, syntax).await? else { return Ok(Note::Nothing) };
            let schema = name.schema.clone().unwrap_or_default();
            next.extend(within(std::mem::take(&mut body.calls), &schema));
            body.schemas.insert(schema);
            facts.and(body);
        }
        calls = next;
    }
    if facts.opaque || !transactional(ask, &facts.schemas).await? {
        return Ok(Note::Nothing);
    }
    Ok(if facts.commits { Note::Is(SEGMENTS.to_owned()) } else { Note::Shares })
}

/// Whether a statement of its own that changes rows can be in one transaction with its row.
pub(super) async fn shares(ask: &mut dyn Ask, place: &Place, text: &str, syntax: &Syntax) -> Result<bool, ServerError> {
    let mut facts = Facts::of(&Words::new(text, syntax));
    facts.schemas.insert(place.database.clone());
    Ok(!facts.opaque && !facts.commits && transactional(ask, &facts.schemas).await?)
}

fn within(names: Vec<Name>, schema: &str) -> Vec<Name> {
    let within = |name: Name| Name { schema: name.schema.or_else(|| Some(schema.to_owned())), ..name };
    names.into_iter().map(within).collect()
}

/// What a procedure does. `None` where it may not be read.
async fn body(ask: &mut dyn Ask, name: &Name, syntax: &Syntax) -> Result<Option<Facts>, ServerError> {
    let sql = format!(
        "SELECT routine_definition, sql_mode FROM information_schema.routines WHERE routine_schema = {} \
         AND routine_name = {} AND routine_type = 'PROCEDURE'",
        literal(name.schema.as_deref().unwrap_or_default()),
        literal(&name.name)
    );
    let Some(rows) = asked(ask, &sql).await? else { return Ok(None) };
    let mut cells = rows.into_iter().next().unwrap_or_default().into_iter();
    let (Some(text), Some(mode)) = (cells.next().flatten(), cells.next().flatten()) else { return Ok(None) };
    let syntax = Syntax {
        backslash_escapes: !mode.contains("NO_BACKSLASH_ESCAPES"),
        double_quoted_strings: !mode.contains("ANSI_QUOTES"),
        ..*syntax
    };
    Ok(Some(Facts::of(&Words::new(&text, &syntax))))
}

/// Whether all tables of these databases are InnoDB's: a function, a view or a trigger may write to any of them.
async fn transactional(ask: &mut dyn Ask, schemas: &BTreeSet<String>) -> Result<bool, ServerError> {
    let names: Vec<String> = schemas.iter().map(|name| literal(name)).collect();
    let sql = format!(
        "SELECT 1 FROM information_schema.tables WHERE table_schema IN ({}) AND table_type = 'BASE TABLE' \
         AND (engine IS NULL OR engine <> 'InnoDB') LIMIT 1",
        names.join(", ")
    );
    Ok(asked(ask, &sql).await?.is_some_and(|rows| rows.is_empty()))
}

/// `None` where the note is not about code.
pub(super) fn settle(note: &str) -> Option<Settled> {
    Some(match note.strip_prefix(SEGMENTS)? {
        "" => Settled::DidNotRun("segments: not even its first part was committed".to_owned()),
        _ => Settled::Undecided("a part of it was committed, and nothing tells how far it came".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, commits: bool, opaque: bool) {
        let facts = Facts::of(&Words::new(text, &Syntax::MYSQL));
        assert_eq!((facts.commits, facts.opaque), (commits, opaque), "{text}");
    }

    #[test]
    fn a_body_says_whether_it_commits() {
        for text in [
            "begin insert into t values (1); update t set a = truncate(b, 1); end",
            "begin create temporary table x (a int); drop temporary table x; savepoint s; rollback to s; end",
            "begin declare a int; select b.commit, @rollback into a, a from `drop` b for update; end",
            "insert into t values ('commit; drop table t') -- rollback",
            "select a from t lock in share mode",
        ] {
            check(text, false, false);
        }
        for text in [
            "begin insert into t values (1); commit; end",
            "begin start transaction; end",
            "if a then truncate table t; end if",
            "begin create table x (a int); end",
            "begin truncate t; end",
        ] {
            check(text, true, false);
        }
        for text in [
            "begin rollback; end",
            "begin set @a = 'drop table t'; prepare s from @a; execute s; end",
            "execute immediate 'commit'",
            "set autocommit = 0",
            "set @@global.a = 1",
            "set global a = 1",
            "select 1 into outfile 'f'",
        ] {
            check(text, false, true);
        }
    }

    #[test]
    fn a_body_names_what_it_calls() {
        let facts = Facts::of(&Words::new("begin call a(); call `b`.`c d`(1); end", &Syntax::MYSQL));
        let name = |schema: Option<&str>, name: &str| Name { schema: schema.map(str::to_owned), name: name.to_owned() };
        assert_eq!(facts.calls, [name(None, "a"), name(Some("b"), "c d")]);
    }
}
