//! Databases with another past than the files.

use migrate_tests::Project;

use crate::{POSTS, UP, USERS, applied, blog, screen};

#[test]
fn a_database_with_tables_and_no_history() {
    let project = blog();
    project.open("app.db").execute_batch(&format!("{USERS}{POSTS}")).expect("tables");
    insta::assert_snapshot!(screen(
        &project,
        &[UP, "status -d sqlite:app.db", "check -d sqlite:app.db", "baseline 2 -d sqlite:app.db", UP]
    ));
}

#[test]
fn a_database_with_many_tables_and_no_history() {
    let project = blog();
    let tables = (1..=12).map(|number| format!("create table t{number} (id integer);")).collect::<Vec<_>>().concat();
    project.open("app.db").execute_batch(&tables).expect("tables");
    insta::assert_snapshot!(screen(&project, &[UP, &format!("{UP} --on-nonempty run")]));
}

#[test]
fn a_database_with_the_history_of_another_tool() {
    let project = blog();
    let theirs = "create table schema_migrations (version integer primary key, dirty boolean not null);\
                  insert into schema_migrations values (2, 0);";
    project.open("app.db").execute_batch(&format!("{USERS}{POSTS}{theirs}")).expect("tables");
    insta::assert_snapshot!(screen(&project, &[UP, "baseline 2 -d sqlite:app.db", UP]));
}

#[test]
fn a_baseline_at_an_unknown_version() {
    let project = blog();
    project.open("app.db").execute_batch(USERS).expect("tables");
    insta::assert_snapshot!(screen(
        &project,
        &["baseline 3 -d sqlite:app.db", "baseline two -d sqlite:app.db", &format!("{UP} --on-nonempty baseline=3")]
    ));
}

#[test]
fn a_baseline_of_a_database_that_has_a_history() {
    insta::assert_snapshot!(screen(&applied(blog()), &["baseline 1 -d sqlite:app.db"]));
}

#[test]
fn a_history_with_a_gap() {
    let project = applied(blog());
    project.open("app.db").execute("delete from migrate_history where version = '1'", []).expect("a row");
    insta::assert_snapshot!(screen(&project, &[UP, "status -d sqlite:app.db", "history -d sqlite:app.db"]));
}

#[test]
fn a_history_that_was_emptied() {
    let project = applied(blog());
    project.open("app.db").execute("delete from migrate_history", []).expect("rows");
    insta::assert_snapshot!(screen(&project, &[UP]));
}

#[test]
fn a_history_of_a_newer_tool() {
    let project = applied(blog());
    project
        .open("app.db")
        .execute("update migrate_history set action = 'transmute' where version = '2'", [])
        .expect("a row");
    insta::assert_snapshot!(screen(&project, &[UP]));
}

#[test]
fn the_database_of_another_application() {
    let project = applied(blog());
    let other = "migrations/20261120103000_create_orders.sql";
    let project =
        project.file(&other.replace("migrations", "other"), "create table orders (id integer primary key);\n");
    insta::assert_snapshot!(screen(&project, &[&format!("{UP} --dir other"), "status -d sqlite:app.db --dir other"]));
}

#[test]
fn files_of_another_application_with_lower_numbers() {
    let project = Project::new()
        .file("migrations/20261120103000_create_orders.sql", "create table orders (id integer primary key);\n");
    let project = applied(project).file("other/1_create_users.sql", USERS);
    insta::assert_snapshot!(screen(
        &project,
        &[
            &format!("{UP} --dir other"),
            "down -d sqlite:app.db --dir other --steps 1 --yes",
            &format!("{UP} --dir other --allow-downgrade")
        ]
    ));
}

#[test]
fn what_was_done_is_read_without_the_files_that_did_it() {
    let project = Project::with(&[("1_a", "create table a (n int);")]);
    let applied = project.migrate("up --create-db -d sqlite:app.db").exits(0);
    std::fs::remove_dir_all(project.path("migrations")).expect("a folder that can be removed");
    assert!(applied.stdout.contains("now at 1"), "{applied}");
    let history = project.migrate("history -d sqlite:app.db").exits(0).stdout;
    assert!(history.contains("1 a") && history.contains("done"), "{history}");
    let mistyped = project.migrate("history -d sqlite:app.db --dir migrationz").exits(2).stderr;
    assert!(mistyped.contains("migrationz: there is no such folder"), "{mistyped}");
    let pruned = project.migrate("history -d sqlite:app.db --prune").exits(2).stderr;
    assert!(pruned.contains("migrations: there is no such folder"), "what is squashed depends on the files: {pruned}");
}
