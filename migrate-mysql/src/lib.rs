//! The MySQL and MariaDB backend of `migrate`.
//!
//! ```no_run
//! use migrate_mysql::core::Migrator;
//! use migrate_mysql::Mysql;
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let set = migrate_mysql::embed_migrations!("tests/embedded");
//!     let database = Mysql::from_url("mysql://deploy@db.example/shop?ssl-mode=VERIFY_IDENTITY")?;
//!     let report = Migrator::new(database, set).up().await?;
//!     for step in &report.steps {
//!         println!("{}", step.title);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`connect`] | [`Mysql`]: where the database is, how connections to it are opened; create and drop |
//! | [`session`] | [`MysqlSession`]: one connection, our own or the caller's |
//! | `observe` | what the server says of itself, and whether it is one of a cluster |
//! | `packet` | effects → packets of statements; pure |
//! | `perform` | packets → the server and back |
//! | `clean` | what a script leaves in a session, and how it is taken away |
//! | `history` | the history table |
//! | `lock` | the lock of the migrations: `GET_LOCK` |
//! | `lease` | the same on a cluster: a row with an end and a fence |
//! | `blockers` | who keeps a statement waiting, asked on a second connection |
//! | `evidence` | what became of a statement that commits by itself |
//! | [`dialect`] | plain data about both engines, and effects as SQL for their clients |
//! | `error` | error numbers → what the core decides by |
//!
//! # Which server
//! MySQL 8.0 and later, MariaDB 10.5 and later. MySQL 9.7 and MariaDB 10.11 are in every run of the tests; MariaDB 10.5
//! and 11.8 and a Galera cluster of three nodes in those of `scripts/test --matrix`. MySQL 8.0 and 8.4 are in the
//! compose file and were not run by us. What only speaks the protocol (Aurora, `TiDB`, Vitess) is not tested.
//!
//! MariaDB has atomic definitions since 10.6. On 10.5 a server that was killed while it added an index was once seen to
//! have rebuilt the table when the index was added again; its contents were whole. It renames the files of partitions one
//! by one: a server that is killed in an `ALTER` or a `RENAME` of a partitioned table can leave one that nobody can read
//! (seen on 10.11). Its catalog looks as if the statement had run, or had not; so tables are opened before one of both
//! is believed, and what cannot be opened is asked about.
//!
//! # Half-applied migrations
//! On these engines a definition commits by itself, so a migration is not one transaction. Each of its statements is
//! written down in the history:
//!
//! - Changes of rows share a transaction with their row, and are never in doubt.
//! - What leads to the same when it is run again is followed by its row in the same packet.
//! - Everything else is announced first, with what the catalog says of the objects that it names. The announcement, the
//!   statement and its row are one packet: the server goes through it also when its client is gone, so an orphan keeps its own
//!   books. After a crash of the server, or a `KILL`, the catalog decides: what looks as before did not run.
//!
//! What cannot be decided is said by `plan` beforehand: writes to tables without transactions, and procedures that roll
//! back or whose text cannot be read. Only there a person is asked, and about one statement.
//!
//! # Features
//! | feature | |
//! |---|---|
//! | `embed` (default) | [`embed_migrations!`]; brings `manifest` |
//! | `diagnostics` (default) | in messages the difference of two texts, whether another word was meant, carets under wide characters |
//! | `manifest` | `migrations.toml`, and what other tools leave beside their scripts: Flyway's and Diesel's settings, Drizzle's journal, `atlas.sum`; without it a set that has one is refused |
//! | `other-tools` | taking over another tool's history, writing Flyway's along, leaving again; brings `manifest` |
//! | `ring` (default) | TLS, its cryptography by ring; it goes before `aws-lc-rs` where both are on |
//! | `aws-lc-rs` | TLS, its cryptography by aws-lc-rs, which needs a C compiler and on some systems `CMake` |
//! | `tls` | TLS, its cryptography by what the program installs as rustls' default before it connects; else an error says that there is none |
//! | `tracing` | spans and events of a run, for the `tracing` crate |
//! | `testing` | `testing::scratch`: a migrated database for a test |
//!
//! A default that the program has installed goes before both. Without `ring`, `aws-lc-rs` and `tls` nothing of TLS is compiled
//! in: a URL that insists on it is [`ConnInfoError::NoTls`], and what only prefers it goes without.
//!
//! The driver takes the default of rustls alone. Where there is none, the first connection with TLS installs one, for the
//! whole process.
//!
//! # Runtime
//! Tokio, with its timer and its I/O enabled; one thread is enough. A run has one working connection. Others are opened
//! where they are needed: to ask who is in the way, to keep a lease, and to stop a statement, which has a thread and a
//! runtime of its own.
//!
//! # The caller's own connection
//! [`MysqlSession::on`] borrows a `mysql_async::Conn`, and [`Migrator::run_on`](migrate_core::Migrator::run_on) migrates
//! on it:
//!
//! ```no_run
//! use migrate_mysql::core::Migrator;
//! use migrate_mysql::{Borrowed, MysqlSession, mysql_async};
//!
//! # async fn migrate(conn: &mut mysql_async::Conn) -> Result<(), Box<dyn std::error::Error>> {
//! let migrator = Migrator::new(Borrowed::Mysql, migrate_mysql::embed_migrations!("tests/embedded"));
//! let mut session = MysqlSession::on(conn).await?;
//! migrator.run_on(&mut session, &mut ()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Only what we set ourselves is put back; what a script changes for the session stays and is told as a notice. What
//! needs a second connection is not there: nobody is named who is in the way, nothing can be stopped, and on a cluster
//! the run is refused. A connection that is lost ends the run.
//!
//! # Deliberately absent
//! - No policy: nothing here compares versions, knows what is pending, or tries a statement again.
//! - No pool: the lock and the settings of a run live on one connection.
//! - No framing of the protocol: statements travel together as the server's own packets of several statements.
//! - The variables and files of the native clients are read by nobody here. The command line hands them in.

mod blockers;
mod clean;
mod cluster;
pub mod connect;
pub mod dialect;
mod error;
mod evidence;
mod gtid;
mod history;
mod infile;
mod lease;
mod lock;
mod observe;
mod packet;
mod perform;
pub mod session;
#[cfg(feature = "testing")]
pub mod testing;

pub use connect::{ConnInfo, ConnInfoError, Mysql, OptionLine, OptionValue, option_lines};
pub use dialect::{MARIADB, MYSQL};
pub use migrate_core as core;
pub use mysql_async;
pub use session::{Borrowed, MysqlSession};

#[cfg(feature = "embed")]
#[doc(hidden)]
pub use migrate_macros::embed as __embed;

/// A set that is read and checked at compile time: `embed_migrations!("migrations")` is an expression of type
/// [`MigrationSet`](migrate_core::MigrationSet). The folder counts from the crate's manifest. With `mariadb` before it,
/// the files for MariaDB go before those for MySQL.
///
/// Available with feature `embed`.
///
/// Whatever is wrong with the set is an error of the compiler that names the file, the line and the column. A file that
/// changes is seen by cargo; that one was *added* it sees only with this line in `build.rs`:
///
/// ```
/// println!("cargo::rerun-if-changed=migrations");
/// ```
///
/// The set's digest is computed by the compiler too: a program that finds everything applied parses nothing. In a debug
/// build the folder is compared with what was compiled in, where it is still there. If it differs, whatever would run
/// migrations or look for pending ones answers [`StaleBinary`](migrate_core::error::ErrorKind::StaleBinary), so that a
/// program that was not built again is not taken for a database that is behind.
///
/// ```
/// let mysql = migrate_mysql::embed_migrations!("tests/embedded");
/// let mariadb = migrate_mysql::embed_migrations!(mariadb, "tests/embedded");
/// assert_eq!((mysql.iter().count(), mariadb.iter().count()), (2, 2));
/// assert_ne!(mysql, mariadb);
/// ```
///
/// ```compile_fail
/// let set = migrate_mysql::embed_migrations!("tests/no_such_folder");
/// ```
#[cfg(feature = "embed")]
#[macro_export]
macro_rules! embed_migrations {
    ($folder:literal) => {
        $crate::__embed!(($crate::core) mysql $folder)
    };
    (mariadb, $folder:literal) => {
        $crate::__embed!(($crate::core) mariadb $folder)
    };
}

/// Says which feature is missing.
#[cfg(not(feature = "embed"))]
#[macro_export]
macro_rules! embed_migrations {
    ($($arguments:tt)*) => {
        ::core::compile_error!("embed_migrations! needs the feature `embed` of migrate-mysql")
    };
}
