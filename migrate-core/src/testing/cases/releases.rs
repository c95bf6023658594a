//! Releases: what may run before a deploy and after it, and which release may run on which database.

use super::super::fixture::Fixture;
use super::{done, migrator, up};
use crate::backend::Backend as _;
use crate::checksum;
use crate::error::ErrorKind;
use crate::migration::{Attributes, Migration, MigrationId, Phase};
use crate::plan::route::route;
use crate::plan::{Check, Goal, OnAhead, PhaseGoal, Policy, Refusal, Strategy, Target, UpGoal};
use crate::set::MigrationSet;
use crate::source::Source;
use crate::{Report, RunOptions, Version};

/// What the releases 3.0, 3.1, 3.2 and 3.3 ship: before their deploys, and after them.
const RELEASES: &[(&str, Phase, u32, &str)] = &[
    ("3.0.0", Phase::Pre, 1, "CREATE TABLE a (n INTEGER)"),
    ("3.1.0", Phase::Pre, 1, "CREATE TABLE b (n INTEGER)"),
    ("3.1.0", Phase::Post, 50, "DROP TABLE a"),
    ("3.2.0", Phase::Pre, 1, "CREATE TABLE c (n INTEGER)"),
    ("3.3.0", Phase::Pre, 1, "CREATE TABLE d (n INTEGER)"),
    ("3.3.0", Phase::Post, 50, "DROP TABLE c"),
];

fn version(text: &str) -> Version {
    text.parse().expect("a version")
}

/// The set that a release has: everything up to it.
fn release(newest: &str) -> MigrationSet {
    let newest = version(newest);
    let migrations = RELEASES.iter().map(|(release, phase, ordinal, up)| Migration {
        id: MigrationId::versioned(version(release), *phase, *ordinal),
        description: "test".to_owned(),
        up: Source::new(format!("{release}_{ordinal}_{phase}_test.sql"), *up),
        checksum: checksum::raw(up),
        down: None,
        attributes: Attributes::default(),
    });
    let known = migrations.filter(|migration| migration.id.version() <= Some(&newest)).collect();
    MigrationSet::new("main", known).expect("every identity is there once")
}

fn phase(phase: PhaseGoal, to: &str) -> Goal {
    Goal::Up(UpGoal { to: Some(Target::Version(version(to))), steps: None, phase: Some(phase) })
}

fn deployed(release: &str) -> Policy {
    Policy { deployed: Some(version(release)), ..Policy::default() }
}

/// What a release that starts learns of the database: pending before its deploy, current, or ahead of it.
pub fn a_release_knows_whether_it_may_run<F: Fixture>() {
    let fixture = F::create();
    let check = |newest: &str| {
        let starting = migrator(&fixture, &release(newest)).goal(Goal::pre());
        F::block_on(starting.check()).expect("the database answers")
    };
    up(&fixture, &release("3.0.0")).unwrap();
    assert!(check("3.0.0").is_current());
    assert_eq!(check("3.1.0"), Check::Pending { titles: vec!["3.1.0/pre/01 test".to_owned()] });
    // The pre of the next release is made for this one, too.
    F::block_on(migrator(&fixture, &release("3.1.0")).goal(Goal::pre()).up()).unwrap();
    assert!(check("3.1.0").is_current(), "{:?}", check("3.1.0"));
    let Check::Current { notes, .. } = check("3.0.0") else { panic!("{:?}", check("3.0.0")) };
    assert_eq!(notes.len(), 1, "it is told that the database is ahead");
    // The post of the next release is not.
    F::block_on(migrator(&fixture, &release("3.1.0")).goal(Goal::post()).up()).unwrap();
    assert!(check("3.1.0").is_current());
    match check("3.0.0") {
        Check::Ahead(Refusal::Ahead(ahead)) => assert_eq!(ahead.deploy, Some(version("3.1.0"))),
        other => panic!("{other:?}"),
    }
    let tolerant = Policy { on_ahead: OnAhead::Tolerate, ..Policy::default() };
    let starting = migrator(&fixture, &release("3.0.0")).goal(Goal::pre()).policy(tolerant);
    assert!(F::block_on(starting.check()).unwrap().is_current());
}

/// A phase that comes too early is refused and leaves nothing; told or recorded, a deploy lets it run.
pub fn a_phase_waits_for_its_deploy<F: Fixture>() {
    let fixture = F::create();
    up(&fixture, &release("3.1.0")).unwrap();
    let set = release("3.3.0");
    let run = |goal: Goal, policy: Policy| F::block_on(migrator(&fixture, &set).goal(goal).policy(policy).up());
    let refused = |goal: Goal, policy: Policy| {
        let error = run(goal, policy).unwrap_err();
        assert!(error.report().is_empty());
        match error.kind() {
            ErrorKind::Refused(Refusal::DeployFirst { release, .. }) => release.to_string(),
            ErrorKind::Refused(Refusal::PhaseOrder { next, phase, .. }) => format!("{phase} of {next}"),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(phase(PhaseGoal::Pre, "3.3.0"), deployed("3.1.0")), "3.2.0");
    assert_eq!(refused(phase(PhaseGoal::Post, "3.3.0"), deployed("3.3.0")), "pre of 3.2.0");
    run(phase(PhaseGoal::Pre, "3.2.0"), deployed("3.1.0")).unwrap();
    assert_eq!(refused(phase(PhaseGoal::Pre, "3.3.0"), deployed("3.1.7")), "3.2.0");
    // The release that runs the migrations is at work, and its rows say so.
    let options = RunOptions { app_version: Some("3.2.1".to_owned()), ..RunOptions::default() };
    let by_itself = migrator(&fixture, &set).goal(phase(PhaseGoal::Pre, "3.3.0")).options(options);
    assert_eq!(done(&F::block_on(by_itself.up()).unwrap()), ["up 3.3.0/pre/01"]);
    assert_eq!(refused(phase(PhaseGoal::Post, "3.3.0"), Policy::default()), "3.3.0");
    let report = run(phase(PhaseGoal::Post, "3.3.0"), deployed("3.3.0")).unwrap();
    assert_eq!(done(&report), ["up 3.3.0/post/50"]);
}

/// Following a route leads to its end, and each command does what the route says of it.
pub fn a_route_leads_where_it_says<F: Fixture>() {
    let fixture = F::create();
    up(&fixture, &release("3.0.0")).unwrap();
    let set = release("3.3.0");
    let from_here = || {
        let observed = F::block_on(migrator(&fixture, &set).observe()).unwrap();
        let dialect = fixture.backend().dialect();
        route(&set, &observed, &deployed("3.0.0"), dialect, None, Strategy::Rolling).unwrap()
    };
    let way = from_here();
    let releases: Vec<_> = way.legs.iter().map(|leg| leg.release.to_string()).collect();
    assert_eq!(releases, ["3.1.0", "3.2.0", "3.3.0"]);
    let mut at = version("3.0.0");
    for leg in &way.legs {
        for (part, listed) in [(PhaseGoal::Pre, &leg.before), (PhaseGoal::Post, &leg.after)] {
            let goal = phase(part, leg.release.as_str());
            let step = migrator(&fixture, &set).goal(goal).policy(deployed(at.as_str()));
            let report: Report = F::block_on(step.up()).unwrap();
            let expected: Vec<_> = listed.iter().map(|waypoint| format!("up {}", waypoint.id)).collect();
            assert_eq!(done(&report), expected);
            at = leg.release.clone();
        }
    }
    assert_eq!(from_here().legs, []);
    assert!(F::block_on(migrator(&fixture, &set).check()).unwrap().is_current());
}
