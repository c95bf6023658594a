//! Runs inside a transaction of the caller's: all of it is there once the caller commits, and nothing otherwise.

use migrate_core::backend::{Backend as _, Locked, TableName};
use migrate_core::error::ErrorKind;
use migrate_core::{Error, Event, MigrationSet, Migrator, Refusal, Report};
use migrate_postgres::tokio_postgres::{self, Client, NoTls, Transaction};
use migrate_postgres::{Borrowed, PostgresSession};
use migrate_tests::servers::{Database, Postgres as Server};

use super::support::{backend, block_on, fragile, set};

const FILES: &[(&str, &str)] = &[
    ("1_create", "create table a (n int primary key);\ninsert into a values (1);"),
    ("2_more", "-- migrate:settings work_mem=7MB\ncreate table b (n int);\ninsert into b select n from a;"),
    ("3_load", "copy a from stdin;\n5\n6\n\\.\n"),
];

async fn connect(database: &Database<'_>) -> Client {
    let (client, connection) =
        tokio_postgres::connect(&database.url(), NoTls).await.unwrap_or_else(|error| panic!("{error}"));
    tokio::spawn(connection);
    client
}

async fn run(transaction: &Transaction<'_>, set: &MigrationSet) -> Result<Report, Error> {
    let migrator = Migrator::new(Borrowed, set.clone());
    let mut session = PostgresSession::join(transaction).await.map_err(ErrorKind::from)?;
    migrator.run_on(&mut session, &mut ()).await
}

async fn cells(client: &Transaction<'_>, sql: &str) -> String {
    let messages = client.simple_query(sql).await.expect("rows");
    let tokio_postgres::SimpleQueryMessage::Row(row) = &messages[1] else { panic!("{messages:?}") };
    (0..row.len()).map(|column| row.get(column).unwrap_or_default()).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_the_caller_commits_is_there_and_what_it_rolls_back_is_not() {
    let database = Server::shared().database();
    let set = set(FILES);
    block_on(async {
        let mut client = connect(&database).await;
        let transaction = client.transaction().await.unwrap();
        assert_eq!(run(&transaction, &set).await.unwrap_or_else(|error| panic!("{error}")).steps.len(), 3);
        assert_eq!(cells(&transaction, "select count(*) from a").await, "3");
        transaction.rollback().await.unwrap();
        assert_eq!(database.contents(), "");
        assert_eq!(database.psql("select to_regclass('migrate_history')"), "\n", "not even the history");

        let transaction = client.transaction().await.unwrap();
        run(&transaction, &set).await.unwrap_or_else(|error| panic!("{error}"));
        transaction.batch_execute("insert into a values (100)").await.unwrap();
        assert_eq!(database.psql("select to_regclass('a')"), "\n", "nobody else sees it before the caller commits");
        transaction.commit().await.unwrap();
    });
    assert_eq!(database.psql("select string_agg(n::text, ' ' order by n) from a"), "1 5 6 100\n");
    assert!(block_on(fragile(&database.url(), &set).check()).unwrap().is_current());
}

#[test]
fn a_current_database_is_found_current_inside_a_transaction_too() {
    let database = Server::shared().database();
    let set = set(FILES);
    block_on(fragile(&database.url(), &set).up()).unwrap();
    block_on(async {
        let mut client = connect(&database).await;
        let transaction = client.transaction().await.unwrap();
        assert!(run(&transaction, &set).await.unwrap().is_empty());
        transaction.commit().await.unwrap();
    });
}

#[test]
fn what_a_step_sets_does_not_outlast_it() {
    let database = Server::shared().database();
    let set = set(FILES);
    block_on(async {
        let mut client = connect(&database).await;
        client.batch_execute("set work_mem = '5MB'").await.unwrap();
        let transaction = client.transaction().await.unwrap();
        transaction.batch_execute("set local lock_timeout = '77s'").await.unwrap();
        let mut notices = Vec::new();
        let mut observer = |event: &Event<'_>| {
            if let Event::Noticed { notice, .. } = event {
                notices.push(notice.message.clone());
            }
        };
        let mut session = PostgresSession::join(&transaction).await.unwrap();
        Migrator::new(Borrowed, set.clone()).run_on(&mut session, &mut observer).await.unwrap();
        drop(session);
        let settings = "select current_setting('lock_timeout'), current_setting('work_mem'), \
                        current_setting('statement_timeout')";
        assert_eq!(cells(&transaction, settings).await, "77s 5MB 0");
        assert_eq!(notices, [""; 0]);
        transaction.commit().await.unwrap();
    });
}

#[test]
fn what_cannot_be_part_of_it_is_refused_before_anything_runs() {
    let database = Server::shared().database();
    let set = set(&[("1_create", "create table a (n int)"), ("2_index", "create index concurrently a_n on a (n)")]);
    block_on(async {
        let mut client = connect(&database).await;
        let transaction = client.transaction().await.unwrap();
        let error = run(&transaction, &set).await.unwrap_err();
        let ErrorKind::Refused(Refusal::NotJoined(refused)) = error.kind() else { panic!("{error}") };
        assert_eq!(refused[0].title, "2 index");
        // The transaction goes on as if nothing had been asked.
        assert_eq!(
            cells(&transaction, "select to_regclass('a') is null, to_regclass('migrate_history') is null").await,
            "t t"
        );
        transaction.commit().await.unwrap();
    });
}

#[test]
fn a_step_that_fails_is_told_with_its_place_and_those_before_it_can_be_kept() {
    let database = Server::shared().database();
    let broken =
        set(&[("1_create", "create table a (n int)"), ("2_broken", "insert into a values (1);\nselect nosuch;")]);
    block_on(async {
        let mut client = connect(&database).await;
        let transaction = client.transaction().await.unwrap();
        let error = run(&transaction, &broken).await.unwrap_err();
        let ErrorKind::Statement(failure) = error.kind() else { panic!("{error}") };
        assert_eq!((failure.title.as_str(), failure.statement), ("2 broken", Some(2)));
        assert_eq!(error.report().steps.len(), 1);
        transaction.commit().await.unwrap();
    });
    assert_eq!(database.psql("select count(*) from a"), "0\n");
    let mended = set(&[("1_create", "create table a (n int)"), ("2_broken", "insert into a values (1);")]);
    let report = block_on(fragile(&database.url(), &mended).up()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(report.steps.len(), 1);
}

#[test]
fn the_lock_is_held_until_the_transaction_ends() {
    let database = Server::shared().database();
    let set = set(FILES);
    let table = TableName::default();
    block_on(async {
        let mut client = connect(&database).await;
        let transaction = client.transaction().await.unwrap();
        run(&transaction, &set).await.unwrap();
        let mut other = backend(&database.url()).connect().await.unwrap();
        let locked = other.try_lock(&table, "another").await.unwrap();
        assert!(matches!(locked, Locked::HeldBy(_)), "{locked:?}");
        transaction.commit().await.unwrap();
        let locked = other.try_lock(&table, "another").await.unwrap();
        assert!(matches!(locked, Locked::Mine { .. }), "{locked:?}");
    });
}

#[test]
fn a_transaction_that_looks_at_the_past_is_refused() {
    let database = Server::shared().database();
    block_on(async {
        let mut client = connect(&database).await;
        let serializable = tokio_postgres::IsolationLevel::Serializable;
        let transaction = client.build_transaction().isolation_level(serializable).start().await.unwrap();
        let error = PostgresSession::join(&transaction).await.map(drop).unwrap_err();
        assert!(error.message.starts_with("the transaction is serializable"), "{error}");
        drop(transaction);
    });
}

#[test]
fn a_migrator_of_borrowed_connections_connects_nowhere() {
    let error = block_on(Migrator::new(Borrowed, set(FILES)).up()).unwrap_err();
    assert!(error.to_string().contains("Migrator::run_on"), "{error}");
}
