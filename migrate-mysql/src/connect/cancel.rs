//! Stopping a statement on the server.

use std::fmt;
use std::thread;
use std::time::Duration;

use migrate_core::backend::{Canceller, Fault, ServerError};
use mysql_async::prelude::Queryable as _;

use super::Mysql;
use super::attempt::{Address, Attempt, IDENTITY};
use crate::error::chain;

/// How long asking may take where connecting may take for ever.
const PATIENCE: Duration = Duration::from_secs(30);
/// There is no such connection: it has ended, and its statement with it.
const NO_SUCH_THREAD: u16 = 1094;

/// Asks the server to stop what a connection runs, over another one of the same user.
#[derive(Clone)]
pub(crate) struct Cancel {
    to: Mysql,
    target: Target,
    /// The server, as messages name it.
    place: String,
}

/// Which connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) address: Address,
    pub(super) id: u64,
    /// What tells this server from others that answer at the same address: the number means nothing to them.
    pub(super) server: String,
}

impl Cancel {
    pub(super) fn new(to: Mysql, target: Target, place: String) -> Self {
        Self { to, target, place }
    }

    fn ask(&self) -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let patience = self.to.info.connect_timeout.unwrap_or(PATIENCE);
        runtime.block_on(async {
            match tokio::time::timeout(patience, self.kill()).await {
                Ok(answer) => answer,
                Err(_) => Err("it did not answer in time".to_owned()),
            }
        })
    }

    async fn kill(&self) -> Result<(), String> {
        let attempt = Attempt::new(&self.to, None).await.map_err(|problem| problem.error.to_string())?;
        let connected = attempt.connect(&self.target.address).await;
        let mut conn = connected.map_err(|problem| problem.error.to_string())?;
        let server: Option<String> =
            conn.query_first(format!("SELECT {IDENTITY}")).await.map_err(|error| chain(&error))?;
        if server.as_ref() != Some(&self.target.server) {
            return Err("another server answers there now".to_owned());
        }
        match conn.query_drop(format!("KILL QUERY {}", self.target.id)).await {
            Ok(()) => {}
            Err(mysql_async::Error::Server(refused)) if refused.code == NO_SUCH_THREAD => {}
            Err(error) => return Err(chain(&error)),
        }
        conn.close().await;
        Ok(())
    }
}

impl Canceller for Cancel {
    /// On a thread of its own: the caller's may be inside a runtime, which must not be blocked by another one.
    fn cancel(&self) -> Result<(), ServerError> {
        let asking = self.clone();
        let failed = |why: &str| {
            ServerError::new(Fault::Connect, format!("{} cannot be asked to stop the statement: {why}", self.place))
        };
        let thread = thread::Builder::new().name("migrate-cancel".to_owned()).spawn(move || asking.ask());
        let thread = thread.map_err(|error| failed(&error.to_string()))?;
        match thread.join() {
            Ok(answer) => answer.map_err(|why| failed(&why)),
            Err(_) => Err(failed("its thread panicked")),
        }
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancel").field("place", &self.place).field("id", &self.target.id).finish_non_exhaustive()
    }
}
