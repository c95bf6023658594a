//! The lock of the migrations on a cluster whose nodes know nothing of each other's locks: a row with an end and a fence.
//!
//! On Galera `GET_LOCK` is granted on every node at once, but a row has one winner: whoever commits second is told that
//! there was a deadlock. The holder's row is extended by a connection of its own that runs nothing else, and by every
//! row of the history that it writes, in the same transaction. So a run that lost its lease writes nothing any more: its
//! transaction meets the one that took the lease.
//!
//! A definition is ordered among all transactions of the cluster when it begins. Whoever takes the lease commits behind
//! it, and finds what it did; what an orphaned packet wants to do after it, it does not do without the lease.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use migrate_core::backend::{Fault, Holder, Locked, ServerError, TableName};
use tokio::sync::oneshot;

use crate::dialect::{literal, name};
use crate::session::{MysqlSession, rows};

/// For how many seconds it is ours without a sign of life.
const LASTS: u32 = 20;
/// How often a sign of life is given.
const BEAT: Duration = Duration::from_secs(5);
/// How many beats may fail, one after the other, before the lease counts as lost.
const MISSED: u32 = 3;

/// A lease that is held. Dropped, it is given back by the connection that keeps it.
#[derive(Debug)]
pub(crate) struct Lease {
    table: String,
    fence: u64,
    /// Its end wakes the connection that keeps the lease.
    kept: Option<oneshot::Sender<Infallible>>,
    lost: Arc<AtomicBool>,
}

/// The table of leases beside a history table.
pub(crate) fn table_name(history: &str) -> String {
    format!("{history}_lock")
}

/// The statement that extends a lease, and changes no row where it has passed on.
pub(crate) fn extend(leases: &str, fence: u64) -> String {
    format!(
        "UPDATE {leases} SET `expires_at` = UTC_TIMESTAMP(6) + INTERVAL {LASTS} SECOND \
         WHERE `component` = '*' AND `fence` = {fence}"
    )
}

fn release(leases: &str, fence: u64) -> String {
    format!(
        "UPDATE {leases} SET `owner` = NULL, `expires_at` = '1970-01-01' WHERE `component` = '*' AND `fence` = {fence}"
    )
}

impl Lease {
    /// The table, quoted.
    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    pub(crate) fn fence(&self) -> u64 {
        self.fence
    }

    pub(crate) async fn take(
        session: &mut MysqlSession<'_>,
        table: &TableName,
        owner: &str,
    ) -> Result<Locked, ServerError> {
        if let Some(lease) = &session.lease
            && !lease.lost.load(Ordering::SeqCst)
        {
            return Ok(Locked::Mine { fence: lease.fence });
        }
        session.lease = None;
        let Some(origin) = session.origin.clone() else {
            let mut error = ServerError::new(
                Fault::Unsupported,
                "on a cluster the lock needs a second connection, which a borrowed one cannot open",
            );
            error.hint = Some("let migrate open its own connection".to_owned());
            return Err(error);
        };
        let leases = leases(session, table).await?;
        let Some(fence) = acquire(session, &leases, owner).await? else {
            return Ok(Locked::HeldBy(holder(session, &leases).await?));
        };
        let link = origin.open().await?;
        let lost = Arc::new(AtomicBool::new(false));
        let (kept, dropped) = oneshot::channel();
        tokio::spawn(keep(link.conn, leases.clone(), fence, dropped, Arc::clone(&lost)));
        session.lease = Some(Self { table: leases, fence, kept: Some(kept), lost });
        Ok(Locked::Mine { fence })
    }

    pub(crate) async fn give_back(mut self, session: &mut MysqlSession<'_>) -> Result<(), ServerError> {
        let given_back = session.rows(&release(&self.table, self.fence)).await.map(drop);
        self.kept = None;
        given_back
    }
}

/// The table of leases, made if it is not there.
async fn leases(session: &mut MysqlSession<'_>, table: &TableName) -> Result<String, ServerError> {
    let database = session.database_of(table).await?;
    let leases = format!("{}.{}", name(&database), name(&table_name(&table.name)));
    let there = format!("SELECT 1 FROM {leases} WHERE `component` = '*'");
    if session.rows(&there).await.is_ok_and(|rows| !rows.is_empty()) {
        return Ok(leases);
    }
    let make = format!(
        "CREATE TABLE IF NOT EXISTS {leases} (`component` VARCHAR(191) NOT NULL PRIMARY KEY, \
         `fence` BIGINT UNSIGNED NOT NULL, `owner` VARCHAR(500), `since` DATETIME(6), `expires_at` DATETIME(6) NOT NULL) \
         ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"
    );
    session.rows(&make).await?;
    let fill =
        format!("INSERT IGNORE INTO {leases} (`component`, `fence`, `expires_at`) VALUES ('*', 0, '1970-01-01')");
    match session.rows(&fill).await {
        // Somebody on another node was faster.
        Err(error) if error.is_contention() => {}
        answer => drop(answer?),
    }
    Ok(leases)
}

/// Takes it if it has run out; `None` where somebody has it, or was faster.
async fn acquire(session: &mut MysqlSession<'_>, leases: &str, owner: &str) -> Result<Option<u64>, ServerError> {
    let take = format!(
        "UPDATE {leases} SET `fence` = LAST_INSERT_ID(`fence` + 1), `owner` = {}, `since` = UTC_TIMESTAMP(6), \
         `expires_at` = UTC_TIMESTAMP(6) + INTERVAL {LASTS} SECOND \
         WHERE `component` = '*' AND `expires_at` < UTC_TIMESTAMP(6)",
        literal(owner)
    );
    match session.affected(&take).await {
        Ok(0) => Ok(None),
        Ok(_) => {
            let fence = session.rows("SELECT LAST_INSERT_ID()").await?;
            Ok(fence.into_iter().flatten().next().flatten().and_then(|fence| fence.parse().ok()))
        }
        Err(error) if error.is_contention() => Ok(None),
        Err(error) => Err(error),
    }
}

async fn holder(session: &mut MysqlSession<'_>, leases: &str) -> Result<Holder, ServerError> {
    let sql = format!(
        "SELECT `owner`, TIMESTAMPDIFF(SECOND, `since`, UTC_TIMESTAMP(6)) FROM {leases} WHERE `component` = '*'"
    );
    let row = session.rows(&sql).await?.into_iter().next().unwrap_or_default();
    let cell = |column: usize| row.get(column).cloned().flatten();
    Ok(Holder {
        who: cell(0).unwrap_or_else(|| "somebody".to_owned()),
        since: cell(1).and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs),
        running: None,
    })
}

/// Gives signs of life until the lease is dropped or lost.
async fn keep(
    mut conn: crate::connect::Line,
    leases: String,
    fence: u64,
    mut dropped: oneshot::Receiver<Infallible>,
    lost: Arc<AtomicBool>,
) {
    let ours = format!("SELECT 1 FROM {leases} WHERE `component` = '*' AND `fence` = {fence}");
    let mut missed = 0;
    loop {
        tokio::select! {
            _ = &mut dropped => {
                // A failure leaves it to the clock.
                let _ = rows(&mut conn, &release(&leases, fence)).await;
                conn.close().await;
                return;
            }
            () = tokio::time::sleep(BEAT) => {}
        }
        let beat = match rows(&mut conn, &extend(&leases, fence)).await {
            Ok(_) => rows(&mut conn, &ours).await,
            error => error,
        };
        match beat {
            Ok(rows) if rows.is_empty() => break,
            Ok(_) => missed = 0,
            // The working connection may have the row, which is a sign of life by itself.
            Err(error) if error.is_contention() && missed < MISSED => missed += 1,
            Err(_) => break,
        }
    }
    lost.store(true, Ordering::SeqCst);
}
