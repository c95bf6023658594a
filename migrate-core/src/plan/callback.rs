//! The steps of callbacks, among those that leave rows.

use crate::callback::{Callback, CallbackEvent};
use crate::history::Action;
use crate::migration::MigrationId;
use crate::sql::Script;

use super::planner::Planner;
use super::{Goal, How, Mode, Refusal, Step, Unit};

use CallbackEvent as E;

/// `steps` with the callbacks of the set around them.
pub(super) fn weave(planner: &Planner<'_>, goal: &Goal, steps: Vec<Step>) -> Result<Vec<Step>, Refusal> {
    if planner.set.callbacks().is_empty() || !matches!(goal, Goal::Up(_) | Goal::Down(_)) {
        return Ok(steps);
    }
    let callbacks = Callbacks { planner };
    let up = matches!(goal, Goal::Up(_));
    let applies = steps.iter().any(|step| step.action == Action::Up);
    let takes_back = steps.iter().any(|step| step.action == Action::Down);
    let mut woven = Vec::new();
    if up {
        callbacks.all(E::BeforeMigrate, &mut woven)?;
    }
    if takes_back {
        callbacks.all(E::BeforeUndo, &mut woven)?;
    }
    let mut in_repeatables = false;
    for step in steps {
        let repeats = up && step.action == Action::Up && step.id.is_repeatable();
        if repeats && !std::mem::replace(&mut in_repeatables, true) {
            callbacks.all(E::AfterVersioned, &mut woven)?;
            callbacks.all(E::BeforeRepeatables, &mut woven)?;
        }
        match step.action {
            Action::Up => callbacks.around(step, E::BeforeEachMigrate, E::AfterEachMigrate, &mut woven)?,
            Action::Down => callbacks.around(step, E::BeforeEachUndo, E::AfterEachUndo, &mut woven)?,
            _ => woven.push(step),
        }
    }
    if takes_back {
        callbacks.all(E::AfterUndo, &mut woven)?;
    }
    if up {
        if !in_repeatables {
            callbacks.all(E::AfterVersioned, &mut woven)?;
        }
        if applies {
            callbacks.all(E::AfterMigrateApplied, &mut woven)?;
        }
        callbacks.all(E::AfterMigrate, &mut woven)?;
    }
    Ok(woven)
}

struct Callbacks<'p, 'a> {
    planner: &'p Planner<'a>,
}

impl Callbacks<'_, '_> {
    fn of(&self, event: CallbackEvent) -> impl Iterator<Item = &Callback> {
        self.planner.set.callbacks().iter().filter(move |callback| callback.event == event)
    }

    /// A step for each callback of an event.
    fn all(&self, event: CallbackEvent, steps: &mut Vec<Step>) -> Result<(), Refusal> {
        for callback in self.of(event) {
            steps.push(self.step(callback)?);
        }
        Ok(())
    }

    fn step(&self, callback: &Callback) -> Result<Step, Refusal> {
        let title = callback.title();
        let (script, _, units) = self.planner.cut(&callback.script, &title, &callback.run)?;
        let id = MigrationId::repeatable(title.clone());
        Ok(Step {
            id: id.clone(),
            description: title,
            action: if is_of_undo(callback.event) { Action::Down } else { Action::Up },
            mode: Mode::Callback,
            script: Some(script),
            units,
            run: callback.run.clone(),
            resume: None,
            row: self.planner.no_row(id),
            also: Vec::new(),
            mirror: None,
            code: None,
        })
    }

    /// A step with what runs before and after it: in its transaction where it has one, else as steps of their own.
    fn around(
        &self,
        step: Step,
        before: CallbackEvent,
        after: CallbackEvent,
        steps: &mut Vec<Step>,
    ) -> Result<(), Refusal> {
        if let Mode::Transaction = step.mode
            && let (Some(before), Some(after)) = (self.shared(before)?, self.shared(after)?)
        {
            steps.push(surrounded(step, before, after));
            return Ok(());
        }
        self.all(before, steps)?;
        steps.push(step);
        self.all(after, steps)
    }

    /// The scripts of an event, if all of them can share a transaction.
    fn shared(&self, event: CallbackEvent) -> Result<Option<Vec<Script>>, Refusal> {
        let mut scripts = Vec::new();
        for callback in self.of(event) {
            let (script, mode, units) = self.planner.cut(&callback.script, &callback.title(), &callback.run)?;
            if mode != Mode::Transaction || units.iter().any(|unit| unit.covers != unit.runs) {
                return Ok(None);
            }
            scripts.push(script);
        }
        Ok(Some(scripts))
    }
}

fn is_of_undo(event: CallbackEvent) -> bool {
    matches!(event, E::BeforeUndo | E::BeforeEachUndo | E::AfterEachUndo | E::AfterUndo)
}

/// One transaction of all of them.
fn surrounded(step: Step, before: Vec<Script>, after: Vec<Script>) -> Step {
    let count = |scripts: &[Script]| scripts.iter().map(Script::len).sum::<usize>();
    let (lead, trail) = (count(&before), count(&after));
    let Some(script) = step.script.map(|script| script.surrounded(before, after)) else {
        return Step { script: None, ..step };
    };
    let together = |covers: std::ops::Range<usize>| Unit { runs: covers.clone(), covers, how: How::Together };
    let mut units = Vec::new();
    if lead > 0 {
        units.push(together(0..lead));
    }
    units.extend(step.units.into_iter().map(|unit| Unit {
        covers: unit.covers.start + lead..unit.covers.end + lead,
        runs: unit.runs.start + lead..unit.runs.end + lead,
        how: unit.how,
    }));
    if trail > 0 {
        units.push(together(script.len() - trail..script.len()));
    }
    Step { script: Some(script), units, ..step }
}

/// What a plan's digest says of callbacks, which have no row that would.
pub(super) fn canonical(step: &Step) -> String {
    let Some(script) = &step.script else { return String::new() };
    let own = script.own();
    let is_callback = |index: usize| step.mode == Mode::Callback || !own.contains(&index);
    let mut out = String::new();
    for statement in script.statements().filter(|statement| is_callback(statement.number - 1)) {
        out.push_str(statement.text);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use crate::plan::tests::planned;

    const AROUND: &str = r#"
        callback beforeMigrate up:"create role a"
        callback beforeEachMigrate up:"set local x = 1"
        callback afterEachMigrate up:"select check()"
        callback afterVersioned up:"analyze"
        callback beforeRepeatables up:"select 2"
        callback afterMigrateApplied up:"select 3"
        callback afterMigrate up:"select 4"
    "#;

    #[test]
    fn callbacks_run_around_what_is_applied() {
        assert_snapshot!(planned(&format!("{AROUND}\nfile 1 up:\"create table a (n int)\"\nfile R v up:\"create view v as select 1\"")), @"
        1  beforeMigrate        callback, 1 statement
              create role a
        2  1 test               in a transaction, 3 statements
              set local x = 1
              create table a (n int)
              select check()
        3  afterVersioned       callback, 1 statement
              analyze
        4  beforeRepeatables    callback, 1 statement
              select 2
        5  R v                  in a transaction, 3 statements
              set local x = 1
              create view v as select 1
              select check()
        6  afterMigrateApplied  callback, 1 statement
              select 3
        7  afterMigrate         callback, 1 statement
              select 4
        then the set is complete
        ");
    }

    #[test]
    fn some_of_them_run_where_nothing_is_pending() {
        assert_snapshot!(planned(&format!("{AROUND}\nfile 1\nrow up 1")), @"
        1  beforeMigrate   callback, 1 statement
              create role a
        2  afterVersioned  callback, 1 statement
              analyze
        3  afterMigrate    callback, 1 statement
              select 4
        ");
    }

    #[test]
    fn around_a_journalled_migration_they_are_steps_of_their_own() {
        assert_snapshot!(planned(&format!("engine mysql\n{AROUND}\nfile 1 up:\"create table a (n int)\"")), @"
        1  beforeMigrate        callback, 1 statement
              create role a
        2  beforeEachMigrate    callback, 1 statement
              set local x = 1
        3  1 test               journalled, 1 statement
              create table a (n int)
        4  afterEachMigrate     callback, 1 statement
              select check()
        5  afterVersioned       callback, 1 statement; destructive
              analyze
        6  afterMigrateApplied  callback, 1 statement
              select 3
        7  afterMigrate         callback, 1 statement
              select 4
        then the set is complete
        ");
        assert_snapshot!(planned(&format!("{AROUND}\nfile 1 up:\"vacuum\"")), @"
        1  beforeMigrate        callback, 1 statement
              create role a
        2  beforeEachMigrate    callback, 1 statement
              set local x = 1
        3  1 test               journalled, 1 statement
              vacuum
        4  afterEachMigrate     callback, 1 statement
              select check()
        5  afterVersioned       callback, 1 statement
              analyze
        6  afterMigrateApplied  callback, 1 statement
              select 3
        7  afterMigrate         callback, 1 statement
              select 4
        then the set is complete
        ");
    }

    #[test]
    fn those_of_ways_back_are_others() {
        let undo = r#"
            callback beforeUndo up:"select 1"
            callback beforeEachUndo up:"select 2"
            callback afterEachUndo up:"select 3"
            callback afterUndo up:"select 4"
        "#;
        let one = "file 1 up:\"create table a (n int)\" down:\"drop table a\"\nrow up 1\ngoal down empty";
        assert_snapshot!(planned(&format!("{AROUND}\n{undo}\n{one}")), @"
        1  beforeUndo   callback, 1 statement
              select 1
        2  down 1 test  in a transaction, 3 statements; destructive
              select 2
              drop table a
              select 3
        3  afterUndo    callback, 1 statement
              select 4
        ");
        assert_snapshot!(planned(&format!("{AROUND}\n{undo}\nfile 1\ngoal baseline 1")), @"
        1  baseline 1 test      recorded, nothing runs
        2  baseline 1 baseline  recorded, nothing runs
        then the set is complete
        ");
    }
}
