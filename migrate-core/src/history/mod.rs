//! What was done to a database: rows that are only appended, and the fold over them.
//!
//! | module | holds |
//! |---|---|
//! | [`entry`] | [`Entry`]: one attempt at one script |
//! | [`table`] | the columns of the history table and how an entry is written to them and read back |
//! | [`foreign`] | the names of other tools' tables |
//! | [`mod@format`] | reading those tables, a file per tool; writing Flyway's |
//! | [`fold`] | [`History`]: what all entries of a component together say |

pub mod entry;
pub mod fold;
pub mod foreign;
pub mod format;
pub mod table;

pub use entry::{Action, Entry, EntryKey, State, Texts, Timestamp};
pub use fold::{Applied, History, Other, Status};
