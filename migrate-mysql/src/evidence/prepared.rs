//! What `EXECUTE` runs: a text that the script has prepared under a name, often one that it has put together from what the
//! catalog says.
//!
//! Before it is executed that text is known to the server. It is read, and what is noted is what would be noted of the
//! statement in it, with the text itself: by the next run the session that had it is gone.
//!
//! Deliberately absent: a text with a secret in it, one that is put together where it is executed, and one in a variable
//! that may have another value by now. Of those nothing is noted.

use std::collections::BTreeMap;

use migrate_core::backend::{Note, ServerError};
use migrate_core::sql::classify::{self, Word, words};
use migrate_core::sql::lexer::TokenKind;
use migrate_core::sql::{Recovery, Sharing, Statement, StatementKind, Syntax};

use super::trips::asked;
use super::{Ask, Known, Place, call, definition};
use crate::packet::user_variables;

/// Before the note of a statement that is executed by name; its text is in the next line.
const EXECUTED: &str = "execute:";
/// Instead of both, where it can be executed again.
const REPEAT: &str = "execute:repeat";

/// Behind these there may be a secret, which is not kept.
const SECRET: &[&str] = &["connection", "identified", "password"];

/// A longer text is not noted.
const LONGEST: usize = 1 << 16;

/// Under which lower-case name what was prepared: a string or a user variable, as it is written.
#[derive(Clone, Debug, Default)]
pub(super) struct Prepared(BTreeMap<String, Option<String>>);

impl Prepared {
    pub(super) fn passed(&mut self, statement: &Statement<'_>, syntax: &Syntax) {
        let mut words = words(statement.text, syntax);
        let verb = words.next();
        let is = |text: &str| verb.is_some_and(|verb| verb.is(text));
        match statement.class.kind {
            StatementKind::Session if is("prepare") => {
                if let (Some(name), Some(_from)) = (words.next(), words.next()) {
                    self.0.insert(bare(name.text), source(words));
                }
            }
            // What it runs is looked at where it is noted.
            StatementKind::Call if is("execute") => {}
            // Other code may prepare another statement under that name.
            StatementKind::Call | StatementKind::Unknown => self.0.clear(),
            _ => self.forget(|variable| user_variables(statement.text, syntax).any(|name| bare(name) == variable)),
        }
    }

    /// The variables that these are may have another value by now, which is not what was prepared from them.
    fn forget(&mut self, mut changed: impl FnMut(&str) -> bool) {
        for source in self.0.values_mut() {
            if source.as_deref().and_then(|text| text.strip_prefix('@')).is_some_and(|name| changed(&bare(name))) {
                *source = None;
            }
        }
    }

    /// What an `EXECUTE` runs.
    fn source(&self, statement: &Statement<'_>, syntax: &Syntax) -> Option<String> {
        let mut words = words(statement.text, syntax);
        words.next().filter(|word| word.is("execute"))?;
        let name = words.next()?;
        if name.is("immediate") { source(words) } else { self.0.get(&bare(name.text)).cloned().flatten() }
    }
}

fn bare(name: &str) -> String {
    name.trim_matches(['`', '"', '\'']).to_lowercase()
}

/// `'text'` or `@variable`, if there is nothing else but the values of its parameters.
fn source<'t>(mut words: impl Iterator<Item = Word<'t>>) -> Option<String> {
    let first = words.next()?;
    let source = match first.kind {
        TokenKind::String => first.text.to_owned(),
        _ if first.is("@") => format!("@{}", words.next()?.text),
        _ => return None,
    };
    words.next().is_none_or(|word| word.is("using")).then_some(source)
}

pub(super) async fn note(
    ask: &mut dyn Ask,
    place: &Place,
    known: &mut Known,
    statement: &Statement<'_>,
    syntax: &Syntax,
) -> Result<Note, ServerError> {
    let text = match known.prepared.source(statement, syntax) {
        Some(source) => asked(ask, &format!("SELECT {source}")).await?.into_iter().flatten().flatten().flatten().next(),
        None => None,
    };
    // It may give a variable another value.
    if text.as_ref().is_none_or(|text| user_variables(text, syntax).next().is_some()) {
        known.prepared.forget(|_| true);
    }
    let Some(text) = text else { return Ok(Note::Nothing) };
    let inner = executed(statement, &text, syntax);
    match (inner.class.kind, inner.class.sharing) {
        (StatementKind::Query | StatementKind::Manipulation, Sharing::Shares) => {
            let shares = call::shares(ask, place, &text, syntax).await?;
            Ok(if shares { Note::Shares } else { Note::Nothing })
        }
        (StatementKind::Definition | StatementKind::Maintenance, Sharing::Commits(Recovery::Repeat)) => {
            Ok(Note::Is(REPEAT.to_owned()))
        }
        (StatementKind::Definition, Sharing::Commits(Recovery::Definition | Recovery::Drop))
            if is_kept(&text, syntax) =>
        {
            let Note::Asked(expression) = definition(ask, place, known, &inner, syntax).await? else {
                return Ok(Note::Nothing);
            };
            let rows = asked(ask, &format!("SELECT {expression}")).await?.unwrap_or_default();
            let noted = rows.into_iter().flatten().flatten().next();
            Ok(noted.map_or(Note::Nothing, |noted| Note::Is(format!("{EXECUTED}{noted}\n{text}"))))
        }
        _ => Ok(Note::Nothing),
    }
}

fn is_kept(text: &str, syntax: &Syntax) -> bool {
    text.len() <= LONGEST && !words(text, syntax).any(|word| word.is_any(SECRET))
}

/// What a note says of a statement that was executed by name.
pub(super) enum Noted<'n> {
    Repeats,
    /// Its own note, and its text.
    As(&'n str, &'n str),
}

/// `None` where the note is about something else.
pub(super) fn in_note(note: &str) -> Option<Noted<'_>> {
    if note == REPEAT {
        return Some(Noted::Repeats);
    }
    let (noted, text) = note.strip_prefix(EXECUTED)?.split_once('\n')?;
    Some(Noted::As(noted, text))
}

/// A statement that is executed by name, as if it stood there.
pub(super) fn executed<'t>(statement: &Statement<'_>, text: &'t str, syntax: &Syntax) -> Statement<'t> {
    Statement { number: statement.number, text, offset: 0, data: None, class: classify::mysql(text, syntax) }
}
