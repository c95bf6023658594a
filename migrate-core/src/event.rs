//! What happened, as it happens. Everything a run shows is one of these; nothing else is printed or logged.

#[cfg(feature = "tracing")]
pub mod tracing;

use std::time::Duration;

use crate::backend::{Blocker, Holder, Notice, Server, ServerError};
use crate::diagnostic::Diagnostic;
use crate::plan::{Plan, Step};

/// What happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A connection is open and was asked about itself.
    Connected {
        /// What it said.
        server: &'a Server,
    },
    /// Somebody else has the lock.
    Waiting {
        /// Who.
        holder: &'a Holder,
        /// Since when we wait.
        waited: Duration,
    },
    /// This is going to be done.
    Planned {
        /// All of it.
        plan: &'a Plan,
    },
    /// A doubt about an earlier run was decided.
    Settled {
        /// The step that goes on.
        step: &'a Step,
        /// The statement, from 1.
        statement: usize,
        /// Whether it had run.
        ran: bool,
        /// By which evidence.
        evidence: &'a str,
    },
    /// A step begins.
    StepStarted {
        /// Which.
        step: &'a Step,
    },
    /// A statement was sent.
    StatementStarted {
        /// Of which step.
        step: &'a Step,
        /// Which, from 1.
        statement: usize,
    },
    /// A statement was acknowledged.
    StatementFinished {
        /// Of which step.
        step: &'a Step,
        /// Which, from 1.
        statement: usize,
        /// Rows it affected, where the server says so.
        rows: Option<u64>,
    },
    /// A range of a batch was committed.
    Batch {
        /// Of which step.
        step: &'a Step,
        /// Which statement, from 1.
        statement: usize,
        /// Keys or rounds done.
        done: u64,
        /// Keys in all; unknown for `until-empty`.
        total: Option<u64>,
        /// Rows affected in this run.
        rows: u64,
    },
    /// Code goes on with an attempt that did not come to its end.
    Resumed {
        /// The step that goes on.
        step: &'a Step,
        /// What it does with what is there: `goes on at checkpoint 42`.
        how: &'a str,
    },
    /// Code says how far it has come.
    Progress {
        /// Of which step.
        step: &'a Step,
        /// So much is done, in whatever it counts.
        done: u64,
        /// Of so much in all, where it knows.
        total: Option<u64>,
    },
    /// The server remarked something.
    Noticed {
        /// During which step.
        step: Option<&'a Step>,
        /// What.
        notice: &'a Notice,
    },
    /// A statement is waiting for somebody's lock.
    Blocked {
        /// Of which step.
        step: &'a Step,
        /// Which, from 1; `None` where it is the transaction or the row of the step that waits.
        statement: Option<usize>,
        /// Who is in the way.
        blockers: &'a [Blocker],
        /// For how long it has been waiting.
        waited: Duration,
    },
    /// Somebody was in the way; the step is tried again.
    Retry {
        /// Which step.
        step: &'a Step,
        /// How many tries there were.
        attempt: u32,
        /// When the next one is.
        next_in: Duration,
        /// When no more is made.
        give_up_in: Duration,
        /// What the server said, with the blockers.
        error: &'a ServerError,
    },
    /// A step is complete and committed.
    StepFinished {
        /// Which.
        step: &'a Step,
        /// How long it took.
        elapsed: Duration,
    },
    /// The connection was lost in the middle of the run, which goes on with another one.
    Reconnecting {
        /// What was said when it was lost, or why there is no other yet.
        error: &'a ServerError,
        /// How many tries there were, this one counted.
        attempt: u32,
        /// When it is made.
        next_in: Duration,
    },
    /// Something worth knowing.
    Remark {
        /// What.
        diagnostic: &'a Diagnostic,
    },
}

/// Told what happens, in order, on the run's own thread: it must not block for long. To stop a run use
/// [`StopHandle`](crate::apply::StopHandle).
pub trait Observer: Send {
    /// Something happened.
    fn event(&mut self, event: &Event<'_>);
}

/// Nobody is told.
impl Observer for () {
    fn event(&mut self, _: &Event<'_>) {}
}

impl<F: FnMut(&Event<'_>) + Send> Observer for F {
    fn event(&mut self, event: &Event<'_>) {
        self(event);
    }
}
