//! `-- migrate:` comments → values.
//!
//! A directive is a line comment, so a file stays what its engine's own client can run. It counts only where the lexer
//! sees a comment: never in a string, a routine's body in dollar quotes, or the data of a `COPY`. What it means for a
//! set or a run is not decided here.

mod parse;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub(crate) use parse::duration;

use super::Syntax;
use super::lexer::{Lexer, Token, TokenKind};
use super::split::{Problem, marked, split};
use crate::migration::{BatchAt, Phase, Precondition, Replaced, RunAttributes, Timeouts};
use crate::source::Source;
use crate::version::Version;

/// One directive and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Its bytes in the file: the comment, without its line end.
    pub at: Range<usize>,
    /// What it says.
    pub kind: DirectiveKind,
}

/// What a directive says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DirectiveKind {
    /// `up`: from here on, the way forward.
    Up,
    /// `down`: from here on, the way back.
    Down,
    /// `phase pre|post`
    Phase(Phase),
    /// `no-transaction`, or `up transaction:false` as dbmate writes it.
    NoTransaction,
    /// `settings work_mem=20MB search_path='a, b'`
    Settings(Vec<(String, String)>),
    /// `timeout lock=2s statement=0`
    Timeout(Timeouts),
    /// `precondition "text" SELECT …`
    Precondition(Precondition),
    /// `requires-version 2.0.0`
    RequiresVersion(Version),
    /// `compatible-from 2.0.0`
    CompatibleFrom(Version),
    /// `irreversible "why"`
    Irreversible(String),
    /// `optional NAME`
    Optional(String),
    /// `code CHECKSUM`: the work is code of the application, and this is which.
    Code(String),
    /// `requires NAME[, NAME]`
    Requires(Vec<String>),
    /// `batch key=id size=5000 pause=50ms table=t` or `batch until-empty limit=1000 pause=1s`
    Batch(BatchAt),
    /// `replaces 1.0/pre/01=sha256:…, 1.0/post/50`: what a snapshot stands for.
    Replaces(Vec<Replaced>),
    /// `statement begin` or `statement end`: what is between them is one statement, whatever it holds.
    Statement(Edge),
}

/// Where a marked statement begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// Behind this line.
    Begin,
    /// Before this line.
    End,
}

/// What [`directives`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directives {
    /// The directives, in order.
    pub found: Vec<Directive>,
    /// What looks like a directive and is none, in order.
    pub problems: Vec<Problem>,
}

/// How a script runs that carries its own directives, as a stored way back does. What contradicts itself was refused
/// when the set was read; here the first one counts.
pub(crate) fn run_attributes(found: &[Directive]) -> RunAttributes {
    let mut run = RunAttributes::default();
    for directive in found {
        take(&mut run, &directive.kind);
    }
    run
}

/// Takes what a directive says about how a script runs, if it does: whether nothing before it says otherwise.
pub(crate) fn take(run: &mut RunAttributes, kind: &DirectiveKind) -> bool {
    match kind {
        DirectiveKind::NoTransaction => run.no_transaction = true,
        DirectiveKind::Settings(settings) => return settings.iter().all(|setting| set(run, setting)),
        DirectiveKind::Timeout(timeouts) => {
            let lock = give(&mut run.timeouts.lock, timeouts.lock);
            return give(&mut run.timeouts.statement, timeouts.statement) && lock;
        }
        DirectiveKind::Precondition(precondition) => run.preconditions.push(precondition.clone()),
        DirectiveKind::Batch(batch) => run.batches.push(batch.clone()),
        _ => {}
    }
    true
}

/// Whether the value is new or the same again.
pub(crate) fn give<T: PartialEq>(place: &mut Option<T>, value: Option<T>) -> bool {
    match (&place, value) {
        (Some(old), Some(new)) => *old == new,
        (None, value @ Some(_)) => {
            *place = value;
            true
        }
        (_, None) => true,
    }
}

fn set(run: &mut RunAttributes, (name, value): &(String, String)) -> bool {
    if let Some((_, other)) = run.settings.iter().find(|(other, _)| other == name) {
        return other == value;
    }
    run.settings.push((name.clone(), value.clone()));
    true
}

/// The directives of a source, in order. Offsets count in the whole file.
///
/// A `batch` without `table=` takes the table of the `UPDATE` or `DELETE` below it.
///
/// ```
/// use migrate_core::{Phase, Source};
/// use migrate_core::sql::{Syntax, directive};
///
/// let file = Source::new("1_a.sql", "-- migrate:phase post\n-- migrate:no-transactoin\ndrop table a;");
/// let directives = directive::directives(&file, &Syntax::POSTGRES);
/// assert_eq!(directives.found[0].kind, directive::DirectiveKind::Phase(Phase::Post));
/// assert_eq!(directives.problems[0].help.as_deref(), Some("did you mean `no-transaction`?"));
/// ```
pub fn directives(source: &Source, syntax: &Syntax) -> Directives {
    let text = source.text();
    if !text.contains("migrate:") {
        return Directives::default();
    }
    let data = if syntax.copy_data { copy_data(source, syntax) } else { Vec::new() };
    let mut reader = Reader { text, syntax, base: source.range().start, directives: Directives::default() };
    let mut lexer = Lexer::new(text, syntax);
    let mut data = data.into_iter().peekable();
    while let Some(token) = lexer.next() {
        if data.peek().is_some_and(|data| data.start <= token.start) {
            lexer.jump(data.next().map_or(text.len(), |data| data.end));
            continue;
        }
        reader.token(token, &lexer);
        // What is in a marked statement is that statement's, quotes that nobody closes included.
        if token.kind == TokenKind::LineComment
            && marked::Marker::of(token.text(text)) == Some(marked::Marker::Begin)
            && let Some((block, _)) = marked::block(text, token.end)
        {
            lexer.jump(block.end);
        }
    }
    reader.directives
}

/// Where the data of `COPY` is, which is no SQL.
fn copy_data(source: &Source, syntax: &Syntax) -> Vec<Range<usize>> {
    let base = source.range().start;
    let pieces = split(source, syntax).pieces.into_iter();
    pieces.filter_map(|piece| piece.data).map(|data| data.start - base..data.end - base).collect()
}

struct Reader<'a> {
    text: &'a str,
    syntax: &'a Syntax,
    /// Where `text` begins in the file.
    base: usize,
    directives: Directives,
}

impl Reader<'_> {
    fn token(&mut self, token: Token, rest: &Lexer<'_>) {
        match token.kind {
            TokenKind::LineComment => {
                let Some(comment) = token.text(self.text).strip_prefix("--") else { return };
                let Some(said) = comment.trim_start().strip_prefix("migrate:") else { return };
                self.directive(said.trim_end(), &token, rest);
            }
            // `--migrate:up`: two minus signs for MySQL.
            TokenKind::Symbol
                if self.syntax.dash_comment_needs_space && self.text[token.start..].starts_with("--migrate:") =>
            {
                self.directives.problems.push(Problem {
                    at: self.base + token.start..self.base + token.start + "--migrate:".len(),
                    message: "`--` without a blank after it is no comment for this engine".to_owned(),
                    help: Some("write `-- migrate:`".to_owned()),
                });
            }
            _ => {}
        }
    }

    fn directive(&mut self, said: &str, token: &Token, rest: &Lexer<'_>) {
        if is_prose(said) {
            return;
        }
        let start = self.base + self.text[..token.end].rfind(said).unwrap_or(token.start);
        let at = self.base + token.start..self.base + token.start + token.text(self.text).trim_end().len();
        let mut parser = parse::Parser::new(said, start, &at);
        match parser.directive(|| next_table(rest.clone(), self.text)) {
            Ok(kinds) => {
                let directive = |kind| Directive { at: at.clone(), kind };
                self.directives.found.extend(kinds.into_iter().map(directive));
            }
            Err(problem) => self.directives.problems.push(problem),
        }
    }
}

/// `-- migrate: the rows of last year`. A blank before the name of a directive is a slip of the pen, though.
fn is_prose(said: &str) -> bool {
    let first = said.split_whitespace().next().unwrap_or("");
    said.starts_with(char::is_whitespace) && !parse::NAMES.contains(&first)
}

/// The table that the next statement changes, if it is `UPDATE t` or `DELETE FROM t`.
fn next_table(lexer: Lexer<'_>, text: &str) -> Option<String> {
    let mut words = lexer.filter(Token::is_significant).peekable();
    let is = |token: &Token, keyword: &str| token.text(text).eq_ignore_ascii_case(keyword);
    let verb = words.next()?;
    if is(&verb, "delete") {
        words.next_if(|token| is(token, "from"))?;
    } else if !is(&verb, "update") {
        return None;
    }
    words.next_if(|token| is(token, "only"));
    let first = words.next().filter(|token| matches!(token.kind, TokenKind::Word | TokenKind::Name))?;
    let mut end = first.end;
    while words.next_if(|token| is(token, ".")).is_some() {
        end = words.next()?.end;
    }
    Some(text[first.start..end].to_owned())
}
