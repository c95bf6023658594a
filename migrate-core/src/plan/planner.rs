//! The rules in their order.
//!
//! A plan is made of values and is one itself. What the rules say about single directions is in `up`, `down` and
//! `record`; what they share is here.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::backend::{Dialect, NewEntry, Server};
use crate::checksum;
use crate::condition::Conditions;
use crate::counts::Counts;
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::history::{Action, Applied, Entry, EntryKey, History, Status, Texts};
use crate::layout;
use crate::migration::{Migration, MigrationId, RunAttributes};
use crate::set::MigrationSet;
use crate::source::Source;
use crate::sql::directive::{self, DirectiveKind};
use crate::sql::{Script, Syntax, mask};

use super::changed::Changed;
use super::tables::Tables;
use super::{
    Foreign, Goal, Mode, OnAhead, Plan, Policy, Refusal, Resume, Step, Unit, adopt, amend, callback, down, joined,
    mirror, needs, pooled, record, snapshot, stored, units, up,
};

/// What a plan is made for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Observed {
    /// The server.
    pub server: Server,
    /// The rows of the set's component.
    pub history: History,
    /// The long texts that the plan needs.
    pub texts: BTreeMap<EntryKey, Texts>,
    /// Other tools' histories, where they matter.
    pub foreign: Foreign,
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
    let planner = Planner::new(set, observed, policy, dialect);
    if let Some(seq) = observed.history.gap() {
        return Err(Refusal::Gap { seq });
    }
    let (mut steps, notes) = match goal {
        Goal::Up(goal) => up::plan(&planner, goal)?,
        Goal::Down(goal) => down::plan(&planner, goal)?,
        Goal::Baseline(version) => (record::baseline(&planner, version)?, Vec::new()),
        Goal::ResolveApplied(id) => (record::applied(&planner, id)?, Vec::new()),
        Goal::ResolveNotApplied(id) => (record::not_applied(&planner, id)?, Vec::new()),
        Goal::Accept(id) => record::accept(&planner, id)?,
        Goal::Amend(id) => (amend::plan(&planner, id)?, Vec::new()),
        Goal::Prune => (record::prune(&planner)?, Vec::new()),
        Goal::Adopt(goal) => (adopt::steps(&planner, goal)?.0, Vec::new()),
    };
    needs::add(&planner, &mut steps)?;
    // What only the history forgets is still there.
    if matches!(goal, Goal::Up(_) | Goal::Down(_)) {
        needs::check_down(&planner, &steps)?;
    }
    let mut plan = Plan {
        component: set.component().to_owned(),
        engine: dialect.name(),
        syntax: observed.server.syntax,
        steps,
        after: observed.history.last_seq(),
        from: observed.history.newest().cloned(),
        notes,
        adopts: None,
        mirror: None,
        conditions: Conditions::default(),
        counts: Counts::default(),
        settings: Vec::new(),
        about: BTreeMap::new(),
    };
    plan.adopts = adopt::adopted_by(&planner, &plan);
    mirror::add(&planner, &mut plan)?;
    if !adopt::is_watched(&planner, goal, &plan) {
        planner.mark_current(&mut plan);
    }
    plan.steps = callback::weave(&planner, goal, std::mem::take(&mut plan.steps))?;
    if observed.server.pooled {
        pooled::refuse(&plan.steps)?;
    }
    if observed.server.joined {
        joined::refuse(&plan, dialect)?;
    }
    if plan.runs() {
        let releases = &set.manifest().releases;
        let of_steps = plan.recorded().filter_map(|step| releases.get_key_value(step.id.version()?));
        plan.about = of_steps.map(|(release, about)| (release.clone(), about.clone())).collect();
        plan.conditions = set.manifest().preconditions.clone().and(&policy.conditions);
        plan.counts = set.manifest().counts.clone();
    }
    Ok(plan)
}

/// The rows whose long texts [`plan`] will want: open attempts, ways back or what says why there are none, and the old text
/// of what was changed.
pub(crate) fn texts_needed(set: &MigrationSet, history: &History, goal: &Goal, policy: &Policy) -> Vec<EntryKey> {
    let mut keys = Vec::new();
    if let Some(open) = history.open() {
        keys.push(open.key.clone());
        keys.extend(history.applied_entry(&open.id).and_then(|applied| applied.down_key.clone()));
    }
    for migration in set.versioned() {
        if let Some((_, applied)) = applied_as(history, migration)
            && !counts_as(migration, &applied.checksum)
            && migration.attributes.code.is_none()
        {
            keys.push(applied.script_key.clone());
        }
    }
    let downs = match goal {
        Goal::Down(goal) => down::chosen(history, goal).unwrap_or_default(),
        Goal::Up(_) if policy.on_ahead == OnAhead::Downgrade => {
            history.applied().filter(|(id, _)| set.get(id).is_none()).collect()
        }
        _ => Vec::new(),
    };
    let ahead = match goal {
        Goal::Up(_) => history.applied().rev().take_while(|(id, _)| set.get(id).is_none()).collect(),
        _ => Vec::new(),
    };
    // What has no way back may say in its text why.
    let without = ahead.iter().chain(&downs).filter(|(_, applied)| applied.down_key.is_none());
    keys.extend(without.map(|(_, applied)| applied.script_key.clone()));
    keys.extend(downs.into_iter().filter_map(|(_, applied)| applied.down_key.clone()));
    keys.sort();
    keys.dedup();
    keys
}

/// The script of an attempt that is not over: what was sent if that can still be had, or else as the file has it.
///
/// # Errors
/// If it is neither stored nor in the set, or does not split.
pub(crate) fn open_script(
    set: &MigrationSet,
    observed: &Observed,
    open: &Entry,
    dialect: &Dialect,
) -> Result<Script, Refusal> {
    let policy = Policy::default();
    let planner = Planner::new(set, observed, &policy, dialect);
    let migration = planner.known_as(&open.id);
    let file = match open.action {
        _ if open.is_snapshot() => snapshot::of_open(&planner, open).map(|snapshot| &snapshot.script),
        Action::Down => migration.and_then(|migration| {
            migration.down.as_ref().or(migration.attributes.code.as_ref().map(|_| &migration.up))
        }),
        _ => migration.map(|migration| &migration.up),
    };
    match planner.sent(open, file).or_else(|| file.cloned()) {
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

/// Whether a raw digest is the one of the file, or one that its manifest accepts.
pub(super) fn counts_as(migration: &Migration, checksum: &str) -> bool {
    migration.checksum == checksum
        || migration.attributes.accepted_checksums.iter().any(|accepted| accepted == checksum)
}

/// The arguments of [`plan`], as all rules need them.
pub(super) struct Planner<'a> {
    pub(super) set: &'a MigrationSet,
    pub(super) observed: &'a Observed,
    pub(super) policy: &'a Policy,
    pub(super) dialect: &'a Dialect,
    /// What had another identity before.
    renamed: BTreeMap<&'a MigrationId, &'a Migration>,
    /// What a snapshot of the set stands for.
    replaced: BTreeSet<&'a MigrationId>,
    tables: RefCell<Tables>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(set: &'a MigrationSet, observed: &'a Observed, policy: &'a Policy, dialect: &'a Dialect) -> Self {
        let renamed = set
            .iter()
            .flat_map(|migration| migration.attributes.renamed_from.iter().map(move |old| (old, migration)))
            .collect();
        let replaced =
            set.snapshots().iter().flat_map(|snapshot| &snapshot.replaces).map(|replaced| &replaced.id).collect();
        let tables = RefCell::new(Tables::of(&observed.server));
        Self { set, observed, policy, dialect, renamed, replaced, tables }
    }

    pub(super) fn history(&self) -> &'a History {
        &self.observed.history
    }

    pub(super) fn syntax(&self) -> &'a Syntax {
        &self.observed.server.syntax
    }

    /// A text as people may see it.
    pub(super) fn shown(&self, text: &str) -> String {
        mask::mask_secrets(text, self.syntax()).into_owned()
    }

    /// The migration of the set that has this identity, or had it before.
    pub(super) fn known_as(&self, id: &MigrationId) -> Option<&'a Migration> {
        self.set.get(id).or_else(|| self.renamed.get(id).copied())
    }

    /// Whether a migration takes part: all but the optional ones that nobody included and nobody applied.
    pub(super) fn takes_part(&self, migration: &Migration) -> bool {
        migration
            .attributes
            .optional
            .as_ref()
            .is_none_or(|name| self.policy.include.contains(name) || applied_as(self.history(), migration).is_some())
    }

    /// What is in the history and in no file, not even under an old name or in a snapshot.
    pub(super) fn unknown(&self) -> impl DoubleEndedIterator<Item = (&'a MigrationId, &'a Applied)> {
        self.history().applied().filter(|(id, _)| self.known_as(id).is_none() && !self.replaced.contains(id))
    }

    /// Of those the versioned ones above everything the set has: a later release applied them.
    pub(super) fn ahead(&self) -> impl DoubleEndedIterator<Item = (&'a MigrationId, &'a Applied)> {
        let ours = self.newest_of_ours();
        self.unknown().filter(move |(id, _)| !id.is_repeatable() && ours.is_none_or(|ours| *id > ours))
    }

    /// What the snapshots of the set stand for.
    pub(super) fn replaced(&self) -> impl Iterator<Item = &'a MigrationId> {
        self.replaced.iter().copied()
    }

    /// Whether the set has what an attempt that is not over is about.
    pub(super) fn has(&self, open: &Entry) -> bool {
        if open.is_snapshot() { snapshot::of_open(self, open).is_some() } else { self.known_as(&open.id).is_some() }
    }

    /// The highest migration that the set speaks of.
    pub(super) fn newest_of_ours(&self) -> Option<&'a MigrationId> {
        let replaced = self.replaced.iter().copied().filter(|id| !id.is_repeatable()).max();
        self.set.last_versioned().map(|migration| &migration.id).max(replaced)
    }

    /// The highest applied versioned migration that we know.
    pub(super) fn newest_known(&self) -> Option<&'a MigrationId> {
        let known = self.set.versioned().iter().rev().find(|migration| applied_as(self.history(), migration).is_some());
        let replaced = self.history().applied().rev().map(|(id, _)| id);
        let replaced = replaced.filter(|id| !id.is_repeatable()).find(|id| self.replaced.contains(id));
        known.map(|migration| &migration.id).max(replaced)
    }

    /// Whether no release can be at work on the database: it has nothing of ours, or the run that was to install
    /// everything did not come to its end.
    pub(super) fn is_fresh(&self) -> bool {
        let history = self.history();
        let nothing = history.floor().is_none() && history.newest().is_none() && history.open().is_none();
        nothing || history.is_installing()
    }

    /// Splits a script, with its problems as a refusal.
    pub(super) fn script(&self, source: &Source, title: &str) -> Result<Script, Refusal> {
        let script = Script::parse(source.clone(), self.syntax(), self.dialect.classify).map_err(|problems| {
            Refusal::Script(problems.into_iter().map(|problem| script_problem(title, source, problem)).collect())
        })?;
        Ok(self.tables.borrow_mut().mark(script, self.syntax()))
    }

    /// Splits a script and cuts it into units.
    pub(super) fn cut(
        &self,
        source: &Source,
        title: &str,
        run: &RunAttributes,
    ) -> Result<(Script, Mode, Vec<Unit>), Refusal> {
        let script = self.script(source, title)?;
        let (mode, units) = units::cut(&script, run, self.syntax(), self.dialect.atomicity).map_err(|problems| {
            Refusal::Script(problems.into_iter().map(|problem| script_problem(title, source, problem)).collect())
        })?;
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
            also: Vec::new(),
            mirror: None,
            code: None,
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
        let file = step.script.as_ref().map(Script::source);
        let sent = match self.sent(open, file) {
            Some(sent) => Some(self.script(&sent, &open.title())?),
            None => None,
        };
        step.mode = Mode::Journal;
        step.resume = Some(Resume { entry: open.clone(), script: sent });
        // Of an attempt in flight the statement at the cursor may have run as well: that is settled under the lock.
        step.go_on(open.cursor, open.prefix_digest.as_deref(), self.syntax())
    }

    /// The text of which statements of an attempt were sent: the file while it is still the same, or as stored. A text
    /// that was stored with its secrets masked, or without the values of its placeholders, is not what was sent.
    pub(super) fn sent(&self, open: &Entry, file: Option<&Source>) -> Option<Source> {
        let was_sent = |text: &str| open.executed_digest.as_ref().is_none_or(|digest| *digest == checksum::raw(text));
        if let Some(file) = file.filter(|file| was_sent(file.text())) {
            return Some(file.clone());
        }
        let stored = self.observed.texts.get(&open.key).and_then(|texts| texts.script.as_deref());
        if let Some(stored) = stored.filter(|text| was_sent(text)) {
            let stored = stored_source(open, stored);
            let cuts = layout::by_name(self.set.layout()).map(|layout| layout.cuts(&stored, self.syntax()));
            return Some(stored.with_cuts(cuts.unwrap_or_default()));
        }
        self.stored_down(&open.id).filter(|down| open.action == Action::Down && was_sent(down.text()))
    }

    /// The way back that is stored for an applied migration.
    pub(super) fn stored_down(&self, id: &MigrationId) -> Option<Source> {
        let key = self.history().applied_entry(id)?.down_key.as_ref()?;
        let text = self.observed.texts.get(key)?.down_script.as_deref()?;
        Some(stored_source(self.history().entry(key.seq)?, text))
    }

    /// The text that counts for an applied migration.
    pub(super) fn stored_text(&self, applied: &Applied) -> Option<&'a str> {
        self.observed.texts.get(&applied.script_key)?.script.as_deref()
    }

    /// Why an applied migration has no way back, as its stored text says.
    pub(super) fn stored_reason(&self, id: &MigrationId) -> Option<String> {
        let key = &self.history().applied_entry(id)?.script_key;
        let text = self.observed.texts.get(key)?.script.as_deref()?;
        let source = stored_source(self.history().entry(key.seq)?, text);
        directive::directives(&source, self.syntax()).found.into_iter().find_map(|directive| match directive.kind {
            DirectiveKind::Irreversible(reason) => Some(reason),
            _ => None,
        })
    }

    /// The way back of a migration of the set, as it is stored.
    pub(super) fn down(&self, migration: &Migration) -> Option<String> {
        let down = migration.down.as_ref().filter(|_| migration.attributes.irreversible.is_none())?;
        Some(stored::form(down, &migration.attributes.down, self.syntax()).into_owned())
    }

    /// The row of a step on a migration of the set.
    pub(super) fn row(&self, migration: &Migration, action: Action) -> NewEntry {
        let syntax = self.syntax();
        let down = self.down(migration).filter(|_| action != Action::Down);
        // What another program runs is not SQL.
        let script = Some(&migration.up).filter(|_| migration.attributes.code.is_none());
        let entry = Entry {
            description: match &migration.id {
                MigrationId::Repeatable { name } => name.clone(),
                MigrationId::Versioned { .. } => migration.description.clone(),
            },
            checksum: migration.checksum.clone(),
            checksum_normalised: script.map(|up| checksum::normalised(&up.as_written(), syntax)),
            down_checksum: down.as_deref().map(checksum::raw),
            compatible_from: migration.attributes.compatible_from.clone(),
            has_down: down.is_some(),
            ..self.blank_entry(migration.id.clone(), action)
        };
        NewEntry { entry, script: script.map(|up| up.written().to_owned()), down_script: down, asked: None }
    }

    /// What a step has in the place of a row that leaves none.
    pub(super) fn no_row(&self, id: MigrationId) -> NewEntry {
        NewEntry { entry: self.blank_entry(id, Action::Up), script: None, down_script: None, asked: None }
    }

    /// A done row about `id` with nothing in it.
    pub(super) fn blank_entry(&self, id: MigrationId, action: Action) -> Entry {
        Entry::blank(EntryKey { component: self.set.component().to_owned(), seq: 0 }, id, action)
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
            also: Vec::new(),
            mirror: None,
            code: None,
        }
    }

    /// Whether a repeatable would run with other values of its placeholders than it did.
    pub(super) fn has_other_values(&self, migration: &Migration, applied: &Applied) -> bool {
        let ran = self.history().entry(applied.script_key.seq).and_then(|entry| entry.executed_digest.as_deref());
        let repeats = migration.id.is_repeatable() && migration.up.has_values();
        repeats && ran.is_some_and(|ran| ran != checksum::raw(migration.up.text()))
    }

    /// What was changed after it was applied; notes for what was only reformatted.
    pub(super) fn changed(&self, notes: &mut Vec<Diagnostic>) -> Vec<Changed> {
        let (mut changed, mut reformatted) = (Vec::new(), Vec::new());
        for migration in self.set.versioned() {
            let Some((id, applied)) = applied_as(self.history(), migration) else { continue };
            let nothing_to_compare = applied.checksum.is_empty() || migration.checksum.is_empty();
            if nothing_to_compare || counts_as(migration, &applied.checksum) {
                continue;
            }
            if migration.attributes.code.is_some() {
                changed.push(self.changed_migration(id, migration, applied));
                continue;
            }
            let normalised = checksum::normalised(&migration.up.as_written(), self.syntax());
            if applied.checksum_normalised.as_deref() == Some(&normalised) {
                reformatted.push(migration);
                continue;
            }
            changed.push(self.changed_migration(id, migration, applied));
        }
        notes.extend(reformatted_note(&reformatted));
        changed
    }

    fn changed_migration(&self, id: &MigrationId, migration: &Migration, applied: &Applied) -> Changed {
        let entry = self.history().entry(applied.key.seq);
        let old = self.observed.texts.get(&applied.script_key).and_then(|texts| texts.script.as_deref());
        Changed {
            id: migration.id.clone(),
            title: migration.title(),
            was: (*id != migration.id).then(|| id.clone()),
            path: migration.up.path().to_owned(),
            restorable: old.is_some_and(|old| checksum::raw(old) == applied.checksum),
            appended: amend::is_appended(self, migration, applied),
            old: old.map(|old| self.shown(old)),
            new: self.shown(migration.up.written()),
            when: entry.and_then(|entry| entry.finished_at),
            by: entry.and_then(|entry| entry.installed_by.clone()),
            code: migration.attributes.code.as_ref().map(|_| {
                let declared = |checksum: &str| checksum::declared_of_code(checksum).unwrap_or(checksum).to_owned();
                (declared(&applied.checksum), declared(&migration.checksum))
            }),
        }
    }

    /// The last step carries the set's digest if everything is applied after it and nothing a later release applied is
    /// left: one row answers the next start.
    fn mark_current(&self, plan: &mut Plan) {
        if plan.steps.is_empty() {
            return;
        }
        let takes_away = |step: &&Step| matches!(step.action, Action::Down | Action::Forget);
        let gone: BTreeSet<&MigrationId> = plan.steps.iter().filter(takes_away).map(|step| &step.id).collect();
        // What is taken back and applied again in one plan is applied in the end.
        let made: BTreeSet<&MigrationId> = plan
            .steps
            .iter()
            .filter(|step| !takes_away(step))
            .flat_map(|step| {
                let own = Some(&step.id).filter(|_| !step.row.entry.is_mark());
                own.into_iter().chain(step.also.iter().map(|row| &row.entry.id))
            })
            .collect();
        let complete = self.set.iter().filter(|migration| self.takes_part(migration)).all(|migration| {
            std::iter::once(&migration.id).chain(&migration.attributes.renamed_from).any(|id| made.contains(id))
                || applied_as(self.history(), migration).is_some_and(|(id, applied)| {
                    let as_applied =
                        counts_as(migration, &applied.checksum) && !self.has_other_values(migration, applied);
                    !gone.contains(id) && as_applied
                })
        });
        let resolved_ahead = plan.steps.iter().any(|step| {
            step.action == Action::Resolve
                && self.known_as(&step.id).is_none()
                && Some(&step.id) > self.newest_of_ours()
        });
        let current = complete && !resolved_ahead && self.ahead().all(|(id, _)| gone.contains(id));
        if current && let Some(last) = plan.steps.last_mut() {
            let row = last.also.last_mut().unwrap_or(&mut last.row);
            row.entry.set_digest = Some(self.set.digest().to_owned());
        }
    }
}

/// Line ends change in all files at once: that is one thing to say.
fn reformatted_note(migrations: &[&Migration]) -> Option<Diagnostic> {
    match migrations {
        [] => None,
        [one] => {
            let message = format!("{} was changed after it was applied, in white space or comments only", one.title());
            Some(Diagnostic::note(codes::REFORMATTED, message).at(Place::path(one.up.path())))
        }
        [first, .., last] => {
            let message = format!(
                "{} migrations from {} to {} were changed after they were applied, in white space or comments only",
                migrations.len(),
                first.id,
                last.id
            );
            Some(Diagnostic::note(codes::REFORMATTED, message).at(Place::path(first.up.path())))
        }
    }
}

fn script_problem(title: &str, source: &Source, problem: crate::sql::split::Problem) -> Diagnostic {
    let place = Place::in_source(source, problem.at);
    let mut diagnostic = Diagnostic::error(codes::BAD_SCRIPT, format!("{title}: {}", problem.message)).at(place);
    diagnostic.help.extend(problem.help);
    diagnostic.help("nothing was run: fix the file and run the same command again")
}

/// What a stored script is called when something in it fails.
pub(super) fn stored_source(entry: &Entry, text: &str) -> Source {
    Source::stored(format!("<{} as stored in the history, row {}>", entry.id, entry.key.seq), text)
}
