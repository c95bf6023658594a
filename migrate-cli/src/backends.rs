//! The engines this build can talk to. The only file that knows the Cargo features.

#[cfg(any(feature = "mysql", feature = "postgres"))]
mod dump;
#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "mysql", feature = "postgres"))]
mod runtime;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use migrate_core::backend::{self, Fault, ServerError};
use migrate_core::diagnostic::{Diagnostic, codes};
use migrate_core::{Backend, Dialect};

use crate::database_url::DatabaseUrl;
use crate::environment::Environment;
use crate::password::Password;

/// What the command line must know about an engine, beside its [`Backend`].
pub trait CliBackend {
    /// The schemes of its URLs, the engine's name first.
    fn schemes(&self) -> &'static [&'static str];

    /// Whether a text without a scheme is what its users call a database by.
    fn knows(&self, text: &str) -> bool {
        let _ = text;
        false
    }

    /// What the engine is.
    fn dialect(&self) -> &'static Dialect;

    /// The database a URL names. Nothing is connected yet.
    ///
    /// # Errors
    /// What is wrong with the URL, without any secret in it.
    fn open(&self, opening: &Opening<'_>) -> Result<Box<dyn Database>, Box<Diagnostic>>;

    /// Runs a future on the runtime the engine's driver needs; by itself on none.
    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        backend::block_on(future);
    }
}

/// What a database is opened with.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// Where it is.
    pub url: &'a DatabaseUrl,
    /// The folder that a relative path in the URL starts from.
    pub base: &'a Path,
    /// Who gives the password, where it is not in the URL.
    pub password: Option<&'a Password>,
    /// Whether connecting may create it.
    pub create: bool,
    /// Whether the schema of the history may be created.
    pub create_schema: bool,
    /// How long to wait for a server that is starting.
    pub connect_wait: Duration,
    /// The folders of the migrations, which a script may take files from.
    pub folders: &'a [PathBuf],
    /// The variables that the engine's own tools know.
    pub environment: &'a Environment,
}

/// One database. What an engine cannot do answers [`Fault::Unsupported`].
pub trait Database {
    /// Opens connections to it.
    fn backend(&self) -> Box<dyn Backend>;

    /// What a destructive command asks for.
    fn name(&self) -> String;

    /// Creates it; `false` if it is there.
    ///
    /// # Errors
    /// What the server says.
    fn create(&self) -> Result<bool, ServerError> {
        Err(unsupported("cannot create databases"))
    }

    /// Drops it with everything in it; `false` if it is not there.
    ///
    /// # Errors
    /// What the server says.
    fn drop_database(&self) -> Result<bool, ServerError> {
        Err(unsupported("cannot drop databases"))
    }

    /// Copies it into a file.
    ///
    /// # Errors
    /// What the server or the file system says.
    fn backup(&self, to: &Path) -> Result<(), ServerError> {
        let _ = to;
        Err(unsupported("cannot make backups: use the database's own tool"))
    }

    /// What the name of such a file ends with.
    fn backup_extension(&self) -> &'static str {
        "bak"
    }

    /// Replaces it by a copy.
    ///
    /// # Errors
    /// What the server or the file system says.
    fn restore(&self, from: &Path) -> Result<(), ServerError> {
        let _ = from;
        Err(unsupported("cannot restore backups: use the database's own tool"))
    }

    /// What restores a copy in place of this program: a command of the engine's own tool.
    fn restored_by(&self, from: &Path) -> Option<String> {
        let _ = from;
        None
    }
}

fn unsupported(what: &str) -> ServerError {
    ServerError::new(Fault::Unsupported, format!("this engine's backend {what}"))
}

/// Every backend that was compiled in.
pub fn compiled_in() -> Vec<Box<dyn CliBackend>> {
    vec![
        #[cfg(feature = "sqlite")]
        Box::new(sqlite::SqliteCli),
        #[cfg(feature = "postgres")]
        Box::new(postgres::PostgresCli::default()),
        #[cfg(feature = "mysql")]
        Box::new(mysql::MysqlCli::new(&migrate_mysql::MYSQL)),
        #[cfg(feature = "mysql")]
        Box::new(mysql::MysqlCli::new(&migrate_mysql::MARIADB)),
    ]
}

/// Runs a future on an engine's runtime and hands its value out.
///
/// # Panics
/// If the backend returns before the future is complete.
pub fn block_on<T>(backend: &dyn CliBackend, future: impl Future<Output = T>) -> T {
    let mut value = None;
    backend.block_on(Box::pin(async { value = Some(future.await) }));
    value.expect("block_on runs the future to its end")
}

/// The backend of a URL.
///
/// # Errors
/// If the URL has no scheme, or one that no backend here knows.
pub fn select<'b>(
    backends: &'b [Box<dyn CliBackend>],
    url: &DatabaseUrl,
) -> Result<&'b dyn CliBackend, Box<Diagnostic>> {
    let engines: Vec<_> = backends.iter().filter_map(|backend| backend.schemes().first().copied()).collect();
    let here = if engines.is_empty() { "none".to_owned() } else { engines.join(", ") };
    let Some(scheme) = url.scheme() else {
        if let Some(backend) = backends.iter().find(|backend| backend.knows(url.reveal())) {
            return Ok(&**backend);
        }
        let diagnostic =
            Diagnostic::error(codes::BAD_URL, format!("`{url}` is not the URL of a database: it has no scheme"));
        let path = url.to_string();
        let file = Path::new(&path)
            .extension()
            .is_some_and(|end| ["db", "sqlite", "sqlite3", "db3"].iter().any(|known| end.eq_ignore_ascii_case(known)));
        return Err(Box::new(if file {
            diagnostic.help(format!("did you mean sqlite:{path}?"))
        } else {
            diagnostic
                .help(format!("write one like sqlite:app.db or postgres://user@host/name; this build has: {here}"))
        }));
    };
    let known = |backend: &dyn CliBackend| backend.schemes().iter().any(|known| known.eq_ignore_ascii_case(scheme));
    if let Some(backend) = backends.iter().map(|backend| &**backend).find(|backend| known(*backend)) {
        return Ok(backend);
    }
    let diagnostic = Diagnostic::error(
        codes::NO_BACKEND,
        format!("no backend for `{scheme}` is compiled in; this build has: {here}"),
    );
    let near = backends
        .iter()
        .flat_map(|backend| backend.schemes().iter().copied())
        .find(|known| strsim::osa_distance(known, &scheme.to_ascii_lowercase()) <= 2);
    Err(Box::new(match near {
        // As it is written for Java, and for Flyway.
        _ if scheme.eq_ignore_ascii_case("jdbc") => diagnostic.help("write the same URL without `jdbc:`"),
        Some(near) => diagnostic.help(format!("did you mean {near}:…?")),
        None => diagnostic,
    }))
}
