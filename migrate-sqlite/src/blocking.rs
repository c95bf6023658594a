//! Running the futures of this crate without a runtime.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Runs a future that never waits for anything, which is true of every future that only awaits this crate.
///
/// ```
/// assert_eq!(migrate_sqlite::blocking::block_on(async { 1 + 1 }), 2);
/// ```
///
/// # Panics
/// If the future yields: something in it needs a runtime.
pub fn block_on<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits for something that needs a runtime: run it on that runtime instead"),
    }
}

#[cfg(test)]
mod tests {
    use super::block_on;

    #[test]
    #[should_panic(expected = "needs a runtime")]
    fn a_future_that_waits_is_refused() {
        block_on(std::future::pending::<()>());
    }
}
