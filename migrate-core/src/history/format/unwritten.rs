//! Why our history, or a part of it, is not written for another tool.

use crate::set::MigrationSet;

/// The tools whose tables are written.
pub const TOOLS: &[&str] = &["flyway", "golang-migrate", "sqlx", "goose", "refinery", "diesel", "dbmate"];

/// Why a tool cannot have our history.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotExported {
    /// No table of that tool is written.
    #[error("the history of `{0}` cannot be written; these can: {tools}", tools = TOOLS.join(", "))]
    Tool(String),
    /// Other tools' tables are not known on this engine.
    #[error("the tables of other tools are not known on {0}")]
    Engine(&'static str),
    /// An attempt is not over.
    #[error("{0}: it is not finished")]
    Open(String),
    /// What is applied is in no file, so that nothing tells what the tool would have recorded.
    #[error("{0}: it is applied, and its file is not here")]
    Unknown(String),
    /// The tool knows neither phases nor several migrations of one version.
    #[error("{title}: {tool} knows neither phases nor ordinals")]
    Phased {
        /// As messages name the migration.
        title: String,
        /// Which tool.
        tool: &'static str,
    },
    /// The tool has no repeatables.
    #[error("{title}: {tool} has no repeatables")]
    Repeatable {
        /// As messages name the migration.
        title: String,
        /// Which tool.
        tool: &'static str,
    },
    /// The tool's versions are whole numbers of so many bits.
    #[error("{title}: {tool}'s versions are whole numbers of {bits} bits")]
    Version {
        /// As messages name the migration.
        title: String,
        /// Which tool.
        tool: &'static str,
        /// How many.
        bits: u32,
    },
    /// The tool takes everything below its version for applied.
    #[error("{0}: it is pending below what is applied, and golang-migrate would take it for applied")]
    Gap(String),
    /// Flyway says no.
    #[error(transparent)]
    Flyway(#[from] NotInFlyway),
}

/// Why something of ours has no row in Flyway's table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotInFlyway {
    /// Flyway has one history for one table.
    #[error("component {0}: flyway knows no components, only {main} can be written", main = MigrationSet::MAIN)]
    Component(String),
    /// Flyway orders by version alone.
    #[error("{0}: flyway knows neither phases nor ordinals")]
    Phased(String),
    /// Flyway's versions are numbers.
    #[error("{0}: flyway's versions have no suffix")]
    Suffix(String),
    /// The column holds 50 characters.
    #[error("{0}: flyway's versions have at most 50 characters")]
    TooLong(String),
    /// Nothing is known of how Flyway writes there.
    #[error("{0}: it is not known how flyway writes its table on this engine")]
    Engine(&'static str),
    /// Flyway reads no such work from a row.
    #[error("{0}: flyway cannot have code of ours")]
    Code(String),
}
