//! What a server that was killed while it made a partitioned table leaves behind, made by hand: partitions, and no table.

use migrate_core::Migrator;
use migrate_core::backend::{Backend as _, Settled};
use migrate_core::sql::{Statement, Syntax, classify};
use migrate_tests::servers::MySql as Server;
use migrate_tests::servers::mysql::Options;

use super::FLAVOUR;
use super::support::{backend, block_on, set};

const CREATE: &str = "create table n (id int) partition by hash (id) partitions 3";

#[test]
fn partitions_without_their_table_are_dropped_before_it_is_made_again() {
    let server = Server::start(FLAVOUR, Options::default());
    let database = server.database();
    database.sql(CREATE);
    database.sql("flush tables");
    for file in ["n.frm", "n.par"] {
        let found = find(server.folder(), &format!("{}/{file}", database.name())).expect("a file of the table");
        std::fs::remove_file(found).expect("a file that can be removed");
    }
    let refused = database.feed(CREATE).expect_err("it cannot be made");
    assert!(refused.contains("exists"), "{refused}");

    let note = format!("f1:0;{}", database.name());
    let class = classify::mysql(CREATE, &Syntax::MYSQL);
    let statement = Statement { number: 1, text: CREATE, offset: 0, data: None, class };
    block_on(async {
        let mut session = backend(&database.url()).connect().await.unwrap();
        let Settled::First(drops) = session.settle(&statement, Some(&note)).await.unwrap() else {
            panic!("there is something to clear away")
        };
        assert_eq!(drops.len(), 3, "{drops:?}");
        for drop in drops {
            session.query(&drop).await.unwrap();
        }
        let settled = session.settle(&statement, Some(&note)).await.unwrap();
        assert_eq!(settled, Settled::DidNotRun("catalog: n is not there".to_owned()));
    });
    block_on(Migrator::new(backend(&database.url()), set(&[("1_n", CREATE)])).up()).unwrap();
    assert_eq!(database.sql("select count(*) from n"), "0\n");
}

/// The path below `folder` that ends like this.
fn find(folder: &std::path::Path, end: &str) -> Option<std::path::PathBuf> {
    std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .find_map(|path| if path.is_dir() { find(&path, end) } else { path.ends_with(end).then_some(path) })
}
