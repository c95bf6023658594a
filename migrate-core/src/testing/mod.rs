//! For whoever tests a backend, or tests against one: an in-memory backend, decorators that lose connections or write
//! effects down, and the conformance suite. Behind the feature `testing`; not covered by semantic versioning.
//!
//! The whole test file of a new backend is
//!
//! ```text
//! migrate_core::testing::conformance!(migrate_foo::testing::Fixture);
//! ```

pub mod cases;
pub mod crash;
pub mod fixture;
pub mod memory;
pub mod record;

pub use crash::Crash;
pub use fixture::Fixture;
pub use memory::Memory;
pub use record::Record;

pub use crate::conformance;
