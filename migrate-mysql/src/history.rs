//! The history table in MySQL and MariaDB, as SQL.
//!
//! Rows are written with literals, because they travel in the packet of their script; the table is named with its
//! database, because a script may `USE` another one. Times are UTC, the server's, in microseconds.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use migrate_core::backend::{Advance, NewEntry, ServerError, TableName};
use migrate_core::history::table::{self, COLUMNS, Column, Kind, LONG, ReadRow, Value};
use migrate_core::history::{Entry, EntryKey, State, Texts};

use crate::dialect::{literal, name};
use crate::session::MysqlSession;

/// Holds when the open transaction began.
pub(crate) const BEGAN: &str = "@migrate_began";

/// `CREATE TABLE IF NOT EXISTS`, without a terminator. `table` is quoted.
pub(crate) fn create_table(table: &str) -> String {
    let columns: Vec<_> = COLUMNS.iter().map(|column| format!("  {},\n", definition(column))).collect();
    // Names are compared as they are written, and every text can be stored, whatever the database's defaults are.
    format!(
        "CREATE TABLE IF NOT EXISTS {table} (\n{}  PRIMARY KEY (`component`, `seq`)\n) \
         ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin",
        columns.concat()
    )
}

/// The columns that a table with only the columns `present` lacks, as one `ALTER TABLE`; `None` if there are none.
pub(crate) fn add_columns(table: &str, present: &[String]) -> Option<String> {
    let missing: Vec<_> = COLUMNS
        .iter()
        .filter(|column| !present.iter().any(|name| name == column.name))
        .map(|column| format!("ADD COLUMN {}", definition(column)))
        .collect();
    (!missing.is_empty()).then(|| format!("ALTER TABLE {table} {}", missing.join(", ")))
}

fn definition(column: &Column) -> String {
    // All of them together must fit into a row of 65,535 bytes, at four bytes a character.
    let kind = match (column.name, column.kind) {
        ("name", _) => "VARCHAR(1000)",
        ("version", _) => "VARCHAR(500)",
        (_, Kind::Text) => "VARCHAR(255)",
        (_, Kind::LongText) => "LONGTEXT",
        (_, Kind::Integer) => "BIGINT UNSIGNED",
        (_, Kind::Time) => "DATETIME(6)",
    };
    // A required column needs a default, or it could not be added to a table that has rows.
    let default = match (column.required, column.kind) {
        (false, _) => " NULL",
        (true, Kind::Text | Kind::LongText) => " NOT NULL DEFAULT ''",
        (true, Kind::Integer) => " NOT NULL DEFAULT 0",
        (true, Kind::Time) => " NOT NULL DEFAULT '1970-01-01'",
    };
    format!("{} {kind}{default}", name(column.name))
}

/// The columns of an entry, without the long texts, of those that are `present`; all where that is `None`. Times are
/// microseconds.
pub(crate) fn selection(present: Option<&[String]>) -> String {
    let there = |column: &str| present.is_none_or(|present| present.iter().any(|name| name == column));
    let mut columns: Vec<_> = COLUMNS
        .iter()
        .filter(|column| !LONG.contains(&column.name) && there(column.name))
        .map(|column| match column.kind {
            Kind::Time => {
                let name = name(column.name);
                format!("TIMESTAMPDIFF(MICROSECOND, '1970-01-01', {name}) AS {name}")
            }
            _ => name(column.name),
        })
        .collect();
    if there("down_script") {
        columns.push("`down_script` IS NOT NULL AS `has_down`".to_owned());
    }
    columns.join(", ")
}

/// Writes a row. `began` says that [`BEGAN`] holds when its transaction did.
pub(crate) fn append(table: &str, new: &NewEntry, began: bool) -> String {
    let mut columns = String::new();
    let mut values = String::new();
    for (column, value) in table::encode(new) {
        let value = match (column, value, &new.asked) {
            ("note", _, Some(asked)) => noted(asked),
            (_, Value::Null, _) => continue,
            (_, value, _) => self::value(value),
        };
        let _ = write!(columns, "{}, ", name(column));
        let _ = write!(values, "{value}, ");
    }
    columns.push_str("`started_at`, `finished_at`");
    let now = "UTC_TIMESTAMP(6)";
    let started = if began { format!("COALESCE({BEGAN}, {now})") } else { now.to_owned() };
    let finished = if new.entry.state == State::InFlight { "NULL" } else { now };
    format!("INSERT INTO {table} ({columns}) VALUES ({values}{started}, {finished})")
}

/// Changes a row that is as expected. What looks whether there was one follows it: [`crate::packet`].
pub(crate) fn advance(table: &str, advance: &Advance) -> String {
    let mut set: Vec<_> = table::changes(advance)
        .map(|(column, new)| match (column, &advance.asked) {
            ("note", Some(asked)) => format!("`note` = {}", noted(asked)),
            _ => format!("{} = {}", name(column), value(new)),
        })
        .collect();
    if advance.state != State::InFlight {
        set.push("`finished_at` = UTC_TIMESTAMP(6)".to_owned());
    }
    format!("UPDATE {table} SET {} WHERE {}", set.join(", "), expected(advance))
}

/// What the server finds. A row without a note would say that nothing was sent, so there is none where it finds
/// nothing, which every expression of [`crate::evidence`] excludes: a query of the catalog that is interrupted by KILL
/// answers NULL, and the statement around it goes on to its end.
fn noted(asked: &str) -> String {
    format!("COALESCE(({asked}), EXP(710))")
}

/// The condition that a row is as expected.
pub(crate) fn expected(advance: &Advance) -> String {
    let conditions: Vec<_> =
        table::expected(advance).map(|(column, old)| format!("{} = {}", name(column), value(old))).collect();
    conditions.join(" AND ")
}

fn value(value: Value<'_>) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => literal(text),
    }
}

/// Creates the table, or adds the columns that an older format lacks.
pub(crate) async fn ensure(session: &mut MysqlSession<'_>, table: &TableName) -> Result<(), ServerError> {
    let home = session.home(table).await?;
    let present = if std::mem::take(&mut session.no_history) { None } else { columns(session, table).await? };
    let sql = match present {
        Some(present) => match add_columns(&home, &present) {
            Some(sql) => sql,
            None => return Ok(()),
        },
        None => create_table(&home),
    };
    match session.rows(&sql).await {
        Ok(_) => Ok(()),
        Err(error) => Err(explained(session, error, table, "created", "CREATE, ALTER, INSERT, SELECT, UPDATE").await),
    }
}

/// Access denied to a table, a column, a command, a database.
pub(crate) const DENIED: &[&str] = &["1142", "1143", "1227", "1044"];
const NO_SUCH_TABLE: &str = "1146";
const NO_SUCH_DATABASE: &str = "1049";
const NO_SUCH_COLUMN: &str = "1054";

/// What is missing for the table to be made or read, and who can give it.
async fn explained(
    session: &mut MysqlSession<'_>,
    mut error: ServerError,
    table: &TableName,
    what: &str,
    rights: &str,
) -> ServerError {
    let code = error.code.as_deref().unwrap_or_default();
    if code == NO_SUCH_DATABASE {
        error.hint = table.schema.as_deref().map(|schema| format!("create it: CREATE DATABASE {}", name(schema)));
    } else if DENIED.contains(&code) {
        let user = session.rows("SELECT CURRENT_USER()").await.unwrap_or_default();
        let user = user.into_iter().flatten().next().flatten().unwrap_or_default();
        let (user, host) = user.rsplit_once('@').unwrap_or((&user, "%"));
        if let Ok(home) = session.home(table).await {
            error.hint = Some(format!("grant it: GRANT {rights} ON {home} TO {}@{}", literal(user), literal(host)));
        }
    } else {
        return error;
    }
    error.message = format!("the history table {table} cannot be {what}: {}", error.message);
    error
}

/// The columns that the table has; `None` where there is no table.
async fn columns(session: &mut MysqlSession<'_>, table: &TableName) -> Result<Option<Vec<String>>, ServerError> {
    let database = session.database_of(table).await?;
    let sql = format!(
        "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = {} AND TABLE_NAME = {}",
        literal(&database),
        literal(&table.name)
    );
    let names: Vec<_> = session.rows(&sql).await?.into_iter().filter_map(|row| row.into_iter().next()?).collect();
    Ok((!names.is_empty()).then_some(names))
}

/// The last row of a component, in one round trip where the table is as this version makes it.
pub(crate) async fn head(
    session: &mut MysqlSession<'_>,
    table: &TableName,
    component: &str,
) -> Result<Option<Entry>, ServerError> {
    let end = format!("WHERE `component` = {} ORDER BY `seq` DESC LIMIT 1", literal(component));
    Ok(entries(session, table, &end).await?.pop())
}

/// All rows, without the long texts.
pub(crate) async fn load(session: &mut MysqlSession<'_>, table: &TableName) -> Result<Vec<Entry>, ServerError> {
    entries(session, table, "ORDER BY `component`, `seq`").await
}

async fn entries(session: &mut MysqlSession<'_>, table: &TableName, end: &str) -> Result<Vec<Entry>, ServerError> {
    let home = session.home(table).await?;
    let select = |present: Option<&[String]>| format!("SELECT {} FROM {home} {end}", selection(present));
    let mut answer = session.table(&select(None)).await;
    if answer.as_ref().is_err_and(|error| error.code.as_deref() == Some(NO_SUCH_COLUMN)) {
        let Some(present) = columns(session, table).await? else { return Ok(Vec::new()) };
        answer = session.table(&select(Some(&present))).await;
    }
    match answer {
        Ok((names, rows)) => {
            let columns: BTreeMap<_, _> = names.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
            rows.iter().map(|row| table::decode(&Cells { row, columns: &columns })).collect()
        }
        Err(error) if matches!(error.code.as_deref(), Some(NO_SUCH_TABLE | NO_SUCH_DATABASE)) => Ok(Vec::new()),
        Err(error) => Err(explained(session, error, table, "read", "SELECT").await),
    }
}

struct Cells<'a> {
    row: &'a [Option<String>],
    columns: &'a BTreeMap<&'a str, usize>,
}

impl ReadRow for Cells<'_> {
    fn get(&self, column: &str) -> Option<String> {
        self.row.get(*self.columns.get(column)?)?.clone()
    }
}

/// The long texts of some rows; a row that is not there has none.
pub(crate) async fn texts(
    session: &mut MysqlSession<'_>,
    table: &TableName,
    of: &[EntryKey],
) -> Result<Vec<Texts>, ServerError> {
    let mut found = vec![Texts::default(); of.len()];
    let Some(present) = columns(session, table).await? else { return Ok(found) };
    let home = session.home(table).await?;
    let column =
        |column: &str| if present.iter().any(|name| name == column) { name(column) } else { "NULL".to_owned() };
    let keys: Vec<_> = of.iter().map(|key| format!("({}, {})", literal(&key.component), key.seq)).collect();
    if keys.is_empty() {
        return Ok(found);
    }
    let sql = format!(
        "SELECT `component`, `seq`, {}, {} FROM {home} WHERE (`component`, `seq`) IN ({})",
        column("script"),
        column("down_script"),
        keys.join(", ")
    );
    for row in session.rows(&sql).await? {
        let [Some(component), Some(seq), script, down_script] = row.as_slice() else { continue };
        for (key, texts) in of.iter().zip(&mut found) {
            if key.component == *component && key.seq.to_string() == *seq {
                *texts = Texts { script: script.clone(), down_script: down_script.clone() };
            }
        }
    }
    Ok(found)
}
