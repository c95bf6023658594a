//! What is said where something does not hold that must: of one migration, or of the whole run.

use std::collections::BTreeMap;

use super::{PreconditionFailure, count};
use crate::condition::Finding;
use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::Release;
use crate::plan::gate::to_read;
use crate::version::Version;

pub(super) fn of_one(failure: &PreconditionFailure) -> Diagnostic {
    let diagnostic = Diagnostic::refused(
        codes::PRECONDITION,
        format!("{}: the precondition does not hold: {}", failure.title, failure.text),
    );
    let diagnostic = match &failure.place {
        Some(place) => diagnostic.at((**place).clone()),
        None => diagnostic,
    }
    .help(format!("asked: {}", failure.sql))
    .help(format!("answer: {}", failure.answer))
    .help("nothing of this migration has run: make the precondition true and run `migrate up` again")
    .help(format!("or go on in spite of it, which is written down: migrate up --waive {:?}", failure.text));
    match &failure.about {
        Some((release, about)) => to_read(diagnostic, release, about),
        None => diagnostic,
    }
}

pub(super) fn of_all(findings: &[Finding], about: &BTreeMap<Version, Release>) -> Diagnostic {
    let failing: Vec<&Finding> = findings.iter().filter(|finding| finding.stops).collect();
    let (verb, them) = if failing.len() == 1 { ("does", "it") } else { ("do", "them") };
    let mut diagnostic = Diagnostic::refused(
        codes::PRECONDITION,
        format!("{} of {} {verb} not hold", failing.len(), count(findings.len(), "precondition")),
    );
    for finding in findings {
        diagnostic = diagnostic.help(finding.to_string());
    }
    let waived: Vec<String> = failing.iter().map(|finding| format!(" --waive {}", finding.name)).collect();
    let diagnostic = diagnostic
        .help(format!("nothing was run: make {them} hold and run the same command again"))
        .help(format!("or go on in spite of {them}, which is written down: migrate up{}", waived.concat()));
    about.iter().fold(diagnostic, |diagnostic, (release, about)| to_read(diagnostic, release, about))
}
