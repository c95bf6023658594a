//! Effects in transactions: settings, foreign keys, errors and their places.

mod support;

use std::time::{Duration, Instant};

use migrate_core::Source;
use migrate_core::backend::{Effect, End, Fault, Session, Settings};
use migrate_core::sql::{Script, StatementKind, TransactionControl};
use migrate_sqlite::rusqlite::Connection;
use migrate_sqlite::{SQLITE, Sqlite};
use support::{Folder, cell, connect, ok, perform, prepare, query, refused, sql, statement, transaction, variables};

const FAMILY: &[&str] = &[
    "CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT)",
    "CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent (id) ON DELETE CASCADE)",
    "INSERT INTO parent VALUES (1, 'a'), (2, 'b')",
    "INSERT INTO child VALUES (10, 1), (11, 2)",
];

#[test]
fn children_survive_a_rebuild_of_their_parent() {
    let folder = Folder::new();
    let mut session = connect(&folder.database());
    prepare(&mut *session, FAMILY);
    let off = variables(&[("foreign_keys", "off")]);
    let rebuild = [
        sql("PRAGMA foreign_keys = off"),
        sql("CREATE TABLE new_parent (id INTEGER PRIMARY KEY, name TEXT NOT NULL)"),
        sql("INSERT INTO new_parent SELECT * FROM parent"),
        sql("DROP TABLE parent"),
        sql("ALTER TABLE new_parent RENAME TO parent"),
        sql("PRAGMA foreign_keys = on"),
    ];
    ok(&mut *session, &transaction(&off, &rebuild));
    assert_eq!(cell(&mut *session, "SELECT count(*) FROM child"), "2");
    assert_eq!(cell(&mut *session, "PRAGMA foreign_keys"), "1");
    let error = refused(
        &mut *session,
        &[Effect::Begin(&Settings::default()), Effect::Statement(&sql("INSERT INTO child VALUES (12, 99)"))],
    );
    assert_eq!(error.code.as_deref(), Some("SQLITE_CONSTRAINT_FOREIGNKEY"));
}

#[test]
fn children_survive_a_rebuild_that_renames_the_old_table_away() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    prepare(&mut *session, FAMILY);
    let settings = variables(&[("foreign_keys", "off"), ("legacy_alter_table", "on")]);
    let rebuild = [
        sql("ALTER TABLE parent RENAME TO old_parent"),
        sql("CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT NOT NULL)"),
        sql("INSERT INTO parent SELECT * FROM old_parent"),
        sql("DROP TABLE old_parent"),
    ];
    ok(&mut *session, &transaction(&settings, &rebuild));
    assert_eq!(cell(&mut *session, "SELECT count(*) FROM child"), "2");
    assert_eq!(cell(&mut *session, "PRAGMA legacy_alter_table"), "0");
    let schema = cell(&mut *session, "SELECT sql FROM sqlite_master WHERE name = 'child'");
    assert!(schema.contains("REFERENCES parent"), "{schema}");
}

/// A script as the core reads it, with the settings that the dialect says it needs.
#[test]
fn a_script_that_rebuilds_a_table_is_run_with_what_it_needs() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    prepare(&mut *session, FAMILY);
    let text = "-- make the name required
        CREATE TABLE \"new parent\" (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
        INSERT INTO [new parent] SELECT * FROM parent;
        DROP TABLE parent;
        ALTER TABLE `new parent` RENAME TO parent;
        CREATE TRIGGER t AFTER INSERT ON parent BEGIN SELECT 1; SELECT 2; END;";
    let script = Script::parse(Source::new("2.sql", text), &SQLITE.syntax, SQLITE.classify).unwrap();
    let settings = Settings { variables: (SQLITE.script_settings)(&script), ..Settings::default() };
    let statements: Vec<_> = script.statements().collect();
    ok(&mut *session, &transaction(&settings, &statements));
    assert_eq!(cell(&mut *session, "SELECT count(*) FROM child"), "2");
}

#[test]
fn a_rename_that_a_view_forbids_says_what_to_do() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    prepare(&mut *session, &["CREATE TABLE t (x)", "CREATE VIEW v AS SELECT x FROM t", "CREATE TABLE u (x)"]);
    let begin = Settings::default();
    let (drop, rename) = (sql("DROP TABLE t"), sql("ALTER TABLE u RENAME TO t"));
    let error = refused(&mut *session, &[Effect::Begin(&begin), Effect::Statement(&drop), Effect::Statement(&rename)]);
    assert_eq!(error.message, "error in view v: no such table: main.t");
    assert!(error.hint.is_some_and(|hint| hint.contains("PRAGMA legacy_alter_table = ON")));
}

#[test]
fn a_rebuild_that_loses_a_parent_is_refused_at_its_end() {
    let folder = Folder::new();
    let mut session = connect(&folder.database());
    prepare(&mut *session, FAMILY);
    let off = variables(&[("foreign_keys", "off")]);
    let lossy = [sql("DELETE FROM parent WHERE id = 2")];
    let error = refused(&mut *session, &transaction(&off, &lossy));
    assert_eq!(error.message, "foreign keys lead nowhere: row 11 of child refers to parent");
    assert_eq!(error.code.as_deref(), Some("SQLITE_CONSTRAINT_FOREIGNKEY"));
    ok(&mut *session, &[Effect::Rollback]);
    assert_eq!(cell(&mut *session, "SELECT count(*) FROM parent"), "2");
    assert_eq!(cell(&mut *session, "PRAGMA foreign_keys"), "1");
}

#[test]
fn violations_that_were_there_before_are_not_the_script_s() {
    let folder = Folder::new();
    folder.other().execute_batch(&format!("PRAGMA foreign_keys = off; {}", FAMILY.join(";"))).unwrap();
    folder.other().execute_batch("PRAGMA foreign_keys = off; INSERT INTO child VALUES (12, 98), (13, 99)").unwrap();
    let mut session = connect(&folder.database());
    let off = variables(&[("foreign_keys", "off")]);
    ok(&mut *session, &transaction(&off, &[sql("INSERT INTO parent VALUES (98, 'found')")]));
    let error = refused(&mut *session, &transaction(&off, &[sql("INSERT INTO child VALUES (14, 97)")]));
    assert_eq!(error.message, "foreign keys lead nowhere: row 14 of child refers to parent");
}

#[test]
fn a_deferred_violation_is_named_at_the_commit() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    prepare(&mut *session, FAMILY);
    let deferred = variables(&[("defer_foreign_keys", "on")]);
    let error = refused(&mut *session, &transaction(&deferred, &[sql("INSERT INTO child VALUES (12, 99)")]));
    assert_eq!(error.code.as_deref(), Some("SQLITE_CONSTRAINT_FOREIGNKEY"));
    assert_eq!(error.detail.as_deref(), Some("row 12 of child refers to parent"));
    ok(&mut *session, &[Effect::Rollback]);
    assert_eq!(cell(&mut *session, "PRAGMA defer_foreign_keys"), "0");
}

#[test]
fn switching_foreign_keys_off_where_it_has_no_effect_is_refused() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    let on = Settings::default();
    let pragma = sql("PRAGMA foreign_keys = OFF");
    let error = refused(&mut *session, &[Effect::Begin(&on), Effect::Statement(&pragma)]);
    assert!(error.message.starts_with("PRAGMA foreign_keys has no effect inside a transaction"), "{error}");
}

#[test]
fn settings_hold_for_their_transaction_and_what_a_script_sets_does_not_leak() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    let settings = variables(&[("cache_size", "-123"), ("foreign_keys", "OFF")]);
    ok(&mut *session, &[Effect::Begin(&settings)]);
    assert_eq!(cell(&mut *session, "PRAGMA cache_size"), "-123");
    assert_eq!(cell(&mut *session, "PRAGMA foreign_keys"), "0");
    ok(&mut *session, &[Effect::Statement(&sql("PRAGMA reverse_unordered_selects = 1")), Effect::Commit]);
    assert_ne!(cell(&mut *session, "PRAGMA cache_size"), "-123");
    assert_eq!(cell(&mut *session, "PRAGMA foreign_keys"), "1");
    assert_eq!(cell(&mut *session, "PRAGMA reverse_unordered_selects"), "0");
}

#[test]
fn settings_of_the_session_hold_until_the_next() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    let before = cell(&mut *session, "PRAGMA cache_size");
    ok(&mut *session, &[Effect::Set(&variables(&[("cache_size", "-77")]))]);
    prepare(&mut *session, &["CREATE TABLE t (x)"]);
    assert_eq!(cell(&mut *session, "PRAGMA cache_size"), "-77");
    ok(&mut *session, &[Effect::Statement(&sql("PRAGMA legacy_alter_table = on"))]);
    ok(&mut *session, &[Effect::Set(&Settings::default())]);
    assert_eq!(cell(&mut *session, "PRAGMA cache_size"), before);
    assert_eq!(cell(&mut *session, "PRAGMA legacy_alter_table"), "0");
}

#[test]
fn a_setting_without_effect_is_refused_before_anything_runs() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    let error = refused(&mut *session, &[Effect::Begin(&variables(&[("nosuch", "1")]))]);
    assert_eq!(error.message, "SQLite has no setting nosuch");
    prepare(&mut *session, &["CREATE TABLE t (x)"]);
}

#[test]
fn a_failed_script_leaves_nothing() {
    let folder = Folder::new();
    let mut session = connect(&folder.database());
    let settings = Settings::default();
    let statements = [sql("CREATE TABLE t (x)"), sql("INSERT INTO t VALUES (1)"), sql("INSERT INTO nosuch VALUES (1)")];
    let mut effects = transaction(&settings, &statements);
    effects.pop();
    let error = refused(&mut *session, &effects);
    assert_eq!((error.fault, error.message.as_str()), (Fault::Refused, "no such table: nosuch"));
    ok(&mut *session, &[Effect::Rollback, Effect::Rollback]);
    assert_eq!(support::observe(&mut *session).objects, Vec::<String>::new());
}

#[test]
fn errors_have_their_place_in_the_statement() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    let mut check = |text: &str, place: Option<&str>, message: &str| {
        let error = refused(&mut *session, &[Effect::Statement(&sql(text))]);
        assert_eq!(error.message, message, "{text}");
        assert_eq!(error.position.map(|at| &text[at..]), place, "{text}");
        assert_eq!(error.code.as_deref(), Some("SQLITE_ERROR"));
    };
    check("CREATE TABLE t (\n  größe x y,\n  z int,,\n)", Some(",\n)"), "near \",\": syntax error");
    check("SELECT 'größe', nosuch", Some("nosuch"), "no such column: nosuch");
    check("CREATE TABEL t (x)", Some("TABEL t (x)"), "near \"TABEL\": syntax error");
    check("CREATE TABLE t (x", None, "incomplete input");
    let error = refused(&mut *session, &[Effect::Statement(&sql("CREATE TABLE t (x)\0 garbage"))]);
    assert_eq!(error.position, Some("CREATE TABLE t (x)".len()));
    let folder = Folder::new();
    let mut session = connect(&folder.database());
    let error = refused(&mut *session, &[Effect::Statement(&sql("ATTACH '/no/folder/x.db' AS x"))]);
    assert_eq!((error.fault, error.code.as_deref()), (Fault::Refused, Some("SQLITE_CANTOPEN")));
}

#[test]
fn rows_are_counted_where_rows_are_written() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    let statements = [
        sql("CREATE TABLE t (x)"),
        sql("INSERT INTO t VALUES (1), (2), (3)"),
        sql("SELECT * FROM t"),
        sql("UPDATE t SET x = 0 WHERE x < 3 RETURNING x"),
        sql("DELETE FROM t WHERE x = 99"),
    ];
    let settings = Settings::default();
    let performed = perform(&mut *session, &transaction(&settings, &statements));
    assert_eq!(performed.end, End::All);
    let rows: Vec<_> = performed.done.iter().map(|done| done.rows).collect();
    assert_eq!(rows, [None, None, Some(3), None, Some(2), Some(0), None]);
}

#[test]
fn parameters_and_second_statements_are_refused() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    let mut check = |text: &str, message: &str| {
        let error = refused(&mut *session, &[Effect::Statement(&sql(text))]);
        assert_eq!(error.message, message);
    };
    check("SELECT :name", "the statement has the parameter :name, and a script has nothing to give it a value");
    check("SELECT ?", "the statement has the parameter ?, and a script has nothing to give it a value");
    check("SELECT 1; SELECT 2", "more than one statement where one was expected");
}

#[test]
fn a_script_that_ends_its_transaction_is_refused() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    let begin = Settings::default();
    let create = sql("CREATE TABLE t (x)");
    // Recognised as what it is: it is not run.
    let commit = statement("COMMIT", StatementKind::Transaction(TransactionControl::Commit));
    let error =
        refused(&mut *session, &[Effect::Begin(&begin), Effect::Statement(&create), Effect::Statement(&commit)]);
    assert_eq!(error.message, "the script begins or ends a transaction inside the one that its step runs in");
    ok(&mut *session, &[Effect::Rollback]);
    assert!(query(&mut *session, "SELECT name FROM sqlite_master").is_empty());
    // Taken for something else: it is found out.
    let hidden = statement("COMMIT", StatementKind::Unknown);
    let error =
        refused(&mut *session, &[Effect::Begin(&begin), Effect::Statement(&create), Effect::Statement(&hidden)]);
    assert_eq!(error.message, "the statement ended the transaction of its step: what came before it is committed");
    ok(&mut *session, &[Effect::Rollback]);
}

#[test]
fn a_statement_that_rolls_back_says_so_and_the_session_goes_on() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    prepare(&mut *session, &["CREATE TABLE t (x UNIQUE)", "INSERT INTO t VALUES (1)"]);
    let begin = Settings::default();
    let error = refused(
        &mut *session,
        &[Effect::Begin(&begin), Effect::Statement(&sql("INSERT OR ROLLBACK INTO t VALUES (1)"))],
    );
    assert_eq!(error.code.as_deref(), Some("SQLITE_CONSTRAINT_UNIQUE"));
    assert_eq!(error.detail.as_deref(), Some("SQLite rolled the transaction back"));
    ok(&mut *session, &[Effect::Rollback]);
    prepare(&mut *session, &["INSERT INTO t VALUES (2)"]);
}

#[test]
fn a_script_with_its_own_transaction_runs_statement_by_statement() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    let begin = statement("BEGIN", StatementKind::Transaction(TransactionControl::Begin));
    let commit = statement("COMMIT", StatementKind::Transaction(TransactionControl::Commit));
    let create = sql("CREATE TABLE t (x)");
    let own = [&begin, &create];
    ok(&mut *session, &own.map(Effect::Statement));
    let error = refused(&mut *session, &[Effect::Begin(&Settings::default())]);
    assert!(error.message.starts_with("a transaction is open already"), "{error}");
    ok(&mut *session, &[Effect::Statement(&commit), Effect::Statement(&sql("VACUUM"))]);
}

#[test]
fn a_locked_database_is_waited_for_as_long_as_the_settings_say() {
    let folder = Folder::new();
    let mut session = connect(&folder.database().busy_timeout(Duration::from_millis(80)));
    let other = folder.other();
    other.execute_batch("BEGIN IMMEDIATE; CREATE TABLE t (x)").unwrap();
    let mut check = |settings: &Settings, least: u64| {
        let asked = Instant::now();
        let error = refused(&mut *session, &[Effect::Begin(settings)]);
        assert_eq!((error.fault, error.code.as_deref()), (Fault::LockTimeout, Some("SQLITE_BUSY")));
        assert!(error.message.starts_with("another connection has the database locked; waited "), "{error}");
        let waited = asked.elapsed();
        assert!(waited >= Duration::from_millis(least) && waited < Duration::from_secs(5), "{waited:?}");
    };
    check(&Settings::default(), 80);
    check(&Settings { lock_timeout: Some(Duration::from_millis(200)), ..Settings::default() }, 200);
    // A lock that becomes free is taken.
    std::thread::scope(|scope| {
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(120));
            other.execute_batch("COMMIT").unwrap();
        });
        let for_ever = Settings { lock_timeout: Some(Duration::ZERO), ..Settings::default() };
        ok(&mut *session, &[Effect::Begin(&for_ever), Effect::Commit]);
    });
}

#[test]
fn readers_go_on_in_wal_mode() {
    let folder = Folder::new();
    folder.other().execute_batch("PRAGMA journal_mode = wal; CREATE TABLE t (x)").unwrap();
    let mut session = connect(&folder.database());
    ok(&mut *session, &[Effect::Begin(&Settings::default()), Effect::Statement(&sql("INSERT INTO t VALUES (1)"))]);
    let count = |connection: &Connection| {
        connection.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let reader = folder.other();
    reader.busy_timeout(Duration::ZERO).unwrap();
    assert_eq!(count(&reader), 0);
    ok(&mut *session, &[Effect::Commit]);
    assert_eq!(count(&reader), 1);
    assert_eq!(cell(&mut *session, "PRAGMA journal_mode"), "wal");
}

const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";

#[test]
fn a_statement_that_takes_too_long_is_stopped() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    let limited = Settings { statement_timeout: Some(Duration::from_millis(60)), ..Settings::default() };
    let error = refused(&mut *session, &[Effect::Begin(&limited), Effect::Statement(&sql(ENDLESS))]);
    assert_eq!((error.fault, error.code.as_deref()), (Fault::StatementTimeout, Some("SQLITE_INTERRUPT")));
    assert_eq!(error.message, "stopped: it took longer than 60 ms");
    ok(&mut *session, &[Effect::Rollback]);
    let quick = [sql("CREATE TABLE t (x)"), sql("INSERT INTO t VALUES (1)")];
    ok(&mut *session, &transaction(&limited, &quick));
}

/// Cancels as soon as the effect at an index has begun.
struct CancelAt(usize, Option<Box<dyn migrate_core::backend::Canceller>>);

impl migrate_core::backend::Progress for CancelAt {
    fn began(&mut self, at: usize) {
        if at == self.0
            && let Some(canceller) = self.1.take()
        {
            std::thread::spawn(move || canceller.cancel());
        }
    }
    fn done(&mut self, _: usize, _: &migrate_core::backend::Done) {}
    fn notice(&mut self, _: migrate_core::backend::Notice) {}
}

fn cancelled(session: &mut dyn Session, effects: &[Effect<'_>], at: usize) {
    let mut progress = CancelAt(at, session.canceller());
    let performed = migrate_sqlite::blocking::block_on(session.perform(&support::table(), effects, &mut progress));
    let End::Refused { error, .. } = performed.end else { panic!("{performed:?}") };
    assert_eq!((error.fault, error.message.as_str()), (Fault::Cancelled, "stopped on request"));
}

#[test]
fn a_running_statement_is_stopped_from_another_thread() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    let begin = Settings::default();
    let endless = sql(ENDLESS);
    for _ in 0..20 {
        cancelled(&mut *session, &[Effect::Begin(&begin), Effect::Statement(&endless)], 1);
        ok(&mut *session, &[Effect::Rollback]);
    }
    prepare(&mut *session, &["CREATE TABLE t (x)"]);
}

#[test]
fn a_wait_for_a_lock_is_stopped_from_another_thread() {
    let folder = Folder::new();
    let mut session = connect(&folder.database());
    let other = folder.other();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let for_ever = Settings { lock_timeout: Some(Duration::ZERO), ..Settings::default() };
    cancelled(&mut *session, &[Effect::Begin(&for_ever)], 0);
}

#[test]
fn a_request_to_stop_an_idle_session_is_forgotten() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    session.canceller().unwrap().cancel().unwrap();
    prepare(&mut *session, &["CREATE TABLE t (x)"]);
}

#[test]
fn a_borrowed_connection_gets_its_settings_back() {
    let mut connection = Connection::open_in_memory().unwrap();
    connection.execute_batch("PRAGMA foreign_keys = off; PRAGMA busy_timeout = 1234").unwrap();
    let mut session = Sqlite::on(&mut connection).unwrap();
    assert_eq!(cell(&mut session, "PRAGMA foreign_keys"), "1");
    prepare(&mut session, FAMILY);
    ok(&mut session, &[Effect::Set(&variables(&[("cache_size", "-5")])), Effect::Begin(&Settings::default())]);
    drop(session);
    let value = |name: &str| connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!((value("foreign_keys"), value("busy_timeout")), (0, 1234));
    assert_ne!(value("cache_size"), -5);
    assert!(connection.is_autocommit());
}

#[test]
fn a_borrowed_connection_with_an_open_transaction_is_refused() {
    let mut connection = Connection::open_in_memory().unwrap();
    connection.execute_batch("BEGIN").unwrap();
    let error = Sqlite::on(&mut connection).err().unwrap();
    assert!(error.message.starts_with("a transaction is open on this connection"), "{error}");
}

#[test]
fn code_gets_the_driver_s_connection() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    let connection: &mut Connection = session.native().downcast_mut().unwrap();
    connection.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1.5), (x'00ff'), (NULL)").unwrap();
    assert_eq!(query(&mut *session, "SELECT x FROM t"), [["1.5"], ["00ff"], ["NULL"]]);
}
