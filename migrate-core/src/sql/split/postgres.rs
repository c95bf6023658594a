//! PostgreSQL: statements with `;` inside, and `COPY … FROM STDIN`.

use super::Unfinished;
use crate::sql::lexer::{Token, TokenKind};

/// What has been seen of one statement. The rules are those of psql
/// (<https://github.com/postgres/postgres/blob/master/src/fe_utils/psqlscan.l>), but a column named `end` ends nothing.
#[derive(Debug, Default)]
pub(super) struct Body {
    shape: Shape,
    /// How many parentheses are open, and where the outermost opened.
    parentheses: usize,
    opened: usize,
    /// `BEGIN ATOMIC` and the `CASE`s in it, and where that `BEGIN` stands.
    blocks: usize,
    begun: usize,
    before: Before,
    /// It is `COPY … FROM STDIN`.
    pub(super) reads_data: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Shape {
    #[default]
    Start,
    /// `CREATE [OR [REPLACE]]`
    Create,
    /// A function or procedure: may have a `BEGIN ATOMIC` body.
    Routine,
    /// A rule: may have several statements in parentheses.
    Rule,
    Copy,
    Other,
}

/// What the token before means for this one.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Before {
    #[default]
    Nothing,
    /// A word is a name here: after `.` or `AS`.
    Naming,
    From,
    Begin,
}

impl Body {
    pub(super) fn token(&mut self, token: Token, text: &str) {
        if self.shape == Shape::Other {
            return;
        }
        let text = token.text(text);
        let before = std::mem::take(&mut self.before);
        match token.kind {
            TokenKind::Word => self.word(token.start, text, before),
            TokenKind::Symbol => match text {
                "(" => {
                    if self.parentheses == 0 {
                        self.opened = token.start;
                    }
                    self.parentheses += 1;
                }
                ")" => self.parentheses = self.parentheses.saturating_sub(1),
                "." => self.before = Before::Naming,
                _ => {}
            },
            _ => {}
        }
        if matches!(self.shape, Shape::Start | Shape::Create) && token.kind != TokenKind::Word {
            self.shape = if token.kind == TokenKind::Hint { self.shape } else { Shape::Other };
        }
    }

    fn word(&mut self, at: usize, text: &str, before: Before) {
        let is = |keyword| text.eq_ignore_ascii_case(keyword);
        match self.shape {
            Shape::Start if is("create") => self.shape = Shape::Create,
            Shape::Start if is("copy") => self.shape = Shape::Copy,
            Shape::Create if is("or") || is("replace") => {}
            Shape::Create if is("function") || is("procedure") => self.shape = Shape::Routine,
            Shape::Create if is("rule") => self.shape = Shape::Rule,
            Shape::Start | Shape::Create => self.shape = Shape::Other,
            Shape::Copy if self.parentheses == 0 => {
                if before == Before::From && is("stdin") {
                    self.reads_data = true;
                } else if is("from") && before != Before::Naming {
                    self.before = Before::From;
                }
            }
            Shape::Routine if self.parentheses == 0 => self.routine(at, text, before),
            Shape::Copy | Shape::Routine | Shape::Rule | Shape::Other => {}
        }
        if is("as") {
            self.before = Before::Naming;
        }
    }

    fn routine(&mut self, at: usize, text: &str, before: Before) {
        let is = |keyword| text.eq_ignore_ascii_case(keyword);
        if before == Before::Naming {
            return;
        }
        if self.blocks == 0 {
            if is("begin") {
                self.before = Before::Begin;
                self.begun = at;
            } else if before == Before::Begin && is("atomic") {
                self.blocks = 1;
            }
        } else if is("case") {
            self.blocks += 1;
        } else if is("end") {
            self.blocks -= 1;
        }
    }

    /// Whether a `;` here ends the statement.
    pub(super) fn ends(&mut self) -> bool {
        self.before = Before::Nothing;
        self.blocks == 0 && !(self.shape == Shape::Rule && self.parentheses > 0)
    }

    /// What keeps the statement from ending where the text does.
    pub(super) fn unfinished(&self) -> Option<Unfinished> {
        if self.blocks > 0 {
            let message = "this `BEGIN ATOMIC` has no `END`";
            Some(Unfinished { at: self.begun, message, help: "end the body with `END;`" })
        } else if self.shape == Shape::Rule && self.parentheses > 0 {
            let help = "close the list of the rule's statements with `)`";
            Some(Unfinished { at: self.opened, message: "this `(` is never closed", help })
        } else {
            None
        }
    }
}
