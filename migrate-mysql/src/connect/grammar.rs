//! The grammar of a URL. It gives words with their values; what these mean is not known here.
//!
//! Errors repeat no part of the text that could belong to a password somebody forgot to escape.

use migrate_core::backend::url::unescape;

use super::conninfo::ConnInfoError;
use super::keyword::Keyword;

/// What a URL says, in order. Of two values for one word the later one counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    /// It begins with `mariadb:`.
    pub(super) mariadb: bool,
    pub(super) words: Vec<(String, String)>,
}

/// Reads `mysql://[user[:password]@][host[:port]][/database][?word=value[&…]]`. `mysql:` alone says nothing.
pub(super) fn parse(text: &str) -> Result<Url, ConnInfoError> {
    let (scheme, rest) = text.split_once(':').ok_or(ConnInfoError::Form)?;
    let mariadb = scheme.eq_ignore_ascii_case("mariadb");
    if !mariadb && !scheme.eq_ignore_ascii_case("mysql") {
        return Err(ConnInfoError::Form);
    }
    let rest = if rest.is_empty() { rest } else { rest.strip_prefix("//").ok_or(ConnInfoError::Form)? };
    Ok(Url { mariadb, words: words(rest, text.len() - rest.len())? })
}

/// `start` is where `rest` begins in the whole text.
fn words(rest: &str, start: usize) -> Result<Vec<(String, String)>, ConnInfoError> {
    let mut words = vec![];
    let mut set = |name: &str, value: String| words.push((name.to_owned(), value));
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
    // Only `/`, `?` and `#` end what is before the host, so an `@` in a password needs no escape.
    let (login, host) = match authority.rsplit_once('@') {
        Some((login, host)) => (Some(login), host),
        None => (None, authority),
    };
    if path.contains('@') || authority.contains('#') || (query.contains('@') && !is_query(query)) {
        return Err(ConnInfoError::Delimiter);
    }
    let read = |text: &str, at: usize| unescape(text).map_err(|inner| ConnInfoError::Escape { at: start + at + inner });
    if let Some(login) = login {
        let (user, password) = login.split_once(':').map_or((login, None), |(user, password)| (user, Some(password)));
        if !user.is_empty() {
            set("user", read(user, 0)?);
        }
        if let Some(password) = password.filter(|password| !password.is_empty()) {
            set("password", read(password, user.len() + 1)?);
        }
    }
    let at = authority.len() - host.len();
    let (name, port) = host_and_port(host)?;
    match read(name, at)? {
        name if name.is_empty() => {}
        path if path.starts_with('/') => set("socket", path),
        name if name.contains(',') => return Err(ConnInfoError::Hosts),
        name => set("host", name),
    }
    if !port.is_empty() {
        set("port", read(port, at)?);
    }
    let database = path.strip_prefix('/').unwrap_or_default();
    if !database.is_empty() {
        set("database", read(database, end + 1)?);
    }
    let mut at = rest.len() - query.len();
    for pair in query.split('&') {
        if !pair.is_empty() {
            let (name, value) = pair.split_once('=').ok_or(ConnInfoError::Pair { at: start + at })?;
            let value = read(value, at + name.len() + 1)?;
            set(&read(name, at)?, value);
        }
        at += pair.len() + 1;
    }
    Ok(words)
}

/// Whether a text with an `@` in it is a list of words and values, rather than the end of a password with a `?`.
fn is_query(query: &str) -> bool {
    query.split('&').all(|pair| {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        pair.is_empty() || Keyword::by_name(name).is_some()
    })
}

fn host_and_port(text: &str) -> Result<(&str, &str), ConnInfoError> {
    let (name, port) = match text.strip_prefix('[') {
        Some(inner) => {
            let (name, after) = inner.split_once(']').ok_or(ConnInfoError::Bracket)?;
            match after.strip_prefix(':') {
                Some(port) => (name, port),
                None if after.is_empty() => (name, ""),
                None => return Err(ConnInfoError::Bracket),
            }
        }
        None if text.contains(',') => return Err(ConnInfoError::Hosts),
        None => text.split_once(':').unwrap_or((text, "")),
    };
    if port.contains(':') {
        return Err(ConnInfoError::Bracket);
    }
    Ok((name, port))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, words: &str) {
        let shown = match parse(text) {
            Ok(url) => {
                let words =
                    url.words.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ");
                if url.mariadb { format!("mariadb {words}") } else { words }
            }
            Err(error) => format!("! {error}"),
        };
        assert_eq!(shown, words, "{text}");
    }

    #[test]
    fn every_part_of_a_url_is_read() {
        check("mysql:", "");
        check("mysql://", "");
        check("mysql://h", "host=h");
        check("MySQL://h:3307/d", "host=h port=3307 database=d");
        check("mariadb://u@h/d", "mariadb user=u host=h database=d");
        check("mysql://u:p@/d", "user=u password=p database=d");
        check("mysql://:p@h", "password=p host=h");
        check("mysql://u:@h", "user=u host=h");
        check("mysql:///d?host=h&port=1", "database=d host=h port=1");
        check("mysql://u@%2Frun%2Fmysqld.sock/d", "user=u socket=/run/mysqld.sock database=d");
        check("mysql://u@localhost/d?socket=/run/s", "user=u host=localhost database=d socket=/run/s");
        check("mysql://[::1]:3307/d", "host=::1 port=3307 database=d");
        check("mysql://[2001:db8::1]", "host=2001:db8::1");
        check("mysql://h?ssl-mode=REQUIRED&&connect_timeout=5", "host=h ssl-mode=REQUIRED connect_timeout=5");
        check("mysql://%C3%BC:p%25%40@h/%2f", "user=ü password=p%@ host=h database=/");
        check("mysql://u:p@ss:w@h/d", "user=u password=p@ss:w host=h database=d");
        check("mysql://h?user=a@b.example", "host=h user=a@b.example");
    }

    #[test]
    fn what_is_wrong_is_said_without_what_may_be_a_password() {
        for text in ["", "shop", "mysql:/h/d", "mysql:d", "postgres://h/d", "host=h"] {
            check(text, "! the text is no URL as mysql://user@host/name or mariadb://user@host/name");
        }
        let delimiter = "! an `@` stands behind the host: in a password `/` is written %2F, `?` %3F and `#` %23; elsewhere `@` is %40";
        for text in ["mysql://u:hunt/er2@h/d", "mysql://u:hunt?er2@h/d", "mysql://u:1#2@h/d"] {
            check(text, delimiter);
        }
        let bracket = "! the host of the URL has a colon too many: an IPv6 address stands in brackets, as [::1]:3306";
        for text in ["mysql://[::1/d", "mysql://[::1]x/d", "mysql://::1/d"] {
            check(text, bracket);
        }
        let hosts = "! the URL names several hosts: migrations run on one server, so name the one that is written to";
        check("mysql://a,b:3306/d", hosts);
        let escape = |at| format!("! the text has an illegal escape at byte {at}: write a percent sign as %25");
        check("mysql://h/100%", &escape(13));
        check("mysql://u:%zz@h", &escape(10));
        check("mysql://h?ssl-mode", "! at byte 10 there is no NAME=VALUE: in a value `&` is written %26");
    }

    proptest! {
        #[test]
        fn a_password_may_hold_anything_once_escaped(password in "[^\0]{1,12}") {
            let escaped = password.bytes().fold(String::new(), |all, byte| format!("{all}%{byte:02x}"));
            let url = parse(&format!("mysql://u:{escaped}@h/d"));
            prop_assert!(url.is_ok_and(|url| url.words.contains(&("password".to_owned(), password))));
        }

        #[test]
        fn no_text_is_too_odd(text in "(mysql://)?[ -~é'\\\\=%@/?&:,\\[\\]]{0,40}") {
            let _ = parse(&text);
        }

        #[test]
        fn no_error_repeats_a_password(before in "[:/?#@&= %,']{0,3}", after in "[:/?#@&= %,']{0,3}") {
            for text in [
                format!("mysql://u:{before}hunter2{after}@h/d"),
                format!("mysql://u@h/d?password={before}hunter2{after}"),
            ] {
                let shown = match super::super::ConnInfo::parse(&text) {
                    Ok(info) => format!("{info:?} {}", super::super::Mysql::new(info.clone()).label()),
                    Err(error) => format!("{error} {error:?}"),
                };
                prop_assert!(!shown.contains("hunter2"), "{}: {}", text, shown);
            }
        }
    }
}
