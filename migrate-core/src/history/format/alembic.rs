//! Alembic: `alembic_version`, the head of a graph whose order is in Python files.
//!
//! Source: Alembic 1.20.1, run.

use super::{Damaged, ForeignEntry, HistoryFormat, Names, Reading, Table};

/// Alembic.
#[derive(Debug)]
pub(super) struct Alembic;

impl HistoryFormat for Alembic {
    fn name(&self) -> &'static str {
        "alembic"
    }

    fn title(&self) -> &'static str {
        "Alembic"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["alembic_version"]
    }

    fn recognises(&self, table: &Table, _: &[Table]) -> bool {
        table.has(&["version_num"])
    }

    fn layouts(&self) -> &'static [&'static str] {
        &[]
    }

    fn is_head_only(&self) -> bool {
        true
    }

    fn order(&self) -> &'static str {
        "version_num"
    }

    /// Several rows are branches that nobody merged.
    fn decode(&self, reading: &Reading) -> Result<Vec<ForeignEntry>, Damaged> {
        let entry = |record: &super::Record| ForeignEntry::applied(Names::Head, record.text("version_num"), record);
        Ok(reading.records.iter().map(entry).collect())
    }
}

#[cfg(test)]
mod tests {
    use crate::history::format::tests::{read, shown};

    #[test]
    fn a_row_is_a_head() {
        insta::assert_snapshot!(shown(&read("alembic", "alembic_version", "version_num", &["1975ea83b712", "ae10"])), @r"
        Applied Head 1975ea83b712
        Applied Head ae10
        ");
    }
}
