//! Snapshots: what is installed on an empty database, what that stands for, and who is in between.

use insta::assert_snapshot;

use super::planned;

const SNAPSHOT: &str = "file B2__all.sql \"-- migrate:replaces 1, 2\\ncreate table a (n int)\"\nfile 3";

#[test]
fn an_empty_database_gets_everything_at_once() {
    assert_snapshot!(planned(SNAPSHOT), @"");
    // Whether the files are still there changes nothing.
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nfile 1\nfile 2")), @"");
    // One that does not say what it stands for stands for what is there.
    assert_snapshot!(planned("file B2__all.sql \"create table a (n int)\"\nfile 1\nfile 3"), @"");
    // Of other components there may be something.
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nobjects a\nrow up 1 component:queue")), @"");
}

#[test]
fn the_newest_in_reach_is_installed() {
    let several = "file B2__a.sql \"-- migrate:replaces 1, 2\\nselect 1\"\n\
                   file B4__b.sql \"-- migrate:replaces 1, 2, 3, 4/pre, 4/post\\nselect 2\"\nfile 5";
    assert_snapshot!(planned(several), @"");
    assert_snapshot!(planned(&format!("{several}\ngoal up --to 2")), @"");
    assert_snapshot!(planned(&format!("{several}\ngoal up --to 4 --phase pre")), @"");
    assert_snapshot!(planned(&format!("{several}\nfile 1\nfile 2\nfile 3\ngoal up --to 1")), @"");
    assert_snapshot!(planned(&format!("{several}\ngoal up --to 3")), @"");
    assert_snapshot!(planned(&format!("{several}\ngoal up --steps 1")), @"");
}

#[test]
fn everything_behind_it_belongs_to_the_same_installation() {
    // No release can be at work, so no phase has to be chosen.
    assert_snapshot!(planned("file B2.0__all.sql \"-- migrate:replaces 1.0\\nselect 1\"\nfile 3.0/pre/01\nfile 3.0/post/50"), @"");
    // The same after a crash behind the snapshot.
    let crashed = "file B2.0__all.sql \"-- migrate:replaces 1.0\\nselect 1\"\nfile 3.0/pre/01\nfile 3.0/post/50\n\
                   row snapshot 2.0 origin:\"snapshot; install\"\nrow snapshot 1.0 origin:\"B2.0 all\"";
    assert_snapshot!(planned(crashed), @"");
    // But not after one that was all that was asked for.
    assert_snapshot!(planned(&crashed.replace("; install", "")), @"");
}

#[test]
fn a_snapshot_is_only_for_an_empty_database() {
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nobjects a")), @"");
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nobjects a\npolicy on-nonempty=run")), @"");
    assert_snapshot!(planned("layout flyway\nfile V1__a.sql \"select 1\"\nfile B2__all.sql \"select 2\"\nfile V3__b.sql \"select 3\"\nobjects a\npolicy on-nonempty=run"), @"");
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nobjects a\npolicy on-nonempty=baseline:2")), @"");
}

#[test]
fn other_tools_snapshots_are_installed_as_they_do_it() {
    assert_snapshot!(planned("layout flyway\nfile V1__a.sql \"select 1\"\nfile B2__all.sql \"select 2\"\nfile V3__b.sql \"select 3\""), @"");
    // As soon as something is applied, Flyway looks at none.
    assert_snapshot!(planned("layout flyway\nfile V1__a.sql \"select 1\"\nfile B2__all.sql \"select 2\"\nfile V3__b.sql \"select 3\"\nrow up 1"), @"");
}

#[test]
fn a_database_in_between_is_told_the_way() {
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nrow up 1")), @"");
    let about =
        "manifest [release.\"2\"]\nmanifest url = \"https://shop.example/2\"\nmanifest notes = \"takes an hour\"";
    assert_snapshot!(planned(&format!("{SNAPSHOT}\n{about}\nrow up 1\nrow up 3")), @"");
    // Whoever has all of it goes on.
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nrow up 1\nrow up 2")), @"");
    // So does whoever has the files.
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nfile 1\nfile 2\nrow up 1")), @"");
    // A person may know better.
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nrow up 1\ngoal resolve 2 --applied")), @"");
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nrow up 1\nrow resolve 2")), @"");
    // A baseline says that it was all there.
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nobjects a\ngoal baseline 2")), @"");
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nrow baseline 2 origin:floor")), @"");
}

#[test]
fn what_is_not_named_comes_late() {
    assert_snapshot!(planned(&format!("{SNAPSHOT}\nfile 1\nfile 1.5 late")), @"");
}

#[test]
fn a_file_must_be_what_the_snapshot_says_of_it() {
    let snapshot = "file B2__all.sql \"-- migrate:replaces 1=sha256:abc\\nselect 1\"\nfile 1";
    assert_snapshot!(planned(snapshot), @"");
    assert_snapshot!(planned(&format!("{snapshot}\nmanifest [migration.1]\nmanifest accept = [\"sha256:abc\"]")), @"");
    // It matters where it is installed.
    assert_snapshot!(planned(&format!("{snapshot}\nrow up 1")), @"");
}

#[test]
fn an_interrupted_snapshot_goes_on_as_the_snapshot() {
    let of = "of:\"create table a (n int);create table b (n int)\"";
    let snapshot = "engine mysql\nfile B2__all.sql \"create table a (n int);create table b (n int)\"\nfile 2\nfile 3";
    let open = format!("{snapshot}\nrow snapshot 2 in_flight at:1 origin:\"snapshot; install\" {of}");
    assert_snapshot!(planned(&open), @"");
    assert_snapshot!(planned(&format!("{open}\ngoal up --to 1")), @"");
    assert_snapshot!(planned(&format!("{open}\ngoal down --steps 1")), @"");
    assert_snapshot!(planned(&open.replace("B2__all", "B1__all")), @"");
    assert_snapshot!(planned(&format!("{open}\ngoal resolve 2 --applied")), @"");
    assert_snapshot!(planned(&format!("{open}\ngoal resolve 2 --not-applied")), @"");
    // Then it begins anew.
    assert_snapshot!(planned(&format!("{open}\nrow forget 2")), @"");
}

#[test]
fn what_is_squashed_stays() {
    let squashed = "file B2__all.sql \"-- migrate:replaces 1, 2\\nselect 1\"\nfile 3 down:\"select 4\"\n\
                    row up 1 down:\"select 2\"\nrow up 2 down:\"select 3\"\nrow up 3";
    assert_snapshot!(planned(squashed), @"");
    assert_snapshot!(planned(&format!("{squashed}\ngoal down --steps 1")), @"");
    assert_snapshot!(planned(&format!("{squashed}\ngoal down --steps 2")), @"");
    assert_snapshot!(planned(&format!("{squashed}\npolicy on-ahead=downgrade")), @"");
    // To keep them no longer is a row for each.
    let prune = "goal prune";
    assert_snapshot!(planned(&format!("{squashed}\n{prune}")), @"");
    assert_snapshot!(planned(&format!("{squashed}\nrow forget 1\nrow forget 2\nrow baseline 2 origin:floor")), @"");
    assert_snapshot!(planned(&format!("file 3\nrow up 3\n{prune}")), @"");
}
