//! The only effects. One loop serves the library, the CLI, the dry run and the tests.
//!
//! | module | holds |
//! |---|---|
//! | this one | `Run`: the loop over the steps of a plan |
//! | [`options`], [`report`], [`stop`] | how a run behaves, what it did, how it is stopped |
//! | `effects` | a step as a list of effects, and the rows that record it |
//! | `window` | several steps in one go |
//! | `ride` | journalled steps that can be among them |
//! | `journal` | steps whose statements are written down one by one, alone |
//! | `batch` | one statement over and over |
//! | `callback` | steps that leave no row |
//! | [`code`] | steps whose work is code, and what code sees of the run |
//! | `condition` | what must hold of the server before anything runs |
//! | `counts` | what is counted before and after each step |
//! | `settle` | what became of a statement in flight |
//! | `forgotten` | what ended with the session of an earlier attempt |
//! | `replay` | what can be done again in another session |
//! | `lock` | taking the lock of the migrations, by polling |
//! | `foreign` | the locks of other tools |
//! | `reconnect` | going on after the connection was lost |
//! | `retry` | waiting until whoever is in the way has gone |
//! | [`script`] | a plan as SQL for the native client |

use std::time::Instant;

use crate::backend::{Backend, Effect, End, Exclusion, Fault, Orphan, Performed, ServerError, Settings, TableName};
use crate::code::Codes;
use crate::error::ErrorKind;
use crate::event::{Event, Observer};
use crate::plan::{Mirror, Mode, Plan, Step};

mod batch;
mod callback;
pub mod code;
mod condition;
mod counts;
mod effects;
#[cfg(feature = "other-tools")]
mod export;
mod foreign;
mod forgotten;
mod journal;
mod lock;
pub mod options;
mod reconnect;
mod replay;
pub mod report;
mod retry;
mod ride;
pub mod script;
mod settle;
pub mod stop;
mod window;

pub(crate) use condition::ask as ask_conditions;
pub(crate) use reconnect::{LOSSES, Line};

pub use options::{RunOptions, StoreScript};
pub use report::{Report, StepReport};
pub use stop::StopHandle;

/// Why a plan was not carried out to its end.
#[derive(Debug)]
pub(crate) enum Halt {
    /// Something is wrong.
    Error(Box<ErrorKind>),
    /// Another run was faster: what is to do must be planned again.
    Raced,
}

impl Halt {
    /// What was said when the connection was lost, if that is it.
    pub(crate) fn lost(&self) -> Option<&ServerError> {
        match self {
            Self::Error(kind) => match &**kind {
                ErrorKind::Lost(error) => Some(error),
                _ => None,
            },
            Self::Raced => None,
        }
    }
}

impl<E: Into<ErrorKind>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Error(Box::new(error.into()))
    }
}

/// One run over one session.
#[allow(clippy::struct_field_names)] // `run_id` is the column's name
pub(crate) struct Run<'a> {
    pub(crate) backend: &'a dyn Backend,
    pub(crate) session: Line<'a>,
    pub(crate) table: &'a TableName,
    pub(crate) options: &'a RunOptions,
    pub(crate) observer: &'a mut dyn Observer,
    pub(crate) stop: &'a StopHandle,
    pub(crate) run_id: String,
    pub(crate) fence: u64,
    pub(crate) locked: bool,
    began: Instant,
    pub(crate) report: Report,
    /// The history table was made sure of in this run.
    pub(crate) has_table: bool,
    next_seq: u64,
    /// What was set for the session: outside transactions it holds from statement to statement.
    in_force: Settings,
    /// The last row of this run that is complete and was acknowledged.
    heard: u64,
    /// The plan at which the connection was lost.
    pub(crate) sent: Option<Plan>,
    /// The lock was held when it was lost.
    locks_again: bool,
    others: foreign::Others,
    /// Flyway's table, where it is written along.
    mirror: Option<Mirror>,
    /// Conditions that do not hold and were waived; `None` until they were asked.
    waived: Option<Vec<&'static str>>,
    /// The code that it can run.
    codes: &'a Codes,
    /// What is counted, and what it was last.
    counting: counts::Counting,
}

static NO_CODES: Codes = Codes::new();

impl<'a> Run<'a> {
    pub(crate) fn new(
        backend: &'a dyn Backend,
        session: Line<'a>,
        table: &'a TableName,
        options: &'a RunOptions,
        observer: &'a mut dyn Observer,
        stop: &'a StopHandle,
    ) -> Self {
        Self {
            backend,
            session,
            table,
            options,
            observer,
            stop,
            run_id: run_id(),
            fence: 0,
            locked: false,
            began: Instant::now(),
            report: Report::default(),
            has_table: false,
            next_seq: 1,
            in_force: Settings::default(),
            heard: 0,
            sent: None,
            locks_again: false,
            others: foreign::Others::default(),
            mirror: None,
            waived: None,
            codes: &NO_CODES,
            counting: counts::Counting::default(),
        }
    }

    /// With code that it can run.
    pub(crate) fn with_codes(self, codes: &'a Codes) -> Self {
        Self { codes, ..self }
    }

    /// What was done, with how long it took.
    pub(crate) fn into_report(self) -> Report {
        Report { elapsed: self.began.elapsed(), ..self.report }
    }

    /// Carries the plan out. The caller has made sure that nobody else can: it holds the lock, or the engine excludes
    /// writers step by step.
    pub(crate) async fn execute(&mut self, plan: &Plan) -> Result<(), Halt> {
        let mut result = self.carry_out(plan).await;
        if let Err(Halt::Error(kind)) = &mut result
            && let ErrorKind::Precondition(failure) = &mut **kind
        {
            failure.about = plan.about(&failure.id);
        }
        if result.as_ref().is_err_and(|halt| halt.lost().is_some()) {
            self.sent = Some(plan.clone());
        }
        result
    }

    async fn carry_out(&mut self, plan: &Plan) -> Result<(), Halt> {
        self.observer.event(&Event::Planned { plan });
        self.ask_conditions(plan).await?;
        self.next_seq = plan.after + 1;
        if !plan.is_empty() && self.exclusion() == Exclusion::Session {
            self.session.ensure_history(self.table).await?;
            self.has_table = true;
        }
        self.prepare(plan.mirror.as_ref()).await?;
        self.mirror = plan.mirror.as_ref().map(Mirror::prepared);
        self.count_first(plan).await?;
        let mut retry = retry::Retry::default();
        let mut index = 0;
        while index < plan.steps.len() {
            let steps = &plan.steps[index..];
            self.stop_before(steps)?;
            let finished = match steps[0].mode {
                Mode::Record => self.record(steps, &mut retry).await?,
                Mode::Transaction | Mode::Journal => self.window(steps, &mut retry).await?,
                Mode::Code => {
                    self.code(steps, plan.syntax).await?;
                    1
                }
                Mode::Callback => {
                    self.callback(&steps[0], &steps[1..]).await?;
                    1
                }
            };
            if finished > 0 {
                retry = retry::Retry::default();
            }
            index += finished;
            if finished > 0 {
                self.count_again(plan, &plan.steps[index - 1], &plan.steps[index..]).await?;
            }
        }
        Ok(())
    }

    /// Makes Flyway's table and writes what it lacks, where it is written along.
    async fn prepare(&mut self, mirror: Option<&Mirror>) -> Result<(), Halt> {
        let Some(mirror) = mirror.filter(|mirror| mirror.prepares()) else { return Ok(()) };
        let rows = mirror.prepare();
        let settings = Settings::default();
        let rows = rows.iter().map(Effect::Mirror);
        let effects: Vec<_> = [Effect::Begin(&settings)].into_iter().chain(rows).chain([Effect::Commit]).collect();
        self.perform_quietly(&effects).await
    }

    /// Ends the run if somebody asked for it.
    fn stop_before(&self, left: &[Step]) -> Result<(), Halt> {
        if self.stop.is_requested() {
            return Err(ErrorKind::Stopped { left: left.iter().map(Step::title).collect() }.into());
        }
        Ok(())
    }

    fn exclusion(&self) -> Exclusion {
        self.backend.dialect().exclusion
    }

    /// Several steps may travel together where something travels at all.
    fn window_limit(&self) -> usize {
        if self.counting.is_needed() {
            return 1;
        }
        match self.backend.dialect().orphan {
            Orphan::None => 1,
            Orphan::HoldsLock => 64,
        }
    }

    /// Carries effects out that nobody is told about.
    async fn perform_quietly(&mut self, effects: &[Effect<'_>]) -> Result<(), Halt> {
        let performed = self.session.perform(self.table, effects, &mut ()).await;
        self.quiet_end(performed).await
    }

    async fn quiet_end(&mut self, performed: Performed) -> Result<(), Halt> {
        match performed.end {
            End::All => Ok(()),
            End::Lost(error) => Err(ErrorKind::Lost(error).into()),
            End::Refused { error, .. } => {
                self.rollback().await;
                Err(halted(error))
            }
        }
    }

    /// Ends an open transaction. Where the connection is gone, so is the transaction: the next call will say so.
    async fn rollback(&mut self) {
        self.session.perform(self.table, &[Effect::Rollback], &mut ()).await;
    }

    /// A step is complete, and its row acknowledged.
    fn finished(&mut self, seq: u64, report: StepReport) {
        self.heard = seq;
        self.report.steps.push(report);
    }

    /// The number of the first of so many rows.
    fn take_seqs(&mut self, rows: u64) -> u64 {
        let seq = self.next_seq;
        self.next_seq += rows;
        seq
    }
}

/// A row that exists already, or is not as expected, was written by somebody faster.
fn halted(error: ServerError) -> Halt {
    match error.fault {
        Fault::Duplicate | Fault::Stale => Halt::Raced,
        _ => error.into(),
    }
}

/// 128 random bits: the standard library seeds its hashers from the system's randomness.
fn run_id() -> String {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    let half = || {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u32(std::process::id());
        if let Ok(now) = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
            hasher.write_u128(now.as_nanos());
        }
        hasher.finish()
    };
    format!("{:016x}{:016x}", half(), half())
}
