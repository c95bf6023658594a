//! What a pooler that pools transactions does not let through.

use insta::assert_snapshot;

use super::{case, planned};
use crate::plan::Mode;

#[test]
fn transactions_and_rows_go_through() {
    let text = "pooled\nfile 1 up:\"create table a (n int); select 1\"\nfile 2 up:\"begin; select 1; commit\"";
    let plan = case(text).plan().unwrap();
    assert!(plan.steps.iter().all(|step| step.mode == Mode::Transaction));
    assert_eq!(case("pooled\nfile 1 up:\"vacuum\"\ngoal baseline 1").plan().unwrap().steps.len(), 2);
    assert_eq!(case("pooled\nfile 1 up:\"vacuum\"\nrow up 1").plan().unwrap().steps.len(), 0);
}

#[test]
fn everything_that_needs_a_session_is_named_at_once() {
    assert_snapshot!(
        planned(
            "pooled
            file 1 up:\"create table a (n int);\\ncreate index concurrently a_n on a (n);\"
            file 2 up:\"select 1;\\ncopy a from stdin;\\n1\\n\\\\.\\n\"
            file 3 up:\"-- migrate:no-transaction\\nselect 1;\\n\"
            file 4 up:\"-- migrate:batch key=n size=10\\nupdate a set n = 1 where n between :lo and :hi;\\n\"
            file 5 up:\"select 1;\\nbegin; select 2; rollback;\\n\"
            file 6 up:\"select 1\""
        ),
        @"
    refused[M0219]: 1 test: cannot run through a transaction-mode pooler: statement 2 of 2 cannot be in a transaction
      --> m/1_test.up.sql:2:1
     2 | create index concurrently a_n on a (n);
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = nothing was run
       = use a direct connection to the server: --direct-url
    refused[M0219]: 2 test: cannot run through a transaction-mode pooler: statement 2 of 2 carries the data of a COPY
      --> m/2_test.up.sql:2:1
     2 | copy a from stdin;
       | ^^^^^^^^^^^^^^^^^
       = nothing was run
       = use a direct connection to the server: --direct-url
    refused[M0219]: 3 test: cannot run through a transaction-mode pooler: its statements are written down one by one
      --> m/3_test.up.sql:2:1
     2 | select 1;
       | ^^^^^^^^
       = nothing was run
       = use a direct connection to the server: --direct-url
    refused[M0219]: 4 test: cannot run through a transaction-mode pooler: statement 1 of 1 runs in batches
      --> m/4_test.up.sql:2:1
     2 | update a set n = 1 where n between :lo and :hi;
       | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       = nothing was run
       = use a direct connection to the server: --direct-url
    refused[M0219]: 5 test: cannot run through a transaction-mode pooler: statement 2 of 4 opens a transaction of its own
      --> m/5_test.up.sql:2:1
     2 | begin; select 2; rollback;
       | ^^^^^
       = nothing was run
       = use a direct connection to the server: --direct-url
    "
    );
}

#[test]
fn an_interrupted_attempt_is_not_gone_on_with() {
    assert_snapshot!(planned("pooled\nfile 1 up:\"select 1; select 2\"\nrow up 1 failed at:1"), @"
    refused[M0219]: 1 test: cannot run through a transaction-mode pooler: it goes on with an attempt that was interrupted
      --> m/1_test.up.sql:1:11
     1 | select 1; select 2
       |           ^^^^^^^^
       = nothing was run
       = use a direct connection to the server: --direct-url
    ");
}

#[test]
fn callbacks_in_transactions_need_no_session() {
    let set = "pooled\nfile 1 up:\"create table a (n int)\"";
    assert_eq!(case(&format!("{set}\ncallback beforeMigrate up:\"select 1\"")).plan().unwrap().steps.len(), 2);
    assert!(case(&format!("{set}\ncallback beforeMigrate up:\"vacuum\"")).plan().is_err());
}
