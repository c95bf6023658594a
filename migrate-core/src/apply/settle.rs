//! What became of a statement that was in flight when its client died.

use crate::backend::{Advance, Effect, End, ServerError, Settled};
use crate::diagnostic::Place;
use crate::error::ErrorKind;
use crate::event::Event;
use crate::history::{Entry, State};
use crate::migration::RunAttributes;
use crate::plan::resume::Prefixes;
use crate::plan::{How, Refusal, Step, units};
use crate::sql::{Class, Recovery, Script, Sharing, Statement, StatementKind};

use super::{Halt, Run};

/// How often an answer may ask for statements to run first.
pub(super) const ROUNDS: usize = 10;
/// What is said of an answer that asks for more every time.
pub(super) const ENDLESS: &str = "cleaning up after it does not come to an end";

impl Run<'_> {
    /// Decides the doubt about a step that was in flight and lets the step go on behind it. The answer is the change
    /// of the old row that writes the decision down.
    ///
    /// # Errors
    /// With [`Refusal::InDoubt`] where nobody can tell.
    pub(super) async fn settle(&mut self, step: &mut Step) -> Result<Advance, Halt> {
        let resume = step.resume.as_ref().expect("only an attempt that is not over is settled");
        let (entry, sent) = (resume.entry.clone(), resume.script.clone());
        let at = usize::try_from(entry.cursor).unwrap_or(usize::MAX);
        let (ran, evidence) = match &sent {
            Some(script) => self.decide(step, &entry, script, at.min(script.len())).await?,
            None if entry.note.is_none() => (false, "row: nothing was sent that can be in doubt".to_owned()),
            None => {
                let reason = "what was sent is not stored, and the file was changed since".to_owned();
                return Err(doubt(step, step.script.as_ref(), &entry, reason).into());
            }
        };
        if entry.cursor < entry.statements {
            self.observer.event(&Event::Settled { step, statement: at + 1, ran, evidence: &evidence });
        }
        let (now, prefix_digest) = match &sent {
            Some(script) if ran => (at + 1, Prefixes::new().up_to(script, at + 1).map(|prefix| prefix.to_text())),
            _ => (at, entry.prefix_digest.clone()),
        };
        step.go_on(now as u64, prefix_digest.as_deref(), &self.backend.dialect().syntax)?;
        Ok(interrupted(&entry, self.fence, now, prefix_digest, evidence))
    }

    /// Writes down what a person says about the statement in flight of `open`, whose script is `script`.
    pub(crate) async fn settle_by_person(&mut self, open: &Entry, script: &Script, ran: bool) -> Result<(), Halt> {
        if open.note.is_none() {
            // Only what is announced before it is sent can be in doubt.
            return Err(ErrorKind::from(Refusal::Already {
                what: format!("nothing is in doubt about {}: no statement of it can have run unseen", open.title()),
                help: "run `migrate up` again: it goes on by itself".to_owned(),
            })
            .into());
        }
        let cursor = usize::try_from(open.cursor).unwrap_or(usize::MAX).min(script.len());
        let (now, prefix_digest) = if ran && open.is_code() {
            (1, None)
        } else if ran && cursor < script.len() {
            (cursor + 1, Prefixes::new().up_to(script, cursor + 1).map(|prefix| prefix.to_text()))
        } else {
            (cursor, open.prefix_digest.clone())
        };
        let by = self.options.installed_by.as_deref().unwrap_or("somebody");
        let evidence = format!("person: {by} said that it {}", if ran { "ran" } else { "did not run" });
        let advance = interrupted(open, self.fence, now, prefix_digest, evidence);
        match self.session.perform(self.table, &[Effect::Advance(&advance)], &mut ()).await.end {
            End::All => Ok(()),
            End::Lost(error) => Err(ErrorKind::Lost(error).into()),
            End::Refused { error, .. } => Err(error.into()),
        }
    }

    async fn decide(
        &mut self,
        step: &Step,
        entry: &Entry,
        script: &Script,
        cursor: usize,
    ) -> Result<(bool, String), Halt> {
        if cursor == script.len() {
            return Ok((false, "cursor: all statements had run".to_owned()));
        }
        let dialect = self.backend.dialect();
        let one_by_one = RunAttributes { no_transaction: true, ..RunAttributes::default() };
        let recovery = units::cut(script, &one_by_one, &dialect.syntax, dialect.atomicity)
            .ok()
            .and_then(|(_, units)| units.into_iter().find(|unit| unit.covers.contains(&cursor)))
            .and_then(|unit| match unit.how {
                How::Alone(recovery) => Some(recovery),
                How::Together | How::Discarded | How::Batch(_) => None,
            });
        match recovery {
            // What was announced was not sent in a transaction, whatever is known of it now.
            None if entry.note.is_some() => {}
            // Its table was one of those that are changed file by file, whatever that is now.
            Some(Recovery::Repeat) if entry.note.as_ref().is_some_and(|note| !note.is_empty()) => {}
            None => return Ok((false, "transaction: it shares one with its row".to_owned())),
            Some(Recovery::Repeat) => return Ok((false, "repeat: running it again leads to the same".to_owned())),
            Some(_) if entry.note.is_none() => return Ok((false, "row: it was never sent".to_owned())),
            Some(_) => {}
        }
        let statement = script.statement(cursor);
        let note = entry.note.as_deref().filter(|note| !note.is_empty());
        let mut cleaned: Vec<String> = Vec::new();
        let after = |evidence: String, cleaned: &[String]| match cleaned {
            [] => evidence,
            cleaned => format!("{evidence}, after {}", cleaned.join(", ")),
        };
        for _ in 0..ROUNDS {
            match self.session.settle(&statement, note).await? {
                Settled::Ran(evidence) => return Ok((true, after(evidence, &cleaned))),
                Settled::DidNotRun(evidence) => return Ok((false, after(evidence, &cleaned))),
                Settled::First(statements) => {
                    for text in &statements {
                        if let Some(error) = self.clean_up(text).await? {
                            return Err(error.into());
                        }
                    }
                    cleaned.extend(statements);
                }
                Settled::Undecided(reason) => return Err(doubt(step, Some(script), entry, reason).into()),
            }
        }
        Err(doubt(step, Some(script), entry, ENDLESS.to_owned()).into())
    }

    /// A statement that the evidence asks for: dropping what a broken build left behind. Answers why it is refused.
    pub(super) async fn clean_up(&mut self, text: &str) -> Result<Option<ServerError>, Halt> {
        let class = Class {
            kind: StatementKind::Definition,
            sharing: Sharing::Alone(Recovery::Repeat),
            destructive: true,
            queues: false,
        };
        let statement = Statement { number: 1, text, offset: 0, data: None, class };
        match self.session.perform(self.table, &[Effect::Statement(&statement)], &mut ()).await.end {
            End::All => Ok(None),
            End::Lost(error) => Err(ErrorKind::Lost(error).into()),
            End::Refused { error, .. } => Ok(Some(error)),
        }
    }
}

/// The old row, with what was decided.
pub(super) fn interrupted(
    entry: &Entry,
    holder_fence: u64,
    cursor: usize,
    prefix_digest: Option<String>,
    evidence: String,
) -> Advance {
    Advance {
        key: entry.key.clone(),
        run_id: entry.run_id.clone(),
        fence: entry.fence,
        holder_fence,
        from_cursor: entry.cursor,
        cursor: cursor as u64,
        prefix_digest,
        state: State::Interrupted,
        note: entry.note.clone(),
        asked: None,
        settled_by: Some(evidence),
        checkpoint: entry.checkpoint.clone(),
        error: entry.error.clone(),
    }
}

fn doubt(step: &Step, script: Option<&Script>, entry: &Entry, reason: String) -> Refusal {
    let index = usize::try_from(entry.cursor).unwrap_or(usize::MAX);
    // The file is what a person has at hand, where it still says the same.
    let text = |script: &Script| (index < script.len()).then(|| script.written(index).to_owned());
    let file = step.script.as_ref().filter(|file| script.is_some_and(|stored| text(file) == text(stored)));
    let place = file.or(script).map_or(Place::path("the history"), |script| {
        if index < script.len() {
            let statement = script.statement(index);
            Place::in_source(script.source(), statement.offset..statement.offset + statement.text.len())
        } else {
            Place::path(script.source().path())
        }
    });
    Refusal::InDoubt {
        id: step.id.clone(),
        title: step.title(),
        place: Box::new(place),
        statement: index.saturating_add(1),
        statements: usize::try_from(entry.statements).unwrap_or(usize::MAX),
        reason,
    }
}
