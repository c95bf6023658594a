//! Counting before and after each migration. What was found is written into the migration's row.

use crate::backend::{Advance, Effect, ServerError, Session, Settings};
use crate::counts::{Counted, Counts, OnLoss};
use crate::diagnostic::{Diagnostic, codes};
use crate::error::ErrorKind;
use crate::event::Event;
use crate::plan::{Mode, Plan, Step};

use super::{Halt, Run};

impl Run<'_> {
    /// What there is before the first step.
    pub(super) async fn count_first(&mut self, plan: &Plan) -> Result<(), Halt> {
        if !plan.counts.each.is_empty() {
            self.counted = ask(&mut *self.session, &plan.counts).await?;
        }
        Ok(())
    }

    /// What there is after a step, and what that means.
    pub(super) async fn count_again(&mut self, plan: &Plan, step: &Step, left: &[Step]) -> Result<(), Halt> {
        if plan.counts.each.is_empty() || matches!(step.mode, Mode::Record | Mode::Callback) {
            return Ok(());
        }
        // The script may have left the session in another schema.
        self.perform_quietly(&[Effect::Set(&Settings::default())]).await?;
        let now = ask(&mut *self.session, &plan.counts).await?;
        let counts = plan.counts.each.iter().zip(self.counted.iter().zip(&now));
        let found: Vec<Counted> = counts
            .map(|(count, (before, after))| Counted { name: count.name.clone(), before: *before, after: *after })
            .collect();
        self.counted = now;
        self.write_down(&plan.component, &found).await?;
        let losses: Vec<Counted> = found.into_iter().filter(Counted::is_loss).collect();
        if losses.is_empty() {
            return Ok(());
        }
        if plan.counts.on_loss == OnLoss::Stop {
            let left = left.iter().map(Step::title).collect();
            return Err(ErrorKind::RowsLost { title: step.title(), losses, left }.into());
        }
        let losses: Vec<String> = losses.iter().map(ToString::to_string).collect();
        let message = format!("{}: there is less than before it: {}", step.title(), losses.join(", "));
        let warning = Diagnostic::warning(codes::ROWS_LOST, message);
        self.observer.event(&Event::Remark { diagnostic: &warning });
        self.report.notes.push(warning);
        Ok(())
    }

    /// Into the last row, which is done and has no use for its note any more.
    async fn write_down(&mut self, component: &str, found: &[Counted]) -> Result<(), Halt> {
        let Some(row) = self.session.head(self.table, component).await? else { return Ok(()) };
        let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
        let change = Advance {
            key: row.key,
            run_id: row.run_id,
            fence: row.fence,
            holder_fence: self.fence,
            from_cursor: row.cursor,
            cursor: row.cursor,
            prefix_digest: row.prefix_digest,
            state: row.state,
            note: Some(format!("{NOTE}{}", shown.join(", "))),
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

/// Each number, or nothing where it cannot be asked.
///
/// # Errors
/// Only if the connection is lost.
async fn ask(session: &mut dyn Session, counts: &Counts) -> Result<Vec<Option<u64>>, ServerError> {
    let mut numbers = Vec::new();
    for count in &counts.each {
        numbers.push(match session.query(&count.sql).await {
            Ok(rows) => rows.first().and_then(|row| row.first()?.as_deref()?.trim().parse().ok()),
            Err(error) if error.is_lost() => return Err(error),
            Err(_) => None,
        });
    }
    Ok(numbers)
}
