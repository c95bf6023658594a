//! Going on after the connection was lost: another session, the lock again, and what was committed unheard.

use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use crate::backend::{Cancel, ServerError, Session, Settings};
use crate::error::ErrorKind;
use crate::event::Event;
use crate::history::{Entry, State};
use crate::plan::Plan;

use super::report::StepReport;
use super::retry::jittered;
use super::{Halt, Run};

/// How often the connection may be lost without a step getting done in between: what ends it every time must not be
/// sent for ever.
pub(crate) const LOSSES: usize = 5;

/// The first try is made at once; before the second is the shortest pause, which doubles up to [`LONGEST`].
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// The session of a run.
pub(crate) enum Line<'a> {
    /// The run's own: another one takes its place where the connection is lost.
    Own(Box<dyn Session>),
    /// The caller's: when it is lost, so is the run.
    Borrowed(&'a mut dyn Session),
}

impl<'a> Deref for Line<'a> {
    type Target = dyn Session + 'a;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Own(session) => &**session,
            Self::Borrowed(session) => &**session,
        }
    }
}

impl DerefMut for Line<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::Own(session) => &mut **session,
            Self::Borrowed(session) => &mut **session,
        }
    }
}

impl Run<'_> {
    /// Lets a stop reach the statement that runs on this session.
    pub(crate) fn arm(&self) {
        if self.backend.dialect().cancel == Cancel::Statement {
            self.stop.arm(self.session.canceller());
        }
    }

    /// Opens another session in place of the one that was lost. What was locked is locked again by
    /// [`catch_up`](Self::catch_up).
    ///
    /// # Errors
    /// With the loss itself where the time is over or the run was stopped: that nobody answers is a consequence of it.
    pub(crate) async fn reconnect(&mut self, lost: ServerError) -> Result<(), Halt> {
        self.stop.arm(None);
        self.locks_again |= std::mem::take(&mut self.locked);
        (self.fence, self.has_table, self.in_force) = (0, false, Settings::default());
        self.others.lost();
        let began = Instant::now();
        let mut pause = Duration::ZERO;
        let mut error = lost.clone();
        for attempt in 1.. {
            let left = self.options.reconnect_for.saturating_sub(began.elapsed());
            if left.is_zero() || self.stop.is_requested() {
                break;
            }
            let next_in = jittered(pause).min(left);
            self.observer.event(&Event::Reconnecting { error: &error, attempt, next_in });
            self.pause(next_in).await;
            match self.backend.connect().await {
                Ok(session) => {
                    self.session = Line::Own(session);
                    self.arm();
                    return Ok(());
                }
                Err(refused) => error = refused,
            }
            pause = (pause * 2).clamp(SHORTEST, LONGEST);
        }
        Err(ErrorKind::Lost(lost).into())
    }

    /// What a session that took another's place begins with: the lock, which proves that the orphaned statement has
    /// ended, and the steps that were committed before anybody heard of it. Answers what was sent, with the rows that
    /// were written since it was planned.
    pub(crate) async fn catch_up(&mut self, component: &str) -> Result<Option<(Plan, Vec<Entry>)>, Halt> {
        if self.locks_again {
            self.lock(component).await?;
            self.locks_again = false;
        }
        if self.sent.is_none() {
            return Ok(None);
        }
        let rows = self.session.load(self.table).await?;
        let Some(sent) = self.sent.take() else { return Ok(None) };
        let since = |row: &Entry| row.key.component == component && row.key.seq > sent.after;
        let rows: Vec<Entry> = rows.into_iter().filter(since).collect();
        for row in &rows {
            if row.key.seq <= self.heard || row.run_id != self.run_id || row.state != State::Done {
                continue;
            }
            let Some(step) = sent.steps.iter().find(|step| step.writes(row)) else { continue };
            let elapsed = row.elapsed().unwrap_or_default();
            let statements = step.units.iter().map(|unit| unit.runs.len()).sum();
            self.finished(row.key.seq, StepReport::of(step, statements, elapsed));
            self.observer.event(&Event::StepFinished { step, elapsed });
        }
        Ok(Some((sent, rows)))
    }
}
