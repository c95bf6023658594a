//! Stopping a statement: on request from another thread, or because it ran longer than it may.
//!
//! `sqlite3_interrupt` stops what runs at that instant and is forgotten when nothing does, so a request that falls
//! between two statements would be lost. A request is therefore remembered until the session has noticed it, and the
//! interrupt repeated until then.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use migrate_core::backend::{Canceller, Fault, ServerError};
use rusqlite::{Connection, InterruptHandle};

/// How often an interrupt is repeated until the session has noticed it.
const REPEAT: Duration = Duration::from_millis(5);
/// After that a request is left to be noticed without further interrupts, so that nobody waits for ever.
const PATIENCE: Duration = Duration::from_secs(2);

/// The session's end of it.
pub(crate) struct Interrupt {
    shared: Arc<Shared>,
    watched: bool,
}

struct Shared {
    handle: InterruptHandle,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
#[allow(clippy::struct_excessive_bools)] // independent facts that two threads tell each other
struct State {
    /// The session is inside a call that may be stopped.
    working: bool,
    /// A stop was asked for and not yet noticed.
    cancelled: bool,
    /// When the running statement has run long enough.
    deadline: Option<Instant>,
    /// The deadline passed.
    late: bool,
    /// The session is gone.
    closed: bool,
}

impl Interrupt {
    pub(crate) fn new(connection: &Connection) -> Self {
        Self {
            shared: Arc::new(Shared {
                handle: connection.get_interrupt_handle(),
                state: Mutex::default(),
                changed: Condvar::new(),
            }),
            watched: false,
        }
    }

    pub(crate) fn canceller(&self) -> Box<dyn Canceller> {
        Box::new(Stop(Arc::clone(&self.shared)))
    }

    /// The session starts a call that may be stopped.
    pub(crate) fn start(&self) {
        let mut state = self.shared.lock();
        state.working = true;
        state.cancelled = false;
    }

    /// The call is over.
    pub(crate) fn finish(&self) {
        let mut state = self.shared.lock();
        state.working = false;
        state.cancelled = false;
        self.shared.changed.notify_all();
    }

    /// Notices a stop that was asked for.
    pub(crate) fn check(&self) -> Result<(), ServerError> {
        let mut state = self.shared.lock();
        if !state.cancelled {
            return Ok(());
        }
        state.cancelled = false;
        self.shared.changed.notify_all();
        Err(ServerError::new(Fault::Cancelled, "stopped on request"))
    }

    /// The statement that follows may run this long; zero is for ever.
    pub(crate) fn arm(&mut self, limit: Duration) {
        if limit.is_zero() {
            return;
        }
        if !self.watched {
            let shared = Arc::clone(&self.shared);
            thread::spawn(move || watch(&shared));
            self.watched = true;
        }
        let mut state = self.shared.lock();
        state.deadline = Instant::now().checked_add(limit);
        state.late = false;
        self.shared.changed.notify_all();
    }

    /// The statement has ended: whether its time was up, and the stop noticed if there was one.
    pub(crate) fn disarm(&self) -> bool {
        let mut state = self.shared.lock();
        state.deadline = None;
        std::mem::take(&mut state.late)
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        state.working = false;
        state.deadline = None;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves five plain values, each true by itself.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Interrupts whatever is late. The state stays locked meanwhile, so a statement that has ended is never hit.
fn watch(shared: &Shared) {
    let mut state = shared.lock();
    while !state.closed {
        state = match state.deadline {
            None => shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    state.late = true;
                    shared.handle.interrupt();
                    shared.wait(state, REPEAT)
                } else {
                    shared.wait(state, left)
                }
            }
        };
    }
}

struct Stop(Arc<Shared>);

impl Canceller for Stop {
    fn cancel(&self) -> Result<(), ServerError> {
        let mut state = self.0.lock();
        if !state.working {
            return Ok(());
        }
        state.cancelled = true;
        let asked = Instant::now();
        while state.working && state.cancelled && asked.elapsed() < PATIENCE {
            self.0.handle.interrupt();
            state = self.0.wait(state, REPEAT);
        }
        Ok(())
    }
}
