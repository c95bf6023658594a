//! An applied migration whose file is another one now.

use crate::diagnostic::{Diagnostic, Place, codes};
use crate::history::Timestamp;
use crate::migration::MigrationId;

/// An applied migration that was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changed {
    /// Which.
    pub id: MigrationId,
    /// As messages name it.
    pub title: String,
    /// Under which identity it is applied, if not its own.
    pub was: Option<MigrationId>,
    /// Its file.
    pub path: String,
    /// The text that was applied, where it is stored, without secrets.
    pub old: Option<String>,
    /// Whether exactly the applied text is stored.
    pub restorable: bool,
    /// Whether it has all statements that were applied, and more behind them.
    pub appended: bool,
    /// The text now.
    pub new: String,
    /// When it was applied.
    pub when: Option<Timestamp>,
    /// By whom.
    pub by: Option<String>,
    /// What was declared for its code, and what is now; `None` of a script.
    pub code: Option<(String, String)>,
}

impl Changed {
    pub(super) fn diagnostic(&self) -> Diagnostic {
        let by = self.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
        let when = self.when.map(|when| format!(" ({}{by})", when.date())).unwrap_or_default();
        let diagnostic =
            Diagnostic::error(codes::CHANGED, format!("{} was changed after it was applied{when}", self.title))
                .at(Place::path(&self.path));
        let diagnostic = match (&self.code, &self.old) {
            (Some((was, now)), _) => diagnostic.help(format!("its code was declared as {was}, and is {now} now")),
            (None, Some(old)) => diagnostic.diff(old, &self.new),
            (None, None) => diagnostic.help("the applied text is not stored, so there is nothing to compare with"),
        };
        let diagnostic = match &self.was {
            Some(was) => diagnostic.help(format!("it is applied as {was}, which it was renamed from")),
            None => diagnostic,
        };
        let id = self.id.typed();
        let diagnostic = if self.appended {
            diagnostic.help(format!("run what was appended, and nothing else: migrate up --amend {id}"))
        } else {
            diagnostic
        };
        if self.restorable {
            diagnostic
                .help(format!("put the old text back:   migrate accept {id} --restore"))
                .help(format!("or accept the new text:  migrate accept {id}"))
        } else {
            diagnostic.help(format!(
                "put the old {} back from version control, or accept the new: migrate accept {id}",
                if self.code.is_some() { "code" } else { "text" }
            ))
        }
    }
}
