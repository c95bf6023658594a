//! Carrying something out while people watch and signals may stop it: the same for every command that does.

use migrate_core::apply::Report;
use migrate_core::event::Observer;
use migrate_core::plan::Plan;
use migrate_core::{Error, Migrator};
use serde_json::{Value, json};

use crate::backends::block_on;
use crate::config::Key;
use crate::confirm::confirm;
use crate::failure::Failure;
use crate::project::{Opened, Project};
use crate::render::human::{Watched, summary, watch};
use crate::render::json;
use crate::screen::Screen;
use crate::signals::{Stopping, while_stoppable};

/// What a signal waits for where nobody sits at a terminal.
const GRACE: std::time::Duration = std::time::Duration::from_secs(20);

/// Reaches the migrator's goal.
///
/// # Errors
/// Why it was not reached; what was done by then is in it.
pub(super) fn reach(
    project: &Project<'_>,
    screen: &mut Screen<'_>,
    opened: &Opened<'_>,
    migrator: &Migrator,
) -> Result<Report, Failure> {
    carry(project, screen, opened, migrator, async |observer| migrator.run(observer).await)
}

/// Carries out exactly this plan.
///
/// # Errors
/// As of [`reach`].
pub(super) fn carry_out(
    project: &Project<'_>,
    screen: &mut Screen<'_>,
    opened: &Opened<'_>,
    migrator: &Migrator,
    plan: &Plan,
) -> Result<Report, Failure> {
    carry(project, screen, opened, migrator, async |observer| migrator.apply(plan, observer).await)
}

fn carry(
    project: &Project<'_>,
    screen: &mut Screen<'_>,
    opened: &Opened<'_>,
    migrator: &Migrator,
    work: impl AsyncFnOnce(&mut dyn Observer) -> Result<Report, Error>,
) -> Result<Report, Failure> {
    let at_terminal = screen.terminal().stdin && screen.terminal().stderr;
    let grace = project.config.duration(Key::StopGrace).or((!at_terminal).then_some(GRACE));
    let stopping = Stopping { signals: screen.takes_signals(), grace };
    let place = place(migrator);
    let stop = migrator.stop_handle();
    let (result, watched) = watch(screen, &place, |observer, told| {
        while_stoppable(&stop, stopping, told, || block_on(opened.backend, work(observer)))
    });
    let report = result.map_err(|error| failed(screen, error, watched))?;
    screen.line(&summary(&report, watched));
    Ok(report)
}

fn failed(screen: &mut Screen<'_>, error: Error, watched: Watched) -> Failure {
    if !error.report().is_empty() {
        screen.line(&summary(error.report(), watched));
    }
    error.into()
}

/// Shows a plan that takes something away, and asks.
///
/// # Errors
/// As [`confirm`].
pub(super) fn ask(
    project: &Project<'_>,
    screen: &mut Screen<'_>,
    opened: &Opened<'_>,
    plan: &Plan,
) -> Result<(), Failure> {
    screen.diagnostics(&plan.notes);
    let common = &project.cli.common;
    if !common.yes && screen.terminal().stdin {
        screen.remark(&steps_of(plan));
    }
    let number = migrate_core::error::count(plan.recorded().count(), "migration");
    let name = opened.database.name();
    let what = format!("{}: this takes {number} back from {name}", project.cli.command.name());
    let typed = match typed(project).as_str() {
        // Nothing else of it takes anything back.
        "up" => "up --allow-downgrade".to_owned(),
        typed => typed.to_owned(),
    };
    confirm(screen, common.yes, &typed, &what, &name)
}

/// A plan without the digest that is for `up` only.
pub(super) fn steps_of(plan: &Plan) -> String {
    let text = plan.to_string();
    let steps: Vec<&str> = text.lines().filter(|line| !line.starts_with("digest ")).collect();
    steps.join("\n")
}

/// The command for a message, with what makes it this one.
pub(super) fn typed(project: &Project<'_>) -> String {
    use crate::args::Command;
    match &project.cli.command {
        Command::Down(args) => match (&args.to, args.steps) {
            (Some(to), _) => format!("down --to {to}"),
            (None, steps) => format!("down --steps {}", steps.unwrap_or(1)),
        },
        command => command.name().to_owned(),
    }
}

/// `sqlite app.db`, or a URL that names the engine itself.
pub(super) fn place(migrator: &Migrator) -> String {
    let backend = migrator.backend();
    let (engine, label) = (backend.dialect().name(), backend.label());
    if label.strip_prefix(engine).is_some_and(|rest| rest.starts_with("://")) {
        return label;
    }
    format!("{engine} {label}")
}

/// A report as the document has it.
pub(super) fn result(report: &Report) -> Value {
    json!({ "report": json::report(report) })
}
