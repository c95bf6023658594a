//! Leaving again: our history in another tool's table.

use super::Migrator;
use crate::apply::{Halt, Line, Run};
use crate::backend::{Exclusion, TableName};
use crate::error::{Error, ErrorKind};
use crate::history::format::Engine;
use crate::history::format::export::{Export, NotExported, export};
use crate::plan::{AdoptGoal, Goal, Observed, Refusal};

impl Migrator {
    /// Our history as another tool would have it: the statements that would write its table. Read-only.
    ///
    /// Available with feature `other-tools`.
    ///
    /// # Errors
    /// Those of connecting and reading, everything that the tool cannot have, and if its table is there already.
    pub async fn export(&self, tool: &str, table: Option<TableName>) -> Result<Export, Error> {
        let mut session = self.connect().await?;
        let observed =
            self.observed_for(&mut *session, &looking(tool, table.as_ref())).await.map_err(ErrorKind::from)?;
        Ok(self.exported(&observed, tool, table).map_err(ErrorKind::Refused)?)
    }

    /// Writes it. Our own history stays as it is.
    ///
    /// Available with feature `other-tools`.
    ///
    /// # Errors
    /// As of [`export`](Self::export), and those of writing.
    pub async fn write_export(&self, tool: &str, table: Option<TableName>) -> Result<Export, Error> {
        let mut nobody = ();
        let mut run = self.begin(Line::Own(self.connect().await?), &mut nobody);
        let mut export = Export::default();
        let result = self.write_out(&mut run, tool, table, &mut export).await;
        self.finish(run, result).await?;
        Ok(export)
    }

    async fn write_out(
        &self,
        run: &mut Run<'_>,
        tool: &str,
        table: Option<TableName>,
        written: &mut Export,
    ) -> Result<(), Halt> {
        if self.backend.dialect().exclusion == Exclusion::Session {
            run.lock(self.set.component()).await?;
        }
        let observed = self.observed_for(&mut *run.session, &looking(tool, table.as_ref())).await?;
        *written = self.exported(&observed, tool, table)?;
        run.write_export(written).await
    }

    fn exported(&self, observed: &Observed, tool: &str, table: Option<TableName>) -> Result<Export, Refusal> {
        let dialect = self.backend.dialect();
        let engine = Engine::of(dialect.name(), &observed.server.product)
            .ok_or_else(|| Refusal::NotExported(vec![NotExported::Engine(dialect.name())]))?;
        let export = export(tool, table, engine, &self.set, &observed.history).map_err(Refusal::NotExported)?;
        let there = observed.foreign.tables.iter().find(|there| {
            there.is_called(&export.table.name)
                && (export.table.schema.is_none() || there.name.schema == export.table.schema)
        });
        match there {
            None => Ok(export),
            Some(there) => Err(Refusal::Already {
                what: format!("there is a table {} already", there.name),
                help: format!("if {} is given up, drop it; or write another one: --to-table NAME", export.tool),
            }),
        }
    }
}

/// Looks for the table of a tool.
fn looking(tool: &str, table: Option<&TableName>) -> Goal {
    Goal::Adopt(AdoptGoal { from: Some(tool.to_owned()), table: table.cloned(), ..AdoptGoal::default() })
}
