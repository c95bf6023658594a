//! A set that was compiled in.
//!
//! A service that finds everything applied need not know what its migrations are: what that answer takes is written into
//! the program when it is built, and nothing is parsed or hashed. In a debug build the folder is compared as well, where
//! it is still there, so that a program that was not built again is told from a database that is behind.
//!
//! What is public here is for what `embed_migrations!` expands to, and no part of the interface.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::{MigrationSet, Parts, ReadOptions};
use crate::diagnostic::{Diagnostic, codes};
use crate::layout::{self, EngineNames, File, Folder, Layout, without_credentials};
use crate::migration::MigrationId;

/// Names with their texts.
type Texts = &'static [(&'static str, &'static str)];

/// What `embed_migrations!` writes into a program.
#[derive(Debug, PartialEq, Eq)]
pub struct Embedded {
    /// The folder as its user wrote it.
    pub folder: &'static str,
    /// The name of its layout.
    pub layout: &'static str,
    /// Whose files are taken.
    pub engine: EngineNames,
    /// The folder's files.
    pub files: Texts,
    /// Files that are found beside or above it.
    pub above: Texts,
    /// [`MigrationSet::component`].
    pub component: &'static str,
    /// [`MigrationSet::digest`].
    pub digest: &'static str,
    /// The identity of the newest versioned migration.
    pub newest: Option<&'static str>,
    /// Whether it has callbacks.
    pub calls_back: bool,
    /// Where the folder was, in a debug build.
    pub origin: Option<&'static str>,
}

impl Embedded {
    pub(super) fn end(&self) -> Option<MigrationId> {
        self.newest.and_then(|id| id.parse().ok())
    }

    fn options(&self) -> ReadOptions {
        let mut options = ReadOptions::new(self.engine);
        options.layout = Some(self.layout.to_owned());
        options
    }

    /// The set, read as it was when it was compiled in.
    fn read(&self) -> Parts {
        let folder = Folder::embedded(self.folder, self.files.iter().copied()).with_above(self.above.iter().copied());
        match MigrationSet::from_folder(&folder, &self.options()) {
            Ok(loaded) => loaded.set.content.into_parts(),
            Err(problems) => panic!("the set was checked when it was compiled in, and now: {}", problems[0]),
        }
    }

    /// How what lies in the folder now differs. That there is no folder says nothing: a program runs on other machines
    /// than the one it was built on.
    fn stale(&self) -> Option<StaleBinary> {
        let root = PathBuf::from(self.origin?);
        let (listed, problems) = Folder::read(std::slice::from_ref(&root));
        let layout = layout::named(self.layout).ok().filter(|_| problems.is_empty())?;
        let (files, above) = (included(&listed, layout).ok()?, included_above(&listed, layout).ok()?);
        let difference = difference(self.files, &files).or_else(|| difference(self.above, &above))?;
        // A file that is no migration may change as it likes.
        let named = |texts: Vec<Included>| texts.into_iter().map(|text| (text.name, text.text)).collect::<Vec<_>>();
        let now = Folder::embedded(self.folder, named(files)).with_above(named(above));
        let now = MigrationSet::from_folder(&now, &self.options()).map(|loaded| loaded.set.content.into_parts());
        if now.is_ok_and(|now| now == self.read()) {
            return None;
        }
        Some(StaleBinary { folder: self.folder.to_owned(), difference })
    }
}

impl MigrationSet {
    /// The set that was compiled in.
    #[doc(hidden)]
    pub fn embedded(embedded: &'static Embedded) -> Self {
        Self {
            component: embedded.component.to_owned(),
            digest: embedded.digest.to_owned(),
            content: Content { parts: OnceLock::new(), embedded: Some(embedded) },
            stale: embedded.stale(),
        }
    }
}

/// What is in a set, read at once or when it is needed.
#[derive(Clone)]
pub(super) struct Content {
    parts: OnceLock<Parts>,
    embedded: Option<&'static Embedded>,
}

impl Content {
    pub(super) fn known(parts: Parts) -> Self {
        Self { parts: OnceLock::from(parts), embedded: None }
    }

    pub(super) fn get(&self) -> &Parts {
        self.parts.get_or_init(|| self.embedded.map(Embedded::read).expect("a set is known or compiled in"))
    }

    pub(super) fn get_mut(&mut self) -> &mut Parts {
        self.get();
        // From here on it is not what was compiled in.
        self.embedded = None;
        self.parts.get_mut().expect("it was just read")
    }

    pub(super) fn into_parts(mut self) -> Parts {
        self.get();
        self.parts.take().expect("it was just read")
    }

    /// What was compiled in, as long as nobody has read it.
    pub(super) fn unread(&self) -> Option<&'static Embedded> {
        self.embedded.filter(|_| self.parts.get().is_none())
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for Content {}

/// A file that is compiled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Included {
    /// As [`File::name`] has it.
    pub name: String,
    /// Where it was found.
    pub path: PathBuf,
    /// What of it is compiled in.
    pub text: String,
}

/// Everything in a folder that a layout may read.
///
/// # Errors
/// If the folder cannot be listed, or a script not be read.
pub fn included(folder: &Folder, layout: &dyn Layout) -> Result<Vec<Included>, Box<Diagnostic>> {
    if !layout.reads_subfolders() {
        return texts(folder.files());
    }
    match folder.tree().problems.first() {
        Some(problem) => Err(Box::new(problem.clone())),
        None => texts(&folder.tree().files),
    }
}

/// The settings of another tool that a layout reads beside or above the folder, without passwords.
///
/// # Errors
/// If a script among them cannot be read.
pub fn included_above(folder: &Folder, layout: &dyn Layout) -> Result<Vec<Included>, Box<Diagnostic>> {
    let files: Vec<File> = layout.settings().iter().filter_map(|name| folder.above(name)).collect();
    let mut above = texts(&files)?;
    for settings in &mut above {
        settings.text = without_credentials(&settings.text);
    }
    Ok(above)
}

fn texts(files: &[File]) -> Result<Vec<Included>, Box<Diagnostic>> {
    let mut texts = Vec::new();
    for file in files {
        let source = match file.source() {
            Ok(source) => source,
            Err(problem) if file.name().to_ascii_lowercase().ends_with(".sql") => return Err(problem),
            // Whatever it is, it is no text; the layout judges its name.
            Err(_) => continue,
        };
        let path = PathBuf::from(file.path());
        texts.push(Included { name: file.name().to_owned(), path, text: source.file().to_owned() });
    }
    Ok(texts)
}

/// A program whose set is not what its folder holds by now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StaleBinary {
    /// The folder as its user wrote it.
    pub folder: String,
    /// The first difference.
    pub difference: Difference,
}

/// How a file of the folder differs from what was compiled in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// It is new.
    Added(String),
    /// It is gone.
    Removed(String),
    /// It has another text.
    Changed(String),
}

fn difference(then: Texts, now: &[Included]) -> Option<Difference> {
    let mut before: BTreeMap<&str, &str> = then.iter().copied().collect();
    for file in now {
        match before.remove(file.name.as_str()) {
            None => return Some(Difference::Added(file.name.clone())),
            Some(text) if text != file.text => return Some(Difference::Changed(file.name.clone())),
            Some(_) => {}
        }
    }
    before.into_keys().next().map(|name| Difference::Removed(name.to_owned()))
}

impl StaleBinary {
    /// What a person should read.
    pub fn diagnostic(&self) -> Diagnostic {
        let folder = Path::new(&self.folder).display();
        let diagnostic = Diagnostic::refused(codes::STALE_BINARY, self.to_string())
            .help("nothing was run, and nothing is wrong with the database: build the program again");
        match self.difference {
            Difference::Changed(_) => diagnostic,
            Difference::Added(_) | Difference::Removed(_) => diagnostic.help(format!(
                "so that cargo does it by itself, in build.rs: println!(\"cargo::rerun-if-changed={folder}\");"
            )),
        }
    }
}

impl fmt::Display for StaleBinary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, what) = match &self.difference {
            Difference::Added(name) => (name, "added"),
            Difference::Removed(name) => (name, "removed"),
            Difference::Changed(name) => (name, "changed"),
        };
        write!(f, "the binary is stale: {}/{name} was {what} after it was built", self.folder)
    }
}
