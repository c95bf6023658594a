//! What the tests of the whole program share: a project in a temporary folder, the built program, and what it said.
//!
//! | module | holds |
//! |---|---|
//! | [`mod@program`] | the `migrate` binary, built once |
//! | [`project`] | a folder with migrations and a SQLite database |
//! | [`mod@example`] | the programs in `examples`, built once |
//! | [`page`] | a page of documentation, taken apart |
//! | [`transcript`] | a command and its answer, without what changes from run to run |
//! | [`servers`] | real servers, started when first needed |
//! | [`proxy`] | what stands before a server: slow, counting, and able to cut a connection at a chosen message |
//! | [`random`] | numbers that come back when their seed does |
//! | [`effort`] | how much a test may take |
//!
//! Tests of one crate alone stand in that crate.

pub mod effort;
#[cfg(unix)]
pub mod example;
pub mod page;
pub mod program;
pub mod project;
#[cfg(unix)]
pub mod proxy;
pub mod random;
#[cfg(unix)]
pub mod servers;
pub mod transcript;

pub use effort::{crashes, long, thin};
pub use program::program;
pub use project::Project;
pub use random::Random;
pub use transcript::{Transcript, difference};

use std::env;
use std::path::{Path, PathBuf};

/// The root of the repository.
///
/// Cargo says where the package is when it runs a test or a program outside the workspace; where it was when this was
/// compiled may be another copy of the repository with the same target folder.
pub fn root() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    let root = package.ancestors().find(|folder| folder.join("migrate-core").is_dir());
    root.map(Path::to_path_buf).unwrap_or_default()
}

/// The folder of what is built, and of what scripts/test unpacked for the tests.
///
/// A path that is not absolute is meant from the root, where `cargo` is usually run; a test is run elsewhere.
pub fn target() -> PathBuf {
    let folder = env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty());
    root().join(folder.unwrap_or_else(|| "target".into()))
}

/// The README's code compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
