//! Statements that were appended to an applied migration.

use insta::assert_snapshot;

use super::planned;

const APPLIED: &str = "row up 1 of:\"create table a (n int);\\ninsert into a values (1)\"";

#[test]
fn only_what_was_appended_runs() {
    let appended =
        "file 1 up:\"create table a (n int);\\n-- one\\ninsert into a  values (1);\\ninsert into a values (2)\"";
    assert_snapshot!(planned(&format!("{appended}\nfile 2\n{APPLIED}")), @r"
    error[M0110]: 1 test was changed after it was applied (2026-11-20)
      --> m/1_test.up.sql
       |   create table a (n int);
       | - insert into a values (1)
       | \ no newline at the end
       | + -- one
       | + insert into a  values (1);
       | + insert into a values (2)
       | \ no newline at the end
       = run what was appended, and nothing else: migrate up --amend 1
       = put the old text back:   migrate accept 1 --restore
       = or accept the new text:  migrate accept 1
    ");
    assert_snapshot!(planned(&format!("{appended}\nfile 2\n{APPLIED}\ngoal amend 1")), @"
    1  1 test  in a transaction, 1 statement; begins with statement 3 of 3, the first that was appended
          insert into a values (2)
    ");
    assert_snapshot!(planned(&format!("engine mysql\n{appended}\nfile 2\n{APPLIED}\ngoal amend 1")), @"
    1  1 test  journalled, 1 statement; begins with statement 3 of 3, the first that was appended
          insert into a values (2)
    ");
    // What was set for the session counts for the rest.
    let set = "file 1 up:\"set role owner; create table a (n int); create table b (n int)\"\n\
               row up 1 of:\"set role owner; create table a (n int)\"\ngoal amend 1";
    assert_snapshot!(planned(set), @"
    1  1 test  journalled, 1 statement; begins with statement 3 of 3, the first that was appended
          create table b (n int)
    then the set is complete
    ");
}

#[test]
fn whatever_else_was_changed_is_refused() {
    let changed = "file 1 up:\"create table a (m int);\\ninsert into a values (1); select 2\"";
    assert_snapshot!(planned(&format!("{changed}\n{APPLIED}\ngoal amend 1")), @r"
    error[M0204]: 1 test: the part that has already run was changed (2 statements had run)
      --> m/1_test.up.sql
       | - create table a (n int);
       | - insert into a values (1)
       | \ no newline at the end
       | + create table a (m int);
       | + insert into a values (1); select 2
       | \ no newline at the end
       = put that part of the file back as it was; only what has not run yet can be changed
    ");
    let shorter = "file 1 up:\"create table a (n int)\"";
    assert_snapshot!(planned(&format!("{shorter}\n{APPLIED}\ngoal amend 1")), @r"
    error[M0204]: 1 test: the part that has already run was changed (2 statements had run)
      --> m/1_test.up.sql
       | - create table a (n int);
       | - insert into a values (1)
       | \ no newline at the end
       | + create table a (n int)
       | \ no newline at the end
       = put that part of the file back as it was; only what has not run yet can be changed
    ");
    let comment = "file 1 up:\"create table a (n int);\\ninsert into a values (1) -- one\"";
    assert_snapshot!(planned(&format!("{comment}\n{APPLIED}")), @"
    nothing to do
    note[M0111]: 1 test was changed after it was applied, in white space or comments only
      --> m/1_test.up.sql
    ");
    assert_snapshot!(planned(&format!("{comment}\n{APPLIED}\ngoal amend 1")), @"
    refused[M0216]: 1 test has no statement that was not applied
       = if its text is meant to count as it is: migrate accept 1
    ");
    assert_snapshot!(planned("file 1\ngoal amend 1"), @"
    refused[M0216]: 1 test is not applied: all of it still runs
       = apply it with `migrate up`
    ");
    assert_snapshot!(planned("file 1\nrow up 1\ngoal amend 2"), @"
    refused[M0211]: there is no migration 2
       = there are: 1
    ");
    let masked = "file 1 up:\"select 1; select 2\"\nrow up 1 of:\"select 1\" stored:\"select '***'\"\ngoal amend 1";
    assert_snapshot!(planned(masked), @"
    refused[M0216]: 1 test was applied with a text that is not stored as it was, so nobody can tell what was appended
       = run it by hand, then accept the text: migrate accept 1
    ");
    assert_snapshot!(planned("file 1 up:\"select 1; select 2\"\nrow up 1 of:\"select 1\"\nrow up 2 failed\ngoal amend 1"), @"
    error[M0202]: 2 of another release: up failed at statement 1 of 1, and must be finished first
       = this set does not have that migration: finish it with the release that has it
       = or, once all of it is done by hand: migrate resolve 2 --applied
       = or, once it is undone by hand:      migrate resolve 2 --not-applied
    ");
}
