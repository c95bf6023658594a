//! Where the database is, and how connections to it are opened.
//!
//! | module | holds |
//! |---|---|
//! | this one | [`Mysql`]: a database, and everything that connecting to it needs |
//! | [`conninfo`] | [`ConnInfo`]: URLs over variables over option files, and what each word means |
//! | [`options`] | the text of option files, `my.cnf` |
//! | `grammar`, `keyword`, `values` | how a URL is written, which words there are, what these mean |
//! | `attempt` | the loop over addresses, and with or without TLS |
//! | `tls` | what `ssl-mode` says, for the driver |
//! | `problem` | why there is no connection: what, where, what next |
//! | `line` | the driver's connection, which says goodbye |
//! | `files` | which files `LOAD DATA LOCAL` may have |
//! | `cancel` | stopping a statement on the server |
//!
//! No secret is in an error, in `Debug` or in a label.
//!
//! # TLS
//! The driver makes its own TLS from what `ssl-mode` and its kind say; a `rustls::ClientConfig` cannot be given to it.
//! It takes the process's default provider of cryptography. Where an application has installed none, ring is installed
//! before the first connection that may want TLS; an application that wants another one installs it earlier.

mod attempt;
mod cancel;
pub mod conninfo;
mod files;
mod grammar;
mod keyword;
mod line;
pub mod options;
mod problem;
mod tls;
mod values;

use std::fmt::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use migrate_core::backend::{Fault, ServerError};
use mysql_async::prelude::Queryable as _;

pub(crate) use cancel::Cancel;
pub use conninfo::{ConnInfo, ConnInfoError};
pub(crate) use files::LocalFiles;
pub(crate) use line::Line;
use migrate_core::backend::password::Provider;
pub use migrate_core::backend::password::ProviderError;
pub use options::{OptionLine, OptionValue, option_lines};
use values::Place;

use crate::error::server_error;

/// One MySQL or MariaDB database. Cheap to clone.
///
/// ```
/// use std::time::Duration;
/// use migrate_mysql::Mysql;
///
/// let database = Mysql::from_url("mysql://deploy@db.example/shop?ssl-mode=VERIFY_IDENTITY")?
///     .password_provider(|| async { Ok("a token that is valid for some minutes".to_owned()) })
///     .connect_wait(Duration::from_secs(60));
/// assert_eq!(database.label(), "mysql://deploy@db.example:3306/shop");
/// # Ok::<(), migrate_mysql::ConnInfoError>(())
/// ```
#[derive(Clone)]
pub struct Mysql {
    info: Arc<ConnInfo>,
    provider: Option<Provider>,
    connect_wait: Duration,
    allow_plain_password: bool,
    explicit_gtid: bool,
    /// Which files `LOAD DATA LOCAL` may have; at first none.
    pub(crate) files: LocalFiles,
}

/// An open connection of its own.
pub(crate) struct Link {
    pub(crate) conn: Line,
    /// What stops the running statement.
    pub(crate) canceller: Cancel,
}

impl Mysql {
    /// From a URL. Nothing is connected yet.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_url(url: &str) -> Result<Self, ConnInfoError> {
        ConnInfo::parse(url).map(Self::new)
    }

    /// From what was read already.
    pub fn new(info: ConnInfo) -> Self {
        Self {
            allow_plain_password: info.allow_plain_password,
            explicit_gtid: info.explicit_gtid,
            info: Arc::new(info),
            provider: None,
            connect_wait: Duration::ZERO,
            files: LocalFiles::default(),
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

    /// How long to try again while the server is starting: nobody listens, its name or socket is not there yet, it
    /// says so itself. Anything else, a wrong password for one, ends it at once. Zero, the default, does not wait.
    pub fn connect_wait(self, longest: Duration) -> Self {
        Self { connect_wait: longest, ..self }
    }

    /// Whether a password may go to another machine without TLS, where everybody between can read it or what it is
    /// guessed from. `allow-plain-password=true` says the same.
    pub fn allow_plain_password(self, allow: bool) -> Self {
        Self { allow_plain_password: allow, ..self }
    }

    /// A folder whose files `LOAD DATA LOCAL` may have, and those below it; the server must allow it too, with
    /// `local_infile`. Names in scripts start from the folder: it is usually that of the migrations. Several may be
    /// given, the first one that has a file is taken. Without any, none is given out, whatever the server asks for.
    pub fn local_files(self, folder: impl Into<PathBuf>) -> Self {
        Self { files: self.files.with(folder.into()), ..self }
    }

    /// Whether MySQL executes definitions under global transaction identifiers that are chosen beforehand, so that after
    /// a crash its own replication history says whether they ran. `gtid=explicit` says the same.
    ///
    /// They have a UUID that is no server's, one per history, which stays in `gtid_executed` of this server and of all
    /// its replicas. It takes `gtid_mode` ON and `SESSION_VARIABLES_ADMIN`; a run is refused where either is missing, and
    /// on MariaDB. Not for a replica that has several sources with a history of the same name.
    pub fn explicit_gtid(self, explicit: bool) -> Self {
        Self { explicit_gtid: explicit, ..self }
    }

    pub(crate) fn is_explicit_gtid(&self) -> bool {
        self.explicit_gtid
    }

    /// Whether the URL begins with `mariadb:`, so that the dialect is MariaDB's.
    pub fn is_mariadb(&self) -> bool {
        self.info.is_mariadb()
    }

    /// The database's name, where it is given.
    pub fn database(&self) -> Option<&str> {
        self.info.database()
    }

    /// Another database of the same server, with the same credentials.
    pub fn with_database(&self, database: &str) -> Self {
        Self { info: Arc::new(self.info.with_database(database)), ..self.clone() }
    }

    /// What people call it, without secrets and parameters: `mysql://deploy@db.example:3306/shop`.
    pub fn label(&self) -> String {
        let mut label = if self.is_mariadb() { "mariadb://" } else { "mysql://" }.to_owned();
        if let Some(user) = self.info.user() {
            let _ = write!(label, "{user}@");
        }
        let _ = match &self.info.place {
            Place::Socket(path) => write!(label, "{}", path.display()),
            Place::Tcp { host, port } if host.contains(':') => write!(label, "[{host}]:{port}"),
            Place::Tcp { host, port } => write!(label, "{host}:{port}"),
        };
        if let Some(database) = self.database() {
            let _ = write!(label, "/{database}");
        }
        label
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// With [`Fault::NoDatabase`] where the server has no such database, else [`Fault::Connect`].
    pub(crate) async fn open(&self) -> Result<Link, ServerError> {
        attempt::open(self, Some(self.named()?)).await
    }

    /// Creates an empty database whose tables are in utf8mb4 where they say nothing else; `false` if it is there.
    ///
    /// # Errors
    /// If no server can be reached, or it does not let this user.
    pub async fn create_database(&self) -> Result<bool, ServerError> {
        let name = self.named()?;
        match self.open().await {
            Ok(link) => {
                link.conn.close().await;
                return Ok(false);
            }
            Err(error) if error.fault == Fault::NoDatabase => {}
            Err(error) => return Err(error),
        }
        let mut link = attempt::open(self, None).await?;
        let statement = format!("CREATE DATABASE {} CHARACTER SET utf8mb4", quoted(name));
        let created = match link.conn.query_drop(statement).await {
            Ok(()) => Ok(true),
            // Somebody was faster.
            Err(error) if code(&error) == Some(1007) => Ok(false),
            Err(error) => {
                let mut refused = server_error(&error);
                refused.message = format!("the database {name} cannot be created: {}", refused.message);
                if matches!(code(&error), Some(1044 | 1045 | 1227)) {
                    let user = self.info.user().unwrap_or("this user");
                    let name = quoted(name);
                    refused.hint = Some(format!(
                        "let somebody who may do it: CREATE DATABASE {name} CHARACTER SET utf8mb4; \
                         GRANT ALL ON {name}.* TO {user}"
                    ));
                }
                Err(refused)
            }
        };
        link.conn.close().await;
        created
    }

    /// Drops the database with everything in it; `false` if it is not there. It waits for statements of others that
    /// are at work in it.
    ///
    /// # Errors
    /// If no server can be reached, or it does not let this user.
    pub async fn drop_database(&self) -> Result<bool, ServerError> {
        let name = self.named()?;
        let mut link = attempt::open(self, None).await?;
        let dropped = match link.conn.query_drop(format!("DROP DATABASE {}", quoted(name))).await {
            Ok(()) => Ok(true),
            Err(error) if code(&error) == Some(1008) => Ok(false),
            Err(error) => Err(server_error(&error)),
        };
        link.conn.close().await;
        dropped
    }

    fn named(&self) -> Result<&str, ServerError> {
        self.database().ok_or_else(|| {
            let mut unnamed = ServerError::new(Fault::Connect, format!("{} names no database", self.label()));
            unnamed.hint = Some("write its name behind the host: mysql://user@host/NAME, or MYSQL_DATABASE".to_owned());
            unnamed
        })
    }
}

fn code(error: &mysql_async::Error) -> Option<u16> {
    match error {
        mysql_async::Error::Server(refused) => Some(refused.code),
        _ => None,
    }
}

/// As an identifier.
fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

impl fmt::Debug for Mysql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mysql")
            .field("info", &self.info)
            .field("connect_wait", &self.connect_wait)
            .field("allow_plain_password", &self.allow_plain_password)
            .field("explicit_gtid", &self.explicit_gtid)
            .finish_non_exhaustive()
    }
}
