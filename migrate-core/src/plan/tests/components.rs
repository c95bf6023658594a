//! What components need of each other.

use insta::assert_snapshot;

use super::planned;

const NEEDS: &str = "manifest [depends-on]\nmanifest queue = \"2\"\nfile 1\nrow up 7 component:audit";

#[test]
fn what_is_needed_comes_first() {
    assert_snapshot!(planned(NEEDS), @"
    refused[M0230]: component main needs component queue at 2 or later, and it has no version here
      --> migrations.toml
       = nothing was run: bring queue there first: migrate up --component queue
    ");
    assert_snapshot!(planned(&format!("{NEEDS}\nrow up 1 component:queue")), @"
    refused[M0230]: component main needs component queue at 2 or later, and it is at 1
      --> migrations.toml
       = nothing was run: bring queue there first: migrate up --component queue
    ");
    assert_snapshot!(planned(&format!("{NEEDS}\nrow up 2 failed component:queue")), @"
    refused[M0230]: component main needs component queue at 2 or later, and it has no version here
      --> migrations.toml
       = nothing was run: bring queue there first: migrate up --component queue
    ");
    assert_snapshot!(planned(&format!("{NEEDS}\nrow up 2 component:queue")), @"
    1  1 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    assert_snapshot!(planned(&format!("{NEEDS}\nrow baseline 3 origin:floor component:queue")), @"
    1  1 test  in a transaction, 1 statement
          create table a (n int)
    then the set is complete
    ");
    assert_snapshot!(planned(&format!("{NEEDS}\nrow up 1")), @"nothing to do");
}

#[test]
fn what_another_component_needs_is_not_taken_back() {
    let needed = "file 1 down:\"select 1\"\nfile 2 down:\"select 2\"\nfile 3 down:\"select 3\"\nrow up 1\nrow up 2\nrow up 3\n\
                  row up 5 component:shop origin:\"install; needs main 2, audit 1; backup x\"";
    assert_snapshot!(planned(&format!("{needed}\ngoal down --steps 1")), @"
    1  down 3 test  in a transaction, 1 statement
          select 3
    ");
    assert_snapshot!(planned(&format!("{needed}\ngoal down --steps 2")), @"
    refused[M0230]: component shop needs component main at 2 or later, and it would be at 1
       = nothing was run: take shop back first: migrate down --component shop
       = or stay at 2: migrate down --component main --to 2
    ");
    assert_snapshot!(planned(&format!("{needed}\ngoal down empty")), @"
    refused[M0230]: component shop needs component main at 2 or later, and it would be at no version
       = nothing was run: take shop back first: migrate down --component shop
       = or stay at 2: migrate down --component main --to 2
    ");
    // Once it is taken back itself it needs nothing.
    assert_snapshot!(planned(&format!("{needed}\nrow down 5 component:shop\ngoal down --steps 2")), @"
    1  down 3 test  in a transaction, 1 statement
          select 3
    2  down 2 test  in a transaction, 1 statement
          select 2
    ");
    // An older release that goes back is held to it, too.
    let older = needed.replace("file 2 down:\"select 2\"\nfile 3 down:\"select 3\"\n", "");
    let older =
        older.replace("row up 2", "row up 2 down:\"select 2\"").replace("row up 3", "row up 3 down:\"select 3\"");
    assert_snapshot!(planned(&format!("{older}\npolicy on-ahead=downgrade")), @"
    refused[M0230]: component shop needs component main at 2 or later, and it would be at 1
       = nothing was run: take shop back first: migrate down --component shop
       = or stay at 2: migrate down --component main --to 2
    ");
}
