//! The words of a connection string, with the variables that stand for them.
//!
//! All of libpq's are here: those that are used, those that change nothing for us, and those that must be refused
//! because leaving them out would be less than what was asked for.

/// One word.
pub(super) struct Keyword {
    pub(super) name: &'static str,
    /// The variable that stands for it.
    pub(super) variable: Option<&'static str>,
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
    /// Nothing depends on it.
    Ignored,
    /// With these values nothing depends on it; with others this is why not.
    Only(&'static [&'static str], &'static str),
    /// It cannot be honoured, and this is why.
    Refused(&'static str),
}

const fn word(name: &'static str, variable: &'static str, use_: Use) -> Keyword {
    Keyword { name, variable: Some(variable), use_ }
}

const fn plain(name: &'static str, use_: Use) -> Keyword {
    Keyword { name, variable: None, use_ }
}

const OFF: &[&str] = &["0", "false", "off", "no"];
const NO_GSS: &str = "GSSAPI is not spoken here";
const NO_OAUTH: &str = "OAuth is not spoken here: hand the token in as the password if the server takes it so";

/// Every word that is known.
pub(super) const KEYWORDS: &[Keyword] = &[
    word("host", "PGHOST", Use::Used),
    word("hostaddr", "PGHOSTADDR", Use::Used),
    word("port", "PGPORT", Use::Used),
    word("dbname", "PGDATABASE", Use::Used),
    word("user", "PGUSER", Use::Used),
    word("password", "PGPASSWORD", Use::Secret),
    word("passfile", "PGPASSFILE", Use::Path),
    word("service", "PGSERVICE", Use::Used),
    word("options", "PGOPTIONS", Use::Used),
    word("application_name", "PGAPPNAME", Use::Used),
    plain("fallback_application_name", Use::Used),
    word("connect_timeout", "PGCONNECT_TIMEOUT", Use::Used),
    plain("keepalives", Use::Used),
    plain("keepalives_idle", Use::Used),
    plain("keepalives_interval", Use::Used),
    plain("keepalives_count", Use::Used),
    plain("tcp_user_timeout", Use::Used),
    word("target_session_attrs", "PGTARGETSESSIONATTRS", Use::Used),
    word("load_balance_hosts", "PGLOADBALANCEHOSTS", Use::Used),
    word("channel_binding", "PGCHANNELBINDING", Use::Used),
    word("sslmode", "PGSSLMODE", Use::Used),
    word("sslnegotiation", "PGSSLNEGOTIATION", Use::Used),
    word("sslrootcert", "PGSSLROOTCERT", Use::Path),
    word("sslcert", "PGSSLCERT", Use::Path),
    word("sslkey", "PGSSLKEY", Use::Path),
    word("sslcrl", "PGSSLCRL", Use::Path),
    word("sslcertmode", "PGSSLCERTMODE", Use::Used),
    word("sslsni", "PGSSLSNI", Use::Used),
    word("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION", Use::Used),
    word("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION", Use::Used),
    // Ours: libpq does not know it.
    plain("pool_mode", Use::Used),
    word("sslcompression", "PGSSLCOMPRESSION", Use::Ignored),
    word("krbsrvname", "PGKRBSRVNAME", Use::Ignored),
    word("gsslib", "PGGSSLIB", Use::Ignored),
    word("max_protocol_version", "PGMAXPROTOCOLVERSION", Use::Ignored),
    word("gssencmode", "PGGSSENCMODE", Use::Only(&["disable", "prefer"], NO_GSS)),
    word("gssdelegation", "PGGSSDELEGATION", Use::Only(OFF, NO_GSS)),
    word(
        "client_encoding",
        "PGCLIENTENCODING",
        Use::Only(&["auto", "utf8", "utf-8", "unicode"], "everything is sent and read as UTF-8"),
    ),
    plain("replication", Use::Only(OFF, "migrations do not run on a replication connection")),
    word(
        "min_protocol_version",
        "PGMINPROTOCOLVERSION",
        Use::Only(&["3.0"], "version 3.0 of the protocol is spoken here"),
    ),
    word("requirepeer", "PGREQUIREPEER", Use::Refused("who owns the server's socket cannot be seen here")),
    word(
        "require_auth",
        "PGREQUIREAUTH",
        Use::Refused("the driver answers whatever the server asks for: channel_binding=require insists on SCRAM"),
    ),
    word("sslcrldir", "PGSSLCRLDIR", Use::Refused("only a file of revoked certificates can be read: sslcrl")),
    Keyword {
        name: "sslpassword",
        variable: None,
        use_: Use::Refused("a key with a passphrase cannot be read here: `openssl pkey` writes one without"),
    },
    plain("sslkeylogfile", Use::Refused("the keys of a connection are written nowhere")),
    plain("scram_client_key", Use::Refused("a SCRAM key cannot stand for the password here")),
    plain("scram_server_key", Use::Refused("a SCRAM key cannot stand for the password here")),
    plain("oauth_issuer", Use::Refused(NO_OAUTH)),
    plain("oauth_client_id", Use::Refused(NO_OAUTH)),
    plain("oauth_client_secret", Use::Refused(NO_OAUTH)),
    plain("oauth_scope", Use::Refused(NO_OAUTH)),
];

impl Keyword {
    pub(super) fn by_name(name: &str) -> Option<&'static Self> {
        KEYWORDS.iter().find(|keyword| keyword.name == name)
    }

    pub(super) fn by_variable(variable: &str) -> Option<&'static Self> {
        KEYWORDS.iter().find(|keyword| keyword.variable == Some(variable))
    }

    /// Whether its value is nobody's business.
    pub(super) fn is_secret(&self) -> bool {
        self.use_ == Use::Secret
            || self.name.starts_with("scram_")
            || matches!(self.name, "sslpassword" | "oauth_client_secret")
    }
}

/// The word that was probably meant.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    let other_words = match name.as_str() {
        "database" | "db" => Some("dbname"),
        "username" => Some("user"),
        "passwd" | "pwd" | "pass" => Some("password"),
        "schema" | "search_path" | "currentschema" => Some("options"),
        "timeout" | "connecttimeout" => Some("connect_timeout"),
        _ => None,
    };
    let near = || KEYWORDS.iter().map(|known| (distance(&name, known.name), known.name)).min();
    other_words
        .or_else(|| near().filter(|(distance, _)| *distance <= 2 && *distance < name.len()).map(|(_, known)| known))
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
    fn a_slip_is_answered_with_the_word_that_was_meant() {
        for (slip, meant) in [
            ("sslmod", Some("sslmode")),
            ("SSLMode", Some("sslmode")),
            ("ssl-mode", Some("sslmode")),
            ("sslroot_cert", Some("sslrootcert")),
            ("conect_timeout", Some("connect_timeout")),
            ("username", Some("user")),
            ("database", Some("dbname")),
            ("x", None),
            ("pgbouncer", None),
        ] {
            assert_eq!(nearest(slip), meant, "{slip}");
        }
    }

    #[test]
    fn no_word_and_no_variable_is_there_twice() {
        for (index, keyword) in KEYWORDS.iter().enumerate() {
            let later = &KEYWORDS[index + 1..];
            assert!(later.iter().all(|other| other.name != keyword.name), "{}", keyword.name);
            let twice = later.iter().any(|other| keyword.variable.is_some() && other.variable == keyword.variable);
            assert!(!twice, "{:?}", keyword.variable);
        }
    }
}
