//! `migrations.toml`: what is said about a set beside its files.
//!
//! The manifest belongs to the set, is embedded with it and is part of its digest. Released migrations do get edited
//! and renamed, and some files must not change at all: what has to be said about them is said here. How a run behaves
//! is not here; that is the project's configuration, which belongs to the CLI.
//!
//! Available with feature `manifest`: without it a set that has a manifest is refused, and the values can still be made.
//!
//! ```
//! # #[cfg(feature = "manifest")]
//! # fn main() -> Result<(), migrate_core::version::ParseVersionError> {
//! use migrate_core::{Source, manifest::Manifest};
//!
//! let text = r#"
//! layout = "native"
//! minimum = "2.0.0"
//!
//! [preconditions]
//! server-version = "postgres>=14"
//!
//! [migration."2.1.0/post/50"]
//! renamed-from = ["2.1.0/post/49"]
//! irreversible = "the old column is gone"
//! "#;
//! let (manifest, diagnostics) = Manifest::parse(Source::new("migrations/migrations.toml", text));
//! assert!(diagnostics.is_empty());
//! assert_eq!(manifest.minimum, Some("2.0.0".parse()?));
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "manifest"))]
//! # fn main() {}
//! ```

#[cfg_attr(not(feature = "manifest"), path = "manifest/unread.rs")]
mod parse;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;

use crate::condition::Conditions;
use crate::counts::Counts;
use crate::diagnostic::{Diagnostic, Place};
use crate::migration::{MigrationId, Phase, Timeouts};
use crate::source::Source;
use crate::version::Version;

/// What `migrations.toml` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Manifest {
    /// How file names are read.
    pub layout: Option<String>,
    /// Whose history this is.
    pub component: Option<String>,
    /// What other components must have reached.
    pub depends_on: Vec<Dependency>,
    /// The database must have reached this version, or be empty.
    pub minimum: Option<Version>,
    /// Versions at which every upgrade must stop, so that their release runs once.
    pub stops: Vec<Version>,
    /// The phase of files below 3.0 that name none, in the layout of Procrastinate.
    pub unmarked: Option<Phase>,
    /// Whether `2.0-rc1` sorting after `2.0` is on purpose.
    pub suffix_order: Option<SuffixOrder>,
    /// What it says about single migrations.
    pub migrations: BTreeMap<MigrationId, About>,
    /// What it says about releases.
    pub releases: BTreeMap<Version, Release>,
    /// What must hold of the server before something runs.
    pub preconditions: Conditions,
    /// What is counted before and after each migration.
    pub counts: Counts,
    source: Option<Source>,
}

/// Another component, and how far it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Its name.
    pub component: String,
    /// At least this version of it.
    pub version: Version,
}

/// Where a version with a suffix sorts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SuffixOrder {
    /// After the bare version.
    After,
}

/// What the manifest says about one migration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Older raw checksums that count as this migration.
    pub accept: Vec<String>,
    /// Older identities of it.
    pub renamed_from: Vec<MigrationId>,
    /// Each statement for itself.
    pub no_transaction: Option<bool>,
    /// Before or after the deploy.
    pub phase: Option<Phase>,
    /// Session settings, in order.
    pub settings: Vec<(String, String)>,
    /// Time limits.
    pub timeouts: Timeouts,
    /// The oldest release that may run on the result.
    pub compatible_from: Option<Version>,
    /// The database must have reached this version first.
    pub requires_version: Option<Version>,
    /// Why there is no way back.
    pub irreversible: Option<String>,
    /// Stands outside order, phase and checks until this name is included.
    pub optional: Option<String>,
    /// Its key in the manifest.
    at: Range<usize>,
}

/// What the manifest says about one release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Release {
    /// For whoever upgrades.
    pub notes: Option<String>,
    /// Where to read more.
    pub url: Option<String>,
}

impl Manifest {
    /// Its file name.
    pub const FILE: &str = "migrations.toml";

    /// Reads the text of a manifest: what was understood, and everything that is wrong with it.
    pub fn parse(source: Source) -> (Self, Vec<Diagnostic>) {
        let (mut manifest, diagnostics) = parse::parse(&source);
        manifest.source = Some(source);
        (manifest, diagnostics)
    }

    /// Whether it says something about a release of this version, which may ship no migration.
    pub fn names(&self, version: &Version) -> bool {
        self.releases.contains_key(version) || self.stops.iter().chain(&self.minimum).any(|named| named == version)
    }

    /// Its text; empty where there is no file.
    pub fn text(&self) -> &str {
        self.source.as_ref().map_or("", Source::text)
    }

    /// The place of what is said about a migration.
    pub(crate) fn place(&self, about: &About) -> Option<Place> {
        self.source.as_ref().map(|source| Place::in_source(source, about.at.clone()))
    }
}
