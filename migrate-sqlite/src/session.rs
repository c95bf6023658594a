//! One connection: our own, or the caller's.

use std::any::Any;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use migrate_core::backend::{
    Canceller, Effect, Fault, HistoryTable, Locked, Performed, Progress, Row, Server, ServerError, Session, Settings,
    Settled, TableName,
};
use migrate_core::history::{Entry, EntryKey, Texts, foreign};
use migrate_core::sql::{Statement, StatementKind, Syntax, TransactionControl};
use rusqlite::Connection;

use crate::error::server_error;
use crate::history::{self, HistorySql, cell};
use crate::interrupt::Interrupt;
use crate::lock::{self, Lock};
use crate::perform::Transaction;
use crate::settings::{self, Changed, FOREIGN_KEYS};

/// How many names [`Server::objects`] has at most: enough to show that a database is not empty.
const OBJECTS: usize = 6;

/// One connection to a database.
///
/// While it lives, foreign keys are enforced (builds of SQLite differ in their default) except where a script's
/// settings say otherwise, and the wait for a lock is the session's.
pub struct SqliteSession<'c> {
    pub(crate) interrupt: Interrupt,
    pub(crate) handle: Handle<'c>,
    pub(crate) changed: Changed,
    /// From the last [`Effect::Set`].
    pub(crate) base: Settings,
    pub(crate) transaction: Option<Transaction>,
    pub(crate) busy_timeout: Duration,
    pub(crate) history: Option<HistorySql>,
    database: String,
    place: lock::Place,
    came_with: Option<CameWith>,
    // After the connection: whoever gets the lock finds no transaction of ours.
    lock: Option<Lock>,
}

impl std::fmt::Debug for SqliteSession<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteSession")
            .field("database", &self.database)
            .field("transaction", &self.transaction)
            .finish_non_exhaustive()
    }
}

/// The connection itself.
pub(crate) enum Handle<'c> {
    Own(Connection),
    Borrowed(&'c mut Connection),
}

impl Deref for Handle<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match self {
            Self::Own(connection) => connection,
            Self::Borrowed(connection) => connection,
        }
    }
}

/// What a borrowed connection gets back.
struct CameWith {
    foreign_keys: String,
    busy_timeout: Duration,
    /// Its transaction is the caller's.
    joined: bool,
}

impl<'c> SqliteSession<'c> {
    /// A session on the caller's own connection. When it is dropped, the connection has the settings it came with
    /// again. Its busy *handler*, if it has one, is replaced by a timeout of 30 seconds and cannot be put back.
    ///
    /// # Errors
    /// If a transaction is open on the connection.
    pub fn on(connection: &'c mut Connection) -> Result<Self, ServerError> {
        if !connection.is_autocommit() {
            return Err(ServerError::new(
                Fault::Refused,
                "a transaction is open on this connection: commit it or roll it back before migrating",
            ));
        }
        Self::borrowed(connection, false)
    }

    /// A session inside the transaction that is open on the caller's connection: what it does is there once the caller
    /// commits, and gone if the caller rolls back. It never commits anything.
    ///
    /// Each step is a savepoint. A transaction that only read until now becomes one that writes. What cannot be part of
    /// a transaction is refused before anything runs; so is what needs foreign keys off, which SQLite does not change
    /// inside one. After an error the transaction is to be rolled back.
    ///
    /// It takes the connection and not a [`rusqlite::Transaction`], which could not go from one thread to another as the
    /// futures of a run may:
    ///
    /// ```
    /// use migrate_sqlite::{blocking::Migrator, rusqlite::Connection};
    ///
    /// let mut connection = Connection::open_in_memory()?;
    /// let migrator = Migrator::borrowed(migrate_sqlite::embed_migrations!("tests/embedded"));
    /// connection.execute_batch("BEGIN IMMEDIATE")?;
    /// migrator.run_inside(&mut connection, &mut ())?;
    /// connection.execute_batch("CREATE TABLE mine (n INTEGER); COMMIT")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If no transaction is open on the connection, or others have written since it began to read.
    pub fn join(connection: &'c mut Connection) -> Result<Self, ServerError> {
        if connection.is_autocommit() {
            return Err(ServerError::new(
                Fault::Refused,
                "no transaction is open on this connection: begin one, or migrate on the connection itself",
            ));
        }
        let session = Self::borrowed(connection, true)?;
        let state = session.handle.transaction_state(Some("main")).map_err(|e| server_error(&e))?;
        if state != rusqlite::TransactionState::Write {
            // Whoever writes after another one has must know before the history is read.
            let version = settings::read(&session.handle, "user_version")?.unwrap_or_default();
            settings::write(&session.handle, "user_version", &version)?;
        }
        Ok(session)
    }

    fn borrowed(connection: &'c mut Connection, joined: bool) -> Result<Self, ServerError> {
        let value = |name: &str| settings::read(connection, name).map(Option::unwrap_or_default);
        let came_with = CameWith {
            foreign_keys: value(FOREIGN_KEYS)?,
            busy_timeout: Duration::from_millis(value("busy_timeout")?.parse().unwrap_or(0)),
            joined,
        };
        let file = connection.path().map(PathBuf::from).filter(|path| path.is_file());
        let place = match (&file, connection.path()) {
            (Some(file), _) => lock::Place::File(lock::path(file)),
            (None, Some(name)) if !name.is_empty() => lock::Place::Process(name.to_owned()),
            // Nobody else can reach a private database, so any name that is not in use will do.
            _ => lock::Place::Process(format!("private {connection:p}")),
        };
        let database = file.as_deref().map_or_else(|| ":memory:".to_owned(), file_name);
        let handle = Handle::Borrowed(connection);
        let mut session = Self::new(handle, database, place, crate::connect::BUSY_TIMEOUT)?;
        session.came_with = Some(came_with);
        Ok(session)
    }

    /// Whether all of it is part of a transaction of the caller's.
    pub(crate) fn is_joined(&self) -> bool {
        self.came_with.as_ref().is_some_and(|came_with| came_with.joined)
    }

    pub(crate) fn new(
        handle: Handle<'c>,
        database: String,
        place: lock::Place,
        busy_timeout: Duration,
    ) -> Result<Self, ServerError> {
        handle.busy_timeout(busy_timeout).map_err(|e| server_error(&e))?;
        if handle.is_autocommit() {
            settings::write(&handle, FOREIGN_KEYS, "on")?;
        }
        Ok(Self {
            interrupt: Interrupt::new(&handle),
            handle,
            changed: Changed::default(),
            base: Settings::default(),
            transaction: None,
            busy_timeout,
            history: None,
            database,
            place,
            came_with: None,
            lock: None,
        })
    }

    /// The driver's connection.
    pub fn connection(&mut self) -> &mut Connection {
        match &mut self.handle {
            Handle::Own(connection) => connection,
            Handle::Borrowed(connection) => connection,
        }
    }

    fn objects(&self, table: &TableName) -> Result<Objects, ServerError> {
        let mut objects = Objects::default();
        let each = |schema: &str, take: &mut dyn FnMut(String)| -> rusqlite::Result<()> {
            // `sqlite_schema` has this name since 3.33 only.
            let sql = format!(
                "SELECT name FROM {}.sqlite_master WHERE type IN ('table', 'view')",
                crate::dialect::name(schema)
            );
            let mut statement = self.handle.prepare(&sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                take(row.get(0)?);
            }
            Ok(())
        };
        let home = table.schema.as_deref().unwrap_or("main");
        let ours = |name: &str| name.eq_ignore_ascii_case(&table.name);
        each("main", &mut |name| {
            if home.eq_ignore_ascii_case("main") && ours(&name) {
                objects.has_history = true;
            } else if foreign::is_history(&name) {
                objects.foreign.push(name);
            } else if objects.some.len() < OBJECTS && !name.starts_with("sqlite_") && !foreign::is_companion(&name) {
                objects.some.push(name);
            }
        })
        .map_err(|e| server_error(&e))?;
        if !home.eq_ignore_ascii_case("main") {
            each(home, &mut |name| objects.has_history |= ours(&name)).map_err(|e| server_error(&e))?;
        }
        Ok(objects)
    }
}

/// What [`Session::observe`] finds in the schema.
#[derive(Default)]
struct Objects {
    some: Vec<String>,
    foreign: Vec<String>,
    has_history: bool,
}

/// What a person calls a database file.
pub(crate) fn file_name(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

impl Drop for SqliteSession<'_> {
    fn drop(&mut self) {
        // An own connection goes with all it has. Nothing can be done about a failure on a borrowed one.
        if let Some(came_with) = &self.came_with {
            if came_with.joined {
                let _ = self.undo_step();
            } else if !self.handle.is_autocommit() {
                let _ = self.handle.execute("ROLLBACK", []);
            }
            let _ = self.changed.assert(&self.handle, &[]);
            let _ = settings::write(&self.handle, FOREIGN_KEYS, &came_with.foreign_keys);
            let _ = self.handle.busy_timeout(came_with.busy_timeout);
        }
    }
}

#[async_trait]
impl HistoryTable for SqliteSession<'_> {
    async fn ensure_history(&mut self, table: &TableName) -> Result<(), ServerError> {
        if history::is_complete(&self.handle, table)? {
            return Ok(());
        }
        if !self.handle.is_autocommit() {
            return history::ensure(&self.handle, table);
        }
        self.wait_for("BEGIN IMMEDIATE")?;
        let made = history::ensure(&self.handle, table).and_then(|()| self.wait_for("COMMIT"));
        if made.is_err() && !self.handle.is_autocommit() {
            self.handle.execute("ROLLBACK", []).map_err(|e| server_error(&e))?;
        }
        made
    }

    async fn head(&mut self, table: &TableName, component: &str) -> Result<Option<Entry>, ServerError> {
        history::head(&self.handle, table, component)
    }

    async fn load(&mut self, table: &TableName) -> Result<Vec<Entry>, ServerError> {
        history::load(&self.handle, table)
    }

    async fn texts(&mut self, table: &TableName, of: &[EntryKey]) -> Result<Vec<Texts>, ServerError> {
        history::texts(&self.handle, table, of)
    }
}

#[async_trait]
impl Session for SqliteSession<'_> {
    async fn observe(&mut self, table: &TableName) -> Result<Server, ServerError> {
        let objects = self.objects(table)?;
        let query_only = settings::read(&self.handle, "query_only")?.is_some_and(|value| value != "0");
        Ok(Server {
            product: format!("SQLite {}", rusqlite::version()),
            database: self.database.clone(),
            syntax: Syntax::SQLITE,
            has_history: objects.has_history,
            objects: objects.some,
            foreign_histories: objects.foreign,
            // SQLite opens a file that it may not write for reading, and says so here.
            not_transactional: Vec::new(),
            partitioned: None,
            read_only: query_only || self.handle.is_readonly("main").map_err(|e| server_error(&e))?,
            pooled: false,
            joined: self.is_joined(),
        })
    }

    async fn perform(
        &mut self,
        table: &TableName,
        effects: &[Effect<'_>],
        progress: &mut (dyn Progress + Send),
    ) -> Performed {
        self.carry_out(table, effects, progress)
    }

    async fn settle(&mut self, statement: &Statement<'_>, _: Option<&str>) -> Result<Settled, ServerError> {
        // The row that says "in flight" was written in the transaction that the script's own COMMIT ends: it is here
        // because that COMMIT came to its end.
        if statement.class.kind == StatementKind::Transaction(TransactionControl::Commit) {
            return Ok(Settled::Ran("its row was part of the transaction it committed".to_owned()));
        }
        Ok(match Settled::by_class(statement) {
            Settled::Undecided(_) => Settled::Undecided("SQLite leaves no trace of it".to_owned()),
            known => known,
        })
    }

    async fn free_space(&mut self) -> Result<Option<u64>, ServerError> {
        let file = self.handle.path().filter(|path| !path.is_empty()).map(PathBuf::from);
        let folder = file.and_then(|file| file.parent().map(Path::to_path_buf));
        match folder {
            Some(folder) => free_on_disk(&folder),
            None => Ok(None),
        }
    }

    async fn query(&mut self, sql: &str) -> Result<Vec<Row>, ServerError> {
        self.interrupt.start();
        let rows = self.limited(|connection| {
            let mut statement = connection.prepare(sql)?;
            let width = statement.column_count();
            let mut rows = statement.query([])?;
            let mut cells = Vec::new();
            while let Some(row) = rows.next()? {
                cells.push((0..width).map(|index| cell(row, index)).collect());
            }
            Ok(cells)
        });
        self.interrupt.finish();
        rows
    }

    async fn try_lock(&mut self, _: &TableName, owner: &str) -> Result<Locked, ServerError> {
        if self.lock.is_none() {
            match Lock::take(&self.place, owner)? {
                Ok(lock) => self.lock = Some(lock),
                Err(holder) => return Ok(Locked::HeldBy(holder)),
            }
        }
        Ok(Locked::Mine { fence: 0 })
    }

    async fn unlock(&mut self, _: &TableName) -> Result<(), ServerError> {
        self.lock = None;
        Ok(())
    }

    fn canceller(&self) -> Option<Box<dyn Canceller>> {
        Some(self.interrupt.canceller())
    }

    /// A [`rusqlite::Connection`].
    fn native(&mut self) -> &mut dyn Any {
        self.connection()
    }
}

/// What of a folder's file system everybody may use.
#[cfg(all(unix, feature = "free-disk"))]
#[allow(clippy::unnecessary_wraps)] // without the feature it is an error
fn free_on_disk(folder: &Path) -> Result<Option<u64>, ServerError> {
    let Ok(found) = rustix::fs::statvfs(folder) else { return Ok(None) };
    Ok(found.f_bavail.checked_mul(found.f_frsize))
}

#[cfg(all(not(unix), feature = "free-disk"))]
#[allow(clippy::unnecessary_wraps)] // without the feature it is an error
fn free_on_disk(_: &Path) -> Result<Option<u64>, ServerError> {
    Ok(None)
}

#[cfg(not(feature = "free-disk"))]
fn free_on_disk(_: &Path) -> Result<Option<u64>, ServerError> {
    let what = "what is free on the disk is not looked at: this program was built without the feature `free-disk`";
    Err(ServerError::new(Fault::Unsupported, what))
}
