//! Packets → the server and back.

use std::pin::pin;
use std::time::{Duration, Instant};

use migrate_core::backend::{
    Blocker, Done, Effect, Fault, Notice, Performed, Progress, Row, ServerError, TableName, Wait,
};
use migrate_core::sql::classify::words;
use migrate_core::sql::{StatementKind, Syntax};
use mysql_async::prelude::Queryable as _;

use crate::blockers::Side;
use crate::cluster::{self, TRIES};
use crate::dialect::variables;
use crate::error::{located, server_error};
use crate::gtid;
use crate::infile;
use crate::packet::{
    COMMIT, COMMITS_AGAIN, Ground, Packet, Part, PartKind, Sending, Standing, changes_session, packets, user_variables,
};
use crate::session::{MysqlSession, cells};

/// Effects on their way, and what is known of them by now.
struct Journey<'a, 'p> {
    effects: &'a [Effect<'a>],
    progress: &'p mut (dyn Progress + Send),
    begun: Option<usize>,
    done: Vec<Done>,
    /// Rows that the script's statement of the effect affected.
    affected: Option<u64>,
    /// Who was in the way of an effect when it was last asked.
    blockers: Option<(usize, Vec<Blocker>)>,
    /// How long each effect may take.
    limits: Vec<Limits>,
}

/// How long things may take; `None` where there is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// To wait for a lock.
    lock: Option<Duration>,
    /// To run one statement.
    statement: Option<Duration>,
}

/// What went wrong, and with which effect.
struct Failure {
    at: usize,
    error: ServerError,
}

impl Journey<'_, '_> {
    fn began(&mut self, at: usize) {
        if at == self.done.len() && self.begun != Some(at) {
            self.begun = Some(at);
            self.progress.began(at);
        }
    }

    /// A part was carried out.
    fn ended(&mut self, part: &Part) {
        // What is sent again may have been done once.
        if !part.completes || part.at < self.done.len() {
            return;
        }
        let counts = matches!(&self.effects[part.at], Effect::Statement(statement)
            if statement.class.kind == StatementKind::Manipulation);
        let done = Done { rows: self.affected.take().filter(|_| counts) };
        self.progress.done(part.at, &done);
        self.done.push(done);
    }

    /// Everything before `at` is done.
    fn complete(&mut self, at: usize) {
        while self.done.len() < at {
            let next = self.done.len();
            self.began(next);
            self.progress.done(next, &Done::default());
            self.done.push(Done::default());
        }
    }

    /// What a statement that maintains tables says that it could not do.
    fn maintained(&self, part: &Part, rows: &[Row]) -> Option<mysql_async::Error> {
        let maintains = matches!(&self.effects[part.at], Effect::Statement(statement)
            if part.kind == PartKind::Script && statement.class.kind == StatementKind::Maintenance);
        maintains.then(|| maintenance_failure(rows)).flatten()
    }

    /// What the server remarked about a statement of the script.
    fn hear(&mut self, rows: Vec<Row>) {
        for row in rows {
            let mut cells = row.into_iter();
            let (level, code, message) = (cells.next().flatten(), cells.next().flatten(), cells.next().flatten());
            let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
            self.progress.notice(Notice {
                level: level.unwrap_or_default().to_ascii_uppercase(),
                message: format!("{}{code}", message.unwrap_or_default()),
            });
        }
    }
}

/// What `ANALYZE`, `CHECK`, `OPTIMIZE` and `REPAIR` failed with: they answer with rows of table, operation, type and
/// text, also where they could do nothing.
fn maintenance_failure(rows: &[Row]) -> Option<mysql_async::Error> {
    let failed = rows
        .iter()
        .find(|row| row.get(2).and_then(Option::as_deref).is_some_and(|kind| kind.eq_ignore_ascii_case("error")))?;
    let message = failed.get(3).cloned().flatten().unwrap_or_default();
    // The number that the server gives to the same text where it answers with an error.
    let known = [("Lock wait timeout", 1205), ("Deadlock found", 1213), ("execution was interrupted", 1317)];
    let code = known.into_iter().find(|(text, _)| message.contains(text)).map_or(UNKNOWN_ERROR, |(_, code)| code);
    Some(mysql_async::ServerError { code, message, state: "HY000".to_owned() }.into())
}

/// What has no number of its own.
const UNKNOWN_ERROR: u16 = 1105;

impl MysqlSession<'_> {
    pub(crate) async fn carry_out(
        &mut self,
        table: &TableName,
        effects: &[Effect<'_>],
        progress: &mut (dyn Progress + Send),
    ) -> Performed {
        let mut journey = Journey {
            effects,
            progress,
            begun: None,
            done: Vec::with_capacity(effects.len()),
            affected: None,
            blockers: None,
            limits: Vec::new(),
        };
        match self.travel(table, effects, &mut journey).await {
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
        let first = |error| Failure { at: 0, error };
        let home = self.home(table).await.map_err(first)?;
        let ground = self.ground(effects).await.map_err(first)?;
        if self.explicit_gtid && self.standing.gtids.is_none() {
            self.standing.gtids = Some(gtid::of(self, &home).await.map_err(first)?);
        }
        // What it would be refused for is known, so that nothing of it is sent.
        let barred = self.origin.as_ref().and_then(|origin| infile::barred(effects, &origin.files, &ground.syntax));
        let effects = barred.as_ref().map_or(effects, |(at, _)| &effects[..*at]);
        let barred = barred.map(|(at, error)| Failure { at, error });
        let (sending, standing, unsendable) = match packets(effects, &home, &ground, &self.standing) {
            Ok((sending, standing)) => (sending, standing, barred),
            Err((at, error)) => {
                // What comes before it is carried out, as anywhere else.
                let (sending, standing) = packets(&effects[..at], &home, &ground, &self.standing)
                    .map_err(|(at, error)| Failure { at, error })?;
                (sending, standing, Some(Failure { at, error }))
            }
        };
        journey.limits = self.look_ahead(effects, &ground);
        for one in &sending {
            let ended = match one {
                Sending::Packet(packet) => self.packet(packet, journey).await,
                Sending::Clean { at, ours } => {
                    let cleaned = self.clean(ours, &mut |notice| journey.progress.notice(notice)).await;
                    cleaned.map_err(|error| Failure { at: *at, error })
                }
            };
            if let Err(failure) = ended {
                self.stopped_at(effects, failure.at, &sending, &standing).await;
                return Err(failure);
            }
        }
        self.standing = standing;
        unsendable.map_or(Ok(()), Err)
    }

    /// What is known before anything is sent: limits, and what scripts will leave behind.
    fn look_ahead(&mut self, effects: &[Effect<'_>], ground: &Ground) -> Vec<Limits> {
        let mut limits = Vec::with_capacity(effects.len());
        for effect in effects {
            match effect {
                Effect::Begin(settings) | Effect::Set(settings) => {
                    // MariaDB keeps this limit itself.
                    let statement = settings.statement_timeout.filter(|limit| !ground.mariadb && !limit.is_zero());
                    self.limits = Limits { lock: settings.lock_timeout, statement };
                }
                Effect::Statement(statement) => {
                    self.objects.passed(statement, &ground.syntax);
                    self.temporary.extend(temporary_table(statement.text, &ground.syntax));
                    self.user_variables.extend(user_variables(statement.text, &ground.syntax).map(str::to_owned));
                }
                _ => {}
            }
            limits.push(self.limits);
        }
        limits
    }

    /// Where things stand after a failure is not known exactly, so that nothing is taken for granted.
    async fn stopped_at(&mut self, effects: &[Effect<'_>], at: usize, sending: &[Sending], planned: &Standing) {
        let mariadb = self.facts.as_ref().is_some_and(|facts| facts.mariadb);
        let opened = effects.iter().any(|effect| matches!(effect, Effect::Begin(_)));
        self.standing.in_transaction |= opened;
        self.standing.dirty |= planned.dirty;
        for (index, effect) in effects.iter().enumerate() {
            let (Effect::Begin(settings) | Effect::Set(settings)) = effect else { continue };
            let wanted = variables(settings, mariadb);
            // A variable may have either value by now: the next who wants one sets it, and whoever wants none puts it
            // back.
            self.standing.in_force.extend(wanted.keys().map(|variable| (variable.clone(), String::new())));
            if index <= at && matches!(effect, Effect::Set(_)) {
                self.standing.session = wanted;
            }
        }
        if std::mem::take(&mut self.standing.gtids).is_some() {
            // One that was set and not used is given back. How many are used is asked again.
            let _ = self.rows("ROLLBACK").await;
            let _ = self.rows(gtid::AUTOMATIC).await;
        }
        let segments = |one: &Sending| matches!(one, Sending::Packet(packet) if packet.sql.contains(COMMITS_AGAIN));
        if sending.iter().any(segments) {
            // That the connection is gone will be seen by whoever uses it next.
            let _ = self.rows("ROLLBACK").await;
            let _ = self.rows(COMMITS_AGAIN).await;
        }
    }

    async fn ground(&mut self, effects: &[Effect<'_>]) -> Result<Ground, ServerError> {
        let facts = self.facts().await?;
        let matters = |effect: &Effect<'_>| match effect {
            Effect::Begin(settings) | Effect::Set(settings) => {
                variables(settings, facts.mariadb).keys().any(|name| !self.base.contains_key(name))
            }
            Effect::Statement(statement) => changes_session(statement, &facts.syntax),
            _ => false,
        };
        if effects.iter().any(matters) {
            self.know_variables().await?;
        }
        Ok(Ground {
            mariadb: facts.mariadb,
            syntax: facts.syntax,
            counts_found: self.conn.opts().client_found_rows(),
            limit: facts.max_packet.min(self.conn.opts().max_allowed_packet().unwrap_or(usize::MAX)).saturating_sub(64),
            base: self.base.clone(),
            lease: self.lease.as_ref().map(|lease| (lease.table().to_owned(), lease.fence())),
        })
    }

    /// Sends a packet, on a cluster its rows again where somebody was in their way.
    async fn packet(&mut self, packet: &Packet, journey: &mut Journey<'_, '_>) -> Result<(), Failure> {
        let mut rest: Option<Packet> = None;
        for attempt in 1.. {
            let packet = rest.as_ref().unwrap_or(packet);
            let Err((part, failure)) = self.send(packet, journey).await else { break };
            let failure = self.mend_seam(packet, part, failure, journey).await?;
            let may = self.lease.is_some() && failure.error.is_contention() && attempt < TRIES;
            let Some(again) = cluster::again(packet, part).filter(|_| may) else { return Err(failure) };
            self.rows("ROLLBACK").await.map_err(|error| Failure { error, ..failure })?;
            tokio::time::sleep(Duration::from_millis(25 << attempt)).await;
            rest = Some(again);
        }
        Ok(())
    }

    /// What was to be committed with the row that opens the next step is committed without it where only that failed:
    /// the step before it is complete.
    async fn mend_seam(
        &mut self,
        packet: &Packet,
        failed: usize,
        failure: Failure,
        journey: &mut Journey<'_, '_>,
    ) -> Result<Failure, Failure> {
        let Some(seam) = packet.seams.iter().find(|seam| seam.parts.contains(&failed)) else { return Ok(failure) };
        if failure.error.is_lost() {
            return Ok(failure);
        }
        let ends = seam.ends;
        let refused = |error| Failure { at: ends, error };
        if seam.is_scripts {
            // A deadlock takes the whole transaction back.
            if failure.at == ends || failure.error.is_contention() {
                return Ok(refused(failure.error));
            }
            self.rows(COMMIT).await.map_err(refused)?;
            journey.complete(failure.at);
            return Ok(failure);
        }
        self.rows("ROLLBACK").await.map_err(refused)?;
        if failure.at == ends {
            return Ok(failure);
        }
        let (mut again, mut start) = (Packet::default(), None);
        for part in
            packet.parts[seam.parts.clone()].iter().filter(|part| part.at == ends && part.kind != PartKind::Frame)
        {
            let start = *start.get_or_insert(part.range.start);
            again.parts.push(Part { range: part.range.start - start..part.range.end - start, ..part.clone() });
            again.sql = packet.sql[start..part.range.end].to_owned();
        }
        self.send(&again, journey).await.map_err(|(_, failure)| failure)?;
        journey.complete(failure.at);
        Ok(failure)
    }

    /// Sends a packet and reads all its answers, a statement at a time. Of a failure it is told in which part.
    async fn send(&mut self, packet: &Packet, journey: &mut Journey<'_, '_>) -> Result<(), (usize, Failure)> {
        let mut parts = packet.parts.iter();
        let Some(mut current) = next(&mut parts, journey) else { return Ok(()) };
        let mut watch = Watch {
            side: &mut self.side,
            connection: self.facts.as_ref().map(|facts| (facts.connection, facts.mariadb)).unwrap_or_default(),
            overdue: false,
        };
        let failed = match watch.over(self.conn.query_iter(packet.sql.as_str()), current, journey).await {
            Err(error) => Some((current, error)),
            Ok(mut result) => loop {
                // The answer to the current part has begun. Where it is an error the driver keeps that for whoever reads
                // on, and knows of no columns.
                let columns = result.columns().map(|columns| columns.len());
                if current.kind == PartKind::Code && columns.is_some() {
                    // How many answers belong to it is known at the end only.
                    break watch.over(result.drop_result(), current, journey).await.err().map(|error| (current, error));
                }
                let mut rows: Vec<Row> = Vec::new();
                if columns != Some(0) {
                    let read = result.reduce((), |(), row| rows.push(cells(row)));
                    // Behind the last row the driver waits for the next answer.
                    let awaited = parts.clone().find(|part| !part.range.is_empty()).unwrap_or(current);
                    if let Err(error) = watch.over(read, awaited, journey).await {
                        break Some((current, error));
                    }
                } else if current.kind == PartKind::Script {
                    journey.affected = Some(result.affected_rows());
                }
                if current.kind == PartKind::Warnings {
                    journey.hear(rows);
                } else if let Some(error) = journey.maintained(current, &rows) {
                    break Some((current, error));
                }
                journey.ended(current);
                let Some(following) = next(&mut parts, journey) else {
                    break result.drop_result().await.err().map(|error| (current, error));
                };
                current = following;
                if columns == Some(0)
                    && let Err(error) =
                        watch.over(result.reduce((), |(), _: mysql_async::Row| ()), current, journey).await
                {
                    break Some((current, error));
                }
            },
        };
        let overdue = watch.overdue;
        if let Some((part, error)) = failed {
            let index = packet.parts.iter().position(|other| std::ptr::eq(other, part)).unwrap_or_default();
            return Err((index, self.refused(packet, part, &error, overdue, journey)));
        }
        // Behind code all is done, or something would have been said.
        if current.kind == PartKind::Code {
            journey.ended(current);
            while let Some(part) = next(&mut parts, journey) {
                journey.ended(part);
            }
        }
        Ok(())
    }

    /// What an error in the answers to a packet is about.
    fn refused(
        &mut self,
        packet: &Packet,
        part: &Part,
        error: &mysql_async::Error,
        overdue: bool,
        journey: &mut Journey<'_, '_>,
    ) -> Failure {
        let mut error = server_error(error);
        if error.fault == Fault::Cancelled && overdue {
            error.fault = Fault::StatementTimeout;
            "the statement took longer than it may, and was stopped".clone_into(&mut error.message);
        }
        // Behind code it is not known which of the statements it was; only ours calculate.
        let calculated = error.code.as_deref() == Some(OUT_OF_RANGE);
        let guard = calculated && error.message.contains("row_count()");
        if calculated && !guard && part.kind == PartKind::Row {
            error.fault = Fault::Cancelled;
            error.code = None;
            "interrupted while the catalog was read for what the next statement changes".clone_into(&mut error.message);
        }
        let mut error = self.known(error);
        let mut at = part.at;
        let guard = guard
            || matches!(part.kind, PartKind::Guard | PartKind::Lease) && !error.is_lost() && !error.is_contention();
        match part.kind {
            PartKind::Lease if guard => lease_lost(&mut error),
            _ if guard => {
                let row = packet.parts.iter().find(|other| other.kind == PartKind::Guard && other.at >= part.at);
                at = row.map_or(part.at, |row| row.at);
                stale(&mut error, &journey.effects[at]);
            }
            PartKind::Script | PartKind::Code => {
                if let Effect::Statement(statement) = &journey.effects[part.at] {
                    located(&mut error, statement.text);
                }
            }
            PartKind::Row if error.code.as_deref() == Some(DUPLICATE_ENTRY) => {
                if let Effect::Append(new) = &journey.effects[part.at] {
                    let key = &new.entry.key;
                    error.fault = Fault::Duplicate;
                    error.message =
                        format!("row {} of component {} in the history exists already", key.seq, key.component);
                }
            }
            _ => {}
        }
        if error.is_contention() {
            let blockers = journey.blockers.take().filter(|(of, _)| *of == at);
            error.blockers = blockers.map(|(_, blockers)| blockers).unwrap_or_default();
        }
        Failure { at, error }
    }
}

const OUT_OF_RANGE: &str = "1690";
const DUPLICATE_ENTRY: &str = "1062";

fn lease_lost(error: &mut ServerError) {
    error.fault = Fault::Stale;
    "the lease on the migrations was lost: another run has taken it".clone_into(&mut error.message);
    error.code = None;
}

fn stale(error: &mut ServerError, effect: &Effect<'_>) {
    if let Effect::Advance(advance) = effect {
        let key = &advance.key;
        error.fault = Fault::Stale;
        error.code = None;
        error.message =
            format!("row {} of component {} in the history is not as this run left it", key.seq, key.component);
    }
}

/// The next part that is sent. What needs nothing is done on the way to it.
fn next<'p>(parts: &mut std::slice::Iter<'p, Part>, journey: &mut Journey<'_, '_>) -> Option<&'p Part> {
    for part in parts.by_ref() {
        journey.began(part.at);
        if !part.range.is_empty() {
            return Some(part);
        }
        journey.ended(part);
    }
    None
}

/// How long a server may take to stop a statement until it is told again.
const STOP_AGAIN: Duration = Duration::from_secs(2);

/// What looks after a statement while it runs.
struct Watch<'s> {
    side: &'s mut Option<Side>,
    connection: (u32, bool),
    /// The limit was reached, and the statement stopped.
    overdue: bool,
}

impl Watch<'_> {
    /// Waits for an answer. Meanwhile it asks who is in the way, and stops what takes too long.
    async fn over<T>(&mut self, answer: impl Future<Output = T>, part: &Part, journey: &mut Journey<'_, '_>) -> T {
        let mut answer = pin!(answer);
        let limits = journey.limits.get(part.at).copied().unwrap_or_default();
        let mut wait = Wait::begins(limits.lock);
        let began = Instant::now();
        let is_script = matches!(part.kind, PartKind::Script | PartKind::Code);
        let mut stops = 0;
        loop {
            // A server may have been between two things when it was told to stop.
            let limit = limits.statement.filter(|_| is_script).map(|limit| began + limit + STOP_AGAIN * stops);
            let wake = limit.map_or(wait.next(), |limit| limit.min(wait.next()));
            tokio::select! {
                biased;
                answer = &mut answer => return answer,
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            let (connection, mariadb) = self.connection;
            let Some(side) = self.side.as_mut() else { return answer.await };
            if limit.is_some_and(|limit| limit <= Instant::now()) {
                self.overdue = true;
                stops += 1;
                let stop = side.stop(connection);
                tokio::select! {
                    biased;
                    answer = &mut answer => return answer,
                    () = stop => {}
                }
                continue;
            }
            wait.asked();
            let asked = async {
                side.end_if_idle(connection).await;
                side.blockers(connection, mariadb, wait.waited()).await
            };
            tokio::select! {
                biased;
                answer = &mut answer => return answer,
                blockers = asked => {
                    if !blockers.is_empty() {
                        journey.progress.blocked(part.at, &blockers, wait.waited());
                        journey.blockers = Some((part.at, blockers));
                    }
                }
            }
        }
    }
}

/// The name of a temporary table that a statement makes, as it is written.
fn temporary_table(text: &str, syntax: &Syntax) -> Option<String> {
    let mut words = words(text, syntax).filter(|word| !word.is_any(&["or", "replace", "if", "not", "exists"]));
    (words.next()?.is("create") && words.next()?.is("temporary") && words.next()?.is("table")).then_some(())?;
    let mut name = words.next()?.text.to_owned();
    while words.next().is_some_and(|word| word.is(".")) {
        name = format!("{name}.{}", words.next()?.text);
    }
    Some(name)
}
