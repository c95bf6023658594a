//! The lock of the migrations on a cluster whose nodes know nothing of each other's locks: a row with an end and a fence.
//!
//! On Galera `GET_LOCK` is granted on every node at once, but a row has one winner: whoever commits second is told that
//! there was a deadlock. The holder's row is extended by a connection of its own that runs nothing else, and by every
//! row of the history that it writes, in the same transaction. So a run that lost its lease writes nothing any more: its
//! transaction meets the one that took the lease.
//!
//! A definition is ordered among all transactions of the cluster when it begins. Whoever takes the lease commits behind
//! it, and finds what it did; what an orphaned packet wants to do after it, it does not do without the lease.
//!
//! While a definition is carried out nobody can extend anything, however much alive. So that a lease has run out is not
//! enough: it is taken when nothing has happened to it for a while, seen by a node that had caught up each time. That
//! also bears clocks that differ.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use migrate_core::backend::{Fault, Holder, Locked, ServerError, TableName};
use tokio::sync::oneshot;

use crate::cluster::{self, AS_USUAL, CAUSAL, GALERA};
use crate::connect::{Line, Mysql};
use crate::dialect::{literal, name};
use crate::session::{MysqlSession, rows};

/// For how many seconds it is ours without a sign of life.
const LASTS: u32 = 15;
/// How often a sign of life is given.
const BEAT: Duration = Duration::from_secs(4);
/// For how long somebody else must have seen none after that, longer than a beat.
const QUIET: Duration = Duration::from_secs(8);

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
        let galera = session.facts().await?.cluster == Some(GALERA);
        let leases = leases(session, table).await?;
        let mut found = look(session, &leases).await?;
        if !found.free && found.expired {
            if galera && !cluster::caught_up(session).await {
                session.quiet = None;
                return Ok(Locked::HeldBy(found.holder));
            }
            found = look(session, &leases).await?;
        }
        if !found.free && (!found.expired || !is_quiet(session, &found)) {
            return Ok(Locked::HeldBy(found.holder));
        }
        if !acquire(session, &leases, &found, owner).await? {
            return Ok(Locked::HeldBy(found.holder));
        }
        let fence = found.fence + 1;
        if galera {
            session.rows(CAUSAL).await?;
            // That is what it is put back to after a script.
            if let Some(base) = session.base.get_mut("wsrep_sync_wait") {
                "15".clone_into(base);
            }
        }
        let lost = Arc::new(AtomicBool::new(false));
        let (kept, dropped) = oneshot::channel();
        let keeper = Keeper { origin, galera, leases: leases.clone(), fence, lost: Arc::clone(&lost) };
        let line = keeper.open().await?;
        tokio::spawn(keeper.keep(line, dropped));
        session.lease = Some(Self { table: leases, fence, kept: Some(kept), lost });
        Ok(Locked::Mine { fence })
    }

    pub(crate) async fn give_back(mut self, session: &mut MysqlSession<'_>) -> Result<(), ServerError> {
        let given_back = session.rows(&release(&self.table, self.fence)).await.map(drop);
        self.kept = None;
        if session.facts().await?.cluster == Some(GALERA) {
            session.rows(AS_USUAL).await?;
        }
        given_back
    }
}

/// A lease as somebody else sees it, and since when it looks like that.
pub(crate) type Quiet = (u64, String, Instant);

/// What is in the row.
struct Found {
    fence: u64,
    expires_at: String,
    /// It was given back, or never taken.
    free: bool,
    expired: bool,
    holder: Holder,
}

async fn look(session: &mut MysqlSession<'_>, leases: &str) -> Result<Found, ServerError> {
    let sql = format!(
        "SELECT `fence`, `expires_at`, `owner` IS NULL, `expires_at` < UTC_TIMESTAMP(6), `owner`, \
         TIMESTAMPDIFF(SECOND, `since`, UTC_TIMESTAMP(6)) FROM {leases} WHERE `component` = '*'"
    );
    let row = session.rows(&sql).await?.into_iter().next().unwrap_or_default();
    let cell = |column: usize| row.get(column).cloned().flatten();
    Ok(Found {
        fence: cell(0).and_then(|fence| fence.parse().ok()).unwrap_or_default(),
        expires_at: cell(1).unwrap_or_default(),
        free: cell(2).as_deref() == Some("1"),
        expired: cell(3).as_deref() == Some("1"),
        holder: Holder {
            who: cell(4).unwrap_or_else(|| "somebody".to_owned()),
            since: cell(5).and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs),
            running: None,
        },
    })
}

/// Whether it has looked like that for long enough.
fn is_quiet(session: &mut MysqlSession<'_>, found: &Found) -> bool {
    match &session.quiet {
        Some((fence, expires_at, since)) if (*fence, expires_at) == (found.fence, &found.expires_at) => {
            since.elapsed() >= QUIET
        }
        _ => {
            session.quiet = Some((found.fence, found.expires_at.clone(), Instant::now()));
            false
        }
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

/// Takes it as it was found; `false` where somebody was faster.
async fn acquire(
    session: &mut MysqlSession<'_>,
    leases: &str,
    found: &Found,
    owner: &str,
) -> Result<bool, ServerError> {
    let take = format!(
        "UPDATE {leases} SET `fence` = `fence` + 1, `owner` = {}, `since` = UTC_TIMESTAMP(6), \
         `expires_at` = UTC_TIMESTAMP(6) + INTERVAL {LASTS} SECOND \
         WHERE `component` = '*' AND `fence` = {} AND `expires_at` = {}",
        literal(owner),
        found.fence,
        literal(&found.expires_at)
    );
    match session.affected(&take).await {
        Ok(rows) => Ok(rows > 0),
        Err(error) if error.is_contention() => Ok(false),
        Err(error) => Err(error),
    }
}

/// What gives signs of life.
struct Keeper {
    origin: Mysql,
    galera: bool,
    leases: String,
    fence: u64,
    lost: Arc<AtomicBool>,
}

impl Keeper {
    async fn open(&self) -> Result<Line, ServerError> {
        let mut line = self.origin.open().await?.conn;
        if self.galera {
            // It may be another node.
            rows(&mut line, CAUSAL).await?;
        }
        Ok(line)
    }

    /// Until the lease is dropped or lost. A beat that fails is missed: the next one may do.
    async fn keep(self, line: Line, mut dropped: oneshot::Receiver<Infallible>) {
        let mut line = Some(line);
        loop {
            tokio::select! {
                _ = &mut dropped => {
                    if let Some(mut line) = line {
                        // A failure leaves it to the clock.
                        let _ = rows(&mut line, &release(&self.leases, self.fence)).await;
                        line.close().await;
                    }
                    return;
                }
                () = tokio::time::sleep(BEAT) => {}
            }
            let Some(open) = line.as_mut() else {
                line = self.open().await.ok();
                continue;
            };
            match rows(open, &extend(&self.leases, self.fence)).await {
                Ok(_) if open.affected_rows() == 0 => break,
                Err(error) if error.is_lost() => line = None,
                _ => {}
            }
        }
        self.lost.store(true, Ordering::SeqCst);
    }
}
