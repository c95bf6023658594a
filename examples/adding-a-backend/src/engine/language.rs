//! The language: text → [`Command`].
//!
//! Its words are those of `migrate-core`'s lexer, so that a script is split exactly where it is read here.

use migrate_core::sql::classify::{Word, words};
use migrate_core::sql::lexer::TokenKind;

use super::Error;
use crate::dialect::SYNTAX;

/// One statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Command {
    /// `BEGIN`
    Begin,
    /// `COMMIT`
    Commit,
    /// `ROLLBACK`
    Rollback,
    /// `COMPACT`: writes the file anew.
    Compact,
    /// `CREATE TABLE [IF NOT EXISTS] t (c TYPE, …, PRIMARY KEY (c, …))`
    CreateTable { name: Name, lenient: bool, columns: Vec<Name>, key: Vec<Name> },
    /// `DROP TABLE t`
    DropTable { name: Name },
    /// `ALTER TABLE t ADD COLUMN c TYPE`
    AddColumn { name: Name, column: Name },
    /// `INSERT INTO t [(c, …)] VALUES (v, …), …`
    Insert { name: Name, columns: Vec<Name>, rows: Vec<Vec<Value>> },
    /// `UPDATE t SET c = v, … [WHERE c = v AND …]`
    Update { name: Name, set: Assignments, condition: Assignments },
    /// `DELETE FROM t [WHERE c = v AND …]`
    Delete { name: Name, condition: Assignments },
    /// `SELECT * | c, … FROM t [WHERE c = v AND …]`
    Select { name: Name, columns: Vec<Name>, condition: Assignments },
    /// `SELECT v, …`
    Values { values: Vec<Value> },
}

/// `c = v, …`, or `c = v AND …`.
pub(super) type Assignments = Vec<(Name, Value)>;

/// A name, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Name {
    pub(super) text: String,
    pub(super) at: usize,
}

/// How a value is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    /// `'it''s'`, `12`: the engine knows texts alone.
    Text(String),
    /// `NOW`: microseconds since 1970.
    Now,
}

/// Reads one statement.
///
/// # Errors
/// With the place of the first word that it does not understand.
pub(super) fn parse(text: &str) -> Result<Command, Error> {
    let mut parser = Parser { words: words(text, &SYNTAX).collect(), next: 0, end: text.len() };
    let command = parser.command()?;
    if parser.peek().is_some() { Err(parser.wanted("the end of the statement")) } else { Ok(command) }
}

struct Parser<'a> {
    words: Vec<Word<'a>>,
    next: usize,
    end: usize,
}

impl<'a> Parser<'a> {
    fn command(&mut self) -> Result<Command, Error> {
        for (keyword, command) in [
            ("begin", Command::Begin),
            ("commit", Command::Commit),
            ("rollback", Command::Rollback),
            ("compact", Command::Compact),
        ] {
            if self.takes(keyword) {
                return Ok(command);
            }
        }
        if self.takes("create") {
            self.expect(&["table"])?;
            self.create_table()
        } else if self.takes("drop") {
            self.expect(&["table"])?;
            Ok(Command::DropTable { name: self.name()? })
        } else if self.takes("alter") {
            self.expect(&["table"])?;
            let name = self.name()?;
            self.expect(&["add", "column"])?;
            Ok(Command::AddColumn { name, column: self.column()? })
        } else if self.takes("insert") {
            self.expect(&["into"])?;
            let name = self.name()?;
            let columns = if self.next_is("(") { self.list(Self::name)? } else { Vec::new() };
            self.expect(&["values"])?;
            Ok(Command::Insert { name, columns, rows: self.several(|parser| parser.list(Self::value))? })
        } else if self.takes("update") {
            let name = self.name()?;
            self.expect(&["set"])?;
            let set = self.several(Self::assignment)?;
            Ok(Command::Update { name, set, condition: self.condition()? })
        } else if self.takes("delete") {
            self.expect(&["from"])?;
            Ok(Command::Delete { name: self.name()?, condition: self.condition()? })
        } else if self.takes("select") {
            self.select()
        } else {
            Err(self.wanted("a statement"))
        }
    }

    fn create_table(&mut self) -> Result<Command, Error> {
        let lenient = self.takes("if");
        if lenient {
            self.expect(&["not", "exists"])?;
        }
        let name = self.name()?;
        let mut key = Vec::new();
        let columns = self.list(|parser| {
            if parser.takes("primary") {
                parser.expect(&["key"])?;
                key = parser.list(Self::name)?;
                return Ok(None);
            }
            parser.column().map(Some)
        })?;
        Ok(Command::CreateTable { name, lenient, columns: columns.into_iter().flatten().collect(), key })
    }

    fn select(&mut self) -> Result<Command, Error> {
        let columns = match self.peek() {
            Some(word) if word.is("*") => {
                self.next += 1;
                Vec::new()
            }
            Some(word) if is_name(&word) => self.several(Self::name)?,
            _ => return Ok(Command::Values { values: self.several(Self::value)? }),
        };
        self.expect(&["from"])?;
        Ok(Command::Select { name: self.name()?, columns, condition: self.condition()? })
    }

    fn condition(&mut self) -> Result<Assignments, Error> {
        let mut condition = Vec::new();
        let mut more = self.takes("where");
        while more {
            condition.push(self.assignment()?);
            more = self.takes("and");
        }
        Ok(condition)
    }

    fn assignment(&mut self) -> Result<(Name, Value), Error> {
        let name = self.name()?;
        self.expect(&["="])?;
        Ok((name, self.value()?))
    }

    /// A name with a type, which says nothing to this engine: `n VARCHAR(20)`.
    fn column(&mut self) -> Result<Name, Error> {
        let name = self.name()?;
        while self.peek().is_some_and(|word| is_name(&word)) {
            self.next += 1;
        }
        if self.next_is("(") {
            self.list(Self::value)?;
        }
        Ok(name)
    }

    fn name(&mut self) -> Result<Name, Error> {
        let Some(word) = self.peek().filter(is_name) else { return Err(self.wanted("a name")) };
        self.next += 1;
        let text = unquoted(word.text, '"').unwrap_or_else(|| word.text.to_ascii_lowercase());
        Ok(Name { text, at: word.at })
    }

    fn value(&mut self) -> Result<Value, Error> {
        let value = match self.peek() {
            Some(word) if word.kind == TokenKind::Number => Value::Text(word.text.to_owned()),
            Some(word) if word.is("null") => Value::Null,
            Some(word) if word.is("now") => Value::Now,
            word => match word.and_then(|word| unquoted(word.text, '\'')) {
                Some(text) => Value::Text(text),
                None => return Err(self.wanted("a value")),
            },
        };
        self.next += 1;
        Ok(value)
    }

    /// `( … , … )`
    fn list<T>(&mut self, one: impl FnMut(&mut Self) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        self.expect(&["("])?;
        let list = self.several(one)?;
        self.expect(&[")"])?;
        Ok(list)
    }

    fn several<T>(&mut self, mut one: impl FnMut(&mut Self) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        let mut several = vec![one(self)?];
        while self.takes(",") {
            several.push(one(self)?);
        }
        Ok(several)
    }

    fn peek(&self) -> Option<Word<'a>> {
        self.words.get(self.next).copied()
    }

    fn next_is(&self, text: &str) -> bool {
        self.peek().is_some_and(|word| word.is(text))
    }

    fn takes(&mut self, text: &str) -> bool {
        let takes = self.next_is(text);
        self.next += usize::from(takes);
        takes
    }

    fn expect(&mut self, texts: &[&str]) -> Result<(), Error> {
        texts.iter().try_for_each(|text| {
            if self.takes(text) { Ok(()) } else { Err(self.wanted(&format!("`{}`", text.to_ascii_uppercase()))) }
        })
    }

    fn wanted(&self, what: &str) -> Error {
        match self.peek() {
            Some(word) => Error::refused(format!("{what} is expected, and not `{}`", word.text)).at(word.at),
            None => Error::refused(format!("{what} is expected")).at(self.end),
        }
    }
}

fn is_name(word: &Word<'_>) -> bool {
    matches!(word.kind, TokenKind::Word | TokenKind::Name) && !word.is_any(&["null", "now"])
}

/// What stands between two quotes, in which a quote is written twice.
fn unquoted(text: &str, quote: char) -> Option<String> {
    let inside = text.strip_prefix(quote)?.strip_suffix(quote)?;
    Some(inside.replace(&format!("{quote}{quote}"), &quote.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let error = parse(text).unwrap_err();
        format!("{} at {:?}", error.message, error.position)
    }

    #[test]
    fn a_word_that_is_not_understood_is_named_with_its_place() {
        for (text, expected) in [
            ("CREATE TABEL t (n)", "`TABLE` is expected, and not `TABEL` at Some(7)"),
            ("INSERT INTO t VALUES (1", "`)` is expected at Some(23)"),
            ("DROP TABLE t u", "the end of the statement is expected, and not `u` at Some(13)"),
            ("SELECT", "a value is expected at Some(6)"),
            ("TRUNCATE t", "a statement is expected, and not `TRUNCATE` at Some(0)"),
        ] {
            assert_eq!(refused(text), expected, "{text}");
        }
    }

    #[test]
    fn quotes_inside_texts_and_names_are_written_twice() {
        let name = |text: &str, at| Name { text: text.to_owned(), at };
        let delete = parse(r#"delete from "A ""b""" where C = 'it''s'''"#).unwrap();
        let condition = vec![(name("c", 28), Value::Text("it's'".to_owned()))];
        assert_eq!(delete, Command::Delete { name: name(r#"A "b""#, 12), condition });
    }
}
