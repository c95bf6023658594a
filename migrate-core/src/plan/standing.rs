//! Where every migration stands.

use std::time::Duration;

use crate::history::{self, Action, Entry, State, Timestamp};
use crate::migration::{Migration, MigrationId, Phase};
use crate::set::MigrationSet;

use super::{Observed, Plan, Refusal, squashed};

/// What [`Migrator::status`](crate::Migrator::status) answers.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// What was read.
    pub observed: Observed,
    /// All migrations of the set and of the history, in the order of execution.
    pub standings: Vec<Standing>,
    /// What the goal comes to from here, or what stands against it: [`Refusal::PhaseChoice`] where a phase must be
    /// chosen.
    pub next: Result<Plan, Refusal>,
}

impl Status {
    /// How many migrations are in a state.
    pub fn count(&self, state: StandingState) -> usize {
        self.standings.iter().filter(|standing| standing.state == state).count()
    }
}

/// Where one migration stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Standing {
    /// Which.
    pub id: MigrationId,
    /// What its name says.
    pub description: String,
    /// Where it stands.
    pub state: StandingState,
    /// When it was begun, by the server's clock.
    pub when: Option<Timestamp>,
    /// How long that took.
    pub elapsed: Option<Duration>,
    /// What else is so, as people read it.
    pub remarks: Vec<String>,
}

/// What is so of a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StandingState {
    /// It is applied.
    Applied,
    /// It is applied, and what has no file any more: below what the set knows, and left alone.
    Squashed,
    /// It is to be applied.
    Pending,
    /// It stands outside until it is included by its name.
    Optional,
    /// It was at work when it was last heard of.
    InFlight,
    /// It failed half-way, and goes on from there.
    Failed,
    /// It was stopped half-way, and goes on from there.
    Interrupted,
}

impl StandingState {
    /// `applied`, `squashed`, `in-flight`, …
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Squashed => "squashed",
            Self::Pending => "pending",
            Self::Optional => "optional",
            Self::InFlight => "in-flight",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// All migrations of the set and of the history, in the order of execution. `include` are the names of optional ones that
/// take part.
pub fn standings(set: &MigrationSet, observed: &Observed, include: &[String]) -> Vec<Standing> {
    let history = &observed.history;
    let pending = |id: &MigrationId| history.status(id) == history::Status::Pending;
    let mut standings: Vec<Standing> = set
        .iter()
        .map(|migration| {
            let renamed = migration.attributes.renamed_from.iter().find(|old| !pending(old));
            match history.status(renamed.unwrap_or(&migration.id)) {
                history::Status::Applied(applied) => {
                    let entry = history.entry(applied.key.seq);
                    let mut standing = self::applied(migration.id.clone(), &migration.description, entry);
                    if applied.checksum != migration.checksum {
                        standing.remarks.push("the file was changed since".to_owned());
                    }
                    if let Some(old) = renamed {
                        standing.remarks.push(format!("as {old}"));
                    }
                    standing
                }
                history::Status::Open(entry) if !entry.is_snapshot() => open(entry),
                history::Status::Open(_) | history::Status::Pending => self::pending(migration, include),
            }
        })
        .collect();
    let ours = |id: &MigrationId| set.get(id).is_some() || set.renamed(id).is_some();
    let squashed = squashed(set, history);
    for (id, found) in history.applied().filter(|(id, _)| !ours(id)) {
        let entry = history.entry(found.key.seq);
        let mut standing = applied(id.clone(), entry.map_or("", |entry| &entry.description), entry);
        if squashed.contains(&id) {
            standing.state = StandingState::Squashed;
        } else {
            standing.remarks.push("not in this set".to_owned());
        }
        standings.push(standing);
    }
    let installs = |open: &Entry| set.snapshots().iter().any(|snapshot| open.id.version() == Some(&snapshot.version));
    if let Some(entry) = history.open().filter(|open| open.is_snapshot() || !ours(&open.id)) {
        let mut standing = open(entry);
        if !(entry.is_snapshot() && installs(entry)) {
            standing.remarks.push("not in this set".to_owned());
        }
        standings.push(standing);
    }
    standings.sort_by(|a, b| a.id.cmp(&b.id));
    standings
}

fn applied(id: MigrationId, description: &str, entry: Option<&Entry>) -> Standing {
    Standing {
        id,
        description: description.to_owned(),
        state: StandingState::Applied,
        when: entry.and_then(|entry| entry.started_at),
        elapsed: entry.and_then(took),
        remarks: entry.and_then(how).into_iter().collect(),
    }
}

/// How it came to be applied, where it was not simply run.
fn how(entry: &Entry) -> Option<String> {
    match (entry.origin.as_deref(), entry.action) {
        _ if entry.is_amendment() => Some("amended".to_owned()),
        // A first install is how nearly everything is applied.
        _ if entry.is_of_install() || entry.guarded_by().is_some() => None,
        (_, Action::Up) => None,
        (Some(origin), Action::Adopt) => Some(adopted(origin)),
        (Some(origin), _) => Some(format!("from {origin}")),
        (None, Action::Resolve) => Some("done by hand".to_owned()),
        (None, action) => Some(action.to_string()),
    }
}

/// The tool alone: its word for the migration is nearly always ours.
fn adopted(origin: &str) -> String {
    let tool = origin.split(' ').next().unwrap_or(origin);
    if origin.ends_with(" inferred") { format!("from {tool}, inferred") } else { format!("from {tool}") }
}

fn open(entry: &Entry) -> Standing {
    let state = match entry.state {
        State::Failed => StandingState::Failed,
        State::InFlight => StandingState::InFlight,
        _ => StandingState::Interrupted,
    };
    Standing {
        id: entry.id.clone(),
        description: entry.description.clone(),
        state,
        when: entry.started_at,
        elapsed: None,
        remarks: vec![format!("{} {}", entry.action, entry.stands())],
    }
}

fn pending(migration: &Migration, include: &[String]) -> Standing {
    let mut remarks = Vec::new();
    let mut state = StandingState::Pending;
    if let Some(name) = &migration.attributes.optional
        && !include.contains(name)
    {
        state = StandingState::Optional;
        // Where a release is at work a post wants its phase.
        let phase = if migration.id.phase() == Phase::Post { " --phase post" } else { "" };
        remarks.push(format!("on request: migrate up{phase} --include {name}"));
    }
    if let Some(work) = &migration.attributes.code {
        remarks.push(format!("{} code", work.language));
    }
    if migration.attributes.run.no_transaction {
        remarks.push("not in a transaction".to_owned());
    }
    Standing {
        id: migration.id.clone(),
        description: migration.description.clone(),
        state,
        when: None,
        elapsed: None,
        remarks,
    }
}

fn took(entry: &Entry) -> Option<Duration> {
    let (from, to) = (entry.started_at?, entry.finished_at?);
    u64::try_from(to.0 - from.0).ok().map(Duration::from_micros)
}
