//! Stopping a run from another thread.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::backend::{Canceller, ServerError};

/// Stops a run from another thread, or from a signal handler's thread. Cloning gives another handle to the same run.
///
/// ```
/// let stop = migrate_core::apply::StopHandle::new();
/// let in_the_signal_thread = stop.clone();
/// in_the_signal_thread.stop();
/// assert!(stop.is_requested());
/// ```
#[derive(Clone, Default)]
pub struct StopHandle {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    requested: AtomicBool,
    canceller: Mutex<Option<Box<dyn Canceller>>>,
}

impl StopHandle {
    /// A handle that stops nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Finishes what has been sent, which is at most one window, and begins nothing else.
    pub fn stop(&self) {
        self.shared.requested.store(true, Ordering::SeqCst);
    }

    /// Also stops the statement that runs, on the server. The run ends when the server has confirmed it.
    ///
    /// # Errors
    /// If the server cannot be asked.
    pub fn cancel(&self) -> Result<(), ServerError> {
        self.stop();
        match &*self.shared.canceller.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(canceller) => canceller.cancel(),
            None => Ok(()),
        }
    }

    /// Whether somebody asked for a stop.
    pub fn is_requested(&self) -> bool {
        self.shared.requested.load(Ordering::SeqCst)
    }

    pub(crate) fn arm(&self, canceller: Option<Box<dyn Canceller>>) {
        *self.shared.canceller.lock().unwrap_or_else(PoisonError::into_inner) = canceller;
    }
}

impl std::fmt::Debug for StopHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StopHandle").field("requested", &self.is_requested()).finish_non_exhaustive()
    }
}
