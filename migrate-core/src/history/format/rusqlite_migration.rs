//! `rusqlite_migration`: nothing but a number in the header of the database file.
//!
//! Source: `rusqlite_migration` at 5288a2bbac, `src/lib.rs`.

use super::{Damaged, ForeignEntry, HistoryFormat, Names, Quality, Reading, Table};

/// `rusqlite_migration`.
#[derive(Debug)]
pub(super) struct RusqliteMigration;

impl HistoryFormat for RusqliteMigration {
    fn name(&self) -> &'static str {
        "rusqlite_migration"
    }

    fn title(&self) -> &'static str {
        "rusqlite_migration"
    }

    fn tables(&self) -> &'static [&'static str] {
        // The pragma, as a table.
        &["pragma_user_version"]
    }

    fn recognises(&self, table: &Table, _: &[Table]) -> bool {
        table.has(&["user_version"])
    }

    fn layouts(&self) -> &'static [&'static str] {
        &["rusqlite_migration"]
    }

    /// Many applications number their schema there by themselves.
    fn needs_layout(&self) -> bool {
        true
    }

    fn order(&self) -> &'static str {
        ""
    }

    fn decode(&self, reading: &Reading) -> Result<Vec<ForeignEntry>, Damaged> {
        let entry = |record: &super::Record| {
            let text = record.text("user_version");
            let number =
                text.parse().map_err(|_| Damaged(format!("user_version is {text}, and it counts migrations")))?;
            Ok(ForeignEntry::applied(Names::First(number), text, record).quality(Quality::Inferred))
        };
        reading.records.iter().map(entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::history::format::tests::{read, shown};

    #[test]
    fn the_number_counts_migrations() {
        insta::assert_snapshot!(shown(&read("rusqlite_migration", "pragma_user_version", "user_version", &["3"])), @"Applied First(3) 3, inferred");
        let odd = read("rusqlite_migration", "pragma_user_version", "user_version", &["-4"]);
        assert_eq!(odd.decode().unwrap_err().to_string(), "user_version is -4, and it counts migrations");
    }
}
