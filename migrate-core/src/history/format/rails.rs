//! Rails: `schema_migrations` with nothing but versions, beside `ar_internal_metadata`.
//!
//! Source: Rails at 2a2db1e8d6, `activerecord/lib/active_record/migration.rs` and `schema_migration.rs`.

use super::lock::{Locking, crc32};
use super::{Damaged, ForeignEntry, ForeignLock, HistoryFormat, Names, Reading, Table};

/// What a key is multiplied with.
const SALT: i64 = 2_053_462_845;

/// Rails.
#[derive(Debug)]
pub(super) struct Rails;

impl HistoryFormat for Rails {
    fn name(&self) -> &'static str {
        "rails"
    }

    fn title(&self) -> &'static str {
        "Rails"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["schema_migrations"]
    }

    fn beside(&self) -> &'static [&'static str] {
        &["ar_internal_metadata"]
    }

    fn recognises(&self, table: &Table, all: &[Table]) -> bool {
        table.columns.len() == 1
            && table.has(&["version"])
            && all.iter().any(|other| other.is_called("ar_internal_metadata"))
    }

    fn layouts(&self) -> &'static [&'static str] {
        &[]
    }

    fn is_head_only(&self) -> bool {
        true
    }

    fn order(&self) -> &'static str {
        "version"
    }

    fn decode(&self, reading: &Reading) -> Result<Vec<ForeignEntry>, Damaged> {
        let entry = |record: &super::Record| ForeignEntry::applied(Names::Head, record.text("version"), record);
        Ok(reading.records.iter().map(entry).collect())
    }

    fn locks(&self, at: &Locking<'_>) -> Vec<ForeignLock> {
        let key = crc32(at.database).map(|sum| SALT * i64::from(sum));
        at.either("Rails", key, key.map(|key| key.to_string()).as_deref())
    }
}

#[cfg(test)]
mod tests {
    use crate::history::format::tests::{locks_of, read, shown};

    #[test]
    fn a_row_is_an_applied_version() {
        let reading = read("rails", "schema_migrations", "version", &["20260101120000"]);
        insta::assert_snapshot!(shown(&reading), @"Applied Head 20260101120000");
        assert_eq!(locks_of("rails", "schema_migrations"), ["586353752304064290", "586353752304064290"]);
    }
}
