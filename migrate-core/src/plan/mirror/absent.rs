//! Without the feature `other-tools` Flyway's table is not written along.

use super::super::planner::Planner;
use super::super::{Plan, Refusal, Step};

pub(in super::super) fn due(planner: &Planner<'_>) -> Result<Vec<Step>, Refusal> {
    match &planner.policy.mirror {
        None => Ok(Vec::new()),
        Some(table) => Err(Refusal::without_other_tools(format!("Flyway's table {table} cannot be written along"))),
    }
}

/// A step back, a baseline and the like are no less refused.
pub(in super::super) fn add(planner: &Planner<'_>, _plan: &mut Plan) -> Result<(), Refusal> {
    due(planner).map(drop)
}
