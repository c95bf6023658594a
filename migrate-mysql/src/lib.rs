//! The MySQL and MariaDB backend of `migrate`.

pub mod connect;
#[allow(dead_code)] // until a session asks
mod evidence;

pub use migrate_core as core;
pub use mysql_async;
