//! The lines of a formatted SQL file.
//!
//! Source: Liquibase at commit cdbdec7fa9, `AbstractFormattedChangeLogParser`. A line says what it says as a comment; the
//! lines between two headers belong to the first.

use std::ops::Range;

use crate::layout::marker::{self, Line};
use crate::source::Source;

/// A changeset as it stands in its file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changeset {
    pub(super) author: String,
    pub(super) id: String,
    /// `name:value` on the header, in order.
    pub(super) attributes: Vec<(String, String)>,
    /// The header's line.
    pub(super) header: Range<usize>,
    /// From the header to the next one.
    pub(super) range: Range<usize>,
    /// Behind the last line that is no comment.
    pub(super) body_end: usize,
    /// SQL that takes it back; empty stretches say that nothing is to be done.
    pub(super) rollback: Vec<Range<usize>>,
    /// Preconditions, skipped lines: what decides what runs.
    pub(super) conditions: Vec<Range<usize>>,
}

impl Changeset {
    /// Whether it is one statement, and what ends one where that is not a semicolon.
    pub(super) fn division(&self) -> (bool, Option<&str>) {
        let value = |wanted: &str| {
            self.attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
        };
        let one = value("splitStatements").is_some_and(|value| value.eq_ignore_ascii_case("false"));
        (one, value("endDelimiter"))
    }
}

/// A whole file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changelog {
    pub(super) changesets: Vec<Changeset>,
    /// `--property name:x value:y`.
    pub(super) properties: Vec<(String, String)>,
    /// What is wrong, and where.
    pub(super) problems: Vec<(Range<usize>, String)>,
}

/// Whether a line says that the file is formatted.
pub(super) fn is_formatted(line: &str) -> bool {
    let Some(rest) = comment(line) else { return false };
    let lower = rest.to_ascii_lowercase();
    lower.strip_prefix("liquibase").is_some_and(|rest| rest.trim_start().starts_with("formatted"))
}

/// What stands in a comment of two dashes.
fn comment(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix("--").map(str::trim_start)
}

pub(super) fn parse(source: &Source) -> Changelog {
    let mut reader = Reader { log: Changelog::default(), block: None };
    for line in marker::lines(source) {
        reader.line(&line);
    }
    if let Some((at, _)) = reader.block {
        reader.log.problems.push((at, "the rollback that begins here is never closed with */".to_owned()));
    }
    if let Some(last) = reader.log.changesets.last_mut() {
        last.range.end = source.range().end;
    }
    reader.log
}

struct Reader {
    log: Changelog,
    /// A `/* liquibase rollback` that is open, and where its SQL begins.
    block: Option<(Range<usize>, usize)>,
}

impl Reader {
    fn line(&mut self, line: &Line<'_>) {
        if let Some((_, start)) = self.block.clone() {
            if let Some(end) = line.text.find("*/") {
                self.rollback(start..line.range.start + end);
                self.block = None;
            }
            return;
        }
        if is_rollback_block(line.text) {
            self.block = Some((line.meant(), line.range.end));
            return;
        }
        let Some(said) = comment(line.text) else {
            if let Some(slip) = one_dash(line.text) {
                self.problem(line, &format!("one dash is no comment: write --{slip}"));
            } else if !line.text.trim().is_empty() {
                match self.log.changesets.last_mut() {
                    Some(changeset) => changeset.body_end = line.range.end,
                    None => self.problem(line, "what stands before the first changeset is never run"),
                }
            }
            return;
        };
        if is_formatted(line.text) {
            return;
        }
        let lower = said.to_ascii_lowercase();
        let word = lower.split(|c: char| c.is_whitespace() || c == ':').next().unwrap_or_default();
        match word {
            "changeset" => self.header(line, &said["changeset".len()..]),
            "rollback" => self.one_rollback(line, said),
            "precondition" | "preconditions" | "ignorelines" => self.condition(line),
            word if word.starts_with("precondition-") => self.condition(line),
            "property" => self.property(line, said),
            "changesets" | "changelog" | "rollbacks" | "properties" | "comments" => {
                self.problem(line, &format!("`{word}` is nothing that Liquibase knows"));
            }
            _ => {}
        }
    }

    fn header(&mut self, line: &Line<'_>, rest: &str) {
        if let Some(last) = self.log.changesets.last_mut() {
            last.range.end = line.range.start;
        }
        let named = author(rest.trim_start()).and_then(|(author, rest)| Some((author, quoted(rest.trim_start())?)));
        let Some((author, (id, rest))) = named else {
            self.problem(line, "a changeset has an author and an id: --changeset author:id");
            return;
        };
        self.log.changesets.push(Changeset {
            author,
            id,
            attributes: attributes(rest),
            header: line.meant(),
            range: line.range.clone(),
            body_end: line.range.end,
            ..Changeset::default()
        });
    }

    fn one_rollback(&mut self, line: &Line<'_>, said: &str) {
        let sql = said["rollback".len()..].trim_start_matches(':').trim();
        let start = line.meant().end - sql.len();
        let nothing = ["empty", "not required"].iter().any(|word| sql.eq_ignore_ascii_case(word));
        if sql.to_ascii_lowercase().starts_with("changesetid:") {
            self.problem(line, "a rollback that is another changeset is not followed: write its SQL here");
        }
        self.rollback(if nothing { start..start } else { start..line.meant().end });
    }

    fn rollback(&mut self, at: Range<usize>) {
        if let Some(changeset) = self.log.changesets.last_mut() {
            changeset.rollback.push(at);
        }
    }

    fn condition(&mut self, line: &Line<'_>) {
        match self.log.changesets.last_mut() {
            Some(changeset) => changeset.conditions.push(line.meant()),
            None => self.problem(line, "a condition for the whole file is not evaluated here"),
        }
    }

    fn property(&mut self, line: &Line<'_>, said: &str) {
        let attributes = attributes(&said["property".len()..]);
        let value = |name: &str| {
            attributes.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
        };
        match (value("name"), value("value")) {
            (Some(name), Some(value)) => self.log.properties.push((name, value)),
            _ => self.problem(line, "a property has a name and a value: --property name:x value:y"),
        }
    }

    fn problem(&mut self, line: &Line<'_>, message: &str) {
        self.log.problems.push((line.meant(), message.to_owned()));
    }
}

fn is_rollback_block(line: &str) -> bool {
    let Some(rest) = line.trim_start().strip_prefix("/*") else { return false };
    let lower = rest.trim().to_ascii_lowercase();
    lower.strip_prefix("liquibase").is_some_and(|rest| rest.trim_start().starts_with("rollback"))
}

/// `-changeset a:b`, where two dashes were meant.
fn one_dash(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix('-')?.trim_start();
    let lower = rest.to_ascii_lowercase();
    ["changeset", "rollback", "precondition", "property", "liquibase formatted"]
        .iter()
        .any(|word| lower.starts_with(word))
        .then_some(rest)
}

/// The author up to the colon, perhaps in quotes.
fn author(text: &str) -> Option<(String, &str)> {
    if text.starts_with('"') {
        let (author, rest) = quoted(text)?;
        return Some((author, rest.trim_start().strip_prefix(':')?));
    }
    let (author, rest) = text.split_once(':')?;
    (!author.trim().is_empty()).then(|| (author.trim().to_owned(), rest))
}

/// A word, or what stands in quotes.
fn quoted(text: &str) -> Option<(String, &str)> {
    if let Some(inner) = text.strip_prefix('"') {
        let (word, rest) = inner.split_once('"')?;
        return (!word.is_empty()).then(|| (word.to_owned(), rest));
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    (end > 0).then(|| (text[..end].to_owned(), &text[end..]))
}

/// `name:value name:"a b"`; a value may have colons.
fn attributes(text: &str) -> Vec<(String, String)> {
    let (mut found, mut rest) = (Vec::new(), text.trim_start());
    while !rest.is_empty() {
        let end = rest.find(|c: char| c == ':' || c.is_whitespace()).unwrap_or(rest.len());
        let name = rest[..end].to_owned();
        let Some(after) = rest[end..].trim_start().strip_prefix(':') else {
            rest = rest[end..].trim_start();
            continue;
        };
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix("\"\"") {
            Some(rest) => (String::new(), rest),
            None => quoted(after).unwrap_or((String::new(), "")),
        };
        found.push((name, value));
        rest = after.trim_start();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_have_an_author_an_id_and_attributes() {
        for (line, expected) in [
            ("--changeset alice:1", ("alice", "1", &[][..])),
            ("--changeset a:1 endDelimiter:\"\" dbms:all", ("a", "1", &[("endDelimiter", ""), ("dbms", "all")])),
            (
                "-- changeset  bob smith : two  splitStatements:false endDelimiter:/",
                ("bob smith", "two", &[("splitStatements", "false"), ("endDelimiter", "/")]),
            ),
            (
                "--ChangeSet \"a:b\":\"c d\" dbms:mysql,mariadb context:\"a or b\" runAlways : true",
                ("a:b", "c d", &[("dbms", "mysql,mariadb"), ("context", "a or b"), ("runAlways", "true")]),
            ),
        ] {
            let log = parse(&Source::new("x.sql", line));
            assert_eq!(log.problems, [], "{line}");
            let [changeset] = log.changesets.as_slice() else { panic!("{line}: {log:?}") };
            let attributes: Vec<_> =
                changeset.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!((changeset.author.as_str(), changeset.id.as_str(), attributes.as_slice()), expected, "{line}");
        }
    }

    #[test]
    fn rollbacks_are_lines_or_a_block() {
        let text = "--liquibase formatted sql\n--changeset a:1\nx;\n--rollback drop a;\n-- rollback drop b;\n--changeset a:2\ny;\n/* liquibase rollback\ndrop c;\ndrop d;\n*/\n--changeset a:3\nz;\n--rollback empty\n";
        let log = parse(&Source::new("x.sql", text));
        assert_eq!(log.problems, []);
        let texts: Vec<Vec<&str>> =
            log.changesets.iter().map(|one| one.rollback.iter().map(|at| &text[at.clone()]).collect()).collect();
        assert_eq!(texts, [vec!["drop a;", "drop b;"], vec!["drop c;\ndrop d;\n"], vec![""]]);
        assert_eq!(
            &text[log.changesets[1].range.clone()],
            "--changeset a:2\ny;\n/* liquibase rollback\ndrop c;\ndrop d;\n*/\n"
        );
    }

    #[test]
    fn slips_are_found() {
        let text = "select 1;\n-changeset a:1\n--changesets a:1\n--changeset a\n--changeset a:1\n-rollback x\n/* liquibase rollback\n";
        let log = parse(&Source::new("x.sql", text));
        let said: Vec<_> =
            log.problems.iter().map(|(at, message)| format!("{}: {message}", &text[at.clone()])).collect();
        assert_eq!(
            said,
            [
                "select 1;: what stands before the first changeset is never run",
                "-changeset a:1: one dash is no comment: write --changeset a:1",
                "--changesets a:1: `changesets` is nothing that Liquibase knows",
                "--changeset a: a changeset has an author and an id: --changeset author:id",
                "-rollback x: one dash is no comment: write --rollback x",
                "/* liquibase rollback: the rollback that begins here is never closed with */",
            ]
        );
    }
}
