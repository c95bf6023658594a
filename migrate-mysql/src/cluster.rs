//! What is peculiar about a node of a Galera cluster.
//!
//! | what | so |
//! |---|---|
//! | what another node committed is seen here a moment later; while a definition is carried out, when that has ended | whoever plans waits for it, but not for long: what the node has by then is no lie, only old |
//! | a wait for it ends with 1205 after half a minute, and nothing ends it sooner | a connection of its own waits |
//! | a definition of anybody ends transactions that are in its way, and the row of two nodes has one winner: 1213 | what is only ours is sent again; a script's transaction is the core's matter |
//! | a node without a majority says 1047 and does nothing, and 1180 where the majority goes away under a transaction | questions of ours wait until it is ready; under a script the connection counts as lost, so that it is looked what became of it |

use std::time::{Duration, Instant};

use migrate_core::backend::{Fault, ServerError};
use mysql_async::Conn;

use crate::packet::{Packet, Part, PartKind};
use crate::session::{MysqlSession, rows};

/// By this name [`Facts`](crate::observe::Facts) know it.
pub(crate) const GALERA: &str = "Galera";
/// Whatever the statement is, it sees what was committed anywhere before it.
pub(crate) const CAUSAL: &str = "SET SESSION wsrep_sync_wait = 15";
/// What it is outside of a lease.
pub(crate) const AS_USUAL: &str = "SET SESSION wsrep_sync_wait = @@GLOBAL.wsrep_sync_wait";

/// How long somebody waits for what others have committed.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a node may take until it is ready.
const GETS_READY: Duration = Duration::from_secs(30);
/// How often rows of ours are sent again.
pub(crate) const TRIES: u32 = 8;

/// A connection that waits for what was committed elsewhere. It says whether it came to that.
pub(crate) type CatchingUp = tokio::task::JoinHandle<bool>;

/// Whether the node has all that was committed anywhere before this was asked, or before it was asked first.
pub(crate) async fn caught_up(session: &mut MysqlSession<'_>) -> bool {
    let waits = session.catching_up.take().or_else(|| {
        let origin = session.origin.clone()?;
        Some(tokio::spawn(async move {
            let Ok(mut link) = origin.open().await else { return false };
            let waited = format!("{CAUSAL}; SELECT 1 FROM information_schema.SCHEMATA LIMIT 1");
            let caught_up = rows(&mut link.conn, &waited).await.is_ok();
            link.conn.close().await;
            caught_up
        }))
    });
    let Some(mut waits) = waits else { return false };
    if let Ok(caught_up) = tokio::time::timeout(PATIENCE, &mut waits).await {
        return caught_up.unwrap_or(false);
    }
    session.catching_up = Some(waits);
    false
}

/// Whether a node did not take a statement at all.
pub(crate) fn is_not_ready(error: &ServerError) -> bool {
    error.code.as_deref() == Some("1047") && error.message.contains("WSREP")
}

/// Waits until the node takes statements.
///
/// # Errors
/// If that takes too long.
pub(crate) async fn ready(conn: &mut Conn) -> Result<(), ServerError> {
    let began = Instant::now();
    loop {
        let ready = rows(conn, "SHOW STATUS LIKE 'wsrep_ready'").await?;
        if ready.iter().flatten().flatten().any(|text| text.eq_ignore_ascii_case("on")) {
            return Ok(());
        }
        if began.elapsed() > GETS_READY {
            let mut error = ServerError::new(
                Fault::Refused,
                "this node of the Galera cluster is not ready: it is not in step with the others, or they are no \
                 majority",
            );
            error.hint = Some("use another node, or try again when its wsrep_ready is ON".to_owned());
            return Err(error);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// What of a packet is to be sent again after its `failed`-th part met somebody else. `None` where something of the
/// script is in the transaction.
pub(crate) fn again(packet: &Packet, failed: usize) -> Option<Packet> {
    let opens = |part: &Part| part.kind == PartKind::Frame && &packet.sql[part.range.clone()] == crate::packet::BEGIN;
    let first = packet.parts[..=failed].iter().rposition(opens)?;
    let ours = |part: &Part| !matches!(part.kind, PartKind::Script | PartKind::Code | PartKind::Warnings);
    let ended = |part: &Part| part.kind == PartKind::Frame && &packet.sql[part.range.clone()] == crate::packet::COMMIT;
    let group = &packet.parts[first..=failed];
    if !group.iter().all(ours) || group[..group.len() - 1].iter().any(ended) {
        return None;
    }
    let start = packet.parts[first].range.start;
    let parts = packet.parts[first..]
        .iter()
        .map(|part| Part { range: part.range.start - start..part.range.end - start, ..part.clone() });
    Some(Packet { sql: packet.sql[start..].to_owned(), parts: parts.collect(), seams: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(parts: &[(&str, PartKind)]) -> Packet {
        let mut packet = Packet::default();
        for (sql, kind) in parts {
            if !packet.sql.is_empty() {
                packet.sql.push_str(";\n");
            }
            let start = packet.sql.len();
            packet.sql.push_str(sql);
            packet.parts.push(Part { range: start..packet.sql.len(), at: 0, kind: *kind, completes: true });
        }
        packet
    }

    #[test]
    fn only_what_is_ours_is_sent_again() {
        use PartKind::{Frame, Lease, Row, Script};
        let packet = packet(&[
            ("START TRANSACTION", Frame),
            ("insert", Script),
            ("COMMIT", Frame),
            ("alter table", Script),
            ("START TRANSACTION", Frame),
            ("extend", Lease),
            ("row", Row),
            ("COMMIT", Frame),
            ("alter again", Script),
        ]);
        assert_eq!(again(&packet, 1), None);
        assert_eq!(again(&packet, 2), None, "the script's part is gone with its transaction");
        assert_eq!(again(&packet, 3), None);
        for failed in 4..=7 {
            let again = again(&packet, failed).unwrap();
            assert_eq!(again.sql, "START TRANSACTION;\nextend;\nrow;\nCOMMIT;\nalter again");
            assert_eq!(again.parts.len(), 5);
            assert_eq!(&again.sql[again.parts[4].range.clone()], "alter again");
        }
        assert_eq!(again(&packet, 8), None);
    }
}
