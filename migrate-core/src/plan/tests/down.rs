//! Ways back: which, from where, and in which order.

use insta::assert_snapshot;

use super::planned;

const THREE: &str = r#"
    file 1 down:"drop table a"
    file 2 down:"drop table b"
    file 3 down:"drop table c"
    row up 1
    row up 2
    row up 3
"#;

#[test]
fn ways_back_run_highest_first() {
    assert_snapshot!(planned(&format!("{THREE}\ngoal down --steps 2")), @"
    1  down 3 test  in a transaction, 1 statement; destructive
          drop table c
    2  down 2 test  in a transaction, 1 statement; destructive
          drop table b
    ");
    assert_snapshot!(planned(&format!("{THREE}\ngoal down --to 1")), @"
    1  down 3 test  in a transaction, 1 statement; destructive
          drop table c
    2  down 2 test  in a transaction, 1 statement; destructive
          drop table b
    ");
    assert_snapshot!(planned(&format!("{THREE}\ngoal down empty")), @"
    1  down 3 test  in a transaction, 1 statement; destructive
          drop table c
    2  down 2 test  in a transaction, 1 statement; destructive
          drop table b
    3  down 1 test  in a transaction, 1 statement; destructive
          drop table a
    ");
    assert_snapshot!(planned(&format!("{THREE}\ngoal down --to 3")), @"nothing to do");
    assert_snapshot!(planned("file 1\ngoal down empty"), @"nothing to do");
}

#[test]
fn a_target_must_be_applied() {
    assert_snapshot!(planned("file 1\nfile 2\nrow up 1\ngoal down --to 2"), @"
    refused[M0211]: there is no migration 2 among what is applied
       = there are: 1
    ");
    // The version of a baseline is a place too.
    assert_snapshot!(planned("file 5 down:\"drop table a\"\nrow baseline 4 origin:floor\nrow up 5\ngoal down --to 4"), @"
    1  down 5 test  in a transaction, 1 statement; destructive
          drop table a
    ");
}

#[test]
fn what_was_stored_runs_and_a_differing_file_is_shown() {
    assert_snapshot!(planned(
        r#"
        file 1 down:"drop table a cascade"
        row up 1 down:"drop table a"
        goal down --steps 1
        "#
    ), @r"
    1  down 1 test  in a transaction, 1 statement; destructive
          drop table a
    warning[M0112]: 1 test: the file's way back is not the stored one
      --> m/1_test.down.sql
       | - drop table a
       | \ no newline at the end
       | + drop table a cascade
       | \ no newline at the end
       = the stored one runs: it belongs to what was applied
       = to run the file's instead, store it first: migrate accept 1
    ");
}

#[test]
fn a_reformatted_way_back_is_no_difference() {
    assert_snapshot!(planned(
        r#"
        file 1 down:"-- away\ndrop table a;"
        row up 1 down:"drop table a"
        goal down --steps 1
        "#
    ), @"
    1  down 1 test  in a transaction, 1 statement; destructive
          drop table a
    ");
}

#[test]
fn the_file_serves_where_none_was_stored() {
    assert_snapshot!(planned("file 1 down:\"drop table a\"\nrow up 1 no-down\ngoal down --steps 1"), @"
    1  down 1 test  in a transaction, 1 statement; destructive
          drop table a
    ");
}

#[test]
fn a_way_back_is_needed() {
    assert_snapshot!(planned("file 1\nrow up 1\ngoal down --steps 1"), @"
    refused[M0206]: 1 test: there is no way back: it has no down script
      --> m/1_test.up.sql
       = nothing was run
       = write a new migration that changes what must change, or restore a backup
    ");
    assert_snapshot!(planned("file 1 irreversible:\"the column is gone\"\nrow up 1\ngoal down --steps 1"), @"
    refused[M0206]: 1 test: there is no way back: it is irreversible: the column is gone
      --> m/1_test.up.sql
       = nothing was run
       = write a new migration that changes what must change, or restore a backup
    ");
    // Whatever was stored: its author says now that it does not lead back.
    assert_snapshot!(planned(
        "file 1 irreversible:\"rows were merged\"\nrow up 1 down:\"drop table a\"\ngoal down --steps 1"
    ), @"
    refused[M0206]: 1 test: there is no way back: it is irreversible: rows were merged
      --> m/1_test.up.sql
       = nothing was run
       = write a new migration that changes what must change, or restore a backup
    ");
}

#[test]
fn what_another_release_applied_goes_back_with_its_own_copy() {
    assert_snapshot!(planned("file 1\nrow up 1\nrow up 9 down:\"drop table c\"\ngoal down --steps 1"), @"
    1  down 9 of another release  in a transaction, 1 statement; destructive
          drop table c
    then the set is complete
    ");
}

#[test]
fn repeatables_stay_unless_everything_goes() {
    let fixture = r#"
        file 1 down:"drop table a"
        file R a up:"create view va as select 1" down:"drop view va" requires:b
        file R b up:"create view vb as select 1" down:"drop view vb"
        file R c up:"create or replace view vc as select 1"
        row up 1
        row up R b
        row up R a
        row up R c
    "#;
    assert_snapshot!(planned(&format!("{fixture}\ngoal down --steps 1")), @"
    1  down 1 test  in a transaction, 1 statement; destructive
          drop table a
    ");
    assert_snapshot!(planned(&format!("{fixture}\ngoal down empty")), @"
    1  forget R c   recorded, nothing runs
    2  down R a     in a transaction, 1 statement; destructive
          drop view va
    3  down R b     in a transaction, 1 statement; destructive
          drop view vb
    4  down 1 test  in a transaction, 1 statement; destructive
          drop table a
    ");
}

const OPEN: &str = r#"
    engine mysql
    file 1 down:"drop table a"
    file 2 down:"drop table b; drop table c"
    row up 1
    row up 2
"#;

#[test]
fn an_open_way_back_is_finished_first() {
    assert_snapshot!(planned(&format!("{OPEN}\nrow down 2 failed at:1\ngoal down empty")), @"
    1  down 2 test  journalled, 1 statement; goes on with statement 2 of 2; destructive
          drop table c
    2  down 1 test  journalled, 1 statement; destructive
          drop table a
    ");
    assert_snapshot!(planned(&format!("{OPEN}\nrow down 2 failed at:1\ngoal down --steps 1")), @"
    1  down 2 test  journalled, 1 statement; goes on with statement 2 of 2; destructive
          drop table c
    ");
    assert_snapshot!(planned(&format!("{OPEN}\nrow down 2 failed at:1\ngoal down --to 2")), @r#"
    error[M0202]: 2 test: down failed at statement 2 of 2, and must be finished first
       = take it back to the end: migrate down --steps 1
       = or, once all of it is done by hand: migrate resolve 2 --applied
       = or, once it is undone by hand:      migrate resolve 2 --not-applied
    "#);
}

#[test]
fn an_open_way_up_comes_first() {
    assert_snapshot!(planned("file 1\nfile 2\nrow up 1\nrow up 2 failed\ngoal down --steps 1"), @r#"
    error[M0202]: 2 test: up failed at statement 1 of 1, and must be finished first
       = finish it: migrate up --to 2
       = or, once all of it is done by hand: migrate resolve 2 --applied
       = or, once it is undone by hand:      migrate resolve 2 --not-applied
    "#);
    assert_snapshot!(planned("file 1\nrow up 1\nrow up 2 failed\ngoal down --steps 1"), @r#"
    error[M0202]: 2 of another release: up failed at statement 1 of 1, and must be finished first
       = this set does not have that migration: finish it with the release that has it
       = or, once all of it is done by hand: migrate resolve 2 --applied
       = or, once it is undone by hand:      migrate resolve 2 --not-applied
    "#);
}

#[test]
fn what_was_sent_goes_on_unless_a_person_mended_it() {
    let with = |state: &str, file: &str| {
        format!(
            r#"
            engine mysql
            file 1 down:"{file}"
            row up 1 down:"drop table a; drop table b"
            row down 1 {state} at:1 of:"drop table a; drop table b" unstored
            goal down --steps 1
            "#
        )
    };
    assert_snapshot!(planned(&with("failed", "drop table a; drop table if exists b")), @"
    1  down 1 test  journalled, 1 statement; goes on with statement 2 of 2; destructive
          drop table if exists b
    ");
    assert_snapshot!(planned(&with("interrupted", "drop table a; drop table if exists b")), @"
    1  down 1 test  journalled, 1 statement; goes on with statement 2 of 2; destructive
          drop table b
    ");
    // The file is another one altogether, and was so before the failure.
    assert_snapshot!(planned(&with("failed", "drop table z")), @r"
    1  down 1 test  journalled, 1 statement; goes on with statement 2 of 2; destructive
          drop table b
    warning[M0112]: 1 test: the file's way back is not the stored one
      --> m/1_test.down.sql
       | - drop table a; drop table b
       | \ no newline at the end
       | + drop table z
       | \ no newline at the end
       = the one that failed goes on: the file's does not begin with the statements that have run
       = to go on with the file's, leave those statements as they ran and change the rest
    ");
}
