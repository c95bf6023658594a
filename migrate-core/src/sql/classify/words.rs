//! The significant tokens of one statement, to be looked at one after the other.

use crate::sql::Syntax;
use crate::sql::lexer::{Lexer, TokenKind};

/// A significant token of a statement. What stands in an executable comment is among them, its marks are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// As it is written, quotes included.
    pub text: &'a str,
    /// Byte offset in the statement.
    pub at: usize,
    /// What it is.
    pub kind: TokenKind,
}

impl Word<'_> {
    /// Whether it is this keyword, in any case, or this symbol.
    pub fn is(&self, text: &str) -> bool {
        !matches!(self.kind, TokenKind::String | TokenKind::Name) && self.text.eq_ignore_ascii_case(text)
    }

    /// Whether it is one of these keywords or symbols.
    pub fn is_any(&self, texts: &[&str]) -> bool {
        texts.iter().any(|text| self.is(text))
    }
}

/// The significant tokens of `text`.
///
/// ```
/// use migrate_core::sql::{Syntax, classify};
///
/// let words = classify::words("drop /* the */ Table `a`", &Syntax::MYSQL);
/// let texts: Vec<_> = words.map(|word| word.text).collect();
/// assert_eq!(texts, ["drop", "Table", "`a`"]);
/// ```
pub fn words<'a>(text: &'a str, syntax: &Syntax) -> impl Iterator<Item = Word<'a>> + Clone + use<'a> {
    Words::new(text, syntax)
}

/// What [`words`] gives, with the steps that classifiers take.
#[derive(Clone, Debug)]
pub(super) struct Words<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
}

impl<'a> Words<'a> {
    pub(super) fn new(text: &'a str, syntax: &Syntax) -> Self {
        Self { text, lexer: Lexer::new(text, syntax) }
    }

    /// The next one, which stays.
    pub(super) fn peek(&self) -> Option<Word<'a>> {
        self.clone().next()
    }

    pub(super) fn next_is(&self, text: &str) -> bool {
        self.peek().is_some_and(|word| word.is(text))
    }

    /// Takes the next one if it is `text`.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        self.eat_any(&[text])
    }

    /// Takes the next one if it is one of `texts`.
    pub(super) fn eat_any(&mut self, texts: &[&str]) -> bool {
        let mut ahead = self.clone();
        let found = ahead.next().is_some_and(|word| word.is_any(texts));
        if found {
            *self = ahead;
        }
        found
    }

    /// Takes the next ones if they are `texts`, one after the other.
    pub(super) fn eat_all(&mut self, texts: &[&str]) -> bool {
        let mut ahead = self.clone();
        let found = texts.iter().all(|text| ahead.eat(text));
        if found {
            *self = ahead;
        }
        found
    }

    /// Takes `( … )`, if it is next, and gives what is in it.
    pub(super) fn parenthesised(&mut self) -> Vec<Word<'a>> {
        let mut inside = Vec::new();
        if !self.eat("(") {
            return inside;
        }
        let mut depth = 1_usize;
        for word in self {
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

    /// Takes a name, with its schema.
    pub(super) fn name(&mut self) {
        self.next();
        while self.eat(".") {
            self.next();
        }
    }

    /// Whether one of `texts` is still to come.
    pub(super) fn has_any(&self, texts: &[&str]) -> bool {
        self.clone().any(|word| word.is_any(texts))
    }

    /// Whether `text` is still to come outside parentheses.
    pub(super) fn has_at_top(&self, text: &str) -> bool {
        self.with_depth().any(|(depth, word)| depth == 0 && word.is(text))
    }

    /// What is still to come, each with how many parentheses are open around it.
    pub(super) fn with_depth(&self) -> impl Iterator<Item = (usize, Word<'a>)> + use<'a> {
        self.clone().scan(0_usize, |depth, word| {
            match word.text {
                "(" => {
                    *depth += 1;
                    return Some((*depth - 1, word));
                }
                ")" => *depth = depth.saturating_sub(1),
                _ => {}
            }
            Some((*depth, word))
        })
    }

    /// The words that begin the parts of a list: the next one, and each after a comma outside parentheses.
    pub(super) fn parts(&self) -> impl Iterator<Item = Words<'a>> + use<'a> {
        let mut rest = Some(self.clone());
        std::iter::from_fn(move || {
            let part = rest.take()?;
            let mut depth = 0_usize;
            let mut ahead = part.clone();
            while let Some(word) = ahead.next() {
                match word.text {
                    "(" => depth += 1,
                    ")" => depth = depth.saturating_sub(1),
                    "," if depth == 0 => {
                        rest = Some(ahead);
                        break;
                    }
                    _ => {}
                }
            }
            Some(part)
        })
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        let marks = [TokenKind::ExecutableOpen, TokenKind::ExecutableClose, TokenKind::Hint];
        let token = self.lexer.find(|token| token.is_significant() && !marks.contains(&token.kind))?;
        Some(Word { text: token.text(self.text), at: token.start, kind: token.kind })
    }
}
