//! A backend of `migrate` for a database that is none of the three: one file of tables, and a small language of its own.
//!
//! ```no_run
//! use migrate_core::backend::block_on;
//! use migrate_core::layout::Folder;
//! use migrate_core::{MigrationSet, Migrator, ReadOptions};
//! use migrate_toy::{TOY, Toy};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // `include_str!("../migrations/1_create_goods.sql")` where it is a file.
//! let files = [("1_create_goods.sql", "create table goods (name text);")];
//! let read = MigrationSet::from_folder(&Folder::embedded("migrations", files), &ReadOptions::new(TOY.engine()));
//! let set = read.map_err(|problems| problems[0].to_string())?.set;
//! block_on(Migrator::new(Toy::open("shop.toy").create(true), set).up())?;
//! # Ok(())
//! # }
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`engine`] | the database itself: what is somebody else's where a backend is written |
//! | [`dialect`] | plain data about it, and effects as statements for its own client |
//! | [`connect`] | [`Toy`]: where the database is |
//! | [`session`] | [`ToySession`]: one connection |
//! | `history` | the history table |
//! | `error` | what the engine says → what the core decides by |
//! | [`cli`] | what the command line must know beside all that |
//! | `testing` | feature `testing`: what the conformance suite needs |
//!
//! # Deliberately absent
//! - Evidence: what cannot share a transaction with its row, `COMPACT`, may simply be run again.
//! - Stopping a statement: none takes long.

pub mod cli;
pub mod connect;
pub mod dialect;
pub mod engine;
mod error;
mod history;
pub mod session;
#[cfg(feature = "testing")]
pub mod testing;

pub use connect::Toy;
pub use dialect::TOY;
pub use session::ToySession;
