//! dbmate: `schema_migrations` with nothing but versions, which are texts.
//!
//! Source: dbmate at f3e08f15e3, `pkg/driver`; 2.36.0 run on SQLite.

use super::entry::version_or_prefix;
use super::{Damaged, ForeignEntry, HistoryFormat, Reading, Table};

/// dbmate.
#[derive(Debug)]
pub(super) struct Dbmate;

impl HistoryFormat for Dbmate {
    fn name(&self) -> &'static str {
        "dbmate"
    }

    fn title(&self) -> &'static str {
        "dbmate"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["schema_migrations"]
    }

    /// The same table as Rails', which has another one beside it and is asked first.
    fn recognises(&self, table: &Table, _: &[Table]) -> bool {
        table.columns.len() == 1
            && table
                .column("version")
                .is_some_and(|column| column.kind.contains("char") || column.kind.contains("text"))
    }

    fn layouts(&self) -> &'static [&'static str] {
        &["dbmate", "native"]
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
    use crate::history::format::tests::{locks_of, read, shown};

    #[test]
    fn a_row_is_an_applied_version() {
        let reading = read("dbmate", "schema_migrations", "version", &["001", "20260101120000"]);
        insta::assert_snapshot!(shown(&reading), @r"
        Applied Version(Version(001)) 001
        Applied Version(Version(20260101120000)) 20260101120000
        ");
        assert!(locks_of("dbmate", "schema_migrations").is_empty());
    }
}
