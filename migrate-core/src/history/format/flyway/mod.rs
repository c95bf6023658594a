//! Flyway.

mod name;
pub mod write;
