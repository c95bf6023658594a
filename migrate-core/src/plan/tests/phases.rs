//! Phases: what may run before a deploy, and what only after it.

use insta::assert_snapshot;

use super::planned;

const RELEASE: &str = r#"
    file 2.0/pre/01 up:"create table a (n int)"
    file 2.0/post/01 up:"drop table z"
    file 3.0/pre/01 up:"create table b (n int)"
    file 3.0/post/01 up:"drop table a"
    row up 2.0/pre/01
    row up 2.0/post/01
"#;

#[test]
fn on_a_new_database_both_phases_run() {
    assert_snapshot!(planned(
        r"
        file 2.0/pre/01
        file 2.0/post/01
        "
    ), @"
    1  2.0/pre/01 test   in a transaction, 1 statement
          create table a (n int)
    2  2.0/post/01 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
}

#[test]
fn a_pending_post_needs_a_choice() {
    assert_snapshot!(planned(RELEASE), @"
    refused[M0210]: 3.0/post/01 test is pending after a deploy, and no phase was chosen
       = pending before the deploy: 3.0/pre/01 test
       = pending after it: 3.0/post/01 test
       = before the deploy: migrate up --phase pre; after it: migrate up --phase post
       = with the service stopped: migrate up --phase all
    ");
    assert_snapshot!(planned(&format!("{RELEASE}\npolicy phase=pre")), @"
    1  3.0/pre/01 test  in a transaction, 1 statement
          create table b (n int)
    ");
    assert_snapshot!(planned(&format!("{RELEASE}\nrow up 3.0/pre/01")), @"
    refused[M0210]: 3.0/post/01 test is pending after a deploy, and no phase was chosen
       = pending after it: 3.0/post/01 test
       = before the deploy: migrate up --phase pre; after it: migrate up --phase post
       = with the service stopped: migrate up --phase all
    ");
}

#[test]
fn each_phase_takes_its_own() {
    assert_snapshot!(planned(&format!("{RELEASE}\ngoal up --phase pre")), @"
    1  3.0/pre/01 test  in a transaction, 1 statement
          create table b (n int)
    ");
    assert_snapshot!(planned(&format!("{RELEASE}\ngoal up --phase all")), @"
    1  3.0/pre/01 test   in a transaction, 1 statement
          create table b (n int)
    2  3.0/post/01 test  in a transaction, 1 statement; destructive
          drop table a
    then the set is complete
    ");
    assert_snapshot!(planned(&format!("{RELEASE}\nrow up 3.0/pre/01\ngoal up --phase post")), @"
    1  3.0/post/01 test  in a transaction, 1 statement; destructive
          drop table a
    then the set is complete
    ");
    // The goal is nearer than the policy.
    assert_snapshot!(planned(&format!("{RELEASE}\nrow up 3.0/pre/01\npolicy phase=pre\ngoal up --phase post")), @"
    1  3.0/post/01 test  in a transaction, 1 statement; destructive
          drop table a
    then the set is complete
    ");
}

#[test]
fn a_post_does_not_run_before_its_pre() {
    assert_snapshot!(planned(&format!("{RELEASE}\ngoal up --phase post")), @"
    refused[M0210]: 3.0/post/01 test comes after 3.0/pre/01 test, which is still pending
       = what comes next is: migrate up --phase pre --to 3.0
       = with the service stopped, all at once: migrate up --phase all
    ");
}

#[test]
fn a_pre_waits_for_the_post_of_the_release_before_it() {
    let fixture = r"
        file 2.0/pre/01
        file 2.0/post/01
        file 3.0/pre/01
        row up 1.0
        row up 2.0/pre/01
        file 1.0
        goal up --phase pre
    ";
    assert_snapshot!(planned(fixture), @"
    refused[M0210]: 3.0/pre/01 test comes after 2.0/post/01 test, which is still pending
       = what comes next, once 2.0 is deployed, is: migrate up --phase post --to 2.0
       = with the service stopped, all at once: migrate up --phase all
    ");
    // What comes next is named, and not the first thing in the way.
    assert_snapshot!(planned(&fixture.replace("row up 2.0/pre/01", "")), @"
    refused[M0210]: 3.0/pre/01 test comes after 2.0/post/01 test, which is still pending
       = what comes next is: migrate up --phase pre --to 2.0
       = with the service stopped, all at once: migrate up --phase all
    ");
    assert_snapshot!(planned(&format!("{}\ngoal up --phase pre --to 2.0", fixture.replace("goal up --phase pre", ""))), @"nothing to do");
}

#[test]
fn an_install_that_did_not_end_goes_on_without_a_choice() {
    let fixture = r"
        file 2.0/pre/01
        file 2.0/post/01
        file 3.0/pre/01
        row up 2.0/pre/01 origin:install
    ";
    assert_snapshot!(planned(fixture), @"
    1  2.0/post/01 test  in a transaction, 1 statement
          create table a (n int)
    2  3.0/pre/01 test   in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    // It had come to its end: a release may be at work.
    assert_snapshot!(planned(&fixture.replace("install", "install complete")), @"
    refused[M0210]: 2.0/post/01 test is pending after a deploy, and no phase was chosen
       = pending before the deploy: 3.0/pre/01 test
       = pending after it: 2.0/post/01 test
       = before the deploy: migrate up --phase pre; after it: migrate up --phase post
       = with the service stopped: migrate up --phase all
    ");
    // Somebody chose a phase since.
    assert_snapshot!(planned(&format!("{fixture}\nrow up 3.0/pre/01\nrow forget 3.0/pre/01")), @"
    refused[M0210]: 2.0/post/01 test is pending after a deploy, and no phase was chosen
       = pending before the deploy: 3.0/pre/01 test
       = pending after it: 2.0/post/01 test
       = before the deploy: migrate up --phase pre; after it: migrate up --phase post
       = with the service stopped: migrate up --phase all
    ");
}

#[test]
fn a_database_from_which_everything_was_taken_back_is_as_new() {
    assert_snapshot!(planned(
        r"
        file 2.0/pre/01
        file 2.0/post/01
        row up 2.0/pre/01 complete
        row down 2.0/pre/01
        "
    ), @"
    1  2.0/pre/01 test   in a transaction, 1 statement
          create table a (n int)
    2  2.0/post/01 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
}
