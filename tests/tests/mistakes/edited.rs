//! Files that changed after they were applied or released.

use std::fs;
use std::process::Command;

use migrate_tests::Project;

use crate::{POSTS, UP, USERS, applied, blog, screen, told};

const FILE: &str = "migrations/1_create_users.sql";

fn edited() -> Project {
    let project = applied(blog());
    project.write(FILE, &USERS.replace("not null unique", "not null unique collate nocase"));
    project
}

#[test]
fn an_applied_file_that_is_edited() {
    let project = edited();
    insta::assert_snapshot!(screen(&project, &[UP, "check -d sqlite:app.db", "accept 1 -d sqlite:app.db", UP]));
}

#[test]
fn an_applied_file_that_is_edited_and_put_back() {
    let project = edited();
    insta::assert_snapshot!(screen(&project, &["accept 1 --restore -d sqlite:app.db", UP]));
    assert_eq!(fs::read_to_string(project.path(FILE)).expect("the file"), USERS, "byte for byte");
}

#[test]
fn two_applied_files_that_are_edited() {
    let project = edited();
    project.write(
        "migrations/2_create_posts.sql",
        &POSTS.replace("  title text not null\n", "  title text not null,\n  body text\n"),
    );
    insta::assert_snapshot!(screen(&project, &[UP]));
}

#[test]
fn an_applied_file_whose_text_was_not_stored() {
    let project = blog().file("migrate.toml", "[history]\nstore-script = \"none\"\n");
    let project = applied(project);
    project.write(FILE, &USERS.replace("unique", "unique collate nocase"));
    insta::assert_snapshot!(screen(
        &project,
        &[UP, "accept 1 --restore -d sqlite:app.db", "accept 1 -d sqlite:app.db", UP]
    ));
}

#[test]
fn an_applied_file_with_another_comment() {
    let project = applied(blog());
    project.write(FILE, &format!("-- who may log in\n{USERS}"));
    insta::assert_snapshot!(screen(&project, &[UP, "check -d sqlite:app.db", "status -d sqlite:app.db"]));
}

#[test]
fn an_applied_file_with_line_ends_of_windows() {
    let project = applied(blog());
    project.write(FILE, &USERS.replace('\n', "\r\n"));
    project.write("migrations/2_create_posts.sql", &POSTS.replace('\n', "\r\n"));
    insta::assert_snapshot!(screen(&project, &[UP, "check -d sqlite:app.db"]));
}

#[test]
fn line_ends_inside_a_string_that_change() {
    let project = applied(blog().file("migrations/3_seed.sql", "insert into users (email) values ('a\nb');\n"));
    project.write("migrations/3_seed.sql", "insert into users (email) values ('a\r\nb');\r\n");
    insta::assert_snapshot!(screen(&project, &[UP]));
}

#[test]
fn an_applied_file_that_is_gone() {
    let project = applied(blog());
    fs::remove_file(project.path(FILE)).expect("a file");
    insta::assert_snapshot!(screen(&project, &[UP, "status -d sqlite:app.db"]));
}

#[test]
fn an_applied_file_with_a_new_version() {
    let project = applied(blog());
    fs::rename(project.path(FILE), project.path("migrations/3_create_users.sql")).expect("a rename");
    let mut answers = vec![project.migrate(UP)];
    project.write("migrations/migrations.toml", "[migration.\"3\"]\nrenamed-from = [\"1\"]\n");
    answers.extend([project.migrate(UP), project.migrate("status -d sqlite:app.db")]);
    insta::assert_snapshot!(told(&answers));
}

#[test]
fn accepting_what_is_not_changed() {
    insta::assert_snapshot!(screen(
        &applied(blog()),
        &["accept 1 -d sqlite:app.db", "accept 1 --restore -d sqlite:app.db"]
    ));
}

#[test]
fn accepting_what_is_not_there() {
    insta::assert_snapshot!(screen(&applied(blog()), &["accept 11 -d sqlite:app.db", "accept seed -d sqlite:app.db"]));
}

fn git(project: &Project, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.args(["-c", "user.name=ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false"]);
    let output = git.arg("-C").arg(project.path("")).args(arguments).output().expect("git runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn released(project: Project) -> Project {
    git(&project, &["init", "--quiet"]);
    git(&project, &["add", "."]);
    git(&project, &["commit", "--quiet", "--message", "1"]);
    git(&project, &["tag", "v1"]);
    project
}

#[test]
fn a_released_file_that_is_edited() {
    let project = released(blog());
    project.write(FILE, &USERS.replace("not null unique", "not null unique collate nocase"));
    project.write("migrations/2_create_posts.sql", &format!("-- what they write\n{POSTS}"));
    insta::assert_snapshot!(screen(&project, &["validate --since v1"]));
}

#[test]
fn a_new_file_that_sorts_below_a_released_one() {
    let project = released(blog()).file("migrations/1.5_add_tags.sql", "create table tags (name text);\n");
    insta::assert_snapshot!(screen(&project, &["validate --since v1"]));
}

#[test]
fn a_released_file_that_is_gone() {
    let project = released(blog());
    fs::remove_file(project.path("migrations/2_create_posts.sql")).expect("a file");
    insta::assert_snapshot!(screen(&project, &["validate --since v1"]));
}

#[test]
fn a_revision_that_git_does_not_know() {
    insta::assert_snapshot!(screen(&released(blog()), &["validate --since v2"]));
}

#[test]
fn a_revision_where_there_is_no_git() {
    let answer = blog().migrate("validate --since main");
    insta::assert_snapshot!(told(&[answer]));
}
