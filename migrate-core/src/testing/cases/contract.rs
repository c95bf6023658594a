//! What a session promises, method by method, and what a dialect declares.

use super::super::Record;
use super::super::fixture::{self, Fixture, set};
use super::{THREE, done, down, numbers, perform, session, statement, up};
use crate::Migrator;
use crate::backend::{
    Advance, Atomicity, Backend, Cancel, Effect, End, Exclusion, Fault, Locked, NewEntry, Settings, TableName,
};
use crate::history::{EntryKey, State};
use crate::plan::DownGoal;

/// What is declared about definitions is what the engine does, in both directions.
pub fn atomicity_is_as_declared<F: Fixture>() {
    let fixture = F::create();
    let backend = fixture.backend();
    let mut session = session(&fixture);
    let settings = Settings::default();
    let create = statement(&backend, "CREATE TABLE probe (n INTEGER)");
    let effects = [Effect::Begin(&settings), Effect::Statement(&create), Effect::Rollback];
    assert_eq!(perform::<F>(&mut *session, &effects), End::All);
    let expected = match backend.dialect().atomicity {
        Atomicity::Script => None,
        Atomicity::Statement => Some(vec![]),
    };
    assert_eq!(numbers(&fixture, "probe"), expected, "a table created in a transaction that was rolled back");
}

/// A statement that the engine refuses in a transaction is refused there, and known as such.
pub fn what_runs_alone_is_known<F: Fixture>() {
    let fixture = F::create();
    let backend = fixture.backend();
    let alone = statement(&backend, F::alone());
    assert!(alone.class.sharing.recovery().is_some(), "{} is not classified as running alone", F::alone());
    let mut session = session(&fixture);
    assert_eq!(perform::<F>(&mut *session, &[Effect::Statement(&alone)]), End::All);
    let set = set(&[("1", &format!("CREATE TABLE a (n INTEGER); {}; INSERT INTO a VALUES (1);", F::alone()), "")]);
    up(&fixture, &set).unwrap();
    assert_eq!(numbers(&fixture, "a"), Some(vec![1]));
}

/// One session has the lock; another sees who; it is free once the holder is gone.
pub fn the_lock_excludes_and_dies_with_its_holder<F: Fixture>() {
    let fixture = F::create();
    let table = TableName::default();
    let (mut first, mut second) = (session(&fixture), session(&fixture));
    let taken = F::block_on(first.try_lock(&table, "the first")).unwrap();
    assert!(matches!(taken, Locked::Mine { .. }));
    match F::block_on(second.try_lock(&table, "the second")).unwrap() {
        // Not every server lets a session say who it is.
        Locked::HeldBy(holder) => assert!(!holder.who.is_empty(), "{holder:?}"),
        Locked::Mine { .. } => panic!("two sessions have the lock"),
    }
    drop(first);
    let freed = (0..500).any(|_| {
        let free = matches!(F::block_on(second.try_lock(&table, "the second")).unwrap(), Locked::Mine { .. });
        if !free {
            F::block_on(fixture.backend().pause(std::time::Duration::from_millis(20)));
        }
        free
    });
    assert!(freed, "the lock outlives its holder");
    F::block_on(second.unlock(&table)).unwrap();
    let mut third = session(&fixture);
    assert!(matches!(F::block_on(third.try_lock(&table, "the third")).unwrap(), Locked::Mine { .. }));
}

/// Every column of a row survives being written and read, whatever is in it.
pub fn rows_come_back_as_they_were_written<F: Fixture>() {
    let fixture = F::create();
    let table = TableName::default();
    let mut session = session(&fixture);
    F::block_on(session.ensure_history(&table)).unwrap();
    F::block_on(session.ensure_history(&table)).unwrap();
    let hostile = "it's \"quoted\" `so` [or] \\ %s ; -- /* */ $$ 🦀 größe\n\tline\r\n:lo ? $1";
    let mut written = fixture::entry(1, "2.1.0-x");
    hostile.clone_into(&mut written.description);
    written.state = State::InFlight;
    for text in [
        &mut written.note,
        &mut written.settled_by,
        &mut written.origin,
        &mut written.checkpoint,
        &mut written.error,
        &mut written.installed_by,
    ] {
        *text = Some(hostile.to_owned());
    }
    written.compatible_from = Some("2.0".parse().unwrap());
    written.statements = 7;
    let long = "x".repeat(1 << 20);
    let new = NewEntry {
        entry: written.clone(),
        script: Some(hostile.to_owned()),
        down_script: Some(long.clone()),
        asked: None,
    };
    assert_eq!(perform::<F>(&mut *session, &[Effect::Append(&new)]), End::All);
    let read = F::block_on(session.load(&table)).unwrap().remove(0);
    assert!(read.started_at.is_some() && read.finished_at.is_none(), "the server writes the times: {read:?}");
    written.started_at = read.started_at;
    written.has_down = true;
    assert_eq!(read, written);
    assert_eq!(F::block_on(session.head(&table, "main")).unwrap(), Some(written.clone()));
    assert_eq!(F::block_on(session.head(&table, "other")).unwrap(), None);
    let texts = F::block_on(session.texts(&table, &[written.key.clone()])).unwrap();
    assert_eq!((texts[0].script.as_deref(), texts[0].down_script.as_deref()), (Some(hostile), Some(&*long)));
}

/// A row number that is taken, and a row that is not as expected, are errors of their own.
pub fn lost_races_are_told_apart<F: Fixture>() {
    let fixture = F::create();
    let table = TableName::default();
    let mut session = session(&fixture);
    F::block_on(session.ensure_history(&table)).unwrap();
    let new = NewEntry { entry: fixture::entry(1, "1"), script: None, down_script: None, asked: None };
    assert_eq!(perform::<F>(&mut *session, &[Effect::Append(&new)]), End::All);
    let fault = |end: End| match end {
        End::Refused { error, .. } => error.fault,
        other => panic!("{other:?}"),
    };
    assert_eq!(fault(perform::<F>(&mut *session, &[Effect::Append(&new)])), Fault::Duplicate);
    let advance = |cursor, run_id: &str| Advance {
        key: EntryKey { component: "main".to_owned(), seq: 1 },
        run_id: run_id.to_owned(),
        fence: 0,
        holder_fence: 0,
        from_cursor: cursor,
        cursor: cursor + 1,
        prefix_digest: None,
        state: State::Done,
        note: None,
        asked: None,
        settled_by: None,
        checkpoint: None,
        error: None,
    };
    assert_eq!(fault(perform::<F>(&mut *session, &[Effect::Advance(&advance(0, "another"))])), Fault::Stale);
    assert_eq!(fault(perform::<F>(&mut *session, &[Effect::Advance(&advance(3, "run"))])), Fault::Stale);
    assert_eq!(perform::<F>(&mut *session, &[Effect::Advance(&advance(0, "run"))]), End::All);
    assert!(F::block_on(session.head(&table, "main")).unwrap().unwrap().finished_at.is_some());
}

/// An older reader reads, appends to and downgrades a table to which a later version added a column.
pub fn an_added_column_does_not_matter<F: Fixture>() {
    let fixture = F::create();
    up(&fixture, &set(&THREE[..2])).unwrap();
    let backend = fixture.backend();
    let mut session = session(&fixture);
    let alter = statement(&backend, "ALTER TABLE migrate_history ADD COLUMN later VARCHAR(20)");
    assert_eq!(perform::<F>(&mut *session, &[Effect::Statement(&alter)]), End::All);
    drop(session);
    up(&fixture, &set(THREE)).unwrap();
    let report = down(&fixture, &set(THREE), DownGoal::Steps(2)).unwrap();
    assert_eq!(done(&report), ["down 10", "down 2"]);
}

/// What is declared about cancelling is what a session offers.
pub fn cancelling_is_as_declared<F: Fixture>() {
    let fixture = F::create();
    let offered = session(&fixture).canceller().is_some();
    assert_eq!(offered, fixture.backend().dialect().cancel == Cancel::Statement);
}

/// The order in which a journalled step is written down.
pub fn a_journalled_step_is_announced_before_it_is_sent<F: Fixture>() {
    let fixture = F::create();
    let recorded = Record::new(fixture.backend());
    let text = format!("CREATE TABLE a (n INTEGER); {};", F::alone());
    F::block_on(Migrator::new(recorded.clone(), set(&[("1", &text, "")])).up()).unwrap();
    let lines = recorded.lines();
    let place = |wanted: &str| {
        let sent = |line: &String| line.contains(wanted) && !line.starts_with("note ");
        lines.iter().position(sent).unwrap_or_else(|| panic!("{wanted} in {lines:#?}"))
    };
    assert!(place("lock") < place("append 1 up 1 in_flight at 0"));
    assert!(place("append 1 up 1 in_flight at 0") < place("CREATE TABLE a"));
    assert!(place("CREATE TABLE a") < place("advance 1 0 → 1 in_flight"));
    assert!(place(F::alone()) < place("advance 1 1 → 2 done"));
    assert!(place("advance 1 1 → 2 done") < place("unlock"));
    let alone = place(F::alone());
    assert_eq!(lines[alone + 1], "| advance 1 1 → 2 done", "a statement and its row travel together");
    if fixture.backend().dialect().exclusion == Exclusion::Session {
        assert!(place("ensure history") > place("lock"));
    }
}
