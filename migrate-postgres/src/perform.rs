//! Messages → the server and back.

use std::pin::pin;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use migrate_core::backend::{
    Blocker, Done, Effect, Fault, Performed, Progress, ServerError, Settings, TableName, Wait,
};
use migrate_core::sql::{StatementKind, Syntax};
use tokio_postgres::error::DbError;
use tokio_postgres::{SimpleQueryMessage, SimpleQueryStream};

use crate::error::{place, place_in_data, place_inside, refusal};
use crate::evidence;
use crate::message::{Ground, Message, Part, PartKind, Prepared, Query, messages};
use crate::session::PostgresSession;

/// How much of the data of a `COPY` is handed over at a time.
const CHUNK: usize = 64 << 10;

/// Effects on their way, and what is known of them by now.
struct Journey<'a, 'p> {
    effects: &'a [Effect<'a>],
    progress: &'p mut (dyn Progress + Send),
    begun: Option<usize>,
    done: Vec<Done>,
    /// Who was in the way when it was last asked.
    blockers: Vec<Blocker>,
}

/// What went wrong, and with which effect.
struct Failure {
    at: usize,
    error: ServerError,
}

impl Journey<'_, '_> {
    /// Effects end in their order, so the first that has not ended is the one that runs.
    fn began(&mut self, at: usize) {
        if at == self.done.len() && self.begun != Some(at) {
            self.begun = Some(at);
            self.progress.began(at);
        }
    }

    fn ended(&mut self, at: usize, affected: u64) {
        let counts = matches!(&self.effects[at], Effect::Statement(statement)
            if matches!(statement.class.kind, StatementKind::Manipulation | StatementKind::CopyIn));
        let done = Done { rows: counts.then_some(affected) };
        self.progress.done(at, &done);
        self.done.push(done);
        self.blockers.clear();
    }
}

impl PostgresSession<'_> {
    pub(crate) async fn carry_out(
        &mut self,
        table: &TableName,
        effects: &[Effect<'_>],
        progress: &mut (dyn Progress + Send),
    ) -> Performed {
        let mut journey =
            Journey { effects, progress, begun: None, done: Vec::with_capacity(effects.len()), blockers: Vec::new() };
        self.busy = true;
        let ended = self.travel(table, effects, &mut journey).await;
        self.busy = false;
        match ended {
            Ok(()) => Performed::all(journey.done),
            Err(Failure { at, error }) => Performed::failed(journey.done, at, error),
        }
    }

    async fn travel(
        &mut self,
        table: &TableName,
        effects: &[Effect<'_>],
        journey: &mut Journey<'_, '_>,
    ) -> Result<(), Failure> {
        let home = match self.home(table).await {
            Ok(home) => home,
            Err(error) => return Err(Failure { at: 0, error }),
        };
        if self.is_joined() {
            let about: Vec<String> = effects
                .iter()
                .filter_map(|effect| if let Effect::Begin(settings) = effect { Some(names(settings)) } else { None })
                .flatten()
                .collect();
            self.remember(&about).await.map_err(|error| Failure { at: 0, error })?;
        }
        let ground = self.ground();
        let was_open = self.in_transaction;
        let (sending, unsendable) = match messages(effects, &home, &ground, was_open) {
            Ok(sending) => (sending, None),
            Err((at, error)) => {
                // What comes before it is carried out, as anywhere else.
                let sending =
                    messages(&effects[..at], &home, &ground, was_open).map_err(|(at, error)| Failure { at, error })?;
                (sending, Some(Failure { at, error }))
            }
        };
        if let (Ground::Borrowed, Some(Effect::Set(settings))) = (&ground, effects.first()) {
            self.exchange(&names(settings)).await.map_err(|error| Failure { at: 0, error })?;
        }
        let mut limits = effects.iter().filter_map(|effect| match effect {
            Effect::Begin(settings) | Effect::Set(settings) => Some(settings.lock_timeout),
            _ => None,
        });
        if let Some(limit) = limits.next_back() {
            self.lock_limit = limit;
        }
        // Whatever happens on the way: only a rollback ends what was open by then.
        self.in_transaction |= effects.iter().any(|effect| matches!(effect, Effect::Begin(_)));
        // The same is true of what is prepared outside of transactions.
        self.prepared = sending.prepared;
        let mut rest = sending.messages.as_slice();
        while let Some(first) = rest.first() {
            let together = match first {
                Message::Query(Query { barrier: false, .. }) => {
                    rest.iter().take_while(|m| matches!(m, Message::Query(Query { barrier: false, .. }))).count()
                }
                _ => 1,
            };
            let (now, later) = rest.split_at(together);
            rest = later;
            match first {
                Message::Copy { at, statement, data } => self.copy(*at, statement, data, journey).await?,
                Message::Query(_) => self.queries(now, journey).await?,
            }
        }
        self.in_transaction = sending.in_transaction;
        if matches!(ground, Ground::Borrowed | Ground::Joined { .. })
            && effects.iter().any(|effect| matches!(effect, Effect::Commit))
        {
            // That nobody can be told is no reason to fail what is committed.
            for notice in self.left_behind().await.unwrap_or_default() {
                journey.progress.notice(notice);
            }
        }
        unsendable.map_or(Ok(()), Err)
    }

    /// Sends queries in one go and reads the answers in their order.
    async fn queries(&mut self, messages: &[Message<'_>], journey: &mut Journey<'_, '_>) -> Result<(), Failure> {
        let mut sent = Vec::with_capacity(messages.len());
        for message in messages {
            let Message::Query(query) = message else { continue };
            let at = query.parts.first().map_or(0, |part| part.at);
            // Nothing needs to be asked for nothing.
            let stream = if query.sql.is_empty() {
                None
            } else {
                let stream = self.client.simple_query_raw(&query.sql).await;
                Some(stream.map_err(|error| Failure { at, error: self.failed(&error) })?)
            };
            sent.push((query, stream));
        }
        for (query, stream) in sent {
            match stream {
                Some(stream) => {
                    self.answers(query, stream, journey).await?;
                    if query.barrier {
                        self.verify(query, journey).await?;
                    }
                }
                None => {
                    for part in &query.parts {
                        journey.began(part.at);
                        journey.ended(part.at, 0);
                    }
                }
            }
        }
        Ok(())
    }

    /// What the server calls done is not always what was wanted.
    async fn verify(&mut self, query: &Query, journey: &mut Journey<'_, '_>) -> Result<(), Failure> {
        let [part] = query.parts.as_slice() else { return Ok(()) };
        let Effect::Statement(statement) = &journey.effects[part.at] else { return Ok(()) };
        evidence::verify(self, statement, &Syntax::POSTGRES).await.map_err(|error| {
            journey.done.truncate(part.at);
            Failure { at: part.at, error }
        })
    }

    /// Reads the answers to one query, a statement at a time.
    async fn answers(
        &mut self,
        query: &Query,
        stream: SimpleQueryStream,
        journey: &mut Journey<'_, '_>,
    ) -> Result<(), Failure> {
        let mut stream = pin!(stream);
        let mut parts = query.parts.iter();
        let mut current = parts.next();
        let mut wait = Wait::begins(self.lock_limit);
        if let Some(part) = current {
            journey.began(part.at);
        }
        loop {
            let item = tokio::select! {
                biased;
                item = stream.next() => item,
                () = tokio::time::sleep_until(wait.next().into()) => {
                    let asked = self.ask(&mut wait, current, journey);
                    tokio::select! {
                        biased;
                        item = stream.next() => item,
                        () = asked => continue,
                    }
                }
            };
            self.hear(journey);
            match item {
                None => return Ok(()),
                Some(Ok(SimpleQueryMessage::CommandComplete(rows))) => {
                    let Some(part) = current else { continue };
                    if part.completes {
                        journey.ended(part.at, rows);
                    }
                    current = parts.next();
                    if let Some(part) = current {
                        journey.began(part.at);
                    }
                    wait = Wait::begins(self.lock_limit);
                }
                Some(Ok(SimpleQueryMessage::Row(row))) => {
                    // Behind a pooler each transaction says which process serves it.
                    if let (Some(facts), Some(Part { kind: PartKind::Frame, .. }), 2) =
                        (&mut self.facts, current, row.len())
                        && let Some(backend) = row.get(1).and_then(|pid| pid.parse().ok())
                    {
                        facts.backend = backend;
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(self.refused(query, current, &error, journey)),
            }
        }
    }

    /// Asks who is in the way of the statement that runs, and tells.
    async fn ask(&mut self, wait: &mut Wait, current: Option<&Part>, journey: &mut Journey<'_, '_>) {
        wait.asked();
        let (Some(side), Some(facts)) = (&mut self.side, &self.facts) else {
            // Nobody can be asked: the answer alone is waited for.
            return std::future::pending().await;
        };
        let blockers = side.blockers(facts.backend).await;
        if !blockers.is_empty() {
            let at = current.map_or(journey.done.len(), |part| part.at);
            journey.progress.blocked(at, &blockers, wait.waited());
            journey.blockers = blockers;
        }
    }

    /// Passes on what the server remarked.
    fn hear(&mut self, journey: &mut Journey<'_, '_>) {
        let Some(notices) = &mut self.notices else { return };
        while let Ok(notice) = notices.try_recv() {
            journey.progress.notice(notice);
        }
    }

    /// What an error in the answers to `query` is about.
    fn refused(
        &mut self,
        query: &Query,
        current: Option<&Part>,
        error: &tokio_postgres::Error,
        journey: &mut Journey<'_, '_>,
    ) -> Failure {
        let last = journey.effects.len().saturating_sub(1);
        let Some(said) = error.as_db_error() else {
            return Failure { at: current.map_or(last, |part| part.at), error: self.failed(error) };
        };
        let mut refused = self.known(refusal(said));
        let place = place(said, &query.sql);
        // An error in the grammar of the whole text is told before its first statement is carried out.
        let part = place.and_then(|place| query.part_at(place)).or(current);
        let at = part.map_or(last, |part| part.at);
        match part {
            Some(Part { kind: PartKind::Script, range, .. }) => {
                let text = &query.sql[range.clone()];
                refused.position = place.map(|place| place - range.start).or_else(|| place_inside(said, text));
                where_else(&mut refused, said);
            }
            Some(Part { kind: PartKind::Row, .. }) => {
                if said.code().code() == INVALID_STATEMENT_NAME {
                    self.prepared = Prepared::Never;
                }
                row_fault(&mut refused, &journey.effects[at]);
            }
            Some(Part { kind: PartKind::Frame, .. }) if said.code().code() == DIVISION_BY_ZERO => {
                refused.fault = Fault::Stale;
                let message = "the lease on the migrations was lost: another run has taken it";
                message.clone_into(&mut refused.message);
            }
            _ => {}
        }
        if refused.is_contention() {
            refused.blockers = std::mem::take(&mut journey.blockers);
        }
        Failure { at, error: refused }
    }

    /// `COPY … FROM STDIN`: its data goes over the wire in a protocol of its own.
    async fn copy(
        &mut self,
        at: usize,
        statement: &str,
        data: &str,
        journey: &mut Journey<'_, '_>,
    ) -> Result<(), Failure> {
        journey.began(at);
        let rows = self.load_rows(statement, data).await;
        self.hear(journey);
        match rows {
            Ok(rows) => {
                journey.ended(at, rows);
                Ok(())
            }
            Err(error) => {
                let mut refused = self.failed(&error);
                if let Some(said) = error.as_db_error() {
                    let in_data = || Some(statement.len() + 1 + place_in_data(said, data)?);
                    refused.position = place(said, statement).or_else(in_data);
                    where_else(&mut refused, said);
                }
                Err(Failure { at, error: refused })
            }
        }
    }

    async fn load_rows(&mut self, statement: &str, data: &str) -> Result<u64, tokio_postgres::Error> {
        let mut sink = pin!(self.client.copy_in::<_, Bytes>(statement).await?);
        for chunk in data.as_bytes().chunks(CHUNK) {
            sink.send(Bytes::copy_from_slice(chunk)).await?;
        }
        sink.finish().await
    }
}

const INVALID_STATEMENT_NAME: &str = "26000";
const DIVISION_BY_ZERO: &str = "22012";
const NOT_NULL_VIOLATION: &str = "23502";
const UNIQUE_VIOLATION: &str = "23505";

/// What an error about a row of the history means.
fn row_fault(error: &mut ServerError, effect: &Effect<'_>) {
    let key = match effect {
        Effect::Append(new) => &new.entry.key,
        Effect::Advance(advance) => &advance.key,
        _ => return,
    };
    let row = format!("row {} of component {} in the history", key.seq, key.component);
    match error.code.as_deref() {
        Some(UNIQUE_VIOLATION) => {
            error.fault = Fault::Duplicate;
            error.message = format!("{row} exists already");
            error.detail = None;
        }
        Some(NOT_NULL_VIOLATION) => {
            error.fault = Fault::Stale;
            error.message = format!("{row} has no row before it");
            error.detail = None;
        }
        Some(INVALID_STATEMENT_NAME) => {
            // A script took the prepared statement away by other words than its own: the next try goes without.
            error.fault = Fault::Stale;
            error.message = format!("{row} was to be written by a prepared statement that is gone");
        }
        Some(DIVISION_BY_ZERO) => {
            error.fault = Fault::Stale;
            error.message = format!("{row} is not as this run left it");
        }
        _ => {}
    }
}

/// Where in functions or data it happened: the place in the file cannot say that.
fn where_else(error: &mut ServerError, said: &DbError) {
    if let Some(context) = said.where_().filter(|_| error.detail.is_none() || error.position.is_none()) {
        let context = context.lines().collect::<Vec<_>>().join("; ");
        error.detail = Some(match error.detail.take() {
            Some(detail) => format!("{detail}; {context}"),
            None => context,
        });
    }
}

/// The variables that settings change.
fn names(settings: &Settings) -> Vec<String> {
    let limits = [("lock_timeout", settings.lock_timeout), ("statement_timeout", settings.statement_timeout)];
    let limits = limits.into_iter().filter_map(|(name, limit)| limit.map(|_| name.to_owned()));
    limits.chain(settings.variables.iter().map(|(name, _)| name.to_ascii_lowercase())).collect()
}
