//! Where every migration stands.

use std::fmt::Write as _;

use jiff::tz::Offset;
use migrate_core::error::seconds;
use migrate_core::history::{Action, Entry, State, Status, Timestamp};
use migrate_core::plan::Observed;
use migrate_core::{Migration, MigrationId, MigrationSet, Phase};
use serde::{Serialize, Serializer};

use super::human::{padded, width};
use super::json;

/// Where one migration stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Which.
    pub id: MigrationId,
    /// What its name says.
    pub description: String,
    /// `applied`, `pending`, `in-flight`, `failed`, `interrupted`, `optional`.
    pub state: &'static str,
    /// When it was applied.
    #[serde(serialize_with = "instant")]
    pub when: Option<Timestamp>,
    /// How long that took.
    pub ms: Option<u64>,
    /// What else is so.
    pub remarks: Vec<String>,
}

/// All migrations of the set and of the history, in the order of execution.
pub fn lines(set: &MigrationSet, observed: &Observed, include: &[String]) -> Vec<Line> {
    let history = &observed.history;
    let mut lines: Vec<Line> = set
        .iter()
        .map(|migration| {
            let renamed = migration.attributes.renamed_from.iter().find(|old| history.status(old) != Status::Pending);
            match history.status(renamed.unwrap_or(&migration.id)) {
                Status::Applied(applied) => {
                    let mut line =
                        applied_line(migration.id.clone(), &migration.description, history.entry(applied.key.seq));
                    if applied.checksum != migration.checksum {
                        line.remarks.push("the file was changed since".to_owned());
                    }
                    if let Some(old) = renamed {
                        line.remarks.push(format!("as {old}"));
                    }
                    line
                }
                Status::Open(entry) => open_line(entry),
                Status::Pending => pending_line(migration, include),
            }
        })
        .collect();
    let ours = |id: &MigrationId| set.get(id).is_some() || set.renamed(id).is_some();
    for (id, applied) in history.applied().filter(|(id, _)| !ours(id)) {
        let entry = history.entry(applied.key.seq);
        let mut line = applied_line(id.clone(), entry.map_or("", |entry| &entry.description), entry);
        line.remarks.push("not in this set".to_owned());
        lines.push(line);
    }
    if let Some(open) = history.open().filter(|open| !ours(&open.id)) {
        let mut line = open_line(open);
        line.remarks.push("not in this set".to_owned());
        lines.push(line);
    }
    lines.sort_by(|a, b| a.id.cmp(&b.id));
    lines
}

fn applied_line(id: MigrationId, description: &str, entry: Option<&Entry>) -> Line {
    Line {
        id,
        description: description.to_owned(),
        state: "applied",
        when: entry.and_then(|entry| entry.started_at),
        ms: entry.and_then(took),
        remarks: entry.and_then(how).into_iter().collect(),
    }
}

/// How it came to be applied, where it was not simply run.
fn how(entry: &Entry) -> Option<String> {
    match (entry.origin.as_deref(), entry.action) {
        // A first install is how nearly everything is applied.
        _ if entry.is_of_install() || entry.guarded_by().is_some() => None,
        (None, Action::Up) => None,
        (Some(origin), Action::Adopt) => Some(adopted(origin)),
        (Some(origin), _) => Some(format!("from {origin}")),
        (None, Action::Resolve) => Some("done by hand".to_owned()),
        (None, action) => Some(action.to_string()),
    }
}

/// The tool alone: its word for the migration is nearly always ours.
fn adopted(origin: &str) -> String {
    let tool = origin.split(' ').next().unwrap_or(origin);
    if origin.ends_with(" inferred") { format!("from {tool}, inferred") } else { format!("from {tool}") }
}

fn open_line(entry: &Entry) -> Line {
    let state = match entry.state {
        State::Failed => "failed",
        State::InFlight => "in-flight",
        _ => "interrupted",
    };
    Line {
        id: entry.id.clone(),
        description: entry.description.clone(),
        state,
        when: entry.started_at,
        ms: None,
        remarks: vec![format!("{} {}", entry.action, entry.stands())],
    }
}

fn pending_line(migration: &Migration, include: &[String]) -> Line {
    let mut remarks = vec![];
    let mut state = "pending";
    if let Some(name) = &migration.attributes.optional
        && !include.contains(name)
    {
        state = "optional";
        remarks.push(format!("on request: migrate up --include {name}"));
    }
    if let Some(work) = &migration.attributes.code {
        remarks.push(format!("{} code", work.language));
    }
    if migration.attributes.run.no_transaction {
        remarks.push("not in a transaction".to_owned());
    }
    Line { id: migration.id.clone(), description: migration.description.clone(), state, when: None, ms: None, remarks }
}

fn took(entry: &Entry) -> Option<u64> {
    let (from, to) = (entry.started_at?, entry.finished_at?);
    u64::try_from((to.0 - from.0) / 1_000).ok()
}

#[expect(clippy::ref_option, reason = "serde's signature")]
fn instant<S: Serializer>(when: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    when.map(json::instant).serialize(serializer)
}

/// `2026-11-18 09:12` in UTC.
pub fn moment(timestamp: Timestamp) -> String {
    match jiff::Timestamp::from_microsecond(timestamp.0) {
        Ok(instant) => Offset::UTC.to_datetime(instant).strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => timestamp.date(),
    }
}

/// The lines as a table; by release where there are phases.
pub fn table(lines: &[Line]) -> Vec<String> {
    let phased = lines.iter().any(|line| place(&line.id).is_some());
    let mut rows: Vec<(Option<String>, [String; 3], &Line)> = vec![];
    for line in lines {
        let release = line.id.version().filter(|_| phased).map(|version| format!("release {version}"));
        let cells = match (&line.id, place(&line.id)) {
            (MigrationId::Repeatable { .. }, _) => [line.id.to_string(), String::new(), String::new()],
            (MigrationId::Versioned { phase, .. }, _) if phased => {
                let ordinal = place(&line.id).map(|(_, ordinal)| format!("{ordinal:02}")).unwrap_or_default();
                [format!("  {phase:<4}"), ordinal, line.description.clone()]
            }
            (id, _) => [id.to_string(), String::new(), line.description.clone()],
        };
        rows.push((release, cells, line));
    }
    let widest = |column: usize| {
        let cells =
            rows.iter().filter(|(_, _, line)| !line.id.is_repeatable()).map(|(_, cells, _)| width(&cells[column]));
        cells.max().unwrap_or(0)
    };
    let widths = [widest(0), widest(1), widest(2)];
    let names: Vec<String> = rows.iter().map(|(_, cells, _)| name(cells, widths)).collect();
    let name_width = names.iter().map(|name| width(name.trim_end())).max().unwrap_or(0);
    let state_width = lines.iter().map(|line| width(line.state)).max().unwrap_or(0);

    let mut out = vec![];
    let mut last = None;
    for ((release, _, line), name) in rows.iter().zip(&names) {
        if release.is_some() && *release != last {
            out.push(format!("  {}", release.as_deref().unwrap_or_default()));
        }
        last.clone_from(release);
        let mut text = format!("  {}   {}", padded(name.trim_end(), name_width), padded(line.state, state_width));
        if let Some(when) = line.when {
            let _ = write!(text, "  {}", moment(when));
        }
        if let Some(ms) = line.ms {
            let _ = write!(text, "  {:>7}", seconds(std::time::Duration::from_millis(ms)));
        }
        if !line.remarks.is_empty() {
            let _ = write!(text, "  ({})", line.remarks.join(", "));
        }
        out.push(text.trim_end().to_owned());
    }
    out
}

fn name(cells: &[String; 3], widths: [usize; 3]) -> String {
    let mut out = String::new();
    for (cell, width) in cells.iter().zip(widths).filter(|(_, width)| *width > 0) {
        out.push_str(&padded(cell, width));
        out.push_str("  ");
    }
    out
}

/// The phase and ordinal of an identity whose file named them.
fn place(id: &MigrationId) -> Option<(Phase, u32)> {
    match id {
        MigrationId::Versioned { phase: Phase::Pre, ordinal: 0, .. } | MigrationId::Repeatable { .. } => None,
        MigrationId::Versioned { phase, ordinal, .. } => Some((*phase, *ordinal)),
    }
}
