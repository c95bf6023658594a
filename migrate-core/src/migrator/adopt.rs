//! Looking at other tools' histories, and keeping those tools out while one is taken over.

use super::Migrator;
use crate::apply::{Halt, Run};
use crate::backend::{Backend, Server, ServerError, Session, TableName};
use crate::error::{Error, ErrorKind};
use crate::history::History;
use crate::history::format::lock::Locking;
use crate::history::format::{self, Engine, Mark, Reading, Table};
use crate::layout::detect::InDatabase;
use crate::plan::adopt::{self, Foreign};
use crate::plan::{Goal, Observed, Plan, Refusal};

impl Migrator {
    /// What a database says about the layout of the files that belong to it: the one with which a history was taken over,
    /// and the tools whose own tables are there. Read-only; for whoever has no set yet.
    ///
    /// # Errors
    /// Those of connecting and reading.
    pub async fn in_database(backend: &dyn Backend, table: &TableName, component: &str) -> Result<InDatabase, Error> {
        let look = async {
            let mut session = backend.connect().await?;
            let server = session.observe(table).await?;
            let rows = if server.has_history { session.load(table).await? } else { Vec::new() };
            let history = History::fold(rows, component);
            let adopted_from = history.adoption().and_then(Mark::of).map(|mark| mark.layout);
            let mut found = InDatabase { adopted_from, ..InDatabase::default() };
            if let Some(engine) = Engine::of(backend.dialect().name(), &server.product) {
                let tables = Table::from_catalog(&session.query(&format::catalog_sql(engine, None)).await?);
                found.foreign = format::recognised(&tables).into_iter().map(|found| found.tool.to_owned()).collect();
            }
            Ok::<_, ServerError>(found)
        };
        Ok(look.await.map_err(ErrorKind::from)?)
    }

    pub(super) async fn observed_foreign(
        &self,
        session: &mut dyn Session,
        goal: &Goal,
        history: &History,
        server: &Server,
    ) -> Result<Foreign, ServerError> {
        let engine = Engine::of(self.backend.dialect().name(), &server.product);
        let Some(engine) = engine.filter(|_| adopt::looks(goal, &self.policy, history, server)) else {
            return Ok(Foreign::default());
        };
        let extra = adopt::named_table(goal, &self.policy, history);
        let catalog = session.query(&format::catalog_sql(engine, extra.as_ref())).await?;
        let mut foreign = Foreign { tables: Table::from_catalog(&catalog), ..Foreign::default() };
        if self.policy.mirror.is_some()
            && let Some(sql) = engine.home_sql()
        {
            foreign.home = session.query(sql).await?.into_iter().flatten().next().flatten();
        }
        if let Some(found) = adopt::reads(&self.set, &foreign, goal, &self.policy, history) {
            let mut answers = Vec::new();
            for sql in found.rows_sql(engine) {
                answers.push(session.query(&sql).await?);
            }
            foreign.reading = Some(Reading::new(found, answers));
        }
        Ok(foreign)
    }

    /// Keeps the tool out whose history a plan takes over. Answers whether it had to be: what was observed before may
    /// be old.
    pub(super) async fn keep_out(&self, run: &mut Run<'_>, plan: &Plan, observed: &Observed) -> Result<bool, Halt> {
        if run.has_foreign_locks() {
            return Ok(false);
        }
        let Some(found) = plan.keeps_out() else { return Ok(false) };
        let Some(engine) = Engine::of(self.backend.dialect().name(), &observed.server.product) else {
            return Ok(false);
        };
        let owner = run.run_id.clone();
        let database = &observed.server.database;
        let at = Locking { engine, database, table: &found.table, beside: &found.beside, owner: &owner };
        let locks = found.format().locks(&at);
        if locks.is_empty() {
            return Ok(false);
        }
        run.lock_foreign(locks).await?;
        Ok(true)
    }

    /// A plan that was made before takes over exactly what is there now.
    pub(super) fn same_adoption(&self, plan: &Plan, observed: &Observed) -> Result<(), Refusal> {
        let marked = |plan: &Plan| {
            let mark = plan.steps.iter().find(|step| step.row.entry.is_adoption());
            mark.map(|mark| mark.row.entry.checksum.clone())
        };
        let now = self.planned(observed)?;
        if marked(&now) == marked(plan) {
            return Ok(());
        }
        Err(Refusal::WrongDigest { wanted: plan.digest(), found: Some(now.digest()) })
    }
}
