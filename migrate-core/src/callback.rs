//! Scripts that run around migrations, every time, and leave no row in the history.
//!
//! Other tools call them callbacks or hooks. They are steps of a plan like any other, so they are printed, digested and
//! carried out by the one loop; whether a database is current does not depend on them.
//!
//! What surrounds a single migration runs in that migration's transaction and is rolled back with it. Where the migration
//! has none, because its statements are journalled, it is a step of its own before and after it. A run that dies in such
//! a step, or between it and the migration, has not written down that it ran: the next run carries it out again if the
//! migration is still open, and not at all if the migration is complete. So a callback must be able to run twice, and on
//! an engine without transactional definitions one that runs after each migration may be missed once.

use std::fmt;

use crate::migration::RunAttributes;
use crate::source::Source;

/// A script that runs around migrations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// When.
    pub event: CallbackEvent,
    /// What its name says beyond the event; callbacks of one event run in the order of this.
    pub description: String,
    /// What runs.
    pub script: Source,
    /// How it runs.
    pub run: RunAttributes,
}

impl Callback {
    /// `beforeMigrate`, `beforeMigrate create roles`.
    pub fn title(&self) -> String {
        format!("{} {}", self.event, self.description).trim_end().to_owned()
    }
}

/// When a callback runs. The names are Flyway's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CallbackEvent {
    /// Before anything else of an `up`, also where nothing is pending.
    BeforeMigrate,
    /// Before each migration, in its transaction.
    BeforeEachMigrate,
    /// After each migration, in its transaction.
    AfterEachMigrate,
    /// After the last versioned migration of an `up`, also where none was pending.
    AfterVersioned,
    /// Before the first repeatable of an `up` that runs one.
    BeforeRepeatables,
    /// After an `up` that applied something.
    AfterMigrateApplied,
    /// After everything else of an `up`, also where nothing was pending.
    AfterMigrate,
    /// Before anything else of a `down`.
    BeforeUndo,
    /// Before each way back, in its transaction.
    BeforeEachUndo,
    /// After each way back, in its transaction.
    AfterEachUndo,
    /// After everything else of a `down`.
    AfterUndo,
}

impl CallbackEvent {
    /// All of them, in the order in which they come.
    pub const ALL: &[Self] = &[
        Self::BeforeMigrate,
        Self::BeforeEachMigrate,
        Self::AfterEachMigrate,
        Self::AfterVersioned,
        Self::BeforeRepeatables,
        Self::AfterMigrateApplied,
        Self::AfterMigrate,
        Self::BeforeUndo,
        Self::BeforeEachUndo,
        Self::AfterEachUndo,
        Self::AfterUndo,
    ];

    /// As it is written in a file's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::BeforeMigrate => "beforeMigrate",
            Self::BeforeEachMigrate => "beforeEachMigrate",
            Self::AfterEachMigrate => "afterEachMigrate",
            Self::AfterVersioned => "afterVersioned",
            Self::BeforeRepeatables => "beforeRepeatables",
            Self::AfterMigrateApplied => "afterMigrateApplied",
            Self::AfterMigrate => "afterMigrate",
            Self::BeforeUndo => "beforeUndo",
            Self::BeforeEachUndo => "beforeEachUndo",
            Self::AfterEachUndo => "afterEachUndo",
            Self::AfterUndo => "afterUndo",
        }
    }
}

impl fmt::Display for CallbackEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
