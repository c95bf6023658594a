//! All that is in a database, as a text that two databases share exactly if they hold the same.
//!
//! Left out are tables and views named `migrate_…`, what only tells when something was made, the next number of an
//! `AUTO_INCREMENT`, and the database's own name.

use std::fmt::Write as _;

use super::Database;

/// Definitions: what `SHOW CREATE` says, and what the catalogue does where that would tell the time.
pub(super) fn definitions(database: &Database<'_>) -> String {
    let mut script = String::from(
        "select concat('database ', default_character_set_name, ' ', default_collation_name) \
         from information_schema.schemata where schema_name = database();\n",
    );
    for (kind, name) in relations(database) {
        let _ = writeln!(script, "show create {} {};", if kind == "VIEW" { "view" } else { "table" }, quoted(&name));
    }
    script.push_str(
        "select 'trigger', trigger_name, action_timing, event_manipulation, event_object_table, action_order, \
         action_statement, sql_mode, definer, character_set_client, collation_connection, database_collation \
         from information_schema.triggers where trigger_schema = database() \
         and event_object_table not like 'migrate\\_%' order by trigger_name;\n",
    );
    let routines = "select routine_type, routine_name from information_schema.routines \
                    where routine_schema = database() order by 1, 2";
    for line in database.sql(routines).lines() {
        let (kind, name) = line.split_once('\t').expect("two columns");
        let _ = writeln!(script, "show create {kind} {};", quoted(name));
    }
    script.push_str(
        "select 'event', event_name, definer, time_zone, event_definition, event_type, execute_at, interval_value, \
         interval_field, sql_mode, ends, status, on_completion, event_comment, character_set_client, \
         collation_connection, database_collation \
         from information_schema.events where event_schema = database() order by event_name;\n",
    );
    let text = database.sql(&script).replace(database.name(), "database");
    // The client writes the line breaks of a cell as \n.
    without_next_numbers(&text).replace("\\n", "\n")
}

/// The rows, a line each behind their table's name, sorted.
pub(super) fn rows(database: &Database<'_>) -> String {
    let columns = database.sql(
        "select table_name, column_name, data_type from information_schema.columns \
         where table_schema = database() order by table_name, ordinal_position",
    );
    let mut script = String::new();
    for (kind, table) in relations(database) {
        if kind == "VIEW" {
            continue;
        }
        let cells = columns.lines().filter_map(|line| {
            let [of, column, data_type] = line.split('\t').collect::<Vec<_>>().try_into().ok()?;
            (of == table).then(|| cell(column, data_type))
        });
        let cells: String = cells.fold(String::new(), |cells, cell| cells + ", " + &cell);
        let _ = writeln!(script, "select {}{cells} from {};", literal(&table), quoted(&table));
    }
    let text = database.sql(&script);
    let mut lines: Vec<_> = text.lines().collect();
    lines.sort_unstable();
    lines.into_iter().fold(String::new(), |text, line| text + line + "\n")
}

/// Kind and name of tables, views and sequences but ours.
fn relations(database: &Database<'_>) -> Vec<(String, String)> {
    let text = database.sql(
        "select table_type, table_name from information_schema.tables where table_schema = database() \
         and table_name not like 'migrate\\_%' order by table_name",
    );
    let rows = text.lines().map(|line| line.split_once('\t').expect("two columns"));
    rows.map(|(kind, name)| (kind.to_owned(), name.to_owned())).collect()
}

/// What is no text would be printed as if it were.
fn cell(column: &str, data_type: &str) -> String {
    let binary = ["binary", "blob", "bit", "geometry", "point", "linestring", "polygon", "collection", "vector"];
    let column = quoted(column);
    if binary.iter().any(|part| data_type.contains(part)) { format!("hex({column})") } else { column }
}

fn without_next_numbers(text: &str) -> String {
    const OPTION: &str = " AUTO_INCREMENT=";
    let mut parts = text.split(OPTION);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}
