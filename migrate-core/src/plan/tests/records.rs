//! Rows without a script: baseline, resolve, accept.

use insta::assert_snapshot;

use super::planned;

#[test]
fn a_baseline_is_a_row_for_each_migration_and_one_for_the_version() {
    assert_snapshot!(planned("file 1\nfile 2\nfile 3\nfile R view\ngoal baseline 2"), @"
    1  baseline 1 test      recorded, nothing runs
    2  baseline 2 test      recorded, nothing runs
    3  baseline 2 baseline  recorded, nothing runs
    ");
    assert_snapshot!(planned("file 5\ngoal baseline 4"), @"1  baseline 4 baseline  recorded, nothing runs");
    assert_snapshot!(planned("file 1\nfile 3\ngoal baseline 2"), @"
    refused[M0211]: there is no migration 2
       = there are: 1, 3
    ");
}

#[test]
fn a_baseline_is_for_a_database_without_a_history() {
    assert_snapshot!(planned("file 1\nrow up 1\ngoal baseline 1"), @"
    refused[M0216]: the history already has 1: a baseline is only for a database without one
       = see what it has with `migrate history`
    ");
    assert_snapshot!(planned("file 5\nrow baseline 4 origin:floor\ngoal baseline 4"), @"
    refused[M0216]: the history already has the baseline 4: a baseline is only for a database without one
       = see what it has with `migrate history`
    ");
    assert_snapshot!(planned("file 1\nrow up 1 failed error:\"no such table\"\ngoal baseline 1"), @r"
    error[M0202]: 1 test: up failed at statement 1 of 1, and must be finished first
       = the server said: no such table
       = finish it: migrate up --to 1
       = or, once all of it is done by hand: migrate resolve 1 --applied
       = or, once it is undone by hand:      migrate resolve 1 --not-applied
    ");
}

#[test]
fn an_optional_one_is_baselined_if_it_is_included() {
    assert_snapshot!(planned("file 1\nfile 2 extra optional:x\ngoal baseline 2"), @"
    1  baseline 1 test      recorded, nothing runs
    2  baseline 2 baseline  recorded, nothing runs
    then the set is complete
    ");
    assert_snapshot!(planned("file 1\nfile 2 extra optional:x\npolicy include=x\ngoal baseline 2"), @"
    1  baseline 1 test      recorded, nothing runs
    2  baseline 2 extra     recorded, nothing runs
    3  baseline 2 baseline  recorded, nothing runs
    then the set is complete
    ");
}

#[test]
fn what_was_done_by_hand_is_resolved_as_applied() {
    assert_snapshot!(planned("file 1\ngoal resolve 1 --applied"), @"
    1  resolve 1 test  recorded, nothing runs
    then the set is complete
    ");
    assert_snapshot!(planned("file 1\nrow up 1 failed\ngoal resolve 1 --applied"), @"
    1  resolve 1 test  recorded, nothing runs
    then the set is complete
    ");
    assert_snapshot!(planned("file 1\nrow up 1\ngoal resolve 1 --applied"), @"
    refused[M0216]: 1 test is applied already
       = see the history with `migrate history`
    ");
    assert_snapshot!(planned("file 1\ngoal resolve 7 --applied"), @"
    refused[M0211]: there is no migration 7
       = there are: 1
    ");
    // An attempt that only another release has can be resolved both ways.
    assert_snapshot!(planned("file 1\nrow up 7 failed\ngoal resolve 7 --applied"), @"1  resolve 7 of another release  recorded, nothing runs");
}

#[test]
fn what_was_undone_by_hand_is_resolved_as_not_applied() {
    assert_snapshot!(planned("file 1\nrow up 1\ngoal resolve 1 --not-applied"), @"1  forget 1 test  recorded, nothing runs");
    assert_snapshot!(planned("file 1\nrow up 1 failed\ngoal resolve 1 --not-applied"), @"1  forget 1 test  recorded, nothing runs");
    assert_snapshot!(planned("file 1\nrow up 7 in_flight\ngoal resolve 7 --not-applied"), @"1  forget 7 of another release  recorded, nothing runs");
    assert_snapshot!(planned("file 1\ngoal resolve 1 --not-applied"), @"
    refused[M0216]: 1 test is not applied, and no attempt at it is open
       = see where everything stands with `migrate status`
    ");
    assert_snapshot!(planned("file 1\ngoal resolve 7 --not-applied"), @"
    refused[M0211]: there is no migration 7
       = there are: 1
    ");
}

const RENAMED: &str = r#"
    file 3 up:"select 3"
    manifest [migration.3]
    manifest renamed-from = ["2"]
    row up 2 of:"select 2"
"#;

#[test]
fn a_renamed_one_is_found_under_its_old_name() {
    assert_snapshot!(planned(&format!("{RENAMED}\ngoal resolve 3 --applied")), @"
    refused[M0216]: 3 test is applied already as 2
       = see the history with `migrate history`
    ");
    assert_snapshot!(planned(&format!("{RENAMED}\ngoal resolve 3 --not-applied")), @"1  forget 2 of another release  recorded, nothing runs");
    assert_snapshot!(planned(&format!("{RENAMED}\ngoal accept 3")), @r"
    1  accept 2 test  recorded, nothing runs
    then the set is complete
    note[M0110]: 3 test: this is accepted, and runs nowhere
      --> m/3_test.up.sql
       | - select 2
       | \ no newline at the end
       | + select 3
       | \ no newline at the end
    ");
}

#[test]
fn a_changed_text_is_accepted() {
    assert_snapshot!(planned("file 1 up:\"select 2\"\nrow up 1 of:\"select 1\"\ngoal accept 1"), @r"
    1  accept 1 test  recorded, nothing runs
    then the set is complete
    note[M0110]: 1 test: this is accepted, and runs nowhere
      --> m/1_test.up.sql
       | - select 1
       | \ no newline at the end
       | + select 2
       | \ no newline at the end
    ");
    assert_snapshot!(planned("file 1\nrow up 1\ngoal accept 1"), @"
    refused[M0216]: 1 test is applied with exactly this text
       = there is nothing to accept
    ");
    assert_snapshot!(planned("file 1\ngoal accept 1"), @"
    refused[M0216]: 1 test is not applied: its text can still change freely
       = apply it with `migrate up`
    ");
    assert_snapshot!(planned("file 1\ngoal accept 2"), @"
    refused[M0211]: there is no migration 2
       = there are: 1
    ");
    // Only the way back is another.
    assert_snapshot!(planned("file 1 down:\"drop table b\"\nrow up 1 down:\"drop table a\"\ngoal accept 1"), @"
    1  refresh 1 test  recorded, nothing runs
    then the set is complete
    ");
}

#[test]
fn accepting_does_not_end_an_attempt_that_is_not_over() {
    assert_snapshot!(planned(
        r#"
        file 1 up:"select 2"
        file 2
        row up 1 of:"select 1"
        row up 2 failed
        row accept 1 of:"select 2"
        "#
    ), @"
    1  2 test  journalled, 1 statement; goes on with statement 1 of 1
          create table a (n int)
    then the set is complete
    ");
}
