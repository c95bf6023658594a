//! Gates: where an upgrade must have been, and where it must stop.

use insta::assert_snapshot;

use super::planned;

const MINIMUM: &str = r#"
    file 2.0
    file 3.0
    manifest minimum = "2.0"
    manifest [release."2.0"]
    manifest url = "https://example.org/2.0"
"#;

#[test]
fn a_database_below_the_minimum_is_refused() {
    assert_snapshot!(planned(&format!("{MINIMUM}\nrow up 1.0")), @"
    refused[M0209]: the database is at 1.0, and this release starts from 2.0
       = upgrade to 2.0 with its own release first: https://example.org/2.0
    ");
    assert_snapshot!(planned(&format!("{MINIMUM}\nrow up 2.0")), @"
    1  3.0 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
}

#[test]
fn an_empty_database_has_no_minimum_until_the_install_ended() {
    assert_snapshot!(planned(MINIMUM), @"
    1  2.0 test  in a transaction, 1 statement
          create table a (n int)
    2  3.0 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    let install = r#"
        file 1.0
        file 2.0
        manifest minimum = "2.0"
        row up 1.0 origin:install
    "#;
    assert_snapshot!(planned(install), @"
    1  2.0 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
}

#[test]
fn a_baseline_reaches_the_minimum() {
    assert_snapshot!(planned(&format!("{MINIMUM}\nrow baseline 2.0\nrow baseline 2.0 origin:floor")), @"
    1  3.0 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
}

const STOPS: &str = r#"
    file 1.0
    file 2.0
    file 2.0/pre/05
    file 3.0
    file 3.1
    manifest stops = ["3.0", "2.0"]
    manifest [release."2.0"]
    manifest url = "https://example.org/2.0"
"#;

#[test]
fn an_upgrade_does_not_pass_a_stop() {
    assert_snapshot!(planned(&format!("{STOPS}\nrow up 1.0")), @"
    refused[M0209]: the database is at 1.0, and an upgrade stops at 2.0 first, so that this release runs once
       = the route: 2.0, then 3.0, then 3.1
       = next: migrate up --to 2.0, then deploy 2.0 (https://example.org/2.0)
    ");
    assert_snapshot!(planned(&format!("{STOPS}\nrow up 1.0\ngoal up --to 2.0")), @"
    1  2.0 test         in a transaction, 1 statement
          create table a (n int)
    2  2.0/pre/05 test  in a transaction, 1 statement
          create table a (n int)
    ");
    assert_snapshot!(planned(&format!("{STOPS}\nrow up 1.0\nrow up 2.0\nrow up 2.0/pre/05")), @"
    refused[M0209]: the database is at 2.0, and an upgrade stops at 3.0 first, so that this release runs once
       = the route: 3.0, then 3.1
       = next: migrate up --to 3.0, then deploy 3.0
    ");
    // A stop that is reached in part is not reached.
    assert_snapshot!(planned(&format!("{STOPS}\nrow up 1.0\nrow up 2.0\ngoal up --to 3.0")), @"
    refused[M0209]: the database is at a part of 2.0, and an upgrade stops at 2.0 first, so that this release runs once
       = the route: 2.0, then 3.0
       = next: migrate up --to 2.0, then deploy 2.0 (https://example.org/2.0)
    ");
}

#[test]
fn a_stop_that_ships_nothing_is_reached_by_its_deploy() {
    let fixture = r#"
        file 1.0
        file 1.1
        file 3.0
        manifest stops = ["2.0"]
        manifest [release."2.0"]
        manifest notes = "moves the files"
        row up 1.0
    "#;
    assert_snapshot!(planned(fixture), @"
    refused[M0209]: the database is at 1.0, and an upgrade stops at 2.0 first, so that this release runs once
       = the route: 2.0, then 3.0
       = next: migrate up --to 1.1, then deploy 2.0
       = once it is: the same command with --deployed 2.0
       = notes on 2.0: moves the files
    ");
    assert_snapshot!(planned(&format!("{fixture}\nrow up 1.1")), @"
    refused[M0209]: the database is at 1.1, and an upgrade stops at 2.0 first, so that this release runs once
       = the route: 2.0, then 3.0
       = next: deploy 2.0
       = once it is: the same command with --deployed 2.0
       = notes on 2.0: moves the files
    ");
    assert_snapshot!(planned(&format!("{fixture}\nrow up 1.1\npolicy deployed=2.0.3")), @"
    1  3.0 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    // The next release cannot say that the one before it ran.
    assert_snapshot!(planned(&format!("{fixture}\nrow up 1.1\npolicy deployed=3.0")), @"
    refused[M0209]: the database is at 1.1, and an upgrade stops at 2.0 first, so that this release runs once
       = the route: 2.0, then 3.0
       = next: deploy 2.0
       = once it is: the same command with --deployed 2.0
       = notes on 2.0: moves the files
    ");
}

#[test]
fn an_empty_database_has_no_stops() {
    assert_snapshot!(planned(STOPS), @"
    1  1.0 test         in a transaction, 1 statement
          create table a (n int)
    2  2.0 test         in a transaction, 1 statement
          create table a (n int)
    3  2.0/pre/05 test  in a transaction, 1 statement
          create table a (n int)
    4  3.0 test         in a transaction, 1 statement
          create table a (n int)
    5  3.1 test         in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
}

#[test]
fn a_migration_can_need_a_version_before_it() {
    let fixture = r"
        file 1.0
        file 3.0 needs:2.0
    ";
    assert_snapshot!(planned(&format!("{fixture}\nrow up 1.0")), @"
    refused[M0209]: 3.0 test: needs 2.0 first, and the database would be at 1.0
       = bring it to 2.0 first, with the release that does that, then run the same command again
    ");
    assert_snapshot!(planned(fixture), @"
    refused[M0209]: 3.0 test: needs 2.0 first, and the database would be at 1.0
       = bring it to 2.0 first, with the release that does that, then run the same command again
    ");
    // Reached in the same run, or by what goes on first.
    assert_snapshot!(planned(&format!("{fixture}\nfile 2.0\nrow up 1.0")), @"
    1  2.0 test  in a transaction, 1 statement
          create table a (n int)
    2  3.0 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    assert_snapshot!(planned(&format!("{fixture}\nfile 2.0\nrow up 1.0\nrow up 2.0 interrupted")), @"
    1  2.0 test  journalled, 1 statement; goes on with statement 1 of 1
          create table a (n int)
    2  3.0 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    // What the goal does not reach needs nothing.
    assert_snapshot!(planned("file 1.0\nfile 1.5\nfile 3.0 needs:2.0\nrow up 1.0\ngoal up --steps 1"), @"
    1  1.5 test  in a transaction, 1 statement
          create table a (n int)
    ");
}
