//! Repeatables: due, left alone, and in which order.

use insta::assert_snapshot;

use super::planned;

#[test]
fn a_changed_text_runs_again() {
    assert_snapshot!(planned(
        r#"
        file R view up:"create or replace view v as select 2"
        row up R view of:"create or replace view v as select 1"
        "#
    ), @"
    1  R view  in a transaction, 1 statement
          create or replace view v as select 2
    then the set is complete
    ");
}

#[test]
fn a_reformatted_text_does_not() {
    assert_snapshot!(planned(
        r#"
        file R view up:"create or replace view v as select 1 -- one"
        row up R view of:"create or replace view v as select 1"
        "#
    ), @"nothing to do");
}

#[test]
fn an_older_replica_does_not_flip_it_back() {
    assert_snapshot!(planned(
        r#"
        file R view up:"create or replace view v as select 1"
        row up R view of:"create or replace view v as select 1"
        row up R view of:"create or replace view v as select 2"
        "#
    ), @"
    nothing to do
    warning[M0205]: R view: the database has a newer text of it; this older one is left alone
       = if the older text is meant to come back, change anything in it: a comment is enough
    ");
}

#[test]
fn what_was_taken_back_or_forgotten_runs_again_with_any_text() {
    let fixture = "file R view up:\"create view v as select 1\"\nrow up R view";
    assert_snapshot!(planned(&format!("{fixture}\nrow down R view")), @"
    1  R view  in a transaction, 1 statement
          create view v as select 1
    then the set is complete
    ");
    assert_snapshot!(planned(&format!("{fixture}\nrow forget R view")), @"
    1  R view  in a transaction, 1 statement
          create view v as select 1
    then the set is complete
    ");
}

#[test]
fn a_renamed_one_is_not_due_for_its_name() {
    assert_snapshot!(planned(
        r#"
        file R totals up:"create view v as select 1"
        manifest [migration."R totals"]
        manifest renamed-from = ["R sums"]
        row up R sums of:"create view v as select 1"
        "#
    ), @"nothing to do");
}

const REQUIRING: &str = r#"
    file 1
    file R a up:"create view a as select * from c" requires:c
    file R b up:"create view b as select 1"
    file R c up:"create view c as select 1"
"#;

#[test]
fn what_one_requires_runs_before_it() {
    assert_snapshot!(planned(REQUIRING), @"
    1  1 test  in a transaction, 1 statement
          create table a (n int)
    2  R c     in a transaction, 1 statement
          create view c as select 1
    3  R a     in a transaction, 1 statement
          create view a as select * from c
    4  R b     in a transaction, 1 statement
          create view b as select 1
    then the set is complete
    ");
}

#[test]
fn one_can_be_asked_for_by_name_and_brings_what_it_requires() {
    assert_snapshot!(planned(&format!("{REQUIRING}\ngoal up --to \"R a\"")), @"
    1  R c  in a transaction, 1 statement
          create view c as select 1
    2  R a  in a transaction, 1 statement
          create view a as select * from c
    ");
}

#[test]
fn they_do_not_run_before_the_deploy() {
    assert_snapshot!(planned(&format!("{REQUIRING}\ngoal up --phase pre")), @"
    1  1 test  in a transaction, 1 statement
          create table a (n int)
    ");
}

#[test]
fn a_needed_version_counts_for_them_too() {
    assert_snapshot!(planned(
        r#"
        file 1
        file R a up:"create view a as select 1" needs:2.0
        "#
    ), @"
    refused[M0209]: R a: needs 2.0 first, and the database would be at 1
       = bring it to 2.0 first, with the release that does that, then run the same command again
    ");
}
