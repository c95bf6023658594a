//! MySQL and MariaDB: bodies with `;` inside that no `DELIMITER` line announced.
//!
//! The server finds the end of a body by its grammar; so must we. What opens a block does so only where a statement
//! may begin, and what closes one only where it may end, so columns named `begin` and `end` and the functions `IF()`
//! and `REPEAT()` do no harm.

use super::Unfinished;
use crate::sql::lexer::{Token, TokenKind};

/// What has been seen of one statement.
#[derive(Debug, Default)]
pub(super) struct Body {
    shape: Shape,
    parentheses: usize,
    /// Open blocks, and where each opened.
    blocks: Vec<(Block, usize)>,
    place: Place,
    before: Before,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Shape {
    #[default]
    Start,
    /// `CREATE [OR REPLACE] [DEFINER = …] [AGGREGATE]`, or `ALTER [DEFINER = …]`
    Create,
    /// The header of a procedure or function, up to the end of its parameters.
    Routine,
    /// The header of a trigger, up to `FOR EACH ROW`.
    Trigger,
    /// The header of an event, up to `DO`.
    Event,
    /// The body of one of them, or a block at the top level (MariaDB).
    Body,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Begin,
    If,
    /// The statement: closed by `END CASE`.
    Case,
    Loop,
    While,
    For,
    Repeat,
    /// The end of a `REPEAT`: `UNTIL condition END REPEAT`.
    Until,
    /// The expression: closed by a bare `END`.
    CaseExpression,
}

/// What may stand at this place of a body.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the middle of a statement.
    #[default]
    Inside,
    /// A statement begins, or a block ends.
    Statement,
    /// A statement may begin after any word: the characteristics of a routine, the order of a trigger.
    Header,
    /// A statement began with `DECLARE`.
    Declare,
    /// After `END`: the word that says of what, or a label.
    End,
}

/// What the token before means for this one.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Before {
    #[default]
    Operand,
    /// An operator or a keyword: an operand is expected, so `end` is a name.
    Operator,
    /// `.`, `@`, `FOLLOWS`, …: a word is a name.
    Name,
    /// The first word of a statement: a label if `:` follows.
    First,
    /// `BEGIN` as the first word: a block if `NOT ATOMIC` follows, else it opens a transaction.
    TopLevelBegin,
}

impl Body {
    pub(super) fn token(&mut self, token: Token, text: &str) {
        if self.shape == Shape::Other
            || matches!(token.kind, TokenKind::ExecutableOpen | TokenKind::ExecutableClose | TokenKind::Hint)
        {
            return;
        }
        let text = token.text(text);
        let before = std::mem::take(&mut self.before);
        if before == Before::TopLevelBegin && !text.eq_ignore_ascii_case("not") {
            self.blocks.clear();
            self.shape = Shape::Other;
            return;
        }
        match token.kind {
            TokenKind::Word if before == Before::Name => self.leave(),
            TokenKind::Word => match self.shape {
                Shape::Body => self.word(token.start, text, before),
                _ => self.header(token.start, text, before),
            },
            _ if self.shape == Shape::Start => self.shape = Shape::Other,
            TokenKind::Symbol | TokenKind::Delimiter => self.symbol(text, before),
            _ => self.leave(),
        }
    }

    /// In the middle of a statement from here on, unless the place survives any token.
    fn leave(&mut self) {
        if !matches!(self.place, Place::Header) {
            self.place = Place::Inside;
        }
    }

    fn header(&mut self, at: usize, text: &str, before: Before) {
        let is = |keyword| text.eq_ignore_ascii_case(keyword);
        match self.shape {
            Shape::Start if is("create") || is("alter") => self.shape = Shape::Create,
            Shape::Start if is("begin") => {
                self.shape = Shape::Body;
                self.blocks.push((Block::Begin, at));
                self.place = Place::Inside;
                self.before = Before::TopLevelBegin;
            }
            Shape::Start if ["if", "case", "loop", "while", "repeat", "for"].iter().any(|word| is(word)) => {
                self.shape = Shape::Body;
                self.place = Place::Statement;
                self.word(at, text, before);
            }
            Shape::Start => {
                self.shape = Shape::Other;
            }
            Shape::Create if before == Before::Operator => {}
            Shape::Create if is("or") || is("replace") || is("definer") || is("aggregate") => {}
            Shape::Create if is("procedure") || is("function") => self.shape = Shape::Routine,
            Shape::Create if is("trigger") => self.shape = Shape::Trigger,
            Shape::Create if is("event") => self.shape = Shape::Event,
            Shape::Create => self.shape = Shape::Other,
            Shape::Trigger if is("row") => (self.shape, self.place) = (Shape::Body, Place::Header),
            Shape::Event if is("do") => (self.shape, self.place) = (Shape::Body, Place::Statement),
            _ => {}
        }
    }

    fn symbol(&mut self, text: &str, before: Before) {
        match text {
            "(" => {
                self.parentheses += 1;
                self.before = Before::Operator;
            }
            ")" => {
                self.parentheses = self.parentheses.saturating_sub(1);
                if self.shape == Shape::Routine && self.parentheses == 0 {
                    (self.shape, self.place) = (Shape::Body, Place::Header);
                    return;
                }
            }
            ":" if before == Before::First => {
                self.place = Place::Statement;
                return;
            }
            "." | "@" => self.before = Before::Name,
            // Only an executable comment holds a delimiter outside a body.
            ";" => {
                self.place = Place::Statement;
                return;
            }
            _ => self.before = Before::Operator,
        }
        self.leave();
    }

    fn word(&mut self, at: usize, text: &str, before: Before) {
        let is = |keyword| text.eq_ignore_ascii_case(keyword);
        let any = |keywords: &[&str]| keywords.iter().any(|keyword| text.eq_ignore_ascii_case(keyword));
        let place = self.place;
        let begins = match place {
            Place::Statement => true,
            Place::Header => self.parentheses == 0,
            Place::Inside | Place::Declare | Place::End => false,
        };
        if place == Place::End && any(&["if", "case", "loop", "while", "for", "repeat"]) {
            self.place = Place::Inside;
            return;
        }
        if begins && self.opens(at, text) {
            return;
        }
        let top = self.blocks.last().map(|(block, _)| *block);
        let closes = match top {
            None => false,
            Some(Block::CaseExpression | Block::Until) => before == Before::Operand,
            Some(_) => begins,
        };
        if closes && is("end") {
            self.blocks.pop();
            self.place = Place::End;
            return;
        }
        match top {
            Some(Block::If | Block::Case) if any(&["then", "else"]) => self.place = Place::Statement,
            Some(Block::While | Block::For) if is("do") => self.place = Place::Statement,
            Some(Block::Begin) if is("atomic") && before == Before::Operator && self.blocks.len() == 1 => {
                self.place = Place::Statement;
            }
            Some(Block::Repeat) if begins && is("until") => {
                self.blocks.pop();
                self.blocks.push((Block::Until, at));
                self.place = Place::Inside;
                self.before = Before::Operator;
            }
            _ => self.plain(at, text, place),
        }
    }

    /// Whether the word opens a block where a statement may begin.
    fn opens(&mut self, at: usize, text: &str) -> bool {
        let (block, place) = match () {
            () if text.eq_ignore_ascii_case("begin") => (Block::Begin, Place::Statement),
            () if text.eq_ignore_ascii_case("if") => (Block::If, Place::Inside),
            () if text.eq_ignore_ascii_case("case") => (Block::Case, Place::Inside),
            () if text.eq_ignore_ascii_case("loop") => (Block::Loop, Place::Statement),
            () if text.eq_ignore_ascii_case("while") => (Block::While, Place::Inside),
            () if text.eq_ignore_ascii_case("for") => (Block::For, Place::Inside),
            () if text.eq_ignore_ascii_case("repeat") => (Block::Repeat, Place::Statement),
            () => return false,
        };
        self.blocks.push((block, at));
        self.place = place;
        self.before = Before::Operator;
        true
    }

    /// A word that neither opens nor closes a block of statements.
    fn plain(&mut self, at: usize, text: &str, place: Place) {
        let any = |keywords: &[&str]| keywords.iter().any(|keyword| text.eq_ignore_ascii_case(keyword));
        if any(&["case"]) {
            self.blocks.push((Block::CaseExpression, at));
            self.before = Before::Operator;
        } else if any(OPERATOR_WORDS) {
            self.before = Before::Operator;
        } else if any(&["follows", "precedes"]) && place == Place::Header {
            self.before = Before::Name;
        }
        self.place = match place {
            Place::Statement if any(&["declare"]) => Place::Declare,
            Place::Declare if any(&["handler"]) => {
                // The `FOR` after it is no loop.
                self.before = Before::Name;
                Place::Header
            }
            Place::Declare => Place::Declare,
            Place::Header if !any(STATEMENTS) => {
                if self.before == Before::Operand {
                    self.before = Before::First;
                }
                Place::Header
            }
            Place::Statement => {
                if self.before == Before::Operand {
                    self.before = Before::First;
                }
                Place::Inside
            }
            Place::Header | Place::Inside | Place::End => Place::Inside,
        };
    }

    /// Whether a `;` here ends the statement.
    pub(super) fn ends(&mut self) -> bool {
        if self.before == Before::TopLevelBegin {
            self.blocks.clear();
        }
        self.before = Before::Operand;
        self.place = Place::Statement;
        self.blocks.is_empty()
    }

    /// What keeps the statement from ending where the text does.
    pub(super) fn unfinished(&self) -> Option<Unfinished> {
        if self.before == Before::TopLevelBegin {
            return None;
        }
        let (block, at) = *self.blocks.last()?;
        let message = match block {
            Block::Begin => "this `BEGIN` has no `END`",
            Block::If => "this `IF` has no `END IF`",
            Block::Case => "this `CASE` has no `END CASE`",
            Block::Loop => "this `LOOP` has no `END LOOP`",
            Block::While => "this `WHILE` has no `END WHILE`",
            Block::For => "this `FOR` has no `END FOR`",
            Block::Repeat => "this `REPEAT` has no `END REPEAT`",
            Block::Until => "this `UNTIL` has no `END REPEAT`",
            Block::CaseExpression => "this `CASE` has no `END`",
        };
        Some(Unfinished { at, message, help: "close it, or put the whole statement between `DELIMITER` lines" })
    }
}

/// Words after which an operand is expected.
const OPERATOR_WORDS: &[&str] = &[
    "when", "then", "else", "and", "or", "xor", "not", "in", "is", "like", "rlike", "regexp", "between", "div", "mod",
    "select", "by", "distinct", "where", "on", "having", "set", "return", "as", "from", "until", "interval", "binary",
];

/// Words a single statement of a body begins with, after which the header is over.
const STATEMENTS: &[&str] = &[
    "set", "select", "insert", "update", "delete", "replace", "call", "return", "do", "with", "signal", "resignal",
    "execute", "prepare", "truncate", "create", "drop", "alter", "leave", "iterate", "rollback", "commit", "close",
];
