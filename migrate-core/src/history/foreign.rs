//! The names of the tables in which other tools keep their history: enough to know that a database is not empty by
//! itself. Whose a table really is, its columns say: see [`format`](super::format).

/// Tables in which other tools keep their history, as those tools name them, in small letters.
pub const TABLES: &[&str] = &[
    "_prisma_migrations",
    "_sqlx_migrations",
    "__diesel_schema_migrations",
    "__drizzle_migrations",
    "__efmigrationshistory",
    "alembic_version",
    "atlas_schema_revisions",
    "database_change_log",
    "databasechangelog",
    "django_migrations",
    "flyway_schema_history",
    "goose_db_version",
    "gorp_migrations",
    "refinery_schema_history",
    "schema_migrations",
    "server_change_log",
];

/// Tables that come with another tool's history and say nothing by themselves.
pub const COMPANIONS: &[&str] = &["ar_internal_metadata", "databasechangeloglock", "server_migration_sql_logs"];

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

#[cfg(test)]
mod tests {
    use super::super::format::FORMATS;
    use super::*;

    #[test]
    fn every_table_that_is_read_is_known_by_its_name_unless_that_is_a_likely_one() {
        let likely = ["changelog", "schema_version", "pragma_user_version"];
        let names = FORMATS.iter().flat_map(|format| format.tables());
        let unknown: Vec<_> = names.filter(|name| !is_history(name) && !likely.contains(name)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
        let beside: Vec<_> = FORMATS.iter().flat_map(|format| format.beside()).collect();
        let unknown: Vec<_> = beside.iter().filter(|name| !is_companion(name) && !is_history(name)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}
