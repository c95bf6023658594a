//! Order: what runs first, and what comes late.

use insta::assert_snapshot;

use super::planned;

#[test]
fn everything_pending_runs_in_the_order_of_identities() {
    assert_snapshot!(planned(
        r#"
        file R view up:"create view v as select 1"
        file 10 up:"create table c (n int)"
        file 2.1.0/pre/02 up:"create table b (n int); create index i on b (n)"
        file 1 up:"create table a (n int)"
        file 2.1.0/pre/10 up:"create index concurrently j on b (n)"
        file 2.1.0/post/01 up:"drop table a"
        "#
    ), @"
    1  1 test              in a transaction, 1 statement
          create table a (n int)
    2  2.1.0/pre/02 test   in a transaction, 2 statements
          create table b (n int)
          create index i on b (n)
    3  2.1.0/pre/10 test   journalled, 1 statement
          create index concurrently j on b (n)
    4  2.1.0/post/01 test  in a transaction, 1 statement; destructive
          drop table a
    5  10 test             in a transaction, 1 statement
          create table c (n int)
    6  R view              in a transaction, 1 statement
          create view v as select 1
    then the set is complete
    ");
}

#[test]
fn what_is_applied_does_not_run_again() {
    assert_snapshot!(planned(
        r"
        file 1
        file 2
        row up 1
        "
    ), @"
    1  2 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    assert_snapshot!(planned(
        r"
        file 1
        row up 1
        "
    ), @"nothing to do");
    assert_snapshot!(planned(""), @"nothing to do");
}

const LATE: &str = r"
    file 1
    file 2 late
    file 3 also_late
    file 4
    row up 1
    row up 4
";

#[test]
fn a_pending_one_below_an_applied_one_is_refused() {
    assert_snapshot!(planned(LATE), @"
    refused[M0201]: 2 late, 3 also late are not applied, but 4 already is
      --> m/2_late.up.sql
       = give the files versions above 4
       = or, if they do not depend on the order: migrate up --out-of-order 2 --out-of-order 3
    ");
}

#[test]
fn the_layouts_own_tool_may_run_it_unless_a_policy_says_otherwise() {
    let late = format!("{LATE}\nlayout sqlx");
    assert_snapshot!(planned(&late), @"
    1  2 late       in a transaction, 1 statement
          create table a (n int)
    2  3 also late  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    assert_snapshot!(planned(&format!("{late}\npolicy out-of-order=refuse")), @"
    refused[M0201]: 2 late, 3 also late are not applied, but 4 already is
      --> m/2_late.up.sql
       = give the files versions above 4
       = or, if they do not depend on the order: migrate up --out-of-order 2 --out-of-order 3
    ");
    assert_snapshot!(planned(&format!("{LATE}\nlayout golang-migrate")), @"
    refused[M0201]: 2 late, 3 also late are not applied, but 4 already is
      --> m/2_late.up.sql
       = give the files versions above 4
       = or, if they do not depend on the order: migrate up --out-of-order 2 --out-of-order 3
    ");
    // No tool of these knows a baseline: what appears below one is asked about.
    let below = "layout sqlx\nfile 1\nfile 2\nfile 3\nrow baseline 1\nrow baseline 3 origin:floor\nrow up 3";
    assert_snapshot!(planned(below), @"
    refused[M0201]: 2 test is not applied, but the baseline 3 already is
      --> m/2_test.up.sql
       = give the file a version above the baseline 3
       = or, if it does not depend on the order: migrate up --out-of-order 2
    ");
}

#[test]
fn permission_is_by_identity_or_for_all() {
    assert_snapshot!(planned(&format!("{LATE}\npolicy out-of-order=2")), @"
    refused[M0201]: 3 also late is not applied, but 4 already is
      --> m/3_also_late.up.sql
       = give the file a version above 4
       = or, if it does not depend on the order: migrate up --out-of-order 3
    ");
    assert_snapshot!(planned(&format!("{LATE}\npolicy out-of-order=all")), @"
    1  2 late       in a transaction, 1 statement
          create table a (n int)
    2  3 also late  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
}

#[test]
fn an_attempt_that_is_not_over_counts_as_applied() {
    assert_snapshot!(planned(
        r#"
        file 1
        file 2 late
        file 3 up:"create index concurrently i on a (n); create table c (n int)"
        row up 1
        row up 3 failed at:1
        "#
    ), @"
    refused[M0201]: 2 late is not applied, but 3 was begun already
      --> m/2_late.up.sql
       = give the file a version above 3
       = or, if it does not depend on the order: migrate up --out-of-order 2
    ");
}

#[test]
fn a_file_below_the_baseline_that_it_does_not_name_is_late() {
    let fixture = r"
        file 1
        file 2 late
        file 3
        row baseline 1
        row baseline 3
        row baseline 3 origin:floor
    ";
    assert_snapshot!(planned(fixture), @"
    refused[M0201]: 2 late is not applied, but 3 already is
      --> m/2_late.up.sql
       = give the file a version above 3
       = or, if it does not depend on the order: migrate up --out-of-order 2
    ");
    let only_the_floor = r"
        file 2 late
        file 4
        row baseline 3 origin:floor
    ";
    assert_snapshot!(planned(only_the_floor), @"
    refused[M0201]: 2 late is not applied, but the baseline 3 already is
      --> m/2_late.up.sql
       = give the file a version above the baseline 3
       = or, if it does not depend on the order: migrate up --out-of-order 2
    ");
}

#[test]
fn what_the_baseline_names_can_be_taken_back_and_applied_again() {
    assert_snapshot!(planned(
        r"
        file 1
        file 2
        row baseline 1
        row baseline 2
        row baseline 2 origin:floor
        row down 2
        "
    ), @"
    1  2 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
}

#[test]
fn an_optional_one_stands_outside_until_it_is_included() {
    let fixture = r"
        file 1
        file 2 extra optional:extra
        file 3
        row up 1
        row up 3
    ";
    assert_snapshot!(planned(fixture), @"nothing to do");
    assert_snapshot!(planned(&format!("{fixture}\npolicy include=extra")), @"
    1  2 extra  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    let applied_and_changed = r#"
        file 1
        file 2 extra optional:extra
        row up 1
        row up 2 of:"select 1"
    "#;
    assert_snapshot!(planned(applied_and_changed), @r"
    error[M0110]: 2 extra was changed after it was applied (2026-11-20)
      --> m/2_extra.up.sql
       | - select 1
       | \ no newline at the end
       | + -- migrate:optional extra
       | + create table a (n int)
       | \ no newline at the end
       = put the old text back:   migrate accept 2 --restore
       = or accept the new text:  migrate accept 2
    ");
}

#[test]
fn rows_of_other_components_do_not_count() {
    assert_snapshot!(planned(
        r"
        file 1
        row up 1 component:queue
        row up 9 component:queue failed
        objects users
        "
    ), @"
    1  1 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
}

#[test]
fn a_missing_row_stops_everything() {
    assert_snapshot!(planned(
        r"
        file 1
        file 2
        row up 1
        row up 2 seq:3
        "
    ), @"
    error[M0218]: the history has a gap: row 2 is missing
       = rows are never deleted by migrate: somebody removed it by hand
       = bring it back from a backup of the history table; see what is left with `migrate history`
    ");
}
