//! Drizzle: `0000_create_users.sql` with a journal, or folders with `migration.sql`.
//!
//! | module | does |
//! |---|---|
//! | [`journal`] | up to 0.x: files in the order of `meta/_journal.json` |
//! | [`folders`] | from the beta of 1.0 on: a folder a migration |
//!
//! In both, `--> statement-breakpoint` stands between statements.
//!
//! Source: Drizzle at commit b7862528fd, `drizzle-orm/src/migrator.ts`, and its branch `beta`.

mod folders;
mod journal;

pub use folders::DrizzleFolders;
pub use journal::Drizzle;

const TOOL: &str = "Drizzle";
