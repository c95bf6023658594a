//! Who keeps a statement waiting, asked on a second connection while it waits.

use std::time::Duration;

use migrate_core::backend::Blocker;
use tokio_postgres::Client;

use crate::connect::Postgres;
use crate::lock::shown;
use crate::session::cells;

/// What the server shows of others' statements to those who may not see them.
pub(crate) const HIDDEN: &str = "<insufficient privilege>";
const WHO_MAY_SEE: &str = "what it runs is shown to members of pg_read_all_stats";

/// A connection beside the working one, opened when it is first needed.
pub(crate) struct Side {
    origin: Postgres,
    client: Option<Client>,
}

impl Side {
    pub(crate) fn of(origin: &Postgres) -> Self {
        Self { origin: origin.clone(), client: None }
    }

    /// Who is in the way of a server process. That it cannot be told changes nothing for the statement that waits.
    pub(crate) async fn blockers(&mut self, backend: i32) -> Vec<Blocker> {
        if self.client.as_ref().is_none_or(Client::is_closed) {
            self.client = self.origin.open().await.ok().map(|link| link.client);
        }
        let Some(client) = &self.client else { return Vec::new() };
        let sql = format!(
            "SELECT a.pid, a.usename, a.application_name, \
             extract(epoch FROM clock_timestamp() - a.xact_start)::float8, left(a.query, 1000), a.state \
             FROM pg_stat_activity a WHERE a.pid = ANY (pg_blocking_pids({backend})) ORDER BY a.xact_start"
        );
        let Ok(messages) = client.simple_query(&sql).await else { return Vec::new() };
        cells(&messages)
            .into_iter()
            .map(|row| {
                let cell = |column: usize| row.get(column).cloned().flatten().filter(|text| !text.is_empty());
                let hidden = (cell(4).as_deref() == Some(HIDDEN)).then(|| WHO_MAY_SEE.to_owned());
                let cell = |column: usize| cell(column).filter(|text| text != HIDDEN);
                let application = cell(2).map(|name| format!(", {name}")).unwrap_or_default();
                let user = cell(1).map(|name| format!(", user {name}")).unwrap_or_default();
                let state =
                    cell(5).filter(|state| state != "active").map(|state| format!(", {state}")).unwrap_or_default();
                Blocker {
                    who: format!("process {}{user}{application}{state}", cell(0).unwrap_or_default()),
                    age: cell(3).and_then(|age| age.parse().ok()).and_then(|age| Duration::try_from_secs_f64(age).ok()),
                    query: cell(4).map(|sql| shown(&sql)).or_else(|| hidden.clone()),
                }
            })
            .collect()
    }
}
