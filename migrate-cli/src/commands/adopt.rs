//! `adopt`: take over what another tool's history says.

use migrate_core::error::ErrorKind;
use migrate_core::plan::{AcceptChanged, AdoptGoal, Goal};
use migrate_core::{Error, MigrationId, MigrationSet};
use serde_json::json;

use super::{Answer, Outcome, apply};
use crate::args::AdoptArgs;
use crate::backends::block_on;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ids;
use crate::project::Project;
use crate::screen::Screen;

pub(super) fn adopt(project: &Project<'_>, args: &AdoptArgs, screen: &mut Screen<'_>) -> Answer {
    let opened = project.open(false)?;
    let set = project.load(screen, &opened, args.from.as_deref())?.set;
    let goal = AdoptGoal {
        from: args.from.clone(),
        table: args.from_table.clone(),
        to: args.to.clone(),
        changed: changed(&args.accept_changed, &set)?,
    };
    let migrator = project.migrator(&opened, set, Goal::Adopt(goal))?;
    let adoption = block_on(opened.backend, migrator.adoption())?;
    let refusal = adoption.refusal();
    if args.dry_run || refusal.is_some() {
        screen.line(adoption.to_string().trim_end());
    }
    if let Some(refusal) = refusal {
        let failure = Failure::from(Error::from(ErrorKind::Refused(refusal)));
        if !args.dry_run {
            return Err(failure);
        }
        // What stands against it is the answer that was asked for.
        screen.diagnostics(&failure.diagnostics);
        let result = json!({ "adoption": adoption });
        return Ok(Outcome { exit: Exit::Refused, result, diagnostics: failure.diagnostics });
    }
    if args.dry_run {
        return Ok(Outcome::done(json!({ "adoption": adoption })));
    }
    let report = apply::reach(project, screen, &opened, &migrator)?;
    for line in adoption.not_represented.iter().filter(|_| !report.is_empty()) {
        screen.line(&format!("note: {line}"));
    }
    screen.line(if adoption.pending.is_empty() { "next: migrate status" } else { "next: migrate up" });
    let mut result = apply::result(&report);
    result["adoption"] = json!(adoption);
    Ok(Outcome::done(result))
}

fn changed(typed: &[String], set: &MigrationSet) -> Result<AcceptChanged, Failure> {
    if typed.iter().any(|id| id == "all") {
        return Ok(AcceptChanged::All);
    }
    let known: Vec<MigrationId> = set.iter().map(|migration| migration.id.clone()).collect();
    let ids = typed.iter().map(|text| ids::find(text, &known)).collect::<Result<Vec<_>, _>>();
    ids.map(AcceptChanged::These).map_err(|problem| Failure::usage(*problem))
}
