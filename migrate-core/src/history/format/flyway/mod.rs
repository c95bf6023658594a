//! Flyway: `flyway_schema_history`, one row a migration, read and written.
//!
//! Source: Flyway 13.0.0 at c5e20fc773 (`JdbcTableSchemaHistory`, `MigrationInfoServiceImpl`, `MigrationType`).

use super::entry::{Algorithm, supersede};
use super::lock::{Locking, java_hash};
use super::{Damaged, ForeignEntry, ForeignLock, ForeignState, HistoryFormat, Names, Quality, Reading, Record, Table};
use crate::version::Version;

#[cfg(feature = "other-tools")]
mod name;
#[cfg(feature = "other-tools")]
pub(crate) mod row;
pub mod write;

/// The first eight bytes of an advisory lock's key say "Flyway"; a table's hash is added.
const ADVISORY: i64 = 77_431_708_279_161;

/// Flyway.
#[derive(Debug)]
pub struct Flyway;

impl HistoryFormat for Flyway {
    fn name(&self) -> &'static str {
        "flyway"
    }

    fn title(&self) -> &'static str {
        "Flyway"
    }

    fn tables(&self) -> &'static [&'static str] {
        // `schema_version` before 5.0; `DATABASE_CHANGE_LOG` is what OpenMetadata called it.
        &["flyway_schema_history", "schema_version", "database_change_log"]
    }

    fn recognises(&self, table: &Table, all: &[Table]) -> bool {
        let openmetadata =
            table.is_called("database_change_log") && all.iter().any(|other| other.is_called("server_change_log"));
        !openmetadata
            && table.has(&[
                "installed_rank",
                "version",
                "description",
                "type",
                "script",
                "checksum",
                "installed_by",
                "installed_on",
                "execution_time",
                "success",
            ])
    }

    fn layouts(&self) -> &'static [&'static str] {
        &["flyway"]
    }

    fn order(&self) -> &'static str {
        "installed_rank"
    }

    fn decode(&self, reading: &Reading) -> Result<Vec<ForeignEntry>, Damaged> {
        let rows = reading.records.iter().enumerate();
        let mut entries = rows.map(|(index, record)| decode(record, index)).collect::<Result<Vec<_>, _>>()?;
        // A tombstone and an undo are later rows about the same version: what they say counts.
        supersede(&mut entries);
        Ok(entries)
    }

    fn locks(&self, at: &Locking<'_>) -> Vec<ForeignLock> {
        let hash = java_hash(&at.engine.table(&at.table.name));
        at.either("Flyway", Some(ADVISORY + i64::from(hash)), Some(&format!("Flyway-{hash}")))
    }
}

fn decode(record: &Record, index: usize) -> Result<ForeignEntry, Damaged> {
    let rank = record.text("installed_rank");
    let damaged = |what: String| Damaged(format!("row {rank}: {what}"));
    let (kind, description) = (record.text("type"), record.text("description"));
    let version = match record.get("version") {
        None => None,
        Some(text) => Some(
            text.replace('_', ".")
                .parse::<Version>()
                .map_err(|_| damaged(format!("`{text}` is not a version of Flyway")))?,
        ),
    };
    let label = record.get("version").unwrap_or(description).to_owned();
    let names =
        |version: Option<Version>| version.map_or_else(|| Names::Repeatable(description.to_owned()), Names::Version);
    let entry = ForeignEntry::applied(names(version.clone()), label, record).description(description);
    let state = if record.is_true("success") { ForeignState::Applied } else { ForeignState::Failed };
    let language = |language: &str| Some(language.to_owned());
    Ok(match kind {
        "SCHEMA" => ForeignEntry { names: Names::Nothing, ..entry },
        // Further down it is a leftover that Flyway itself does not look at.
        "BASELINE" if index > 1 => ForeignEntry { names: Names::Nothing, ..entry },
        "BASELINE" => {
            let version = version.ok_or_else(|| damaged("a baseline without a version".to_owned()))?;
            ForeignEntry { names: Names::UpTo(version), ..entry }
                .state(ForeignState::Baseline)
                .quality(Quality::Inferred)
        }
        "SQL_BASELINE" | "SQL_STATE_SCRIPT" | "JDBC_BASELINE" | "JDBC_STATE_SCRIPT" | "SCRIPT_BASELINE" => {
            let version = version.ok_or_else(|| damaged("a baseline without a version".to_owned()))?;
            // The script did the work of every version up to its own.
            let state = if state == ForeignState::Applied { ForeignState::Baseline } else { state };
            ForeignEntry { names: Names::UpTo(version), ..entry }.state(state).quality(Quality::Inferred)
        }
        "SQL" => entry.state(state).checksum(Algorithm::FlywayCrc32, record.text("checksum")),
        "JDBC" | "SPRING_JDBC" => ForeignEntry { code: language("Java"), ..entry.state(state) },
        "SCRIPT" => ForeignEntry { code: language("a script of the shell"), ..entry.state(state) },
        "CUSTOM" => ForeignEntry { code: language("a resolver of the application"), ..entry.state(state) },
        "DELETE" => entry.state(ForeignState::Tombstone),
        undo if undo.starts_with("UNDO_") => {
            entry.state(if state == ForeignState::Applied { ForeignState::Reverted } else { state })
        }
        other => return Err(damaged(format!("`{other}` is no type that Flyway knows"))),
    })
}

#[cfg(test)]
mod tests {
    use crate::history::format::tests::{locks_of, read, shown};

    const COLUMNS: &str =
        "installed_rank version description type script checksum installed_by installed_on execution_time success";

    #[test]
    fn the_effective_set_is_derived_from_all_rows() {
        let reading = read(
            "flyway",
            "flyway_schema_history",
            COLUMNS,
            &[
                "0|-|<< Flyway Schema Creation >>|SCHEMA|\"a\"|-|me|-|0|t",
                "1|1|<< Flyway Baseline >>|BASELINE|<< Flyway Baseline >>|-|me|-|0|t",
                "2|1.1|add name|SQL|V1_1__add_name.sql|-7233374|me|-|4|t",
                "3|2|code|JDBC|db.V2__Code|-|me|-|4|t",
                "4|3|gone|SQL|V3__gone.sql|5|me|-|4|t",
                "5|3|gone|DELETE|V3__gone.sql|5|me|-|0|t",
                "6|-|user view|SQL|R__user_view.sql|6|me|-|4|t",
                "7|-|user view|SQL|R__user_view.sql|7|me|-|4|t",
                "8|4|undone|SQL|V4__undone.sql|8|me|-|4|t",
                "9|4|undone|UNDO_SQL|U4__undone.sql|8|me|-|4|t",
                "10|5|broken|SQL|V5__broken.sql|9|me|-|4|f",
            ],
        );
        insta::assert_snapshot!(shown(&reading), @r#"
        Applied Nothing << Flyway Schema Creation >>
        Baseline UpTo(Version(1)) 1, << Flyway Baseline >>, inferred
        Applied Version(Version(1.1)) 1.1, add name, FlywayCrc32 -7233374
        Applied Version(Version(2)) 2, code, written in Java
        Superseded Version(Version(3)) 3, gone, FlywayCrc32 5
        Tombstone Version(Version(3)) 3, gone
        Superseded Repeatable("user view") user view, FlywayCrc32 6
        Applied Repeatable("user view") user view, FlywayCrc32 7
        Superseded Version(Version(4)) 4, undone, FlywayCrc32 8
        Reverted Version(Version(4)) 4, undone
        Failed Version(Version(5)) 5, broken, FlywayCrc32 9
        "#);
    }

    #[test]
    fn a_type_that_flyway_does_not_know_is_an_error() {
        let reading = read("flyway", "flyway_schema_history", COLUMNS, &["1|1|a|OURS|a|1|me|-|1|t"]);
        assert_eq!(reading.decode().unwrap_err().to_string(), "row 1: `OURS` is no type that Flyway knows");
    }

    #[test]
    fn its_lock_is_made_from_the_name_of_its_table() {
        assert_eq!(locks_of("flyway", "flyway_schema_history"), ["77433833903597", "Flyway-278632207"]);
    }
}
