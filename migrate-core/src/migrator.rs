//! The facade that most users touch: a backend, a set, where to go.
//!
#![doc = include_str!("migrator/interrupted.md")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::apply::{Halt, LOSSES, Line, Report, Run, RunOptions, StopHandle, ask_conditions};
use crate::backend::{Backend, Exclusion, Fault, ServerError, Session, TableName};
use crate::code::{CodeMigration, Codes};
use crate::condition::Finding;
use crate::error::{Error, ErrorKind};
use crate::event::{Event, Observer};
use crate::history::{Action, Entry, EntryKey, History, State, Texts};
use crate::migration::MigrationId;
use crate::plan::{self, Check, DownGoal, Goal, Observed, Plan, Policy, Refusal, Status};
use crate::set::MigrationSet;
use crate::version::Version;

mod adopt;
#[cfg(feature = "other-tools")]
mod adoption;
#[cfg(feature = "other-tools")]
mod export;
mod settle;
mod several;

pub use several::Migrators;

/// How often another run may be faster before something else must be wrong.
const RACES: usize = 1_000;

/// Brings one database to where a set says it should be.
///
/// ```
/// # #[cfg(feature = "testing")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use migrate_core::testing::memory::Memory;
/// use migrate_core::{MigrationSet, Migrator};
///
/// let set = MigrationSet::new("main", Vec::new()).map_err(|diagnostics| diagnostics[0].to_string())?;
/// let migrator = Migrator::new(Memory::transactional(), set);
/// let report = futures_executor::block_on(migrator.up())?;
/// assert!(report.is_empty());
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "testing"))]
/// # fn main() {}
/// ```
#[derive(Clone)]
#[must_use = "nothing happens before it is asked to"]
pub struct Migrator {
    backend: Arc<dyn Backend>,
    set: Arc<MigrationSet>,
    goal: Goal,
    policy: Policy,
    options: RunOptions,
    table: TableName,
    stop: StopHandle,
    codes: Codes,
}

impl Migrator {
    /// Everything pending, by the careful policy.
    pub fn new(backend: impl Backend + 'static, set: MigrationSet) -> Self {
        Self {
            backend: Arc::new(backend),
            set: Arc::new(set),
            goal: Goal::up(),
            policy: Policy::default(),
            options: RunOptions::default(),
            table: TableName::default(),
            stop: StopHandle::new(),
            codes: Codes::new(),
        }
    }

    /// With code that this program can run, among the scripts of the set.
    ///
    /// # Errors
    /// With [`ErrorKind::Set`] where it does not fit the set: two of one identity, a script under it, a file that
    /// declares another checksum.
    pub fn with_code(self, code: impl IntoIterator<Item = CodeMigration>) -> Result<Self, Error> {
        let (mut declared, mut codes) = (Vec::new(), self.codes);
        for one in code {
            declared.push(one.declaration().clone());
            codes.insert(one.declaration().id.clone(), one.into_code());
        }
        let set = Arc::unwrap_or_clone(self.set).with_code(declared).map_err(ErrorKind::Set)?;
        Ok(Self { set: Arc::new(set), codes, ..self })
    }

    /// Where to go.
    pub fn goal(self, goal: Goal) -> Self {
        Self { goal, ..self }
    }

    /// What is allowed on the way.
    pub fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    /// How the run behaves.
    pub fn options(self, options: RunOptions) -> Self {
        Self { options, ..self }
    }

    /// The longest wait for the lock of the migrations: [`RunOptions::lock_wait`].
    pub fn lock_wait(mut self, longest: Duration) -> Self {
        self.options.lock_wait = longest;
        self
    }

    /// The longest wait of one statement for a lock of the database; zero is no limit: [`RunOptions::lock_timeout`].
    pub fn lock_timeout(mut self, longest: Duration) -> Self {
        self.options.lock_timeout = longest;
        self
    }

    /// For how long a step that met a lock is tried again: [`RunOptions::lock_retry_for`].
    pub fn lock_retry_for(mut self, longest: Duration) -> Self {
        self.options.lock_retry_for = longest;
        self
    }

    /// The longest run of one statement; zero is no limit: [`RunOptions::statement_timeout`].
    pub fn statement_timeout(mut self, longest: Duration) -> Self {
        self.options.statement_timeout = longest;
        self
    }

    /// Which release of the application runs it: [`RunOptions::app_version`].
    pub fn app_version(mut self, version: impl Into<String>) -> Self {
        self.options.app_version = Some(version.into());
        self
    }

    /// Whose history it is, in place of what the set says: [`MigrationSet::with_component`].
    pub fn component(self, component: impl Into<String>) -> Self {
        let set = Arc::unwrap_or_clone(self.set).with_component(component);
        Self { set: Arc::new(set), ..self }
    }

    /// How the run behaves, as it was said.
    pub fn run_options(&self) -> &RunOptions {
        &self.options
    }

    /// Where the history is.
    pub fn table(self, table: TableName) -> Self {
        Self { table, ..self }
    }

    /// What stops a run of this migrator from another thread.
    pub fn stop_handle(&self) -> StopHandle {
        self.stop.clone()
    }

    /// The set.
    pub fn set(&self) -> &MigrationSet {
        &self.set
    }

    /// The backend.
    pub fn backend(&self) -> &dyn Backend {
        &*self.backend
    }

    /// Where the history is.
    pub fn history_table(&self) -> &TableName {
        &self.table
    }

    /// Reads the history and the server's facts. Read-only; creates nothing; needs no lock.
    ///
    /// # Errors
    /// Those of connecting and reading.
    pub async fn observe(&self) -> Result<Observed, Error> {
        let mut session = self.connect().await?;
        Ok(self.observed(&mut *session).await.map_err(ErrorKind::from)?)
    }

    /// What would be done. Read-only; creates nothing; needs no lock.
    ///
    /// # Errors
    /// Those of [`observe`](Self::observe), and every refusal of the planner.
    pub async fn plan(&self) -> Result<Plan, Error> {
        let observed = self.observe().await?;
        Ok(self.planned(&observed).map_err(ErrorKind::Refused)?)
    }

    /// Like [`plan`](Self::plan), as if other components were at the versions in `reached` already; where this one will be
    /// is added to them. [`Migrators::plans`] does so with several.
    ///
    /// # Errors
    /// As of [`plan`](Self::plan); then nothing is added.
    pub async fn plan_after(&self, reached: &mut BTreeMap<String, Version>) -> Result<Plan, Error> {
        let mut observed = self.observe().await?;
        for (component, at) in reached.iter().filter(|(component, _)| *component != self.set.component()) {
            observed.history = std::mem::take(&mut observed.history).supposing(component, at);
        }
        let plan = self.planned(&observed).map_err(ErrorKind::Refused)?;
        if let Some(at) = plan.reaches(&observed.history) {
            reached.insert(plan.component.clone(), at);
        }
        Ok(plan)
    }

    /// What becomes of everything that must hold before a plan is carried out, which is asked again under the lock.
    /// Read-only.
    ///
    /// # Errors
    /// Those of connecting and reading.
    pub async fn findings(&self, plan: &Plan) -> Result<Vec<Finding>, Error> {
        if plan.conditions.is_empty() {
            return Ok(Vec::new());
        }
        let mut session = self.connect().await?;
        let server = session.observe(&self.table).await.map_err(ErrorKind::from)?;
        let (engine, waive) = (self.backend.dialect().name(), &self.options.waive);
        let asked = ask_conditions(&mut *session, engine, &server, &plan.conditions, waive).await;
        Ok(asked.map_err(ErrorKind::from)?)
    }

    /// Whether a service may run on the database. Read-only; creates nothing; needs the right to SELECT from the
    /// history alone. One round trip where everything is applied.
    ///
    /// # Errors
    /// Those of connecting and reading; everything that a rule says is an answer.
    pub async fn check(&self) -> Result<Check, Error> {
        let mut session = self.connect().await?;
        if let Some(head) = self.current_head(&mut *session).await.map_err(ErrorKind::from)? {
            let at = self.set.end().unwrap_or(head.id);
            return Ok(Check::Current { at: Some(at), notes: Vec::new() });
        }
        let mut observed = self.observed(&mut *session).await.map_err(ErrorKind::from)?;
        // Whoever only looks needs no session: services reach their database through poolers.
        observed.server.pooled = false;
        let at = observed.history.newest().cloned();
        Ok(Check::from_planned(self.planned(&observed), at))
    }

    /// Where every migration stands, and what would come next: what `migrate status` shows, as values. Read-only;
    /// creates nothing; needs no lock.
    ///
    /// # Errors
    /// Those of connecting and reading; everything that a rule says is part of the answer.
    pub async fn status(&self) -> Result<Status, Error> {
        let observed = self.observe().await?;
        let standings = plan::standings(&self.set, &observed, &self.policy.include);
        let next = self.planned(&observed);
        Ok(Status { observed, standings, next })
    }

    /// Runs ways back, those that were stored when their migrations were applied.
    ///
    /// # Errors
    /// As of [`up`](Self::up).
    pub async fn down(&self, goal: DownGoal) -> Result<Report, Error> {
        self.clone().goal(Goal::Down(goal)).up().await
    }

    /// Carries the goal out: observe, plan, take the lock where it is needed, apply. Nobody is told on the way.
    ///
    /// Where the connection is lost in the middle another one is opened ([`RunOptions::reconnect_for`]), and the run
    /// goes on as the next one would.
    ///
    /// # Errors
    /// Everything that keeps the goal from being reached; the error's report says what was done by then.
    pub async fn up(&self) -> Result<Report, Error> {
        self.run(&mut ()).await
    }

    /// Like [`up`](Self::up), telling `observer` what happens.
    ///
    /// # Errors
    /// As of [`up`](Self::up).
    pub async fn run(&self, observer: &mut dyn Observer) -> Result<Report, Error> {
        let mut run = self.begin(Line::Own(self.connect().await?), observer);
        let result = self.persist(&mut run, None).await;
        self.finish(run, result).await
    }

    /// Like [`run`](Self::run), on a session that the caller has. When that is lost, so is the run.
    ///
    /// # Errors
    /// As of [`up`](Self::up).
    pub async fn run_on(&self, session: &mut dyn Session, observer: &mut dyn Observer) -> Result<Report, Error> {
        self.fresh()?;
        let mut run = self.begin(Line::Borrowed(session), observer);
        let result = self.reach(&mut run).await;
        self.finish(run, result).await
    }

    /// Carries out a plan that was made and looked at before.
    ///
    /// # Errors
    /// As of [`up`](Self::up), and a stale plan if the history changed since.
    pub async fn apply(&self, plan: &Plan, observer: &mut dyn Observer) -> Result<Report, Error> {
        let mut run = self.begin(Line::Own(self.connect().await?), observer);
        let result = self.persist(&mut run, Some(plan)).await;
        self.finish(run, result).await
    }

    /// Writes down whether the statement of an open attempt ran, for what nobody else can tell. `statement` counts
    /// from 1.
    ///
    /// # Errors
    /// If nothing is open, or something else, or its doubt is about another statement.
    pub async fn settle(&self, id: &MigrationId, statement: usize, ran: bool) -> Result<Report, Error> {
        let mut nobody = ();
        let mut run = self.begin(Line::Own(self.connect().await?), &mut nobody);
        let result = self.settle_open(&mut run, id, statement, ran).await;
        self.finish(run, result).await
    }

    /// The long texts of some rows.
    ///
    /// # Errors
    /// Those of connecting and reading.
    pub async fn texts(&self, keys: &[EntryKey]) -> Result<Vec<Texts>, Error> {
        let mut session = self.connect().await?;
        Ok(session.texts(&self.table, keys).await.map_err(ErrorKind::from)?)
    }

    /// What is wrong with a program must not look like something about its database.
    fn fresh(&self) -> Result<(), Error> {
        match self.set.stale() {
            None => Ok(()),
            Some(stale) => Err(ErrorKind::StaleBinary(stale.clone()).into()),
        }
    }

    async fn connect(&self) -> Result<Box<dyn Session>, Error> {
        self.fresh()?;
        Ok(self.backend.connect().await.map_err(ErrorKind::from)?)
    }

    fn begin<'s>(&'s self, session: Line<'s>, observer: &'s mut dyn Observer) -> Run<'s> {
        let run =
            Run::new(&*self.backend, session, &self.table, &self.options, observer, &self.stop).with_codes(&self.codes);
        run.arm();
        run
    }

    /// The one way out of a run: the lock is given back and the report is complete, however it ended.
    async fn finish(&self, mut run: Run<'_>, result: Result<(), Halt>) -> Result<Report, Error> {
        run.unlock_foreign().await;
        run.unlock().await;
        self.stop.arm(None);
        let report = run.into_report();
        match result {
            Ok(()) => Ok(report),
            Err(Halt::Error(kind)) => Err(Error::new(*kind, report)),
            Err(Halt::Raced) => {
                let raced = ServerError::new(Fault::Stale, "other runs were faster every time this one planned");
                Err(Error::new(ErrorKind::Server(raced), report))
            }
        }
    }

    /// Carries out a plan, or the goal, on a session of the run's own: where the connection is lost, on another one.
    async fn persist(&self, run: &mut Run<'_>, plan: Option<&Plan>) -> Result<(), Halt> {
        let (mut losses, mut done) = (0, 0);
        loop {
            let halt = match self.attempt(run, plan).await {
                Ok(()) => return Ok(()),
                Err(halt) => halt,
            };
            let Some(error) = halt.lost() else { return Err(halt) };
            if run.report.steps.len() > done {
                (losses, done) = (0, run.report.steps.len());
            }
            losses += 1;
            if losses > LOSSES {
                return Err(halt);
            }
            run.reconnect(error.clone()).await?;
        }
    }

    /// The first try, or one with a session that took the place of a lost one.
    async fn attempt(&self, run: &mut Run<'_>, plan: Option<&Plan>) -> Result<(), Halt> {
        if let Some((sent, rows)) = run.catch_up(self.set.component()).await?
            && (plan.is_some() || !self.goal.is_a_place())
        {
            // What was meant once is not planned again.
            let Some(rest) = sent.rest(&rows, &run.run_id)? else {
                let now = rows.last().map_or(sent.after, |row| row.key.seq);
                return Err(ErrorKind::from(Refusal::StalePlan { after: sent.after, now }).into());
            };
            run.sent = Some(rest.clone());
            return self.reach_planned(run, &rest).await;
        }
        match plan {
            Some(plan) => self.reach_planned(run, plan).await,
            None => self.reach(run).await,
        }
    }

    async fn reach(&self, run: &mut Run<'_>) -> Result<(), Halt> {
        // Callbacks run also where nothing is pending, and Flyway may have gone on by itself.
        if self.goal.is_everything()
            && !self.set.calls_back()
            && self.policy.mirror.is_none()
            && let Some(head) = self.current_head(&mut *run.session).await?
        {
            run.report.now_at = Some(self.set.end().unwrap_or(head.id));
            return Ok(());
        }
        if self.policy.mirror.is_some() && !run.locked {
            // Two tables that are not read at once tell nothing while somebody writes to both.
            run.lock(self.set.component()).await?;
        }
        let mut before_the_lock = None;
        for _ in 0..RACES {
            let observed = self.observed(&mut *run.session).await?;
            run.observer.event(&Event::Connected { server: &observed.server });
            let plan = match before_the_lock.take() {
                Some((before, plan)) if before == observed => plan,
                _ => self.planned(&observed)?,
            };
            if self.needs_lock(&plan) && !run.locked {
                // Whoever had it may have done the work: look again.
                run.lock(self.set.component()).await?;
                before_the_lock = Some((observed, plan));
                continue;
            }
            if self.keep_out(run, &plan, &observed).await? {
                // The other tool may have gone on before it was kept out.
                continue;
            }
            for note in &plan.notes {
                // Whoever plans again says it once.
                if !run.report.notes.contains(note) {
                    run.observer.event(&Event::Remark { diagnostic: note });
                }
            }
            run.report.notes.clone_from(&plan.notes);
            match run.execute(&plan).await {
                // Where locks expire, ours may have passed on: nothing is written until it is ours again.
                Err(Halt::Raced) if run.fence != 0 => run.unlock().await,
                Err(Halt::Raced) => {}
                other => {
                    run.report.now_at = Self::newest_after(&observed.history, &run.report);
                    return other;
                }
            }
        }
        Err(Halt::Raced)
    }

    async fn reach_planned(&self, run: &mut Run<'_>, plan: &Plan) -> Result<(), Halt> {
        if self.needs_lock(plan) && !run.locked {
            run.lock(self.set.component()).await?;
        }
        let stale = |now| Halt::from(ErrorKind::from(Refusal::StalePlan { after: plan.after, now }));
        let mut observed = self.observed(&mut *run.session).await?;
        if self.keep_out(run, plan, &observed).await? {
            observed = self.observed(&mut *run.session).await?;
        }
        if observed.history.last_seq() != plan.after {
            return Err(stale(observed.history.last_seq()));
        }
        if plan.adopts.is_some() {
            self.same_adoption(plan, &observed)?;
        }
        let before = observed.history;
        run.report.notes.clone_from(&plan.notes);
        let result = run.execute(plan).await;
        run.report.now_at = Self::newest_after(&before, &run.report);
        match result {
            Err(Halt::Raced) => {
                let head = run.session.head(&self.table, self.set.component()).await?;
                Err(stale(head.map_or(0, |head| head.key.seq)))
            }
            other => other,
        }
    }

    fn planned(&self, observed: &Observed) -> Result<Plan, Refusal> {
        // Whoever runs migrations with a release is that release.
        let main = self.set.component() == MigrationSet::MAIN;
        let app_version = self.options.app_version.as_deref().filter(|_| main);
        let policy = self.policy.clone().with_app_version(app_version);
        let plan = plan::plan(&self.set, observed, &self.goal, &policy, self.backend.dialect())?;
        Ok(Plan { settings: self.options.settings.clone(), ..plan })
    }

    fn needs_lock(&self, plan: &Plan) -> bool {
        match self.backend.dialect().exclusion {
            Exclusion::Session => !plan.is_empty(),
            // What is done to Flyway's table has no row that the slower of two would stumble over.
            Exclusion::Optimistic => plan.has_journalled() || plan.mirror.is_some(),
        }
    }

    /// The last row, if it says that exactly this set is applied.
    async fn current_head(&self, session: &mut dyn Session) -> Result<Option<Entry>, ServerError> {
        if !self.policy.include.is_empty() {
            return Ok(None);
        }
        let head = session.head(&self.table, self.set.component()).await?;
        Ok(head.filter(|head| head.state == State::Done && head.set_digest.as_deref() == Some(self.set.digest())))
    }

    async fn observed(&self, session: &mut dyn Session) -> Result<Observed, ServerError> {
        self.observed_for(session, &self.goal).await
    }

    async fn observed_for(&self, session: &mut dyn Session, goal: &Goal) -> Result<Observed, ServerError> {
        let server = session.observe(&self.table).await?;
        let rows = if server.has_history { session.load(&self.table).await? } else { Vec::new() };
        let history = History::fold(rows, self.set.component());
        let keys = plan::texts_needed(&self.set, &history, goal, &self.policy);
        let mut texts = BTreeMap::new();
        if !keys.is_empty() {
            let found = session.texts(&self.table, &keys).await?;
            texts = keys.into_iter().zip(found).collect();
        }
        let foreign = self.observed_foreign(session, goal, &history, &server).await?;
        Ok(Observed { server, history, texts, foreign })
    }

    /// Where the database is after the steps of a report.
    fn newest_after(history: &History, report: &Report) -> Option<MigrationId> {
        let mut applied: std::collections::BTreeSet<&MigrationId> =
            history.applied().map(|(id, _)| id).filter(|id| !id.is_repeatable()).collect();
        for step in &report.steps {
            if step.id.is_repeatable() {
                continue;
            }
            match step.action {
                Action::Down | Action::Forget => {
                    applied.remove(&step.id);
                }
                Action::Snapshot if !step.stands_for.is_empty() => {
                    applied.extend(step.stands_for.iter().filter(|id| !id.is_repeatable()));
                }
                _ => {
                    applied.insert(&step.id);
                }
            }
        }
        applied.last().map(|id| (*id).clone())
    }
}

impl std::fmt::Debug for Migrator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Migrator")
            .field("backend", &self.backend.label())
            .field("component", &self.set.component())
            .field("goal", &self.goal)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_send<T: Send>(_: &T) {}

    #[test]
    fn futures_can_move_between_threads() {
        fn of(migrator: &Migrator, plan: &Plan, session: &mut dyn Session, id: &MigrationId) {
            is_send(&migrator.up());
            is_send(&migrator.down(DownGoal::Empty));
            is_send(&migrator.check());
            is_send(&migrator.status());
            is_send(&migrator.observe());
            is_send(&migrator.plan());
            is_send(&migrator.findings(plan));
            is_send(&migrator.apply(plan, &mut ()));
            is_send(&migrator.run(&mut ()));
            is_send(&migrator.run_on(session, &mut ()));
            is_send(&migrator.settle(id, 1, true));
            is_send(&migrator.adoption());
            is_send(&migrator.export("flyway", None));
            is_send(migrator);
        }
        let _ = of;
    }
}
