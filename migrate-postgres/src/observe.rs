//! What the server says of itself.

use migrate_core::backend::{Server, ServerError, TableName};
use migrate_core::history::foreign;
use migrate_core::sql::Syntax;
use tokio_postgres::{CancelToken, Client};

use crate::dialect::literal;
use crate::lease;
use crate::session::{Facts, PostgresSession, cells};

/// How many names [`Server::objects`] has at most: enough to show that a database is not empty.
const OBJECTS: usize = 6;
/// Since when the server can look whether its client is still there.
const CHECKS_CLIENT: u32 = 140_000;

/// The schema of the history as an expression: where the table is found, or where it would be created.
pub(crate) fn home_schema(table: &TableName) -> String {
    match &table.schema {
        Some(schema) => literal(schema),
        None => format!(
            "coalesce((SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.oid = to_regclass(quote_ident({}))), current_schema())",
            literal(&table.name)
        ),
    }
}

/// Asks who serves us, and whether that is who we spoke to when the connection began.
///
/// A pooler gives a client a process id of its own making, so that it can tell whose statement is to be cancelled.
pub(crate) async fn facts(client: &Client, session_pooling: bool) -> Result<Facts, tokio_postgres::Error> {
    let sql = "SELECT pg_backend_pid(), current_setting('server_version_num'), version()";
    let rows = cells(&client.simple_query(sql).await?);
    let cell = |column: usize| rows.first().and_then(|row| row.get(column)?.as_deref()).unwrap_or_default();
    let backend = cell(0).parse().unwrap_or_default();
    let version: u32 = cell(1).parse().unwrap_or_default();
    let announced = announced_backend(&client.cancel_token()).await;
    Ok(Facts {
        backend,
        pooled: !session_pooling && announced.is_some_and(|announced| announced != backend),
        checks_client: version >= CHECKS_CLIENT && cell(2).contains("linux"),
    })
}

/// The process id that was announced when the connection began. The driver keeps it to itself but for the message that
/// would cancel a statement, so that message is written into memory.
async fn announced_backend(token: &CancelToken) -> Option<i32> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (ours, mut theirs) = tokio::io::duplex(64);
    // The answer to a question for TLS that is asked where the connection insists on it.
    theirs.write_all(b"S").await.ok()?;
    token.cancel_query_raw(ours, crate::connect::plain::Plain).await.ok()?;
    let mut sent = Vec::new();
    theirs.read_to_end(&mut sent).await.ok()?;
    // Length, code, process id, key: four bytes each, at the end of what was written.
    let process: [u8; 4] = sent.get(sent.len().checked_sub(8)?..sent.len() - 4)?.try_into().ok()?;
    Some(i32::from_be_bytes(process))
}

pub(crate) async fn observe(session: &mut PostgresSession<'_>, table: &TableName) -> Result<Server, ServerError> {
    let facts = session.facts().await?;
    let general = format!(
        "SELECT current_setting('server_version'), current_database(), \
         pg_is_in_recovery() OR current_setting('transaction_read_only')::bool, \
         current_setting('standard_conforming_strings'), \
         EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = {} AND c.relname = {} AND c.relkind IN ('r', 'p', 'v', 'f'))",
        home_schema(table),
        literal(&table.name)
    );
    // Each statement sees its own moment. Whoever made the objects made the history first, so it is looked for last.
    let sql = format!("{};\n{};\n{general}", objects(table), foreign_histories());
    let messages = session.client.simple_query(&sql).await.map_err(|error| session.failed(&error))?;
    let mut results =
        messages.split(|message| matches!(message, tokio_postgres::SimpleQueryMessage::CommandComplete(_))).map(cells);
    let mut names = || -> Vec<String> {
        results.next().unwrap_or_default().into_iter().filter_map(|row| row.into_iter().next()?).collect()
    };
    let (objects, foreign_histories) = (names(), names());
    let general = results.next().and_then(|rows| rows.into_iter().next()).unwrap_or_default();
    let cell = |column: usize| general.get(column).cloned().flatten().unwrap_or_default();
    // Distributions append their own name to the version.
    let version = cell(0).split(' ').next().unwrap_or_default().to_owned();
    Ok(Server {
        product: format!("PostgreSQL {version}"),
        database: cell(1),
        syntax: Syntax { backslash_escapes: cell(3) == "off", ..Syntax::POSTGRES },
        has_history: cell(4) == "t",
        foreign_histories,
        objects,
        not_transactional: Vec::new(),
        partitioned: None,
        read_only: cell(2) == "t",
        pooled: facts.pooled,
        joined: session.is_joined(),
    })
}

/// Tables of other tools wherever the `search_path` leads.
fn foreign_histories() -> String {
    let known: Vec<_> = foreign::TABLES.iter().map(|name| literal(name)).collect();
    format!(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = ANY (current_schemas(false)) AND c.relkind IN ('r', 'p') \
         AND (lower(c.relname) IN ({}) OR c.relname = 'CHANGELOG') ORDER BY c.relname",
        known.join(", ")
    )
}

/// Some objects of the target schema that are neither ours, nor an extension's, nor parts of another object.
fn objects(table: &TableName) -> String {
    let lease = lease::table_name(&table.name);
    let ours = [&*table.name, &*lease];
    let not = ours.into_iter().chain(foreign::TABLES.iter().copied()).chain(foreign::COMPANIONS.iter().copied());
    let not: Vec<_> = not.map(literal).collect();
    let part = |class: &str, oid: &str, kinds: &str| {
        format!(
            "NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '{class}'::regclass AND d.objid = {oid} \
             AND d.deptype IN ({kinds}))"
        )
    };
    format!(
        "SELECT o.name FROM (\
         SELECT c.relname AS name FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace \
         AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND lower(c.relname) NOT IN ({}) AND c.relname <> 'CHANGELOG' \
         AND {} AND (c.relkind <> 'S' OR {}) \
         UNION ALL SELECT p.proname FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace AND {} \
         UNION ALL SELECT t.typname FROM pg_type t WHERE t.typnamespace = current_schema()::regnamespace \
         AND t.typtype IN ('e', 'd', 'r') AND {}) o LIMIT {OBJECTS}",
        not.join(", "),
        part("pg_class", "c.oid", "'e'"),
        part("pg_class", "c.oid", "'a', 'i'"),
        part("pg_proc", "p.oid", "'e', 'i'"),
        part("pg_type", "t.oid", "'e', 'i'"),
    )
}
