//! What every test needs: a database in a folder, effects in few words, and the end of a list of effects.
#![allow(dead_code, unreachable_pub)] // each test binary uses its part
#![allow(clippy::unwrap_used)] // a helper of tests is a test

use std::path::PathBuf;

use migrate_core::backend::{
    Advance, Backend, Effect, End, NewEntry, Performed, Server, ServerError, Session, Settings, TableName,
};
use migrate_core::history::{Action, Entry, EntryKey, State};
use migrate_core::sql::{Class, Sharing, Statement, StatementKind};
use migrate_core::{MigrationId, Phase};
use migrate_sqlite::blocking::block_on;
use migrate_sqlite::rusqlite::Connection;
use migrate_sqlite::{SQLITE, Sqlite};

pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `app.db` in this folder.
    pub fn database(&self) -> Sqlite {
        Sqlite::open(self.path("app.db"))
    }

    /// Another connection to `app.db`.
    pub fn other(&self) -> Connection {
        Connection::open(self.path("app.db")).unwrap()
    }
}

pub fn table() -> TableName {
    TableName::default()
}

pub fn connect(database: &Sqlite) -> Box<dyn Session> {
    block_on(database.connect()).unwrap()
}

pub fn observe(session: &mut dyn Session) -> Server {
    block_on(session.observe(&table())).unwrap()
}

pub fn ensure(session: &mut dyn Session) {
    block_on(session.ensure_history(&table())).unwrap();
}

pub fn load(session: &mut dyn Session) -> Vec<Entry> {
    block_on(session.load(&table())).unwrap()
}

pub fn perform(session: &mut dyn Session, effects: &[Effect<'_>]) -> Performed {
    block_on(session.perform(&table(), effects, &mut ()))
}

/// All of them must succeed.
pub fn ok(session: &mut dyn Session, effects: &[Effect<'_>]) {
    let performed = perform(session, effects);
    assert_eq!(performed.end, End::All);
    assert_eq!(performed.done.len(), effects.len());
}

/// The last of them must be refused.
pub fn refused(session: &mut dyn Session, effects: &[Effect<'_>]) -> ServerError {
    let performed = perform(session, effects);
    let End::Refused { at, error } = performed.end else { panic!("not refused: {performed:?}") };
    assert_eq!((at, performed.done.len()), (effects.len() - 1, effects.len() - 1), "{error}");
    error
}

/// A statement, classified.
pub fn sql(text: &str) -> Statement<'_> {
    Statement { number: 1, text, offset: 0, data: None, class: (SQLITE.classify)(text, &SQLITE.syntax) }
}

/// A statement taken for another kind.
pub fn statement(text: &str, kind: StatementKind) -> Statement<'_> {
    let class = Class { kind, sharing: Sharing::Shares, destructive: false, queues: false };
    Statement { number: 1, text, offset: 0, data: None, class }
}

/// `Begin`, the statements, and `Commit`, each as an effect.
pub fn transaction<'a>(settings: &'a Settings, statements: &'a [Statement<'a>]) -> Vec<Effect<'a>> {
    let mut effects = vec![Effect::Begin(settings)];
    effects.extend(statements.iter().map(Effect::Statement));
    effects.push(Effect::Commit);
    effects
}

/// Runs statements outside what is tested.
pub fn prepare(session: &mut dyn Session, statements: &[&str]) {
    let statements: Vec<_> = statements.iter().map(|text| sql(text)).collect();
    ok(session, &transaction(&Settings::default(), &statements));
}

pub fn query(session: &mut dyn Session, text: &str) -> Vec<Vec<String>> {
    let rows = block_on(session.query(text)).unwrap();
    rows.into_iter()
        .map(|row| row.into_iter().map(|cell| cell.unwrap_or_else(|| "NULL".to_owned())).collect())
        .collect()
}

/// The single cell of a query.
pub fn cell(session: &mut dyn Session, text: &str) -> String {
    query(session, text).remove(0).remove(0)
}

pub fn variables(variables: &[(&str, &str)]) -> Settings {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Settings { variables, ..Settings::default() }
}

pub fn new_entry(seq: u64, state: State) -> NewEntry {
    let entry = Entry {
        key: EntryKey { component: "main".to_owned(), seq },
        id: MigrationId::versioned("2.1.0".parse().unwrap(), Phase::Post, u32::try_from(seq).unwrap()),
        description: "it's; a \"step\"".to_owned(),
        action: Action::Up,
        state,
        cursor: 1,
        statements: 3,
        prefix_digest: Some("p".to_owned()),
        note: None,
        settled_by: None,
        checksum: "sha256:aa".to_owned(),
        checksum_normalised: Some("norm1-sha256:bb".to_owned()),
        executed_digest: None,
        down_checksum: Some("sha256:cc".to_owned()),
        origin: None,
        compatible_from: Some("2.0".parse().unwrap()),
        set_digest: Some("set".to_owned()),
        checkpoint: None,
        error: Some("line 1\r\nline 2".to_owned()),
        run_id: "run-1".to_owned(),
        fence: 7,
        installed_by: Some("ann".to_owned()),
        app_version: None,
        tool_version: Some("0.1.0".to_owned()),
        started_at: None,
        finished_at: None,
        has_down: true,
    };
    NewEntry {
        entry,
        script: Some("CREATE TABLE t (x);\r\n-- 'quoted' \0".to_owned()),
        down_script: Some("DROP TABLE t;".to_owned()),
        asked: None,
    }
}

/// What a run does to the row of [`new_entry`] after its next statement.
pub fn advance(seq: u64, from: u64, state: State) -> Advance {
    Advance {
        key: EntryKey { component: "main".to_owned(), seq },
        run_id: "run-1".to_owned(),
        fence: 7,
        holder_fence: 7,
        from_cursor: from,
        cursor: from + 1,
        prefix_digest: Some("q".to_owned()),
        state,
        note: Some("note".to_owned()),
        asked: None,
        settled_by: None,
        checkpoint: Some("{}".to_owned()),
        error: None,
    }
}
