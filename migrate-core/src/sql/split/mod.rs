//! Text → statements with exact byte spans.

mod client;
pub(crate) mod marked;
mod mysql;
mod postgres;
mod sqlite;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::Syntax;
use super::lexer::{Lexer, Token, TokenKind};
use super::syntax::Bodies;
use crate::source::Source;

/// One statement's place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// From its first to its last significant token.
    pub text: Range<usize>,
    /// The data block of a `COPY … FROM STDIN`, without its `\.` line.
    pub data: Option<Range<usize>>,
}

/// Something in the text that keeps it from being split, or that only a native client could run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The bytes of the file it is about.
    pub at: Range<usize>,
    /// What is wrong: lower-case, no full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// What [`split`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// The statements, in order.
    pub pieces: Vec<Piece>,
    /// Everything that is wrong, in order.
    pub problems: Vec<Problem>,
}

/// A statement that cannot end where the text does.
struct Unfinished {
    /// Where what is open opened.
    at: usize,
    message: &'static str,
    help: &'static str,
}

/// Splits a source into statements. Never stops at the first problem.
///
/// A statement is what its engine's own client would send as one: routine, trigger and rule bodies stay whole, a
/// `DELIMITER` line is followed, the data below a `COPY … FROM STDIN` belongs to it. The last statement needs no
/// terminator. Offsets count in the whole file.
///
/// ```
/// use migrate_core::Source;
/// use migrate_core::sql::{Syntax, split};
///
/// let file = Source::new("1_a.sql", "-- a table\ncreate table a (b text default ';');\ndrop table c");
/// let pieces = split::split(&file, &Syntax::SQLITE).pieces;
/// assert_eq!(pieces.len(), 2);
/// assert_eq!(&file.file()[pieces[1].text.clone()], "drop table c");
/// ```
pub fn split(source: &Source, syntax: &Syntax) -> Split {
    let Some(cuts) = source.cuts() else { return stretch(source.file(), source.range(), syntax) };
    let mut all = Split::default();
    for cut in cuts {
        let of = if cut.whole { marked::statement } else { stretch };
        let mut split = of(source.file(), cut.range.clone(), syntax);
        all.pieces.append(&mut split.pieces);
        all.problems.append(&mut split.problems);
    }
    all
}

/// Splits a stretch of a file by nothing but its tokens.
fn stretch(file: &str, range: Range<usize>, syntax: &Syntax) -> Split {
    let start = range.start;
    let text = &file[range];
    let mut splitter = Splitter {
        text,
        syntax,
        lexer: Lexer::new(text, syntax),
        statement: None,
        body: Body::new(syntax),
        executable: None,
        split: Split::default(),
    };
    splitter.run();
    splitter.split.moved_by(start)
}

impl Split {
    fn moved_by(mut self, offset: usize) -> Self {
        let shift = |range: &mut Range<usize>| *range = range.start + offset..range.end + offset;
        for piece in &mut self.pieces {
            shift(&mut piece.text);
            piece.data.as_mut().map(shift);
        }
        for problem in &mut self.problems {
            shift(&mut problem.at);
        }
        self.problems.sort_by_key(|problem| problem.at.start);
        self
    }
}

/// What has been seen of the statement, by the rules of its engine.
enum Body {
    None,
    Postgres(postgres::Body),
    Mysql(mysql::Body),
    Sqlite(sqlite::Body),
}

impl Body {
    fn new(syntax: &Syntax) -> Self {
        match syntax.bodies {
            Bodies::None => Self::None,
            Bodies::Postgres => Self::Postgres(postgres::Body::default()),
            Bodies::Mysql => Self::Mysql(mysql::Body::default()),
            Bodies::Sqlite => Self::Sqlite(sqlite::Body::default()),
        }
    }

    fn token(&mut self, token: Token, text: &str) {
        match self {
            Self::None => {}
            Self::Postgres(body) => body.token(token, text),
            Self::Mysql(body) => body.token(token, text),
            Self::Sqlite(body) => body.token(token, text),
        }
    }

    fn ends(&mut self) -> bool {
        match self {
            Self::None => true,
            Self::Postgres(body) => body.ends(),
            Self::Mysql(body) => body.ends(),
            Self::Sqlite(body) => body.ends(),
        }
    }

    fn unfinished(&self) -> Option<Unfinished> {
        match self {
            Self::None => None,
            Self::Postgres(body) => body.unfinished(),
            Self::Mysql(body) => body.unfinished(),
            Self::Sqlite(body) => body.unfinished(),
        }
    }

    fn reads_data(&self) -> bool {
        matches!(self, Self::Postgres(body) if body.reads_data)
    }
}

/// The statement that is being read.
struct Open {
    text: Range<usize>,
    /// It has more than hints and the marks of executable comments.
    has_content: bool,
}

struct Splitter<'a> {
    text: &'a str,
    syntax: &'a Syntax,
    lexer: Lexer<'a>,
    statement: Option<Open>,
    body: Body,
    /// Where the outermost open executable comment opened.
    executable: Option<usize>,
    split: Split,
}

impl<'a> Splitter<'a> {
    fn run(&mut self) {
        if let Some(at) = self.misplaced_nul() {
            let help = "save the file as UTF-8: text saved as UTF-16 is full of them";
            self.problem(at..at + 1, "a NUL character: servers take it for the end of the text", help);
        }
        while let Some(token) = self.lexer.next() {
            if !token.closed {
                self.unclosed(token);
            }
            match token.kind {
                TokenKind::LineComment => self.marker(token),
                TokenKind::Space | TokenKind::BlockComment => {}
                TokenKind::Delimiter if self.ends_statement() => self.finish(Some(token.end)),
                TokenKind::Symbol if token.text(self.text) == "\\" && self.backslash(token) => {}
                TokenKind::Symbol | TokenKind::Word if self.client_command(token) => {}
                _ => self.extend(token),
            }
        }
        if let Some(at) = self.executable {
            self.problem(at..at + 3, "this executable comment is never closed", "close it with `*/`");
        }
        if self.statement.is_some()
            && self.lexer.delimiter() == ";"
            && let Some(open) = self.body.unfinished()
        {
            self.problem(open.at..open.at + 1, open.message, open.help);
        }
        self.finish(None);
    }

    /// The first NUL, unless it is inside a string that may hold one.
    fn misplaced_nul(&self) -> Option<usize> {
        let first = self.text.as_bytes().contains(&0).then(|| self.text.find('\0')).flatten()?;
        if self.syntax.bodies != Bodies::Mysql {
            return Some(first);
        }
        let outside = |token: &Token| token.kind == TokenKind::Symbol && token.text(self.text) == "\0";
        Lexer::new(self.text, self.syntax).find(outside).map(|token| token.start)
    }

    fn problem(&mut self, at: Range<usize>, message: impl Into<String>, help: &str) {
        self.split.problems.push(Problem { at, message: message.into(), help: Some(help.to_owned()) });
    }

    fn unclosed(&mut self, token: Token) {
        let opened = token.text(self.text);
        let dollar = opened.starts_with('$').then(|| opened[1..].find('$')).flatten();
        let (opening, what, help) = match (token.kind, dollar) {
            (TokenKind::String, Some(tag)) => {
                let tag = &opened[..tag + 2];
                (
                    tag.len(),
                    format!("the string that opens with `{tag}` is never closed"),
                    format!("close it with `{tag}`"),
                )
            }
            (TokenKind::String, None) => {
                let quote = opened.find(['\'', '"']).map_or("'", |at| &opened[at..=at]);
                let opening = opened.find(quote).map_or(1, |at| at + 1);
                (opening, "this string is never closed".into(), format!("close it with `{quote}`"))
            }
            (TokenKind::Name, _) => {
                let quote = opened.trim_start_matches(['u', 'U', '&']).chars().next().unwrap_or('"');
                let close = if quote == '[' { ']' } else { quote };
                (
                    1,
                    "this quoted name is never closed".into(),
                    format!("close it with {}", if close == '`' { "`".to_owned() } else { format!("`{close}`") }),
                )
            }
            _ => (2, "this comment is never closed".into(), "close it with `*/`".into()),
        };
        self.problem(token.start..token.start + opening, what, &help);
    }

    /// Whether a delimiter at this place ends the statement.
    fn ends_statement(&mut self) -> bool {
        self.executable.is_none() && (self.lexer.delimiter() != ";" || self.body.ends())
    }

    fn extend(&mut self, token: Token) {
        match token.kind {
            TokenKind::ExecutableOpen => _ = self.executable.get_or_insert(token.start),
            TokenKind::ExecutableClose if !self.lexer.in_executable_comment() => self.executable = None,
            _ => {}
        }
        let has_content =
            !matches!(token.kind, TokenKind::Hint | TokenKind::ExecutableOpen | TokenKind::ExecutableClose);
        let open = self.statement.get_or_insert(Open { text: token.range(), has_content });
        open.text.end = token.end;
        open.has_content |= has_content;
        self.body.token(token, self.text);
    }

    /// Ends the statement; `terminated` is the place after what ended it.
    fn finish(&mut self, terminated: Option<usize>) {
        let body = std::mem::replace(&mut self.body, Body::new(self.syntax));
        let Some(Open { text, has_content: true }) = self.statement.take() else { return };
        let data = (self.syntax.copy_data && body.reads_data()).then(|| self.data(&text, terminated));
        self.split.pieces.push(Piece { text, data });
    }

    /// The lines below a `COPY … FROM STDIN`, up to `\.`.
    fn data(&mut self, statement: &Range<usize>, terminated: Option<usize>) -> Range<usize> {
        let end_of_copy = terminated.unwrap_or(self.text.len());
        let line_end = client::line_end(self.text, end_of_copy);
        let beside = self.text[end_of_copy..line_end].trim();
        if !beside.is_empty() && !beside.starts_with("--") {
            let at = end_of_copy..line_end;
            self.problem(at, "text on the line of a `COPY … FROM STDIN`", "its data begins on the next line");
        }
        let start = (line_end + 1).min(self.text.len());
        let mut at = start;
        while at < self.text.len() {
            let end = client::line_end(self.text, at);
            if self.text[at..end].trim_end_matches('\r') == "\\." {
                self.lexer.jump(end);
                return start..at;
            }
            at = end + 1;
        }
        self.lexer.jump(self.text.len());
        let help = "put the data on the lines below it, and `\\.` on a line of its own after them";
        self.problem(statement.clone(), "the data of this `COPY … FROM STDIN` does not end", help);
        start..self.text.len()
    }

    /// A backslash outside quotes: a command of psql or mysql. Whether it was one.
    fn backslash(&mut self, token: Token) -> bool {
        if self.syntax.backslash_commands {
            let command = client::Psql::at(self.text, token.start);
            if self.statement.is_some() || !command.is_harmless() {
                let problem = command.problem();
                self.split.problems.push(problem);
            }
            self.lexer.jump(command.end);
            self.finish(None);
            return true;
        }
        // `\N` is a NULL for MariaDB and older versions of MySQL.
        let null = self.text[token.end..].starts_with('N');
        if self.syntax.delimiter_command && self.executable.is_none() && !null {
            self.split.problems.push(client::mysql_backslash(self.text, token.start));
        }
        false
    }

    /// A comment that may say where a statement begins, which then goes to where another one says that it ends.
    fn marker(&mut self, token: Token) {
        let Some(marker) = marked::Marker::of(token.text(self.text)) else { return };
        if marker == marked::Marker::End || self.statement.is_some() {
            self.split.problems.push(marked::misplaced(token.range(), marker));
            return;
        }
        let Some((block, end)) = marked::block(self.text, token.end) else {
            self.split.problems.push(marked::never_ended(token.range()));
            self.lexer.jump(self.text.len());
            return;
        };
        let mut split = marked::statement(self.text, block, self.syntax);
        self.split.pieces.append(&mut split.pieces);
        self.split.problems.append(&mut split.problems);
        self.lexer.jump(end);
    }

    /// A command of the mysql client or the sqlite3 shell that begins a line. Whether it was one.
    fn client_command(&mut self, token: Token) -> bool {
        let begins = self.statement.is_none();
        let word = token.text(self.text);
        if token.kind == TokenKind::Symbol {
            let command = begins && word == "." && self.syntax.bodies == Bodies::Sqlite;
            if command {
                self.split.problems.push(client::sqlite_command(self.text, token.start));
                self.lexer.jump(client::line_end(self.text, token.start));
            }
            return command;
        }
        if !self.syntax.delimiter_command {
            return false;
        }
        if word.eq_ignore_ascii_case("delimiter") && client::is_line_start(self.text, token.start) {
            return self.delimiter_line(token, begins);
        }
        if begins && let Some(problem) = client::mysql_command(word, token.range()) {
            self.split.problems.push(problem);
            self.lexer.jump(client::line_end(self.text, token.start));
            return true;
        }
        false
    }

    /// A `DELIMITER` line. Amid a statement it ends that, as in the client, but there only signs are taken for a
    /// delimiter: a column may well be called `delimiter`.
    fn delimiter_line(&mut self, token: Token, begins: bool) -> bool {
        let end = client::line_end(self.text, token.start);
        let line: &'a str = &self.text[token.end..end];
        let argument = client::delimiter_argument(line);
        if !begins && !argument.is_ok_and(|argument| argument.bytes().all(|byte| b";/$|@#!&^~%".contains(&byte))) {
            return false;
        }
        self.finish(None);
        match argument {
            Ok(delimiter) => self.lexer.set_delimiter(delimiter),
            Err(why) => self.problem(token.range(), format!("`DELIMITER`: {why}"), "write for example `DELIMITER //`"),
        }
        self.lexer.jump(end);
        true
    }
}
