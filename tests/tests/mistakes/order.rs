//! What is applied, what is asked for, and which comes first.

use std::fs;

use migrate_tests::Project;

use crate::{POSTS, UP, applied, blog, screen};

const TAGS: &str = "create table tags (name text primary key);\n";

#[test]
fn a_file_that_comes_too_late() {
    let project = applied(blog()).file("migrations/1.5_add_tags.sql", TAGS);
    insta::assert_snapshot!(screen(&project, &[UP, "status -d sqlite:app.db", &format!("{UP} --out-of-order 1.5")]));
}

#[test]
fn two_files_that_come_too_late() {
    let project = applied(blog())
        .file("migrations/1.5_add_tags.sql", TAGS)
        .file("migrations/1.6_add_marks.sql", "create table marks (post integer, tag text);\n");
    insta::assert_snapshot!(screen(&project, &[UP, &format!("{UP} --out-of-order all")]));
}

#[test]
fn a_target_that_is_not_there() {
    let project = applied(blog());
    insta::assert_snapshot!(screen(
        &project,
        &[&format!("{UP} --to 3"), "down -d sqlite:app.db --to 7 --yes", &format!("{UP} --to latest")]
    ));
}

#[test]
fn a_down_to_what_was_never_applied() {
    let project = applied(blog()).file("migrations/3_add_tags.sql", TAGS);
    insta::assert_snapshot!(screen(&project, &["down -d sqlite:app.db --to 3 --yes"]));
}

#[test]
fn a_down_that_is_missing() {
    insta::assert_snapshot!(screen(&applied(blog()), &["down -d sqlite:app.db --steps 1 --yes"]));
}

#[test]
fn a_down_that_its_author_ruled_out() {
    let text = format!("-- migrate:irreversible \"the old titles are gone\"\n{POSTS}");
    let project = applied(blog().file("migrations/2_create_posts.sql", text));
    insta::assert_snapshot!(screen(&project, &["down -d sqlite:app.db --to 1 --yes"]));
}

#[test]
fn a_down_that_would_pass_one_that_is_missing() {
    let project = applied(
        blog().file("migrations/3_add_tags.up.sql", TAGS).file("migrations/3_add_tags.down.sql", "drop table tags;\n"),
    );
    insta::assert_snapshot!(screen(&project, &["down -d sqlite:app.db --to 1 --yes"]));
    assert!(project.contents("app.db").contains("tags"), "nothing was run");
}

#[test]
fn more_downs_than_there_are() {
    let project = Project::new()
        .file("migrations/1_add_tags.up.sql", TAGS)
        .file("migrations/1_add_tags.down.sql", "drop table tags;\n");
    insta::assert_snapshot!(screen(
        &applied(project),
        &["down -d sqlite:app.db --steps 5 --yes", "down -d sqlite:app.db --steps 1 --yes"]
    ));
}

#[test]
fn a_way_back_that_is_not_the_stored_one() {
    let project = applied(
        blog().file("migrations/3_add_tags.up.sql", TAGS).file("migrations/3_add_tags.down.sql", "drop table tags;\n"),
    );
    project.write("migrations/3_add_tags.down.sql", "drop table if exists tags;\n");
    insta::assert_snapshot!(screen(&project, &["down -d sqlite:app.db --steps 1 --yes"]));
}

#[test]
fn a_phase_that_nobody_chose() {
    let project = applied(blog())
        .file("migrations/3.0.0_01_pre_add_tags.sql", TAGS)
        .file("migrations/3.0.0_50_post_drop_posts.sql", "drop table posts;\n");
    insta::assert_snapshot!(screen(
        &project,
        &[UP, &format!("{UP} --phase post"), &format!("{UP} --phase pre --to 3.0.0"), &format!("{UP} --phase before")]
    ));
}

#[test]
fn a_pre_before_the_post_of_an_earlier_release() {
    let project = applied(blog())
        .file("migrations/3.0.0_50_post_drop_posts.sql", "drop table posts;\n")
        .file("migrations/4.0.0_01_pre_add_tags.sql", TAGS);
    insta::assert_snapshot!(screen(
        &project,
        &[&format!("{UP} --phase pre"), &format!("{UP} --phase post --to 3.0.0"), &format!("{UP} --phase pre")]
    ));
}

#[test]
fn a_database_that_is_ahead() {
    let project = applied(
        blog().file("migrations/3_add_tags.up.sql", TAGS).file("migrations/3_add_tags.down.sql", "drop table tags;\n"),
    );
    fs::remove_file(project.path("migrations/3_add_tags.up.sql")).expect("a file");
    fs::remove_file(project.path("migrations/3_add_tags.down.sql")).expect("a file");
    insta::assert_snapshot!(screen(&project, &[UP, "check -d sqlite:app.db", &format!("{UP} --on-ahead refuse")]));
}

#[test]
fn a_database_that_is_ahead_and_does_not_run_with_this_release() {
    let up = format!("-- migrate:compatible-from 3\n{TAGS}");
    let project = applied(
        blog().file("migrations/3_add_tags.up.sql", up).file("migrations/3_add_tags.down.sql", "drop table tags;\n"),
    );
    fs::remove_file(project.path("migrations/3_add_tags.up.sql")).expect("a file");
    fs::remove_file(project.path("migrations/3_add_tags.down.sql")).expect("a file");
    insta::assert_snapshot!(screen(
        &project,
        &[
            UP,
            "check -d sqlite:app.db",
            "plan -d sqlite:app.db --allow-downgrade",
            &format!("{UP} --allow-downgrade"),
            &format!("{UP} --allow-downgrade --yes"),
        ]
    ));
}

#[test]
fn a_version_that_is_required_first() {
    let project = applied(blog()).file("migrations/3_add_tags.sql", format!("-- migrate:requires-version 5\n{TAGS}"));
    insta::assert_snapshot!(screen(&project, &[UP]));
}

#[test]
fn a_database_below_the_minimum() {
    let project = applied(blog());
    project.write("migrations/4_add_tags.sql", TAGS);
    project
        .write("migrations/migrations.toml", "minimum = \"3\"\n\n[release.\"3\"]\nurl = \"https://example.com/3\"\n");
    insta::assert_snapshot!(screen(&project, &[UP]));
}

#[test]
fn a_plan_with_another_digest() {
    let project = applied(blog()).file("migrations/3_add_tags.sql", TAGS);
    insta::assert_snapshot!(screen(&project, &["plan -d sqlite:app.db", &format!("{UP} --plan 00000000")]));
    let plan = project.migrate("plan -d sqlite:app.db").stdout;
    let (_, command) = plan.rsplit_once("migrate ").expect("it names a command");
    project.migrate(&format!("{} -d sqlite:app.db", command.trim())).exits(0);
}

#[test]
fn a_plan_that_somebody_else_has_carried_out() {
    let project = applied(blog()).file("migrations/3_add_tags.sql", TAGS);
    let plan = project.migrate("plan -d sqlite:app.db").stdout;
    let (_, command) = plan.rsplit_once("migrate ").expect("it names a command");
    project.migrate(UP).exits(0);
    insta::assert_snapshot!(screen(&project, &[&format!("{} -d sqlite:app.db", command.trim())]));
}
