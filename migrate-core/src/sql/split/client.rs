//! Commands for a native client in a file: what to say about those that no server understands.

use std::ops::Range;

use super::Problem;

/// The psql command that begins at the backslash at `at`, and reaches to the end of the line.
pub(super) struct Psql<'a> {
    /// Its name, without the backslash.
    name: &'a str,
    arguments: &'a str,
    at: usize,
    /// The end of its line, in the text.
    pub(super) end: usize,
}

impl<'a> Psql<'a> {
    pub(super) fn at(text: &'a str, at: usize) -> Self {
        let end = line_end(text, at);
        let command = text[at + 1..end].trim_end();
        let letters = command.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(command.len());
        // `\!`, `\.`, `\;`, `\?` …
        let length = if letters > 0 { letters } else { command.chars().next().map_or(0, char::len_utf8) };
        let (name, arguments) = command.split_at(length);
        Self { name, arguments: arguments.trim(), at, end }
    }

    /// Whether it changes nothing about what the server gets.
    pub(super) fn is_harmless(&self) -> bool {
        match self.name {
            // pg_dump writes the first two around its dumps.
            "restrict" | "unrestrict" | "echo" | "qecho" | "warn" | "timing" | "pset" => true,
            "set" => self.arguments.starts_with("ON_ERROR_STOP") || self.arguments.starts_with("QUIET"),
            "encoding" => ["utf8", "utf-8", "unicode"].iter().any(|name| self.arguments.eq_ignore_ascii_case(name)),
            _ => false,
        }
    }

    pub(super) fn problem(&self) -> Problem {
        let help = match self.name {
            "c" | "connect" => "remove the line: a migration runs on one connection, to the database it is applied to",
            "i" | "include" | "ir" | "include_relative" => {
                "put the text of that file here, or make it a migration of its own"
            }
            "copy" => "write `COPY … FROM STDIN;`, the data below it, and `\\.` on the last line",
            "." => "`\\.` ends the data of a `COPY … FROM STDIN`; there is none here",
            "!" => "remove it: a migration cannot run programs",
            "gexec" => "run generated statements with `EXECUTE` in a `DO` block",
            "g" | "gx" | "gset" | "gdesc" | "crosstabview" | "watch" => "end the statement with `;`",
            ";" => "write `;` without the backslash",
            "set" | "unset" | "getenv" | "prompt" => "write the value where it is used: variables are not replaced",
            "if" | "elif" | "else" | "endif" => {
                "write the condition as a `-- migrate:precondition`, or in a `DO` block"
            }
            "encoding" => "save the file as UTF-8 and remove the line",
            "" => "remove the backslash",
            _ => "remove it",
        };
        Problem {
            at: self.at..self.at + 1 + self.name.len(),
            message: format!("`\\{}` is a command for psql, not for the server", self.name),
            help: Some(help.to_owned()),
        }
    }
}

/// Where the line of `at` ends, without its line break.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |found| at + found)
}

/// Whether only blanks stand before `at` on its line.
pub(super) fn is_line_start(text: &str, at: usize) -> bool {
    let before = text[..at].trim_end_matches([' ', '\t', '\r', '\u{feff}']);
    before.is_empty() || before.ends_with('\n')
}

/// What the mysql client would make of a statement that begins with `word`.
pub(super) fn mysql_command(word: &str, at: Range<usize>) -> Option<Problem> {
    let is = |name: &&(&str, &str)| word.eq_ignore_ascii_case(name.0);
    let (name, help) = MYSQL_COMMANDS.iter().find(is)?;
    let message = format!("`{name}` is a command for the mysql client, not for the server");
    Some(Problem { at, message, help: Some((*help).to_owned()) })
}

/// None of these words begins a statement of MySQL or MariaDB
/// (<https://dev.mysql.com/doc/refman/8.4/en/mysql-commands.html>).
const MYSQL_COMMANDS: &[(&str, &str)] = &[
    ("charset", "write `SET NAMES …;` instead"),
    ("clear", "remove it"),
    ("connect", "remove it: a migration runs on one connection"),
    ("edit", "remove it"),
    ("ego", "end the statement with `;`"),
    ("exit", "remove it"),
    ("go", "end the statement with `;`"),
    ("nopager", "remove it"),
    ("notee", "remove it"),
    ("nowarning", "remove it"),
    ("pager", "remove it"),
    ("print", "remove it"),
    ("prompt", "remove it"),
    ("quit", "remove it"),
    ("rehash", "remove it"),
    ("resetconnection", "remove it"),
    ("source", "put the text of that file here, or make it a migration of its own"),
    ("status", "remove it"),
    ("system", "remove it: a migration cannot run programs"),
    ("tee", "remove it"),
    ("warnings", "remove it"),
];

/// The problem with the mysql client's `\G` and the like.
pub(super) fn mysql_backslash(text: &str, at: usize) -> Problem {
    let length = text[at + 1..].chars().next().map_or(0, char::len_utf8);
    let name = &text[at..at + 1 + length];
    let help = match name {
        "\\G" | "\\g" => "end the statement with `;`",
        "\\." => "put the text of that file here, or make it a migration of its own",
        "\\!" => "remove it: a migration cannot run programs",
        "\\d" => "write a `DELIMITER` line",
        _ => "remove it",
    };
    let message = if length == 0 {
        "a backslash outside a string".to_owned()
    } else {
        format!("`{name}` is a command for the mysql client, not for the server")
    };
    Problem { at: at..at + 1 + length, message, help: Some(help.to_owned()) }
}

/// The sqlite3 shell's command at the dot at `at`.
pub(super) fn sqlite_command(text: &str, at: usize) -> Problem {
    let line = &text[at..line_end(text, at)];
    let name = line.split_whitespace().next().unwrap_or(line);
    let help = match name {
        ".read" => "put the text of that file here, or make it a migration of its own",
        ".import" => "write `INSERT` statements",
        ".open" => "remove it: a migration runs on the database it is applied to",
        ".system" | ".shell" => "remove it: a migration cannot run programs",
        _ => "remove the line",
    };
    Problem {
        at: at..at + name.len(),
        message: format!("`{name}` is a command for the sqlite3 shell, not SQL"),
        help: Some(help.to_owned()),
    }
}

/// The argument of a `DELIMITER` line, by the mysql client's rules: to the next blank, or between quotes.
pub(super) fn delimiter_argument(line: &str) -> Result<&str, &'static str> {
    let argument = line.trim_start();
    let found = match argument.chars().next() {
        Some(quote @ ('\'' | '"' | '`')) => {
            argument[1..].split_once(quote).map(|(inside, _)| inside).ok_or("the quote is never closed")?
        }
        _ => argument.split(char::is_whitespace).next().unwrap_or(""),
    };
    match found {
        "" => Err("it must be followed by what ends a statement from here on"),
        found if found.contains('\\') => Err("a delimiter cannot contain a backslash"),
        found => Ok(found),
    }
}
