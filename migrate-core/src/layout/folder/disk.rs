//! Folders on disk: what lies in them, below them and above them.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::Tree;
use super::file::{Content, File};
use crate::diagnostic::{Diagnostic, Place, codes};

/// How many folders deep a set may lie. Links that lead in circles end here at the latest.
const DEEPEST: usize = 16;

/// How far above the folder a project may begin.
const HIGHEST: usize = 8;

/// What lies directly in a folder.
#[derive(Default)]
pub(super) struct Listing {
    pub(super) files: Vec<File>,
    /// Their paths and their names.
    pub(super) subfolders: Vec<(PathBuf, String)>,
}

/// Lists a folder without its subfolders and without hidden entries, sorted. Names begin with `prefix`.
pub(super) fn list(folder: &Path, prefix: &str) -> io::Result<Listing> {
    let mut listing = Listing::default();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') {
            continue;
        }
        let kind = entry.file_type()?;
        let path = folder.join(entry.file_name());
        let name = format!("{prefix}{name}");
        // A link counts as what it points to; a dangling one is a file that reading will report.
        if kind.is_dir() || (kind.is_symlink() && path.is_dir()) {
            listing.subfolders.push((path, name));
        } else {
            listing.files.push(File { path, name, content: Content::OnDisk });
        }
    }
    listing.files.sort_by(|a, b| a.name.cmp(&b.name));
    listing.subfolders.sort();
    Ok(listing)
}

/// Everything in and below a folder. What cannot be listed is a problem; the rest is there all the same.
pub(super) fn tree(root: &Path, tree: &mut Tree) {
    let mut walk = Walk { open: Vec::new(), tree };
    walk.enter(root, "");
}

struct Walk<'a> {
    /// The folders that are being walked, by their real paths.
    open: Vec<PathBuf>,
    tree: &'a mut Tree,
}

impl Walk<'_> {
    fn enter(&mut self, folder: &Path, prefix: &str) {
        let Ok(real) = fs::canonicalize(folder) else { return };
        // A link to a folder that it lies in shows nothing new.
        if self.open.contains(&real) || self.open.len() == DEEPEST {
            return;
        }
        let listing = match list(folder, prefix) {
            Ok(listing) => listing,
            Err(error) => return self.tree.problems.push(unlisted(folder, &error)),
        };
        self.tree.files.extend(listing.files);
        self.open.push(real);
        for (path, name) in listing.subfolders {
            self.enter(&path, &format!("{name}/"));
        }
        self.open.pop();
    }
}

/// The nearest file of this name in the folder or above it, within its project.
///
/// `name` may have folders in it: `supabase/config.toml`. The search ends where a repository does.
pub(super) fn above(root: &Path, name: &str) -> Option<File> {
    let mut folder = root.to_owned();
    for _ in 0..HIGHEST {
        let path = folder.join(name);
        if path.is_file() {
            return Some(File { path, name: name.to_owned(), content: Content::OnDisk });
        }
        if folder.join(".git").exists() {
            return None;
        }
        folder = parent(&folder)?;
    }
    None
}

/// The folder above, as it would be typed from where the person stands.
fn parent(folder: &Path) -> Option<PathBuf> {
    match folder.components().next_back() {
        Some(Component::Normal(_)) => Some(folder.parent()?.to_owned()),
        Some(Component::CurDir) => parent(folder.parent()?),
        None | Some(Component::ParentDir) => Some(folder.join("..")),
        Some(Component::RootDir | Component::Prefix(_)) => None,
    }
}

pub(super) fn unlisted(root: &Path, error: &io::Error) -> Diagnostic {
    let shown = root.display();
    let diagnostic = match error.kind() {
        io::ErrorKind::NotFound => Diagnostic::error(codes::UNREADABLE, format!("{shown}: there is no such folder")),
        io::ErrorKind::NotADirectory => {
            Diagnostic::error(codes::UNREADABLE, format!("{shown}: is a file, not a folder of migrations"))
        }
        _ => Diagnostic::error(codes::UNREADABLE, format!("{shown}: cannot be listed: {error}")),
    };
    let diagnostic = diagnostic.at(Place::path(shown.to_string()));
    match error.kind() {
        io::ErrorKind::NotFound => diagnostic.help(match nearest_sibling(root) {
            Some(sibling) => format!("is it {}?", sibling.display()),
            None => "create it with its first migration: migrate new create_users".to_owned(),
        }),
        io::ErrorKind::NotADirectory => diagnostic.help("name the folder that holds the migrations: --dir FOLDER"),
        _ => diagnostic,
    }
}

fn nearest_sibling(root: &Path) -> Option<PathBuf> {
    let wanted = root.file_name()?.to_string_lossy();
    let parent = root.parent()?;
    let listed = if parent == Path::new("") { Path::new(".") } else { parent };
    let siblings: Vec<String> = fs::read_dir(listed)
        .ok()?
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| OsStr::to_str(&entry.file_name()).map(str::to_owned))
        .collect();
    let nearest = crate::diagnostic::nearest(&wanted, siblings.iter().map(String::as_str))?;
    Some(parent.join(nearest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_above_is_found_from_wherever_a_path_is_typed() {
        for (folder, above) in [
            ("db/migrations", Some("db")),
            ("migrations", Some("")),
            ("", Some("..")),
            (".", Some("..")),
            ("..", Some("../..")),
            ("../x", Some("..")),
            ("/srv", Some("/")),
            ("/", None),
        ] {
            assert_eq!(parent(Path::new(folder)).as_deref(), above.map(Path::new), "{folder}");
        }
    }
}
