//! Flyway's table, written along with ours.
//!
//! Each row of ours that Flyway would have too is written to its table in the same transaction, so that Flyway validates
//! the database and goes on with it. What Flyway applies by itself is taken over before anything else is planned. What
//! Flyway cannot have is refused here, before anything runs.
//!
//! Available with feature `other-tools`: without it a policy that asks for it is refused.

use std::time::Duration;

use crate::backend::{ForeignRow, TableName};
use crate::diagnostic::{Diagnostic, codes};
use crate::history::format::flyway::Flyway;
use crate::history::format::flyway::write::{self, Elapsed, NotInFlyway, Row};
use crate::history::format::{Engine, Found, Table};

use super::Goal;
use super::planner::Planner;

#[cfg_attr(not(feature = "other-tools"), path = "mirror/absent.rs")]
mod rows;

pub(super) use rows::{add, due};

/// What a plan does to Flyway's table beside its steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// On which engine.
    pub engine: Engine,
    /// The table, with its schema where the engine has one.
    pub table: TableName,
    /// It must be made first.
    pub create: bool,
    /// What was applied before it was written along, in the order in which it was applied.
    pub fill: Vec<Row>,
}

/// What a step does to Flyway's table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mirrored {
    /// It has a row there too.
    Row(Row),
    /// A version is no longer applied.
    TakenBack(String),
    /// A file was changed, and that is accepted.
    Changed(Row),
}

impl Mirror {
    /// The table as a history of Flyway's.
    pub(crate) fn found(&self) -> Found {
        Found::new(&Flyway, Table { name: self.table.clone(), columns: Vec::new() }, &[])
    }

    /// Whether something is to be done before all steps.
    pub(crate) fn prepares(&self) -> bool {
        self.create || !self.fill.is_empty()
    }

    /// The same once that is done.
    pub(crate) fn prepared(&self) -> Self {
        Self { engine: self.engine, table: self.table.clone(), create: false, fill: Vec::new() }
    }

    /// What comes before all steps.
    pub(crate) fn prepare(&self) -> Vec<ForeignRow> {
        let create = if self.create { write::create_table(self.engine, &self.table) } else { Vec::new() };
        let fill = self.fill.iter().map(|row| write::insert(self.engine, &self.table, row));
        create.into_iter().chain(fill).map(|sql| ForeignRow { sql }).collect()
    }

    /// What is written with the row of a step that is complete; `elapsed` where somebody has measured it.
    pub(crate) fn done(&self, what: &Mirrored, elapsed: Option<Duration>) -> Vec<ForeignRow> {
        let (engine, table) = (self.engine, &self.table);
        let sql = match what {
            Mirrored::Row(row) => {
                let elapsed = elapsed.map_or(row.execution_time, Elapsed::of);
                let row = Row { execution_time: elapsed, ..row.clone() };
                vec![write::forget_failure(engine, table, &row), write::insert(engine, table, &row)]
            }
            Mirrored::TakenBack(version) => {
                vec![write::forget_failures_of(engine, table, version), write::delete(engine, table, version)]
            }
            Mirrored::Changed(row) => write::repair(engine, table, row).into_iter().collect(),
        };
        sql.into_iter().map(|sql| ForeignRow { sql }).collect()
    }

    /// What is written with the row of a step that failed outside a transaction.
    pub(crate) fn failed(&self, what: &Mirrored, elapsed: Duration) -> Vec<ForeignRow> {
        match what {
            Mirrored::Row(row) => {
                let failed = Mirrored::Row(Row { success: false, ..row.clone() });
                self.done(&failed, Some(elapsed))
            }
            Mirrored::TakenBack(_) | Mirrored::Changed(_) => Vec::new(),
        }
    }
}

/// What Flyway cannot have, as people read it.
pub(super) fn diagnostic(problem: &NotInFlyway) -> Diagnostic {
    Diagnostic::refused(codes::NOT_MIRRORED, problem.to_string())
        .help("nothing was run: Flyway's table is written along because `mirror` under [history] says so")
        .help("take `mirror = \"flyway\"` out of migrate.toml once Flyway is no longer used")
}

/// Whether a goal writes anything that Flyway would have too.
pub(crate) fn concerns(goal: &Goal) -> bool {
    !matches!(goal, Goal::Adopt(_))
}

/// Flyway's table where it is written along and nothing stands in it yet: a run of ours made it and ended before its first
/// row. Flyway itself writes a row with it.
pub(super) fn made_by_us<'p>(planner: &'p Planner<'_>) -> Option<&'p TableName> {
    planner.policy.mirror.as_ref()?;
    let reading = planner.observed.foreign.reading.as_ref()?;
    reading.records.is_empty().then_some(&reading.found.table.name)
}
