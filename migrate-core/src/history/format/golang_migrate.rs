//! golang-migrate: `schema_migrations`, one row that says how far it has come.
//!
//! Source: golang-migrate at 18966c755f, `database/postgres`, `database/mysql`, `database/sqlite`, `database/util.go`.

use super::lock::{Locking, crc32};
use super::{Damaged, Engine, ForeignEntry, ForeignLock, ForeignState, HistoryFormat, Names, Quality, Reading, Table};

/// What a key is multiplied with.
const SALT: u32 = 1_486_364_155;

/// golang-migrate.
#[derive(Debug)]
pub(super) struct GolangMigrate;

impl HistoryFormat for GolangMigrate {
    fn name(&self) -> &'static str {
        "golang-migrate"
    }

    fn title(&self) -> &'static str {
        "golang-migrate"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["schema_migrations"]
    }

    fn recognises(&self, table: &Table, _: &[Table]) -> bool {
        table.has(&["version", "dirty"])
    }

    fn layouts(&self) -> &'static [&'static str] {
        &["golang-migrate", "native"]
    }

    fn order(&self) -> &'static str {
        "version"
    }

    /// The one row stands for everything up to its version: a migration that was added below it later was never run,
    /// and nothing says so.
    fn decode(&self, reading: &Reading) -> Result<Vec<ForeignEntry>, Damaged> {
        if reading.records.len() > 1 {
            return Err(Damaged(format!("the table has {} rows, and golang-migrate keeps one", reading.records.len())));
        }
        let mut entries = Vec::new();
        for record in &reading.records {
            let text = record.text("version");
            let dirty = record.is_true("dirty");
            // A run that goes back to nothing and fails leaves -1.
            let names = match text {
                "-1" => Names::Nothing,
                text => Names::UpTo(text.parse().map_err(|_| Damaged(format!("`{text}` is not a version")))?),
            };
            let state = if dirty { ForeignState::Failed } else { ForeignState::Applied };
            entries.push(ForeignEntry::applied(names, text, record).quality(Quality::Inferred).state(state));
        }
        Ok(entries)
    }

    fn locks(&self, at: &Locking<'_>) -> Vec<ForeignLock> {
        let key = |text: &str| crc32(text).map(|sum| sum.wrapping_mul(SALT));
        match at.engine {
            Engine::Postgres => {
                // Opened by a URL, as the command line does it, the database's name has the slash of the URL's path.
                // So the two do not exclude each other, and both keys are needed.
                let schema = at.schema();
                let table = &at.table.name.name;
                let keys = ["", "/"].map(|slash| key(&format!("{schema}\0{table}\0{slash}{}", at.database)));
                keys.into_iter().flatten().map(|key| ForeignLock::advisory("golang-migrate", i64::from(key))).collect()
            }
            Engine::MySql | Engine::MariaDb => {
                let key = key(&format!("{}:{}", at.database, at.table.name.name));
                key.map(|key| ForeignLock::named("golang-migrate", &key.to_string(), at.engine)).into_iter().collect()
            }
            Engine::Sqlite => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::history::format::tests::{locks_of, read, shown};

    #[test]
    fn one_row_says_how_far_it_has_come() {
        let reading = |row: &str| read("golang-migrate", "schema_migrations", "version dirty", &[row]);
        insta::assert_snapshot!(shown(&reading("20260101120000|f")), @"Applied UpTo(Version(20260101120000)) 20260101120000, inferred");
        insta::assert_snapshot!(shown(&reading("3|t")), @"Failed UpTo(Version(3)) 3, inferred");
        insta::assert_snapshot!(shown(&reading("-1|0")), @"Applied Nothing -1, inferred");
        let two = read("golang-migrate", "schema_migrations", "version dirty", &["1|f", "2|f"]);
        assert_eq!(two.decode().unwrap_err().to_string(), "the table has 2 rows, and golang-migrate keeps one");
    }

    #[test]
    fn its_library_and_its_command_line_have_different_keys() {
        assert_eq!(locks_of("golang-migrate", "schema_migrations"), ["2103762914", "616192132", "1906445756"]);
    }
}
