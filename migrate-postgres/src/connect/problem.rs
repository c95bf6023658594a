//! Why a connection could not be made: what, where, and what to do next.

use std::error::Error as StdError;
use std::io::{self, ErrorKind};
use std::time::Duration;

use migrate_core::backend::{Fault, ServerError};
use migrate_core::error::seconds;
use tokio_postgres::error::DbError;

use super::tls;
use super::values::Ssl;
use crate::error::{chain, refusal};

const WAIT: &str = "--connect-wait 1m waits for a server that is starting";

/// Why one server cannot be used.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub(super) error: ServerError,
    /// It may pass by itself: the server is starting.
    pub(super) starting: bool,
    /// The other servers would say the same, or must not be asked.
    pub(super) is_final: bool,
    /// It may be different with TLS, or without it.
    pub(super) is_encryption: bool,
}

/// Where a password came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PasswordOrigin {
    /// There is none; this is why a file was not read.
    None(Option<String>),
    /// The connection string, a service, `PGPASSWORD`.
    Given,
    Provider,
    File(String),
}

/// What was tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tried<'a> {
    /// `db.example:5432`, or the path of a socket.
    pub(super) place: &'a str,
    #[cfg_attr(not(feature = "tls"), expect(dead_code, reason = "TLS alone reads all of it"))]
    pub(super) ssl: &'a Ssl,
    /// With TLS, or at least the offer of it.
    pub(super) encrypted: bool,
    pub(super) password: &'a PasswordOrigin,
}

impl Problem {
    pub(super) fn new(message: impl Into<String>, hint: Option<&str>) -> Self {
        let mut error = ServerError::new(Fault::Connect, message);
        error.hint = hint.map(str::to_owned);
        Self { error, starting: false, is_final: false, is_encryption: false }
    }

    fn starting(self) -> Self {
        Self { starting: true, ..self }
    }

    pub(super) fn last(self) -> Self {
        Self { is_final: true, ..self }
    }

    pub(super) fn encryption(self) -> Self {
        Self { is_encryption: true, ..self }
    }

    /// A name that nobody knows. In a set of containers it may be known as soon as its server starts.
    pub(super) fn unknown_host(host: &str, error: &io::Error) -> Self {
        Self::new(format!("the host {host} is unknown: {error}"), Some("check its name")).starting()
    }

    pub(super) fn no_answer(place: &str, waited: Duration) -> Self {
        let hint = "check the address and the firewall between; connect_timeout=SECONDS waits longer";
        Self::new(format!("{place} did not answer within {}", seconds(waited)), Some(hint))
    }

    /// It answered, and is not what `target_session_attrs` asks for.
    pub(super) fn unsuitable(place: &str, why: &str) -> Self {
        Self::new(format!("{place} {why}"), None)
    }

    /// What the driver said.
    pub(super) fn explain(error: &tokio_postgres::Error, tried: Tried<'_>) -> Self {
        let place = tried.place;
        if let Some(refused) = error.as_db_error() {
            return said_no(refused, tried);
        }
        if let Some(problem) = causes(error).find_map(|cause| tls::explain(cause, tried)) {
            return problem;
        }
        if let Some(cause) = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>())
            && let Some(problem) = no_socket(cause, place)
        {
            return problem;
        }
        let text = chain(error);
        let has = |part: &str| text.contains(part);
        if has("password missing") {
            return no_password(tried);
        }
        if has("server does not support TLS") {
            let hint = "switch it on there (ssl = on), or connect without: sslmode=disable";
            return Self::new(format!("{place} offers no TLS, and sslmode asks for it"), Some(hint)).encryption();
        }
        if has("did not use channel binding") {
            let hint = "it needs TLS and a password kept as SCRAM-SHA-256; or do without: channel_binding=prefer";
            return Self::new(format!("{place} did not use channel binding, which is required"), Some(hint)).last();
        }
        if has("unsupported authentication method") || has("unsupported SASL mechanism") {
            let hint =
                "let this user in with scram-sha-256, md5, password or a certificate in the server's pg_hba.conf";
            return Self::new(format!("{place} asks for a kind of login that is not spoken here"), Some(hint)).last();
        }
        if error.is_closed() {
            return Self::new(format!("{place} closed the connection before it answered"), Some(WAIT)).starting();
        }
        Self::new(format!("{place}: {text}"), None)
    }
}

/// The error and what is behind it, with what an I/O error only wraps.
fn causes(error: &tokio_postgres::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
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
            Problem::new(format!("no server listens on {place}"), Some("start it, or name a host")).starting()
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
        ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
            // A container's proxy listens before the server behind it does.
            Problem::new(format!("{place} closed the connection before it answered"), Some(WAIT)).starting()
        }
        _ => return None,
    };
    Some(problem)
}

fn no_password(tried: Tried<'_>) -> Problem {
    let mut hint = "give it one: PGPASSWORD, a line in ~/.pgpass, --password-file or --password-command".to_owned();
    if let PasswordOrigin::None(Some(ignored)) = tried.password {
        hint = format!("{ignored}; or {hint}");
    }
    Problem::new(format!("{} asks for a password, and there is none", tried.place), Some(&hint)).last()
}

fn said_no(refused: &DbError, tried: Tried<'_>) -> Problem {
    let mut error = refusal(refused);
    let place = tried.place;
    error.message = format!("{place}: {}", error.message);
    error.fault = Fault::Connect;
    let mut problem = Problem { error, starting: false, is_final: true, is_encryption: false };
    let message = refused.message();
    let hint = match refused.code().code() {
        "28P01" => Some(match tried.password {
            PasswordOrigin::File(path) => format!("correct the password in {path}"),
            PasswordOrigin::Provider => "check the user, and what the password file or command gives".to_owned(),
            _ => "check the user and the password".to_owned(),
        }),
        "28000" => {
            problem.is_encryption = true;
            Some(match message {
                _ if message.contains("pg_hba.conf") && !tried.encrypted => {
                    "add a line for it to the server's pg_hba.conf; where only TLS is let in: sslmode=require"
                        .to_owned()
                }
                _ if message.contains("pg_hba.conf") => {
                    "add a line for it to the server's pg_hba.conf, or check host, user and database".to_owned()
                }
                _ if message.contains("certificate") => {
                    "name a certificate that the server knows: sslcert=FILE and sslkey=FILE".to_owned()
                }
                _ => {
                    "check the user: the URL names it, or PGUSER, or else it is that of the operating system".to_owned()
                }
            })
        }
        "3D000" => {
            problem.error.fault = Fault::NoDatabase;
            None
        }
        "57P03" => {
            problem.starting = true;
            problem.is_final = false;
            Some(WAIT.to_owned())
        }
        "53300" => Some("close some connections, or raise max_connections on the server".to_owned()),
        "08P01" if message.contains("startup parameter") => {
            Some("a pooler says so: connect past it with --direct-url, or let it ignore the parameter".to_owned())
        }
        _ => None,
    };
    problem.error.hint = hint.or(problem.error.hint);
    problem
}

/// What to say of all servers together.
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
        return ServerError::new(Fault::Connect, "no server is named");
    };
    let mut error = if messages.len() < 2 {
        last.error
    } else if last.is_final {
        let before = messages[..messages.len() - 1].join("; ");
        let mut error = last.error;
        let detail = format!("before it: {before}");
        error.detail = Some(error.detail.map_or(detail.clone(), |own| format!("{own}; {detail}")));
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
