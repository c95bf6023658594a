//! The history table: the columns are `migrate-core`'s, the statements are the engine's.
//!
//! What is carried out is what `plan --sql` prints, so there is one place that can be wrong.

use migrate_core::async_trait;
use migrate_core::backend::{Advance, Fault, HistoryTable, NewEntry, ServerError, TableName};
use migrate_core::history::table::{self, COLUMNS, ReadRow, Value};
use migrate_core::history::{Entry, EntryKey, State, Texts};

use crate::dialect::{literal, name};
use crate::engine::{Answer, Connection, ErrorKind};
use crate::error::server_error;
use crate::session::ToySession;

pub(crate) fn create(table: &TableName) -> String {
    let columns: Vec<_> = COLUMNS.iter().map(|column| name(column.name)).collect();
    format!("CREATE TABLE IF NOT EXISTS {} ({}, PRIMARY KEY (component, seq))", name(&table.name), columns.join(", "))
}

pub(crate) fn insert(new: &NewEntry, table: &TableName) -> String {
    let mut values: Vec<_> = table::encode(new).into_iter().map(|(column, new)| (column, value(new))).collect();
    values.push(("started_at", "NOW".to_owned()));
    if new.entry.state != State::InFlight {
        values.push(("finished_at", "NOW".to_owned()));
    }
    let (columns, values): (Vec<_>, Vec<_>) = values.into_iter().map(|(column, value)| (name(column), value)).unzip();
    format!("INSERT INTO {} ({}) VALUES ({})", name(&table.name), columns.join(", "), values.join(", "))
}

/// Writes nothing where the row is not as expected.
pub(crate) fn update(advance: &Advance, table: &TableName) -> String {
    let equal = |(column, new)| format!("{} = {}", name(column), value(new));
    let mut set: Vec<_> = table::changes(advance).map(equal).collect();
    if advance.state != State::InFlight {
        set.push(format!("{} = NOW", name("finished_at")));
    }
    let expected: Vec<_> = table::expected(advance).map(equal).collect();
    format!("UPDATE {} SET {} WHERE {}", name(&table.name), set.join(", "), expected.join(" AND "))
}

fn value(value: Value<'_>) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => literal(text),
    }
}

/// Writes a row.
pub(crate) fn append(
    connection: &mut Connection,
    new: &NewEntry,
    table: &TableName,
) -> Result<Option<u64>, ServerError> {
    match connection.execute(&insert(new, table)) {
        Ok(answer) => Ok(answer.written),
        Err(error) if error.kind == ErrorKind::Duplicate => {
            Err(ServerError::new(Fault::Duplicate, format!("{} already", row(&new.entry.key))))
        }
        Err(error) => Err(server_error(error)),
    }
}

/// Changes a row that is as expected.
pub(crate) fn advance(
    connection: &mut Connection,
    advance: &Advance,
    table: &TableName,
) -> Result<Option<u64>, ServerError> {
    match connection.execute(&update(advance, table)).map_err(server_error)?.written {
        Some(0) => Err(ServerError::new(Fault::Stale, format!("{} not as this run left it", row(&advance.key)))),
        written => Ok(written),
    }
}

fn row(EntryKey { component, seq }: &EntryKey) -> String {
    format!("row {seq} of component {component} in the history is")
}

#[async_trait]
impl HistoryTable for ToySession {
    async fn ensure_history(&mut self, table: &TableName) -> Result<(), ServerError> {
        self.connection.execute(&create(table)).map_err(server_error)?;
        let present = self.rows(table, "")?.columns;
        for missing in COLUMNS.iter().filter(|column| !present.iter().any(|present| present == column.name)) {
            let add = format!("ALTER TABLE {} ADD COLUMN {}", name(&table.name), name(missing.name));
            self.connection.execute(&add).map_err(server_error)?;
        }
        Ok(())
    }

    async fn head(&mut self, table: &TableName, component: &str) -> Result<Option<Entry>, ServerError> {
        Ok(self.entries(table, &format!("WHERE component = {}", literal(component)))?.pop())
    }

    async fn load(&mut self, table: &TableName) -> Result<Vec<Entry>, ServerError> {
        self.entries(table, "")
    }

    async fn texts(&mut self, table: &TableName, of: &[EntryKey]) -> Result<Vec<Texts>, ServerError> {
        let text = |EntryKey { component, seq }: &EntryKey| {
            let answer = self.rows(table, &format!("WHERE component = {} AND seq = {seq}", literal(component)))?;
            let Some(row) = answer.rows.first() else { return Ok(Texts::default()) };
            let row = Cells { columns: &answer.columns, row };
            Ok(Texts { script: row.get("script"), down_script: row.get("down_script") })
        };
        of.iter().map(text).collect()
    }
}

impl ToySession {
    fn entries(&mut self, table: &TableName, condition: &str) -> Result<Vec<Entry>, ServerError> {
        let Answer { columns, rows, .. } = self.rows(table, condition)?;
        let decode = |row: &Vec<_>| table::decode(&Cells { columns: &columns, row });
        let mut entries: Vec<Entry> = rows.iter().map(decode).collect::<Result<_, _>>()?;
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(entries)
    }

    /// None where there is no table.
    fn rows(&mut self, table: &TableName, condition: &str) -> Result<Answer, ServerError> {
        if !self.connection.tables().map_err(server_error)?.contains(&table.name) {
            return Ok(Answer::default());
        }
        let select = format!("SELECT * FROM {} {condition}", name(&table.name));
        self.connection.execute(&select).map_err(server_error)
    }
}

/// A row by the names of its columns: an older table has fewer, a newer one more.
struct Cells<'a> {
    columns: &'a [String],
    row: &'a [Option<String>],
}

impl ReadRow for Cells<'_> {
    fn get(&self, column: &str) -> Option<String> {
        if column == "has_down" {
            return self.get("down_script").map(|_| "true".to_owned());
        }
        self.row[self.columns.iter().position(|name| name == column)?].clone()
    }
}
