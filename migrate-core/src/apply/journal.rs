//! Steps whose statements are written down one by one.
//!
//! For each unit, by its certainty: what can share a transaction with the row does; what may be repeated is followed by
//! its row; everything else is announced in a committed row, with evidence, before it is sent.

use std::time::{Duration, Instant};

use crate::backend::{
    Advance, Atomicity, Blocker, Done, Effect, End, Exclusion, Fault, ForeignRow, NewEntry, Note, Notice, Progress,
    ServerError, Settings, Settled,
};
use crate::error::{ErrorKind, StatementFailure};
use crate::event::{Event, Observer};
use crate::history::State;
use crate::plan::{How, Refusal, Step, Unit};
use crate::sql::{Recovery, Statement};

use super::effects::{Journal, Part, Stamp, settings, unit_settings};
use super::forgotten::forgotten;
use super::report::StepReport;
use super::retry::Retry;
use super::ride::Ride;
use super::settle::{ENDLESS, ROUNDS};
use super::window::{ask, refused, statement_failure};
use super::{Halt, Run, halted};

/// What a unit came to.
pub(super) enum Outcome {
    /// The cursor has passed it.
    Passed,
    /// The server said no; the row still says where it was.
    Refused(Part, ServerError),
    /// The server said no to a statement, and what it left behind cannot be removed, for the second reason.
    LeftBehind(usize, ServerError, ServerError),
    /// A statement was stopped that may have run all the same.
    Unsettled(usize, ServerError),
}

/// What is the same for all units of a step.
#[derive(Clone, Copy)]
struct Attempt<'a> {
    step: &'a Step,
    settings: &'a Settings,
    /// The steps behind it.
    left: &'a [Step],
    began: Instant,
}

impl Run<'_> {
    /// Carries out one journalled step; `left` are those behind it.
    pub(super) async fn journal(&mut self, step: &Step, left: &[Step]) -> Result<(), Halt> {
        let began = Instant::now();
        self.observer.event(&Event::StepStarted { step });
        let dialect = self.backend.dialect();
        if !self.has_table && dialect.exclusion == Exclusion::Optimistic {
            self.session.ensure_history(self.table).await?;
            self.has_table = true;
        }
        let mut step = step.clone();
        let mut takeover = Vec::new();
        let mut checkpoint = None;
        if let Some(resume) = step.resume.clone() {
            if resume.entry.state == State::InFlight {
                takeover.push(self.settle(&mut step).await?);
            }
            checkpoint = resume.entry.checkpoint;
        }
        let step = &step;
        let script = step.script.as_ref().expect("a journalled step has a script");
        let settings = settings(script, &step.run, self.options, dialect);
        let start = step.first_statement();
        if let Some(lost) = forgotten(script, start, &dialect.syntax) {
            return Err(Refusal::Script(vec![lost.diagnostic(step, start)]).into());
        }
        let seq = self.take_seqs(step.rows());
        let run_id = self.run_id.clone();
        let syntax = dialect.syntax;
        let mirror = self.mirror.clone();
        let mirror = mirror.as_ref();
        let waived = self.waived.clone().unwrap_or_default();
        let (fence, options, waived) = (self.fence, self.options, &waived);
        let stamp = Stamp { run_id: &run_id, fence, options, syntax: &syntax, mirror, waived };
        let state = if step.units.is_empty() { State::Done } else { State::InFlight };
        let mut row = stamp.row(step, seq, state, start);
        row.entry.checkpoint.clone_from(&checkpoint);
        let mut journal = Journal::new(script, row, start);
        journal.completed_apart = step.mirror.is_some() || !step.also.is_empty();
        let also = stamp.also(step, seq);

        if step.resume.is_none() && !step.run.preconditions.is_empty() {
            // What the step before it left in the session must not answer.
            self.perform_quietly(&[Effect::Set(&Settings::default())]).await?;
            ask(&mut *self.session, step, &self.options.waive).await?;
        }
        let mirrored = if state == State::Done { stamp.mirrored(step, None) } else { Vec::new() };
        let at_once = if state == State::Done { also.as_slice() } else { &[] };
        self.open_row(&takeover, &journal, at_once, &mirrored).await?;
        self.set_again(script, start).await?;
        let attempt = Attempt { step, settings: &settings, left, began };
        for (index, unit) in step.units.iter().enumerate() {
            let checkpoint = checkpoint.take().filter(|_| index == 0);
            self.unit(attempt, unit, &mut journal, checkpoint, None).await?;
        }
        if state == State::InFlight && journal.completed_apart {
            self.complete_apart(step, &journal, &also, began).await?;
        }
        self.close(step, seq, began).await
    }

    /// Goes on with a step that travelled with others, from the unit in which its `effect` was refused.
    pub(super) async fn go_on(
        &mut self,
        ride: &Ride<'_>,
        unit: usize,
        effect: usize,
        error: ServerError,
        left: &[Step],
    ) -> Result<(), Halt> {
        let (step, began) = (ride.step(), Instant::now());
        let part = ride.part(effect);
        if part == Part::Row && !ride.may_repeat(effect, &error) {
            return Err(halted(error));
        }
        let mut journal = ride.journal_at(unit);
        self.in_force = ride.in_force_at(unit);
        let mut refusal = Some((part, error));
        let attempt = Attempt { step, settings: ride.settings(), left, began };
        for unit in &step.units[unit..] {
            self.unit(attempt, unit, &mut journal, None, refusal.take()).await?;
        }
        self.close(step, journal.row.entry.key.seq, began).await
    }

    /// The end of a step that has more rows than its own, of ours or in another tool's table: all or none.
    async fn complete_apart(
        &mut self,
        step: &Step,
        journal: &Journal<'_>,
        also: &[NewEntry],
        began: Instant,
    ) -> Result<(), Halt> {
        let there = self.mirror.as_ref().zip(step.mirror.as_ref());
        let mirrored = there.map(|(mirror, what)| mirror.done(what, Some(began.elapsed()))).unwrap_or_default();
        let settings = Settings::default();
        let done = journal.here(State::Done);
        let own = [Effect::Begin(&settings), Effect::Advance(&done)].into_iter();
        let rows = own.chain(also.iter().map(Effect::Append));
        let effects: Vec<_> = rows.chain(mirrored.iter().map(Effect::Mirror)).chain([Effect::Commit]).collect();
        self.perform_quietly(&effects).await
    }

    /// A step has come to its end: it is reported, and nothing of it is left in force.
    async fn close(&mut self, step: &Step, seq: u64, began: Instant) -> Result<(), Halt> {
        let elapsed = began.elapsed();
        let statements = step.units.iter().map(|unit| unit.runs.len()).sum();
        self.finished(seq, StepReport::of(step, statements, elapsed));
        self.observer.event(&Event::StepFinished { step, elapsed });
        // Also where nothing of ours is in force: a script may have changed the session.
        self.in_force = Settings::default();
        self.perform_quietly(&[Effect::Set(&Settings::default())]).await
    }

    /// Settings of the session for what runs outside a transaction; answers why they are refused.
    async fn set(&mut self, settings: Settings) -> Result<Option<ServerError>, Halt> {
        if self.in_force == settings {
            return Ok(None);
        }
        let end = self.session.perform(self.table, &[Effect::Set(&settings)], &mut ()).await.end;
        // Of what was refused a part may be in force.
        self.in_force = settings;
        match end {
            End::All => Ok(None),
            End::Lost(error) => Err(ErrorKind::Lost(error).into()),
            End::Refused { error, .. } => Ok(Some(error)),
        }
    }

    /// Nothing of a step is left in force.
    async fn reset(&mut self) -> Result<(), Halt> {
        match self.set(Settings::default()).await? {
            None => Ok(()),
            Some(error) => Err(error.into()),
        }
    }

    /// Writes down what the server said, and where the step stands.
    async fn fail(
        &mut self,
        step: &Step,
        began: Instant,
        journal: &Journal<'_>,
        error: &ServerError,
        checkpoint: Option<String>,
    ) -> Result<(), Halt> {
        let failed = Advance { error: Some(error.to_string()), checkpoint, ..journal.here(State::Failed) };
        let failed_there = match self.mirror.as_ref().zip(step.mirror.as_ref()) {
            Some((mirror, what)) => mirror.failed(what, began.elapsed()),
            None => Vec::new(),
        };
        let row = Effect::Advance(&failed);
        if failed_there.is_empty() {
            self.perform_quietly(&[row]).await?;
        } else {
            let settings = Settings::default();
            let rows = [Effect::Begin(&settings), row].into_iter().chain(failed_there.iter().map(Effect::Mirror));
            self.perform_quietly(&rows.chain([Effect::Commit]).collect::<Vec<_>>()).await?;
        }
        self.reset().await
    }

    /// Closes the attempt that this one goes on with and opens its own row, both or neither.
    async fn open_row(
        &mut self,
        takeover: &[Advance],
        journal: &Journal<'_>,
        also: &[NewEntry],
        mirrored: &[ForeignRow],
    ) -> Result<(), Halt> {
        let settings = Settings::default();
        let effects: Vec<Effect<'_>> = [Effect::Begin(&settings)]
            .into_iter()
            .chain(takeover.iter().map(Effect::Advance))
            .chain([Effect::Append(&journal.row)])
            .chain(also.iter().map(Effect::Append))
            .chain(mirrored.iter().map(Effect::Mirror))
            .chain([Effect::Commit])
            .collect();
        self.perform_quietly(&effects).await
    }

    async fn unit(
        &mut self,
        attempt: Attempt<'_>,
        unit: &Unit,
        journal: &mut Journal<'_>,
        checkpoint: Option<String>,
        mut refusal: Option<(Part, ServerError)>,
    ) -> Result<(), Halt> {
        let Attempt { step, settings, left, began } = attempt;
        // A transaction brings its own.
        if refusal.is_none() && matches!(unit.how, How::Alone(_) | How::Batch(_)) {
            let wanted = unit_settings(settings, journal.script, unit, &step.run);
            if let Some(error) = self.set(wanted).await? {
                self.fail(step, began, journal, &error, checkpoint).await?;
                return Err(refused(step, Part::Begin, journal.cursor, &error, left).into());
            }
        }
        let mut retry = Retry::default();
        let mut checkpoint = checkpoint;
        loop {
            if self.stop.is_requested() {
                return self.interrupt(step, journal, checkpoint, left).await;
            }
            let before = checkpoint.clone();
            let outcome = match &unit.how {
                how if refusal.is_some() => {
                    let (part, error) = refusal.take().expect("it was just seen");
                    self.refused_alone(how, journal, None, part, error).await?
                }
                How::Together | How::Discarded => self.together(step, unit, journal, settings).await?,
                How::Alone(recovery) => self.alone(step, unit, *recovery, journal, settings).await?,
                How::Batch(batch) => self.batch(step, unit, batch, journal, settings, &mut checkpoint).await?,
            };
            let (part, error) = match outcome {
                Outcome::Passed => return Ok(()),
                Outcome::Refused(part, error) => (part, error),
                // The row stays as it was announced: the next run settles it, and cleans up.
                Outcome::LeftBehind(_, error, _) | Outcome::Unsettled(_, error)
                    if error.fault == Fault::Cancelled && self.stop.is_requested() =>
                {
                    self.reset().await?;
                    return Err(stopped(step, left));
                }
                Outcome::Unsettled(index, error) => {
                    self.reset().await?;
                    let failure = statement_failure(step, Some(index), journal.cursor, error, left);
                    return Err(ErrorKind::Statement(StatementFailure { unsettled: true, ..failure }).into());
                }
                Outcome::LeftBehind(index, error, why) => {
                    let failure = statement_failure(step, Some(index), journal.cursor, error, left);
                    return Err(ErrorKind::Statement(StatementFailure {
                        left_behind: Some(why.to_string()),
                        ..failure
                    })
                    .into());
                }
            };
            if error.fault == Fault::Cancelled && self.stop.is_requested() {
                return self.interrupt(step, journal, checkpoint, left).await;
            }
            if checkpoint != before {
                // A batch that gets on is not one that waits.
                retry = Retry::default();
            }
            let recorded = journal.cursor;
            let failure = || refused(step, part, recorded, &error, left);
            let halt = if error.is_contention() {
                match self.pause_for_retry(step, &error, &mut retry, failure).await {
                    Ok(()) => continue,
                    Err(halt) => halt,
                }
            } else {
                failure().into()
            };
            self.fail(step, began, journal, &error, checkpoint).await?;
            return Err(halt);
        }
    }

    /// Writes down that the run stops here by request.
    async fn interrupt(
        &mut self,
        step: &Step,
        journal: &Journal<'_>,
        checkpoint: Option<String>,
        left: &[Step],
    ) -> Result<(), Halt> {
        let here = Advance { checkpoint, ..journal.here(State::Interrupted) };
        self.perform_quietly(&[Effect::Advance(&here)]).await?;
        self.reset().await?;
        Err(stopped(step, left))
    }

    /// Statements in one transaction with the row: never in doubt.
    async fn together(
        &mut self,
        step: &Step,
        unit: &Unit,
        journal: &mut Journal<'_>,
        settings: &Settings,
    ) -> Result<Outcome, Halt> {
        let statements: Vec<Statement<'_>> = unit.runs.clone().map(|index| journal.script.statement(index)).collect();
        let advance = journal.to(unit.covers.end);
        let mut effects = vec![Effect::Begin(settings)];
        effects.extend(statements.iter().map(Effect::Statement));
        match unit.how {
            How::Discarded => effects.extend([Effect::Rollback, Effect::Advance(&advance)]),
            _ => effects.extend([Effect::Advance(&advance), Effect::Commit]),
        }
        let outcome = self.send_unit(step, unit, &effects).await?;
        if let Outcome::Passed = outcome {
            journal.passed(&advance, unit.covers.end);
        }
        Ok(outcome)
    }

    /// One statement that no transaction can hold together with its row.
    async fn alone(
        &mut self,
        step: &Step,
        unit: &Unit,
        recovery: Recovery,
        journal: &mut Journal<'_>,
        settings: &Settings,
    ) -> Result<Outcome, Halt> {
        let statement = journal.script.statement(unit.runs.start);
        let mut announced = None;
        if recovery != Recovery::Repeat {
            let (note, asked) = match self.session.note(&statement).await? {
                Note::Shares => {
                    let unit = Unit { how: How::Together, ..unit.clone() };
                    return self.together(step, &unit, journal, settings).await;
                }
                // An empty note says "sent, with nothing readable"; none at all says "never sent".
                Note::Nothing => (Some(String::new()), None),
                Note::Is(note) => (Some(note), None),
                Note::Asked(expression) => (None, Some(expression)),
            };
            announced = Some(Advance { note, asked, ..journal.here(State::InFlight) });
        }
        let advance = journal.to(unit.covers.end);
        let effects: Vec<Effect<'_>> = announced
            .iter()
            .map(Effect::Advance)
            .chain([Effect::Statement(&statement), Effect::Advance(&advance)])
            .collect();
        match self.send_unit(step, unit, &effects).await? {
            Outcome::Passed => {
                journal.passed(&advance, unit.covers.end);
                Ok(Outcome::Passed)
            }
            Outcome::Refused(part, error) => {
                let note = announced.and_then(|row| row.note);
                self.refused_alone(&unit.how, journal, note.as_deref(), part, error).await
            }
            other => Ok(other),
        }
    }

    /// What a refusal leaves behind is removed where it can be.
    ///
    /// What is left of a refused removal is for the next try: finishing it here would remove what the server said no to.
    async fn refused_alone(
        &mut self,
        how: &How,
        journal: &Journal<'_>,
        note: Option<&str>,
        part: Part,
        error: ServerError,
    ) -> Result<Outcome, Halt> {
        let (How::Alone(recovery), Part::Statement(index)) = (how, part) else {
            return Ok(Outcome::Refused(part, error));
        };
        // A server may notice behind its commit that it was to stop, and say so although all of it is done.
        let stopped = matches!(error.fault, Fault::Cancelled | Fault::StatementTimeout);
        if stopped && *recovery != Recovery::Repeat && self.backend.dialect().atomicity == Atomicity::Statement {
            return Ok(Outcome::Unsettled(index, error));
        }
        if !matches!(recovery, Recovery::Definition | Recovery::FileByFile) {
            return Ok(Outcome::Refused(part, error));
        }
        Ok(match self.remove_leftovers(&journal.script.statement(index), note).await? {
            None => Outcome::Refused(part, error),
            Some(why) => Outcome::LeftBehind(index, error, why),
        })
    }

    /// Removes what a refused statement left behind, so that it can be sent again: of a concurrent index build there is
    /// an invalid index. Answers why that failed.
    ///
    /// The statement may have waited as long as it must. This does not: whoever stopped it waits for the answer.
    async fn remove_leftovers(
        &mut self,
        statement: &Statement<'_>,
        note: Option<&str>,
    ) -> Result<Option<ServerError>, Halt> {
        let usual = self.in_force.clone();
        let lock_timeout = Some(self.options.lock_timeout);
        let brief = Settings { lock_timeout, statement_timeout: Some(Duration::ZERO), ..usual.clone() };
        if let Some(error) = self.set(brief).await? {
            return Ok(Some(error));
        }
        let why = self.clear_away(statement, note).await?;
        Ok(why.or(self.set(usual).await?))
    }

    async fn clear_away(&mut self, statement: &Statement<'_>, note: Option<&str>) -> Result<Option<ServerError>, Halt> {
        for _ in 0..ROUNDS {
            let texts = match self.session.settle(statement, note.filter(|note| !note.is_empty())).await {
                Ok(Settled::First(texts)) => texts,
                // Whatever else it looks like: the server said no.
                Ok(_) => return Ok(None),
                Err(error) if error.is_lost() => return Err(error.into()),
                Err(error) => return Ok(Some(error)),
            };
            for text in &texts {
                if let Some(error) = self.clean_up(text).await? {
                    return Ok(Some(error));
                }
            }
        }
        Ok(Some(ServerError::new(Fault::Refused, ENDLESS)))
    }

    /// Sends the effects of one unit and says what became of them.
    async fn send_unit(&mut self, step: &Step, unit: &Unit, effects: &[Effect<'_>]) -> Result<Outcome, Halt> {
        let mut watch = UnitWatch { step, effects, silent: false, observer: self.observer };
        let performed = self.session.perform(self.table, effects, &mut watch).await;
        match performed.end {
            End::All => Ok(Outcome::Passed),
            End::Lost(error) => Err(ErrorKind::Lost(error).into()),
            // Whoever else writes to the row before the statement was faster.
            End::Refused { at: 0, error } if matches!(effects, [Effect::Advance(_), Effect::Statement(_), ..]) => {
                Err(halted(error))
            }
            End::Refused { at, error } => {
                if matches!(effects.first(), Some(Effect::Begin(_))) {
                    self.rollback().await;
                }
                match Part::of(&effects[at]) {
                    // Behind a statement that cannot share a transaction the row alone is tried again by nobody: what
                    // became of the statement is settled by the next run.
                    Part::Row if !(error.is_contention() && unit.how == How::Together) => Err(error.into()),
                    part => Ok(Outcome::Refused(part, error)),
                }
            }
        }
    }
}

pub(super) fn stopped(step: &Step, left: &[Step]) -> Halt {
    ErrorKind::Stopped { left: std::iter::once(step).chain(left).map(Step::title).collect() }.into()
}

/// Turns the progress of a unit's effects into events.
pub(super) struct UnitWatch<'w, 'e> {
    pub(super) step: &'w Step,
    pub(super) effects: &'w [Effect<'e>],
    /// Statements are sent over and over, and what is told of them is told elsewhere.
    pub(super) silent: bool,
    pub(super) observer: &'w mut dyn Observer,
}

impl Progress for UnitWatch<'_, '_> {
    fn began(&mut self, at: usize) {
        if self.silent {
            return;
        }
        if let Effect::Statement(statement) = self.effects[at] {
            self.observer.event(&Event::StatementStarted { step: self.step, statement: statement.number });
        }
    }

    fn done(&mut self, at: usize, done: &Done) {
        if self.silent {
            return;
        }
        if let Effect::Statement(statement) = self.effects[at] {
            let event = Event::StatementFinished { step: self.step, statement: statement.number, rows: done.rows };
            self.observer.event(&event);
        }
    }

    fn notice(&mut self, notice: Notice) {
        self.observer.event(&Event::Noticed { step: Some(self.step), notice: &notice });
    }

    fn blocked(&mut self, at: usize, blockers: &[Blocker], waited: Duration) {
        let statement = Part::of(&self.effects[at]).statement();
        self.observer.event(&Event::Blocked { step: self.step, statement, blockers, waited });
    }
}
