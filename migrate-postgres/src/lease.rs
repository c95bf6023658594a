//! The lock of the migrations behind a pooler that pools transactions: a row with an end and a fence.
//!
//! Nothing of a session lasts there, so no advisory lock does. The holder's row is extended by a connection of its own
//! that runs nothing else; every transaction of the holder locks the row while it is open and checks that its fence is
//! still there. Whoever waits takes the row only when it has run out *and* is not locked. So, other than with leases
//! that only have a clock, a holder whose process died keeps the lease for as long as its last transaction runs.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use migrate_core::backend::{Fault, Holder, Locked, ServerError, TableName};
use tokio::sync::oneshot;
use tokio_postgres::Client;

use crate::dialect::{literal, name};
use crate::session::PostgresSession;

/// For how long it is ours without a sign of life.
const LASTS: u32 = 20;
/// How often a sign of life is given.
const BEAT: Duration = Duration::from_secs(5);

/// A lease that is held. Dropped, it is given back by the connection that keeps it, as soon as the last transaction of
/// the working connection has ended: nobody else gets the row before that.
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

impl Lease {
    /// The table, quoted.
    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    pub(crate) fn fence(&self) -> u64 {
        self.fence
    }

    pub(crate) async fn take(
        session: &mut PostgresSession<'_>,
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
                "behind a transaction-mode pooler the lock needs a second connection, which a borrowed one cannot open",
            );
            error.hint = Some("migrate on a direct connection, or let migrate open its own".to_owned());
            return Err(error);
        };
        let leases = leases(session, table).await?;
        let rows = session.cells(&acquire(&leases, owner)).await?;
        let fence = rows.into_iter().flatten().next().flatten().and_then(|fence| fence.parse().ok());
        let Some(fence) = fence else { return Ok(Locked::HeldBy(holder(session, &leases).await?)) };
        // Not before it is ours: those who wait need no second connection.
        let link = origin.open().await?;
        let lost = Arc::new(AtomicBool::new(false));
        let (kept, dropped) = oneshot::channel();
        tokio::spawn(keep(link.client, leases.clone(), fence, dropped, Arc::clone(&lost)));
        session.lease = Some(Self { table: leases, fence, kept: Some(kept), lost });
        Ok(Locked::Mine { fence })
    }

    pub(crate) async fn give_back(mut self, session: &mut PostgresSession<'_>) -> Result<(), ServerError> {
        let given_back = session.cells(&release(&self.table, self.fence)).await.map(drop);
        self.kept = None;
        given_back
    }
}

fn release(leases: &str, fence: u64) -> String {
    format!(
        "UPDATE {leases} SET \"owner\" = NULL, \"expires_at\" = '-infinity' \
         WHERE \"component\" = '*' AND \"fence\" = {fence}"
    )
}

/// The table of leases, made if it is not there.
async fn leases(session: &mut PostgresSession<'_>, table: &TableName) -> Result<String, ServerError> {
    let home = session.home(table).await?;
    let schema = home.strip_suffix(&name(&table.name)).unwrap_or_default();
    let leases = format!("{schema}{}", name(&table_name(&table.name)));
    let there = format!("SELECT to_regclass({})", literal(&leases));
    if session.cells(&there).await?.into_iter().flatten().next().flatten().is_none() {
        // Two that create the same table at once meet in the catalog; a lock that ends with the transaction keeps them
        // apart, also behind a pooler.
        let sql = format!(
            "SELECT pg_advisory_xact_lock(hashtext({})); \
             CREATE TABLE IF NOT EXISTS {leases} (\"component\" text PRIMARY KEY, \"fence\" bigint NOT NULL, \
             \"owner\" text, \"since\" timestamptz, \"expires_at\" timestamptz NOT NULL); \
             INSERT INTO {leases} VALUES ('*', 0, NULL, NULL, '-infinity') ON CONFLICT DO NOTHING",
            literal(&leases)
        );
        session.cells(&sql).await?;
    }
    Ok(leases)
}

fn acquire(leases: &str, owner: &str) -> String {
    format!(
        "WITH free AS (SELECT \"component\" FROM {leases} WHERE \"component\" = '*' \
         AND \"expires_at\" < clock_timestamp() FOR UPDATE SKIP LOCKED) \
         UPDATE {leases} AS l SET \"fence\" = l.\"fence\" + 1, \"owner\" = {}, \"since\" = clock_timestamp(), \
         \"expires_at\" = clock_timestamp() + interval '{LASTS} s' FROM free WHERE l.\"component\" = free.\"component\" \
         RETURNING l.\"fence\"",
        literal(owner)
    )
}

async fn holder(session: &mut PostgresSession<'_>, leases: &str) -> Result<Holder, ServerError> {
    let sql = format!(
        "SELECT \"owner\", extract(epoch FROM clock_timestamp() - \"since\")::bigint FROM {leases} WHERE \"component\" = '*'"
    );
    let row = session.cells(&sql).await?.into_iter().next().unwrap_or_default();
    let cell = |column: usize| row.get(column).cloned().flatten();
    Ok(Holder {
        who: cell(0).unwrap_or_else(|| "somebody".to_owned()),
        since: cell(1).and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs),
        running: None,
    })
}

/// Gives signs of life until the lease is dropped or lost.
async fn keep(
    client: Client,
    leases: String,
    fence: u64,
    mut dropped: oneshot::Receiver<Infallible>,
    lost: Arc<AtomicBool>,
) {
    // A row that is locked is locked by a transaction of ours, which is a sign of life by itself.
    let beat = format!(
        "WITH mine AS (SELECT \"component\" FROM {leases} WHERE \"component\" = '*' AND \"fence\" = {fence} \
         FOR UPDATE SKIP LOCKED) \
         UPDATE {leases} AS l SET \"expires_at\" = clock_timestamp() + interval '{LASTS} s' FROM mine \
         WHERE l.\"component\" = mine.\"component\"; \
         SELECT 1 FROM {leases} WHERE \"component\" = '*' AND \"fence\" = {fence}"
    );
    loop {
        tokio::select! {
            _ = &mut dropped => {
                // A failure leaves it to the clock.
                let _ = client.simple_query(&release(&leases, fence)).await;
                return;
            }
            () = tokio::time::sleep(BEAT) => {}
        }
        let still_ours = match client.simple_query(&beat).await {
            Ok(messages) => !crate::session::cells(&messages).is_empty(),
            Err(_) => false,
        };
        if !still_ours {
            lost.store(true, Ordering::SeqCst);
            return;
        }
    }
}
