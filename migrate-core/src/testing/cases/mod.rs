//! The cases of the conformance suite. [`conformance!`](crate::conformance) makes one named test of each.
//!
//! They speak the SQL that every engine knows: `CREATE TABLE`, `DROP TABLE`, `INSERT`, `SELECT`. What only one engine
//! has is tested in its own crate.

//!
//! | module | holds |
//! |---|---|
//! | `contract` | what a session promises, method by method, and what a dialect declares |
//! | `runs` | what runs of a migrator come to |
//! | `installs` | snapshots, and what was appended |
//! | `releases` | phases, deploys and routes |
//! | `code` | migrations whose work is code |
//! | `crash` | the sweep: a connection lost at every moment |

use super::fixture::{self, Fixture};
use crate::backend::{Backend, Effect, End, Session, TableName};
use crate::plan::{DownGoal, Goal};
use crate::set::MigrationSet;
use crate::sql::Statement;
use crate::{Error, Migrator, Report};

mod code;
mod contract;
mod crash;
mod installs;
mod releases;
mod runs;

use crash::look_and_settle;

pub use code::*;
pub use contract::*;
pub use crash::*;
pub use installs::*;
pub use releases::*;
pub use runs::*;

/// Three migrations: two that belong together, one whose number sorts after them only as a number.
const THREE: &[fixture::Text<'_>] = &[
    (
        "1",
        "CREATE TABLE a (n INTEGER); INSERT INTO a VALUES (1); CREATE TABLE b (n INTEGER);",
        "DROP TABLE b; DROP TABLE a;",
    ),
    ("2", "INSERT INTO a VALUES (2);", "DELETE FROM b;"),
    ("10", "CREATE TABLE c (n INTEGER);", "DROP TABLE c;"),
];

fn migrator<F: Fixture>(fixture: &F, set: &MigrationSet) -> Migrator {
    Migrator::new(fixture.backend(), set.clone())
}

fn up<F: Fixture>(fixture: &F, set: &MigrationSet) -> Result<Report, Error> {
    F::block_on(migrator(fixture, set).up())
}

fn down<F: Fixture>(fixture: &F, set: &MigrationSet, goal: DownGoal) -> Result<Report, Error> {
    F::block_on(migrator(fixture, set).goal(Goal::Down(goal)).up())
}

fn session<F: Fixture>(fixture: &F) -> Box<dyn Session> {
    F::block_on(fixture.backend().connect()).expect("the database of a fixture can be reached")
}

/// The numbers in a table, sorted; `None` if there is no such table.
fn numbers<F: Fixture>(fixture: &F, table: &str) -> Option<Vec<i64>> {
    let mut session = session(fixture);
    let rows = F::block_on(session.query(&format!("SELECT n FROM {table}"))).ok()?;
    let mut numbers: Vec<i64> = rows.into_iter().filter_map(|row| row.into_iter().next()??.parse().ok()).collect();
    numbers.sort_unstable();
    Some(numbers)
}

fn done(report: &Report) -> Vec<String> {
    report.steps.iter().map(|step| format!("{} {}", step.action, step.id)).collect()
}

fn perform<F: Fixture>(session: &mut dyn Session, effects: &[Effect<'_>]) -> End {
    F::block_on(session.perform(&TableName::default(), effects, &mut ())).end
}

fn statement<'a>(backend: &impl Backend, text: &'a str) -> Statement<'a> {
    let dialect = backend.dialect();
    Statement { number: 1, text, offset: 0, data: None, class: (dialect.classify)(text, &dialect.syntax) }
}

/// One named test for each case.
#[macro_export]
macro_rules! conformance {
    ($fixture:ty) => {
        $crate::conformance!(@ $fixture:
            up_applies_everything_once,
            down_returns_to_the_start,
            atomicity_is_as_declared,
            what_runs_alone_is_known,
            a_failed_statement_is_named_and_the_run_goes_on,
            a_changed_beginning_is_refused,
            the_lock_excludes_and_dies_with_its_holder,
            rows_come_back_as_they_were_written,
            lost_races_are_told_apart,
            an_added_column_does_not_matter,
            an_older_release_downgrades_with_stored_scripts,
            looking_changes_nothing,
            a_stale_plan_is_refused,
            callbacks_run_around_and_leave_no_row,
            preconditions_are_asked_first,
            a_stop_leaves_work_for_the_next_run,
            cancelling_is_as_declared,
            two_runs_at_once_apply_everything_once,
            events_tell_what_happens_in_order,
            components_do_not_meet,
            a_release_knows_whether_it_may_run,
            a_phase_waits_for_its_deploy,
            a_route_leads_where_it_says,
            a_snapshot_installs_everything_at_once,
            a_crash_inside_a_snapshot_loses_nothing,
            what_was_appended_runs_on_request,
            a_crash_anywhere_loses_nothing,
            a_lost_connection_is_survived,
            a_journalled_step_is_announced_before_it_is_sent,
            code_runs_on_the_documented_connection,
            a_checkpoint_is_committed_with_its_data,
            code_in_a_transaction_is_all_or_nothing,
            code_survives_a_crash_anywhere,
        );
    };
    (@ $fixture:ty: $($case:ident),* $(,)?) => {
        $(
            #[test]
            fn $case() {
                $crate::testing::cases::$case::<$fixture>();
            }
        )*
    };
}
