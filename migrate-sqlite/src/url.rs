//! `sqlite:` URLs.
//!
//! | URL | database |
//! |---|---|
//! | `sqlite:app.db`, `sqlite://app.db`, `sqlite:///srv/app.db` | that file |
//! | `sqlite::memory:` | a database in memory that lives as long as the value |
//!
//! The scheme may also be `sqlite3`. In a path `%20` is a blank; `?` begins the parameters. `mode` is `ro` (read
//! only), `rw` (the file must exist) or `rwc` (a missing file is created: the default); `busy_timeout` is how long to
//! wait for a lock, as `500ms`, `5s` or `2m`.
//!
//! Not here: SQLite's own `file:` URIs, which name virtual file systems and switch off locks.

use std::time::Duration;

use migrate_core::backend::ServerError;
use migrate_core::backend::url::unescape;

use crate::Sqlite;

const PARAMETERS: &str = "mode, busy_timeout";
const MODES: &str = "ro, rw, rwc";
const DURATIONS: &str = "a number and its unit, as 500ms, 5s or 2m";

/// What is wrong with a URL. The URL itself is not repeated: it may be another engine's, with a password in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It is for another engine, or no URL.
    #[error("the URL does not begin with sqlite: {hint}")]
    Scheme {
        /// What it could be.
        hint: String,
    },
    /// It names no file.
    #[error("the URL names no file: write sqlite:PATH or sqlite::memory:")]
    NoPath,
    /// A parameter nobody knows.
    #[error("the URL has an unknown parameter `{name}`; legal are {PARAMETERS}")]
    Parameter {
        /// Its name.
        name: String,
    },
    /// A parameter with a value that it cannot have.
    #[error("the URL's parameter {name} is `{value}`; legal is {legal}")]
    Value {
        /// Its name.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it could be.
        legal: &'static str,
    },
    /// A percent sign that is not followed by two hexadecimal digits, or bytes that are not UTF-8.
    #[error("the URL's path has an illegal escape at byte {at}: write a percent sign as %25")]
    Escape {
        /// Where, in bytes of the URL.
        at: usize,
    },
    /// A database in memory could not be made.
    #[error(transparent)]
    Memory(#[from] ServerError),
}

pub(crate) fn parse(url: &str) -> Result<Sqlite, UrlError> {
    let (scheme, rest) = url.split_once(':').unwrap_or(("", url));
    if !["sqlite", "sqlite3"].iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
        return Err(UrlError::Scheme { hint: scheme_hint(scheme) });
    }
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    if path.is_empty() {
        return Err(UrlError::NoPath);
    }
    let start = url.len() - rest.len();
    let mut sqlite = match path {
        ":memory:" => Sqlite::in_memory()?,
        path => Sqlite::open(decode(path, start)?),
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        sqlite = match (name, value) {
            ("mode", "ro") => sqlite.read_only(true),
            ("mode", "rw") => sqlite.create(false),
            ("mode", "rwc") => sqlite.create(true),
            ("mode", value) => return Err(UrlError::Value { name: "mode", value: value.to_owned(), legal: MODES }),
            ("busy_timeout", value) => sqlite.busy_timeout(duration(value)?),
            (name, _) => return Err(UrlError::Parameter { name: name.to_owned() }),
        };
    }
    Ok(sqlite)
}

fn scheme_hint(scheme: &str) -> String {
    match scheme.to_ascii_lowercase().as_str() {
        "file" => "write the path after sqlite: instead of file:".to_owned(),
        "postgres" | "postgresql" | "mysql" | "mariadb" => format!("{scheme} is another backend's"),
        _ => "write sqlite:PATH".to_owned(),
    }
}

fn decode(path: &str, start: usize) -> Result<String, UrlError> {
    unescape(path).map_err(|at| UrlError::Escape { at: start + at })
}

fn duration(text: &str) -> Result<Duration, UrlError> {
    let illegal = || UrlError::Value { name: "busy_timeout", value: text.to_owned(), legal: DURATIONS };
    let unit = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(illegal)?;
    let (number, unit) = text.split_at(unit);
    let number: u64 = number.parse().map_err(|_| illegal())?;
    let milliseconds = match unit {
        "ms" => Some(number),
        "s" => number.checked_mul(1000),
        "m" => number.checked_mul(60_000),
        _ => None,
    };
    milliseconds.map(Duration::from_millis).ok_or_else(illegal)
}

#[cfg(test)]
mod tests {
    use migrate_core::Backend;

    use crate::Sqlite;

    #[test]
    fn urls_name_files() {
        let check = |url: &str, label: &str| assert_eq!(Sqlite::from_url(url).unwrap().label(), label, "{url}");
        check("sqlite:app.db", "app.db");
        check("sqlite://app.db", "app.db");
        check("SQLite3:data/app.db", "data/app.db");
        check("sqlite:///srv/app.db", "/srv/app.db");
        check("sqlite:/srv/app.db?mode=ro", "/srv/app.db");
        check("sqlite:a%20b%3f%25.db?busy_timeout=5s&mode=rwc", "a b?%.db");
        check("sqlite:%C3%BC.db?busy_timeout=500ms", "ü.db");
        check("sqlite::memory:", ":memory:");
        check("sqlite://:memory:", ":memory:");
    }

    #[test]
    fn a_wrong_url_says_what_where_and_what_is_legal() {
        let check = |url: &str, message: &str| {
            let error = Sqlite::from_url(url).unwrap_err().to_string();
            assert_eq!(error, message, "{url}");
            assert!(!error.contains("secret"), "{error}");
        };
        check("app.db", "the URL does not begin with sqlite: write sqlite:PATH");
        check("file:app.db", "the URL does not begin with sqlite: write the path after sqlite: instead of file:");
        check("postgres://u:secret@h/d", "the URL does not begin with sqlite: postgres is another backend's");
        check("sqlite:", "the URL names no file: write sqlite:PATH or sqlite::memory:");
        check("sqlite://?mode=ro", "the URL names no file: write sqlite:PATH or sqlite::memory:");
        check("sqlite:a?cache=shared", "the URL has an unknown parameter `cache`; legal are mode, busy_timeout");
        check("sqlite:a?mode=memory", "the URL's parameter mode is `memory`; legal is ro, rw, rwc");
        let durations = "legal is a number and its unit, as 500ms, 5s or 2m";
        check("sqlite:a?busy_timeout=5", &format!("the URL's parameter busy_timeout is `5`; {durations}"));
        check("sqlite:a?busy_timeout=", &format!("the URL's parameter busy_timeout is ``; {durations}"));
        check("sqlite:a?busy_timeout=-1s", &format!("the URL's parameter busy_timeout is `-1s`; {durations}"));
        check("sqlite:a%2", "the URL's path has an illegal escape at byte 8: write a percent sign as %25");
        check("sqlite://a%zz", "the URL's path has an illegal escape at byte 10: write a percent sign as %25");
        check("sqlite:a%00", "the URL's path has an illegal escape at byte 8: write a percent sign as %25");
    }
}
