//! Steps that leave no row: the callbacks of a set.
//!
//! Nothing says afterwards that one ran, so a run that dies in it carries it out again from its beginning.

use std::time::Instant;

use crate::backend::{Effect, End, Settings};
use crate::error::ErrorKind;
use crate::event::Event;
use crate::plan::{How, Step, Unit};
use crate::sql::{Script, Statement};

use super::effects::{Part, settings, unit_settings};
use super::journal::UnitWatch;
use super::retry::Retry;
use super::window::{ask, refused};
use super::{Halt, Run};

impl Run<'_> {
    /// Carries out one callback; `left` are the steps behind it.
    pub(super) async fn callback(&mut self, step: &Step, left: &[Step]) -> Result<(), Halt> {
        let began = Instant::now();
        self.observer.event(&Event::StepStarted { step });
        let script = step.script.as_ref().expect("a callback has a script");
        let usual = settings(script, &step.run, self.options, self.backend.dialect());
        if !step.run.preconditions.is_empty() {
            ask(&mut *self.session, step, &self.options.waive).await?;
        }
        for unit in &step.units {
            let mut retry = Retry::default();
            while !self.callback_unit(step, script, unit, &usual, left, &mut retry).await? {}
        }
        // What is in a transaction brings its own settings, and the next step begins with its own.
        if step.units.iter().any(|unit| unit.how != How::Together) {
            self.perform_quietly(&[Effect::Set(&Settings::default())]).await?;
        }
        self.observer.event(&Event::StepFinished { step, elapsed: began.elapsed() });
        Ok(())
    }

    /// Whether the unit is done; otherwise it met a lock and is to be tried again.
    async fn callback_unit(
        &mut self,
        step: &Step,
        script: &Script,
        unit: &Unit,
        usual: &Settings,
        left: &[Step],
        retry: &mut Retry,
    ) -> Result<bool, Halt> {
        self.stop_before(left)?;
        let statements: Vec<Statement<'_>> = unit.runs.clone().map(|index| script.statement(index)).collect();
        let alone = unit_settings(usual, script, unit, &step.run);
        let effects = unit_effects(unit, &statements, usual, &alone);
        let mut watch = UnitWatch { step, effects: &effects, silent: false, observer: self.observer };
        let (at, error) = match self.session.perform(self.table, &effects, &mut watch).await.end {
            End::All => return Ok(true),
            End::Lost(error) => return Err(ErrorKind::Lost(error).into()),
            End::Refused { at, error } => (at, error),
        };
        if matches!(effects[0], Effect::Begin(_)) {
            self.rollback().await;
        }
        let failure = || refused(step, Part::of(&effects[at]), 0, &error, left);
        if !error.is_contention() {
            return Err(failure().into());
        }
        self.pause_for_retry(step, &error, retry, failure).await?;
        Ok(false)
    }
}

/// A unit without a row.
pub(super) fn unit_effects<'e>(
    unit: &Unit,
    statements: &'e [Statement<'e>],
    usual: &'e Settings,
    alone: &'e Settings,
) -> Vec<Effect<'e>> {
    let statements = statements.iter().map(Effect::Statement);
    match unit.how {
        How::Together => [Effect::Begin(usual)].into_iter().chain(statements).chain([Effect::Commit]).collect(),
        How::Discarded => [Effect::Begin(usual)].into_iter().chain(statements).chain([Effect::Rollback]).collect(),
        How::Alone(_) | How::Batch(_) => [Effect::Set(alone)].into_iter().chain(statements).collect(),
    }
}
