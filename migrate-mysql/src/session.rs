//! One connection: our own, or the caller's.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use migrate_core::backend::{
    Backend, Canceller, Dialect, Effect, Fault, HistoryTable, Locked, Note, Performed, Progress, Row, Server,
    ServerError, Session, Settled, TableName,
};
use migrate_core::history::{Entry, EntryKey, Texts};
use migrate_core::sql::Statement;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Value};

use crate::blockers::Side;
use crate::cluster::{self, CatchingUp, TRIES};
use crate::connect::{Cancel, Mysql};
use crate::dialect::{MARIADB, MYSQL, name};
use crate::error::server_error;
use crate::evidence::{self, Ask, Known, Place};
use crate::gtid;
use crate::lease::{Lease, Quiet};
use crate::observe::{self, Facts};
use crate::packet::Standing;
use crate::perform::Limits;
use crate::{history, lock};

/// One connection to a database.
///
/// Our own is put back to what it came with before every step: its database, its variables, temporary tables and what
/// else a script may leave behind. The lock stays.
pub struct MysqlSession<'c> {
    pub(crate) conn: Handle<'c>,
    pub(crate) facts: Option<Facts>,
    pub(crate) standing: Standing,
    /// The value that variables had when the session began: those that every run sets, and all once it matters.
    pub(crate) base: BTreeMap<String, String>,
    pub(crate) knows_variables: bool,
    /// There was no history when somebody last looked.
    pub(crate) no_history: bool,
    /// What is known to be in the database.
    pub(crate) objects: Known,
    /// Temporary tables that scripts made.
    pub(crate) temporary: Vec<String>,
    /// User variables that scripts named, as they were written.
    pub(crate) user_variables: BTreeSet<String>,
    /// How long what runs now may take.
    pub(crate) limits: Limits,
    /// Somebody asked for the running statement to be stopped.
    pub(crate) asked_to_stop: Arc<AtomicBool>,
    pub(crate) side: Option<Side>,
    pub(crate) lease: Option<Lease>,
    /// Since when somebody's lease is without a sign of life.
    pub(crate) quiet: Option<Quiet>,
    pub(crate) catching_up: Option<CatchingUp>,
    pub(crate) origin: Option<Mysql>,
    /// Definitions are executed under identifiers of ours.
    pub(crate) explicit_gtid: bool,
    canceller: Option<Cancel>,
}

impl std::fmt::Debug for MysqlSession<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MysqlSession")
            .field("no_history", &self.no_history)
            .field("explicit_gtid", &self.explicit_gtid)
            .finish_non_exhaustive()
    }
}

/// The connection itself.
pub(crate) enum Handle<'c> {
    Own(crate::connect::Line),
    Borrowed(&'c mut Conn),
}

impl std::ops::Deref for Handle<'_> {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        match self {
            Self::Own(conn) => conn,
            Self::Borrowed(conn) => conn,
        }
    }
}

impl std::ops::DerefMut for Handle<'_> {
    fn deref_mut(&mut self) -> &mut Conn {
        match self {
            Self::Own(conn) => conn,
            Self::Borrowed(conn) => conn,
        }
    }
}

#[async_trait]
impl Backend for Mysql {
    fn dialect(&self) -> &'static Dialect {
        if self.is_mariadb() { &MARIADB } else { &MYSQL }
    }

    fn label(&self) -> String {
        Self::label(self)
    }

    async fn connect(&self) -> Result<Box<dyn Session>, ServerError> {
        let link = self.open().await?;
        let mut session = MysqlSession::new(Handle::Own(link.conn));
        session.canceller = Some(link.canceller);
        session.side = Some(Side::of(self));
        session.origin = Some(self.clone());
        session.explicit_gtid = self.is_explicit_gtid();
        Ok(Box::new(session))
    }

    async fn pause(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// No database of its own: for a [`Migrator`](migrate_core::Migrator) that works on connections of the caller's alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Borrowed {
    /// Connections to a MySQL server.
    Mysql,
    /// Connections to a MariaDB server.
    Mariadb,
}

#[async_trait]
impl Backend for Borrowed {
    fn dialect(&self) -> &'static Dialect {
        match self {
            Self::Mysql => &MYSQL,
            Self::Mariadb => &MARIADB,
        }
    }

    fn label(&self) -> String {
        "a connection of the caller's".to_owned()
    }

    async fn connect(&self) -> Result<Box<dyn Session>, ServerError> {
        Err(ServerError::no_database())
    }

    async fn pause(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

impl<'c> MysqlSession<'c> {
    /// A session on the caller's own connection, for [`Migrator::run_on`](migrate_core::Migrator::run_on).
    ///
    /// The variables that we set are put back behind each step; what a script itself changes stays, and is told as a
    /// notice. Who is in the way is not shown and nothing can be stopped, because both need a second connection; on a
    /// cluster it is refused, because the lease that is needed there does too.
    ///
    /// # Errors
    /// If a transaction is open on the connection, or the connection is gone.
    pub async fn on(conn: &'c mut Conn) -> Result<Self, ServerError> {
        let session = Self::new(Handle::Borrowed(conn));
        let mut session = session;
        session.rows("DO 0").await?;
        let open = session
            .conn
            .last_ok_packet()
            .is_some_and(|ok| ok.status_flags().contains(mysql_async::consts::StatusFlags::SERVER_STATUS_IN_TRANS));
        if open {
            return Err(ServerError::new(
                Fault::Refused,
                "a transaction is open on this connection: commit it or roll it back before migrating",
            ));
        }
        Ok(session)
    }

    fn new(conn: Handle<'c>) -> Self {
        Self {
            conn,
            facts: None,
            standing: Standing::default(),
            base: BTreeMap::new(),
            knows_variables: false,
            no_history: false,
            objects: Known::default(),
            temporary: Vec::new(),
            user_variables: BTreeSet::new(),
            limits: Limits::default(),
            asked_to_stop: Arc::default(),
            side: None,
            lease: None,
            quiet: None,
            catching_up: None,
            origin: None,
            explicit_gtid: false,
            canceller: None,
        }
    }

    /// The driver's connection.
    pub fn conn(&mut self) -> &mut Conn {
        &mut self.conn
    }

    pub(crate) fn is_borrowed(&self) -> bool {
        matches!(self.conn, Handle::Borrowed(_))
    }

    pub(crate) async fn facts(&mut self) -> Result<Facts, ServerError> {
        if self.facts.is_none() {
            self.facts = Some(observe::facts(self).await?);
        }
        Ok(self.facts.clone().expect("they were just asked"))
    }

    /// The database that the history is in.
    pub(crate) async fn database_of(&mut self, table: &TableName) -> Result<String, ServerError> {
        if let Some(schema) = &table.schema {
            return Ok(schema.clone());
        }
        // A script may `USE` another one.
        if let Some(database) = self.conn.opts().db_name() {
            return Ok(database.to_owned());
        }
        self.facts().await?.database.ok_or_else(|| {
            let mut error =
                ServerError::new(Fault::Refused, "no database is selected, so there is no place for the history");
            error.hint = Some("name one in the URL: mysql://user@host/database".to_owned());
            error
        })
    }

    /// The history table's name, quoted and with its database.
    pub(crate) async fn home(&mut self, table: &TableName) -> Result<String, ServerError> {
        Ok(format!("{}.{}", name(&self.database_of(table).await?), name(&table.name)))
    }

    /// An error with what only the session knows of it.
    pub(crate) fn known(&self, mut error: ServerError) -> ServerError {
        if error.fault == Fault::Cancelled && !self.asked_to_stop.swap(false, Ordering::SeqCst) {
            error.hint = Some("somebody stopped it with KILL QUERY".to_owned());
        }
        error
    }

    /// The rows of one statement, as text.
    pub(crate) async fn rows(&mut self, sql: &str) -> Result<Vec<Row>, ServerError> {
        let mut sets = self.sets(sql).await?;
        Ok(if sets.is_empty() { Vec::new() } else { sets.swap_remove(0).1 })
    }

    /// The same with the names of the columns.
    pub(crate) async fn table(&mut self, sql: &str) -> Result<(Vec<String>, Vec<Row>), ServerError> {
        let mut sets = self.sets(sql).await?;
        Ok(if sets.is_empty() { (Vec::new(), Vec::new()) } else { sets.swap_remove(0) })
    }

    /// Every set of rows that several statements answer with.
    pub(crate) async fn sets(&mut self, sql: &str) -> Result<Vec<(Vec<String>, Vec<Row>)>, ServerError> {
        for _ in 1..TRIES {
            match sets(&mut self.conn, sql).await {
                // Half a minute was not enough to see what others have committed.
                Err(error) if self.lease.is_some() && error.fault == Fault::LockTimeout => {}
                Err(error) if cluster::is_not_ready(&error) => cluster::ready(&mut self.conn).await?,
                answer => return answer,
            }
        }
        sets(&mut self.conn, sql).await
    }

    /// How many rows a statement affects.
    pub(crate) async fn affected(&mut self, sql: &str) -> Result<u64, ServerError> {
        self.rows(sql).await?;
        Ok(self.conn.affected_rows())
    }

    async fn place(&mut self) -> Result<Place, ServerError> {
        let facts = self.facts().await?;
        let process = if let Some(process) = facts.process {
            process
        } else {
            // It takes the same right as its sisters, and waits for nobody: those wait for each definition that is
            // being changed, in whatever database.
            let sees = self.rows("SELECT 1 FROM information_schema.INNODB_TRX LIMIT 1").await;
            let process = match sees {
                Ok(_) => true,
                Err(error) if error.is_lost() => return Err(error),
                Err(_) => false,
            };
            if let Some(facts) = &mut self.facts {
                facts.process = Some(process);
            }
            process
        };
        Ok(Place {
            database: facts.database.unwrap_or_default(),
            mariadb: facts.mariadb,
            version: facts.version,
            process,
        })
    }
}

/// The first rows that the statements of `sql` answer with, as text.
pub(crate) async fn rows(conn: &mut Conn, sql: &str) -> Result<Vec<Row>, ServerError> {
    let mut sets = sets(conn, sql).await?;
    Ok(if sets.is_empty() { Vec::new() } else { sets.swap_remove(0).1 })
}

async fn sets(conn: &mut Conn, sql: &str) -> Result<Vec<(Vec<String>, Vec<Row>)>, ServerError> {
    let mut result = conn.query_iter(sql).await.map_err(|error| server_error(&error))?;
    let mut sets = Vec::new();
    while let Some(columns) = result.columns() {
        let names: Vec<_> = columns.iter().map(|column| column.name_str().into_owned()).collect();
        let last = result.is_empty();
        let mut rows = Vec::new();
        result.for_each(|row| rows.push(cells(row))).await.map_err(|error| server_error(&error))?;
        if !names.is_empty() {
            sets.push((names, rows));
        }
        if last {
            break;
        }
    }
    result.drop_result().await.map_err(|error| server_error(&error))?;
    Ok(sets)
}

/// A row of the text protocol.
pub(crate) fn cells(row: mysql_async::Row) -> Row {
    let cell = |value| match value {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        other => Some(other.as_sql(true)),
    };
    row.unwrap().into_iter().map(cell).collect()
}

#[async_trait]
impl HistoryTable for MysqlSession<'_> {
    async fn ensure_history(&mut self, table: &TableName) -> Result<(), ServerError> {
        history::ensure(self, table).await
    }

    async fn head(&mut self, table: &TableName, component: &str) -> Result<Option<Entry>, ServerError> {
        history::head(self, table, component).await
    }

    async fn load(&mut self, table: &TableName) -> Result<Vec<Entry>, ServerError> {
        history::load(self, table).await
    }

    async fn texts(&mut self, table: &TableName, of: &[EntryKey]) -> Result<Vec<Texts>, ServerError> {
        history::texts(self, table, of).await
    }
}

#[async_trait]
impl Ask for MysqlSession<'_> {
    async fn rows(&mut self, sql: &str) -> Result<Vec<Row>, ServerError> {
        Self::rows(self, sql).await
    }
}

#[async_trait]
impl Session for MysqlSession<'_> {
    async fn observe(&mut self, table: &TableName) -> Result<Server, ServerError> {
        observe::observe(self, table).await
    }

    async fn perform(
        &mut self,
        table: &TableName,
        effects: &[Effect<'_>],
        progress: &mut (dyn Progress + Send),
    ) -> Performed {
        self.carry_out(table, effects, progress).await
    }

    async fn note(&mut self, statement: &Statement<'_>) -> Result<Note, ServerError> {
        let place = self.place().await?;
        let syntax = self.facts().await?.syntax;
        // It is taken out, because the session itself is asked.
        let mut known = std::mem::take(&mut self.objects);
        let note = evidence::note(self, &place, &mut known, statement, &syntax).await;
        known.passed(statement, &syntax);
        self.objects = known;
        if self.explicit_gtid && gtid::serves(statement, &syntax) { note.map(gtid::noted) } else { note }
    }

    async fn settle(&mut self, statement: &Statement<'_>, note: Option<&str>) -> Result<Settled, ServerError> {
        let (gtid, note) = note.map(gtid::in_note).map_or((None, None), |(gtid, rest)| (gtid, Some(rest)));
        if let Some(gtid) = gtid
            && let Some(settled) = gtid::settle(self, gtid).await?
        {
            return Ok(settled);
        }
        let note = note.filter(|note| !note.is_empty());
        let place = self.place().await?;
        let syntax = self.facts().await?.syntax;
        evidence::settle(self, &place, statement, note, &syntax).await
    }

    async fn query(&mut self, sql: &str) -> Result<Vec<Row>, ServerError> {
        Self::rows(self, sql).await
    }

    async fn try_lock(&mut self, table: &TableName, owner: &str) -> Result<Locked, ServerError> {
        if self.explicit_gtid && self.standing.gtids.is_none() {
            // Before anything is done.
            let home = self.home(table).await?;
            gtid::of(self, &home).await?;
        }
        lock::take(self, table, owner).await
    }

    async fn unlock(&mut self, table: &TableName) -> Result<(), ServerError> {
        lock::give_back(self, table).await
    }

    fn canceller(&self) -> Option<Box<dyn Canceller>> {
        let cancel = self.canceller.clone()?;
        Some(Box::new(Stop { asked: Arc::clone(&self.asked_to_stop), cancel }))
    }

    /// A [`mysql_async::Conn`].
    fn native(&mut self) -> &mut dyn Any {
        // What it is used for nobody sees.
        self.standing.dirty = true;
        self.conn()
    }
}

/// Stops the statement that runs, and lets the session know that it was asked for.
struct Stop {
    asked: Arc<AtomicBool>,
    cancel: Cancel,
}

impl Canceller for Stop {
    fn cancel(&self) -> Result<(), ServerError> {
        self.asked.store(true, Ordering::SeqCst);
        self.cancel.cancel()
    }
}
