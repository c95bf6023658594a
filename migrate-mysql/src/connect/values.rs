//! What the words mean.

use std::path::PathBuf;
use std::time::Duration;

use super::conninfo::{ConnInfoError, Words};

/// What `mysqld` listens on.
const DEFAULT_PORT: u16 = 3306;
/// How long connecting to one address may take where nobody says.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
/// In place of a file: the certificates of the operating system.
pub(super) const SYSTEM: &str = "system";
const LOCAL: &str = "localhost";

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Tcp { host: String, port: u16 },
    Socket(PathBuf),
}

/// A socket counts where no host is named or the host is `localhost`; a port that is said nearer goes before it.
pub(super) fn place(words: Words<'_>) -> Result<Place, ConnInfoError> {
    let host = words.text("host");
    let port = match words.text("port") {
        None => DEFAULT_PORT,
        Some(text) => text.parse().ok().filter(|port| *port != 0).ok_or_else(|| words.bad_port())?,
    };
    let tcp = Place::Tcp { host: host.unwrap_or(LOCAL).to_owned(), port };
    let protocol = choice(words, "protocol", &[("tcp", true), ("socket", false)], "tcp, socket")?;
    let is_local = host.is_none_or(|host| host.eq_ignore_ascii_case(LOCAL));
    match words.text("socket") {
        Some(_) if !is_local && words.are_of_text("host", "socket") => {
            Err(ConnInfoError::Conflict { one: "host", other: "socket", why: "a socket is on this machine" })
        }
        Some(_) if !is_local || protocol == Some(true) => Ok(tcp),
        Some(_) if words.is_nearer("port", "socket") && protocol.is_none() => Ok(tcp),
        Some(path) => Ok(Place::Socket(path.into())),
        None if protocol == Some(false) => {
            Err(ConnInfoError::Conflict { one: "protocol", other: "host", why: "no socket is named: socket=PATH" })
        }
        None => Ok(tcp),
    }
}

/// For ever where it is `None`.
pub(super) fn connect_timeout(words: Words<'_>) -> Result<Option<Duration>, ConnInfoError> {
    let Some(text) = words.text("connect-timeout") else { return Ok(Some(DEFAULT_TIMEOUT)) };
    let seconds = text.parse::<u32>().map_err(|_| words.illegal("connect-timeout", "a whole number of seconds"))?;
    Ok(Some(Duration::from_secs(seconds.into())).filter(|limit| !limit.is_zero()))
}

/// How much TLS is insisted on: the words of
/// <https://dev.mysql.com/doc/refman/9.4/en/connection-options.html#option_general_ssl-mode>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SslMode {
    Disabled,
    Preferred,
    Required,
    VerifyIdentity,
}

const MODES: &[(&str, Option<SslMode>)] = &[
    ("disabled", Some(SslMode::Disabled)),
    ("preferred", Some(SslMode::Preferred)),
    ("required", Some(SslMode::Required)),
    ("verify-identity", Some(SslMode::VerifyIdentity)),
    // The driver cannot verify a certificate without its name.
    ("verify-ca", None),
];

/// Whose certificates are good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Roots {
    /// The operating system's.
    System,
    File(PathBuf),
}

/// What is said of TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ssl {
    pub(super) mode: SslMode,
    pub(super) roots: Roots,
    /// The client's certificate and its key.
    pub(super) identity: Option<(PathBuf, PathBuf)>,
}

/// What insists on TLS where none is compiled in.
pub(super) fn without_tls(words: Words<'_>, place: &Place, ssl: &Ssl) -> Result<(), ConnInfoError> {
    // A socket is never encrypted, whatever is said.
    let is_refused = cfg!(not(feature = "tls"))
        && matches!(place, Place::Tcp { .. })
        && matches!(ssl.mode, SslMode::Required | SslMode::VerifyIdentity);
    if !is_refused {
        return Ok(());
    }
    let word = if words.text("ssl-mode").is_some() { "ssl-mode" } else { "ssl-ca" };
    Err(ConnInfoError::NoTls { what: words.what(word) })
}

impl Ssl {
    pub(super) fn of(words: Words<'_>) -> Result<Self, ConnInfoError> {
        let legal = "DISABLED, PREFERRED, REQUIRED, VERIFY_IDENTITY";
        let mode = match choice(words, "ssl-mode", MODES, legal)? {
            Some(Some(mode)) => mode,
            Some(None) => {
                return Err(ConnInfoError::Unsupported {
                    what: format!("{}=VERIFY_CA", words.what("ssl-mode")),
                    why: "the driver verifies a certificate with the host's name or not at all: \
                          ssl-mode=VERIFY_IDENTITY does both",
                });
            }
            // Whoever names an authority wants it to be asked. MySQL's own tools would go as far as VERIFY_CA.
            None if words.text("ssl-ca").is_some() => SslMode::VerifyIdentity,
            None => SslMode::Preferred,
        };
        let roots = match words.text("ssl-ca") {
            None | Some(SYSTEM) => Roots::System,
            Some(file) => Roots::File(file.into()),
        };
        let identity = match (words.text("ssl-cert"), words.text("ssl-key")) {
            (None, None) => None,
            (Some(cert), Some(key)) => Some((cert.into(), key.into())),
            _ => return Err(ConnInfoError::Identity),
        };
        Ok(Self { mode, roots, identity })
    }
}

/// Only what everything is sent in.
pub(super) fn charset(words: Words<'_>) -> Result<(), ConnInfoError> {
    match words.text("charset") {
        None => Ok(()),
        Some(text) if ["utf8mb4", "utf8", "utf-8", "utf8mb3"].iter().any(|utf8| text.eq_ignore_ascii_case(utf8)) => {
            Ok(())
        }
        Some(text) => Err(ConnInfoError::Unsupported {
            what: format!("{}={text}", words.what("charset")),
            why: "migrations are UTF-8, and are sent and stored as utf8mb4; what a table is in is said by its own \
                  CHARACTER SET",
        }),
    }
}

/// A word that is on or off.
pub(super) fn switch(words: Words<'_>, name: &'static str) -> Result<Option<bool>, ConnInfoError> {
    let values = [
        ("true", true),
        ("1", true),
        ("on", true),
        ("yes", true),
        ("false", false),
        ("0", false),
        ("off", false),
        ("no", false),
    ];
    choice(words, name, &values, "true, false")
}

/// The driver asks the server for its key wherever it needs it.
pub(super) fn public_key(words: Words<'_>) -> Result<(), ConnInfoError> {
    match switch(words, "get-server-public-key")? {
        Some(false) => Err(ConnInfoError::Unsupported {
            what: format!("{}=false", words.what("get-server-public-key")),
            why: "the driver asks for the key where there is no TLS: ssl-mode=REQUIRED needs none",
        }),
        _ => Ok(()),
    }
}

/// Whether definitions are executed under identifiers that are chosen beforehand.
pub(super) fn explicit_gtid(words: Words<'_>, mariadb: bool) -> Result<bool, ConnInfoError> {
    let explicit = choice(words, "gtid", &[("explicit", true), ("automatic", false)], "explicit, automatic")?;
    if explicit == Some(true) && mariadb {
        return Err(ConnInfoError::Unsupported {
            what: format!("{}=explicit", words.what("gtid")),
            why: "identifiers of MariaDB prove nothing after a crash, and what became of a statement is found without them",
        });
    }
    Ok(explicit.unwrap_or(false))
}

fn choice<T: Copy>(
    words: Words<'_>,
    name: &'static str,
    values: &[(&str, T)],
    legal: &'static str,
) -> Result<Option<T>, ConnInfoError> {
    let Some(text) = words.text(name) else { return Ok(None) };
    let folded = text.to_ascii_lowercase().replace('_', "-");
    let found = values.iter().find(|(value, _)| *value == folded);
    found.map(|(_, value)| Some(*value)).ok_or_else(|| words.illegal(name, legal))
}
