//! The names of the tables in which other tools keep their history.

/// Tables in which other tools keep their history, as those tools name them, in small letters.
pub const TABLES: &[&str] = &[
    "_prisma_migrations",
    "_sqlx_migrations",
    "__diesel_schema_migrations",
    "__drizzle_migrations",
    "__efmigrationshistory",
    "alembic_version",
    "atlas_schema_revisions",
    "databasechangelog",
    "django_migrations",
    "flyway_schema_history",
    "goose_db_version",
    "gorp_migrations",
    "refinery_schema_history",
    "schema_migrations",
];

/// Tables that come with another tool's history and say nothing by themselves.
pub const COMPANIONS: &[&str] = &["ar_internal_metadata", "databasechangeloglock"];

/// Whether another tool keeps its history in a table of this name.
///
/// `CHANGELOG` (`MyBatis`) counts only in capitals: in small letters it is a likely name for a table of the application.
///
/// ```
/// use migrate_core::history::foreign::is_history;
///
/// assert!(is_history("flyway_schema_history") && is_history("CHANGELOG"));
/// assert!(!is_history("changelog"));
/// ```
pub fn is_history(name: &str) -> bool {
    name == "CHANGELOG" || TABLES.iter().any(|table| table.eq_ignore_ascii_case(name))
}

/// Whether a table of this name comes with another tool's history.
pub fn is_companion(name: &str) -> bool {
    COMPANIONS.iter().any(|table| table.eq_ignore_ascii_case(name))
}
