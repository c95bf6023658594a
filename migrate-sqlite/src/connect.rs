//! Where the database is, and how it is opened, created and dropped.
//!
//! Database files are never opened other than through SQLite: closing any handle of a file drops the POSIX locks that
//! SQLite has on it in this process (<https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_>).

use std::fmt;
use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use migrate_core::Dialect;
use migrate_core::backend::{Backend, Fault, ServerError, Session};
use rusqlite::{Connection, OpenFlags};

use crate::dialect::SQLITE;
use crate::error::server_error;
use crate::lock;
use crate::session::{Handle, SqliteSession, file_name};
use crate::url::{self, UrlError};

/// How long a connection waits for a lock of the database unless told otherwise.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// An SQLite database.
///
/// ```
/// use migrate_sqlite::Sqlite;
///
/// let file = Sqlite::open("app.db").create(false);
/// let same = Sqlite::from_url("sqlite:app.db?mode=rw")?;
/// # Ok::<(), migrate_sqlite::UrlError>(())
/// ```
#[derive(Clone)]
pub struct Sqlite {
    place: Place,
    create: bool,
    read_only: bool,
    busy_timeout: Duration,
    on_connect: Option<Arc<OnConnect>>,
}

type OnConnect = dyn Fn(&Connection) -> rusqlite::Result<()> + Send + Sync;

#[derive(Clone)]
enum Place {
    File(PathBuf),
    Memory(Arc<Memory>),
}

/// A database in memory lives as long as a connection to it.
struct Memory {
    uri: String,
    _anchor: Mutex<Connection>,
}

impl Sqlite {
    /// The database in this file. Nothing is opened yet; a missing file is created by [`connect`](Backend::connect).
    pub fn open(path: impl Into<PathBuf>) -> Self {
        Self::at(Place::File(path.into()))
    }

    /// A new database in memory, which all connections of this value and of its clones share, and which is gone when
    /// the last of them is. SQLite limits it to 1 GiB. `ATTACH` on it attaches databases in memory too, whatever file
    /// it names.
    ///
    /// # Errors
    /// If this build of SQLite has no shared databases in memory (before 3.36).
    pub fn in_memory() -> Result<Self, ServerError> {
        // The names of databases in memory are the process's, and another version of this crate may be in it.
        let uri = format!("file:/migrate-{:x}?vfs=memdb", RandomState::new().build_hasher().finish());
        let anchor = Connection::open_with_flags(&uri, flags(false, true) | OpenFlags::SQLITE_OPEN_URI)
            .map_err(|e| server_error(&e))?;
        Ok(Self::at(Place::Memory(Arc::new(Memory { uri, _anchor: Mutex::new(anchor) }))))
    }

    /// The database that a URL names: see [`url`].
    ///
    /// # Errors
    /// What is wrong with the URL.
    pub fn from_url(url: &str) -> Result<Self, UrlError> {
        url::parse(url)
    }

    fn at(place: Place) -> Self {
        Self { place, create: true, read_only: false, busy_timeout: BUSY_TIMEOUT, on_connect: None }
    }

    /// A session on the caller's own connection: see [`SqliteSession::on`].
    ///
    /// # Errors
    /// If a transaction is open on the connection.
    pub fn on(connection: &mut Connection) -> Result<SqliteSession<'_>, ServerError> {
        SqliteSession::on(connection)
    }

    /// A session inside the caller's transaction: see [`SqliteSession::join`].
    ///
    /// # Errors
    /// If no transaction is open on the connection.
    pub fn join(connection: &mut Connection) -> Result<SqliteSession<'_>, ServerError> {
        SqliteSession::join(connection)
    }

    /// Whether [`connect`](Backend::connect) creates a missing file (it does by default). Folders are never created.
    pub fn create(self, create: bool) -> Self {
        Self { create, ..self }
    }

    /// Whether to open it for reading only. Then a missing file is never created.
    pub fn read_only(self, read_only: bool) -> Self {
        Self { read_only, ..self }
    }

    /// How long to wait for a lock of the database where the settings of a step do not say; zero does not wait.
    pub fn busy_timeout(self, busy_timeout: Duration) -> Self {
        Self { busy_timeout, ..self }
    }

    /// What is done first on every new connection: functions, collations and extensions that the migrations use, the
    /// key of an encrypted file.
    pub fn on_connect(self, prepare: impl Fn(&Connection) -> rusqlite::Result<()> + Send + Sync + 'static) -> Self {
        Self { on_connect: Some(Arc::new(prepare)), ..self }
    }

    pub(crate) fn patience(&self) -> Duration {
        self.busy_timeout
    }

    /// The file; `None` for a database in memory.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::File(path) => Some(path),
            Place::Memory(_) => None,
        }
    }

    /// Opens a session, as [`connect`](Backend::connect) does.
    ///
    /// # Errors
    /// As there.
    pub fn session(&self) -> Result<SqliteSession<'static>, ServerError> {
        let connection = self.connection()?;
        let (database, place) = match &self.place {
            Place::File(path) => (file_name(path), lock::Place::File(lock::path(&real(path)))),
            Place::Memory(memory) => (":memory:".to_owned(), lock::Place::Process(memory.uri.clone())),
        };
        SqliteSession::new(Handle::Own(connection), database, place, self.busy_timeout)
    }

    /// Whether the database exists.
    ///
    /// # Errors
    /// If something else is in its place, or the place cannot be looked at.
    pub fn exists(&self) -> Result<bool, ServerError> {
        match &self.place {
            Place::File(path) => is_there(path),
            Place::Memory(_) => Ok(true),
        }
    }

    /// Creates an empty database; `false` if there is one already.
    ///
    /// # Errors
    /// If its folder is missing, or nothing can be written there.
    pub fn create_database(&self) -> Result<bool, ServerError> {
        if self.exists()? {
            return Ok(false);
        }
        self.clone().create(true).read_only(false).connection().map(|_| true)
    }

    /// Removes the database file with its journals and our lock file; `false` if there is none. Waits for a running
    /// transaction to end. Connections that others have open go on with a file that has no name any more.
    ///
    /// # Errors
    /// If the file is not an SQLite database, is locked for longer than the busy timeout, or cannot be removed;
    /// [`Fault::Unsupported`] for a database in memory.
    pub fn drop_database(&self) -> Result<bool, ServerError> {
        let Place::File(path) = &self.place else {
            return Err(ServerError::new(Fault::Unsupported, "a database in memory is gone when it is closed"));
        };
        if !self.exists()? {
            return Ok(false);
        }
        let connection = self.clone().create(false).read_only(false).connection()?;
        connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK").map_err(|e| server_error(&e))?;
        drop(connection);
        let removed = |path: &Path| match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(ServerError::new(Fault::Refused, format!("{} cannot be removed: {error}", path.display())))
            }
            _ => Ok(()),
        };
        // The database first: without it SQLite takes none of the others for anything.
        let path = real(path);
        removed(&path)?;
        for suffix in ["-wal", "-shm", "-journal"] {
            removed(&beside(&path, suffix))?;
        }
        removed(&lock::path(&path))?;
        Ok(true)
    }

    /// Opens a connection and reads the head of the file, so that what is no database is found here.
    pub(crate) fn connection(&self) -> Result<Connection, ServerError> {
        let create = self.create && !self.read_only;
        let flags = flags(self.read_only, create);
        let opened = match &self.place {
            Place::Memory(memory) => Connection::open_with_flags(&memory.uri, flags | OpenFlags::SQLITE_OPEN_URI),
            Place::File(path) => {
                if !is_there(path)? && !create {
                    // What to do about it depends on who asks, so there is no hint.
                    let message = format!("there is no database {}", path.display());
                    return Err(ServerError::new(Fault::NoDatabase, message));
                }
                Connection::open_with_flags(path, flags)
            }
        };
        let prepare = |connection: Connection| -> rusqlite::Result<Connection> {
            connection.busy_timeout(self.busy_timeout)?;
            if let Some(on_connect) = &self.on_connect {
                on_connect(&connection)?;
            }
            connection.query_row("PRAGMA user_version", [], |_| Ok(()))?;
            Ok(connection)
        };
        opened.and_then(prepare).map_err(|error| {
            let mut failed = server_error(&error);
            failed.message = format!("{} cannot be opened: {}", self.label(), failed.message);
            if failed.fault == Fault::Refused {
                failed.fault = Fault::Connect;
            }
            failed
        })
    }
}

fn flags(read_only: bool, create: bool) -> OpenFlags {
    // One thread at a time uses a connection, which the types see to.
    let mut flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if read_only {
        flags |= OpenFlags::SQLITE_OPEN_READ_ONLY;
    } else {
        flags |= OpenFlags::SQLITE_OPEN_READ_WRITE;
    }
    if create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    flags
}

/// Where a file is that exists: SQLite puts its journals there too, whatever symbolic link led to it.
fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// The path with something behind its name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Whether a file is there. A folder that is missing on the way is an error, since no file can be created there.
fn is_there(path: &Path) -> Result<bool, ServerError> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            Err(no_database(format!("{} is a folder and not a database", path.display()), "name the file in it"))
        }
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            match folder {
                Some(folder) if !folder.is_dir() => Err(no_database(
                    format!("there is no folder {} for the database {}", folder.display(), file_name(path)),
                    "create the folder first",
                )),
                _ => Ok(false),
            }
        }
        Err(error) => Err(ServerError::new(Fault::Connect, format!("{} cannot be opened: {error}", path.display()))),
    }
}

fn no_database(message: String, hint: &str) -> ServerError {
    let mut error = ServerError::new(Fault::NoDatabase, message);
    error.hint = Some(hint.to_owned());
    error
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite")
            .field("database", &self.label())
            .field("create", &self.create)
            .field("read_only", &self.read_only)
            .field("busy_timeout", &self.busy_timeout)
            .finish_non_exhaustive()
    }
}

/// No database of its own: for a [`Migrator`](migrate_core::Migrator) that works on connections of the caller's alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Borrowed;

#[async_trait]
impl Backend for Borrowed {
    fn dialect(&self) -> &'static Dialect {
        &SQLITE
    }

    fn label(&self) -> String {
        "a connection of the caller's".to_owned()
    }

    async fn connect(&self) -> Result<Box<dyn Session>, ServerError> {
        Err(ServerError::no_database())
    }

    async fn pause(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

#[async_trait]
impl Backend for Sqlite {
    fn dialect(&self) -> &'static Dialect {
        &SQLITE
    }

    /// The path as it was given, or `:memory:`.
    fn label(&self) -> String {
        match &self.place {
            Place::File(path) => path.display().to_string(),
            Place::Memory(_) => ":memory:".to_owned(),
        }
    }

    async fn connect(&self) -> Result<Box<dyn Session>, ServerError> {
        Ok(Box::new(self.session()?))
    }

    /// Blocks the thread, as everything here does.
    async fn pause(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}
