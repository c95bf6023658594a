//! A text that cannot be printed.

pub use migrate_core::backend::password::Secret;
