//! An [`Observer`] that hands events on to the `tracing` crate. Behind the feature `tracing`.
//!
//! Each step is a span; what happens in it is an event inside. What begins and ends is `INFO`, single statements `DEBUG`,
//! what keeps a run waiting `WARN`. All of them have the target `migrate`. The texts of statements are not among the
//! fields: they may hold data and secrets.
//!
//! These names stay; an event may get more fields.
//!
//! | span | level | fields |
//! |---|---|---|
//! | `migration` | INFO | `id`, `action`, `statements` |
//!
//! | event, as its message says | level | fields | in the span |
//! |---|---|---|---|
//! | `connected` | DEBUG | `product`, `database` | |
//! | `waiting for the lock of the migrations` | WARN | `holder`, `waited_ms` | |
//! | `planned` | INFO | `component`, `steps`, `digest` | |
//! | `what an interrupted run left in doubt was decided` | WARN | `statement`, `ran`, `evidence` | yes |
//! | `started` | INFO | | yes |
//! | `statement sent` | DEBUG | `statement` | yes |
//! | `statement ran` | DEBUG | `statement`, `rows` | yes |
//! | `batch` | INFO | `statement`, `done`, `total`, `rows` | yes |
//! | `code goes on` | INFO | `how` | yes |
//! | `progress` | INFO | `done`, `total` | yes |
//! | `the server remarked something` | INFO | `level`, `notice` | where it is about a step |
//! | `waiting for a lock of the database` | WARN | `statement`, `blockers`, `waited_ms` | yes |
//! | `somebody is in the way: trying again` | WARN | `attempt`, `next_in_ms`, `give_up_in_ms`, `code`, `blockers` | yes |
//! | `finished` | INFO | `elapsed_ms` | yes |
//! | `the connection was lost: connecting again` | WARN | `attempt`, `next_in_ms`, `code` | |
//! | `remark` | INFO, WARN, ERROR | `code`, `text` | |

use tracing::{Level, Span, event, info_span};

use super::{Event, Observer};
use crate::backend::{Blocker, Notice};
use crate::diagnostic::{Diagnostic, Severity};
use crate::error::shown;
use crate::plan::Step;

/// An event, of the target that filters name.
macro_rules! tell {
    ($level:ident, $($what:tt)+) => {
        event!(target: "migrate", Level::$level, $($what)+)
    };
}

/// Hands events on to the subscriber that is current where the run is.
///
/// ```
/// # #[cfg(feature = "testing")]
/// # fn main() -> Result<(), migrate_core::Error> {
/// use migrate_core::event::tracing::Tracing;
/// use migrate_core::testing::{Memory, fixture};
///
/// let set = fixture::set(&[("1", "CREATE TABLE a (n INTEGER)", "")]);
/// let migrator = migrate_core::Migrator::new(Memory::transactional(), set);
/// futures_executor::block_on(migrator.run(&mut Tracing::default()))?;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "testing"))]
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct Tracing {
    /// The step that is at work. A span is not entered for longer than one event: the run may move between threads.
    step: Span,
}

impl Default for Tracing {
    fn default() -> Self {
        Self { step: Span::none() }
    }
}

impl Tracing {
    fn of(&mut self, step: &Step) -> &Span {
        if self.step.is_none() {
            self.began(step);
        }
        &self.step
    }

    fn began(&mut self, step: &Step) {
        let (action, statements) = (step.action.as_str(), step.statements());
        self.step = info_span!(target: "migrate", "migration", id = %step.id, action, statements);
    }
}

/// Durations as numbers, so that they can be added up.
fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Observer for Tracing {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Connected { server } => {
                tell!(DEBUG, product = server.product, database = server.database, "connected");
            }
            Event::Waiting { holder, waited } => {
                tell!(
                    WARN,
                    holder = shown(holder),
                    waited_ms = millis(*waited),
                    "waiting for the lock of the migrations"
                );
            }
            Event::Planned { plan } => {
                tell!(INFO, component = plan.component, steps = plan.steps.len(), digest = plan.digest(), "planned");
            }
            Event::Settled { step, statement, ran, evidence } => self.of(step).in_scope(|| {
                tell!(WARN, statement, ran, evidence, "what an interrupted run left in doubt was decided");
            }),
            Event::StepStarted { step } => {
                self.began(step);
                self.step.in_scope(|| tell!(INFO, "started"));
            }
            Event::StatementStarted { step, statement } => {
                self.of(step).in_scope(|| tell!(DEBUG, statement, "statement sent"));
            }
            Event::StatementFinished { step, statement, rows } => {
                self.of(step).in_scope(|| tell!(DEBUG, statement, rows, "statement ran"));
            }
            Event::Batch { step, statement, done, total, rows } => {
                self.of(step).in_scope(|| tell!(INFO, statement, done, total, rows, "batch"));
            }
            Event::Resumed { step, how } => self.of(step).in_scope(|| tell!(INFO, how, "code goes on")),
            Event::Progress { step, done, total } => self.of(step).in_scope(|| tell!(INFO, done, total, "progress")),
            Event::Noticed { step, notice } => match step {
                Some(step) => self.of(step).in_scope(|| noticed(notice)),
                None => noticed(notice),
            },
            Event::Blocked { step, statement, blockers, waited } => {
                let (blockers, waited_ms) = (names(blockers), millis(*waited));
                self.of(step)
                    .in_scope(|| tell!(WARN, statement, blockers, waited_ms, "waiting for a lock of the database"));
            }
            Event::Retry { step, attempt, next_in, give_up_in, error } => {
                let (next_in_ms, give_up_in_ms) = (millis(*next_in), millis(*give_up_in));
                let (code, blockers) = (error.code.as_deref(), names(&error.blockers));
                self.of(step).in_scope(|| {
                    tell!(
                        WARN,
                        attempt,
                        next_in_ms,
                        give_up_in_ms,
                        code,
                        blockers,
                        "somebody is in the way: trying again"
                    );
                });
            }
            Event::StepFinished { step, elapsed } => {
                self.of(step).in_scope(|| tell!(INFO, elapsed_ms = millis(*elapsed), "finished"));
                self.step = Span::none();
            }
            Event::Reconnecting { error, attempt, next_in } => {
                // The step begins again, or was done.
                self.step = Span::none();
                let (code, next_in_ms) = (error.code.as_deref(), millis(*next_in));
                tell!(WARN, attempt, next_in_ms, code, "the connection was lost: connecting again");
            }
            Event::Remark { diagnostic } => remark(diagnostic),
        }
    }
}

/// Who is in the way. What they run may hold data and secrets.
fn names(blockers: &[Blocker]) -> String {
    blockers.iter().map(|blocker| blocker.who.as_str()).collect::<Vec<_>>().join(", ")
}

fn noticed(notice: &Notice) {
    tell!(INFO, level = notice.level, notice = notice.message, "the server remarked something");
}

fn remark(diagnostic: &Diagnostic) {
    let Diagnostic { code, message, .. } = diagnostic;
    match diagnostic.severity {
        Severity::Note => tell!(INFO, %code, text = message, "remark"),
        Severity::Warning => tell!(WARN, %code, text = message, "remark"),
        Severity::Refused | Severity::Error => tell!(ERROR, %code, text = message, "remark"),
    }
}
