//! Who keeps a statement waiting, asked on a second connection while it waits.

use std::time::Duration;

use migrate_core::backend::{Blocker, Row};
use mysql_async::Conn;

use crate::connect::{Line, Mysql};
use crate::lock::shown;
use crate::session::rows;

/// After so many seconds an answer is not on its way any more.
const IDLE: u8 = 5;

/// A connection beside the working one, opened when it is first needed.
pub(crate) struct Side {
    origin: Mysql,
    conn: Option<Line>,
}

impl Side {
    pub(crate) fn of(origin: &Mysql) -> Self {
        Self { origin: origin.clone(), conn: None }
    }

    async fn conn(&mut self) -> Option<&mut Conn> {
        if self.conn.as_ref().is_none_or(|line| line.is_disconnected()) {
            self.conn = self.origin.open().await.ok().map(|link| link.conn);
        }
        self.conn.as_deref_mut()
    }

    async fn ask(&mut self, sql: &str) -> Option<Vec<Row>> {
        let answer = rows(self.conn().await?, sql).await;
        if answer.as_ref().is_err_and(migrate_core::backend::ServerError::is_lost) {
            self.conn = None;
        }
        answer.ok()
    }

    /// Stops the statement that `connection` runs.
    pub(crate) async fn stop(&mut self, connection: u32) {
        // That it cannot be stopped is seen by whoever waits for it.
        let _ = self.ask(&format!("KILL QUERY {connection}")).await;
    }

    /// Ends a session that has nothing to do while its client waits for an answer.
    ///
    /// Told to stop just between two statements of a packet, a server forgets the rest of it and does not say so.
    pub(crate) async fn end_if_idle(&mut self, connection: u32) {
        let idle = format!(
            "SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = {connection} AND COMMAND = 'Sleep' \
             AND TIME >= {IDLE}"
        );
        if self.ask(&idle).await.is_some_and(|rows| !rows.is_empty()) {
            // Whoever waits hears that the connection is gone.
            let _ = self.ask(&format!("KILL CONNECTION {connection}")).await;
        }
    }

    /// Who is in the way of a connection. That it cannot be told changes nothing for the statement that waits.
    ///
    /// Locks on definitions are in `performance_schema.metadata_locks` (MySQL, where it is on) and in
    /// `information_schema.metadata_lock_info` (MariaDB, with its plugin), locks on rows in the tables of InnoDB. Where
    /// none of them says it, transactions that are older than the wait are named: one of them it is.
    pub(crate) async fn blockers(&mut self, connection: u32, mariadb: bool, waited: Duration) -> Vec<Blocker> {
        let state = format!("SELECT STATE FROM information_schema.PROCESSLIST WHERE ID = {connection}");
        let state = self.ask(&state).await.and_then(|rows| rows.into_iter().next()?.into_iter().next()?);
        let definitions = state.as_deref().is_some_and(|state| state.starts_with("Waiting for table"));
        let ids = if definitions && !mariadb {
            self.ask(&format!(
                "SELECT DISTINCT h.PROCESSLIST_ID FROM performance_schema.metadata_locks w \
                 JOIN performance_schema.threads me ON me.THREAD_ID = w.OWNER_THREAD_ID \
                 JOIN performance_schema.metadata_locks g ON g.OBJECT_TYPE = w.OBJECT_TYPE \
                 AND g.OBJECT_SCHEMA <=> w.OBJECT_SCHEMA AND g.OBJECT_NAME <=> w.OBJECT_NAME \
                 AND g.LOCK_STATUS = 'GRANTED' AND g.OWNER_THREAD_ID <> w.OWNER_THREAD_ID \
                 JOIN performance_schema.threads h ON h.THREAD_ID = g.OWNER_THREAD_ID \
                 WHERE me.PROCESSLIST_ID = {connection} AND w.LOCK_STATUS = 'PENDING'"
            ))
            .await
        } else if definitions {
            self.ask(&format!(
                "SELECT DISTINCT THREAD_ID FROM information_schema.METADATA_LOCK_INFO WHERE THREAD_ID <> {connection} \
                 AND LOCK_TYPE = 'Table metadata lock'"
            ))
            .await
        } else if mariadb {
            self.ask(&format!(
                "SELECT b.trx_mysql_thread_id FROM information_schema.INNODB_LOCK_WAITS w \
                 JOIN information_schema.INNODB_TRX r ON r.trx_id = w.requesting_trx_id \
                 JOIN information_schema.INNODB_TRX b ON b.trx_id = w.blocking_trx_id \
                 WHERE r.trx_mysql_thread_id = {connection}"
            ))
            .await
        } else {
            self.ask(&format!(
                "SELECT h.PROCESSLIST_ID FROM performance_schema.data_lock_waits w \
                 JOIN performance_schema.threads me ON me.THREAD_ID = w.REQUESTING_THREAD_ID \
                 JOIN performance_schema.threads h ON h.THREAD_ID = w.BLOCKING_THREAD_ID \
                 WHERE me.PROCESSLIST_ID = {connection}"
            ))
            .await
        };
        let ids: Vec<u64> =
            ids.unwrap_or_default().into_iter().filter_map(|row| row.first()?.as_deref()?.parse().ok()).collect();
        if !ids.is_empty() {
            let ids = ids.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
            return self.named(&format!("p.ID IN ({ids})")).await;
        }
        if definitions {
            let since = waited.as_secs();
            return self
                .named(&format!(
                    "t.trx_mysql_thread_id IS NOT NULL AND p.ID <> {connection} \
                     AND t.trx_started <= NOW() - INTERVAL {since} SECOND"
                ))
                .await;
        }
        Vec::new()
    }

    async fn named(&mut self, which: &str) -> Vec<Blocker> {
        let columns = "p.ID, p.USER, p.HOST, p.COMMAND, p.TIME, LEFT(p.INFO, 1000)";
        let age = "TIMESTAMPDIFF(SECOND, t.trx_started, NOW())";
        let with = format!(
            "SELECT {columns}, {age}, LEFT(t.trx_query, 1000) FROM information_schema.PROCESSLIST p \
             LEFT JOIN information_schema.INNODB_TRX t ON t.trx_mysql_thread_id = p.ID WHERE {which} \
             ORDER BY t.trx_started LIMIT 10"
        );
        // Without PROCESS nothing is seen of the transactions of InnoDB.
        let rows = if let Some(rows) = self.ask(&with).await {
            rows
        } else {
            let without = format!("SELECT {columns} FROM information_schema.PROCESSLIST p WHERE {which} LIMIT 10");
            self.ask(&without).await.unwrap_or_default()
        };
        rows.iter().map(blocker).collect()
    }
}

fn blocker(row: &Row) -> Blocker {
    let cell = |column: usize| row.get(column).cloned().flatten().filter(|text| !text.is_empty());
    let user = cell(1).map(|user| format!(", user {user}")).unwrap_or_default();
    let host = cell(2).map(|host| format!(" from {host}")).unwrap_or_default();
    let idle = if cell(3).as_deref() == Some("Sleep") {
        let since = cell(4).map(|seconds| format!(" for {seconds} s")).unwrap_or_default();
        format!(", idle{since}")
    } else {
        String::new()
    };
    Blocker {
        who: format!("connection {}{user}{host}{idle}", cell(0).unwrap_or_default()),
        age: cell(6).and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs),
        query: cell(5).or_else(|| cell(7)).map(|sql| shown(&sql)),
    }
}
