//! The database: what the server and its client are elsewhere, and no part of what a backend is.
//!
//! Tables of texts, held in memory and kept in one file. A transaction reads the file, changes what it read, and at its
//! end puts a new file in the place of the old one; meanwhile it holds the lock of whoever writes. A statement outside
//! of a transaction is one by itself.

mod file;
mod language;
mod tables;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) use file::lock;
use language::{Command, parse};
use tables::Tables;

/// How long a transaction waits for another one to end, if nobody says otherwise.
const WAIT: Duration = Duration::from_secs(5);

/// A database file, opened.
#[derive(Debug)]
pub struct Connection {
    path: PathBuf,
    transaction: Option<Transaction>,
    /// How long to wait for whoever writes; zero is for ever.
    pub wait: Duration,
}

#[derive(Debug)]
struct Transaction {
    tables: Tables,
    /// Of whoever writes; it ends with the value.
    _lock: File,
}

/// What a statement answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The names of what was selected.
    pub columns: Vec<String>,
    /// What was selected; NULL is `None`.
    pub rows: Vec<Vec<Option<String>>>,
    /// How many rows were written.
    pub written: Option<u64>,
}

/// Why the database says no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What kind of no it is.
    pub kind: ErrorKind,
    /// What it says.
    pub message: String,
    /// Byte offset in the statement.
    pub position: Option<usize>,
}

/// What a caller decides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The statement is wrong.
    Refused,
    /// There is such a row already.
    Duplicate,
    /// Somebody else wrote for too long.
    Busy,
    /// There is no such file.
    Missing,
    /// The file cannot be written.
    ReadOnly,
}

impl Error {
    fn refused(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Refused, message: message.into(), position: None }
    }

    fn at(self, position: usize) -> Self {
        Self { position: Some(position), ..self }
    }
}

impl Connection {
    /// Opens a file that is there.
    ///
    /// # Errors
    /// If it is not, or is no database.
    pub fn open(path: &Path) -> Result<Self, Error> {
        file::read(path)?;
        Ok(Self { path: path.to_owned(), transaction: None, wait: WAIT })
    }

    /// Writes an empty database; `false` where there is a file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn create(path: &Path) -> Result<bool, Error> {
        // Of several who find none, one writes it.
        let _lock = file::lock_writer(path, WAIT)?;
        if path.exists() {
            return Ok(false);
        }
        file::write(path, &Tables::default()).map(|()| true)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of all tables.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn tables(&self) -> Result<Vec<String>, Error> {
        Ok(self.read()?.names())
    }

    /// Carries out one statement. One that fails has changed nothing.
    ///
    /// # Errors
    /// Whatever is wrong with it, with its place; if somebody else writes for too long.
    pub fn execute(&mut self, text: &str) -> Result<Answer, Error> {
        match parse(text)? {
            Command::Begin if self.transaction.is_some() => Err(Error::refused("a transaction is open already")),
            Command::Begin => {
                let lock = file::lock_writer(&self.path, self.wait)?;
                self.transaction = Some(Transaction { tables: file::read(&self.path)?, _lock: lock });
                Ok(Answer::default())
            }
            Command::Commit => {
                let transaction = self.transaction.take().ok_or_else(|| Error::refused("no transaction is open"))?;
                file::write(&self.path, &transaction.tables).map(|()| Answer::default())
            }
            Command::Rollback => {
                self.transaction = None;
                Ok(Answer::default())
            }
            Command::Compact if self.transaction.is_some() => {
                Err(Error::refused("COMPACT cannot run inside a transaction"))
            }
            command @ (Command::Select { .. } | Command::Values { .. }) => self.read()?.execute(command),
            command => self.change(command),
        }
    }

    fn change(&mut self, command: Command) -> Result<Answer, Error> {
        if let Some(transaction) = &mut self.transaction {
            // One that fails half-way must leave nothing.
            let mut changed = transaction.tables.clone();
            let answer = changed.execute(command)?;
            transaction.tables = changed;
            return Ok(answer);
        }
        let _lock = file::lock_writer(&self.path, self.wait)?;
        let mut tables = file::read(&self.path)?;
        let answer = tables.execute(command)?;
        file::write(&self.path, &tables).map(|()| answer)
    }

    /// What can be read now. No lock: a new file takes the place of the old one at once.
    fn read(&self) -> Result<Tables, Error> {
        match &self.transaction {
            Some(transaction) => Ok(transaction.tables.clone()),
            None => file::read(&self.path),
        }
    }
}
