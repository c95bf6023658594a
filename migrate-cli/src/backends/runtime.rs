//! The runtime that the drivers of servers live on.

use std::sync::{Arc, OnceLock};

use tokio::runtime::Builder;

/// One runtime of one thread, begun when it is first needed. Clones are the same one.
#[derive(Clone, Default)]
pub(super) struct Runtime(Arc<OnceLock<Running>>);

impl Runtime {
    /// Runs a future to its end.
    ///
    /// # Panics
    /// If the operating system gives no runtime: then nothing can be connected.
    pub(super) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.0.get_or_init(Running::new).block_on(future)
    }
}

/// A runtime that does not wait for a name to be looked up when the program ends.
struct Running(Option<tokio::runtime::Runtime>);

impl Running {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        Self(Some(runtime.expect("the operating system gives what a runtime needs")))
    }

    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        let runtime = self.0.as_ref().expect("it is there until it is dropped");
        runtime.block_on(async {
            let value = future.await;
            // A connection that was dropped says goodbye on its own task.
            for _ in 0..FAREWELL {
                tokio::task::yield_now().await;
            }
            value
        })
    }
}

/// How often the tasks of dropped connections come to their turn.
const FAREWELL: usize = 4;

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
