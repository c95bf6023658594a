//! `plan --route`: the way to a release, from deploy to deploy.

use migrate_core::diagnostic::{Diagnostic, codes};
use migrate_core::error::ErrorKind;
use migrate_core::plan::route::{route, route_from};
use migrate_core::plan::{Goal, Observed, Policy, Refusal, Route, Strategy, Target};
use migrate_core::{Error, MigrationSet, Version};
use serde_json::json;

use super::{Answer, Outcome};
use crate::args::{Format, PlanArgs};
use crate::backends::{CliBackend, block_on};
use crate::failure::Failure;
use crate::project::Project;
use crate::screen::Screen;

pub(super) fn show(project: &Project<'_>, args: &PlanArgs, screen: &mut Screen<'_>) -> Answer {
    let way = match &args.from {
        Some(from) => Way::without_a_database(project, from, screen)?,
        None => Way::from_the_database(project, screen)?,
    };
    let to = args.goal.to.as_ref().map(|to| release(to, &way.set)).transpose()?;
    let strategy = args.strategy.map_or(Strategy::Rolling, Strategy::from);
    let route = way.to(to.as_ref(), strategy)?;
    let stopped = match args.strategy {
        None if route.strategy == Strategy::Rolling && !route.legs.is_empty() => {
            Some(way.to(to.as_ref(), Strategy::Stop)?)
        }
        _ => None,
    };
    let common = &project.cli.common;
    if common.format == Some(Format::Markdown) {
        let settings = project.config.engine_settings(way.backend.dialect().names.iter().copied());
        let conditions = way.set.manifest().preconditions.clone().and(&way.policy.conditions);
        let guide = route.guide(&settings, &conditions);
        if !common.json {
            screen.data(guide.as_bytes());
        }
        return Ok(Outcome::done(json!({ "route": route, "guide": guide })));
    }
    screen.line(route.to_string().trim_end());
    if let Some(stopped) = &stopped {
        screen.line(&format!("or, with the service stopped: {}", stopped.in_one_line()));
    }
    Ok(Outcome::done(json!({ "route": route, "stopped": stopped })))
}

/// What a route is planned from.
struct Way<'a> {
    backend: &'a dyn CliBackend,
    set: MigrationSet,
    policy: Policy,
    start: Start,
}

enum Start {
    Version(Version),
    Database(Box<Observed>),
}

impl<'a> Way<'a> {
    fn without_a_database(project: &Project<'a>, from: &Version, screen: &mut Screen<'_>) -> Result<Self, Failure> {
        let backend = project.engine()?;
        let options = project.read_options(backend.dialect().engine(), screen.now());
        let loaded = MigrationSet::read(&project.config.folders(), &options)?;
        screen.diagnostics(&loaded.diagnostics);
        let policy = project.policy(&loaded.set)?;
        Ok(Self { backend, set: loaded.set, policy, start: Start::Version(from.clone()) })
    }

    fn from_the_database(project: &Project<'a>, screen: &mut Screen<'_>) -> Result<Self, Failure> {
        let opened = project.open(false)?;
        let set = project.set(screen, &opened)?;
        let migrator = project.migrator(&opened, set, Goal::up())?;
        let observed = block_on(opened.backend, migrator.observe())?;
        let set = migrator.set().clone();
        let policy = project.policy(&set)?;
        Ok(Self { backend: opened.backend, set, policy, start: Start::Database(Box::new(observed)) })
    }

    fn to(&self, to: Option<&Version>, strategy: Strategy) -> Result<Route, Failure> {
        let route = match &self.start {
            Start::Version(from) => route_from(&self.set, from, &self.policy, to, strategy),
            Start::Database(observed) => route(&self.set, observed, &self.policy, self.backend.dialect(), to, strategy),
        };
        route.map_err(refused)
    }
}

fn refused(refusal: Refusal) -> Failure {
    Error::from(ErrorKind::Refused(refusal)).into()
}

/// The release that a target names.
fn release(target: &Target, set: &MigrationSet) -> Result<Version, Failure> {
    let resolved = target.resolve(set.iter().map(|migration| &migration.id));
    match resolved.as_ref().unwrap_or(target) {
        Target::Version(version) | Target::Line(version) => Ok(version.clone()),
        Target::Id(id) => Err(Failure::usage(
            Diagnostic::error(codes::USAGE, format!("a route leads to a release, and {id} is a migration"))
                .help("name its version alone, or see what `up` would do: migrate plan without --route"),
        )),
    }
}
