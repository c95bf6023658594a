//! How much a test may take.

use std::env;

use crate::Random;

/// Whether there is time for everything: `MIGRATE_TEST_LONG`, as with `scripts/test --matrix`.
pub fn long() -> bool {
    env::var_os("MIGRATE_TEST_LONG").is_some_and(|value| !value.is_empty())
}

/// How many crashes a test may take: 25, or what `MIGRATE_TEST_CRASHES` says.
///
/// # Panics
/// If the variable is set to something that is no number.
pub fn crashes() -> usize {
    env::var("MIGRATE_TEST_CRASHES").map_or(25, |text| text.parse().expect("MIGRATE_TEST_CRASHES is a number"))
}

/// Keeps about as many as `limit`, spread evenly, another part in every run.
pub fn thin<T>(points: &mut Vec<T>, limit: usize) {
    let stride = points.len().div_ceil(limit.max(1));
    let offset = Random::seeded().below(stride as u64);
    let mut index = 0;
    points.retain(|_| {
        index += 1;
        (index - 1) % stride as u64 == offset
    });
}
