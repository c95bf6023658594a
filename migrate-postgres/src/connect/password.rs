//! Where passwords come from: the connection string, a password file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use migrate_core::backend::password::Secret;

/// Lines `host:port:database:user:password`, of which the first that fits counts.
#[derive(Clone)]
pub(super) enum PasswordFile {
    /// Its text.
    Text(Arc<str>),
    /// Its place; it is read at every connect.
    Path(PathBuf),
}

/// What a line is looked up by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// As the user wrote it; `localhost` for the sockets that are looked for by default.
    pub(super) host: &'a str,
    pub(super) port: u16,
    pub(super) database: &'a str,
    pub(super) user: &'a str,
}

impl PasswordFile {
    /// The password for a connection. The error says why the file was not read; one that is not there has no password.
    pub(super) fn look_up(&self, wanted: Wanted<'_>) -> Result<Option<Secret>, String> {
        match self {
            Self::Text(text) => Ok(in_lines(text, wanted)),
            Self::Path(path) => Ok(read(path)?.and_then(|text| in_lines(&text, wanted))),
        }
    }

    /// How messages name it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Text(_) => "the password file".to_owned(),
            Self::Path(path) => path.display().to_string(),
        }
    }
}

fn read(path: &Path) -> Result<Option<String>, String> {
    let shown = path.display();
    let ignored = |error: std::io::Error| format!("{shown} was ignored: {error}");
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ignored(error)),
        // `/dev/null` stands for no file at all.
        Ok(found) if !found.is_file() => return Ok(None),
        Ok(found) if is_open_to_others(&found) => {
            return Err(format!("{shown} was ignored, because others can read it: chmod 0600 {shown}"));
        }
        Ok(_) => {}
    }
    std::fs::read_to_string(path).map(Some).map_err(ignored)
}

#[cfg(unix)]
fn is_open_to_others(found: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    found.permissions().mode() & 0o077 != 0
}

#[cfg(not(unix))]
fn is_open_to_others(_: &std::fs::Metadata) -> bool {
    false
}

fn in_lines(text: &str, wanted: Wanted<'_>) -> Option<Secret> {
    let port = wanted.port.to_string();
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut rest = line;
        for value in [wanted.host, &port, wanted.database, wanted.user] {
            let (field, after) = field(rest)?;
            if field.raw != "*" && field.text != value {
                return None;
            }
            rest = after;
        }
        // The password is the rest; a colon in it needs no backslash, though it may have one.
        Some(Secret::new(unescaped(rest)))
    })
}

struct Field<'a> {
    raw: &'a str,
    text: String,
}

/// The text up to the next `:` without a backslash, and what is behind it.
fn field(line: &str) -> Option<(Field<'_>, &str)> {
    let mut escaped = false;
    let end = line.char_indices().find_map(|(at, c)| {
        let ends = c == ':' && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at)
    })?;
    let raw = &line[..end];
    Some((Field { raw, text: unescaped(raw) }, &line[end + 1..]))
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILE: &str = "# a comment:5432:d:u:never\n\
        nothing\n\
        db.example:5432:shop:deploy:one\n\
        db.example:*:*:deploy:t:w\\:o\\\\\n\
        \\:\\:1:5432:shop:u:three\r\n\
        \\*:1:d:u:star\n\
        localhost:5432:shop:deploy:four\n\
        *:*:*:empty:\n\
        *:*:*:last:any";

    #[test]
    fn the_first_line_that_fits_counts() {
        let check = |host, port, database, user, password: Option<&str>| {
            let found = in_lines(FILE, Wanted { host, port, database, user });
            assert_eq!(found.as_ref().map(Secret::reveal), password, "{host} {port} {database} {user}");
        };
        check("db.example", 5432, "shop", "deploy", Some("one"));
        check("db.example", 5433, "shop", "deploy", Some("t:w:o\\"));
        check("db.example", 5432, "other", "deploy", Some("t:w:o\\"));
        check("::1", 5432, "shop", "u", Some("three"));
        check("*", 1, "d", "u", Some("star"));
        check("x", 1, "d", "u", None);
        check("localhost", 5432, "shop", "deploy", Some("four"));
        check("x", 1, "d", "empty", Some(""));
        check("x", 1, "d", "last", Some("any"));
        check("a comment", 5432, "d", "u", None);
    }

    fn escaped(text: &str) -> String {
        text.replace('\\', "\\\\").replace(':', "\\:")
    }

    proptest! {
        #[test]
        fn whatever_is_escaped_is_found_again(
            host in "[^\r\n#*][^\r\n]{0,9}", database in "[^\r\n]{1,9}", user in "[^\r\n]{1,9}",
            password in "[^\r\n]{0,9}", port: u16,
        ) {
            let fields = [&host, &database, &user, &password].map(|text| escaped(text));
            let line = format!("other:1:d:u:x\n{}:{port}:{}:{}:{}", fields[0], fields[1], fields[2], fields[3]);
            let wanted = Wanted { host: &host, port, database: &database, user: &user };
            let found = in_lines(&line, wanted);
            prop_assert_eq!(found.as_ref().map(Secret::reveal), Some(password.as_str()));
        }

        #[test]
        fn no_text_is_too_odd(text in any::<String>(), host in any::<String>()) {
            let _ = in_lines(&text, Wanted { host: &host, port: 1, database: "d", user: "u" });
        }
    }
}
