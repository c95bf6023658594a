//! Files that are missing, misplaced or misnamed.

use std::fs;

use migrate_tests::Project;

use crate::{POSTS, UP, USERS, applied, blog, screen};

#[test]
fn two_files_with_one_version() {
    let project = blog().file("migrations/02_create_tags.sql", "create table tags (name text);\n");
    insta::assert_snapshot!(screen(&project, &["validate", &format!("{UP} --create-db")]));
    assert!(!project.path("app.db").exists(), "nothing was begun");
}

#[test]
fn a_name_that_is_almost_one() {
    let project = blog().file("migrations/3-add-tags.sql", "create table tags (name text);\n");
    insta::assert_snapshot!(screen(&project, &["validate"]));
    let to = project.path("migrations/3_add_tags.sql");
    fs::rename(project.path("migrations/3-add-tags.sql"), to).expect("a rename");
    project.migrate("validate").exits(0);
}

#[test]
fn names_of_another_tool() {
    let project = Project::new()
        .file("migrations/V1__create_users.sql", USERS)
        .file("migrations/V1_1__create_posts.sql", POSTS)
        .file("migrations/create_tags.sql", "create table tags (name text);\n")
        .file("migrations/1_create_users.sql.bak", USERS);
    insta::assert_snapshot!(screen(&project, &["validate"]));
}

#[test]
fn a_down_without_its_up() {
    let project = blog().file("migrations/3_add_tags.down.sql", "drop table tags;\n");
    insta::assert_snapshot!(screen(&project, &["validate"]));
}

#[test]
fn a_down_whose_up_has_another_number() {
    let project = blog()
        .file("migrations/3_add_tags.up.sql", "create table tags (name text);\n")
        .file("migrations/4_add_tags.down.sql", "drop table tags;\n");
    insta::assert_snapshot!(screen(&project, &["validate"]));
}

#[test]
fn a_missing_down_where_one_is_required() {
    insta::assert_snapshot!(screen(&blog(), &["validate --require-down"]));
}

#[test]
fn files_for_other_engines_only() {
    let project = Project::new().file("migrations/1_create_users.postgres.sql", USERS);
    insta::assert_snapshot!(screen(&project, &[&format!("{UP} --create-db")]));
}

#[test]
fn an_empty_folder() {
    let project = Project::new();
    fs::create_dir(project.path("migrations")).expect("a folder");
    insta::assert_snapshot!(screen(&project, &[&format!("{UP} --create-db")]));
    assert!(!project.path("app.db").exists(), "nothing was begun");
}

#[test]
fn no_folder_at_all() {
    insta::assert_snapshot!(screen(&Project::new(), &["status -d sqlite:app.db"]));
}

#[test]
fn a_folder_with_a_slip_in_its_name() {
    insta::assert_snapshot!(screen(&blog(), &["validate --dir migration"]));
}

#[test]
fn a_folder_that_is_a_file() {
    let project = Project::new().file("migrations", "not a folder\n");
    insta::assert_snapshot!(screen(&project, &["validate"]));
}

#[cfg(unix)]
#[test]
fn a_file_that_is_a_dangling_link() {
    let project = blog();
    std::os::unix::fs::symlink("../moved/3_add_tags.sql", project.path("migrations/3_add_tags.sql")).expect("a link");
    insta::assert_snapshot!(screen(&project, &["validate"]));
}

#[test]
fn the_folder_above_the_right_one() {
    let project = Project::new()
        .file("db/migrations/1_create_users.sql", USERS)
        .file("db/migrations/2_create_posts.sql", POSTS)
        .file("db/README.md", "about\n");
    insta::assert_snapshot!(screen(&project, &["validate --dir db", "validate --dir db/migrations"]));
}

#[test]
fn a_folder_below_the_one_of_the_project() {
    let project = blog().file("migrate.toml", "url = \"sqlite:app.db\"\n").file("src/main.rs", "");
    insta::assert_snapshot!(project.typed("cd src && migrate status"));
}

#[test]
fn a_migration_put_into_a_subfolder() {
    let project = applied(blog()).file("migrations/2026/3_add_tags.sql", "create table tags (name text);\n");
    insta::assert_snapshot!(screen(&project, &[UP]));
}
