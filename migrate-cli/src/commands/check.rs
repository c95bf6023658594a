//! `check`: exit with 0 only if the database is current.

use migrate_core::error::ErrorKind;
use migrate_core::plan::Check;
use migrate_core::{Error, Migrator};
use serde_json::json;

use super::{Answer, Outcome, up_goal};
use crate::args::CheckArgs;
use crate::backends::block_on;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::{Opened, Project};
use crate::screen::Screen;

pub(super) fn check(project: &Project<'_>, args: &CheckArgs, screen: &mut Screen<'_>) -> Answer {
    let opened = project.open(false)?;
    let set = project.set(screen, &opened)?;
    let migrator = project.migrator(&opened, set, up_goal(&args.goal))?;
    let check = look(&opened, &migrator)?;
    answer(check, screen)
}

pub(super) fn look(opened: &Opened<'_>, migrator: &Migrator) -> Result<Check, Failure> {
    Ok(block_on(opened.backend, migrator.check())?)
}

/// What a check says, and how the process ends.
pub(super) fn answer(check: Check, screen: &mut Screen<'_>) -> Answer {
    match check {
        Check::Current { at, notes } => {
            screen.diagnostics(&notes);
            screen.line(&match &at {
                Some(at) => format!("current: at {at}"),
                None => "current: nothing to apply".to_owned(),
            });
            Ok(Outcome { exit: Exit::Done, result: json!({ "state": "current", "at": at }), diagnostics: notes })
        }
        Check::Pending { titles } => {
            let first = titles.first().map_or("", String::as_str);
            screen.line(&format!("pending: {} (first: {first})", titles.len()));
            let result = json!({ "state": "pending", "count": titles.len(), "pending": titles });
            Ok(Outcome { exit: Exit::Pending, result, diagnostics: vec![] })
        }
        Check::Ahead(refusal) | Check::Blocked(refusal) => Err(Error::from(ErrorKind::Refused(refusal)).into()),
        other => {
            screen.line(&format!("{other:?}"));
            Ok(Outcome { exit: Exit::Refused, result: json!({}), diagnostics: vec![] })
        }
    }
}
