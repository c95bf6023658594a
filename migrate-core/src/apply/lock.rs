//! Taking the lock of the migrations, by polling: a lock call that blocks on the server would deadlock with a
//! concurrent index build of the holder.

use std::time::{Duration, Instant};

use crate::backend::{Holder, Locked};
use crate::error::ErrorKind;
use crate::event::Event;

use super::{Halt, Run};

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

impl Run<'_> {
    /// Waits until the lock is ours, telling who has it.
    pub(crate) async fn lock(&mut self, component: &str) -> Result<(), Halt> {
        let began = Instant::now();
        let mut pause = FIRST;
        loop {
            match self.session.try_lock(self.table, &self.options.owner).await? {
                Locked::Mine { fence } => {
                    self.fence = fence;
                    self.locked = true;
                    return Ok(());
                }
                Locked::HeldBy(holder) => {
                    let holder = self.with_work(holder, component).await;
                    let waited = began.elapsed();
                    if self.stop.is_requested() {
                        return Err(ErrorKind::Stopped { left: Vec::new() }.into());
                    }
                    if waited >= self.options.lock_wait {
                        return Err(ErrorKind::Locked { holder, waited }.into());
                    }
                    self.observer.event(&Event::Waiting { holder: &holder, waited });
                    self.pause(pause.min(self.options.lock_wait.saturating_sub(waited))).await;
                    pause = (pause * 2).min(LONGEST);
                }
            }
        }
    }

    /// Gives the lock back. Where that fails the connection is gone, and the lock with it.
    pub(crate) async fn unlock(&mut self) {
        if std::mem::take(&mut self.locked) {
            let _ = self.session.unlock(self.table).await;
        }
    }

    /// What the holder does stands in the history where it is journalled. That it cannot be read changes nothing for
    /// those who wait.
    async fn with_work(&mut self, mut holder: Holder, component: &str) -> Holder {
        if holder.running.is_none()
            && let Ok(Some(head)) = self.session.head(self.table, component).await
            && head.is_open()
        {
            holder.running = Some(format!("{} statement {} of {}", head.title(), head.cursor + 1, head.statements));
        }
        holder
    }
}
