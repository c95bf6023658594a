//! sqlx: `_sqlx_migrations`, one row a migration with a SHA-384 of its file.
//!
//! Source: sqlx 0.9-dev at 9d6bf6629f, `sqlx-postgres/src/migrate.rs` and its two siblings.

use super::entry::Algorithm;
use super::lock::{Locking, crc32};
use super::{Damaged, ForeignEntry, ForeignLock, ForeignState, HistoryFormat, Names, Reading, Table};

/// What a key is multiplied with.
const SALT: i64 = 0x3d32_ad9e;

/// sqlx.
#[derive(Debug)]
pub(super) struct Sqlx;

impl HistoryFormat for Sqlx {
    fn name(&self) -> &'static str {
        "sqlx"
    }

    fn title(&self) -> &'static str {
        "sqlx"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["_sqlx_migrations"]
    }

    fn recognises(&self, table: &Table, _: &[Table]) -> bool {
        table.has(&["version", "description", "installed_on", "success", "checksum", "execution_time"])
            && !table.has(&["installed_rank"])
    }

    fn layouts(&self) -> &'static [&'static str] {
        &["sqlx", "native"]
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
                let state = if record.is_true("success") { ForeignState::Applied } else { ForeignState::Failed };
                let checksum = record.text("checksum").trim_start_matches("\\x").to_ascii_lowercase();
                Ok(ForeignEntry::applied(Names::Version(version), text, record)
                    .description(record.text("description"))
                    .state(state)
                    .checksum(Algorithm::Sha384Raw, checksum))
            })
            .collect()
    }

    fn locks(&self, at: &Locking<'_>) -> Vec<ForeignLock> {
        // 30 bits times 32 bits: it never overflows.
        let key = crc32(at.database).map(|sum| SALT * i64::from(sum));
        at.either("sqlx", key, key.map(|key| format!("{key:x}")).as_deref())
    }
}

#[cfg(test)]
mod tests {
    use crate::history::format::tests::{locks_of, read, shown};

    #[test]
    fn a_row_has_the_digest_of_its_file() {
        let columns = "version description installed_on success checksum execution_time";
        let rows = ["1|create users|2026-01-01|t|BF56|100", "2|add name|2026-01-01|f|00|-1"];
        insta::assert_snapshot!(shown(&read("sqlx", "_sqlx_migrations", columns, &rows)), @r"
        Applied Version(Version(1)) 1, create users, Sha384Raw bf56
        Failed Version(Version(2)) 2, add name, Sha384Raw 00
        ");
    }

    #[test]
    fn its_lock_is_made_from_the_name_of_the_database() {
        assert_eq!(locks_of("sqlx", "_sqlx_migrations"), ["293176876009260204", "41192d0bee404ac"]);
    }
}
