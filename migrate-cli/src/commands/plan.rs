//! `plan`: show what `up` would do.

use std::collections::BTreeMap;

use migrate_core::Version;
use migrate_core::apply::script::script;
use migrate_core::plan::Plan;
use serde_json::json;

use super::{Answer, Outcome, route, up_goal};
use crate::args::{GoalArgs, PlanArgs};
use crate::backends::block_on;
use crate::backup;
use crate::config::Key;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Project;
use crate::render::layout::because;
use crate::screen::Screen;

pub(super) fn plan(project: &Project<'_>, args: &PlanArgs, screen: &mut Screen<'_>) -> Answer {
    if args.route {
        return route::show(project, args, screen);
    }
    plan_after(&mut BTreeMap::new(), project, args, screen)
}

/// The same, as if other components were at these versions; where this one will be is added to them.
pub(super) fn plan_after(
    reached: &mut BTreeMap<String, Version>,
    project: &Project<'_>,
    args: &PlanArgs,
    screen: &mut Screen<'_>,
) -> Answer {
    let opened = project.open(false)?;
    let loaded = project.load(screen, &opened, None)?;
    let migrator = project.migrator(&opened, loaded.set, up_goal(&args.goal))?;
    let plan = block_on(opened.backend, migrator.plan_after(reached))?;
    if let Some(line) = loaded.detection.as_ref().and_then(because).filter(|_| !args.sql) {
        screen.line(&line);
    }
    screen.diagnostics(&plan.notes);
    if !args.sql {
        screen.line(&shown(project, &plan, &args.goal, args.adopt));
        let findings = block_on(opened.backend, migrator.findings(&plan))?;
        for finding in &findings {
            screen.line(&format!("  {finding}"));
        }
        if plan.runs() && project.config.is_on(Key::BackupRequired) {
            screen.line(&backup::is_required("up"));
        }
        return Ok(Outcome::done(json!({ "plan": plan, "findings": findings })));
    }
    let mut options = project.config.run_options();
    options.settings = project.config.engine_settings(opened.backend.dialect().names.iter().copied());
    let sql = script(&plan, opened.backend.dialect(), migrator.history_table(), &options)
        .map_err(|problem| Failure::new(Exit::Refused, problem))?;
    if !project.cli.common.json {
        screen.data(sql.as_bytes());
    }
    Ok(Outcome::done(json!({ "plan": plan, "sql": sql })))
}

/// A plan whose digest is that of these flags: without them `up` makes another plan.
pub(super) fn shown(project: &Project<'_>, plan: &Plan, goal: &GoalArgs, adopt: bool) -> String {
    let is_one_of_several =
        project.config.get(Key::Component).is_some() || project.config.components().next().is_some();
    let component = if is_one_of_several { format!(" --component {}", plan.component) } else { String::new() };
    let flags = format!("{component}{}{}", goal.typed(), if adopt { " --adopt" } else { "" });
    plan.to_string().trim_end().replace(" migrate up --plan ", &format!(" migrate up{flags} --plan "))
}
