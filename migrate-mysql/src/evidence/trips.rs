//! What an expression cannot read: it takes queries of its own.
//!
//! | object | read from |
//! |---|---|
//! | user, role | `mysql.user`; SHOW CREATE USER, SHOW GRANTS |
//! | server, component, function of a library | `mysql.servers`, `mysql.component`, `mysql.func` |
//! | tablespace | `information_schema.innodb_tablespaces` |
//! | sequence of MariaDB | itself |
//! | which table it is, without PROCESS | its first and its last row by primary key |
//!
//! Whatever of it is refused makes the whole unreadable: a guess would be taken for evidence.

use migrate_core::backend::{Row, ServerError};
use sha2::{Digest, Sha256};

use super::expression::{Database, PREFIX, UNREADABLE, is_plain, literal, part};
use super::names::{About, Account, Aspect, Name, Object};
use super::{Ask, Place};

/// How the identity of a table is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    /// By the numbers that InnoDB gives it.
    Numbers,
    /// By rows of it.
    Rows,
}

/// The whole note as it is now, in the form of [`expression`](super::expression::expression). `None` where a part of it
/// is not readable.
pub(super) async fn read(
    ask: &mut dyn Ask,
    place: &Place,
    about: &About,
    database: &str,
    identity: Identity,
) -> Result<Option<String>, ServerError> {
    let named = Database::Named(database);
    let mut parts: Vec<Option<String>> = Vec::new();
    let mut expressions = Vec::new();
    for (object, aspects) in &about.objects {
        let by_rows = identity == Identity::Rows && aspects.contains(&Aspect::Identity);
        let numbers: Vec<Aspect> =
            aspects.iter().copied().filter(|aspect| !(by_rows && *aspect == Aspect::Identity)).collect();
        match part(place, object, &numbers, named) {
            Some(expression) => {
                let rows = match object {
                    Object::Table(table) if by_rows => Some(witness(ask, table, database).await?),
                    _ => None,
                };
                let rows = rows.map(|rows| format!(", '.', {}", literal(&rows))).unwrap_or_default();
                expressions.push(format!("CONCAT({expression}{rows})"));
                parts.push(None);
            }
            None => match own(ask, object, aspects, database).await? {
                Some(part) => parts.push(Some(part)),
                None => return Ok(None),
            },
        }
    }
    if !expressions.is_empty() {
        let Some(rows) = asked(ask, &format!("SELECT {}", expressions.join(", "))).await? else { return Ok(None) };
        let mut cells = rows.into_iter().next().unwrap_or_default().into_iter();
        for part in parts.iter_mut().filter(|part| part.is_none()) {
            *part = cells.next().flatten();
        }
    }
    let parts: Option<Vec<String>> = parts.into_iter().collect();
    Ok(parts.map(|parts| format!("{PREFIX}{};{database}", parts.join(","))))
}

/// The rows of a query. `None` where the server says no.
pub(super) async fn asked(ask: &mut dyn Ask, sql: &str) -> Result<Option<Vec<Row>>, ServerError> {
    match ask.rows(sql).await {
        Ok(rows) => Ok(Some(rows)),
        Err(error) if error.is_lost() => Err(error),
        Err(_) => Ok(None),
    }
}

/// The aspects of an object that is in no view of the catalog.
async fn own(
    ask: &mut dyn Ask,
    object: &Object,
    aspects: &[Aspect],
    database: &str,
) -> Result<Option<String>, ServerError> {
    let existence = match object {
        Object::Account(account) => {
            let Some(account) = account_condition(account) else { return Ok(None) };
            format!("SELECT user, host FROM mysql.user WHERE {account}")
        }
        Object::Component(name) => {
            format!("SELECT component_urn FROM mysql.component WHERE component_urn = {}", literal(name))
        }
        Object::Loadable(name) => format!("SELECT name FROM mysql.func WHERE name = {}", literal(name)),
        Object::Sequence(name) => format!(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = {} AND table_name = {}",
            literal(name.schema.as_deref().unwrap_or(database)),
            literal(&name.name)
        ),
        Object::Server(name) => format!("SELECT * FROM mysql.servers WHERE server_name = {}", literal(name)),
        Object::Tablespace(name) => {
            format!("SELECT * FROM information_schema.innodb_tablespaces WHERE name = {}", literal(name))
        }
        _ => return Ok(None),
    };
    let Some(found) = asked(ask, &existence).await? else { return Ok(None) };
    let there = if found.is_empty() { "0" } else { "1" };
    if !aspects.contains(&Aspect::Definition) {
        return Ok(Some(there.to_owned()));
    }
    let definition = match object {
        _ if found.is_empty() => Some(Vec::new()),
        Object::Account(_) => account(ask, &found).await?,
        Object::Sequence(name) => asked(ask, &format!("SELECT * FROM {}", quoted(name, database))).await?,
        _ => Some(found),
    };
    Ok(definition.map(|rows| format!("{there}.{}", folded(rows))))
}

/// What is said about an account by the server itself, and about every role of the same name.
async fn account(ask: &mut dyn Ask, found: &[Row]) -> Result<Option<Vec<Row>>, ServerError> {
    let mut all = Vec::new();
    for row in found {
        let cell = |at: usize| row.get(at).and_then(Option::as_deref).unwrap_or_default();
        // These statements take plain strings only.
        if !is_plain(cell(0)) || !is_plain(cell(1)) {
            return Ok(None);
        }
        // A role of MariaDB has no host, and no way to log in.
        let (name, role) = match cell(1) {
            "" => (format!("'{}'", cell(0)), true),
            host => (format!("'{}'@'{host}'", cell(0)), false),
        };
        if !role {
            let Some(rows) = asked(ask, &format!("SHOW CREATE USER {name}")).await? else { return Ok(None) };
            all.extend(rows);
        }
        let Some(rows) = asked(ask, &format!("SHOW GRANTS FOR {name}")).await? else { return Ok(None) };
        all.extend(rows);
    }
    // How names are quoted is a matter of the session's mode.
    let bare = |cell: Option<String>| cell.map(|text| text.replace(['`', '"'], ""));
    Ok(Some(all.into_iter().map(|row: Row| row.into_iter().map(bare).collect()).collect()))
}

fn account_condition(account: &Account) -> Option<String> {
    let Some(user) = &account.user else {
        return Some(
            "user = SUBSTRING_INDEX(CURRENT_USER(), '@', 1) AND host = SUBSTRING_INDEX(CURRENT_USER(), '@', -1)"
                .to_owned(),
        );
    };
    // Everybody.
    if user.eq_ignore_ascii_case("public") && account.host.is_none() {
        return None;
    }
    Some(match &account.host {
        Some(host) => format!("user = {} AND host = {}", literal(user), literal(&host.to_lowercase())),
        None => format!("user = {} AND host IN ('%', '')", literal(user)),
    })
}

/// The first and the last row of a table by its primary key, `w0` where it is empty.
async fn witness(ask: &mut dyn Ask, table: &Name, database: &str) -> Result<String, ServerError> {
    let unreadable = || Ok(UNREADABLE.to_owned());
    let key = format!(
        "SELECT column_name FROM information_schema.key_column_usage WHERE table_schema = {} AND table_name = {} \
         AND constraint_name = 'PRIMARY' ORDER BY ordinal_position",
        literal(table.schema.as_deref().unwrap_or(database)),
        literal(&table.name)
    );
    let Some(key) = asked(ask, &key).await? else { return unreadable() };
    let columns: Vec<String> = key.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect();
    if columns.is_empty() {
        return unreadable();
    }
    let mut all = Vec::new();
    for direction in ["", " DESC"] {
        let order: Vec<String> = columns.iter().map(|column| format!("{}{direction}", back_quoted(column))).collect();
        let sql = format!("SELECT * FROM {} ORDER BY {} LIMIT 1", quoted(table, database), order.join(", "));
        match asked(ask, &sql).await? {
            Some(rows) => all.extend(rows),
            None => return unreadable(),
        }
    }
    Ok(if all.is_empty() { "w0".to_owned() } else { format!("w{}", folded(all)) })
}

/// 16 digits for rows in any order.
fn folded(rows: Vec<Row>) -> String {
    let mut rows: Vec<String> = rows
        .into_iter()
        .map(|row| {
            row.into_iter().map(|cell| cell.map_or("-".to_owned(), |cell| format!("{}:{cell}", cell.len()))).collect()
        })
        .collect();
    rows.sort();
    let digest = Sha256::digest(rows.join("\n").as_bytes());
    digest.iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02X}"))
}

/// A table's name with its schema, for a statement.
pub(super) fn quoted(name: &Name, database: &str) -> String {
    format!("{}.{}", back_quoted(name.schema.as_deref().unwrap_or(database)), back_quoted(&name.name))
}

pub(super) fn back_quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}
