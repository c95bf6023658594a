//! `status`: what is applied and what is pending.

use migrate_core::plan::route::route;
use migrate_core::plan::{self, Goal, Refusal, Route, Strategy};
use serde_json::json;

use super::{Answer, Outcome, apply};
use crate::backends::block_on;
use crate::config::Key;
use crate::project::Project;
use crate::render::layout::because;
use crate::render::status::{lines, table};
use crate::screen::Screen;

pub(super) fn status(project: &Project<'_>, screen: &mut Screen<'_>) -> Answer {
    let opened = project.open(false)?;
    let loaded = project.load(screen, &opened, None)?;
    let migrator = project.migrator(&opened, loaded.set, Goal::up())?;
    let observed = block_on(opened.backend, migrator.observe())?;
    let set = migrator.set();
    let policy = project.policy(set)?;
    let include = project.config.get(Key::Include).map(|setting| setting.values.clone()).unwrap_or_default();
    let lines = lines(set, &observed, &include);
    let planned = plan::plan(set, &observed, &Goal::up(), &policy, opened.backend.dialect());

    let number = |state: &str| lines.iter().filter(|line| line.state == state).count();
    let place = apply::place(&migrator);
    let (applied, pending, squashed) = (number("applied"), number("pending"), number("squashed"));
    let gone = if squashed > 0 { format!(", {squashed} squashed") } else { String::new() };
    let open = if observed.history.open().is_some() { ", 1 not finished" } else { "" };
    let optional = match number("optional") {
        0 => String::new(),
        number => format!(", {number} on request"),
    };
    let history = if observed.server.has_history {
        format!("history {}", migrator.history_table())
    } else {
        "no history yet".to_owned()
    };
    let layout = set.layout();
    let counts = format!("{applied} applied{gone}, {pending} pending{optional}{open}");
    screen.line(&format!("{place} · {history} · layout {layout} · {counts}"));
    if let Some(line) = loaded.detection.as_ref().and_then(because) {
        screen.line(&line);
    }
    for line in table(&lines) {
        screen.line(&line);
    }
    let mut outcome = Outcome::done(json!({
        "database": observed.server.database,
        "product": observed.server.product,
        "history": migrator.history_table(),
        "layout": layout,
        "component": set.component(),
        "now_at": observed.history.newest(),
        "applied": applied,
        "squashed": squashed,
        "pending": pending,
        "migrations": lines,
    }));
    match planned {
        Ok(plan) => {
            screen.diagnostics(&plan.notes);
            outcome.diagnostics.clone_from(&plan.notes);
            if plan.recorded().next().is_some() {
                screen.line("next: migrate up");
            }
        }
        Err(Refusal::PhaseChoice { .. }) => {
            let dialect = opened.backend.dialect();
            if let Ok(route) = route(set, &observed, &policy, dialect, None, Strategy::Rolling) {
                screen.line(&next_phase(&route));
            }
        }
        Err(refusal) => {
            outcome.diagnostics = refusal.diagnostics();
            screen.diagnostics(&outcome.diagnostics);
        }
    }
    Ok(outcome)
}

/// The first deploy that something is pending around, and that there are more.
fn next_phase(route: &Route) -> String {
    let mut legs = route.legs.iter().filter(|leg| leg.has_migrations());
    let Some(leg) = legs.next() else { return "next: migrate plan --route".to_owned() };
    let (to, rest) = match legs.next() {
        Some(_) => (format!(" --to {}", leg.release), "; the whole way: migrate plan --route"),
        None => (String::new(), ""),
    };
    if leg.before.is_empty() {
        format!("next: once {} is deployed, migrate up --phase post{to}{rest}", leg.release)
    } else {
        let deploy = leg.deploy();
        format!("next: migrate up --phase pre{to}      then {deploy}, then migrate up --phase post{to}{rest}")
    }
}
