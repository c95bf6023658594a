//! Commands and flags.

use crate::{UP, applied, blog, screen};

#[test]
fn nothing_at_all() {
    let transcript = blog().migrate("").to_string();
    let first: Vec<&str> = transcript.lines().take(6).collect();
    insta::assert_snapshot!(first.join("\n"));
}

#[test]
fn a_slip_in_a_command() {
    insta::assert_snapshot!(screen(&blog(), &["stauts", "frobnicate"]));
}

#[test]
fn a_slip_in_a_flag() {
    insta::assert_snapshot!(screen(&blog(), &["up --databse sqlite:app.db", "up --target 3", "status --steps 1"]));
}

#[test]
fn a_flag_that_does_not_fit_another() {
    insta::assert_snapshot!(screen(
        &blog(),
        &["up --to 1 --steps 1", "up --steps 0", "up --to", "new", "new a --phase pre"]
    ));
}

#[test]
fn verbs_of_other_tools() {
    insta::assert_snapshot!(screen(
        &blog(),
        &["run", "revert", "rollback", "info", "force 2", "repair", "stamp head", "upgrade head", "migrate", "deploy"]
    ));
}

#[test]
fn down_without_saying_how_far() {
    let project = applied(blog());
    insta::assert_snapshot!(screen(&project, &["down -d sqlite:app.db", "down"]));
}

#[test]
fn a_number_without_a_flag() {
    insta::assert_snapshot!(screen(&blog(), &["down 3", "up 1.2.0", "status 3"]));
}

#[test]
fn down_where_nobody_can_be_asked() {
    let project = applied(
        blog()
            .file("migrations/3_tags.up.sql", "create table tags (name text);\n")
            .file("migrations/3_tags.down.sql", "drop table tags;\n"),
    );
    insta::assert_snapshot!(screen(
        &project,
        &[
            "down -d sqlite:app.db --steps 1",
            "redo -d sqlite:app.db",
            "down -d sqlite:app.db --steps 1 --dry-run",
            "down --to 2 -d sqlite:app.db"
        ]
    ));
    assert!(project.contents("app.db").contains("tags"), "nothing was taken back");
}

#[test]
fn an_identity_that_could_be_several() {
    let project = applied(
        blog()
            .file("migrations/3.0.0_01_pre_tags.sql", "create table tags (name text);\n")
            .file("migrations/3.0.0_50_post_posts.sql", "drop table posts;\n"),
    );
    insta::assert_snapshot!(screen(
        &project,
        &["accept 3.0.0 -d sqlite:app.db", "accept 3.0.0/pre/02 -d sqlite:app.db"]
    ));
}

#[test]
fn an_engine_that_is_not_there() {
    insta::assert_snapshot!(screen(
        &blog(),
        &["validate --engine oracle", "new tags --engine oracle", &format!("{UP} --layout flywya")]
    ));
}
