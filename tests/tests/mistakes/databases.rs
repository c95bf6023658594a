//! Databases that are not there, not usable, or not ours.

use std::fs;

use crate::{UP, applied, blog, screen, told};

#[test]
fn no_database_is_named() {
    insta::assert_snapshot!(screen(&blog(), &["up"]));
}

#[test]
fn a_path_instead_of_a_url() {
    insta::assert_snapshot!(screen(&blog(), &["up -d app.db", "up -d shop"]));
}

#[test]
fn a_url_of_no_known_engine() {
    insta::assert_snapshot!(screen(&blog(), &["up -d sqlte:app.db", "up -d oracle://db.example/shop"]));
}

#[test]
fn a_url_of_an_engine_that_is_not_compiled_in() {
    insta::assert_snapshot!(screen(&blog(), &["up -d oracle://deploy:hunter2@db.example/shop"]));
}

#[test]
fn a_url_with_a_slip_in_it() {
    insta::assert_snapshot!(screen(
        &blog(),
        &["up -d sqlite:", "up -d sqlite:app.db?mode=readonly", "up -d sqlite:app.db?mod=ro", "up -d sqlite:100%.db"]
    ));
}

#[test]
fn a_database_that_is_not_there() {
    let project = applied(blog());
    insta::assert_snapshot!(screen(
        &project,
        &[
            "up -d sqlite:ap.db",
            "status -d sqlite:ap.db",
            "check -d sqlite:ap.db",
            "down -d sqlite:ap.db --steps 1 --yes"
        ]
    ));
    assert!(!project.path("ap.db").exists(), "a slip makes no new database");
}

#[test]
fn a_database_in_a_folder_that_is_not_there() {
    let project = blog();
    insta::assert_snapshot!(screen(&project, &["up -d sqlite:data/app.db", "up -d sqlite:data/app.db --create-db"]));
}

#[test]
fn a_folder_instead_of_a_database() {
    insta::assert_snapshot!(screen(&blog(), &["up -d sqlite:migrations", "up -d sqlite:migrations --create-db"]));
}

#[test]
fn a_file_that_is_no_database() {
    let project = blog().file(
        "app.db",
        "this is a letter, and long enough to be read as the header of a database file, says its author\n",
    );
    insta::assert_snapshot!(screen(&project, &[UP, "status -d sqlite:app.db"]));
}

#[test]
fn a_database_that_is_read_only() {
    let project = applied(blog()).file("migrations/3_add_tags.sql", "create table tags (name text);\n");
    insta::assert_snapshot!(screen(&project, &["up -d sqlite:app.db?mode=ro", "check -d sqlite:app.db?mode=ro"]));
}

#[test]
fn a_database_in_memory() {
    insta::assert_snapshot!(screen(&blog(), &["up -d sqlite::memory:", "down -d sqlite::memory: --steps 1 --yes"]));
}

#[test]
fn a_restore_of_what_is_no_backup() {
    let project = applied(blog()).file(
        "backup.db",
        "this is a letter, and long enough to be read as the header of a database file, says its author\n",
    );
    let before = fs::read(project.path("app.db")).expect("the database");
    insta::assert_snapshot!(screen(
        &project,
        &[
            "restore backup.db -d sqlite:app.db --yes",
            "restore backup -d sqlite:app.db --yes",
            "restore backup.db -d sqlite:app.db"
        ]
    ));
    assert!(fs::read(project.path("app.db")).expect("the database") == before, "nothing was done to it");
}

#[test]
fn a_backup_over_another_one() {
    let project = applied(blog());
    let first = project.migrate("backup before.db -d sqlite:app.db");
    assert_eq!(first.code, Some(0), "{first}");
    insta::assert_snapshot!(told(&[project.migrate("backup before.db -d sqlite:app.db")]));
}

#[test]
fn creating_and_dropping_what_is_so_already() {
    let project = applied(blog());
    insta::assert_snapshot!(screen(
        &project,
        &[
            "db create -d sqlite:app.db",
            "db drop -d sqlite:app.db",
            "db drop -d sqlite:app.db --yes",
            "db drop -d sqlite:app.db --yes"
        ]
    ));
}
