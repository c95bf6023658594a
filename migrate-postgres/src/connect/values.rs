//! What the values of a connection string mean.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::config::{ChannelBinding, SslNegotiation};

use super::conninfo::{ConnInfoError, Words};

const PORT: u16 = 5432;
/// What stands for the certificates of the operating system.
pub(super) const SYSTEM: &str = "system";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// One server that may be the right one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) name: HostName,
    /// Where it is, so that its name needs no looking up.
    pub(super) address: Option<IpAddr>,
    pub(super) port: u16,
}

impl Host {
    /// Whether it is reached by a socket of this machine, which is never encrypted.
    pub(super) fn is_socket(&self) -> bool {
        matches!(self.name, HostName::Unix(_)) || (cfg!(unix) && matches!(self.name, HostName::Default))
    }
}

/// How a server is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum HostName {
    /// Nobody says: the sockets of this machine.
    Default,
    /// By its address alone.
    Address(IpAddr),
    Tcp(String),
    /// By the folder of its socket.
    Unix(PathBuf),
}

/// When a silent server counts as dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Keepalive {
    pub(super) on: bool,
    pub(super) idle: Duration,
    pub(super) interval: Duration,
    pub(super) count: u32,
    /// The operating system's where it is `None`.
    pub(super) user_timeout: Option<Duration>,
}

/// How far TLS is insisted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SslMode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// Whose signature makes a server's certificate good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Roots {
    /// Those of the operating system.
    System,
    File(PathBuf),
}

/// Everything about TLS.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "TLS alone reads all of it"))]
pub(super) struct Ssl {
    pub(super) mode: SslMode,
    pub(super) negotiation: SslNegotiation,
    pub(super) roots: Option<Roots>,
    /// The client's certificate and its key.
    pub(super) identity: Option<(PathBuf, PathBuf)>,
    pub(super) revoked: Option<PathBuf>,
    pub(super) sni: bool,
    pub(super) versions: Vec<TlsVersion>,
}

/// A version that is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TlsVersion {
    Tls12,
    Tls13,
}

/// What a server must be for us to stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

pub(super) fn hosts(words: Words<'_>) -> Result<Vec<Host>, ConnInfoError> {
    let list = |name| words.text(name).map(|text| text.split(',').map(str::trim).collect::<Vec<_>>());
    let (names, addresses) = (list("host"), list("hostaddr"));
    let count = addresses.as_ref().or(names.as_ref()).map_or(1, Vec::len);
    let ports = list("port").unwrap_or_else(|| vec![""]);
    if let Some(names) = names.as_ref().map(Vec::len).filter(|names| *names != count) {
        return Err(ConnInfoError::Addresses { names, addresses: count });
    }
    if ports.len() != count && ports.len() != 1 {
        return Err(ConnInfoError::Ports { hosts: count, ports: ports.len() });
    }
    (0..count)
        .map(|index| {
            let address = match addresses.as_ref().map_or("", |list| list[index]) {
                "" => None,
                text => Some(text.parse().map_err(|_| words.illegal("hostaddr", "an IP address, or a list of them"))?),
            };
            let name = match (names.as_ref().map_or("", |list| list[index]), address) {
                ("", None) => HostName::Default,
                ("", Some(address)) => HostName::Address(address),
                (text, None) if text.starts_with('/') => HostName::Unix(PathBuf::from(text)),
                (text, _) if text.starts_with(['@', '/']) => {
                    let why = "a socket is named by its folder, and has no address";
                    return Err(ConnInfoError::Unsupported { what: words.what("host"), why });
                }
                (text, None) => match text.parse() {
                    Ok(address) => HostName::Address(address),
                    Err(_) => HostName::Tcp(text.to_owned()),
                },
                (text, Some(_)) => HostName::Tcp(text.to_owned()),
            };
            let port = match ports.get(index).or(ports.first()).copied().unwrap_or_default() {
                "" => PORT,
                text => {
                    let port = text.parse().ok().filter(|port| *port != 0);
                    port.ok_or_else(|| ConnInfoError::Port { what: words.what("port") })?
                }
            };
            Ok(Host { name, address, port })
        })
        .collect()
}

fn number(words: Words<'_>, name: &'static str) -> Result<Option<i64>, ConnInfoError> {
    let Some(text) = words.text(name) else { return Ok(None) };
    text.trim().parse().map(Some).map_err(|_| words.illegal(name, "a whole number"))
}

fn choice<T: Copy>(
    words: Words<'_>,
    name: &'static str,
    values: &[(&str, T)],
    legal: &'static str,
) -> Result<Option<T>, ConnInfoError> {
    let Some(text) = words.text(name) else { return Ok(None) };
    let found = values.iter().find(|(value, _)| *value == text).map(|(_, meaning)| *meaning);
    found.map(Some).ok_or_else(|| words.illegal(name, legal))
}

/// A time in which nothing positive is no limit.
fn time(number: Option<i64>, unit: Duration, default: Duration) -> Option<Duration> {
    match number {
        None => Some(default),
        Some(number) => {
            let number = u32::try_from(number).ok().filter(|number| *number > 0)?;
            Some(unit.saturating_mul(number))
        }
    }
}

pub(super) fn connect_timeout(words: Words<'_>) -> Result<Option<Duration>, ConnInfoError> {
    Ok(time(number(words, "connect_timeout")?, Duration::from_secs(1), CONNECT_TIMEOUT))
}

pub(super) fn channel_binding(words: Words<'_>) -> Result<ChannelBinding, ConnInfoError> {
    let values = [
        ("disable", ChannelBinding::Disable),
        ("prefer", ChannelBinding::Prefer),
        ("require", ChannelBinding::Require),
    ];
    Ok(choice(words, "channel_binding", &values, "disable, prefer, require")?.unwrap_or(ChannelBinding::Prefer))
}

pub(super) fn shuffled(words: Words<'_>) -> Result<bool, ConnInfoError> {
    let values = [("disable", false), ("random", true)];
    Ok(choice(words, "load_balance_hosts", &values, "disable, random")?.unwrap_or(false))
}

pub(super) fn session_pooling(words: Words<'_>) -> Result<bool, ConnInfoError> {
    let values = [("session", true), ("transaction", false)];
    Ok(choice(words, "pool_mode", &values, "session, transaction")?.unwrap_or(false))
}

impl Wish {
    pub(super) fn of(words: Words<'_>) -> Result<Self, ConnInfoError> {
        let values = [
            ("any", Self::Any),
            ("read-write", Self::ReadWrite),
            ("read-only", Self::ReadOnly),
            ("primary", Self::Primary),
            ("standby", Self::Standby),
            ("prefer-standby", Self::PreferStandby),
        ];
        let legal = "any, read-write, read-only, primary, standby, prefer-standby";
        Ok(choice(words, "target_session_attrs", &values, legal)?.unwrap_or(Self::Any))
    }
}

impl Keepalive {
    pub(super) fn of(words: Words<'_>) -> Result<Self, ConnInfoError> {
        let seconds = |name, default| -> Result<Duration, ConnInfoError> {
            let default = Duration::from_secs(default);
            Ok(time(number(words, name)?, Duration::from_secs(1), default).unwrap_or(default))
        };
        let count = number(words, "keepalives_count")?.and_then(|count| u32::try_from(count).ok());
        let timeout = number(words, "tcp_user_timeout")?;
        Ok(Self {
            on: choice(words, "keepalives", &[("1", true), ("0", false)], "0, 1")?.unwrap_or(true),
            idle: seconds("keepalives_idle", 30)?,
            interval: seconds("keepalives_interval", 10)?,
            count: count.filter(|count| *count > 0).unwrap_or(3),
            user_timeout: time(timeout, Duration::from_millis(1), Duration::from_secs(60)),
        })
    }
}

/// What insists on TLS where none is compiled in.
pub(super) fn without_tls(words: Words<'_>, hosts: &[Host], ssl: &Ssl) -> Result<(), ConnInfoError> {
    if cfg!(feature = "tls") || hosts.iter().all(Host::is_socket) {
        return Ok(());
    }
    let what = if ssl.mode >= SslMode::Require && words.text("sslmode").is_some() {
        words.what("sslmode")
    } else if ssl.mode >= SslMode::Require {
        words.what("sslrootcert")
    } else if words.text("channel_binding") == Some("require") {
        words.what("channel_binding")
    } else {
        return Ok(());
    };
    Err(ConnInfoError::NoTls { what })
}

impl Ssl {
    pub(super) fn of(words: Words<'_>) -> Result<Self, ConnInfoError> {
        let modes = [
            ("disable", SslMode::Disable),
            ("allow", SslMode::Allow),
            ("prefer", SslMode::Prefer),
            ("require", SslMode::Require),
            ("verify-ca", SslMode::VerifyCa),
            ("verify-full", SslMode::VerifyFull),
        ];
        let legal = "disable, allow, prefer, require, verify-ca, verify-full";
        let roots = words.text("sslrootcert").map(|path| match path {
            SYSTEM => Roots::System,
            path => Roots::File(PathBuf::from(path)),
        });
        let conflict = |one, other, why| Err(ConnInfoError::Conflict { one, other, why });
        let is_system = roots == Some(Roots::System);
        let default = if is_system { SslMode::VerifyFull } else { SslMode::Prefer };
        let mode = choice(words, "sslmode", &modes, legal)?.unwrap_or(default);
        if is_system && !matches!(mode, SslMode::Disable | SslMode::VerifyFull) {
            let why = "anybody has a certificate of a public authority: sslmode=verify-full";
            return conflict("sslmode", "sslrootcert", why);
        }
        let negotiations = [("postgres", SslNegotiation::Postgres), ("direct", SslNegotiation::Direct)];
        let negotiation = choice(words, "sslnegotiation", &negotiations, "postgres, direct")?;
        let negotiation = negotiation.unwrap_or(SslNegotiation::Postgres);
        if negotiation == SslNegotiation::Direct && mode < SslMode::Require {
            return conflict("sslnegotiation", "sslmode", "only sslmode=require and stronger begin with TLS");
        }
        let shown = choice(words, "sslcertmode", &[("disable", false), ("allow", true)], "disable, allow")?;
        let identity = match (words.text("sslcert"), words.text("sslkey")) {
            (Some(cert), Some(key)) => Some((PathBuf::from(cert), PathBuf::from(key))),
            (None, None) => None,
            _ => return Err(ConnInfoError::Identity),
        };
        Ok(Self {
            mode,
            negotiation,
            roots,
            identity: identity.filter(|_| shown.unwrap_or(true)),
            revoked: words.text("sslcrl").map(PathBuf::from),
            sni: choice(words, "sslsni", &[("1", true), ("0", false)], "0, 1")?.unwrap_or(true),
            versions: versions(words)?,
        })
    }
}

fn versions(words: Words<'_>) -> Result<Vec<TlsVersion>, ConnInfoError> {
    let values = [("TLSv1", 0), ("TLSv1.1", 1), ("TLSv1.2", 2), ("TLSv1.3", 3)];
    // Older ones are not spoken, so they are fine for a lower end and nothing for an upper one.
    let least = choice(words, "ssl_min_protocol_version", &values, "TLSv1, TLSv1.1, TLSv1.2, TLSv1.3")?;
    let most = choice(words, "ssl_max_protocol_version", &values[2..], "TLSv1.2, TLSv1.3")?;
    let range = least.unwrap_or(0)..=most.unwrap_or(3);
    let spoken = [(2, TlsVersion::Tls12), (3, TlsVersion::Tls13)];
    let versions: Vec<_> =
        spoken.into_iter().filter(|(number, _)| range.contains(number)).map(|(_, version)| version).collect();
    if versions.is_empty() {
        let (one, other) = ("ssl_min_protocol_version", "ssl_max_protocol_version");
        return Err(ConnInfoError::Conflict { one, other, why: "no version of TLS is left" });
    }
    Ok(versions)
}
