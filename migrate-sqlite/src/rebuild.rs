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

use migrate_core::sql::Script;

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
    let mut words = Words::of(statement);
    if words.take("pragma") {
        let name = words.table()?;
        let value = if words.take("=") || words.take("(") { words.value() } else { None };
        return Some(Act::Pragma { name, value });
    }
    if words.take("drop") && words.take("table") {
        words.skip(&["if", "exists"]);
        return words.table().map(Act::Drop);
    }
    if words.take("create") && words.take("table") {
        words.skip(&["if", "not", "exists"]);
        return words.table().map(Act::Create);
    }
    if words.take("alter") && words.take("table") {
        let from = words.table()?;
        if words.take("rename") && words.take("to") {
            return words.table().map(|to| Act::Rename { from, to });
        }
    }
    None
}

/// The words of a statement.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn of(statement: &'a str) -> Self {
        Self(statement)
    }

    /// Takes this word or sign, if it is next.
    fn take(&mut self, wanted: &str) -> bool {
        self.skip_blank();
        let end = self.0.find(|c: char| !is_name(c)).unwrap_or(self.0.len()).max(usize::from(!self.0.is_empty()));
        let found = self.0.get(..end).is_some_and(|word| word.eq_ignore_ascii_case(wanted));
        if found {
            self.0 = &self.0[end..];
        }
        found
    }

    fn skip(&mut self, words: &[&str]) {
        for word in words {
            self.take(word);
        }
    }

    /// A name, without the schema before it.
    fn table(&mut self) -> Option<String> {
        let name = self.value()?;
        if self.take(".") { self.value() } else { Some(name) }
    }

    /// A word, a number or something in quotes, in lower case.
    fn value(&mut self) -> Option<String> {
        self.skip_blank();
        let open = self.0.chars().next()?;
        let close = match open {
            '"' | '\'' | '`' => open,
            '[' => ']',
            _ => {
                let end = self.0.find(|c: char| !is_name(c) && c != '-' && c != '+').unwrap_or(self.0.len());
                let (word, rest) = self.0.split_at(end);
                self.0 = rest;
                return (!word.is_empty()).then(|| word.to_lowercase());
            }
        };
        let mut name = String::new();
        let mut letters = self.0[1..].char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            let twice = close != ']' && letters.peek().is_some_and(|(_, next)| *next == close);
            if letter == close && twice {
                letters.next();
            } else if letter == close {
                self.0 = &self.0[1 + at + close.len_utf8()..];
                return Some(name.to_lowercase());
            }
            name.push(letter);
        }
        None
    }

    fn skip_blank(&mut self) {
        loop {
            self.0 = self.0.trim_start();
            self.0 = if self.0.starts_with("--") {
                self.0.split_once('\n').map_or("", |(_, rest)| rest)
            } else if self.0.starts_with("/*") {
                self.0[2..].split_once("*/").map_or("", |(_, rest)| rest)
            } else {
                return;
            };
        }
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii()
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
