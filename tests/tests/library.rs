//! The library as a service uses it: the example set, without the command line.

use migrate_core::{EngineNames, Goal, MigrationSet, ReadOptions};
use migrate_sqlite::Sqlite;
use migrate_sqlite::blocking::Migrator;
use migrate_tests::{Project, root};

fn migrator(project: &Project) -> Migrator {
    let folder = root().join("examples/shop/migrations");
    let loaded = MigrationSet::read(&[folder], &ReadOptions::new(EngineNames::SQLITE));
    let loaded = loaded.unwrap_or_else(|problems| panic!("{}", problems[0]));
    assert_eq!(loaded.diagnostics, [], "the example is read without a remark");
    Migrator::new(Sqlite::open(project.path("shop.db")), loaded.set)
}

#[test]
fn a_service_applies_the_example_at_its_start_and_finds_it_current_afterwards() {
    let project = Project::new();
    let report = migrator(&project).up().unwrap();
    let applied: Vec<_> = report.steps.iter().map(|step| step.title.as_str()).collect();
    assert_eq!(
        applied,
        [
            "1.0.0 create catalogue",
            "1.1.0 create customers",
            "1.2.0 create orders",
            "1.3.0 prices are positive",
            "2.0.0/pre/01 split customer names",
            "2.0.0/post/50 drop full name",
            "R order_totals",
        ]
    );
    assert_eq!(project.query("shop.db", "select count(*) from order_lines"), "3\n", "they survive the rebuild");
    let check = migrator(&project).check().unwrap();
    assert!(check.is_current(), "{check:?}");
    assert!(migrator(&project).up().unwrap().is_empty());
}

#[test]
fn a_plan_can_be_looked_at_before_it_is_applied() {
    let project = Project::new();
    let migrator = migrator(&project).goal(Goal::all());
    let plan = migrator.plan().unwrap();
    assert!(plan.is_destructive(), "the rebuild drops a table");
    assert_eq!(project.contents("shop.db"), "", "planning changes nothing");
    let report = migrator.apply(&plan, &mut ()).unwrap();
    assert_eq!(report.steps.len(), plan.steps.len());
}
