//! The suite of the core.

use super::support::Fresh;

migrate_core::testing::conformance!(Fresh);
