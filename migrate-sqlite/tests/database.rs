//! The database as a whole: where it is, what is in it, its lock, backups.

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use migrate_core::backend::Settled;
use migrate_core::backend::{Backend, Effect, Fault, Locked, Session, Settings};
use migrate_core::sql::{Class, Recovery, Sharing, Statement, StatementKind, TransactionControl};
use migrate_core::{EngineNames, MigrationSet, ReadOptions};
use migrate_sqlite::backup::{backup, restore};
use migrate_sqlite::blocking::block_on;
use migrate_sqlite::{SQLITE, Sqlite};
use support::{Folder, cell, connect, ensure, observe, ok, prepare, refused, sql, statement, table};

#[test]
fn what_cannot_be_opened_says_which_and_why() {
    let folder = Folder::new();
    fs::write(folder.path("text.db"), "This is a text and not a database. ".repeat(200)).unwrap();
    let check = |database: Sqlite, fault: Fault, message: &str| {
        let error = block_on(database.connect()).err().unwrap();
        let message = message.replace("DIR", &folder.path("").display().to_string());
        assert_eq!((error.fault, error.message), (fault, message));
    };
    let at = |name: &str| Sqlite::open(folder.path(name));
    check(at("no.db").create(false), Fault::NoDatabase, "there is no database DIRno.db");
    check(at("no.db").read_only(true), Fault::NoDatabase, "there is no database DIRno.db");
    check(at("no/no.db"), Fault::NoDatabase, "there is no folder DIRno for the database no.db");
    check(at("").create(true), Fault::NoDatabase, "DIR is a folder and not a database");
    check(
        at("text.db"),
        Fault::Connect,
        "DIRtext.db cannot be opened: the file is not an SQLite database, or it is encrypted",
    );
    check(
        at("x.db").on_connect(|connection| connection.execute_batch("SELECT nosuch()")),
        Fault::Connect,
        "DIRx.db cannot be opened: no such function: nosuch",
    );
    assert!(!folder.path("no.db").exists());
}

#[test]
fn a_set_whose_migrations_are_folders_is_compiled_in() {
    let set = migrate_sqlite::embed_migrations!("tests/embedded_diesel");
    assert_eq!((set.layout(), set.len()), ("diesel", 2));
    let last = set.last_versioned().unwrap();
    assert_eq!(last.up.path(), "tests/embedded_diesel/2024-02-01-120000_index_notes/up.sql");
    assert!(last.attributes.run.no_transaction && set.versioned()[0].down.is_some());
    let report = migrate_sqlite::blocking::Migrator::new(Sqlite::in_memory().unwrap(), set).up().unwrap();
    assert_eq!(report.steps.len(), 2);
}

#[test]
fn a_set_that_is_compiled_in_is_the_one_in_its_folder() {
    let check = |embedded: MigrationSet, folder: &str| {
        let read = MigrationSet::read(&[folder.into()], &ReadOptions::new(EngineNames::SQLITE)).unwrap().set;
        assert_eq!(embedded.digest(), read.digest(), "{folder}");
        assert_eq!(embedded.component(), read.component());
        assert_eq!(
            embedded.iter().map(|m| (&m.id, &m.checksum)).collect::<Vec<_>>(),
            read.iter().map(|m| (&m.id, &m.checksum)).collect::<Vec<_>>()
        );
        // As it is once it was read.
        let known = embedded.clone().with_component(embedded.component());
        assert_eq!((known.digest(), known.stale()), (read.digest(), None), "{folder}");
    };
    check(migrate_sqlite::embed_migrations!("tests/embedded"), "tests/embedded");
    // With a way back.
    check(migrate_sqlite::embed_migrations!("tests/embedded_diesel"), "tests/embedded_diesel");
    // With values of its own.
    check(migrate_sqlite::embed_migrations!("tests/embedded_flyway/sql"), "tests/embedded_flyway/sql");
}

#[test]
fn settings_of_another_tool_are_compiled_in_without_its_credentials() {
    let set = migrate_sqlite::embed_migrations!("tests/embedded_flyway/sql");
    assert_eq!((set.layout(), set.len()), ("flyway", 2));
    migrate_sqlite::blocking::Migrator::new(Sqlite::in_memory().unwrap(), set).up().unwrap();
    let program = fs::read(std::env::current_exe().unwrap()).unwrap();
    let holds = |text: &[u8]| program.windows(text.len()).any(|window| window == text);
    // Put together here, so that the test does not find itself.
    let password = ["never", "in", "a", "program"].join("-");
    assert!(holds(b"flyway.placeholders.table=notes") && !holds(password.as_bytes()));
}

#[test]
fn a_missing_file_is_created() {
    let folder = Folder::new();
    assert!(!folder.database().exists().unwrap());
    prepare(&mut *connect(&folder.database()), &["CREATE TABLE t (x)"]);
    assert!(folder.database().create(false).exists().unwrap());
    assert_eq!(cell(&mut *connect(&folder.database().create(false)), "SELECT count(*) FROM t"), "0");
}

#[test]
fn what_is_read_only_is_known_before_the_first_write() {
    let folder = Folder::new();
    prepare(&mut *connect(&folder.database()), &["CREATE TABLE t (x)"]);
    assert!(!observe(&mut *connect(&folder.database())).read_only);
    let mut session = connect(&folder.database().read_only(true));
    assert!(observe(&mut *session).read_only);
    assert_eq!(refused(&mut *session, &[Effect::Statement(&sql("CREATE TABLE u (x)"))]).fault, Fault::ReadOnly);
    let query_only = folder.database().on_connect(|connection| connection.execute_batch("PRAGMA query_only = on"));
    let mut session = connect(&query_only);
    assert!(observe(&mut *session).read_only);
    let error = refused(&mut *session, &[Effect::Statement(&sql("CREATE TABLE u (x)"))]);
    assert_eq!((error.fault, error.code.as_deref()), (Fault::ReadOnly, Some("SQLITE_READONLY")));
}

#[test]
fn a_look_at_the_database_tells_its_objects_apart() {
    let folder = Folder::new();
    let mut session = connect(&folder.database());
    let server = observe(&mut *session);
    assert_eq!(server.product, format!("SQLite {}", rusqlite::version()));
    assert_eq!(server.database, "app.db");
    assert_eq!(server.syntax, SQLITE.syntax);
    assert!(!server.has_history && server.objects.is_empty() && server.foreign_histories.is_empty());
    ensure(&mut *session);
    prepare(
        &mut *session,
        &[
            "CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT)",
            "CREATE TABLE DATABASECHANGELOG (id)",
            "CREATE TABLE DATABASECHANGELOGLOCK (id)",
            "CREATE TABLE CHANGELOG (id)",
            "CREATE INDEX i ON CHANGELOG (id)",
        ],
    );
    let server = observe(&mut *session);
    assert!(server.has_history && server.objects.is_empty(), "{server:?}");
    assert_eq!(server.foreign_histories, ["goose_db_version", "DATABASECHANGELOG", "CHANGELOG"]);
    for n in 0..9 {
        prepare(&mut *session, &[&format!("CREATE VIEW v{n} AS SELECT 1")]);
    }
    assert_eq!(observe(&mut *session).objects, ["v0", "v1", "v2", "v3", "v4", "v5"]);
    let mut small = connect(&Sqlite::in_memory().unwrap());
    prepare(&mut *small, &["CREATE TABLE changelog (text)"]);
    let server = observe(&mut *small);
    assert_eq!((server.database.as_str(), server.objects), (":memory:", vec!["changelog".to_owned()]));
}

#[test]
fn a_database_in_memory_is_shared_and_lives_as_long_as_its_value() {
    let database = Sqlite::in_memory().unwrap();
    prepare(&mut *connect(&database), &["CREATE TABLE t (x)", "INSERT INTO t VALUES (1)"]);
    let (mut one, mut two) = (connect(&database), connect(&database.clone().busy_timeout(Duration::from_millis(20))));
    assert_eq!(cell(&mut *one, "SELECT count(*) FROM t"), "1");
    let begin = Settings::default();
    ok(&mut *one, &[Effect::Begin(&begin), Effect::Statement(&sql("INSERT INTO t VALUES (2)"))]);
    assert_eq!(refused(&mut *two, &[Effect::Begin(&begin)]).fault, Fault::LockTimeout);
    ok(&mut *one, &[Effect::Rollback]);
    assert_eq!(cell(&mut *two, "SELECT count(*) FROM t"), "1");
    assert!(observe(&mut *connect(&Sqlite::in_memory().unwrap())).objects.is_empty());
    assert_eq!(block_on(two.try_lock(&table(), "two")).unwrap(), Locked::Mine { fence: 0 });
    let Locked::HeldBy(holder) = block_on(one.try_lock(&table(), "one")).unwrap() else { panic!("taken twice") };
    assert_eq!(holder.who, "two");
    block_on(two.unlock(&table())).unwrap();
    assert_eq!(block_on(one.try_lock(&table(), "one")).unwrap(), Locked::Mine { fence: 0 });
}

#[test]
fn the_lock_goes_with_the_session() {
    let folder = Folder::new();
    let (mut one, mut two) = (connect(&folder.database()), connect(&folder.database()));
    for _ in 0..2 {
        assert_eq!(block_on(one.try_lock(&table(), "one")).unwrap(), Locked::Mine { fence: 0 });
    }
    let Locked::HeldBy(holder) = block_on(two.try_lock(&table(), "two")).unwrap() else { panic!("taken twice") };
    assert_eq!(holder.who, "one");
    assert!(holder.since.is_some_and(|since| since < Duration::from_secs(60)));
    drop(one);
    assert_eq!(block_on(two.try_lock(&table(), "two")).unwrap(), Locked::Mine { fence: 0 });
    // A session on the caller's connection meets the same lock.
    let mut own = folder.other();
    let mut borrowed = Sqlite::on(&mut own).unwrap();
    assert!(matches!(block_on(borrowed.try_lock(&table(), "three")).unwrap(), Locked::HeldBy(_)));
}

#[cfg(unix)]
#[test]
fn whoever_comes_by_another_path_meets_the_same_lock() {
    let folder = Folder::new();
    let mut one = connect(&folder.database());
    assert_eq!(block_on(one.try_lock(&table(), "one")).unwrap(), Locked::Mine { fence: 0 });
    fs::create_dir(folder.path("elsewhere")).unwrap();
    std::os::unix::fs::symlink(folder.path("app.db"), folder.path("elsewhere/link.db")).unwrap();
    for path in ["elsewhere/link.db", "elsewhere/../app.db"] {
        let mut two = connect(&Sqlite::open(folder.path(path)));
        assert!(matches!(block_on(two.try_lock(&table(), "two")).unwrap(), Locked::HeldBy(_)), "{path}");
    }
}

/// The folder whose lock this test binary takes when it is started by the next test.
const HOLD: &str = "MIGRATE_SQLITE_TEST_HOLD";

/// Not a test by itself: what the second process of the next one does.
#[test]
fn second_process() {
    let Some(folder) = std::env::var_os(HOLD) else { return };
    let mut session = connect(&Sqlite::open(std::path::Path::new(&folder).join("app.db")));
    assert_eq!(block_on(session.try_lock(&table(), "the other process")).unwrap(), Locked::Mine { fence: 0 });
    prepare(&mut *session, &["CREATE TABLE committed (x)"]);
    ok(&mut *session, &[Effect::Begin(&Settings::default()), Effect::Statement(&sql("CREATE TABLE uncommitted (x)"))]);
    println!("\nlocked");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}

#[allow(clippy::unwrap_used)] // a part of tests
fn second(folder: &Folder) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "second_process", "--nocapture"])
        .env(HOLD, folder.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "locked"));
    child
}

#[test]
fn the_lock_holds_between_processes_and_a_kill_releases_it() {
    let folder = Folder::new();
    let mut child = second(&folder);
    let mut session = connect(&folder.database());
    let Locked::HeldBy(holder) = block_on(session.try_lock(&table(), "this one")).unwrap() else {
        panic!("taken twice")
    };
    assert_eq!(holder.who, "the other process");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(block_on(session.try_lock(&table(), "this one")).unwrap(), Locked::Mine { fence: 0 });
    assert_eq!(observe(&mut *session).objects, ["committed"]);
    block_on(session.unlock(&table())).unwrap();
    assert_eq!(folder.path("app.db-migrate.lock").exists(), !cfg!(unix));
}

#[test]
fn a_statement_in_flight_runs_again_if_that_is_harmless() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    let mut settle = |sharing: Sharing| {
        let statement = sql("VACUUM");
        let statement = Statement { class: Class { sharing, ..statement.class }, ..statement };
        assert_eq!(block_on(session.note(&statement)).unwrap(), migrate_core::backend::Note::Nothing);
        block_on(session.settle(&statement, None)).unwrap()
    };
    assert!(matches!(settle(Sharing::Alone(Recovery::Repeat)), Settled::DidNotRun(_)));
    assert!(matches!(settle(Sharing::Shares), Settled::DidNotRun(_)));
    assert!(matches!(settle(Sharing::Alone(Recovery::NonAtomic)), Settled::Undecided(_)));
    let commit = statement("COMMIT", StatementKind::Transaction(TransactionControl::Commit));
    assert!(matches!(block_on(session.settle(&commit, None)).unwrap(), Settled::Ran(_)));
}

#[test]
fn a_backup_is_one_moment_of_a_database_in_use() {
    let folder = Folder::new();
    let mut session = connect(&folder.database());
    ok(&mut *session, &[Effect::Statement(&sql("PRAGMA journal_mode = wal"))]);
    prepare(&mut *session, &["CREATE TABLE t (x)", "INSERT INTO t VALUES (1)"]);
    ok(&mut *session, &[Effect::Begin(&Settings::default()), Effect::Statement(&sql("INSERT INTO t VALUES (2)"))]);
    let copy = folder.path("copy.db");
    fs::write(&copy, "an older backup").unwrap();
    backup(&folder.database(), &copy).unwrap();
    ok(&mut *session, &[Effect::Commit]);
    assert_eq!(cell(&mut *connect(&Sqlite::open(&copy)), "SELECT count(*) FROM t"), "1");
    let names = fs::read_dir(folder.path("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(names.into_iter().all(|name| !name.contains(".part")));

    restore(&folder.database(), &copy).unwrap();
    assert_eq!(cell(&mut *session, "SELECT count(*) FROM t"), "1");
    assert_eq!(cell(&mut *session, "PRAGMA integrity_check"), "ok");
}

#[test]
fn a_database_in_memory_is_copied_too() {
    let folder = Folder::new();
    let (database, copy) = (Sqlite::in_memory().unwrap(), folder.path("copy.db"));
    prepare(&mut *connect(&database), &["CREATE TABLE t (x)", "INSERT INTO t VALUES (1)"]);
    backup(&database, &copy).unwrap();
    prepare(&mut *connect(&database), &["DROP TABLE t"]);
    restore(&database, &copy).unwrap();
    assert_eq!(cell(&mut *connect(&database), "SELECT count(*) FROM t"), "1");
}

#[test]
fn a_backup_that_cannot_be_made_or_restored_changes_nothing() {
    let folder = Folder::new();
    let mut session = connect(&folder.database());
    prepare(&mut *session, &["CREATE TABLE t (x)"]);
    let copy = folder.path("copy.db");
    assert_eq!(backup(&Sqlite::open(folder.path("no.db")), &copy).unwrap_err().fault, Fault::NoDatabase);
    assert!(!copy.exists());
    assert_eq!(backup(&folder.database(), &folder.path("no/copy.db")).unwrap_err().fault, Fault::NoDatabase);
    fs::write(folder.path("live.db-wal"), "x").unwrap();
    let error = backup(&folder.database(), &folder.path("live.db")).unwrap_err();
    assert!(error.message.contains("is a database in use"), "{error}");

    fs::write(&copy, "This is a text and not a database. ".repeat(200)).unwrap();
    let error = restore(&folder.database(), &copy).unwrap_err();
    assert!(error.message.ends_with("is not an SQLite database, or it is encrypted"), "{error}");
    assert_eq!(restore(&folder.database(), &folder.path("no.db")).unwrap_err().fault, Fault::NoDatabase);
    assert_eq!(observe(&mut *session).objects, ["t"]);
}

#[test]
fn a_restore_waits_for_who_has_the_database() {
    let folder = Folder::new();
    prepare(&mut *connect(&folder.database()), &["CREATE TABLE t (x)"]);
    let copy = folder.path("copy.db");
    backup(&folder.database(), &copy).unwrap();
    let mut session = connect(&folder.database());
    ok(&mut *session, &[Effect::Begin(&Settings::default())]);
    let error = restore(&folder.database().busy_timeout(Duration::from_millis(60)), &copy).unwrap_err();
    assert_eq!(error.fault, Fault::LockTimeout, "{error}");
    std::thread::scope(|scope| {
        let restored = scope.spawn(|| restore(&folder.database(), &copy));
        ok(&mut *session, &[Effect::Rollback]);
        restored.join().unwrap().unwrap();
    });
}

#[test]
fn a_database_is_created_and_dropped_with_all_its_files() {
    let folder = Folder::new();
    let database = folder.database().busy_timeout(Duration::from_millis(50));
    assert!(!database.drop_database().unwrap());
    assert!(database.create_database().unwrap());
    assert!(!database.create_database().unwrap());
    let mut session = connect(&database);
    ok(&mut *session, &[Effect::Statement(&sql("PRAGMA journal_mode = wal"))]);
    prepare(&mut *session, &["CREATE TABLE t (x)"]);
    ok(&mut *session, &[Effect::Begin(&Settings::default())]);
    assert_eq!(database.drop_database().unwrap_err().fault, Fault::LockTimeout);
    ok(&mut *session, &[Effect::Rollback]);
    assert!(folder.path("app.db-wal").exists());
    assert!(database.drop_database().unwrap());
    drop(session);
    assert_eq!(fs::read_dir(folder.path("")).unwrap().count(), 0);
    fs::write(folder.path("app.db"), "a letter to a friend, which nobody should delete").unwrap();
    assert_eq!(database.drop_database().unwrap_err().fault, Fault::Connect);
    assert!(folder.path("app.db").exists());
    assert_eq!(Sqlite::in_memory().unwrap().drop_database().unwrap_err().fault, Fault::Unsupported);
}
