//! SQLite: a trigger ends at `; END ;`, as its own `sqlite3_complete` sees it
//! (<https://www.sqlite.org/src/file/src/complete.c>).

use super::Unfinished;
use crate::sql::lexer::{Token, TokenKind};

/// What has been seen of one statement.
#[derive(Debug, Default)]
pub(super) struct Body {
    state: State,
    /// Where `TRIGGER` stands.
    trigger: usize,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Start,
    /// `EXPLAIN [QUERY PLAN]`
    Explain,
    /// `CREATE [TEMP | TEMPORARY]`
    Create,
    Trigger,
    /// In a trigger, after a `;`.
    Semicolon,
    /// In a trigger, after `; END`.
    End,
    Other,
}

impl Body {
    pub(super) fn token(&mut self, token: Token, text: &str) {
        if self.state == State::Other {
            return;
        }
        let text = token.text(text);
        let is = |keyword| token.kind == TokenKind::Word && text.eq_ignore_ascii_case(keyword);
        self.state = match self.state {
            // `ends` has seen it.
            state if token.kind == TokenKind::Delimiter => state,
            State::Start if is("explain") => State::Explain,
            State::Explain if is("query") || is("plan") => State::Explain,
            State::Start | State::Explain if is("create") => State::Create,
            State::Create if is("temp") || is("temporary") => State::Create,
            State::Create if is("trigger") => {
                self.trigger = token.start;
                State::Trigger
            }
            State::Start if token.kind == TokenKind::Hint => State::Start,
            State::Start | State::Explain | State::Create | State::Other => State::Other,
            State::Semicolon if is("end") => State::End,
            State::Trigger | State::Semicolon | State::End => State::Trigger,
        };
    }

    /// Whether a `;` here ends the statement.
    pub(super) fn ends(&mut self) -> bool {
        if matches!(self.state, State::Trigger | State::Semicolon) {
            self.state = State::Semicolon;
            return false;
        }
        true
    }

    /// What keeps the statement from ending where the text does.
    pub(super) fn unfinished(&self) -> Option<Unfinished> {
        matches!(self.state, State::Trigger | State::Semicolon).then_some(Unfinished {
            at: self.trigger,
            message: "this trigger does not end before the text does",
            help: "end its body with `; END;`",
        })
    }
}
