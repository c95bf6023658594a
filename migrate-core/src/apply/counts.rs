//! Counting before and after each migration. What was found is written into the migration's row.
//!
//! Where a loss is to stop the run and the migration is one transaction, it is asked before the commit, so that the
//! migration is rolled back with what it lost. Elsewhere it can only be asked afterwards: what is journalled is there
//! already, and a script that changes its session (`SET`, `USE`) has to be over before the questions mean what they say.

use crate::backend::{Advance, Effect, Row, ServerError, Session, Settings};
use crate::counts::{Counted, Counts, OnLoss};
use crate::diagnostic::{Diagnostic, codes};
use crate::error::ErrorKind;
use crate::event::Event;
use crate::history::Action;
use crate::plan::{Mode, Plan, Step};
use crate::sql::classify::words;
use crate::sql::{Statement, StatementKind, Syntax};

use super::retry::Retry;
use super::{Halt, Run};

/// What is counted, and what it was last.
#[derive(Debug, Default)]
pub(super) struct Counting {
    counts: Counts,
    last: Vec<Option<u64>>,
    /// The step that was completed last was counted before its commit.
    has_counted: bool,
}

/// What counting after a migration found.
pub(super) struct Found {
    each: Vec<Counted>,
    now: Vec<Option<u64>>,
}

impl Counting {
    /// Whether anything is counted.
    pub(super) fn is_needed(&self) -> bool {
        !self.counts.each.is_empty()
    }

    /// Whether it must be asked before a step's transaction is committed.
    pub(super) fn is_before_commit(&self, step: &Step, syntax: &Syntax) -> bool {
        let sets = |statement: Statement<'_>| {
            let first = words(statement.text, syntax).next();
            // A pragma changes no question's meaning.
            statement.class.kind == StatementKind::Session && !first.is_some_and(|word| word.is("pragma"))
        };
        let changes_session = step.script.as_ref().is_some_and(|script| script.statements().any(sets));
        self.is_needed()
            && self.counts.on_loss == OnLoss::Stop
            && matches!(step.mode, Mode::Transaction | Mode::Code)
            && !changes_session
    }

    /// Counts in the open transaction. A question that fails does not end it.
    ///
    /// # Errors
    /// If the connection is lost, or a lock is in the way of an answer.
    pub(super) async fn ask_inside(&self, session: &mut dyn Session) -> Result<Found, ServerError> {
        go_on(session.query("SAVEPOINT migrate_counts").await)?;
        let mut now = Vec::new();
        for count in &self.counts.each {
            now.push(match session.query(&count.sql).await {
                Ok(rows) => number(&rows),
                Err(error) if error.is_lost() || error.is_contention() => return Err(error),
                Err(_) => {
                    go_on(session.query("ROLLBACK TO SAVEPOINT migrate_counts").await)?;
                    None
                }
            });
        }
        go_on(session.query("RELEASE SAVEPOINT migrate_counts").await)?;
        Ok(self.found(now))
    }

    fn found(&self, now: Vec<Option<u64>>) -> Found {
        let both = self.counts.each.iter().zip(self.last.iter().zip(&now));
        let each = both
            .map(|(count, (before, after))| Counted { name: count.name.clone(), before: *before, after: *after })
            .collect();
        Found { each, now }
    }

    /// The step for which this was found is committed with it.
    pub(super) fn keep(&mut self, found: Found) {
        self.last = found.now;
        self.has_counted = true;
    }
}

impl Found {
    /// What is less than before.
    pub(super) fn losses(&self) -> Vec<Counted> {
        self.each.iter().filter(|counted| counted.is_loss()).cloned().collect()
    }

    /// The same for a message.
    pub(super) fn lost(&self) -> String {
        listed(&self.losses())
    }

    /// What the row of the migration says of it.
    pub(super) fn note(&self) -> String {
        format!("{NOTE}{}", listed(&self.each))
    }
}

impl Run<'_> {
    /// What there is before the first step.
    pub(super) async fn count_first(&mut self, plan: &Plan) -> Result<(), Halt> {
        self.counting = Counting { counts: plan.counts.clone(), ..Counting::default() };
        if let Some(step) = plan.steps.first().filter(|_| self.counting.is_needed()) {
            self.counting.last = self.count(plan, step, "it has not begun").await?;
        }
        Ok(())
    }

    /// What there is after a step that is committed, and what that means.
    pub(super) async fn count_again(&mut self, plan: &Plan, step: &Step, left: &[Step]) -> Result<(), Halt> {
        if std::mem::take(&mut self.counting.has_counted)
            || !self.counting.is_needed()
            || matches!(step.mode, Mode::Record | Mode::Callback)
        {
            return Ok(());
        }
        // The script may have left the session in another schema.
        self.perform_quietly(&[Effect::Set(&Settings::default())]).await?;
        let now = self.count(plan, step, "it is done").await?;
        let found = self.counting.found(now);
        self.write_down(step, &plan.component, found.note()).await?;
        let losses = found.losses();
        self.counting.last = found.now;
        if losses.is_empty() {
            return Ok(());
        }
        if plan.counts.on_loss == OnLoss::Stop {
            return Err(rows_lost(step, losses, left, false).into());
        }
        let message = format!("{}: there is less than before it: {}", step.title(), listed(&losses));
        let warning = Diagnostic::warning(codes::ROWS_LOST, message);
        self.observer.event(&Event::Remark { diagnostic: &warning });
        self.report.notes.push(warning);
        Ok(())
    }

    /// Each number, before or after a step, `stands` says how that is. Whoever holds a lock is waited for: behind it
    /// there may be as much as before.
    async fn count(&mut self, plan: &Plan, step: &Step, stands: &str) -> Result<Vec<Option<u64>>, Halt> {
        let mut retry = Retry::default();
        loop {
            match ask(&mut *self.session, &plan.counts).await {
                Err(error) if error.is_contention() => {
                    let failure = || {
                        let message = format!("{}: {stands}, and {}", step.title(), error.message);
                        let hint = "once the lock is gone, see with `migrate status` what is left to do".to_owned();
                        ServerError { message, hint: Some(hint), ..error.clone() }.into()
                    };
                    self.pause_for_retry(step, &error, &mut retry, failure).await?;
                }
                numbers => return Ok(numbers?),
            }
        }
    }

    /// Into the step's row, which is done and has no use for its note any more.
    async fn write_down(&mut self, step: &Step, component: &str, note: String) -> Result<(), Halt> {
        let row = if step.also.is_empty() {
            self.session.head(self.table, component).await?
        } else {
            // Those of what it stands for come behind its own.
            let rows = self.session.load(self.table).await?;
            rows.into_iter().find(|row| row.key.component == component && row.key.seq == self.heard)
        };
        let Some(row) = row else { return Ok(()) };
        let change = Advance {
            key: row.key,
            run_id: row.run_id,
            fence: row.fence,
            holder_fence: self.fence,
            from_cursor: row.cursor,
            cursor: row.cursor,
            prefix_digest: row.prefix_digest,
            state: row.state,
            note: Some(note),
            asked: None,
            settled_by: row.settled_by,
            checkpoint: row.checkpoint,
            error: row.error,
        };
        self.perform_quietly(&[Effect::Begin(&Settings::default()), Effect::Advance(&change), Effect::Commit]).await
    }
}

/// How a note about counts begins.
const NOTE: &str = "counts: ";

/// Why nothing runs after a step, or the step itself does not stay.
pub(super) fn rows_lost(step: &Step, losses: Vec<Counted>, left: &[Step], rolled_back: bool) -> ErrorKind {
    ErrorKind::RowsLost {
        title: step.title(),
        losses,
        left: left.iter().map(Step::title).collect(),
        rolled_back,
        journalled: step.mode == Mode::Journal,
        goes_down: step.action == Action::Down,
    }
}

/// An engine may know no savepoints, and where code ended the transaction there is none any more; nothing depends on it.
/// Where one is needed and missing, the commit says so.
fn go_on(answer: Result<Vec<Row>, ServerError>) -> Result<(), ServerError> {
    match answer {
        Err(error) if error.is_lost() => Err(error),
        _ => Ok(()),
    }
}

fn listed(counted: &[Counted]) -> String {
    counted.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Each number, or nothing where it cannot be asked.
///
/// # Errors
/// If the connection is lost, or a lock is in the way of an answer.
async fn ask(session: &mut dyn Session, counts: &Counts) -> Result<Vec<Option<u64>>, ServerError> {
    let mut numbers = Vec::new();
    for count in &counts.each {
        numbers.push(match session.query(&count.sql).await {
            Ok(rows) => number(&rows),
            Err(error) if error.is_lost() => return Err(error),
            Err(error) if error.is_contention() => {
                let message = format!("count {} cannot be asked: {}", count.name, error.message);
                return Err(ServerError { message, ..error });
            }
            Err(_) => None,
        });
    }
    Ok(numbers)
}

/// One row, one whole number.
fn number(rows: &[Row]) -> Option<u64> {
    rows.first()?.first()?.as_deref()?.trim().parse().ok()
}
