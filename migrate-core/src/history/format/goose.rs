//! goose: `goose_db_version`, rows of which the newest about a version counts.
//!
//! Source: goose at 520411a161, `internal/dialects`, `database/store.go`, `lock/postgres.go`.

use super::entry::supersede;
use super::lock::{Locking, crc32};
use super::{Damaged, ForeignEntry, ForeignLock, ForeignState, HistoryFormat, Names, Reading, Table};

/// goose.
#[derive(Debug)]
pub(super) struct Goose;

impl HistoryFormat for Goose {
    fn name(&self) -> &'static str {
        "goose"
    }

    fn title(&self) -> &'static str {
        "goose"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["goose_db_version"]
    }

    fn recognises(&self, table: &Table, _: &[Table]) -> bool {
        table.has(&["id", "version_id", "is_applied"])
    }

    fn layouts(&self) -> &'static [&'static str] {
        &["goose"]
    }

    fn order(&self) -> &'static str {
        "id"
    }

    /// Today's goose deletes a row when it goes down, older ones appended a row that says "not applied".
    fn decode(&self, reading: &Reading) -> Result<Vec<ForeignEntry>, Damaged> {
        let entry = |record| {
            let record: &super::Record = record;
            let text = record.text("version_id");
            let version = text.parse().map_err(|_| Damaged(format!("`{text}` is not a version")))?;
            // The first row is written with the table.
            let names = if text == "0" { Names::Nothing } else { Names::Version(version) };
            let state = if record.is_true("is_applied") { ForeignState::Applied } else { ForeignState::Reverted };
            Ok(ForeignEntry::applied(names, text, record).state(state))
        };
        let mut entries = reading.records.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        supersede(&mut entries);
        Ok(entries)
    }

    /// Only those who asked for it lock at all, and only on PostgreSQL with this one.
    fn locks(&self, at: &Locking<'_>) -> Vec<ForeignLock> {
        at.either("goose", crc32("goose").map(i64::from), None)
    }
}

#[cfg(test)]
mod tests {
    use crate::history::format::tests::{locks_of, read, shown};

    #[test]
    fn the_newest_row_about_a_version_counts() {
        let rows = ["1|0|t|x", "2|1|t|x", "3|20260101120000|t|x", "4|20260101120000|f|x", "5|3|f|x", "6|3|t|x"];
        let reading = read("goose", "goose_db_version", "id version_id is_applied tstamp", &rows);
        insta::assert_snapshot!(shown(&reading), @r"
        Applied Nothing 0
        Applied Version(Version(1)) 1
        Superseded Version(Version(20260101120000)) 20260101120000
        Reverted Version(Version(20260101120000)) 20260101120000
        Superseded Version(Version(3)) 3
        Applied Version(Version(3)) 3
        ");
    }

    #[test]
    fn its_lock_is_its_name() {
        assert_eq!(locks_of("goose", "goose_db_version"), ["4097083626"]);
    }
}
