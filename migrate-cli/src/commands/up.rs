//! `up`: apply what is pending.

use std::collections::BTreeMap;

use migrate_core::diagnostic::codes;
use migrate_core::error::ErrorKind;
use migrate_core::history::{Action, Status};
use migrate_core::plan::{Goal, PhaseGoal, Plan, Refusal};
use migrate_core::{Error, MigrationId, MigrationSet, Migrator, Phase, Version};
use serde_json::json;

use super::guard::Guard;
use super::{Answer, Outcome, apply, plan, up_goal};
use crate::args::UpArgs;
use crate::backends::block_on;
use crate::config::Key;
use crate::failure::Failure;
use crate::ids;
use crate::project::{Opened, Project};
use crate::screen::Screen;

pub(super) fn up(project: &Project<'_>, args: &UpArgs, guard: &mut Guard<'_>, screen: &mut Screen<'_>) -> Answer {
    if args.dry_run {
        return dry_run(&mut BTreeMap::new(), project, args, screen);
    }
    let opened = project.open(args.create_db)?;
    let set = project.set(screen, &opened)?;
    let goal = goal(args, &set)?;
    let migrator = guard.named(project.migrator(&opened, set, goal.clone())?);
    if args.create_db && opened.database.create().map_err(Failure::server)? {
        screen.line(&format!("created {}", opened.database.name()));
    }
    let downgrade = project.config.text(Key::OnAhead) == Some("downgrade");
    if args.plan.is_some() || downgrade {
        return planned(project, args, guard, screen, &opened, migrator);
    }
    if guard.is_shut(project) && block_on(opened.backend, migrator.plan())?.runs() {
        // Where another run was faster there may be nothing left that needs a backup.
        return match planned(project, args, guard, screen, &opened, migrator) {
            Err(failure) if failure.diagnostics.iter().any(|problem| problem.code == codes::STALE_PLAN) => {
                screen.remark("another run was faster: looking again");
                up(project, args, guard, screen)
            }
            answer => answer,
        };
    }
    let report = apply::reach(project, screen, &opened, &migrator)?;
    after_pre(screen, &opened, &migrator, &goal);
    Ok(Outcome::done(apply::result(&report)))
}

/// Only shows what would be done, as if other components were at these versions; where this one will be is added to them.
pub(super) fn dry_run(
    reached: &mut BTreeMap<String, Version>,
    project: &Project<'_>,
    args: &UpArgs,
    screen: &mut Screen<'_>,
) -> Answer {
    let opened = project.open(args.create_db)?;
    let set = project.set(screen, &opened)?;
    let goal = goal(args, &set)?;
    let migrator = project.migrator(&opened, set, goal)?;
    let plan = block_on(opened.backend, migrator.plan_after(reached))?;
    has_digest(&plan, args)?;
    screen.diagnostics(&plan.notes);
    screen.line(&plan::shown(project, &plan, &args.goal, args.adopt));
    Ok(Outcome::done(json!({ "plan": plan })))
}

/// Whoever looked at a plan means that one.
fn has_digest(plan: &Plan, args: &UpArgs) -> Result<(), Failure> {
    match &args.plan {
        Some(wanted) if *wanted != plan.digest() => {
            let found = (!plan.is_empty()).then(|| plan.digest());
            let refusal = Refusal::WrongDigest { wanted: wanted.clone(), found };
            Err(Error::from(ErrorKind::Refused(refusal)).into())
        }
        _ => Ok(()),
    }
}

fn goal(args: &UpArgs, set: &MigrationSet) -> Result<Goal, Failure> {
    let Some(text) = &args.amend else { return Ok(up_goal(&args.goal)) };
    let known: Vec<MigrationId> = set.iter().map(|migration| migration.id.clone()).collect();
    Ok(Goal::Amend(ids::find(text, &known)?))
}

/// Plans, asks or makes a backup, and carries out exactly that.
fn planned(
    project: &Project<'_>,
    args: &UpArgs,
    guard: &mut Guard<'_>,
    screen: &mut Screen<'_>,
    opened: &Opened<'_>,
    migrator: Migrator,
) -> Answer {
    let goal = goal(args, migrator.set())?;
    let plan = block_on(opened.backend, migrator.plan())?;
    has_digest(&plan, args)?;
    if plan.steps.iter().any(|step| step.action == Action::Down) {
        apply::ask(project, screen, opened, &plan)?;
    } else {
        screen.diagnostics(&plan.notes);
    }
    let migrator = guard.pass(project, screen, opened, migrator, &plan)?;
    let report = apply::carry_out(project, screen, opened, &migrator, &plan)?;
    after_pre(screen, opened, &migrator, &goal);
    Ok(Outcome::done(guard.result(&report)))
}

/// What comes after the first half of a rolling deploy.
fn after_pre(screen: &mut Screen<'_>, opened: &Opened<'_>, migrator: &Migrator, goal: &Goal) {
    if !matches!(goal, Goal::Up(up) if up.phase == Some(PhaseGoal::Pre)) {
        return;
    }
    let Ok(observed) = block_on(opened.backend, migrator.observe()) else { return };
    let next = migrator.set().iter().find(|migration| {
        matches!(observed.history.status(&migration.id), Status::Pending) && !migration.id.is_repeatable()
    });
    if let Some(next) = next.filter(|next| next.id.phase() == Phase::Post)
        && let Some(release) = next.id.version()
    {
        let written = release.without_leading_zeros();
        screen.line(&format!("next: deploy {written}, then migrate up --phase post"));
        let about = migrator.set().manifest().releases.get(release).cloned().unwrap_or_default();
        let notes = about.notes.iter().flat_map(|notes| notes.lines()).map(str::trim).filter(|line| !line.is_empty());
        for line in notes.chain(about.url.as_deref()) {
            screen.line(&format!("  notes on {written}: {line}"));
        }
    }
}
