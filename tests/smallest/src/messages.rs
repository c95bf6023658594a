//! Without the feature `diagnostics` a message still says what, where and what to do next.

use migrate_sqlite::core::Policy;
use migrate_sqlite::core::condition::{Condition, Conditions};

use super::{Database, USERS, set};

#[test]
fn an_error_says_what_where_and_what_to_do_next() {
    let database = Database::new("errors");
    database.migrator(set(&[("1_create_users.sql", USERS)])).up().expect("it runs");
    let changed = "create table users (name text not null);\n";
    let said = database.migrator(set(&[("1_create_users.sql", changed)])).up().expect_err("it was changed").to_string();
    assert!(said.starts_with("error[M0110]: 1 create users was changed after it was applied"), "{said}");
    assert!(said.contains("\n  --> m/1_create_users.sql\n"), "{said}");
    assert!(said.contains("put the old text back:   migrate accept 1 --restore"), "{said}");
    assert!(!said.contains("| -"), "nothing compares texts: {said}");

    let failing =
        [("1_create_users.sql", USERS), ("2_add.sql", "alter table users\n  add email text; select '日本', x;\n")];
    let said = database.migrator(set(&failing)).up().expect_err("there is no such column").to_string();
    let place =
        "  --> m/2_add.sql:2:32\n 2 |   add email text; select '日本', x;\n   |                                ^\n";
    assert!(said.contains(place), "{said}");
}

#[test]
fn a_precondition_that_cannot_be_asked_fails_and_names_the_feature() {
    let mut policy = Policy::default();
    let space = Condition::parse("free-space", "1kB").expect("it is one").expect("it asks for something");
    policy.conditions = Conditions { all: vec![space], required: false };
    let database = Database::new("space");
    let migrator = database.migrator(set(&[("1_create_users.sql", USERS)])).policy(policy);
    let said = migrator.up().expect_err("nobody looks at the disk").to_string();
    let expected = "failed: free-space 1 kB: what is free on the disk is not looked at: this program was built without the \
                    feature `free-disk`";
    assert!(said.contains(expected), "{said}");
}
