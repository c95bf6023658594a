//! Transactional steps, several in one go where something is gained by it, and rows without a script.

use std::time::{Duration, Instant};

use crate::backend::{
    Atomicity, Blocker, Done, Effect, End, Fault, ForeignRow, NewEntry, Notice, Progress, ServerError, Session,
    Settings, TableName,
};
use crate::counts::Counted;
use crate::diagnostic::Place;
use crate::error::{ErrorKind, PreconditionFailure, StatementFailure};
use crate::event::{Event, Observer};
use crate::history::State;
use crate::plan::{Mode, Step};
use crate::source::Source;
use crate::sql::{Recovery, Script};

use super::counts::{Counting, rows_lost};
use super::effects::{Part, Stamp, Transaction};
use super::report::StepReport;
use super::retry::Retry;
use super::ride::Ride;
use super::{Halt, Run, halted};

/// The most bytes of SQL that travel in one window.
const WINDOW_BYTES: usize = 1 << 20;

/// Steps that travel together.
struct Window<'p> {
    carriages: Vec<Carriage<'p>>,
    /// All that is left to do; it begins with the steps of the carriages.
    steps: &'p [Step],
    first_seq: u64,
}

/// A step that travels.
enum Carriage<'p> {
    Transaction(Box<Transaction<'p>>),
    Journal(Box<Ride<'p>>),
}

impl<'p> Carriage<'p> {
    fn step(&self) -> &'p Step {
        match self {
            Self::Transaction(transaction) => transaction.step,
            Self::Journal(ride) => ride.step(),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Transaction(transaction) => transaction.size(),
            Self::Journal(ride) => ride.size(),
        }
    }

    fn effects(&self) -> Vec<Effect<'_>> {
        match self {
            Self::Transaction(transaction) => [transaction.begin()].into_iter().chain(transaction.rest()).collect(),
            Self::Journal(ride) => ride.effects().collect(),
        }
    }
}

/// A place in a window.
#[derive(Clone, Copy)]
struct At {
    /// Which carriage.
    index: usize,
    /// Which of its effects.
    effect: usize,
    part: Part,
    /// It is the last one of its carriage.
    last: bool,
}

impl Run<'_> {
    /// Carries out as many of `steps` as travel together; answers how many are complete. None is "try again".
    ///
    /// A step that cannot travel is carried out alone.
    pub(super) async fn window(&mut self, steps: &[Step], retry: &mut Retry) -> Result<usize, Halt> {
        let window = self.load(steps).await?;
        if window.carriages.is_empty() {
            self.journal(&steps[0], &steps[1..]).await?;
            return Ok(1);
        }
        let finished = self.send(&window, retry).await;
        let finished_steps = &window.steps[..*finished.as_ref().unwrap_or(&0)];
        self.next_seq = window.first_seq + finished_steps.iter().map(Step::rows).sum::<u64>();
        finished
    }

    async fn load<'p>(&mut self, steps: &'p [Step]) -> Result<Window<'p>, Halt> {
        let dialect = self.backend.dialect();
        let run_id = self.run_id.clone();
        let syntax = dialect.syntax;
        let mirror = self.mirror.clone();
        let mirror = mirror.as_ref();
        let waived = self.waived.clone().unwrap_or_default();
        let (fence, options, waived) = (self.fence, self.options, &waived);
        let stamp = Stamp { run_id: &run_id, fence, options, syntax: &syntax, mirror, waived };
        let first_seq = self.next_seq;
        let mut carriages: Vec<Carriage<'p>> = Vec::new();
        let mut bytes = 0;
        let mut seq = first_seq;
        for step in steps.iter().take(self.window_limit()) {
            let asks = !step.run.preconditions.is_empty() || (!self.has_table && carriages.is_empty());
            if !carriages.is_empty() && !step.run.preconditions.is_empty() {
                break;
            }
            let carriage = match (step.mode, dialect.atomicity) {
                (Mode::Transaction, _) => {
                    Some(Carriage::Transaction(Box::new(Transaction::new(step, seq, &stamp, dialect))))
                }
                (Mode::Journal, Atomicity::Statement) if self.has_table => {
                    Ride::new(&mut *self.session, step, seq, &stamp, dialect)
                        .await?
                        .map(Box::new)
                        .map(Carriage::Journal)
                }
                // What leaves no row runs by itself, as what cannot travel does.
                _ => None,
            };
            let Some(carriage) = carriage else { break };
            bytes += carriage.size();
            if !carriages.is_empty() && bytes > WINDOW_BYTES {
                break;
            }
            carriages.push(carriage);
            seq += step.rows();
            if asks {
                break;
            }
        }
        Ok(Window { carriages, steps, first_seq })
    }

    async fn send(&mut self, window: &Window<'_>, retry: &mut Retry) -> Result<usize, Halt> {
        let Window { carriages, steps, first_seq } = window;
        let mut watch = Watch::new(carriages, self.observer);
        let mut effects: Vec<Effect<'_>> = Vec::new();
        for (index, carriage) in carriages.iter().enumerate() {
            let own = carriage.effects();
            let end = own.len() - 1;
            for (effect, one) in own.into_iter().enumerate() {
                watch.places.push(At { index, effect, part: Part::of(&one), last: effect == end });
                effects.push(one);
            }
        }
        if let [Carriage::Transaction(_)] = carriages.as_slice()
            && (!self.has_table || !steps[0].run.preconditions.is_empty())
        {
            let performed = self.session.perform(self.table, &effects[..1], &mut watch).await;
            match performed.end {
                End::All => watch.skip = 1,
                end => {
                    let first = watch.places[0];
                    drop(watch);
                    return self.ended(end, first, 0, window, retry).await;
                }
            }
            let ready =
                if self.has_table { Ok(()) } else { self.session.ensure_history(self.table).await.map_err(halted) };
            let ready = match ready {
                Ok(()) => ask(&mut *self.session, &steps[0], &self.options.waive).await,
                halt => halt,
            };
            if let Err(halt) = ready {
                self.session.perform(self.table, &[Effect::Rollback], &mut ()).await;
                return Err(halt);
            }
        }
        let skip = watch.skip;
        let syntax = &self.backend.dialect().syntax;
        let end = match carriages.as_slice() {
            [Carriage::Transaction(one)] if self.counting.is_before_commit(one.step, syntax) => {
                let counted =
                    counted(&mut *self.session, self.table, &mut self.counting, one, &effects, &mut watch).await;
                match counted {
                    Ok(end) => end,
                    Err(losses) => {
                        drop(watch);
                        self.rollback().await;
                        return Err(rows_lost(one.step, losses, &steps[1..], true).into());
                    }
                }
            }
            _ => self.session.perform(self.table, &effects[skip..], &mut watch).await.end,
        };
        let Watch { places, reports, .. } = watch;
        let finished = reports.len();
        let mut seq = *first_seq;
        for (step, report) in steps.iter().zip(reports) {
            self.finished(seq, report);
            seq += step.rows();
        }
        if finished > 0 {
            self.has_table = true;
        }
        match end {
            End::All => Ok(finished),
            End::Refused { at, error } => {
                self.ended(End::Refused { at, error }, places[at + skip], finished, window, retry).await
            }
            end @ End::Lost(_) => self.ended(end, places[0], finished, window, retry).await,
        }
    }

    /// What a window that did not come to its end means.
    async fn ended(
        &mut self,
        end: End,
        At { index, effect, part, .. }: At,
        finished: usize,
        Window { carriages, steps, .. }: &Window<'_>,
        retry: &mut Retry,
    ) -> Result<usize, Halt> {
        let error = match end {
            End::All => return Ok(finished),
            End::Lost(error) => return Err(ErrorKind::Lost(error).into()),
            End::Refused { error, .. } => error,
        };
        self.rollback().await;
        let left = &steps[index + 1..];
        if let Carriage::Journal(ride) = &carriages[index]
            && let Some(unit) = ride.unit(effect)
        {
            self.go_on(ride, unit, effect, error, left).await?;
            return Ok(finished + 1);
        }
        let raced = matches!(error.fault, Fault::Stale | Fault::Duplicate);
        if raced {
            return Err(halted(error));
        }
        let step = carriages[index].step();
        if self.stop.is_requested() && !error.is_contention() && error.fault == Fault::Cancelled {
            return Err(ErrorKind::Stopped { left: steps[index..].iter().map(Step::title).collect() }.into());
        }
        let failure = || refused(step, part, 0, &error, left);
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

    /// Writes the rows of consecutive steps that have no script, all in one transaction; answers how many. None is
    /// "try again".
    pub(super) async fn record(&mut self, steps: &[Step], retry: &mut Retry) -> Result<usize, Halt> {
        let left = steps.iter().take_while(|step| step.mode == Mode::Record).count();
        let (steps, left) = steps.split_at(left);
        let began = Instant::now();
        let run_id = self.run_id.clone();
        let syntax = self.backend.dialect().syntax;
        let mirror = self.mirror.clone();
        let mirror = mirror.as_ref();
        let waived = self.waived.clone().unwrap_or_default();
        let (fence, options, waived) = (self.fence, self.options, &waived);
        let stamp = Stamp { run_id: &run_id, fence, options, syntax: &syntax, mirror, waived };
        let rows: Vec<_> =
            steps.iter().zip(self.next_seq..).map(|(step, seq)| stamp.row(step, seq, State::Done, 0)).collect();
        let mirrored: Vec<_> = steps.iter().flat_map(|step| stamp.mirrored(step, None)).collect();
        if let Err(halt) = self.append(&rows, &mirrored).await {
            let Halt::Error(kind) = &halt else { return Err(halt) };
            let ErrorKind::Server(error) = &**kind else { return Err(halt) };
            if !error.is_contention() {
                return Err(halt);
            }
            let failure = || refused(&steps[0], Part::Row, 0, error, left);
            self.pause_for_retry(&steps[0], error, retry, failure).await?;
            return Ok(0);
        }
        self.next_seq += rows.len() as u64;
        self.has_table = true;
        for (step, row) in steps.iter().zip(&rows) {
            let elapsed = began.elapsed();
            self.finished(row.entry.key.seq, StepReport::of(step, 0, elapsed));
            self.observer.event(&Event::StepFinished { step, elapsed });
        }
        Ok(steps.len())
    }

    pub(super) async fn append(&mut self, rows: &[NewEntry], mirrored: &[ForeignRow]) -> Result<(), Halt> {
        let settings = Settings::default();
        self.perform_quietly(&[Effect::Begin(&settings)]).await?;
        if !self.has_table
            && let Err(error) = self.session.ensure_history(self.table).await
        {
            self.rollback().await;
            return Err(halted(error));
        }
        let rows = rows.iter().map(Effect::Append).chain(mirrored.iter().map(Effect::Mirror));
        let effects: Vec<Effect<'_>> = rows.chain([Effect::Commit]).collect();
        self.perform_quietly(&effects).await
    }
}

/// Carries out what is left of a transaction, counting before its commit. How it ended is told as of `effects` behind
/// those that `watch` skips.
///
/// # Errors
/// With what is less than before; the transaction is open then.
async fn counted(
    session: &mut dyn Session,
    table: &TableName,
    counting: &mut Counting,
    transaction: &Transaction<'_>,
    effects: &[Effect<'_>],
    watch: &mut Watch<'_, '_>,
) -> Result<End, Vec<Counted>> {
    let (skip, commit) = (watch.skip, effects.len() - 1);
    let end = session.perform(table, &effects[skip..commit], watch).await.end;
    if end != End::All {
        return Ok(end);
    }
    let found = match counting.ask_inside(session).await {
        Ok(found) => found,
        Err(error) if error.is_lost() => return Ok(End::Lost(error)),
        Err(error) => return Ok(End::Refused { at: commit - skip, error }),
    };
    if !found.losses().is_empty() {
        return Err(found.losses());
    }
    let note = transaction.noted(found.note());
    // The note takes the place of the effect before the commit, which was a row too.
    watch.skip = commit - 1;
    let end = session.perform(table, &[Effect::Advance(&note), Effect::Commit], watch).await.end;
    watch.skip = skip;
    Ok(match end {
        End::All => {
            counting.keep(found);
            End::All
        }
        End::Refused { at, error } => End::Refused { at: at + commit - 1 - skip, error },
        lost @ End::Lost(_) => lost,
    })
}

/// Asks the preconditions of a step but those that were waived.
pub(super) async fn ask(session: &mut dyn Session, step: &Step, waive: &[String]) -> Result<(), Halt> {
    for precondition in step.run.preconditions.iter().filter(|precondition| !waive.contains(&precondition.text)) {
        let failure = |answer: String| {
            Err(ErrorKind::Precondition(PreconditionFailure {
                id: step.id.clone(),
                title: step.title(),
                place: step
                    .script
                    .as_ref()
                    .and_then(|script| directive_at(script.source(), precondition.offset))
                    .map(Box::new),
                text: precondition.text.clone(),
                sql: precondition.sql.clone(),
                answer,
                about: None,
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

/// The directive that begins at a byte, where the precondition came from one.
fn directive_at(source: &Source, start: usize) -> Option<Place> {
    let line = source.file().get(start..)?.lines().next()?;
    line.contains("precondition").then(|| Place::in_source(source, start..start + line.len()))
}

/// Engines without a boolean type answer with a number.
fn is_true(text: &str) -> bool {
    matches!(text, "t" | "true" | "TRUE") || text.parse::<f64>().is_ok_and(|number| number != 0.0)
}

/// What it means that the server refused a part of `step`, of which `recorded` statements are applied and recorded.
pub(super) fn refused(step: &Step, part: Part, recorded: usize, error: &ServerError, left: &[Step]) -> ErrorKind {
    let named = |what: &str| {
        let message = format!("{}: {what}: {}", step.title(), error.message);
        ErrorKind::Server(ServerError { message, position: None, ..error.clone() })
    };
    match part {
        Part::Begin => {
            let failure = statement_failure(step, None, recorded, error.clone(), left);
            ErrorKind::Statement(StatementFailure { begun: false, ..failure })
        }
        Part::Row => named("its row in the history cannot be written"),
        Part::Statement(index) => {
            ErrorKind::Statement(statement_failure(step, Some(index), recorded, error.clone(), left))
        }
        Part::Commit => ErrorKind::Statement(statement_failure(step, None, recorded, error.clone(), left)),
    }
}

/// The failure of a statement of `step`; without a statement it is the commit that failed.
pub(super) fn statement_failure(
    step: &Step,
    statement: Option<usize>,
    recorded: usize,
    mut error: ServerError,
    left: &[Step],
) -> StatementFailure {
    let script = step.script.as_ref().expect("a step that runs has a script");
    let source = statement.map_or(script.source(), |index| script.source_of(index));
    let span = match statement {
        Some(index) => {
            script.statement(index).offset..script.statement(index).offset + script.statement(index).text.len()
        }
        None => source.range(),
    };
    let place = statement.zip(error.position).map(|(index, position)| script.place(index, position));
    error.position = place.map(|place| place - span.start);
    StatementFailure {
        id: step.id.clone(),
        title: step.title(),
        action: step.action,
        statement: statement.map(|index| index + 1),
        statements: Script::len(script),
        recorded,
        partial: statement.is_some_and(|index| {
            let recovery = script.statement(index).class.sharing.recovery();
            matches!(recovery, Some(Recovery::NonAtomic | Recovery::Call | Recovery::Drop))
        }),
        source: Box::new(source.clone()),
        span,
        error,
        unsettled: false,
        begun: true,
        left_behind: None,
        mode: step.mode,
        pending: left.iter().filter(|step| step.mode != Mode::Callback).map(Step::title).collect(),
    }
}

/// Turns the progress of effects into events of steps.
struct Watch<'w, 'p> {
    window: &'w [Carriage<'p>],
    observer: &'w mut dyn Observer,
    /// Where each effect is.
    places: Vec<At>,
    /// How many of `places` an earlier call carried out.
    skip: usize,
    began: Option<Instant>,
    /// The step that began last: what the server remarks is about that one.
    latest: Option<usize>,
    reports: Vec<StepReport>,
}

impl<'w, 'p> Watch<'w, 'p> {
    fn new(window: &'w [Carriage<'p>], observer: &'w mut dyn Observer) -> Self {
        Self { window, observer, places: Vec::new(), skip: 0, began: None, latest: None, reports: Vec::new() }
    }
}

impl Progress for Watch<'_, '_> {
    fn began(&mut self, at: usize) {
        let At { index, effect, part, .. } = self.places[at + self.skip];
        let step = self.window[index].step();
        if effect == 0 {
            self.began = Some(Instant::now());
            self.latest = Some(index);
            self.observer.event(&Event::StepStarted { step });
        }
        if let Some(statement) = part.statement() {
            self.observer.event(&Event::StatementStarted { step, statement });
        }
    }

    fn done(&mut self, at: usize, done: &Done) {
        let At { index, part, last, .. } = self.places[at + self.skip];
        let step = self.window[index].step();
        if let Some(statement) = part.statement() {
            self.observer.event(&Event::StatementFinished { step, statement, rows: done.rows });
        }
        if last {
            let elapsed = self.began.map(|began| began.elapsed()).unwrap_or_default();
            self.observer.event(&Event::StepFinished { step, elapsed });
            let statements = step.units.iter().map(|unit| unit.runs.len()).sum();
            self.reports.push(StepReport::of(step, statements, elapsed));
        }
    }

    fn notice(&mut self, notice: Notice) {
        let step = self.latest.map(|index| self.window[index].step());
        self.observer.event(&Event::Noticed { step, notice: &notice });
    }

    fn blocked(&mut self, at: usize, blockers: &[Blocker], waited: Duration) {
        let At { index, part, .. } = self.places[at + self.skip];
        let step = self.window[index].step();
        self.observer.event(&Event::Blocked { step, statement: part.statement(), blockers, waited });
    }
}
