//! diesel: `__diesel_schema_migrations`, one row a migration and nothing else.
//!
//! Source: diesel at 04cc1b0bc6, `diesel_migrations/src/migration_harness.rs`.

use super::entry::version_or_prefix;
use super::{Damaged, ForeignEntry, HistoryFormat, Reading, Table};

/// diesel.
#[derive(Debug)]
pub(super) struct Diesel;

impl HistoryFormat for Diesel {
    fn name(&self) -> &'static str {
        "diesel"
    }

    fn title(&self) -> &'static str {
        "diesel"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["__diesel_schema_migrations"]
    }

    fn recognises(&self, table: &Table, _: &[Table]) -> bool {
        table.has(&["version", "run_on"])
    }

    fn layouts(&self) -> &'static [&'static str] {
        &["diesel"]
    }

    fn order(&self) -> &'static str {
        "version"
    }

    fn decode(&self, reading: &Reading) -> Result<Vec<ForeignEntry>, Damaged> {
        let entry = |record: &super::Record| {
            let version = record.text("version");
            ForeignEntry::applied(version_or_prefix(version), version, record)
        };
        Ok(reading.records.iter().map(entry).collect())
    }
}

#[cfg(test)]
mod tests {
    use crate::history::format::tests::{read, shown};

    #[test]
    fn a_row_is_an_applied_version() {
        let rows = ["00000000000000|2026-01-01", "20260131120000|2026-01-31", "initial|2026-02-01"];
        let reading = read("diesel", "__diesel_schema_migrations", "version run_on", &rows);
        insta::assert_snapshot!(shown(&reading), @r#"
        Applied Version(Version(00000000000000)) 00000000000000
        Applied Version(Version(20260131120000)) 20260131120000
        Applied Prefix("initial") initial
        "#);
    }
}
