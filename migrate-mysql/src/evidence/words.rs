//! The words of a statement, taken from the front, and the names among them.

use migrate_core::sql::Syntax;
use migrate_core::sql::classify::{Word, words};
use migrate_core::sql::lexer::TokenKind;

use super::names::{Account, Name};

/// The significant words of a statement that are still to be read.
#[derive(Clone, Debug)]
pub(super) struct Words<'a> {
    all: Vec<Word<'a>>,
    at: usize,
    backslashes: bool,
}

impl<'a> Words<'a> {
    pub(super) fn new(text: &'a str, syntax: &Syntax) -> Self {
        Self { all: words(text, syntax).collect(), at: 0, backslashes: syntax.backslash_escapes }
    }

    pub(super) fn rest(&self) -> &[Word<'a>] {
        &self.all[self.at..]
    }

    pub(super) fn peek(&self) -> Option<Word<'a>> {
        self.rest().first().copied()
    }

    pub(super) fn at(&self, text: &str) -> bool {
        self.peek().is_some_and(|word| word.is(text))
    }

    pub(super) fn at_any(&self, texts: &[&str]) -> bool {
        self.peek().is_some_and(|word| word.is_any(texts))
    }

    /// Takes the next ones if they are `texts`, one after the other.
    pub(super) fn eat(&mut self, texts: &[&str]) -> bool {
        let rest = self.rest();
        let found = rest.len() >= texts.len() && rest.iter().zip(texts).all(|(word, text)| word.is(text));
        if found {
            self.at += texts.len();
        }
        found
    }

    /// Takes the next one if it is one of `texts`.
    pub(super) fn eat_any(&mut self, texts: &[&str]) -> Option<Word<'a>> {
        let found = self.peek().filter(|word| word.is_any(texts))?;
        self.at += 1;
        Some(found)
    }

    /// Goes on behind the first of `texts` that is still to come.
    pub(super) fn skip_past(&mut self, texts: &[&str]) -> Option<Word<'a>> {
        let found = self.rest().iter().position(|word| word.is_any(texts))?;
        self.at += found + 1;
        Some(self.all[self.at - 1])
    }

    pub(super) fn if_exists(&mut self) -> bool {
        self.eat(&["if", "exists"]) || self.eat(&["if", "not", "exists"])
    }

    /// MariaDB: how long the statement waits for locks.
    pub(super) fn wait(&mut self) {
        if self.eat(&["wait"]) {
            self.next();
        }
        self.eat(&["nowait"]);
    }

    /// Takes `( … )`, if it is next, and gives what is in it.
    pub(super) fn parenthesised(&mut self) -> Vec<Word<'a>> {
        let mut inside = Vec::new();
        if !self.eat(&["("]) {
            return inside;
        }
        let mut depth = 1_usize;
        for word in self.by_ref() {
            match word.text {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            inside.push(word);
        }
        inside
    }

    /// The parts of a list, cut at the commas outside parentheses.
    pub(super) fn parts(&self) -> Vec<Self> {
        let mut parts = vec![Vec::new()];
        let mut depth = 0_usize;
        for word in self.rest() {
            match word.text {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                "," if depth == 0 => {
                    parts.push(Vec::new());
                    continue;
                }
                _ => {}
            }
            if let Some(part) = parts.last_mut() {
                part.push(*word);
            }
        }
        parts.into_iter().map(|all| Self { all, at: 0, backslashes: self.backslashes }).collect()
    }

    /// One name without a schema: a word, a quoted name, or a string where the server takes one.
    pub(super) fn plain_name(&mut self) -> Option<String> {
        let word = self.peek()?;
        let name = match word.kind {
            TokenKind::Word | TokenKind::Number => word.text.to_owned(),
            TokenKind::Name | TokenKind::String => unquoted(word.text, self.backslashes)?,
            _ => return None,
        };
        self.at += 1;
        Some(name)
    }

    /// A name, with or without its schema.
    pub(super) fn name(&mut self) -> Option<Name> {
        let first = self.plain_name()?;
        if !self.eat(&["."]) {
            return Some(Name { schema: None, name: first });
        }
        Some(Name { schema: Some(first), name: self.plain_name()? })
    }

    /// Names with commas between them.
    pub(super) fn name_list(&mut self) -> Option<Vec<Name>> {
        let mut names = vec![self.name()?];
        while self.eat(&[","]) {
            names.push(self.name()?);
        }
        Some(names)
    }

    /// `user`, `user@host`, `CURRENT_USER()`.
    pub(super) fn account(&mut self) -> Option<Account> {
        if self.eat_any(&["current_user", "user", "session_user"]).is_some() {
            self.parenthesised();
            return Some(Account { user: None, host: None });
        }
        let user = self.plain_name()?;
        if !self.eat(&["@"]) {
            return Some(Account { user: Some(user), host: None });
        }
        let mut host = self.plain_name()?;
        while self.at_any(&[".", "-", "/"]) {
            host.push_str(self.next()?.text);
            host.push_str(&self.plain_name()?);
        }
        Some(Account { user: Some(user), host: Some(host) })
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        let next = self.peek()?;
        self.at += 1;
        Some(next)
    }
}

/// What stands between the quotes. `None` where a string says more than its letters: it has a prefix or an escape.
fn unquoted(text: &str, backslashes: bool) -> Option<String> {
    let quote = text.chars().next()?;
    let inside = text.strip_prefix(quote)?.strip_suffix(quote)?;
    if !['`', '"', '\''].contains(&quote) || (quote != '`' && backslashes && inside.contains('\\')) {
        return None;
    }
    Some(inside.replace(&format!("{quote}{quote}"), &quote.to_string()))
}
