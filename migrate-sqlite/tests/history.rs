//! The history table: written, read back, by older and newer versions, and as SQL.

mod support;

use migrate_core::backend::{Effect, End, Fault, ForeignRow, NewEntry, Session, Settings, TableName};
use migrate_core::history::{Entry, EntryKey, State, Texts};
use migrate_sqlite::blocking::block_on;
use migrate_sqlite::rusqlite::Connection;
use migrate_sqlite::{SQLITE, Sqlite};
use support::{Folder, advance, cell, connect, ensure, load, new_entry, ok, query, refused, sql, table};

/// What must come back of a new row, apart from its times.
fn written(new: &NewEntry, read: &Entry) -> Entry {
    assert_eq!(read.finished_at.is_some(), new.entry.state != State::InFlight);
    assert!(read.started_at.is_some_and(|started| started.0 > 1_700_000_000_000_000), "{read:?}");
    assert!(read.finished_at.is_none_or(|finished| Some(finished) >= read.started_at), "{read:?}");
    Entry { started_at: read.started_at, finished_at: read.finished_at, ..new.entry.clone() }
}

#[test]
fn rows_come_back_as_they_were_written() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    assert_eq!(load(&mut *session), []);
    assert_eq!(block_on(session.head(&table(), "main")).unwrap(), None);
    ensure(&mut *session);
    ensure(&mut *session);
    let (first, second) = (new_entry(1, State::Done), new_entry(2, State::InFlight));
    let begin = Settings::default();
    ok(&mut *session, &[Effect::Begin(&begin), Effect::Append(&first), Effect::Commit, Effect::Append(&second)]);
    let rows = load(&mut *session);
    assert_eq!(rows, [written(&first, &rows[0]), written(&second, &rows[1])]);
    assert_eq!(block_on(session.head(&table(), "main")).unwrap().as_ref(), rows.last());
    assert_eq!(block_on(session.head(&table(), "other")).unwrap(), None);
    let keys = [2, 9, 1].map(|seq| EntryKey { component: "main".to_owned(), seq });
    let texts = Texts { script: first.script.clone(), down_script: first.down_script.clone() };
    assert_eq!(block_on(session.texts(&table(), &keys)).unwrap(), [texts.clone(), Texts::default(), texts]);
}

#[test]
fn a_row_is_written_once() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    ensure(&mut *session);
    let new = new_entry(1, State::Done);
    ok(&mut *session, &[Effect::Append(&new)]);
    let error = refused(&mut *session, &[Effect::Begin(&Settings::default()), Effect::Append(&new)]);
    assert_eq!(error.fault, Fault::Duplicate);
    assert_eq!(error.message, "row 1 of component main in the history exists already");
}

#[test]
fn a_row_changes_only_if_it_is_as_expected() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    ensure(&mut *session);
    let create = sql("CREATE TABLE t (x)");
    ok(&mut *session, &[Effect::Append(&new_entry(1, State::InFlight))]);
    ok(&mut *session, &[Effect::Statement(&create), Effect::Advance(&advance(1, 1, State::InFlight))]);
    let row = load(&mut *session).remove(0);
    assert_eq!((row.cursor, row.state, row.finished_at), (2, State::InFlight, None));
    assert_eq!((row.note.as_deref(), row.error, row.prefix_digest.as_deref()), (Some("note"), None, Some("q")));
    let mut stale = |change: &dyn Fn(&mut migrate_core::backend::Advance)| {
        let mut advance = advance(1, 2, State::Done);
        change(&mut advance);
        let error = refused(&mut *session, &[Effect::Advance(&advance)]);
        assert_eq!(error.fault, Fault::Stale, "{error}");
    };
    stale(&|advance| advance.from_cursor = 1);
    stale(&|advance| advance.run_id = "run-2".to_owned());
    stale(&|advance| advance.fence = 8);
    stale(&|advance| advance.key.seq = 2);
    stale(&|advance| advance.key.component = "other".to_owned());
    ok(&mut *session, &[Effect::Advance(&advance(1, 2, State::Done))]);
    assert!(load(&mut *session)[0].finished_at.is_some());
}

#[test]
fn nothing_runs_after_a_stale_row() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    ensure(&mut *session);
    let create = sql("CREATE TABLE t (x)");
    let stale = advance(1, 1, State::Done);
    let performed = support::perform(&mut *session, &[Effect::Advance(&stale), Effect::Statement(&create)]);
    assert!(matches!(performed.end, End::Refused { at: 0, .. }), "{performed:?}");
    assert_eq!(query(&mut *session, "SELECT name FROM sqlite_master WHERE name = 't'"), Vec::<Vec<String>>::new());
}

#[test]
fn the_table_can_be_created_in_the_first_transaction_and_goes_with_it() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    ok(&mut *session, &[Effect::Begin(&Settings::default())]);
    ensure(&mut *session);
    ok(&mut *session, &[Effect::Append(&new_entry(1, State::Done)), Effect::Rollback]);
    assert!(!support::observe(&mut *session).has_history);
    ok(&mut *session, &[Effect::Begin(&Settings::default())]);
    ensure(&mut *session);
    ok(&mut *session, &[Effect::Append(&new_entry(1, State::Done)), Effect::Commit]);
    assert!(support::observe(&mut *session).has_history);
    assert_eq!(load(&mut *session).len(), 1);
}

#[test]
fn an_older_table_gets_its_columns_and_is_read_before_that() {
    let folder = Folder::new();
    folder
        .other()
        .execute_batch(
            "CREATE TABLE migrate_history (component TEXT, seq INTEGER, version TEXT, name TEXT, action TEXT,
                state TEXT, checksum TEXT, run_id TEXT, PRIMARY KEY (component, seq));
             INSERT INTO migrate_history VALUES ('main', 1, '1', 'one', 'up', 'done', 'sha256:aa', 'r')",
        )
        .unwrap();
    let mut session = connect(&folder.database());
    let before = load(&mut *session);
    assert_eq!((before[0].description.as_str(), before[0].has_down, before[0].fence), ("one", false, 0));
    let keys = [before[0].key.clone()];
    assert_eq!(block_on(session.texts(&table(), &keys)).unwrap(), [Texts::default()]);
    ensure(&mut *session);
    assert_eq!(load(&mut *session), before);
    ok(&mut *session, &[Effect::Append(&new_entry(2, State::Done))]);
    assert_eq!(load(&mut *session).len(), 2);
}

#[test]
fn a_newer_table_is_read_and_written_until_a_row_forbids_it() {
    let folder = Folder::new();
    let mut session = connect(&folder.database());
    ensure(&mut *session);
    folder.other().execute_batch("ALTER TABLE migrate_history ADD COLUMN later TEXT NOT NULL DEFAULT 'x'").unwrap();
    ensure(&mut *session);
    ok(&mut *session, &[Effect::Append(&new_entry(1, State::Done))]);
    assert_eq!(load(&mut *session).len(), 1);
    folder.other().execute_batch("UPDATE migrate_history SET reader_min = 99, tool_version = '9.0'").unwrap();
    let error = block_on(session.load(&table())).unwrap_err();
    assert_eq!(error.fault, Fault::NewerHistory);
    assert!(error.message.contains("written by migrate 9.0"), "{error}");
    assert_eq!(block_on(session.head(&table(), "main")).unwrap_err().fault, Fault::NewerHistory);
}

#[test]
fn the_table_may_have_any_name_and_schema() {
    let folder = Folder::new();
    let name = TableName { schema: None, name: "our \"history\"; --".to_owned() };
    let mut session = connect(&folder.database());
    block_on(session.ensure_history(&name)).unwrap();
    let new = new_entry(1, State::Done);
    let performed = block_on(session.perform(&name, &[Effect::Append(&new)], &mut ()));
    assert_eq!(performed.end, End::All);
    assert_eq!(block_on(session.load(&name)).unwrap().len(), 1);
    assert!(block_on(session.observe(&name)).unwrap().has_history);
    let attach = format!("ATTACH '{}' AS side", folder.path("side.db").display());
    ok(&mut *session, &[Effect::Statement(&sql(&attach))]);
    let side = TableName { schema: Some("side".to_owned()), ..table() };
    assert!(!block_on(session.observe(&side)).unwrap().has_history);
    block_on(session.ensure_history(&side)).unwrap();
    assert!(block_on(session.observe(&side)).unwrap().has_history);
    let nowhere = TableName { schema: Some("nowhere".to_owned()), ..table() };
    assert_eq!(block_on(session.load(&nowhere)).unwrap(), []);
    assert!(block_on(session.ensure_history(&nowhere)).is_err());
}

#[test]
fn a_temporary_table_does_not_hide_the_history() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    ensure(&mut *session);
    ok(&mut *session, &[Effect::Statement(&sql("CREATE TEMP TABLE migrate_history (x)"))]);
    ok(&mut *session, &[Effect::Append(&new_entry(1, State::Done))]);
    assert_eq!(load(&mut *session).len(), 1);
}

#[test]
fn a_row_of_another_tool_is_written_in_the_same_transaction() {
    let mut session = connect(&Sqlite::in_memory().unwrap());
    support::prepare(&mut *session, &["CREATE TABLE flyway_schema_history (version TEXT)"]);
    let row = ForeignRow { sql: "INSERT INTO flyway_schema_history VALUES ('1')".to_owned() };
    ok(&mut *session, &[Effect::Begin(&Settings::default()), Effect::Mirror(&row), Effect::Rollback]);
    assert_eq!(cell(&mut *session, "SELECT count(*) FROM flyway_schema_history"), "0");
    ok(&mut *session, &[Effect::Mirror(&row)]);
    assert_eq!(cell(&mut *session, "SELECT count(*) FROM flyway_schema_history"), "1");
}

/// Effects performed and the same effects as SQL leave the same rows, apart from the clock.
#[test]
fn effects_as_sql_do_what_they_do() {
    let settings = support::variables(&[("foreign_keys", "off"), ("defer_foreign_keys", "on")]);
    let create = sql("CREATE TABLE t (x)");
    let (first, second) = (new_entry(1, State::Done), new_entry(2, State::InFlight));
    let advance = advance(2, 1, State::Interrupted);
    let mirror = ForeignRow { sql: "INSERT INTO t VALUES (1);".to_owned() };
    let effects = [
        Effect::Begin(&settings),
        Effect::Statement(&create),
        Effect::Mirror(&mirror),
        Effect::Append(&first),
        Effect::Append(&second),
        Effect::Commit,
        Effect::Advance(&advance),
    ];
    let mut performed = connect(&Sqlite::in_memory().unwrap());
    ensure(&mut *performed);
    ok(&mut *performed, &effects);

    let mut connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(&(SQLITE.history_sql)(&table())).unwrap();
    for effect in &effects {
        connection.execute_batch(&(SQLITE.effect_sql)(effect, &table())).unwrap();
    }
    connection.execute_batch(&(SQLITE.history_sql)(&table())).unwrap();
    let mut printed = Sqlite::on(&mut connection).unwrap();
    let rows = |session: &mut dyn Session| {
        let mut rows = query(session, "SELECT * FROM migrate_history ORDER BY seq");
        for row in &mut rows {
            for time in &mut row[29..31] {
                let micros = time.parse::<i64>().ok();
                assert!(micros.is_none_or(|micros| micros > 1_700_000_000_000_000), "{time}");
                *time = micros.map_or("never", |_| "then").to_owned();
            }
        }
        rows
    };
    assert_eq!(rows(&mut printed), rows(&mut *performed));
    assert_eq!(rows(&mut printed)[0][29..31], ["then", "then"]);
    assert_eq!(
        query(&mut printed, "SELECT sql FROM sqlite_master ORDER BY name"),
        query(&mut *performed, "SELECT sql FROM sqlite_master ORDER BY name")
    );
}

#[test]
fn many_migrations_are_each_a_transaction() {
    let folder = Folder::new();
    let mut session = connect(&folder.database());
    ensure(&mut *session);
    let settings = Settings::default();
    for seq in 1..=200 {
        let create = format!("CREATE TABLE t{seq} (x)");
        let (create, new) = (sql(&create), new_entry(seq, State::Done));
        ok(
            &mut *session,
            &[Effect::Begin(&settings), Effect::Statement(&create), Effect::Append(&new), Effect::Commit],
        );
    }
    assert_eq!(load(&mut *session).len(), 200);
}
