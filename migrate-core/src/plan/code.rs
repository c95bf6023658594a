//! Steps whose work is code.
//!
//! Planning needs to know of code no more than what is declared about it. What nothing here can run is never passed while
//! it is pending.

use crate::checksum;
use crate::code::{CodeRuns, CodeWork, Restart};
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::history::{Action, Entry};
use crate::migration::{Migration, MigrationId};

use super::planner::Planner;
use super::refusal::some;
use super::{CodeStep, Mode, Refusal, Resume, Step};

/// A pending migration whose work only another program can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingCode {
    /// Which.
    pub id: MigrationId,
    /// As messages name it.
    pub title: String,
    /// Its file.
    pub path: String,
    /// What it is written in.
    pub language: String,
    /// It is code of the application that uses this crate, which runs it with its own `up`.
    pub ours: bool,
    /// The attempt that is not over.
    pub begun: Option<Box<Entry>>,
    /// The last migration before it that can be applied without it.
    pub before: Option<MigrationId>,
}

/// What other programs run is never passed while it is pending.
pub(super) fn gate(chosen: &[&Migration], due: &[&Migration]) -> Result<(), Refusal> {
    let mut before: Option<&MigrationId> = None;
    let mut pending: Vec<PendingCode> = Vec::new();
    for migration in chosen.iter().chain(due) {
        match &migration.attributes.code {
            Some(work) if work.runs.is_none() => {
                let before = before.filter(|_| pending.is_empty()).cloned();
                pending.push(PendingCode { before, ..PendingCode::of(migration, work) });
            }
            _ => before = Some(&migration.id),
        }
    }
    if pending.is_empty() { Ok(()) } else { Err(Refusal::Code(pending)) }
}

/// The step that runs the code of a migration, or goes on with an attempt at it.
pub(super) fn step(
    planner: &Planner<'_>,
    action: Action,
    migration: &Migration,
    work: &CodeWork,
    id: &MigrationId,
) -> Result<Step, Refusal> {
    let begun = planner.history().open().filter(|open| open.id == *id && open.action == action);
    let Some(runs) = work.runs else {
        let begun = begun.cloned().map(Box::new);
        return Err(Refusal::Code(vec![PendingCode { begun, ..PendingCode::of(migration, work) }]));
    };
    let mut row = planner.row(migration, action);
    row.entry.id = id.clone();
    row.entry.statements = 1;
    let run = if action == Action::Down { &migration.attributes.down } else { &migration.attributes.run };
    Ok(Step {
        mode: Mode::Code,
        run: run.clone(),
        resume: begun.map(|open| Resume { entry: open.clone(), script: None }),
        code: Some(CodeStep { of: migration.id.clone(), path: migration.up.path().to_owned(), runs }),
        ..Planner::recorded(row)
    })
}

impl CodeStep {
    /// What an attempt that is not over does with what the one before it left.
    pub fn goes_on(&self, attempt: &Entry) -> String {
        match (self.runs, &attempt.checkpoint) {
            _ if attempt.cursor > 0 => "it has run, which is written down".to_owned(),
            (CodeRuns::InBatches | CodeRuns::Outside(Restart::AtCheckpoint), Some(checkpoint)) => {
                format!("goes on at checkpoint {checkpoint}")
            }
            (CodeRuns::InBatches, None) => "begins again, nothing of it was committed".to_owned(),
            (CodeRuns::Outside(Restart::FromScratch), _) => {
                "starts over, behind what removes the earlier attempt".to_owned()
            }
            (CodeRuns::InTransaction | CodeRuns::Outside(_), _) => "runs again from its beginning".to_owned(),
        }
    }
}

impl PendingCode {
    fn of(migration: &Migration, work: &CodeWork) -> Self {
        Self {
            id: migration.id.clone(),
            title: migration.title(),
            path: migration.up.path().to_owned(),
            language: work.language.clone(),
            ours: checksum::declared_of_code(&migration.checksum).is_some(),
            begun: None,
            before: None,
        }
    }

    /// What is said of it, and of the others.
    pub(super) fn diagnostic(&self, others: &[Self]) -> Diagnostic {
        let Self { id, title, path, language, ours, begun, before } = self;
        let who = if *ours { "the application" } else { "its own program" };
        let is =
            begun.as_ref().map_or("is pending".to_owned(), |begun| format!("was begun and stands {}", begun.stands()));
        let message = format!("{title}: {is}, and its work is {language} code, which only {who} can run");
        let mut diagnostic = Diagnostic::refused(codes::CODE, message).at(Place::path(path));
        if let Some(error) = begun.as_ref().and_then(|begun| begun.error.as_ref()) {
            diagnostic = diagnostic.help(format!("it said: {error}"));
        }
        if !others.is_empty() {
            let titles: Vec<String> = others.iter().map(|other| other.title.clone()).collect();
            diagnostic = diagnostic.help(format!("so is that of {}", some(&titles)));
        }
        if let Some(version) = before.as_ref().filter(|before| !before.is_repeatable()) {
            diagnostic = diagnostic.help(format!("apply what comes before it: migrate up --to {}", version.typed()));
        }
        if *ours {
            diagnostic = diagnostic.help(
                "start the release of the application that has it: its own `up` runs it in its place, and what follows",
            );
            return diagnostic
                .help(format!("or, once all of it is done by hand: migrate resolve {} --applied", id.typed()));
        }
        diagnostic.help(format!(
            "let its program do its work, or do it by hand, then record that: migrate resolve {} --applied",
            id.typed()
        ))
    }
}
