//! Liquibase: `DATABASECHANGELOG`, one row a changeset, and the row of its lock, which outlives a crash.
//!
//! Source: Liquibase 5.0.4-dev at cdbdec7fa9, `StandardChangeLogHistoryService`, `StandardLockService`.

#[cfg(feature = "other-tools")]
mod changeset;

#[cfg(feature = "other-tools")]
pub(crate) use changeset::{checksum, header};

use super::entry::Algorithm;
use super::lock::Locking;
use super::{Damaged, ForeignEntry, ForeignLock, ForeignState, HistoryFormat, Names, Reading, Table};

/// Liquibase.
#[derive(Debug)]
pub(super) struct Liquibase;

impl HistoryFormat for Liquibase {
    fn name(&self) -> &'static str {
        "liquibase"
    }

    fn title(&self) -> &'static str {
        "Liquibase"
    }

    fn tables(&self) -> &'static [&'static str] {
        &["databasechangelog"]
    }

    fn beside(&self) -> &'static [&'static str] {
        &["databasechangeloglock"]
    }

    /// For its lock; the rows say nothing.
    fn read_beside(&self, _: &Table) -> &'static [&'static str] {
        &["id", "locked", "lockgranted", "lockedby"]
    }

    fn recognises(&self, table: &Table, _: &[Table]) -> bool {
        table.has(&["id", "author", "filename", "orderexecuted", "exectype", "md5sum"])
    }

    fn layouts(&self) -> &'static [&'static str] {
        &["liquibase"]
    }

    fn order(&self) -> &'static str {
        "orderexecuted"
    }

    /// A row that is there counts, also where the changeset was only marked as run.
    fn decode(&self, reading: &Reading) -> Result<Vec<ForeignEntry>, Damaged> {
        reading
            .records
            .iter()
            .map(|record| {
                let (id, author) = (record.text("id"), record.text("author"));
                let path = record.text("filename").replace('\\', "/");
                let path = path.strip_prefix("classpath:").unwrap_or(&path).trim_start_matches('/').to_owned();
                let state = match record.text("exectype") {
                    "EXECUTED" | "RERAN" | "MARK_RAN" => ForeignState::Applied,
                    "FAILED" | "SKIPPED" => ForeignState::Failed,
                    other => {
                        return Err(Damaged(format!("{author}:{id}: `{other}` is no way in which a changeset ends")));
                    }
                };
                let label = format!("{path}::{id}::{author}");
                let names = Names::Changeset { id: id.to_owned(), author: author.to_owned(), path };
                Ok(ForeignEntry::applied(names, label, record)
                    .description(record.text("description"))
                    .state(state)
                    .checksum(Algorithm::Liquibase, record.text("md5sum")))
            })
            .collect()
    }

    fn locks(&self, at: &Locking<'_>) -> Vec<ForeignLock> {
        // Without the table no Liquibase of today has ever been here.
        let lock = at.beside.iter().find(|table| table.is_called("databasechangeloglock"));
        lock.map(|lock| row_lock(at, lock)).into_iter().collect()
    }
}

/// The row that Liquibase marks. It is a row like any other: a crash leaves it marked.
fn row_lock(at: &Locking<'_>, lock: &Table) -> ForeignLock {
    let engine = at.engine;
    let table = engine.table(&lock.name);
    let column = |name: &str| lock.column(name).map_or_else(|| name.to_owned(), |column| engine.name(&column.name));
    let (id, locked, granted, by) = (column("id"), column("locked"), column("lockgranted"), column("lockedby"));
    let owner = engine.literal(&format!("migrate {}", at.owner));
    let (yes, no) = (engine.boolean(true), engine.boolean(false));
    ForeignLock {
        name: format!("Liquibase's lock in {}", lock.name),
        take: vec![
            format!(
                "UPDATE {table} SET {locked} = {yes}, {granted} = CURRENT_TIMESTAMP, {by} = {owner} \
                 WHERE {id} = 1 AND {locked} = {no}"
            ),
            // No row means that nobody has locked yet.
            format!("SELECT COALESCE(MAX(CASE WHEN {by} = {owner} THEN 1 ELSE 0 END), 1) FROM {table} WHERE {id} = 1"),
        ],
        ours: "1".to_owned(),
        give_back: vec![format!(
            "UPDATE {table} SET {locked} = {no}, {granted} = NULL, {by} = NULL WHERE {id} = 1 AND {by} = {owner}"
        )],
        help: Some("a Liquibase that was killed leaves it locked: liquibase release-locks".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use crate::history::format::tests::{read, shown};

    #[test]
    fn a_row_is_a_changeset() {
        let columns = "ID AUTHOR FILENAME DATEEXECUTED ORDEREXECUTED EXECTYPE MD5SUM DESCRIPTION";
        let rows =
            ["1|ann|classpath:db/changelog.sql|2026|1|EXECUTED|9:f1ac|sql", "2|bob|db\\more.sql|2026|2|MARK_RAN|-|sql"];
        insta::assert_snapshot!(shown(&read("liquibase", "DATABASECHANGELOG", columns, &rows)), @r#"
        Applied Changeset { id: "1", author: "ann", path: "db/changelog.sql" } db/changelog.sql::1::ann, sql, Liquibase 9:f1ac
        Applied Changeset { id: "2", author: "bob", path: "db/more.sql" } db/more.sql::2::bob, sql
        "#);
        let odd = read("liquibase", "DATABASECHANGELOG", columns, &["1|ann|a.sql|2026|1|DANCED|-|sql"]);
        assert_eq!(odd.decode().unwrap_err().to_string(), "ann:1: `DANCED` is no way in which a changeset ends");
    }
}
