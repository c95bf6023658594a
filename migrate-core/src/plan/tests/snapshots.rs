//! Snapshots: what is installed on an empty database, what that stands for, and who is in between.

use insta::assert_snapshot;

use super::planned;
use crate::checksum;

const SNAPSHOT: &str = "file B2__all.sql \"-- migrate:replaces 1, 2\\ncreate table a (n int)\"\nfile 3";

#[test]
fn an_empty_database_gets_everything_at_once() {
    assert_snapshot!(planned(SNAPSHOT), @"
    1  B2 all  in a transaction, 1 statement; stands for 1, 2
          create table a (n int)
    2  3 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    // Whether the files are still there changes nothing.
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nfile 1\nfile 2")), @"
    1  B2 all  in a transaction, 1 statement; stands for 1, 2
          create table a (n int)
    2  3 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    // One that does not say what it stands for stands for what is there.
    assert_snapshot!(planned("file B2__all.sql \"create table a (n int)\"\nfile 1\nfile 3"), @"
    1  B2 all  in a transaction, 1 statement; stands for 1
          create table a (n int)
    2  3 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    // Of other components there may be something.
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nobjects a\nrow up 1 component:queue")), @"
    1  B2 all  in a transaction, 1 statement; stands for 1, 2
          create table a (n int)
    2  3 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
}

#[test]
fn the_newest_in_reach_is_installed() {
    let several = "file B2__a.sql \"-- migrate:replaces 1, 2\\nselect 1\"\n\
                   file B4__b.sql \"-- migrate:replaces 1, 2, 3, 4/pre, 4/post\\nselect 2\"\nfile 5";
    assert_snapshot!(planned(several), @"
    1  B4 b    in a transaction, 1 statement; stands for 1, 2, 3, 4, 4/post
          select 2
    2  5 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    assert_snapshot!(planned(&format!("{several}\ngoal up --to 2")), @"
    1  B2 a  in a transaction, 1 statement; stands for 1, 2
          select 1
    ");
    assert_snapshot!(planned(&format!("{several}\ngoal up --to 4 --phase pre")), @"
    1  B4 b  in a transaction, 1 statement; stands for 1, 2, 3, 4, 4/post
          select 2
    ");
    assert_snapshot!(planned(&format!("{several}\nfile 1\nfile 2\nfile 3\ngoal up --to 1")), @"
    1  1 test  in a transaction, 1 statement
          create table a (n int)
    ");
    assert_snapshot!(planned(&format!("{several}\ngoal up --to 3")), @"
    refused[M0209]: the database is at 2: 3 is not applied, and has no file any more: B4 b stands for it
      --> m/B4__b.sql
       = nothing was run: a snapshot is only for an empty database
       = the route: migrate up with release 4, which still has the files, then with this one
    ");
    assert_snapshot!(planned(&format!("{several}\ngoal up --steps 1")), @"
    1  B4 b  in a transaction, 1 statement; stands for 1, 2, 3, 4, 4/post
          select 2
    ");
}

#[test]
fn everything_behind_it_belongs_to_the_same_installation() {
    // No release can be at work, so no phase has to be chosen.
    assert_snapshot!(planned("file B2.0__all.sql \"-- migrate:replaces 1.0\\nselect 1\"\nfile 3.0/pre/01\nfile 3.0/post/50"), @"
    1  B2.0 all          in a transaction, 1 statement; stands for 1.0
          select 1
    2  3.0/pre/01 test   in a transaction, 1 statement
          create table a (n int)
    3  3.0/post/50 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    // The same after a crash behind the snapshot.
    let crashed = "file B2.0__all.sql \"-- migrate:replaces 1.0\\nselect 1\"\nfile 3.0/pre/01\nfile 3.0/post/50\n\
                   row snapshot 2.0 origin:\"snapshot; install\"\nrow snapshot 1.0 origin:\"B2.0 all\"";
    assert_snapshot!(planned(crashed), @"
    1  3.0/pre/01 test   in a transaction, 1 statement
          create table a (n int)
    2  3.0/post/50 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    // But not after one that was all that was asked for.
    assert_snapshot!(planned(&crashed.replace("; install", "")), @"
    refused[M0210]: 3.0/post/50 test is pending after a deploy, and no phase was chosen
       = pending before the deploy: 3.0/pre/01 test
       = pending after it: 3.0/post/50 test
       = before the deploy: migrate up --phase pre; after it: migrate up --phase post
       = with the service stopped: migrate up --phase all
    ");
}

#[test]
fn a_snapshot_is_only_for_an_empty_database() {
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nobjects a")), @"
    refused[M0207]: shop is not empty and has no history: it has a
       = if it already has what the migrations make, record that: migrate baseline 3
       = or run them all beside what is there: migrate up --on-nonempty run
    ");
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nobjects a\npolicy on-nonempty=run")), @"
    refused[M0209]: the database is at no version: 1, 2 are not applied, and have no files any more: B2 all stands for them
      --> m/B2__all.sql
       = nothing was run: a snapshot is only for an empty database
       = if it already has what they made, record that: migrate baseline 2
    ");
    assert_snapshot!(planned("layout flyway\nfile V1__a.sql \"select 1\"\nfile B2__all.sql \"select 2\"\nfile V3__b.sql \"select 3\"\nobjects a\npolicy on-nonempty=run"), @"
    1  1 a  in a transaction, 1 statement
          select 1
    2  3 b  in a transaction, 1 statement
          select 3
    then the set is complete
    warning[M0207]: shop has objects but no history, and everything runs from the first migration on
    warning[M0209]: B2 all: is only for an empty database, and is not installed here; the migrations of the set run one after the other
      --> m/B2__all.sql
       = if files it stands for were taken out of the folder, bring the database there with a release that has them
    ");
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nobjects a\npolicy on-nonempty=2")), @"
    1  baseline 1           recorded, nothing runs
    2  baseline 2           recorded, nothing runs
    3  baseline 2 baseline  recorded, nothing runs
    4  3 test               in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
}

#[test]
fn other_tools_snapshots_are_installed_as_they_do_it() {
    assert_snapshot!(planned("layout flyway\nfile V1__a.sql \"select 1\"\nfile B2__all.sql \"select 2\"\nfile V3__b.sql \"select 3\""), @"
    1  B2 all  in a transaction, 1 statement; stands for 1, 2
          select 2
    2  3 b     in a transaction, 1 statement
          select 3
    then the set is complete
    ");
    // As soon as something is applied, Flyway looks at none.
    assert_snapshot!(planned("layout flyway\nfile V1__a.sql \"select 1\"\nfile B2__all.sql \"select 2\"\nfile V3__b.sql \"select 3\"\nrow up 1"), @"
    1  3 b  in a transaction, 1 statement
          select 3
    then the set is complete
    ");
}

#[test]
fn a_database_in_between_is_told_the_way() {
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nrow up 1")), @"
    refused[M0209]: the database is at 1: 2 is not applied, and has no file any more: B2 all stands for it
      --> m/B2__all.sql
       = nothing was run: a snapshot is only for an empty database
       = the route: migrate up with release 2, which still has the files, then with this one
    ");
    let about =
        "manifest [release.\"2\"]\nmanifest url = \"https://shop.example/2\"\nmanifest notes = \"takes an hour\"";
    assert_snapshot!(planned(&format!("{SNAPSHOT}\n{about}\nrow up 1\nrow up 3")), @"
    refused[M0209]: the database is at 3: 2 is not applied, and has no file any more: B2 all stands for it
      --> m/B2__all.sql
       = nothing was run: a snapshot is only for an empty database
       = the route: migrate up with release 2 (https://shop.example/2), which still has the files, then with this one
       = notes on 2: takes an hour
    ");
    // Whoever has all of it goes on.
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nrow up 1\nrow up 2")), @"
    1  3 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    // So does whoever has the files.
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nfile 1\nfile 2\nrow up 1")), @"
    1  2 test  in a transaction, 1 statement
          create table a (n int)
    2  3 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    // A person may know better.
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nrow up 1\ngoal resolve 2 --applied")), @"1  resolve 2  recorded, nothing runs");
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nrow up 1\nrow resolve 2")), @"
    1  3 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    // A baseline says that it was all there.
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nobjects a\ngoal baseline 2")), @"
    1  baseline 1           recorded, nothing runs
    2  baseline 2           recorded, nothing runs
    3  baseline 2 baseline  recorded, nothing runs
    ");
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nrow baseline 2 origin:floor")), @"
    1  3 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
}

#[test]
fn what_is_not_named_comes_late() {
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nfile 1\nfile 1.5 late")), @"
    refused[M0201]: 1.5 late is not applied, but 2 already is
      --> m/1.5_late.up.sql
       = give the file a version above 2
       = or, if it does not depend on the order: migrate up --out-of-order 1.5
    ");
}

#[test]
fn a_file_must_be_what_the_snapshot_says_of_it() {
    let old = checksum::raw("select 2");
    let snapshot = format!("file B2__all.sql \"-- migrate:replaces 1={old}\\nselect 1\"\nfile 1");
    assert_snapshot!(planned(&snapshot), @r#"
    error[M0229]: B2 all: stands for another text of 1 test
      --> m/B2__all.sql
       = it names sha256:3cf988cc782b44bc24ceb17e445d9c3cfd06b6c848ecfff949e1bfdb9f705a61
       = m/1_test.up.sql is sha256:a1da410e0bcd72fb5106363a4ae9a7e4ffdd187051c920dbe033d94b2575f078
       = put the old text back, or make the snapshot anew
       = or, if both lead to the same: in migrations.toml, [migration."1"] accept = ["sha256:3cf988cc782b44bc24ceb17e445d9c3cfd06b6c848ecfff949e1bfdb9f705a61"]
    "#);
    assert_snapshot!(planned(&format!("{snapshot}\nmanifest [migration.1]\nmanifest accept = [\"{old}\"]")), @"
    1  B2 all  in a transaction, 1 statement; stands for 1
          select 1
    ");
    // It matters where it is installed.
    assert_snapshot!(planned(&format!("{snapshot}\nrow up 1")), @"nothing to do");
}

#[test]
fn an_interrupted_snapshot_goes_on_as_the_snapshot() {
    let of = "of:\"create table a (n int);create table b (n int)\"";
    let snapshot = "engine mysql\nfile B2__all.sql \"create table a (n int);create table b (n int)\"\nfile 2\nfile 3";
    let open = format!("{snapshot}\nrow snapshot 2 in_flight at:1 origin:\"snapshot; install\" {of}");
    assert_snapshot!(planned(&open), @"
    1  B2 all  journalled, 1 statement; goes on with statement 2 of 2, unless that has run; stands for 2
          create table b (n int)
    2  3 test  journalled, 1 statement
          create table a (n int)
    then the set is complete
    ");
    assert_snapshot!(planned(&format!("{open}\ngoal up --to 1")), @"
    refused[M0211]: there is no migration 1
       = there are: 2, 3
    ");
    assert_snapshot!(planned(&format!("{open}\ngoal down --steps 1")), @"
    error[M0202]: B2 test: snapshot was at statement 2 of 2 when it was last heard of, and must be finished first
       = finish it: migrate up
       = or, once all of it is done by hand: migrate resolve 2 --applied
       = or, once it is undone by hand:      migrate resolve 2 --not-applied
    ");
    assert_snapshot!(planned(&open.replace("B2__all", "B1__all")), @"
    error[M0202]: B2 test: snapshot was at statement 2 of 2 when it was last heard of, and must be finished first
       = this set does not have that snapshot: finish it with the release that has it
       = or, once all of it is done by hand: migrate resolve 2 --applied
       = or, once it is undone by hand:      migrate resolve 2 --not-applied
    ");
    assert_snapshot!(planned(&format!("{open}\ngoal resolve 2 --applied")), @"
    1  B2 all           recorded, nothing runs
    2  snapshot 2 test  recorded, nothing runs
    ");
    assert_snapshot!(planned(&format!("{open}\ngoal resolve 2 --not-applied")), @"1  forget 2  recorded, nothing runs");
    // Then it begins anew.
    assert_snapshot!(planned(&format!("{open}\nrow forget 2")), @"
    1  B2 all  journalled, 2 statements; stands for 2
          create table a (n int)
          create table b (n int)
    2  3 test  journalled, 1 statement
          create table a (n int)
    then the set is complete
    ");
}

#[test]
fn what_is_squashed_stays() {
    let squashed = "file B2__all.sql \"-- migrate:replaces 1, 2\\nselect 1\"\nfile 3 down:\"select 4\"\n\
                    row up 1 down:\"select 2\"\nrow up 2 down:\"select 3\"\nrow up 3";
    assert_snapshot!(planned(squashed), @"nothing to do");
    assert_snapshot!(planned(&format!("{squashed}\ngoal down --steps 1")), @"
    1  down 3 test  in a transaction, 1 statement
          select 4
    ");
    assert_snapshot!(planned(&format!("{squashed}\ngoal down --steps 2")), @"
    refused[M0206]: what is squashed is never taken back: 2 of another release
       = nothing was run: these are applied, below the newest migration of this set, and have no files in it
       = go back with a release that still has them
    ");
    assert_snapshot!(planned(&format!("{squashed}\npolicy on-ahead=downgrade")), @"nothing to do");
    // To keep them no longer is a row for each.
    let prune = "goal prune";
    assert_snapshot!(planned(&format!("{squashed}\n{prune}")), @"
    1  forget 1 of another release  recorded, nothing runs
    2  forget 2 of another release  recorded, nothing runs
    3  baseline 2 baseline          recorded, nothing runs
    then the set is complete
    ");
    assert_snapshot!(planned(&format!("{squashed}\nrow forget 1\nrow forget 2\nrow baseline 2 origin:floor")), @"nothing to do");
    assert_snapshot!(planned(&format!("file 3\nrow up 3\n{prune}")), @"
    refused[M0216]: nothing is squashed: everything that is applied has its file
       = see where everything stands with `migrate status`
    ");
}
