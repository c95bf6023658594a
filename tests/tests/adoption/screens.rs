//! What a person sees who comes from another tool, and who leaves for one.

use insta::assert_snapshot;
use migrate_tests::Project;

use super::dumps::{self, Engine, OWNERS, PETS, USERS};

const DATABASE: &str = "-d sqlite:app.db";

/// A project of `tool`, which has applied two of three migrations.
fn project(tool: &str) -> Project {
    let dump = dumps::named(tool);
    let project = dump
        .files
        .iter()
        .fold(Project::new(), |project, (name, text)| project.file(&format!("migrations/{name}"), text));
    let connection = project.open("app.db");
    connection.execute_batch(&format!("{}{USERS}{PETS}", (dump.table)(Engine::Sqlite))).unwrap();
    project
}

fn said(project: &Project, words: &str, code: i32) -> String {
    project.migrate(&format!("{words} {DATABASE}")).exits(code).to_string()
}

#[test]
fn who_comes_from_golang_migrate_types_one_command() {
    let project = project("golang-migrate");
    assert_snapshot!(said(&project, "up", 1), @"");
    assert_snapshot!(said(&project, "check", 1), @"");
    assert_snapshot!(said(&project, "adopt --dry-run", 0), @"");
    assert_snapshot!(said(&project, "adopt", 0), @"");
    assert_snapshot!(said(&project, "up", 0), @"");
    assert_snapshot!(said(&project, "status", 0), @"");
    // It never hears of the third migration, and then applies a fourth.
    project.open("app.db").execute_batch("update schema_migrations set version = 4").unwrap();
    assert_snapshot!(said(&project, "up", 1), @"");
    assert_snapshot!(said(&project, "check", 1), @"");
    assert_snapshot!(said(&project, "status", 0), @"");
}

#[test]
fn up_takes_over_and_goes_on_at_once() {
    let project = project("flyway");
    assert_snapshot!(said(&project, "up --adopt --dry-run", 0), @"");
    assert_snapshot!(said(&project, "up --adopt", 0), @"");
    assert_eq!(project.query("app.db", "select count(*) from flyway_schema_history"), "2\n");
    assert_eq!(project.query("app.db", "select name from sqlite_master where name = 'owners'"), "owners\n");
}

#[test]
fn a_file_that_is_not_what_was_run_is_named() {
    let project = project("sqlx");
    project.write("migrations/2_pets.sql", OWNERS);
    assert_snapshot!(said(&project, "adopt", 1), @"");
    assert_snapshot!(said(&project, "adopt --accept-changed 2", 0), @"");
}

#[test]
fn who_leaves_takes_the_history_along() {
    let project = Project::with(&[("1_users", USERS), ("2_pets", PETS)]);
    said(&project, "up --create-db", 0);
    assert_snapshot!(said(&project, "export --to golang-migrate --dry-run", 0), @"");
    assert_snapshot!(said(&project, "export --to sqlx", 0), @"");
    assert_snapshot!(said(&project, "export --to liquibase", 2), @"");
}
