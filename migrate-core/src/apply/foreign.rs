//! The locks of other tools, held while their history is taken over.
//!
//! They are the session's, or a row; both are given back at the end of the run, and those of a session also when it
//! ends. Nothing waits inside the server: whoever cannot be kept out is asked again and again.

use std::time::{Duration, Instant};

use crate::backend::{Holder, Row};
use crate::error::ErrorKind;
use crate::event::Event;
use crate::history::format::ForeignLock;

use super::{Halt, Run};

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// The locks of other tools that a run took.
#[derive(Debug, Default)]
pub(super) struct Others {
    /// A lock that is a row outlives the session.
    taken: Vec<ForeignLock>,
    /// Whether all of them are held.
    held: bool,
}

impl Others {
    /// The session is gone, and its locks with it.
    pub(super) fn lost(&mut self) {
        self.held = false;
    }
}

impl Run<'_> {
    /// Whether other tools are kept out already.
    pub(crate) fn has_foreign_locks(&self) -> bool {
        self.others.held
    }

    /// Waits until all of them are ours.
    pub(crate) async fn lock_foreign(&mut self, locks: Vec<ForeignLock>) -> Result<(), Halt> {
        for lock in locks {
            let began = Instant::now();
            let mut pause = FIRST;
            while !self.take(&lock).await? {
                let waited = began.elapsed();
                if self.stop.is_requested() {
                    return Err(ErrorKind::Stopped { left: Vec::new() }.into());
                }
                let help = lock.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
                let holder = Holder { who: format!("whoever holds {}{help}", lock.name), ..Holder::default() };
                if waited >= self.options.lock_wait {
                    return Err(ErrorKind::Locked { holder, waited }.into());
                }
                self.observer.event(&Event::Waiting { holder: &holder, waited });
                self.pause(pause.min(self.options.lock_wait.saturating_sub(waited))).await;
                pause = (pause * 2).min(LONGEST);
            }
            if !self.others.taken.contains(&lock) {
                self.others.taken.push(lock);
            }
        }
        self.others.held = true;
        Ok(())
    }

    /// Whether a lock is ours now.
    async fn take(&mut self, lock: &ForeignLock) -> Result<bool, Halt> {
        let mut last: Vec<Row> = Vec::new();
        for sql in &lock.take {
            last = self.session.query(sql).await?;
        }
        let cell = last.first().and_then(|row| row.first()).and_then(Option::as_deref);
        Ok(cell == Some(lock.ours.as_str()))
    }

    /// Gives them back. Where that fails the connection is gone, and the locks of its session with it.
    pub(crate) async fn unlock_foreign(&mut self) {
        for lock in std::mem::take(&mut self.others).taken {
            for sql in &lock.give_back {
                let _ = self.session.query(sql).await;
            }
        }
    }
}
