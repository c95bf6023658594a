//! What a server that was killed at work can leave behind, whatever its catalog says of it.
//!
//! | left behind | seen on | what is done |
//! |---|---|---|
//! | half a table that is there | MariaDB 10.11 | asked |
//! | partitions without their table | MariaDB 10.5, 10.11 | dropped by the names of their files |
//! | a table with partitions of which not all are renamed, or not its `.par` file | MariaDB 10.11 | asked |

use migrate_core::backend::{ServerError, Settled};
use migrate_core::sql::Statement;

use super::Ask;
use super::expression::literal;
use super::names::{About, Name, Object};
use super::trips::{asked, back_quoted, quoted};
use crate::history::DENIED;

/// A partitioned table that is not there: a MariaDB server that was killed while it made one can have partitions without
/// their table (seen on 10.11), and refuses to make it again until they are dropped by the names of their files.
pub(super) async fn orphans(
    ask: &mut dyn Ask,
    about: &About,
    reason: String,
    database: &str,
    statement: &Statement<'_>,
) -> Result<Settled, ServerError> {
    let mut drops = Vec::new();
    for (object, _) in &about.objects {
        let Object::Table(name) = object else { continue };
        let schema = name.schema.as_deref().unwrap_or(database);
        // The names of files write other characters in another way.
        let plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !statement.text.to_ascii_lowercase().contains("partition") || !plain(schema) || !plain(&name.name) {
            continue;
        }
        let files = format!(
            "SELECT SUBSTRING(name, CHAR_LENGTH('{schema}/') + 1) FROM information_schema.innodb_sys_tables \
             WHERE name LIKE CONCAT(REPLACE('{schema}/{}', '_', '|_'), '#P#%') ESCAPE '|' ORDER BY name",
            name.name
        );
        for file in asked(ask, &files).await?.unwrap_or_default().into_iter().flatten().flatten() {
            drops.push(format!(
                "DROP TABLE IF EXISTS {}.{}",
                back_quoted(schema),
                back_quoted(&format!("#mysql50#{file}"))
            ));
        }
    }
    Ok(if drops.is_empty() { Settled::DidNotRun(reason) } else { Settled::First(drops) })
}

/// A table that is there and was not: MariaDB can leave half of one behind, and rows are not all there where its engine
/// has no transactions.
pub(super) async fn whole(
    ask: &mut dyn Ask,
    about: &About,
    reason: String,
    doubtful: bool,
    database: &str,
    statement: &Statement<'_>,
) -> Result<Settled, ServerError> {
    let selects = || statement.text.to_ascii_lowercase().contains("select");
    for (object, _) in &about.objects {
        let Object::Table(name) = object else { continue };
        if doubtful && selects() {
            return Ok(Settled::Undecided(format!("{reason}, but nothing tells whether all its rows are")));
        }
        if statement.text.to_ascii_lowercase().contains("view") {
            continue;
        }
        if let Some(refusal) = refusal(ask, name, database).await? {
            let remedy = "drop it and answer that it did not run";
            return Ok(Settled::Undecided(format!("{reason}, but {name} cannot be read ({refusal}): {remedy}")));
        }
    }
    Ok(Settled::Ran(reason))
}

/// Tables that a statement changed or renamed: MariaDB renames the files of a partitioned one by one, and a server that is
/// killed meanwhile can leave a table that its catalog shows and nobody can read, as it was or as it was to be.
pub(super) async fn readable(
    ask: &mut dyn Ask,
    about: &About,
    settled: Settled,
    database: &str,
) -> Result<Settled, ServerError> {
    let (Settled::Ran(reason) | Settled::DidNotRun(reason)) = &settled else { return Ok(settled) };
    for (object, _) in &about.objects {
        let name = match object {
            Object::Table(name) => name,
            object => match object.part_of() {
                Some(table) => table,
                None => continue,
            },
        };
        if !is_there(ask, name, database).await? {
            continue;
        }
        if let Some(refusal) = refusal(ask, name, database).await? {
            let remedy = "restore it before you answer";
            return Ok(Settled::Undecided(format!(
                "{reason}, but {name} cannot be read any more ({refusal}): {remedy}"
            )));
        }
    }
    Ok(settled)
}

/// Whether there is such a table. A view that cannot be read is none of this.
pub(super) async fn is_there(ask: &mut dyn Ask, name: &Name, database: &str) -> Result<bool, ServerError> {
    let tables = format!(
        "SELECT 1 FROM information_schema.tables WHERE table_schema = {} AND table_name = {} AND table_type <> 'VIEW'",
        literal(name.schema.as_deref().unwrap_or(database)),
        literal(&name.name)
    );
    Ok(asked(ask, &tables).await?.is_some_and(|rows| !rows.is_empty()))
}

/// What the server says instead of a table's rows. Who may not read them is told nothing about them.
async fn refusal(ask: &mut dyn Ask, name: &Name, database: &str) -> Result<Option<String>, ServerError> {
    match ask.rows(&format!("SELECT 1 FROM {} LIMIT 0", quoted(name, database))).await {
        Err(error) if error.is_lost() || error.is_contention() => Err(error),
        Err(error) if !error.code.as_deref().is_some_and(|code| DENIED.contains(&code)) => Ok(Some(error.message)),
        _ => Ok(None),
    }
}
