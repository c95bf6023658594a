//! Layouts: file names and text ⇄ migrations.
//!
//! A [`Layout`] says which files of a [`Folder`] are migrations and how a new one is named. Every layout is one file
//! and one line in [`LAYOUTS`], the sign that tells it from the others included. Order between migrations, the manifest
//! and checks of the whole set are not here: see [`crate::set`].
//!
//! Scripts are read in any case. What other tools leave beside them (Flyway's and Diesel's settings in TOML, Drizzle's
//! journal, `atlas.sum`) is read with the feature `manifest`, and is an error without it.
//!
//! | module | does |
//! |---|---|
//! | [`folder`] | the files of a set, on disk or compiled in |
//! | [`mod@detect`] | which layout a folder has that does not say so |
//! | `name` | what the names of all layouts have in common |
//! | `stray` | files that are no migration in the layout they lie in |
//! | `marker`, `properties` | the lines that other tools mark files with; the way they write settings |
//! | `draft` | files → the migrations of a [`Reading`] |
//! | `subfolders` | layouts whose migrations are folders |
//! | `refused` | the folders of tools whose migrations cannot be read |
//! | all others | a layout each |

#[cfg(test)]
mod any_folder_tests;
mod atlas;
mod dbmate;
pub mod detect;
mod diesel;
mod draft;
mod drizzle;
mod flyway;
pub mod folder;
mod golang_migrate;
mod goose;
mod liquibase;
mod marker;
mod mybatis;
mod name;
mod native;
mod openmetadata;
mod prisma;
mod procrastinate;
mod properties;
mod refinery;
mod refused;
mod rusqlite_migration;
mod sql_migrate;
mod sqlx;
mod stray;
mod subfolders;
mod supabase;
#[cfg(test)]
mod testing;

use std::fmt::Debug;

pub use atlas::Atlas;
pub use dbmate::Dbmate;
pub use detect::{Detection, Evidence, Weight, detect};
pub use diesel::Diesel;
pub use drizzle::{Drizzle, DrizzleFolders};
pub use flyway::Flyway;
pub use folder::{File, Folder, Tree};
pub use golang_migrate::GolangMigrate;
pub use goose::Goose;
pub use liquibase::Liquibase;
pub use mybatis::Mybatis;
pub use native::Native;
pub use openmetadata::Openmetadata;
pub use prisma::Prisma;
pub use procrastinate::Procrastinate;
pub(crate) use properties::without_credentials;
pub use refinery::Refinery;
pub use refused::{REFUSED, Refused};
pub use rusqlite_migration::RusqliteMigration;
pub use sql_migrate::SqlMigrate;
pub use sqlx::Sqlx;
pub use supabase::Supabase;

use crate::callback::Callback;
use crate::diagnostic::{Diagnostic, codes, nearest};
#[cfg(not(feature = "manifest"))]
use crate::diagnostic::{Place, without_feature};
use crate::migration::{Migration, MigrationId, Snapshot};
use crate::set::ReadOptions;
use crate::source::{Cut, Source};
use crate::sql::Syntax;

/// Every layout there is: the native one first, the others in the order in which their signs are looked for.
pub static LAYOUTS: &[&dyn Layout] = &[
    &Native,
    &Atlas,
    &Drizzle,
    &Prisma,
    &DrizzleFolders,
    &Openmetadata,
    &RusqliteMigration,
    &Diesel,
    &Supabase,
    &Procrastinate,
    &Liquibase,
    &Goose,
    &SqlMigrate,
    &Dbmate,
    &Mybatis,
    &Flyway,
    &Refinery,
    &Sqlx,
    &GolangMigrate,
];

/// The layout called `name`.
pub fn by_name(name: &str) -> Option<&'static dyn Layout> {
    LAYOUTS.iter().copied().find(|layout| layout.name() == name)
}

/// The layout that somebody named.
///
/// # Errors
/// If there is none of that name.
pub fn named(name: &str) -> Result<&'static dyn Layout, Box<Diagnostic>> {
    by_name(name).ok_or_else(|| {
        if let Some(refusal) = refused::refuse_name(name) {
            return Box::new(refusal);
        }
        let names: Vec<_> = LAYOUTS.iter().map(|layout| layout.name()).collect();
        let diagnostic = Diagnostic::error(codes::USAGE, format!("there is no layout `{name}`"));
        Box::new(match nearest(name, names.iter().copied()) {
            Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
            None => diagnostic.help(format!("the layouts are {}", names.join(", "))),
        })
    })
}

/// What lies beside scripts and says something about them is not passed over where it cannot be read.
#[cfg(not(feature = "manifest"))]
fn unread(name: &str, path: &str) -> Diagnostic {
    let what = format!("{name}: cannot be read");
    without_feature(codes::FOREIGN_FILE, what, "manifest").at(Place::path(path))
}

/// File names and text ⇄ migrations.
///
/// # Contract
/// Reading never stops at the first problem and never skips silently: a file is a migration, or clearly something
/// else, or the subject of a diagnostic.
pub trait Layout: Debug + Send + Sync {
    /// As people type it: `--layout native`.
    fn name(&self) -> &'static str;

    /// What speaks for this layout in a folder that does not say which it has; `None` if nothing does.
    fn signature(&self, folder: &Folder) -> Option<Evidence>;

    /// What this layout's own tool does with a migration that comes late. The default is what nearly all do.
    fn late(&self) -> Late {
        Late::Refused
    }

    /// Whether it reads what lies in subfolders, so that a set that is compiled in needs them.
    fn reads_subfolders(&self) -> bool {
        false
    }

    /// The files beside or above the folder that it reads, by the names [`Folder::above`] takes.
    fn settings(&self) -> &'static [&'static str] {
        &[]
    }

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

/// What happens with a pending migration that sorts below an applied one, where no policy says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Late {
    /// The run is refused, and the migration named. So it is also where the tool would never run it, without a word.
    Refused,
    /// It runs, as every other one that is pending.
    Runs,
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
