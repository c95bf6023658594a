//! The PostgreSQL backend of `migrate`.

pub mod connect;
mod error;
pub mod session;

pub use connect::{ConnInfo, ConnInfoError, Postgres};
pub use migrate_core as core;
pub use tokio_postgres;
