//! The rules of amending: statements that were appended to an applied migration run on request, and nothing else does.

use crate::checksum;
use crate::history::entry::AMEND;
use crate::history::{Action, Applied};
use crate::migration::{Migration, MigrationId};
use crate::source::Source;
use crate::sql::classify::words;
use crate::sql::{Script, Statement, StatementKind, Syntax};

use super::planner::{Planner, applied_as};
use super::{Mode, Refusal, Step};

/// The step that runs what was appended. The statements before it must be those that were applied, but for white space
/// and comments.
pub(super) fn plan(planner: &Planner<'_>, id: &MigrationId) -> Result<Vec<Step>, Refusal> {
    if let Some(open) = planner.history().open() {
        let known = planner.has(open);
        return Err(Refusal::Open { entry: Box::new(open.clone()), known });
    }
    let Some(migration) = planner.known_as(id) else {
        return Err(Refusal::UnknownTarget {
            target: id.to_string(),
            known: planner.set.iter().map(|migration| migration.id.clone()).collect(),
        });
    };
    let already = |what: &str, help: String| Refusal::Already { what: format!("{} {what}", migration.title()), help };
    let Some((applied_id, applied)) = applied_as(planner.history(), migration) else {
        return Err(already("is not applied: all of it still runs", "apply it with `migrate up`".to_owned()));
    };
    let script = planner.script(&migration.up, &migration.title())?;
    let had = match begins(planner, migration, applied, &script)? {
        Begins::As(had) if had < script.len() => had,
        Begins::As(_) => {
            return Err(already(
                "has no statement that was not applied",
                format!("if its text is meant to count as it is: migrate accept {}", id.typed()),
            ));
        }
        Begins::Otherwise { had, old } => {
            return Err(Refusal::PrefixChanged {
                title: migration.title(),
                path: migration.up.path().to_owned(),
                cursor: had as u64,
                old: Some(planner.shown(&old)),
                new: planner.shown(migration.up.written()),
            });
        }
        Begins::Unknown => {
            return Err(already(
                "was applied with a text that is not stored as it was, so nobody can tell what was appended",
                format!("run it by hand, then accept the text: migrate accept {}", id.typed()),
            ));
        }
    };
    let mut row = planner.row(migration, Action::Up);
    row.entry.id = applied_id.clone();
    row.entry.origin = Some(AMEND.to_owned());
    let mut step = planner.step(Action::Up, &migration.up, &migration.attributes.run, row)?;
    step.skip(had);
    // What the first statements left in their session is needed by the rest as much as after a crash.
    if script.statements().take(had).any(|statement| lasts_for_a_session(&statement, planner.syntax())) {
        step.mode = Mode::Journal;
    }
    Ok(vec![step])
}

/// How a changed text begins.
enum Begins {
    /// With all that was applied, which is so many statements.
    As(usize),
    /// With something else than the so many statements of what was applied.
    Otherwise { had: usize, old: String },
    /// What was applied is not stored.
    Unknown,
}

fn begins(planner: &Planner<'_>, migration: &Migration, applied: &Applied, script: &Script) -> Result<Begins, Refusal> {
    if applied.checksum == migration.checksum {
        return Ok(Begins::As(script.len()));
    }
    let texts = planner.observed.texts.get(&applied.script_key);
    let stored = texts.and_then(|texts| texts.script.as_deref());
    let Some(old) = stored.filter(|text| checksum::raw(text) == applied.checksum) else { return Ok(Begins::Unknown) };
    let old_script = planner.script(&Source::new(migration.up.path(), old), &migration.title())?;
    let same = |(old, new): (Statement<'_>, Statement<'_>)| {
        let normalised = |text: &str| checksum::normalised(&Source::new("", text), planner.syntax());
        old.data == new.data && (old.text == new.text || normalised(old.text) == normalised(new.text))
    };
    let had = old_script.len();
    let as_before = had <= script.len() && old_script.statements().zip(script.statements()).all(same);
    Ok(if as_before { Begins::As(had) } else { Begins::Otherwise { had, old: old.to_owned() } })
}

/// Whether a changed migration only has more statements than were applied.
pub(super) fn is_appended(planner: &Planner<'_>, migration: &Migration, applied: &Applied) -> bool {
    let Ok(script) = planner.script(&migration.up, &migration.title()) else { return false };
    matches!(begins(planner, migration, applied, &script), Ok(Begins::As(had)) if had < script.len())
}

fn lasts_for_a_session(statement: &Statement<'_>, syntax: &Syntax) -> bool {
    let temporary = || words(statement.text, syntax).take(4).any(|word| word.is_any(&["temp", "temporary"]));
    statement.class.kind == StatementKind::Session || temporary()
}
