//! Layouts: file names and text ⇄ migrations.
//!
//! A [`Layout`] says which files of a [`Folder`] are migrations and how a new one is named. Every layout is one file
//! and one line in [`LAYOUTS`]. Order between migrations, the manifest and checks of the whole set are not here: see
//! [`crate::set`].

pub mod folder;
mod native;

use std::fmt::Debug;

pub use folder::{File, Folder};
pub use native::Native;

use crate::callback::Callback;
use crate::diagnostic::Diagnostic;
use crate::migration::{Migration, MigrationId, Snapshot};
use crate::set::ReadOptions;
use crate::source::{Cut, Source};
use crate::sql::Syntax;

/// Every layout there is, the native one first.
pub static LAYOUTS: &[&dyn Layout] = &[&Native];

/// The layout called `name`.
pub fn by_name(name: &str) -> Option<&'static dyn Layout> {
    LAYOUTS.iter().copied().find(|layout| layout.name() == name)
}

/// File names and text ⇄ migrations.
///
/// # Contract
/// Reading never stops at the first problem and never skips silently: a file is a migration, or clearly something
/// else, or the subject of a diagnostic.
pub trait Layout: Debug + Send + Sync {
    /// As people type it: `--layout native`.
    fn name(&self) -> &'static str;

    /// What the folder holds for one engine, with the values of its placeholders. The migrations need not be sorted; no
    /// two of them have one identity.
    fn read(&self, folder: &Folder, options: &ReadOptions) -> Reading;

    /// Where the statements of a text of this layout are, by its own markers; nothing where the splitter decides. It is
    /// also asked about texts that are stored in a history, which are parts of files.
    fn cuts(&self, source: &Source, syntax: &Syntax) -> Vec<Cut> {
        let _ = (source, syntax);
        Vec::new()
    }

    /// The files of a new migration, such that reading them gives its identity and description again.
    ///
    /// # Errors
    /// If this layout has no name for such an identity.
    fn files(&self, new: &NewMigration) -> Result<Vec<NewFile>, Box<Diagnostic>>;
}

/// What a layout must know about the engine it reads for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineNames {
    /// The `.ENGINE` endings it answers to, best first.
    pub names: &'static [&'static str],
    /// For finding directives, which are comments.
    pub syntax: Syntax,
}

impl EngineNames {
    /// PostgreSQL.
    pub const POSTGRES: Self = Self { names: &["postgres", "postgresql"], syntax: Syntax::POSTGRES };
    /// MySQL.
    pub const MYSQL: Self = Self { names: &["mysql"], syntax: Syntax::MYSQL };
    /// MariaDB, which takes MySQL's files where it has none of its own.
    pub const MARIADB: Self = Self { names: &["mariadb", "mysql"], syntax: Syntax::MYSQL };
    /// SQLite.
    pub const SQLITE: Self = Self { names: &["sqlite", "sqlite3"], syntax: Syntax::SQLITE };
}

/// What a layout understood, and everything that is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The migrations for this engine.
    pub migrations: Vec<Migration>,
    /// Snapshots that install an empty database.
    pub snapshots: Vec<Snapshot>,
    /// Scripts that run around the migrations.
    pub callbacks: Vec<Callback>,
    /// Migrations that have files for other engines only.
    pub elsewhere: Vec<MigrationId>,
    /// Problems, in the order of the files.
    pub diagnostics: Vec<Diagnostic>,
}

/// A migration somebody is about to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMigration {
    /// Its identity and place.
    pub id: MigrationId,
    /// In words: `add owner`. A repeatable's description is its name.
    pub description: String,
    /// Only for this engine.
    pub engine: Option<String>,
    /// With a `down`.
    pub reversible: bool,
}

/// A file to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Its name, relative to the folder.
    pub name: String,
    /// What it holds before somebody writes the SQL.
    pub text: String,
}
