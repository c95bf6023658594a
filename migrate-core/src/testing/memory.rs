//! A database in memory with two personalities: definitions that roll back, and definitions that commit. Its lock is
//! a lease: it gives each holder a fence, and takes no row without it.
//!
//! It knows `CREATE TABLE t …`, `DROP TABLE t`, `ALTER TABLE t …`, `INSERT INTO t VALUES (…)`, `DELETE FROM t [LIMIT n]`,
//! `SELECT n FROM t`, `SELECT 1`, `REINDEX` (refused in a transaction, may be repeated), `CALL p` (nobody can tell
//! whether it ran), `BUILD TABLE t` (alone, queues nobody; a failure leaves the table `t_broken`), `RAISE word` (a notice) and `SLEEP` (until cancelled). Everything else is a syntax error at its first word.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::backend::{
    Advance, Atomicity, Backend, Blocker, Canceller, Dialect, Done, Effect, Fault, HistoryTable, Holder, Locked,
    NewEntry, Note, Notice, Performed, Progress, Row, Server, ServerError, Session, Settled, TableName,
};
use crate::history::{Entry, EntryKey, State, Texts, Timestamp};
use crate::sql::{Recovery, Sharing, Statement};

mod dialect;

pub use dialect::{IMPLICIT, TRANSACTIONAL};

use dialect::words;

/// A database in memory; clones share it.
#[derive(Clone)]
pub struct Memory {
    dialect: &'static Dialect,
    /// What the engine really does, whatever its dialect says.
    commits: bool,
    evidence: bool,
    fraud: Option<Fraud>,
    shared: Arc<Shared>,
}

/// How an engine breaks the order in which things must be written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fraud {
    /// What is announced before a statement is acknowledged and not written.
    LosesAnnouncements,
    /// A row is there at once, whatever becomes of the transaction it was written in.
    WritesRowsApart,
}

#[derive(Default)]
struct Shared {
    world: Mutex<World>,
    lock: Mutex<Option<String>>,
    /// Of whoever has the lock, or had it last.
    fence: AtomicU64,
    cancelled: AtomicBool,
    faults: Mutex<Vec<Planned>>,
    blockers: Mutex<Vec<(String, Blocker)>>,
}

/// The next attempts at statements that contain a text fail.
struct Planned {
    text: String,
    fault: Fault,
    times: usize,
}

#[derive(Clone, Default)]
struct World {
    tables: BTreeMap<String, Vec<String>>,
    calls: Vec<String>,
    rows: Option<BTreeMap<EntryKey, NewEntry>>,
    clock: i64,
}

impl Memory {
    /// Definitions roll back.
    pub fn transactional() -> Self {
        Self { dialect: &TRANSACTIONAL, commits: false, evidence: true, fraud: None, shared: Arc::default() }
    }

    /// Definitions commit.
    pub fn implicit() -> Self {
        Self { dialect: &IMPLICIT, commits: true, ..Self::transactional() }
    }

    /// The same engine, claiming to be another.
    pub fn claiming(self, dialect: &'static Dialect) -> Self {
        Self { dialect, ..self }
    }

    /// The same engine, without anything that decides a doubt.
    pub fn without_evidence(self) -> Self {
        Self { evidence: false, ..self }
    }

    /// The same engine, breaking the order of writing.
    pub fn committing(self, fraud: Fraud) -> Self {
        Self { fraud: Some(fraud), ..self }
    }

    /// Lets the next `times` attempts at any statement or question that contains `text` fail.
    pub fn fail_next(&self, text: &str, fault: Fault, times: usize) {
        guard(&self.shared.faults).push(Planned { text: text.to_owned(), fault, times });
    }

    /// Lets the next statement that contains `text` wait for `blocker`, who then goes away.
    pub fn block_next(&self, text: &str, blocker: Blocker) {
        guard(&self.shared.blockers).push((text.to_owned(), blocker));
    }

    /// Takes the lock from whoever has it, as if it were a lease that expired and somebody had it since.
    pub fn expire_lock(&self) {
        *guard(&self.shared.lock) = None;
        self.shared.fence.fetch_add(1, Ordering::SeqCst);
    }

    /// Who has the lock.
    pub fn lock_holder(&self) -> Option<String> {
        guard(&self.shared.lock).clone()
    }

    /// How often each `CALL` ran.
    pub fn calls(&self) -> Vec<String> {
        guard(&self.shared.world).calls.clone()
    }
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Backend for Memory {
    fn dialect(&self) -> &'static Dialect {
        self.dialect
    }

    fn label(&self) -> String {
        "memory".to_owned()
    }

    async fn connect(&self) -> Result<Box<dyn Session>, ServerError> {
        Ok(Box::new(MemorySession { memory: self.clone(), transaction: None, locked: false }))
    }

    async fn pause(&self, duration: Duration) {
        std::thread::sleep(duration.min(Duration::from_millis(1)));
    }
}

/// A connection, which is its own driver's.
pub struct MemorySession {
    memory: Memory,
    transaction: Option<World>,
    locked: bool,
}

impl Drop for MemorySession {
    fn drop(&mut self) {
        if self.locked {
            *guard(&self.memory.shared.lock) = None;
        }
    }
}

impl MemorySession {
    fn with<T>(&mut self, work: impl FnOnce(&mut World) -> T) -> T {
        match &mut self.transaction {
            Some(world) => work(world),
            None => work(&mut guard(&self.memory.shared.world)),
        }
    }

    fn commit(&mut self) {
        if let Some(world) = self.transaction.take() {
            *guard(&self.memory.shared.world) = world;
        }
    }

    /// Evidence: whether there is such a table.
    fn is_there(&mut self, table: &str) -> String {
        self.with(|world| world.tables.contains_key(table).to_string())
    }

    fn carry_out(&mut self, effect: &Effect<'_>) -> Result<Done, ServerError> {
        match effect {
            Effect::Begin(_) => {
                let world = guard(&self.memory.shared.world).clone();
                self.transaction = Some(world);
            }
            Effect::Commit => self.commit(),
            Effect::Rollback => self.transaction = None,
            Effect::Set(_) | Effect::Mirror(_) => {}
            Effect::Append(new) => self.append(new)?,
            Effect::Advance(advance) => self.advance(advance)?,
            Effect::Statement(statement) => return self.statement(statement),
        }
        Ok(Done::default())
    }

    /// Whether a row comes from whoever has the lock; what is written without any lock needs no fence.
    fn fenced(&self, fence: u64) -> Result<(), ServerError> {
        let now = self.memory.shared.fence.load(Ordering::SeqCst);
        if self.locked && fence != now {
            return Err(ServerError::new(Fault::Stale, format!("the lock has passed on: fence {fence}, now {now}")));
        }
        Ok(())
    }

    fn append(&mut self, new: &NewEntry) -> Result<(), ServerError> {
        self.fenced(new.entry.fence)?;
        let mut new = new.clone();
        if self.memory.fraud == Some(Fraud::LosesAnnouncements) {
            new.asked = None;
        }
        if self.memory.fraud == Some(Fraud::WritesRowsApart)
            && let Some(rows) = &mut guard(&self.memory.shared.world).rows
        {
            rows.insert(new.entry.key.clone(), new.clone());
        }
        let answer = new.asked.as_deref().map(|table| self.is_there(table));
        self.with(|world| {
            world.clock += 1;
            let now = Timestamp(world.clock);
            let Some(rows) = &mut world.rows else { return Err(refused("there is no history table", 0)) };
            if rows.contains_key(&new.entry.key) {
                return Err(ServerError::new(Fault::Duplicate, "the row exists"));
            }
            new.entry.note = answer.or(new.entry.note);
            new.entry.started_at = Some(now);
            new.entry.finished_at = (new.entry.state != State::InFlight).then_some(now);
            new.entry.has_down = new.down_script.is_some();
            rows.insert(new.entry.key.clone(), new);
            Ok(())
        })
    }

    fn advance(&mut self, advance: &Advance) -> Result<(), ServerError> {
        self.fenced(advance.holder_fence)?;
        if self.memory.fraud == Some(Fraud::LosesAnnouncements) && (advance.note.is_some() || advance.asked.is_some()) {
            return Ok(());
        }
        let answer = advance.asked.as_deref().map(|table| self.is_there(table));
        self.with(|world| {
            world.clock += 1;
            let now = Timestamp(world.clock);
            let row = world.rows.as_mut().and_then(|rows| rows.get_mut(&advance.key));
            let Some(row) = row.filter(|row| {
                row.entry.run_id == advance.run_id
                    && row.entry.fence == advance.fence
                    && row.entry.cursor == advance.from_cursor
            }) else {
                return Err(ServerError::new(Fault::Stale, "the row is not as expected"));
            };
            row.entry.cursor = advance.cursor;
            row.entry.state = advance.state;
            row.entry.prefix_digest.clone_from(&advance.prefix_digest);
            row.entry.note = answer.or_else(|| advance.note.clone());
            row.entry.settled_by.clone_from(&advance.settled_by);
            row.entry.checkpoint.clone_from(&advance.checkpoint);
            row.entry.error.clone_from(&advance.error);
            row.entry.finished_at = (advance.state != State::InFlight).then_some(now);
            Ok(())
        })
    }

    fn planned_fault(&self, text: &str) -> Option<ServerError> {
        let mut faults = guard(&self.memory.shared.faults);
        let planned = faults.iter_mut().find(|planned| planned.times > 0 && text.contains(&planned.text))?;
        planned.times -= 1;
        Some(ServerError::new(planned.fault, format!("{text} met somebody's lock")))
    }

    fn statement(&mut self, statement: &Statement<'_>) -> Result<Done, ServerError> {
        if let Some(fault) = self.planned_fault(statement.text) {
            if let ["BUILD", _, name] = *words(statement.text).iter().map(String::as_str).collect::<Vec<_>>() {
                guard(&self.memory.shared.world).tables.insert(format!("{name}_broken"), Vec::new());
            }
            return Err(fault);
        }
        let words = words(statement.text);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if self.memory.commits && matches!(words.first(), Some(&("CREATE" | "DROP" | "ALTER"))) {
            self.commit();
        }
        let in_transaction = self.transaction.is_some();
        let shared = Arc::clone(&self.memory.shared);
        self.with(|world| match *words.as_slice() {
            ["CREATE" | "BUILD", "TABLE", name, ..] if world.tables.contains_key(name) => {
                Err(refused(&format!("table {name} already exists"), position(statement.text, name)))
            }
            ["BUILD", ..] if in_transaction => Err(refused("BUILD cannot run in a transaction", 0)),
            ["BUILD", _, name] if world.tables.contains_key(&format!("{name}_broken")) => {
                Err(refused("a broken build is in the way", 0))
            }
            ["CREATE" | "BUILD", "TABLE", name, ..] => {
                world.tables.insert(name.to_owned(), Vec::new());
                Ok(Done::default())
            }
            ["DROP", "TABLE", name, ..] => match world.tables.remove(name) {
                Some(_) => Ok(Done::default()),
                None => Err(refused(&format!("no such table: {name}"), position(statement.text, name))),
            },
            ["INSERT", "INTO", name, "VALUES", ..] => match world.tables.get_mut(name) {
                Some(rows) => {
                    rows.extend(words[4..].iter().map(|value| (*value).to_owned()));
                    Ok(Done { rows: Some(1) })
                }
                None => Err(refused(&format!("no such table: {name}"), position(statement.text, name))),
            },
            ["DELETE", "FROM", name, ..] => match world.tables.get_mut(name) {
                Some(rows) => {
                    let most = match words[3..] {
                        ["LIMIT", most, ..] => most.parse().unwrap_or(rows.len()),
                        _ => rows.len(),
                    };
                    Ok(Done { rows: Some(rows.drain(..most.min(rows.len())).count() as u64) })
                }
                None => Err(refused(&format!("no such table: {name}"), position(statement.text, name))),
            },
            ["REINDEX"] if in_transaction => Err(refused("REINDEX cannot run in a transaction", 0)),
            ["REINDEX" | "RAISE" | "SELECT", ..] | ["ALTER", "TABLE", ..] => Ok(Done::default()),
            ["CALL", name] => {
                world.calls.push(name.to_owned());
                Ok(Done::default())
            }
            ["SLEEP"] => {
                while !shared.cancelled.swap(false, Ordering::SeqCst) {
                    std::thread::yield_now();
                }
                Err(ServerError::new(Fault::Cancelled, "cancelled"))
            }
            _ => Err(refused("syntax error", 0)),
        })
    }
}

fn refused(message: &str, position: usize) -> ServerError {
    ServerError::new(Fault::Refused, message).code("MEM01").position(position)
}

fn position(text: &str, name: &str) -> usize {
    text.find(name).unwrap_or(0)
}

#[async_trait]
impl HistoryTable for MemorySession {
    async fn ensure_history(&mut self, _: &TableName) -> Result<(), ServerError> {
        self.with(|world| {
            world.rows.get_or_insert_default();
        });
        Ok(())
    }

    async fn head(&mut self, table: &TableName, component: &str) -> Result<Option<Entry>, ServerError> {
        let rows = self.load(table).await?;
        Ok(rows.into_iter().rfind(|entry| entry.key.component == component))
    }

    async fn load(&mut self, _: &TableName) -> Result<Vec<Entry>, ServerError> {
        Ok(self.with(|world| world.rows.iter().flatten().map(|(_, row)| row.entry.clone()).collect()))
    }

    async fn texts(&mut self, _: &TableName, of: &[EntryKey]) -> Result<Vec<Texts>, ServerError> {
        Ok(self.with(|world| {
            of.iter()
                .map(|key| match world.rows.as_ref().and_then(|rows| rows.get(key)) {
                    Some(row) => Texts { script: row.script.clone(), down_script: row.down_script.clone() },
                    None => Texts::default(),
                })
                .collect()
        }))
    }
}

#[async_trait]
impl Session for MemorySession {
    async fn observe(&mut self, _: &TableName) -> Result<Server, ServerError> {
        let (has_history, objects) = self.with(|world| (world.rows.is_some(), world.tables.keys().cloned().collect()));
        Ok(Server {
            product: "Memory 1.0".to_owned(),
            database: "memory".to_owned(),
            syntax: self.memory.dialect.syntax,
            has_history,
            objects,
            foreign_histories: Vec::new(),
            not_transactional: Vec::new(),
            partitioned: None,
            read_only: false,
            pooled: false,
            joined: false,
        })
    }

    async fn perform(
        &mut self,
        _: &TableName,
        effects: &[Effect<'_>],
        progress: &mut (dyn Progress + Send),
    ) -> Performed {
        let mut done = Vec::new();
        for (at, effect) in effects.iter().enumerate() {
            progress.began(at);
            if let Effect::Statement(statement) = effect {
                let mut blockers = guard(&self.memory.shared.blockers);
                let met = blockers.iter().position(|(text, _)| statement.text.contains(text));
                if let Some((_, blocker)) = met.map(|met| blockers.remove(met)) {
                    progress.blocked(at, &[blocker], Duration::from_secs(2));
                }
                if let Some(message) = statement.text.strip_prefix("RAISE ") {
                    progress.notice(Notice { level: "NOTICE".to_owned(), message: message.to_owned() });
                }
            }
            match self.carry_out(effect) {
                Ok(one) => {
                    progress.done(at, &one);
                    done.push(one);
                }
                Err(error) => return Performed::failed(done, at, error),
            }
        }
        Performed::all(done)
    }

    async fn note(&mut self, statement: &Statement<'_>) -> Result<Note, ServerError> {
        if !self.memory.evidence {
            return Ok(Note::Nothing);
        }
        let name = words(statement.text).get(2).cloned().unwrap_or_default();
        // Both ways of taking a note are in use: one is read now, the other is written down by the "server".
        Ok(match self.memory.dialect.atomicity {
            Atomicity::Script => Note::Is(self.is_there(&name)),
            Atomicity::Statement => Note::Asked(name),
        })
    }

    async fn settle(&mut self, statement: &Statement<'_>, note: Option<&str>) -> Result<Settled, ServerError> {
        if let Sharing::Commits(Recovery::Call) | Sharing::Alone(Recovery::Call) = statement.class.sharing {
            return Ok(Settled::Undecided("it runs code that commits on the way".to_owned()));
        }
        let broken = words(statement.text).get(2).map(|name| format!("{name}_broken"));
        if let Some(broken) = broken.filter(|broken| self.with(|world| world.tables.contains_key(broken))) {
            return Ok(Settled::First(vec![format!("DROP TABLE {broken}")]));
        }
        let name = words(statement.text).get(2).cloned().unwrap_or_default();
        let now = self.is_there(&name);
        Ok(match note {
            Some(before) if before == now => Settled::DidNotRun("catalog: nothing changed".to_owned()),
            Some(_) => Settled::Ran("catalog: the table changed".to_owned()),
            None => Settled::Undecided("nothing was noted before it".to_owned()),
        })
    }

    async fn query(&mut self, sql: &str) -> Result<Vec<Row>, ServerError> {
        if let Some(fault) = self.planned_fault(sql) {
            return Err(fault);
        }
        let words = words(sql);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.with(|world| match *words.as_slice() {
            ["SELECT", _, "FROM", name, ..] => match world.tables.get(name) {
                Some(rows) => Ok(rows.iter().map(|row| vec![Some(row.clone())]).collect()),
                None => Err(refused(&format!("no such table: {name}"), 0)),
            },
            ["SELECT", value] => Ok(vec![vec![Some(value.to_owned())]]),
            // No question here ends a transaction by failing.
            ["SAVEPOINT" | "RELEASE" | "ROLLBACK", ..] => Ok(Vec::new()),
            _ => Err(refused("syntax error", 0)),
        })
    }

    async fn try_lock(&mut self, _: &TableName, owner: &str) -> Result<Locked, ServerError> {
        let mut lock = guard(&self.memory.shared.lock);
        if let Some(who) = &*lock {
            return Ok(Locked::HeldBy(Holder { who: who.clone(), ..Holder::default() }));
        }
        *lock = Some(owner.to_owned());
        self.locked = true;
        Ok(Locked::Mine { fence: self.memory.shared.fence.fetch_add(1, Ordering::SeqCst) + 1 })
    }

    async fn unlock(&mut self, _: &TableName) -> Result<(), ServerError> {
        if std::mem::take(&mut self.locked) {
            *guard(&self.memory.shared.lock) = None;
        }
        Ok(())
    }

    fn canceller(&self) -> Option<Box<dyn Canceller>> {
        Some(Box::new(MemoryCanceller(Arc::clone(&self.memory.shared))))
    }

    fn native(&mut self) -> &mut dyn Any {
        self
    }
}

struct MemoryCanceller(Arc<Shared>);

impl Canceller for MemoryCanceller {
    fn cancel(&self) -> Result<(), ServerError> {
        self.0.cancelled.store(true, Ordering::SeqCst);
        Ok(())
    }
}
