//! Effects → calls of SQLite, one after the other.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use migrate_core::backend::{Done, Effect, Fault, Performed, Progress, ServerError, Settings, TableName};
use migrate_core::error::seconds;
use migrate_core::sql::{Statement, StatementKind, TransactionControl};
use rusqlite::{Connection, ffi};

use crate::error::{is_busy, is_foreign_key, named_place, primary, server_error};
use crate::history::{self, HistorySql};
use crate::rebuild;
use crate::session::SqliteSession;
use crate::settings::{self, DEFER_FOREIGN_KEYS, FOREIGN_KEYS, is_on};

/// SQLite waits for a lock without looking whether it should stop, so it waits in slices of this length.
const SLICE: Duration = Duration::from_millis(50);
/// A step inside the caller's transaction.
const SAVEPOINT: &str = "SAVEPOINT migrate_step";
const RELEASE: &str = "RELEASE migrate_step";
const ROLLBACK_TO: &str = "ROLLBACK TO migrate_step";
/// How many foreign keys that lead nowhere are named.
const NAMED: usize = 3;

/// What is known of an open transaction.
#[derive(Debug)]
pub(crate) struct Transaction {
    started: i64,
    settings: Settings,
    /// Foreign keys are not enforced: the violations that were there before it.
    unenforced: Option<Violations>,
}

/// Rows whose foreign key leads nowhere; an error where SQLite cannot tell (a parent without a unique key).
type Violations = Result<BTreeSet<Violation>, ServerError>;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    table: String,
    /// `None` in a table without rowids.
    row: Option<i64>,
    parent: String,
}

impl SqliteSession<'_> {
    pub(crate) fn carry_out(
        &mut self,
        table: &TableName,
        effects: &[Effect<'_>],
        progress: &mut (dyn Progress + Send),
    ) -> Performed {
        let mut done = Vec::with_capacity(effects.len());
        self.interrupt.start();
        for (at, effect) in effects.iter().enumerate() {
            progress.began(at);
            match self.effect(table, effect) {
                Ok(rows) => {
                    let one = Done { rows };
                    progress.done(at, &one);
                    done.push(one);
                }
                Err(error) => {
                    self.interrupt.finish();
                    return Performed::failed(done, at, error);
                }
            }
        }
        self.interrupt.finish();
        Performed::all(done)
    }

    /// Carries one out; the answer is the rows it affected, where that means something.
    fn effect(&mut self, table: &TableName, effect: &Effect<'_>) -> Result<Option<u64>, ServerError> {
        match effect {
            Effect::Begin(settings) => self.begin(settings).map(|()| None),
            Effect::Commit => self.commit().map(|()| None),
            Effect::Rollback => self.roll_back().map(|()| None),
            Effect::Set(settings) => self.set(settings).map(|()| None),
            Effect::Statement(statement) => self.statement(statement),
            Effect::Mirror(row) => self.limited(|connection| run(connection, &row.sql)).map(Some),
            Effect::Append(new) => {
                let started = self.transaction.as_ref().map_or_else(history::now, |transaction| transaction.started);
                self.about(table);
                let Some(sql) = &self.history else { unreachable!("about() has just written it") };
                sql.append(&self.handle, new, started).map(|()| Some(1))
            }
            Effect::Advance(advance) => {
                self.about(table);
                let Some(sql) = &self.history else { unreachable!("about() has just written it") };
                sql.advance(&self.handle, advance).map(|()| Some(1))
            }
            other => Err(ServerError::new(Fault::Unsupported, format!("this backend does not know {other:?}"))),
        }
    }

    fn about(&mut self, table: &TableName) {
        if !self.history.as_ref().is_some_and(|sql| sql.is_about(table)) {
            self.history = Some(HistorySql::new(table));
        }
    }

    fn begin(&mut self, settings: &Settings) -> Result<(), ServerError> {
        let joined = self.is_joined();
        if self.handle.is_autocommit() == joined {
            return Err(ServerError::new(
                Fault::Refused,
                if joined {
                    "the caller's transaction is over"
                } else {
                    "a transaction is open already: a statement before this one began it and did not end it"
                },
            ));
        }
        let variables = self.wanted(settings)?;
        self.changed.assert(&self.handle, &variables)?;
        let value = |wanted: &str| {
            variables.iter().rev().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
        };
        let enforced = value(FOREIGN_KEYS).is_none_or(is_on);
        self.transaction = Some(Transaction { started: 0, settings: settings.clone(), unenforced: None });
        let begin = if joined { SAVEPOINT } else { "BEGIN IMMEDIATE" };
        self.wait_for(begin).inspect_err(|_| self.ended())?;
        let started = history::now();
        if let Some(value) = value(DEFER_FOREIGN_KEYS) {
            settings::set(&self.handle, DEFER_FOREIGN_KEYS, value, None)?;
        }
        let unenforced = if enforced { None } else { Some(violations(&self.handle)) };
        self.transaction = Some(Transaction { started, settings: settings.clone(), unenforced });
        Ok(())
    }

    /// The variables, with foreign keys enforced unless they say otherwise. Inside the caller's transaction they stay as
    /// they are.
    fn wanted(&self, settings: &Settings) -> Result<Vec<(String, String)>, ServerError> {
        let mut variables = settings.variables.clone();
        if !variables.iter().any(|(name, _)| name.eq_ignore_ascii_case(FOREIGN_KEYS)) {
            let now = if self.is_joined() { settings::read(&self.handle, FOREIGN_KEYS)? } else { None };
            variables.insert(0, (FOREIGN_KEYS.to_owned(), now.unwrap_or_else(|| "on".to_owned())));
        }
        Ok(variables)
    }

    /// Takes back what a step did in the caller's transaction, and leaves that open.
    pub(crate) fn undo_step(&self) -> Result<(), ServerError> {
        // Some errors have rolled back all of it already.
        if self.transaction.is_some() && !self.handle.is_autocommit() {
            for sql in [ROLLBACK_TO, RELEASE] {
                self.handle.execute(sql, []).map_err(|e| server_error(&e))?;
            }
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), ServerError> {
        if self.handle.is_autocommit() {
            return Err(ServerError::new(
                Fault::Refused,
                "no transaction is open: a statement before this one ended it",
            ));
        }
        if let Some(Transaction { unenforced: Some(before), .. }) = &self.transaction {
            refuse_new(before, &violations(&self.handle))?;
        }
        self.wait_for(if self.is_joined() { RELEASE } else { "COMMIT" })?;
        self.ended();
        Ok(())
    }

    fn roll_back(&mut self) -> Result<(), ServerError> {
        if self.is_joined() {
            self.undo_step()?;
            self.ended();
            return Ok(());
        }
        // Some errors have rolled it back already.
        if !self.handle.is_autocommit() {
            self.handle.execute("ROLLBACK", []).map_err(|e| server_error(&e))?;
        }
        self.ended();
        Ok(())
    }

    /// A transaction is over and nothing can be said against that any more: what cannot be put back now is asserted
    /// by the next step.
    fn ended(&mut self) {
        self.transaction = None;
        if let Ok(variables) = self.wanted(&self.base) {
            let _ = self.changed.assert(&self.handle, &variables);
        }
        let _ = self.wait_at_most(self.lock_limit());
    }

    fn set(&mut self, settings: &Settings) -> Result<(), ServerError> {
        if self.transaction.is_some() {
            return Err(ServerError::new(
                Fault::Refused,
                "a transaction is open: its settings came with its beginning",
            ));
        }
        self.base = settings.clone();
        let variables = self.wanted(settings)?;
        self.changed.assert(&self.handle, &variables)?;
        self.wait_at_most(self.lock_limit())
    }

    fn statement(&mut self, statement: &Statement<'_>) -> Result<Option<u64>, ServerError> {
        self.interrupt.check()?;
        if statement.data.is_some() {
            return Err(ServerError::new(Fault::Unsupported, "SQLite has no COPY: its data cannot be loaded"));
        }
        if let Some(at) = statement.text.find('\0') {
            return Err(ServerError::new(
                Fault::Refused,
                "the statement has a NUL character, where SQLite stops reading",
            )
            .position(at));
        }
        self.refuse_to_end_transaction(statement)?;
        let pragma = rebuild::pragma(statement.text);
        if let Some((name, value)) = &pragma {
            self.refuse_ignored(name, value.as_deref())?;
            self.changed.about_to_change(&self.handle, name)?;
        }
        let outcome = self.limited(|connection| run(connection, statement.text)).map_err(|mut error| {
            error.position = error.position.or_else(|| named_place(&error.message, statement.text));
            error
        });
        if self.transaction.is_some() && self.handle.is_autocommit() {
            return Err(match outcome {
                Ok(_) => ServerError::new(
                    Fault::Refused,
                    "the statement ended the transaction of its step: what came before it is committed",
                ),
                Err(mut error) => {
                    error.detail.get_or_insert_with(|| "SQLite rolled the transaction back".to_owned());
                    error
                }
            });
        }
        let rows = outcome?;
        // What is no INSERT, UPDATE or DELETE leaves the count of the last one that was.
        let counted = statement.class.kind == StatementKind::Manipulation && pragma.is_none();
        Ok(counted.then_some(rows))
    }

    fn refuse_to_end_transaction(&self, statement: &Statement<'_>) -> Result<(), ServerError> {
        use TransactionControl::{Begin, Commit, Rollback};
        match statement.class.kind {
            StatementKind::Transaction(Begin | Commit | Rollback) if self.transaction.is_some() => {
                Err(ServerError::new(
                    Fault::Refused,
                    "the script begins or ends a transaction inside the one that its step runs in",
                ))
            }
            _ => Ok(()),
        }
    }

    /// Inside a transaction SQLite ignores `PRAGMA foreign_keys`. Where it was meant to be off, going on would delete
    /// the children of a rebuilt table.
    fn refuse_ignored(&self, name: &str, value: Option<&str>) -> Result<(), ServerError> {
        let enforced = self.transaction.as_ref().is_some_and(|transaction| transaction.unenforced.is_none());
        if name == FOREIGN_KEYS && enforced && value.is_some_and(|value| !is_on(value)) {
            return Err(ServerError::new(
                Fault::Refused,
                "PRAGMA foreign_keys has no effect inside a transaction: \
                 switch it off with `-- migrate:settings foreign_keys=off`",
            ));
        }
        Ok(())
    }

    /// Runs something for as long as a statement may take.
    pub(crate) fn limited<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, ServerError> {
        let settings = self.transaction.as_ref().map_or(&self.base, |transaction| &transaction.settings);
        let limit = settings.statement_timeout.or(self.base.statement_timeout).unwrap_or_default();
        self.interrupt.arm(limit);
        let outcome = work(&self.handle);
        let late = self.interrupt.disarm();
        outcome.map_err(|error| {
            let mut failed = server_error(&error);
            if primary(&error) == Some(ffi::SQLITE_INTERRUPT) {
                if late {
                    failed.fault = Fault::StatementTimeout;
                    failed.message = format!("stopped: it took longer than {}", seconds(limit));
                } else {
                    // Whoever asked for it now knows that it was noticed.
                    let _ = self.interrupt.check();
                }
            }
            failed
        })
    }

    /// Runs a statement that waits for a lock, for as long as the settings allow, and stops on request.
    pub(crate) fn wait_for(&self, sql: &str) -> Result<(), ServerError> {
        let limit = self.lock_limit();
        let asked = Instant::now();
        let outcome = loop {
            self.interrupt.check()?;
            let left = limit.map(|limit| limit.saturating_sub(asked.elapsed()));
            let slice = left.unwrap_or(SLICE).min(SLICE);
            self.handle.busy_timeout(slice).map_err(|e| server_error(&e))?;
            let tried = Instant::now();
            match self.handle.prepare_cached(sql).and_then(|mut statement| statement.raw_execute()) {
                Err(error) if is_busy(&error) && left.is_none_or(|left| !left.is_zero()) => {
                    // SQLite does not always wait where it sees no use in it.
                    thread::sleep(slice.saturating_sub(tried.elapsed()));
                }
                outcome => break outcome,
            }
        };
        self.wait_at_most(limit)?;
        outcome.map(drop).map_err(|error| {
            let mut failed = server_error(&error);
            if is_busy(&error) {
                failed.message = format!("{}; waited {}", failed.message, seconds(asked.elapsed()));
            }
            if is_foreign_key(&error)
                && let Ok(violations) = violations(&self.handle)
            {
                failed.detail = Some(named(&violations.iter().collect::<Vec<_>>()));
            }
            failed
        })
    }

    /// The longest wait for a lock; `None` is for ever.
    fn lock_limit(&self) -> Option<Duration> {
        let of_the_transaction = self.transaction.as_ref().and_then(|transaction| transaction.settings.lock_timeout);
        match of_the_transaction.or(self.base.lock_timeout) {
            Some(Duration::ZERO) => None,
            Some(limit) => Some(limit),
            None => Some(self.busy_timeout),
        }
    }

    fn wait_at_most(&self, limit: Option<Duration>) -> Result<(), ServerError> {
        let milliseconds = limit.map_or(i32::MAX, |limit| i32::try_from(limit.as_millis()).unwrap_or(i32::MAX));
        let limit = Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default());
        self.handle.busy_timeout(limit).map_err(|e| server_error(&e))
    }
}

/// Runs one statement to its end, reads every row, and counts those it changed.
fn run(connection: &Connection, sql: &str) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare(sql)?;
    if let Some(parameter) = (1..=statement.parameter_count()).next() {
        let parameter = statement.parameter_name(parameter).unwrap_or("?").to_owned();
        return Err(rusqlite::Error::InvalidParameterName(parameter));
    }
    let mut rows = statement.raw_query();
    while rows.next()?.is_some() {}
    drop(rows);
    Ok(connection.changes())
}

/// All rows whose foreign key leads nowhere.
fn violations(connection: &Connection) -> Violations {
    let read = || -> rusqlite::Result<_> {
        let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
        let rows = statement
            .query_map([], |row| Ok(Violation { table: row.get(0)?, row: row.get(1)?, parent: row.get(2)? }))?;
        rows.collect()
    };
    read().map_err(|error| server_error(&error))
}

fn refuse_new(before: &Violations, after: &Violations) -> Result<(), ServerError> {
    match (before, after) {
        // It could not be told before, so the script is not to blame.
        (Err(_), Err(_)) => Ok(()),
        (Ok(_), Err(error)) => Err(error.clone()),
        (before, Ok(after)) => {
            let known = |violation: &Violation| before.as_ref().is_ok_and(|before| before.contains(violation));
            let new: Vec<_> = after.iter().filter(|violation| !known(violation)).collect();
            if new.is_empty() {
                return Ok(());
            }
            let mut error = ServerError::new(Fault::Refused, format!("foreign keys lead nowhere: {}", named(&new)));
            error.code = Some("SQLITE_CONSTRAINT_FOREIGNKEY".to_owned());
            error.hint = Some(
                "the script ran with foreign keys off: delete these rows or create their parents before its end"
                    .to_owned(),
            );
            Err(error)
        }
    }
}

/// `row 3 of orders refers to customers, row 4 of … and 7 more`.
fn named(violations: &[&Violation]) -> String {
    let names = violations.iter().take(NAMED).map(|Violation { table, row, parent }| match row {
        Some(row) => format!("row {row} of {table} refers to {parent}"),
        None => format!("a row of {table} refers to {parent}"),
    });
    let mut text = names.collect::<Vec<_>>().join(", ");
    if violations.len() > NAMED {
        text = format!("{text} and {} more", violations.len() - NAMED);
    }
    text
}
