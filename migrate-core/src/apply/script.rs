//! A plan as SQL for the native client: the same effects, written down instead of sent. It holds the values of
//! placeholders, as what is sent does.

use crate::backend::{Dialect, Effect, Settings, TableName};
use crate::diagnostic::{Diagnostic, codes};
use crate::error::count;
use crate::history::State;
use crate::migration::Batch;
use crate::plan::{How, Mirror, Mode, Plan, Step};
use crate::sql::{Statement, batch::with_subqueries};

use super::RunOptions;
use super::callback::unit_effects;
use super::effects::{Journal, Stamp, Transaction, settings, unit_settings};

/// The plan as a complete script. Run by the native client, it leaves the database and its history as `up` would.
///
/// # Errors
/// For a step that only `up` can carry out: one that goes on with an interrupted attempt, or repeats a statement until
/// it changes nothing.
pub fn script(plan: &Plan, dialect: &Dialect, table: &TableName, options: &RunOptions) -> Result<String, Diagnostic> {
    let run_id = format!("script-{}", plan.digest());
    let mirror = plan.mirror.as_ref();
    let stamp = Stamp { run_id: &run_id, fence: 0, options, syntax: &dialect.syntax, mirror, waived: &[] };
    let mut out = Writer { dialect, table, text: String::new() };
    out.comment(&format!(
        "{}, component {}, digest {}",
        count(plan.steps.len(), "step"),
        plan.component,
        plan.digest()
    ));
    if plan.is_empty() {
        return Ok(out.text);
    }
    for part in [dialect.client_prologue, (dialect.history_sql)(table).trim_end()] {
        out.text.push_str(part);
        out.text.push('\n');
    }
    for row in mirror.map(Mirror::prepare).unwrap_or_default() {
        out.effect(&Effect::Mirror(&row));
    }
    let mut next = plan.after + 1;
    for step in &plan.steps {
        let seq = next;
        next += step.rows();
        if step.resume.is_some() {
            return Err(only_up(step, "it goes on with an attempt that was interrupted"));
        }
        out.text.push('\n');
        match step.mode {
            Mode::Callback => out.comment(&step.title()),
            _ => out.comment(&format!("{} {}", step.action, step.title())),
        }
        for precondition in &step.run.preconditions {
            out.comment(&format!("only if {}: {}", precondition.text, precondition.sql));
        }
        match step.mode {
            Mode::Record => {
                out.effect(&Effect::Append(&stamp.row(step, seq, State::Done, 0)));
                for row in stamp.mirrored(step, None) {
                    out.effect(&Effect::Mirror(&row));
                }
            }
            Mode::Transaction => {
                let transaction = Transaction::new(step, seq, &stamp, dialect);
                out.effect(&transaction.begin());
                for effect in transaction.rest() {
                    out.effect(&effect);
                }
            }
            Mode::Journal => {
                journal(&mut out, step, seq, &stamp)?;
                for row in stamp.mirrored(step, None) {
                    out.effect(&Effect::Mirror(&row));
                }
            }
            Mode::Callback => callback(&mut out, step, &stamp),
            Mode::Code => return Err(only_up(step, "code runs here, which cannot be shown")),
        }
    }
    Ok(out.text)
}

fn callback(out: &mut Writer<'_>, step: &Step, stamp: &Stamp<'_>) {
    let Some(script) = &step.script else { return };
    let usual = settings(script, &step.run, stamp.options, out.dialect);
    for unit in &step.units {
        let alone = unit_settings(&usual, script, unit, &step.run);
        let statements: Vec<Statement<'_>> = unit.runs.clone().map(|index| script.statement(index)).collect();
        for effect in unit_effects(unit, &statements, &usual, &alone) {
            out.effect(&effect);
        }
    }
    if step.units.iter().any(|unit| unit.how != How::Together) {
        out.effect(&Effect::Set(&Settings::default()));
    }
}

fn journal(out: &mut Writer<'_>, step: &Step, seq: u64, stamp: &Stamp<'_>) -> Result<(), Diagnostic> {
    let Some(script) = &step.script else { return Ok(()) };
    let settings = settings(script, &step.run, stamp.options, out.dialect);
    let state = if step.units.is_empty() { State::Done } else { State::InFlight };
    let mut journal = Journal::new(script, stamp.row(step, seq, state, 0), 0);
    let also = stamp.also(step, seq);
    journal.completed_apart = !also.is_empty();
    let settled = Settings::default();
    if journal.completed_apart && state == State::Done {
        out.effect(&Effect::Begin(&settled));
    }
    out.effect(&Effect::Append(&journal.row));
    let mut in_force = Settings::default();
    for unit in &step.units {
        let wanted = unit_settings(&settings, script, unit, &step.run);
        if matches!(unit.how, How::Alone(_)) && in_force != wanted {
            out.effect(&Effect::Set(&wanted));
            in_force = wanted;
        }
        let advance = journal.to(unit.covers.end);
        let statements: Vec<Statement<'_>> = unit.runs.clone().map(|index| script.statement(index)).collect();
        match &unit.how {
            How::Together => {
                out.effect(&Effect::Begin(&settings));
                out.statements(&statements);
                out.effect(&Effect::Advance(&advance));
                out.effect(&Effect::Commit);
            }
            How::Discarded => {
                out.effect(&Effect::Begin(&settings));
                out.statements(&statements);
                out.effect(&Effect::Rollback);
                out.effect(&Effect::Advance(&advance));
            }
            How::Alone(_) => {
                out.statements(&statements);
                out.effect(&Effect::Advance(&advance));
            }
            How::Batch(Batch::Ranges { table, key, .. }) => {
                out.effect(&Effect::Begin(&settings));
                for statement in &statements {
                    let text = with_subqueries(statement.text, &out.dialect.syntax, table, key);
                    out.effect(&Effect::Statement(&Statement { text: &text, ..*statement }));
                }
                out.effect(&Effect::Advance(&advance));
                out.effect(&Effect::Commit);
            }
            How::Batch(Batch::UntilEmpty { .. }) => {
                return Err(only_up(step, "it repeats a statement until nothing is left"));
            }
        }
        journal.passed(&advance, unit.covers.end);
    }
    if in_force != settled {
        out.effect(&Effect::Set(&settled));
    }
    if journal.completed_apart {
        if state == State::InFlight {
            out.effect(&Effect::Begin(&settled));
            out.effect(&Effect::Advance(&journal.here(State::Done)));
        }
        for row in &also {
            out.effect(&Effect::Append(row));
        }
        out.effect(&Effect::Commit);
    }
    Ok(())
}

fn only_up(step: &Step, why: &str) -> Diagnostic {
    Diagnostic::refused(codes::USAGE, format!("{}: cannot be written as a script: {why}", step.title())).help(
        if step.mode == Mode::Code {
            "the application that has the code carries it out"
        } else {
            "carry it out with `migrate up`"
        },
    )
}

struct Writer<'a> {
    dialect: &'a Dialect,
    table: &'a TableName,
    text: String,
}

impl Writer<'_> {
    fn effect(&mut self, effect: &Effect<'_>) {
        self.text.push_str((self.dialect.effect_sql)(effect, self.table).trim_end());
        self.text.push('\n');
    }

    fn statements(&mut self, statements: &[Statement<'_>]) {
        for statement in statements {
            self.effect(&Effect::Statement(statement));
        }
    }

    fn comment(&mut self, text: &str) {
        for line in text.lines() {
            self.text.push_str("-- ");
            self.text.push_str(line);
            self.text.push('\n');
        }
    }
}
