//! The components of a project, one after the other: the libraries that it ships with bring tables of their own.
//!
//! `up`, `status` and `check` are about all of them unless one is named; everything else is about the project's own folder
//! unless `--component` names another.

use migrate_core::MigrationSet;
use migrate_core::diagnostic::{Diagnostic, codes};
use migrate_core::set::in_order;
use serde_json::{Map, Value, json};

use super::{Answer, Outcome, check, status, up};
use crate::args::{Command, UpArgs};
use crate::config::{Config, Key};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::project::Project;
use crate::screen::Screen;

/// A command about all components; `None` where it is about one.
pub(super) fn all(project: &Project<'_>, screen: &mut Screen<'_>) -> Option<Answer> {
    let about_one = project.config.get(Key::Component).is_some() || project.config.components().next().is_none();
    if about_one {
        return None;
    }
    let command = &project.cli.command;
    if !matches!(command, Command::Up(_) | Command::Status | Command::Check(_)) {
        return None;
    }
    if let Command::Up(args) = command
        && let Some(flag) = about_one_migration(args)
    {
        return Some(Err(Failure::usage(
            Diagnostic::error(codes::USAGE, format!("{flag} is about one component, and the project has several"))
                .help("name it: --component NAME"),
        )));
    }
    Some(ordered(project, screen).and_then(|projects| in_turn(&projects, screen)))
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
        sets.push(MigrationSet::read(&one.config.folders(), &options)?.set);
    }
    let order = in_order(&sets.iter().collect::<Vec<_>>())?;
    let mut projects: Vec<Option<Project<'a>>> = projects.into_iter().map(Some).collect();
    let name = |at: usize| sets[at].component().to_owned();
    Ok(order.into_iter().filter_map(|at| Some((name(at), projects[at].take()?))).collect())
}

/// What changes something ends at the first that fails; what only looks goes on.
fn in_turn(projects: &[(String, Project<'_>)], screen: &mut Screen<'_>) -> Answer {
    let mut results = Map::new();
    let (mut exit, mut diagnostics, mut failed) = (Exit::Done, Vec::new(), None);
    for (name, project) in projects {
        screen.line(&format!("component {name}"));
        let (answer, ends) = match &project.cli.command {
            Command::Up(args) => (up::up(project, args, screen), true),
            Command::Check(args) => (check::check(project, args, screen), false),
            _ => (status::status(project, screen), false),
        };
        match answer {
            Ok(outcome) => {
                results.insert(name.clone(), outcome.result);
                diagnostics.extend(outcome.diagnostics);
                if exit == Exit::Done {
                    exit = outcome.exit;
                }
            }
            Err(failure) if ends => return Err(failure),
            Err(failure) => {
                screen.diagnostics(&failure.diagnostics);
                let said: Vec<Value> = failure.diagnostics.iter().map(|problem| json!(problem.message)).collect();
                results.insert(name.clone(), json!({ "refused": said }));
                let is_of_needs = failure.diagnostics.iter().all(|one| one.code == codes::COMPONENT);
                diagnostics.extend(failure.diagnostics);
                // What it waits for is pending itself.
                let waits = exit == Exit::Pending && is_of_needs;
                if !waits {
                    failed.get_or_insert(failure.exit);
                }
            }
        }
    }
    Ok(Outcome { exit: failed.unwrap_or(exit), result: json!({ "components": results }), diagnostics })
}

/// The flag that means something in one set only.
fn about_one_migration(args: &UpArgs) -> Option<&'static str> {
    let given = [
        ("--to", args.goal.to.is_some()),
        ("--steps", args.goal.steps.is_some()),
        ("--plan", args.plan.is_some()),
        ("--amend", args.amend.is_some()),
        ("--adopt", args.adopt),
    ];
    given.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
}
