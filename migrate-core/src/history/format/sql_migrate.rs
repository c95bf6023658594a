//! sql-migrate: `gorp_migrations`, whose ids are file names.
//!
//! Source: sql-migrate at 563a2f0318, and gorp's dialects.

use super::{Damaged, ForeignEntry, HistoryFormat, Names, Reading, Table};

/// sql-migrate.
#[derive(Debug)]
pub(super) struct SqlMigrate;

impl HistoryFormat for SqlMigrate {
    fn name(&self) -> &'static str {
        "sql-migrate"
    }

    fn title(&self) -> &'static str {
        "sql-migrate"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["gorp_migrations"]
    }

    fn recognises(&self, table: &Table, _: &[Table]) -> bool {
        table.has(&["id", "applied_at"]) && !table.has(&["description"])
    }

    fn layouts(&self) -> &'static [&'static str] {
        &["sql-migrate"]
    }

    fn order(&self) -> &'static str {
        "id"
    }

    fn decode(&self, reading: &Reading) -> Result<Vec<ForeignEntry>, Damaged> {
        let entry = |record: &super::Record| {
            let id = record.text("id");
            ForeignEntry::applied(Names::File(id.to_owned()), id, record)
        };
        Ok(reading.records.iter().map(entry).collect())
    }
}

#[cfg(test)]
mod tests {
    use crate::history::format::tests::{read, shown};

    #[test]
    fn a_row_is_the_name_of_an_applied_file() {
        let rows = ["20260131_users.sql|2026-01-31"];
        insta::assert_snapshot!(shown(&read("sql-migrate", "gorp_migrations", "id applied_at", &rows)), @r#"Applied File("20260131_users.sql") 20260131_users.sql"#);
    }
}
