//! Waiting until whoever is in the way has gone.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::{Duration, Instant};

use crate::backend::ServerError;
use crate::error::ErrorKind;
use crate::event::Event;
use crate::plan::Step;

use super::{Halt, Run};

/// The shortest pause before another try; it doubles up to [`LONGEST`].
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);
/// How often a pause looks whether the run was stopped.
const LOOK: Duration = Duration::from_millis(100);

/// The tries at one step or unit so far.
#[derive(Debug, Default)]
pub(super) struct Retry {
    attempts: u32,
    since: Option<Instant>,
}

impl Run<'_> {
    /// Pauses before another try at a step that met somebody's lock.
    ///
    /// # Errors
    /// With `failure` once the time for retries is over, and with a stop.
    pub(super) async fn pause_for_retry(
        &mut self,
        step: &Step,
        error: &ServerError,
        retry: &mut Retry,
        failure: impl FnOnce() -> ErrorKind,
    ) -> Result<(), Halt> {
        let waited = retry.since.get_or_insert_with(Instant::now).elapsed();
        let left = self.options.lock_retry_for.saturating_sub(waited);
        if left.is_zero() || self.stop.is_requested() {
            return Err(failure().into());
        }
        retry.attempts += 1;
        let next_in = jittered(SHORTEST.saturating_mul(1 << retry.attempts.min(10)).min(LONGEST)).min(left);
        self.observer.event(&Event::Retry { step, attempt: retry.attempts, next_in, give_up_in: left, error });
        self.pause(next_in).await;
        Ok(())
    }

    /// Waits, but not past a stop.
    pub(super) async fn pause(&mut self, duration: Duration) {
        let until = Instant::now() + duration;
        while !self.stop.is_requested() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            self.backend.pause(left.min(LOOK)).await;
        }
    }
}

/// Between half of it and all of it, so that two who lost the same race do not meet again.
pub(super) fn jittered(duration: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() % 1_000;
    let share = u32::try_from(random).unwrap_or(0);
    duration / 2 + duration / 2 * share / 1_000
}
