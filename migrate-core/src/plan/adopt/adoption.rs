//! What taking over a history would do.

use crate::backend::TableName;
use crate::history::format::{Quality, Verdict};
use crate::migration::MigrationId;

use super::super::Refusal;
use super::problem::Problem;

/// What taking over a history would do, and what stands against it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Adoption {
    /// As people type the tool.
    pub tool: &'static str,
    /// As the tool is called.
    pub title: &'static str,
    /// Its table.
    pub table: TableName,
    /// What the tool was known by.
    pub evidence: Vec<String>,
    /// Migrations of the set that the tool has applied, in their order.
    pub applied: Vec<Adopted>,
    /// Migrations of the set that it has not.
    pub pending: Vec<Pending>,
    /// What it has applied and the set does not have.
    pub unknown: Vec<Unknown>,
    /// What was taken over from it before and it has taken back since.
    pub taken_back: Vec<MigrationId>,
    /// What of its history has no counterpart here.
    pub not_represented: Vec<String>,
    /// What stands against it.
    pub problems: Vec<Problem>,
    /// Its rows that have no entry, as JSON.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(super) without_entry: Vec<String>,
}

/// A migration that the tool has applied.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Adopted {
    /// Which.
    pub id: MigrationId,
    /// As messages name it.
    pub title: String,
    /// In the tool's own words.
    pub label: String,
    /// How sure it is.
    pub quality: Quality,
    /// What comes of comparing the file with what was recorded.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub verdict: Verdict,
    /// The file differs, and that is accepted.
    pub accepted: bool,
    /// Our history has it already.
    pub already: bool,
    /// The tool's row, as JSON.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub record: String,
}

/// A migration that the tool has not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Pending {
    /// Which.
    pub id: MigrationId,
    /// As messages name it.
    pub title: String,
    /// Why, where the tool has seen it: `it was changed since flyway ran it`.
    pub remark: Option<String>,
}

/// What the tool has applied and the set does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Unknown {
    /// In the tool's own words.
    pub label: String,
    /// What it does.
    pub description: String,
    /// In which language it was written, where it is not SQL.
    pub code: Option<String>,
    /// Under which identity the history will know it; `None` where it has none that we could give it.
    pub recorded_as: Option<MigrationId>,
    /// Our history has it already.
    pub already: bool,
    /// The tool's row, as JSON.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub record: String,
}

impl Adoption {
    /// Why it cannot be done; `None` where it can.
    pub fn refusal(&self) -> Option<Refusal> {
        (!self.problems.is_empty()).then(|| Refusal::Adoption(self.problems.clone()))
    }
}
