//! Tools whose history is recognised, so that nobody takes its database for empty, and not read.

use super::{Damaged, ForeignEntry, HistoryFormat, Reading, Table};

/// A tool whose history is not read.
#[derive(Debug)]
pub(super) struct Unreadable {
    name: &'static str,
    title: &'static str,
    tables: &'static [&'static str],
    columns: &'static [&'static str],
}

/// Ecto, whose migrations are Elixir.
pub(super) static ECTO: Unreadable =
    Unreadable { name: "ecto", title: "Ecto", tables: &["schema_migrations"], columns: &["version", "inserted_at"] };

/// Entity Framework Core, whose migrations are C#.
pub(super) static EF_CORE: Unreadable = Unreadable {
    name: "ef-core",
    title: "Entity Framework Core",
    tables: &["__efmigrationshistory"],
    columns: &["migrationid", "productversion"],
};

impl HistoryFormat for Unreadable {
    fn name(&self) -> &'static str {
        self.name
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn tables(&self) -> &'static [&'static str] {
        self.tables
    }

    fn recognises(&self, table: &Table, _: &[Table]) -> bool {
        table.has(self.columns)
    }

    fn layouts(&self) -> &'static [&'static str] {
        &[]
    }

    fn order(&self) -> &'static str {
        self.columns[0]
    }

    fn decode(&self, _: &Reading) -> Result<Vec<ForeignEntry>, Damaged> {
        Err(Damaged(format!("the history of {} cannot be read: its migrations are code", self.title)))
    }
}
