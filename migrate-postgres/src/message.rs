//! Effects → what is sent to the server. Pure.
//!
//! Several transactions are written together before the first answer is read, so the shape of what is sent decides what
//! a failure leaves behind:
//!
//! - `BEGIN` opens a message that has nothing but settings behind it; the script, its row and `COMMIT` follow in
//!   another one. After any error, also one in the grammar of the second message, the block stays open and aborted, and
//!   everything behind it fails at its own `BEGIN`.
//! - No message begins with `COMMIT`: it would end an aborted block, and what follows would be carried out.
//! - Deferred constraints are checked before the row is written, so that `COMMIT` itself cannot fail for them.
//! - Inside a transaction of the caller's a savepoint is what `BEGIN` is elsewhere, and `RELEASE` what `COMMIT` is: neither
//!   is carried out in an aborted transaction.
//! - What still can fail at its `COMMIT` (a serializable transaction) takes all behind it along: the row of a transaction
//!   is written only behind the row of the one before it.

use std::ops::Range;

use migrate_core::backend::{Effect, Fault, ServerError, Settings};
use migrate_core::history::EntryKey;
use migrate_core::sql::classify::words;
use migrate_core::sql::{Statement, StatementKind, Syntax};

use crate::dialect::{CHECK, Scope, assignments, literal};
use crate::history;

/// What is sent in one go.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Message<'a> {
    /// A simple query.
    Query(Query),
    /// `COPY … FROM STDIN` and its data.
    Copy {
        /// Which effect it is.
        at: usize,
        statement: &'a str,
        data: &'a str,
    },
}

/// The text of a simple query, with what is where in it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) sql: String,
    /// Its statements, in order: the server answers them one by one.
    pub(crate) parts: Vec<Part>,
    /// Nothing may be sent until it is answered: it is in no transaction that would take what follows along.
    pub(crate) barrier: bool,
}

/// One statement of a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) range: Range<usize>,
    /// Which effect it belongs to.
    pub(crate) at: usize,
    pub(crate) kind: PartKind,
    /// Whether that effect is carried out with it.
    pub(crate) completes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartKind {
    /// Ours: opens and ends transactions, sets and resets.
    Frame,
    /// The script's.
    Script,
    /// A row of the history.
    Row,
}

/// What the session brings to its transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ground {
    /// Our own connection: everything that a script left behind is taken away, then `base` holds.
    Own { base: Vec<String>, prepared: Prepared },
    /// The caller's: nothing but what we set is touched.
    Borrowed,
    /// A transaction of the caller's: each of ours is a savepoint in it, and nothing that is set outlasts that.
    Joined {
        /// What it had for everything that is set here.
        came_with: Vec<(String, String)>,
    },
    /// One transaction of a pooler's connection: nothing may last longer.
    Pooled {
        /// The lock table, quoted, and the fence that must still be in it.
        lease: Option<(String, u64)>,
    },
}

/// Whether the statement that writes a row is prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Prepared {
    /// Not yet, or not any more.
    No,
    Yes,
    /// It was, and a script took it away without saying so.
    Never,
}

/// What a session goes back to. Advisory locks survive it, so never `DISCARD ALL`. Prepared statements too: behind a
/// pooler they are the pooler's business, on our own connection one may be ours.
const CLEAN: &[&str] =
    &["CLOSE ALL", "UNLISTEN *", "RESET SESSION AUTHORIZATION", "RESET ALL", "DISCARD TEMP", "DISCARD SEQUENCES"];
/// Takes the prepared statements away as well.
const DEALLOCATE: &str = "DEALLOCATE ALL";
/// A script may end as a role that owns what it made and knows nothing of the history.
const OURSELVES: &[&str] = &["SET LOCAL SESSION AUTHORIZATION DEFAULT", "SET LOCAL \"role\" TO DEFAULT"];
/// The savepoint of a step inside the caller's transaction.
const STEP: &str = "migrate_step";
/// From how many rows on it pays to prepare.
const MANY: usize = 4;

/// What is to be sent, and what holds after it.
#[derive(Debug)]
pub(crate) struct Sending<'a> {
    pub(crate) messages: Vec<Message<'a>>,
    /// A transaction is open.
    pub(crate) in_transaction: bool,
    pub(crate) prepared: Prepared,
}

/// The messages for `effects`.
///
/// # Errors
/// With the index of an effect that cannot be sent.
pub(crate) fn messages<'a>(
    effects: &'a [Effect<'a>],
    table: &str,
    ground: &Ground,
    in_transaction: bool,
) -> Result<Sending<'a>, (usize, ServerError)> {
    let mut writer = Writer {
        table,
        ground,
        effects,
        sent: Vec::new(),
        current: Query::default(),
        in_transaction,
        prepared: Prepared::Never,
        unchecked: false,
        behind: None,
    };
    if let Ground::Own { prepared, .. } = ground {
        writer.prepare(*prepared);
    }
    for (at, effect) in effects.iter().enumerate() {
        writer.effect(at, effect).map_err(|error| (at, error))?;
    }
    writer.flush();
    Ok(Sending { messages: writer.sent, in_transaction: writer.in_transaction, prepared: writer.prepared })
}

/// Whether a statement may make prepared statements or take them away. Too often is no harm.
fn touches_prepared(effect: &Effect<'_>) -> bool {
    let Effect::Statement(statement) = effect else { return false };
    let text = statement.text.to_ascii_lowercase();
    ["prepare", "deallocate", "discard"].iter().any(|word| text.contains(word))
}

/// Whether a statement must be the first of its transaction.
fn chooses_isolation(effect: &Effect<'_>) -> bool {
    let Effect::Statement(statement) = effect else { return false };
    let mut words = words(statement.text, &Syntax::POSTGRES);
    words.next().is_some_and(|word| word.is("set")) && words.next().is_some_and(|word| word.is("transaction"))
}

struct Writer<'a, 'w> {
    table: &'w str,
    ground: &'w Ground,
    effects: &'a [Effect<'a>],
    sent: Vec<Message<'a>>,
    current: Query,
    in_transaction: bool,
    prepared: Prepared,
    /// A statement of the open transaction may have left a constraint for its end.
    unchecked: bool,
    /// The last row of an earlier transaction of these effects.
    behind: Option<EntryKey>,
}

impl<'a> Writer<'a, '_> {
    /// Prepares what writes a row where there are many, unless a script gets in the way of that.
    fn prepare(&mut self, before: Prepared) {
        let rows = self.effects.iter().filter(|effect| matches!(effect, Effect::Append(_))).count();
        self.prepared = match before {
            Prepared::Never => Prepared::Never,
            _ if self.effects.iter().any(touches_prepared) => Prepared::No,
            Prepared::No if rows < MANY || self.in_transaction => Prepared::No,
            Prepared::No | Prepared::Yes => Prepared::Yes,
        };
        if (before, self.prepared) == (Prepared::No, Prepared::Yes) {
            self.push(0, PartKind::Frame, DEALLOCATE, false);
            self.push(0, PartKind::Frame, &history::prepare_append(self.table), false);
            self.flush();
        }
    }

    /// What our own connection starts from, before every step.
    fn clean(&self, base: &[String]) -> Vec<String> {
        let deallocate = (self.prepared != Prepared::Yes).then_some(DEALLOCATE);
        CLEAN.iter().copied().chain(deallocate).map(str::to_owned).chain(base.iter().cloned()).collect()
    }

    fn effect(&mut self, at: usize, effect: &'a Effect<'a>) -> Result<(), ServerError> {
        match effect {
            Effect::Begin(settings) => self.begin(at, settings),
            Effect::Commit => self.commit(at),
            Effect::Rollback if self.is_joined() => {
                let both = [format!("ROLLBACK TO SAVEPOINT {STEP}"), format!("RELEASE SAVEPOINT {STEP}")];
                self.by_itself(at, PartKind::Frame, &both);
            }
            Effect::Rollback => self.by_itself(at, PartKind::Frame, &["ROLLBACK".to_owned()]),
            Effect::Set(settings) => self.set(at, settings),
            Effect::Statement(statement) => return self.statement(at, statement),
            Effect::Append(new) => {
                let sql = if self.prepared == Prepared::Yes {
                    history::execute_append(new, self.behind.as_ref())
                } else {
                    history::append(self.table, new, self.behind.as_ref())
                };
                self.row(at, &sql);
                self.behind = Some(new.entry.key.clone());
            }
            Effect::Advance(advance) => {
                // In a transaction the lease is held from its beginning.
                let also = if self.in_transaction { None } else { self.lease_holds() };
                self.row(at, &history::advance(self.table, advance, also.as_deref()));
            }
            Effect::Mirror(row) => self.row(at, row.sql.trim_end().trim_end_matches(';')),
            other => {
                return Err(ServerError::new(Fault::Unsupported, format!("this backend does not know {other:?}")));
            }
        }
        Ok(())
    }

    fn begin(&mut self, at: usize, settings: &Settings) {
        self.flush();
        let begin = if self.is_joined() { format!("SAVEPOINT {STEP}") } else { "BEGIN".to_owned() };
        let mut statements = vec![begin];
        if let Ground::Own { base, .. } = self.ground
            && self.opens_an_attempt(at)
        {
            statements.extend(self.clean(base));
            if self.effects.get(at + 1).is_some_and(chooses_isolation) {
                // After some of these a transaction can choose no more; a failure still takes along what follows.
                statements.push("COMMIT".to_owned());
                for sql in statements.drain(..) {
                    self.push(at, PartKind::Frame, &sql, false);
                }
                self.flush();
                statements.push("BEGIN".to_owned());
            }
        }
        statements.extend(assignments(settings, Scope::Transaction));
        if let Ground::Pooled { lease: Some((table, fence)) } = self.ground {
            // Whoever wants to take the lease over skips a row that is locked, so it is ours until the transaction ends.
            statements.push(format!(
                "WITH held AS (SELECT \"fence\" FROM {table} WHERE \"component\" = '*' AND \"fence\" = {fence} FOR UPDATE) \
                 SELECT 1 / count(*), pg_catalog.pg_backend_pid() FROM held"
            ));
        }
        self.push_all(at, PartKind::Frame, &statements);
        self.flush();
        self.in_transaction = true;
        self.unchecked = false;
    }

    /// Whether a transaction is the first of its step. What a script set for the session holds until its last statement,
    /// also where not all of them can be in one transaction.
    fn opens_an_attempt(&self, begin: usize) -> bool {
        let rest = &self.effects[begin + 1..];
        match rest.iter().position(|effect| matches!(effect, Effect::Commit | Effect::Rollback)) {
            Some(end) => rest[..end].iter().any(|effect| matches!(effect, Effect::Append(_))),
            // The rest of it follows later: that is done with the first steps of a run and those with preconditions.
            // Behind the end of another one it goes on with the same attempt.
            None => begin == 0,
        }
    }

    fn is_joined(&self) -> bool {
        matches!(self.ground, Ground::Joined { .. })
    }

    fn commit(&mut self, at: usize) {
        if let Ground::Joined { came_with } = self.ground {
            // Where the transaction is aborted, these fail too. What a savepoint set would outlast its release.
            for (name, value) in came_with {
                let sql = format!("SELECT pg_catalog.set_config({}, {}, true)", literal(name), literal(value));
                self.push(at, PartKind::Frame, &sql, false);
            }
            self.push(at, PartKind::Frame, &format!("RELEASE SAVEPOINT {STEP}"), true);
            self.flush();
            self.in_transaction = false;
            return;
        }
        if self.unchecked || self.current.parts.is_empty() {
            self.push(at, PartKind::Frame, CHECK, false);
        }
        if let Ground::Pooled { .. } = self.ground {
            for sql in CLEAN {
                self.push(at, PartKind::Frame, sql, false);
            }
        }
        self.push(at, PartKind::Frame, "COMMIT", true);
        self.flush();
        self.in_transaction = false;
        self.unchecked = false;
    }

    fn set(&mut self, at: usize, settings: &Settings) {
        let mut statements = Vec::new();
        match self.ground {
            Ground::Own { base, .. } => {
                if *settings == Settings::default() {
                    statements.extend(self.clean(base));
                }
                statements.extend(assignments(settings, Scope::Session));
            }
            // The session saves and restores what is set here.
            Ground::Borrowed => statements.extend(assignments(settings, Scope::Session)),
            Ground::Joined { .. } | Ground::Pooled { .. } => {}
        }
        self.by_itself(at, PartKind::Frame, &statements);
    }

    fn statement(&mut self, at: usize, statement: &Statement<'a>) -> Result<(), ServerError> {
        if let Some(nul) = statement.text.find('\0') {
            let error =
                ServerError::new(Fault::Refused, "the statement has a NUL character, which PostgreSQL cannot read");
            return Err(error.position(nul));
        }
        if statement.class.kind == StatementKind::CopyIn {
            self.flush();
            let data = statement.data.unwrap_or_default();
            self.sent.push(Message::Copy { at, statement: statement.text, data });
            self.unchecked = !self.is_joined();
        } else if self.in_transaction {
            self.push(at, PartKind::Script, statement.text, true);
            // In the caller's transaction a constraint may wait for what the caller does.
            self.unchecked = !self.is_joined();
        } else {
            self.by_itself(at, PartKind::Script, &[statement.text.to_owned()]);
        }
        Ok(())
    }

    fn row(&mut self, at: usize, sql: &str) {
        if !self.in_transaction {
            let ourselves = if let Ground::Own { .. } = self.ground { OURSELVES } else { &[] };
            let statements: Vec<_> = ourselves.iter().copied().chain([sql]).map(str::to_owned).collect();
            return self.by_itself(at, PartKind::Row, &statements);
        }
        if std::mem::take(&mut self.unchecked) {
            let behind = self.effects[at..].iter().position(|effect| matches!(effect, Effect::Commit));
            let commit = behind.map_or(at, |commit| at + commit);
            self.push(commit, PartKind::Frame, CHECK, false);
            if !matches!(self.ground, Ground::Borrowed) {
                for sql in OURSELVES {
                    self.push(commit, PartKind::Frame, sql, false);
                }
            }
        }
        self.push(at, PartKind::Row, sql, true);
    }

    fn lease_holds(&self) -> Option<String> {
        match self.ground {
            Ground::Pooled { lease: Some((table, fence)) } => {
                Some(format!("EXISTS (SELECT FROM {table} WHERE \"component\" = '*' AND \"fence\" = {fence})"))
            }
            _ => None,
        }
    }

    /// A message of its own, answered before anything else is sent.
    fn by_itself(&mut self, at: usize, kind: PartKind, statements: &[String]) {
        self.flush();
        if statements.is_empty() {
            self.push(at, kind, "", true);
        }
        self.push_all(at, kind, statements);
        self.current.barrier = true;
        self.flush();
        if let Effect::Rollback = self.effects[at] {
            self.in_transaction = false;
        }
    }

    fn push_all(&mut self, at: usize, kind: PartKind, statements: &[String]) {
        for (index, sql) in statements.iter().enumerate() {
            self.push(at, kind, sql, index + 1 == statements.len());
        }
    }

    fn push(&mut self, at: usize, kind: PartKind, sql: &str, completes: bool) {
        let text = &mut self.current.sql;
        if !text.is_empty() {
            text.push_str(";\n");
        }
        let start = text.len();
        text.push_str(sql);
        self.current.parts.push(Part { range: start..text.len(), at, kind, completes });
    }

    fn flush(&mut self) {
        let query = std::mem::take(&mut self.current);
        if !query.parts.is_empty() {
            self.sent.push(Message::Query(query));
        }
    }
}

impl Query {
    /// The part that a byte of the text is in.
    pub(crate) fn part_at(&self, byte: usize) -> Option<&Part> {
        self.parts.iter().find(|part| part.range.start <= byte && byte <= part.range.end)
    }
}

#[cfg(test)]
mod tests;
