//! The migration model, version order, planner, journal and backend contract of `migrate`.
//!
//! A service depends on one backend and finds this crate in it, as `core`: `migrate-postgres` for PostgreSQL,
//! `migrate-sqlite` for SQLite. Whoever writes another one depends on this crate alone, and begins at [`backend`].
//!
//! [`Migrator`] is what most users touch: it observes a database, plans, and applies. [`plan`] and what it calls are
//! pure; [`apply`] alone has effects, on a [`Session`] of a backend.
//!
//! # Features
//! | feature | |
//! |---|---|
//! | `manifest` | `migrations.toml`, and what other tools leave beside their scripts: Flyway's and Diesel's settings, Drizzle's journal, `atlas.sum`; without it a set that has one is refused |
//! | `other-tools` | taking over another tool's history, writing Flyway's along, leaving again; their checksums; brings `manifest` |
//! | `diagnostics` | in messages the difference of two texts, whether another word was meant, carets under wide characters |
//! | `serde` | plans, reports and their kind can be serialized |
//! | `tracing` | spans and events of a run, for the `tracing` crate |
//! | `testing` | an in-memory backend and the suite that a backend must pass; not stable |
//!
//! None is on by default here: a backend turns on what its own features say.
//!
//! # Deliberately absent
//! A driver, a runtime, a clock to wait on, the environment, and output.

pub mod apply;
pub mod backend;
pub mod callback;
pub mod checksum;
pub mod code;
pub mod condition;
pub mod counts;
pub mod diagnostic;
pub mod error;
pub mod event;
pub mod history;
pub mod layout;
pub mod manifest;
pub mod migration;
pub mod migrator;
pub mod placeholder;
pub mod plan;
pub mod set;
pub mod source;
pub mod sql;
#[cfg(feature = "testing")]
pub mod testing;
pub mod version;

pub use async_trait::async_trait;

pub use apply::{Report, RunOptions, StopHandle};
pub use backend::{Backend, Dialect, Session};
pub use callback::{Callback, CallbackEvent};
pub use diagnostic::{Code, Diagnostic, Place, Severity};
pub use error::Error;
pub use event::{Event, Observer};
pub use history::{Entry, History};
pub use layout::EngineNames;
pub use migration::{
    Attributes, Batch, Migration, MigrationId, Phase, Precondition, Replaced, RunAttributes, Snapshot, Timeouts,
};
pub use migrator::{Migrator, Migrators};
pub use placeholder::Values;
pub use plan::{Check, Goal, PhaseGoal, Plan, Policy, Refusal};
pub use set::{Loaded, MigrationSet, ReadOptions};
pub use source::Source;
pub use version::Version;
