//! The changeset that a migration was read from: its header, and its checksum.

use crate::checksum::foreign::{self, LiquibaseOptions};
use crate::migration::Migration;

/// A changeset as the header of formatted SQL says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) author: String,
    pub(crate) id: String,
    options: LiquibaseOptions,
}

/// The header of the changeset that a migration was read from: the last one before its script, or at its beginning.
pub(crate) fn header(migration: &Migration) -> Option<Header> {
    // What is carried out may be without headers.
    let (file, range) = (migration.up.written_file(), migration.up.written_range(migration.up.range()));
    let mut found = None;
    let mut offset = 0;
    for line in file.split_inclusive('\n') {
        if let Some(header) = parse_header(line) {
            if offset > range.start && found.is_some() {
                break;
            }
            found = Some(header);
        }
        offset += line.len();
        if offset > range.end {
            break;
        }
    }
    found
}

/// `--changeset author:id name:value …`; author and id may be in quotes.
fn parse_header(line: &str) -> Option<Header> {
    let rest = line.trim_start().strip_prefix("--")?.trim_start();
    let rest = rest
        .get(.."changeset".len())
        .filter(|word| word.eq_ignore_ascii_case("changeset"))
        .map(|word| &rest[word.len()..])?;
    let rest = rest.strip_prefix([' ', '\t'])?.trim_start();
    let (author, rest) = match rest.strip_prefix('"') {
        Some(quoted) => {
            let (author, rest) = quoted.split_once('"')?;
            (author, rest.trim_start().strip_prefix(':')?)
        }
        None => rest.split_once(':')?,
    };
    let rest = rest.trim_start();
    let (id, rest) = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
    };
    let attribute = |name: &str| {
        rest.split_whitespace().find_map(|word| {
            let (key, value) = word.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim_matches('"'))
        })
    };
    let yes = |name: &str| !attribute(name).is_some_and(|value| value.eq_ignore_ascii_case("false"));
    Some(Header {
        author: author.trim().to_owned(),
        id: id.to_owned(),
        options: LiquibaseOptions {
            end_delimiter: attribute("endDelimiter").map(str::to_owned),
            split_statements: yes("splitStatements"),
            strip_comments: yes("stripComments"),
        },
    })
}

/// The checksum of a migration's changeset, with the algorithm of `recorded`; `None` where that is an older one.
pub(crate) fn checksum(recorded: &str, migration: &Migration) -> Option<String> {
    let algorithm = recorded.split(':').next()?.parse().ok()?;
    let options = header(migration).map(|header| header.options).unwrap_or_default();
    foreign::liquibase(algorithm, sql(migration.up.text()).trim(), &options)
}

/// A script without the lines that are about the changeset and not part of it.
fn sql(text: &str) -> String {
    const WORDS: [&str; 8] =
        ["changeset", "comment", "ignorelines", "liquibase", "precondition", "property", "rollback", "validchecksum"];
    let about = |line: &str| {
        let word = line.trim_start().strip_prefix("--").map(|rest| rest.trim_start().to_ascii_lowercase());
        word.is_some_and(|word| WORDS.iter().any(|about| word.starts_with(about)))
    };
    let mut out = String::new();
    let mut in_rollback = false;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        in_rollback |= trimmed.to_ascii_lowercase().starts_with("/* liquibase rollback");
        if !in_rollback && !about(line) {
            out.push_str(line);
        }
        in_rollback &= !trimmed.ends_with("*/");
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::migration::{Attributes, Migration};
    use crate::source::Source;

    #[test]
    fn a_header_names_author_and_id() {
        for (line, expected) in [
            ("--changeset ann:1 runOnChange:true", Some(("ann", "1"))),
            ("  -- ChangeSet \"a b\":\"one two\" splitStatements:false", Some(("a b", "one two"))),
            ("--changesets ann:1", None),
            ("-- a changeset ann:1", None),
            ("create table a (b int)", None),
        ] {
            let header = super::parse_header(line);
            assert_eq!(header.as_ref().map(|header| (&*header.author, &*header.id)), expected, "{line}");
        }
    }

    #[test]
    fn a_changeset_is_digested_without_what_is_about_it() {
        let file = "--liquibase formatted sql\n--changeset ann:1\n--comment: users\n\
             CREATE TABLE users (id INTEGER PRIMARY KEY);\n--rollback drop table users;\n\
             --changeset ann:2\nselect 1;\n";
        let source = Source::new("m/changelog.sql", file);
        let part = |from: &str, to: usize| source.part(file.find(from).unwrap()..to);
        let migration = |up| Migration {
            id: "1".parse().unwrap(),
            description: String::new(),
            up,
            checksum: String::new(),
            down: None,
            attributes: Attributes::default(),
        };
        let end = file.find("--changeset ann:2").unwrap();
        for from in ["--changeset ann:1", "--comment", "CREATE"] {
            let migration = migration(part(from, end));
            assert_eq!(super::header(&migration).unwrap().id, "1", "{from}");
            let sum = |recorded: &str| super::checksum(recorded, &migration);
            assert_eq!(sum("9:x").as_deref(), Some("9:f1acdd05fa8b66057be5072b459bab50"), "{from}");
            assert_eq!(sum("8:x").as_deref(), Some("8:bc305948de488b387dcfb5d55ea982ec"), "{from}");
            assert_eq!(sum("7:x"), None);
        }
        assert_eq!(super::header(&migration(part("select 1", file.len()))).unwrap().id, "2");
    }
}
