//! What a script did to its session, done once more where it goes on in another one.

use std::borrow::Cow;

use crate::backend::Effect;
use crate::sql::classify::words;
use crate::sql::syntax::Bodies;
use crate::sql::{Script, Statement, StatementKind, Syntax};

use super::{Halt, Run};

impl Run<'_> {
    /// What an earlier attempt set for its session holds for the rest of the script, so it is set again.
    pub(super) async fn set_again(&mut self, script: &Script, start: usize) -> Result<(), Halt> {
        let syntax = self.backend.dialect().syntax;
        let texts = of_the_session(script, start, &syntax);
        if texts.is_empty() {
            return Ok(());
        }
        let classify = self.backend.dialect().classify;
        let statements: Vec<_> = texts
            .iter()
            .map(|text| Statement { number: 1, text, offset: 0, data: None, class: classify(text, &syntax) })
            .collect();
        let effects: Vec<_> = statements.iter().map(Effect::Statement).collect();
        self.perform_quietly(&effects).await
    }
}

/// What is sent for the statements before `start` that the session of the rest needs.
fn of_the_session<'s>(script: &'s Script, start: usize, syntax: &Syntax) -> Vec<Cow<'s, str>> {
    let mut all: Vec<(Cow<'_, str>, Option<String>)> = Vec::new();
    for statement in script.statements().take(start) {
        match Prepared::of(&statement, syntax) {
            Some(Prepared::Made(name)) => all.push((Cow::Borrowed(statement.text), Some(name))),
            // One that the script has done with may be about what is not there any more.
            Some(Prepared::GivenUp(name)) => {
                all.retain(|(_, made)| made.is_none() || (name.is_some() && *made != name));
            }
            None if sets(&statement, syntax) => all.push((Cow::Borrowed(statement.text), None)),
            Some(Prepared::Executed(_)) | None => {}
        }
    }
    // So may one that is only given up. It must be there for that, whatever it is.
    for (text, made) in &mut all {
        let Some(name) = made else { continue };
        let next = script.statements().skip(start).find_map(|statement| {
            Prepared::of(&statement, syntax).filter(|next| match next {
                Prepared::Made(other) | Prepared::Executed(other) => other == name,
                Prepared::GivenUp(other) => other.as_ref().is_none_or(|other| other == name),
            })
        });
        if !matches!(next, Some(Prepared::Executed(_))) {
            let nothing = if syntax.bodies == Bodies::Mysql { "FROM 'DO 0'" } else { "AS SELECT 1" };
            let words: Vec<_> = words(text, syntax).take(2).map(|word| word.text).collect();
            *text = Cow::Owned(format!("{} {nothing}", words.join(" ")));
        }
    }
    all.into_iter().map(|(text, _)| text).collect()
}

/// `SET`, `RESET` and `USE`, but not what ends with its transaction, or outlives the session.
fn sets(statement: &Statement<'_>, syntax: &Syntax) -> bool {
    let words = words(statement.text, syntax);
    let mut first = words.clone();
    // What is local is a transaction's, but for MySQL.
    let others = ["transaction", "constraints", "local"];
    let others = if syntax.bodies == Bodies::Mysql { &others[..2] } else { &others[..] };
    statement.class.kind == StatementKind::Session
        && first.next().is_some_and(|word| word.is_any(&["set", "reset", "use"]))
        && first.next().is_none_or(|word| !word.is_any(others))
        && !words.clone().any(|word| word.is_any(&["global", "persist", "persist_only"]))
}

/// What is done with a statement that has a name, in lower case.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Prepared {
    /// `PREPARE name`
    Made(String),
    /// `EXECUTE name`
    Executed(String),
    /// `DEALLOCATE name`, `DROP PREPARE name`; `None` is all of them.
    GivenUp(Option<String>),
}

impl Prepared {
    pub(super) fn of(statement: &Statement<'_>, syntax: &Syntax) -> Option<Self> {
        let mut words = words(statement.text, syntax);
        let verb = words.next()?;
        let name = words.find(|word| !word.is("prepare"))?.text.trim_matches(['`', '"']).to_lowercase();
        match statement.class.kind {
            StatementKind::Transaction(_) => None,
            _ if verb.is("execute") => Some(Self::Executed(name)),
            StatementKind::Session if verb.is("prepare") => Some(Self::Made(name)),
            StatementKind::Session if verb.is_any(&["deallocate", "drop"]) => {
                Some(Self::GivenUp((name != "all").then_some(name)))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use crate::sql::classify;

    /// What is sent before the statement at `start`.
    fn check(text: &str, syntax: &Syntax, start: usize, expected: &[&str]) {
        let classify = if syntax.bodies == Bodies::Mysql { classify::mysql } else { classify::postgres };
        let script = Script::parse(Source::new("1_a.sql", text), syntax, classify).unwrap();
        assert_eq!(of_the_session(&script, start, syntax), expected, "{text}");
    }

    #[test]
    fn what_holds_for_the_session_is_done_again() {
        let mysql = "set @a = 1; select @a; use d; set global x = 1; select 1";
        check(mysql, &Syntax::MYSQL, 4, &["set @a = 1", "use d"]);
        let postgres = "set search_path = a; set local b = 1; set transaction read only; reset a; select 1";
        check(postgres, &Syntax::POSTGRES, 4, &["set search_path = a", "reset a"]);
    }

    #[test]
    fn what_is_executed_is_prepared_again() {
        let block = "set @a = 'select 1'; prepare `P` from @a; execute p; deallocate prepare p; select 1";
        check(block, &Syntax::MYSQL, 2, &["set @a = 'select 1'", "prepare `P` from @a"]);
        check(block, &Syntax::MYSQL, 3, &["set @a = 'select 1'", "prepare `P` FROM 'DO 0'"]);
        check(block, &Syntax::MYSQL, 4, &["set @a = 'select 1'"]);
        let twice = "prepare p from 'x'; drop prepare p; prepare p from 'y'; execute p";
        check(twice, &Syntax::MYSQL, 3, &["prepare p from 'y'"]);
        let all = "prepare p as select 1; prepare q as select 2; execute q; deallocate all; select 1";
        check(all, &Syntax::POSTGRES, 2, &["prepare p AS SELECT 1", "prepare q as select 2"]);
        check(all, &Syntax::POSTGRES, 4, &[]);
    }
}
