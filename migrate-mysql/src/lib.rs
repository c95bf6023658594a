//! The MySQL and MariaDB backend of `migrate`.

mod blockers;
mod clean;
pub mod connect;
pub mod dialect;
mod error;
mod evidence;
mod history;
mod lease;
mod lock;
mod observe;
mod packet;
mod perform;
pub mod session;

pub use connect::{ConnInfo, ConnInfoError, Mysql, OptionLine, OptionValue, option_lines};
pub use dialect::{MARIADB, MYSQL};
pub use migrate_core as core;
pub use mysql_async;
pub use session::MysqlSession;
