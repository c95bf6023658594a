//! A step as a list of effects, and the rows that record it. Pure: what `plan --sql` prints is what `up` does.

use std::time::Duration;

use crate::backend::{Advance, Dialect, Effect, Exclusion, ForeignRow, NewEntry, Settings};
use crate::history::entry::{BACKUP, WAIVED};
use crate::history::{Action, State};
use crate::migration::RunAttributes;
use crate::plan::resume::Prefixes;
use crate::plan::{How, Mirror, Step, Unit};
use crate::sql::{Script, Statement, Syntax, mask};

use super::options::{RunOptions, StoreScript};

/// The most characters that are written down of what was done before a run.
const LONGEST: usize = 240;

/// The column of all that is said of where a row comes from holds 255.
const LONGEST_ORIGIN: usize = 250;

/// What only the run knows of a row.
#[derive(Clone, Debug)]
pub(super) struct Stamp<'a> {
    pub(super) run_id: &'a str,
    pub(super) fence: u64,
    pub(super) options: &'a RunOptions,
    pub(super) syntax: &'a Syntax,
    /// Flyway's table, where it is written along.
    pub(super) mirror: Option<&'a Mirror>,
    /// Conditions that do not hold and were waived.
    pub(super) waived: &'a [&'static str],
}

impl Stamp<'_> {
    /// The row of a step, complete but for its times.
    pub(super) fn row(&self, step: &Step, seq: u64, state: State, cursor: usize) -> NewEntry {
        let mut row = self.stamped(step.row.clone(), seq);
        row.entry.state = state;
        row.entry.cursor = cursor as u64;
        if let Some(guard) = self.guard(step) {
            row.entry.origin = Some(match row.entry.marks() {
                Some(marks) => format!("{marks}; {guard}").chars().take(LONGEST_ORIGIN).collect(),
                None => guard,
            });
        }
        row
    }

    /// The rows that are written with that of a step, whose number is `seq`, once it is done.
    pub(super) fn also(&self, step: &Step, seq: u64) -> Vec<NewEntry> {
        step.also.iter().cloned().zip(seq + 1..).map(|(row, seq)| self.stamped(row, seq)).collect()
    }

    fn stamped(&self, mut row: NewEntry, seq: u64) -> NewEntry {
        row.entry.key.seq = seq;
        self.run_id.clone_into(&mut row.entry.run_id);
        row.entry.fence = self.fence;
        row.entry.installed_by.clone_from(&self.options.installed_by);
        row.entry.app_version.clone_from(&self.options.app_version);
        row.entry.tool_version = Some(env!("CARGO_PKG_VERSION").to_owned());
        row.script = row.script.and_then(|script| self.stored(&script));
        row
    }

    /// What was done before the run, and in spite of what it runs: `backup app.db.bak; waived privileges`.
    fn guard(&self, step: &Step) -> Option<String> {
        if !matches!(step.action, Action::Up | Action::Down) && !step.row.entry.is_snapshot() {
            return None;
        }
        let backup = self.options.backup.as_deref().map(|backup| format!("{BACKUP}{}", end_of(backup, LONGEST / 2)));
        let own = step.run.preconditions.iter().map(|precondition| precondition.text.as_str());
        let own = own.filter(|text| self.options.waive.iter().any(|waived| waived == text));
        let waived: Vec<&str> = self.waived.iter().copied().chain(own).collect();
        let waived = (!waived.is_empty()).then(|| format!("{WAIVED}{}", waived.join(", ")));
        let parts: Vec<String> = backup.into_iter().chain(waived).collect();
        (!parts.is_empty()).then(|| parts.join("; ").chars().take(LONGEST).collect())
    }

    /// What is written to Flyway's table with the row of a step that is complete.
    pub(super) fn mirrored(&self, step: &Step, elapsed: Option<Duration>) -> Vec<ForeignRow> {
        let both = self.mirror.zip(step.mirror.as_ref());
        both.map(|(mirror, what)| mirror.done(what, elapsed)).unwrap_or_default()
    }

    /// As much of a script as may be stored. A way back is always stored as it is: it must be able to run.
    fn stored(&self, script: &str) -> Option<String> {
        if script.len() > self.options.store_limit {
            return None;
        }
        match self.options.store {
            StoreScript::Full => Some(mask::mask_secrets(script, self.syntax).into_owned()),
            StoreScript::Redacted => Some(mask::mask_literals(script, self.syntax).into_owned()),
            StoreScript::None => None,
        }
    }
}

/// The end of a text, which tells more of a path than its beginning.
fn end_of(text: &str, most: usize) -> String {
    match text.chars().count().checked_sub(most) {
        None | Some(0) => text.to_owned(),
        Some(more) => std::iter::once('…').chain(text.chars().skip(more + 1)).collect(),
    }
}

/// What holds while a script runs: the run's settings, what the engine needs for this script, the script's own.
pub(super) fn settings(script: &Script, run: &RunAttributes, options: &RunOptions, dialect: &Dialect) -> Settings {
    let mut variables = options.settings.clone();
    variables.extend((dialect.script_settings)(script));
    limits(variables, run, options)
}

/// These variables and the work's own, with its limits or the run's.
pub(super) fn limits(mut variables: Vec<(String, String)>, run: &RunAttributes, options: &RunOptions) -> Settings {
    variables.extend(run.settings.iter().cloned());
    Settings {
        variables,
        lock_timeout: Some(run.timeouts.lock.unwrap_or(options.lock_timeout)),
        statement_timeout: run
            .timeouts
            .statement
            .or((options.statement_timeout > Duration::ZERO).then_some(options.statement_timeout)),
    }
}

/// What holds while a unit runs, in a step of which `usual` holds: a statement that runs alone and that nobody queues
/// behind may wait as long as it must, unless its author says otherwise. A concurrent index build is one.
pub(super) fn unit_settings(usual: &Settings, script: &Script, unit: &Unit, run: &RunAttributes) -> Settings {
    let patient = matches!(unit.how, How::Alone(_))
        && run.timeouts.lock.is_none()
        && unit.runs.clone().all(|index| !script.statement(index).class.queues);
    let lock_timeout = if patient { Some(Duration::ZERO) } else { usual.lock_timeout };
    Settings { lock_timeout, ..usual.clone() }
}

/// A transactional step, ready to be sent.
#[derive(Debug)]
pub(super) struct Transaction<'p> {
    pub(super) step: &'p Step,
    settings: Settings,
    statements: Vec<Statement<'p>>,
    row: NewEntry,
    /// Where the row comes first, it is completed at the end.
    complete: Option<Advance>,
    also: Vec<NewEntry>,
    mirrored: Vec<ForeignRow>,
}

/// What an effect is to its step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Begin,
    Row,
    /// Index into the script.
    Statement(usize),
    Commit,
}

impl Part {
    pub(super) fn of(effect: &Effect<'_>) -> Self {
        match effect {
            Effect::Begin(_) | Effect::Set(_) => Self::Begin,
            Effect::Statement(statement) => Self::Statement(statement.number - 1),
            Effect::Commit | Effect::Rollback => Self::Commit,
            Effect::Append(_) | Effect::Advance(_) | Effect::Mirror(_) => Self::Row,
        }
    }

    /// The number of the statement, from 1.
    pub(super) fn statement(self) -> Option<usize> {
        match self {
            Self::Statement(index) => Some(index + 1),
            Self::Begin | Self::Row | Self::Commit => None,
        }
    }
}

impl<'p> Transaction<'p> {
    pub(super) fn new(step: &'p Step, seq: u64, stamp: &Stamp<'_>, dialect: &Dialect) -> Self {
        let script = step.script.as_ref().expect("a transactional step has a script");
        let statements =
            step.units.iter().flat_map(|unit| unit.runs.clone()).map(|index| script.statement(index)).collect();
        // The row is about the script, whatever callbacks surround it.
        let end = script.own().len();
        let settings = settings(script, &step.run, stamp.options, dialect);
        let (row, complete) = match dialect.exclusion {
            Exclusion::Session => (stamp.row(step, seq, State::Done, end), None),
            Exclusion::Optimistic => {
                let row = stamp.row(step, seq, State::InFlight, 0);
                let complete = advance(&row, 0, end, State::Done);
                (row, Some(complete))
            }
        };
        let (also, mirrored) = (stamp.also(step, seq), stamp.mirrored(step, None));
        Self { step, settings, statements, row, complete, also, mirrored }
    }

    /// Bytes that travel.
    pub(super) fn size(&self) -> usize {
        self.statements.iter().map(|statement| statement.text.len() + statement.data.map_or(0, str::len)).sum()
    }

    pub(super) fn begin(&self) -> Effect<'_> {
        Effect::Begin(&self.settings)
    }

    /// The change of its own row, behind all other rows of it, that adds a note.
    pub(super) fn noted(&self, note: String) -> Advance {
        let end = self.complete.as_ref().map_or(self.row.entry.cursor, |complete| complete.cursor);
        Advance { from_cursor: end, cursor: end, note: Some(note), ..advance(&self.row, 0, 0, State::Done) }
    }

    /// Everything after [`begin`](Self::begin). Where writers are excluded by the transaction alone the row comes
    /// first: whoever lost the race must not run a statement.
    pub(super) fn rest(&self) -> Vec<Effect<'_>> {
        let statements = self.statements.iter().map(Effect::Statement);
        let row = Effect::Append(&self.row);
        let mut effects: Vec<_> = match &self.complete {
            None => statements.chain([row]).collect(),
            Some(complete) => [row].into_iter().chain(statements).chain([Effect::Advance(complete)]).collect(),
        };
        effects.extend(self.also.iter().map(Effect::Append));
        effects.extend(self.mirrored.iter().map(Effect::Mirror));
        effects.push(Effect::Commit);
        effects
    }
}

/// A change of a row that this run wrote.
pub(super) fn advance(row: &NewEntry, from: usize, to: usize, state: State) -> Advance {
    Advance {
        key: row.entry.key.clone(),
        run_id: row.entry.run_id.clone(),
        fence: row.entry.fence,
        holder_fence: row.entry.fence,
        from_cursor: from as u64,
        cursor: to as u64,
        prefix_digest: None,
        state,
        note: None,
        asked: None,
        settled_by: None,
        checkpoint: None,
        error: None,
    }
}

/// The row of a journalled step as it stands in the table, and the changes of it that are next.
#[derive(Debug)]
pub(super) struct Journal<'p> {
    pub(super) script: &'p Script,
    pub(super) row: NewEntry,
    pub(super) cursor: usize,
    prefixes: Prefixes,
    prefix: Option<String>,
    /// The row is completed apart, together with another tool's or with those of what the step stands for.
    pub(super) completed_apart: bool,
}

impl<'p> Journal<'p> {
    pub(super) fn new(script: &'p Script, mut row: NewEntry, cursor: usize) -> Self {
        let mut prefixes = Prefixes::new();
        let prefix = prefixes.up_to(script, cursor).map(|prefix| prefix.to_text());
        row.entry.prefix_digest.clone_from(&prefix);
        Self { script, row, cursor, prefixes, prefix, completed_apart: false }
    }

    /// The row with the cursor where it is.
    pub(super) fn here(&self, state: State) -> Advance {
        Advance { prefix_digest: self.prefix.clone(), ..advance(&self.row, self.cursor, self.cursor, state) }
    }

    /// The row with the cursor at `to`; complete if that is the end.
    pub(super) fn to(&mut self, to: usize) -> Advance {
        let complete = to == self.script.len() && !self.completed_apart;
        let state = if complete { State::Done } else { State::InFlight };
        let prefix_digest = self.prefixes.up_to(self.script, to).map(|prefix| prefix.to_text());
        Advance { prefix_digest, ..advance(&self.row, self.cursor, to, state) }
    }

    /// The table has it.
    pub(super) fn passed(&mut self, advance: &Advance, to: usize) {
        self.cursor = to;
        self.prefix.clone_from(&advance.prefix_digest);
    }
}
