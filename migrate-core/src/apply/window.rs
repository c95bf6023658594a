//! Transactional steps, several in one go where something is gained by it, and rows without a script.

use std::time::Instant;

use crate::backend::{Done, Effect, End, Exclusion, Notice, Progress};
use crate::diagnostic::Place;
use crate::error::{ErrorKind, PreconditionFailure, StatementFailure};
use crate::event::{Event, Observer};
use crate::history::State;
use crate::migration::Precondition;
use crate::plan::{Mode, Step};
use crate::source::Source;
use crate::sql::Script;

use super::effects::{Part, Stamp, Transaction};
use super::report::StepReport;
use super::retry::Retry;
use super::{Halt, Run, halted};

/// The most bytes of SQL that travel in one window.
const WINDOW_BYTES: usize = 1 << 20;

impl Run<'_> {
    /// Carries out as many of `steps` as travel together; answers how many are complete. None is "try again".
    pub(super) async fn window(&mut self, steps: &[Step], retry: &mut Retry) -> Result<usize, Halt> {
        let dialect = self.backend.dialect();
        let run_id = self.run_id.clone();
        let syntax = dialect.syntax;
        let stamp = Stamp { run_id: &run_id, fence: self.fence, options: self.options, syntax: &syntax };
        let first_seq = self.next_seq;
        let mut window: Vec<Transaction<'_>> = Vec::new();
        let mut bytes = 0;
        for step in steps.iter().take(self.window_limit()).take_while(|step| step.mode == Mode::Transaction) {
            let asks = !step.run.preconditions.is_empty() || (!self.has_table && window.is_empty());
            if !window.is_empty() && !step.run.preconditions.is_empty() {
                break;
            }
            let transaction = Transaction::new(step, self.next_seq, &stamp, dialect);
            bytes += transaction.size();
            if !window.is_empty() && bytes > WINDOW_BYTES {
                break;
            }
            self.next_seq += 1;
            window.push(transaction);
            if asks {
                break;
            }
        }
        let finished = self.send(&window, steps, retry).await;
        self.next_seq = first_seq + *finished.as_ref().unwrap_or(&0) as u64;
        finished
    }

    async fn send(&mut self, window: &[Transaction<'_>], steps: &[Step], retry: &mut Retry) -> Result<usize, Halt> {
        let alone = window.len() == 1 && (!self.has_table || !steps[0].run.preconditions.is_empty());
        let mut watch = Watch::new(window, self.observer);
        let mut effects: Vec<Effect<'_>> = Vec::new();
        if alone {
            watch.parts.push((0, Part::Begin));
            let performed = self.session.perform(self.table, &[window[0].begin()], &mut watch).await;
            let ended = match performed.end {
                End::All => None,
                end => Some(end),
            };
            if ended.is_none() {
                watch.skip = 1;
                if !self.has_table {
                    self.session.ensure_history(self.table).await.map_err(halted)?;
                }
                if let Err(halt) = ask(self.session, &steps[0], &steps[0].run.preconditions).await {
                    self.session.perform(self.table, &[Effect::Rollback], &mut ()).await;
                    return Err(halt);
                }
            }
            if let Some(end) = ended {
                drop(watch);
                return self.ended(end, 0, Part::Begin, 0, window, steps, retry).await;
            }
        }
        for (index, transaction) in window.iter().enumerate() {
            if !alone {
                watch.parts.push((index, Part::Begin));
                effects.push(transaction.begin());
            }
            for (part, effect) in transaction.rest() {
                watch.parts.push((index, part));
                effects.push(effect);
            }
        }
        let performed = self.session.perform(self.table, &effects, &mut watch).await;
        let parts = std::mem::take(&mut watch.parts);
        let skip = watch.skip;
        let reports = std::mem::take(&mut watch.reports);
        drop(watch);
        let finished = reports.len();
        self.report.steps.extend(reports);
        if finished > 0 {
            self.has_table = true;
        }
        match performed.end {
            End::All => Ok(finished),
            End::Refused { at, error } => {
                let (index, part) = parts[at + skip];
                self.ended(End::Refused { at, error }, index, part, finished, window, steps, retry).await
            }
            end @ End::Lost(_) => self.ended(end, 0, Part::Begin, finished, window, steps, retry).await,
        }
    }

    /// What a window that did not come to its end means.
    #[allow(clippy::too_many_arguments)] // one call site's locals, split for reading
    async fn ended(
        &mut self,
        end: End,
        index: usize,
        part: Part,
        finished: usize,
        window: &[Transaction<'_>],
        steps: &[Step],
        retry: &mut Retry,
    ) -> Result<usize, Halt> {
        let error = match end {
            End::All => return Ok(finished),
            End::Lost(error) => return Err(ErrorKind::Lost(error).into()),
            End::Refused { error, .. } => error,
        };
        self.rollback().await;
        if part == Part::Row {
            return Err(halted(error));
        }
        let step = window[index].step;
        let left = &steps[index + 1..];
        if self.stop.is_requested() && !error.is_contention() && error.fault == crate::backend::Fault::Cancelled {
            return Err(ErrorKind::Stopped { left: steps[index..].iter().map(Step::title).collect() }.into());
        }
        let failure = || {
            let statement = match part {
                Part::Statement(statement) => Some(statement),
                _ => None,
            };
            let begun = part != Part::Begin;
            ErrorKind::Statement(StatementFailure {
                begun,
                ..statement_failure(step, statement, 0, error.clone(), left)
            })
        };
        if !error.is_contention() {
            return Err(failure().into());
        }
        if finished > 0 {
            // What was finished is finished; the one that met a lock comes next.
            return Ok(finished);
        }
        self.pause_for_retry(step, &error, retry, failure).await?;
        Ok(0)
    }

    /// Writes the rows of consecutive steps that have no script, all in one transaction; answers how many.
    pub(super) async fn record(&mut self, steps: &[Step]) -> Result<usize, Halt> {
        let steps: Vec<&Step> = steps.iter().take_while(|step| step.mode == Mode::Record).collect();
        let began = Instant::now();
        let settings = crate::backend::Settings::default();
        self.perform_quietly(&[Effect::Begin(&settings)]).await?;
        if !self.has_table && self.exclusion() == Exclusion::Optimistic {
            self.session.ensure_history(self.table).await.map_err(halted)?;
        }
        let run_id = self.run_id.clone();
        let syntax = self.backend.dialect().syntax;
        let stamp = Stamp { run_id: &run_id, fence: self.fence, options: self.options, syntax: &syntax };
        let mut rows = Vec::new();
        for step in &steps {
            let seq = self.take_seq();
            rows.push(stamp.row(step, seq, State::Done, 0));
        }
        let effects: Vec<Effect<'_>> = rows.iter().map(Effect::Append).chain([Effect::Commit]).collect();
        self.perform_quietly(&effects).await?;
        self.has_table = true;
        for step in &steps {
            let elapsed = began.elapsed();
            self.report.steps.push(StepReport::of(step, 0, elapsed));
            self.observer.event(&Event::StepFinished { step, elapsed });
        }
        Ok(steps.len())
    }
}

/// Asks the preconditions of a step.
pub(super) async fn ask(
    session: &mut dyn crate::backend::Session,
    step: &Step,
    preconditions: &[Precondition],
) -> Result<(), Halt> {
    for precondition in preconditions {
        let failure = |answer: String| {
            Err(ErrorKind::Precondition(PreconditionFailure {
                title: step.title(),
                place: step.script.as_ref().map(|script| Box::new(line_at(script.source(), precondition.offset))),
                text: precondition.text.clone(),
                sql: precondition.sql.clone(),
                answer,
            })
            .into())
        };
        match session.query(&precondition.sql).await {
            Err(error) if error.is_lost() => return Err(error.into()),
            Err(error) => return failure(format!("the question itself failed: {error}")),
            Ok(rows) => match rows.as_slice() {
                [row] if row.len() == 1 => match row[0].as_deref() {
                    Some(text) if is_true(text) => {}
                    answer => return failure(answer.unwrap_or("NULL").to_owned()),
                },
                [_] => return failure("more than one column".to_owned()),
                rows => return failure(format!("{} rows instead of one", rows.len())),
            },
        }
    }
    Ok(())
}

/// The rest of the line from a byte on.
fn line_at(source: &Source, start: usize) -> Place {
    let rest = source.file().get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    Place::in_source(source, start..start + rest.len())
}

/// Engines without a boolean type answer with a number.
fn is_true(text: &str) -> bool {
    matches!(text, "t" | "true" | "TRUE") || text.parse::<f64>().is_ok_and(|number| number != 0.0)
}

/// The failure of a statement of `step`; without a statement it is the commit that failed.
pub(super) fn statement_failure(
    step: &Step,
    statement: Option<usize>,
    recorded: usize,
    error: crate::backend::ServerError,
    left: &[Step],
) -> StatementFailure {
    let script = step.script.as_ref().expect("a step that runs has a script");
    let span = match statement {
        Some(index) => {
            script.statement(index).offset..script.statement(index).offset + script.statement(index).text.len()
        }
        None => script.source().range(),
    };
    StatementFailure {
        id: step.id.clone(),
        title: step.title(),
        action: step.action,
        statement: statement.map(|index| index + 1),
        statements: Script::len(script),
        recorded,
        begun: true,
        source: script.source().clone(),
        span,
        error,
        mode: step.mode,
        pending: left.iter().map(Step::title).collect(),
    }
}

/// Turns the progress of effects into events of steps.
struct Watch<'w, 'p> {
    window: &'w [Transaction<'p>],
    observer: &'w mut dyn Observer,
    /// For each effect: which transaction, which part of it.
    parts: Vec<(usize, Part)>,
    /// How many of `parts` an earlier call carried out.
    skip: usize,
    began: Option<Instant>,
    reports: Vec<StepReport>,
}

impl<'w, 'p> Watch<'w, 'p> {
    fn new(window: &'w [Transaction<'p>], observer: &'w mut dyn Observer) -> Self {
        Self { window, observer, parts: Vec::new(), skip: 0, began: None, reports: Vec::new() }
    }
}

impl Progress for Watch<'_, '_> {
    fn began(&mut self, at: usize) {
        let (index, part) = self.parts[at + self.skip];
        let step = self.window[index].step;
        match part {
            Part::Begin => {
                self.began = Some(Instant::now());
                self.observer.event(&Event::StepStarted { step });
            }
            Part::Statement(statement) => {
                self.observer.event(&Event::StatementStarted { step, statement: statement + 1 });
            }
            Part::Row | Part::Commit => {}
        }
    }

    fn done(&mut self, at: usize, done: &Done) {
        let (index, part) = self.parts[at + self.skip];
        let step = self.window[index].step;
        match part {
            Part::Statement(statement) => {
                self.observer.event(&Event::StatementFinished { step, statement: statement + 1, rows: done.rows });
            }
            Part::Commit => {
                let elapsed = self.began.map(|began| began.elapsed()).unwrap_or_default();
                self.observer.event(&Event::StepFinished { step, elapsed });
                let statements = step.units.iter().map(|unit| unit.runs.len()).sum();
                self.reports.push(StepReport::of(step, statements, elapsed));
            }
            Part::Begin | Part::Row => {}
        }
    }

    fn notice(&mut self, notice: Notice) {
        self.observer.event(&Event::Noticed { step: None, notice: &notice });
    }
}
