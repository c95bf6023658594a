//! Layouts whose migrations are folders: the files in each.

use std::collections::BTreeMap;

use super::{File, Folder, Reading};
use crate::diagnostic::{Diagnostic, Place, codes};

/// A folder that may be a migration.
pub(super) struct Subfolder<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// What lies in it and below it.
    pub(super) files: Vec<&'a File>,
}

impl<'a> Subfolder<'a> {
    /// The file of this name directly in it.
    pub(super) fn file(&self, name: &str) -> Option<&'a File> {
        self.files.iter().copied().find(|file| file.subfolder() == self.name && file.base() == name)
    }

    /// Its path, as a person would type it.
    pub(super) fn path(&self) -> String {
        let path = self.files.first().map(|file| file.path()).unwrap_or_default();
        let deeper = self.files.first().map_or(0, |file| file.name().len() - self.name.len());
        path[..path.len() - deeper].to_owned()
    }
}

/// The folders directly inside the set's, with what they hold; empty ones are none.
pub(super) fn subfolders(folder: &Folder) -> Vec<Subfolder<'_>> {
    let mut found: BTreeMap<&str, Vec<&File>> = BTreeMap::new();
    for file in &folder.tree().files {
        if let Some((name, _)) = file.name().split_once('/') {
            found.entry(name).or_default().push(file);
        }
    }
    found.into_iter().map(|(name, files)| Subfolder { name, files }).collect()
}

/// Scripts that lie beside the folders in which `tool` looks for `script`.
pub(super) fn loose_scripts(folder: &Folder, tool: &str, script: &str, reading: &mut Reading) {
    reading.diagnostics.extend(folder.files().iter().filter_map(|file| loose_script(file, tool, script)));
}

/// What is said of a file beside the folders, if it is a script.
pub(super) fn loose_script(file: &File, tool: &str, script: &str) -> Option<Diagnostic> {
    file.name().to_ascii_lowercase().contains(".sql").then(|| {
        Diagnostic::warning(
            codes::NEAR_MISS_NAME,
            format!("{}: is not read: a migration of {tool} is a folder with {script} in it", file.name()),
        )
        .at(Place::path(file.path()))
        .help("if it is a migration, give it a folder of its own")
    })
}

/// A folder that holds files, but not the script.
pub(super) fn without_script(subfolder: &Subfolder<'_>, tool: &str, script: &str) -> Diagnostic {
    Diagnostic::error(codes::NEAR_MISS_NAME, format!("{}: holds no {script}, and {tool} stops at it", subfolder.name))
        .at(Place::path(subfolder.path()))
        .help("if it is no migration, move it out of the folder")
}
