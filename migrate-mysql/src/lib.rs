//! The MySQL and MariaDB backend of `migrate`.

pub mod connect;
mod evidence;

pub use migrate_core as core;
pub use mysql_async;
