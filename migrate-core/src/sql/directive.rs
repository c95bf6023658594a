//! `-- migrate:` comments → values.

use super::Syntax;
use crate::migration::RunAttributes;
use crate::source::Source;

/// Nothing understood yet.
pub struct Directives {
    /// Nothing.
    pub found: Vec<()>,
}

/// Nothing understood yet.
pub fn directives(_: &Source, _: &Syntax) -> Directives {
    Directives { found: Vec::new() }
}

/// Nothing understood yet.
pub fn run_attributes(_: &[()]) -> RunAttributes {
    RunAttributes::default()
}
