//! Text → tokens.
//!
//! The tokens of a text concatenate to the text: nothing is skipped, nothing is changed. Every byte is looked at a
//! bounded number of times, whatever the text; nothing recurses. What the lexer knows about an engine is its
//! [`Syntax`].

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::Syntax;
use super::syntax::Bodies;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Blanks, line ends, and a byte order mark at the start of the text.
    Space,
    /// `-- …` or `# …`, without its line end.
    LineComment,
    /// `/* … */`.
    BlockComment,
    /// `/*+ … */`: a comment that some servers act on.
    Hint,
    /// `/*!`, `/*!50003`, `/*M!100100`: what follows is executed.
    ExecutableOpen,
    /// The `*/` that belongs to an [`ExecutableOpen`](Self::ExecutableOpen).
    ExecutableClose,
    /// A keyword, an unquoted name, a parameter like `$1`.
    Word,
    /// A quoted name.
    Name,
    /// A string, with its prefix (`E'…'`, `x'…'`) and its quotes.
    String,
    /// A number.
    Number,
    /// An operator or a punctuation mark.
    Symbol,
    /// What ends a statement: `;`, or what a `DELIMITER` line said.
    Delimiter,
}

/// One token: a kind and a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Byte offset of its first byte in the text.
    pub start: usize,
    /// Byte offset after its last byte.
    pub end: usize,
    /// Whether its end was found. A string, quoted name or comment without one reaches to the end of the text.
    pub closed: bool,
}

impl Token {
    /// Its bytes in the text.
    pub(crate) fn range(&self) -> Range<usize> {
        self.start..self.end
    }

    /// The text it stands for.
    ///
    /// # Panics
    /// If `text` is not the one it was found in.
    pub(crate) fn text<'a>(&self, text: &'a str) -> &'a str {
        &text[self.range()]
    }

    /// Whether a server looks at it: everything but blanks and plain comments.
    pub(crate) fn is_significant(&self) -> bool {
        !matches!(self.kind, TokenKind::Space | TokenKind::LineComment | TokenKind::BlockComment)
    }
}

/// The tokens of a text, in order.
#[derive(Clone, Debug)]
pub(crate) struct Lexer<'a> {
    text: &'a str,
    syntax: Syntax,
    at: usize,
    /// How many executable comments are open.
    executable: usize,
    delimiter: &'a str,
}

impl<'a> Lexer<'a> {
    /// The tokens of `text`.
    pub(crate) fn new(text: &'a str, syntax: &Syntax) -> Self {
        Self { text, syntax: *syntax, at: 0, executable: 0, delimiter: ";" }
    }

    /// From here on, `delimiter` ends a statement. An empty one is ignored.
    pub(crate) fn set_delimiter(&mut self, delimiter: &'a str) {
        if !delimiter.is_empty() {
            self.delimiter = delimiter;
        }
    }

    /// What ends a statement now.
    pub(crate) fn delimiter(&self) -> &'a str {
        self.delimiter
    }

    /// Goes on at `offset`: what lies between is not SQL.
    ///
    /// # Panics
    /// If `offset` is not a character boundary of the text.
    pub(crate) fn jump(&mut self, offset: usize) {
        assert!(self.text.is_char_boundary(offset), "offset {offset} is inside a character");
        self.at = offset;
    }

    /// Whether the next token is inside an executable comment.
    pub(crate) fn in_executable_comment(&self) -> bool {
        self.executable > 0
    }

    fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(0)
    }

    fn starts_with(&self, at: usize, prefix: &str) -> bool {
        self.text.as_bytes()[at..].starts_with(prefix.as_bytes())
    }

    /// Kind, end, and whether it is closed, of the token at `self.at`.
    fn scan(&mut self) -> (TokenKind, usize, bool) {
        let start = self.at;
        let first = self.byte(start);
        let next = self.byte(start + 1);
        if self.delimiter.as_bytes()[0] == first && self.starts_with(start, self.delimiter) {
            return (TokenKind::Delimiter, start + self.delimiter.len(), true);
        }
        match first {
            b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => (TokenKind::Space, self.spaces(start), true),
            0xef if start == 0 && self.text.starts_with('\u{feff}') => (TokenKind::Space, self.spaces(3), true),
            b'\'' => self.quoted(TokenKind::String, start + 1, b'\'', self.syntax.backslash_escapes),
            b'"' if self.syntax.double_quoted_strings => {
                self.quoted(TokenKind::String, start + 1, b'"', self.syntax.backslash_escapes)
            }
            b'"' => self.quoted(TokenKind::Name, start + 1, b'"', false),
            b'`' if self.syntax.backtick_names => self.quoted(TokenKind::Name, start + 1, b'`', false),
            b'[' if self.syntax.bracket_names => self.bracketed(start + 1),
            b'-' if next == b'-' && self.dashes_open_comment(start) => self.line_comment(start + 2),
            b'#' if self.syntax.hash_comments => self.line_comment(start + 1),
            b'/' if next == b'*' => self.block_comment(start),
            b'*' if next == b'/' && self.executable > 0 => {
                self.executable -= 1;
                (TokenKind::ExecutableClose, start + 2, true)
            }
            b'$' if self.syntax.dollar_strings => self.dollar(start),
            b'0'..=b'9' => (TokenKind::Number, self.number(start), true),
            _ if WORD[usize::from(first)] => self.word(start),
            _ => (TokenKind::Symbol, self.symbol(start), true),
        }
    }

    fn spaces(&self, from: usize) -> usize {
        let rest = &self.text.as_bytes()[from..];
        from + rest.iter().position(|byte| !is_space(*byte)).unwrap_or(rest.len())
    }

    /// The string or name whose opening quote ends at `at`. A doubled quote is a quote inside it.
    fn quoted(&self, kind: TokenKind, mut at: usize, quote: u8, backslash: bool) -> (TokenKind, usize, bool) {
        let bytes = self.text.as_bytes();
        while let Some(found) = bytes[at..].iter().position(|b| *b == quote || (backslash && *b == b'\\')) {
            at += found + 1;
            if bytes[at - 1] == quote {
                if self.byte(at) != quote {
                    return (kind, at, true);
                }
                at += 1;
            } else {
                // The escaped byte may be the first of a longer character: none of its other bytes is a quote.
                at = (at + 1).min(bytes.len());
            }
        }
        (kind, bytes.len(), false)
    }

    fn bracketed(&self, from: usize) -> (TokenKind, usize, bool) {
        match self.text[from..].find(']') {
            Some(found) => (TokenKind::Name, from + found + 1, true),
            None => (TokenKind::Name, self.text.len(), false),
        }
    }

    fn dashes_open_comment(&self, start: usize) -> bool {
        !self.syntax.dash_comment_needs_space
            || self
                .text
                .as_bytes()
                .get(start + 2)
                .is_none_or(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control())
    }

    fn line_comment(&self, from: usize) -> (TokenKind, usize, bool) {
        // PostgreSQL alone ends a comment at a lone carriage return too.
        let postgres = self.syntax.bodies == Bodies::Postgres;
        let rest = &self.text.as_bytes()[from..];
        let length = rest.iter().position(|b| *b == b'\n' || (postgres && *b == b'\r')).unwrap_or(rest.len());
        let carriage_return = length < rest.len() && rest[..length].ends_with(b"\r");
        (TokenKind::LineComment, from + length - usize::from(carriage_return), true)
    }

    fn block_comment(&mut self, start: usize) -> (TokenKind, usize, bool) {
        if self.syntax.executable_comments {
            let bang = start + 2 + usize::from(self.byte(start + 2) == b'M');
            if self.byte(bang) == b'!' {
                let digits = self.text.as_bytes()[bang + 1..].iter().take(6).take_while(|b| b.is_ascii_digit()).count();
                let open = bang + 1 + digits;
                // No server is that new: the dumps of MariaDB hide a command for its client in there.
                if &self.text[bang + 1..open] != "999999" {
                    self.executable += 1;
                    return (TokenKind::ExecutableOpen, open, true);
                }
            }
        }
        let kind = if self.byte(start + 2) == b'+' { TokenKind::Hint } else { TokenKind::BlockComment };
        let bytes = self.text.as_bytes();
        let mut at = start + 2;
        let mut depth = 1_usize;
        while let Some(found) = bytes[at..].iter().position(|byte| matches!(byte, b'*' | b'/')) {
            at += found + 1;
            match (bytes[at - 1], self.byte(at)) {
                (b'*', b'/') => {
                    at += 1;
                    depth -= 1;
                    if depth == 0 {
                        return (kind, at, true);
                    }
                }
                (b'/', b'*') if self.syntax.nested_comments => {
                    at += 1;
                    depth += 1;
                }
                _ => {}
            }
        }
        (kind, bytes.len(), self.syntax.open_comment_at_end)
    }

    /// `$1`, `$$ … $$`, `$tag$ … $tag$`, or a dollar sign by itself.
    fn dollar(&self, start: usize) -> (TokenKind, usize, bool) {
        let bytes = self.text.as_bytes();
        let rest = &bytes[start + 1..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits > 0 {
            return (TokenKind::Word, start + 1 + digits, true);
        }
        let tag = rest.iter().take_while(|byte| WORD[usize::from(**byte)] && **byte != b'$').count();
        let opened = start + tag + 2;
        if rest.get(tag) != Some(&b'$') {
            let kind = if tag == 0 { TokenKind::Symbol } else { TokenKind::Word };
            return (kind, start + 1 + tag, true);
        }
        match self.text[opened..].find(&self.text[start..opened]) {
            Some(found) => (TokenKind::String, opened + found + opened - start, true),
            None => (TokenKind::String, bytes.len(), false),
        }
    }

    fn number(&self, start: usize) -> usize {
        let bytes = self.text.as_bytes();
        let part = |from: usize| {
            from + bytes[from..].iter().take_while(|byte| WORD[usize::from(**byte)] && **byte != b'$').count()
        };
        let mut end = part(start);
        if self.byte(end) == b'.' && self.byte(end + 1).is_ascii_digit() {
            end = part(end + 1);
        }
        let hexadecimal = matches!(self.byte(start + 1), b'x' | b'X');
        if matches!(self.byte(end - 1), b'e' | b'E')
            && !hexadecimal
            && matches!(self.byte(end), b'+' | b'-')
            && self.byte(end + 1).is_ascii_digit()
        {
            end = part(end + 1);
        }
        self.cut(start, end)
    }

    fn word(&self, start: usize) -> (TokenKind, usize, bool) {
        let rest = &self.text.as_bytes()[start..];
        let end = start + rest.iter().position(|byte| !WORD[usize::from(*byte)]).unwrap_or(rest.len());
        if end == start + 1 {
            let first = self.byte(start).to_ascii_uppercase();
            match (first, self.byte(end)) {
                (b'E', b'\'') if self.syntax.escape_strings => return self.escape_string(end + 1),
                (b'B' | b'X' | b'N', b'\'') => {
                    return self.quoted(TokenKind::String, end + 1, b'\'', self.syntax.backslash_escapes);
                }
                (b'U', b'&') if self.syntax.escape_strings && self.byte(end + 1) == b'\'' => {
                    return self.quoted(TokenKind::String, end + 2, b'\'', self.syntax.backslash_escapes);
                }
                (b'U', b'&') if self.syntax.escape_strings && self.byte(end + 1) == b'"' => {
                    return self.quoted(TokenKind::Name, end + 2, b'"', false);
                }
                _ => {}
            }
        }
        (TokenKind::Word, self.cut(start, end), true)
    }

    /// An `E'…'` string goes on over a line end: `E'a'` new line `'b\'c'` is one string, with escapes in both parts.
    fn escape_string(&self, from: usize) -> (TokenKind, usize, bool) {
        let mut string = self.quoted(TokenKind::String, from, b'\'', true);
        while string.2 {
            let next = self.spaces(string.1);
            if self.byte(next) != b'\'' || !self.text[string.1..next].contains(['\n', '\r']) {
                break;
            }
            string = self.quoted(TokenKind::String, next + 1, b'\'', true);
        }
        string
    }

    fn symbol(&self, start: usize) -> usize {
        let bytes = &self.text.as_bytes()[start..];
        let length = match self.syntax.bodies {
            Bodies::Postgres => postgres_operator(bytes),
            Bodies::None | Bodies::Mysql | Bodies::Sqlite => {
                OPERATORS.iter().find(|operator| bytes.starts_with(operator.as_bytes())).map_or(1, |found| found.len())
            }
        };
        self.cut(start, start + length)
    }

    /// The end of a token that would reach over a delimiter: `END$$` is a word and the delimiter `$$`.
    fn cut(&self, start: usize, end: usize) -> usize {
        let delimiter = self.delimiter.as_bytes();
        if delimiter == b";" || end == start + 1 {
            return end;
        }
        let rest = &self.text.as_bytes()[start + 1..];
        rest.windows(delimiter.len())
            .take(end - start - 1)
            .position(|window| window == delimiter)
            .map_or(end, |found| start + 1 + found)
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        if self.at >= self.text.len() {
            return None;
        }
        let start = self.at;
        let (kind, end, closed) = self.scan();
        self.at = end;
        Some(Token { kind, start, end, closed })
    }
}

/// Longest first.
const OPERATORS: &[&str] = &["<=>", "->>", "<=", ">=", "<>", "!=", "||", "&&", ":=", "<<", ">>", "->", "=="];

/// The length of an operator as PostgreSQL cuts them: as long as possible, up to a comment; it ends in `+` or `-` only
/// if it holds a character that no SQL operator has (<https://www.postgresql.org/docs/current/sql-syntax-lexical.html>).
fn postgres_operator(bytes: &[u8]) -> usize {
    if !OPERATOR[usize::from(bytes[0])] {
        let pairs: [&[u8]; 3] = [b"::", b":=", b".."];
        return if pairs.iter().any(|pair| bytes.starts_with(pair)) { 2 } else { 1 };
    }
    // The server refuses longer ones; a run of thousands must not be read again for each sign cut off its end.
    let longest = bytes.iter().take(63).take_while(|byte| OPERATOR[usize::from(**byte)]).count();
    if longest == 1 {
        return 1;
    }
    let run = &bytes[..longest];
    let comment = run.windows(2).position(|pair| pair == b"--" || pair == b"/*");
    let run = &run[..comment.unwrap_or(longest)];
    let length =
        if run.iter().any(|byte| matches!(byte, b'~' | b'!' | b'@' | b'#' | b'%' | b'^' | b'&' | b'|' | b'`' | b'?')) {
            run.len()
        } else {
            run.iter().rposition(|byte| !matches!(byte, b'+' | b'-')).map_or(1, |last| last + 1)
        };
    length.max(1)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// Bytes of which words consist: letters, digits, `_`, `$` and everything beyond ASCII.
const WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        #[allow(clippy::cast_possible_truncation)] // below 256
        let b = byte as u8;
        table[byte] = b.is_ascii_alphanumeric() || b == b'_' || b == b'$' || b >= 0x80;
        byte += 1;
    }
    table
};

/// Bytes of which PostgreSQL's operators consist.
const OPERATOR: [bool; 256] = {
    let mut table = [false; 256];
    let bytes = b"+-*/<>=~!@#%^&|`?";
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
};
