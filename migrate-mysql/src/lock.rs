//! The lock of the migrations: `GET_LOCK`, a lock of the session.
//!
//! It is asked for and never waited for, so that whoever waits can say who has it. Where the server is one of several
//! that know nothing of each other's locks, it is a lease: [`crate::lease`].

use std::time::Duration;

use migrate_core::backend::{Fault, Holder, Locked, ServerError, TableName};
use sha2::{Digest, Sha256};

use crate::dialect::literal;
use crate::lease::Lease;
use crate::packet::script_of;
use crate::session::MysqlSession;

/// The most characters of a statement that are shown to those who wait.
const SHOWN: usize = 120;

pub(crate) async fn take(
    session: &mut MysqlSession<'_>,
    table: &TableName,
    owner: &str,
) -> Result<Locked, ServerError> {
    if session.facts().await?.cluster.is_some() {
        return Lease::take(session, table, owner).await;
    }
    let name = literal(&key(&session.home(table).await?));
    // A lock that is ours already would be taken once more, and had to be given back once more.
    let sql = format!(
        "SELECT IF(IS_USED_LOCK({name}) <=> CONNECTION_ID(), 1, GET_LOCK({name}, 0)), \
         IS_USED_LOCK({name}), CONNECTION_ID()"
    );
    let row = session.rows(&sql).await?.into_iter().next().unwrap_or_default();
    let cell = |column: usize| row.get(column).cloned().flatten();
    match (cell(0).as_deref(), cell(1), cell(2)) {
        (Some("1"), used, connection) if used == connection => Ok(Locked::Mine { fence: 0 }),
        (Some("0"), used, _) => Ok(Locked::HeldBy(holder(session, used).await?)),
        (Some(_), _, _) => {
            let mut error = ServerError::new(
                Fault::Unsupported,
                "the lock that was just taken is not held by this connection: something between here and the server \
                 gives its connections away",
            );
            error.hint = Some("use a direct connection to the server: --direct-url".to_owned());
            Err(error)
        }
        (None, _, _) => Err(ServerError::new(
            Fault::Refused,
            "the server could not say whether the lock is free: it is out of memory, or somebody ended the question",
        )),
    }
}

pub(crate) async fn give_back(session: &mut MysqlSession<'_>, table: &TableName) -> Result<(), ServerError> {
    if let Some(lease) = session.lease.take() {
        return lease.give_back(session).await;
    }
    let name = literal(&key(&session.home(table).await?));
    session.rows(&format!("SELECT RELEASE_LOCK({name})")).await.map(drop)
}

/// Locks belong to the whole server and their names have at most 64 characters, so a digest stands for the table and
/// its database.
fn key(home: &str) -> String {
    let digest = Sha256::digest(format!("migrate {home}"));
    digest.iter().take(16).fold("migrate-".to_owned(), |key, byte| format!("{key}{byte:02x}"))
}

/// What is known of the connection that has the lock.
async fn holder(session: &mut MysqlSession<'_>, connection: Option<String>) -> Result<Holder, ServerError> {
    let Some(connection) = connection.and_then(|id| id.parse::<u64>().ok()) else { return Ok(Holder::default()) };
    let sql = format!(
        "SELECT USER, HOST, COMMAND, LEFT(INFO, 1000), TIME FROM information_schema.PROCESSLIST WHERE ID = {connection}"
    );
    let row = session.rows(&sql).await?.into_iter().next().unwrap_or_default();
    let cell = |column: usize| row.get(column).cloned().flatten().filter(|text| !text.is_empty());
    let who = match (cell(0), cell(1)) {
        (Some(user), Some(host)) => format!("user {user} from {host}, connection {connection}"),
        // Without PROCESS only one's own connections are seen.
        _ => format!("connection {connection}"),
    };
    let runs = cell(2).is_some_and(|command| command != "Sleep");
    let running = cell(3).filter(|sql| runs && !is_ours(sql)).map(|sql| shown(&sql));
    let since = cell(4).filter(|_| runs).and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
    Ok(Holder { who, since, running })
}

/// What a run does for itself is not what it is waited for.
fn is_ours(sql: &str) -> bool {
    ["UPDATE `", "INSERT INTO `", "SELECT ", "SHOW WARNINGS", "START TRANSACTION", "COMMIT", "SET SESSION "]
        .iter()
        .any(|ours| sql.starts_with(ours))
}

/// The beginning of a statement, in one line. What a run of ours adds to a script is not shown.
pub(crate) fn shown(sql: &str) -> String {
    let line = script_of(sql).split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_lock_fits_into_what_the_server_takes() {
        let long = key(&format!("`{}`.`{}`", "d".repeat(64), "t".repeat(64)));
        assert_eq!(long.len(), 40);
        assert_ne!(long, key("`d`.`t`"));
    }

    #[test]
    fn only_the_script_is_shown() {
        assert_eq!(
            shown("alter table\n  t add c int;\nSHOW WARNINGS LIMIT 64;\nUPDATE `d`.`h` SET"),
            "alter table t add c int"
        );
        assert_eq!(shown(&"x".repeat(200)).chars().count(), SHOWN + 1);
    }
}
