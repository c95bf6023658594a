//! A script: a source, split and classified.
//!
//! Callbacks may surround it: scripts of their own that run before and after it in the same transaction. Numbers and
//! indexes count through all of them; what belongs to the script itself is [`Script::own`].

use std::ops::Range;

use super::split::{self, Problem};
use super::{Class, Statement, Syntax};
use crate::source::Source;

/// Decides what kind a statement is. The first argument is the statement's text.
///
/// Unknown statements must be answered on the safe side: `destructive`, `queues`, and the most careful
/// [`Recovery`](super::Recovery) the engine has.
pub type Classify = fn(&str, &Syntax) -> Class;

/// A script, split into statements. It owns no text: statements are views into its [`Source`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    source: Source,
    parts: Vec<Part>,
    /// The sources of what surrounds it.
    callbacks: Vec<Source>,
}

/// Where one statement lies, and its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) text: Range<usize>,
    pub(super) data: Option<Range<usize>>,
    pub(super) class: Class,
    /// Index of the callback that it belongs to; `None` is the script itself.
    pub(super) callback: Option<usize>,
}

impl Script {
    /// Splits and classifies `source`.
    ///
    /// # Errors
    /// All problems that leave it unclear where a statement ends, or that only a native client could carry out:
    /// unterminated constructs (at their opening place), client commands we do not run.
    pub fn parse(source: Source, syntax: &Syntax, classify: Classify) -> Result<Self, Vec<Problem>> {
        let split = split::split(&source, syntax);
        if !split.problems.is_empty() {
            return Err(split.problems);
        }
        let parts = split
            .pieces
            .into_iter()
            .map(|piece| Part {
                class: classify(&source.file()[piece.text.clone()], syntax),
                text: piece.text,
                data: piece.data,
                callback: None,
            })
            .collect();
        Ok(Self { source, parts, callbacks: Vec::new() })
    }

    /// The same with scripts that run before and after it in its transaction.
    pub(crate) fn surrounded(self, before: Vec<Self>, after: Vec<Self>) -> Self {
        let mut all = Self { source: self.source, parts: Vec::new(), callbacks: self.callbacks };
        for script in before {
            all.take_callback(script);
        }
        all.parts.extend(self.parts);
        for script in after {
            all.take_callback(script);
        }
        all
    }

    fn take_callback(&mut self, script: Self) {
        let callback = Some(self.callbacks.len());
        self.callbacks.push(script.source);
        self.parts.extend(script.parts.into_iter().map(|part| Part { callback, ..part }));
    }

    /// The indexes of its own statements, without those of callbacks.
    pub fn own(&self) -> Range<usize> {
        let start = self.parts.iter().position(|part| part.callback.is_none()).unwrap_or(0);
        start..start + self.parts.iter().filter(|part| part.callback.is_none()).count()
    }

    /// The same with what is known of its statements beyond their text.
    pub(crate) fn with_classes(mut self, mut class: impl FnMut(&Statement<'_>) -> Class) -> Self {
        for index in 0..self.parts.len() {
            self.parts[index].class = class(&self.statement(index));
        }
        self
    }

    /// The text it was split from.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The text that the statement at `index` is in: the script's own, or that of a callback.
    ///
    /// # Panics
    /// If there is none.
    pub(crate) fn source_of(&self, index: usize) -> &Source {
        self.parts[index].callback.map_or(&self.source, |callback| &self.callbacks[callback])
    }

    /// The statement at `index` as it was written, without the values of placeholders.
    ///
    /// # Panics
    /// If there is none.
    pub fn written(&self, index: usize) -> &str {
        let source = self.source_of(index);
        &source.written_file()[source.written_range(self.parts[index].text.clone())]
    }

    /// How many statements it has, callbacks included.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether it has none: an empty or comment-only file.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The statement at `index`, from 0.
    ///
    /// # Panics
    /// If there is none.
    pub fn statement(&self, index: usize) -> Statement<'_> {
        let part = &self.parts[index];
        let file = self.source_of(index).file();
        Statement {
            number: index + 1,
            text: &file[part.text.clone()],
            offset: part.text.start,
            data: part.data.clone().map(|data| &file[data]),
            class: part.class,
        }
    }

    /// The byte offset in the file behind the statement at `index` and its data.
    ///
    /// # Panics
    /// If there is none.
    pub fn end(&self, index: usize) -> usize {
        let part = &self.parts[index];
        part.data.as_ref().unwrap_or(&part.text).end
    }

    /// Where in its file a [position](crate::backend::ServerError::position) of the statement at `index` is.
    ///
    /// # Panics
    /// If there is none.
    pub fn place(&self, index: usize, position: usize) -> usize {
        let part = &self.parts[index];
        match &part.data {
            Some(data) if position > part.text.len() => (data.start + position - part.text.len() - 1).min(data.end),
            _ => (part.text.start + position).min(part.text.end),
        }
    }

    /// All statements in order.
    pub fn statements(&self) -> impl ExactSizeIterator<Item = Statement<'_>> {
        (0..self.parts.len()).map(|index| self.statement(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::{StatementKind, classify};

    #[test]
    fn a_position_is_in_the_text_or_behind_it_in_the_data() {
        let text = "-- ü\nselect 1;\ncopy t from stdin; -- rows\n1\n2\n\\.\n";
        let script = Script::parse(Source::new("1_a.sql", text), &Syntax::POSTGRES, classify::postgres).unwrap();
        let copy = script.statement(1);
        let rest = |position: usize| &text[script.place(1, position)..];
        assert!(rest(0).starts_with("copy t"));
        assert!(rest(5).starts_with("t from"));
        assert!(rest(copy.text.len()).starts_with("; -- rows"));
        assert!(rest(copy.text.len() + 1).starts_with("1\n2"));
        assert!(rest(copy.text.len() + 3).starts_with("2\n"));
        assert!(rest(1000).starts_with("\\."));
        assert!(text[script.place(0, 1000)..].starts_with(";\ncopy"), "without data it ends with the statement");
    }

    #[test]
    fn a_script_is_its_statements_with_their_places_and_kinds() {
        let file = Source::new("x.sql", "-- migrate:up\ncopy t from stdin;\n1\n\\.\ndrop table a;\n-- migrate:down\n'");
        let script = Script::parse(file.part(14..52), &Syntax::POSTGRES, classify::postgres).unwrap();
        let shown: Vec<_> = script
            .statements()
            .map(|found| (found.number, found.offset, found.text, found.data, found.class.kind))
            .collect();
        assert_eq!(
            shown,
            [
                (1, 14, "copy t from stdin", Some("1\n"), StatementKind::CopyIn),
                (2, 38, "drop table a", None, StatementKind::Definition),
            ]
        );
    }

    #[test]
    fn callbacks_have_places_in_texts_of_their_own() {
        let parse =
            |path: &str, text: &str| Script::parse(Source::new(path, text), &Syntax::SQLITE, classify::sqlite).unwrap();
        let script = parse("1.sql", "select 1; select 2");
        let script = script.surrounded(vec![parse("b.sql", "select 'b'")], vec![parse("a.sql", "; select 'a'")]);
        let shown: Vec<_> = script
            .statements()
            .map(|one| (one.number, script.source_of(one.number - 1).path(), one.offset, one.text))
            .collect();
        assert_eq!(
            shown,
            [
                (1, "b.sql", 0, "select 'b'"),
                (2, "1.sql", 0, "select 1"),
                (3, "1.sql", 10, "select 2"),
                (4, "a.sql", 2, "select 'a'")
            ]
        );
        assert_eq!((script.own(), script.source().path()), (1..3, "1.sql"));
    }

    #[test]
    fn a_script_with_problems_is_none() {
        let problems = Script::parse(Source::new("x.sql", "select 1; select '"), &Syntax::SQLITE, classify::sqlite);
        assert_eq!(problems.unwrap_err()[0].at, 17..18);
    }
}
