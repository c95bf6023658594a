//! Atlas: `atlas_schema_revisions`, one row a file with how many of its statements ran.
//!
//! Source: Atlas at a5e0aecc2b, `sql/migrate/migrate.go`, `cmd/atlas/internal/migrate/ent`.

use super::entry::Algorithm;
use super::entry::version_or_prefix;
use super::lock::{Locking, fnv1};
use super::{Damaged, ForeignEntry, ForeignLock, ForeignState, HistoryFormat, Names, Quality, Reading, Table};

/// A row that names the project and no file.
const IDENTIFIER: &str = ".atlas_cloud_identifier";
/// The bit of a row's type that says "was there before".
const BASELINE: u32 = 1;

/// Atlas.
#[derive(Debug)]
pub(super) struct Atlas;

impl HistoryFormat for Atlas {
    fn name(&self) -> &'static str {
        "atlas"
    }

    fn title(&self) -> &'static str {
        "Atlas"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["atlas_schema_revisions"]
    }

    fn elsewhere(&self) -> &'static [(&'static str, &'static str)] {
        &[("atlas_schema_revisions", "atlas_schema_revisions")]
    }

    fn recognises(&self, table: &Table, _: &[Table]) -> bool {
        table.has(&["version", "description", "type", "applied", "total", "error", "hash"])
    }

    fn layouts(&self) -> &'static [&'static str] {
        &["atlas"]
    }

    fn order(&self) -> &'static str {
        "version"
    }

    fn decode(&self, reading: &Reading) -> Result<Vec<ForeignEntry>, Damaged> {
        let mut entries = Vec::new();
        for record in &reading.records {
            let version = record.text("version");
            if version == IDENTIFIER {
                entries.push(ForeignEntry::applied(Names::Nothing, version, record));
                continue;
            }
            let number = |column: &str| {
                let text = record.text(column);
                text.parse::<u32>().map_err(|_| Damaged(format!("{version}: `{text}` is no number of {column}")))
            };
            let (kind, applied, total) = (number("type")?, number("applied")?, number("total")?);
            let entry = ForeignEntry::applied(version_or_prefix(version), version, record)
                .description(record.text("description"));
            entries.push(if kind & BASELINE != 0 {
                // Everything below it was there as well, and has no row.
                let names = version.parse().map_or_else(|_| Names::Prefix(version.to_owned()), Names::UpTo);
                ForeignEntry { names, ..entry }.state(ForeignState::Baseline).quality(Quality::Inferred)
            } else {
                let failed = record.get("error").is_some_and(|error| !error.is_empty());
                let state = match (applied == total, failed) {
                    (_, true) => ForeignState::Failed,
                    (true, false) => ForeignState::Applied,
                    (false, false) => ForeignState::InProgress,
                };
                entry.state(state).checksum(Algorithm::AtlasH1Cumulative, record.text("hash"))
            });
        }
        Ok(entries)
    }

    fn locks(&self, at: &Locking<'_>) -> Vec<ForeignLock> {
        const NAME: &str = "atlas_migrate_execute";
        at.either("Atlas", Some(i64::from(fnv1(NAME))), Some(NAME))
    }
}

#[cfg(test)]
mod tests {
    use crate::history::format::tests::{locks_of, read, shown};

    #[test]
    fn a_row_says_how_many_statements_ran() {
        let columns = "version description type applied total executed_at execution_time error error_stmt hash \
                       partial_hashes operator_version";
        let rows = [
            ".atlas_cloud_identifier|x|2|0|0|x|0|-|-||-|x",
            "20240101000000|a|1|0|0|x|0|-|-||-|x",
            "20240102000000|b|2|2|2|x|0|-|-|ZIsX=|-|x",
            "20240103000000|c|2|1|2|x|0|broken|insert|jkLH=|-|x",
            "20240104000000|d|2|1|2|x|0||-|jkLH=|-|x",
        ];
        insta::assert_snapshot!(shown(&read("atlas", "atlas_schema_revisions", columns, &rows)), @r"
        Applied Nothing .atlas_cloud_identifier
        Baseline UpTo(Version(20240101000000)) 20240101000000, a, inferred
        Applied Version(Version(20240102000000)) 20240102000000, b, AtlasH1Cumulative ZIsX=
        Failed Version(Version(20240103000000)) 20240103000000, c, AtlasH1Cumulative jkLH=
        InProgress Version(Version(20240104000000)) 20240104000000, d, AtlasH1Cumulative jkLH=
        ");
        assert_eq!(locks_of("atlas", "atlas_schema_revisions"), ["2686470616", "atlas_migrate_execute"]);
    }
}
