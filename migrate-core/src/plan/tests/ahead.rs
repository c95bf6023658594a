//! The application was rolled back: what the database has and the set does not know.

use insta::assert_snapshot;

use super::planned;

const AHEAD: &str = r"
    file 1.0/pre/01
    file 1.0/post/01
    row up 1.0/pre/01
    row up 1.0/post/01
    row up 2.0/pre/01 no-down
";

#[test]
fn by_default_a_later_pre_is_tolerated_with_a_warning() {
    assert_snapshot!(planned(AHEAD), @"
    nothing to do
    warning[M0205]: the database is ahead of this set: it has 2.0/pre/01 of another release
       = nothing there says that it does not work with this release
    ");
}

#[test]
fn by_default_a_later_post_is_not_tolerated() {
    assert_snapshot!(planned(&format!("{AHEAD}\nrow up 2.0/post/50")), @"
    refused[M0205]: the database is ahead: 2.0/post/50 of another release takes away what an older release may still use (this is 1.0)
       = deploy 2.0 or a later release
    ");
}

#[test]
fn by_default_what_needs_a_later_release_is_not_tolerated() {
    let needs = r#"
        file 1.0/pre/01
        row up 1.0/pre/01
        row up 3.0/pre/01 from:2.0 down:"drop table b"
        row up 4.0/pre/01 down:"drop table c"
    "#;
    assert_snapshot!(planned(needs), @"
    refused[M0205]: the database is ahead: 3.0/pre/01 of another release needs at least 2.0 (this is 1.0)
       = deploy 2.0 or a later release
       = or go back with the stored down scripts: migrate up --allow-downgrade (see them first: migrate plan --allow-downgrade)
    ");
    // We are recent enough.
    assert_snapshot!(planned(&needs.replace("from:2.0", "from:1.0")), @"
    nothing to do
    warning[M0205]: the database is ahead of this set: it has 3.0/pre/01 of another release, 4.0/pre/01 of another release
       = nothing there says that it does not work with this release
    ");
}

#[test]
fn a_post_of_our_own_release_takes_nothing_from_us() {
    assert_snapshot!(planned(
        r"
        file 1.0/pre/01
        row up 1.0/pre/01
        row up 1.0/post/01
        "
    ), @"
    nothing to do
    warning[M0205]: the database is ahead of this set: it has 1.0/post/01 of another release
       = nothing there says that it does not work with this release
    ");
}

#[test]
fn tolerating_says_what_it_tolerates() {
    assert_snapshot!(planned(&format!("{AHEAD}\nrow up 2.0/post/50\n policy on-ahead=tolerate")), @"
    nothing to do
    warning[M0205]: the database is ahead of this set: it has 2.0/pre/01 of another release, 2.0/post/50 of another release
       = 2.0/post/50 of another release takes away what an older release may still use, and the policy tolerates that
    ");
}

#[test]
fn refusing_refuses_what_is_compatible_too() {
    assert_snapshot!(planned(&format!("{AHEAD}\npolicy on-ahead=refuse")), @"
    refused[M0205]: the database is ahead: it has 2.0/pre/01 of another release (this is 1.0)
       = deploy 2.0 or a later release
    ");
    let numbered = r"
        file 20260101
        row up 20260101
        row up 20260202
        policy on-ahead=refuse
    ";
    assert_snapshot!(planned(numbered), @"
    refused[M0205]: the database is ahead: it has 20260202 of another release (this is 20260101)
       = deploy the release that has 20260202 of another release
    ");
}

#[test]
fn pending_ones_run_beside_what_is_ahead() {
    assert_snapshot!(planned(
        r"
        file 1
        file 2
        row up 1
        row up 9
        "
    ), @"
    1  2 test  in a transaction, 1 statement
          create table a (n int)
    warning[M0205]: the database is ahead of this set: it has 9 of another release
       = nothing there says that it does not work with this release
    ");
}

#[test]
fn a_downgrade_runs_the_stored_ways_back_highest_first() {
    assert_snapshot!(planned(
        r#"
        file 1
        file 2
        row up 1
        row up 8 down:"drop table b"
        row up 9 down:"drop table c"
        policy on-ahead=downgrade
        "#
    ), @"
    1  down 9 of another release  in a transaction, 1 statement; destructive
          drop table c
    2  down 8 of another release  in a transaction, 1 statement; destructive
          drop table b
    ");
}

#[test]
fn a_downgrade_takes_a_later_releases_repeatables_with_it_if_it_can() {
    assert_snapshot!(planned(
        r#"
        file 1
        row up 1
        row up 9 down:"drop table c"
        row up R their_view of:"create view w as select 1" down:"drop view w"
        row up R stays of:"create view s as select 1"
        policy on-ahead=downgrade
        "#
    ), @"
    1  down R their_view          in a transaction, 1 statement; destructive
          drop view w
    2  down 9 of another release  in a transaction, 1 statement; destructive
          drop table c
    then the set is complete
    ");
}

#[test]
fn a_downgrade_needs_a_way_back_for_all_of_it() {
    assert_snapshot!(planned(
        r#"
        file 1
        row up 1
        row up 8
        row up 9 down:"drop table c"
        policy on-ahead=downgrade
        "#
    ), @"
    refused[M0206]: 8 of another release: there is no way back: it has no down script
       = nothing was run
       = write a new migration that changes what must change, or restore a backup
    ");
}

#[test]
fn a_downgrade_has_a_limit() {
    assert_snapshot!(planned(
        r#"
        file 1
        row up 1
        row up 8 down:"drop table b"
        row up 9 down:"drop table c"
        policy on-ahead=downgrade
        policy downgrade-limit=1
        "#
    ), @"
    refused[M0205]: a downgrade would run 2 ways back, and the limit is 1
       = if that is what you want, set `downgrade-limit = 2` under [policy] in migrate.toml and see them with: migrate plan --allow-downgrade
    ");
}

#[test]
fn a_downgrade_of_a_database_of_which_nothing_is_known_is_refused() {
    assert_snapshot!(planned(
        r#"
        file 1
        row up 8 down:"drop table b"
        row up 9 down:"drop table c"
        policy on-ahead=downgrade
        "#
    ), @"
    refused[M0205]: this set knows nothing of what is applied: 8, 9
       = this looks like another application's migrations: check --dir and --database
    ");
}

#[test]
fn what_is_below_our_newest_was_squashed_and_is_never_run_down() {
    let squashed = r#"
        file 1
        file 4
        row up 1
        row up 2 down:"drop table b"
        row up 3 down:"drop table c"
    "#;
    assert_snapshot!(planned(&format!("{squashed}\nrow up 4")), @"
    nothing to do
    note[M0215]: applied, and no longer in this set: 2 of another release, 3 of another release
       = they are below its newest migration, so they are taken for squashed and left alone
    ");
    assert_snapshot!(planned(&format!("{squashed}\npolicy on-ahead=downgrade")), @"
    1  4 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    note[M0215]: applied, and no longer in this set: 2 of another release, 3 of another release
       = they are below its newest migration, so they are taken for squashed and left alone
    ");
    assert_snapshot!(planned(&format!("{squashed}\npolicy on-ahead=refuse")), @"
    1  4 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    note[M0215]: applied, and no longer in this set: 2 of another release, 3 of another release
       = they are below its newest migration, so they are taken for squashed and left alone
    ");
}

#[test]
fn what_a_snapshot_stands_for_is_known() {
    let fixture = r#"
        file B3__snapshot.sql "-- migrate:replaces 1, 2, 3\ncreate table a (n int)"
        row up 1 down:"drop table a"
        row up 2 down:"drop table b"
        row up 3 down:"drop table c"
        policy on-ahead=downgrade
    "#;
    assert_snapshot!(planned(fixture), @"nothing to do");
    assert_snapshot!(planned(&format!("{fixture}\nfile 2.5 late")), @"
    refused[M0201]: 2.5 late is not applied, but 3 already is
      --> m/2.5_late.up.sql
       = give the file a version above 3
       = or, if it does not depend on the order: migrate up --out-of-order 2.5
    ");
    assert_snapshot!(planned(&format!("{fixture}\nfile 4")), @"
    1  4 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
}

#[test]
fn why_there_is_no_way_back_is_told_from_the_stored_text() {
    let ahead = r#"
        file 1
        row up 1
        row up 8 no-down of:"-- migrate:irreversible 'the rows are gone'\ndelete from a"
        row up 9 down:"drop table c"
    "#;
    assert_snapshot!(planned(&format!("{ahead}\npolicy on-ahead=downgrade")), @"
    refused[M0206]: 8 of another release: there is no way back: it is irreversible: the rows are gone
       = nothing was run
       = write a new migration that changes what must change, or restore a backup
    ");
    assert_snapshot!(planned(&format!("{ahead}\npolicy on-ahead=refuse")), @"
    refused[M0205]: the database is ahead: it has 8 of another release, 9 of another release (this is 1)
       = deploy the release that has 9 of another release
       = there is no way back: 8 of another release is irreversible: the rows are gone
    ");
    assert_snapshot!(planned(&format!("{ahead}\ngoal down --steps 2")), @"
    refused[M0206]: 8 of another release: there is no way back: it is irreversible: the rows are gone
       = nothing was run
       = write a new migration that changes what must change, or restore a backup
    ");
    // Where the script is not kept nobody knows.
    let unknown = ahead.replace("no-down", "no-down unstored");
    assert_snapshot!(planned(&format!("{unknown}\npolicy on-ahead=downgrade")), @"
    refused[M0206]: 8 of another release: there is no way back: it has no down script
       = nothing was run
       = write a new migration that changes what must change, or restore a backup
    ");
}
