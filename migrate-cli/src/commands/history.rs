//! `history`: what was done to the database, row by row.

use migrate_core::MigrationSet;
use migrate_core::error::seconds;
use migrate_core::history::{Action, Entry, State};
use migrate_core::plan::Goal;
use serde_json::json;

use super::{Answer, Outcome, apply};
use crate::args::HistoryArgs;
use crate::backends::block_on;
use crate::config::Key;
use crate::project::Project;
use crate::render::human::{padded, width};
use crate::render::json;
use crate::render::status::moment;
use crate::screen::Screen;

pub(super) fn history(project: &Project<'_>, args: &HistoryArgs, screen: &mut Screen<'_>) -> Answer {
    let opened = project.open(false)?;
    let set = if args.prune || project.has_files() {
        project.set(screen, &opened)?
    } else {
        // The rows are the database's: who looks at it from elsewhere needs no files.
        let component = project.config.text(Key::Component).unwrap_or(MigrationSet::MAIN);
        MigrationSet::new(component, Vec::new())?
    };
    if args.prune {
        let migrator = project.migrator(&opened, set, Goal::Prune)?;
        let report = apply::reach(project, screen, &opened, &migrator)?;
        return Ok(Outcome::done(apply::result(&report)));
    }
    let migrator = project.migrator(&opened, set, Goal::up())?;
    let observed = block_on(opened.backend, migrator.observe())?;
    let entries = observed.history.entries();
    let skipped = args.last.map_or(0, |last| entries.len().saturating_sub(last));
    let entries = &entries[skipped..];
    if entries.is_empty() {
        screen.line("nothing was done to this database yet");
    }
    for line in table(entries) {
        screen.line(&line);
    }
    let rows: Vec<_> = entries.iter().map(json::entry).collect();
    Ok(Outcome::done(json!({ "history": rows })))
}

/// Who had applied it; that it was only what was appended, what the run was guarded by, and what was counted.
fn remarks(entry: &Entry) -> String {
    if entry.action == Action::Adopt {
        // Its note is the tool's own row, or what marks its table: both are for programs.
        return entry.origin.clone().filter(|_| !entry.is_adoption()).unwrap_or_default();
    }
    let note = entry.note.as_deref().filter(|_| entry.state == State::Done);
    let amended = entry.is_amendment().then_some("what was appended");
    amended.into_iter().chain(entry.guarded_by()).chain(note).collect::<Vec<_>>().join("; ")
}

fn table(entries: &[Entry]) -> Vec<String> {
    let mut rows: Vec<[String; 8]> = entries
        .iter()
        .map(|entry| {
            let took = entry.started_at.zip(entry.finished_at).and_then(|(from, to)| u64::try_from(to.0 - from.0).ok());
            [
                entry.key.seq.to_string(),
                entry.started_at.map(moment).unwrap_or_default(),
                entry.action.to_string(),
                entry.title(),
                entry.state.to_string(),
                took.map(|micros| seconds(std::time::Duration::from_micros(micros))).unwrap_or_default(),
                entry.installed_by.clone().unwrap_or_default(),
                remarks(entry),
            ]
        })
        .collect();
    if rows.is_empty() {
        return vec![];
    }
    rows.insert(0, ["row", "when (UTC)", "action", "migration", "state", "time", "by", ""].map(str::to_owned));
    let widths: Vec<usize> =
        (0..8).map(|column| rows.iter().map(|row| width(&row[column])).max().unwrap_or(0)).collect();
    rows.iter()
        .map(|row| {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| padded(cell, *width)).collect();
            cells.join("  ").trim_end().to_owned()
        })
        .collect()
}
