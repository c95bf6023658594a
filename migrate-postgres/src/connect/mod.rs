//! Where the database is, and how connections to it are opened.
//!
//! | module | holds |
//! |---|---|
//! | this one | [`Postgres`]: a database, and everything that connecting to it needs |
//! | [`conninfo`] | [`ConnInfo`]: connection strings, services, variables |
//! | `grammar`, `keyword`, `values` | how they are written, which words there are, what these mean |
//! | `service`, `password` | service files, password files and providers |
//! | `attempt` | the loop over hosts and addresses |
//! | `tls` | how a connection begins: what `sslmode` says, with rustls where it is compiled in |
//! | `problem` | why there is no connection: what, where, what next |
//! | `cancel` | stopping a statement on the server |
//! | `plain` | a stream for messages that are never sent |
//!
//! No secret is in an error, in `Debug` or in a label.

mod attempt;
mod cancel;
pub mod conninfo;
mod grammar;
mod keyword;
mod password;
pub(crate) mod plain;
mod problem;
mod service;
mod tls;
mod values;

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use migrate_core::backend::{Fault, Notice, ServerError};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::AbortHandle;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

pub(crate) use cancel::Cancel;
pub use conninfo::{ConnInfo, ConnInfoError};
use migrate_core::backend::password::Provider;
pub use migrate_core::backend::password::ProviderError;
use password::PasswordFile;
pub use service::ServiceFile;
use values::HostName;

use crate::error::server_error;

/// Databases that are there when another one is not.
const MAINTENANCE: [&str; 2] = ["postgres", "template1"];
/// From here on `DROP DATABASE` ends the connections of others.
const DROPS_WITH_FORCE: u32 = 130_000;

/// One PostgreSQL database. Cheap to clone.
///
/// ```
/// use std::time::Duration;
/// use migrate_postgres::Postgres;
///
/// let database = Postgres::from_url("postgres://deploy@db.example/shop?sslmode=verify-full&sslrootcert=system")?
///     .password_provider(|| async { Ok("a token that is valid for some minutes".to_owned()) })
///     .connect_wait(Duration::from_secs(60));
/// assert_eq!(database.label(), "postgres://deploy@db.example:5432/shop");
/// # Ok::<(), migrate_postgres::ConnInfoError>(())
/// ```
#[derive(Clone)]
pub struct Postgres {
    info: Arc<ConnInfo>,
    provider: Option<Provider>,
    password_text: Option<PasswordFile>,
    #[cfg(feature = "tls")]
    tls: Option<Arc<rustls::ClientConfig>>,
    connect_wait: Duration,
    session_pooling: bool,
    create_schema: bool,
}

/// An open connection, driven by a task of its own until `client` is dropped.
pub(crate) struct Link {
    pub(crate) client: Client,
    /// What the server remarked, in its order.
    pub(crate) notices: UnboundedReceiver<Notice>,
    /// As `server_version_num` counts: 150018 is 15.18.
    pub(crate) version: u32,
    /// What stops the running statement.
    pub(crate) canceller: Cancel,
    /// The task that drives it.
    pub(crate) driver: AbortHandle,
}

impl Postgres {
    /// From a URL or a list of keywords and values. Nothing is connected yet.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_url(url: &str) -> Result<Self, ConnInfoError> {
        ConnInfo::parse(url).map(Self::new)
    }

    /// From what was read already.
    pub fn new(info: ConnInfo) -> Self {
        Self {
            session_pooling: info.session_pooling,
            info: Arc::new(info),
            provider: None,
            password_text: None,
            #[cfg(feature = "tls")]
            tls: None,
            connect_wait: Duration::ZERO,
            create_schema: false,
        }
    }

    /// Who is asked for the password at every connect, before any other that is given: a cloud's tokens are valid for
    /// some minutes only. What answers at once returns [`std::future::ready`]. What its error says must hold no secret.
    pub fn password_provider<F, A>(self, ask: F) -> Self
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = Result<String, ProviderError>> + Send + 'static,
    {
        Self { provider: Some(Provider::new(ask)), ..self }
    }

    /// The text of a password file, in place of the one that `passfile` names.
    pub fn pgpass(self, text: impl Into<Arc<str>>) -> Self {
        Self { password_text: Some(PasswordFile::Text(text.into())), ..self }
    }

    /// TLS in place of what `sslrootcert`, `sslcert` and their kind would make of it. `sslmode` still says when it is
    /// used; what makes a certificate good is decided by this alone, and so is who does the cryptography.
    #[cfg(feature = "tls")]
    pub fn tls(self, config: rustls::ClientConfig) -> Self {
        Self { tls: Some(Arc::new(config)), ..self }
    }

    /// How long to try again while the server is starting: nobody listens, its name or socket is not there yet, it
    /// says so itself. Anything else, a wrong password for one, ends it at once. Zero, the default, does not wait.
    pub fn connect_wait(self, longest: Duration) -> Self {
        Self { connect_wait: longest, ..self }
    }

    /// Whether the pooler in front of the server hands out whole sessions, so that locks and settings of a session can
    /// be relied on behind it. `pool_mode=session` says the same.
    pub fn pools_sessions(self, session_pooling: bool) -> Self {
        Self { session_pooling, ..self }
    }

    /// Whether the history's schema is created where it is missing.
    pub fn create_schema(self, create_schema: bool) -> Self {
        Self { create_schema, ..self }
    }

    /// Whether [`pools_sessions`](Self::pools_sessions) was promised.
    pub fn session_pooling(&self) -> bool {
        self.session_pooling
    }

    /// Whether [`create_schema`](Self::create_schema) was asked for.
    pub fn creates_schema(&self) -> bool {
        self.create_schema
    }

    /// The name that the connection string gives this application.
    pub fn application_name(&self) -> Option<&str> {
        self.info.text("application_name")
    }

    /// The database's name, where the connection string says it; otherwise the server takes the user's.
    pub fn database(&self) -> Option<&str> {
        self.info.database().or(self.info.user())
    }

    /// What people call it, without secrets and parameters: `postgres://deploy@db.example:5432/shop`.
    pub fn label(&self) -> String {
        let mut label = "postgres://".to_owned();
        if let Some(user) = self.info.user() {
            let _ = write!(label, "{user}@");
        }
        let hosts = self.info.hosts.iter().map(|host| match (&host.name, host.address) {
            (HostName::Default, _) => String::new(),
            (HostName::Address(address), _) if address.is_ipv6() => format!("[{address}]:{}", host.port),
            (HostName::Address(address), _) => format!("{address}:{}", host.port),
            (HostName::Tcp(name), _) => format!("{name}:{}", host.port),
            (HostName::Unix(folder), _) => format!("{}:{}", folder.display(), host.port),
        });
        label.push_str(&hosts.collect::<Vec<_>>().join(","));
        if let Some(database) = self.database() {
            let _ = write!(label, "/{database}");
        }
        label
    }

    /// Another database of the same server, with the same credentials.
    pub fn with_database(&self, database: &str) -> Self {
        Self { info: Arc::new(self.info.with_database(database)), ..self.clone() }
    }

    fn password_file(&self) -> Option<PasswordFile> {
        self.password_text.clone().or_else(|| self.info.passfile().map(PasswordFile::Path))
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// With [`Fault::NoDatabase`] where the server has no such database, else [`Fault::Connect`].
    pub(crate) async fn open(&self) -> Result<Link, ServerError> {
        attempt::open(self).await
    }

    /// Creates an empty database; `false` if it is there.
    ///
    /// # Errors
    /// If no server can be reached, or it does not let this user.
    pub async fn create_database(&self) -> Result<bool, ServerError> {
        match self.open().await {
            Ok(_) => return Ok(false),
            Err(error) if error.fault == Fault::NoDatabase => {}
            Err(error) => return Err(error),
        }
        let (name, link) = self.maintenance().await?;
        match link.client.batch_execute(&format!("CREATE DATABASE {}", quoted(name))).await {
            Ok(()) => Ok(true),
            // Somebody was faster.
            Err(error) if matches!(error.code().map(SqlState::code), Some("42P04" | "23505")) => Ok(false),
            Err(error) => {
                let mut refused = server_error(&error);
                refused.message = format!("the database {name} cannot be created: {}", refused.message);
                if let (Some("42501"), Some(user)) = (refused.code.as_deref(), self.info.user()) {
                    let (name, user) = (quoted(name), quoted(user));
                    refused.hint = Some(format!(
                        "let somebody who may do it: CREATE DATABASE {name} OWNER {user}; or ALTER ROLE {user} CREATEDB"
                    ));
                }
                Err(refused)
            }
        }
    }

    /// Drops the database with everything in it; `false` if it is not there. From PostgreSQL 13 on the connections of
    /// others are ended, before it they keep it from being dropped.
    ///
    /// # Errors
    /// If no server can be reached, or it does not let this user.
    pub async fn drop_database(&self) -> Result<bool, ServerError> {
        let (name, link) = self.maintenance().await?;
        let force = if link.version >= DROPS_WITH_FORCE { " WITH (FORCE)" } else { "" };
        match link.client.batch_execute(&format!("DROP DATABASE {}{force}", quoted(name))).await {
            Ok(()) => Ok(true),
            Err(error) if error.code().map(SqlState::code) == Some("3D000") => Ok(false),
            Err(error) => Err(server_error(&error)),
        }
    }

    /// The name of the database, and a connection to another one of its server.
    async fn maintenance(&self) -> Result<(&str, Link), ServerError> {
        let unnamed =
            || ServerError::new(Fault::Unsupported, "the connection string names neither a database nor a user");
        let name = self.database().ok_or_else(unnamed)?;
        let mut refused = None;
        for other in MAINTENANCE.into_iter().filter(|other| *other != name) {
            match self.with_database(other).open().await {
                Ok(link) => return Ok((name, link)),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        Err(refused.unwrap_or_else(unnamed))
    }
}

/// As an identifier.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres")
            .field("info", &self.info)
            .field("connect_wait", &self.connect_wait)
            .field("session_pooling", &self.session_pooling)
            .field("create_schema", &self.create_schema)
            .finish_non_exhaustive()
    }
}
