//! One statement over and over, each round in one transaction with its checkpoint.
//!
//! Ranges walk an integer key from its smallest to its largest value at the beginning: every row that was there is
//! visited exactly once, whatever happens in between.

use std::time::Duration;

use crate::backend::{Advance, Effect, End, Fault, ServerError, Settings};
use crate::error::ErrorKind;
use crate::event::Event;
use crate::history::State;
use crate::migration::Batch;
use crate::plan::{Step, Unit};
use crate::sql::Statement;
use crate::sql::batch::with_bounds;

use super::effects::{Journal, Part};
use super::journal::{Outcome, UnitWatch};
use super::{Halt, Run};

impl Run<'_> {
    pub(super) async fn batch(
        &mut self,
        step: &Step,
        unit: &Unit,
        batch: &Batch,
        journal: &mut Journal<'_>,
        settings: &Settings,
        checkpoint: &mut Option<String>,
    ) -> Result<Outcome, Halt> {
        match batch {
            Batch::Ranges { table, key, size, pause } => {
                let statement = journal.script.statement(unit.runs.start);
                let known = checkpoint.as_deref().and_then(Walk::from_text);
                let whole = |(first, last)| Walk { first, next: first, last };
                let Some(walk) = (match known {
                    Some(walk) => Some(walk),
                    None => self.extent(table, key).await?.map(whole),
                }) else {
                    let advance = journal.to(unit.covers.end);
                    self.perform_quietly(&[Effect::Advance(&advance)]).await?;
                    journal.passed(&advance, unit.covers.end);
                    return Ok(Outcome::Passed);
                };
                let keys = Keys { table, key, size: *size, pause: *pause };
                self.ranges(step, unit, statement, walk, &keys, journal, settings, checkpoint).await
            }
            Batch::UntilEmpty { limit, pause } => {
                self.until_empty(step, unit, *limit, *pause, journal, settings, checkpoint).await
            }
        }
    }

    /// The smallest and the largest key.
    async fn extent(&mut self, table: &str, key: &str) -> Result<Option<(i64, i64)>, Halt> {
        let rows = self.session.query(&format!("SELECT MIN({key}), MAX({key}) FROM {table}")).await?;
        let number = |column: usize| rows.first()?.get(column)?.as_deref()?.parse::<i64>().ok();
        if rows.first().is_some_and(|row| row.iter().all(Option::is_none)) {
            return Ok(None);
        }
        match (number(0), number(1)) {
            (Some(first), Some(last)) => Ok(Some((first, last))),
            _ => Err(ServerError::new(
                Fault::Refused,
                format!("the key {key} of {table} is not an integer, so it cannot be walked in ranges"),
            )
            .into()),
        }
    }

    /// The last key of the next range: keys may be sparse, so the range is counted in rows.
    async fn range_end(&mut self, keys: &Keys<'_>, walk: &Walk) -> Result<i64, Halt> {
        let Keys { table, key, size, .. } = keys;
        let next = walk.next;
        let rows = self
            .session
            .query(&format!(
                "SELECT MAX({key}) FROM (SELECT {key} FROM {table} WHERE {key} >= {next} ORDER BY {key} LIMIT {size}) AS batch_rows"
            ))
            .await?;
        let end = rows.first().and_then(|row| row.first()?.as_deref()?.parse::<i64>().ok());
        // Rows may have gone since the walk began.
        Ok(end.unwrap_or(walk.last).min(walk.last))
    }

    #[allow(clippy::too_many_arguments)] // the locals of `batch`, split for reading
    async fn ranges(
        &mut self,
        step: &Step,
        unit: &Unit,
        statement: Statement<'_>,
        mut walk: Walk,
        keys: &Keys<'_>,
        journal: &mut Journal<'_>,
        settings: &Settings,
        checkpoint: &mut Option<String>,
    ) -> Result<Outcome, Halt> {
        let mut rows = 0;
        loop {
            let hi = self.range_end(keys, &walk).await?;
            let text = with_bounds(statement.text, &self.backend.dialect().syntax, walk.next, hi);
            let bounded = Statement { text: &text, ..statement };
            let last = hi == walk.last;
            let advance = if last {
                journal.to(unit.covers.end)
            } else {
                let next = Walk { next: hi + 1, ..walk };
                Advance { checkpoint: Some(next.to_text()), ..journal.here(State::InFlight) }
            };
            match self.round(step, &bounded, &advance, settings).await? {
                Err((part, error)) => return Ok(Outcome::Refused(part, error)),
                Ok(affected) => rows += affected.unwrap_or(0),
            }
            let event = Event::Batch {
                step,
                statement: statement.number,
                done: walk.distance(hi),
                total: Some(walk.distance(walk.last)),
                rows,
            };
            self.observer.event(&event);
            if last {
                *checkpoint = None;
                journal.passed(&advance, unit.covers.end);
                return Ok(Outcome::Passed);
            }
            checkpoint.clone_from(&advance.checkpoint);
            walk.next = hi + 1;
            self.pause(keys.pause).await;
            if self.stop.is_requested() {
                return Ok(stopped(unit));
            }
        }
    }

    #[allow(clippy::too_many_arguments)] // the locals of `batch`, split for reading
    async fn until_empty(
        &mut self,
        step: &Step,
        unit: &Unit,
        limit: u64,
        pause: Duration,
        journal: &mut Journal<'_>,
        settings: &Settings,
        checkpoint: &mut Option<String>,
    ) -> Result<Outcome, Halt> {
        let statement = journal.script.statement(unit.runs.start);
        let mut rounds: u64 = checkpoint.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0);
        let (mut rows, mut before) = (0, u64::MAX);
        loop {
            rounds += 1;
            let advance = Advance { checkpoint: Some(rounds.to_string()), ..journal.here(State::InFlight) };
            let affected = match self.round(step, &statement, &advance, settings).await? {
                Err((part, error)) => return Ok(Outcome::Refused(part, error)),
                Ok(Some(affected)) => affected,
                Ok(None) => {
                    let message = "the server does not say how many rows were affected, so no end can be seen";
                    let error = ServerError::new(Fault::Unsupported, message);
                    return Ok(Outcome::Refused(Part::Statement(unit.runs.start), error));
                }
            };
            checkpoint.clone_from(&advance.checkpoint);
            rows += affected;
            let event = Event::Batch { step, statement: statement.number, done: rounds, total: None, rows };
            self.observer.event(&event);
            if affected == 0 {
                let advance = journal.to(unit.covers.end);
                self.perform_quietly(&[Effect::Advance(&advance)]).await?;
                *checkpoint = None;
                journal.passed(&advance, unit.covers.end);
                return Ok(Outcome::Passed);
            }
            if let Some(message) = endless(affected, before, limit) {
                let error = ServerError::new(Fault::Refused, message);
                return Ok(Outcome::Refused(Part::Statement(unit.runs.start), error));
            }
            before = affected;
            self.pause(pause).await;
            if self.stop.is_requested() {
                return Ok(stopped(unit));
            }
        }
    }

    /// One round: the statement and its checkpoint, or neither. Answers the rows it affected, where the server says so.
    async fn round(
        &mut self,
        step: &Step,
        statement: &Statement<'_>,
        advance: &Advance,
        settings: &Settings,
    ) -> Result<Result<Option<u64>, (Part, ServerError)>, Halt> {
        let effects = [Effect::Begin(settings), Effect::Statement(statement), Effect::Advance(advance), Effect::Commit];
        let mut watch = UnitWatch { step, effects: &effects, silent: true, observer: self.observer };
        let performed = self.session.perform(self.table, &effects, &mut watch).await;
        match performed.end {
            End::All => Ok(Ok(performed.done.get(1).and_then(|done| done.rows))),
            End::Lost(error) => Err(ErrorKind::Lost(error).into()),
            End::Refused { at, error } => {
                self.rollback().await;
                match Part::of(&effects[at]) {
                    Part::Row if !error.is_contention() => Err(error.into()),
                    part => Ok(Err((part, error))),
                }
            }
        }
    }
}

/// A round that was stopped between two commits looks like one that the server stopped.
fn stopped(unit: &Unit) -> Outcome {
    let error = ServerError::new(Fault::Cancelled, "stopped by request");
    Outcome::Refused(Part::Statement(unit.runs.start), error)
}

/// Why `until-empty` will not come to an end, if the counts say so.
fn endless(affected: u64, before: u64, limit: u64) -> Option<String> {
    if affected > limit {
        return Some(format!("the statement changed {affected} rows in one round, more than its limit of {limit}"));
    }
    // Full rounds may follow each other; once one was not full, each must be smaller than the one before.
    (before < limit && affected >= before).then(|| {
        format!("the statement changed {before} rows, then {affected}: the count does not fall, so it would never end")
    })
}

/// What is walked, and how.
struct Keys<'a> {
    table: &'a str,
    key: &'a str,
    size: u64,
    pause: Duration,
}

/// Where a walk over a key stands; as text it is the checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Walk {
    first: i64,
    next: i64,
    last: i64,
}

impl Walk {
    /// Keys from the first to `key`, both counted.
    fn distance(self, key: i64) -> u64 {
        key.abs_diff(self.first).saturating_add(1)
    }

    fn from_text(text: &str) -> Option<Self> {
        let mut numbers = text.split(' ').map(|number| number.parse::<i64>().ok());
        Some(Self { first: numbers.next()??, next: numbers.next()??, last: numbers.next()?? })
    }

    fn to_text(self) -> String {
        format!("{} {} {}", self.first, self.next, self.last)
    }
}
