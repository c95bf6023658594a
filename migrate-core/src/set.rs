//! A validated, sorted set of migrations.
//!
//! | module | does |
//! |---|---|
//! | [`read`](MigrationSet::read) | folders → a set, through a layout and the manifest |
//! | `embedded` | a set that was compiled in: known without being read, and compared with its folder |
//! | [`in_order`] | several sets in one database, in the order of their needs |
//! | [`validate`] | checks that need no database: every script, and one set against an earlier one |
//!
//! What of a set is applied, and what to do about it, is not here: that takes a history.

mod code;
#[doc(hidden)]
pub mod embedded;
mod order;
mod read;
mod requires;
#[cfg(test)]
mod tests;
pub mod validate;

pub use order::in_order;

use std::fmt;
use std::path::PathBuf;

use embedded::{Content, Embedded};

use crate::callback::Callback;
use crate::checksum;
use crate::diagnostic::{Diagnostic, Place, codes};
use crate::layout::EngineNames;
use crate::layout::detect::{Detection, InDatabase};
use crate::manifest::Manifest;
use crate::migration::{Migration, MigrationId, Phase, Snapshot};
use crate::placeholder::Values;
use crate::version::Version;

pub use embedded::StaleBinary;

/// The migrations of one component for one engine: sorted by identity, no two alike.
///
/// One that was compiled in is read when somebody asks for what is in it; that everything is applied is told by its
/// digest alone.
#[derive(Clone, PartialEq, Eq)]
pub struct MigrationSet {
    component: String,
    digest: String,
    content: Content,
    stale: Option<StaleBinary>,
}

/// What is in a set.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    layout: &'static str,
    migrations: Vec<Migration>,
    snapshots: Vec<Snapshot>,
    callbacks: Vec<Callback>,
    roots: Vec<String>,
    manifest: Manifest,
}

/// How a folder is to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadOptions {
    /// The name of a layout; `None` is what the manifest says, else what the folder and the database look like.
    pub layout: Option<String>,
    /// Whose history it is; `None` is what the manifest says, else [`MigrationSet::MAIN`].
    pub component: Option<String>,
    /// Whose files are taken.
    pub engine: EngineNames,
    /// What placeholders stand for.
    pub placeholders: Values,
    /// The variables of the process, for layouts whose tool puts them into scripts: a library does not read them by
    /// itself. `flyway:timestamp` among them is what Flyway's placeholder of that name stands for.
    pub environment: Values,
    /// What the database says about the layout, where one was asked.
    pub database: InDatabase,
    /// As [`Manifest::unmarked`], which goes before it.
    pub unmarked: Option<Phase>,
}

impl ReadOptions {
    /// For an engine, with the layout the manifest says or the folder looks like.
    pub fn new(engine: EngineNames) -> Self {
        Self {
            layout: None,
            component: None,
            engine,
            placeholders: Values::default(),
            environment: Values::default(),
            database: InDatabase::default(),
            unmarked: None,
        }
    }
}

/// A set that was read, and what is worth saying about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loaded {
    /// The set.
    pub set: MigrationSet,
    /// Warnings and notes; never an error.
    pub diagnostics: Vec<Diagnostic>,
    /// How the layout was found, where nobody said which it is.
    pub detection: Option<Detection>,
}

impl MigrationSet {
    /// The component of an application that never named one.
    pub const MAIN: &str = "main";

    /// A set from values.
    ///
    /// # Errors
    /// If two migrations have one identity, one was renamed from what another one is, or a repeatable requires what
    /// is not there or itself.
    pub fn new(component: impl Into<String>, migrations: Vec<Migration>) -> Result<Self, Vec<Diagnostic>> {
        Self::assemble(component.into(), "native", migrations, Vec::new(), Manifest::default())
    }

    /// The same with scripts that run around its migrations.
    pub fn with_callbacks(mut self, mut callbacks: Vec<Callback>) -> Self {
        callbacks.sort_by(|a, b| (a.event, &a.description).cmp(&(b.event, &b.description)));
        self.content.get_mut().callbacks = callbacks;
        self
    }

    /// The same with migrations whose work is code that can be run. Those that a file declares become runnable; the others
    /// take their places.
    pub(crate) fn with_code(self, declared: Vec<Migration>) -> Result<Self, Vec<Diagnostic>> {
        let Self { component, content, stale, digest: _ } = self;
        let Parts { layout, mut migrations, snapshots, callbacks, roots, manifest } = content.into_parts();
        let mut problems = Vec::new();
        for new in declared {
            match migrations.iter_mut().find(|known| known.id == new.id) {
                Some(known) => problems.extend(code::bind(known, &new)),
                None if new.id.is_repeatable() => problems.push(code::repeatable(&new)),
                None => migrations.push(new),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut set = Self { stale, ..Self::assemble(component, layout, migrations, snapshots, manifest)? };
        let parts = set.content.get_mut();
        (parts.callbacks, parts.roots) = (callbacks, roots);
        Ok(set)
    }

    fn assemble(
        component: String,
        layout: &'static str,
        mut migrations: Vec<Migration>,
        mut snapshots: Vec<Snapshot>,
        manifest: Manifest,
    ) -> Result<Self, Vec<Diagnostic>> {
        migrations.sort_by(|a, b| a.id.cmp(&b.id));
        snapshots.sort_by(|a, b| a.version.cmp(&b.version));
        let mut problems: Vec<Diagnostic> = migrations
            .windows(2)
            .filter(|pair| pair[0].id == pair[1].id)
            .map(|pair| duplicate(&pair[1], &pair[0]))
            .collect();
        problems.extend(
            snapshots
                .windows(2)
                .filter(|pair| pair[0].version == pair[1].version)
                .map(|pair| duplicate_files(&pair[1].title(), pair[1].script.path(), pair[0].script.path())),
        );
        if !problems.is_empty() {
            return Err(problems);
        }
        let digest = digest(&component, &migrations, &manifest);
        let callbacks = Vec::new();
        let roots = Vec::new();
        let parts = Parts { layout, migrations, snapshots, callbacks, roots, manifest };
        let set = Self { component, digest, content: Content::known(parts), stale: None };
        let mut problems = set.impossible_renames();
        problems.extend(requires::order(set.repeatables()).1);
        if problems.is_empty() { Ok(set) } else { Err(problems) }
    }

    /// The same under another name: a library's migrations in an application's database.
    pub fn with_component(mut self, component: impl Into<String>) -> Self {
        self.component = component.into();
        let parts = self.content.get_mut();
        self.digest = digest(&self.component, &parts.migrations, &parts.manifest);
        self
    }

    fn parts(&self) -> &Parts {
        self.content.get()
    }

    fn with_roots(mut self, roots: &[PathBuf]) -> Self {
        self.content.get_mut().roots = roots.iter().map(|root| root.display().to_string()).collect();
        self
    }

    /// The folder that a file of it was found below, as it was given.
    #[cfg(feature = "other-tools")]
    pub(crate) fn root_of(&self, path: &str) -> Option<&str> {
        let below = |root: &&String| path.strip_prefix(root.as_str()).is_some_and(|rest| rest.starts_with(['/', '\\']));
        self.parts().roots.iter().filter(below).max_by_key(|root| root.len()).map(String::as_str)
    }

    /// Whose history it is.
    pub fn component(&self) -> &str {
        &self.component
    }

    /// The name of the layout it was read with.
    pub fn layout(&self) -> &'static str {
        self.parts().layout
    }

    /// What `migrations.toml` says.
    pub fn manifest(&self) -> &Manifest {
        &self.parts().manifest
    }

    /// Snapshots that install an empty database, ascending.
    pub fn snapshots(&self) -> &[Snapshot] {
        &self.parts().snapshots
    }

    /// Scripts that run around the migrations, in the order of their events. No state of a database depends on them.
    pub fn callbacks(&self) -> &[Callback] {
        &self.parts().callbacks
    }

    /// `sha256:` over the component, the identities, the raw checksums, the values in repeatables and the manifest: equal
    /// digests mean there is nothing to compare one by one.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// How many migrations it has.
    pub fn len(&self) -> usize {
        self.parts().migrations.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.parts().migrations.is_empty()
    }

    /// In the order of execution.
    pub fn iter(&self) -> std::slice::Iter<'_, Migration> {
        self.parts().migrations.iter()
    }

    /// The migration with this identity.
    pub fn get(&self, id: &MigrationId) -> Option<&Migration> {
        self.position(id).map(|position| &self.parts().migrations[position])
    }

    /// Its place in the order of execution, from 0.
    pub fn position(&self, id: &MigrationId) -> Option<usize> {
        self.parts().migrations.binary_search_by(|migration| migration.id.cmp(id)).ok()
    }

    /// The versioned migrations, in the order of execution.
    pub fn versioned(&self) -> &[Migration] {
        let end = self.parts().migrations.partition_point(|migration| !migration.id.is_repeatable());
        &self.parts().migrations[..end]
    }

    /// The repeatables, by name.
    pub fn repeatables(&self) -> &[Migration] {
        &self.parts().migrations[self.versioned().len()..]
    }

    /// The newest versioned migration.
    pub fn last_versioned(&self) -> Option<&Migration> {
        self.versioned().last()
    }

    /// Every version that names a migration, ascending, each once.
    pub fn releases(&self) -> impl Iterator<Item = &Version> {
        let mut last = None;
        self.versioned().iter().filter_map(|migration| migration.id.version()).filter(move |version| {
            let new = last != Some(*version);
            last = Some(*version);
            new
        })
    }

    /// Where a database is that has all of it; a set that was compiled in is not read for it.
    pub(crate) fn end(&self) -> Option<MigrationId> {
        let known = self.content.unread().and_then(Embedded::end);
        known.or_else(|| self.last_versioned().map(|migration| migration.id.clone()))
    }

    /// Whether scripts run around its migrations; a set that was compiled in is not read for it.
    pub(crate) fn calls_back(&self) -> bool {
        self.content.unread().map_or_else(|| !self.callbacks().is_empty(), |embedded| embedded.calls_back)
    }

    /// How the folder that the set was compiled in from differs from it by now, in a debug build of a program that runs
    /// where it was built. Whoever runs migrations refuses then: it is the program that must be built again.
    pub fn stale(&self) -> Option<&StaleBinary> {
        self.stale.as_ref()
    }

    /// The migration that had this identity before it was renamed.
    pub fn renamed(&self, id: &MigrationId) -> Option<&Migration> {
        self.parts().migrations.iter().find(|migration| migration.attributes.renamed_from.contains(id))
    }

    /// What one migration is called now must not be what another one was called: a history row could mean either.
    fn impossible_renames(&self) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        for migration in &self.parts().migrations {
            for old in &migration.attributes.renamed_from {
                let other = self.get(old).or_else(|| self.renamed(old).filter(|other| other.id != migration.id));
                if let Some(other) = other {
                    let claim = if other.id == *old { "is still here" } else { "was renamed from it too" };
                    let message =
                        format!("{}: was renamed from {old}, but {} {claim}", migration.title(), other.title());
                    let place = self
                        .parts()
                        .manifest
                        .migrations
                        .get(&migration.id)
                        .and_then(|about| self.parts().manifest.place(about));
                    problems.push(
                        Diagnostic::error(codes::DUPLICATE, message)
                            .at(place.unwrap_or_else(|| Place::path(migration.up.path())))
                            .help(format!("take \"{old}\" out of its renamed-from")),
                    );
                }
            }
        }
        problems
    }
}

impl fmt::Debug for MigrationSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MigrationSet")
            .field("component", &self.component)
            .field("digest", &self.digest)
            .field("parts", self.parts())
            .field("stale", &self.stale)
            .finish_non_exhaustive()
    }
}

impl<'a> IntoIterator for &'a MigrationSet {
    type Item = &'a Migration;
    type IntoIter = std::slice::Iter<'a, Migration>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

fn duplicate(migration: &Migration, other: &Migration) -> Diagnostic {
    duplicate_files(&migration.title(), migration.up.path(), other.up.path())
}

pub(crate) fn duplicate_files(title: &str, path: &str, other: &str) -> Diagnostic {
    Diagnostic::error(codes::DUPLICATE, format!("{title}: two files claim this identity"))
        .at(Place::path(path))
        .help(format!("the other one is {other}"))
        .help("give the newer one a higher version; one that is applied anywhere keeps its name")
}

/// Lengths keep neighbouring fields apart, whatever they hold.
fn digest(component: &str, migrations: &[Migration], manifest: &Manifest) -> String {
    let mut bytes = Vec::new();
    let mut field = |text: &str| {
        bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    };
    field(component);
    for migration in migrations {
        field(&migration.id.to_string());
        field(&migration.checksum);
        // Other values make a repeatable run again.
        if migration.id.is_repeatable() && migration.up.has_values() {
            field(&checksum::raw(migration.up.text()));
        }
        // Another way back is stored anew.
        if let Some(down) = &migration.down {
            field("down");
            field(down.text());
        }
    }
    field("manifest");
    field(manifest.text());
    checksum::tagged("sha256", &bytes)
}
