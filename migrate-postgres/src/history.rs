//! The history table in PostgreSQL, as SQL.
//!
//! Rows are written with literals, because they travel in the message of their script; every name is qualified, because
//! a script may leave any `search_path` behind. Times are `timestamptz`, the server's.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use migrate_core::backend::{Advance, NewEntry, ServerError, TableName};
use migrate_core::history::table::{self, COLUMNS, Column, Kind, LONG, ReadRow, Value};
use migrate_core::history::{Entry, EntryKey, State, Texts};
use tokio_postgres::SimpleQueryMessage;
use tokio_postgres::error::SqlState;

use crate::connect::Postgres;
use crate::dialect::{literal, name};
use crate::error::server_error;
use crate::session::{PostgresSession, cells};

/// `CREATE TABLE IF NOT EXISTS`, without a terminator. `table` is quoted.
pub(crate) fn create_table(table: &str) -> String {
    let columns: Vec<_> = COLUMNS.iter().map(|column| format!("  {},\n", definition(column))).collect();
    format!("CREATE TABLE IF NOT EXISTS {table} (\n{}  PRIMARY KEY (\"component\", \"seq\")\n)", columns.concat())
}

/// The columns that a table with only the columns `present` lacks, as one `ALTER TABLE`; `None` if there are none.
pub(crate) fn add_columns(table: &str, present: &[String]) -> Option<String> {
    let missing: Vec<_> = COLUMNS
        .iter()
        .filter(|column| !present.iter().any(|name| name == column.name))
        .map(|column| format!("ADD COLUMN IF NOT EXISTS {}", definition(column)))
        .collect();
    (!missing.is_empty()).then(|| format!("ALTER TABLE {table} {}", missing.join(", ")))
}

fn definition(column: &Column) -> String {
    let kind = match column.kind {
        Kind::Text | Kind::LongText => "text",
        Kind::Integer => "bigint",
        Kind::Time => "timestamptz",
    };
    // A required column needs a default, or it could not be added to a table that has rows.
    let default = match (column.required, column.kind) {
        (false, _) => "",
        (true, Kind::Text | Kind::LongText) => " NOT NULL DEFAULT ''",
        (true, Kind::Integer) => " NOT NULL DEFAULT 0",
        (true, Kind::Time) => " NOT NULL DEFAULT now()",
    };
    format!("{} {kind}{default}", name(column.name))
}

/// The columns of an entry, without the long texts, of those that are `present`; all where that is `None`. Numbers and
/// times are integers, times in microseconds.
pub(crate) fn selection(present: Option<&[String]>) -> String {
    let there = |column: &str| present.is_none_or(|present| present.iter().any(|name| name == column));
    let mut columns: Vec<_> = COLUMNS
        .iter()
        .filter(|column| !LONG.contains(&column.name) && there(column.name))
        .map(|column| match column.kind {
            Kind::Time => {
                let name = name(column.name);
                format!("round(extract(epoch FROM {name}) * 1000000)::bigint AS {name}")
            }
            _ => name(column.name),
        })
        .collect();
    if there("down_script") {
        columns.push("\"down_script\" IS NOT NULL AS \"has_down\"".to_owned());
    }
    columns.join(", ")
}

/// Writes a row.
///
/// With `behind`, only behind that row: in a window each transaction stands on its own for the server, and the row of
/// one must not be there without the row of the one before it. Where that is missing the number of this one is NULL,
/// which the table does not take. (A `WITH … RETURNING` that counts what was written would cost twice the time.)
pub(crate) fn append(table: &str, new: &NewEntry, behind: Option<&EntryKey>) -> String {
    let mut columns = String::new();
    let mut values = String::new();
    for (column, value) in table::encode(new) {
        let value = match (column, value, behind) {
            (_, Value::Null, _) => continue,
            ("seq", Value::Integer(seq), Some(behind)) => format!(
                "(SELECT {seq} FROM {table} WHERE \"component\" = {} AND \"seq\" = {})",
                literal(&behind.component),
                behind.seq
            ),
            (_, value, _) => self::value(value),
        };
        let _ = write!(columns, "{}, ", name(column));
        let _ = write!(values, "{value}, ");
    }
    columns.push_str("\"started_at\", \"finished_at\"");
    values.push_str("transaction_timestamp(), ");
    values.push_str(if new.entry.state == State::InFlight { "NULL" } else { "clock_timestamp()" });
    format!("INSERT INTO {table} ({columns}) VALUES ({values})")
}

/// The name of the statement that writes a row.
const APPEND: &str = "migrate_append";

/// Prepares what [`append`] does: a row that the server need not read and plan again costs it half the time.
pub(crate) fn prepare_append(table: &str) -> String {
    let written: Vec<_> = COLUMNS.iter().filter(|column| column.kind != Kind::Time).collect();
    let (behind_component, behind_seq) = (written.len() + 1, written.len() + 2);
    let mut names = String::new();
    let mut kinds = String::new();
    let mut values = String::new();
    let mut finished = String::new();
    for (number, column) in (1..).zip(&written) {
        let _ = write!(names, "{}, ", name(column.name));
        let _ = write!(kinds, "{}, ", if column.kind == Kind::Integer { "bigint" } else { "text" });
        let _ = match column.name {
            "seq" => write!(
                values,
                "CASE WHEN ${behind_component} IS NULL THEN ${number} ELSE (SELECT ${number} FROM {table} \
                 WHERE \"component\" = ${behind_component} AND \"seq\" = ${behind_seq}) END, "
            ),
            _ => write!(values, "${number}, "),
        };
        if column.name == "state" {
            finished =
                format!("CASE WHEN ${number} <> {} THEN clock_timestamp() END", literal(State::InFlight.as_str()));
        }
    }
    format!(
        "PREPARE {APPEND} ({kinds}text, bigint) AS INSERT INTO {table} ({names}\"started_at\", \"finished_at\") \
         VALUES ({values}transaction_timestamp(), {finished})"
    )
}

/// Writes a row with what [`prepare_append`] prepared.
pub(crate) fn execute_append(new: &NewEntry, behind: Option<&EntryKey>) -> String {
    let values: Vec<_> = table::encode(new).into_iter().map(|(_, value)| self::value(value)).collect();
    let behind = match behind {
        Some(key) => format!("{}, {}", literal(&key.component), key.seq),
        None => "NULL, NULL".to_owned(),
    };
    format!("EXECUTE {APPEND} ({}, {behind})", values.join(", "))
}

/// Changes a row that is as expected, and `also` holds. A miss is a division by zero.
pub(crate) fn advance(table: &str, advance: &Advance, also: Option<&str>) -> String {
    let mut set: Vec<_> =
        table::changes(advance).map(|(column, new)| format!("{} = {}", name(column), value(new))).collect();
    if advance.state != State::InFlight {
        set.push("\"finished_at\" = clock_timestamp()".to_owned());
    }
    let mut expected: Vec<_> =
        table::expected(advance).map(|(column, old)| format!("{} = {}", name(column), value(old))).collect();
    expected.extend(also.map(str::to_owned));
    format!(
        "WITH changed AS (UPDATE {table} SET {} WHERE {} RETURNING 1) SELECT 1 / count(*) FROM changed",
        set.join(", "),
        expected.join(" AND ")
    )
}

fn value(value: Value<'_>) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => literal(text),
    }
}

/// Creates the table, or adds the columns that an older format lacks.
pub(crate) async fn ensure(session: &mut PostgresSession<'_>, table: &TableName) -> Result<(), ServerError> {
    let home = session.home(table).await?;
    let present = columns(session, &home).await?;
    let sql = if let Some(present) = &present {
        let Some(sql) = add_columns(&home, present) else { return Ok(()) };
        sql
    } else {
        if let Some(schema) = &table.schema
            && session.origin.as_ref().is_some_and(Postgres::creates_schema)
            && !has_schema(session, schema).await?
        {
            // `IF NOT EXISTS` alone would still ask for the right to create one.
            let sql = format!("CREATE SCHEMA IF NOT EXISTS {}", name(schema));
            if let Err(mut error) = session.cells(&sql).await {
                if error.code.as_deref() == Some(INSUFFICIENT_PRIVILEGE) {
                    let (schema, user) = (name(schema), user(session).await);
                    error.hint =
                        Some(format!("let somebody who may do it: CREATE SCHEMA {schema} AUTHORIZATION {user}"));
                }
                error.message = format!("the schema {schema} cannot be created: {}", error.message);
                return Err(error);
            }
        }
        create_table(&home)
    };
    match session.cells(&sql).await {
        Ok(_) => Ok(()),
        Err(error) => Err(explained(session, error, table).await),
    }
}

async fn has_schema(session: &mut PostgresSession<'_>, schema: &str) -> Result<bool, ServerError> {
    let rows = session.cells(&format!("SELECT 1 FROM pg_namespace WHERE nspname = {}", literal(schema))).await?;
    Ok(!rows.is_empty())
}

const INSUFFICIENT_PRIVILEGE: &str = "42501";
const INVALID_SCHEMA_NAME: &str = "3F000";

/// What is missing for the table to be made, and who can give it.
async fn explained(session: &mut PostgresSession<'_>, mut error: ServerError, table: &TableName) -> ServerError {
    let hint = match error.code.as_deref() {
        Some(INSUFFICIENT_PRIVILEGE) => {
            let user = user(session).await;
            match (&table.schema, session.home(table).await) {
                (Some(schema), _) => format!("grant it: GRANT USAGE, CREATE ON SCHEMA {} TO {user}", name(schema)),
                (None, home) => {
                    let schema = home.ok().and_then(|home| Some(home.rsplit_once('.')?.0.to_owned()));
                    let schema = schema.as_deref().unwrap_or("…");
                    format!(
                        "grant it: GRANT CREATE ON SCHEMA {schema} TO {user}; or name a schema of your own: [history] schema"
                    )
                }
            }
        }
        Some(INVALID_SCHEMA_NAME) => "create the schema, or let migrate do it: --create-schema".to_owned(),
        _ => return error,
    };
    error.message = format!("the history table {table} cannot be created: {}", error.message);
    error.hint = Some(hint);
    error
}

/// What is missing for the table to be read.
async fn unreadable(session: &mut PostgresSession<'_>, mut error: ServerError, table: &TableName) -> ServerError {
    if error.code.as_deref() != Some(INSUFFICIENT_PRIVILEGE) {
        return error;
    }
    let (user, home) = (user(session).await, session.known_home(table));
    let hint = match &table.schema {
        None => format!("GRANT SELECT ON {home} TO {user}"),
        Some(schema) if is_made(session, schema, &table.name).await => {
            format!("GRANT USAGE ON SCHEMA {} TO {user}; GRANT SELECT ON {home} TO {user}", name(schema))
        }
        Some(schema) => format!("GRANT USAGE, CREATE ON SCHEMA {} TO {user}", name(schema)),
    };
    error.message = format!("the history table {table} cannot be read: {}", error.message);
    error.hint = Some(format!("grant it: {hint}"));
    error
}

/// Whether there is such a table, which those may ask too who may not use its schema.
async fn is_made(session: &mut PostgresSession<'_>, schema: &str, table: &str) -> bool {
    let sql = format!(
        "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = {} AND c.relname = {}",
        literal(schema),
        literal(table)
    );
    session.cells(&sql).await.is_ok_and(|rows| !rows.is_empty())
}

/// The user whose rights count, quoted.
async fn user(session: &mut PostgresSession<'_>) -> String {
    let cells = session.cells("SELECT quote_ident(current_user)").await.unwrap_or_default();
    cells.into_iter().flatten().next().flatten().unwrap_or_else(|| "…".to_owned())
}

/// The columns that the table has; `None` where there is no table.
async fn columns(session: &mut PostgresSession<'_>, home: &str) -> Result<Option<Vec<String>>, ServerError> {
    let sql = format!(
        "SELECT a.attname FROM pg_attribute a WHERE a.attrelid = to_regclass({}) AND a.attnum > 0 AND NOT a.attisdropped",
        literal(home)
    );
    let names: Vec<_> = session.cells(&sql).await?.into_iter().filter_map(|row| row.into_iter().next()?).collect();
    Ok((!names.is_empty()).then_some(names))
}

/// The last row of a component. Where the table is as this version makes it that is one round trip, whatever else is
/// not known yet.
pub(crate) async fn head(
    session: &mut PostgresSession<'_>,
    table: &TableName,
    component: &str,
) -> Result<Option<Entry>, ServerError> {
    let end = format!("WHERE \"component\" = {} ORDER BY \"seq\" DESC LIMIT 1", literal(component));
    Ok(entries(session, table, &end).await?.pop())
}

/// All rows, without the long texts.
pub(crate) async fn load(session: &mut PostgresSession<'_>, table: &TableName) -> Result<Vec<Entry>, ServerError> {
    // The server's collation may order names of components as no other engine does.
    entries(session, table, "ORDER BY \"component\" COLLATE \"C\", \"seq\"").await
}

async fn entries(session: &mut PostgresSession<'_>, table: &TableName, end: &str) -> Result<Vec<Entry>, ServerError> {
    let home = session.known_home(table);
    let select = |present: Option<&[String]>| format!("SELECT {} FROM {home} {end}", selection(present));
    if session.is_joined() {
        // A question that fails would end the caller's transaction.
        let Some(present) = columns(session, &home).await? else { return Ok(Vec::new()) };
        return decoded(&session.client.simple_query(&select(Some(&present))).await.map_err(|e| session.failed(&e))?);
    }
    let mut answer = session.client.simple_query(&select(None)).await;
    if let Err(error) = &answer
        && error.code() == Some(&SqlState::UNDEFINED_COLUMN)
    {
        let Some(present) = columns(session, &home).await? else { return Ok(Vec::new()) };
        answer = session.client.simple_query(&select(Some(&present))).await;
    }
    match answer {
        Ok(messages) => decoded(&messages),
        Err(error) if is_absent(&error) => Ok(Vec::new()),
        Err(error) => {
            let error = session.failed(&error);
            Err(unreadable(session, error, table).await)
        }
    }
}

/// Whether the table, or its schema, is not there.
fn is_absent(error: &tokio_postgres::Error) -> bool {
    [&SqlState::UNDEFINED_TABLE, &SqlState::INVALID_SCHEMA_NAME].into_iter().any(|code| error.code() == Some(code))
}

fn decoded(messages: &[SimpleQueryMessage]) -> Result<Vec<Entry>, ServerError> {
    let mut columns = BTreeMap::new();
    let mut entries = Vec::new();
    for message in messages {
        match message {
            SimpleQueryMessage::RowDescription(names) => {
                columns = names.iter().enumerate().map(|(at, column)| (column.name().to_owned(), at)).collect();
            }
            SimpleQueryMessage::Row(row) => entries.push(table::decode(&Cells { row, columns: &columns })?),
            _ => {}
        }
    }
    Ok(entries)
}

struct Cells<'a> {
    row: &'a tokio_postgres::SimpleQueryRow,
    columns: &'a BTreeMap<String, usize>,
}

impl ReadRow for Cells<'_> {
    fn get(&self, column: &str) -> Option<String> {
        self.row.get(*self.columns.get(column)?).map(str::to_owned)
    }
}

/// The long texts of some rows; a row that is not there has none.
pub(crate) async fn texts(
    session: &mut PostgresSession<'_>,
    table: &TableName,
    of: &[EntryKey],
) -> Result<Vec<Texts>, ServerError> {
    let home = session.home(table).await?;
    let Some(present) = columns(session, &home).await? else { return Ok(vec![Texts::default(); of.len()]) };
    let column =
        |column: &str| if present.iter().any(|name| name == column) { name(column) } else { "NULL".to_owned() };
    let keys: Vec<_> = of.iter().map(|key| format!("({}, {})", literal(&key.component), key.seq)).collect();
    let sql = format!(
        "SELECT k.at, {}, {} FROM (SELECT row_number() OVER () AS at, v.* FROM (VALUES {}) AS v (c, s)) AS k \
         JOIN {home} ON \"component\" = k.c AND \"seq\" = k.s",
        column("script"),
        column("down_script"),
        keys.join(", ")
    );
    let mut found = vec![Texts::default(); of.len()];
    for row in cells(&session.client.simple_query(&sql).await.map_err(|error| server_error(&error))?) {
        if let [at, script, down_script] = row.as_slice()
            && let Some(at) = at.as_deref().and_then(|at| at.parse::<usize>().ok())
            && let Some(texts) = found.get_mut(at.wrapping_sub(1))
        {
            *texts = Texts { script: script.clone(), down_script: down_script.clone() };
        }
    }
    Ok(found)
}
