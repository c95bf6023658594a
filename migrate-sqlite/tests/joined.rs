//! Runs inside a transaction of the caller's: all of it is there once the caller commits, and nothing otherwise.

use migrate_core::error::ErrorKind;
use migrate_core::layout::Folder;
use migrate_core::{EngineNames, Error, MigrationSet, ReadOptions, Refusal, Report};
use migrate_sqlite::Sqlite;
use migrate_sqlite::blocking::Migrator;
use migrate_sqlite::rusqlite::{Connection, TransactionState};

const FILES: &[(&str, &str)] = &[
    ("1_create.sql", "create table a (n integer primary key); insert into a values (1);"),
    ("2_more.sql", "create table b (n integer references a (n)); insert into b select n from a;"),
];

fn set(files: &[(&str, &str)]) -> MigrationSet {
    let folder = Folder::embedded("migrations", files.iter().copied());
    let loaded = MigrationSet::from_folder(&folder, &ReadOptions::new(EngineNames::SQLITE));
    loaded.unwrap_or_else(|problems| panic!("{}", problems[0])).set
}

fn run(connection: &mut Connection, files: &[(&str, &str)]) -> Result<Report, Error> {
    Migrator::borrowed(set(files)).run_inside(connection, &mut ())
}

fn names(connection: &Connection) -> String {
    let sql = "select coalesce(group_concat(name, ' '), '') from (select name from sqlite_master where type = 'table' order by name)";
    connection.query_row(sql, [], |row| row.get(0)).expect("a row")
}

#[test]
fn what_the_caller_commits_is_there_and_what_it_rolls_back_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let mut connection = Connection::open(&path).unwrap();
    connection.execute_batch("begin immediate").unwrap();
    assert_eq!(run(&mut connection, FILES).unwrap().steps.len(), 2);
    assert!(!connection.is_autocommit(), "the transaction is the caller's");
    assert_eq!(names(&connection), "a b migrate_history");
    connection.execute_batch("rollback").unwrap();
    assert_eq!(names(&connection), "");

    connection.execute_batch("begin").unwrap();
    run(&mut connection, FILES).unwrap();
    connection.execute_batch("insert into a values (100)").unwrap();
    assert_eq!(names(&Connection::open(&path).unwrap()), "", "nobody else sees it before the caller commits");
    connection.execute_batch("commit").unwrap();
    let sum: i64 = connection.query_row("select sum(n) from a", [], |row| row.get(0)).unwrap();
    assert_eq!(sum, 101);
    assert!(Migrator::new(Sqlite::open(&path), set(FILES)).check().unwrap().is_current());
}

#[test]
fn a_failed_step_is_taken_back_and_the_transaction_stays_open() {
    let mut connection = Connection::open_in_memory().unwrap();
    connection.execute_batch("begin").unwrap();
    let broken = [FILES[0], ("2_broken.sql", "create table c (n); select nosuch;")];
    let error = run(&mut connection, &broken).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Statement(_)), "{error}");
    assert_eq!((names(&connection).as_str(), error.report().steps.len()), ("a migrate_history", 1));
    assert!(!connection.is_autocommit());
    connection.execute_batch("rollback").unwrap();
    assert_eq!(names(&connection), "");
}

#[test]
fn what_cannot_be_part_of_it_is_refused_before_anything_runs() {
    let check = |text: &str, what: &str| {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("begin").unwrap();
        let error = run(&mut connection, &[FILES[0], ("2_x.sql", text)]).unwrap_err();
        let ErrorKind::Refused(Refusal::NotJoined(refused)) = error.kind() else { panic!("{error}") };
        assert_eq!(refused[0].what, what);
        assert_eq!(names(&connection), "", "nothing has run");
        connection.execute_batch("commit").unwrap();
    };
    check("vacuum;", "statement 1 of 1 cannot be in a transaction");
    check(
        "create table new (n integer primary key); insert into new select n from a; drop table a; \
         alter table new rename to a;",
        "it needs foreign_keys = off before its transaction begins",
    );
}

#[test]
fn a_transaction_that_only_read_becomes_one_that_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let mut connection = Connection::open(&path).unwrap();
    connection.execute_batch("pragma journal_mode = wal; begin").unwrap();
    names(&connection);
    drop(Sqlite::join(&mut connection).unwrap());
    assert_eq!(connection.transaction_state(Some("main")).unwrap(), TransactionState::Write);
    connection.execute_batch("rollback; begin").unwrap();
    names(&connection);
    Connection::open(&path).unwrap().execute_batch("create table theirs (n)").unwrap();
    let error = Sqlite::join(&mut connection).map(drop).unwrap_err();
    assert_eq!(error.code.as_deref(), Some("SQLITE_BUSY_SNAPSHOT"), "{error}");
}

#[test]
fn the_connection_keeps_its_settings() {
    let mut connection = Connection::open_in_memory().unwrap();
    connection.execute_batch("pragma foreign_keys = off; pragma busy_timeout = 1234; begin").unwrap();
    run(&mut connection, FILES).unwrap();
    connection.execute_batch("commit").unwrap();
    let value = |name: &str| connection.query_row(&format!("pragma {name}"), [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!((value("foreign_keys"), value("busy_timeout")), (0, 1234));
}

#[test]
fn without_a_transaction_there_is_nothing_to_join() {
    let mut connection = Connection::open_in_memory().unwrap();
    let error = Sqlite::join(&mut connection).map(drop).unwrap_err();
    assert!(error.message.starts_with("no transaction is open"), "{error}");
    let error = Migrator::borrowed(set(FILES)).up().unwrap_err();
    assert!(error.to_string().contains("Migrator::run_on"), "{error}");
}
