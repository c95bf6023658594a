//! shim
pub mod options;
pub use options::*;
