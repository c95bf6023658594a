//! The SQL in which other tools' tables are found, read and written, for each engine.
//!
//! It depends on no mode of a session: names are quoted, texts are literals that every mode reads alike.

use crate::backend::TableName;

use super::table::{Column, Table};

/// An engine on which other tools' tables are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
pub enum Engine {
    /// PostgreSQL.
    Postgres,
    /// MySQL.
    MySql,
    /// MariaDB, which differs from MySQL in a few definitions.
    MariaDb,
    /// SQLite.
    Sqlite,
}

impl Engine {
    /// The engine of a backend, from its dialect's name and what the server calls itself; `None` for one that this
    /// project does not have.
    pub fn of(dialect: &str, product: &str) -> Option<Self> {
        match dialect {
            "postgres" => Some(Self::Postgres),
            "mysql" | "mariadb" if product.starts_with("MariaDB") => Some(Self::MariaDb),
            "mysql" | "mariadb" => Some(Self::MySql),
            "sqlite" => Some(Self::Sqlite),
            _ => None,
        }
    }

    /// Whether it is one of the two that MySQL's tools know.
    pub fn is_mysql(self) -> bool {
        matches!(self, Self::MySql | Self::MariaDb)
    }

    /// A name in quotes.
    pub fn name(self, name: &str) -> String {
        if self.is_mysql() {
            format!("`{}`", name.replace('`', "``"))
        } else {
            format!("\"{}\"", name.replace('"', "\"\""))
        }
    }

    /// A table, with its schema where it has one.
    pub fn table(self, table: &TableName) -> String {
        match &table.schema {
            Some(schema) => format!("{}.{}", self.name(schema), self.name(&table.name)),
            None => self.name(&table.name),
        }
    }

    /// A text as a literal.
    pub fn literal(self, text: &str) -> String {
        let plain = || format!("'{}'", text.replace('\'', "''"));
        match self {
            Self::Postgres if text.contains('\\') => {
                format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
            }
            // Whether a backslash escapes is a mode of the session.
            Self::MySql | Self::MariaDb if text.contains('\\') => {
                let digits = crate::checksum::hex("", text.as_bytes());
                format!("CONVERT(x'{}' USING utf8mb4)", &digits[1..])
            }
            _ => plain(),
        }
    }

    /// A text or NULL.
    pub fn optional(self, text: Option<&str>) -> String {
        text.map_or_else(|| "NULL".to_owned(), |text| self.literal(text))
    }

    /// A truth.
    pub fn boolean(self, value: bool) -> &'static str {
        match (self, value) {
            (Self::Postgres, true) => "true",
            (Self::Postgres, false) => "false",
            (_, true) => "1",
            (_, false) => "0",
        }
    }

    /// The columns of every table that has one of these names, in the connection's own schemas or in the schema given
    /// with it: rows of schema, table, column, type, in the order of the columns. The schema is NULL in SQLite.
    pub(crate) fn columns_sql(self, own: &[&str], elsewhere: &[(&str, &str)]) -> String {
        let list = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| self.literal(&name.to_lowercase())).collect();
            names.join(", ")
        };
        let own = list(own);
        match self {
            Self::Postgres => {
                let elsewhere: Vec<String> = elsewhere
                    .iter()
                    .map(|(schema, table)| format!("({}, {})", self.literal(schema), self.literal(table)))
                    .collect();
                format!(
                    "SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, NULL) FROM pg_attribute a \
                     JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
                     WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped \
                     AND ((n.nspname = ANY (current_schemas(false)) AND lower(c.relname) IN ({own})) \
                     OR (n.nspname, c.relname) IN ({})) \
                     ORDER BY array_position(current_schemas(false), n.nspname), n.nspname, c.relname, a.attnum",
                    elsewhere.join(", ")
                )
            }
            Self::MySql | Self::MariaDb => {
                let elsewhere: Vec<String> = elsewhere
                    .iter()
                    .map(|(schema, table)| format!("({}, {})", self.literal(schema), self.literal(table)))
                    .collect();
                format!(
                    "SELECT c.TABLE_SCHEMA, c.TABLE_NAME, c.COLUMN_NAME, c.DATA_TYPE FROM information_schema.COLUMNS c \
                     WHERE (c.TABLE_SCHEMA = DATABASE() AND LOWER(c.TABLE_NAME) IN ({own})) \
                     OR (c.TABLE_SCHEMA, c.TABLE_NAME) IN ({}) \
                     ORDER BY c.TABLE_SCHEMA <> DATABASE(), c.TABLE_SCHEMA, c.TABLE_NAME, c.ORDINAL_POSITION",
                    elsewhere.join(", ")
                )
            }
            Self::Sqlite => format!(
                "SELECT NULL, t.name, c.name, lower(c.type) FROM main.sqlite_master t JOIN pragma_table_info(t.name) c \
                 WHERE t.type = 'table' AND lower(t.name) IN ({own}) \
                 UNION ALL SELECT NULL, 'pragma_user_version', 'user_version', 'integer' FROM pragma_user_version \
                 WHERE user_version <> 0"
            ),
        }
    }

    /// Every row of a table with every column as text; binary values as lower-case hexadecimal digits.
    pub(crate) fn rows_sql(self, table: &Table, order: &str) -> String {
        let columns: Vec<String> = table.columns.iter().map(|column| self.cell(column)).collect();
        let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {order}") };
        format!("SELECT {} FROM {}{order}", columns.join(", "), self.table(&table.name))
    }

    fn cell(self, column: &Column) -> String {
        let name = self.name(&column.name);
        match self {
            Self::Postgres if column.kind == "bytea" => format!("encode({name}, 'hex')"),
            // What a row looks like must not depend on the session's time zone and its ways of showing a date.
            Self::Postgres if column.kind == "timestamp with time zone" => {
                format!("to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
            }
            Self::Postgres if column.kind == "timestamp without time zone" => {
                format!("to_char({name}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US')")
            }
            Self::MySql | Self::MariaDb if column.kind == "timestamp" => {
                format!("COALESCE(CONVERT_TZ({name}, @@SESSION.time_zone, '+00:00'), UNIX_TIMESTAMP({name}))")
            }
            Self::MySql | Self::MariaDb if column.kind.contains("blob") || column.kind.contains("binary") => {
                format!("LOWER(HEX({name}))")
            }
            // JSON and times have a text of their own, whatever character set a client asks for.
            Self::MySql | Self::MariaDb if column.kind == "json" => format!("CAST({name} AS CHAR)"),
            _ => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_literals_that_no_mode_reads_differently() {
        for (engine, text, literal) in [
            (Engine::Postgres, "it's", "'it''s'"),
            (Engine::Postgres, "a\\'b", "E'a\\\\''b'"),
            (Engine::MySql, "it's", "'it''s'"),
            (Engine::MySql, "\\", "CONVERT(x'5c' USING utf8mb4)"),
            (Engine::Sqlite, "a\\'b", "'a\\''b'"),
        ] {
            assert_eq!(engine.literal(text), literal, "{engine:?} {text}");
        }
    }

    #[test]
    fn the_engine_is_what_the_server_is() {
        assert_eq!(Engine::of("mysql", "MariaDB 10.11.6"), Some(Engine::MariaDb));
        assert_eq!(Engine::of("mysql", "MySQL 9.1.0"), Some(Engine::MySql));
        assert_eq!(Engine::of("memory", "Memory 1.0"), None);
    }
}
