//! Another tool's table, written from our history.

use crate::backend::{Atomicity, Effect, ForeignRow, Settings};
use crate::history::format::export::Export;

use super::{Halt, Run};

impl Run<'_> {
    /// Writes another tool's table: in one transaction where the engine has it, else the rows in one.
    pub(crate) async fn write_export(&mut self, export: &Export) -> Result<(), Halt> {
        let mirrored = |statements: &[String]| -> Vec<ForeignRow> {
            statements.iter().map(|sql| ForeignRow { sql: sql.clone() }).collect()
        };
        let mut rows = mirrored(&export.rows);
        match self.backend.dialect().atomicity {
            Atomicity::Script => rows = [mirrored(&export.definitions), rows].concat(),
            Atomicity::Statement => {
                for sql in &export.definitions {
                    self.session.query(sql).await?;
                }
            }
        }
        let settings = Settings::default();
        let rows = rows.iter().map(Effect::Mirror);
        let effects: Vec<Effect<'_>> =
            std::iter::once(Effect::Begin(&settings)).chain(rows).chain([Effect::Commit]).collect();
        self.perform_quietly(&effects).await
    }
}
