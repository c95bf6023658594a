//! Exactly what will be done.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::backend::NewEntry;
use crate::checksum;
use crate::code::CodeRuns;
use crate::condition::Conditions;
use crate::counts::Counts;
use crate::diagnostic::Diagnostic;
use crate::history::format::Found;
use crate::history::{Action, Entry, History, State};
use crate::manifest::Release;
use crate::migration::{self, MigrationId, RunAttributes};
use crate::sql::{Script, Syntax, mask};
use crate::version::Version;

use super::resume::Prefix;
use super::{How, Mirror, Mirrored, Refusal, Unit, callback};

/// Steps in the order in which they will be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Whose history.
    pub component: String,
    /// The dialect's name.
    pub engine: &'static str,
    /// The lexical rules of the server it was made for.
    pub syntax: Syntax,
    /// What will be done.
    pub steps: Vec<Step>,
    /// The last row of the history this plan was made for: it is stale once there is another.
    pub after: u64,
    /// The newest applied migration before the first step.
    pub from: Option<MigrationId>,
    /// What is worth knowing.
    pub notes: Vec<Diagnostic>,
    /// The other tool's history that it takes over: that tool is kept out meanwhile.
    pub adopts: Option<Found>,
    /// Flyway's table, where it is written along.
    pub mirror: Option<Mirror>,
    /// What must hold of the server before the first step that runs something; empty where none does.
    pub conditions: Conditions,
    /// What is counted before and after each step.
    pub counts: Counts,
    /// Session settings of every step, before its own.
    pub settings: Vec<(String, String)>,
    /// What there is to read about the releases of its steps.
    pub about: BTreeMap<Version, Release>,
}

/// One row of the history, and the script it records; of a snapshot also the rows of what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which migration.
    pub id: MigrationId,
    /// Its description.
    pub description: String,
    /// What is done with it.
    pub action: Action,
    /// How.
    pub mode: Mode,
    /// What runs; a step that only records has none.
    pub script: Option<Script>,
    /// The script cut into what is sent together, from the first statement that has not run.
    pub units: Vec<Unit>,
    /// Settings, limits, preconditions.
    pub run: RunAttributes,
    /// The attempt that it goes on with.
    pub resume: Option<Resume>,
    /// The row, without what only the run knows: its number, the run's identity, the lock's fence.
    pub row: NewEntry,
    /// Rows that are written in one transaction with the end of it, and behind its own: what a snapshot stands for.
    pub also: Vec<NewEntry>,
    /// What is written to Flyway's table with it.
    pub mirror: Option<Mirrored>,
    /// The code that it runs in place of a script.
    pub code: Option<CodeStep>,
}

/// Code that a step runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeStep {
    /// The identity under which it was registered; the row may have one that the migration had before.
    pub of: MigrationId,
    /// The file that declares it.
    pub path: String,
    /// How it runs.
    pub runs: CodeRuns,
}

/// How a step runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
pub enum Mode {
    /// One transaction with its row.
    Transaction,
    /// Statement by statement, each written down.
    Journal,
    /// Only a row.
    Record,
    /// A script that runs every time and leaves no row.
    Callback,
    /// Code in place of a script, as [`Step::code`] says.
    Code,
}

/// The attempt that a step goes on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    /// Its row.
    pub entry: Entry,
    /// What was sent, split as this version splits; `None` where neither the history nor the file has it any more.
    pub script: Option<Script>,
}

impl Plan {
    /// The steps that leave a row, and so change what is applied. The others are callbacks.
    pub fn recorded(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.mode != Mode::Callback)
    }

    /// Nothing to do, not even a callback.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty() && self.mirror.is_none()
    }

    /// Whether the work of a migration runs, which is more than a row or a callback.
    pub fn runs(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.mode, Mode::Transaction | Mode::Journal | Mode::Code))
    }

    /// What there is to read about the release of one of its migrations.
    pub(crate) fn about(&self, id: &MigrationId) -> Option<(Version, Release)> {
        let (release, about) = self.about.get_key_value(id.version()?)?;
        Some((release.clone(), about.clone()))
    }

    /// The newest version that is applied, or the floor, once it is carried out on this history.
    pub(crate) fn reaches(&self, history: &History) -> Option<Version> {
        let rows = self.recorded().flat_map(|step| [&step.row].into_iter().chain(&step.also));
        let done = rows.map(|row| Entry { state: State::Done, ..row.entry.clone() });
        history.with(done).at().cloned()
    }

    /// The history that no other tool may write to meanwhile.
    pub(crate) fn keeps_out(&self) -> Option<Found> {
        let mirrored = self.mirror.as_ref().map(Mirror::found);
        self.adopts.clone().or(mirrored)
    }

    /// Whether it removes data or objects.
    pub fn is_destructive(&self) -> bool {
        self.steps.iter().any(Step::is_destructive)
    }

    /// Whether something in it runs outside a transaction of its own.
    pub fn has_journalled(&self) -> bool {
        self.steps.iter().any(|step| match step.mode {
            Mode::Journal => true,
            Mode::Callback => step.units.iter().any(|unit| unit.how != How::Together),
            Mode::Code => step.code.as_ref().is_some_and(|code| code.runs.is_journalled()),
            Mode::Transaction | Mode::Record => false,
        })
    }

    /// Eight hex digits of a digest over everything that will be done; the same for the same work.
    pub fn digest(&self) -> String {
        let text = format!("{}\n{}\n{}", self.component, self.engine, self.steps_canonical());
        let digest = checksum::tagged("", text.as_bytes());
        digest[1..9].to_owned()
    }

    /// What is left of it after the run `run_id` wrote `rows`, which are all rows since it was made; `None` where they
    /// are not exactly its beginning, written by that run.
    ///
    /// # Errors
    /// If an attempt that is not over cannot be gone on with.
    pub(crate) fn rest(&self, rows: &[Entry], run_id: &str) -> Result<Option<Self>, Refusal> {
        let (mut done, mut open) = (0, None);
        // The rows that came in one transaction with the end of the last step.
        let mut also: &[NewEntry] = &[];
        for row in rows {
            if let [first, others @ ..] = also {
                if row.run_id != run_id || row.id != first.entry.id || row.action != first.entry.action {
                    return Ok(None);
                }
                also = others;
                continue;
            }
            // What leaves no row came before one that does.
            done += self.steps[done..].iter().take_while(|step| step.mode == Mode::Callback).count();
            let Some(step) = self.steps.get(done).filter(|step| row.run_id == run_id && step.writes(row)) else {
                return Ok(None);
            };
            open = (row.state != State::Done).then_some(row);
            if open.is_none() {
                done += 1;
                also = &step.also;
            }
        }
        let mirror = match &self.mirror {
            // Whether that was still done nobody knows.
            Some(mirror) if rows.is_empty() && mirror.prepares() => return Ok(None),
            mirror => mirror.as_ref().map(Mirror::prepared),
        };
        let mut steps = self.steps[done..].to_vec();
        if let (Some(open), Some(step)) = (open, steps.first_mut()) {
            if step.mode != Mode::Code {
                step.mode = Mode::Journal;
            }
            step.resume = Some(Resume { entry: open.clone(), script: step.script.clone() });
            step.go_on(open.cursor, open.prefix_digest.as_deref(), &self.syntax)?;
        }
        let after = rows.last().map_or(self.after, |row| row.key.seq);
        Ok(Some(Self { steps, after, mirror, ..self.clone() }))
    }

    fn steps_canonical(&self) -> String {
        let mut out = String::new();
        for step in &self.steps {
            let entry = &step.row.entry;
            let executed = entry.executed_digest.as_deref().unwrap_or("-");
            let from = step.first_statement();
            let _ = writeln!(out, "{} {} {:?} {from} {executed} {}", step.action, step.id, step.mode, entry.checksum);
            for NewEntry { entry, .. } in &step.also {
                let _ = writeln!(out, "{} {} {}", entry.action, entry.id, entry.checksum);
            }
            out.push_str(&callback::canonical(step));
            if let Some(code) = &step.code {
                let goes_on = step.resume.as_ref().map(|resume| code.goes_on(&resume.entry));
                let _ = writeln!(out, "{:?} {goes_on:?}", code.runs);
            }
            // The manifest says these too, so no text of the script stands for them.
            let RunAttributes { settings, timeouts, preconditions, batches, no_transaction: _ } = &step.run;
            let _ = writeln!(out, "{settings:?} {timeouts:?}");
            for precondition in preconditions {
                let _ = writeln!(out, "{}", precondition.sql);
            }
            for batch in batches {
                let _ = writeln!(out, "{:?}", batch.batch);
            }
        }
        out
    }
}

impl Step {
    /// `2.1.0/pre/03 add owner`, as every message begins; of a callback its event, and what its name says.
    pub fn title(&self) -> String {
        if self.mode == Mode::Callback {
            return self.description.clone();
        }
        if self.row.entry.is_snapshot() {
            return self.row.entry.title();
        }
        migration::title(&self.id, &self.description)
    }

    /// How many rows of the history it leaves.
    pub(crate) fn rows(&self) -> u64 {
        if self.mode == Mode::Callback { 0 } else { 1 + self.also.len() as u64 }
    }

    /// Whether a row of the history is its own, and not one of those it also leaves.
    pub(crate) fn writes(&self, row: &Entry) -> bool {
        let own = &self.row.entry;
        row.id == self.id && row.action == self.action && row.is_snapshot() == own.is_snapshot()
    }

    /// How many statements the script has, those of callbacks in its transaction included.
    pub fn statements(&self) -> usize {
        self.script.as_ref().map_or(0, Script::len)
    }

    /// Index of the first statement that will run.
    pub fn first_statement(&self) -> usize {
        self.units.first().map_or(self.statements(), |unit| unit.covers.start)
    }

    /// Lets an attempt that is not over go on behind `prefix`, which `cursor` statements of it were.
    ///
    /// # Errors
    /// If the script does not begin with what has run.
    pub(crate) fn go_on(&mut self, cursor: u64, prefix: Option<&str>, syntax: &Syntax) -> Result<(), Refusal> {
        let (Some(script), Some(resume)) = (&self.script, &self.resume) else { return Ok(()) };
        let next = match prefix.and_then(Prefix::from_text) {
            None => (cursor == 0).then_some(0),
            Some(prefix) if prefix.starts(script) => prefix.next_statement(script),
            Some(_) => None,
        };
        let Some(next) = next else {
            let shown = |text: &str| mask::mask_secrets(text, syntax).into_owned();
            return Err(Refusal::PrefixChanged {
                title: self.title(),
                path: script.source().path().to_owned(),
                cursor,
                old: resume.script.as_ref().map(|sent| shown(sent.source().written())),
                new: shown(script.source().written()),
            });
        };
        self.skip(next);
        Ok(())
    }

    /// Leaves out the first `next` statements, which are applied.
    pub(super) fn skip(&mut self, next: usize) {
        self.units.retain_mut(|unit| {
            if unit.covers.end <= next {
                return false;
            }
            unit.covers.start = unit.covers.start.max(next);
            unit.runs.start = unit.runs.start.max(next);
            true
        });
        self.row.entry.cursor = next as u64;
    }

    /// Whether a statement that will run removes data or objects.
    pub fn is_destructive(&self) -> bool {
        let Some(script) = &self.script else { return false };
        self.units.iter().flat_map(|unit| unit.runs.clone()).any(|index| script.statement(index).class.destructive)
    }
}
