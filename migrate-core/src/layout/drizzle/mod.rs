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

use super::draft::between;
use crate::source::{Cut, Source};

const TOOL: &str = "Drizzle";

/// What stands between two statements. To `MySQL` it is no comment.
const BREAKPOINT: &str = "--> statement-breakpoint";

/// The tool cuts a file at each of them, whatever they stand in.
fn breakpoints(source: &Source) -> Vec<Cut> {
    between(source, source.range().start, BREAKPOINT, None)
}
