//! `LOAD DATA LOCAL`: which file a statement asks for, looked at before it is sent.
//!
//! When the server asks, it is too late to say no without losing the connection.

use migrate_core::backend::{Effect, ServerError};
use migrate_core::sql::Syntax;
use migrate_core::sql::classify::{Word, words};

use crate::connect::LocalFiles;
use crate::error::no_file;

/// The first effect that asks for a file it may not have, and why.
pub(crate) fn barred(effects: &[Effect<'_>], files: &LocalFiles, syntax: &Syntax) -> Option<(usize, ServerError)> {
    effects.iter().enumerate().find_map(|(at, effect)| {
        let Effect::Statement(statement) = effect else { return None };
        let (name, position) = asked(statement.text, syntax)?;
        Some((at, no_file(&files.refusal(&name)?).position(position)))
    })
}

/// The name of the file, and where it stands.
fn asked(text: &str, syntax: &Syntax) -> Option<(String, usize)> {
    let mut words = words(text, syntax);
    (words.next()?.is("load") && words.next()?.is_any(&["data", "xml"])).then_some(())?;
    let local = words.find(|word| !word.is_any(&["low_priority", "concurrent"]))?;
    (local.is("local") && words.next()?.is("infile")).then_some(())?;
    let file = words.next()?;
    Some((unquoted(&file, syntax), file.at))
}

/// The text that a literal means.
fn unquoted(literal: &Word<'_>, syntax: &Syntax) -> String {
    let Some(quote) = literal.text.chars().next() else { return String::new() };
    let inside = literal.text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote)).unwrap_or(literal.text);
    let mut text = String::new();
    let mut chars = inside.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if syntax.backslash_escapes => text.extend(chars.next().map(|escaped| match escaped {
                '0' => '\0',
                'b' => '\u{8}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'Z' => '\u{1a}',
                other => other,
            })),
            doubled if doubled == quote => {
                chars.next();
                text.push(quote);
            }
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_statement_is_found_in_its_text() {
        let found = |text: &str| asked(text, &Syntax::MYSQL);
        for (text, name, position) in [
            ("LOAD DATA LOCAL INFILE 'a.csv' INTO TABLE t", "a.csv", 23),
            ("load data low_priority local infile \"it's\" into table t", "it's", 36),
            ("load /* x */ xml concurrent local infile 'it''s' into table t", "it's", 41),
            (r"load data local infile 'C:\\a\'b' into table t", r"C:\a'b", 23),
        ] {
            assert_eq!(found(text), Some((name.to_owned(), position)), "{text}");
        }
        for text in ["load data infile 'a' into table t", "load index into cache t", "select 'load data local infile'"]
        {
            assert_eq!(found(text), None, "{text}");
        }
        let plain = Syntax { backslash_escapes: false, ..Syntax::MYSQL };
        let windows = asked(r"load data local infile 'C:\a' into table t", &plain);
        assert_eq!(windows, Some((r"C:\a".to_owned(), 23)));
    }
}
