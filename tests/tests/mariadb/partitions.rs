//! What a server that was killed while it made, renamed or rebuilt a partitioned table leaves behind, made by hand.

use std::path::{Path, PathBuf};

use migrate_core::Migrator;
use migrate_core::backend::{Backend as _, Settled};
use migrate_tests::servers::MySql as Server;
use migrate_tests::servers::mysql::Options;

use super::FLAVOUR;
use super::support::{self, backend, block_on, noted, set};

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

    let note = format!("f2:0;{}", database.name());
    let statement = support::statement(CREATE);
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

#[test]
fn a_table_whose_partitions_have_lost_their_list_is_asked_about_and_not_taken_for_changed() {
    check(
        "create table n (id int not null primary key)",
        "alter table n partition by hash (id) partitions 2",
        true,
        |files| files.rename("n.par", "#sql-alter-1.par"),
        "fingerprint: n is not as before, but n cannot be read any more",
    );
}

#[test]
fn a_table_whose_partitions_are_renamed_in_part_is_asked_about_and_not_renamed_once_more() {
    check(
        "create table n (id int not null) partition by hash (id) partitions 2",
        "rename table n to m",
        false,
        |files| files.rename("n#P#p0.ibd", "m#P#p0.ibd"),
        "catalog: m, n are named as before, but n cannot be read any more",
    );
}

/// The folder of a database.
struct Files(PathBuf);

impl Files {
    fn rename(&self, from: &str, to: &str) {
        std::fs::rename(self.0.join(from), self.0.join(to)).expect("a file that can be renamed");
    }
}

/// What is said of `statement` when the server is stopped, files of its table are spoiled, and it is started again.
/// Where the statement `ran` its table's definition is the new one.
#[track_caller]
fn check(create: &str, statement: &str, ran: bool, spoil: impl FnOnce(&Files), reason: &str) {
    let server = Server::start(FLAVOUR, Options::default());
    let database = server.database();
    database.sql(create);
    let note = noted(&database, statement);
    if ran {
        database.sql(statement);
    }
    server.stop();
    let list = find(server.folder(), &format!("{}/n.par", database.name())).expect("the table's list of partitions");
    spoil(&Files(list.parent().expect("a folder").to_owned()));
    server.restart();
    let settled = block_on(async {
        let mut session = backend(&database.url()).connect().await.unwrap();
        session.settle(&support::statement(statement), Some(&note)).await.unwrap()
    });
    let Settled::Undecided(found) = settled else { panic!("{settled:?}") };
    // In what words the server refuses it is a matter of its version.
    assert_eq!(found.split(" (").next(), Some(reason), "{found}");
}

/// The path below `folder` that ends like this.
fn find(folder: &Path, end: &str) -> Option<PathBuf> {
    std::fs::read_dir(folder)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .find_map(|path| if path.is_dir() { find(&path, end) } else { path.ends_with(end).then_some(path) })
}
