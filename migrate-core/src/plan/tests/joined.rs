//! What cannot be part of the caller's transaction.

use insta::assert_snapshot;

use super::{case, planned};

#[test]
fn transactions_and_rows_are_part_of_it() {
    let check = |text: &str, steps: usize| {
        assert_eq!(case(&format!("joined\n{text}")).plan().unwrap().steps.len(), steps, "{text}");
    };
    check("file 1 up:\"create table a (n int); select 1\"\nfile 2 up:\"begin; select 1; commit\"", 2);
    check("file 1 up:\"copy a from stdin;\\n1\\n\\\\.\\n\"", 1);
    check("file 1 up:\"vacuum\"\ngoal baseline 1", 2);
    check("file 1 up:\"vacuum\"\nrow up 1", 0);
    check("file 1 up:\"select 1\"\ncallback beforeMigrate up:\"select 1\"", 2);
}

#[test]
fn everything_that_cannot_be_is_named_at_once() {
    assert_snapshot!(
        planned(
            "joined
            file 1 up:\"create table a (n int);\\ncreate index concurrently a_n on a (n);\"
            file 2 up:\"select 1\"
            file 3 up:\"-- migrate:no-transaction\\nselect 1;\\n\"
            file 4 up:\"select 1;\\nbegin; select 2; rollback;\\n\"
            callback afterMigrate up:\"vacuum\""
        ),
        @"
    refused[M0240]: 1 test: cannot be part of the caller's transaction: statement 2 of 2 cannot be in a transaction
      --> m/1_test.up.sql:2:1
     2 | create index concurrently a_n on a (n);
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = nothing was run, and the transaction is as it was
       = migrate on the connection itself, or on a URL, before the transaction begins
    refused[M0240]: 3 test: cannot be part of the caller's transaction: its statements are written down one by one
      --> m/3_test.up.sql:2:1
     2 | select 1;
       | ^^^^^^^^
       = nothing was run, and the transaction is as it was
       = migrate on the connection itself, or on a URL, before the transaction begins
    refused[M0240]: 4 test: cannot be part of the caller's transaction: statement 2 of 4 opens a transaction of its own
      --> m/4_test.up.sql:2:1
     2 | begin; select 2; rollback;
       | ^^^^^
       = nothing was run, and the transaction is as it was
       = migrate on the connection itself, or on a URL, before the transaction begins
    refused[M0240]: afterMigrate: cannot be part of the caller's transaction: statement 1 of 1 cannot be in a transaction
      --> m/afterMigrate.sql:1:1
     1 | vacuum
       | ^^^^^^
       = nothing was run, and the transaction is as it was
       = migrate on the connection itself, or on a URL, before the transaction begins
    "
    );
}

#[test]
fn no_statement_of_a_mysql_server_that_commits_by_itself_is_part_of_it() {
    assert_snapshot!(planned("joined\nengine mysql\nfile 1 up:\"create table a (n int)\""), @"
    refused[M0240]: 1 test: cannot be part of the caller's transaction: statement 1 of 1 cannot be in a transaction
      --> m/1_test.up.sql:1:1
     1 | create table a (n int)
       | ^^^^^^^^^^^^^^^^^^^^^^
       = nothing was run, and the transaction is as it was
       = migrate on the connection itself, or on a URL, before the transaction begins
    ");
}

#[test]
fn no_code_is_part_of_it() {
    assert_snapshot!(planned("joined\nfile 1 up:\"\"\ncode 1 in-transaction"), @"
    refused[M0240]: 1 test: cannot be part of the caller's transaction: its work is code, which is given the connection itself
       = nothing was run, and the transaction is as it was
       = migrate on the connection itself, or on a URL, before the transaction begins
    ");
}
