//! Accounts are in the server's tables and in its memory. KILL at an unlucky moment of `RENAME USER` takes it back in the
//! tables alone (about one in a hundred, seen on 9.7). That state is made here by hand.

use migrate_core::Migrator;
use migrate_core::backend::{Backend as _, Settled};
use migrate_tests::servers::MySql as Server;
use migrate_tests::servers::mysql::Options;

use super::FLAVOUR;
use super::support::{backend, block_on, set, statement};

const RENAME: &str = "rename user before_it@localhost to after_it@localhost";

#[test]
fn an_account_that_only_the_memory_has_renamed_can_be_renamed() {
    let server = Server::start(FLAVOUR, Options::default());
    let database = server.database();
    database.sql(
        "create user after_it@localhost; \
         update mysql.user set user = 'before_it' where user = 'after_it'",
    );
    assert!(database.feed(RENAME).expect_err("it is in the table alone").contains("1396"));

    let statement = statement(RENAME);
    let note = format!("f2:1,0;{}", database.name());
    block_on(async {
        let mut session = backend(&database.url()).connect().await.unwrap();
        let settled = session.settle(&statement, Some(&note)).await.unwrap();
        let named = "catalog: before_it@localhost, after_it@localhost are named as before";
        assert_eq!(settled, Settled::DidNotRun(named.to_owned()));
    });
    block_on(Migrator::new(backend(&database.url()), set(&[("1_rename", RENAME)])).up()).unwrap();
    assert_eq!(database.sql("select user from mysql.user where user like '%_it'"), "after_it\n");
}
