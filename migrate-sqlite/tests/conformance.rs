//! The conformance suite of `migrate-core` on database files.

migrate_core::testing::conformance!(migrate_sqlite::testing::Fixture);
