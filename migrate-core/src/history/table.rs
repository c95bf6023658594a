//! The history table: its columns, and how an [`Entry`] is written to them and read back.
//!
//! Changes are additive for ever: a new column is nullable or has a default, readers select by name and ignore the
//! rest. Each row says which format its writer used and the oldest format whose readers understand it; a reader that
//! is older refuses and names the tool version that wrote the row.

use super::{Action, Entry, EntryKey, State, Timestamp};
use crate::backend::{Advance, Fault, NewEntry, ServerError};
use crate::migration::{MigrationId, Phase};
use crate::version::Version;

/// The format this version writes.
pub const FORMAT: u64 = 1;
/// The oldest format whose readers understand what this version writes.
pub const READER_MIN: u64 = 1;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A short text.
    Text,
    /// A text of any length.
    LongText,
    /// A non-negative number.
    Integer,
    /// A [`Timestamp`]; written by the server alone.
    Time,
}

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, the same on all engines.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether every row has a value.
    pub required: bool,
}

const fn required(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, required: true }
}

const fn optional(name: &'static str, kind: Kind) -> Column {
    Column { name, kind, required: false }
}

/// All columns in the order of the table; (`component`, `seq`) is the primary key.
pub const COLUMNS: &[Column] = &[
    required("component", Kind::Text),
    required("seq", Kind::Integer),
    optional("version", Kind::Text),
    optional("phase", Kind::Text),
    optional("ordinal", Kind::Integer),
    required("name", Kind::Text),
    required("action", Kind::Text),
    required("state", Kind::Text),
    required("cursor", Kind::Integer),
    required("statements", Kind::Integer),
    optional("prefix_digest", Kind::Text),
    optional("note", Kind::LongText),
    optional("settled_by", Kind::LongText),
    required("checksum", Kind::Text),
    optional("checksum_normalised", Kind::Text),
    optional("executed_digest", Kind::Text),
    optional("down_checksum", Kind::Text),
    optional("script", Kind::LongText),
    optional("down_script", Kind::LongText),
    optional("origin", Kind::Text),
    optional("compatible_from", Kind::Text),
    optional("set_digest", Kind::Text),
    optional("checkpoint", Kind::LongText),
    optional("error", Kind::LongText),
    required("run_id", Kind::Text),
    required("fence", Kind::Integer),
    optional("installed_by", Kind::Text),
    optional("app_version", Kind::Text),
    optional("tool_version", Kind::Text),
    optional("started_at", Kind::Time),
    optional("finished_at", Kind::Time),
    optional("format", Kind::Integer),
    optional("reader_min", Kind::Integer),
];

/// The columns that are not loaded with an [`Entry`].
pub const LONG: &[&str] = &["script", "down_script"];

/// The value of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// NULL.
    Null,
    /// A number.
    Integer(u64),
    /// A text.
    Text(&'a str),
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(text: Option<&'a str>) -> Self {
        text.map_or(Value::Null, Value::Text)
    }
}

/// The values of a new row, one for each of [`COLUMNS`] that is not a [`Kind::Time`].
pub fn encode(new: &NewEntry) -> Vec<(&'static str, Value<'_>)> {
    let entry = &new.entry;
    let (version, phase, ordinal, name) = match &entry.id {
        MigrationId::Versioned { version, phase, ordinal } => (
            Some(version.as_str()),
            Some(match phase {
                Phase::Pre => "pre",
                Phase::Post => "post",
            }),
            Value::Integer(u64::from(*ordinal)),
            entry.description.as_str(),
        ),
        MigrationId::Repeatable { name } => (None, None, Value::Null, name.as_str()),
    };
    vec![
        ("component", Value::Text(&entry.key.component)),
        ("seq", Value::Integer(entry.key.seq)),
        ("version", version.into()),
        ("phase", phase.into()),
        ("ordinal", ordinal),
        ("name", Value::Text(name)),
        ("action", Value::Text(entry.action.as_str())),
        ("state", Value::Text(entry.state.as_str())),
        ("cursor", Value::Integer(entry.cursor)),
        ("statements", Value::Integer(entry.statements)),
        ("prefix_digest", entry.prefix_digest.as_deref().into()),
        ("note", entry.note.as_deref().into()),
        ("settled_by", entry.settled_by.as_deref().into()),
        ("checksum", Value::Text(&entry.checksum)),
        ("checksum_normalised", entry.checksum_normalised.as_deref().into()),
        ("executed_digest", entry.executed_digest.as_deref().into()),
        ("down_checksum", entry.down_checksum.as_deref().into()),
        ("script", new.script.as_deref().into()),
        ("down_script", new.down_script.as_deref().into()),
        ("origin", entry.origin.as_deref().into()),
        ("compatible_from", entry.compatible_from.as_ref().map(Version::as_str).into()),
        ("set_digest", entry.set_digest.as_deref().into()),
        ("checkpoint", entry.checkpoint.as_deref().into()),
        ("error", entry.error.as_deref().into()),
        ("run_id", Value::Text(&entry.run_id)),
        ("fence", Value::Integer(entry.fence)),
        ("installed_by", entry.installed_by.as_deref().into()),
        ("app_version", entry.app_version.as_deref().into()),
        ("tool_version", entry.tool_version.as_deref().into()),
        ("format", Value::Integer(FORMAT)),
        ("reader_min", Value::Integer(READER_MIN)),
    ]
}

/// The columns that an [`Advance`] changes, apart from `finished_at`.
pub const CHANGES: [&str; 7] = ["cursor", "prefix_digest", "state", "note", "settled_by", "checkpoint", "error"];

/// The new values of [`CHANGES`].
pub fn changes(advance: &Advance) -> impl Iterator<Item = (&'static str, Value<'_>)> {
    CHANGES.into_iter().zip([
        Value::Integer(advance.cursor),
        advance.prefix_digest.as_deref().into(),
        Value::Text(advance.state.as_str()),
        advance.note.as_deref().into(),
        advance.settled_by.as_deref().into(),
        advance.checkpoint.as_deref().into(),
        advance.error.as_deref().into(),
    ])
}

/// What an [`Advance`] expects of its row.
pub const EXPECTED: [&str; 5] = ["component", "seq", "run_id", "fence", "cursor"];

/// The values of [`EXPECTED`].
pub fn expected(advance: &Advance) -> impl Iterator<Item = (&'static str, Value<'_>)> {
    EXPECTED.into_iter().zip([
        Value::Text(&advance.key.component),
        Value::Integer(advance.key.seq),
        Value::Text(&advance.run_id),
        Value::Integer(advance.fence),
        Value::Integer(advance.from_cursor),
    ])
}

/// A row read by name. Numbers and times are decimal text; a missing column is `None`.
pub trait ReadRow {
    /// The value of a column, `None` for NULL and for a column the table does not have.
    fn get(&self, column: &str) -> Option<String>;
}

/// An entry from a row. `has_down` is read from a column of that name: whether `down_script` is not NULL.
///
/// # Errors
/// With [`Fault::NewerHistory`] where a newer tool wrote the row in a way this version does not understand, and with
/// [`Fault::Refused`] where the row was damaged.
pub fn decode(row: &dyn ReadRow) -> Result<Entry, ServerError> {
    let number = |column: &str| row.get(column).and_then(|text| text.parse::<u64>().ok());
    let component = row.get("component").unwrap_or_default();
    let seq = number("seq").unwrap_or_default();
    let damaged = |what: &str| {
        ServerError::new(
            Fault::Refused,
            format!("row {seq} of component {component} in the history is damaged: {what}"),
        )
    };
    let tool = row.get("tool_version");
    let newer = |what: &str| {
        let tool = tool.as_deref().unwrap_or("an unknown version");
        ServerError::new(
            Fault::NewerHistory,
            format!("row {seq} of component {component} in the history was written by migrate {tool} and {what}"),
        )
    };
    if let Some(reader_min) = number("reader_min")
        && reader_min > FORMAT
    {
        return Err(newer(&format!("needs a reader of format {reader_min}; this one reads format {FORMAT}")));
    }
    let text = |column: &'static str| row.get(column).ok_or_else(|| damaged(&format!("no {column}")));
    let name = text("name")?;
    let id = match row.get("version") {
        None => MigrationId::repeatable(name.clone()),
        Some(version) => MigrationId::versioned(
            version.parse().map_err(|error| damaged(&format!("{error}")))?,
            match row.get("phase").as_deref() {
                None | Some("pre") => Phase::Pre,
                Some("post") => Phase::Post,
                Some(other) => return Err(newer(&format!("has the phase `{other}`"))),
            },
            u32::try_from(number("ordinal").unwrap_or(0)).map_err(|_| damaged("ordinal too large"))?,
        ),
    };
    let (action, state) = (text("action")?, text("state")?);
    let compatible_from = match row.get("compatible_from") {
        Some(version) => Some(version.parse().map_err(|error| damaged(&format!("{error}")))?),
        None => None,
    };
    let time = |column| row.get(column).and_then(|text| text.parse().ok()).map(Timestamp);
    Ok(Entry {
        key: EntryKey { component: component.clone(), seq },
        id,
        description: name,
        action: Action::from_text(&action).ok_or_else(|| newer(&format!("has the action `{action}`")))?,
        state: State::from_text(&state).ok_or_else(|| newer(&format!("has the state `{state}`")))?,
        cursor: number("cursor").unwrap_or(0),
        statements: number("statements").unwrap_or(0),
        prefix_digest: row.get("prefix_digest"),
        note: row.get("note"),
        settled_by: row.get("settled_by"),
        checksum: row.get("checksum").unwrap_or_default(),
        checksum_normalised: row.get("checksum_normalised"),
        executed_digest: row.get("executed_digest"),
        down_checksum: row.get("down_checksum"),
        origin: row.get("origin"),
        compatible_from,
        set_digest: row.get("set_digest"),
        checkpoint: row.get("checkpoint"),
        error: row.get("error"),
        run_id: row.get("run_id").unwrap_or_default(),
        fence: number("fence").unwrap_or(0),
        installed_by: row.get("installed_by"),
        app_version: row.get("app_version"),
        tool_version: tool.clone(),
        started_at: time("started_at"),
        finished_at: time("finished_at"),
        has_down: row.get("has_down").is_some_and(|flag| flag == "1" || flag == "t" || flag == "true"),
    })
}
