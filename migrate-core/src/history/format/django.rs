//! Django: `django_migrations`, one row an application and name.
//!
//! Source: Django 5.2.19, run.

use super::{Damaged, ForeignEntry, HistoryFormat, Names, Reading, Table};

/// Django.
#[derive(Debug)]
pub(super) struct Django;

impl HistoryFormat for Django {
    fn name(&self) -> &'static str {
        "django"
    }

    fn title(&self) -> &'static str {
        "Django"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["django_migrations"]
    }

    fn recognises(&self, table: &Table, _: &[Table]) -> bool {
        table.has(&["id", "app", "name", "applied"])
    }

    fn layouts(&self) -> &'static [&'static str] {
        &[]
    }

    fn is_head_only(&self) -> bool {
        true
    }

    fn order(&self) -> &'static str {
        "id"
    }

    fn decode(&self, reading: &Reading) -> Result<Vec<ForeignEntry>, Damaged> {
        let entry = |record: &super::Record| {
            let label = format!("{}.{}", record.text("app"), record.text("name"));
            ForeignEntry::applied(Names::Head, label, record)
        };
        Ok(reading.records.iter().map(entry).collect())
    }
}

#[cfg(test)]
mod tests {
    use crate::history::format::tests::{read, shown};

    #[test]
    fn a_row_is_a_migration_of_an_application() {
        let rows = ["1|auth|0001_initial|2026", "2|shop|0001_initial|2026"];
        insta::assert_snapshot!(shown(&read("django", "django_migrations", "id app name applied", &rows)), @r"
        Applied Head auth.0001_initial
        Applied Head shop.0001_initial
        ");
    }
}
