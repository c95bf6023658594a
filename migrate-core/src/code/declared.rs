//! What is known of code without having it.

use std::fmt;

/// The path of what no file declares.
pub(crate) const REGISTERED: &str = "<registered code>";

/// The work of a migration that is no script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeWork {
    /// What it is written in: `Rust`, `Go`, `shell`.
    pub language: String,
    /// How it runs; `None` where nothing here can run it. Then it counts as applied where the history says so, and is
    /// never passed where it does not.
    pub runs: Option<CodeRuns>,
    /// The code has a way back of its own.
    pub has_down: bool,
}

impl CodeWork {
    /// Code that nothing here can run.
    pub fn in_language(language: impl Into<String>) -> Self {
        Self { language: language.into(), runs: None, has_down: false }
    }
}

/// How code runs, which says what is known of it after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum CodeRuns {
    /// In one transaction with its row in the history: it is applied or it never ran. Where a definition commits by
    /// itself it takes the row along, which then says that the code was begun: that is asked about after a crash.
    InTransaction,
    /// In consecutive transactions, each with a checkpoint. After a crash it goes on from the last one.
    InBatches,
    /// Outside of a transaction. Its row says that it was begun before it is, and that it is done once it is.
    Outside(Restart),
}

/// What becomes of code outside of a transaction whose last attempt did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Restart {
    /// It does not say. After a crash a person is asked whether it ran.
    Unknown,
    /// It goes on from its last checkpoint, and does again what it did since.
    AtCheckpoint,
    /// It starts over, behind its [`reset`](super::Code::reset).
    FromScratch,
}

impl CodeRuns {
    /// Whether a crash in the middle of it leaves a doubt.
    pub(crate) fn may_be_in_doubt(self) -> bool {
        matches!(self, Self::InTransaction | Self::Outside(Restart::Unknown))
    }

    /// Whether a row is committed before the code has come to its end.
    pub(crate) fn is_journalled(self) -> bool {
        self != Self::InTransaction
    }
}

/// As a plan says it.
impl fmt::Display for CodeRuns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InTransaction => "in a transaction",
            Self::InBatches => "in transactions with checkpoints",
            Self::Outside(Restart::FromScratch) => "outside a transaction, from scratch after a crash",
            Self::Outside(Restart::AtCheckpoint) => "outside a transaction, from its checkpoint after a crash",
            Self::Outside(Restart::Unknown) => "outside a transaction; a crash inside it has to be asked about",
        })
    }
}
