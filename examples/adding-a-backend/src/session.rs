//! One connection: every effect on a database goes through it.

use std::any::Any;
use std::fs::File;
use std::time::Duration;

use migrate_core::async_trait;
use migrate_core::backend::{
    Done, Effect, Fault, Holder, Locked, Performed, Progress, Row, Server, ServerError, Session, Settings, TableName,
};

use crate::dialect::SYNTAX;
use crate::engine::{self, Connection};
use crate::error::server_error;
use crate::history;

/// One connection.
#[derive(Debug)]
pub struct ToySession {
    pub(crate) connection: Connection,
    /// How long the connection waits by itself.
    wait: Duration,
    /// The lock of the migrations. Dropping it gives it back.
    lock: Option<File>,
}

impl ToySession {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { wait: connection.wait, connection, lock: None }
    }

    fn carry_out(&mut self, table: &TableName, effect: &Effect<'_>) -> Result<Option<u64>, ServerError> {
        match effect {
            Effect::Begin(settings) => {
                self.set(settings)?;
                self.execute("BEGIN")
            }
            Effect::Commit => self.execute("COMMIT"),
            Effect::Rollback => self.execute("ROLLBACK"),
            Effect::Set(settings) => self.set(settings).map(|()| None),
            Effect::Statement(statement) => self.execute(statement.text),
            Effect::Mirror(row) => self.execute(&row.sql),
            Effect::Append(new) => history::append(&mut self.connection, new, table),
            Effect::Advance(advance) => history::advance(&mut self.connection, advance, table),
            other => Err(unsupported(&format!("{other:?}"))),
        }
    }

    fn execute(&mut self, text: &str) -> Result<Option<u64>, ServerError> {
        Ok(self.connection.execute(text).map_err(server_error)?.written)
    }

    /// What is asked for and cannot be had is an error, and not passed over.
    fn set(&mut self, settings: &Settings) -> Result<(), ServerError> {
        if let Some((variable, _)) = settings.variables.first() {
            return Err(unsupported(&format!("the setting {variable}")));
        }
        if settings.statement_timeout.is_some_and(|limit| !limit.is_zero()) {
            return Err(unsupported("a limit for the time of a statement"));
        }
        self.connection.wait = settings.lock_timeout.unwrap_or(self.wait);
        Ok(())
    }
}

fn unsupported(what: &str) -> ServerError {
    ServerError::new(Fault::Unsupported, format!("this engine does not know {what}"))
}

#[async_trait]
impl Session for ToySession {
    async fn observe(&mut self, table: &TableName) -> Result<Server, ServerError> {
        if let Some(schema) = &table.schema {
            return Err(unsupported(&format!("schemas, and so not `{schema}` for the history")));
        }
        let mut objects = self.connection.tables().map_err(server_error)?;
        let has_history = objects.contains(&table.name);
        objects.retain(|name| *name != table.name);
        let file = self.connection.path().file_name().unwrap_or_default().to_string_lossy();
        Ok(Server { has_history, objects, ..Server::new("Toy 1.0", file, SYNTAX) })
    }

    async fn perform(
        &mut self,
        table: &TableName,
        effects: &[Effect<'_>],
        progress: &mut (dyn Progress + Send),
    ) -> Performed {
        let mut done = Vec::new();
        for (at, effect) in effects.iter().enumerate() {
            progress.began(at);
            match self.carry_out(table, effect) {
                Ok(rows) => {
                    progress.done(at, &Done { rows });
                    done.push(Done { rows });
                }
                Err(error) => return Performed::failed(done, at, error),
            }
        }
        Performed::all(done)
    }

    async fn query(&mut self, sql: &str) -> Result<Vec<Row>, ServerError> {
        Ok(self.connection.execute(sql).map_err(server_error)?.rows)
    }

    async fn try_lock(&mut self, table: &TableName, owner: &str) -> Result<Locked, ServerError> {
        match engine::lock(self.connection.path(), &table.name, owner).map_err(server_error)? {
            Ok(lock) => {
                self.lock = Some(lock);
                // It cannot expire while this session lives.
                Ok(Locked::Mine { fence: 0 })
            }
            Err(who) => Ok(Locked::HeldBy(Holder { who, ..Holder::default() })),
        }
    }

    async fn unlock(&mut self, _: &TableName) -> Result<(), ServerError> {
        self.lock = None;
        Ok(())
    }

    fn native(&mut self) -> &mut dyn Any {
        &mut self.connection
    }
}
