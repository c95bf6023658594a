//! Numbers that come back when their seed does.

use std::env;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A small generator (`SplitMix64`). Good enough to choose moments; nothing here is a secret.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// From `MIGRATE_TEST_SEED`, else from the clock. The seed is printed, so that a failure can be repeated.
    ///
    /// # Panics
    /// If the variable is set to something that is no number.
    #[expect(clippy::print_stdout, reason = "the test harness shows it when the test fails")]
    pub fn seeded() -> Self {
        let seed = match env::var("MIGRATE_TEST_SEED") {
            Ok(text) => text.parse().expect("MIGRATE_TEST_SEED is a number"),
            Err(_) => SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| u64::from(since.subsec_nanos())),
        };
        println!("seed: MIGRATE_TEST_SEED={seed}");
        Self { state: seed }
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end.max(1)
    }

    /// A duration up to `end`, in microseconds.
    pub fn up_to(&mut self, end: Duration) -> Duration {
        Duration::from_micros(self.below(u64::try_from(end.as_micros()).unwrap_or(u64::MAX).saturating_add(1)))
    }
}
