//! A run as people watch it: a line for each migration when it is done, and signs of life while it lasts.

use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use migrate_core::apply::Report;
use migrate_core::backend::{Blocker, Holder, ServerError};
use migrate_core::diagnostic::{Diagnostic, codes};
use migrate_core::error::{count, seconds, shown};
use migrate_core::event::{Event, Observer};
use migrate_core::history::Action;
use migrate_core::plan::{Mode, Plan, Step};

use super::json;
use super::notices::Notices;
use crate::screen::Screen;
use crate::signals::Told;

/// How often a terminal is told what runs.
const FRAME: Duration = Duration::from_millis(250);
/// What is over sooner needs no sign of life.
const LASTS: Duration = Duration::from_secs(1);
/// How often everybody else is told.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// What a watched run left to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// Migrations that went on where an earlier run had stopped, and were completed.
    pub completed: usize,
    /// Rows that only mark the version of a baseline.
    pub floors: usize,
    /// Rows that only mark how far another tool's history was taken over.
    pub adoptions: usize,
    /// Snapshots that were installed.
    pub snapshots: usize,
    /// Whether something was to be done.
    pub planned: bool,
    /// Rows that say of what is squashed that it is no longer kept.
    pub pruned: usize,
}

/// Shows what happens while `work` runs. `place` is how the head of the run names the database.
pub fn watch<T>(
    screen: &mut Screen<'_>,
    place: &str,
    work: impl FnOnce(&mut dyn Observer, &(dyn Fn(Told) + Sync)) -> T,
) -> (T, Watched) {
    let live = Mutex::new(Live::new(screen, place));
    let lock = || live.lock().unwrap_or_else(PoisonError::into_inner);
    let (working, ended) = mpsc::channel::<()>();
    let value = thread::scope(|scope| {
        scope.spawn(move || {
            while ended.recv_timeout(FRAME) == Err(mpsc::RecvTimeoutError::Timeout) {
                lock().tick();
            }
        });
        let value = work(&mut |event: &Event<'_>| lock().event(event), &|told| lock().told(told));
        drop(working);
        value
    });
    let watched = lock().ended();
    (value, watched)
}

struct Live<'s, 'a> {
    screen: &'s mut Screen<'a>,
    place: &'s str,
    columns: Columns,
    running: Option<Running>,
    last_sign: Instant,
    watched: Watched,
    notices: Notices,
}

/// What is going on.
struct Running {
    what: String,
    detail: String,
    since: Instant,
}

/// The widths of a plan's columns.
#[derive(Default)]
struct Columns {
    id: usize,
    description: usize,
    work: usize,
}

impl<'s, 'a> Live<'s, 'a> {
    fn new(screen: &'s mut Screen<'a>, place: &'s str) -> Self {
        let now = Instant::now();
        Self {
            screen,
            place,
            columns: Columns::default(),
            running: None,
            last_sign: now,
            watched: Watched::default(),
            notices: Notices::default(),
        }
    }

    fn event(&mut self, event: &Event<'_>) {
        if self.screen.logs_json() {
            self.screen.log(&json::event(event));
        }
        match event {
            Event::Planned { plan } => self.planned(plan),
            Event::Settled { step, statement, ran, evidence } => {
                let outcome = if *ran { "it had run" } else { "it had not run" };
                let (id, of) = (&step.id, step.statements());
                self.say(&format!("  {id} was interrupted at statement {statement} of {of}: {outcome} ({evidence})"));
            }
            Event::Waiting { holder, waited } => self.waiting(holder, *waited),
            Event::StepStarted { step } => {
                let title = step.title();
                self.start(title, Duration::ZERO);
            }
            Event::StatementStarted { step, statement } => self.statement(step, *statement),
            Event::Batch { step, statement, done, total, rows } => {
                let done = match total {
                    Some(0) | None => format!("{done} done"),
                    Some(total) => format!("{} %", done.saturating_mul(100) / total),
                };
                let of = step.statements();
                self.detail(format!("statement {statement} of {of}, {done}, {rows} rows"));
            }
            Event::Resumed { step, how } => self.say(&format!("  {}: {how}", step.id)),
            Event::Progress { done, total, .. } => self.detail(match total {
                Some(0) | None => format!("{done} done"),
                Some(total) => format!("{done} of {total}, {} %", done.saturating_mul(100) / total),
            }),
            Event::Noticed { notice, .. } if self.screen.is_verbose() => {
                self.screen.remark(&format!("    {}: {}", notice.level.to_lowercase(), notice.message));
            }
            Event::Noticed { step, notice } if notice.level == "WARNING" => {
                let left = self.notices.hold(step.map(|step| &step.id), notice);
                self.remarks(&left);
            }
            Event::Blocked { step, statement, blockers, waited } => {
                self.blocked(step, *statement, blockers, *waited);
            }
            Event::Retry { step, attempt, next_in, give_up_in, error } => {
                let (next, end) = (seconds(*next_in), seconds(*give_up_in));
                self.retry(step, *attempt, error, &format!("retry {attempt}, next in {next}, giving up in {end}"));
            }
            Event::Reconnecting { error, attempt, next_in } => self.reconnecting(error, *attempt, *next_in),
            Event::StepFinished { step, elapsed } => self.finished(step, *elapsed),
            Event::Remark { diagnostic } if !self.screen.logs_json() => {
                self.screen.diagnostics(std::slice::from_ref(*diagnostic));
            }
            _ => {}
        }
    }

    fn planned(&mut self, plan: &Plan) {
        self.running = None;
        self.columns = Columns::of(plan);
        if plan.is_empty() {
            return;
        }
        let recorded = plan.recorded().next().is_some();
        // Whoever lost a race plans again.
        if recorded && !std::mem::replace(&mut self.watched.planned, true) {
            self.say(&format!("{} · {}", self.place, what(plan)));
        }
        let empty = plan
            .steps
            .iter()
            .filter(|step| step.action == Action::Up && step.script.is_some() && step.statements() == 0);
        let empty: Vec<&Step> = empty.collect();
        // Most of these are files somebody has yet to write; where there are many, that is how the set is made.
        let warning = match empty.as_slice() {
            [] => return,
            [step] => Diagnostic::warning(
                codes::NO_STATEMENT,
                format!("{}: has no statement, and counts as applied all the same", step.title()),
            )
            .help(format!("if you have yet to write it: migrate resolve {} --not-applied", step.id.typed())),
            [first, .., last] => Diagnostic::warning(
                codes::NO_STATEMENT,
                format!(
                    "{} migrations have no statement, and count as applied all the same: {} … {}",
                    empty.len(),
                    first.title(),
                    last.title()
                ),
            )
            .help("if one of them is yet to be written: migrate resolve ID --not-applied"),
        };
        self.screen.diagnostics(&[warning]);
    }

    /// Said once for each thing the holder does; how long it lasts is a sign of life like any other.
    fn waiting(&mut self, holder: &Holder, waited: Duration) {
        let running = holder.running.as_deref().map(|running| format!(", running {running}")).unwrap_or_default();
        let what = format!("waiting for the lock: {} has it{running}", holder.who);
        if self.running.as_ref().is_none_or(|running| running.what != what) {
            self.screen.remark(&format!("waiting for the lock: {}", shown(holder)));
            self.last_sign = Instant::now();
            self.start(what, waited);
        }
    }

    /// Said once for each who is in the way; how long it lasts is a sign of life like any other.
    fn blocked(&mut self, step: &Step, statement: Option<usize>, blockers: &[Blocker], waited: Duration) {
        let who: Vec<&str> = blockers.iter().map(|blocker| blocker.who.as_str()).collect();
        let what = statement.map_or("its transaction".to_owned(), |number| format!("statement {number}"));
        let detail = format!("{what} waits for {}", who.join(", "));
        if self.running.as_ref().is_some_and(|running| running.detail == detail) {
            return;
        }
        let (title, waited) = (step.title(), seconds(waited));
        let them = shown_blockers(blockers);
        self.screen.remark(&format!("  {title}: {what} has waited {waited} for a lock of the database: {them}"));
        self.last_sign = Instant::now();
        self.detail(detail);
    }

    /// Who is in the way is said once; after that there are only signs of life.
    fn retry(&mut self, step: &Step, attempt: u32, error: &ServerError, text: &str) {
        if attempt == 1 {
            let title = step.title();
            self.screen.remark(&format!("  {title}: waiting for a lock of the database: {}", in_the_way(error)));
        } else if self.screen.terminal().stderr {
            self.screen.transient(&format!("    {text}"));
            return;
        } else if self.last_sign.elapsed() < HEARTBEAT {
            return;
        }
        self.screen.remark(&format!("    {text}"));
        self.last_sign = Instant::now();
    }

    /// That the connection was lost is said once; after that there are only signs of life.
    fn reconnecting(&mut self, error: &ServerError, attempt: u32, next_in: Duration) {
        if attempt == 1 {
            self.screen.remark(&format!("  the connection was lost: {error}: connecting again"));
            self.last_sign = Instant::now();
            self.start("connecting again".to_owned(), Duration::ZERO);
        }
        self.detail(if attempt == 1 {
            String::new()
        } else {
            format!("try {attempt} in {}: {error}", seconds(next_in))
        });
    }

    fn statement(&mut self, step: &Step, statement: usize) {
        self.detail(format!("statement {statement} of {}", step.statements()));
        if self.screen.is_verbose()
            && let Some(script) = &step.script
        {
            let text = script.written(statement - 1).split_whitespace().collect::<Vec<_>>().join(" ");
            let short: String = text.chars().take(100).collect();
            let more = if short.len() < text.len() { "…" } else { "" };
            self.screen.remark(&format!("    {statement}: {short}{more}"));
        }
    }

    fn finished(&mut self, step: &Step, elapsed: Duration) {
        self.running = None;
        self.last_sign = Instant::now();
        self.watched.completed += usize::from(step.resume.is_some() && !is_installed(step));
        self.watched.floors += usize::from(step.row.entry.is_floor());
        self.watched.pruned += usize::from(step.row.entry.is_pruning());
        self.watched.adoptions += usize::from(step.row.entry.is_adoption());
        self.watched.snapshots += usize::from(is_installed(step));
        let line = self.columns.line(step, &seconds(elapsed));
        self.say(&line);
        let warnings = self.notices.finished(&step.id);
        self.remarks(&warnings);
    }

    /// Nothing more will be finished.
    fn ended(&mut self) -> Watched {
        let left = self.notices.unfinished();
        self.remarks(&left);
        self.watched
    }

    fn start(&mut self, what: String, ago: Duration) {
        let now = Instant::now();
        let since = now.checked_sub(ago).unwrap_or(now);
        self.running = Some(Running { what, detail: String::new(), since });
    }

    fn detail(&mut self, detail: String) {
        if let Some(running) = &mut self.running {
            running.detail = detail;
        }
    }

    fn tick(&mut self) {
        let Some(running) = &self.running else { return };
        let lasted = running.since.elapsed();
        if lasted < LASTS {
            return;
        }
        let detail = if running.detail.is_empty() { String::new() } else { format!(": {}", running.detail) };
        let text = format!("  {}{detail}, for {}", running.what, seconds(lasted));
        if self.screen.terminal().stderr {
            self.screen.transient(&text);
        } else if self.last_sign.elapsed() >= HEARTBEAT {
            self.last_sign = Instant::now();
            self.screen.remark(&text);
        }
    }

    fn told(&mut self, told: Told) {
        self.screen.remark(match told {
            Told::Stopping => "stopping after what has been sent; a second signal cancels that too",
            Told::Cancelling => "cancelling what runs",
        });
    }

    fn remarks(&mut self, lines: &[String]) {
        for line in lines {
            self.screen.remark(line);
        }
    }

    fn say(&mut self, text: &str) {
        self.screen.line(text);
    }
}

impl Columns {
    fn of(plan: &Plan) -> Self {
        let mut columns = Self::default();
        for step in &plan.steps {
            if step.id.is_repeatable() {
                // Its name is all of it, and stands over both columns.
                continue;
            }
            columns.id = columns.id.max(width(&own_name(step)));
            columns.description = columns.description.max(width(&step.description));
        }
        let names = |step: &Step| width(&name(step)).saturating_sub(columns.id + 2);
        let repeatables = plan.steps.iter().filter(|step| is_named(step)).map(names).max();
        columns.description = columns.description.max(repeatables.unwrap_or(0));
        columns.work = plan.steps.iter().map(|step| width(&work(step))).max().unwrap_or(0);
        columns
    }

    fn line(&self, step: &Step, elapsed: &str) -> String {
        let name = if is_named(step) {
            padded(&name(step), self.id + 2 + self.description)
        } else {
            format!("{}  {}", padded(&own_name(step), self.id), padded(&step.description, self.description))
        };
        format!("  {name}   {}   {elapsed:>7}", padded(&work(step), self.work))
    }
}

/// Whether a name is all that it is called.
fn is_named(step: &Step) -> bool {
    step.id.is_repeatable() || step.mode == Mode::Callback
}

/// The identity; of a snapshot as its file says it.
fn own_name(step: &Step) -> String {
    let is_snapshot = step.row.entry.is_snapshot();
    let version = step.id.version().filter(|_| is_snapshot);
    version.map_or_else(|| step.id.to_string(), |version| format!("B{version}"))
}

/// Whether it installs a snapshot.
fn is_installed(step: &Step) -> bool {
    step.row.entry.is_snapshot() && step.script.is_some()
}

fn name(step: &Step) -> String {
    if step.mode == Mode::Callback { step.title() } else { step.id.to_string() }
}

/// Who keeps a statement waiting, or what the server says where it does not know.
fn in_the_way(error: &ServerError) -> String {
    if error.blockers.is_empty() { error.to_string() } else { shown_blockers(&error.blockers) }
}

/// Who they are, for how long they have been at it, what they run.
fn shown_blockers(blockers: &[Blocker]) -> String {
    let one = |blocker: &Blocker| {
        let age = blocker.age.map(|age| format!(" for {}", seconds(age))).unwrap_or_default();
        let query = blocker.query.as_deref().map(|query| format!(": {query}")).unwrap_or_default();
        format!("{}{age}{query}", blocker.who)
    };
    blockers.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// What was done with a migration.
fn work(step: &Step) -> String {
    let statements = count(step.statements(), "statement");
    match step.action {
        _ if step.mode == Mode::Callback => format!("callback, {statements}"),
        Action::Down if step.mode == Mode::Code => "taken back, code".to_owned(),
        _ if step.mode == Mode::Code => "code".to_owned(),
        Action::Up if step.resume.is_some() || step.row.entry.is_amendment() => rest(step),
        Action::Up => statements,
        Action::Down => format!("taken back, {statements}"),
        Action::Snapshot if step.script.is_some() => {
            let of = if step.resume.is_some() { rest(step) } else { statements };
            format!("{of}, stands for {}", count(step.also.len(), "migration"))
        }
        Action::Baseline if step.row.entry.is_floor() => "everything up to here".to_owned(),
        Action::Adopt if step.row.entry.is_adoption() => "taken over".to_owned(),
        Action::Adopt => {
            let tool = step.row.entry.origin.as_deref().and_then(|origin| origin.split(' ').next());
            format!("applied by {}", tool.unwrap_or("another tool"))
        }
        Action::Baseline | Action::Snapshot => "was there before".to_owned(),
        Action::Accept => "new text accepted".to_owned(),
        Action::Refresh => "way back replaced".to_owned(),
        Action::Resolve => "recorded as applied".to_owned(),
        Action::Forget if step.row.entry.is_pruning() => "no longer kept".to_owned(),
        Action::Forget => "recorded as not applied".to_owned(),
        action => action.to_string(),
    }
}

/// What was left of an attempt.
fn rest(step: &Step) -> String {
    let (first, all) = (step.first_statement() + 1, step.statements());
    match all.checked_sub(first) {
        None => "nothing was left to run".to_owned(),
        Some(0) => format!("statement {first} of {all}"),
        Some(_) => format!("statements {first} to {all} of {all}"),
    }
}

/// What a plan is, in a word.
fn what(plan: &Plan) -> String {
    let number = |test: fn(&Step) -> bool| plan.recorded().filter(|step| test(step)).count();
    let ups = number(|step| step.action == Action::Up || is_installed(step));
    let downs = number(|step| step.action == Action::Down);
    match (ups, downs) {
        (0, 0) => format!("{} to record", plan.recorded().count()),
        (0, downs) => format!("{downs} to take back"),
        (ups, 0) => format!("{ups} pending"),
        (ups, downs) => format!("{downs} to take back, {ups} pending"),
    }
}

/// The last line of a run: `3 applied in 9 ms · now at 20261120110500`.
pub fn summary(report: &Report, watched: Watched) -> String {
    let now = match &report.now_at {
        Some(id) => format!("now at {id}"),
        None => "nothing is applied".to_owned(),
    };
    let number = |actions: &[Action]| report.steps.iter().filter(|step| actions.contains(&step.action)).count();
    let ups = number(&[Action::Up]);
    let before = number(&[Action::Baseline, Action::Snapshot]);
    let adopted = number(&[Action::Adopt]);
    let parts: Vec<String> = [
        (watched.completed.min(ups), "completed"),
        (ups.saturating_sub(watched.completed), "applied"),
        (number(&[Action::Down]), "taken back"),
        (watched.snapshots, "snapshot installed"),
        (before.saturating_sub(watched.floors + watched.snapshots), "recorded as there before"),
        (adopted.saturating_sub(watched.adoptions), "taken over"),
        (number(&[Action::Accept]), "accepted"),
        (number(&[Action::Refresh]), "refreshed"),
        (number(&[Action::Resolve, Action::Forget]).saturating_sub(watched.pruned), "resolved"),
        (watched.pruned, "no longer kept"),
    ]
    .into_iter()
    .filter(|(number, _)| *number > 0)
    .map(|(number, what)| format!("{number} {what}"))
    .collect();
    if parts.is_empty() && watched.planned {
        return format!("nothing left to do, another run was faster · {now}");
    }
    if parts.is_empty() {
        return format!("nothing to do · {now}");
    }
    format!("{} in {} · {now}", parts.join(", "), seconds(report.elapsed))
}

/// How many characters wide a text is.
pub fn width(text: &str) -> usize {
    text.chars().count()
}

/// The text, filled up with blanks.
pub fn padded(text: &str, to: usize) -> String {
    let blanks = to.saturating_sub(width(text));
    format!("{text}{}", " ".repeat(blanks))
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;
    use migrate_core::Migrator;
    use migrate_core::testing::fixture::set;
    use migrate_core::testing::memory::Memory;

    use super::*;
    use crate::args::Common;
    use crate::environment::Environment;
    use crate::screen::{Io, Terminal};

    /// What is on stderr after a run.
    fn remarks(memory: &Memory, text: &str) -> String {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let io = Io {
            stdin: &mut std::io::empty(),
            stdout: &mut stdout,
            stderr: &mut stderr,
            terminal: Terminal::default(),
            signals: false,
            now: std::time::SystemTime::UNIX_EPOCH,
        };
        let mut screen = Screen::new(io, &Common::default(), &Environment::default());
        let migrator = Migrator::new(memory.clone(), set(&[("1", text, "")]));
        let (report, _) = watch(&mut screen, "memory", |observer, _| block_on(migrator.run(observer)));
        report.unwrap();
        String::from_utf8(stderr).unwrap()
    }

    #[test]
    fn who_is_in_the_way_is_said_while_a_statement_waits() {
        let memory = Memory::implicit();
        let blocker = Blocker {
            who: "pid 812 (analytics)".to_owned(),
            age: Some(Duration::from_secs(360)),
            query: Some("select 1".to_owned()),
        };
        memory.block_next("REINDEX", blocker);
        insta::assert_snapshot!(remarks(&memory, "REINDEX; CREATE TABLE a (n INTEGER)"), @"  1 test: statement 1 has waited 2.0 s for a lock of the database: pid 812 (analytics) for 6 min: select 1");
    }
}
