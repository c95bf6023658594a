//! Stopping a statement on the server.

use std::fmt;
use std::io;
use std::thread;
use std::time::Duration;

use migrate_core::backend::{Canceller, Fault, ServerError};
use tokio_postgres::CancelToken;

use super::tls::Opening;
use crate::error::chain;

/// How long asking may take where connecting may take for ever.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks the server to stop what a connection runs, over a connection of its own with the same TLS.
#[derive(Clone)]
pub(crate) struct Cancel {
    token: CancelToken,
    opening: Opening,
    patience: Duration,
    /// The server, as messages name it.
    place: String,
}

impl Cancel {
    pub(super) fn new(token: CancelToken, opening: Opening, patience: Option<Duration>, place: String) -> Self {
        Self { token, opening, patience: patience.unwrap_or(PATIENCE), place }
    }

    fn ask(self) -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        runtime.block_on(async {
            match tokio::time::timeout(self.patience, self.opening.cancel(&self.token)).await {
                Ok(answer) => answer.map_err(|error| chain(&error)),
                Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).to_string()),
            }
        })
    }
}

impl Canceller for Cancel {
    /// On a thread of its own: the caller's may be inside a runtime, which must not be blocked by another one.
    fn cancel(&self) -> Result<(), ServerError> {
        let asking = self.clone();
        let failed = |why: &str| {
            ServerError::new(Fault::Connect, format!("{} cannot be asked to stop the statement: {why}", self.place))
        };
        let thread = thread::Builder::new().name("migrate-cancel".to_owned()).spawn(|| asking.ask());
        let thread = thread.map_err(|error| failed(&error.to_string()))?;
        match thread.join() {
            Ok(answer) => answer.map_err(|why| failed(&why)),
            Err(_) => Err(failed("its thread panicked")),
        }
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancel").field("place", &self.place).finish_non_exhaustive()
    }
}
