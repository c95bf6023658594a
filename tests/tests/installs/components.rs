//! Several components in one database.

use insta::assert_snapshot;
use migrate_tests::Project;

use super::{says, timeless};

/// An application that needs a library's tables, which need nobody's.
fn project() -> Project {
    Project::with(&[("1_orders", "create table orders (id integer primary key, job integer references jobs (id));\n")])
        .file("migrations/migrations.toml", "[depends-on]\nqueue = \"2\"\n")
        .file("vendor/queue/1_jobs.sql", "create table jobs (id integer primary key);\n")
        .file("vendor/queue/2_turns.sql", "create table turns (id integer primary key);\n")
        .file("vendor/queue/2_turns.down.sql", "drop table turns;\n")
        .file("migrate.toml", "[component.queue]\ndir = \"vendor/queue\"\n")
}

#[test]
fn what_is_needed_comes_first() {
    let project = project();
    assert_snapshot!(says(&project, "check", 7), @"");
    assert_snapshot!(timeless(&says(&project, "up", 0)), @"");
    assert_snapshot!(timeless(&says(&project, "status", 0)), @"");
    says(&project, "check", 0);
    assert_snapshot!(says(&project, "up --to 1", 2), @"");
    // Each has a history of its own, and what is needed stays.
    assert_snapshot!(timeless(&says(&project, "history --component queue", 0)), @"");
    assert_snapshot!(says(&project, "down --steps 1 --yes --component queue", 1), @"");
    assert_snapshot!(project.migrate("config show").exits(0), @"");
}

#[test]
fn a_component_that_is_not_there_is_named() {
    let project = project();
    assert_snapshot!(says(&project, "up --component main", 1), @"");
    says(&project, "up --component queue", 0);
    says(&project, "up --component main", 0);
}

#[test]
fn what_needs_each_other_cannot_begin() {
    let project =
        project().file("vendor/queue/migrations.toml", "[depends-on]\nmain = \"1\"\n");
    assert_snapshot!(says(&project, "up", 2), @"");
    let wrong = project.file("migrate.toml", "[component.queue]\nfolder = \"vendor/queue\"\n");
    assert_snapshot!(says(&wrong, "up", 2), @"");
}
