//! Migrations that other programs run.

use insta::assert_snapshot;

use super::planned;

const SET: &str = "file 1\nfile 2\nfile 3\ncode 2";

#[test]
fn what_another_program_runs_is_not_passed_while_it_is_pending() {
    assert_snapshot!(planned(SET), @"
    refused[M0221]: 2 test: is pending, and its work is Go code, which only its own program can run
      --> m/2_test.up.sql
       = apply what comes before it: migrate up --to 1
       = let its program do its work, or do it by hand, then record that: migrate resolve 2 --applied
    ");
    assert_snapshot!(planned(&format!("{SET}\nrow up 1")), @"
    refused[M0221]: 2 test: is pending, and its work is Go code, which only its own program can run
      --> m/2_test.up.sql
       = let its program do its work, or do it by hand, then record that: migrate resolve 2 --applied
    ");
    assert_snapshot!(planned("file 1\nfile 2\ncode 1\ncode 2"), @"
    refused[M0221]: 1 test: is pending, and its work is Go code, which only its own program can run
      --> m/1_test.up.sql
       = so is that of 2 test
       = let its program do its work, or do it by hand, then record that: migrate resolve 1 --applied
    ");
}

#[test]
fn what_comes_before_it_can_be_applied() {
    assert_snapshot!(planned(&format!("{SET}\ngoal up --to 1")), @"
    1  1 test  in a transaction, 1 statement
          create table a (n int)
    ");
}

#[test]
fn once_it_is_recorded_the_rest_runs() {
    assert_snapshot!(planned(&format!("{SET}\nrow up 1\ngoal resolve 2 --applied")), @"1  resolve 2 test  recorded, nothing runs");
    assert_snapshot!(planned(&format!("{SET}\nrow up 1\nrow resolve 2 no-sum")), @"
    1  3 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    assert_snapshot!(planned(&format!("{SET}\ngoal baseline 2")), @"
    1  baseline 1 test      recorded, nothing runs
    2  baseline 2 test      recorded, nothing runs
    3  baseline 2 baseline  recorded, nothing runs
    ");
}

#[test]
fn nothing_is_said_about_what_it_was_changed_to() {
    assert_snapshot!(planned(&format!("{SET}\nrow up 1\nrow adopt 2 of:\"something else\"\nrow up 3")), @"nothing to do");
}

#[test]
fn code_that_can_be_run_is_planned_in_its_place() {
    assert_snapshot!(planned("file 1\nfile 2 kv up:\"\"\nfile 3\ncode 2 in-transaction"), @"
    1  1 test  in a transaction, 1 statement
          create table a (n int)
    2  2 kv    code, in a transaction
    3  3 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    assert_snapshot!(planned("file 1\nfile 2 kv up:\"\"\ncode 2 in-batches\nrow up 1"), @"
    1  2 kv  code, in transactions with checkpoints
    then the set is complete
    ");
    assert_snapshot!(planned("file 1\nfile 2 kv up:\"\"\ncode 2 outside\nrow up 1"), @"
    1  2 kv  code, outside a transaction; a crash inside it has to be asked about
    then the set is complete
    ");
    assert_snapshot!(planned("pooled\nfile 1\nfile 2 kv up:\"\"\ncode 2 in-batches\nrow up 1"), @"
    refused[M0219]: 2 kv: cannot run through a transaction-mode pooler: its code runs in transactions with checkpoints
      --> m/2_kv.up.sql
       = nothing was run
       = use a direct connection to the server: --direct-url
    ");
}

#[test]
fn an_attempt_at_code_goes_on_as_it_declares() {
    let begun = |code: &str, row: &str| {
        planned(&format!("file 1\nfile 2 kv up:\"\"\ncode 2 {code}\nrow up 1\nrow up 2 sum:kv-1 {row}"))
    };
    assert_snapshot!(begun("in-batches", "in_flight checkpoint:42"), @"
    1  2 kv  code, in transactions with checkpoints; goes on at checkpoint 42
    then the set is complete
    ");
    assert_snapshot!(begun("from-scratch", "failed"), @"
    1  2 kv  code, outside a transaction, from scratch after a crash; starts over, behind what removes the earlier attempt
    then the set is complete
    ");
    assert_snapshot!(begun("", "failed checkpoint:42 error:\"out of space\""), @"
    refused[M0221]: 2 kv: was begun and stands after checkpoint 42, and its work is Go code, which only its own program can run
      --> m/2_kv.up.sql
       = it said: out of space
       = let its program do its work, or do it by hand, then record that: migrate resolve 2 --applied
    ");
}

#[test]
fn a_changed_declaration_is_refused_without_a_difference() {
    assert_snapshot!(planned("file 1\nfile 2 kv up:\"\"\ncode 2 in-batches sum:kv-2\nrow up 1\nrow up 2 sum:kv-1 by:ci"), @"
    error[M0110]: 2 kv was changed after it was applied (2026-11-20 by ci)
      --> m/2_kv.up.sql
       = its code was declared as kv-1, and is kv-2 now
       = put the old code back from version control, or accept the new: migrate accept 2
    ");
    let accepted = "file 1\nfile 2 kv up:\"\"\ncode 2 in-batches sum:kv-2\nrow up 1\nrow up 2 sum:kv-1\ngoal accept 2";
    assert_snapshot!(planned(accepted), @"
    1  accept 2 kv  recorded, nothing runs
    then the set is complete
    note[M0110]: 2 kv: this is accepted, and runs nowhere
      --> m/2_kv.up.sql
    ");
    let manifest = "file 1\nfile 2 kv up:\"-- migrate:code kv-2\"\nmanifest [migration.\"2\"]\nmanifest accept = [\"code:kv-1\"]\nrow up 1\nrow up 2 sum:kv-1";
    assert_snapshot!(planned(manifest), @"nothing to do");
}

#[test]
fn code_goes_back_where_it_can() {
    let fixture = "file 1\nfile 2 kv up:\"\"\nrow up 1\nrow up 2 sum:kv-1\ngoal down --steps 1";
    assert_snapshot!(planned(&format!("{fixture}\ncode 2 in-batches reversible")), @"1  down 2 kv  code, in transactions with checkpoints");
    assert_snapshot!(planned(&format!("{fixture}\ncode 2 in-batches")), @"
    refused[M0206]: 2 kv: there is no way back: its code has none
      --> m/2_kv.up.sql
       = nothing was run
       = write a new migration that changes what must change, or restore a backup
    ");
}

#[test]
fn a_file_declares_code() {
    assert_snapshot!(planned("file 1\nfile 2 kv up:\"-- migrate:code kv-1\""), @"
    refused[M0221]: 2 kv: is pending, and its work is Rust code, which only the application can run
      --> m/2_kv.up.sql
       = apply what comes before it: migrate up --to 1
       = start the release of the application that has it: its own `up` runs it in its place, and what follows
       = or, once all of it is done by hand: migrate resolve 2 --applied
    ");
}
