//! refinery: `refinery_schema_history`, one row a migration with a `SipHash` of name, version and text.
//!
//! Source: refinery 0.9 at 14354f54c5, `refinery_core/src/traits/mod.rs` and `src/runner.rs`.

use super::entry::Algorithm;
use super::{Damaged, ForeignEntry, HistoryFormat, Names, Reading, Table};

/// refinery.
#[derive(Debug)]
pub(super) struct Refinery;

impl HistoryFormat for Refinery {
    fn name(&self) -> &'static str {
        "refinery"
    }

    fn title(&self) -> &'static str {
        "refinery"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["refinery_schema_history"]
    }

    fn recognises(&self, table: &Table, _: &[Table]) -> bool {
        table.has(&["version", "name", "applied_on", "checksum"])
    }

    fn layouts(&self) -> &'static [&'static str] {
        &["refinery"]
    }

    fn order(&self) -> &'static str {
        "version"
    }

    fn decode(&self, reading: &Reading) -> Result<Vec<ForeignEntry>, Damaged> {
        reading
            .records
            .iter()
            .map(|record| {
                let text = record.text("version");
                let version = text.parse().map_err(|_| Damaged(format!("`{text}` is not a version")))?;
                Ok(ForeignEntry::applied(Names::Version(version), text, record)
                    .description(record.text("name"))
                    .checksum(Algorithm::Sip13, record.text("checksum")))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::history::format::tests::{locks_of, read, shown};

    #[test]
    fn a_row_has_the_digest_of_its_migration() {
        let rows = ["1|create_users|2026-01-01T00:00:00Z|18274778505149910206"];
        let reading = read("refinery", "refinery_schema_history", "version name applied_on checksum", &rows);
        insta::assert_snapshot!(shown(&reading), @"Applied Version(Version(1)) 1, create_users, Sip13 18274778505149910206");
        assert!(locks_of("refinery", "refinery_schema_history").is_empty());
    }
}
