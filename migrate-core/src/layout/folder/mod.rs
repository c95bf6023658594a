//! The files of a set: listed from disk, or compiled in.
//!
//! | module | does |
//! |---|---|
//! | `disk` | what lies in folders, below them and above them |
//! | [`file`] | one file, and its text |

mod disk;
mod file;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

pub use file::File;

use self::file::Content;
use crate::diagnostic::Diagnostic;
use crate::source::Source;

/// The files of one or several folders, sorted by folder and name. Text is read when a layout asks for it, so what no
/// layout wants (a dump, a picture) costs nothing; subfolders are listed when one asks for them.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    roots: Vec<PathBuf>,
    files: Vec<File>,
    subfolders: Vec<PathBuf>,
    /// Everything, for a set that was compiled in.
    embedded: Option<Vec<File>>,
    /// What was compiled in from beside or above the folder.
    beside: Vec<File>,
    tree: OnceLock<Tree>,
    scripts: OnceLock<Vec<Source>>,
}

/// The files of a [`Folder`] and of everything below it.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// Folder by folder: what lies in one comes before what lies below it.
    pub files: Vec<File>,
    /// What could not be listed.
    pub problems: Vec<Diagnostic>,
}

impl Folder {
    /// Lists `roots`, without hidden entries.
    ///
    /// What cannot be listed is a diagnostic; the rest is in the folder all the same.
    pub fn read(roots: &[PathBuf]) -> (Self, Vec<Diagnostic>) {
        let mut folder = Self { roots: roots.to_vec(), ..Self::default() };
        let mut diagnostics = Vec::new();
        for root in roots {
            match disk::list(root, "") {
                Ok(listing) => {
                    folder.files.extend(listing.files);
                    folder.subfolders.extend(listing.subfolders.into_iter().map(|(path, _)| path));
                }
                Err(error) => diagnostics.push(disk::unlisted(root, &error)),
            }
        }
        (folder, diagnostics)
    }

    /// Files that are text already, with their names relative to `root`: a set that was compiled in. A `/` in a name
    /// puts the file into a subfolder.
    pub fn embedded<N: Into<String>, T: Into<Arc<str>>>(
        root: impl Into<PathBuf>,
        files: impl IntoIterator<Item = (N, T)>,
    ) -> Self {
        let root = root.into();
        let mut files: Vec<File> = files.into_iter().map(|(name, text)| embedded(&root, name, text)).collect();
        files.sort_by(|a, b| (a.subfolder(), &a.name).cmp(&(b.subfolder(), &b.name)));
        let subfolders: BTreeSet<_> = files.iter().filter_map(|file| Some(file.name.split_once('/')?.0)).collect();
        let subfolders = subfolders.into_iter().map(|name| root.join(name)).collect();
        let top = files.iter().filter(|file| file.subfolder().is_empty()).cloned().collect();
        Self { roots: vec![root], files: top, subfolders, embedded: Some(files), ..Self::default() }
    }

    /// The same with files that [`above`](Self::above) finds: settings of another tool that were compiled in.
    #[must_use]
    pub fn with_above<N: Into<String>, T: Into<Arc<str>>>(mut self, files: impl IntoIterator<Item = (N, T)>) -> Self {
        self.beside.extend(files.into_iter().map(|(name, text)| embedded(Path::new("."), name, text)));
        self
    }

    /// The folders as they were given.
    pub fn roots(&self) -> &[PathBuf] {
        &self.roots
    }

    /// The files that lie directly in the roots, sorted by root and name.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// The files in the roots and in everything below them, without hidden ones; each name has its subfolders in it.
    pub fn tree(&self) -> &Tree {
        self.tree.get_or_init(|| {
            let mut tree = Tree::default();
            match &self.embedded {
                Some(files) => tree.files.clone_from(files),
                None => self.roots.iter().for_each(|root| disk::tree(root, &mut tree)),
            }
            tree
        })
    }

    /// The texts of the `.sql` files directly in the roots, as far as they can be read: what signs are looked for in.
    pub fn scripts(&self) -> &[Source] {
        self.scripts.get_or_init(|| {
            self.files.iter().filter(|file| is_script(file)).filter_map(|file| file.source().ok()).collect()
        })
    }

    /// The file of exactly this name, which may have subfolders in it, in the first root that has it.
    pub fn file(&self, name: &str) -> Option<File> {
        if let Some(files) = &self.embedded {
            return files.iter().find(|file| file.name == name).cloned();
        }
        let paths = self.roots.iter().map(|root| root.join(name));
        let path = paths.into_iter().find(|path| path.is_file())?;
        Some(File { path, name: name.to_owned(), content: Content::OnDisk })
    }

    /// The nearest file of this name in the folder, beside it or above it: `Cargo.toml`, `supabase/config.toml`.
    ///
    /// It is looked for as far up as the repository reaches. A set that was compiled in has what came with it.
    pub fn above(&self, name: &str) -> Option<File> {
        if self.embedded.is_some() {
            return self.beside.iter().find(|file| file.name == name).cloned().or_else(|| self.file(name));
        }
        self.roots.iter().find_map(|root| disk::above(root, name))
    }

    /// The names of the folders directly inside the roots.
    pub(crate) fn subfolder_names(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.subfolders.iter().filter_map(|path| path.file_name()).map(|name| name.to_string_lossy())
    }

    /// The subfolders that hold SQL files themselves, and how many: where a person perhaps meant to point.
    pub(crate) fn scripts_below(&self) -> Vec<(PathBuf, usize)> {
        let count = |subfolder: &Path| match &self.embedded {
            Some(files) => {
                let name = subfolder.file_name().unwrap_or_default().to_string_lossy();
                files.iter().filter(|file| is_script(file)).filter(|file| file.subfolder() == name).count()
            }
            None => disk::list(subfolder, "")
                .map_or(0, |listing| listing.files.iter().filter(|file| is_script(file)).count()),
        };
        let counted = self.subfolders.iter().map(|subfolder| (subfolder.clone(), count(subfolder)));
        counted.filter(|(_, count)| *count > 0).collect()
    }
}

fn is_script(file: &File) -> bool {
    file.name.to_ascii_lowercase().ends_with(".sql")
}

/// Its path is alike on every system, as the text is.
fn embedded<N: Into<String>, T: Into<Arc<str>>>(root: &Path, name: N, text: T) -> File {
    let name = name.into();
    let path = match root.to_string_lossy().as_ref() {
        "." => PathBuf::from(&name),
        root => PathBuf::from(format!("{root}/{name}")),
    };
    File { path, name, content: Content::Text(text.into()) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::diagnostic::codes;

    #[test]
    fn a_folder_lists_its_files_in_order_without_hidden_ones() {
        let root = std::env::temp_dir().join(format!("migrate-folder-{}", std::process::id()));
        fs::create_dir_all(root.join("old")).unwrap();
        for name in ["2_b.sql", "10_c.sql", "1_a.sql", ".hidden.sql", "old/0_z.sql", "old/README.md"] {
            fs::write(root.join(name), "select 1;").unwrap();
        }
        let (folder, diagnostics) = Folder::read(std::slice::from_ref(&root));
        assert_eq!(diagnostics, []);
        let names: Vec<_> = folder.files().iter().map(File::name).collect();
        assert_eq!(names, ["10_c.sql", "1_a.sql", "2_b.sql"]);
        assert_eq!(folder.files()[1].source().unwrap().text(), "select 1;");
        assert_eq!(folder.scripts_below(), [(root.join("old"), 1)]);

        fs::create_dir_all(root.join("old/deep")).unwrap();
        fs::write(root.join("old/deep/3_d.sql"), "").unwrap();
        let names: Vec<_> = folder.tree().files.iter().map(File::name).collect();
        assert_eq!(
            names,
            ["10_c.sql", "1_a.sql", "2_b.sql", "old/0_z.sql", "old/README.md", "old/deep/3_d.sql"],
            "listed when somebody asks"
        );
        assert_eq!(folder.tree().files[5].subfolder(), "old/deep");
        assert_eq!(folder.file("old/0_z.sql").unwrap().base(), "0_z.sql");
        assert!(folder.file("old").is_none() && folder.file("old/1_z.sql").is_none());

        let missing = root.join("odl");
        let (folder, diagnostics) = Folder::read(&[missing.clone(), root.join("1_a.sql")]);
        assert!(folder.files().is_empty());
        let said: Vec<_> =
            diagnostics.iter().map(|diagnostic| diagnostic.message.rsplit(": ").next().unwrap()).collect();
        assert_eq!(said, ["there is no such folder", "is a file, not a folder of migrations"]);
        assert_eq!(diagnostics[0].help, [format!("is it {}?", root.join("old").display())]);
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn what_is_compiled_in_has_its_subfolders_too() {
        let files = [("b/2.sql", "x"), ("a-b/1.sql", ""), ("b/c/3.sql", ""), ("1_a.sql", ""), ("a/1.sql", "")];
        let folder = Folder::embedded("m", files).with_above([("sqlx.toml", "[migrate]")]);
        assert_eq!(folder.files().iter().map(File::name).collect::<Vec<_>>(), ["1_a.sql"]);
        assert_eq!(folder.subfolder_names().collect::<Vec<_>>(), ["a", "a-b", "b"]);
        let names: Vec<_> = folder.tree().files.iter().map(File::path).collect();
        assert_eq!(names, ["m/1_a.sql", "m/a/1.sql", "m/a-b/1.sql", "m/b/2.sql", "m/b/c/3.sql"]);
        assert_eq!(folder.scripts_below()[2], (PathBuf::from("m/b"), 1));
        assert_eq!(folder.file("b/2.sql").unwrap().source().unwrap().text(), "x");
        assert_eq!(folder.above("sqlx.toml").unwrap().source().unwrap().text(), "[migrate]");
        assert!(folder.above("Cargo.toml").is_none(), "this crate's own is not asked");
    }

    #[test]
    fn settings_are_found_above_as_far_as_the_repository_reaches() {
        let root = std::env::temp_dir().join(format!("migrate-above-{}", std::process::id()));
        let migrations = root.join("repository/db/migrations");
        fs::create_dir_all(&migrations).unwrap();
        fs::create_dir_all(root.join("repository/.git")).unwrap();
        for name in ["go.mod", "repository/Cargo.toml", "repository/db/sqlx.toml", "repository/db/migrations/a.toml"] {
            fs::write(root.join(name), "").unwrap();
        }
        let (folder, _) = Folder::read(std::slice::from_ref(&migrations));
        let path = |name: &str| folder.above(name).map(|file| file.path);
        assert_eq!(path("a.toml"), Some(migrations.join("a.toml")));
        assert_eq!(path("sqlx.toml"), Some(root.join("repository/db/sqlx.toml")));
        assert_eq!(path("db/sqlx.toml"), Some(root.join("repository/db/sqlx.toml")));
        assert_eq!(path("Cargo.toml"), Some(root.join("repository/Cargo.toml")));
        assert_eq!(path("go.mod"), None, "it belongs to what the repository lies in");
        fs::remove_dir_all(root).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn links_that_lead_in_circles_end() {
        let root = std::env::temp_dir().join(format!("migrate-circle-{}", std::process::id()));
        fs::create_dir_all(root.join("a")).unwrap();
        fs::write(root.join("a/1_x.sql"), "").unwrap();
        std::os::unix::fs::symlink(&root, root.join("a/again")).unwrap();
        std::os::unix::fs::symlink(root.join("a"), root.join("b")).unwrap();
        let (folder, _) = Folder::read(std::slice::from_ref(&root));
        let names: Vec<_> = folder.tree().files.iter().map(File::name).collect();
        assert_eq!(names, ["a/1_x.sql", "b/1_x.sql"]);
        fs::remove_dir_all(root).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_cannot_be_read_is_reported() {
        let root = std::env::temp_dir().join(format!("migrate-unreadable-{}", std::process::id()));
        fs::create_dir_all(&root).unwrap();
        std::os::unix::fs::symlink("nowhere", root.join("1_a.sql")).unwrap();
        let (folder, _) = Folder::read(std::slice::from_ref(&root));
        let problem = folder.files()[0].source().unwrap_err();
        fs::remove_dir_all(&root).unwrap();
        assert_eq!((problem.code, &problem.message[..29]), (codes::UNREADABLE, "1_a.sql: is a link to nowhere"));
    }
}
