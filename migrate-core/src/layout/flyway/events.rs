//! Flyway's callback events, and what becomes of each.
//!
//! Source: Flyway 13.0.0, `Event`. The name of an event is the beginning of a file's name.

use crate::callback::CallbackEvent;

/// An event by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) name: &'static str,
    pub(super) fate: Fate,
}

/// What becomes of a script for an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It runs.
    Runs(CallbackEvent),
    /// It belongs to a command of Flyway's that has no counterpart here; what it is about.
    Elsewhere(&'static str),
    /// What happens to the database would be something else without it; what it hangs on.
    Needed(&'static str),
}

use CallbackEvent as E;
use Fate::{Elsewhere, Needed, Runs};

const fn event(name: &'static str, fate: Fate) -> Event {
    Event { name, fate }
}

const STATEMENT: Fate = Needed("single statements");
const FAILURE: Fate = Needed("failures");
const CONNECTION: Fate = Needed("connections");

/// All of them.
pub(super) const EVENTS: &[Event] = &[
    event("beforeMigrate", Runs(E::BeforeMigrate)),
    event("beforeEachMigrate", Runs(E::BeforeEachMigrate)),
    event("beforeEachMigrateStatement", STATEMENT),
    event("afterEachMigrateStatement", STATEMENT),
    event("afterEachMigrateStatementError", STATEMENT),
    event("afterEachMigrate", Runs(E::AfterEachMigrate)),
    event("afterEachMigrateError", FAILURE),
    event("beforeRepeatables", Runs(E::BeforeRepeatables)),
    event("afterVersioned", Runs(E::AfterVersioned)),
    event("afterMigrateApplied", Runs(E::AfterMigrateApplied)),
    event("afterMigrate", Runs(E::AfterMigrate)),
    event("afterMigrateError", FAILURE),
    event("afterMigrateOperationFinish", Needed("the end of a run, failed or not")),
    event("beforeUndo", Runs(E::BeforeUndo)),
    event("beforeEachUndo", Runs(E::BeforeEachUndo)),
    event("beforeEachUndoStatement", STATEMENT),
    event("afterEachUndoStatement", STATEMENT),
    event("afterEachUndoStatementError", STATEMENT),
    event("afterEachUndo", Runs(E::AfterEachUndo)),
    event("afterEachUndoError", FAILURE),
    event("afterUndo", Runs(E::AfterUndo)),
    event("afterUndoError", FAILURE),
    event("beforeClean", Elsewhere("clean")),
    event("afterClean", Elsewhere("clean")),
    event("afterCleanError", Elsewhere("clean")),
    event("beforeValidate", Elsewhere("validate")),
    event("afterValidate", Elsewhere("validate")),
    event("afterValidateError", Elsewhere("validate")),
    event("beforeBaseline", Elsewhere("baseline")),
    event("afterBaseline", Elsewhere("baseline")),
    event("afterBaselineError", Elsewhere("baseline")),
    event("beforeRepair", Elsewhere("repair")),
    event("afterRepair", Elsewhere("repair")),
    event("afterRepairError", Elsewhere("repair")),
    event("beforeInfo", Elsewhere("info")),
    event("afterInfo", Elsewhere("info")),
    event("afterInfoError", Elsewhere("info")),
    event("afterInfoOperationFinish", Elsewhere("info")),
    event("createSchema", Elsewhere("the making of schemas")),
    event("beforeCreateSchema", Elsewhere("the making of schemas")),
    event("beforeConnect", CONNECTION),
    event("afterConnect", CONNECTION),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_callback_of_ours_has_the_name_of_flyways_event() {
        for ours in CallbackEvent::ALL {
            let found: Vec<_> =
                EVENTS.iter().filter(|event| event.fate == Runs(*ours)).map(|event| event.name).collect();
            assert_eq!(found, [ours.name()]);
        }
    }
}
