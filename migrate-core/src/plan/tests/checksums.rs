//! Changed texts: what is an error, what is a note, and what was accepted.

use insta::assert_snapshot;

use super::planned;
use crate::checksum;

#[test]
fn a_changed_text_is_refused_with_its_difference() {
    assert_snapshot!(planned(
        r#"
        file 1 add_email up:"alter table users add email text not null;"
        file 2
        row up 1 of:"alter table users add email text;" by:deploy@ci
        "#
    ), @r"
    error[M0110]: 1 add email was changed after it was applied (2026-11-20 by deploy@ci)
      --> m/1_add_email.up.sql
       | - alter table users add email text;
       | \ no newline at the end
       | + alter table users add email text not null;
       | \ no newline at the end
       = put the old text back:   migrate accept 1 --restore
       = or accept the new text:  migrate accept 1
    ");
}

#[test]
fn without_the_stored_text_nothing_can_be_put_back() {
    assert_snapshot!(planned(
        r#"
        file 1 up:"select 1"
        row up 1 of:"select 2" unstored
        "#
    ), @"
    error[M0110]: 1 test was changed after it was applied (2026-11-20)
      --> m/1_test.up.sql
       = the applied text is not stored, so there is nothing to compare with
       = put the old text back from version control, or accept the new: migrate accept 1
    ");
    // Stored with a masked secret, it is no text to put back, and no secret is shown.
    assert_snapshot!(planned(
        r#"
        file 1 up:"create role a password 'new'; select 1"
        row up 1 of:"create role a password 'old'" stored:"create role a password '***'"
        "#
    ), @r"
    error[M0110]: 1 test was changed after it was applied (2026-11-20)
      --> m/1_test.up.sql
       | - create role a password '***'
       | \ no newline at the end
       | + create role a password '***'; select 1
       | \ no newline at the end
       = put the old text back from version control, or accept the new: migrate accept 1
    ");
}

#[test]
fn a_reformatted_text_is_a_note() {
    assert_snapshot!(planned(
        r#"
        file 1 up:"-- now with a comment\nselect   1;\n"
        file 2
        row up 1 of:"select 1"
        "#
    ), @"
    1  2 test  in a transaction, 1 statement
          create table a (n int)
    note[M0111]: 1 test was changed after it was applied, in white space or comments only
      --> m/1_test.up.sql
    ");
}

#[test]
fn an_older_checksum_that_the_manifest_accepts_is_no_change() {
    let accepted = checksum::raw("select 2");
    assert_snapshot!(planned(&format!(
        r#"
        file 1 up:"select 1"
        file 3
        manifest [migration.1]
        manifest accept = ["{accepted}"]
        row up 1 of:"select 2"
        "#
    )), @"
    1  3 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
}

#[test]
fn a_renamed_migration_is_applied_under_its_old_name() {
    let fixture = r#"
        file 1 up:"select 1"
        file 3 up:"select 3"
        manifest [migration.3]
        manifest renamed-from = ["2"]
        row up 1
    "#;
    assert_snapshot!(planned(&format!("{fixture}\nrow up 2 of:\"select 3\"")), @"nothing to do");
    assert_snapshot!(planned(&format!("{fixture}\nrow up 2 of:\"select 2\"")), @r"
    error[M0110]: 3 test was changed after it was applied (2026-11-20)
      --> m/3_test.up.sql
       | - select 2
       | \ no newline at the end
       | + select 3
       | \ no newline at the end
       = it is applied as 2, which it was renamed from
       = put the old text back:   migrate accept 3 --restore
       = or accept the new text:  migrate accept 3
    ");
}

#[test]
fn a_text_that_was_never_known_cannot_be_changed() {
    assert_snapshot!(planned(
        r"
        file 1
        row resolve 1 no-sum
        "
    ), @"nothing to do");
}

#[test]
fn an_accepted_text_counts_from_then_on() {
    assert_snapshot!(planned(
        r#"
        file 1 up:"select 2"
        row up 1 of:"select 1"
        row accept 1 of:"select 2"
        "#
    ), @"nothing to do");
    // The difference is to what was accepted, not to what ran.
    assert_snapshot!(planned(
        r#"
        file 1 up:"select 3"
        row up 1 of:"select 1"
        row accept 1 of:"select 2"
        "#
    ), @r"
    error[M0110]: 1 test was changed after it was applied (2026-11-20)
      --> m/1_test.up.sql
       | - select 2
       | \ no newline at the end
       | + select 3
       | \ no newline at the end
       = put the old text back:   migrate accept 1 --restore
       = or accept the new text:  migrate accept 1
    ");
}
