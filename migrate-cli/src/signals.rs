//! Signals that stop a run: the first lets it finish what has been sent, the second cancels that too.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use migrate_core::apply::StopHandle;
use signal_hook::consts::{SIGINT, SIGTERM};

/// How long a signal may go unnoticed.
const POLL: Duration = Duration::from_millis(50);

/// What happens on signals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stopping {
    /// Whether they are taken at all.
    pub signals: bool,
    /// After the first one, cancel by itself after so long.
    pub grace: Option<Duration>,
}

/// What a signal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The run ends after what has been sent.
    Stopping,
    /// What has been sent is cancelled.
    Cancelling,
}

/// Runs `work` while signals stop it through `stop`; `told` hears of each of the two steps.
pub fn while_stoppable<T>(
    stop: &StopHandle,
    stopping: Stopping,
    told: impl Fn(Told) + Send,
    work: impl FnOnce() -> T,
) -> T {
    let arrived = Arc::new(AtomicBool::new(false));
    let registered: Vec<_> = [SIGINT, SIGTERM]
        .into_iter()
        .filter(|_| stopping.signals)
        .filter_map(|signal| signal_hook::flag::register(signal, Arc::clone(&arrived)).ok())
        .collect();
    if registered.is_empty() {
        // Without handlers a signal ends the process, after which the next run goes on where this one was.
        return work();
    }
    let value = watched(stop, stopping.grace, &arrived, told, work);
    for id in registered {
        signal_hook::low_level::unregister(id);
    }
    value
}

fn watched<T>(
    stop: &StopHandle,
    grace: Option<Duration>,
    arrived: &AtomicBool,
    told: impl Fn(Told) + Send,
    work: impl FnOnce() -> T,
) -> T {
    // Dropped when the work ends, however it ends.
    let (working, ended) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut first: Option<Instant> = None;
            while ended.recv_timeout(POLL) == Err(mpsc::RecvTimeoutError::Timeout) {
                let signal = arrived.swap(false, Ordering::SeqCst);
                match first {
                    None if signal => {
                        first = Some(Instant::now());
                        told(Told::Stopping);
                        stop.stop();
                    }
                    Some(since) if signal || grace.is_some_and(|grace| since.elapsed() >= grace) => {
                        told(Told::Cancelling);
                        // Where the server cannot be asked, the run ends with its statement.
                        let _ = stop.cancel();
                        break;
                    }
                    _ => {}
                }
            }
        });
        let value = work();
        drop(working);
        value
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn until(condition: impl Fn() -> bool) {
        let began = Instant::now();
        while !condition() {
            assert!(began.elapsed() < Duration::from_secs(10), "nothing happened");
            thread::yield_now();
        }
    }

    #[test]
    fn the_first_signal_stops_and_the_second_cancels() {
        let (stop, arrived, told) = (StopHandle::new(), AtomicBool::new(false), Mutex::new(vec![]));
        watched(&stop, None, &arrived, |what| told.lock().unwrap().push(what), || {
            arrived.store(true, Ordering::SeqCst);
            until(|| stop.is_requested());
            assert_eq!(*told.lock().unwrap(), [Told::Stopping]);
            arrived.store(true, Ordering::SeqCst);
            until(|| told.lock().unwrap().len() == 2);
        });
        assert_eq!(told.into_inner().unwrap(), [Told::Stopping, Told::Cancelling]);
    }

    #[test]
    fn the_grace_stands_for_the_second_signal() {
        let (stop, arrived, told) = (StopHandle::new(), AtomicBool::new(true), Mutex::new(vec![]));
        watched(&stop, Some(Duration::ZERO), &arrived, |what| told.lock().unwrap().push(what), || {
            until(|| told.lock().unwrap().len() == 2);
        });
    }
}
