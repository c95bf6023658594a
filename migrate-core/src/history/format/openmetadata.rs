//! `OpenMetadata`: `SERVER_CHANGE_LOG`, one row a version; the statements that ran are in `SERVER_MIGRATION_SQL_LOGS`,
//! and what its Flyway era ran in `DATABASE_CHANGE_LOG`.
//!
//! Source: OpenMetadata, `MigrationDAO` and `MigrationWorkflow` of 1.x and 2.0 work; the checksum of a row is a random
//! number and never compared.

use std::collections::BTreeSet;

use super::{Damaged, ForeignEntry, ForeignState, HistoryFormat, Names, Reading, Record, Table};
use crate::version::Version;

/// `OpenMetadata`.
#[derive(Debug)]
pub(super) struct OpenMetadata;

impl HistoryFormat for OpenMetadata {
    fn name(&self) -> &'static str {
        "openmetadata"
    }

    fn title(&self) -> &'static str {
        "OpenMetadata"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["server_change_log"]
    }

    fn beside(&self) -> &'static [&'static str] {
        &["server_migration_sql_logs", "database_change_log"]
    }

    fn read_beside(&self, table: &Table) -> &'static [&'static str] {
        // Of the statements only the version: their texts are thousands.
        if table.is_called("server_migration_sql_logs") { &["version"] } else { &["version", "success"] }
    }

    fn recognises(&self, table: &Table, _: &[Table]) -> bool {
        table.has(&["version", "migrationfilename", "checksum", "installed_on"])
    }

    fn unread(&self) -> &'static [&'static str] {
        &["metrics"]
    }

    fn layouts(&self) -> &'static [&'static str] {
        &["openmetadata"]
    }

    fn order(&self) -> &'static str {
        "installed_rank"
    }

    fn decode(&self, reading: &Reading) -> Result<Vec<ForeignEntry>, Damaged> {
        let version = |text: &str| -> Result<Version, Damaged> {
            let text = text.trim_start_matches(['v', 'V']);
            text.parse().map_err(|_| Damaged(format!("`{text}` is not a version")))
        };
        let mut entries: Vec<ForeignEntry> = Vec::new();
        for record in reading.records_of("database_change_log") {
            let text = record.text("version");
            // A versionless row is a repeatable or the mark of a schema.
            if record.get("version").is_none() {
                continue;
            }
            let native = format!("0.0.{}", version(text)?);
            let state = if record.is_true("success") { ForeignState::Applied } else { ForeignState::Failed };
            entries.push(ForeignEntry::applied(Names::Version(version(&native)?), native, record).state(state));
        }
        let mut recorded = BTreeSet::new();
        for record in &reading.records {
            let text = record.text("version");
            let state = match record.text("status") {
                "" | "COMPLETED" => ForeignState::Applied,
                "STARTED" => ForeignState::InProgress,
                "FAILED" => ForeignState::Failed,
                other => return Err(Damaged(format!("{text}: `{other}` is no state of a version"))),
            };
            recorded.insert(text);
            // `2.0.0-baseline` is what a fresh install records, and covers everything before it.
            let names = match text.strip_suffix("-baseline") {
                Some(base) => Names::UpTo(version(base)?),
                None => Names::Version(version(text)?),
            };
            let state = if matches!(names, Names::UpTo(_)) && state == ForeignState::Applied {
                ForeignState::Baseline
            } else {
                state
            };
            entries.push(ForeignEntry::applied(names, text, record).state(state));
        }
        // Statements of a version that has no row: it was begun and did not come to its end.
        let logs = reading.records_of("server_migration_sql_logs").iter();
        let begun: BTreeSet<&str> = logs.map(|record: &Record| record.text("version")).collect();
        let era = |text: &str| text.starts_with("0.0.");
        for text in begun.difference(&recorded).filter(|text| !text.is_empty() && !era(text)) {
            let record = Record::new([("version", Some((*text).to_owned()))]);
            entries.push(
                ForeignEntry::applied(Names::Version(version(text)?), *text, &record).state(ForeignState::InProgress),
            );
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use crate::history::format::tests::{read, read_beside, shown};

    #[test]
    fn all_its_tables_are_read() {
        let columns = "installed_rank version migrationFileName checksum installed_on";
        let rows =
            ["1|1.9.0|/native/1.9.0|uuid|2026", "2|1.10.0|/native/1.10.0|uuid|2026", "3|1.10.0-collate|x|uuid|2026"];
        let reading = read("openmetadata", "SERVER_CHANGE_LOG", columns, &rows);
        let logs = ("SERVER_MIGRATION_SQL_LOGS", "version", &["1.9.0", "1.10.1", "1.10.1"][..]);
        let era = ("DATABASE_CHANGE_LOG", "version success", &["001|t", "-|t"][..]);
        insta::assert_snapshot!(shown(&read_beside(reading, &[logs, era])), @r"
        Applied Version(Version(0.0.001)) 0.0.001
        Applied Version(Version(1.9.0)) 1.9.0
        Applied Version(Version(1.10.0)) 1.10.0
        Applied Version(Version(1.10.0-collate)) 1.10.0-collate
        InProgress Version(Version(1.10.1)) 1.10.1
        ");
    }

    #[test]
    fn a_version_has_a_state_since_2_0() {
        let columns = "installed_rank version migrationFileName checksum installed_on status";
        let rows = ["1|2.0.0-baseline|x|u|2026|COMPLETED", "2|2.0.1|x|u|2026|STARTED", "3|2.0.2|x|u|2026|FAILED"];
        insta::assert_snapshot!(shown(&read("openmetadata", "server_change_log", columns, &rows)), @r"
        Baseline UpTo(Version(2.0.0)) 2.0.0-baseline
        InProgress Version(Version(2.0.1)) 2.0.1
        Failed Version(Version(2.0.2)) 2.0.2
        ");
    }
}
