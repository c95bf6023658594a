//! The PostgreSQL backend of `migrate`.
//!
//! ```no_run
//! use migrate_postgres::core::Migrator;
//! use migrate_postgres::Postgres;
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let set = migrate_postgres::embed_migrations!("tests/embedded");
//!     let database = Postgres::from_url("postgres://deploy@db.example/shop?sslmode=verify-full&sslrootcert=system")?;
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
//! | [`connect`] | [`Postgres`]: where the database is, how connections to it are opened; create and drop |
//! | [`session`] | [`PostgresSession`]: one connection, our own or the caller's |
//! | `observe` | what the server says of itself, and whether a pooler is in between |
//! | `message` | effects → what is sent; pure |
//! | `perform` | messages → the server and back |
//! | `history` | the history table |
//! | `lock` | the lock of the migrations: an advisory lock of the session |
//! | `lease` | the same behind a pooler: a row with an end and a fence |
//! | `blockers` | who keeps a statement waiting, asked on a second connection |
//! | `evidence` | what became of a statement that could not share a transaction with its row |
//! | [`dialect`] | plain data about PostgreSQL, and effects as SQL for psql |
//! | `error` | `SQLSTATE`s → what the core decides by |
//!
//! # Which server
//! PostgreSQL 13 and later. Version 15 is in every run of the tests, 13 to 18 in those of `scripts/test --matrix`. What
//! only speaks its protocol is not tested.
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
//! in: a connection string that insists on it is [`ConnInfoError::NoTls`], and what only prefers it goes without.
//!
//! # Runtime
//! Tokio, with its timer and its I/O enabled; one thread is enough. Each connection is driven by a task on the runtime
//! that opened it, so a session is used on that runtime while it runs, and not after it. A run has one working
//! connection. Others are opened where they are needed: to ask who is in the way, to keep a lease, and to stop a
//! statement, which has a thread and a runtime of its own.
//!
//! Dropping a session in the middle of its work cuts the connection. From PostgreSQL 14 on a server on Linux looks
//! twice a second whether its client is still there; others see it when the statement ends. The lock is held until
//! then.
//!
//! # Behind a pooler
//! A pooler that pools transactions is recognised by the server process that answers, which is not the one that was
//! announced. There the lock is a lease: a row in a table beside the history, extended by a connection of its own.
//! Every transaction checks the lease's fence, and nothing that is set lasts longer than the transaction. What needs a
//! session is refused by the planner before anything runs: the data of a `COPY`, what cannot be in a transaction,
//! batches, and what goes on with an interrupted attempt. It wants a direct connection.
//!
//! A pooler that pools sessions looks the same from here. [`Postgres::pools_sessions`], or `pool_mode=session` in the
//! connection string, says that its sessions can be relied on.
//!
//! # The caller's own connection
//! [`PostgresSession::on`] borrows a `tokio_postgres::Client`, and [`Migrator::run_on`](migrate_core::Migrator::run_on)
//! migrates on it:
//!
//! ```no_run
//! use migrate_postgres::core::Migrator;
//! use migrate_postgres::{Borrowed, PostgresSession, tokio_postgres};
//!
//! # async fn migrate(client: &mut tokio_postgres::Client) -> Result<(), Box<dyn std::error::Error>> {
//! let migrator = Migrator::new(Borrowed, migrate_postgres::embed_migrations!("tests/embedded"));
//! let mut session = PostgresSession::on(client).await?;
//! migrator.run_on(&mut session, &mut ()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! Only what we set ourselves is put back; what a script changes for the session stays and is told as a notice. What
//! needs a second connection is not there: nobody is named who is in the way, nothing can be stopped, and behind a
//! pooler that pools transactions the run is refused. A connection that is lost ends the run.
//!
//! # Inside the caller's transaction
//! [`PostgresSession::join`] takes a `tokio_postgres::Transaction`. What the run does, its history rows too, is there once
//! the caller commits, and gone if the caller rolls back; the run commits nothing.
//!
//! ```no_run
//! use migrate_postgres::core::Migrator;
//! use migrate_postgres::{Borrowed, PostgresSession, tokio_postgres};
//!
//! # async fn migrate(client: &mut tokio_postgres::Client) -> Result<(), Box<dyn std::error::Error>> {
//! let migrator = Migrator::new(Borrowed, migrate_postgres::embed_migrations!("tests/embedded"));
//! let transaction = client.transaction().await?;
//! migrator.run_on(&mut PostgresSession::join(&transaction).await?, &mut ()).await?;
//! transaction.batch_execute("insert into users (name) values ('first')").await?;
//! transaction.commit().await?;
//! # Ok(())
//! # }
//! ```
//!
//! What cannot be part of a transaction (a concurrent index, batches, scripts with transactions of their own) is refused
//! before anything runs.
//!
//! # Deliberately absent
//! - No policy: nothing here compares versions, knows what is pending, or tries a statement again.
//! - No pool: the lock and the settings of a run live on one connection.
//! - The variables and files of libpq are read by nobody here but those that a connection string names. The command
//!   line hands them in: [`ConnInfo::with_defaults`], [`ConnInfo::with_service`], [`Postgres::pgpass`].
//! - GSSAPI, OAuth and keys with a passphrase. A connection string that asks for them is refused.
//! - Evidence about `CALL` and `DO` that commit on their way: after a crash inside one a person is asked.

mod blockers;
pub mod connect;
pub mod dialect;
mod error;
mod evidence;
mod history;
mod lease;
mod lock;
mod message;
mod observe;
mod perform;
pub mod session;
#[cfg(feature = "testing")]
pub mod testing;

pub use connect::{ConnInfo, ConnInfoError, Postgres, ServiceFile};
pub use dialect::POSTGRES;
pub use migrate_core as core;
#[cfg(feature = "tls")]
pub use rustls;
pub use session::{Borrowed, PostgresSession};
pub use tokio_postgres;

#[cfg(feature = "embed")]
#[doc(hidden)]
pub use migrate_macros::embed as __embed;

/// A set that is read and checked at compile time: `embed_migrations!("migrations")` is an expression of type
/// [`MigrationSet`](migrate_core::MigrationSet). The folder counts from the crate's manifest.
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
/// let set = migrate_postgres::embed_migrations!("tests/embedded");
/// assert_eq!(set.iter().count(), 2);
/// ```
///
/// ```compile_fail
/// let set = migrate_postgres::embed_migrations!("tests/no_such_folder");
/// ```
#[cfg(feature = "embed")]
#[macro_export]
macro_rules! embed_migrations {
    ($folder:literal) => {
        $crate::__embed!(($crate::core) postgres $folder)
    };
}

/// Says which feature is missing.
#[cfg(not(feature = "embed"))]
#[macro_export]
macro_rules! embed_migrations {
    ($($arguments:tt)*) => {
        ::core::compile_error!("embed_migrations! needs the feature `embed` of migrate-postgres")
    };
}
