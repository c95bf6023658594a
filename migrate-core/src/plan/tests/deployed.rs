//! What waits for a deploy, and who can say that it happened.

use insta::assert_snapshot;

use super::planned;

const RELEASES: &str = r#"
    file 3.2.0/pre/01
    file 3.3.0/pre/01
    file 3.4.0/pre/01
    file 3.4.0/post/50
    manifest [release."3.4.0"]
    manifest notes = "drops the old index"
    manifest url = "https://example.org/3.4.0"
    row up 3.2.0/pre/01
"#;

fn at(rows: &str, policy: &str, goal: &str) -> String {
    planned(&format!("{RELEASES}\n{rows}\n{policy}\n{goal}"))
}

const PRE: &str = "row up 3.3.0/pre/01\nrow up 3.4.0/pre/01";

#[test]
fn a_post_waits_for_its_release() {
    assert_snapshot!(at(PRE, "policy deployed=3.3.0", "goal up --phase post"), @"
    refused[M0210]: 3.4.0/post/50 test runs once 3.4.0 is deployed, and 3.3.0 is said to be
       = next: deploy 3.4.0 (https://example.org/3.4.0)
       = once it is: migrate up --phase post --deployed 3.4.0
       = with the service stopped, all at once: migrate up --phase all
       = notes on 3.4.0: drops the old index
    ");
    assert_snapshot!(at(PRE, "policy deployed=3.4.0", "goal up --phase post"), @"
    1  3.4.0/post/50 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    assert_snapshot!(at(PRE, "policy deployed=3.4.2", "goal up --phase post --to 3.4.0"), @"
    1  3.4.0/post/50 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    // A phase that somebody chose is somebody's word, where there is no other.
    assert_snapshot!(at(PRE, "", "goal up --phase post"), @"
    1  3.4.0/post/50 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    assert_snapshot!(at(PRE, "policy require-deployed", "goal up --phase post"), @"
    refused[M0210]: 3.4.0/post/50 test runs once 3.4.0 is deployed, and nobody says that it is
       = next: deploy 3.4.0 (https://example.org/3.4.0)
       = once it is: migrate up --phase post --deployed 3.4.0
       = with the service stopped, all at once: migrate up --phase all
       = notes on 3.4.0: drops the old index
    ");
}

#[test]
fn a_pre_waits_for_the_release_before_its_own() {
    assert_snapshot!(at("", "policy deployed=3.2.0", "goal up --phase pre"), @"
    refused[M0210]: 3.4.0/pre/01 test runs once 3.3.0 is deployed, and 3.2.0 is said to be
       = next: migrate up --phase pre --to 3.3.0, then deploy 3.3.0
       = once it is: migrate up --phase pre --deployed 3.3.0
       = with the service stopped, all at once: migrate up --phase all
    ");
    assert_snapshot!(at("", "policy deployed=3.2.0", "goal up --phase pre --to 3.3.0"), @"
    1  3.3.0/pre/01 test  in a transaction, 1 statement
          create table a (n int)
    ");
    assert_snapshot!(at("row up 3.3.0/pre/01", "policy deployed=3.2.9", "goal up --phase pre"), @"
    refused[M0210]: 3.4.0/pre/01 test runs once 3.3.0 is deployed, and 3.2.9 is said to be
       = next: deploy 3.3.0
       = once it is: migrate up --phase pre --deployed 3.3.0
       = with the service stopped, all at once: migrate up --phase all
    ");
    assert_snapshot!(at("row up 3.3.0/pre/01", "policy deployed=3.3.1", "goal up --phase pre"), @"
    1  3.4.0/pre/01 test  in a transaction, 1 statement
          create table a (n int)
    ");
    assert_snapshot!(at("", "policy require-deployed", "goal up --phase pre --to 3.3.0"), @"
    refused[M0210]: 3.3.0/pre/01 test runs once 3.2.0 is deployed, and nobody says that it is
       = next: deploy 3.2.0
       = once it is: migrate up --phase pre --deployed 3.2.0
       = with the service stopped, all at once: migrate up --phase all
    ");
}

#[test]
fn the_release_that_ran_the_last_migration_is_at_work() {
    let by = |release: &str| format!("row up 3.3.0/pre/01\nrow up 3.4.0/pre/01 app:{release}");
    assert_snapshot!(at(&by("3.3.0"), "", "goal up --phase post"), @"
    refused[M0210]: 3.4.0/post/50 test runs once 3.4.0 is deployed, and 3.3.0 ran the last migration
       = next: deploy 3.4.0 (https://example.org/3.4.0)
       = once it is: migrate up --phase post --deployed 3.4.0
       = with the service stopped, all at once: migrate up --phase all
       = notes on 3.4.0: drops the old index
    ");
    assert_snapshot!(at(&by("3.4.0"), "policy require-deployed", "goal up --phase post"), @"
    1  3.4.0/post/50 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    // The number of a build is no release, and an embedded library has versions of its own.
    assert_snapshot!(at(&by("20261128"), "", "goal up --phase post"), @"
    1  3.4.0/post/50 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    let library = "manifest component = \"queue\"\nfile 3.0.0/pre/01\nfile 3.0.0/post/01\n\
                   row up 3.0.0/pre/01 app:1.8.0 component:queue\ngoal up --phase post";
    assert_snapshot!(planned(library), @"
    1  3.0.0/post/01 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
}

#[test]
fn with_the_service_stopped_nothing_waits() {
    assert_snapshot!(at(PRE, "policy deployed=3.2.0", "goal up --phase all"), @"
    1  3.4.0/post/50 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    assert_snapshot!(planned("file 3.3.0/pre/01\nfile 3.4.0/post/50\npolicy require-deployed\ngoal up --phase pre"), @"
    1  3.3.0/pre/01 test  in a transaction, 1 statement
          create table a (n int)
    ");
    // Numbers are no releases.
    assert_snapshot!(planned("file 1\nfile 2\nrow up 1\npolicy deployed=0.9.0\ngoal up --phase pre"), @"
    1  2 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
}
