//! One connection: our own, or the caller's.

use std::any::Any;
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use async_trait::async_trait;
use migrate_core::backend::{
    Backend, Canceller, Dialect, Effect, Fault, HistoryTable, Locked, Note, Notice, Performed, Progress, Row, Server,
    ServerError, Session, Settled, TableName,
};
use migrate_core::history::{Entry, EntryKey, Texts};
use migrate_core::sql::{Statement, Syntax};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::AbortHandle;
use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

use crate::blockers::Side;
use crate::connect::{Cancel, Postgres};
use crate::dialect::{POSTGRES, Scope, assignment, literal, name, qualified};
use crate::error::server_error;
use crate::lease::Lease;
use crate::message::{Ground, Prepared};
use crate::{evidence, history, lock, observe};

/// How often the server looks, while it works, whether we are still there. Only on Linux can it look.
const CHECK_CLIENT: Duration = Duration::from_millis(500);

/// One connection to a database.
///
/// Our own is put back to what it came with before every step: role, settings, cursors, temporary tables and what else
/// a script may leave behind. Advisory locks stay.
pub struct PostgresSession<'c> {
    pub(crate) client: Handle<'c>,
    /// What the server remarks; a borrowed connection's remarks go to whoever drives it.
    pub(crate) notices: Option<UnboundedReceiver<Notice>>,
    pub(crate) facts: Option<Facts>,
    pub(crate) in_transaction: bool,
    pub(crate) prepared: Prepared,
    /// The longest wait for a lock of what runs now; `None` where there is no limit.
    pub(crate) lock_limit: Option<Duration>,
    /// Somebody asked for the running statement to be stopped.
    pub(crate) asked_to_stop: Arc<AtomicBool>,
    pub(crate) side: Option<Side>,
    pub(crate) lease: Option<Lease>,
    pub(crate) origin: Option<Postgres>,
    /// Effects are on their way: whoever drops the session now does not wait for their end.
    pub(crate) busy: bool,
    /// The lock of the migrations is held.
    pub(crate) locked: bool,
    canceller: Option<Cancel>,
    /// The task that drives our own connection.
    driver: Option<AbortHandle>,
    /// What it is called on the server, beside what the user calls it.
    pub(crate) owner: Option<String>,
    /// The history table as it was found, and its quoted name.
    home: Option<(TableName, String)>,
    /// What [`Effect::Set`] changed on a borrowed connection, with what was there.
    changed: Vec<(String, String)>,
    /// What was set on a borrowed connection when it was last looked at.
    left: BTreeMap<String, String>,
    /// What the caller's transaction had for everything that a step of ours sets in it.
    came_with: Vec<(String, String)>,
    /// In place of a connection that others are using.
    nothing: (),
}

impl std::fmt::Debug for PostgresSession<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresSession")
            .field("in_transaction", &self.in_transaction)
            .field("busy", &self.busy)
            .field("locked", &self.locked)
            .finish_non_exhaustive()
    }
}

/// The connection itself.
pub(crate) enum Handle<'c> {
    Own(Client),
    Borrowed(&'c mut Client),
    /// Inside a transaction of the caller's.
    Joined(&'c Client),
}

/// What is asked once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The process that serves us; behind a pooler it is another one for every transaction.
    pub(crate) backend: i32,
    /// A pooler is between us and the server.
    pub(crate) pooled: bool,
    /// The server can look whether we are still there.
    pub(crate) checks_client: bool,
}

impl std::ops::Deref for Handle<'_> {
    type Target = Client;

    fn deref(&self) -> &Client {
        match self {
            Self::Own(client) => client,
            Self::Borrowed(client) => client,
            Self::Joined(client) => client,
        }
    }
}

#[async_trait]
impl Backend for Postgres {
    fn dialect(&self) -> &'static Dialect {
        &POSTGRES
    }

    fn label(&self) -> String {
        Self::label(self)
    }

    async fn connect(&self) -> Result<Box<dyn Session>, ServerError> {
        let link = self.open().await?;
        let mut session = PostgresSession::new(Handle::Own(link.client));
        session.notices = Some(link.notices);
        session.canceller = Some(link.canceller);
        session.driver = Some(link.driver);
        session.side = Some(Side::of(self));
        session.origin = Some(self.clone());
        Ok(Box::new(session))
    }

    async fn pause(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// No database of its own: for a [`Migrator`](migrate_core::Migrator) that works on connections of the caller's alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Borrowed;

#[async_trait]
impl Backend for Borrowed {
    fn dialect(&self) -> &'static Dialect {
        &POSTGRES
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

impl<'c> PostgresSession<'c> {
    /// A session on the caller's own connection, for [`Migrator::run_on`](migrate_core::Migrator::run_on).
    ///
    /// Nothing of the caller's session is reset: a transaction of ours sets with `SET LOCAL`, and what a journalled step
    /// sets for the session is put back behind it. What a script itself changes stays, and is told as a notice. Up to 64 steps travel together,
    /// as on our own connection. Who is in the way is not shown and nothing can be stopped, because both need a second
    /// connection; behind a transaction-mode pooler it is refused, because the lease that is needed there does too.
    ///
    /// A run that is dropped half-way leaves no transaction and no lock behind: what was sent is carried out or rolled back
    /// by the server, and what the connection is asked next comes behind that.
    ///
    /// # Errors
    /// If a transaction is open on the connection, or the connection is gone.
    pub async fn on(client: &'c mut Client) -> Result<Self, ServerError> {
        // A transaction that was opened by an earlier message began before this statement did.
        let rows = client.simple_query("SELECT now() = statement_timestamp()").await.map_err(|e| server_error(&e))?;
        if cells(&rows).into_iter().flatten().flatten().next().as_deref() != Some("t") {
            return Err(ServerError::new(
                Fault::Refused,
                "a transaction is open on this connection: commit it or roll it back before migrating",
            ));
        }
        let mut session = Self::new(Handle::Borrowed(client));
        session.left = session.set_in_session().await?;
        Ok(session)
    }

    /// A session inside the caller's transaction, for [`Migrator::run_on`](migrate_core::Migrator::run_on): what it does
    /// is there once the caller commits, and gone if the caller rolls back. It never commits anything.
    ///
    /// Each step is a savepoint, and behind it the settings are what they were. The lock of the migrations is held until
    /// the transaction ends. What cannot be part of a transaction is refused before anything runs. After an error the
    /// transaction is to be rolled back: the server may have ended it already. Deferred constraints speak at the
    /// caller's `COMMIT`.
    ///
    /// # Errors
    /// If no transaction is open any more, if it looks at the database as it was at its beginning (`REPEATABLE READ`,
    /// `SERIALIZABLE`) and so cannot see what other replicas did, or if the connection is gone.
    pub async fn join(transaction: &'c tokio_postgres::Transaction<'_>) -> Result<Self, ServerError> {
        let mut session = Self::new(Handle::Joined(transaction.client()));
        let isolation = session.cells("SELECT pg_catalog.current_setting('transaction_isolation')").await?;
        let isolation = isolation.into_iter().flatten().next().flatten().unwrap_or_default();
        if !matches!(isolation.as_str(), "read committed" | "read uncommitted") {
            let message = format!(
                "the transaction is {isolation}: it would not see what another run did while it waited for the lock"
            );
            let mut error = ServerError::new(Fault::Refused, message);
            error.hint = Some("begin it as READ COMMITTED".to_owned());
            return Err(error);
        }
        session.left = session.set_in_session().await?;
        Ok(session)
    }

    fn new(client: Handle<'c>) -> Self {
        Self {
            client,
            notices: None,
            facts: None,
            in_transaction: false,
            prepared: Prepared::No,
            lock_limit: None,
            asked_to_stop: Arc::default(),
            side: None,
            lease: None,
            origin: None,
            busy: false,
            locked: false,
            canceller: None,
            driver: None,
            owner: None,
            home: None,
            changed: Vec::new(),
            left: BTreeMap::new(),
            came_with: Vec::new(),
            nothing: (),
        }
    }

    /// The driver's connection.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Whether all of it is part of a transaction of the caller's.
    pub(crate) fn is_joined(&self) -> bool {
        matches!(self.client, Handle::Joined(_))
    }

    /// What every transaction of this session stands on.
    pub(crate) fn ground(&self) -> Ground {
        match (&self.client, &self.facts) {
            (_, Some(Facts { pooled: true, .. })) => {
                Ground::Pooled { lease: self.lease.as_ref().map(|lease| (lease.table().to_owned(), lease.fence())) }
            }
            (Handle::Borrowed(_), _) => Ground::Borrowed,
            (Handle::Joined(_), _) => Ground::Joined { came_with: self.came_with.clone() },
            (Handle::Own(_), facts) => {
                let mut base = Vec::new();
                if let Some(owner) = &self.owner {
                    base.push(assignment("application_name", &self.application_name(owner), Scope::Session));
                }
                if facts.as_ref().is_some_and(|facts| facts.checks_client) {
                    let interval = CHECK_CLIENT.as_millis().to_string();
                    base.push(assignment("client_connection_check_interval", &interval, Scope::Session));
                }
                Ground::Own { base, prepared: self.prepared }
            }
        }
    }

    /// `app: migrate deploy@ci`, as those who wait for the lock and who look at the server's activity see it. The server
    /// cuts it at 63 bytes.
    pub(crate) fn application_name(&self, owner: &str) -> String {
        match self.origin.as_ref().and_then(Postgres::application_name) {
            Some(given) => format!("{given}: migrate {owner}"),
            None => format!("migrate {owner}"),
        }
    }

    pub(crate) async fn facts(&mut self) -> Result<Facts, ServerError> {
        if self.facts.is_none() {
            // A transaction is on one connection to the server, whatever is in between.
            let session_pooling = self.is_joined() || self.origin.as_ref().is_some_and(Postgres::session_pooling);
            self.facts = Some(observe::facts(&self.client, session_pooling).await.map_err(|e| self.failed(&e))?);
        }
        Ok(self.facts.clone().expect("they were just asked"))
    }

    /// The history table's name, quoted and with its schema: a script may change the `search_path`.
    pub(crate) async fn home(&mut self, table: &TableName) -> Result<String, ServerError> {
        if let Some((known, home)) = &self.home
            && known == table
        {
            return Ok(home.clone());
        }
        let home = if table.schema.is_some() {
            qualified(table)
        } else {
            let sql = format!("SELECT {}", observe::home_schema(table));
            let schema = self.cells(&sql).await?.into_iter().flatten().next().flatten();
            let schema = schema.ok_or_else(|| {
                let mut error = ServerError::new(
                    Fault::Refused,
                    "no schema of the search_path exists, so there is no place for the history",
                );
                error.hint = Some("create the schema, or name one: [history] schema".to_owned());
                error
            })?;
            format!("{}.{}", name(&schema), name(&table.name))
        };
        self.home = Some((table.clone(), home.clone()));
        Ok(home)
    }

    /// The same where nothing may be asked for it: before the first step the `search_path` is the connection's own.
    pub(crate) fn known_home(&self, table: &TableName) -> String {
        match &self.home {
            Some((known, home)) if known == table => home.clone(),
            _ => qualified(table),
        }
    }

    /// An error with what only the session knows of it.
    pub(crate) fn failed(&self, error: &tokio_postgres::Error) -> ServerError {
        self.known(server_error(error))
    }

    /// The server has one code for "took too long" and "somebody stopped it". Who stopped it need not have been us, and
    /// then only its words tell, where they are English.
    pub(crate) fn known(&self, mut error: ServerError) -> ServerError {
        if error.fault == Fault::StatementTimeout
            && (self.asked_to_stop.swap(false, Ordering::SeqCst) || error.message.contains("user request"))
        {
            error.fault = Fault::Cancelled;
        }
        error
    }

    /// The rows of one statement, as text.
    pub(crate) async fn cells(&mut self, sql: &str) -> Result<Vec<Row>, ServerError> {
        let messages = self.client.simple_query(sql).await.map_err(|error| self.failed(&error))?;
        Ok(cells(&messages))
    }

    /// What scripts have changed for the rest of the caller's session since this was last asked.
    pub(crate) async fn left_behind(&mut self) -> Result<Vec<Notice>, ServerError> {
        let now = self.set_in_session().await?;
        let ours = |name: &String| self.changed.iter().chain(&self.came_with).any(|(changed, _)| changed == name);
        let notices = now
            .iter()
            .filter(|(name, value)| self.left.get(*name) != Some(*value) && !ours(name))
            .map(|(name, value)| Notice {
                level: "WARNING".to_owned(),
                message: format!("a script set {name} to '{value}' for the rest of the session, which is not ours"),
            })
            .collect();
        self.left = now;
        Ok(notices)
    }

    async fn set_in_session(&mut self) -> Result<BTreeMap<String, String>, ServerError> {
        let rows = self.cells("SELECT name, setting FROM pg_settings WHERE source = 'session'").await?;
        Ok(rows.into_iter().filter_map(|row| Some((row.first()?.clone()?, row.get(1)?.clone()?))).collect())
    }

    /// Remembers what the caller's transaction has for everything that is about to be set in it.
    pub(crate) async fn remember(&mut self, about: &[String]) -> Result<(), ServerError> {
        for name in about {
            if self.came_with.iter().any(|(known, _)| known == name) {
                continue;
            }
            let sql = format!("SELECT pg_catalog.current_setting({}, true)", literal(name));
            if let Some(value) = self.cells(&sql).await?.into_iter().flatten().next().flatten() {
                self.came_with.push((name.clone(), value));
            }
        }
        Ok(())
    }

    /// Puts back what a journalled step set on the caller's connection; `next` is what is set now, saved before it is.
    pub(crate) async fn exchange(&mut self, next: &[String]) -> Result<(), ServerError> {
        for (key, value) in std::mem::take(&mut self.changed).into_iter().rev() {
            let sql = format!("SELECT pg_catalog.set_config({}, {}, false)", literal(&key), literal(&value));
            self.cells(&sql).await?;
        }
        for key in next {
            let sql = format!("SELECT pg_catalog.current_setting({}, true)", literal(key));
            if let Some(value) = self.cells(&sql).await?.into_iter().flatten().next().flatten() {
                self.changed.push((key.clone(), value));
            }
        }
        Ok(())
    }
}

impl Drop for PostgresSession<'_> {
    fn drop(&mut self) {
        // The driver would say goodbye behind what is on its way, and the server reads that when it is done. A connection
        // that is cut is seen at once.
        if let Some(driver) = self.driver.take().filter(|_| self.busy) {
            driver.abort();
        }
        if let Handle::Borrowed(client) = &self.client
            && (self.busy || self.in_transaction || self.locked)
        {
            // Whoever drops a run half-way gives the connection back all the same: behind what is on its way the transaction
            // is ended and the lock given back. The first look at the future sends it; the answer is the driver's.
            let unlock = self.home.as_ref().map(|(_, home)| lock::unlocking(home)).unwrap_or_default();
            let put_back = self.changed.iter().rev().fold(String::new(), |sql, (name, value)| {
                sql + &format!("SELECT pg_catalog.set_config({}, {}, false);", literal(name), literal(value))
            });
            let sql = format!("ROLLBACK;{put_back}{unlock}");
            let sending = pin!(client.batch_execute(&sql));
            let _ = sending.poll(&mut Context::from_waker(Waker::noop()));
        }
    }
}

/// Every cell of all rows.
pub(crate) fn cells(messages: &[SimpleQueryMessage]) -> Vec<Row> {
    let row = |row: &SimpleQueryRow| (0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect();
    messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(found) => Some(row(found)),
            _ => None,
        })
        .collect()
}

#[async_trait]
impl HistoryTable for PostgresSession<'_> {
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
impl Session for PostgresSession<'_> {
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
        evidence::note(self, statement, &Syntax::POSTGRES).await
    }

    async fn settle(&mut self, statement: &Statement<'_>, note: Option<&str>) -> Result<Settled, ServerError> {
        evidence::settle(self, statement, note, &Syntax::POSTGRES).await
    }

    async fn query(&mut self, sql: &str) -> Result<Vec<Row>, ServerError> {
        self.cells(sql).await
    }

    async fn try_lock(&mut self, table: &TableName, owner: &str) -> Result<Locked, ServerError> {
        lock::take(self, table, owner).await
    }

    async fn unlock(&mut self, table: &TableName) -> Result<(), ServerError> {
        lock::give_back(self, table).await
    }

    fn canceller(&self) -> Option<Box<dyn Canceller>> {
        let cancel = self.canceller.clone()?;
        Some(Box::new(Stop { asked: Arc::clone(&self.asked_to_stop), cancel }))
    }

    /// A [`tokio_postgres::Client`].
    fn native(&mut self) -> &mut dyn Any {
        match &mut self.client {
            Handle::Own(client) => client,
            Handle::Borrowed(client) => &mut **client,
            Handle::Joined(_) => &mut self.nothing,
        }
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
