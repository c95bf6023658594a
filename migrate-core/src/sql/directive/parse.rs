//! What stands behind `migrate:` → a value.

use std::ops::Range;
use std::time::Duration;

use super::{DirectiveKind, Edge};
use crate::diagnostic::nearest;
use crate::migration::{Batch, BatchAt, MigrationId, Phase, Precondition, Replaced, Timeouts};
use crate::sql::split::Problem;
use crate::version::Version;

pub(super) const NAMES: &[&str] = &[
    "up",
    "down",
    "phase",
    "no-transaction",
    "settings",
    "timeout",
    "precondition",
    "requires-version",
    "compatible-from",
    "irreversible",
    "optional",
    "code",
    "requires",
    "batch",
    "replaces",
    "statement",
];

/// Reads one directive from left to right.
pub(super) struct Parser<'a> {
    rest: &'a str,
    /// Where `rest` ends in the file: what is left tells where it begins.
    end: usize,
    /// Where the comment begins in the file, and ends.
    comment: &'a Range<usize>,
}

type Parsed<T> = Result<T, Problem>;

impl<'a> Parser<'a> {
    pub(super) fn new(said: &'a str, start: usize, comment: &'a Range<usize>) -> Self {
        Self { rest: said, end: start + said.len(), comment }
    }

    /// The whole directive; `next_table` is what the statement below it changes.
    pub(super) fn directive(&mut self, next_table: impl FnOnce() -> Option<String>) -> Parsed<Vec<DirectiveKind>> {
        if self.rest.starts_with(char::is_whitespace) {
            return Err(self.problem(0, "a blank between `migrate:` and the name of a directive", "remove the blank"));
        }
        let at = self.here(self.rest.find(char::is_whitespace).unwrap_or(self.rest.len()));
        let name = self.word().unwrap_or("");
        let kind = match name {
            "up" | "down" => return self.section(name),
            "phase" => DirectiveKind::Phase(self.phase()?),
            "no-transaction" => DirectiveKind::NoTransaction,
            "settings" => DirectiveKind::Settings(self.settings()?),
            "timeout" => DirectiveKind::Timeout(self.timeouts()?),
            "precondition" => DirectiveKind::Precondition(self.precondition()?),
            "requires-version" => DirectiveKind::RequiresVersion(self.version()?),
            "compatible-from" => DirectiveKind::CompatibleFrom(self.version()?),
            "irreversible" => DirectiveKind::Irreversible(self.quoted("the reason in quotes: irreversible \"why\"")?),
            "optional" => DirectiveKind::Optional(self.name("a name: optional NAME")?.to_owned()),
            "code" => DirectiveKind::Code(self.name("a checksum: code CHECKSUM")?.to_owned()),
            "requires" => DirectiveKind::Requires(self.list("names: requires NAME, NAME")?),
            "batch" => DirectiveKind::Batch(self.batch(next_table)?),
            "replaces" => DirectiveKind::Replaces(self.replaces()?),
            "statement" => DirectiveKind::Statement(self.edge()?),
            _ => {
                let help = nearest(name, NAMES.iter().copied()).map_or_else(
                    || format!("known are: {}", NAMES.join(", ")),
                    |name| format!("did you mean `{name}`?"),
                );
                return Err(Problem { at, message: format!("unknown directive `{name}`"), help: Some(help) });
            }
        };
        self.finish(&format!("nothing more after `{name}` and its values"))?;
        Ok(vec![kind])
    }

    /// The next `length` bytes, as a place in the file.
    fn here(&self, length: usize) -> Range<usize> {
        let start = self.end - self.rest.len();
        start..start + length
    }

    fn problem(&self, length: usize, message: impl Into<String>, help: &str) -> Problem {
        let length = length.max(self.rest.chars().next().map_or(0, char::len_utf8));
        Problem { at: self.here(length), message: message.into(), help: Some(help.to_owned()) }
    }

    /// The next word does not fit, or there is none.
    fn expected(&self, what: &str) -> Problem {
        let word = self.rest.split_whitespace().next().unwrap_or("");
        if word.is_empty() {
            let message = "the directive ends too early".to_owned();
            return Problem { at: self.comment.clone(), message, help: Some(format!("expected {what}")) };
        }
        self.problem(word.len(), format!("unexpected `{word}`"), &format!("expected {what}"))
    }

    fn finish(&self, what: &str) -> Parsed<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.expected(what)) }
    }

    fn skip(&mut self, length: usize) {
        self.rest = self.rest[length..].trim_start();
    }

    /// The text up to the next blank.
    fn word(&mut self) -> Option<&'a str> {
        let length = self.rest.find(char::is_whitespace).unwrap_or(self.rest.len());
        let word = &self.rest[..length];
        self.skip(length);
        (!word.is_empty()).then_some(word)
    }

    fn edge(&mut self) -> Parsed<Edge> {
        let problem = self.expected("begin or end");
        match self.word() {
            Some("begin") => Ok(Edge::Begin),
            Some("end") => Ok(Edge::End),
            _ => Err(problem),
        }
    }

    fn name(&mut self, what: &str) -> Parsed<&'a str> {
        let problem = self.expected(what);
        self.word().ok_or(problem)
    }

    /// `"…"` or `'…'`; a doubled quote is a quote.
    fn quoted(&mut self, what: &str) -> Parsed<String> {
        let Some(quote @ ('"' | '\'')) = self.rest.chars().next() else { return Err(self.expected(what)) };
        let mut value = String::new();
        let mut characters = self.rest.char_indices().skip(1).peekable();
        while let Some((at, character)) = characters.next() {
            if character != quote {
                value.push(character);
            } else if characters.next_if(|(_, next)| *next == quote).is_some() {
                value.push(quote);
            } else {
                self.skip(at + 1);
                return Ok(value);
            }
        }
        Err(self.problem(1, "this quote is never closed", &format!("close it with {quote}")))
    }

    /// `key=value` pairs to the end. `what` says which keys there are, `read` takes one.
    fn pairs(&mut self, what: &str, mut read: impl FnMut(&str, &str) -> Result<(), String>) -> Parsed<()> {
        if self.rest.is_empty() {
            return Err(self.expected(what));
        }
        while !self.rest.is_empty() {
            let begin = self.rest;
            let blank = begin.find(char::is_whitespace).unwrap_or(begin.len());
            let Some(equals) = begin[..blank].find('=').filter(|equals| *equals > 0) else {
                return Err(self.expected(what));
            };
            let key = &begin[..equals];
            let whole = self.here(blank);
            self.rest = &begin[equals + 1..];
            let value = match self.rest.chars().next() {
                Some('"' | '\'') => self.quoted("a value")?,
                Some(character) if !character.is_whitespace() => self.word().unwrap_or("").to_owned(),
                _ => String::new(),
            };
            self.rest = self.rest.trim_start();
            read(key, &value).map_err(|message| Problem {
                at: whole,
                message,
                help: Some(format!("expected {what}")),
            })?;
        }
        Ok(())
    }

    /// Names with commas or blanks between them.
    fn list(&mut self, what: &str) -> Parsed<Vec<String>> {
        let names: Vec<_> =
            self.rest.split([',', ' ', '\t']).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        if names.is_empty() {
            return Err(self.expected(what));
        }
        self.rest = "";
        Ok(names)
    }

    fn section(&mut self, name: &str) -> Parsed<Vec<DirectiveKind>> {
        let up = name == "up";
        let mut kinds = vec![if up { DirectiveKind::Up } else { DirectiveKind::Down }];
        if self.rest.starts_with("transaction:false") {
            self.skip("transaction:false".len());
            kinds.push(DirectiveKind::NoTransaction);
        } else if self.rest.starts_with("transaction:true") {
            self.skip("transaction:true".len());
        }
        self.finish("nothing, or `transaction:false`")?;
        Ok(kinds)
    }

    fn phase(&mut self) -> Parsed<Phase> {
        let problem = self.expected("`pre` or `post`");
        match self.word() {
            Some("pre") => Ok(Phase::Pre),
            Some("post") => Ok(Phase::Post),
            _ => Err(problem),
        }
    }

    fn version(&mut self) -> Parsed<Version> {
        let what = "a version, like 2.1.0";
        let at = self.here(self.rest.len());
        let text = self.name(what)?;
        let problem = |why: crate::version::ParseVersionError| Problem {
            at: at.start..at.start + text.len(),
            message: why.to_string(),
            help: Some(format!("expected {what}")),
        };
        text.parse().map_err(problem)
    }

    fn settings(&mut self) -> Parsed<Vec<(String, String)>> {
        let mut settings = Vec::new();
        self.pairs("settings: name=value, or name='a value'", |name, value| {
            if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-@".contains(&byte)) {
                return Err(format!("`{name}` is no name of a setting"));
            }
            if settings.iter().any(|(known, _)| known == name) {
                return Err(format!("`{name}` is set twice"));
            }
            settings.push((name.to_owned(), value.to_owned()));
            Ok(())
        })?;
        Ok(settings)
    }

    fn timeouts(&mut self) -> Parsed<Timeouts> {
        let mut timeouts = Timeouts::default();
        self.pairs("lock=2s, statement=10m, or both; 0 is no limit", |key, value| {
            let place = match key {
                "lock" => &mut timeouts.lock,
                "statement" => &mut timeouts.statement,
                _ => return Err(unknown_key(key, &["lock", "statement"])),
            };
            set(place, key, duration(value)?)
        })?;
        Ok(timeouts)
    }

    fn precondition(&mut self) -> Parsed<Precondition> {
        let text = self.quoted("what must hold, in quotes, then a query: precondition \"text\" SELECT …")?;
        let sql = self.rest.trim_end_matches([';', ' ', '\t']).to_owned();
        if sql.is_empty() {
            return Err(self.expected("a query that returns one true value"));
        }
        self.rest = "";
        Ok(Precondition { text, sql, offset: self.comment.start })
    }

    fn batch(&mut self, next_table: impl FnOnce() -> Option<String>) -> Parsed<BatchAt> {
        let offset = self.comment.end;
        let (mut size, mut limit, mut pause) = (None, None, None);
        let (mut key, mut table) = (None, None);
        if self.rest.split_whitespace().next() == Some("until-empty") {
            self.skip("until-empty".len());
            self.pairs("limit=1000, and pause=50ms if there is to be a pause", |name, value| match name {
                "limit" => set(&mut limit, name, count(value)?),
                "pause" => set(&mut pause, name, duration(value)?),
                _ => Err(unknown_key(name, &["limit", "pause"])),
            })?;
            let limit = limit.ok_or_else(|| self.expected("limit=1000: the most rows one round may affect"))?;
            return Ok(BatchAt { offset, batch: Batch::UntilEmpty { limit, pause: pause.unwrap_or_default() } });
        }
        let what = "`until-empty`, or key=id size=5000, and pause=50ms and table=t if needed";
        self.pairs(what, |name, value| match name {
            "key" => set(&mut key, name, value.to_owned()),
            "size" => set(&mut size, name, count(value)?),
            "pause" => set(&mut pause, name, duration(value)?),
            "table" => set(&mut table, name, value.to_owned()),
            _ => Err(unknown_key(name, &["key", "size", "pause", "table"])),
        })?;
        let key = key.filter(|key| !key.is_empty()).ok_or_else(|| self.expected("key=id: an integer column"))?;
        let size = size.ok_or_else(|| self.expected("size=5000: how far a range of keys reaches"))?;
        let table = table.filter(|table| !table.is_empty()).or_else(next_table).ok_or_else(|| {
            self.expected("table=t, since the next statement is no `UPDATE` or `DELETE` that names it")
        })?;
        Ok(BatchAt { offset, batch: Batch::Ranges { table, key, size, pause: pause.unwrap_or_default() } })
    }

    fn replaces(&mut self) -> Parsed<Vec<Replaced>> {
        let what = "ids, like 2.1.0/pre/01, each with `=` and its checksum if there is one";
        let begin = self.here(0).start;
        let list = self.rest;
        let mut replaced = Vec::new();
        for entry in self.list(what)? {
            let (id, checksum) = entry.split_once('=').map_or((&*entry, None), |(id, sum)| (id, Some(sum.to_owned())));
            let Ok(id) = id.parse::<MigrationId>() else {
                let at = begin + list.find(&entry).unwrap_or(0);
                let message = format!("`{id}` is no id of a migration");
                return Err(Problem { at: at..at + id.len(), message, help: Some(format!("expected {what}")) });
            };
            replaced.push(Replaced { id, checksum });
        }
        Ok(replaced)
    }
}

fn set<T>(place: &mut Option<T>, key: &str, value: T) -> Result<(), String> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("`{key}` is given twice")),
    }
}

fn unknown_key(key: &str, known: &[&str]) -> String {
    match nearest(key, known.iter().copied()) {
        Some(name) => format!("unknown `{key}`: did you mean `{name}`?"),
        None => format!("unknown `{key}`"),
    }
}

fn count(value: &str) -> Result<u64, String> {
    let count = value.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| format!("`{value}` is no positive number"))
}

/// `2s`, `50ms`, `5m`, `1h`, `0`.
pub(crate) fn duration(value: &str) -> Result<Duration, String> {
    let digits = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let (number, unit) = value.split_at(digits);
    let number: Option<u64> = number.parse().ok();
    let milliseconds = match unit {
        "ms" => number,
        "s" => number.and_then(|number| number.checked_mul(1000)),
        "m" => number.and_then(|number| number.checked_mul(60 * 1000)),
        "h" => number.and_then(|number| number.checked_mul(60 * 60 * 1000)),
        "" if number == Some(0) => number,
        _ => None,
    };
    let duration = milliseconds.map(Duration::from_millis);
    duration.ok_or_else(|| format!("`{value}` is no duration: write 50ms, 2s, 5m, 1h or 0"))
}
