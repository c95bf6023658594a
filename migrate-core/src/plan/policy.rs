//! What is allowed on the way.

use crate::backend::TableName;
use crate::condition::Conditions;
use crate::migration::MigrationId;
use crate::version::Version;

use super::PhaseGoal;

/// What is allowed on the way. The default is the careful answer everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// Pending migrations below an applied one.
    pub out_of_order: OutOfOrder,
    /// Applied migrations above everything this set knows.
    pub on_ahead: OnAhead,
    /// The most stored ways back that one downgrade runs.
    pub downgrade_limit: usize,
    /// Objects but no history.
    pub on_nonempty: OnNonempty,
    /// Another tool's history and none of ours.
    pub foreign_history: ForeignHistory,
    /// Flyway's table, which is written along with ours: [`mirror`](super::mirror). Without a schema it is looked for in
    /// those of the connection, and made in its first. Available with feature `other-tools`: without it that is refused.
    pub mirror: Option<TableName>,
    /// The phase where the goal names none.
    pub phase: Option<PhaseGoal>,
    /// The release that is deployed, by the word of whoever runs this; `None` is what the history says:
    /// [`deploy`](super::deploy).
    pub deployed: Option<Version>,
    /// A phase runs only if it is known that the release before it is deployed; else the choice of the phase says so
    /// where nothing else does.
    pub require_deployed: bool,
    /// Optional migrations that are part of the set here.
    pub include: Vec<String>,
    /// What must hold of the server before something runs, beside what the set's manifest asks for.
    pub conditions: Conditions,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            out_of_order: OutOfOrder::AsLayout,
            on_ahead: OnAhead::Compatible,
            downgrade_limit: 10,
            on_nonempty: OnNonempty::Refuse,
            foreign_history: ForeignHistory::Refuse,
            mirror: None,
            phase: None,
            deployed: None,
            require_deployed: false,
            include: Vec::new(),
            conditions: Conditions::default(),
        }
    }
}

/// Pending migrations below an applied one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutOfOrder {
    /// As the layout's own tool does; in the native one none may be.
    AsLayout,
    /// None may be.
    Refuse,
    /// These may be.
    Allow(Vec<MigrationId>),
    /// All may be.
    AllowAll,
}

/// Applied migrations above everything this set knows: the application was rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnAhead {
    /// Go on with a warning, unless something applied says that this release cannot run on it.
    Compatible,
    /// Go on with a warning in any case.
    Tolerate,
    /// Never go on.
    Refuse,
    /// Run the stored ways back.
    Downgrade,
}

/// Objects but no history.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnNonempty {
    /// Say so.
    Refuse,
    /// Record everything up to this version as there before, then go on.
    Baseline(Version),
    /// Run everything from the first migration on.
    Run,
}

/// Another tool's history and none of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForeignHistory {
    /// Say which, and what to do.
    Refuse,
    /// Look away, also from what it writes after it was taken over.
    Ignore,
    /// Take it over, then go on. Available with feature `other-tools`: without it that is refused where there is one.
    Adopt,
}
