//! `plan`: show what `up` would do.

use migrate_core::apply::script::script;
use serde_json::json;

use super::{Answer, Outcome, route, up_goal};
use crate::args::PlanArgs;
use crate::backends::block_on;
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
    let opened = project.open(false)?;
    let loaded = project.load(screen, &opened, None)?;
    let migrator = project.migrator(&opened, loaded.set, up_goal(&args.goal))?;
    let plan = block_on(opened.backend, migrator.plan())?;
    if let Some(line) = loaded.detection.as_ref().and_then(because).filter(|_| !args.sql) {
        screen.line(&line);
    }
    screen.diagnostics(&plan.notes);
    if !args.sql {
        // The digest is that of these goals: without them `up` makes another plan.
        let goals = format!("{}{}", args.goal.typed(), if args.adopt { " --adopt" } else { "" });
        screen.line(
            plan.to_string().trim_end().replace(" migrate up --plan ", &format!(" migrate up{goals} --plan ")).as_str(),
        );
        let findings = block_on(opened.backend, migrator.findings(&plan))?;
        for finding in &findings {
            screen.line(&format!("  {finding}"));
        }
        if plan.runs() && project.config.is_on(Key::BackupRequired) {
            screen.line("a backup is required: migrate up --backup, or --backup-done TEXT where there is one");
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
