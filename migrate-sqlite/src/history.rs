//! The history table in SQLite.
//!
//! A new table has the columns of [`COLUMNS`]; a table of another version may have fewer or more, so every reader asks
//! for those that are there. Times are microseconds since 1970, written by this process: its clock is the server's.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use migrate_core::backend::{Advance, Fault, NewEntry, ServerError, TableName};
use migrate_core::history::table::{self, COLUMNS, Column, Kind, LONG, ReadRow, Value};
use migrate_core::history::{Entry, EntryKey, State, Texts};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, Statement};

use crate::dialect::{hexadecimal, name, qualified};
use crate::error::{is_duplicate, is_no_such_table, server_error};

/// The statements about one history table, written once.
#[derive(Debug)]
pub(crate) struct HistorySql {
    table: TableName,
    insert: String,
    advance: String,
}

impl HistorySql {
    pub(crate) fn new(table: &TableName) -> Self {
        let columns: Vec<_> = COLUMNS.iter().map(|column| name(column.name)).collect();
        let values: Vec<_> = COLUMNS.iter().map(|column| format!(":{}", column.name)).collect();
        let insert = format!("INSERT INTO {} ({}) VALUES ({})", main(table), columns.join(", "), values.join(", "));
        let set: Vec<_> = table::CHANGES.iter().map(|column| format!("{} = :{column}", name(column))).collect();
        let expected: Vec<_> =
            table::EXPECTED.iter().map(|column| format!("{} = :old_{column}", name(column))).collect();
        let advance = format!(
            "UPDATE {} SET {}, \"finished_at\" = COALESCE(:finished_at, \"finished_at\") WHERE {}",
            main(table),
            set.join(", "),
            expected.join(" AND ")
        );
        Self { table: table.clone(), insert, advance }
    }

    pub(crate) fn is_about(&self, table: &TableName) -> bool {
        self.table == *table
    }

    /// Writes a row that began at `started`.
    pub(crate) fn append(&self, connection: &Connection, new: &NewEntry, started: i64) -> Result<(), ServerError> {
        let finished = (new.entry.state != State::InFlight).then(now);
        let mut statement = connection.prepare_cached(&self.insert).map_err(|e| server_error(&e))?;
        for (column, value) in table::encode(new) {
            bind(&mut statement, &format!(":{column}"), value)?;
        }
        bind_time(&mut statement, ":started_at", Some(started))?;
        bind_time(&mut statement, ":finished_at", finished)?;
        statement.raw_execute().map(drop).map_err(|error| {
            let failed = server_error(&error);
            if !is_duplicate(&error) {
                return failed;
            }
            let EntryKey { component, seq } = &new.entry.key;
            let message = format!("row {seq} of component {component} in the history exists already");
            ServerError { fault: Fault::Duplicate, message, ..failed }
        })
    }

    /// Changes a row that is as expected.
    pub(crate) fn advance(&self, connection: &Connection, advance: &Advance) -> Result<(), ServerError> {
        let finished = (advance.state != State::InFlight).then(now);
        let mut statement = connection.prepare_cached(&self.advance).map_err(|e| server_error(&e))?;
        for (column, value) in table::changes(advance) {
            bind(&mut statement, &format!(":{column}"), value)?;
        }
        for (column, value) in table::expected(advance) {
            bind(&mut statement, &format!(":old_{column}"), value)?;
        }
        bind_time(&mut statement, ":finished_at", finished)?;
        if statement.raw_execute().map_err(|e| server_error(&e))? == 1 {
            return Ok(());
        }
        let EntryKey { component, seq } = &advance.key;
        Err(ServerError::new(
            Fault::Stale,
            format!("row {seq} of component {component} in the history is not as this run left it"),
        ))
    }
}

/// Microseconds since 1970-01-01 00:00 UTC.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Creates the table, or adds what an older version did not have. Takes no write lock where nothing is missing.
pub(crate) fn ensure(connection: &Connection, table: &TableName) -> Result<(), ServerError> {
    let run = |sql: &str| connection.execute(sql, []).map(drop).map_err(|e| server_error(&e));
    match columns(connection, table)? {
        None => run(&create_table(&main(table))),
        Some(present) => COLUMNS
            .iter()
            .filter(|column| !present.contains_key(column.name))
            .try_for_each(|column| run(&format!("ALTER TABLE {} ADD COLUMN {}", main(table), definition(column)))),
    }
}

/// Whether [`ensure`] has nothing to do.
pub(crate) fn is_complete(connection: &Connection, table: &TableName) -> Result<bool, ServerError> {
    let present = columns(connection, table)?;
    Ok(present.is_some_and(|present| COLUMNS.iter().all(|column| present.contains_key(column.name))))
}

/// `CREATE TABLE IF NOT EXISTS`, without a terminator. `table` is quoted.
pub(crate) fn create_table(table: &str) -> String {
    let columns: Vec<_> = COLUMNS.iter().map(|column| format!("  {},\n", definition(column))).collect();
    format!("CREATE TABLE IF NOT EXISTS {table} (\n{}  PRIMARY KEY (\"component\", \"seq\")\n)", columns.concat())
}

fn definition(column: &Column) -> String {
    // A required column needs a default, or it could not be added to a table that has rows.
    match (column.kind, column.required) {
        (Kind::Text | Kind::LongText, true) => format!("{} TEXT NOT NULL DEFAULT ''", name(column.name)),
        (Kind::Text | Kind::LongText, false) => format!("{} TEXT", name(column.name)),
        (Kind::Integer | Kind::Time, true) => format!("{} INTEGER NOT NULL DEFAULT 0", name(column.name)),
        (Kind::Integer | Kind::Time, false) => format!("{} INTEGER", name(column.name)),
    }
}

/// The last row of a component.
pub(crate) fn head(connection: &Connection, table: &TableName, component: &str) -> Result<Option<Entry>, ServerError> {
    let Some(present) = columns(connection, table)? else { return Ok(None) };
    let end = "WHERE \"component\" = ?1 ORDER BY \"seq\" DESC LIMIT 1";
    Ok(entries(connection, table, &present, end, &[&component])?.pop())
}

/// All rows, without the long texts.
pub(crate) fn load(connection: &Connection, table: &TableName) -> Result<Vec<Entry>, ServerError> {
    let Some(present) = columns(connection, table)? else { return Ok(Vec::new()) };
    entries(connection, table, &present, "ORDER BY \"component\", \"seq\"", &[])
}

/// The long texts of some rows; a row that is not there has none.
pub(crate) fn texts(connection: &Connection, table: &TableName, of: &[EntryKey]) -> Result<Vec<Texts>, ServerError> {
    let Some(present) = columns(connection, table)? else { return Ok(vec![Texts::default(); of.len()]) };
    let column = |column: &str| if present.contains_key(column) { name(column) } else { "NULL".to_owned() };
    let mut statement = connection
        .prepare(&format!(
            "SELECT {}, {} FROM {} WHERE \"component\" = ?1 AND \"seq\" = ?2",
            column("script"),
            column("down_script"),
            main(table)
        ))
        .map_err(|e| server_error(&e))?;
    of.iter()
        .map(|key| {
            let mut rows = statement.query((&key.component, integer(key.seq)?)).map_err(|e| server_error(&e))?;
            let Some(row) = rows.next().map_err(|e| server_error(&e))? else { return Ok(Texts::default()) };
            Ok(Texts { script: cell(row, 0), down_script: cell(row, 1) })
        })
        .collect()
}

/// The columns that the table has, by name; `None` where there is no table.
fn columns(connection: &Connection, table: &TableName) -> Result<Option<BTreeMap<String, usize>>, ServerError> {
    match connection.prepare(&format!("SELECT * FROM {}", main(table))) {
        Ok(statement) => Ok(Some(by_name(&statement))),
        Err(error) if is_no_such_table(&error) => Ok(None),
        Err(error) => Err(server_error(&error)),
    }
}

fn by_name(statement: &Statement<'_>) -> BTreeMap<String, usize> {
    let name = |index| statement.column_name(index).ok().map(|name| (name.to_ascii_lowercase(), index));
    (0..statement.column_count()).filter_map(name).collect()
}

fn entries(
    connection: &Connection,
    table: &TableName,
    present: &BTreeMap<String, usize>,
    end: &str,
    bound: &[&dyn rusqlite::ToSql],
) -> Result<Vec<Entry>, ServerError> {
    let short = COLUMNS.iter().map(|column| column.name).filter(|name| !LONG.contains(name));
    let mut select: Vec<_> = short.filter(|name| present.contains_key(*name)).map(name).collect();
    if present.contains_key("down_script") {
        select.push("\"down_script\" IS NOT NULL AS \"has_down\"".to_owned());
    }
    let sql = format!("SELECT {} FROM {} {end}", select.join(", "), main(table));
    let mut statement = connection.prepare(&sql).map_err(|e| server_error(&e))?;
    let columns = by_name(&statement);
    let mut rows = statement.query(bound).map_err(|e| server_error(&e))?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next().map_err(|e| server_error(&e))? {
        entries.push(table::decode(&Cells { row, columns: &columns })?);
    }
    Ok(entries)
}

struct Cells<'a> {
    row: &'a Row<'a>,
    columns: &'a BTreeMap<String, usize>,
}

impl ReadRow for Cells<'_> {
    fn get(&self, column: &str) -> Option<String> {
        cell(self.row, *self.columns.get(column)?)
    }
}

/// A cell as text; `None` for NULL.
pub(crate) fn cell(row: &Row<'_>, index: usize) -> Option<String> {
    row.get_ref(index).ok().and_then(text)
}

/// A value as text, `None` for NULL: numbers as SQLite prints them, a BLOB as lower-case hexadecimal digits.
pub(crate) fn text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(format!("{number:?}")),
        ValueRef::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Some(hexadecimal(bytes)),
    }
}

/// The table, in `main` where no schema is given: a temporary table of the same name would hide it otherwise.
fn main(table: &TableName) -> String {
    let schema = table.schema.clone().or_else(|| Some("main".to_owned()));
    qualified(&TableName { schema, name: table.name.clone() })
}

fn integer(number: u64) -> Result<i64, ServerError> {
    i64::try_from(number)
        .map_err(|_| ServerError::new(Fault::Refused, format!("{number} is more than SQLite's largest integer")))
}

fn bind(statement: &mut Statement<'_>, parameter: &str, value: Value<'_>) -> Result<(), ServerError> {
    let value = match value {
        Value::Null => ValueRef::Null,
        Value::Integer(number) => ValueRef::Integer(integer(number)?),
        Value::Text(text) => ValueRef::Text(text.as_bytes()),
    };
    statement.raw_bind_parameter(parameter, ToSqlOutput::Borrowed(value)).map_err(|e| server_error(&e))
}

fn bind_time(statement: &mut Statement<'_>, parameter: &str, time: Option<i64>) -> Result<(), ServerError> {
    statement.raw_bind_parameter(parameter, time).map_err(|e| server_error(&e))
}
