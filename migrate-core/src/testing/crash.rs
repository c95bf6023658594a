//! A session that loses its connection at a chosen moment.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use crate::backend::{
    Backend, Canceller, Dialect, Effect, End, Fault, HistoryTable, Locked, Note, Performed, Progress, Row, Server,
    ServerError, Session, Settled, TableName,
};
use crate::history::{Entry, EntryKey, Texts};
use crate::sql::Statement;

/// A backend whose sessions lose their connection at the `at`-th thing done to the database, counted over all of them
/// from 0: before it arrives, or after it took hold and before anybody heard of it. Effects count one by one, whatever
/// travels together.
#[derive(Clone)]
pub struct Crash<B> {
    inner: B,
    at: usize,
    after: bool,
    /// Every further thing loses its connection too.
    again: bool,
    /// How many connections are refused after the first loss.
    away: usize,
    refused: Arc<AtomicUsize>,
    count: Arc<AtomicUsize>,
}

impl<B> Crash<B> {
    /// Loses the connection before the `at`-th thing, or after it.
    pub fn new(inner: B, at: usize, after: bool) -> Self {
        Self { inner, at, after, again: false, away: 0, refused: Arc::default(), count: Arc::default() }
    }

    /// Loses every connection from then on.
    pub fn again(self) -> Self {
        Self { again: true, ..self }
    }

    /// Refuses so many connections once one was lost, as a server that starts again.
    pub fn away_for(self, connections: usize) -> Self {
        Self { away: connections, ..self }
    }

    /// Whether the moment came.
    pub fn crashed(&self) -> bool {
        self.count.load(Ordering::SeqCst) > self.at
    }
}

#[async_trait]
impl<B: Backend> Backend for Crash<B> {
    fn dialect(&self) -> &'static Dialect {
        self.inner.dialect()
    }

    fn label(&self) -> String {
        self.inner.label()
    }

    async fn connect(&self) -> Result<Box<dyn Session>, ServerError> {
        if self.crashed() && self.refused.fetch_add(1, Ordering::SeqCst) < self.away {
            return Err(ServerError::new(Fault::Connect, "the connection was refused by the test"));
        }
        Ok(Box::new(CrashSession {
            inner: Some(self.inner.connect().await?),
            at: self.at,
            after: self.after,
            again: self.again,
            count: Arc::clone(&self.count),
        }))
    }

    async fn pause(&self, duration: Duration) {
        self.inner.pause(duration).await;
    }
}

struct CrashSession {
    inner: Option<Box<dyn Session>>,
    at: usize,
    after: bool,
    again: bool,
    count: Arc<AtomicUsize>,
}

fn lost() -> ServerError {
    ServerError::new(Fault::Lost, "the connection was lost by the test")
}

/// What the next thing meets.
enum Turn {
    Fine,
    LostBefore,
    LostAfter,
}

impl CrashSession {
    fn turn(&self) -> Turn {
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        let now = number == self.at || (self.again && number > self.at);
        match (now, self.after) {
            (false, _) => Turn::Fine,
            (true, false) => Turn::LostBefore,
            (true, true) => Turn::LostAfter,
        }
    }
}

/// Passes a call on, unless its turn has come.
macro_rules! pass {
    ($self:ident, $method:ident($($argument:expr),*)) => {{
        let turn = $self.turn();
        let Some(inner) = &mut $self.inner else { return Err(lost()) };
        if let Turn::LostBefore = turn {
            $self.inner = None;
            return Err(lost());
        }
        let result = inner.$method($($argument),*).await;
        if let Turn::LostAfter = turn {
            $self.inner = None;
            return Err(lost());
        }
        result
    }};
}

#[async_trait]
impl HistoryTable for CrashSession {
    async fn ensure_history(&mut self, table: &TableName) -> Result<(), ServerError> {
        pass!(self, ensure_history(table))
    }

    async fn head(&mut self, table: &TableName, component: &str) -> Result<Option<Entry>, ServerError> {
        pass!(self, head(table, component))
    }

    async fn load(&mut self, table: &TableName) -> Result<Vec<Entry>, ServerError> {
        pass!(self, load(table))
    }

    async fn texts(&mut self, table: &TableName, of: &[EntryKey]) -> Result<Vec<Texts>, ServerError> {
        pass!(self, texts(table, of))
    }
}

#[async_trait]
impl Session for CrashSession {
    async fn observe(&mut self, table: &TableName) -> Result<Server, ServerError> {
        pass!(self, observe(table))
    }

    async fn perform(
        &mut self,
        table: &TableName,
        effects: &[Effect<'_>],
        progress: &mut (dyn Progress + Send),
    ) -> Performed {
        let Some(inner) = &mut self.inner else { return Performed::failed(Vec::new(), 0, lost()) };
        let first = self.count.fetch_add(effects.len(), Ordering::SeqCst);
        let cut = if self.again { Some(self.at.saturating_sub(first)) } else { self.at.checked_sub(first) };
        let Some(cut) = cut.filter(|cut| *cut < effects.len()) else {
            return inner.perform(table, effects, progress).await;
        };
        let arrive = if self.after { cut + 1 } else { cut };
        let mut performed = inner.perform(table, &effects[..arrive], progress).await;
        if performed.end == End::All {
            performed.done.truncate(cut);
            performed.end = End::Lost(lost());
        }
        self.inner = None;
        performed
    }

    async fn note(&mut self, statement: &Statement<'_>) -> Result<Note, ServerError> {
        pass!(self, note(statement))
    }

    async fn settle(&mut self, statement: &Statement<'_>, note: Option<&str>) -> Result<Settled, ServerError> {
        pass!(self, settle(statement, note))
    }

    async fn free_space(&mut self) -> Result<Option<u64>, ServerError> {
        pass!(self, free_space())
    }

    async fn query(&mut self, sql: &str) -> Result<Vec<Row>, ServerError> {
        pass!(self, query(sql))
    }

    async fn try_lock(&mut self, table: &TableName, owner: &str) -> Result<Locked, ServerError> {
        pass!(self, try_lock(table, owner))
    }

    async fn unlock(&mut self, table: &TableName) -> Result<(), ServerError> {
        pass!(self, unlock(table))
    }

    fn canceller(&self) -> Option<Box<dyn Canceller>> {
        self.inner.as_ref().and_then(|inner| inner.canceller())
    }

    fn native(&mut self) -> &mut dyn Any {
        match &mut self.inner {
            Some(inner) => inner.native(),
            None => &mut self.count,
        }
    }
}
