//! What is read of an object → an SQL expression.
//!
//! | rule | because |
//! |---|---|
//! | one text for all: `f2:part,part;database`, a part being its aspects with dots between | each can be compared by itself |
//! | rows are folded by exclusive or, with their number | no order, and no bound of `GROUP_CONCAT`, changes it |
//! | every cell as hexadecimal digits, NULL as a dash | nothing depends on a mode or a character set of the session |
//! | a name that is not plain ASCII is written in hexadecimal digits | quotes and backslashes mean different things in different modes |
//! | no statistics, no times, no `AUTO_INCREMENT` | they change by themselves |
//! | names of tables, columns and indexes of MySQL come from the views that join least | a view of the catalog costs what it joins |
//!
//! The expression is part of the UPDATE that announces a statement, so what may be refused is not in it: of InnoDB's
//! own tables only where PROCESS was seen, of the tables of `mysql` nothing.

use super::Place;
use super::names::{About, Aspect, Name, Object};

/// Notes that begin otherwise were written by another rule.
pub(super) const PREFIX: &str = "f2:";
/// In the place of what may not be read.
pub(super) const UNREADABLE: &str = "?";

/// What a name without a schema belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Database<'d> {
    /// Whatever the session is in when the expression is answered.
    Current,
    /// What it was in.
    Named(&'d str),
}

impl Database<'_> {
    fn sql(self) -> String {
        match self {
            Self::Current => "DATABASE()".to_owned(),
            Self::Named(name) => literal(name),
        }
    }

    fn of(self, schema: Option<&str>) -> String {
        schema.map_or_else(|| self.sql(), literal)
    }
}

/// The whole note. `None` where a part of it cannot be an expression.
pub(super) fn expression(place: &Place, about: &About, database: Database<'_>) -> Option<String> {
    let parts: Option<Vec<String>> =
        about.objects.iter().map(|(object, aspects)| part(place, object, aspects, database)).collect();
    let parts = parts?.join(", ',', ");
    let parts = if parts.is_empty() { "''".to_owned() } else { parts };
    Some(format!("CONCAT('{PREFIX}', {parts}, ';', COALESCE({}, ''))", database.sql()))
}

/// A note whose parts are known, of whatever database it is about.
pub(super) fn constant(parts: &str) -> String {
    format!("CONCAT('{PREFIX}{parts};', COALESCE({}, ''))", Database::Current.sql())
}

/// The aspects of one object. `None` where they take queries of their own.
pub(super) fn part(place: &Place, object: &Object, aspects: &[Aspect], database: Database<'_>) -> Option<String> {
    let aspects: Option<Vec<String>> = aspects.iter().map(|aspect| read(place, object, *aspect, database)).collect();
    Some(aspects?.join(", '.', "))
}

/// A literal that means the same in every mode of the session.
pub(super) fn literal(text: &str) -> String {
    if is_plain(text) {
        return format!("'{text}'");
    }
    text.bytes().fold("_utf8mb4 0x".to_owned(), |literal, byte| format!("{literal}{byte:02X}"))
}

pub(super) fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && !matches!(byte, b'\'' | b'\\'))
}

/// The number of rows and what they are, in any order.
///
/// Not the digest's own digits as a number: MySQL 9.7 gives `CONV` the wrong character set where the connection's is
/// UTF-16.
fn digest(columns: &[&str], from: &str, condition: &str) -> String {
    let cells: Vec<String> = columns.iter().map(|column| format!("COALESCE(HEX({}), '-')", bare(column))).collect();
    let row = format!("CONVERT(CONCAT_WS('|', {}) USING utf8mb4)", cells.join(", "));
    format!(
        "(SELECT CONCAT(COUNT(*), '-', HEX(BIT_XOR(CRC32(CONVERT(SHA2({row}, 256) USING ascii))))) \
         FROM information_schema.{from} WHERE {condition})"
    )
}

/// A column without the quotes that MariaDB writes in one mode of the session and not in another.
fn bare(column: &str) -> String {
    if column.ends_with("_expression") {
        return format!("REPLACE(REPLACE({column}, '`', ''), '\"', '')");
    }
    column.to_owned()
}

/// 1 or 0.
fn there(from: &str, condition: &str) -> String {
    format!("(SELECT COUNT(*) > 0 FROM information_schema.{from} WHERE {condition})")
}

fn read(place: &Place, object: &Object, aspect: Aspect, database: Database<'_>) -> Option<String> {
    let of = |columns: [&str; 2], name: &Name| {
        format!("{} = {} AND {} = {}", columns[0], database.of(name.schema.as_deref()), columns[1], literal(&name.name))
    };
    let (from, condition, definition): (&str, String, &[&str]) = match object {
        Object::Table(name) => return table(place, name, aspect, database),
        Object::Column { table, column } => {
            let from = if extensions(place) { "columns_extensions" } else { "columns" };
            let table = of(["table_schema", "table_name"], table);
            return Some(there(from, &format!("{table} AND column_name = {}", literal(column))));
        }
        Object::Index { table, index } => {
            return Some(if extensions(place) {
                let table = of(["constraint_schema", "table_name"], table);
                there("table_constraints_extensions", &format!("{table} AND constraint_name = {}", literal(index)))
            } else {
                let table = of(["table_schema", "table_name"], table);
                there("statistics", &format!("{table} AND index_name = {}", literal(index)))
            });
        }
        Object::Event(name) => ("events", of(["event_schema", "event_name"], name), EVENT),
        Object::Routine { kind, name } => {
            let named = of(["routine_schema", "routine_name"], name);
            ("routines", format!("{named} AND routine_type = '{kind}'"), ROUTINE)
        }
        Object::Schema(name) => {
            let name = if name.is_empty() { database.sql() } else { literal(name) };
            ("schemata", format!("schema_name = {name}"), if place.mariadb { MARIADB_SCHEMA } else { MYSQL_SCHEMA })
        }
        Object::Trigger { name, table } => {
            // MariaDB opens every table of the schema unless it is told which.
            let schema = name.schema.as_deref().or(table.as_ref().and_then(|table| table.schema.as_deref()));
            let mut condition =
                format!("event_object_schema = {} AND trigger_name = {}", database.of(schema), literal(&name.name));
            if let Some(table) = table {
                condition = format!("{condition} AND event_object_table = {}", literal(&table.name));
            }
            ("triggers", condition, &["action_statement"])
        }
        Object::View(name) => {
            let columns = if place.mariadb { MARIADB_VIEW } else { MYSQL_VIEW };
            ("views", of(["table_schema", "table_name"], name), columns)
        }
        Object::Plugin(name) => ("plugins", format!("plugin_name = {}", literal(name)), &["plugin_library"]),
        Object::ReferenceSystem(id) => {
            ("st_spatial_reference_systems", format!("srs_id = {}", id.parse::<u32>().ok()?), &["definition"])
        }
        Object::ResourceGroup(name) => {
            ("resource_groups", format!("resource_group_name = {}", literal(name)), RESOURCE_GROUP)
        }
        Object::Account(_)
        | Object::Component(_)
        | Object::Loadable(_)
        | Object::Sequence(_)
        | Object::Server(_)
        | Object::Tablespace(_) => return None,
    };
    Some(match aspect {
        Aspect::Existence => there(from, &condition),
        _ => digest(definition, from, &condition),
    })
}

/// Whether MySQL has the views that say little and cost little.
fn extensions(place: &Place) -> bool {
    !place.mariadb && place.version >= (8, 0, 21)
}

fn table(place: &Place, name: &Name, aspect: Aspect, database: Database<'_>) -> Option<String> {
    let schema = database.of(name.schema.as_deref());
    let condition = format!("table_schema = {schema} AND table_name = {}", literal(&name.name));
    Some(match aspect {
        Aspect::Existence if extensions(place) => there("tables_extensions", &condition),
        Aspect::Existence => there("tables", &condition),
        Aspect::ColumnNames if extensions(place) => digest(&["column_name"], "columns_extensions", &condition),
        Aspect::ColumnNames => digest(&["column_name"], "columns", &condition),
        Aspect::IndexNames if extensions(place) => {
            let condition = format!("constraint_schema = {schema} AND table_name = {}", literal(&name.name));
            digest(&["constraint_name"], "table_constraints_extensions", &condition)
        }
        Aspect::IndexNames => digest(&["index_name", "seq_in_index"], "statistics", &condition),
        Aspect::Columns => digest(
            &[COLUMNS, if place.mariadb { &["is_generated"] } else { &["srs_id"] }].concat(),
            "columns",
            &condition,
        ),
        Aspect::Indexes => {
            let own: &[&str] = match place {
                Place { mariadb: false, .. } => &["is_visible", "expression"],
                Place { version, .. } if *version >= (10, 6, 0) => &["ignored"],
                _ => &[],
            };
            digest(&[INDEXES, own].concat(), "statistics", &condition)
        }
        Aspect::Constraints => {
            let own: &[&str] = if place.mariadb { &[] } else { &["enforced"] };
            digest(&[&["constraint_name", "constraint_type"], own].concat(), "table_constraints", &condition)
        }
        Aspect::Options => digest(OPTIONS, "tables", &condition),
        Aspect::Partitions => digest(PARTITIONS, "partitions", &condition),
        Aspect::Identity if place.process => identity(place, &name.name, &schema),
        Aspect::Identity => format!("'{UNREADABLE}'"),
        Aspect::Definition => return None,
    })
}

/// The numbers that InnoDB knows a table and its partitions by. A new file or table never gets an old number.
fn identity(place: &Place, name: &str, schema: &str) -> String {
    // Of MySQL the files: the tables take ten times as long. One in a file that it shares is not found.
    let (from, columns): (&str, &[&str]) = if place.mariadb {
        ("innodb_sys_tables", &["name", "table_id", "space"])
    } else {
        ("innodb_tablespaces_brief", &["name", "space"])
    };
    // Of the database the usual ones only: of one with another in its name nothing is found, and nothing decided by that.
    let schema = [("_", "|_"), ("-", "@002d"), (".", "@002e"), ("$", "@0024"), (" ", "@0020")]
        .iter()
        .fold(schema.to_owned(), |name, (from, to)| format!("REPLACE({name}, '{from}', '{to}')"));
    let table = like(name);
    // `db/table`, `db/table#p#partition`.
    let condition = [format!("/{table}"), format!("/{table}#%")]
        .map(|table| format!("name LIKE CONCAT({schema}, {}) ESCAPE '|'", literal(&table)))
        .join(" OR ");
    digest(columns, from, &condition)
}

/// What a name is in the file system and in InnoDB, as a pattern: everything but letters, digits and `_` is written as
/// `@` and digits, of which only ASCII has one form.
fn like(name: &str) -> String {
    let mut pattern = String::new();
    for letter in name.chars() {
        match letter {
            '_' => pattern.push_str("|_"),
            letter if letter.is_ascii_alphanumeric() => pattern.push(letter),
            letter if letter.is_ascii() => pattern = format!("{pattern}@{:04x}", u32::from(letter)),
            _ => pattern.push_str("@%"),
        }
    }
    pattern
}

const COLUMNS: &[&str] = &[
    "column_name",
    "ordinal_position",
    "column_default",
    "is_nullable",
    "column_type",
    "collation_name",
    "extra",
    "column_comment",
    "generation_expression",
];

const INDEXES: &[&str] = &[
    "index_name",
    "seq_in_index",
    "column_name",
    "collation",
    "sub_part",
    "non_unique",
    "index_type",
    "index_comment",
];

const OPTIONS: &[&str] = &["table_type", "engine", "row_format", "table_collation", "create_options", "table_comment"];

const PARTITIONS: &[&str] = &[
    "partition_name",
    "subpartition_name",
    "partition_ordinal_position",
    "subpartition_ordinal_position",
    "partition_method",
    "subpartition_method",
    "partition_expression",
    "subpartition_expression",
    "partition_description",
    "partition_comment",
    "tablespace_name",
];

const EVENT: &[&str] = &[
    "definer",
    "time_zone",
    "event_definition",
    "event_type",
    "execute_at",
    "interval_value",
    "interval_field",
    "sql_mode",
    "starts",
    "ends",
    "status",
    "on_completion",
    "event_comment",
];

const ROUTINE: &[&str] = &[
    "routine_definition",
    "dtd_identifier",
    "is_deterministic",
    "sql_data_access",
    "security_type",
    "sql_mode",
    "routine_comment",
    "definer",
];

const MARIADB_SCHEMA: &[&str] = &["default_character_set_name", "default_collation_name", "schema_comment"];
const MYSQL_SCHEMA: &[&str] = &["default_character_set_name", "default_collation_name", "default_encryption"];
const MARIADB_VIEW: &[&str] = &["view_definition", "check_option", "definer", "security_type", "algorithm"];
const MYSQL_VIEW: &[&str] = &["view_definition", "check_option", "definer", "security_type"];
const RESOURCE_GROUP: &[&str] = &["resource_group_type", "resource_group_enabled", "vcpu_ids", "thread_priority"];
