//! Code of migrations without `async`.

use migrate_core::async_trait;
use migrate_core::backend::Row;
use migrate_core::code::{self, CodeError, CodeMigration, ContextError};
use migrate_core::migration::MigrationId;
use rusqlite::Connection;

use super::block_on;

/// [`migrate_core::code::Code`] without `async`. A closure is one that goes forward alone.
///
/// ```
/// use migrate_sqlite::core::MigrationSet;
/// use migrate_sqlite::{Sqlite, blocking};
///
/// let hash = blocking::code("1".parse()?, "hash names", "1", |context: &mut blocking::CodeContext<'_, '_>| {
///     let connection = context.connection()?;
///     connection.execute_batch("create table names (name text, hash integer)")?;
///     connection.execute("insert into names values ('ada', ?1)", [7])?;
///     Ok(())
/// });
/// let set = MigrationSet::new("main", Vec::new()).expect("nothing is in the way of nothing");
/// let migrator = blocking::Migrator::new(Sqlite::in_memory()?, set).with_code([hash])?;
/// assert_eq!(migrator.up()?.steps.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Code: Send + Sync {
    /// See [`migrate_core::code::Code::up`].
    ///
    /// # Errors
    /// As there.
    fn up(&self, context: &mut CodeContext<'_, '_>) -> Result<(), CodeError>;

    /// See [`migrate_core::code::Code::down`].
    ///
    /// # Errors
    /// As there.
    fn down(&self, context: &mut CodeContext<'_, '_>) -> Result<(), CodeError> {
        let _ = context;
        Err(CodeError::new("it was declared reversible, and has no down"))
    }

    /// See [`migrate_core::code::Code::reset`].
    ///
    /// # Errors
    /// As there.
    fn reset(&self, context: &mut CodeContext<'_, '_>) -> Result<(), CodeError> {
        let _ = context;
        Ok(())
    }
}

impl<F> Code for F
where
    F: Fn(&mut CodeContext<'_, '_>) -> Result<(), CodeError> + Send + Sync,
{
    fn up(&self, context: &mut CodeContext<'_, '_>) -> Result<(), CodeError> {
        self(context)
    }
}

/// [`CodeMigration::new`] for code without `async`.
pub fn code(
    id: MigrationId,
    description: impl Into<String>,
    checksum: impl AsRef<str>,
    code: impl Code + 'static,
) -> CodeMigration {
    CodeMigration::new(id, description, checksum, Blocking(code))
}

/// [`migrate_core::code::CodeContext`] without `async`.
#[derive(Debug)]
pub struct CodeContext<'c, 'a>(&'c mut code::CodeContext<'a>);

impl CodeContext<'_, '_> {
    /// The connection of the run.
    ///
    /// # Errors
    /// With [`ContextError::Native`] on another database than SQLite.
    pub fn connection(&mut self) -> Result<&mut Connection, ContextError> {
        self.0.native()
    }

    /// See [`migrate_core::code::CodeContext::execute`].
    ///
    /// # Errors
    /// As there.
    pub fn execute(&mut self, sql: &str) -> Result<u64, ContextError> {
        block_on(self.0.execute(sql))
    }

    /// See [`migrate_core::code::CodeContext::query`].
    ///
    /// # Errors
    /// As there.
    pub fn query(&mut self, sql: &str) -> Result<Vec<Row>, ContextError> {
        block_on(self.0.query(sql))
    }

    /// See [`migrate_core::code::CodeContext::checkpoint`].
    pub fn checkpoint(&self) -> Option<&str> {
        self.0.checkpoint()
    }

    /// See [`migrate_core::code::CodeContext::commit`].
    ///
    /// # Errors
    /// As there.
    pub fn commit(&mut self, checkpoint: impl Into<String> + Send) -> Result<(), ContextError> {
        block_on(self.0.commit(checkpoint))
    }

    /// See [`migrate_core::code::CodeContext::save_checkpoint`].
    ///
    /// # Errors
    /// As there.
    pub fn save_checkpoint(&mut self, checkpoint: impl Into<String> + Send) -> Result<(), ContextError> {
        block_on(self.0.save_checkpoint(checkpoint))
    }

    /// See [`migrate_core::code::CodeContext::progress`].
    pub fn progress(&mut self, done: u64, total: impl Into<Option<u64>>) {
        self.0.progress(done, total);
    }

    /// See [`migrate_core::code::CodeContext::is_stopping`].
    pub fn is_stopping(&self) -> bool {
        self.0.is_stopping()
    }
}

struct Blocking<C>(C);

#[async_trait]
impl<C: Code> code::Code for Blocking<C> {
    async fn up(&self, context: &mut code::CodeContext<'_>) -> Result<(), CodeError> {
        self.0.up(&mut CodeContext(context))
    }

    async fn down(&self, context: &mut code::CodeContext<'_>) -> Result<(), CodeError> {
        self.0.down(&mut CodeContext(context))
    }

    async fn reset(&self, context: &mut code::CodeContext<'_>) -> Result<(), CodeError> {
        self.0.reset(&mut CodeContext(context))
    }
}
