//! Why a connection could not be made: what, where, and what to do next.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};
use std::time::Duration;

use migrate_core::backend::{Fault, ServerError};
use migrate_core::error::seconds;
use mysql_async::DriverError;

use super::tls;
use super::values::{Ssl, SslMode};
use crate::error::{chain, refusal};

const WAIT: &str = "--connect-wait 1m waits for a server that is starting";
const OTHER_PROTOCOL: &str = "check that a MySQL or MariaDB server listens there; 33060 is for another protocol";

/// Why one server cannot be used.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub(super) error: ServerError,
    /// It may pass by itself: the server is starting.
    pub(super) starting: bool,
    /// The other addresses would say the same, or must not be asked.
    pub(super) is_final: bool,
}

/// Where a password came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PasswordOrigin {
    None,
    /// What gave it, as messages name it.
    Given(String),
    Provider,
}

/// What was tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tried<'a> {
    /// `db.example:3306`, or the path of a socket.
    pub(super) place: &'a str,
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "TLS alone reads all of it"))]
    pub(super) ssl: &'a Ssl,
    pub(super) encrypted: bool,
    pub(super) password: &'a PasswordOrigin,
}

impl Problem {
    pub(super) fn new(message: impl Into<String>, hint: Option<&str>) -> Self {
        let mut error = ServerError::new(Fault::Connect, message);
        error.hint = hint.map(str::to_owned);
        Self { error, starting: false, is_final: false }
    }

    fn starting(self) -> Self {
        Self { starting: true, ..self }
    }

    pub(super) fn last(self) -> Self {
        Self { is_final: true, ..self }
    }

    /// A name that nobody knows. In a set of containers it may be known as soon as its server starts.
    pub(super) fn unknown_host(host: &str, error: &io::Error) -> Self {
        Self::new(format!("the host {host} is unknown: {error}"), Some("check its name")).starting()
    }

    pub(super) fn no_answer(place: &str, waited: Duration) -> Self {
        let hint = "check the address, the port and the firewall between; connect-timeout=SECONDS waits longer";
        Self::new(format!("{place} did not answer within {}", seconds(waited)), Some(hint))
    }

    /// Nothing was sent.
    pub(super) fn plain_password(place: &str, mode: SslMode) -> Self {
        let (why, hint) = if cfg!(not(feature = "tls")) {
            (
                "none was compiled in",
                "switch the feature `tls` of migrate-mysql on; or, if the network is your own, allow-plain-password=true",
            )
        } else if mode == SslMode::Disabled {
            (
                "ssl-mode=DISABLED",
                "leave ssl-mode=DISABLED out; or, if the network is your own, allow-plain-password=true",
            )
        } else {
            ("the server has no TLS", "switch TLS on there; or, if the network is your own, allow-plain-password=true")
        };
        Self::new(format!("the password would go to {place} without TLS: {why}"), Some(hint)).last()
    }

    /// What the driver said.
    pub(super) fn explain(error: &mysql_async::Error, tried: Tried<'_>) -> Self {
        let place = tried.place;
        match error {
            mysql_async::Error::Server(refused) => return said_no(refused, tried),
            mysql_async::Error::Driver(problem) => return by_driver(problem, tried),
            _ => {}
        }
        if let Some(problem) = causes(error).find_map(|cause| tls::explain(cause, tried)) {
            return problem;
        }
        if let Some(cause) = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>())
            && let Some(problem) = no_socket(cause, place)
        {
            return problem;
        }
        Self::new(format!("{place}: {}", chain(error)), Some(OTHER_PROTOCOL))
    }
}

/// The error and what is behind it, with what an I/O error only wraps.
fn causes(error: &mysql_async::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    fn behind<'a>(cause: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
        match cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => cause.source(),
        }
    }
    std::iter::successors(error.source(), |cause| behind(*cause))
}

fn no_socket(error: &io::Error, place: &str) -> Option<Problem> {
    let is_path = place.starts_with('/');
    let problem = match error.kind() {
        ErrorKind::ConnectionRefused | ErrorKind::NotFound if is_path => {
            let hint = format!("start the server, or name its host or another socket=PATH; {WAIT}");
            Problem::new(format!("no server listens on {place}"), Some(&hint)).starting()
        }
        ErrorKind::ConnectionRefused => {
            let hint = format!("start the server, or check host and port; {WAIT}");
            Problem::new(format!("{place} refuses connections: no server listens there"), Some(&hint)).starting()
        }
        ErrorKind::PermissionDenied => {
            Problem::new(format!("{place} may not be opened by this user"), Some("check the permissions of its folder"))
        }
        ErrorKind::TimedOut | ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            Problem::new(format!("{place} cannot be reached: {error}"), Some("check the address and the network"))
        }
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => closed(place),
        _ => return None,
    };
    Some(problem)
}

/// A container's proxy listens before the server behind it does.
fn closed(place: &str) -> Problem {
    Problem::new(format!("{place} closed the connection before it answered"), Some(WAIT)).starting()
}

/// What came was not what the driver waited for.
fn by_driver(error: &DriverError, tried: Tried<'_>) -> Problem {
    let place = tried.place;
    match error {
        DriverError::ConnectionClosed => closed(place),
        DriverError::NoClientSslFlagFromServer => {
            let hint = "switch it on there, or connect without: ssl-mode=PREFERRED";
            Problem::new(format!("{place} offers no TLS, and ssl-mode asks for it"), Some(hint)).last()
        }
        DriverError::UnknownAuthPlugin { name } => {
            // MySQL asks for any kind of login of a user that there is not, so that nobody learns who there is.
            let hint = "check the user, as this is also said of one that there is not; or let it log in otherwise: \
                        ALTER USER … IDENTIFIED WITH caching_sha2_password BY '…', on MariaDB IDENTIFIED VIA ed25519 \
                        USING PASSWORD('…')";
            Problem::new(format!("{place} asks for a login by {name}, which is not spoken here"), Some(hint)).last()
        }
        DriverError::CleartextPluginDisabled => {
            let hint = if tried.encrypted || place.starts_with('/') {
                "if it may have it: enable-cleartext-plugin=true"
            } else {
                "it gets it only with TLS: ssl-mode=REQUIRED and enable-cleartext-plugin=true"
            };
            Problem::new(format!("{place} asks for the password itself, as LDAP and PAM want it"), Some(hint)).last()
        }
        DriverError::MysqlOldPasswordDisabled => {
            let hint = "set the password anew: what is stored of it is from before MySQL 4.1";
            Problem::new(format!("{place} asks for a login that is no longer safe"), Some(hint)).last()
        }
        other => {
            let text = other.to_string();
            Problem::new(format!("{place}: {}", text.trim_end_matches('.')), Some(OTHER_PROTOCOL))
        }
    }
}

fn said_no(refused: &mysql_async::ServerError, tried: Tried<'_>) -> Problem {
    let mut error = refusal(refused);
    error.message = format!("{}: {}", tried.place, error.message);
    error.fault = if refused.code == 1049 { Fault::NoDatabase } else { Fault::Connect };
    error.hint = advice(refused, tried);
    // A server that stops may be one that starts: that of a container does both at first. A node of a cluster joins it.
    let starting = matches!(refused.code, 1053 | 1047);
    Problem { error, starting, is_final: !starting }
}

fn advice(refused: &mysql_async::ServerError, tried: Tried<'_>) -> Option<String> {
    let message = &refused.message;
    let hint = match refused.code {
        1045 | 1698 => return Some(denied(refused, tried)),
        1044 => {
            let [account, name] = database_of(message)?;
            return Some(format!(
                "let somebody who may do it: GRANT ALL ON `{name}`.* TO {account}; the same is said of a database that \
                 there is not"
            ));
        }
        1040 => "close some connections, or raise max_connections on the server",
        1203 | 1226 => {
            "close some connections of this user, or raise its limit: ALTER USER … WITH MAX_USER_CONNECTIONS 0"
        }
        1129 => "somebody who may do it: FLUSH HOSTS, or on MySQL TRUNCATE performance_schema.host_cache",
        1130 => "no account is for this machine: CREATE USER 'name'@'host', where 'host' can be '%'",
        1251 | 1524 => "let the account log in otherwise: ALTER USER … IDENTIFIED WITH caching_sha2_password BY '…'",
        1862 | 1820 => {
            "the password has expired: log in with the server's own client, and ALTER USER USER() IDENTIFIED BY '…'"
        }
        3118 | 4151 => "somebody who may do it: ALTER USER … ACCOUNT UNLOCK",
        1053 | 1047 => WAIT,
        _ if message.contains("insecure transport") => "connect with TLS: ssl-mode=REQUIRED",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// What to do about a login that failed.
fn denied(refused: &mysql_async::ServerError, tried: Tried<'_>) -> String {
    let mut hint = match tried.password {
        PasswordOrigin::None => {
            "give it a password: MYSQL_PWD, password=… in ~/.my.cnf, --password-file or --password-command".to_owned()
        }
        PasswordOrigin::Provider => "check the user, and what the password file or command gives".to_owned(),
        PasswordOrigin::Given(from) => format!("check the user, and {from}"),
    };
    if refused.code == 1698 {
        hint += "; an account that logs in by the operating system's user does so over the server's socket, as that \
                 user: socket=PATH";
    } else if !tried.encrypted && !tried.place.starts_with('/') {
        hint += "; an account may also want TLS: ssl-mode=REQUIRED";
    }
    hint
}

/// The account as the server writes it, and the database, of `Access denied for user 'u'@'h' to database 'd'`.
fn database_of(message: &str) -> Option<[&str; 2]> {
    let (_, rest) = message.split_once("for user ")?;
    let (account, name) = rest.split_once(" to database '")?;
    Some([account, name.strip_suffix('\'')?])
}

/// What to say of all addresses together.
pub(super) fn together(problems: Vec<Problem>, waited: Option<Duration>) -> ServerError {
    let mut messages: Vec<String> = vec![];
    for problem in &problems {
        let message = problem.error.to_string();
        if !messages.contains(&message) {
            messages.push(message);
        }
    }
    let mut all = problems.into_iter();
    let Some(last) = all.next_back() else {
        return ServerError::new(Fault::Connect, "the host has no address");
    };
    let mut error = if messages.len() < 2 {
        last.error
    } else if last.is_final {
        let mut error = last.error;
        error.detail = Some(format!("before it: {}", messages[..messages.len() - 1].join("; ")));
        error
    } else {
        let mut error = ServerError::new(Fault::Connect, format!("no server can be used: {}", messages.join("; ")));
        error.hint = all.next().map_or(last.error.hint, |first| first.error.hint);
        error
    };
    if let Some(waited) = waited {
        error.detail = Some(format!("waited {} for it to start", seconds(waited)));
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(code: u16, message: &str, encrypted: bool, password: &PasswordOrigin) -> (Fault, String, String, bool) {
        let ssl = Ssl { mode: SslMode::Preferred, roots: super::super::values::Roots::System, identity: None };
        let refused = mysql_async::ServerError { code, message: message.to_owned(), state: "28000".to_owned() };
        let tried = Tried { place: "h:3306", ssl: &ssl, encrypted, password };
        let problem = Problem::explain(&mysql_async::Error::Server(refused), tried);
        let message = problem.error.to_string();
        (problem.error.fault, message, problem.error.hint.unwrap_or_default(), problem.starting)
    }

    #[test]
    fn a_refusal_says_what_next() {
        let given = &PasswordOrigin::Given("the variable MYSQL_PWD".to_owned());
        let denied = "Access denied for user 'u'@'h' (using password: YES)";
        for (code, message, encrypted, password, hint) in [
            (1045, denied, true, given, "check the user, and the variable MYSQL_PWD"),
            (1045, denied, false, given, "check the user, and the variable MYSQL_PWD; an account may also want TLS"),
            (1045, denied, true, &PasswordOrigin::Provider, "what the password file or command gives"),
            (1045, denied, true, &PasswordOrigin::None, "give it a password: MYSQL_PWD"),
            (1698, "Access denied for user 'u'@'h'", true, given, "over the server's socket, as that user"),
            (
                1044,
                "Access denied for user 'u'@'%' to database 'shop'",
                true,
                given,
                "let somebody who may do it: GRANT ALL ON `shop`.* TO 'u'@'%'; the same is said of",
            ),
            (1040, "Too many connections", true, given, "max_connections"),
            (3159, "Connections using insecure transport are prohibited …", false, given, "ssl-mode=REQUIRED"),
            (1053, "Server shutdown in progress", true, given, "--connect-wait"),
        ] {
            let (fault, shown, found, starting) = said(code, message, encrypted, password);
            assert_eq!((fault, shown), (Fault::Connect, format!("h:3306: {message} ({code})")));
            assert!(found.contains(hint), "{message}: {found}");
            assert_eq!(starting, code == 1053, "{message}");
        }
        assert_eq!(said(1049, "Unknown database 'd'", true, given).0, Fault::NoDatabase);
    }

    #[test]
    fn several_addresses_are_told_together() {
        let one = || Problem::new("[::1]:3306 refuses", Some("start it")).starting();
        let two = || Problem::new("127.0.0.1:3306 refuses", Some("never"));
        let both = together(vec![one(), two()], Some(Duration::from_secs(3)));
        assert_eq!(both.message, "no server can be used: [::1]:3306 refuses; 127.0.0.1:3306 refuses");
        assert_eq!(
            (both.hint.as_deref(), both.detail.as_deref()),
            (Some("start it"), Some("waited 3.0 s for it to start"))
        );
        let last = together(vec![one(), two().last()], None);
        assert_eq!(
            (last.message.as_str(), last.detail.as_deref()),
            ("127.0.0.1:3306 refuses", Some("before it: [::1]:3306 refuses"))
        );
        assert_eq!(together(vec![one(), one()], None).message, "[::1]:3306 refuses");
    }
}
