//! The PostgreSQL backend of `migrate`.

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

pub use connect::{ConnInfo, ConnInfoError, Postgres, ServiceFile};
pub use dialect::POSTGRES;
pub use migrate_core as core;
pub use session::PostgresSession;
pub use tokio_postgres;

#[doc(hidden)]
pub use migrate_macros::embed as __embed;

/// A set that is read and checked at compile time: `embed_migrations!("migrations")` is an expression of type
/// [`MigrationSet`](migrate_core::MigrationSet). The folder counts from the crate's manifest.
///
/// Whatever is wrong with the set is an error of the compiler that names the file and the line. A file that changes is
/// seen by cargo; that one was *added* it sees only with this line in `build.rs`:
///
/// ```
/// println!("cargo::rerun-if-changed=migrations");
/// ```
///
/// ```
/// let set = migrate_postgres::embed_migrations!("tests/embedded");
/// assert_eq!(set.iter().count(), 2);
/// ```
///
/// ```compile_fail
/// let set = migrate_postgres::embed_migrations!("tests/no_such_folder");
/// ```
#[macro_export]
macro_rules! embed_migrations {
    ($folder:literal) => {
        $crate::__embed!(($crate::core) postgres $folder)
    };
}
