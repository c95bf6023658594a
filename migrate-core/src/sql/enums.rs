//! Values that a script adds to an enum of PostgreSQL and uses further down. `ALTER TYPE … ADD VALUE` can be in a
//! transaction, but what it adds can be used only once that is committed (55P04, "unsafe use of new value").

use super::classify::{Word, words};
use super::lexer::TokenKind;
use super::{Script, Statement, Syntax};

/// Whether a statement mentions a value that one before it adds to an enum. What looks like one and is another text
/// costs the script its one transaction, and nothing else.
pub(crate) fn uses_added_value(script: &Script, syntax: &Syntax) -> bool {
    let mut added: Vec<String> = Vec::new();
    script.statements().any(|statement| {
        if let Some(value) = added_value(statement.text, syntax) {
            added.push(value);
            // `BEFORE 'neighbour'` may name one, which is a use of it too.
            return added[..added.len() - 1].iter().any(|value| mentions(&statement, value, syntax));
        }
        added.iter().any(|value| mentions(&statement, value, syntax))
    })
}

/// `x` of `ALTER TYPE t ADD VALUE [IF NOT EXISTS] 'x'`.
fn added_value(text: &str, syntax: &Syntax) -> Option<String> {
    let mut words = words(text, syntax);
    if !(words.next()?.is("alter") && words.next()?.is("type")) {
        return None;
    }
    let mut words = words.skip_while(|word| !word.is("add")).skip(1);
    if !words.next()?.is("value") {
        return None;
    }
    words.find(|word| word.kind == TokenKind::String).map(|word| value(&word))
}

fn mentions(statement: &Statement<'_>, added: &str, syntax: &Syntax) -> bool {
    let copied = statement.data.is_some_and(|data| data.lines().any(|line| line.split('\t').any(|cell| cell == added)));
    copied || has_literal(statement.text, added, syntax)
}

/// Whether a string is this value, or the text of code in which one is.
fn has_literal(text: &str, added: &str, syntax: &Syntax) -> bool {
    words(text, syntax).filter(|word| word.kind == TokenKind::String).any(|word| {
        let value = value(&word);
        value == added || (value.len() > added.len() && has_literal(&value, added, syntax))
    })
}

/// What a string says. Escapes with a backslash stay as they are written.
fn value(word: &Word<'_>) -> String {
    if let Some(rest) = word.text.strip_prefix('$') {
        let tag = rest.find('$').map_or(0, |end| end + 2);
        return word.text.get(tag..word.text.len().saturating_sub(tag)).unwrap_or_default().to_owned();
    }
    let open = word.text.find('\'').map_or(0, |quote| quote + 1);
    word.text.get(open..word.text.len().saturating_sub(1)).unwrap_or_default().replace("''", "'")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use crate::sql::classify;

    fn uses(text: &str) -> bool {
        let script = Script::parse(Source::new("x.sql", text), &Syntax::POSTGRES, classify::postgres).unwrap();
        uses_added_value(&script, &Syntax::POSTGRES)
    }

    #[test]
    fn a_value_is_used_where_it_is_written_after_it_was_added() {
        for text in [
            "alter type s.mood add value 'ok'; insert into t values ('ok')",
            "ALTER TYPE mood ADD VALUE IF NOT EXISTS 'it''s' AFTER 'bad'; select 'it''s'::mood",
            "alter type mood add value 'a'; alter type mood add value 'b'; alter table t alter m set default 'a'",
            "alter type mood add value 'a'; alter type mood add value 'b' after 'a'",
            "alter type mood add value 'ok'; do $$ begin insert into t values ('ok'); end $$",
            "alter type mood add value 'ok'; do $$ begin execute 'insert into t values (''ok'')'; end $$",
            "alter type mood add value 'ok'; copy t from stdin;\n1\tok\n\\.\n",
        ] {
            assert!(uses(text), "{text}");
        }
    }

    #[test]
    fn everything_else_stays_together() {
        for text in [
            "insert into t values ('ok'); alter type mood add value 'ok'",
            "alter type mood add value 'ok'; insert into t values ('OK', 'not ok'); select ok -- 'ok'",
            "alter type mood rename value 'a' to 'b'; insert into t values ('b')",
            "alter type t add attribute value text; select 'value'",
            "alter type mood add value 'a'; alter type mood add value 'b'; create table t (m mood)",
            "alter type mood add value 'ok'; copy t from stdin;\n1\tok then\n\\.\n",
        ] {
            assert!(!uses(text), "{text}");
        }
    }
}
