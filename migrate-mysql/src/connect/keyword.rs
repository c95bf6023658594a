//! The words of a URL and of option files, with the variables that stand for them; and what is said to those of other
//! drivers.

/// One word, as MySQL's own tools write it. `_` stands for `-`, and the case of letters does not matter.
pub(super) struct Keyword {
    pub(super) name: &'static str,
    /// The variables that stand for it: the servers' own tools know the first, the rest are those of container images.
    pub(super) variables: &'static [&'static str],
    pub(super) use_: Use,
}

/// What is done with it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// It is used.
    Used,
    /// It is a path.
    Path,
    /// It is used and shown to nobody.
    Secret,
    /// It cannot be honoured, and this is why.
    Refused(&'static str),
}

const fn word(name: &'static str, variables: &'static [&'static str], use_: Use) -> Keyword {
    Keyword { name, variables, use_ }
}

const fn plain(name: &'static str, use_: Use) -> Keyword {
    word(name, &[], use_)
}

const NO_LIST: &str = "lists of revoked certificates cannot be given to the driver";
const NO_CHOICE: &str = "the driver speaks TLS 1.2 and 1.3 with the ciphers of its own choice";

/// Every word that is known.
pub(super) const KEYWORDS: &[Keyword] = &[
    word("host", &["MYSQL_HOST"], Use::Used),
    word("port", &["MYSQL_TCP_PORT"], Use::Used),
    word("socket", &["MYSQL_UNIX_PORT"], Use::Path),
    plain("protocol", Use::Used),
    word("user", &["MYSQL_USER", "MARIADB_USER"], Use::Used),
    word("password", &["MYSQL_PWD", "MYSQL_PASSWORD", "MARIADB_PASSWORD"], Use::Secret),
    word("database", &["MYSQL_DATABASE", "MARIADB_DATABASE"], Use::Used),
    plain("charset", Use::Used),
    plain("connect-timeout", Use::Used),
    plain("ssl-mode", Use::Used),
    plain("ssl-ca", Use::Path),
    plain("ssl-cert", Use::Path),
    plain("ssl-key", Use::Path),
    plain("enable-cleartext-plugin", Use::Used),
    plain("get-server-public-key", Use::Used),
    // Ours: no other tool knows it.
    plain("allow-plain-password", Use::Used),
    // Ours too: `explicit`.
    plain("gtid", Use::Used),
    plain("ssl-capath", Use::Refused("a folder of certificates cannot be given to the driver: ssl-ca=FILE")),
    plain("ssl-crl", Use::Refused(NO_LIST)),
    plain("ssl-crlpath", Use::Refused(NO_LIST)),
    plain("ssl-cipher", Use::Refused(NO_CHOICE)),
    plain("tls-version", Use::Refused(NO_CHOICE)),
    plain("tls-ciphersuites", Use::Refused(NO_CHOICE)),
    plain(
        "server-public-key-path",
        Use::Refused("the driver takes the key that the server sends: with ssl-mode=REQUIRED none is needed"),
    ),
];

impl Keyword {
    pub(super) fn by_name(name: &str) -> Option<&'static Self> {
        let name = name.to_ascii_lowercase().replace('_', "-");
        let name = if name == "default-character-set" { "charset" } else { &name };
        KEYWORDS.iter().find(|keyword| keyword.name == name)
    }

    /// With the variable's own name, which lives longer.
    pub(super) fn by_variable(variable: &str) -> Option<(&'static Self, &'static str)> {
        KEYWORDS.iter().find_map(|keyword| {
            let known = keyword.variables.iter().find(|known| **known == variable)?;
            Some((keyword, *known))
        })
    }

    /// Whether its value is nobody's business.
    pub(super) fn is_secret(&self) -> bool {
        self.use_ == Use::Secret
    }
}

/// What to write for a word that is not ours: another driver's, or one with a slip in it.
pub(super) fn advice(name: &str, value: &str) -> Option<String> {
    let folded = name.to_ascii_lowercase().replace(['-', '_'], "");
    let value = value.to_ascii_lowercase();
    if let Some((_, answer)) = FOREIGN.iter().find(|(known, _)| *known == folded) {
        return Some(match answer {
            Answer::LeaveOut(why) => format!("leave it out, {why}"),
            Answer::Write(ours) => format!("write {ours}"),
            Answer::Switch { on, off } => {
                let is_off = matches!(value.as_str(), "false" | "0" | "no" | "off" | "disable" | "disabled" | "");
                format!("write {}", if is_off { off } else { on })
            }
            Answer::Mode => format!("write ssl-mode={}", mode(&value)),
        });
    }
    let name = name.to_ascii_lowercase().replace('_', "-");
    let near = KEYWORDS.iter().map(|known| (distance(&name, known.name), known.name)).min();
    let near = near.filter(|(distance, _)| *distance <= 2 && *distance < name.len());
    near.map(|(_, known)| format!("did you mean {known}?"))
}

enum Answer {
    LeaveOut(&'static str),
    Write(&'static str),
    Switch {
        on: &'static str,
        off: &'static str,
    },
    /// A mode of TLS, under another name.
    Mode,
}

const NOT_NEEDED: Answer = Answer::LeaveOut("nothing depends on it here");
const UTF8: Answer = Answer::LeaveOut("everything is sent and read as utf8mb4");
const TLS: Answer = Answer::Switch { on: "ssl-mode=REQUIRED", off: "ssl-mode=DISABLED" };
const VERIFIED: Answer = Answer::Switch { on: "ssl-mode=VERIFY_IDENTITY", off: "ssl-mode=REQUIRED" };
const TIME: Answer =
    Answer::LeaveOut("the server's own time zone is used: a migration that needs another one sets time_zone");
const KEY: Answer = Answer::Switch {
    on: "ssl-mode=REQUIRED, or allow-plain-password=true if the network is your own",
    off: "nothing: the key is asked for where it is needed",
};

/// What other drivers call things: JDBC's of MySQL and MariaDB, Go's, Python's, Node's, PHP's and Rust's. Small letters
/// without `-` and `_`.
const FOREIGN: &[(&str, Answer)] = &[
    ("sslmode", Answer::Mode),
    ("tls", Answer::Mode),
    ("sslaccept", Answer::Mode),
    ("usessl", TLS),
    ("requiressl", TLS),
    ("ssl", TLS),
    ("verifyservercertificate", VERIFIED),
    ("sslverifyservercert", VERIFIED),
    ("verifyca", VERIFIED),
    ("verifyidentity", VERIFIED),
    ("sslverifyidentity", VERIFIED),
    ("builtinroots", Answer::Write("ssl-ca=system")),
    ("trustservercertificate", Answer::Switch { on: "ssl-mode=REQUIRED", off: "ssl-mode=VERIFY_IDENTITY" }),
    ("serversslcert", Answer::Write("ssl-ca=FILE")),
    ("sslrootcert", Answer::Write("ssl-ca=FILE")),
    ("trustcertificatekeystoreurl", Answer::Write("ssl-ca=FILE, with the certificates as PEM")),
    ("clientcertificatekeystoreurl", Answer::Write("ssl-cert=FILE and ssl-key=FILE, as PEM")),
    ("allowpublickeyretrieval", KEY),
    ("servertimezone", TIME),
    ("connectiontimezone", TIME),
    ("timezone", TIME),
    ("loc", TIME),
    ("usetimezone", TIME),
    ("uselegacydatetimecode", NOT_NEEDED),
    ("parsetime", NOT_NEEDED),
    ("useunicode", UTF8),
    ("characterencoding", UTF8),
    ("encoding", UTF8),
    ("collation", UTF8),
    ("allowmultiqueries", NOT_NEEDED),
    ("multistatements", NOT_NEEDED),
    ("autoreconnect", Answer::LeaveOut("a lost connection is opened again where that is safe")),
    ("rewritebatchedstatements", NOT_NEEDED),
    ("usecursorfetch", NOT_NEEDED),
    ("preparestatements", NOT_NEEDED),
    ("cacheprepstmts", NOT_NEEDED),
    ("createdatabaseifnotexist", Answer::LeaveOut("`migrate db create` creates a database")),
    ("zerodatetimebehavior", NOT_NEEDED),
    ("tinyint1isbit", NOT_NEEDED),
    ("nullcatalogmeanscurrent", NOT_NEEDED),
    ("allowloadlocalinfile", NOT_NEEDED),
    ("sessionvariables", Answer::LeaveOut("settings of a session stand in migrate.toml under [settings.mysql]")),
    ("interpolateparams", NOT_NEEDED),
    ("allownativepasswords", NOT_NEEDED),
    ("allowcleartextpasswords", Answer::Write("enable-cleartext-plugin=true")),
    ("sockettimeout", Answer::LeaveOut("a statement may take its time: limits are set in migrate.toml")),
    ("readtimeout", Answer::LeaveOut("a statement may take its time: limits are set in migrate.toml")),
    ("writetimeout", NOT_NEEDED),
    ("timeout", Answer::Write("connect-timeout=SECONDS")),
    ("connecttimeout", Answer::Write("connect-timeout=SECONDS")),
    ("unixsocket", Answer::Write("socket=PATH")),
    ("localsocket", Answer::Write("socket=PATH")),
    ("defaultauth", Answer::LeaveOut("the server says how an account logs in")),
    ("authplugin", Answer::LeaveOut("the server says how an account logs in")),
    ("compression", NOT_NEEDED),
    ("compress", NOT_NEEDED),
    ("connectionlimit", NOT_NEEDED),
    ("poolmin", NOT_NEEDED),
    ("poolmax", NOT_NEEDED),
    ("maxallowedpacket", Answer::LeaveOut("the server's own max_allowed_packet counts")),
    ("username", Answer::Write("user=NAME")),
    ("passwd", Answer::Write("password=…")),
    ("pwd", Answer::Write("password=…")),
    ("pass", Answer::Write("password=…")),
    ("dbname", Answer::Write("the database's name behind the host: mysql://host/NAME")),
    ("db", Answer::Write("the database's name behind the host: mysql://host/NAME")),
    ("schema", Answer::Write("the database's name behind the host: mysql://host/NAME")),
];

/// The mode as MySQL writes it; anything that is not known is the one that verifies most.
fn mode(value: &str) -> &'static str {
    match value.replace('_', "-").as_str() {
        "false" | "0" | "disable" | "disabled" | "off" | "no" => "DISABLED",
        "prefer" | "preferred" | "allow" => "PREFERRED",
        "require" | "required" | "trust" | "skip-verify" | "accept-invalid-certs" => "REQUIRED",
        _ => "VERIFY_IDENTITY",
    }
}

/// How many letters must be changed, added or left out (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let changed = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_known_in_every_spelling_of_theirs() {
        for (text, name) in [
            ("ssl-mode", Some("ssl-mode")),
            ("SSL_MODE", Some("ssl-mode")),
            ("default_character_set", Some("charset")),
            ("sslmode", None),
        ] {
            assert_eq!(Keyword::by_name(text).map(|keyword| keyword.name), name, "{text}");
        }
    }

    #[test]
    fn what_another_driver_calls_it_is_answered_with_what_to_write() {
        for (name, value, said) in [
            ("ssl-mod", "x", Some("did you mean ssl-mode?")),
            ("conect_timeout", "5", Some("did you mean connect-timeout?")),
            ("sslMode", "VERIFY_CA", Some("write ssl-mode=VERIFY_IDENTITY")),
            ("sslMode", "DISABLED", Some("write ssl-mode=DISABLED")),
            ("tls", "skip-verify", Some("write ssl-mode=REQUIRED")),
            ("tls", "true", Some("write ssl-mode=VERIFY_IDENTITY")),
            ("useSSL", "false", Some("write ssl-mode=DISABLED")),
            ("useSSL", "true", Some("write ssl-mode=REQUIRED")),
            ("require_ssl", "true", Some("write ssl-mode=REQUIRED")),
            ("connectTimeout", "5000", Some("write connect-timeout=SECONDS")),
            ("unix_socket", "/s", Some("write socket=PATH")),
            ("parseTime", "true", Some("leave it out, nothing depends on it here")),
            ("x", "", None),
            ("pgbouncer", "", None),
        ] {
            assert_eq!(advice(name, value).as_deref(), said, "{name}={value}");
        }
    }

    #[test]
    fn nothing_is_there_twice() {
        for (index, keyword) in KEYWORDS.iter().enumerate() {
            let later = &KEYWORDS[index + 1..];
            assert!(later.iter().all(|other| other.name != keyword.name), "{}", keyword.name);
            let shared = |other: &Keyword| other.variables.iter().any(|name| keyword.variables.contains(name));
            assert!(!later.iter().any(shared), "{:?}", keyword.variables);
        }
        for (index, (foreign, _)) in FOREIGN.iter().enumerate() {
            assert!(FOREIGN[index + 1..].iter().all(|(other, _)| other != foreign), "{foreign}");
            assert!(Keyword::by_name(foreign).is_none(), "{foreign} is a word of ours");
        }
    }
}
