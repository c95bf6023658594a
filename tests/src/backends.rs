//! A database of a test's own, on any engine, and the backend by which this process reaches it.

use std::future::Future;

use migrate_core::backend::{Backend, Session};
use migrate_core::layout::EngineNames;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// A database, how the program reaches it, and how this process does.
pub trait Database {
    /// Its engine, as files of a set name it.
    fn engine() -> EngineNames;

    /// A new, empty one; a file comes to be when it is first opened.
    fn create() -> Self;

    /// For the program.
    fn url(&self) -> String;

    /// For this process.
    fn backend(&self) -> Box<dyn Backend>;

    /// A connection that is not a run of ours.
    ///
    /// # Panics
    /// If there is none.
    fn other(&self) -> Box<dyn Session> {
        block_on(self.backend().connect()).expect("a connection")
    }
}

/// Waits for a future, on a runtime of this thread.
///
/// # Panics
/// If there is no runtime to be had.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// A file.
#[derive(Debug)]
pub struct OnSqlite(TempDir);

impl Database for OnSqlite {
    fn engine() -> EngineNames {
        EngineNames::SQLITE
    }

    fn create() -> Self {
        Self(tempfile::Builder::new().prefix("migrate-").tempdir().expect("a temporary folder"))
    }

    fn url(&self) -> String {
        format!("sqlite:{}", self.0.path().join("app.db").display())
    }

    fn backend(&self) -> Box<dyn Backend> {
        Box::new(migrate_sqlite::Sqlite::open(self.0.path().join("app.db")))
    }
}

#[cfg(unix)]
pub use on_servers::{OnMariaDb, OnMySql, OnPostgres};

#[cfg(unix)]
mod on_servers {
    use super::{Backend, Database, EngineNames, Session, block_on};
    use crate::servers::{self, Flavour, MySql, Postgres, mysql};

    /// A database of the shared server of PostgreSQL.
    #[derive(Debug)]
    pub struct OnPostgres(servers::Database<'static>);

    impl Database for OnPostgres {
        fn engine() -> EngineNames {
            EngineNames::POSTGRES
        }

        fn create() -> Self {
            Self(Postgres::shared().database())
        }

        fn url(&self) -> String {
            self.0.url()
        }

        fn backend(&self) -> Box<dyn Backend> {
            Box::new(migrate_postgres::Postgres::from_url(&self.0.url()).expect("a URL of the harness"))
        }

        fn other(&self) -> Box<dyn Session> {
            let separator = if self.0.url().contains('?') { '&' } else { '?' };
            let url = format!("{}{separator}application_name=psql", self.0.url());
            let other = migrate_postgres::Postgres::from_url(&url).expect("a URL of the harness");
            block_on(other.connect()).expect("a connection")
        }
    }

    macro_rules! on_mysql {
        ($(#[$doc:meta])* $name:ident, $flavour:expr, $engine:expr) => {
            $(#[$doc])*
            #[derive(Debug)]
            pub struct $name(mysql::Database<'static>);

            impl Database for $name {
                fn engine() -> EngineNames {
                    $engine
                }

                fn create() -> Self {
                    Self(MySql::shared($flavour).database())
                }

                fn url(&self) -> String {
                    self.0.url()
                }

                fn backend(&self) -> Box<dyn Backend> {
                    Box::new(migrate_mysql::Mysql::from_url(&self.0.url()).expect("a URL of the harness"))
                }
            }
        };
    }

    on_mysql!(
        /// A database of the shared server of MySQL.
        OnMySql,
        Flavour::MySql,
        EngineNames::MYSQL
    );
    on_mysql!(
        /// A database of the shared server of MariaDB.
        OnMariaDb,
        Flavour::MariaDb,
        EngineNames::MARIADB
    );
}
