//! The migration model, version order, planner, journal and backend contract of `migrate`.

pub mod checksum;
pub mod diagnostic;
pub mod layout;
pub mod manifest;
pub mod migration;
pub mod set;
pub mod source;
pub mod sql;
pub mod version;

pub use diagnostic::{Code, Diagnostic, Place, Severity};
pub use layout::EngineNames;
pub use migration::{
    Attributes, Batch, Migration, MigrationId, Phase, Precondition, Replaced, RunAttributes, Snapshot, Timeouts,
};
pub use set::{Loaded, MigrationSet, ReadOptions};
pub use source::Source;
pub use version::Version;
