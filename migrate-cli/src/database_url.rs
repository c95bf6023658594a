//! A database's URL, which is printed without its password however malformed it is.

use std::fmt;

use crate::secret::Secret;

/// A URL as somebody gave it. `Display` and `Debug` leave out every password.
///
/// ```
/// use migrate_cli::database_url::DatabaseUrl;
///
/// let url = DatabaseUrl::new("postgres://deploy:p@ss/word@db.example/shop?sslmode=require");
/// assert_eq!(url.to_string(), "postgres://deploy:***@db.example/shop?sslmode=require");
/// assert_eq!(url.scheme(), Some("postgres"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(Secret);

/// Words in the name of a parameter whose value is nobody's business.
const SECRET_NAMES: [&str; 6] = ["pass", "pwd", "secret", "token", "key", "credential"];

impl DatabaseUrl {
    /// Takes a text that should be a URL.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Secret::new(text))
    }

    /// The URL with everything in it, for a driver.
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }

    /// What stands before the first `:`, if it looks like a scheme.
    pub fn scheme(&self) -> Option<&str> {
        let (scheme, _) = self.reveal().split_once(':')?;
        // One letter is a drive: C:\app.db.
        let known = scheme.len() > 1
            && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
        known.then_some(scheme)
    }

    /// What stands after the scheme's `:`; the whole text where there is no scheme.
    pub fn rest(&self) -> &str {
        match self.scheme() {
            Some(scheme) => &self.reveal()[scheme.len() + 1..],
            None => self.reveal(),
        }
    }

    /// Whether the engine lives in a file, so that an `@` is part of a path.
    fn is_file(&self) -> bool {
        matches!(self.scheme(), Some("sqlite" | "sqlite3" | "file"))
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.scheme() {
            None if is_list(self.reveal()) => without_secret_values(self.reveal()),
            _ => self.reveal().to_owned(),
        };
        let after_user = match text.rsplit_once('@') {
            Some((head, tail)) if !self.is_file() => {
                match head.split_once("://") {
                    Some((scheme, user)) if self.scheme() == Some(scheme) => {
                        write!(f, "{scheme}://{}@", user_only(user))?;
                    }
                    _ => f.write_str("***@")?,
                }
                tail
            }
            _ => text.as_str(),
        };
        f.write_str(&without_secret_parameters(after_user, self.scheme().is_some()))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

/// `deploy:***` of `deploy:secret`; nothing that could be a part of a password is shown.
fn user_only(userinfo: &str) -> String {
    let (user, password) = match userinfo.split_once(':') {
        Some((user, _)) => (user, ":***"),
        None => (userinfo, ""),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '%' | '+');
    if user.chars().all(plain) { format!("{user}{password}") } else { "***".to_owned() }
}

/// Whether it begins like `host=…`.
fn is_list(text: &str) -> bool {
    let name = text.split('=').next().unwrap_or_default().trim();
    text.contains('=') && !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `host=h password=***` of a list in which a value with blanks stands in single quotes. What follows a password and is
/// no `word=value` is taken for the rest of it.
fn without_secret_values(text: &str) -> String {
    let (mut out, mut rest, mut after_secret) = (String::with_capacity(text.len()), text, false);
    while !rest.trim_start().is_empty() {
        let start = rest.len() - rest.trim_start().len();
        let end = rest[start..].find(|c: char| c == '=' || c.is_whitespace()).map_or(rest.len(), |end| start + end);
        let name = &rest[start..end];
        let value_at = rest[end..].trim_start().strip_prefix('=').map(|value| rest.len() - value.trim_start().len());
        let is_word = name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        let Some(value_at) = value_at.filter(|_| is_word || !after_secret) else {
            out.push_str(if after_secret { "" } else { rest });
            return out;
        };
        let length = value_length(&rest[value_at..]);
        let value_end = value_at + length;
        after_secret = is_secret(name);
        out.push_str(&rest[..value_at]);
        out.push_str(if after_secret { "***" } else { &rest[value_at..value_end] });
        rest = &rest[value_end..];
    }
    out
}

/// How long the value at the beginning is, quotes included; a quote that never ends takes everything.
fn value_length(text: &str) -> usize {
    let quoted = text.starts_with('\'');
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(usize::from(quoted)) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' if quoted => return at + 1,
            c if !quoted && c.is_whitespace() => return at,
            _ => {}
        }
    }
    text.len()
}

/// `…?user=me&password=***`, and in what is no URL the same for `password=…` between blanks. What follows a password
/// and has no `=` is taken for the rest of it.
fn without_secret_parameters(text: &str, is_url: bool) -> String {
    let ends = |c: char| matches!(c, '?' | '&' | ';') || (c == ' ' && !is_url);
    let (mut out, mut after_secret) = (String::with_capacity(text.len()), false);
    for piece in text.split_inclusive(ends) {
        let (parameter, end) = match piece.char_indices().next_back() {
            Some((at, c)) if ends(c) => piece.split_at(at),
            _ => (piece, ""),
        };
        match parameter.split_once('=') {
            Some((name, _)) if is_secret(name) => {
                out.push_str(name);
                out.push_str("=***");
                after_secret = true;
            }
            None if after_secret => {}
            _ => {
                out.push_str(parameter);
                after_secret = false;
            }
        }
        out.push_str(end);
    }
    out
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, shown: &str) {
        assert_eq!(DatabaseUrl::new(text).to_string(), shown);
        assert_eq!(format!("{:?}", DatabaseUrl::new(text)), format!("DatabaseUrl({shown})"));
    }

    #[test]
    fn a_password_is_never_shown() {
        check("postgres://u:hunter2@h/db", "postgres://u:***@h/db");
        check("postgres://u:hun@ter2@h/db", "postgres://u:***@h/db");
        check("postgres://u:hunt?er#2/@h/db", "postgres://u:***@h/db");
        check("postgres://:hunter2@h/db", "postgres://:***@h/db");
        check("postgres://u@h/db?sslmode=require", "postgres://u@h/db?sslmode=require");
        check("postgres://h/db?user=u&password=hunter2&sslmode=off", "postgres://h/db?user=u&password=***&sslmode=off");
        check("host=h user=u password=hunter2 dbname=d", "host=h user=u password=*** dbname=d");
        check("host=h password='hunt er2' dbname='a b'", "host=h password=*** dbname='a b'");
        check("host=h password = 'hunt\\'er2' user=u", "host=h password = *** user=u");
        check("host=h password=hunt\\ er2 user=u", "host=h password=*** user=u");
        check("host=h password=hunt er2 user=u", "host=h password=***");
        check("host=h password=hun er2=x user=u", "host=h password=***");
        check("host=h password='hunter2 user=u", "host=h password=***");
        check("postgres://h/db?password=hun ter;2&x", "postgres://h/db?password=***;&");
    }

    #[test]
    fn not_in_a_malformed_url_either() {
        check("u:hunter2@h/db", "***@h/db");
        check("postgres:/u:hunter2@h/db", "***@h/db");
        check("postgres//u:hunter2@h/db", "***@h/db");
        check("post gres://u:hunter2@h", "***@h");
        check("postgres://hunt/er2@h", "postgres://***@h");
        check("PGPASSWORD=hunter2", "PGPASSWORD=***");
    }

    #[test]
    fn a_path_may_have_an_at_sign() {
        check("sqlite:./data@home/app.db", "sqlite:./data@home/app.db");
        check("sqlite:app.db?key=hunter2", "sqlite:app.db?key=***");
    }

    #[test]
    fn a_scheme_is_letters_before_the_first_colon() {
        for (text, scheme) in [
            ("sqlite:app.db", Some("sqlite")),
            ("postgresql+ssl://h", Some("postgresql+ssl")),
            ("app.db", None),
            ("C:\\app.db", None),
            ("./a:b", None),
        ] {
            assert_eq!(DatabaseUrl::new(text).scheme(), scheme, "{text}");
        }
    }
}
