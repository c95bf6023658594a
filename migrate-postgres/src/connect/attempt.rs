//! One connection to the first server that will do: over the hosts, their addresses, and with or without TLS.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::StreamExt as _;
use migrate_core::backend::{Notice, ServerError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::{AsyncMessage, Client, Config, Connection, SimpleQueryMessage, Socket};

use super::cancel::Cancel;
use super::password::Wanted;
use super::problem::{PasswordOrigin, Problem, Tried, together};
use super::values::{Host, HostName, SslMode, Wish};
use super::{Link, Postgres, tls::Opening};
use migrate_core::backend::password::Secret;

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Where servers put their sockets: Debian's packages, and PostgreSQL itself.
#[cfg(unix)]
const SOCKETS: [&str; 2] = ["/var/run/postgresql", "/tmp"];
const APPLICATION: &str = "migrate";

/// Opens a connection; waits for a server that is starting.
pub(super) async fn open(to: &Postgres) -> Result<Link, ServerError> {
    let began = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let problems = match once(to).await {
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

async fn once(to: &Postgres) -> Result<Link, Vec<Problem>> {
    let info = &to.info;
    if let Some(service) = info.unresolved_service() {
        let message = format!("the service {service} is named, and no service file was looked at");
        return Err(vec![Problem::new(message, None).last()]);
    }
    let provided = match &to.provider {
        None => None,
        Some(provider) => Some(provider.ask().await.map_err(|error| {
            vec![Problem::new(format!("there is no password: {error}"), Some("see to what gives it")).last()]
        })?),
    };
    let attempt = Attempt { to, provided, encrypted: encrypted(to).map_err(|problem| vec![problem])? };
    let passes = match info.wish {
        Wish::PreferStandby => vec![Wish::Standby, Wish::Any],
        wish => vec![wish],
    };
    let mut problems = vec![];
    for wish in passes {
        problems.clear();
        for host in shuffled(info.hosts.clone(), info.shuffled) {
            let addresses = match attempt.addresses(&host).await {
                Ok(addresses) => addresses,
                Err(problem) => {
                    problems.push(problem);
                    continue;
                }
            };
            for address in shuffled(addresses, info.shuffled) {
                match attempt.connect_in_time(&host, &address, wish).await {
                    Ok(link) => return Ok(link),
                    Err(problem) => problems.push(problem),
                }
                if problems.last().is_some_and(|problem| problem.is_final) {
                    return Err(problems);
                }
            }
        }
    }
    Err(problems)
}

/// `None` where no connection will want it: sockets are never encrypted.
fn encrypted(to: &Postgres) -> Result<Option<Opening>, Problem> {
    if to.info.ssl.mode == SslMode::Disable || to.info.hosts.iter().all(Host::is_socket) {
        return Ok(None);
    }
    Opening::encrypted(to)
}

/// In another order where one is wanted.
fn shuffled<T>(mut all: Vec<T>, wanted: bool) -> Vec<T> {
    if wanted {
        let random = RandomState::new();
        for end in (1..all.len()).rev() {
            let mut hasher = random.build_hasher();
            hasher.write_usize(end);
            let other = hasher.finish() % (end as u64 + 1);
            all.swap(end, usize::try_from(other).unwrap_or(end));
        }
    }
    all
}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Address {
    Ip(IpAddr),
    /// The folder of its socket.
    #[cfg_attr(not(unix), expect(dead_code, reason = "there are none"))]
    Socket(PathBuf),
}

/// What is the same for all servers.
struct Attempt<'a> {
    to: &'a Postgres,
    provided: Option<Secret>,
    encrypted: Option<Opening>,
}

impl Attempt<'_> {
    async fn addresses(&self, host: &Host) -> Result<Vec<Address>, Problem> {
        if let Some(address) = host.address {
            return Ok(vec![Address::Ip(address)]);
        }
        let name = match &host.name {
            HostName::Address(address) => return Ok(vec![Address::Ip(*address)]),
            #[cfg(unix)]
            HostName::Default => return Ok(SOCKETS.map(|folder| Address::Socket(folder.into())).into()),
            #[cfg(unix)]
            HostName::Unix(folder) => return Ok(vec![Address::Socket(folder.clone())]),
            #[cfg(not(unix))]
            HostName::Default => "localhost",
            #[cfg(not(unix))]
            HostName::Unix(folder) => {
                let message = format!("there are no sockets like {} on this system", folder.display());
                return Err(Problem::new(message, Some("name a host")));
            }
            HostName::Tcp(name) => name.as_str(),
        };
        let looking = tokio::net::lookup_host((name, host.port));
        let found = match self.to.info.connect_timeout {
            None => looking.await,
            Some(patience) => match timeout(patience, looking).await {
                Ok(found) => found,
                Err(_) => return Err(Problem::no_answer(&format!("the name server, asked for {name},"), patience)),
            },
        };
        let mut addresses: Vec<Address> = vec![];
        for found in found.map_err(|error| Problem::unknown_host(name, &error))? {
            let address = Address::Ip(found.ip());
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        Ok(addresses)
    }

    async fn connect_in_time(&self, host: &Host, address: &Address, wish: Wish) -> Result<Link, Problem> {
        let connecting = self.connect(host, address, wish);
        match self.to.info.connect_timeout {
            None => connecting.await,
            Some(patience) => match timeout(patience, connecting).await {
                Ok(connected) => connected,
                Err(_) => Err(Problem::no_answer(&place(host, address), patience)),
            },
        }
    }

    /// With TLS and without it, as far as `sslmode` leaves the choice.
    ///
    /// libpq tries the other way after any refusal; here only after one that is about it, so that a wrong password is
    /// sent once.
    async fn connect(&self, host: &Host, address: &Address, wish: Wish) -> Result<Link, Problem> {
        use tokio_postgres::config::SslMode as Driver;
        let modes: &[Driver] = match (address, self.to.info.ssl.mode) {
            (Address::Socket(_), _) | (_, SslMode::Disable) => &[Driver::Disable],
            _ if self.encrypted.is_none() => &[Driver::Disable],
            (_, SslMode::Allow) => &[Driver::Disable, Driver::Require],
            (_, SslMode::Prefer) => &[Driver::Prefer, Driver::Disable],
            (_, SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull) => &[Driver::Require],
        };
        let mut first: Option<Problem> = None;
        for mode in modes {
            let problem = match self.connect_so(host, address, *mode, wish).await {
                Ok(link) => return Ok(link),
                Err(problem) => problem,
            };
            if !problem.is_encryption {
                return Err(problem);
            }
            match &mut first {
                None => first = Some(problem),
                Some(first) if first.error.message != problem.error.message => {
                    let way = if *mode == Driver::Disable { "without TLS" } else { "with TLS" };
                    first.error.detail = Some(format!("{way}: {}", problem.error));
                }
                Some(_) => {}
            }
        }
        Err(first.unwrap_or_else(|| Problem::new("nothing was tried", None)))
    }

    async fn connect_so(
        &self,
        host: &Host,
        address: &Address,
        mode: tokio_postgres::config::SslMode,
        wish: Wish,
    ) -> Result<Link, Problem> {
        let info = &self.to.info;
        let place = place(host, address);
        let (password, origin) = self.password(host);
        let encrypted = mode != tokio_postgres::config::SslMode::Disable;
        let tried = Tried { place: &place, ssl: &info.ssl, encrypted, password: &origin };
        let mut config = self.config(host, address);
        config.ssl_mode(mode).ssl_negotiation(info.ssl.negotiation).channel_binding(info.channel_binding);
        if let Some(password) = password {
            config.password(password.reveal());
        }
        let opening = self.encrypted.clone().filter(|_| encrypted).unwrap_or(Opening::Plain);
        let connected = opening.connect(&config).await;
        let Driven { client, version, notices, driver } = connected.map_err(|error| Problem::explain(&error, tried))?;
        if let Some(why) = unsuitable(&client, wish).await.map_err(|error| Problem::explain(&error, tried))? {
            return Err(Problem::unsuitable(&place, why));
        }
        let canceller = Cancel::new(client.cancel_token(), opening, info.connect_timeout, place);
        Ok(Link { client, notices, version, canceller, driver })
    }

    fn config(&self, host: &Host, address: &Address) -> Config {
        let info = &self.to.info;
        let mut config = Config::new();
        let application = info.text("application_name").or(info.text("fallback_application_name"));
        config.application_name(application.unwrap_or(APPLICATION)).port(host.port);
        if let Some(user) = info.user() {
            config.user(user);
        }
        if let Some(name) = info.database() {
            config.dbname(name);
        }
        if let Some(options) = info.text("options") {
            config.options(options);
        }
        match (address, &host.name) {
            #[cfg(unix)]
            (Address::Socket(folder), _) => config.host_path(folder),
            #[cfg(not(unix))]
            (Address::Socket(_), _) => &mut config,
            (Address::Ip(ip), HostName::Tcp(name)) => config.host(name).hostaddr(*ip),
            (Address::Ip(ip), _) => config.host(ip.to_string()).hostaddr(*ip),
        };
        if let Some(patience) = info.connect_timeout {
            config.connect_timeout(patience);
        }
        let keepalive = &info.keepalive;
        config.keepalives(keepalive.on).keepalives_idle(keepalive.idle).keepalives_interval(keepalive.interval);
        config.keepalives_retries(keepalive.count);
        if let Some(limit) = keepalive.user_timeout {
            config.tcp_user_timeout(limit);
        }
        config
    }

    fn password(&self, host: &Host) -> (Option<Secret>, PasswordOrigin) {
        let info = &self.to.info;
        if let Some(password) = &self.provided {
            return (Some(password.clone()), PasswordOrigin::Provider);
        }
        if let Some(password) = &info.password {
            return (Some(password.clone()), PasswordOrigin::Given);
        }
        let Some(file) = self.to.password_file() else { return (None, PasswordOrigin::None(None)) };
        let user = info.user().unwrap_or_default();
        let name = match (&host.name, host.address) {
            (HostName::Tcp(name), _) => name.clone(),
            (HostName::Address(address), _) => address.to_string(),
            (HostName::Unix(folder), _) if !is_default(folder) => folder.display().to_string(),
            (HostName::Unix(_) | HostName::Default, _) => "localhost".to_owned(),
        };
        let database = info.database().unwrap_or(user);
        match file.look_up(Wanted { host: &name, port: host.port, database, user }) {
            Ok(Some(password)) => (Some(password), PasswordOrigin::File(file.shown())),
            Ok(None) => (None, PasswordOrigin::None(None)),
            Err(ignored) => (None, PasswordOrigin::None(Some(ignored))),
        }
    }
}

fn is_default(folder: &std::path::Path) -> bool {
    #[cfg(unix)]
    return SOCKETS.iter().any(|default| folder == std::path::Path::new(default));
    #[cfg(not(unix))]
    return folder.as_os_str().is_empty();
}

/// `db.example:5432`, with the address behind it where the name has several; the path of a socket.
fn place(host: &Host, address: &Address) -> String {
    match (address, &host.name) {
        (Address::Socket(folder), _) => folder.join(format!(".s.PGSQL.{}", host.port)).display().to_string(),
        (Address::Ip(ip), HostName::Tcp(name)) => format!("{name}:{} ({ip})", host.port),
        (Address::Ip(IpAddr::V6(ip)), _) => format!("[{ip}]:{}", host.port),
        (Address::Ip(ip), _) => format!("{ip}:{}", host.port),
    }
}

/// A connection that answers.
pub(super) struct Driven {
    client: Client,
    version: u32,
    notices: UnboundedReceiver<Notice>,
    driver: AbortHandle,
}

/// The task that a connection lives on; what the server remarks comes out.
pub(super) fn drive<T>(client: Client, mut connection: Connection<Socket, T>) -> Driven
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let version = connection.parameter("server_version").map_or(0, version_number);
    let (sender, notices) = unbounded_channel();
    let driver = tokio::spawn(async move {
        let mut messages = futures_util::stream::poll_fn(move |context| connection.poll_message(context));
        while let Some(Ok(message)) = messages.next().await {
            if let AsyncMessage::Notice(notice) = message {
                // The word itself is in the server's language.
                let level = notice.parsed_severity().map_or_else(|| notice.severity().to_owned(), |s| s.to_string());
                let notice = Notice { level, message: notice.message().to_owned() };
                // Nobody may be listening any more.
                let _ = sender.send(notice);
            }
        }
    });
    Driven { client, version, notices, driver: driver.abort_handle() }
}

/// What keeps a server from being what is wished for.
async fn unsuitable(client: &Client, wish: Wish) -> Result<Option<&'static str>, tokio_postgres::Error> {
    let (question, wanted, why) = match wish {
        Wish::Any | Wish::PreferStandby => return Ok(None),
        Wish::ReadWrite => ("SHOW transaction_read_only", "off", "is read-only, and target_session_attrs=read-write"),
        Wish::ReadOnly => ("SHOW transaction_read_only", "on", "is not read-only, and target_session_attrs=read-only"),
        Wish::Primary => {
            ("SELECT pg_catalog.pg_is_in_recovery()", "f", "is a standby, and target_session_attrs=primary")
        }
        Wish::Standby => {
            ("SELECT pg_catalog.pg_is_in_recovery()", "t", "is no standby, and target_session_attrs=standby")
        }
    };
    let answer = client.simple_query(question).await?;
    let suits =
        answer.iter().any(|message| matches!(message, SimpleQueryMessage::Row(row) if row.get(0) == Some(wanted)));
    Ok(Some(why).filter(|_| !suits))
}

/// `150018` of `15.18 (Debian 15.18-0+deb12u1)`, `160000` of `16beta1`, `90624` of `9.6.24`.
fn version_number(text: &str) -> u32 {
    let plain = text.find(|c: char| !c.is_ascii_digit() && c != '.').map_or(text, |end| &text[..end]);
    let mut parts = plain.split('.').map(|part| part.parse::<u32>().unwrap_or(0).min(9_999));
    let mut next = || parts.next().unwrap_or(0);
    match next() {
        old @ 0..10 => old * 10_000 + next().min(99) * 100 + next().min(99),
        major => major * 10_000 + next(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_counted_as_the_server_counts_them() {
        for (text, number) in [
            ("15.18 (Debian 15.18-0+deb12u1)", 150_018),
            ("17.0", 170_000),
            ("16beta1", 160_000),
            ("18devel", 180_000),
            ("9.6.24", 90_624),
            ("10.23", 100_023),
            ("", 0),
            ("CockroachDB", 0),
            ("99999999999.1", 100),
        ] {
            assert_eq!(version_number(text), number, "{text}");
        }
    }

    /// The code with which the first message to a server begins.
    fn first_code(parameters: &str) -> (ServerError, u32) {
        use std::io::Read as _;

        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let hearing = std::thread::spawn(move || {
            let mut first = [0; 8];
            listener.accept().unwrap().0.read_exact(&mut first).unwrap();
            u32::from_be_bytes(first[4..].try_into().unwrap())
        });
        let to = Postgres::from_url(&format!("postgres://u@127.0.0.1:{port}/d?{parameters}")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let error = runtime.block_on(to.open()).map(drop).unwrap_err();
        (error, hearing.join().unwrap())
    }

    /// <https://www.postgresql.org/docs/17/protocol-message-formats.html>: `SSLRequest` and `StartupMessage`.
    #[cfg(any(not(feature = "tls"), feature = "aws-lc-rs", feature = "ring"))]
    #[test]
    fn tls_is_offered_where_it_is_preferred_and_compiled_in() {
        let (ssl, startup) = (80_877_103, 196_608);
        let preferred = if cfg!(feature = "tls") { ssl } else { startup };
        for (parameters, code) in [("", preferred), ("sslmode=prefer", preferred), ("sslmode=disable", startup)] {
            let (error, heard) = first_code(parameters);
            assert_eq!(heard, code, "{parameters}: {error}");
        }
    }

    #[cfg(all(feature = "tls", not(any(feature = "aws-lc-rs", feature = "ring"))))]
    #[test]
    fn without_cryptography_there_is_no_tls_and_no_panic() {
        let (error, heard) = first_code("sslmode=disable");
        assert_eq!(heard, 196_608, "what is not encrypted needs none: {error}");
        let to = Postgres::from_url("postgres://u@127.0.0.1:1/d?sslmode=require").unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let error = runtime.block_on(to.open()).map(drop).unwrap_err();
        assert!(error.message.starts_with("there is no cryptography for TLS"), "{error:?}");
        let hint = error.hint.unwrap_or_default();
        assert!(hint.contains("the feature `ring` or `aws-lc-rs` of migrate-postgres"), "{hint}");
    }

    #[test]
    fn a_shuffle_keeps_everything_and_begins_anywhere() {
        let all: Vec<u8> = (0..5).collect();
        assert_eq!(shuffled(all.clone(), false), all);
        let mut firsts = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let mut other = shuffled(all.clone(), true);
            firsts.insert(other[0]);
            other.sort_unstable();
            assert_eq!(other, all);
        }
        assert_eq!(firsts.len(), all.len());
    }
}
