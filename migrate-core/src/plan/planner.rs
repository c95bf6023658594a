//! The rules in their order.
//!
//! A plan is made of values and is one itself. What the rules say about single directions is in `up`, `down` and
//! `record`; what they share is here.

use std::collections::BTreeMap;

use crate::backend::{Dialect, NewEntry, Server};
use crate::checksum;
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::history::{Action, Applied, Entry, EntryKey, History, State, Status, Texts};
use crate::migration::{Migration, MigrationId, RunAttributes};
use crate::set::MigrationSet;
use crate::source::Source;
use crate::sql::split::Problem;
use crate::sql::{Script, Syntax};

use super::refusal::Changed;
use super::{Goal, Mode, OnAhead, Plan, Policy, Refusal, Resume, Step, Unit, down, record, units, up};

/// What a plan is made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// The server.
    pub server: Server,
    /// The rows of the set's component.
    pub history: History,
    /// The long texts that [`texts_needed`] names.
    pub texts: BTreeMap<EntryKey, Texts>,
}

/// What will be done to reach `goal`, or why it may not be done.
///
/// # Errors
/// The first rule that says no, with everything that rule has to say.
pub fn plan(
    set: &MigrationSet,
    observed: &Observed,
    goal: &Goal,
    policy: &Policy,
    dialect: &Dialect,
) -> Result<Plan, Refusal> {
    let planner = Planner { set, observed, policy, dialect };
    if let Some(seq) = observed.history.gap() {
        return Err(Refusal::Gap { seq });
    }
    let (steps, notes) = match goal {
        Goal::Up(goal) => up::plan(&planner, goal)?,
        Goal::Down(goal) => down::plan(&planner, goal)?,
        Goal::Baseline(version) => (record::baseline(&planner, version)?, Vec::new()),
        Goal::ResolveApplied(id) => (record::applied(&planner, id)?, Vec::new()),
        Goal::ResolveNotApplied(id) => (record::not_applied(&planner, id)?, Vec::new()),
        Goal::Accept(id) => (record::accept(&planner, id)?, Vec::new()),
    };
    let mut plan = Plan {
        component: set.component().to_owned(),
        engine: dialect.name,
        steps,
        after: observed.history.last_seq(),
        from: observed.history.newest().cloned(),
        notes,
    };
    planner.mark_current(&mut plan);
    Ok(plan)
}

/// The rows whose long texts [`plan`] will want: open attempts, ways back, and the old text of what was changed.
pub fn texts_needed(set: &MigrationSet, history: &History, goal: &Goal, policy: &Policy) -> Vec<EntryKey> {
    let mut keys: Vec<EntryKey> = history.open().map(|entry| entry.key.clone()).into_iter().collect();
    for migration in set.iter() {
        if let Some((_, applied)) = applied_as(history, migration)
            && applied.checksum != migration.checksum
        {
            keys.push(applied.script_key.clone());
        }
    }
    if matches!(goal, Goal::Down(_)) || policy.on_ahead == OnAhead::Downgrade {
        keys.extend(history.applied().filter_map(|(_, applied)| applied.down_key.clone()));
    }
    keys.sort();
    keys.dedup();
    keys
}

/// The script of an attempt that is not over: as it was stored, or else as the file has it.
///
/// # Errors
/// If it is neither stored nor in the set, or does not split.
pub fn open_script(
    set: &MigrationSet,
    observed: &Observed,
    open: &Entry,
    dialect: &Dialect,
) -> Result<Script, Refusal> {
    let planner = Planner { set, observed, policy: &Policy::default(), dialect };
    let file = || {
        let migration = set.get(&open.id)?;
        if open.action == Action::Down { migration.down.clone() } else { Some(migration.up.clone()) }
    };
    let stored = observed.texts.get(&open.key).and_then(|texts| texts.script.as_deref());
    match stored.map(|text| stored_source(open, text)).or_else(file) {
        Some(source) => planner.script(&source, &open.title()),
        None => Err(Refusal::Open { entry: Box::new(open.clone()), known: false }),
    }
}

/// Under which identity a migration is applied: its own, or one it had before.
pub(super) fn applied_as<'h>(history: &'h History, migration: &'h Migration) -> Option<(&'h MigrationId, &'h Applied)> {
    std::iter::once(&migration.id).chain(&migration.attributes.renamed_from).find_map(|id| match history.status(id) {
        Status::Applied(applied) => Some((id, applied)),
        Status::Pending | Status::Open(_) => None,
    })
}

/// The arguments of [`plan`], as all rules need them.
pub(super) struct Planner<'a> {
    pub(super) set: &'a MigrationSet,
    pub(super) observed: &'a Observed,
    pub(super) policy: &'a Policy,
    pub(super) dialect: &'a Dialect,
}

impl<'a> Planner<'a> {
    pub(super) fn history(&self) -> &'a History {
        &self.observed.history
    }

    pub(super) fn syntax(&self) -> &'a Syntax {
        &self.observed.server.syntax
    }

    /// Whether a migration takes part: all but the optional ones that nobody included and nobody applied.
    pub(super) fn takes_part(&self, migration: &Migration) -> bool {
        migration
            .attributes
            .optional
            .as_ref()
            .is_none_or(|name| self.policy.include.contains(name) || applied_as(self.history(), migration).is_some())
    }

    /// What is in the history and in no file, not even under an old name.
    pub(super) fn unknown(&self) -> impl DoubleEndedIterator<Item = (&'a MigrationId, &'a Applied)> {
        let set = self.set;
        self.history().applied().filter(move |(id, _)| set.get(id).is_none() && set.renamed(id).is_none())
    }

    /// The highest applied versioned migration that we know.
    pub(super) fn newest_known(&self) -> Option<&'a MigrationId> {
        self.set
            .versioned()
            .iter()
            .rev()
            .find(|migration| applied_as(self.history(), migration).is_some())
            .map(|migration| &migration.id)
    }

    /// Splits a script, with its problems as a refusal.
    pub(super) fn script(&self, source: &Source, title: &str) -> Result<Script, Refusal> {
        Script::parse(source.clone(), self.syntax(), self.dialect.classify).map_err(|problems| {
            Refusal::Script(problems.into_iter().map(|problem| script_problem(title, source, problem)).collect())
        })
    }

    /// Splits a script and cuts it into units.
    pub(super) fn cut(
        &self,
        source: &Source,
        title: &str,
        run: &RunAttributes,
    ) -> Result<(Script, Mode, Vec<Unit>), Refusal> {
        let script = self.script(source, title)?;
        let refused = |problems: Vec<Problem>| {
            Refusal::Script(problems.into_iter().map(|problem| script_problem(title, source, problem)).collect())
        };
        let (mode, units) = units::cut(&script, run, self.dialect.atomicity).map_err(refused)?;
        let unbounded = units::unbounded(&script, run, self.syntax());
        if !unbounded.is_empty() {
            return Err(refused(unbounded));
        }
        Ok((script, mode, units))
    }

    /// A step that runs `source`, from the beginning or from where an open attempt at it stopped.
    pub(super) fn step(
        &self,
        action: Action,
        source: &Source,
        run: &RunAttributes,
        row: NewEntry,
    ) -> Result<Step, Refusal> {
        let title = row.entry.title();
        let (script, mode, units) = self.cut(source, &title, run)?;
        let mut step = Step {
            id: row.entry.id.clone(),
            description: row.entry.description.clone(),
            action,
            mode,
            units,
            run: run.clone(),
            resume: None,
            row,
            script: Some(script),
        };
        step.row.entry.statements = step.statements() as u64;
        step.row.entry.executed_digest = Some(checksum::raw(source.text()));
        if let Some(open) = self.history().open()
            && open.id == step.id
            && open.action == action
        {
            self.resume(&mut step, open)?;
        }
        Ok(step)
    }

    fn resume(&self, step: &mut Step, open: &Entry) -> Result<(), Refusal> {
        let stored = self.observed.texts.get(&open.key).and_then(|texts| texts.script.as_deref());
        let stored = match stored {
            Some(text) => Some(self.script(&stored_source(open, text), &open.title())?),
            None => None,
        };
        step.mode = Mode::Journal;
        step.resume = Some(Resume { entry: open.clone(), script: stored });
        if open.state == State::InFlight {
            // Where it goes on is known once the doubt is settled.
            return Ok(());
        }
        step.go_on(open.cursor, open.prefix_digest.as_deref())
    }

    /// The row of a step on a migration of the set.
    pub(super) fn row(&self, migration: &Migration, action: Action) -> NewEntry {
        let syntax = self.syntax();
        let down = migration.down.as_ref().filter(|_| action != Action::Down);
        let entry = Entry {
            description: match &migration.id {
                MigrationId::Repeatable { name } => name.clone(),
                MigrationId::Versioned { .. } => migration.description.clone(),
            },
            checksum: migration.checksum.clone(),
            checksum_normalised: Some(checksum::normalised(&migration.up, syntax)),
            down_checksum: down.map(|down| checksum::raw(down.text())),
            compatible_from: migration.attributes.compatible_from.clone(),
            has_down: down.is_some(),
            ..self.blank_entry(migration.id.clone(), action)
        };
        NewEntry {
            entry,
            script: Some(migration.up.text().to_owned()),
            down_script: down.map(|down| down.text().to_owned()),
        }
    }

    /// A done row about `id` with nothing in it.
    pub(super) fn blank_entry(&self, id: MigrationId, action: Action) -> Entry {
        Entry {
            key: EntryKey { component: self.set.component().to_owned(), seq: 0 },
            id,
            description: String::new(),
            action,
            state: State::Done,
            cursor: 0,
            statements: 0,
            prefix_digest: None,
            note: None,
            settled_by: None,
            checksum: String::new(),
            checksum_normalised: None,
            executed_digest: None,
            down_checksum: None,
            origin: None,
            compatible_from: None,
            set_digest: None,
            checkpoint: None,
            error: None,
            run_id: String::new(),
            fence: 0,
            installed_by: None,
            app_version: None,
            tool_version: None,
            started_at: None,
            finished_at: None,
            has_down: false,
        }
    }

    /// A step that only writes a row.
    pub(super) fn recorded(row: NewEntry) -> Step {
        Step {
            id: row.entry.id.clone(),
            description: row.entry.description.clone(),
            action: row.entry.action,
            mode: Mode::Record,
            script: None,
            units: Vec::new(),
            run: RunAttributes::default(),
            resume: None,
            row,
        }
    }

    /// What was changed after it was applied; notes for what was only reformatted.
    pub(super) fn changed(&self, notes: &mut Vec<Diagnostic>) -> Vec<Changed> {
        let (mut changed, mut reformatted) = (Vec::new(), Vec::new());
        for migration in self.set.versioned() {
            let Some((_, applied)) = applied_as(self.history(), migration) else { continue };
            if applied.checksum == migration.checksum
                || applied.checksum.is_empty()
                || migration.attributes.accepted_checksums.contains(&applied.checksum)
            {
                continue;
            }
            let normalised = checksum::normalised(&migration.up, self.syntax());
            if applied.checksum_normalised.as_deref() == Some(&normalised) {
                reformatted.push(migration);
                continue;
            }
            changed.push(self.changed_migration(migration, applied));
        }
        notes.extend(reformatted_note(&reformatted));
        changed
    }

    fn changed_migration(&self, migration: &Migration, applied: &Applied) -> Changed {
        let entry = self.history().entry(applied.key.seq);
        Changed {
            id: migration.id.clone(),
            title: migration.title(),
            path: migration.up.path().to_owned(),
            old: self.observed.texts.get(&applied.script_key).and_then(|texts| texts.script.clone()),
            new: migration.up.text().to_owned(),
            when: entry.and_then(|entry| entry.finished_at),
            by: entry.and_then(|entry| entry.installed_by.clone()),
        }
    }

    /// The last step carries the set's digest if everything is applied after it: one row answers the next start.
    fn mark_current(&self, plan: &mut Plan) {
        let ups: Vec<&MigrationId> = plan
            .steps
            .iter()
            .filter(|step| !matches!(step.action, Action::Down | Action::Forget))
            .map(|step| &step.id)
            .collect();
        let goes = |id: &MigrationId| {
            plan.steps.iter().any(|step| step.id == *id && matches!(step.action, Action::Down | Action::Forget))
        };
        let current = self.set.iter().filter(|migration| self.takes_part(migration)).all(|migration| {
            if ups.contains(&&migration.id) {
                return true;
            }
            applied_as(self.history(), migration)
                .is_some_and(|(id, applied)| !goes(id) && applied.checksum == migration.checksum)
        });
        // Whoever is ahead of this set has to be looked at again each time.
        let newest = self.set.last_versioned().map(|migration| &migration.id);
        let ahead = |id: &MigrationId| !id.is_repeatable() && Some(id) > newest && !goes(id);
        let unknown = self.unknown().any(|(id, _)| ahead(id))
            || plan.steps.iter().any(|step| step.action == Action::Resolve && self.set.get(&step.id).is_none());
        if current
            && !unknown
            && let Some(last) = plan.steps.last_mut()
        {
            last.row.entry.set_digest = Some(self.set.digest().to_owned());
        }
    }
}

fn script_problem(title: &str, source: &Source, problem: Problem) -> Diagnostic {
    let place = Place::in_source(source, problem.at);
    let mut diagnostic = Diagnostic::error(codes::BAD_SCRIPT, format!("{title}: {}", problem.message)).at(place);
    diagnostic.help.extend(problem.help);
    diagnostic.help("nothing was run: fix the file and run the same command again")
}

/// Line ends change in all files at once: that is one thing to say.
fn reformatted_note(migrations: &[&Migration]) -> Option<Diagnostic> {
    let was = |what: String, were: &str| {
        let message = format!("{what} {were} changed after being applied, in white space or comments only");
        Diagnostic::note(codes::REFORMATTED, message)
    };
    match migrations {
        [] => None,
        [one] => Some(was(one.title(), "was").at(Place::path(one.up.path()))),
        [first, .., last] => {
            let what = format!("{} migrations from {} to {}", migrations.len(), first.id, last.id);
            Some(was(what, "were").at(Place::path(first.up.path())))
        }
    }
}

/// What a stored script is called when something in it fails.
pub(super) fn stored_source(entry: &Entry, text: &str) -> Source {
    Source::stored(format!("<{} as stored in the history, row {}>", entry.id, entry.key.seq), text)
}
