//! Another tool's table as it was found: its name, its columns, its rows.

#[cfg(feature = "manifest")]
mod json;

use crate::backend::{Row, TableName};

/// A table and its columns.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Table {
    /// Where it is.
    pub name: TableName,
    /// In the order of the table.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub columns: Vec<Column>,
}

/// A column of another tool's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// As it was created.
    pub name: String,
    /// The engine's name for its type, in small letters.
    pub kind: String,
}

impl Table {
    /// Whether it has all of these columns, whatever letters they are written in.
    pub fn has(&self, columns: &[&str]) -> bool {
        columns.iter().all(|column| self.column(column).is_some())
    }

    /// The column of this name, whatever letters it is written in.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// Whether its name is this one, whatever letters it is written in.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.name.name.eq_ignore_ascii_case(name)
    }

    /// The tables that the answer to [`Engine::columns_sql`](super::Engine) describes.
    pub(crate) fn from_catalog(rows: &[Row]) -> Vec<Self> {
        let mut tables: Vec<Self> = Vec::new();
        for row in rows {
            let cell = |index: usize| row.get(index).cloned().flatten();
            let (Some(name), Some(column), Some(kind)) = (cell(1), cell(2), cell(3)) else { continue };
            let name = TableName { schema: cell(0), name };
            let column = Column { name: column, kind: kind.to_ascii_lowercase() };
            match tables.last_mut().filter(|last| last.name == name) {
                Some(last) => last.columns.push(column),
                None => tables.push(Self { name, columns: vec![column] }),
            }
        }
        tables
    }

    /// The rows of the table, from the answer to [`Engine::rows_sql`](super::Engine).
    pub(crate) fn records(&self, rows: Vec<Row>) -> Vec<Record> {
        let names: Vec<String> = self.columns.iter().map(|column| column.name.to_ascii_lowercase()).collect();
        rows.into_iter().map(|cells| Record { cells: names.iter().cloned().zip(cells).collect() }).collect()
    }
}

/// One row of another tool's table, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Name in small letters and value of each column, in the order of the table.
    cells: Vec<(String, Option<String>)>,
}

impl Record {
    /// A row from names in small letters and values.
    pub fn new(cells: impl IntoIterator<Item = (impl Into<String>, Option<String>)>) -> Self {
        Self { cells: cells.into_iter().map(|(name, value)| (name.into(), value)).collect() }
    }

    /// The value of a column; `None` for NULL and where there is no such column.
    pub fn get(&self, column: &str) -> Option<&str> {
        self.cells.iter().find(|(name, _)| name == column)?.1.as_deref()
    }

    /// The value of a column, empty where it has none.
    pub fn text(&self, column: &str) -> &str {
        self.get(column).unwrap_or_default()
    }

    /// Whether a column says yes: engines show a truth as `t`, `1` or `true`.
    pub(crate) fn is_true(&self, column: &str) -> bool {
        matches!(self.text(column), "t" | "1" | "true" | "TRUE" | "\u{1}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_put_together_from_their_columns() {
        let row = |schema: Option<&str>, table: &str, column: &str| {
            vec![schema.map(str::to_owned), Some(table.to_owned()), Some(column.to_owned()), Some("TEXT".to_owned())]
        };
        let tables = Table::from_catalog(&[
            row(Some("public"), "a", "ID"),
            row(Some("public"), "a", "name"),
            row(Some("other"), "a", "id"),
        ]);
        let found: Vec<_> = tables.iter().map(|table| (table.name.to_string(), table.columns.len())).collect();
        assert_eq!(found, [("public.a".to_owned(), 2), ("other.a".to_owned(), 1)]);
        assert!(tables[0].has(&["id", "name"]) && !tables[2 - 1].has(&["name"]));
    }
}
