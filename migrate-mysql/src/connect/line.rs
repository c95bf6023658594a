//! The driver's connection, which says goodbye.
//!
//! What the driver itself does for a dropped connection stops short of that: its farewell finds the connection marked
//! as ended already. The server would then count and log every run as a client that broke off.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use mysql_async::Conn;

/// How long a farewell may take: where a result is still on its way nobody waits for its end.
const PATIENCE: Duration = Duration::from_millis(200);

/// A connection. Dropped in the middle of a statement it ends at once, else with a farewell on the runtime.
pub(crate) struct Line(Option<Conn>);

impl Line {
    pub(super) fn new(conn: Conn) -> Self {
        Self(Some(conn))
    }

    /// Ends it and waits until the farewell is sent.
    pub(crate) async fn close(mut self) {
        if let Some(conn) = self.0.take() {
            farewell(conn).await;
        }
    }
}

async fn farewell(conn: Conn) {
    // It is over also where the server does not hear of it.
    let _ = tokio::time::timeout(PATIENCE, conn.disconnect()).await;
}

impl Deref for Line {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        self.0.as_ref().expect("it is there until it is closed")
    }
}

impl DerefMut for Line {
    fn deref_mut(&mut self) -> &mut Conn {
        self.0.as_mut().expect("it is there until it is closed")
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(conn) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(farewell(conn));
        }
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("id", &self.0.as_ref().map(Conn::id)).finish()
    }
}
