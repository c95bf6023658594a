//! Other tools' histories.

pub mod engine;
pub mod flyway;
pub mod table;

pub use engine::Engine;
pub use table::{Column, Record, Table};
