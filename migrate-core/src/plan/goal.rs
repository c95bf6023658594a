//! Where to go.

use std::fmt;
use std::str::FromStr;

use crate::backend::TableName;
use crate::migration::{MigrationId, ParseMigrationIdError};
use crate::version::Version;

/// Where to go. Everything else a command does to the history is a goal too, so that it is planned, shown and refused
/// by the same rules.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Goal {
    /// Apply what is pending.
    Up(UpGoal),
    /// Run ways back.
    Down(DownGoal),
    /// Record everything up to a version as there before.
    Baseline(Version),
    /// Record one migration as applied by hand.
    ResolveApplied(MigrationId),
    /// Record one migration as not applied.
    ResolveNotApplied(MigrationId),
    /// Accept the changed text of an applied migration.
    Accept(MigrationId),
    /// Run the statements that were appended to an applied migration, and nothing else.
    Amend(MigrationId),
    /// Keep no longer what is squashed.
    Prune,
    /// Take over what another tool's history says.
    Adopt(AdoptGoal),
}

/// Which other tool's history is taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdoptGoal {
    /// The name of a [`HistoryFormat`](crate::history::format::HistoryFormat); `None` is the one that is there.
    pub from: Option<String>,
    /// Its table, where it has not the tool's usual name.
    pub table: Option<TableName>,
    /// Up to which version of the set the database is, where the tool's own migrations are code; 0 is nothing.
    pub to: Option<Version>,
    /// Files that may differ from what the tool recorded of them.
    pub changed: AcceptChanged,
}

/// Files that may differ from what another tool recorded of them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AcceptChanged {
    /// These.
    These(Vec<MigrationId>),
    /// All.
    All,
}

impl Default for AcceptChanged {
    fn default() -> Self {
        Self::These(Vec::new())
    }
}

impl AcceptChanged {
    /// Whether this one may.
    pub fn has(&self, id: &MigrationId) -> bool {
        match self {
            Self::All => true,
            Self::These(ids) => ids.contains(id),
        }
    }
}

/// How far up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpGoal {
    /// Up to and including this; `None` is everything.
    pub to: Option<Target>,
    /// At most so many migrations.
    pub steps: Option<usize>,
    /// Which phases; `None` lets the planner decide or refuse.
    pub phase: Option<PhaseGoal>,
}

/// Which phases of the newest release in reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum PhaseGoal {
    /// Up to the last pre of the release: before its deploy.
    Pre,
    /// Up to its last post: after its deploy.
    Post,
    /// Everything, with the service stopped.
    All,
}

/// How far down.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DownGoal {
    /// Until this is the newest; it stays applied.
    To(Target),
    /// Until nothing is applied.
    Empty,
    /// So many migrations, newest first.
    Steps(usize),
}

/// A place in the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// All ordinals and phases of a version.
    Version(Version),
    /// `1.5.0.*`: the newest version that continues this one.
    Line(Version),
    /// Exactly one migration.
    Id(MigrationId),
}

impl Goal {
    /// Whether it says where to be in the end, so that planning for it again in the middle of the way leads to the same
    /// place. A number of steps, and what a row is written about, were meant once.
    pub(crate) fn is_a_place(&self) -> bool {
        match self {
            Self::Up(up) => up.steps.is_none(),
            // What is taken over is what is there when it is looked at.
            Self::Down(DownGoal::To(_) | DownGoal::Empty) | Self::Adopt(_) => true,
            Self::Down(DownGoal::Steps(_))
            | Self::Baseline(_)
            | Self::ResolveApplied(_)
            | Self::ResolveNotApplied(_)
            | Self::Accept(_)
            | Self::Amend(_)
            | Self::Prune => false,
        }
    }

    /// Apply everything, where no post migration makes a choice of the phase necessary.
    pub fn up() -> Self {
        Self::Up(UpGoal::default())
    }

    /// Apply what must be there before the deploy.
    pub fn pre() -> Self {
        Self::Up(UpGoal { phase: Some(PhaseGoal::Pre), ..UpGoal::default() })
    }

    /// Apply what may be there only after the deploy.
    pub fn post() -> Self {
        Self::Up(UpGoal { phase: Some(PhaseGoal::Post), ..UpGoal::default() })
    }

    /// Apply everything in both phases.
    pub fn all() -> Self {
        Self::Up(UpGoal { phase: Some(PhaseGoal::All), ..UpGoal::default() })
    }

    /// Whether this is plain "everything pending": the goal whose answer one row of the history can give.
    pub fn is_everything(&self) -> bool {
        matches!(self, Self::Up(UpGoal { to: None, steps: None, .. }))
    }
}

/// `1.5.0`, `1.5.0.*`, `2.1.0/pre/03`, `R user_view`.
impl FromStr for Target {
    type Err = ParseMigrationIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(line) = text.strip_suffix(".*") {
            return Ok(Self::Line(line.parse()?));
        }
        match text.parse()? {
            MigrationId::Versioned { version, .. } if !text.contains('/') => Ok(Self::Version(version)),
            id => Ok(Self::Id(id)),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "{version}"),
            Self::Line(version) => write!(f, "{version}.*"),
            Self::Id(id) => write!(f, "{id}"),
        }
    }
}

impl Target {
    /// Whether `id` is at or below the target; of a line, only once it is [resolved](Self::resolve).
    pub(crate) fn reaches(&self, id: &MigrationId) -> bool {
        match (self, id.version()) {
            (_, None) => false,
            (Self::Version(target) | Self::Line(target), Some(version)) => version <= target,
            // A repeatable comes after everything, and asking for one asks for nothing else.
            (Self::Id(target), Some(_)) => id <= target && !target.is_repeatable(),
        }
    }

    /// The target with a line replaced by its newest version among `ids`; `None` if nothing there is meant.
    pub fn resolve<'a>(&self, ids: impl Iterator<Item = &'a MigrationId>) -> Option<Self> {
        let mut best = None;
        for id in ids {
            match (self, id.version()) {
                (Self::Version(target), Some(version)) if version == target => return Some(self.clone()),
                (Self::Id(target), _) if id == target => return Some(self.clone()),
                (Self::Line(line), Some(version)) if version.is_in_line(line) => {
                    best = best.max(Some(version.clone()));
                }
                _ => {}
            }
        }
        best.map(Self::Version)
    }
}
