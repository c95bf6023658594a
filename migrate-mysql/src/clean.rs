//! What scripts leave in a session, and how it is taken away without losing the lock.
//!
//! The server's own way, `COM_RESET_CONNECTION`, releases the lock of the migrations. So the variables are compared with
//! what they were, and those that differ are put back.

use std::collections::BTreeMap;

use migrate_core::backend::{Notice, Row, ServerError};

use crate::dialect::{assignment, name};
use crate::session::MysqlSession;

/// Variables that are not settings, or cannot be given back a value.
const NO_SETTINGS: &[&str] = &[
    "error_count",
    "gtid_binlog_state",
    "gtid_current_pos",
    "gtid_executed",
    "gtid_next",
    "gtid_owned",
    "identity",
    "in_predicate_conversion_threshold",
    "in_transaction",
    "insert_id",
    "last_gtid",
    "last_insert_id",
    "proxy_user",
    "pseudo_slave_mode",
    "pseudo_thread_id",
    "rand_seed1",
    "rand_seed2",
    "resultset_metadata",
    "rowid_merge_buff_size",
    "skip_replication",
    "statement_id",
    "timestamp",
    "transaction_allow_batching",
    "warning_count",
    "wsrep_last_written_gtid",
];

/// The settings among the answers to `SHOW SESSION VARIABLES`.
pub(crate) fn settings(rows: Vec<Row>) -> BTreeMap<String, String> {
    let pair = |row: Row| {
        let mut cells = row.into_iter();
        Some((cells.next()??.to_ascii_lowercase(), cells.next()?.unwrap_or_default()))
    };
    rows.into_iter().filter_map(pair).filter(|(name, _)| !NO_SETTINGS.contains(&name.as_str())).collect()
}

impl MysqlSession<'_> {
    /// All variables of the session.
    async fn variables(&mut self) -> Result<BTreeMap<String, String>, ServerError> {
        Ok(settings(self.rows("SHOW SESSION VARIABLES").await?))
    }

    /// Before anything that may change any variable: what all of them are. To show them all takes a server more than a
    /// table does, so it is not asked for nothing.
    pub(crate) async fn know_variables(&mut self) -> Result<(), ServerError> {
        if !std::mem::replace(&mut self.knows_variables, true) {
            let known = std::mem::take(&mut self.base);
            self.base = self.variables().await?;
            // Those may have been set by us since.
            self.base.extend(known);
        }
        Ok(())
    }

    /// Takes away what scripts left in our own session. On a borrowed one only what we set is put back, and the rest is
    /// told.
    pub(crate) async fn clean(
        &mut self,
        ours: &BTreeMap<String, String>,
        notices: &mut (dyn FnMut(Notice) + Send),
    ) -> Result<(), ServerError> {
        let borrowed = self.is_borrowed();
        self.standing.in_force.clear();
        if !borrowed {
            self.rows("ROLLBACK").await?;
            self.rows("UNLOCK TABLES").await?;
            for table in std::mem::take(&mut self.temporary) {
                self.rows(&format!("DROP TEMPORARY TABLE IF EXISTS {table}")).await?;
            }
            let unset: Vec<_> =
                std::mem::take(&mut self.user_variables).iter().map(|name| format!("@{name} = NULL")).collect();
            if !unset.is_empty() {
                self.rows(&format!("SET {}", unset.join(", "))).await?;
            }
            if let Some(database) = self.conn.opts().db_name().map(str::to_owned) {
                let now = self.rows("SELECT DATABASE()").await?.into_iter().flatten().next().flatten();
                if now.as_deref() != Some(database.as_str()) {
                    self.rows(&format!("USE {}", name(&database))).await?;
                }
            }
        }
        let now = self.variables().await?;
        let differs = |(name, _): &(&String, &String)| now.get(*name).is_some_and(|value| self.base[*name] != *value);
        let changed: Vec<(String, String)> =
            self.base.iter().filter(differs).map(|(name, value)| (name.clone(), value.clone())).collect();
        for (variable, value) in changed {
            if borrowed && !ours.contains_key(&variable) {
                let now = now.get(&variable).cloned().unwrap_or_default();
                notices(Notice {
                    level: "WARNING".to_owned(),
                    message: format!(
                        "a script set {variable} to '{now}' for the rest of the session, which is not ours"
                    ),
                });
                self.base.insert(variable, now);
                continue;
            }
            // What is empty is NULL where it is a character set, and a text where it is a mode.
            let value = if value.is_empty() && variable.starts_with("character_set") { "NULL" } else { &value };
            match self.rows(&format!("SET {}", assignment(&variable, value))).await {
                Err(error) if error.is_lost() => return Err(error),
                // A variable that nobody can set was changed by the server itself.
                _ => {}
            }
        }
        Ok(())
    }
}
