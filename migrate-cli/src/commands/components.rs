//! The components of a project, one after the other: the libraries that it ships with bring tables of their own.
//!
//! `up`, `plan`, `status`, `check`, `wait` and `validate` are about all of them unless one is named; everything else is
//! about the project's own folder unless `--component` names another.

use std::collections::BTreeMap;
use std::time::Instant;

use migrate_core::MigrationSet;
use migrate_core::diagnostic::{Diagnostic, codes};
use migrate_core::set::in_order;
use serde_json::{Map, Value, json};

use super::guard::Guard;
use super::{Answer, Outcome, check, plan, status, up, validate, wait};
use crate::args::{Command, GoalArgs};
use crate::config::{Config, Key};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Project;
use crate::render::json;
use crate::screen::Screen;

/// A command about all components; `None` where it is about one.
pub(super) fn all(project: &Project<'_>, screen: &mut Screen<'_>) -> Option<Answer> {
    let about_one = project.config.get(Key::Component).is_some() || project.config.components().next().is_none();
    if about_one {
        return None;
    }
    let command = &project.cli.command;
    let about_all = matches!(
        command,
        Command::Up(_)
            | Command::Plan(_)
            | Command::Status
            | Command::Check(_)
            | Command::Wait(_)
            | Command::Validate(_)
    );
    if !about_all {
        return None;
    }
    if let Some(flag) = about_one_set(command) {
        return Some(Err(Failure::usage(
            Diagnostic::error(codes::USAGE, format!("{flag} is about one component, and the project has several"))
                .help("name it: --component NAME"),
        )));
    }
    Some(ordered(project, screen).map(|projects| in_turn(&projects, screen)))
}

/// The project of the component that is named, where the configuration has it.
pub(super) fn named<'a>(project: &Project<'a>) -> Option<Project<'a>> {
    let name = project.config.text(Key::Component)?;
    Some(with(project, project.config.of_component(name)?))
}

fn with<'a>(project: &Project<'a>, config: Config) -> Project<'a> {
    let Project { backends, cli, environment, cwd, .. } = *project;
    Project { backends, cli, config, environment, cwd }
}

/// What is needed comes first. The project's own folder is one of them if it is there.
fn ordered<'a>(project: &Project<'a>, screen: &mut Screen<'_>) -> Result<Vec<(String, Project<'a>)>, Failure> {
    let named = project.config.components().filter_map(|name| project.config.of_component(name));
    let folders = project.config.folders();
    let own = (project.config.get(Key::Dir).is_some() || folders.iter().all(|folder| folder.exists()))
        .then(|| project.config.clone());
    let projects: Vec<Project<'a>> = own.into_iter().chain(named).map(|config| with(project, config)).collect();
    let mut sets = Vec::new();
    for one in &projects {
        let options = one.read_options(one.engine()?.dialect().engine(), screen.now());
        match MigrationSet::read(&one.config.folders(), &options) {
            Ok(loaded) => sets.push(loaded.set),
            // All that is wrong is told, of each in its turn.
            Err(_) if matches!(project.cli.command, Command::Validate(_)) => return Ok(unordered(projects)),
            Err(problems) => return Err(problems.into()),
        }
    }
    let order = in_order(&sets.iter().collect::<Vec<_>>())?;
    let mut projects: Vec<Option<Project<'a>>> = projects.into_iter().map(Some).collect();
    let name = |at: usize| sets[at].component().to_owned();
    Ok(order.into_iter().filter_map(|at| Some((name(at), projects[at].take()?))).collect())
}

/// As the configuration names them.
fn unordered(projects: Vec<Project<'_>>) -> Vec<(String, Project<'_>)> {
    let name = |one: &Project<'_>| one.config.text(Key::Component).unwrap_or(MigrationSet::MAIN).to_owned();
    projects.into_iter().map(|one| (name(&one), one)).collect()
}

/// What changes something ends at the first that fails; what only looks goes on.
fn in_turn(projects: &[(String, Project<'_>)], screen: &mut Screen<'_>) -> Outcome {
    let mut results = Map::new();
    let (mut exit, mut diagnostics, mut failed) = (Exit::Done, Vec::new(), None);
    let (began, mut reached, mut guard) = (Instant::now(), BTreeMap::new(), None);
    for (name, project) in projects {
        screen.line(&format!("component {name}"));
        let answer = match &project.cli.command {
            Command::Up(args) if args.dry_run => up::dry_run(&mut reached, project, args, screen),
            // One backup is made for all of them, before the first that runs something.
            Command::Up(args) => {
                let guard = guard.get_or_insert_with(|| Guard::new(&args.guard));
                up::up(project, args, guard, screen)
            }
            Command::Plan(args) => plan::plan_after(&mut reached, project, args, screen),
            Command::Check(args) => check::check(project, args, screen),
            Command::Wait(args) => wait::wait_since(began, project, args, screen),
            Command::Validate(args) => validate::validate(project, args, screen),
            _ => status::status(project, screen),
        };
        let ends = matches!(&project.cli.command, Command::Up(args) if !args.dry_run);
        let answer = answer.map_err(|failure| of_component(project, failure));
        match answer {
            Ok(outcome) => {
                results.insert(name.clone(), outcome.result);
                diagnostics.extend(outcome.diagnostics);
                if exit == Exit::Done {
                    exit = outcome.exit;
                }
            }
            Err(failure) => {
                screen.diagnostics(&failure.diagnostics);
                let said: Vec<Value> = failure.diagnostics.iter().map(|problem| json!(problem.message)).collect();
                let mut result = json!({ "refused": said });
                if let Some(report) = &failure.report {
                    result["report"] = json::report(report);
                }
                results.insert(name.clone(), result);
                let is_of_needs = failure.diagnostics.iter().all(|one| one.code == codes::COMPONENT);
                diagnostics.extend(failure.diagnostics);
                // What it waits for is pending itself.
                let waits = exit == Exit::Pending && is_of_needs;
                if !waits {
                    failed.get_or_insert(failure.exit);
                }
                if ends {
                    break;
                }
            }
        }
    }
    let order: Vec<&str> = projects.iter().map(|(name, _)| name.as_str()).collect();
    let result = json!({ "components": results, "order": order });
    Outcome { exit: failed.unwrap_or(exit), result, diagnostics }
}

/// Commands that a failure names are about the project's own folder unless they say which component they mean.
fn of_component(project: &Project<'_>, mut failure: Failure) -> Failure {
    let Some(name) = project.config.text(Key::Component) else { return failure };
    for problem in &mut failure.diagnostics {
        let names = |help: &String| help.contains("migrate ") && !help.contains("--component");
        if problem.help.iter().any(names) {
            problem.help.push(format!("it is about component {name}: add --component {name} to these commands"));
        }
    }
    failure
}

/// The flag that means something in one set only.
fn about_one_set(command: &Command) -> Option<&'static str> {
    let goal = |goal: &GoalArgs| vec![("--to", goal.to.is_some()), ("--steps", goal.steps.is_some())];
    let given = match command {
        Command::Up(args) => {
            let own = [("--plan", args.plan.is_some()), ("--amend", args.amend.is_some()), ("--adopt", args.adopt)];
            [goal(&args.goal), own.to_vec()].concat()
        }
        Command::Plan(args) => [goal(&args.goal), vec![("--route", args.route), ("--adopt", args.adopt)]].concat(),
        Command::Check(args) => goal(&args.goal),
        Command::Wait(args) => goal(&args.goal),
        _ => vec![],
    };
    given.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
}
