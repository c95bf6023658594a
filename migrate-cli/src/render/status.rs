//! Where every migration stands.

use std::fmt::Write as _;

use jiff::tz::Offset;
use migrate_core::error::seconds;
use migrate_core::history::Timestamp;
use migrate_core::plan::{Observed, Standing, standings};
use migrate_core::{MigrationId, MigrationSet, Phase};
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
    /// `applied`, `squashed`, `pending`, `in-flight`, `failed`, `interrupted`, `optional`.
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
    let line = |standing: Standing| Line {
        id: standing.id,
        description: standing.description,
        state: standing.state.as_str(),
        when: standing.when,
        ms: standing.elapsed.and_then(|elapsed| u64::try_from(elapsed.as_millis()).ok()),
        remarks: standing.remarks,
    };
    standings(set, observed, include).into_iter().map(line).collect()
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
