//! One connection to the first address that will do, with or without TLS.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use migrate_core::backend::ServerError;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, DriverError, OptsBuilder, SslOpts};
use tokio::time::{Instant, sleep, timeout};

use super::cancel::{Cancel, Target};
use super::line::Line;
use super::problem::{PasswordOrigin, Problem, Tried, together};
use super::values::{Place, SslMode};
use super::{Link, Mysql, tls};
use migrate_core::backend::password::Secret;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
const APPLICATION: &str = "migrate";
/// The longest packet of the protocol, also what the servers' own tools can be told at most.
const LONGEST_PACKET: usize = 1 << 30;
/// After so long without a packet the system asks whether the server is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// What a pool would go by; there is none. Saying it spares a question.
const UNUSED_WAIT_TIMEOUT: usize = 28_800;
/// The same on every connection to one server, so that a statement is stopped where it runs.
pub(super) const IDENTITY: &str = "CONCAT_WS(':', @@hostname, @@port, @@server_id)";

/// Opens a connection; waits for a server that is starting.
pub(super) async fn open(to: &Mysql, database: Option<&str>) -> Result<Link, ServerError> {
    let began = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let problems = match once(to, database).await {
            Ok(link) => return Ok(link),
            Err(problems) => problems,
        };
        let may_pass =
            problems.iter().any(|problem| problem.starting) && problems.iter().all(|problem| !problem.is_final);
        let left = to.connect_wait.saturating_sub(began.elapsed());
        if !may_pass || left.is_zero() {
            let waited = Some(began.elapsed()).filter(|_| may_pass && !to.connect_wait.is_zero());
            return Err(together(problems, waited));
        }
        sleep(pause.min(left)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn once(to: &Mysql, database: Option<&str>) -> Result<Link, Vec<Problem>> {
    let attempt = Attempt::new(to, database).await.map_err(|problem| vec![problem])?;
    let mut problems = vec![];
    for address in attempt.addresses().await.map_err(|problem| vec![problem])? {
        match attempt.link(&address).await {
            Ok(link) => return Ok(link),
            Err(problem) => problems.push(problem),
        }
        if problems.last().is_some_and(|problem| problem.is_final) {
            break;
        }
    }
    Err(problems)
}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    Ip(IpAddr),
    Socket(PathBuf),
}

/// What is the same for all addresses.
pub(super) struct Attempt<'a> {
    to: &'a Mysql,
    database: Option<&'a str>,
    password: Option<Secret>,
    origin: PasswordOrigin,
    /// `None` where no connection will want it: sockets are never encrypted.
    ssl: Option<SslOpts>,
}

impl<'a> Attempt<'a> {
    pub(super) async fn new(to: &'a Mysql, database: Option<&'a str>) -> Result<Self, Problem> {
        let info = &to.info;
        let (password, origin) = match (&to.provider, &info.password) {
            (Some(provider), _) => {
                let asked = provider.ask().await.map_err(|error| {
                    Problem::new(format!("there is no password: {error}"), Some("see to what gives it")).last()
                })?;
                (Some(asked), PasswordOrigin::Provider)
            }
            (None, Some(password)) => {
                (Some(password.clone()), PasswordOrigin::Given(info.source("password").unwrap_or_default()))
            }
            (None, None) => (None, PasswordOrigin::None),
        };
        let wants_tls = matches!(info.place, Place::Tcp { .. }) && info.ssl.mode != SslMode::Disabled;
        let ssl = if wants_tls { tls::options(&info.ssl)? } else { None };
        Ok(Self { to, database, password, origin, ssl })
    }

    async fn addresses(&self) -> Result<Vec<Address>, Problem> {
        let (host, port) = match &self.to.info.place {
            Place::Socket(path) if cfg!(unix) => return Ok(vec![Address::Socket(path.clone())]),
            Place::Socket(path) => {
                let message = format!("there are no sockets like {} on this system", path.display());
                return Err(Problem::new(message, Some("name a host")).last());
            }
            Place::Tcp { host, port } => (host.as_str(), *port),
        };
        if let Ok(address) = host.parse() {
            return Ok(vec![Address::Ip(address)]);
        }
        let looking = tokio::net::lookup_host((host, port));
        let found = match self.to.info.connect_timeout {
            None => looking.await,
            Some(patience) => match timeout(patience, looking).await {
                Ok(found) => found,
                Err(_) => return Err(Problem::no_answer(&format!("the name server, asked for {host},"), patience)),
            },
        };
        let mut addresses: Vec<Address> = vec![];
        for found in found.map_err(|error| Problem::unknown_host(host, &error))? {
            let address = Address::Ip(found.ip());
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        Ok(addresses)
    }

    async fn link(&self, address: &Address) -> Result<Link, Problem> {
        let place = self.place(address);
        let linking = async {
            let conn = self.connect(address).await?;
            let tried = self.tried(&place, conn.opts().ssl_opts().is_some());
            self.greet(conn, address, tried).await
        };
        match self.to.info.connect_timeout {
            None => linking.await,
            Some(patience) => match timeout(patience, linking).await {
                Ok(linked) => linked,
                Err(_) => Err(Problem::no_answer(&place, patience)),
            },
        }
    }

    /// With TLS, and without it as far as `ssl-mode` leaves the choice.
    pub(super) async fn connect(&self, address: &Address) -> Result<Line, Problem> {
        let place = self.place(address);
        if let Some(ssl) = self.ssl.as_ref().filter(|_| matches!(address, Address::Ip(_))) {
            let opts = self.opts(address, true).ssl_opts(ssl.clone());
            match Conn::new(opts).await {
                Ok(conn) => return Ok(Line::new(conn)),
                // The server says so before anything was sent.
                Err(mysql_async::Error::Driver(DriverError::NoClientSslFlagFromServer))
                    if self.to.info.ssl.mode == SslMode::Preferred => {}
                Err(error) => return Err(Problem::explain(&error, self.tried(&place, true))),
            }
        }
        let is_far = matches!(address, Address::Ip(ip) if !ip.to_canonical().is_loopback());
        let is_safe = matches!(address, Address::Socket(_));
        if is_far && self.password.is_some() && !self.to.allow_plain_password {
            return Err(Problem::plain_password(&place, self.to.info.ssl.mode));
        }
        let conn = Conn::new(self.opts(address, is_safe)).await;
        conn.map(Line::new).map_err(|error| Problem::explain(&error, self.tried(&place, false)))
    }

    fn opts(&self, address: &Address, is_safe: bool) -> OptsBuilder {
        let info = &self.to.info;
        let mut opts = OptsBuilder::default()
            .user(info.user())
            .pass(self.password.as_ref().map(Secret::reveal))
            .db_name(self.database)
            .enable_cleartext_plugin(info.cleartext && is_safe)
            .client_found_rows(true)
            .stmt_cache_size(0)
            .prefer_socket(false)
            .tcp_nodelay(true)
            .tcp_keepalive(Some(KEEPALIVE))
            .max_allowed_packet(Some(LONGEST_PACKET))
            .wait_timeout(Some(UNUSED_WAIT_TIMEOUT))
            .connect_attribute("program_name", APPLICATION)
            .local_infile_handler(Some(self.to.files.clone()));
        match (address, &info.place) {
            (Address::Socket(path), _) => opts = opts.socket(Some(path.to_string_lossy())),
            (Address::Ip(ip), Place::Tcp { host, port }) => {
                opts = opts.ip_or_hostname(host).tcp_port(*port).resolved_ips(Some(vec![*ip]));
            }
            (Address::Ip(ip), Place::Socket(_)) => opts = opts.ip_or_hostname(ip.to_string()),
        }
        opts
    }

    /// Makes a connection one that everything else can rely on.
    async fn greet(&self, mut conn: Line, address: &Address, tried: Tried<'_>) -> Result<Link, Problem> {
        let explain = |error: mysql_async::Error| Problem::explain(&error, tried);
        // The handshake asked for the same names, and a server can be told not to listen to it.
        let question = format!("SET NAMES utf8mb4;\nSELECT VERSION(), CONNECTION_ID(), {IDENTITY}");
        let mut result = conn.query_iter(question).await.map_err(explain)?;
        let mut answers: Vec<(String, u64, String)> = Vec::new();
        for _ in 0..2 {
            answers.extend(result.collect().await.map_err(explain)?);
        }
        result.drop_result().await.map_err(explain)?;
        let Some((version, id, server)) = answers.pop() else {
            return Err(Problem::new(format!("{} does not say what it is", tried.place), None).last());
        };
        if self.to.is_mariadb() && !version.to_ascii_lowercase().contains("mariadb") {
            let message = format!("{} is MySQL {version}, and the URL says mariadb://", tried.place);
            return Err(Problem::new(message, Some("write mysql:// instead")).last());
        }
        let target = Target { address: address.clone(), id, server };
        let canceller = Cancel::new(self.to.clone(), target, tried.place.to_owned());
        Ok(Link { conn, canceller })
    }

    pub(super) fn tried<'t>(&'t self, place: &'t str, encrypted: bool) -> Tried<'t> {
        Tried { place, ssl: &self.to.info.ssl, encrypted, password: &self.origin }
    }

    /// `db.example:3306`, with the address behind it; the path of a socket.
    pub(super) fn place(&self, address: &Address) -> String {
        match (address, &self.to.info.place) {
            (Address::Socket(path), _) => path.display().to_string(),
            (Address::Ip(IpAddr::V6(ip)), Place::Tcp { host, port }) if host.contains(':') => format!("[{ip}]:{port}"),
            (Address::Ip(ip), Place::Tcp { host, port }) if *host == ip.to_string() => format!("{host}:{port}"),
            (Address::Ip(ip), Place::Tcp { host, port }) => format!("{host}:{port} ({ip})"),
            (Address::Ip(ip), Place::Socket(_)) => ip.to_string(),
        }
    }
}

/// With TLS or without: in between nothing is asked for cryptography, and nothing is sent.
#[cfg(test)]
#[cfg(any(not(feature = "tls"), feature = "aws-lc-rs", feature = "ring"))]
mod tests;
