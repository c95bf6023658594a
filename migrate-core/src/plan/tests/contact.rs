//! A database that is met for the first time.

use insta::assert_snapshot;

use super::planned;

const FULL: &str = r"
    file 1
    file 2
    file 3
    objects users, pets
";

#[test]
fn objects_without_a_history_are_refused() {
    assert_snapshot!(planned(FULL), @"
    refused[M0207]: shop is not empty and has no history: it has users, pets
       = if it already has what the migrations make, record that: migrate baseline 3
       = or run them all beside what is there: migrate up --on-nonempty run
    ");
    assert_snapshot!(planned("objects a, b, c, d, e, f"), @"
    refused[M0207]: shop is not empty and has no history: it has a, b, c, d, e, …
       = if it already has what the migrations make, record that: migrate baseline VERSION
       = or run them all beside what is there: migrate up --on-nonempty run
    ");
}

#[test]
fn or_everything_runs_beside_them() {
    assert_snapshot!(planned(&format!("{FULL}\npolicy on-nonempty=run")), @"
    1  1 test  in a transaction, 1 statement
          create table a (n int)
    2  2 test  in a transaction, 1 statement
          create table a (n int)
    3  3 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    warning[M0207]: shop has objects but no history, and everything runs from the first migration on
    ");
}

#[test]
fn or_they_count_as_a_version() {
    assert_snapshot!(planned(&format!("{FULL}\npolicy on-nonempty=2")), @"
    1  baseline 1 test      recorded, nothing runs
    2  baseline 2 test      recorded, nothing runs
    3  baseline 2 baseline  recorded, nothing runs
    4  3 test               in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    assert_snapshot!(planned(&format!("{FULL}\npolicy on-nonempty=7")), @"
    refused[M0211]: there is no migration 7
       = there are: 1, 2, 3
    ");
    // What needs the version has it.
    assert_snapshot!(planned(&format!("{FULL}\nfile 4 needs:2\npolicy on-nonempty=2\ngoal up --to 4")), @"
    1  baseline 1 test      recorded, nothing runs
    2  baseline 2 test      recorded, nothing runs
    3  baseline 2 baseline  recorded, nothing runs
    4  3 test               in a transaction, 1 statement
          create table a (n int)
    5  4 test               in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
}

#[test]
fn any_history_of_ours_is_no_first_contact() {
    assert_snapshot!(planned(&format!("{FULL}\nrow up 1 component:queue")), @"
    1  1 test  in a transaction, 1 statement
          create table a (n int)
    2  2 test  in a transaction, 1 statement
          create table a (n int)
    3  3 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
}

#[test]
fn another_tools_history_is_refused_before_anything_else() {
    let foreign = format!("{FULL}\nforeign flyway_schema_history");
    assert_snapshot!(planned(&foreign), @r#"
    refused[M0208]: the database has the history of another tool: flyway_schema_history
       = record what it has already applied: migrate baseline VERSION
       = or leave that history alone: set `foreign-history = "ignore"` under [policy] in migrate.toml
    "#);
    assert_snapshot!(planned(&format!("{foreign}\npolicy foreign-history=ignore")), @"
    refused[M0207]: shop is not empty and has no history: it has users, pets
       = if it already has what the migrations make, record that: migrate baseline 3
       = or run them all beside what is there: migrate up --on-nonempty run
    ");
    assert_snapshot!(planned(&format!("{foreign}\nrow up 1\nrow up 2\nrow up 3")), @"nothing to do");
}

#[test]
fn a_baseline_on_the_way_is_no_new_database() {
    assert_snapshot!(planned(
        r"
        file 1.0
        file 2.0/pre/01
        file 2.0/post/01
        objects users
        policy on-nonempty=1.0
        "
    ), @"
    refused[M0210]: 2.0/post/01 test is pending after a deploy, and no phase was chosen
       = pending before the deploy: 2.0/pre/01 test
       = pending after it: 2.0/post/01 test
       = before the deploy: migrate up --phase pre; after it: migrate up --phase post
       = with the service stopped: migrate up --phase all
    ");
}
