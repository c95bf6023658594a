//! Which scripts rebuild a table.
//!
//! SQLite changes little of a table in place, so scripts create a new one, copy the rows, drop the old one and rename
//! (<https://sqlite.org/lang_altertable.html#otheralter>). With foreign keys enforced, dropping the old table deletes
//! its rows first, and every `ON DELETE CASCADE` child with them. `PRAGMA foreign_keys` does nothing inside a
//! transaction, so it must be off before.
//!
//! Some scripts rename the *old* table away first. Since SQLite 3.26 that also rewrites what refers to it, so that the
//! children end up referring to the table that is dropped; `legacy_alter_table` keeps them where they were, which is
//! what such a script was written for.
//!
//! Not here: views and triggers that name the table while it is gone. The rename fails on them, in the shell as well;
//! the error's hint says what to do. A plain `DROP TABLE` is not a rebuild: its children are the author's business.

use std::iter::Peekable;

use migrate_core::sql::classify::{Word, words};
use migrate_core::sql::{Script, Syntax};

use crate::settings::{FOREIGN_KEYS, is_on};

/// The settings that a script needs around its transaction.
pub(crate) fn script_settings(script: &Script) -> Vec<(String, String)> {
    needed(script.statements().map(|statement| statement.text))
}

fn needed<'a>(statements: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    let acts: Vec<_> = statements.filter_map(act).collect();
    let (mut off, mut away) = (false, false);
    for (at, act) in acts.iter().enumerate() {
        let (before, after) = (&acts[..at], &acts[at + 1..]);
        match act {
            Act::Pragma { name, value: Some(value) } => off |= name == FOREIGN_KEYS && !is_on(value),
            Act::Rename { from, to } => {
                off |= before.iter().any(|act| act.drops(to));
                away |= after.iter().any(|act| act.drops(to)) && after.iter().any(|act| act.creates(from));
            }
            _ => {}
        }
    }
    let mut settings = Vec::new();
    if off || away {
        settings.push((FOREIGN_KEYS.to_owned(), "off".to_owned()));
    }
    if away {
        settings.push(("legacy_alter_table".to_owned(), "on".to_owned()));
    }
    settings
}

/// `PRAGMA name` and the value it is given, in lower case.
pub(crate) fn pragma(statement: &str) -> Option<(String, Option<String>)> {
    match act(statement) {
        Some(Act::Pragma { name, value }) => Some((name, value)),
        _ => None,
    }
}

/// What a statement does to a whole table. Names are without their schema, in lower case.
#[derive(Debug, PartialEq)]
enum Act {
    Drop(String),
    Create(String),
    Rename { from: String, to: String },
    Pragma { name: String, value: Option<String> },
}

impl Act {
    fn drops(&self, table: &str) -> bool {
        matches!(self, Self::Drop(name) if name == table)
    }

    fn creates(&self, table: &str) -> bool {
        matches!(self, Self::Create(name) if name == table)
    }
}

fn act(statement: &str) -> Option<Act> {
    let mut words = Words(words(statement, &Syntax::SQLITE).peekable());
    if words.take("pragma") {
        let name = words.name()?;
        let value = if words.take("=") || words.take("(") { words.value() } else { None };
        return Some(Act::Pragma { name, value });
    }
    if words.take("drop") && words.take("table") {
        words.skip(&["if", "exists"]);
        return words.name().map(Act::Drop);
    }
    if words.take("create") && words.take("table") {
        words.skip(&["if", "not", "exists"]);
        return words.name().map(Act::Create);
    }
    if words.take("alter") && words.take("table") {
        let from = words.name()?;
        if words.take("rename") && words.take("to") {
            return words.name().map(|to| Act::Rename { from, to });
        }
    }
    None
}

/// The words of a statement, taken one after the other.
struct Words<I: Iterator>(Peekable<I>);

impl<'a, I: Iterator<Item = Word<'a>>> Words<I> {
    /// Takes this keyword or sign, if it is next.
    fn take(&mut self, wanted: &str) -> bool {
        self.0.next_if(|word| word.is(wanted)).is_some()
    }

    fn skip(&mut self, words: &[&str]) {
        for word in words {
            self.take(word);
        }
    }

    /// A name without the schema before it, in lower case.
    fn name(&mut self) -> Option<String> {
        let name = self.value()?;
        if self.take(".") { self.value() } else { Some(name) }
    }

    /// A word, a number or something in quotes, in lower case.
    fn value(&mut self) -> Option<String> {
        let sign = if self.take("-") { "-" } else { "" };
        self.take("+");
        Some(format!("{sign}{}", unquoted(self.0.next()?.text).to_lowercase()))
    }
}

fn unquoted(text: &str) -> String {
    let Some(open) = text.chars().next().filter(|open| "\"'`[".contains(*open)) else { return text.to_owned() };
    let close = if open == '[' { ']' } else { open };
    let inside = text[1..].strip_suffix(close).unwrap_or(&text[1..]);
    if open == '[' { inside.to_owned() } else { inside.replace(&format!("{open}{open}"), &open.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::{needed, pragma};

    #[test]
    fn rebuilds_are_recognised_and_other_scripts_are_left_alone() {
        let check = |script: &str, expected: &[(&str, &str)]| {
            let settings = needed(script.split(';'));
            let settings: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(settings, expected, "{script}");
        };
        let off = ("foreign_keys", "off");
        let legacy = ("legacy_alter_table", "on");
        check("PRAGMA foreign_keys=OFF; SELECT 1", &[off]);
        check("pragma main.foreign_keys(0)", &[off]);
        check("PRAGMA foreign_keys = 'no'", &[off]);
        check("PRAGMA foreign_keys = ON", &[]);
        check("PRAGMA foreign_keys", &[]);
        check("CREATE TABLE new_t (x); DROP TABLE t; ALTER TABLE new_t RENAME TO t", &[off]);
        check("drop table if exists main.\"T\"; alter /* */ table [new t] rename -- to\n to `t`", &[off]);
        check("ALTER TABLE t RENAME TO old; CREATE TABLE t (x); DROP TABLE old", &[off, legacy]);
        check("ALTER TABLE t RENAME TO u", &[]);
        check("ALTER TABLE t RENAME COLUMN a TO b; DROP TABLE a", &[]);
        check("DROP TABLE t; CREATE TABLE t (x)", &[]);
        check("SELECT 'DROP TABLE t'; ALTER TABLE u RENAME TO t", &[]);
        check("", &[]);
    }

    #[test]
    fn a_pragma_has_a_name_and_perhaps_a_value() {
        let check = |statement: &str, expected: Option<(&str, Option<&str>)>| {
            let found = pragma(statement);
            let found = found.as_ref().map(|(name, value)| (name.as_str(), value.as_deref()));
            assert_eq!(found, expected, "{statement}");
        };
        check("PRAGMA cache_size = -2000", Some(("cache_size", Some("-2000"))));
        check("PRAGMA temp.Cache_Size(10)", Some(("cache_size", Some("10"))));
        check("PRAGMA foreign_key_check", Some(("foreign_key_check", None)));
        check("PRAGMA journal_mode='w''al'", Some(("journal_mode", Some("w'al"))));
        check("PRAGMATIC", None);
        check("SELECT 1", None);
    }
}
