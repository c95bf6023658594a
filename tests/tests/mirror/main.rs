//! Flyway's table, written along with ours: on every engine the same rows for the same files.

#![allow(clippy::unwrap_used)] // helpers of tests are tests too

use migrate_core::backend::{Row, TableName};
use migrate_core::history::format::flyway::write;
use migrate_core::layout::{EngineNames, Folder};
use migrate_core::plan::{DownGoal, Goal, OnNonempty, Policy, Target};
use migrate_core::{MigrationSet, Migrator, ReadOptions, Report};
use migrate_tests::backends::{Database, OnSqlite, block_on};
#[cfg(unix)]
use migrate_tests::backends::{OnMariaDb, OnMySql, OnPostgres};

mod scenario;

/// A statement that runs outside a transaction, one that fails, and what takes its place when the file is mended.
pub(crate) struct Journalled {
    pub(crate) first: &'static str,
    pub(crate) broken: &'static str,
    pub(crate) mended: &'static str,
}

/// The files as Flyway's layout reads them.
pub(crate) fn set<D: Database>(files: &[(&str, &str)]) -> MigrationSet {
    let folder = Folder::embedded("db/migration", files.iter().copied());
    let options = ReadOptions { layout: Some("flyway".to_owned()), ..ReadOptions::new(D::engine()) };
    MigrationSet::from_folder(&folder, &options).unwrap_or_else(|problems| panic!("{}", problems[0])).set
}

pub(crate) fn mirrored() -> Policy {
    let mut policy = Policy::default();
    policy.mirror = Some(TableName { schema: None, name: write::TABLE.to_owned() });
    policy
}

pub(crate) fn migrator<D: Database>(database: &D, files: &[(&str, &str)]) -> Migrator {
    Migrator::new(database.backend(), set::<D>(files)).policy(mirrored())
}

pub(crate) fn up<D: Database>(database: &D, files: &[(&str, &str)]) -> Result<Report, String> {
    block_on(migrator(database, files).up()).map_err(|error| error.to_string())
}

pub(crate) fn query<D: Database>(database: &D, sql: &str) -> Vec<Row> {
    block_on(async {
        let mut session = database.backend().connect().await.unwrap();
        session.query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
    })
}

/// Flyway's rows, a line each, without times and users.
pub(crate) fn rows<D: Database>(database: &D) -> String {
    let sql = "select installed_rank, version, description, type, script, checksum, success from \
               flyway_schema_history order by installed_rank";
    let line = |row: Row| {
        let cells: Vec<String> = row.into_iter().map(|cell| cell.unwrap_or_else(|| "-".to_owned())).collect();
        let yes = matches!(cells[6].as_str(), "1" | "t" | "true");
        format!("{}|{}\n", cells[..6].join("|"), if yes { "yes" } else { "no" })
    };
    query(database, sql).into_iter().map(line).collect()
}

macro_rules! on {
    ($module:ident, $database:ty, $journalled:expr) => {
        mod $module {
            use super::*;

            #[test]
            fn the_rows_are_those_of_flyway_itself() {
                scenario::rows_of_a_first_run::<$database>();
            }

            #[test]
            fn a_step_that_fails_outside_a_transaction_has_a_row_until_it_succeeds() {
                scenario::a_failed_row_is_replaced::<$database>(&$journalled);
            }

            #[test]
            fn a_failure_that_is_forgotten_leaves_no_row() {
                scenario::a_failure_that_is_forgotten::<$database>(&$journalled);
            }

            #[test]
            fn several_runs_at_once_make_one_table_and_each_row_once() {
                scenario::several_at_once::<$database>();
            }

            #[test]
            fn an_empty_table_of_a_run_that_was_killed_is_ours() {
                scenario::made_and_then_killed::<$database>();
            }

            #[test]
            fn a_table_that_flyway_did_not_write_is_named() {
                scenario::a_table_that_was_tampered_with::<$database>();
            }

            #[test]
            fn what_is_taken_back_is_pending_for_flyway() {
                scenario::a_tombstone_for_what_is_taken_back::<$database>();
            }

            #[test]
            fn what_flyway_applies_itself_is_taken_over_and_not_run_again() {
                scenario::side_by_side::<$database>();
            }

            #[test]
            fn what_was_applied_before_is_written_when_the_mirror_is_turned_on() {
                scenario::turned_on_later::<$database>();
            }

            #[test]
            fn a_baseline_is_one_row() {
                scenario::a_baseline::<$database>();
            }
        }
    };
}

on!(
    on_sqlite,
    OnSqlite,
    Journalled {
        first: "vacuum;",
        broken: "insert into nowhere values (1);",
        mended: "insert into users (id) values (7);"
    }
);

#[cfg(unix)]
on!(
    on_postgres,
    OnPostgres,
    Journalled {
        first: "create index concurrently users_by_name on users (name);",
        broken: "insert into nowhere values (1);",
        mended: "insert into users (id) values (7);",
    }
);
#[cfg(unix)]
const MYSQL: Journalled = Journalled {
    first: "create index users_by_name on users (name);",
    broken: "insert into nowhere values (1);",
    mended: "insert into users (id) values (7);",
};
#[cfg(unix)]
on!(on_mysql, OnMySql, MYSQL);
#[cfg(unix)]
on!(on_mariadb, OnMariaDb, MYSQL);
