//! Effects → what is sent to the server. Pure.
//!
//! The server carries out a packet of several statements one after the other and stops at the first that fails, also
//! when nobody listens any more. So the shape of a packet decides what a dead client leaves behind:
//!
//! - A statement that commits by itself and the row that records it are in one packet: an orphan writes its own row.
//! - A row that is not as expected is an error of the server, so that nothing behind it is carried out. `UPDATE` alone
//!   would be content with no row.
//! - What a trigger, a routine or an event is made of is stored with what follows it in its packet, so nothing does.
//! - How many answers a `CALL` has is known only at its end, so it ends a packet, but for its row. What else answers with
//!   rows ends one too: then an error belongs to one statement, also one that is among the rows.
//! - A packet is smaller than the server takes.
//! - The end of a step and the row that opens the next one are committed together: to commit is most of what a row costs.
//!   A statement in between there is none, so nothing is told later than it would be otherwise.

use std::collections::BTreeMap;
use std::ops::Range;

use migrate_core::backend::{Advance, Effect, Fault, NewEntry, ServerError, Settings};
use migrate_core::sql::classify::words;
use migrate_core::sql::lexer::TokenKind;
use migrate_core::sql::{Statement, StatementKind, Syntax, TransactionControl};

use crate::dialect::{assignments, resolved, variables};
use crate::gtid::{self, Gtids};
use crate::history;

/// What is done next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    Packet(Packet),
    /// What a script left in the session is taken away: that needs questions of its own. The effect at this index is
    /// the first behind it; what we have set is not the script's.
    Clean {
        at: usize,
        ours: BTreeMap<String, String>,
    },
}

/// Statements that are sent in one go.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) sql: String,
    pub(crate) parts: Vec<Part>,
    pub(crate) seams: Vec<Seam>,
}

/// Where the row that begins a step is committed together with the end of the step before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seam {
    /// From the first part that is there for that to the `COMMIT`.
    pub(crate) parts: Range<usize>,
    /// The effect that ends the step before.
    pub(crate) ends: usize,
    /// Rows were changed in the transaction, which was begun for them.
    pub(crate) is_scripts: bool,
}

/// One statement of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// Ours: opens and ends transactions, sets.
    Frame,
    /// The script's.
    Script,
    /// The script's, with any number of answers.
    Code,
    /// What the server remarks about the statement before it.
    Warnings,
    /// A row of the history.
    Row,
    /// Whether there was a row as it was expected.
    Guard,
    /// Whether the lease is still ours.
    Lease,
}

/// What the session brings to its packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ground {
    pub(crate) mariadb: bool,
    /// The lexical rules of the server's modes.
    pub(crate) syntax: Syntax,
    /// The server counts the rows that it finds and not those that it changes.
    pub(crate) counts_found: bool,
    /// The most bytes of a packet.
    pub(crate) limit: usize,
    /// The value that each variable had when the session began.
    pub(crate) base: BTreeMap<String, String>,
    /// The lock table, quoted, and the fence that must still be in it.
    pub(crate) lease: Option<(String, u64)>,
}

/// What holds from one call to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// A transaction of ours is open.
    pub(crate) in_transaction: bool,
    /// What we have set, and not put back yet.
    pub(crate) in_force: BTreeMap<String, String>,
    /// What is wanted outside of transactions.
    pub(crate) session: BTreeMap<String, String>,
    /// A script may have changed the session.
    pub(crate) dirty: bool,
    /// What definitions are executed under, where that was asked for.
    pub(crate) gtids: Option<Gtids>,
}

/// How a run of ours tells its waiting colleagues where the script's statement ends.
const WARNINGS: &str = "SHOW WARNINGS LIMIT 64";
/// The beginning of a note about code that commits on its way, in [`crate::evidence`].
use crate::evidence::{SEGMENTS, STARTED};

pub(crate) const BEGIN: &str = "START TRANSACTION";
pub(crate) const COMMIT: &str = "COMMIT";

/// Fails unless the statement before it found one row. It is no query, because the rows of one cost more than all of it.
const ONE_ROW: &str = "SET @migrate_rows = EXP(710 * (ROW_COUNT() <> 1))";

/// Every statement commits again by itself.
pub(crate) const COMMITS_AGAIN: &str = "SET autocommit = 1";

/// What is to be sent for `effects`, and what holds after it.
///
/// # Errors
/// With the index of an effect that cannot be sent.
pub(crate) fn packets(
    effects: &[Effect<'_>],
    table: &str,
    ground: &Ground,
    standing: &Standing,
) -> Result<(Vec<Sending>, Standing), (usize, ServerError)> {
    let mut writer = Writer {
        table,
        ground,
        effects,
        sent: Vec::new(),
        current: Packet::default(),
        standing: standing.clone(),
        ends_after_row: false,
        noted: None,
        gtid: None,
        segments: false,
        seam: None,
        wanted: if standing.in_transaction { standing.in_force.clone() } else { standing.session.clone() },
    };
    for (at, effect) in effects.iter().enumerate() {
        writer.effect(at, effect).map_err(|error| (at, error))?;
    }
    // Nothing that was taken back is left in force behind the last effect.
    writer.assert(effects.len().saturating_sub(1));
    writer.flush();
    Ok((writer.sent, writer.standing))
}

/// Whether the server stores the text of a statement as it is, with what follows it in the packet.
pub(crate) fn stores_its_text(text: &str, syntax: &Syntax) -> bool {
    const KINDS: &[&str] = &["trigger", "procedure", "function", "event", "package"];
    let mut words = words(text, syntax).peekable();
    if !words.next().is_some_and(|word| word.is_any(&["create", "alter"])) {
        return false;
    }
    while let Some(word) = words.next() {
        if word.is("definer") {
            // `= user@host`, `= CURRENT_USER()`
            words.next_if(|word| word.is("="));
            words.next();
            while words.next_if(|word| word.is_any(&["@", "("])).is_some() {
                words.next();
            }
        } else if !word.is_any(&["or", "replace", "aggregate"]) {
            return word.is_any(KINDS);
        }
    }
    false
}

/// Whether a statement may change what holds for the session.
pub(crate) fn changes_session(statement: &Statement<'_>, syntax: &Syntax) -> bool {
    use StatementKind::{Call, Definition, Manipulation, Query, Session, Transaction, Unknown};
    match statement.class.kind {
        Session | Call | Unknown | Transaction(TransactionControl::Other) => true,
        Definition => words(statement.text, syntax).take(4).any(|word| word.is_any(&["temporary", "role"])),
        Query | Manipulation => user_variables(statement.text, syntax).next().is_some(),
        _ => false,
    }
}

/// The user variables that a statement names, as they are written. The host of an account looks like one.
pub(crate) fn user_variables<'t>(text: &'t str, syntax: &Syntax) -> impl Iterator<Item = &'t str> + use<'t> {
    let words = text.contains('@').then(|| words(text, syntax));
    let mut ats = 0;
    words.into_iter().flatten().filter_map(move |word| {
        let before = std::mem::take(&mut ats);
        if word.is("@") {
            ats = before + 1;
            return None;
        }
        let is_name = matches!(word.kind, TokenKind::Word | TokenKind::Name | TokenKind::String);
        (before == 1 && is_name).then_some(word.text)
    })
}

/// A seam of which the row that begins the next step is not there yet.
struct Half {
    /// Its first part in its packet.
    first: usize,
    /// The row that begins the next step.
    opens: String,
    /// What is carried out when it is committed; first what ends the step before.
    completes: Vec<usize>,
    /// Rows were changed in the transaction.
    is_scripts: bool,
}

struct Writer<'a, 'w> {
    table: &'w str,
    ground: &'w Ground,
    effects: &'w [Effect<'a>],
    sent: Vec<Sending>,
    current: Packet,
    standing: Standing,
    /// The row that comes next is the last thing in its packet.
    ends_after_row: bool,
    /// What was noted of the statement that comes next.
    noted: Option<String>,
    /// What it is executed under.
    gtid: Option<String>,
    /// The segments of the code before the next row are not committed one by one.
    segments: bool,
    /// A transaction that the row of the next step will end.
    seam: Option<Half>,
    /// What is to be set when the script goes on. Between two steps that want the same nothing is sent.
    wanted: BTreeMap<String, String>,
}

impl Writer<'_, '_> {
    fn effect(&mut self, at: usize, effect: &Effect<'_>) -> Result<(), ServerError> {
        match effect {
            Effect::Begin(settings) => self.begin(at, settings),
            Effect::Commit => {
                if !self.join_next(at) {
                    self.push(at, PartKind::Frame, COMMIT, true);
                }
                self.end();
            }
            Effect::Rollback => {
                self.push(at, PartKind::Frame, "ROLLBACK", true);
                self.end();
            }
            Effect::Set(settings) => self.set(at, settings),
            Effect::Statement(statement) => return self.statement(at, statement),
            Effect::Append(new) => {
                if let Some(seam) = self.seam.take() {
                    self.close_seam(at, seam);
                    return Ok(());
                }
                let alone = !self.standing.in_transaction;
                if alone {
                    self.clean(at);
                }
                let leased = alone && self.ground.lease.is_some();
                if leased {
                    self.push(at, PartKind::Frame, BEGIN, false);
                    self.hold_lease(at);
                }
                let announced = self.announce(new.asked.as_deref());
                let announced = announced.map(|asked| NewEntry { asked: Some(asked), ..(*new).clone() });
                let new = announced.as_ref().unwrap_or(new);
                let mut sql = history::append(self.table, new, !alone);
                if sql.len() >= self.ground.limit {
                    // The row matters more than the text in it.
                    sql = history::append(self.table, &NewEntry { script: None, ..new.clone() }, !alone);
                }
                self.fits(&sql, "row of the history")?;
                self.push(at, PartKind::Row, &sql, !leased);
                if leased {
                    self.push(at, PartKind::Frame, COMMIT, true);
                }
            }
            Effect::Advance(advance) => {
                self.noted.clone_from(&advance.note);
                let alone = !self.standing.in_transaction;
                // A script may have turned off that every statement commits.
                let commits = alone && (self.ground.lease.is_some() || self.standing.dirty);
                if alone && self.ground.lease.is_some() {
                    self.push(at, PartKind::Frame, BEGIN, false);
                    self.hold_lease(at);
                }
                let announced = self.announce(advance.asked.as_deref());
                let announced = announced.map(|asked| Advance { asked: Some(asked), ..(*advance).clone() });
                let sql = history::advance(self.table, announced.as_ref().unwrap_or(advance));
                self.fits(&sql, "row of the history")?;
                if alone && !commits && self.open_seam(at, &sql) {
                    return Ok(());
                }
                if self.ground.counts_found {
                    self.push(at, PartKind::Row, &sql, false);
                    self.push(at, PartKind::Guard, ONE_ROW, !commits);
                } else {
                    let guard = format!(
                        "SELECT EXP(710 * (COUNT(*) <> 1)) FROM {} WHERE {}",
                        self.table,
                        history::expected(advance)
                    );
                    self.push(at, PartKind::Guard, &guard, false);
                    self.push(at, PartKind::Row, &sql, !commits);
                }
                if commits {
                    let segments = std::mem::take(&mut self.segments);
                    self.push(at, PartKind::Frame, COMMIT, !segments);
                    if segments {
                        self.push(at, PartKind::Frame, COMMITS_AGAIN, true);
                    }
                }
                if std::mem::take(&mut self.ends_after_row) {
                    self.flush();
                }
            }
            Effect::Mirror(row) => self.push(at, PartKind::Row, row.sql.trim_end().trim_end_matches(';'), true),
            other => {
                return Err(ServerError::new(Fault::Unsupported, format!("this backend does not know {other:?}")));
            }
        }
        Ok(())
    }

    /// What is asked for the note of a statement that gets an identifier of its own, which is fixed here.
    fn announce(&mut self, asked: Option<&str>) -> Option<String> {
        self.gtid = None;
        let (asked, gtid) = self.standing.gtids.as_mut()?.announce(asked)?;
        self.gtid = Some(gtid);
        Some(asked)
    }

    /// Opens a transaction for the row that ends a step if that is `change`, and the row of the next step follows and
    /// fits into the packet.
    fn open_seam(&mut self, at: usize, change: &str) -> bool {
        if !self.ground.counts_found || self.ends_after_row {
            return false;
        }
        let Some(opens) = self.next_row(at, &[BEGIN, change, ONE_ROW, COMMIT]) else { return false };
        let first = self.current.parts.len();
        self.push(at, PartKind::Frame, BEGIN, false);
        self.push(at, PartKind::Row, change, false);
        self.push(at, PartKind::Guard, ONE_ROW, false);
        self.seam = Some(Half { first, opens, completes: vec![at], is_scripts: false });
        true
    }

    /// Leaves the transaction that ends here to the row of the next step, if that follows and fits into the packet.
    fn join_next(&mut self, at: usize) -> bool {
        if self.ground.lease.is_some() {
            return false;
        }
        let Some(opens) = self.next_row(at, &[COMMIT]) else { return false };
        self.seam = Some(Half { first: self.current.parts.len(), opens, completes: vec![at], is_scripts: true });
        true
    }

    /// The row that begins the step behind this effect, where it is not part of a transaction and fits into the packet
    /// with these statements around it.
    fn next_row(&self, at: usize, around: &[&str]) -> Option<String> {
        if self.standing.dirty || self.standing.gtids.is_some() {
            return None;
        }
        let nothing_to_do = |effect: &&Effect<'_>| !matches!(effect, Effect::Set(set) if **set == Settings::default());
        let Some(Effect::Append(new)) = self.effects[at + 1..].iter().find(nothing_to_do) else { return None };
        let opens = history::append(self.table, new, false);
        let size: usize = around.iter().chain([&opens.as_str()]).map(|sql| sql.len() + 2).sum();
        (self.current.sql.len() + size < self.ground.limit).then_some(opens)
    }

    fn close_seam(&mut self, at: usize, half: Half) {
        let Half { first, opens, completes, is_scripts } = half;
        self.push(at, PartKind::Row, &opens, false);
        self.push(completes[0], PartKind::Frame, COMMIT, false);
        self.current.seams.push(Seam { parts: first..self.current.parts.len(), ends: completes[0], is_scripts });
        for at in completes.into_iter().chain([at]) {
            self.nothing(at);
        }
    }

    fn begin(&mut self, at: usize, settings: &Settings) {
        if self.opens_an_attempt(at) {
            self.clean(at);
        }
        self.wanted = variables(settings, self.ground.mariadb);
        let set = self.change();
        let began = format!("{} = UTC_TIMESTAMP(6)", history::BEGAN);
        let set = set.map_or_else(|| format!("SET {began}"), |set| format!("{set}, {began}"));
        self.push(at, PartKind::Frame, &set, false);
        self.push(at, PartKind::Frame, BEGIN, self.ground.lease.is_none());
        if self.ground.lease.is_some() {
            self.hold_lease(at);
            if let Some(part) = self.current.parts.last_mut() {
                part.completes = true;
            }
        }
        self.standing.in_transaction = true;
    }

    /// A transaction has ended, and what it wanted to be set is wanted no more.
    fn end(&mut self) {
        self.standing.in_transaction = false;
        self.wanted.clone_from(&self.standing.session);
    }

    /// Whether a transaction is the first of its step. What a script set for the session holds until its last
    /// statement, also where not all of them can be in one transaction.
    fn opens_an_attempt(&self, begin: usize) -> bool {
        let rest = &self.effects[begin + 1..];
        match rest.iter().position(|effect| matches!(effect, Effect::Commit | Effect::Rollback)) {
            Some(end) => rest[..end].iter().any(|effect| matches!(effect, Effect::Append(_))),
            // The rest of it follows later: that is done with the first steps of a run and those with preconditions.
            // Behind the end of another one it goes on with the same attempt.
            None => begin == 0,
        }
    }

    fn set(&mut self, at: usize, settings: &Settings) {
        if *settings == Settings::default() {
            self.clean(at);
        }
        self.standing.session = variables(settings, self.ground.mariadb);
        self.wanted.clone_from(&self.standing.session);
        match &mut self.seam {
            Some(seam) => seam.completes.push(at),
            None => self.nothing(at),
        }
    }

    fn clean(&mut self, at: usize) {
        if std::mem::take(&mut self.standing.dirty) {
            self.flush();
            let ours = std::mem::take(&mut self.standing.in_force);
            self.sent.push(Sending::Clean { at, ours });
        }
    }

    /// Sets what is wanted, where that is not in force.
    fn assert(&mut self, at: usize) {
        if let Some(set) = self.change() {
            self.push(at, PartKind::Frame, &set, false);
        }
    }

    /// What leads from what is in force to what is wanted.
    fn change(&mut self) -> Option<String> {
        let before = std::mem::replace(&mut self.standing.in_force, self.wanted.clone());
        let wanted = &self.standing.in_force;
        let base = &self.ground.base;
        let put_back =
            before.keys().filter(|name| !wanted.contains_key(*name)).filter_map(|name| base.get_key_value(name));
        let new = wanted.iter().filter(|(name, value)| before.get(*name) != Some(*value));
        let new: Vec<_> = new.map(|(name, value)| (name, resolved(name, value, base.get(name)).into_owned())).collect();
        assignments(put_back.chain(new.iter().map(|(name, value)| (*name, value))))
    }

    fn statement(&mut self, at: usize, statement: &Statement<'_>) -> Result<(), ServerError> {
        let syntax = &self.ground.syntax;
        let noted = self.noted.take();
        let gtid = self.gtid.take();
        self.assert(at);
        self.standing.dirty |= changes_session(statement, syntax);
        self.fits(statement.text, "statement")?;
        if matches!(statement.class.kind, StatementKind::Call | StatementKind::Unknown) {
            let segments = !self.standing.in_transaction && noted.is_some_and(|note| note.starts_with(SEGMENTS));
            self.code(at, statement, segments);
            return Ok(());
        }
        let mut words = words(statement.text, syntax);
        if let Some(gtid) = &gtid {
            self.push(at, PartKind::Frame, &gtid::set(gtid), false);
        }
        let locks = words.next().is_some_and(|word| word.is("lock"))
            && words.next().is_some_and(|word| word.is_any(&["table", "tables"]));
        if locks {
            // What is not locked cannot be written to from here on.
            self.push(at, PartKind::Script, &format!("{}, {} WRITE", statement.text, self.table), false);
        } else {
            self.push(at, PartKind::Script, statement.text, false);
        }
        let answers_rows = matches!(statement.class.kind, StatementKind::Query | StatementKind::Maintenance);
        if answers_rows || stores_its_text(statement.text, syntax) {
            self.flush();
        }
        self.push(at, PartKind::Warnings, WARNINGS, gtid.is_none());
        if gtid.is_some() {
            // What has no effect keeps it until it is committed, and another cannot be set before.
            self.push(at, PartKind::Frame, COMMIT, false);
            self.push(at, PartKind::Frame, gtid::AUTOMATIC, true);
        }
        Ok(())
    }

    /// Whether the server takes it, at least in a packet of its own.
    fn fits(&self, sql: &str, what: &str) -> Result<(), ServerError> {
        let (length, limit) = (sql.len(), self.ground.limit);
        if length < limit {
            return Ok(());
        }
        let message = format!("the {what} has {length} bytes, and the server takes packets of {limit}");
        let mut refused = ServerError::new(Fault::Refused, message);
        refused.hint = Some("raise max_allowed_packet on the server".to_owned());
        Err(refused)
    }

    /// Code that may commit on its way, and may answer anything.
    fn code(&mut self, at: usize, statement: &Statement<'_>, segments: bool) {
        if segments && let Some(Effect::Advance(advance)) = self.effects.get(at + 1) {
            // Its first segment is committed together with the word that it was.
            self.segments = true;
            self.push(at, PartKind::Frame, "SET autocommit = 0", false);
            let started = format!(
                "UPDATE {} SET `note` = CONCAT(`note`, '{STARTED}') WHERE {}",
                self.table,
                history::expected(advance)
            );
            self.push(at, PartKind::Frame, &started, false);
        }
        self.push(at, PartKind::Code, statement.text, true);
        if self.standing.in_transaction {
            self.flush();
        } else {
            self.ends_after_row = true;
        }
    }

    fn hold_lease(&mut self, at: usize) {
        if let Some((table, fence)) = &self.ground.lease {
            let sql = crate::lease::extend(table, *fence);
            self.push(at, PartKind::Lease, &sql, false);
            self.push(at, PartKind::Lease, ONE_ROW, false);
        }
    }

    /// An effect for which nothing has to be sent.
    fn nothing(&mut self, at: usize) {
        let end = self.current.sql.len();
        self.current.parts.push(Part { range: end..end, at, kind: PartKind::Frame, completes: true });
    }

    fn push(&mut self, at: usize, kind: PartKind, sql: &str, completes: bool) {
        if !self.current.sql.is_empty() && self.current.sql.len() + sql.len() + 2 >= self.ground.limit {
            self.flush();
        }
        let text = &mut self.current.sql;
        if !text.is_empty() {
            text.push_str(";\n");
        }
        let start = text.len();
        text.push_str(sql);
        self.current.parts.push(Part { range: start..text.len(), at, kind, completes });
    }

    fn flush(&mut self) {
        let packet = std::mem::take(&mut self.current);
        if !packet.parts.is_empty() {
            self.sent.push(Sending::Packet(packet));
        }
    }
}

/// What of a packet that a server shows is the script's.
pub(crate) fn script_of(packet: &str) -> &str {
    let end = [format!(";\n{WARNINGS}"), ";\nUPDATE `".to_owned()].iter().filter_map(|ours| packet.find(ours)).min();
    &packet[..end.unwrap_or(packet.len())]
}

#[cfg(test)]
mod tests;
