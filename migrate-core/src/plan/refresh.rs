//! Ways back that were mended after their migration was applied: the newer text is stored for whoever needs it.

use crate::checksum;
use crate::history::Action;

use super::Step;
use super::planner::{Planner, applied_as};

/// A row for each applied migration whose file has another way back than the history. The old one stays in its row.
///
/// One that was stored before is not stored again, and a release that is behind the database stores none: it would put its
/// own in the place of what a newer one mended.
pub(super) fn due(planner: &Planner<'_>) -> Vec<Step> {
    let mut steps = Vec::new();
    let ours = planner.set.last_versioned().map(|migration| &migration.id);
    if planner.history().newest() > ours {
        return steps;
    }
    for migration in planner.set.versioned() {
        let Some((id, applied)) = applied_as(planner.history(), migration) else { continue };
        let Some(down) = planner.down(migration) else { continue };
        let stored = Some(checksum::raw(&down));
        if applied.down_checksum == stored || planner.history().of(id).any(|entry| entry.down_checksum == stored) {
            continue;
        }
        let mut row = planner.row(migration, Action::Refresh);
        row.entry.id = id.clone();
        row.script = None;
        steps.push(Planner::recorded(row));
    }
    steps
}
