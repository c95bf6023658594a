//! How a connection begins: with TLS as far as `sslmode` insists on it, or without.
//!
//! | module | holds |
//! |---|---|
//! | this one | [`Opening`]: the two ways, of which one is there without the feature `tls` |
//! | `config` | what `sslmode` and its kind ask for, as rustls wants to be told; who does the cryptography |
//! | `problem` | why TLS broke off |

#[cfg(feature = "tls")]
mod config;
#[cfg(feature = "tls")]
mod problem;

use tokio_postgres::{CancelToken, Config, Error, NoTls};
#[cfg(feature = "tls")]
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Postgres;
use super::attempt::{Driven, drive};
use super::problem::Problem;
#[cfg(not(feature = "tls"))]
use super::problem::Tried;
#[cfg(feature = "tls")]
pub(super) use problem::explain;

/// How a connection begins.
#[derive(Clone)]
pub(super) enum Opening {
    Plain,
    #[cfg(feature = "tls")]
    Tls(MakeRustlsConnect),
}

impl Opening {
    /// With TLS as the connection string has it; `None` where it is not compiled in.
    #[cfg(feature = "tls")]
    pub(super) fn encrypted(to: &Postgres) -> Result<Option<Self>, Problem> {
        let config = match &to.tls {
            Some(given) => (**given).clone(),
            None => config::client_config(&to.info.ssl)?,
        };
        Ok(Some(Self::Tls(MakeRustlsConnect::new(config))))
    }

    /// With TLS as the connection string has it; `None` where it is not compiled in.
    #[cfg(not(feature = "tls"))]
    #[expect(clippy::unnecessary_wraps, reason = "with TLS there is what can fail")]
    pub(super) fn encrypted(_: &Postgres) -> Result<Option<Self>, Problem> {
        Ok(None)
    }

    pub(super) async fn connect(&self, config: &Config) -> Result<Driven, Error> {
        match self {
            Self::Plain => config.connect(NoTls).await.map(|(client, connection)| drive(client, connection)),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => config.connect(tls.clone()).await.map(|(client, connection)| drive(client, connection)),
        }
    }

    /// Asks the server to stop what the connection of `token` runs.
    pub(super) async fn cancel(self, token: &CancelToken) -> Result<(), Error> {
        match self {
            Self::Plain => token.cancel_query(NoTls).await,
            #[cfg(feature = "tls")]
            Self::Tls(tls) => token.cancel_query(tls).await,
        }
    }
}

/// There is none.
#[cfg(not(feature = "tls"))]
pub(super) fn explain(_: &(dyn std::error::Error + 'static), _: Tried<'_>) -> Option<Problem> {
    None
}
