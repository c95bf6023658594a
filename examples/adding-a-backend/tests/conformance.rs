//! The conformance suite of `migrate-core`: when it passes, the backend is done.

migrate_core::testing::conformance!(migrate_toy::testing::Fixture);
