//! Option files: `my.cnf` and what it includes. Text in, values out; which files there are is not known here.
//!
//! `.mylogin.cnf` is not read: what is in it is not a secret kept, only one hidden.

use std::fmt;

use super::conninfo::ConnInfoError;
use super::keyword::{Keyword, Use, advice};
use migrate_core::backend::password::Secret;

/// The groups that clients read, and our own.
const GROUPS: [&str; 6] = ["client", "client-server", "client-mariadb", "mysql", "mariadb-client", OURS];
const OURS: &str = "migrate";

/// One line of an option file, as far as it says something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionLine {
    /// An option of a group.
    Value(OptionValue),
    /// `!include`: another file stands here.
    Include(String),
    /// `!includedir`: all files of a folder that end with `.cnf` stand here; and with `.ini`, on Windows.
    IncludeFolder(String),
}

/// An option of a group. `Debug` does not show its value, which may be a password.
#[derive(Clone, PartialEq, Eq)]
pub struct OptionValue {
    pub(super) path: String,
    pub(super) line: usize,
    group: String,
    name: String,
    value: Secret,
}

impl fmt::Debug for OptionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} [{}] {}", self.path, self.line, self.group, self.name)
    }
}

/// Reads the text of an option file; `path` is what messages call it. The grammar is that of
/// <https://dev.mysql.com/doc/refman/9.4/en/option-files.html>.
///
/// ```
/// use migrate_mysql::connect::options::option_lines;
///
/// let lines = option_lines("/etc/my.cnf", "[client]\nuser = deploy # ours\n!includedir /etc/mysql/conf.d\n")?;
/// assert_eq!(format!("{:?}", lines[0]), "Value(/etc/my.cnf:2 [client] user)");
/// assert_eq!(lines.len(), 2);
/// # Ok::<(), migrate_mysql::ConnInfoError>(())
/// ```
///
/// # Errors
/// The first line that is none.
pub fn option_lines(path: &str, text: &str) -> Result<Vec<OptionLine>, ConnInfoError> {
    let mut lines = vec![];
    let mut group: Option<String> = None;
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let wrong = |why| ConnInfoError::OptionFile { path: path.to_owned(), line: index + 1, why };
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(folder) = directive(line, "!includedir") {
            lines.push(OptionLine::IncludeFolder(folder.to_owned()));
        } else if let Some(file) = directive(line, "!include") {
            lines.push(OptionLine::Include(file.to_owned()));
        } else if line.starts_with('!') {
            return Err(wrong("the directives are !include FILE and !includedir FOLDER"));
        } else if let Some(named) = line.strip_prefix('[') {
            let (name, _) =
                named.split_once(']').ok_or_else(|| wrong("the name of a group never ends: write [client]"))?;
            group = Some(name.trim().to_ascii_lowercase());
        } else {
            let group = group.as_ref().ok_or_else(|| wrong("an option stands in no group: write [client] above it"))?;
            let (name, value) = match line.split_once('=') {
                Some((name, value)) => (name.trim(), unquoted(value)),
                // A comment may follow also here; an option without a value is a switch.
                None => (line.split('#').next().unwrap_or_default().trim(), String::new()),
            };
            lines.push(OptionLine::Value(OptionValue {
                path: path.to_owned(),
                line: index + 1,
                group: group.clone(),
                name: name.to_ascii_lowercase().replace('_', "-"),
                value: Secret::new(value),
            }));
        }
    }
    Ok(lines)
}

fn directive<'t>(line: &'t str, word: &str) -> Option<&'t str> {
    let rest = line.strip_prefix(word)?;
    rest.starts_with(char::is_whitespace).then(|| rest.trim())
}

/// Without a comment, the quotes around it and the escapes in it.
fn unquoted(text: &str) -> String {
    let text = text.trim();
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'));
    let closed = quote.and_then(|quote| {
        let end = end_of_quote(&text[1..], quote)?;
        Some(&text[1..=end])
    });
    let inner = closed.unwrap_or_else(|| text.split('#').next().unwrap_or_default().trim_end());
    let mut value = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            value.push(c);
            continue;
        }
        match chars.next() {
            Some('b') => value.push('\u{8}'),
            Some('t') => value.push('\t'),
            Some('n') => value.push('\n'),
            Some('r') => value.push('\r'),
            Some('s') => value.push(' '),
            Some(c @ ('\\' | '\'' | '"')) => value.push(c),
            // What is no escape keeps its backslash: C:\data.
            other => {
                value.push('\\');
                value.extend(other);
            }
        }
    }
    value
}

fn end_of_quote(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let ends = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at)
    })
}

/// The options that are for clients and mean something here, in order.
pub(super) fn known(options: &[OptionValue]) -> Result<Vec<(&'static Keyword, String, &OptionValue)>, ConnInfoError> {
    let mut known = vec![];
    for option in options.iter().filter(|option| GROUPS.contains(&option.group.as_str())) {
        let (name, value) = (option.name.as_str(), option.value.reveal());
        let name = name.strip_prefix("loose-").unwrap_or(name);
        let (name, value) = mode(name, value).unwrap_or((name, value));
        let Some(keyword) = Keyword::by_name(name) else {
            if option.group == OURS {
                let hint = advice(name, value).map(|said| format!(": {said}")).unwrap_or_default();
                let what = format!("`{name}` of {}:{}", option.path, option.line);
                return Err(ConnInfoError::Unknown { what, hint });
            }
            continue;
        };
        // What the terminal is in says nothing about migrations.
        if keyword.name == "charset" && option.group != OURS {
            continue;
        }
        let is_switch =
            matches!(keyword.name, "enable-cleartext-plugin" | "get-server-public-key" | "allow-plain-password");
        let value = if value.is_empty() && is_switch { "true" } else { value };
        // A password without a value is one to ask for at the terminal; a switch of the tools turns nothing off here.
        if value.is_empty() || matches!(keyword.use_, Use::Refused(_)) && value.eq_ignore_ascii_case("auto") {
            continue;
        }
        known.push((keyword, value.to_owned(), option));
    }
    Ok(known)
}

/// What MariaDB's tools say of TLS, as MySQL's `ssl-mode` says it.
fn mode(name: &str, value: &str) -> Option<(&'static str, &'static str)> {
    let off = matches!(value.to_ascii_lowercase().as_str(), "0" | "off" | "false" | "no");
    match name {
        "ssl" => Some(if off { "DISABLED" } else { "REQUIRED" }),
        "skip-ssl" | "disable-ssl" => Some("DISABLED"),
        // Without it any certificate is good, which is what is said already where nothing is.
        "ssl-verify-server-cert" if !off => Some("VERIFY_IDENTITY"),
        _ => None,
    }
    .map(|mode| ("ssl-mode", mode))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::connect::{ConnInfo, Mysql};

    fn values(text: &str) -> Vec<OptionValue> {
        let lines = option_lines("my.cnf", text).unwrap();
        lines
            .into_iter()
            .filter_map(|line| match line {
                OptionLine::Value(value) => Some(value),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_line_is_read_as_the_servers_tools_read_it() {
        for (line, read) in [
            ("user=u", "user=u"),
            ("  connect_timeout = 5  ", "connect-timeout=5"),
            ("password = \"a # b\" # comment", "password=a # b"),
            ("password='it\\'s'", "password=it's"),
            ("password=a\\sb\\\\c\\d # comment", "password=a b\\c\\d"),
            ("password=a#b", "password=a"),
            ("password='open", "password='open"),
            ("skip-ssl # here", "skip-ssl="),
            ("Socket=/run/a=b", "socket=/run/a=b"),
        ] {
            let found = values(&format!("[client]\n{line}\n"));
            let shown: Vec<_> = found.iter().map(|value| format!("{}={}", value.name, value.value.reveal())).collect();
            assert_eq!(shown, [read], "{line}");
        }
    }

    #[test]
    fn groups_files_and_folders_are_told_apart() {
        let text =
            "# one\n; two\n[client]\nhost=a\n!include /etc/a.cnf\n[mysqld]\nport=1\n!includedir /etc/d\n[Mysql]x\nuser";
        let shown: Vec<_> = option_lines("f", text).unwrap().iter().map(|line| format!("{line:?}")).collect();
        assert_eq!(
            shown,
            [
                "Value(f:4 [client] host)",
                "Include(\"/etc/a.cnf\")",
                "Value(f:7 [mysqld] port)",
                "IncludeFolder(\"/etc/d\")",
                "Value(f:10 [mysql] user)"
            ]
        );
        for (text, message) in [
            ("user=hunter2", "f:1: an option stands in no group: write [client] above it"),
            ("\n[client", "f:2: the name of a group never ends: write [client]"),
            ("!inc x", "f:1: the directives are !include FILE and !includedir FOLDER"),
        ] {
            assert_eq!(option_lines("f", text).unwrap_err().to_string(), message);
        }
    }

    #[track_caller]
    fn check(url: &str, text: &str, label: &str) {
        let info = ConnInfo::parse(url).unwrap().with_options(&values(text));
        let shown = info.map_or_else(
            |error| format!("! {error}"),
            |info| {
                let mode = format!("{:?}", info.ssl.mode);
                format!("{} {mode}", Mysql::new(info).label())
            },
        );
        assert_eq!(shown, label, "{url} {text}");
    }

    #[cfg(feature = "tls")]
    #[test]
    fn what_is_for_clients_counts_under_the_url() {
        check("mysql:", "[client]\nhost=a\nuser=u\n[mysqld]\nport=1", "mysql://u@a:3306 Preferred");
        check("mysql://v@b/d", "[client]\nhost=a\nuser=u\nport=7\n", "mysql://v@b:7/d Preferred");
        check("mysql:", "[client]\nhost=a\n[client]\nhost=b\n[mysql]\ndatabase=d", "mysql://b:3306/d Preferred");
        check(
            "mysql:",
            "[client]\nprompt=x\nloose-host=a\nssl-cert\ndefault-character-set=latin1",
            "mysql://a:3306 Preferred",
        );
        check("mysql:", "[client-server]\nssl=1\n", "mysql://localhost:3306 Required");
        check("mysql:", "[client]\nssl\nssl-verify-server-cert\n", "mysql://localhost:3306 VerifyIdentity");
        check("mysql:", "[client]\nskip_ssl\n", "mysql://localhost:3306 Disabled");
        check("mysql:", "[client]\nssl-ca=/ca.pem\n", "mysql://localhost:3306 VerifyIdentity");
        check("mysql:///d?ssl-mode=disabled", "[client]\nssl-mode=REQUIRED\n", "mysql://localhost:3306/d Disabled");
        check("mysql:", "[migrate]\nhots=a", "! `hots` of my.cnf:2 is unknown: did you mean host?");
        let crl =
            "! ssl-crl of my.cnf:2 cannot be honoured: lists of revoked certificates cannot be given to the driver";
        check("mysql:", "[client]\nssl-crl=/crl.pem", crl);
        check(
            "mysql:",
            "[client]\nport=x",
            "! port of my.cnf:2 is no number from 1 to 65535; in a password `/` is written %2F",
        );
    }

    #[test]
    fn a_socket_of_a_file_is_where_localhost_is() {
        let file = "[client-server]\nsocket = /run/s\n";
        check("mysql:///d", file, "mysql:///run/s/d Preferred");
        check("mysql://LOCALHOST/d", file, "mysql:///run/s/d Preferred");
        check("mysql://localhost:3306/d", file, "mysql://localhost:3306/d Preferred");
        check("mysql://127.0.0.1/d", file, "mysql://127.0.0.1:3306/d Preferred");
        check("mysql://h/d", file, "mysql://h:3306/d Preferred");
        check("mysql:///d?protocol=tcp", file, "mysql://localhost:3306/d Preferred");
        check("mysql://%2Frun%2Ft/d", "[client]\nhost=h\nsocket=/run/s", "mysql:///run/t/d Preferred");
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "[\\[\\]a-z=#'\"\\\\!\n ]{0,40}") {
            let _ = option_lines("f", &text);
        }

        #[test]
        fn no_value_is_shown(before in "['\"\\\\#= ]{0,3}", after in "['\"\\\\#= ]{0,3}") {
            let text = format!("[client]\npassword={before}hunter2{after}\n[migrate]\npasswort={before}hunter2{after}");
            let lines = option_lines("f", &text).unwrap();
            let shown = format!("{lines:?}");
            prop_assert!(!shown.contains("hunter2"), "{}", shown);
            let shown = match ConnInfo::parse("mysql:").unwrap().with_options(&values(&text)) {
                Ok(info) => format!("{info:?}"),
                Err(error) => format!("{error} {error:?}"),
            };
            prop_assert!(!shown.contains("hunter2"), "{}", shown);
        }
    }
}
