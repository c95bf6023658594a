//! Servers of MySQL and MariaDB: one that a test process shares, or one of a test's own that may be killed.
//!
//! | module | holds |
//! |---|---|
//! | [`server`] | a server |
//! | [`database`] | a database of a test's own |
//! | [`client`] | a client whose transaction stays open between two calls |
//! | [`galera`] | a cluster of MariaDB |
//! | `contents` | all that is in a database, as a text |
//! | `programs` | where the programs are |
//! | `template` | a data folder as it is after the installation |
//!
//! Every server that is started here knows two accounts: `test`, whose password is `test` and who may do everything
//! from everywhere, and `root` without a password by the Unix socket.

pub mod client;
mod contents;
pub mod database;
pub mod galera;
mod programs;
pub mod server;
mod template;

pub use client::Client;
pub use database::Database;
pub use galera::Galera;
pub use server::{MySql, Options};

/// The native client for a flavour's servers.
///
/// # Panics
/// If there is none.
pub fn client_program(flavour: Flavour) -> std::path::PathBuf {
    let names = flavour.client_names();
    programs::client(flavour, names).unwrap_or_else(|| panic!("no client {} is installed", names[0]))
}

/// Whose server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Oracle's.
    MySql,
    /// MariaDB's.
    MariaDb,
}

impl Flavour {
    /// The scheme of its URLs.
    pub fn scheme(self) -> &'static str {
        self.skip_name()
    }

    /// As `MIGRATE_TEST_SKIP` calls it, and the modules of its tests.
    fn skip_name(self) -> &'static str {
        match self {
            Self::MySql => "mysql",
            Self::MariaDb => "mariadb",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::MySql => "MySQL",
            Self::MariaDb => "MariaDB",
        }
    }

    /// The folder of its trees below the target folder.
    fn tree(self) -> &'static str {
        self.skip_name()
    }

    fn url_variable(self) -> &'static str {
        match self {
            Self::MySql => "MIGRATE_TEST_MYSQL",
            Self::MariaDb => "MIGRATE_TEST_MARIADB",
        }
    }

    fn bin_variable(self) -> &'static str {
        match self {
            Self::MySql => "MIGRATE_TEST_MYSQL_BIN",
            Self::MariaDb => "MIGRATE_TEST_MARIADB_BIN",
        }
    }

    fn server_names(self) -> &'static [&'static str] {
        match self {
            Self::MySql => &["mysqld"],
            Self::MariaDb => &["mariadbd", "mysqld"],
        }
    }

    fn client_names(self) -> &'static [&'static str] {
        match self {
            Self::MySql => &["mysql"],
            Self::MariaDb => &["mariadb", "mysql"],
        }
    }

    fn dump_names(self) -> &'static [&'static str] {
        match self {
            Self::MySql => &["mysqldump"],
            Self::MariaDb => &["mariadb-dump", "mysqldump"],
        }
    }

    /// What to do where there is no server.
    fn absent(self) -> String {
        let (name, url, bin, skip) = (self.name(), self.url_variable(), self.bin_variable(), self.skip_name());
        let [server, client] = [self.server_names()[0], self.client_names()[0]];
        format!(
            "no {name} server: run scripts/test once, which installs one on a Debian-like system, or name one with \
             {url} (a URL) or {bin} (a folder with {server} and {client}), or leave it out with \
             MIGRATE_TEST_SKIP={skip} and `cargo test -- --skip on_{skip}::`"
        )
    }
}
