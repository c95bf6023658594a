//! The contract of a backend: what a database must be able to do for the one loop in [`apply`](crate::apply).
//!
//! | module | holds |
//! |---|---|
//! | this one | [`Backend`], [`Session`], [`HistoryTable`]: the whole contract |
//! | [`dialect`] | [`Dialect`]: plain data about the engine, with its four capabilities |
//! | [`effect`] | [`Effect`]: one thing done to the database, and how a list of them ended |
//! | [`server`] | what a server says of itself, and its errors |
//! | [`password`] | passwords, and who gives them |
//! | [`wait`] | when to ask who is in the way |
//! | [`url`] | what the URLs of all databases have in common |
//!
//! Policy is not here and not in an implementation: no comparison of versions, no "if pending", no retry. If two
//! backends would contain the same `if`, it belongs into this crate.

use std::any::Any;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;

use crate::history::{Entry, EntryKey, Texts};
use crate::sql::{Recovery, Statement};

pub mod dialect;
pub mod effect;
pub mod password;
pub mod server;
pub mod url;
pub mod wait;

pub use dialect::{Atomicity, Cancel, Dialect, Exclusion, Orphan};
pub use effect::{Advance, Done, Effect, End, ForeignRow, NewEntry, Performed, Progress, Settings};
pub use server::{Blocker, Fault, Holder, Notice, Server, ServerError, TableName};
pub use wait::Wait;

/// Runs a future that never waits for anything: of a backend whose engine works inside the call.
///
/// ```
/// assert_eq!(migrate_core::backend::block_on(async { 1 + 1 }), 2);
/// ```
///
/// # Panics
/// If the future yields: something in it needs a runtime.
pub fn block_on<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits for something that needs a runtime: run it on that runtime instead"),
    }
}

/// One text cell a row; NULL is `None`.
pub type Row = Vec<Option<String>>;

/// Opens connections to one database.
#[async_trait]
pub trait Backend: Send + Sync {
    /// What the engine is. Constant: it is known before anything is connected.
    fn dialect(&self) -> &'static Dialect;

    /// What a person calls the database: no password, no parameters.
    fn label(&self) -> String;

    /// Opens the one working connection of a run, never a pool; and another one where that was lost.
    ///
    /// # Errors
    /// With [`Fault::Connect`] where nothing answers, [`Fault::NoDatabase`] where the server has no such database.
    async fn connect(&self) -> Result<Box<dyn Session>, ServerError>;

    /// Waits. The core has no clock to wait on: a backend on a runtime uses that runtime's.
    async fn pause(&self, duration: Duration);
}

/// A backend chosen at run time.
#[async_trait]
impl Backend for Box<dyn Backend> {
    fn dialect(&self) -> &'static Dialect {
        (**self).dialect()
    }

    fn label(&self) -> String {
        (**self).label()
    }

    async fn connect(&self) -> Result<Box<dyn Session>, ServerError> {
        (**self).connect().await
    }

    async fn pause(&self, duration: Duration) {
        (**self).pause(duration).await;
    }
}

/// The history table as a session sees it. Names are quoted by the implementation.
#[async_trait]
pub trait HistoryTable: Send {
    /// Creates the table, or adds the columns that an older format lacks; never anything else. Called under the lock,
    /// or inside a transaction that excludes every other writer.
    async fn ensure_history(&mut self, table: &TableName) -> Result<(), ServerError>;

    /// The last row of a component; `None` where there is no row or no table. One round trip.
    async fn head(&mut self, table: &TableName, component: &str) -> Result<Option<Entry>, ServerError>;

    /// The rows of all components by component and seq, without the long texts; empty where there is no table.
    async fn load(&mut self, table: &TableName) -> Result<Vec<Entry>, ServerError>;

    /// The long texts of some rows, in the order asked for.
    async fn texts(&mut self, table: &TableName, of: &[EntryKey]) -> Result<Vec<Texts>, ServerError>;
}

/// One connection. Every effect on a database goes through these methods.
///
/// # Contract
/// - A method that fails with [`Fault::Lost`] makes the session useless; nothing tells whether the server still works.
/// - Dropping the session, or any future of it, ends the connection: a transaction is rolled back, a session lock
///   released once the server has noticed.
#[async_trait]
pub trait Session: HistoryTable {
    /// Version, lexer modes, emptiness and whatever else planning needs. Read-only, creates nothing, never blocks on a
    /// lock of the migrations.
    async fn observe(&mut self, table: &TableName) -> Result<Server, ServerError>;

    /// Runs the effects in order and stops at the first that fails. The implementation chooses the round trips, but a
    /// statement that cannot share a transaction and the [`Effect::Advance`] after it are one unit.
    ///
    /// After [`End::Refused`] an open transaction stays open: the caller ends it with [`Effect::Rollback`].
    /// Dropping the future kills the session.
    async fn perform(
        &mut self,
        table: &TableName,
        effects: &[Effect<'_>],
        progress: &mut (dyn Progress + Send),
    ) -> Performed;

    /// Evidence: what the objects that `statement` names look like before it runs. By itself nothing is readable.
    async fn note(&mut self, statement: &Statement<'_>) -> Result<Note, ServerError> {
        let _ = statement;
        Ok(Note::Nothing)
    }

    /// What became of a statement that was in flight, with the lock held again and its server thread gone.
    ///
    /// Also asked right after the server refused one whose recovery is [`Recovery::Definition`] or
    /// [`Recovery::FileByFile`]: then only [`Settled::First`] counts, which removes what the failure left behind.
    ///
    /// By itself it knows what the class of the statement tells, and asks a person about the rest.
    async fn settle(&mut self, statement: &Statement<'_>, note: Option<&str>) -> Result<Settled, ServerError> {
        let _ = note;
        Ok(Settled::by_class(statement))
    }

    /// Bytes that are free where the database's files are, for those who ask before a run; `None` where the session
    /// cannot tell without a query. The condition fails with a [`Fault::Unsupported`]: what it takes was not compiled in.
    async fn free_space(&mut self) -> Result<Option<u64>, ServerError> {
        Ok(None)
    }

    /// Rows as text: for preconditions, key ranges and the tables of other tools.
    async fn query(&mut self, sql: &str) -> Result<Vec<Row>, ServerError>;

    /// Takes the lock of the migrations if it is free; never waits. `owner` is shown to those who wait, where the server
    /// lets a session say who it is.
    async fn try_lock(&mut self, table: &TableName, owner: &str) -> Result<Locked, ServerError>;

    /// Gives it back.
    async fn unlock(&mut self, table: &TableName) -> Result<(), ServerError>;

    /// What stops the running statement on the server, from another thread; `None` goes with [`Cancel::Never`].
    fn canceller(&self) -> Option<Box<dyn Canceller>> {
        None
    }

    /// The driver's connection, for migrations written as code. Which type it is, the implementation says.
    fn native(&mut self) -> &mut dyn Any;
}

/// Stops a running statement on the server. Usable from any thread while the session is at work.
pub trait Canceller: Send + Sync {
    /// Asks the server to stop the statement. That the run ends is seen by the session, not here. May block for as
    /// long as a connection takes.
    ///
    /// # Errors
    /// If the server cannot be asked.
    fn cancel(&self) -> Result<(), ServerError>;
}

/// Answer of [`Session::try_lock`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Locked {
    /// It is ours. `fence` grows with every holder where locks can expire, and is 0 elsewhere.
    Mine {
        /// Written into every row and sent with every change of one ([`NewEntry`], [`Advance::holder_fence`]), so that
        /// a holder who lost the lock cannot write any more.
        fence: u64,
    },
    /// Somebody has it.
    HeldBy(Holder),
}

/// Answer of [`Session::note`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// Nothing is readable: a crash inside the statement leaves a doubt.
    Nothing,
    /// What was read.
    Is(String),
    /// An expression whose value the server writes down when the statement is announced ([`Advance::asked`]): nothing
    /// travels for it alone, and what it is about need not be there yet when the question is asked.
    Asked(String),
    /// Nothing is needed: the statement can share a transaction with its row, which its text does not tell.
    Shares,
}

/// Answer of [`Session::settle`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settled {
    /// It ran to its end. The text says by which evidence.
    Ran(String),
    /// It changed nothing.
    DidNotRun(String),
    /// These must run first, then the question is asked again.
    First(Vec<String>),
    /// Nobody can tell. The text says why.
    Undecided(String),
}

impl Settled {
    /// What is known of a statement where nothing can be read of it: its class alone.
    pub fn by_class(statement: &Statement<'_>) -> Self {
        match statement.class.sharing.recovery() {
            None => Self::DidNotRun("it shares a transaction with its row, which is not there".to_owned()),
            Some(Recovery::Repeat) => Self::DidNotRun("running it again leads to the same state".to_owned()),
            Some(_) => Self::Undecided("this engine leaves no trace of it".to_owned()),
        }
    }
}
