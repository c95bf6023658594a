//! What must hold of the server before anything runs: asked under the lock where there is one, and reported all at once.

use crate::backend::{Fault, Server, ServerError, Session};
use crate::condition::{Condition, Conditions, Finding, Judged, Known, Outcome};
use crate::diagnostic::{Diagnostic, codes};
use crate::error::ErrorKind;
use crate::event::Event;
use crate::history::format::engine::Engine;
use crate::plan::Plan;

use super::{Halt, Run};

impl Run<'_> {
    /// Asks what must hold before this plan. Once that was answered, a run that goes on after a lost connection does not
    /// ask again: its own effects are part of what would be seen.
    pub(super) async fn ask_conditions(&mut self, plan: &Plan) -> Result<(), Halt> {
        if plan.conditions.is_empty() || self.waived.is_some() {
            return Ok(());
        }
        let server = self.session.observe(self.table).await?;
        let (conditions, waive) = (&plan.conditions, &self.options.waive);
        let findings = ask(&mut *self.session, plan.engine, &server, conditions, waive).await?;
        if findings.iter().any(|finding| finding.stops) {
            return Err(ErrorKind::Preconditions { findings, about: plan.about.clone() }.into());
        }
        let waived = findings.iter().filter(|finding| finding.waived).map(|finding| finding.name);
        self.waived = Some(waived.collect());
        for finding in findings {
            let note = match finding.outcome {
                _ if finding.waived => {
                    Diagnostic::warning(codes::PRECONDITION, format!("going on in spite of it: {finding}"))
                }
                Outcome::Unknown => Diagnostic::note(codes::PRECONDITION, finding.to_string()),
                Outcome::Passed | Outcome::Failed => continue,
            };
            self.observer.event(&Event::Remark { diagnostic: &note });
            self.report.notes.push(note);
        }
        Ok(())
    }
}

/// What becomes of every condition on this server.
///
/// # Errors
/// Only if the connection is lost: what a server does not answer is unknown.
pub(crate) async fn ask(
    session: &mut dyn Session,
    dialect: &str,
    server: &Server,
    conditions: &Conditions,
    waive: &[String],
) -> Result<Vec<Finding>, ServerError> {
    let mut findings = Vec::new();
    for condition in &conditions.all {
        let judged = match Engine::of(dialect, &server.product) {
            None => Err(format!("nothing is known of {}", server.product)),
            Some(engine) => match answer(session, engine, server, condition).await {
                Ok(judged) => Ok(judged),
                Err(error) if error.is_lost() => return Err(error),
                Err(error) => Err(format!("the server does not tell: {error}")),
            },
        };
        let judged = judged.unwrap_or_else(|why| (Outcome::Unknown, why));
        findings.push(Finding::of(condition, judged, conditions.required, waive));
    }
    Ok(findings)
}

async fn answer(
    session: &mut dyn Session,
    engine: Engine,
    server: &Server,
    condition: &Condition,
) -> Result<Judged, ServerError> {
    let rows = match condition.question(engine) {
        Some(sql) => session.query(&sql).await?,
        None => Vec::new(),
    };
    let free = match condition {
        Condition::FreeSpace(_) => match session.free_space().await {
            // Not that nobody can tell: this program cannot ask.
            Err(error) if error.fault == Fault::Unsupported => return Ok((Outcome::Failed, error.message)),
            free => free?,
        },
        _ => None,
    };
    Ok(condition.judge(engine, &Known { server, free }, &rows))
}
