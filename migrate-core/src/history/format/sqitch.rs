//! Sqitch: `sqitch.changes`, one row a deployed change.
//!
//! Source: Sqitch at 0ab857e3bb, `lib/App/Sqitch/Engine`. In SQLite it keeps a database file of its own, which is not
//! looked for.

use super::lock::Locking;
use super::{Damaged, ForeignEntry, ForeignLock, HistoryFormat, Names, Reading, Table};

/// Sqitch.
#[derive(Debug)]
pub(super) struct Sqitch;

impl HistoryFormat for Sqitch {
    fn name(&self) -> &'static str {
        "sqitch"
    }

    fn title(&self) -> &'static str {
        "Sqitch"
    }

    fn tables(&self) -> &'static [&'static str] {
        &[]
    }

    fn elsewhere(&self) -> &'static [(&'static str, &'static str)] {
        &[("sqitch", "changes")]
    }

    fn recognises(&self, table: &Table, _: &[Table]) -> bool {
        table.has(&["change_id", "script_hash", "change", "project", "committed_at"])
    }

    fn layouts(&self) -> &'static [&'static str] {
        &[]
    }

    fn is_head_only(&self) -> bool {
        true
    }

    fn order(&self) -> &'static str {
        "committed_at"
    }

    fn decode(&self, reading: &Reading) -> Result<Vec<ForeignEntry>, Damaged> {
        let entry = |record: &super::Record| {
            let label = format!("{}:{}", record.text("project"), record.text("change"));
            ForeignEntry::applied(Names::Head, label, record)
        };
        Ok(reading.records.iter().map(entry).collect())
    }

    fn locks(&self, at: &Locking<'_>) -> Vec<ForeignLock> {
        at.either("Sqitch", Some(75_474_063), None)
    }
}

#[cfg(test)]
mod tests {
    use crate::history::format::tests::{locks_of, read, shown};

    #[test]
    fn a_row_is_a_deployed_change() {
        let columns = "change_id script_hash change project committed_at";
        insta::assert_snapshot!(shown(&read("sqitch", "changes", columns, &["ab|cd|users|shop|2026"])), @"Applied Head shop:users");
        assert_eq!(locks_of("sqitch", "changes"), ["75474063"]);
    }
}
