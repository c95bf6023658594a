//! The PostgreSQL backend of `migrate`.

mod blockers;
pub mod connect;
pub mod dialect;
mod error;
mod evidence;
mod history;
mod lease;
mod lock;
mod message;
mod observe;
mod perform;
pub mod session;

pub use connect::{ConnInfo, ConnInfoError, Postgres, ServiceFile};
pub use dialect::POSTGRES;
pub use migrate_core as core;
pub use session::PostgresSession;
pub use tokio_postgres;
