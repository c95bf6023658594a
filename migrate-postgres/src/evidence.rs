//! What became of a statement that could not share a transaction with its row: the catalog tells.
//!
//! Before such a statement is sent, the objects it is about are noted by their oid: names may mean something else later.
//! The rules were found by some 860 crashes of PostgreSQL 15:
//!
//! | statement | it ran if | before it runs again |
//! |---|---|---|
//! | `CREATE INDEX CONCURRENTLY` | the table has a new, valid index | a new, invalid one is dropped |
//! | `DROP INDEX CONCURRENTLY` | the index is gone | |
//! | `REINDEX … CONCURRENTLY` | (it is repeated) | new invalid `_ccnew` and `_ccold` are dropped |
//! | `DETACH PARTITION … CONCURRENTLY` | it is no partition any more | one that is pending is finalized |
//! | `CREATE` or `DROP DATABASE`, `TABLESPACE` | it is there, or gone | a half-dropped database is dropped |
//! | `CREATE` or `DROP SUBSCRIPTION` | it is there, or gone | |
//!
//! Deliberately absent: `CALL` and `DO` that commit on their way. How far they came is seen by nobody.

use std::collections::BTreeMap;

use migrate_core::backend::{Fault, Note, ServerError, Settled};
use migrate_core::sql::classify::{Word, words};
use migrate_core::sql::{Recovery, Statement, StatementKind, Syntax, TransactionControl};

use crate::dialect::literal;
use crate::session::PostgresSession;

const REPEAT: &str = "repeat: running it again leads to the same";

/// What a statement is about, with names as they are written in it.
#[derive(Debug, PartialEq, Eq)]
enum About<'a> {
    CreateIndex {
        name: Option<&'a str>,
        table: String,
    },
    DropIndex {
        name: String,
    },
    /// Of an index or a table; `None` for more than that.
    Reindex {
        index: bool,
        name: Option<String>,
    },
    Detach {
        parent: String,
        partition: String,
    },
    Create {
        what: Global,
        name: &'a str,
    },
    Drop {
        what: Global,
        name: &'a str,
    },
}

/// Objects that belong to the whole server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Global {
    Database,
    Tablespace,
    Subscription,
}

impl Global {
    fn of(word: &Word<'_>) -> Option<Self> {
        [("database", Self::Database), ("tablespace", Self::Tablespace), ("subscription", Self::Subscription)]
            .into_iter()
            .find_map(|(text, global)| word.is(text).then_some(global))
    }

    /// The oid of the one of this name, 0 if there is none.
    fn oid(self, name: &str) -> String {
        let (catalog, column) = match self {
            Self::Database => ("pg_database", "datname"),
            Self::Tablespace => ("pg_tablespace", "spcname"),
            Self::Subscription => ("pg_subscription", "subname"),
        };
        format!("coalesce((SELECT oid FROM {catalog} WHERE {column} = (parse_ident({}))[1]), 0)", literal(name))
    }
}

impl<'a> About<'a> {
    fn of(statement: &Statement<'a>, syntax: &Syntax) -> Option<Self> {
        let all: Vec<Word<'a>> = words(statement.text, syntax).collect();
        let mut rest = Words { all: &all };
        let first = rest.next()?;
        if first.is("create") {
            rest.eat(&["unique"]);
            if rest.eat(&["index", "concurrently"]) {
                rest.eat(&["if", "not", "exists"]);
                let name = (!rest.at("on")).then(|| rest.next()).flatten().map(|word| word.text);
                rest.eat(&["on"]);
                rest.eat(&["only"]);
                return Some(Self::CreateIndex { name, table: rest.name()? });
            }
            return Some(Self::Create { what: Global::of(rest.next()?)?, name: rest.next()?.text });
        }
        if first.is("drop") {
            if rest.eat(&["index", "concurrently"]) {
                rest.eat(&["if", "exists"]);
                return Some(Self::DropIndex { name: rest.name()? });
            }
            let what = Global::of(rest.next()?)?;
            rest.eat(&["if", "exists"]);
            return Some(Self::Drop { what, name: rest.next()?.text });
        }
        if first.is("reindex") {
            rest.parenthesised();
            let kind = rest.next()?;
            rest.eat(&["concurrently"]);
            let one = kind.is("index") || kind.is("table");
            return Some(Self::Reindex { index: kind.is("index"), name: if one { rest.name() } else { None } });
        }
        if first.is("alter") && rest.eat(&["table"]) {
            rest.eat(&["if", "exists"]);
            rest.eat(&["only"]);
            let parent = rest.name()?;
            rest.eat(&["*"]);
            if rest.eat(&["detach", "partition"]) {
                return Some(Self::Detach { parent, partition: rest.name()? });
            }
        }
        None
    }
}

/// The words of a statement, taken from the front.
struct Words<'w, 'a> {
    all: &'w [Word<'a>],
}

impl<'w, 'a> Words<'w, 'a> {
    fn next(&mut self) -> Option<&'w Word<'a>> {
        let (first, rest) = self.all.split_first()?;
        self.all = rest;
        Some(first)
    }

    fn at(&self, text: &str) -> bool {
        self.all.first().is_some_and(|word| word.is(text))
    }

    fn eat(&mut self, texts: &[&str]) -> bool {
        let found = self.all.len() >= texts.len() && self.all.iter().zip(texts).all(|(word, text)| word.is(text));
        if found {
            self.all = &self.all[texts.len()..];
        }
        found
    }

    fn parenthesised(&mut self) {
        if self.at("(") {
            while self.next().is_some_and(|word| !word.is(")")) {}
        }
    }

    /// A name with its schema, as it is written.
    fn name(&mut self) -> Option<String> {
        let mut name = self.next()?.text.to_owned();
        while self.eat(&["."]) {
            name = format!("{name}.{}", self.next()?.text);
        }
        Some(name)
    }
}

/// The oid of a relation, 0 if there is none.
fn relation(name: &str) -> String {
    format!("coalesce(to_regclass({})::oid, 0)", literal(name))
}

/// `table=16384 indexes=16390,16395`: what was there before the statement.
pub(crate) async fn note(
    session: &mut PostgresSession<'_>,
    statement: &Statement<'_>,
    syntax: &Syntax,
) -> Result<Note, ServerError> {
    let Some(about) = About::of(statement, syntax) else { return Ok(Note::Nothing) };
    let sql = match &about {
        About::CreateIndex { table, .. } => {
            let table = relation(table);
            format!(
                "SELECT 'table=' || {table} || ' indexes=' || coalesce(string_agg(indexrelid::text, ','), '') \
                 FROM pg_index WHERE indrelid = {table}"
            )
        }
        About::DropIndex { name } => format!("SELECT 'index=' || {}", relation(name)),
        About::Reindex { index, name } => {
            let table = match (index, name) {
                (true, Some(name)) => {
                    format!("coalesce((SELECT indrelid FROM pg_index WHERE indexrelid = {}), 0)", relation(name))
                }
                (false, Some(name)) => relation(name),
                (_, None) => "0".to_owned(),
            };
            format!(
                "SELECT 'table=' || {table} || ' invalid=' || coalesce(string_agg(indexrelid::text, ','), '') \
                 FROM pg_index WHERE NOT indisvalid"
            )
        }
        About::Detach { parent, partition } => {
            format!("SELECT 'parent=' || {} || ' partition=' || {}", relation(parent), relation(partition))
        }
        About::Create { what, name } | About::Drop { what, name } => format!("SELECT 'oid=' || {}", what.oid(name)),
    };
    Ok(session.cells(&sql).await?.into_iter().flatten().next().flatten().map_or(Note::Nothing, Note::Is))
}

/// A note, read back.
struct Noted<'n> {
    values: BTreeMap<&'n str, &'n str>,
}

impl<'n> Noted<'n> {
    fn of(note: &'n str) -> Self {
        Self { values: note.split(' ').filter_map(|pair| pair.split_once('=')).collect() }
    }

    /// An oid, or several with commas. Only digits come out, so that it can stand in a query.
    fn oids(&self, key: &str) -> String {
        let oids = self.values.get(key).copied().unwrap_or_default();
        let oids: Vec<_> = oids.split(',').filter(|oid| oid.parse::<u32>().is_ok()).collect();
        if oids.is_empty() { "0".to_owned() } else { oids.join(", ") }
    }
}

/// What became of a statement, with the lock held and the process that ran it gone.
pub(crate) async fn settle(
    session: &mut PostgresSession<'_>,
    statement: &Statement<'_>,
    note: Option<&str>,
    syntax: &Syntax,
) -> Result<Settled, ServerError> {
    let ran = |what: &str| Ok(Settled::Ran(format!("catalog: {what}")));
    let not = |what: &str| Ok(Settled::DidNotRun(format!("catalog: {what}")));
    let (about, noted) = match (About::of(statement, syntax), note) {
        (Some(about), Some(note)) => (about, Noted::of(note)),
        // What it left behind without a note is not known to be its own.
        (Some(About::Reindex { .. }), None) => return Ok(Settled::DidNotRun(REPEAT.to_owned())),
        _ => return Ok(without_catalog(statement)),
    };
    match about {
        About::CreateIndex { name, .. } => {
            let named = name.map(|name| format!(" AND c.relname = (parse_ident({}))[1]", literal(name)));
            let found = new_indexes(
                session,
                &format!("i.indrelid = {}{}", noted.oids("table"), named.unwrap_or_default()),
                &noted.oids("indexes"),
            )
            .await?;
            match found.as_slice() {
                [] => not("the table has no new index"),
                [(index, true), ..] => ran(&format!("the index {index} is there and valid")),
                invalid => Ok(Settled::First(drops(invalid))),
            }
        }
        About::DropIndex { .. } => match noted.oids("index").as_str() {
            "0" => not("there was no such index"),
            index if exists(session, "pg_class", index).await? => not("the index is still there"),
            _ => ran("the index is gone"),
        },
        About::Reindex { .. } => {
            let table = match noted.oids("table").as_str() {
                "0" => String::new(),
                table => format!(" AND i.indrelid = {table}"),
            };
            let left = format!("NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$'{table}");
            match new_indexes(session, &left, &noted.oids("invalid")).await?.as_slice() {
                [] => Ok(Settled::DidNotRun(REPEAT.to_owned())),
                invalid => Ok(Settled::First(drops(invalid))),
            }
        }
        About::Detach { .. } => {
            // The column is there since 14, as the statement is.
            let sql = format!(
                "SELECT to_jsonb(i) ->> 'inhdetachpending', i.inhparent::regclass, i.inhrelid::regclass \
                 FROM pg_inherits i WHERE i.inhparent = {} AND i.inhrelid = {}",
                noted.oids("parent"),
                noted.oids("partition")
            );
            let rows = session.cells(&sql).await?;
            let Some(row) = rows.first() else { return ran("it is no partition any more") };
            let cell = |column: usize| row.get(column).and_then(Option::as_deref).unwrap_or_default();
            if cell(0) == "true" {
                let sql = format!("ALTER TABLE {} DETACH PARTITION {} FINALIZE", cell(1), cell(2));
                return Ok(Settled::First(vec![sql]));
            }
            not("it is still a partition")
        }
        About::Create { what, name } => created(session, what, name, &noted.oids("oid")).await,
        About::Drop { what, name } => {
            let now = session.cells(&format!("SELECT {}", what.oid(name))).await?;
            match now.into_iter().flatten().next().flatten().as_deref() {
                Some("0") | None => ran("it is gone"),
                Some(_) => not("it is still there"),
            }
        }
    }
}

async fn created(
    session: &mut PostgresSession<'_>,
    what: Global,
    name: &str,
    before: &str,
) -> Result<Settled, ServerError> {
    let now = session.cells(&format!("SELECT {}", what.oid(name))).await?;
    let now = now.into_iter().flatten().next().flatten().unwrap_or_default();
    if now != "0" && now != before {
        return Ok(Settled::Ran("catalog: it is there".to_owned()));
    }
    Ok(match what {
        Global::Subscription => Settled::Undecided(
            "the subscription is not there, but its slot may have been made on the other server".to_owned(),
        ),
        _ => Settled::DidNotRun("catalog: it is not there".to_owned()),
    })
}

/// What can be said without the catalog.
fn without_catalog(statement: &Statement<'_>) -> Settled {
    use TransactionControl::{Begin, Commit, Other};
    match (statement.class.kind, statement.class.sharing.recovery()) {
        // The row that says "in flight" was written in the transaction that the script's own COMMIT ends: it is here
        // because that COMMIT came to its end.
        (StatementKind::Transaction(Commit), _) => {
            Settled::Ran("its row was part of the transaction it committed".to_owned())
        }
        (StatementKind::Transaction(Begin | Other), _) if begins(statement.text) => {
            Settled::DidNotRun("a transaction ends with its connection".to_owned())
        }
        (_, None) => Settled::DidNotRun("it shares a transaction with its row, which is not there".to_owned()),
        (_, Some(Recovery::Repeat)) => Settled::DidNotRun(REPEAT.to_owned()),
        (_, Some(Recovery::Call)) => Settled::Undecided(
            "code that commits on its way was interrupted, and nothing tells how far it came".to_owned(),
        ),
        (_, Some(_)) => Settled::Undecided("the catalog does not tell whether it ran".to_owned()),
    }
}

fn begins(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    ["begin", "start"].iter().any(|word| first.eq_ignore_ascii_case(word))
}

/// Indexes that were not there before and that nobody is building: quoted name, and whether it is valid; valid first.
async fn new_indexes(
    session: &mut PostgresSession<'_>,
    which: &str,
    before: &str,
) -> Result<Vec<(String, bool)>, ServerError> {
    let sql = format!(
        "SELECT format('%I.%I', n.nspname, c.relname), i.indisvalid FROM pg_index i \
         JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE {which} AND i.indexrelid NOT IN ({before}) \
         AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid) \
         ORDER BY i.indisvalid DESC, i.indexrelid"
    );
    let rows = session.cells(&sql).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let mut cells = row.into_iter();
            Some((cells.next()??, cells.next()?.as_deref() == Some("t")))
        })
        .collect())
}

fn drops(indexes: &[(String, bool)]) -> Vec<String> {
    indexes.iter().map(|(index, _)| format!("DROP INDEX CONCURRENTLY {index}")).collect()
}

async fn exists(session: &mut PostgresSession<'_>, catalog: &str, oid: &str) -> Result<bool, ServerError> {
    let rows = session.cells(&format!("SELECT 1 FROM {catalog} WHERE oid = {oid}")).await?;
    Ok(!rows.is_empty())
}

/// Whether the index that a statement has just built, or found, can be used.
///
/// `CREATE INDEX CONCURRENTLY IF NOT EXISTS` is content with an index whose build failed long ago.
pub(crate) async fn verify(
    session: &mut PostgresSession<'_>,
    statement: &Statement<'_>,
    syntax: &Syntax,
) -> Result<(), ServerError> {
    let Some(About::CreateIndex { name: Some(name), table }) = About::of(statement, syntax) else { return Ok(()) };
    let Some(index) = invalid(session, name, &table).await? else { return Ok(()) };
    let mut error = ServerError::new(
        Fault::Refused,
        format!("the index {index} is there but invalid: somebody's build of it failed or still goes on"),
    );
    error.hint = Some(format!("drop it and run this again: DROP INDEX CONCURRENTLY {index}"));
    Err(error)
}

/// The quoted name of an index of `table` that cannot be used.
async fn invalid(session: &mut PostgresSession<'_>, name: &str, table: &str) -> Result<Option<String>, ServerError> {
    let sql = format!(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE i.indrelid = {} AND NOT i.indisvalid \
         AND c.relname = (parse_ident({}))[1]",
        relation(table),
        literal(name)
    );
    Ok(session.cells(&sql).await?.into_iter().flatten().next().flatten())
}

#[cfg(test)]
mod tests {
    use migrate_core::sql::classify::postgres;

    use super::*;

    fn check(text: &str, expected: Option<&About<'_>>) {
        let class = postgres(text, &Syntax::POSTGRES);
        let statement = Statement { number: 1, text, offset: 0, data: None, class };
        assert_eq!(About::of(&statement, &Syntax::POSTGRES).as_ref(), expected, "{text}");
    }

    #[test]
    fn a_statement_says_what_it_is_about() {
        let table = || "app.\"T\"".to_owned();
        for (text, name) in [
            ("CREATE INDEX CONCURRENTLY ON app.\"T\" (a)", None),
            ("create unique index concurrently if not exists \"I\" on only app.\"T\" using btree (a)", Some("\"I\"")),
        ] {
            check(text, Some(&About::CreateIndex { name, table: table() }));
        }
        check("DROP INDEX CONCURRENTLY IF EXISTS app.i", Some(&About::DropIndex { name: "app.i".to_owned() }));
        check(
            "REINDEX (VERBOSE) TABLE CONCURRENTLY app.\"T\"",
            Some(&About::Reindex { index: false, name: Some(table()) }),
        );
        check("REINDEX SCHEMA CONCURRENTLY app", Some(&About::Reindex { index: false, name: None }));
        check(
            "ALTER TABLE IF EXISTS ONLY app.\"T\" DETACH PARTITION p CONCURRENTLY",
            Some(&About::Detach { parent: table(), partition: "p".to_owned() }),
        );
        check("CREATE DATABASE d", Some(&About::Create { what: Global::Database, name: "d" }));
        check("DROP TABLESPACE IF EXISTS \"s\"", Some(&About::Drop { what: Global::Tablespace, name: "\"s\"" }));
        check("VACUUM", None);
    }

    #[test]
    fn a_note_gives_nothing_but_numbers() {
        let noted = Noted::of("table=12 indexes=1,2;drop,3 other");
        assert_eq!(noted.oids("table"), "12");
        assert_eq!(noted.oids("indexes"), "1, 3");
        assert_eq!(noted.oids("missing"), "0");
    }
}
