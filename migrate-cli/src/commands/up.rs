//! `up`: apply what is pending.

use migrate_core::error::ErrorKind;
use migrate_core::history::{Action, Status};
use migrate_core::plan::{Goal, PhaseGoal, Refusal};
use migrate_core::{Error, Migrator, Phase};
use serde_json::json;

use super::{Answer, Outcome, apply, up_goal};
use crate::args::UpArgs;
use crate::backends::block_on;
use crate::config::Key;
use crate::failure::Failure;
use crate::project::{Opened, Project};
use crate::screen::Screen;

pub(super) fn up(project: &Project<'_>, args: &UpArgs, screen: &mut Screen<'_>) -> Answer {
    let opened = project.open(args.create_db)?;
    let set = project.set(screen, &opened)?;
    let goal = up_goal(&args.goal);
    let migrator = project.migrator(&opened, set, goal.clone())?;
    if args.create_db && !args.dry_run && opened.database.create().map_err(Failure::server)? {
        screen.line(&format!("created {}", opened.database.name()));
    }
    let downgrade = project.config.text(Key::OnAhead) == Some("downgrade");
    if !args.dry_run && args.plan.is_none() && !downgrade {
        let report = apply::reach(project, screen, &opened, &migrator)?;
        after_pre(screen, &opened, &migrator, &goal);
        return Ok(Outcome::done(apply::result(&report)));
    }
    let plan = block_on(opened.backend, migrator.plan())?;
    if let Some(wanted) = &args.plan
        && *wanted != plan.digest()
    {
        let refusal = Refusal::WrongDigest { wanted: wanted.clone(), found: (!plan.is_empty()).then(|| plan.digest()) };
        return Err(Error::from(ErrorKind::Refused(refusal)).into());
    }
    if args.dry_run {
        screen.diagnostics(&plan.notes);
        screen.line(plan.to_string().trim_end());
        return Ok(Outcome::done(json!({ "plan": plan })));
    }
    if plan.steps.iter().any(|step| step.action == Action::Down) {
        apply::ask(project, screen, &opened, &plan)?;
    } else {
        screen.diagnostics(&plan.notes);
    }
    let report = apply::carry_out(project, screen, &opened, &migrator, &plan)?;
    Ok(Outcome::done(apply::result(&report)))
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
