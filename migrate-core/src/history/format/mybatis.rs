//! `MyBatis` Migrations: `CHANGELOG`, whose name and definition the user may have changed.
//!
//! Source: `MyBatis` Migrations at be16c95411, `DatabaseOperation` and the template of its first script.

use super::{Damaged, ForeignEntry, HistoryFormat, Names, Reading, Table};

/// `MyBatis` Migrations.
#[derive(Debug)]
pub(super) struct Mybatis;

impl HistoryFormat for Mybatis {
    fn name(&self) -> &'static str {
        "mybatis"
    }

    fn title(&self) -> &'static str {
        "MyBatis Migrations"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["changelog"]
    }

    fn recognises(&self, table: &Table, _: &[Table]) -> bool {
        table.has(&["id", "applied_at", "description"])
    }

    fn layouts(&self) -> &'static [&'static str] {
        &["mybatis"]
    }

    fn order(&self) -> &'static str {
        "id"
    }

    /// An id is a decimal number, so that what follows its point has no trailing zeros.
    fn decode(&self, reading: &Reading) -> Result<Vec<ForeignEntry>, Damaged> {
        reading
            .records
            .iter()
            .map(|record| {
                let text = record.text("id");
                let id = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
                let version = id.parse().map_err(|_| Damaged(format!("`{text}` is not an id")))?;
                Ok(ForeignEntry::applied(Names::Version(version), id, record).description(record.text("description")))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::history::format::tests::{read, shown};

    #[test]
    fn a_row_is_an_applied_id() {
        let rows = ["1|2026-01-01 00:00:00|create changelog", "1.50|2026|half", "20260101120000|2026|add users"];
        insta::assert_snapshot!(shown(&read("mybatis", "CHANGELOG", "ID APPLIED_AT DESCRIPTION", &rows)), @r"
        Applied Version(Version(1)) 1, create changelog
        Applied Version(Version(1.5)) 1.5, half
        Applied Version(Version(20260101120000)) 20260101120000, add users
        ");
    }
}
