//! The entries of another tool's history, each matched with the migrations of a set.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::format::{ForeignEntry, ForeignState, Found, Names, Quality, Verdict, Verifier};
use crate::history::{Action, Status};
use crate::migration::{Migration, MigrationId, Phase};

use super::super::planner::{Planner, applied_as};
use super::super::{AdoptGoal, Refusal};
use super::adoption::{Adopted, Adoption, Pending, Unknown};
use super::find::{at_place, find};
use super::problem::{Candidate, Changed, Problem, Unfinished};

/// What taking over the history that `goal` means would do.
///
/// # Errors
/// If nobody can tell which history is meant, or it cannot be read.
pub(in super::super) fn plan(planner: &Planner<'_>, goal: &AdoptGoal) -> Result<(Adoption, Found), Refusal> {
    let refused = |problem: Problem| Refusal::Adoption(vec![problem]);
    if super::engine(planner).is_none() {
        return Err(refused(Problem::UnknownEngine(planner.dialect.name())));
    }
    if planner.observed.server.pooled {
        return Err(refused(Problem::Pooled));
    }
    if let Some(open) = planner.history().open() {
        let known = planner.known_as(&open.id).is_some();
        return Err(Refusal::Open { entry: Box::new(open.clone()), known });
    }
    let found = planner.observed.foreign.chosen(planner.set, goal).map_err(refused)?;
    let Some(reading) = planner.observed.foreign.reading.as_ref().filter(|reading| reading.found == found) else {
        return Err(refused(Problem::NothingFound { tool: Some(found.format().title()) }));
    };
    let entries = reading.decode().map_err(|damaged| super::damaged(&found, &damaged))?;
    let adoption = Building::new(planner, goal, &found).build(&entries);
    Ok((adoption, found))
}

struct Building<'a> {
    planner: &'a Planner<'a>,
    goal: &'a AdoptGoal,
    found: &'a Found,
    verifier: Verifier,
}

impl<'a> Building<'a> {
    fn new(planner: &'a Planner<'a>, goal: &'a AdoptGoal, found: &'a Found) -> Self {
        Self { planner, goal, found, verifier: Verifier::new(planner.set) }
    }

    fn build(&self, entries: &[ForeignEntry]) -> Adoption {
        let format = self.found.format();
        let mut adoption = Adoption {
            tool: format.name(),
            title: format.title(),
            table: self.found.table.name.clone(),
            evidence: self.evidence(),
            applied: Vec::new(),
            pending: Vec::new(),
            unknown: Vec::new(),
            taken_back: Vec::new(),
            not_represented: Vec::new(),
            problems: Vec::new(),
            without_entry: Vec::new(),
        };
        let mut applied: BTreeMap<&MigrationId, Adopted> = BTreeMap::new();
        let mut outdated: BTreeSet<&MigrationId> = BTreeSet::new();
        let mut unfinished = Vec::new();
        for entry in entries {
            if entry.state.is_unfinished() {
                unfinished.push(self.unfinished(entry));
            }
            let mut migrations = if entry.state.counts() { find(self.planner.set, entry) } else { Vec::new() };
            if migrations.is_empty() {
                migrations = at_place(self.planner.set, entries, entry);
            }
            if migrations.is_empty() {
                adoption.without_entry.extend(self.without_file(
                    entry,
                    &mut adoption.unknown,
                    &mut adoption.not_represented,
                ));
            }
            adoption.unknown.extend(self.beyond(entry));
            for migration in migrations {
                let adopted = self.adopted(entry, migration);
                if migration.id.is_repeatable() && !adopted.verdict.agrees() {
                    // It is run again, as its tool would.
                    outdated.insert(&migration.id);
                    adoption.without_entry.push(entry.record.json());
                    continue;
                }
                match applied.get(&migration.id) {
                    Some(there) if there.quality == Quality::Recorded => {}
                    _ => drop(applied.insert(&migration.id, adopted)),
                }
            }
        }
        if !unfinished.is_empty() {
            let tool = format.title();
            adoption.problems.push(Problem::Unfinished { tool, entries: unfinished });
        }
        if format.is_head_only() {
            self.heads(entries, &mut applied, &mut adoption);
        }
        self.inferred(entries, &applied, &mut adoption.not_represented);
        self.differing(&applied, &mut adoption);
        adoption.pending = self.pending(&applied, &outdated);
        self.code(&mut adoption);
        adoption.taken_back = self.taken_back(&applied, &outdated, &adoption.unknown);
        adoption.applied = applied.into_values().collect();
        adoption.applied.sort_by(|a, b| a.id.cmp(&b.id));
        adoption
    }

    fn evidence(&self) -> Vec<String> {
        let (format, table) = (self.found.format(), &self.found.table);
        let layout = self.planner.set.layout();
        let mut evidence = Candidate::of(self.found).evidence;
        if format.layouts().contains(&layout) {
            evidence.push(format!("the files were read with the layout {layout}"));
        } else if self.goal.from.is_some() {
            evidence.push(format!("somebody said so: --from {}", format.name()));
            if !format.is_head_only() {
                evidence.push(format!("the files were read with the layout {layout}, which is not its own"));
            }
        }
        if self.goal.table.is_some() {
            evidence.push(format!("somebody named the table {}", table.name));
        }
        evidence
    }

    fn adopted(&self, entry: &ForeignEntry, migration: &Migration) -> Adopted {
        let verdict = if migration.attributes.code.is_some() || entry.code.is_some() {
            Verdict::NotComparable { why: "it is code".to_owned() }
        } else {
            self.verifier.verify(entry, migration)
        };
        Adopted {
            id: migration.id.clone(),
            title: migration.title(),
            label: entry.label.clone(),
            quality: entry.quality,
            accepted: !verdict.agrees() && self.goal.changed.has(&migration.id),
            verdict,
            already: applied_as(self.planner.history(), migration).is_some(),
            record: entry.record.json(),
        }
    }

    /// An entry that no migration of the set belongs to: what it becomes, and its row where that is nothing.
    fn without_file(
        &self,
        entry: &ForeignEntry,
        unknown: &mut Vec<Unknown>,
        remarks: &mut Vec<String>,
    ) -> Option<String> {
        let record = entry.record.json();
        match entry.state {
            ForeignState::Applied => {}
            ForeignState::Reverted | ForeignState::Tombstone if entry.names != Names::Nothing => {
                remarks.push(format!("{}: it was taken back, and counts as pending", entry.label));
                return Some(record);
            }
            _ => return Some(record),
        }
        let recorded_as = match &entry.names {
            Names::Version(version) => Some(MigrationId::versioned(version.clone(), Phase::Pre, 0)),
            Names::Repeatable(name) => Some(MigrationId::repeatable(name.clone())),
            Names::Prefix(_) | Names::File(_) | Names::Changeset { .. } | Names::Digest { .. } => None,
            Names::UpTo(_) | Names::First(_) | Names::Head | Names::Nothing => return Some(record),
        };
        let already =
            recorded_as.as_ref().is_some_and(|id| matches!(self.planner.history().status(id), Status::Applied(_)));
        let without_entry = recorded_as.is_none().then(|| record.clone());
        unknown.push(Unknown {
            label: entry.label.clone(),
            description: entry.description.clone(),
            code: entry.code.clone(),
            recorded_as,
            already,
            record,
        });
        without_entry
    }

    /// A tool that only knows how far it has come may have come further than the set.
    fn beyond(&self, entry: &ForeignEntry) -> Option<Unknown> {
        let set = self.planner.set;
        let recorded_as = match &entry.names {
            Names::UpTo(version) if set.versioned().iter().all(|one| one.id.version() != Some(version)) => {
                Some(MigrationId::versioned(version.clone(), Phase::Pre, 0))
            }
            Names::First(number) if *number > set.versioned().len() => None,
            _ => return None,
        };
        let already =
            recorded_as.as_ref().is_some_and(|id| matches!(self.planner.history().status(id), Status::Applied(_)));
        (entry.state == ForeignState::Applied).then(|| Unknown {
            label: entry.label.clone(),
            description: String::new(),
            code: None,
            recorded_as,
            already,
            record: entry.record.json(),
        })
    }

    /// What an unfinished entry is about: the files somebody has to look at.
    fn unfinished(&self, entry: &ForeignEntry) -> Unfinished {
        let set = self.planner.set;
        let mut files: Vec<String> = match &entry.names {
            // A run towards this version failed, forward from the one below or back from the one above.
            Names::UpTo(version) => {
                let at = set.versioned().iter().rfind(|one| one.id.version() <= Some(version));
                let above = set.versioned().iter().find(|one| one.id.version() > Some(version));
                let forward = at.map(|one| one.up.path().to_owned());
                let back = above.and_then(|one| one.down.as_ref()).map(|down| down.path().to_owned());
                forward.into_iter().chain(back).collect()
            }
            _ => find(set, entry).into_iter().map(|one| one.up.path().to_owned()).collect(),
        };
        files.dedup();
        Unfinished {
            label: entry.label.clone(),
            description: entry.description.clone(),
            failed: entry.state == ForeignState::Failed,
            files,
        }
    }

    /// Where only the tool's own position can be taken over, a person says what of the set is there.
    fn heads(
        &self,
        entries: &[ForeignEntry],
        applied: &mut BTreeMap<&'a MigrationId, Adopted>,
        adoption: &mut Adoption,
    ) {
        let labels: Vec<&str> = entries.iter().map(|entry| entry.label.as_str()).collect();
        let shown = super::problem::few(&labels);
        let title = adoption.title;
        let Some(version) = &self.goal.to else {
            // Once it was said, only the mark is new.
            if !self.planner.set.is_empty() && self.planner.history().adoption().is_none() {
                adoption.problems.push(Problem::HeadOnly { tool: title, name: adoption.tool, heads: shown });
            }
            return;
        };
        adoption
            .not_represented
            .push(format!("{title}'s own migrations are code: it stands at {shown}, which is kept with the mark"));
        for migration in self.planner.set.versioned().iter().filter(|one| one.id.version() <= Some(version)) {
            let adopted = Adopted {
                id: migration.id.clone(),
                title: migration.title(),
                label: shown.clone(),
                quality: Quality::Inferred,
                verdict: Verdict::NotRecorded,
                accepted: false,
                already: applied_as(self.planner.history(), migration).is_some(),
                record: entries.last().map(|entry| entry.record.json()).unwrap_or_default(),
            };
            applied.insert(&migration.id, adopted);
        }
    }

    /// That a tool only knows how far it has come is worth a line.
    fn inferred(&self, entries: &[ForeignEntry], applied: &BTreeMap<&MigrationId, Adopted>, remarks: &mut Vec<String>) {
        let number = applied.values().filter(|adopted| adopted.quality == Quality::Inferred).count();
        let only =
            |entry: &ForeignEntry| matches!(entry.names, Names::UpTo(_) | Names::First(_)) && entry.state.counts();
        if number > 0 && entries.iter().any(only) {
            let title = self.found.format().title();
            remarks.push(format!(
                "{title} keeps no row for {}: that {} applied is inferred from how far it has come",
                if number == 1 { "1 of them" } else { "each of them" },
                if number == 1 { "it is" } else { "they are" }
            ));
        }
    }

    fn differing(&self, applied: &BTreeMap<&MigrationId, Adopted>, adoption: &mut Adoption) {
        let mut changed = Vec::new();
        for adopted in applied.values().filter(|adopted| !adopted.already && !adopted.accepted) {
            let Verdict::Differs { recorded, found } = &adopted.verdict else { continue };
            changed.push(Changed {
                id: adopted.id.clone(),
                title: adopted.title.clone(),
                path: self.planner.set.get(&adopted.id).map(|one| one.up.path().to_owned()).unwrap_or_default(),
                recorded: recorded.clone(),
                found: found.clone(),
            });
        }
        if !changed.is_empty() {
            adoption.problems.push(Problem::Changed { tool: adoption.title, changed });
        }
    }

    fn pending(&self, applied: &BTreeMap<&MigrationId, Adopted>, outdated: &BTreeSet<&MigrationId>) -> Vec<Pending> {
        let planner = self.planner;
        let is_pending = |one: &&Migration| {
            planner.takes_part(one) && !applied.contains_key(&one.id) && applied_as(planner.history(), one).is_none()
        };
        let pending = planner.set.iter().filter(is_pending);
        pending
            .map(|one| Pending {
                id: one.id.clone(),
                title: one.title(),
                remark: outdated
                    .contains(&one.id)
                    .then(|| format!("it was changed since {} ran it", self.found.format().title())),
            })
            .collect()
    }

    /// What only the tool itself can run must be run by it before it is given up.
    fn code(&self, adoption: &mut Adoption) {
        let pending = |id: &MigrationId| adoption.pending.iter().any(|pending| pending.id == *id);
        let code = self.planner.set.iter().filter(|one| one.attributes.code.is_some() && pending(&one.id));
        let files: Vec<(String, String)> = code.map(|one| (one.title(), one.up.path().to_owned())).collect();
        if !files.is_empty() {
            adoption.problems.push(Problem::PendingCode { tool: adoption.title, files });
        }
    }

    /// What was taken over from this tool and is gone from its table.
    fn taken_back(
        &self,
        applied: &BTreeMap<&MigrationId, Adopted>,
        outdated: &BTreeSet<&MigrationId>,
        unknown: &[Unknown],
    ) -> Vec<MigrationId> {
        let history = self.planner.history();
        if history.adoption().is_none() || self.found.format().is_head_only() {
            return Vec::new();
        }
        let prefix = format!("{} ", self.found.tool);
        let from_it = |id: &MigrationId| {
            let entry = history.applied_entry(id).and_then(|applied| history.entry(applied.key.seq));
            entry.is_some_and(|entry| {
                entry.action == Action::Adopt
                    && entry.origin.as_deref().is_some_and(|origin| origin.starts_with(&prefix))
            })
        };
        let there = |id: &MigrationId| {
            applied.contains_key(id)
                || outdated.contains(id)
                || self.planner.known_as(id).is_some_and(|one| applied.contains_key(&one.id))
                || unknown.iter().any(|unknown| unknown.recorded_as.as_ref() == Some(id))
        };
        history.applied().map(|(id, _)| id).filter(|id| from_it(id) && !there(id)).cloned().collect()
    }
}
