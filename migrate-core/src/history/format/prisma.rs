//! Prisma Migrate: `_prisma_migrations`, a row for every attempt.
//!
//! Source: Prisma's engines (`schema-engine/connectors`), and its published guide to the states of an attempt.

use super::ForeignLock;
use super::entry::Algorithm;
use super::entry::supersede;
use super::lock::Locking;
use super::{Damaged, ForeignEntry, ForeignState, HistoryFormat, Names, Reading, Table};

/// Prisma Migrate.
#[derive(Debug)]
pub(super) struct Prisma;

impl HistoryFormat for Prisma {
    fn name(&self) -> &'static str {
        "prisma"
    }

    fn title(&self) -> &'static str {
        "Prisma"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["_prisma_migrations"]
    }

    fn recognises(&self, table: &Table, _: &[Table]) -> bool {
        table.has(&["checksum", "finished_at", "migration_name", "rolled_back_at", "started_at"])
    }

    fn layouts(&self) -> &'static [&'static str] {
        &["prisma"]
    }

    fn order(&self) -> &'static str {
        "started_at"
    }

    /// Of the rows about one name those that were rolled back do not count, and of the others the newest does.
    fn decode(&self, reading: &Reading) -> Result<Vec<ForeignEntry>, Damaged> {
        let mut entries: Vec<ForeignEntry> = Vec::new();
        for record in &reading.records {
            let name = record.text("migration_name");
            if name.is_empty() {
                return Err(Damaged("a row has no migration_name".to_owned()));
            }
            let state = match (record.get("finished_at"), record.get("rolled_back_at")) {
                (_, Some(_)) => ForeignState::Reverted,
                (Some(_), None) => ForeignState::Applied,
                (None, None) => ForeignState::Failed,
            };
            // Without a name it supersedes nothing.
            let names = if state == ForeignState::Reverted { Names::Nothing } else { Names::File(name.to_owned()) };
            entries.push(
                ForeignEntry::applied(names, name, record)
                    .state(state)
                    .checksum(Algorithm::Sha256Raw, record.text("checksum")),
            );
        }
        supersede(&mut entries);
        Ok(entries)
    }

    fn locks(&self, at: &Locking<'_>) -> Vec<ForeignLock> {
        at.either("Prisma", Some(72_707_369), Some("prisma_migrate"))
    }
}

#[cfg(test)]
mod tests {
    use crate::history::format::tests::{locks_of, read, shown};

    #[test]
    fn the_newest_attempt_that_was_not_rolled_back_counts() {
        let columns = "id checksum finished_at migration_name logs rolled_back_at started_at applied_steps_count";
        let rows = [
            "a|6869|2026|20260101000000_users|-|-|2026|1",
            "b|aa|-|20260102000000_broken|error|2026|2026|0",
            "c|bb|2026|20260102000000_broken|-|-|2026|1",
            "d|cc|-|20260103000000_now|-|-|2026|0",
        ];
        insta::assert_snapshot!(shown(&read("prisma", "_prisma_migrations", columns, &rows)), @r#"
        Applied File("20260101000000_users") 20260101000000_users, Sha256Raw 6869
        Reverted Nothing 20260102000000_broken, Sha256Raw aa
        Applied File("20260102000000_broken") 20260102000000_broken, Sha256Raw bb
        Failed File("20260103000000_now") 20260103000000_now, Sha256Raw cc
        "#);
        assert_eq!(locks_of("prisma", "_prisma_migrations"), ["72707369", "prisma_migrate"]);
    }
}
