//! Statements that were appended to an applied migration.

use insta::assert_snapshot;

use super::planned;

const APPLIED: &str = "row up 1 of:\"create table a (n int);\\ninsert into a values (1)\"";

#[test]
fn only_what_was_appended_runs() {
    let appended =
        "file 1 up:\"create table a (n int);\\n-- one\\ninsert into a  values (1);\\ninsert into a values (2)\"";
    assert_snapshot!(planned(&format!("{appended}\nfile 2\n{APPLIED}")), @"");
    assert_snapshot!(planned(&format!("{appended}\nfile 2\n{APPLIED}\ngoal amend 1")), @"");
    assert_snapshot!(planned(&format!("engine mysql\n{appended}\nfile 2\n{APPLIED}\ngoal amend 1")), @"");
    // What was set for the session counts for the rest.
    let set = "file 1 up:\"set role owner; create table a (n int); create table b (n int)\"\n\
               row up 1 of:\"set role owner; create table a (n int)\"\ngoal amend 1";
    assert_snapshot!(planned(set), @"");
}

#[test]
fn whatever_else_was_changed_is_refused() {
    let changed = "file 1 up:\"create table a (m int);\\ninsert into a values (1); select 2\"";
    assert_snapshot!(planned(&format!("{changed}\n{APPLIED}\ngoal amend 1")), @"");
    let shorter = "file 1 up:\"create table a (n int)\"";
    assert_snapshot!(planned(&format!("{shorter}\n{APPLIED}\ngoal amend 1")), @"");
    let comment = "file 1 up:\"create table a (n int);\\ninsert into a values (1) -- one\"";
    assert_snapshot!(planned(&format!("{comment}\n{APPLIED}")), @"");
    assert_snapshot!(planned(&format!("{comment}\n{APPLIED}\ngoal amend 1")), @"");
    assert_snapshot!(planned("file 1\ngoal amend 1"), @"");
    assert_snapshot!(planned("file 1\nrow up 1\ngoal amend 2"), @"");
    let masked = "file 1 up:\"select 1; select 2\"\nrow up 1 of:\"select 1\" stored:\"select '***'\"\ngoal amend 1";
    assert_snapshot!(planned(masked), @"");
    assert_snapshot!(planned("file 1 up:\"select 1; select 2\"\nrow up 1 of:\"select 1\"\nrow up 2 failed\ngoal amend 1"), @"");
}
