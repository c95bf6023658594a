//! One file for each command, and the one way in which all of them run something.

mod accept;
mod adopt;
mod apply;
mod backup;
mod baseline;
mod check;
mod completions;
mod components;
mod config;
mod db;
mod down;
mod export;
mod guard;
mod history;
mod init;
mod man;
mod new;
mod plan;
mod redo;
mod resolve;
mod route;
mod since;
mod status;
mod up;
mod validate;
mod wait;

use migrate_core::Diagnostic;
use migrate_core::diagnostic::codes;
use migrate_core::plan::{Goal, UpGoal};
use serde_json::{Value, json};

use crate::args::{Cli, Command, Format, GoalArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Project;
use crate::screen::Screen;
use guard::Guard;

/// How a command ended that did what was asked.
#[derive(Debug)]
pub struct Outcome {
    /// How the process ends: not every answer is a yes.
    pub exit: Exit,
    /// The command's part of the document.
    pub result: Value,
    /// What was said on the way and belongs into the document.
    pub diagnostics: Vec<Diagnostic>,
}

impl Outcome {
    /// All is well.
    pub fn done(result: Value) -> Self {
        Self { exit: Exit::Done, result, diagnostics: Vec::new() }
    }
}

type Answer = Result<Outcome, Failure>;

/// Carries out a command that needs no configuration; `None` for one that does.
pub fn alone(cli: &Cli, cwd: &std::path::Path, screen: &mut Screen<'_>) -> Option<Answer> {
    match &cli.command {
        Command::Init(_) => Some(init::init(cli, cwd, screen)),
        Command::Completions(args) => Some(Ok(completions::completions(args, screen))),
        Command::Man(_) => Some(man::man(screen)),
        _ => None,
    }
}

/// Carries out a command.
///
/// # Errors
/// Why what was asked was not done.
pub fn run(project: &Project<'_>, screen: &mut Screen<'_>) -> Answer {
    is_a_guide(project.cli)?;
    if let Some(answer) = components::all(project, screen) {
        return answer;
    }
    let named = components::named(project);
    let project = named.as_ref().unwrap_or(project);
    match &project.cli.command {
        Command::New(args) => new::new(project, args, screen),
        Command::Up(args) => up::up(project, args, &mut Guard::new(&args.guard), screen),
        Command::Down(args) => down::down(project, args, screen),
        Command::Redo(args) => redo::redo(project, args, screen),
        Command::Plan(args) => plan::plan(project, args, screen),
        Command::Status => status::status(project, screen),
        Command::History(args) => history::history(project, args, screen),
        Command::Check(args) => check::check(project, args, screen),
        Command::Wait(args) => wait::wait(project, args, screen),
        Command::Validate(args) => validate::validate(project, args, screen),
        Command::Baseline(args) => baseline::baseline(project, args, screen),
        Command::Export(args) => export::export(project, args, screen),
        Command::Adopt(args) => adopt::adopt(project, args, screen),
        Command::Resolve(args) => resolve::resolve(project, args, screen),
        Command::Accept(args) => accept::accept(project, args, screen),
        Command::Backup(args) => backup::backup(project, args, screen),
        Command::Restore(args) => backup::restore(project, args, screen),
        Command::Db(args) => db::db(project, args, screen),
        Command::Config(_) => Ok(config::show(project, screen)),
        // These were carried out before there was a project.
        Command::Init(_) | Command::Completions(_) | Command::Man(_) => Ok(Outcome::done(json!({}))),
    }
}

/// Only a route can be written as a document.
fn is_a_guide(cli: &Cli) -> Result<(), Failure> {
    let is_route = matches!(&cli.command, Command::Plan(args) if args.route);
    if cli.common.format != Some(Format::Markdown) || is_route {
        return Ok(());
    }
    Err(Failure::usage(
        Diagnostic::error(codes::USAGE, "--format markdown is for routes")
            .help("the upgrade guide: migrate plan --route --format markdown"),
    ))
}

/// The goal that flags describe.
fn up_goal(args: &GoalArgs) -> Goal {
    Goal::Up(UpGoal { to: args.to.clone(), steps: args.steps, phase: args.phase() })
}
