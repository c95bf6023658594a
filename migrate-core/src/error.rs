//! Why a run ended early, with everything it had done by then.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::apply::Report;
use crate::backend::{Fault, Holder, ServerError};
use crate::code::{CodeError, CodeRuns, Restart};
use crate::condition::Finding;
use crate::counts::Counted;
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::history::Action;
use crate::manifest::Release;
use crate::migration::MigrationId;
use crate::plan::{Mode, Refusal};
use crate::set::StaleBinary;
use crate::source::Source;
use crate::version::Version;

mod condition;
mod loss;

/// Why a run ended early. [`diagnostics`](Error::diagnostics) is what a person should read; `Display` prints the same,
/// and so does `Debug`, because it is what a `main` that ends with an error prints; `{:#?}` shows the facts.
#[derive(Clone, PartialEq)]
pub struct Error {
    kind: Box<ErrorKind>,
    report: Box<Report>,
}

/// The cases, with their facts.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The set is not one.
    Set(Vec<Diagnostic>),
    /// A debug build has other migrations compiled in than its folder holds by now.
    StaleBinary(StaleBinary),
    /// No connection.
    Connect(ServerError),
    /// The server refused something that is not a statement of a migration.
    Server(ServerError),
    /// A rule says no.
    Refused(Refusal),
    /// The server refused a statement.
    Statement(StatementFailure),
    /// Code did not come to its end.
    Code(CodeFailure),
    /// A precondition of a migration did not hold.
    Precondition(PreconditionFailure),
    /// Something that must hold before a run does not: nothing was run.
    Preconditions {
        /// What became of each.
        findings: Vec<Finding>,
        /// What there is to read about the releases that were to run.
        about: BTreeMap<Version, Release>,
    },
    /// There is less than before a migration, and the manifest says that nothing may run after that.
    RowsLost {
        /// The migration, as messages name it.
        title: String,
        /// What is less.
        losses: Vec<Counted>,
        /// What was not begun.
        left: Vec<String>,
        /// It is not applied: that was seen before its commit.
        rolled_back: bool,
        /// It runs statement by statement, so that nothing could take it back.
        journalled: bool,
        /// It is a way back.
        goes_down: bool,
    },
    /// The connection was lost, and no other could be had in time.
    Lost(ServerError),
    /// Somebody else had the lock for longer than we wait.
    Locked {
        /// Who.
        holder: Holder,
        /// How long we waited.
        waited: Duration,
    },
    /// The run was stopped by request, with work left.
    Stopped {
        /// What was not begun or not finished.
        left: Vec<String>,
    },
}

/// A statement that the server refused.
#[derive(Clone, Debug, PartialEq)]
pub struct StatementFailure {
    /// Which migration.
    pub id: MigrationId,
    /// The migration, as messages name it.
    pub title: String,
    /// What was being done with it.
    pub action: Action,
    /// The statement, from 1; `None` where the transaction did not begin, or all were accepted and the commit was not.
    pub statement: Option<usize>,
    /// Of how many.
    pub statements: usize,
    /// How many of them are applied and recorded; in a transaction none is.
    pub recorded: usize,
    /// Whether the statement may have been half done: it commits on the way, or its engine cannot take it back.
    pub partial: bool,
    /// It was stopped, and the server may have finished it all the same: the next run looks.
    pub unsettled: bool,
    /// Where the statement is.
    pub source: Box<Source>,
    /// Its bytes in the file.
    pub span: std::ops::Range<usize>,
    /// What the server said. Its position counts from the beginning of the span, through the data below it too.
    pub error: ServerError,
    /// Why what it left behind could not be removed.
    pub left_behind: Option<String>,
    /// Whether its transaction had begun.
    pub begun: bool,
    /// How the step ran, which says what is left of it.
    pub mode: Mode,
    /// Titles still pending, this one not among them.
    pub pending: Vec<String>,
}

/// Code that did not come to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct CodeFailure {
    /// Which migration.
    pub id: MigrationId,
    /// The migration, as messages name it.
    pub title: String,
    /// What was being done with it.
    pub action: Action,
    /// The file that declares it.
    pub path: String,
    /// How it runs.
    pub runs: CodeRuns,
    /// The checkpoint that is committed.
    pub checkpoint: Option<String>,
    /// A row says that it was begun, so that it must be finished before anything else.
    pub recorded: bool,
    /// What it said.
    pub error: CodeError,
    /// Titles still pending, this one not among them.
    pub pending: Vec<String>,
}

/// A precondition that did not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct PreconditionFailure {
    /// Which migration.
    pub id: MigrationId,
    /// The migration, as messages name it.
    pub title: String,
    /// Where it is written.
    pub place: Option<Box<Place>>,
    /// What should hold.
    pub text: String,
    /// What was asked.
    pub sql: String,
    /// What came back.
    pub answer: String,
    /// What there is to read about the release that it belongs to.
    pub about: Option<(Version, Release)>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, report: Report) -> Self {
        Self { kind: Box::new(kind), report: Box::new(report) }
    }

    /// Which case it is.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// What had been done by then.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Whether somebody else holds the lock, or held one of the database's for too long.
    ///
    /// ```
    /// use migrate_core::{Error, error::ErrorKind, backend::{Fault, ServerError}};
    /// let error = Error::from(ErrorKind::Connect(ServerError::new(Fault::Connect, "refused")));
    /// assert!(!error.is_locked() && error.is_retryable());
    /// ```
    pub fn is_locked(&self) -> bool {
        match &*self.kind {
            ErrorKind::Locked { .. } => true,
            ErrorKind::Statement(failure) => failure.error.is_contention(),
            ErrorKind::Server(error) => error.is_contention(),
            ErrorKind::Code(failure) => failure.error.server().is_some_and(ServerError::is_contention),
            _ => false,
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        self.is_locked()
            || matches!(&*self.kind, ErrorKind::Connect(_) | ErrorKind::Lost(_) | ErrorKind::Stopped { .. })
    }

    /// Whether there was no connection, or none any more.
    pub fn is_unreachable(&self) -> bool {
        matches!(&*self.kind, ErrorKind::Connect(_) | ErrorKind::Lost(_))
    }

    /// Whether a phase must be chosen: a post migration is pending on a database that is in use, and the goal says
    /// neither [`pre`](crate::Goal::pre), [`post`](crate::Goal::post) nor [`all`](crate::Goal::all).
    ///
    /// ```
    /// use migrate_core::{Error, Refusal, error::ErrorKind};
    /// let choice = Refusal::PhaseChoice { pre: Vec::new(), post: vec!["3.4.0/post/50 drop old index".to_owned()] };
    /// assert!(Error::from(ErrorKind::Refused(choice)).needs_phase());
    /// ```
    pub fn needs_phase(&self) -> bool {
        matches!(&*self.kind, ErrorKind::Refused(Refusal::PhaseChoice { .. }))
    }

    /// Whether the run was stopped by request, with work left.
    pub fn is_stopped(&self) -> bool {
        matches!(&*self.kind, ErrorKind::Stopped { .. })
    }

    /// Whether the database is ahead of this set.
    pub fn is_ahead(&self) -> bool {
        matches!(&*self.kind, ErrorKind::Refused(refusal) if refusal.is_ahead())
    }

    /// Whether a person has to say if a statement ran.
    pub fn is_in_doubt(&self) -> bool {
        matches!(&*self.kind, ErrorKind::Refused(refusal) if refusal.is_in_doubt())
    }

    /// What a person should read.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        match &*self.kind {
            ErrorKind::Set(diagnostics) => diagnostics.clone(),
            ErrorKind::StaleBinary(stale) => vec![stale.diagnostic()],
            ErrorKind::Refused(refusal) => refusal.diagnostics(),
            ErrorKind::Connect(error) => vec![connect(error)],
            ErrorKind::Server(error) => vec![server(error)],
            ErrorKind::Statement(failure) => vec![statement(failure, &self.report)],
            ErrorKind::Code(failure) => vec![code(failure, &self.report)],
            ErrorKind::Precondition(failure) => vec![condition::of_one(failure)],
            ErrorKind::Preconditions { findings, about } => vec![condition::of_all(findings, about)],
            ErrorKind::RowsLost { title, losses, left, rolled_back: true, .. } => {
                vec![loss::rolled_back(title, losses, left)]
            }
            ErrorKind::RowsLost { title, losses, left, journalled, goes_down, .. } => {
                vec![loss::stays(title, losses, left, *journalled, *goes_down)]
            }
            ErrorKind::Lost(error) => vec![
                Diagnostic::error(codes::CONNECTION_LOST, format!("the connection was lost: {error}"))
                    .help(self.report.applied_line())
                    .help("nothing is lost: run the same command again, it goes on where this run stopped"),
            ],
            ErrorKind::Locked { holder, waited } => vec![
                Diagnostic::refused(
                    codes::LOCKED,
                    format!("somebody else holds the lock: {}, after waiting {}", shown(holder), seconds(*waited)),
                )
                .help("wait for it to end, or wait longer: --lock-wait 30m"),
            ],
            ErrorKind::Stopped { left } => vec![
                Diagnostic::refused(
                    codes::STOPPED,
                    format!("stopped by request, {} left", count(left.len(), "migration")),
                )
                .help(self.report.applied_line())
                .help("run `migrate up` again: it goes on from here"),
            ],
        }
    }
}

fn connect(error: &ServerError) -> Diagnostic {
    let code = if error.fault == Fault::NoDatabase { codes::NO_DATABASE } else { codes::NO_CONNECTION };
    let diagnostic = with_details(Diagnostic::error(code, error.to_string()), error);
    if error.fault == Fault::NoDatabase && error.hint.is_none() {
        diagnostic.help("create it with `migrate db create`, or in the same go: migrate up --create-db")
    } else {
        diagnostic
    }
}

fn server(error: &ServerError) -> Diagnostic {
    let code = match error.fault {
        Fault::NewerHistory => codes::NEWER_HISTORY,
        Fault::LockTimeout | Fault::Deadlock => codes::LOCK_TIMEOUT,
        _ => codes::SERVER,
    };
    let diagnostic = with_details(Diagnostic::error(code, error.to_string()), error);
    match error.fault {
        Fault::NewerHistory => diagnostic.help("use that version of migrate, or a newer one"),
        Fault::ReadOnly if error.hint.is_none() => {
            diagnostic.help("check the permissions of the database and of who runs this")
        }
        _ => diagnostic,
    }
}

fn statement(failure: &StatementFailure, report: &Report) -> Diagnostic {
    let StatementFailure { title, statement, statements, error, action, .. } = failure;
    let code = if error.is_contention() { codes::LOCK_TIMEOUT } else { codes::STATEMENT_FAILED };
    let what = match statement {
        Some(number) => format!("statement {number} of {statements} failed"),
        None if failure.begun => "the commit failed".to_owned(),
        None => "the transaction could not begin".to_owned(),
    };
    let mut diagnostic = Diagnostic::error(code, format!("{title}: {what}: {error}"));
    if statement.is_some() {
        let at = match error.position.map(|position| failure.span.start + position) {
            // In the data of a statement a line is what can be named.
            Some(start) if start > failure.span.end => start..line_end(failure.source.file(), start),
            Some(start) => start..word_end(failure.source.file(), start),
            None => failure.span.clone(),
        };
        diagnostic = diagnostic.at(Place::in_source(&failure.source, at));
    } else {
        diagnostic = diagnostic.at(Place::path(failure.source.path()));
    }
    diagnostic = with_details(diagnostic, error);
    // How far down somebody wanted to go is not known here.
    let again = if *action == Action::Down { "run the same command again" } else { "run `migrate up` again" };
    let line = if *action == Action::Down { report.taken_back_line() } else { report.applied_line() };
    diagnostic = diagnostic.help(format!("{line}{}", pending(&failure.pending, *action)));
    let retry = if error.is_contention() { "when it is free" } else { "once the file is mended" };
    match (failure.mode, statement) {
        (Mode::Journal, Some(_)) => {
            let recorded = failure.recorded;
            if failure.unsettled {
                let allowed = match error.fault {
                    Fault::StatementTimeout => "make the statement faster or allow it more, --statement-timeout 10m, and ",
                    _ => "",
                };
                return diagnostic
                    .help("the server may have finished it all the same: the next run looks before it goes on")
                    .help(format!("{allowed}{again}"));
            }
            let line = failure.source.position(failure.span.start).line;
            let diagnostic = diagnostic.help(if recorded == 0 {
                "nothing of this migration has run".to_owned()
            } else {
                format!("{} applied and recorded; {} not run", ran(recorded), not_run(recorded + 1, *statements))
            });
            let diagnostic = match &failure.left_behind {
                Some(why) => diagnostic.help(format!(
                    "what it left behind could not be removed: {why}: the next run tries that again first"
                )),
                None => diagnostic,
            };
            let diagnostic = if failure.partial {
                diagnostic.help("the failed statement may have been half done: look before it runs again")
            } else {
                diagnostic
            };
            diagnostic.help(if error.is_contention() {
                format!("{again} {retry}: it goes on with statement {}", recorded + 1)
            } else if error.fault == Fault::StatementTimeout {
                format!(
                    "make the statement faster or allow it more, --statement-timeout 10m, and {again}: it goes on with \
                     statement {}",
                    recorded + 1
                )
            } else if failure.source.is_stored() {
                let (next, kept) = (recorded + 1, if recorded > 0 { ", leave those before it as they are" } else { "" });
                format!("mend the file's way back from statement {next} on{kept} and {again}: it goes on with statement {next}")
            } else {
                format!(
                    "fix the file from line {line} on and {again}: it goes on with statement {}",
                    recorded + 1
                )
            })
        }
        (Mode::Callback, _) => diagnostic.help(format!("it leaves no row and runs again from its beginning: {} and {again}", if error.is_contention() { "wait until the lock is free" } else { "fix the file" })),
        _ if error.is_contention() && !failure.begun => diagnostic.help(format!("{again} {retry}")),
        _ if error.is_contention() => {
            diagnostic.help(format!("the transaction was rolled back: {again} {retry}"))
        }
        _ if failure.source.is_stored() => diagnostic
            .help(
                "the transaction was rolled back: this is the way back as it was stored when the migration was applied",
            )
            .help(format!(
                "mend the file's way back, store it with `migrate accept {}`, then {again}",
                failure.id.typed()
            )),
        _ if error.fault == Fault::StatementTimeout => diagnostic.help(format!(
            "the transaction was rolled back: make the statement faster or allow it more, --statement-timeout 10m, and {again}"
        )),
        _ => diagnostic.help(format!("the transaction was rolled back: fix the file and {again}")),
    }
}

fn code(failure: &CodeFailure, report: &Report) -> Diagnostic {
    let CodeFailure { title, action, path, runs, checkpoint, recorded, error, .. } = failure;
    let contention = error.server().is_some_and(ServerError::is_contention);
    let code = if contention { codes::LOCK_TIMEOUT } else { codes::CODE_FAILED };
    let mut diagnostic = Diagnostic::error(code, format!("{title}: its code failed: {error}")).at(Place::path(path));
    let mut source = error.source().source();
    while let Some(cause) = source {
        diagnostic = diagnostic.help(format!("because: {cause}"));
        source = cause.source();
    }
    if let Some(error) = error.server() {
        diagnostic = with_details(diagnostic, error);
    }
    let line = if *action == Action::Down { report.taken_back_line() } else { report.applied_line() };
    diagnostic = diagnostic.help(format!("{line}{}", pending(&failure.pending, *action)));
    diagnostic.help(match (runs, checkpoint) {
        _ if !recorded => "its transaction was rolled back: fix the code and run it again".to_owned(),
        (CodeRuns::InBatches, Some(checkpoint)) => format!(
            "what it did since checkpoint {checkpoint} was rolled back: fix the code and run it again, it goes on from there"
        ),
        (CodeRuns::InBatches, None) => "what it did was rolled back: fix the code and run it again".to_owned(),
        (CodeRuns::Outside(Restart::AtCheckpoint), Some(checkpoint)) => {
            format!("fix the code and run it again: it goes on at checkpoint {checkpoint}")
        }
        (CodeRuns::Outside(Restart::FromScratch), _) => {
            "fix the code and run it again: it removes what this attempt left, and starts over".to_owned()
        }
        (CodeRuns::InTransaction | CodeRuns::Outside(_), _) => {
            "what it did so far may be there: look, then fix the code and run it again from its beginning".to_owned()
        }
    })
}

fn ran(recorded: usize) -> String {
    match recorded {
        1 => "statement 1 is".to_owned(),
        2 => "statements 1 and 2 are".to_owned(),
        n => format!("statements 1 to {n} are"),
    }
}

fn not_run(statement: usize, statements: usize) -> String {
    match statements - statement {
        0 => format!("{statement} has"),
        1 => format!("{statement} and {statements} have"),
        _ => format!("{statement} to {statements} have"),
    }
}

fn pending(titles: &[String], action: Action) -> String {
    let left = if action == Action::Down { "still to take back" } else { "still pending" };
    match titles {
        [] => String::new(),
        all if all.len() <= 3 => format!("; {left}: {}", all.join(", ")),
        [first, .., last] => format!("; {left}: {first} … {last} ({})", titles.len()),
        [one] => format!("; {left}: {one}"),
    }
}

fn with_details(mut diagnostic: Diagnostic, error: &ServerError) -> Diagnostic {
    for (name, text) in [("detail", &error.detail), ("hint", &error.hint)] {
        if let Some(text) = text {
            diagnostic = diagnostic.help(format!("{name}: {text}"));
        }
    }
    for blocker in &error.blockers {
        let query = blocker.query.as_deref().map(|query| format!(": {query}")).unwrap_or_default();
        let age = blocker.age.map(|age| format!(" for {}", seconds(age))).unwrap_or_default();
        diagnostic = diagnostic.help(format!("in the way: {}{age}{query}", blocker.who));
    }
    diagnostic
}

/// The end of the word that starts at `start`, so that a caret underlines it.
fn word_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    start + if word == 0 { rest.chars().next().map_or(0, char::len_utf8) } else { word }
}

fn line_end(text: &str, start: usize) -> usize {
    text.get(start..).and_then(|rest| rest.find(['\r', '\n'])).map_or(text.len(), |length| start + length)
}

/// A holder as people read it.
pub fn shown(holder: &Holder) -> String {
    let since = holder.since.map(|since| format!(" for {}", seconds(since))).unwrap_or_default();
    let running = holder.running.as_deref().map(|running| format!(", running {running}")).unwrap_or_default();
    format!("{} has it{since}{running}", holder.who)
}

/// A duration as people read it: `41 ms`, `1.2 s`, `6 min`, `2 h`.
pub fn seconds(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..10_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        10_000..120_000 => format!("{} s", millis / 1_000),
        120_000..7_200_000 => format!("{} min", millis / 60_000),
        _ => format!("{} h", millis / 3_600_000),
    }
}

/// `1 migration`, `2 migrations`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.diagnostics().iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            return write!(f, "{self}");
        }
        f.debug_struct("Error").field("kind", &self.kind).field("report", &self.report).finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.kind {
            ErrorKind::Code(failure) => Some(failure.error.source()),
            _ => None,
        }
    }
}

/// An error before anything was done.
impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind, Report::default())
    }
}

impl From<Refusal> for ErrorKind {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A server's error where no statement of a migration was running.
impl From<ServerError> for ErrorKind {
    fn from(error: ServerError) -> Self {
        match error.fault {
            Fault::Connect | Fault::NoDatabase => Self::Connect(error),
            Fault::Lost => Self::Lost(error),
            _ => Self::Server(error),
        }
    }
}
