//! Supabase: `supabase_migrations.schema_migrations`, one row a file with the statements that were run.
//!
//! Source: Supabase CLI at 1d1e719126, `pkg/migration`.

use super::entry::version_or_prefix;
use super::{Damaged, ForeignEntry, HistoryFormat, Reading, Table};

/// Supabase.
#[derive(Debug)]
pub(super) struct Supabase;

impl HistoryFormat for Supabase {
    fn name(&self) -> &'static str {
        "supabase"
    }

    fn title(&self) -> &'static str {
        "Supabase"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["schema_migrations"]
    }

    fn elsewhere(&self) -> &'static [(&'static str, &'static str)] {
        &[("supabase_migrations", "schema_migrations")]
    }

    /// Its oldest releases had nothing but versions, in the same schema.
    fn recognises(&self, table: &Table, _: &[Table]) -> bool {
        let own_schema = table.name.schema.as_deref() == Some("supabase_migrations") && table.has(&["version"]);
        own_schema || table.has(&["version", "statements", "name"])
    }

    /// The statements are the file's, and many.
    fn unread(&self) -> &'static [&'static str] {
        &["statements"]
    }

    fn layouts(&self) -> &'static [&'static str] {
        &["supabase", "native"]
    }

    fn order(&self) -> &'static str {
        "version"
    }

    fn decode(&self, reading: &Reading) -> Result<Vec<ForeignEntry>, Damaged> {
        let entry = |record: &super::Record| {
            let version = record.text("version");
            ForeignEntry::applied(version_or_prefix(version), version, record).description(record.text("name"))
        };
        Ok(reading.records.iter().map(entry).collect())
    }
}

#[cfg(test)]
mod tests {
    use crate::history::format::tests::{read, shown};

    #[test]
    fn a_row_is_an_applied_version() {
        let rows = ["20260101120000|{\"create table a (id int)\"}|a", "20260102120000|-|-"];
        insta::assert_snapshot!(shown(&read("supabase", "schema_migrations", "version statements name", &rows)), @r"
        Applied Version(Version(20260101120000)) 20260101120000, a
        Applied Version(Version(20260102120000)) 20260102120000
        ");
    }
}
