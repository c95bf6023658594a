//! The lock of the migrations: an advisory lock of the session.
//!
//! It is asked for and never waited for: a session that waits inside `pg_advisory_lock()` holds a snapshot, and a
//! concurrent index build of the lock's holder would wait for that.

use std::time::Duration;

use migrate_core::backend::{Fault, Holder, Locked, ServerError, TableName};
use sha2::{Digest, Sha256};

use crate::blockers::HIDDEN;
use crate::dialect::{CHECK, Scope, assignment};
use crate::lease::Lease;
use crate::session::{Handle, PostgresSession};

/// The most characters of a statement that are shown to those who wait.
const SHOWN: usize = 120;

pub(crate) async fn take(
    session: &mut PostgresSession<'_>,
    table: &TableName,
    owner: &str,
) -> Result<Locked, ServerError> {
    if session.facts().await?.pooled {
        return Lease::take(session, table, owner).await;
    }
    let key = key(&session.home(table).await?);
    // In this order: whoever is asked who has the lock should find the name there.
    let mut sql = format!("SELECT pg_try_advisory_lock({key})");
    if session.is_joined() {
        // Before the transaction ends nobody else can see what it did.
        sql = format!("SELECT pg_try_advisory_xact_lock({key})");
    }
    if let Handle::Own(_) = session.client {
        session.owner = Some(owner.to_owned());
        let named = assignment("application_name", &session.application_name(owner), Scope::Session);
        sql = format!("{named};\n{sql}");
    }
    // Whoever stops waiting for the answer must still know that there may be something to give back.
    session.locked = !session.is_joined();
    let taken = session.cells(&sql).await?.into_iter().flatten().next().flatten();
    let holders = holders(session, key).await?;
    if taken.as_deref() != Some("t") {
        session.locked = false;
        return Ok(Locked::HeldBy(holders.into_iter().next().map(|(_, holder)| holder).unwrap_or_default()));
    }
    let backend = session.facts().await?.backend;
    if holders.iter().any(|(holder, _)| *holder == backend) {
        return Ok(Locked::Mine { fence: 0 });
    }
    let mut error = ServerError::new(
        Fault::Unsupported,
        "the lock that was just taken is not held by this connection: something between here and the server \
         gives its connections away",
    );
    error.hint = Some("use a direct connection to the server: --direct-url".to_owned());
    Err(error)
}

pub(crate) async fn give_back(session: &mut PostgresSession<'_>, table: &TableName) -> Result<(), ServerError> {
    if let Some(lease) = session.lease.take() {
        return lease.give_back(session).await;
    }
    if session.is_joined() {
        return Ok(());
    }
    let unlocking = unlocking(&session.home(table).await?);
    session.cells(&unlocking).await?;
    session.locked = false;
    Ok(())
}

/// What gives the lock on a history back.
pub(crate) fn unlocking(home: &str) -> String {
    format!("SELECT pg_advisory_unlock({})", key(home))
}

/// Advisory locks are a database's own, so the table says it all.
fn key(home: &str) -> i64 {
    let digest = Sha256::digest(format!("migrate {home}"));
    digest.iter().take(8).fold(0, |key, byte| key << 8 | i64::from(*byte))
}

/// Who holds the lock: the process that serves them, and what is known of them.
async fn holders(session: &mut PostgresSession<'_>, key: i64) -> Result<Vec<(i32, Holder)>, ServerError> {
    // `objsubid` 1 marks a key of 64 bits, which is kept in two halves.
    let sql = format!(
        "SELECT l.pid, a.application_name, a.usename, host(a.client_addr), \
         extract(epoch FROM clock_timestamp() - a.backend_start)::bigint, a.state, left(a.query, 1000) \
         FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid \
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 \
         AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
         AND (l.classid::bigint << 32 | l.objid::bigint) = {key}"
    );
    let rows = session.cells(&sql).await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let cell = |column: usize| row.get(column).cloned().flatten().filter(|text| !text.is_empty());
            let pid = cell(0).unwrap_or_default();
            let mut who = cell(1).or_else(|| cell(2)).unwrap_or_else(|| "somebody".to_owned());
            if let (Some(_), Some(user)) = (cell(1), cell(2)) {
                who = format!("{who} (user {user})");
            }
            if let Some(address) = cell(3) {
                who = format!("{who} from {address}");
            }
            let since = cell(4).and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
            let query = cell(6).filter(|sql| sql != HIDDEN);
            let running = cell(5).filter(|state| state == "active").and(query).map(|sql| shown(&sql));
            let holder = Holder { who: format!("{who}, process {pid}"), since, running };
            (pid.parse().unwrap_or_default(), holder)
        })
        .collect())
}

/// The beginning of a statement, in one line. What a run of ours adds to a script is not shown.
pub(crate) fn shown(sql: &str) -> String {
    let script = sql.split(CHECK).next().unwrap_or_default().trim_end().trim_end_matches(';');
    let line = script.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}
