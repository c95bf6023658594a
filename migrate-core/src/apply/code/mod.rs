//! Steps whose work is code.
//!
//! What runs in one transaction writes its row first, as begun, and completes it at the end. Where definitions roll back
//! nobody ever sees it begun; where they commit, the first one takes the row along, so that a crash leaves the truth.
//! Everything else announces itself in a committed row: batches change its checkpoint in the transaction whose work it
//! is about.

mod context;

use std::time::Instant;

use crate::backend::{Advance, Atomicity, Effect, End, Exclusion, Fault, NewEntry, ServerError, Settings};
use crate::code::{Code, CodeError, CodeRuns, Restart};
use crate::diagnostic::Place;
use crate::error::{CodeFailure, ErrorKind};
use crate::event::Event;
use crate::history::{Action, State};
use crate::plan::{PendingCode, Refusal, Step};
use crate::sql::Syntax;

use super::effects::{Stamp, advance, limits};
use super::journal::{UnitWatch, stopped};
use super::report::StepReport;
use super::retry::Retry;
use super::settle::interrupted;
use super::window::ask;
use super::{Halt, Run, halted};

pub use context::CodeContext;

/// The note of code that does not say how it goes on: what may have run unseen.
const NOTE: &str = "code";

/// What is the same for every try at a step.
#[derive(Clone, Copy)]
struct Attempt<'a> {
    step: &'a Step,
    runs: CodeRuns,
    code: &'a dyn Code,
    row: &'a NewEntry,
    settings: &'a Settings,
    syntax: Syntax,
    /// The steps behind it.
    left: &'a [Step],
}

/// What a try came to, where it did not come to its end.
struct Failed {
    error: CodeError,
    /// The last one that is committed.
    checkpoint: Option<String>,
}

impl Run<'_> {
    /// Carries out the first of `steps`, whose work is code.
    /// `syntax` is the server's, by which what it executes is split.
    pub(super) async fn code(&mut self, steps: &[Step], syntax: Syntax) -> Result<(), Halt> {
        let (step, left) = (&steps[0], &steps[1..]);
        let began = Instant::now();
        let declared = step.code.as_ref().expect("a step that runs code says which");
        let codes = self.codes;
        let Some(code) = codes.get(&declared.of) else { return Err(missing(step).into()) };
        self.observer.event(&Event::StepStarted { step });
        let mut takeover = None;
        if let Some(attempt) = step.resume.as_ref().map(|resume| &resume.entry) {
            let how = declared.goes_on(attempt);
            if attempt.state == State::InFlight {
                if declared.runs.may_be_in_doubt() {
                    return Err(doubt(step).into());
                }
                takeover = Some(interrupted(attempt, self.fence, 0, None, format!("code: it {how}")));
            }
            self.observer.event(&Event::Resumed { step, how: &how });
        }
        let seq = self.take_seqs(1);
        let row = self.code_row(step, seq, &syntax);
        if row.entry.state == State::Done {
            self.append(&[row], &[]).await?;
        } else {
            let settings = limits(self.options.settings.clone(), &step.run, self.options);
            let (runs, code) = (declared.runs, &**code);
            let attempt = Attempt { step, runs, code, row: &row, settings: &settings, syntax, left };
            match declared.runs {
                CodeRuns::InTransaction => self.code_in_transaction(attempt).await?,
                CodeRuns::InBatches | CodeRuns::Outside(_) => self.code_journalled(attempt, takeover).await?,
            }
        }
        self.has_table = true;
        let elapsed = began.elapsed();
        self.finished(seq, StepReport::of(step, 0, elapsed));
        self.observer.event(&Event::StepFinished { step, elapsed });
        Ok(())
    }

    /// The row that opens the attempt; of code of which somebody said that it ran, the whole of it.
    fn code_row(&self, step: &Step, seq: u64, syntax: &Syntax) -> NewEntry {
        let runs = step.code.as_ref().map(|code| code.runs);
        let before = step.resume.as_ref().map(|resume| &resume.entry);
        let has_run = before.is_some_and(|before| before.cursor > 0);
        let waived = self.waived.clone().unwrap_or_default();
        let (run_id, fence, options) = (&self.run_id, self.fence, self.options);
        let stamp = Stamp { run_id, fence, options, syntax, mirror: None, waived: &waived };
        let (state, cursor) = if has_run { (State::Done, 1) } else { (State::InFlight, 0) };
        let mut row = stamp.row(step, seq, state, cursor);
        if !has_run {
            row.entry.note = runs.filter(|runs| runs.may_be_in_doubt()).map(|_| NOTE.to_owned());
            if let Some(CodeRuns::InBatches | CodeRuns::Outside(Restart::AtCheckpoint)) = runs {
                row.entry.checkpoint = before.and_then(|before| before.checkpoint.clone());
            }
        }
        row
    }

    async fn code_in_transaction(&mut self, attempt: Attempt<'_>) -> Result<(), Halt> {
        let mut retry = Retry::default();
        loop {
            if self.stop.is_requested() {
                return Err(stopped(attempt.step, attempt.left));
            }
            let Err(failed) = self.try_in_transaction(attempt).await? else { return Ok(()) };
            let recorded = self.rolled_back(attempt, &failed).await?;
            self.after(attempt, failed, recorded, &mut retry).await?;
        }
    }

    async fn try_in_transaction(&mut self, attempt: Attempt<'_>) -> Result<Result<(), Failed>, Halt> {
        let Attempt { step, row, settings, .. } = attempt;
        if let Err(error) = self.of_code(step, &[Effect::Begin(settings)]).await? {
            return Ok(Err(Failed { error: error.into(), checkpoint: None }));
        }
        let ready = async {
            if !self.has_table {
                self.session.ensure_history(self.table).await.map_err(halted)?;
            }
            if step.resume.is_none() {
                ask(&mut *self.session, step, &self.options.waive).await?;
            }
            Ok::<(), Halt>(())
        };
        if let Err(halt) = ready.await {
            self.rollback().await;
            return Err(halt);
        }
        if let Err(error) = self.of_code(step, &[Effect::Append(row)]).await? {
            self.rollback().await;
            return Err(halted(error));
        }
        self.run_code(attempt, None, false).await
    }

    /// Ends the transaction of code that failed. Answers whether a row says that it was begun: where definitions commit,
    /// one of them may have taken it along.
    async fn rolled_back(&mut self, attempt: Attempt<'_>, failed: &Failed) -> Result<bool, Halt> {
        let rolled_back = self.of_code(attempt.step, &[Effect::Rollback]).await?;
        if self.backend.dialect().atomicity == Atomicity::Script || rolled_back.is_err() {
            return Ok(false);
        }
        let change = self.ended_early(attempt, failed);
        match self.of_code(attempt.step, &[Effect::Advance(&change)]).await? {
            Ok(()) => Ok(true),
            Err(error) if error.fault == Fault::Stale => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    async fn code_journalled(&mut self, attempt: Attempt<'_>, takeover: Option<Advance>) -> Result<(), Halt> {
        let Attempt { step, runs, row, settings, left, .. } = attempt;
        if !self.has_table && self.backend.dialect().exclusion == Exclusion::Optimistic {
            self.session.ensure_history(self.table).await?;
            self.has_table = true;
        }
        if step.resume.is_none() && !step.run.preconditions.is_empty() {
            self.perform_quietly(&[Effect::Set(&Settings::default())]).await?;
            ask(&mut *self.session, step, &self.options.waive).await?;
        }
        let no_settings = Settings::default();
        let rows = takeover.iter().map(Effect::Advance).chain([Effect::Append(row)]);
        let opening: Vec<_> = [Effect::Begin(&no_settings)].into_iter().chain(rows).chain([Effect::Commit]).collect();
        self.perform_quietly(&opening).await?;

        let mut retry = Retry::default();
        let mut checkpoint = row.entry.checkpoint.clone();
        let opens = if runs == CodeRuns::InBatches { Effect::Begin(settings) } else { Effect::Set(settings) };
        let resets = runs == CodeRuns::Outside(Restart::FromScratch) && step.resume.is_some();
        loop {
            let outcome = if self.stop.is_requested() {
                let error = crate::code::ContextError::Stopping.into();
                Err(Failed { error, checkpoint: checkpoint.clone() })
            } else {
                match self.of_code(step, &[opens]).await? {
                    Ok(()) => self.run_code(attempt, checkpoint.clone(), resets).await?,
                    Err(error) => Err(Failed { error: error.into(), checkpoint: checkpoint.clone() }),
                }
            };
            let Err(failed) = outcome else { break };
            if runs == CodeRuns::InBatches
                && let Err(error) = self.of_code(step, &[Effect::Rollback]).await?
            {
                return Err(error.into());
            }
            if failed.checkpoint != checkpoint {
                // What gets on is not what waits.
                retry = Retry::default();
                checkpoint.clone_from(&failed.checkpoint);
            }
            if runs == CodeRuns::InBatches && self.waits(attempt, &failed, &mut retry).await? {
                continue;
            }
            let change = self.ended_early(attempt, &failed);
            self.perform_quietly(&[Effect::Advance(&change)]).await?;
            self.perform_quietly(&[Effect::Set(&no_settings)]).await?;
            return Err(self.failure(attempt, failed, true, left));
        }
        self.perform_quietly(&[Effect::Set(&no_settings)]).await
    }

    /// Lets the code do its work and completes its row, in the transaction that is open or by itself.
    async fn run_code(
        &mut self,
        attempt: Attempt<'_>,
        checkpoint: Option<String>,
        resets: bool,
    ) -> Result<Result<(), Failed>, Halt> {
        let Attempt { step, runs, code, row, settings, syntax, .. } = attempt;
        let mut context = CodeContext {
            session: &mut *self.session,
            observer: &mut *self.observer,
            stop: self.stop,
            table: self.table,
            dialect: self.backend.dialect(),
            step,
            runs,
            row,
            settings,
            syntax,
            checkpoint,
        };
        let mut outcome = if resets { code.reset(&mut context).await } else { Ok(()) };
        if outcome.is_ok() {
            outcome = match step.action {
                Action::Down => code.down(&mut context).await,
                _ => code.up(&mut context).await,
            };
        }
        let checkpoint = context.checkpoint;
        if let Err(error) = outcome {
            return match error.server() {
                Some(server) if server.is_lost() => Err(ErrorKind::Lost(server.clone()).into()),
                // Our lock has passed on, and with it the right to write.
                Some(server) if server.fault == Fault::Stale && self.fence != 0 => Err(Halt::Raced),
                _ => Ok(Err(Failed { error, checkpoint })),
            };
        }
        let mut done = advance(row, 0, 1, State::Done);
        let mut found = None;
        if runs == CodeRuns::InTransaction && self.counting.is_before_commit(step, &syntax) {
            match self.counting.ask_inside(&mut *self.session).await {
                Ok(counted) if !counted.losses().is_empty() => {
                    let error = CodeError::new(format!("there is less than before it: {}", counted.lost()));
                    return Ok(Err(Failed { error, checkpoint }));
                }
                Ok(counted) => {
                    done.note = Some(counted.note());
                    found = Some(counted);
                }
                Err(error) if error.is_lost() => return Err(ErrorKind::Lost(error).into()),
                Err(error) => return Ok(Err(Failed { error: error.into(), checkpoint })),
            }
        }
        let effects = [Effect::Advance(&done), Effect::Commit];
        let effects = if let CodeRuns::Outside(_) = runs { &effects[..1] } else { &effects[..] };
        match self.of_code(step, effects).await? {
            Ok(()) => {
                if let Some(found) = found {
                    self.counting.keep(found);
                }
                Ok(Ok(()))
            }
            Err(error) if error.fault == Fault::Stale && self.fence != 0 => Err(Halt::Raced),
            Err(error) => {
                let error = match error.fault {
                    Fault::Stale => CodeError::new("it ended the transaction in which its row was written"),
                    _ => error.into(),
                };
                Ok(Err(Failed { error, checkpoint }))
            }
        }
    }

    /// Waits for a lock to become free, or ends the run.
    async fn after(
        &mut self,
        attempt: Attempt<'_>,
        failed: Failed,
        recorded: bool,
        retry: &mut Retry,
    ) -> Result<(), Halt> {
        if !recorded && self.waits(attempt, &failed, retry).await? {
            return Ok(());
        }
        Err(self.failure(attempt, failed, recorded, attempt.left))
    }

    /// Whether the code met somebody's lock and is to be tried again, after a pause.
    async fn waits(&mut self, attempt: Attempt<'_>, failed: &Failed, retry: &mut Retry) -> Result<bool, Halt> {
        let Some(error) = failed.error.server().filter(|error| error.is_contention()) else { return Ok(false) };
        let nothing = || ErrorKind::Server(error.clone());
        match self.pause_for_retry(attempt.step, error, retry, nothing).await {
            Ok(()) => Ok(true),
            // Told with everything else that is known of it.
            Err(_) => Ok(false),
        }
    }

    fn failure(&self, attempt: Attempt<'_>, failed: Failed, recorded: bool, left: &[Step]) -> Halt {
        let Attempt { step, runs, .. } = attempt;
        if self.was_stopped(&failed.error) {
            return stopped(step, left);
        }
        ErrorKind::Code(CodeFailure {
            id: step.id.clone(),
            title: step.title(),
            action: step.action,
            path: step.code.as_ref().map(|code| code.path.clone()).unwrap_or_default(),
            runs,
            checkpoint: failed.checkpoint,
            recorded,
            error: failed.error,
            pending: left.iter().map(Step::title).collect(),
        })
        .into()
    }

    /// The change of the row that says where the code stands, and why it does not go on.
    fn ended_early(&self, attempt: Attempt<'_>, failed: &Failed) -> Advance {
        let stopped = self.was_stopped(&failed.error);
        let state = if stopped { State::Interrupted } else { State::Failed };
        let error = (!stopped).then(|| failed.error.to_string());
        Advance { error, checkpoint: failed.checkpoint.clone(), ..advance(attempt.row, 0, 0, state) }
    }

    fn was_stopped(&self, error: &CodeError) -> bool {
        let cancelled = error.server().is_some_and(|error| error.fault == Fault::Cancelled);
        self.stop.is_requested() && (error.is_stop() || cancelled)
    }

    /// Carries effects around code out; answers what the server says against them.
    async fn of_code(&mut self, step: &Step, effects: &[Effect<'_>]) -> Result<Result<(), ServerError>, Halt> {
        let mut watch = UnitWatch { step, effects, silent: true, observer: self.observer };
        match self.session.perform(self.table, effects, &mut watch).await.end {
            End::All => Ok(Ok(())),
            End::Lost(error) => Err(ErrorKind::Lost(error).into()),
            End::Refused { error, .. } => Ok(Err(error)),
        }
    }
}

/// A plan was made for code that this migrator does not have.
fn missing(step: &Step) -> Refusal {
    Refusal::Code(vec![PendingCode {
        id: step.id.clone(),
        title: step.title(),
        path: step.code.as_ref().map(|code| code.path.clone()).unwrap_or_default(),
        language: "Rust".to_owned(),
        ours: true,
        begun: step.resume.as_ref().map(|resume| Box::new(resume.entry.clone())),
        before: None,
    }])
}

fn doubt(step: &Step) -> Refusal {
    Refusal::InDoubt {
        id: step.id.clone(),
        title: step.title(),
        place: Box::new(Place::path(step.code.as_ref().map(|code| code.path.clone()).unwrap_or_default())),
        statement: 1,
        statements: 1,
        reason: "it is code that does not say how it goes on".to_owned(),
    }
}
