//! The two grammars of a connection string: URLs and lists of keywords and values. Both give words with their values;
//! what these mean is not known here.
//!
//! Errors repeat no part of the text that could belong to a password somebody forgot to escape.

use migrate_core::backend::url::unescape;

use super::conninfo::ConnInfoError;

/// Words and their values, in order. Of two values for one word the later one counts.
pub(super) type Words = Vec<(String, String)>;

/// Reads a text of either form.
pub(super) fn parse(text: &str) -> Result<Words, ConnInfoError> {
    match after_scheme(text) {
        Some(rest) => url(rest, text.len() - rest.len()),
        None => keywords(text),
    }
}

/// What follows `postgres://`. `postgres:` alone stands for a URL that says nothing.
fn after_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let known = ["postgres", "postgresql"].iter().any(|known| known.eq_ignore_ascii_case(scheme));
    match rest {
        "" => Some(rest),
        _ => rest.strip_prefix("//"),
    }
    .filter(|_| known)
}

/// `[user[:password]@][host[:port][,…]][/dbname][?word=value[&…]]`; `start` is where it begins in the whole text.
fn url(rest: &str, start: usize) -> Result<Words, ConnInfoError> {
    let mut words = Words::new();
    let mut set = |name: &str, value: String| words.push((name.to_owned(), value));
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
    // Only `/`, `?` and `#` end what is before the host, so an `@` in a password needs no escape.
    let (login, hosts) = match authority.rsplit_once('@') {
        Some((login, hosts)) => (Some(login), hosts),
        None => (None, authority),
    };
    if path.contains('@') || authority.contains('#') || (query.contains('@') && !is_query(query)) {
        return Err(ConnInfoError::Delimiter);
    }
    let part = |text: &str, at: usize| decoded(text, start + at);
    if let Some(login) = login {
        let (user, password) = login.split_once(':').map_or((login, None), |(user, password)| (user, Some(password)));
        if !user.is_empty() {
            set("user", part(user, 0)?);
        }
        if let Some(password) = password.filter(|password| !password.is_empty()) {
            set("password", part(password, user.len() + 1)?);
        }
    }
    let at = authority.len() - hosts.len();
    let (names, ports) = host_list(hosts, start + at)?;
    if names.iter().any(|name| !name.is_empty()) || names.len() > 1 {
        set("host", names.join(","));
    }
    if ports.iter().any(|port| !port.is_empty()) {
        set("port", ports.join(","));
    }
    let database = path.strip_prefix('/').unwrap_or_default();
    if !database.is_empty() {
        set("dbname", part(database, end + 1)?);
    }
    let mut at = rest.len() - query.len();
    for pair in query.split('&') {
        if !pair.is_empty() {
            let (name, value) = pair.split_once('=').ok_or(ConnInfoError::Pair { at: start + at })?;
            let (name, value) = (part(name, at)?, part(value, at + name.len() + 1)?);
            match (name.as_str(), value.as_str()) {
                // As JDBC writes it, and as libpq reads it.
                ("ssl", "true") => set("sslmode", "require".to_owned()),
                _ => set(&name, value),
            }
        }
        at += pair.len() + 1;
    }
    Ok(words)
}

/// Whether a text with an `@` in it is a list of words and values, rather than the end of a password with a `?`.
fn is_query(query: &str) -> bool {
    query.split('&').all(|pair| {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        pair.is_empty() || super::keyword::Keyword::by_name(name).is_some()
    })
}

/// Hosts and ports, as many of the one as of the other.
fn host_list(text: &str, start: usize) -> Result<(Vec<String>, Vec<String>), ConnInfoError> {
    let (mut names, mut ports) = (vec![], vec![]);
    let mut at = start;
    for piece in text.split(',') {
        let (name, port) = match piece.strip_prefix('[') {
            Some(inner) => {
                let (name, after) = inner.split_once(']').ok_or(ConnInfoError::Bracket)?;
                match after.strip_prefix(':') {
                    Some(port) => (name, port),
                    None if after.is_empty() => (name, ""),
                    None => return Err(ConnInfoError::Bracket),
                }
            }
            None => piece.split_once(':').unwrap_or((piece, "")),
        };
        if port.contains(':') {
            return Err(ConnInfoError::Bracket);
        }
        names.push(decoded(name, at)?);
        ports.push(decoded(port, at)?);
        at += piece.len() + 1;
    }
    Ok((names, ports))
}

fn decoded(text: &str, start: usize) -> Result<String, ConnInfoError> {
    unescape(text).map_err(|at| ConnInfoError::Escape { at: start + at })
}

/// `word = value …`; a value with blanks stands in single quotes, and a backslash takes the next character as it is.
fn keywords(text: &str) -> Result<Words, ConnInfoError> {
    let mut words = Words::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let at = text.len() - rest.len();
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let value = after.trim_start().strip_prefix('=').filter(|_| !name.is_empty());
        let Some(value) = value else {
            return Err(if words.is_empty() { ConnInfoError::Form } else { ConnInfoError::Pair { at } });
        };
        let (value, after) = value_of(value.trim_start(), text)?;
        words.push((name.to_owned(), value));
        rest = after.trim_start();
    }
    if words.is_empty() { Err(ConnInfoError::Form) } else { Ok(words) }
}

/// The value at the beginning, and what is behind it.
fn value_of<'t>(text: &'t str, whole: &str) -> Result<(String, &'t str), ConnInfoError> {
    let quoted = text.strip_prefix('\'');
    let inner = quoted.unwrap_or(text);
    let mut value = String::new();
    let mut chars = inner.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' if quoted.is_some() => return Ok((value, &inner[at + 1..])),
            c if quoted.is_none() && c.is_whitespace() => return Ok((value, &inner[at..])),
            '\\' => value.extend(chars.next().map(|(_, c)| c)),
            c => value.push(c),
        }
    }
    if quoted.is_some() {
        return Err(ConnInfoError::Quote { at: whole.len() - text.len() });
    }
    Ok((value, ""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, words: &str) {
        let shown = match parse(text) {
            Ok(all) => all.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" "),
            Err(error) => format!("! {error}"),
        };
        assert_eq!(shown, words, "{text}");
    }

    #[test]
    fn urls_are_read_as_libpq_reads_them() {
        check("postgres:", "");
        check("postgresql://", "");
        check("postgres://h", "host=h");
        check("PostgreSQL://h:5433/d", "host=h port=5433 dbname=d");
        check("postgres://u@h/d", "user=u host=h dbname=d");
        check("postgres://u:p@/d", "user=u password=p dbname=d");
        check("postgres://:p@h", "password=p host=h");
        check("postgres://u:@h", "user=u host=h");
        check("postgres:///d?host=/tmp&port=6543", "dbname=d host=/tmp port=6543");
        check("postgres://%2Fvar%2Frun:5433/d", "host=/var/run port=5433 dbname=d");
        check("postgres://a:1,b,c:3/d", "host=a,b,c port=1,,3 dbname=d");
        check("postgres://a,b/d", "host=a,b dbname=d");
        check("postgres://,/d", "host=, dbname=d");
        check("postgres://[::1]:5433,[2001:db8::1]/d", "host=::1,2001:db8::1 port=5433, dbname=d");
        check("postgres://h?sslmode=require&connect_timeout=5", "host=h sslmode=require connect_timeout=5");
        check("postgres://h/d?options=-c%20search_path%3Da&&user=u", "host=h dbname=d options=-c search_path=a user=u");
        check("postgres://h?ssl=true", "host=h sslmode=require");
        check("postgres://%C3%BC:p%25%40@h/%2f", "user=ü password=p%@ host=h dbname=/");
        check("postgres://h?user=a@b.example", "host=h user=a@b.example");
        // libpq ends the password at the first of them, and takes the rest for a host that there cannot be.
        check("postgres://u:p@ss:w@h/d", "user=u password=p@ss:w host=h dbname=d");
    }

    #[test]
    fn lists_are_read_as_libpq_reads_them() {
        check("host=h dbname=d", "host=h dbname=d");
        check("  host = h\n\tport=5433  ", "host=h port=5433");
        check("dbname='a b' password='it\\'s' user=x\\ y\\\\", "dbname=a b password=it's user=x y\\");
        check("host= h", "host=h");
        check("host=''user=u", "host= user=u");
        check("options='-c a=b'", "options=-c a=b");
    }

    #[test]
    fn what_is_wrong_is_said_without_what_may_be_a_password() {
        let form = "! the text is neither a URL as postgres://user@host/name nor a list as host=… dbname=…";
        let delimiter = "! an `@` stands behind the host: in a password `/` is written %2F, `?` %3F and `#` %23; elsewhere `@` is %40";
        let bracket = "! a host of the URL has a colon too many: an IPv6 address stands in brackets, as [::1]:5432";
        for text in ["", "shop", "postgres:/h/d", "postgres:d", "=x", "mysql://h/d"] {
            check(text, form);
        }
        for text in ["postgres://u:hunt/er2@h/d", "postgres://u:hunt?er2@h/d", "postgres://u:1#2@h/d"] {
            check(text, delimiter);
        }
        for text in ["postgres://[::1/d", "postgres://[::1]x/d", "postgres://::1/d"] {
            check(text, bracket);
        }
        let escape = |at| format!("! the text has an illegal escape at byte {at}: write a percent sign as %25");
        check("postgres://h/100%", &escape(16));
        check("postgres://u:%zz@h", &escape(13));
        check("postgres://h/%00", &escape(13));
        check("postgres://h/%ff", &escape(13));
        let pair = |at| {
            format!(
                "! at byte {at} there is no NAME=VALUE: a value with blanks stands in single quotes, in a URL as %20"
            )
        };
        check("postgres://h?sslmode", &pair(13));
        check("password=hunt er2", &pair(14));
        check("host='x", "! the quote at byte 5 never ends");
    }

    fn url_of(words: &[(&str, String)]) -> String {
        let encoded = |text: &str| {
            text.bytes().fold(String::new(), |all, byte| match byte {
                b'a'..=b'z' | b'0'..=b'9' | b'_' => all + &char::from(byte).to_string(),
                _ => all + &format!("%{byte:02x}"),
            })
        };
        let pairs: Vec<_> = words.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        format!("postgres://?{}", pairs.join("&"))
    }

    fn list_of(words: &[(&str, String)]) -> String {
        let quoted = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
        words.iter().map(|(name, value)| format!("{name} = '{}'", quoted(value))).collect::<Vec<_>>().join(" ")
    }

    proptest! {
        #[test]
        fn both_grammars_say_everything(values in prop::collection::vec("[^\0]{0,12}", 1..4)) {
            let names = ["user", "password", "dbname", "options"];
            let words: Vec<_> = names.into_iter().zip(values).collect();
            let expected: Vec<_> = words.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
            prop_assert_eq!(parse(&url_of(&words)), Ok(expected.clone()));
            prop_assert_eq!(parse(&list_of(&words)), Ok(expected));
        }

        #[test]
        fn a_password_in_front_of_the_host_may_hold_anything_once_escaped(password in "[^\0]{1,12}") {
            let url = url_of(&[("password", password.clone())]).replacen("?password=", "u:", 1) + "@h/d";
            let words = parse(&url);
            prop_assert!(words.is_ok_and(|words| words.contains(&("password".to_owned(), password))));
        }

        #[test]
        fn no_text_is_too_odd(text in "(postgres://)?[ -~é'\\\\=%@/?&:,\\[\\]]{0,40}") {
            let _ = parse(&text);
        }

        #[test]
        fn no_error_repeats_a_password(before in "[:/?#@&= %,']{0,3}", after in "[:/?#@&= %,']{0,3}") {
            for text in [
                format!("postgres://u:{before}hunter2{after}@h/d"),
                format!("host=h password={before}hunter2{after} user=u"),
            ] {
                let shown = match super::super::ConnInfo::parse(&text) {
                    Ok(info) => format!("{info:?} {}", crate::Postgres::new(info.clone()).label()),
                    Err(error) => format!("{error} {error:?}"),
                };
                prop_assert!(!shown.contains("hunter2"), "{text}: {shown}");
            }
        }
    }
}
