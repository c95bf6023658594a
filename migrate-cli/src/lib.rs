//! The command line of `migrate`.

pub mod args;
pub mod config;
pub mod database_url;
pub mod duration;
pub mod environment;
pub mod secret;
