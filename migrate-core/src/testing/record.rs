//! A session that writes down, in order, what was done to the database.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::backend::{
    Advance, Backend, Canceller, Dialect, Effect, HistoryTable, Locked, Note, Performed, Progress, Row, Server,
    ServerError, Session, Settled, TableName,
};
use crate::history::{Entry, EntryKey, Texts};
use crate::sql::Statement;

/// A backend that writes down what its sessions do, one line for each thing; what travels together is on lines that
/// begin with `|`.
#[derive(Clone)]
pub struct Record<B> {
    inner: B,
    lines: Lines,
}

type Lines = Arc<Mutex<Vec<String>>>;

impl<B> Record<B> {
    /// Nothing written down yet.
    pub fn new(inner: B) -> Self {
        Self { inner, lines: Lines::default() }
    }

    /// What was done so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One line about an effect, without what differs between runs.
fn line(effect: &Effect<'_>) -> String {
    match effect {
        Effect::Begin(_) => "begin".to_owned(),
        Effect::Commit => "commit".to_owned(),
        Effect::Rollback => "rollback".to_owned(),
        Effect::Set(settings) => {
            format!("set {} variables, lock timeout {:?}", settings.variables.len(), settings.lock_timeout)
        }
        Effect::Statement(statement) => statement.text.to_owned(),
        Effect::Append(new) => {
            let entry = &new.entry;
            let asked = if new.asked.is_some() { " with what the server finds" } else { "" };
            format!("append {} {} {} {} at {}{asked}", entry.key.seq, entry.action, entry.id, entry.state, entry.cursor)
        }
        Effect::Advance(advance) => format!(
            "advance {} {} → {} {}{}",
            advance.key.seq,
            advance.from_cursor,
            advance.cursor,
            advance.state,
            match advance {
                Advance { asked: Some(_), .. } => " with what the server finds",
                Advance { note: Some(_), .. } => " with a note",
                _ => "",
            }
        ),
        Effect::Mirror(row) => row.sql.clone(),
    }
}

#[async_trait]
impl<B: Backend> Backend for Record<B> {
    fn dialect(&self) -> &'static Dialect {
        self.inner.dialect()
    }

    fn label(&self) -> String {
        self.inner.label()
    }

    async fn connect(&self) -> Result<Box<dyn Session>, ServerError> {
        Ok(Box::new(RecordSession { inner: self.inner.connect().await?, lines: Arc::clone(&self.lines) }))
    }

    async fn pause(&self, duration: Duration) {
        self.inner.pause(duration).await;
    }
}

struct RecordSession {
    inner: Box<dyn Session>,
    lines: Lines,
}

impl RecordSession {
    fn write(&self, line: impl Into<String>) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line.into());
    }
}

#[async_trait]
impl HistoryTable for RecordSession {
    async fn ensure_history(&mut self, table: &TableName) -> Result<(), ServerError> {
        self.write("ensure history");
        self.inner.ensure_history(table).await
    }

    async fn head(&mut self, table: &TableName, component: &str) -> Result<Option<Entry>, ServerError> {
        self.write("head");
        self.inner.head(table, component).await
    }

    async fn load(&mut self, table: &TableName) -> Result<Vec<Entry>, ServerError> {
        self.write("load");
        self.inner.load(table).await
    }

    async fn texts(&mut self, table: &TableName, of: &[EntryKey]) -> Result<Vec<Texts>, ServerError> {
        self.write(format!("texts of {}", of.len()));
        self.inner.texts(table, of).await
    }
}

#[async_trait]
impl Session for RecordSession {
    async fn observe(&mut self, table: &TableName) -> Result<Server, ServerError> {
        self.write("observe");
        self.inner.observe(table).await
    }

    async fn perform(
        &mut self,
        table: &TableName,
        effects: &[Effect<'_>],
        progress: &mut (dyn Progress + Send),
    ) -> Performed {
        for effect in effects {
            let together = if effects.len() > 1 { "| " } else { "" };
            self.write(format!("{together}{}", line(effect)));
        }
        self.inner.perform(table, effects, progress).await
    }

    async fn note(&mut self, statement: &Statement<'_>) -> Result<Note, ServerError> {
        self.write(format!("note {}", statement.text));
        self.inner.note(statement).await
    }

    async fn settle(&mut self, statement: &Statement<'_>, note: Option<&str>) -> Result<Settled, ServerError> {
        self.write(format!("settle {}", statement.text));
        self.inner.settle(statement, note).await
    }

    async fn free_space(&mut self) -> Result<Option<u64>, ServerError> {
        self.inner.free_space().await
    }

    async fn query(&mut self, sql: &str) -> Result<Vec<Row>, ServerError> {
        self.write(format!("query {sql}"));
        self.inner.query(sql).await
    }

    async fn try_lock(&mut self, table: &TableName, owner: &str) -> Result<Locked, ServerError> {
        self.write("lock");
        self.inner.try_lock(table, owner).await
    }

    async fn unlock(&mut self, table: &TableName) -> Result<(), ServerError> {
        self.write("unlock");
        self.inner.unlock(table).await
    }

    fn canceller(&self) -> Option<Box<dyn Canceller>> {
        self.inner.canceller()
    }

    fn native(&mut self) -> &mut dyn Any {
        self.inner.native()
    }
}
