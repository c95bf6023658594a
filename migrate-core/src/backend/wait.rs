//! When to ask who is in the way of a statement: the same for all servers.

use std::time::{Duration, Instant};

/// How often is asked where no limit says that time is short.
const EVERY: Duration = Duration::from_secs(10);
/// When is asked first.
const FIRST: Duration = Duration::from_secs(1);

/// The wait for the answer to one statement.
#[derive(Clone, Debug)]
pub struct Wait {
    began: Instant,
    limit: Option<Duration>,
    asked: u32,
}

impl Wait {
    /// The statement is on its way, and waits for a lock for `limit` at the most: zero or `None` for ever.
    pub fn begins(limit: Option<Duration>) -> Self {
        Self { began: Instant::now(), limit, asked: 0 }
    }

    /// For how long.
    pub fn waited(&self) -> Duration {
        self.began.elapsed()
    }

    /// When to ask next: once at half the limit, once shortly before its end, then now and then, because a statement
    /// that got its lock may work for long.
    pub fn next(&self) -> Instant {
        let short = self.limit.filter(|limit| !limit.is_zero());
        let after = match (self.asked, short) {
            (0, Some(limit)) => (limit / 2).min(FIRST),
            (1, Some(limit)) if limit < EVERY => limit / 10 * 9,
            (0, None) => FIRST,
            (asked, _) => EVERY * asked,
        };
        self.began + after
    }

    /// It was asked.
    pub fn asked(&mut self) {
        self.asked += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many milliseconds is asked, with a limit in milliseconds.
    fn check(limit: Option<u64>, expected: [u128; 4]) {
        let mut wait = Wait::begins(limit.map(Duration::from_millis));
        for expected in expected {
            assert_eq!((wait.next() - wait.began).as_millis(), expected, "{limit:?}");
            wait.asked();
        }
    }

    #[test]
    fn a_short_limit_is_asked_about_before_its_end() {
        check(Some(2_000), [1_000, 1_800, 20_000, 30_000]);
        check(Some(500), [250, 450, 20_000, 30_000]);
        check(Some(60_000), [1_000, 10_000, 20_000, 30_000]);
        check(Some(0), [1_000, 10_000, 20_000, 30_000]);
        check(None, [1_000, 10_000, 20_000, 30_000]);
    }
}
