//! What all entries of a component together say.
//!
//! The rows are facts in the order they were written; [`History`] is the state they add up to. Nothing is decided
//! here: what may be done about it is the planner's.

use std::collections::BTreeMap;

use super::{Action, Entry, EntryKey, State};
use crate::manifest::Dependency;
use crate::migration::MigrationId;
use crate::version::Version;

/// The state of one component, folded from its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    component: String,
    entries: Vec<Entry>,
    applied: BTreeMap<MigrationId, Applied>,
    /// For each migration the places of its rows.
    rows: BTreeMap<MigrationId, Vec<usize>>,
    open: Vec<usize>,
    floor: Option<Version>,
    adoption: Option<usize>,
    others: BTreeMap<String, Other>,
    gap: Option<u64>,
}

/// Where another component stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Other {
    /// The newest version that is applied, or the floor; `None` where nothing is.
    pub at: Option<Version>,
    /// What it needs of other components, as its rows say.
    pub needs: Vec<Dependency>,
}

/// An applied migration, as the rows leave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The row that applied it.
    pub key: EntryKey,
    /// The row whose texts are current: that one, or a later acceptance of a changed text.
    pub script_key: EntryKey,
    /// The row whose way back is current.
    pub down_key: Option<EntryKey>,
    /// Raw digest that counts now.
    pub checksum: String,
    /// Normalised digest that counts now.
    pub checksum_normalised: Option<String>,
    /// Raw digest of the way back that counts now.
    pub down_checksum: Option<String>,
}

/// Where one migration stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Status<'a> {
    /// Not applied.
    Pending,
    /// Applied, and nothing is open about it.
    Applied(&'a Applied),
    /// An attempt at it is not over.
    Open(&'a Entry),
}

impl History {
    /// Folds all rows of the table; of other components only [where they stand](Self::others).
    pub fn fold(rows: Vec<Entry>, component: &str) -> Self {
        let mut of: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for row in rows {
            of.entry(row.key.component.clone()).or_default().push(row);
        }
        let own = of.remove(component).unwrap_or_default();
        let others = of.into_iter().map(|(name, rows)| {
            let other = Other::of(&Self::fold_one(rows, &name));
            (name, other)
        });
        let others = others.collect();
        Self { others, ..Self::fold_one(own, component) }
    }

    fn fold_one(mut entries: Vec<Entry>, component: &str) -> Self {
        entries.sort_by_key(|entry| entry.key.seq);
        let mut history = Self { component: component.to_owned(), ..Self::default() };
        for (index, entry) in entries.iter().enumerate() {
            let expected = index as u64 + 1;
            if entry.key.seq != expected && history.gap.is_none() {
                history.gap = Some(expected);
            }
            history.take(&entries, index);
        }
        history.entries = entries;
        history
    }

    fn take(&mut self, entries: &[Entry], index: usize) {
        let entry = &entries[index];
        if !entry.is_mark() {
            self.rows.entry(entry.id.clone()).or_default().push(index);
        }
        // A snapshot's script runs, and marks the whole history once it has.
        if entry.action.is_attempt() && (!entry.is_mark() || entry.is_snapshot()) {
            // What follows an attempt that is not over is another one at the same migration, or a person's word on it.
            // A row about anything else does not end it.
            self.open.retain(|open| entries[*open].id != entry.id);
            if entry.is_open() {
                self.open.push(index);
            }
        }
        if entry.is_open() {
            return;
        }
        match entry.action {
            Action::Baseline if entry.is_floor() => self.floor = entry.id.version().cloned(),
            Action::Snapshot if entry.is_snapshot() => self.floor = entry.id.version().cloned(),
            Action::Adopt if entry.is_adoption() => self.adoption = Some(index),
            Action::Up | Action::Baseline | Action::Snapshot | Action::Adopt | Action::Resolve => {
                self.applied.insert(entry.id.clone(), Applied::from(entry));
            }
            Action::Down | Action::Forget => {
                self.applied.remove(&entry.id);
            }
            Action::Accept => {
                if let Some(applied) = self.applied.get_mut(&entry.id) {
                    applied.checksum.clone_from(&entry.checksum);
                    applied.checksum_normalised.clone_from(&entry.checksum_normalised);
                    applied.script_key = entry.key.clone();
                    // The file is accepted as it is, its way back included.
                    applied.down_key = entry.has_down.then(|| entry.key.clone());
                    applied.down_checksum.clone_from(&entry.down_checksum);
                }
            }
            Action::Refresh => {
                if let Some(applied) = self.applied.get_mut(&entry.id) {
                    applied.down_key = entry.has_down.then(|| entry.key.clone());
                    applied.down_checksum.clone_from(&entry.down_checksum);
                }
            }
        }
    }

    /// Whose history it is.
    pub fn component(&self) -> &str {
        &self.component
    }

    /// All rows of the component, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The row with this number.
    pub fn entry(&self, seq: u64) -> Option<&Entry> {
        self.entries.binary_search_by_key(&seq, |entry| entry.key.seq).ok().map(|index| &self.entries[index])
    }

    /// Where a migration stands.
    pub fn status(&self, id: &MigrationId) -> Status<'_> {
        let open = self.open.iter().map(|index| &self.entries[*index]).find(|entry| entry.id == *id);
        match (open, self.applied.get(id)) {
            (Some(entry), _) => Status::Open(entry),
            (None, Some(applied)) => Status::Applied(applied),
            (None, None) => Status::Pending,
        }
    }

    /// What is applied, in order of execution.
    pub fn applied(&self) -> impl DoubleEndedIterator<Item = (&MigrationId, &Applied)> {
        self.applied.iter()
    }

    /// How a migration is applied, even where an attempt to take it back is not over.
    pub fn applied_entry(&self, id: &MigrationId) -> Option<&Applied> {
        self.applied.get(id)
    }

    /// The highest applied versioned migration.
    pub fn newest(&self) -> Option<&MigrationId> {
        self.applied.keys().rev().find(|id| !id.is_repeatable())
    }

    /// The attempt that is not over.
    pub fn open(&self) -> Option<&Entry> {
        self.open.first().map(|index| &self.entries[*index])
    }

    /// The version of the baseline, or of the snapshot that was installed: everything up to it was there before the
    /// history began.
    pub fn floor(&self) -> Option<&Version> {
        self.floor.as_ref()
    }

    /// The row that says how far another tool's history was taken over last.
    pub fn adoption(&self) -> Option<&Entry> {
        self.adoption.map(|index| &self.entries[index])
    }

    /// The first row number that is missing: somebody deleted rows.
    pub fn gap(&self) -> Option<u64> {
        self.gap
    }

    /// No row of this component.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// No row of any component.
    pub fn is_blank(&self) -> bool {
        self.entries.is_empty() && self.others.is_empty()
    }

    /// Where the other components in the table stand, by name.
    pub fn others(&self) -> &BTreeMap<String, Other> {
        &self.others
    }

    /// The newest version that is applied, or the floor.
    pub fn at(&self) -> Option<&Version> {
        self.newest().and_then(MigrationId::version).max(self.floor())
    }

    /// The number of the row written last; 0 before the first.
    pub fn last_seq(&self) -> u64 {
        self.entries.last().map_or(0, |entry| entry.key.seq)
    }

    /// All rows about one migration, oldest first.
    pub fn of<'h>(&'h self, id: &MigrationId) -> impl DoubleEndedIterator<Item = &'h Entry> + use<'h> {
        self.rows.get(id).into_iter().flatten().map(|index| &self.entries[*index])
    }

    /// Whether a raw digest was ever that of a done run of this migration.
    pub fn ran_before(&self, id: &MigrationId, checksum: &str) -> bool {
        self.of(id).any(|entry| {
            entry.state == State::Done
                && entry.checksum == checksum
                && !matches!(entry.action, Action::Down | Action::Forget)
        })
    }

    /// Whether the last run was to install everything on a database that had nothing, and did not come to its end.
    pub fn is_installing(&self) -> bool {
        let Some(last) = self.entries.iter().rfind(|entry| entry.action.is_attempt()) else { return false };
        // The rows of what a snapshot stands for come behind its own, which says what it was a part of.
        let stands_for = last.action == Action::Snapshot && !last.is_snapshot();
        let run = if stands_for { self.entries.iter().rfind(|entry| entry.is_snapshot()) } else { Some(last) };
        run.is_some_and(Entry::is_of_install) && (last.is_open() || last.set_digest.is_none())
    }

    /// The history as it will be once another component is at this version.
    pub(crate) fn supposing(mut self, component: &str, at: &Version) -> Self {
        self.others.entry(component.to_owned()).or_default().at = Some(at.clone());
        self
    }

    /// The history as it will be once these rows are written behind all others.
    pub(crate) fn with(&self, rows: impl IntoIterator<Item = Entry>) -> Self {
        let mut entries = self.entries.clone();
        for (row, seq) in rows.into_iter().zip(self.last_seq() + 1..) {
            let key = EntryKey { component: self.component.clone(), seq };
            entries.push(Entry { key, ..row });
        }
        Self { others: self.others.clone(), ..Self::fold(entries, &self.component) }
    }

    /// The history as it will be once the way back that is open is complete.
    pub(crate) fn after_open_down(&self) -> Self {
        let mut after = self.clone();
        if let Some(open) = self.open().filter(|open| open.action == Action::Down) {
            after.applied.remove(&open.id);
            after.open.retain(|index| self.entries[*index].id != open.id);
        }
        after
    }
}

impl Other {
    fn of(history: &History) -> Self {
        let runs = |entry: &&Entry| !entry.is_open() && (entry.action == Action::Up || entry.is_snapshot());
        let last = history.entries.iter().rev().find(runs);
        let at = history.at().cloned();
        // What nothing is applied of needs nothing.
        let needs = last.filter(|_| at.is_some()).map(Entry::needs).unwrap_or_default();
        Self { at, needs }
    }
}

impl From<&Entry> for Applied {
    fn from(entry: &Entry) -> Self {
        Self {
            key: entry.key.clone(),
            script_key: entry.key.clone(),
            down_key: entry.has_down.then(|| entry.key.clone()),
            checksum: entry.checksum.clone(),
            checksum_normalised: entry.checksum_normalised.clone(),
            down_checksum: entry.down_checksum.clone(),
        }
    }
}
