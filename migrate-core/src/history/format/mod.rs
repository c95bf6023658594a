//! Other tools' histories: which table is whose, what its rows say, how its tool locks it.
//!
//! | module | holds |
//! |---|---|
//! | this one | [`HistoryFormat`], the list of all, and which tables are one |
//! | [`engine`] | the SQL in which tables are found, read and written |
//! | [`table`] | a table as it was found, its rows as text |
//! | [`entry`] | [`ForeignEntry`]: what a row says, in words that all tools share |
//! | [`verify`] | a recorded checksum against a migration's file |
//! | [`lock`] | [`ForeignLock`]: the lock of another tool |
//! | [`flyway`] | Flyway, which can also be written row by row |
//! | [`export`](mod@export) | the tables of some tools, written from our history |
//! | [`unwritten`] | why a tool cannot have it |
//! | the others | a file per tool |
//!
//! Everything is pure: SQL texts go out, text cells come in. Which entry means which migration of a set, and what to do
//! about it, is planned in [`plan::adopt`](crate::plan::adopt).

use std::fmt::Debug;

pub mod engine;
pub mod entry;
#[cfg(feature = "other-tools")]
pub mod export;
pub mod flyway;
pub mod lock;
pub mod table;
pub mod unwritten;
#[cfg(feature = "other-tools")]
pub mod verify;

mod alembic;
mod atlas;
mod dbmate;
mod diesel;
mod django;
mod drizzle;
mod golang_migrate;
mod goose;
pub(crate) mod liquibase;
mod mybatis;
mod openmetadata;
mod prisma;
mod rails;
mod refinery;
mod rusqlite_migration;
mod sqitch;
mod sql_migrate;
mod sqlx;
mod supabase;
#[cfg(test)]
mod tests;
mod unreadable;

pub use engine::Engine;
pub use entry::{ForeignEntry, ForeignState, Names, Quality, Recorded, Verdict};
pub use lock::ForeignLock;
pub use table::{Column, Record, Table};
#[cfg(feature = "other-tools")]
pub use verify::Verifier;

use lock::Locking;

/// Every format there is.
pub static FORMATS: &[&dyn HistoryFormat] = &[
    &flyway::Flyway,
    &golang_migrate::GolangMigrate,
    &sqlx::Sqlx,
    &goose::Goose,
    &refinery::Refinery,
    &diesel::Diesel,
    &supabase::Supabase,
    &rails::Rails,
    &dbmate::Dbmate,
    &prisma::Prisma,
    &mybatis::Mybatis,
    &atlas::Atlas,
    &drizzle::Drizzle,
    &sql_migrate::SqlMigrate,
    &liquibase::Liquibase,
    &openmetadata::OpenMetadata,
    &rusqlite_migration::RusqliteMigration,
    &alembic::Alembic,
    &django::Django,
    &sqitch::Sqitch,
    &unreadable::ECTO,
    &unreadable::EF_CORE,
];

/// The format called `name`.
pub fn by_name(name: &str) -> Option<&'static dyn HistoryFormat> {
    FORMATS.iter().copied().find(|format| format.name() == name)
}

/// Another tool's table ⇄ what it says was applied.
///
/// # Contract
/// A table is recognised by its columns; its name only finds it. Decoding never skips a row silently: a row is an
/// entry, or the reason for an error.
pub trait HistoryFormat: Debug + Send + Sync {
    /// As people type it: `--from flyway`.
    fn name(&self) -> &'static str;

    /// As the tool is called in sentences.
    fn title(&self) -> &'static str;

    /// The names its table has in the connection's own schemas, in small letters.
    fn tables(&self) -> &'static [&'static str];

    /// Schema and name where the tool keeps it in a schema of its own.
    fn elsewhere(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Tables beside it that are needed to tell whose it is, or that are read with it, in small letters.
    fn beside(&self) -> &'static [&'static str] {
        &[]
    }

    /// Of a table beside it the columns that are read; none where it only tells whose the other one is.
    fn read_beside(&self, table: &Table) -> &'static [&'static str] {
        let _ = table;
        &[]
    }

    /// Columns that are not read: texts that say nothing about what was applied.
    fn unread(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether a table is one of this tool's, by its columns; `all` are the tables that were found.
    fn recognises(&self, table: &Table, all: &[Table]) -> bool;

    /// The layouts that read the files this tool runs.
    fn layouts(&self) -> &'static [&'static str];

    /// Whether its sign is so common that it only counts where the folder has one of its layouts.
    fn needs_layout(&self) -> bool {
        false
    }

    /// Whether its migrations are code that no layout reads, so that all there is to take over is where it stands.
    fn is_head_only(&self) -> bool {
        false
    }

    /// By which columns the rows are in the order of their writing.
    fn order(&self) -> &'static str;

    /// What the rows say, in their order.
    ///
    /// # Errors
    /// If a row is not what this tool writes.
    fn decode(&self, reading: &Reading) -> Result<Vec<ForeignEntry>, Damaged>;

    /// The locks that keep the tool out while its table is read; none where it has none.
    fn locks(&self, at: &Locking<'_>) -> Vec<ForeignLock> {
        let _ = at;
        Vec::new()
    }
}

/// Why a row is not what its tool writes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Damaged(pub String);

/// A table that is another tool's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The name of its [`HistoryFormat`].
    pub tool: &'static str,
    /// The table.
    pub table: Table,
    /// Tables beside it that are read with it.
    pub beside: Vec<Table>,
}

/// A history as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Whose it is, and where.
    pub found: Found,
    /// The rows of its table.
    pub records: Vec<Record>,
    /// The rows of the tables beside it, one list for each of [`Found::beside`].
    pub beside: Vec<Vec<Record>>,
}

impl Found {
    /// What reads it.
    ///
    /// # Panics
    /// Never: only formats of the list find tables.
    pub fn format(&self) -> &'static dyn HistoryFormat {
        by_name(self.tool).expect("found by a format of the list")
    }

    /// A table that somebody says is `format`'s, whatever its name is.
    pub fn new(format: &'static dyn HistoryFormat, table: Table, all: &[Table]) -> Self {
        let beside = all
            .iter()
            .filter(|other| {
                other.name.schema == table.name.schema
                    && format.beside().iter().any(|name| other.is_called(name))
                    && !format.read_beside(other).is_empty()
            })
            .map(|other| {
                let wanted = format.read_beside(other);
                let columns = other
                    .columns
                    .iter()
                    .filter(|column| wanted.iter().any(|name| column.name.eq_ignore_ascii_case(name)));
                Table { name: other.name.clone(), columns: columns.cloned().collect() }
            })
            .collect();
        let read = |column: &&Column| !format.unread().iter().any(|name| column.name.eq_ignore_ascii_case(name));
        let columns = table.columns.iter().filter(read).cloned().collect();
        Self { tool: format.name(), table: Table { name: table.name, columns }, beside }
    }

    /// The SQL that reads its rows, and then those of each table beside it.
    pub(crate) fn rows_sql(&self, engine: Engine) -> Vec<String> {
        let own = engine.rows_sql(&self.table, &order_of(self.format().order(), &self.table, engine));
        std::iter::once(own).chain(self.beside.iter().map(|table| engine.rows_sql(table, ""))).collect()
    }
}

/// The columns of an order as the table spells them.
fn order_of(order: &str, table: &Table, engine: Engine) -> String {
    let names = order.split(", ").filter_map(|column| table.column(column));
    names.map(|column| engine.name(&column.name)).collect::<Vec<_>>().join(", ")
}

impl Reading {
    /// A history from the answers to [`Found::rows_sql`].
    pub(crate) fn new(found: Found, answers: Vec<Vec<crate::backend::Row>>) -> Self {
        let mut answers = answers.into_iter();
        let records = found.table.records(answers.next().unwrap_or_default());
        let beside = found.beside.iter().zip(answers).map(|(table, rows)| table.records(rows)).collect();
        Self { found, records, beside }
    }

    /// What the rows say.
    ///
    /// # Errors
    /// If a row is not what the tool writes.
    pub fn decode(&self) -> Result<Vec<ForeignEntry>, Damaged> {
        self.found.format().decode(self)
    }

    /// The rows of a table beside it.
    pub(super) fn records_of(&self, name: &str) -> &[Record] {
        let tables = self.found.beside.iter().zip(&self.beside);
        tables
            .filter(|(table, _)| table.is_called(name))
            .map(|(_, records)| records.as_slice())
            .next()
            .unwrap_or_default()
    }
}

/// Whose history was taken over, and where it was: the first line of the note of a row that marks an adoption. What
/// follows it are rows of that tool for which there is no entry, as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The name of its [`HistoryFormat`].
    pub tool: String,
    /// Its table.
    pub table: crate::backend::TableName,
    /// The layout that the files were read with.
    pub layout: String,
}

impl Mark {
    /// Reads a note.
    pub fn parse(note: &str) -> Option<Self> {
        let mut words = note.lines().next()?.split('\t').map(str::to_owned);
        let (tool, schema, name, layout) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let schema = (!schema.is_empty()).then_some(schema);
        Some(Self { tool, table: crate::backend::TableName { schema, name }, layout })
    }

    /// The mark of a row that is one.
    pub fn of(entry: &crate::history::Entry) -> Option<Self> {
        Self::parse(entry.note.as_deref().filter(|_| entry.is_adoption())?)
    }

    /// The note, with the rows that have no entry.
    pub fn note(&self, rows: &[String]) -> String {
        let Self { tool, table, layout } = self;
        let schema = table.schema.as_deref().unwrap_or_default();
        let first = format!("{tool}\t{schema}\t{}\t{layout}", table.name);
        std::iter::once(&first).chain(rows).cloned().collect::<Vec<_>>().join("\n")
    }
}

/// The SQL that describes every table which may be another tool's, and `extra`.
pub(crate) fn catalog_sql(engine: Engine, extra: Option<&crate::backend::TableName>) -> String {
    let mut own: Vec<&str> =
        FORMATS.iter().flat_map(|format| format.tables().iter().chain(format.beside())).copied().collect();
    let mut elsewhere: Vec<(&str, &str)> = FORMATS.iter().flat_map(|format| format.elsewhere()).copied().collect();
    if let Some(extra) = extra {
        match &extra.schema {
            Some(schema) => elsewhere.push((schema, &extra.name)),
            None => own.push(&extra.name),
        }
    }
    own.sort_unstable();
    own.dedup();
    engine.columns_sql(&own, &elsewhere)
}

/// The histories among these tables, each once: the first format that recognises a table has it.
pub fn recognised(tables: &[Table]) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    for table in tables {
        let named = |format: &&dyn HistoryFormat| {
            format.tables().iter().any(|name| table.is_called(name))
                || format
                    .elsewhere()
                    .iter()
                    .any(|(schema, name)| table.name.schema.as_deref() == Some(*schema) && table.is_called(name))
        };
        let format = FORMATS.iter().copied().filter(named).find(|format| format.recognises(table, tables));
        found.extend(format.map(|format| Found::new(format, table.clone(), tables)));
    }
    found
}
