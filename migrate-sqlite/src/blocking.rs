//! The facade without `async`, and running the futures of this crate without a runtime.

mod code;

use std::future::Future;
use std::time::Duration;

use migrate_core::apply::{Report, RunOptions, StopHandle};
use migrate_core::backend::TableName;
use migrate_core::code::CodeMigration;
use migrate_core::error::ErrorKind;
use migrate_core::history::{EntryKey, Texts};
use migrate_core::plan::{DownGoal, Observed, Status};
use migrate_core::{Check, Error, Goal, MigrationId, MigrationSet, Observer, Plan, Policy};
use rusqlite::Connection;

use crate::Sqlite;

pub use code::{Code, CodeContext, code};

/// [`migrate_core::Migrator`] for SQLite, without `async`.
///
/// ```
/// use migrate_core::layout::Folder;
/// use migrate_core::{EngineNames, MigrationSet, ReadOptions};
/// use migrate_sqlite::{Sqlite, blocking::Migrator};
///
/// let folder = Folder::embedded("migrations", [("1_create_users.sql", "create table users (name text);")]);
/// let loaded = MigrationSet::from_folder(&folder, &ReadOptions::new(EngineNames::SQLITE)).expect("a set without errors");
/// let migrator = Migrator::new(Sqlite::in_memory()?, loaded.set);
/// assert_eq!(migrator.up()?.steps.len(), 1);
/// assert!(migrator.check()?.is_current());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing happens before it is asked to"]
pub struct Migrator {
    inner: migrate_core::Migrator,
}

impl Migrator {
    /// Everything pending, by the careful policy.
    pub fn new(database: Sqlite, set: MigrationSet) -> Self {
        Self { inner: migrate_core::Migrator::new(database, set) }
    }

    /// For connections of the caller's alone: [`run_on`](Self::run_on), [`run_inside`](Self::run_inside). Whatever would
    /// open a connection is an error.
    pub fn borrowed(set: MigrationSet) -> Self {
        Self { inner: migrate_core::Migrator::new(crate::Borrowed, set) }
    }

    /// The same without blocking, for what has no method here.
    pub fn into_inner(self) -> migrate_core::Migrator {
        self.inner
    }

    /// See [`migrate_core::Migrator::with_code`]; [`code`] makes it from code without `async`.
    ///
    /// # Errors
    /// As there.
    pub fn with_code(self, code: impl IntoIterator<Item = CodeMigration>) -> Result<Self, Error> {
        Ok(Self { inner: self.inner.with_code(code)? })
    }

    /// Where to go.
    pub fn goal(self, goal: Goal) -> Self {
        Self { inner: self.inner.goal(goal) }
    }

    /// What is allowed on the way.
    pub fn policy(self, policy: Policy) -> Self {
        Self { inner: self.inner.policy(policy) }
    }

    /// How the run behaves.
    pub fn options(self, options: RunOptions) -> Self {
        Self { inner: self.inner.options(options) }
    }

    /// See [`migrate_core::Migrator::lock_wait`].
    pub fn lock_wait(self, longest: Duration) -> Self {
        Self { inner: self.inner.lock_wait(longest) }
    }

    /// See [`migrate_core::Migrator::lock_timeout`].
    pub fn lock_timeout(self, longest: Duration) -> Self {
        Self { inner: self.inner.lock_timeout(longest) }
    }

    /// See [`migrate_core::Migrator::lock_retry_for`].
    pub fn lock_retry_for(self, longest: Duration) -> Self {
        Self { inner: self.inner.lock_retry_for(longest) }
    }

    /// See [`migrate_core::Migrator::statement_timeout`].
    pub fn statement_timeout(self, longest: Duration) -> Self {
        Self { inner: self.inner.statement_timeout(longest) }
    }

    /// See [`migrate_core::Migrator::app_version`].
    pub fn app_version(self, version: impl Into<String>) -> Self {
        Self { inner: self.inner.app_version(version) }
    }

    /// See [`migrate_core::Migrator::component`].
    pub fn component(self, component: impl Into<String>) -> Self {
        Self { inner: self.inner.component(component) }
    }

    /// Where the history is.
    pub fn table(self, table: TableName) -> Self {
        Self { inner: self.inner.table(table) }
    }

    /// What stops a run of this migrator from another thread.
    pub fn stop_handle(&self) -> StopHandle {
        self.inner.stop_handle()
    }

    /// See [`migrate_core::Migrator::observe`].
    ///
    /// # Errors
    /// As there.
    pub fn observe(&self) -> Result<Observed, Error> {
        block_on(self.inner.observe())
    }

    /// See [`migrate_core::Migrator::plan`].
    ///
    /// # Errors
    /// As there.
    pub fn plan(&self) -> Result<Plan, Error> {
        block_on(self.inner.plan())
    }

    /// See [`migrate_core::Migrator::check`].
    ///
    /// # Errors
    /// As there.
    pub fn check(&self) -> Result<Check, Error> {
        block_on(self.inner.check())
    }

    /// See [`migrate_core::Migrator::status`].
    ///
    /// # Errors
    /// As there.
    pub fn status(&self) -> Result<Status, Error> {
        block_on(self.inner.status())
    }

    /// See [`migrate_core::Migrator::down`].
    ///
    /// # Errors
    /// As there.
    pub fn down(&self, goal: DownGoal) -> Result<Report, Error> {
        block_on(self.inner.down(goal))
    }

    /// See [`migrate_core::Migrator::up`].
    ///
    /// # Errors
    /// As there.
    pub fn up(&self) -> Result<Report, Error> {
        block_on(self.inner.up())
    }

    /// See [`migrate_core::Migrator::run`].
    ///
    /// # Errors
    /// As there.
    pub fn run(&self, observer: &mut dyn Observer) -> Result<Report, Error> {
        block_on(self.inner.run(observer))
    }

    /// Like [`run`](Self::run), on the caller's own connection instead of one of ours. What a run changes about the
    /// connection is put back.
    ///
    /// # Errors
    /// As of [`run`](Self::run), and if a transaction is open on the connection.
    pub fn run_on(&self, connection: &mut Connection, observer: &mut dyn Observer) -> Result<Report, Error> {
        let mut session = Sqlite::on(connection).map_err(ErrorKind::from)?;
        block_on(self.inner.run_on(&mut session, observer))
    }

    /// Like [`run`](Self::run), inside the transaction that is open on the caller's connection: see
    /// [`SqliteSession::join`](crate::SqliteSession::join).
    ///
    /// # Errors
    /// As of [`run`](Self::run), and if no transaction is open on the connection.
    pub fn run_inside(&self, connection: &mut Connection, observer: &mut dyn Observer) -> Result<Report, Error> {
        let mut session = Sqlite::join(connection).map_err(ErrorKind::from)?;
        block_on(self.inner.run_on(&mut session, observer))
    }

    /// See [`migrate_core::Migrator::apply`].
    ///
    /// # Errors
    /// As there.
    pub fn apply(&self, plan: &Plan, observer: &mut dyn Observer) -> Result<Report, Error> {
        block_on(self.inner.apply(plan, observer))
    }

    /// See [`migrate_core::Migrator::settle`].
    ///
    /// # Errors
    /// As there.
    pub fn settle(&self, id: &MigrationId, statement: usize, ran: bool) -> Result<Report, Error> {
        block_on(self.inner.settle(id, statement, ran))
    }

    /// See [`migrate_core::Migrator::texts`].
    ///
    /// # Errors
    /// As there.
    pub fn texts(&self, keys: &[EntryKey]) -> Result<Vec<Texts>, Error> {
        block_on(self.inner.texts(keys))
    }
}

/// Runs a future that never waits for anything, which is true of every future that only awaits this crate.
///
/// ```
/// assert_eq!(migrate_sqlite::blocking::block_on(async { 1 + 1 }), 2);
/// ```
///
/// # Panics
/// If the future yields: something in it needs a runtime.
pub fn block_on<F: Future>(future: F) -> F::Output {
    migrate_core::backend::block_on(future)
}

#[cfg(test)]
mod tests {
    use super::block_on;

    #[test]
    #[should_panic(expected = "needs a runtime")]
    fn a_future_that_waits_is_refused() {
        block_on(std::future::pending::<()>());
    }
}
