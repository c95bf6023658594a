//! The MySQL and MariaDB backend of `migrate`.
// Until `session` uses what is below it.
#![allow(dead_code, unused_imports)]

pub mod connect;
pub mod dialect;
mod error;
mod evidence;
mod session;

pub use connect::{ConnInfo, ConnInfoError, Mysql, OptionLine, OptionValue, option_lines};
pub use dialect::{MARIADB, MYSQL};
pub use migrate_core as core;
pub use mysql_async;
