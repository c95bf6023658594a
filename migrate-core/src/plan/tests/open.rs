//! Attempts that are not over.

use insta::assert_snapshot;

use super::planned;

const THREE: &str = r#"
    engine mysql
    file 1
    file 2 wide up:"create table b (n int); create table c (n int); create table d (n int)"
    file 3
    row up 1
"#;

#[test]
fn after_a_failure_it_goes_on_where_it_stopped() {
    assert_snapshot!(planned(&format!("{THREE}\nrow up 2 failed at:1")), @"
    1  2 wide  journalled, 2 statements; goes on with statement 2 of 3
          create table c (n int)
          create table d (n int)
    2  3 test  journalled, 1 statement
          create table a (n int)
    then the set is complete
    ");
    assert_snapshot!(planned(&format!("{THREE}\nrow up 2 interrupted at:2")), @"
    1  2 wide  journalled, 1 statement; goes on with statement 3 of 3
          create table d (n int)
    2  3 test  journalled, 1 statement
          create table a (n int)
    then the set is complete
    ");
    assert_snapshot!(planned(&format!("{THREE}\nrow up 2 failed at:0")), @"
    1  2 wide  journalled, 3 statements; goes on with statement 1 of 3
          create table b (n int)
          create table c (n int)
          create table d (n int)
    2  3 test  journalled, 1 statement
          create table a (n int)
    then the set is complete
    ");
}

#[test]
fn what_was_in_flight_is_settled_before_it_goes_on() {
    assert_snapshot!(planned(&format!("{THREE}\nrow up 2 in_flight at:1 noted")), @"
    1  2 wide  journalled, 2 statements; goes on with statement 2 of 3, unless that has run
          create table c (n int)
          create table d (n int)
    2  3 test  journalled, 1 statement
          create table a (n int)
    then the set is complete
    ");
    assert_snapshot!(planned(&format!("{THREE}\nrow up 2 in_flight at:3")), @"
    1  2 wide  journalled, 0 statements; all statements have run, which is written down
    2  3 test  journalled, 1 statement
          create table a (n int)
    then the set is complete
    ");
}

#[test]
fn only_what_has_not_run_can_be_changed() {
    let ran = |text: &str| format!("{THREE}\nrow up 2 failed at:2 of:\"{text}\"");
    assert_snapshot!(planned(&ran("create table b (n int); create table c (n int); creat table d")), @"
    1  2 wide  journalled, 1 statement; goes on with statement 3 of 3
          create table d (n int)
    2  3 test  journalled, 1 statement
          create table a (n int)
    then the set is complete
    ");
    assert_snapshot!(planned(&ran("create table b (x int); create table c (n int); creat table d")), @r"
    error[M0204]: 2 wide: the part that has already run was changed (2 statements had run)
      --> m/2_wide.up.sql
       | - create table b (x int); create table c (n int); creat table d
       | \ no newline at the end
       | + create table b (n int); create table c (n int); create table d (n int)
       | \ no newline at the end
       = put that part of the file back as it was; only what has not run yet can be changed
    ");
    // In flight as well, and where the text is not stored.
    let stored = "create table x (n int); create table c (n int)";
    assert_snapshot!(planned(&format!("{THREE}\nrow up 2 in_flight at:1 unstored of:\"{stored}\"")), @"
    error[M0204]: 2 wide: the part that has already run was changed (1 statement had run)
      --> m/2_wide.up.sql
       = put that part of the file back as it was; only what has not run yet can be changed
    ");
}

#[test]
fn the_rest_can_be_gone() {
    let gone = r#"
        engine mysql
        file 1 up:"create table b (n int); create table c (n int)"
        row up 1 failed at:2 of:"create table b (n int); create table c (n int); creat table d"
    "#;
    assert_snapshot!(planned(gone), @"
    1  1 test  journalled, 0 statements; all statements have run, which is written down
    then the set is complete
    ");
}

#[test]
fn a_renamed_attempt_goes_on_and_does_not_run_again_under_its_new_name() {
    assert_snapshot!(planned(
        r#"
        engine mysql
        file 2 up:"create table b (n int); create table c (n int)"
        manifest [migration.2]
        manifest renamed-from = ["1"]
        row up 1 failed at:1 of:"create table b (n int); create table c (n int)"
        "#
    ), @"
    1  1 test  journalled, 1 statement; goes on with statement 2 of 2
          create table c (n int)
    then the set is complete
    ");
}

#[test]
fn it_counts_as_one_of_so_many_steps() {
    assert_snapshot!(planned(&format!("{THREE}\nrow up 2 failed at:2\ngoal up --steps 1")), @"
    1  2 wide  journalled, 1 statement; goes on with statement 3 of 3
          create table d (n int)
    ");
}

#[test]
fn nothing_goes_on_that_the_goal_does_not_reach() {
    assert_snapshot!(planned(&format!("{THREE}\nrow up 2 failed at:1 error:\"no space left\"\ngoal up --to 1")), @r#"
    error[M0202]: 2 wide: up failed at statement 2 of 3, and must be finished first
       = the server said: no space left
       = finish it: migrate up --to 2
       = or, once all of it is done by hand: migrate resolve 2 --applied
       = or, once it is undone by hand:      migrate resolve 2 --not-applied
    "#);
    let post = r"
        file 1.0/pre/01
        file 1.0/post/01
        row up 1.0/pre/01
        row up 1.0/post/01 in_flight
        goal up --phase pre
    ";
    assert_snapshot!(planned(post), @r#"
    error[M0202]: 1.0/post/01 test: up was at statement 1 of 1 when it was last heard of, and must be finished first
       = finish it: migrate up --to 1.0/post/01
       = or, once all of it is done by hand: migrate resolve 1.0/post/01 --applied
       = or, once it is undone by hand:      migrate resolve 1.0/post/01 --not-applied
    "#);
}

#[test]
fn one_of_another_release_blocks_under_every_policy() {
    let fixture = "file 1\nrow up 1\nrow up 9 interrupted";
    let blocked = planned(fixture);
    assert_snapshot!(blocked, @r#"
    error[M0202]: 9 of another release: up was stopped before statement 1 of 1, and must be finished first
       = this set does not have that migration: finish it with the release that has it
       = or, once all of it is done by hand: migrate resolve 9 --applied
       = or, once it is undone by hand:      migrate resolve 9 --not-applied
    "#);
    for policy in ["tolerate", "refuse", "downgrade"] {
        assert_eq!(planned(&format!("{fixture}\npolicy on-ahead={policy}")), blocked);
    }
}

#[test]
fn a_way_down_is_finished_and_then_everything_goes_up() {
    let fixture = r#"
        engine mysql
        file 1
        file 2 down:"drop table b; drop table c"
        row up 1
        row up 2
        row down 2 interrupted at:1
    "#;
    assert_snapshot!(planned(fixture), @"
    1  down 2 test  journalled, 1 statement; goes on with statement 2 of 2; destructive
          drop table c
    2  2 test       journalled, 1 statement
          create table a (n int)
    then the set is complete
    ");
    assert_snapshot!(planned(&format!("{fixture}\ngoal up --to 1")), @"
    1  down 2 test  journalled, 1 statement; goes on with statement 2 of 2; destructive
          drop table c
    ");
}

#[test]
fn an_open_downgrade_goes_on_only_as_one_and_upgrades_nothing() {
    let fixture = r#"
        file 1
        file 2
        row up 1
        row up 8 down:"drop table b"
        row up 9 down:"drop table c; drop table d"
        row down 9 failed at:1 of:"drop table c; drop table d"
    "#;
    assert_snapshot!(planned(fixture), @r#"
    error[M0202]: 9 of another release: down failed at statement 2 of 2, and must be finished first
       = this set does not have that migration: finish it with the release that has it, or with the stored down script: migrate up --allow-downgrade
       = or, once all of it is done by hand: migrate resolve 9 --applied
       = or, once it is undone by hand:      migrate resolve 9 --not-applied
    "#);
    assert_snapshot!(planned(&format!("{fixture}\npolicy on-ahead=downgrade")), @"
    1  down 9 of another release  journalled, 1 statement; goes on with statement 2 of 2; destructive
          drop table d
    2  down 8 of another release  in a transaction, 1 statement; destructive
          drop table b
    ");
    let last = fixture.replace("row up 8 down:\"drop table b\"", "");
    assert_snapshot!(planned(&format!("{last}\npolicy on-ahead=downgrade")), @"
    1  down 9 of another release  journalled, 1 statement; goes on with statement 2 of 2; destructive
          drop table d
    ");
}

#[test]
fn a_repeatable_goes_on_too() {
    assert_snapshot!(planned(
        r#"
        engine mysql
        file 1
        file R view up:"create view v as select 1; create view w as select 1"
        row up R view failed at:1
        "#
    ), @"
    1  R view  journalled, 1 statement; goes on with statement 2 of 2
          create view w as select 1
    2  1 test  journalled, 1 statement
          create table a (n int)
    then the set is complete
    ");
}
