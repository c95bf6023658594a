//! What code sees of the run that it is a step of.

use std::any::{Any, type_name};

use crate::backend::{Advance, Dialect, Effect, End, NewEntry, Performed, Row, Session, Settings, TableName};
use crate::code::{CodeRuns, ContextError};
use crate::event::{Event, Observer};
use crate::history::State;
use crate::plan::{Step, units};
use crate::source::Source;
use crate::sql::{Script, Sharing, Statement, Syntax};

use super::super::effects::advance;
use super::super::journal::UnitWatch;
use super::super::stop::StopHandle;

/// The run, as code sees it: the connection, the checkpoint to go on from, and somebody to tell.
///
/// The connection is that of the run: it holds the lock of the migrations, and a transaction of the run is open on it
/// unless the code was declared [outside](CodeRuns::Outside). Code must not end that transaction, nor give up the lock,
/// and puts back what it changes of the session. Definitions end a transaction on MySQL and MariaDB: one that goes
/// through [`execute`](Self::execute) begins the next by itself, behind one through [`native`](Self::native) nothing is
/// in a transaction until the next [`commit`](Self::commit).
pub struct CodeContext<'a> {
    pub(super) session: &'a mut (dyn Session + 'a),
    pub(super) observer: &'a mut (dyn Observer + 'a),
    pub(super) stop: &'a StopHandle,
    pub(super) table: &'a TableName,
    pub(super) dialect: &'static Dialect,
    pub(super) step: &'a Step,
    pub(super) runs: CodeRuns,
    pub(super) row: &'a NewEntry,
    pub(super) settings: &'a Settings,
    pub(super) syntax: Syntax,
    pub(super) checkpoint: Option<String>,
}

impl CodeContext<'_> {
    /// The engine.
    pub fn dialect(&self) -> &'static Dialect {
        self.dialect
    }

    /// The driver's own connection. Which type it has is said at the session of each backend.
    ///
    /// # Errors
    /// With [`ContextError::Native`] if it has another one.
    pub fn native<T: Any>(&mut self) -> Result<&mut T, ContextError> {
        let engine = self.dialect.name();
        let wanted = type_name::<T>();
        self.session.native().downcast_mut().ok_or(ContextError::Native { wanted, engine })
    }

    /// Runs one or several statements. Answers how many rows they changed, as far as the server says.
    ///
    /// # Errors
    /// What the server says, and if a statement would end the transaction of the run.
    pub async fn execute(&mut self, sql: &str) -> Result<u64, ContextError> {
        let source = Source::new("<code>", sql);
        let script = Script::parse(source, &self.syntax, self.dialect.classify).map_err(|problems| {
            ContextError::Script(problems.into_iter().next().map(|problem| problem.message).unwrap_or_default())
        })?;
        let mut rows = 0;
        for statement in script.statements() {
            rows += self.statement(&statement).await?;
        }
        Ok(rows)
    }

    /// Rows as text, NULL as `None`.
    ///
    /// # Errors
    /// What the server says.
    pub async fn query(&mut self, sql: &str) -> Result<Vec<Row>, ContextError> {
        Ok(self.session.query(sql).await?)
    }

    /// Where an earlier attempt, or this one, has come to: what was committed last.
    pub fn checkpoint(&self) -> Option<&str> {
        self.checkpoint.as_deref()
    }

    /// Commits everything since the last commit together with how far it has come, and begins the next transaction. For
    /// code [in batches](crate::code::CodeMigration::in_batches).
    ///
    /// # Errors
    /// What the server says; then neither is committed. With [`ContextError::Stopping`] once both are, if the run was
    /// asked to stop: passed on, it ends the code where the next run goes on.
    pub async fn commit(&mut self, checkpoint: impl Into<String> + Send) -> Result<(), ContextError> {
        if self.runs != CodeRuns::InBatches {
            return Err(ContextError::NotInBatches);
        }
        let change = self.at(checkpoint.into());
        let stopping = self.stop.is_requested();
        let effects = [Effect::Advance(&change), Effect::Commit, Effect::Begin(self.settings)];
        let effects = if stopping { &effects[..2] } else { &effects[..] };
        let performed = self.perform(effects).await;
        if performed.done.len() >= 2 {
            self.checkpoint.clone_from(&change.checkpoint);
        }
        ended(performed)?;
        if stopping { Err(ContextError::Stopping) } else { Ok(()) }
    }

    /// Writes down how far it has come, for code [outside of a
    /// transaction](crate::code::CodeMigration::outside_transaction). What it did since the last one is
    /// done again after a crash.
    ///
    /// # Errors
    /// What the server says.
    pub async fn save_checkpoint(&mut self, checkpoint: impl Into<String> + Send) -> Result<(), ContextError> {
        let CodeRuns::Outside(_) = self.runs else { return Err(ContextError::InTransaction) };
        let change = self.at(checkpoint.into());
        ended(self.perform(&[Effect::Advance(&change)]).await)?;
        self.checkpoint = change.checkpoint;
        Ok(())
    }

    /// Tells whoever watches that `done` of `total` is done, in whatever unit.
    pub fn progress(&mut self, done: u64, total: impl Into<Option<u64>>) {
        self.observer.event(&Event::Progress { step: self.step, done, total: total.into() });
    }

    /// Whether the run was asked to stop. Code that ends early then returns [`ContextError::Stopping`], where it can go
    /// on later.
    pub fn is_stopping(&self) -> bool {
        self.stop.is_requested()
    }

    async fn statement(&mut self, statement: &Statement<'_>) -> Result<u64, ContextError> {
        let is_open = !matches!(self.runs, CodeRuns::Outside(_));
        if is_open && units::is_control(statement) {
            return Err(ContextError::EndsTransaction(statement.text.to_owned()));
        }
        let commits = matches!(units::sharing(statement, self.dialect.atomicity), Sharing::Commits(_));
        // It has ended the transaction, and what follows belongs into one.
        let effects = [Effect::Statement(statement), Effect::Commit, Effect::Begin(self.settings)];
        let effects = if is_open && commits { &effects[..] } else { &effects[..1] };
        let performed = self.perform(effects).await;
        let rows = performed.done.first().and_then(|done| done.rows);
        ended(performed)?;
        Ok(rows.unwrap_or(0))
    }

    /// The row with another checkpoint.
    fn at(&self, checkpoint: String) -> Advance {
        let note = self.row.entry.note.clone();
        Advance { note, checkpoint: Some(checkpoint), ..advance(self.row, 0, 0, State::InFlight) }
    }

    async fn perform(&mut self, effects: &[Effect<'_>]) -> Performed {
        let mut watch = UnitWatch { step: self.step, effects, silent: true, observer: self.observer };
        self.session.perform(self.table, effects, &mut watch).await
    }
}

impl std::fmt::Debug for CodeContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CodeContext")
            .field("step", &self.step.title())
            .field("runs", &self.runs)
            .field("checkpoint", &self.checkpoint)
            .finish_non_exhaustive()
    }
}

fn ended(performed: Performed) -> Result<(), ContextError> {
    match performed.end {
        End::All => Ok(()),
        End::Refused { error, .. } | End::Lost(error) => Err(error.into()),
    }
}
