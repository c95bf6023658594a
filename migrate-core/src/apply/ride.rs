//! Journalled steps that travel with others.
//!
//! Where definitions commit, journalled steps are the rule, and one trip for each of their statements would be most of
//! what a run costs. A step whose notes the server takes itself needs no answer before its end, so it travels in one go
//! with the steps around it. What fails on the way is gone on with alone, from the unit that failed.

use crate::backend::{Advance, Dialect, Effect, NewEntry, Note, ServerError, Session, Settings};
use crate::history::State;
use crate::plan::{How, Mode, Step};
use crate::sql::{Recovery, Statement};

use super::Halt;
use super::effects::{Journal, Part, Stamp, settings, unit_settings};

/// A journalled step, ready to be sent as a whole.
#[derive(Debug)]
pub(super) struct Ride<'p> {
    step: &'p Step,
    settings: Settings,
    row: NewEntry,
    items: Vec<Item<'p>>,
    /// What is set for the session when each unit begins.
    in_force: Vec<Settings>,
}

/// One effect, with what it owns.
#[derive(Debug)]
struct Item<'p> {
    /// Which unit it belongs to; before the first one there is only the row.
    unit: usize,
    what: What<'p>,
}

#[derive(Debug)]
enum What<'p> {
    Begin(Settings),
    Set(Settings),
    Append,
    Advance(Advance),
    Statement(Statement<'p>),
    Commit,
    Rollback,
}

impl<'p> Ride<'p> {
    /// `None` where something must be known before the step has come to its end: an attempt to go on with, a
    /// precondition, a batch, a note that must be read first.
    pub(super) async fn new(
        session: &mut dyn Session,
        step: &'p Step,
        seq: u64,
        stamp: &Stamp<'_>,
        dialect: &Dialect,
    ) -> Result<Option<Self>, Halt> {
        if step.mode != Mode::Journal
            || step.resume.is_some()
            || step.mirror.is_some()
            || !step.also.is_empty()
            || step.first_statement() > 0
            || !step.run.preconditions.is_empty()
        {
            return Ok(None);
        }
        let Some(script) = step.script.as_ref().filter(|_| !step.units.is_empty()) else { return Ok(None) };
        let usual = settings(script, &step.run, stamp.options, dialect);
        let row = Journal::new(script, stamp.row(step, seq, State::InFlight, 0), 0).row;
        let mut journal = Journal::new(script, row.clone(), 0);
        let mut ride = Self { step, settings: usual.clone(), row, items: Vec::new(), in_force: Vec::new() };
        ride.push(0, What::Append);
        let mut in_force = Settings::default();
        for (index, unit) in step.units.iter().enumerate() {
            let mut announced = None;
            match &unit.how {
                How::Batch(_) => return Ok(None),
                How::Alone(recovery) => {
                    let wanted = unit_settings(&usual, script, unit, &step.run);
                    if wanted != in_force {
                        ride.push(index, What::Set(wanted.clone()));
                        in_force = wanted;
                    }
                    if *recovery != Recovery::Repeat {
                        let Note::Asked(asked) = session.note(&script.statement(unit.runs.start)).await? else {
                            return Ok(None);
                        };
                        // The row that opens the attempt announces its first statement, and the one that records a
                        // statement the next.
                        match ride.last_change() {
                            _ if index == 0 => ride.row.asked = Some(asked),
                            Some(change) => change.asked = Some(asked),
                            None => announced = Some(Advance { asked: Some(asked), ..journal.here(State::InFlight) }),
                        }
                    }
                }
                How::Together | How::Discarded => ride.push(index, What::Begin(usual.clone())),
            }
            ride.in_force.push(in_force.clone());
            if let Some(announced) = announced {
                ride.push(index, What::Advance(announced));
            }
            for statement in unit.runs.clone() {
                ride.push(index, What::Statement(script.statement(statement)));
            }
            let advance = journal.to(unit.covers.end);
            journal.passed(&advance, unit.covers.end);
            match unit.how {
                How::Alone(_) | How::Batch(_) => ride.push(index, What::Advance(advance)),
                How::Together => {
                    ride.push(index, What::Advance(advance));
                    ride.push(index, What::Commit);
                }
                How::Discarded => {
                    ride.push(index, What::Rollback);
                    ride.push(index, What::Advance(advance));
                }
            }
        }
        // Also where nothing of ours is in force: a script may have changed the session.
        ride.push(step.units.len() - 1, What::Set(Settings::default()));
        Ok(Some(ride))
    }

    fn push(&mut self, unit: usize, what: What<'p>) {
        self.items.push(Item { unit, what });
    }

    /// The change of the row that ends what was added so far, if it is one that stands outside of transactions.
    fn last_change(&mut self) -> Option<&mut Advance> {
        let last = self.items.iter_mut().rev().find(|item| !matches!(item.what, What::Set(_)))?;
        if let What::Advance(change) = &mut last.what { Some(change) } else { None }
    }

    pub(super) fn step(&self) -> &'p Step {
        self.step
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Bytes that travel.
    pub(super) fn size(&self) -> usize {
        self.items
            .iter()
            .map(|item| match &item.what {
                What::Statement(statement) => statement.text.len() + statement.data.map_or(0, str::len),
                What::Append => self.row.script.as_ref().map_or(0, String::len),
                _ => 0,
            })
            .sum()
    }

    /// Everything that is sent, in order.
    pub(super) fn effects(&self) -> impl Iterator<Item = Effect<'_>> {
        self.items.iter().map(|item| match &item.what {
            What::Begin(settings) => Effect::Begin(settings),
            What::Set(settings) => Effect::Set(settings),
            What::Append => Effect::Append(&self.row),
            What::Advance(advance) => Effect::Advance(advance),
            What::Statement(statement) => Effect::Statement(statement),
            What::Commit => Effect::Commit,
            What::Rollback => Effect::Rollback,
        })
    }

    /// The unit that the effect at `index` belongs to; `None` while the row is not there.
    pub(super) fn unit(&self, index: usize) -> Option<usize> {
        (index > 0).then(|| self.items[index].unit)
    }

    /// The row as it stands before a unit.
    pub(super) fn journal_at(&self, unit: usize) -> Journal<'p> {
        let script = self.step.script.as_ref().expect("a step that travels has a script");
        Journal::new(script, self.row.clone(), self.step.units[unit].covers.start)
    }

    pub(super) fn in_force_at(&self, unit: usize) -> Settings {
        self.in_force[unit].clone()
    }

    /// Whether the unit of a row that could not be changed may be sent again: a change that announces has no statement
    /// before it, and one in a transaction takes its statements along.
    pub(super) fn may_repeat(&self, index: usize, error: &ServerError) -> bool {
        let unit = self.items[index].unit;
        let sent = self.items[..index].iter().any(|item| item.unit == unit && matches!(item.what, What::Statement(_)));
        error.is_contention() && (!sent || self.step.units[unit].how == How::Together)
    }

    /// What the effect at `index` is to the step.
    pub(super) fn part(&self, index: usize) -> Part {
        self.effects().nth(index).map_or(Part::Row, |effect| Part::of(&effect))
    }
}
