//! The files of a set: listed from disk, or compiled in.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Place, codes};
use crate::source::Source;

/// The files of one or several folders, sorted by folder and name. Text is read when a layout asks for it, so what no
/// layout wants (a dump, a picture) costs nothing.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    roots: Vec<PathBuf>,
    files: Vec<File>,
    subfolders: Vec<PathBuf>,
}

/// One file of a [`Folder`].
#[derive(Clone, Debug)]
pub struct File {
    path: PathBuf,
    name: String,
    content: Content,
}

#[derive(Clone, Debug)]
enum Content {
    OnDisk,
    Text(Arc<str>),
}

impl Folder {
    /// Lists `roots`, without their subfolders and without hidden files.
    ///
    /// What cannot be listed is a diagnostic; the rest is in the folder all the same.
    pub fn read(roots: &[PathBuf]) -> (Self, Vec<Diagnostic>) {
        let mut folder = Self { roots: roots.to_vec(), ..Self::default() };
        let mut diagnostics = Vec::new();
        for root in roots {
            if let Err(error) = folder.list(root) {
                diagnostics.push(unlisted(root, &error));
            }
        }
        (folder, diagnostics)
    }

    /// Files that are text already, with their names relative to `root`: a set that was compiled in.
    pub fn embedded<N: Into<String>, T: Into<Arc<str>>>(
        root: impl Into<PathBuf>,
        files: impl IntoIterator<Item = (N, T)>,
    ) -> Self {
        let root = root.into();
        let mut files: Vec<File> = files
            .into_iter()
            .map(|(name, text)| {
                let name = name.into();
                // Alike on every system, as the text is.
                let path = PathBuf::from(format!("{}/{name}", root.display()));
                File { path, name, content: Content::Text(text.into()) }
            })
            .collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Self { roots: vec![root], files, subfolders: Vec::new() }
    }

    /// The folders as they were given.
    pub fn roots(&self) -> &[PathBuf] {
        &self.roots
    }

    /// The files, sorted by root and name.
    pub fn files(&self) -> &[File] {
        &self.files
    }

    /// The folders inside the roots, which this listing does not enter.
    pub fn subfolders(&self) -> &[PathBuf] {
        &self.subfolders
    }

    /// The subfolders that hold SQL files themselves, and how many: where a person perhaps meant to point.
    pub fn scripts_below(&self) -> Vec<(PathBuf, usize)> {
        self.subfolders
            .iter()
            .filter_map(|subfolder| {
                let count = fs::read_dir(subfolder)
                    .ok()?
                    .flatten()
                    .filter(|entry| entry.path().extension().is_some_and(|ending| ending.eq_ignore_ascii_case("sql")))
                    .count();
                (count > 0).then(|| (subfolder.clone(), count))
            })
            .collect()
    }

    fn list(&mut self, root: &Path) -> io::Result<()> {
        let (mut files, mut subfolders) = (Vec::new(), Vec::new());
        for entry in fs::read_dir(root)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            let kind = entry.file_type()?;
            let path = root.join(entry.file_name());
            // A link counts as what it points to; a dangling one is a file that reading will report.
            if kind.is_dir() || (kind.is_symlink() && path.is_dir()) {
                subfolders.push(path);
            } else {
                files.push(File { path, name, content: Content::OnDisk });
            }
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        subfolders.sort();
        self.files.append(&mut files);
        self.subfolders.append(&mut subfolders);
        Ok(())
    }
}

impl File {
    /// The path as a person would type it: the folder as it was given, and the name.
    pub fn path(&self) -> String {
        self.path.display().to_string()
    }

    /// The name relative to the folder.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its text.
    ///
    /// # Errors
    /// If it cannot be read, or is not UTF-8.
    pub fn source(&self) -> Result<Source, Box<Diagnostic>> {
        match &self.content {
            Content::Text(text) => Ok(Source::new(self.path(), Arc::clone(text))),
            Content::OnDisk => {
                let bytes = fs::read(&self.path).map_err(|error| self.unread(&error))?;
                Ok(Source::new(self.path(), self.decode(bytes)?))
            }
        }
    }

    fn unread(&self, error: &io::Error) -> Diagnostic {
        let unreadable = |why: String| {
            Diagnostic::error(codes::UNREADABLE, format!("{}: {why}", self.name)).at(Place::path(self.path()))
        };
        match fs::read_link(&self.path) {
            Ok(target) if error.kind() == io::ErrorKind::NotFound => {
                unreadable(format!("is a link to {}, which is not there", target.display()))
                    .help("point it to the file, or put the file in its place")
            }
            _ => unreadable(format!("cannot be read: {error}")),
        }
    }

    fn decode(&self, bytes: Vec<u8>) -> Result<String, Box<Diagnostic>> {
        if let Some(encoding) = utf16(&bytes) {
            let diagnostic = Diagnostic::error(codes::NOT_UTF8, format!("{}: is {encoding}, not UTF-8", self.name))
                .at(Place::path(self.path()))
                .help(format!("save it as UTF-8: {}", iconv("UTF-16", &self.path())));
            return Err(Box::new(diagnostic));
        }
        String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            let bytes = error.into_bytes();
            // Everything before the first bad byte is as it was, so the offset stands.
            let lossy = Source::new(self.path(), String::from_utf8_lossy(&bytes).into_owned());
            let message = format!("{}: not UTF-8: byte 0x{:02x} starts no character", self.name, bytes[at]);
            let diagnostic = Diagnostic::error(codes::NOT_UTF8, message)
                .at(Place::in_source(&lossy, at..at + char::REPLACEMENT_CHARACTER.len_utf8()));
            if bytes[..at].windows(9).any(|bytes| bytes == b"_binary '") {
                // To convert it would change the data.
                return Box::new(diagnostic.help("binary data of a dump stands here: make it with --hex-blob"));
            }
            Box::new(
                diagnostic
                    .help("it is perhaps Latin-1 or Windows-1252")
                    .help(format!("save it as UTF-8: {}", iconv("WINDOWS-1252", &self.path()))),
            )
        })
    }
}

/// By its byte order mark, or by the zero byte that half of every ASCII character is.
/// The copy lies elsewhere for a moment: beside the file it would look like a migration.
fn iconv(from: &str, path: &str) -> String {
    format!("iconv -f {from} -t UTF-8 {path} > utf8.tmp && mv utf8.tmp {path}")
}

fn utf16(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xfe, ..] => Some("UTF-16 (little endian)"),
        [0xfe, 0xff, ..] => Some("UTF-16 (big endian)"),
        [1..=255, 0, 1..=255, 0, ..] => Some("UTF-16 (little endian, without a byte order mark)"),
        [0, 1..=255, 0, 1..=255, ..] => Some("UTF-16 (big endian, without a byte order mark)"),
        _ => None,
    }
}

fn unlisted(root: &Path, error: &io::Error) -> Diagnostic {
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
    use insta::assert_snapshot;

    use super::*;

    #[track_caller]
    fn undecoded(bytes: &[u8]) -> String {
        let file = File { path: "m/1_x.sql".into(), name: "1_x.sql".to_owned(), content: Content::OnDisk };
        file.decode(bytes.to_vec()).unwrap_err().to_string()
    }

    #[test]
    fn text_that_is_not_utf8_names_its_encoding_or_its_place() {
        assert_snapshot!(undecoded(b"\xff\xfes\0e\0"), @"
        error[M0005]: 1_x.sql: is UTF-16 (little endian), not UTF-8
          --> m/1_x.sql
           = save it as UTF-8: iconv -f UTF-16 -t UTF-8 m/1_x.sql > utf8.tmp && mv utf8.tmp m/1_x.sql
        ");
        assert_snapshot!(undecoded(b"\0s\0e\0l"), @"
        error[M0005]: 1_x.sql: is UTF-16 (big endian, without a byte order mark), not UTF-8
          --> m/1_x.sql
           = save it as UTF-8: iconv -f UTF-16 -t UTF-8 m/1_x.sql > utf8.tmp && mv utf8.tmp m/1_x.sql
        ");
        assert_snapshot!(undecoded(b"select 1;\nselect 'caf\xe9';"), @"
        error[M0005]: 1_x.sql: not UTF-8: byte 0xe9 starts no character
          --> m/1_x.sql:2:12
         2 | select 'caf�';
           |            ^
           = it is perhaps Latin-1 or Windows-1252
           = save it as UTF-8: iconv -f WINDOWS-1252 -t UTF-8 m/1_x.sql > utf8.tmp && mv utf8.tmp m/1_x.sql
        ");
        assert_snapshot!(undecoded(b"insert into t\nvalues (_binary '\xff\xfe');"), @r"
        error[M0005]: 1_x.sql: not UTF-8: byte 0xff starts no character
          --> m/1_x.sql:2:18
         2 | values (_binary '��');
           |                  ^
           = binary data of a dump stands here: make it with --hex-blob
        ");
    }

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

        let missing = root.join("odl");
        let (folder, diagnostics) = Folder::read(&[missing.clone(), root.join("1_a.sql")]);
        assert!(folder.files().is_empty());
        let said: Vec<_> =
            diagnostics.iter().map(|diagnostic| diagnostic.message.rsplit(": ").next().unwrap()).collect();
        assert_eq!(said, ["there is no such folder", "is a file, not a folder of migrations"]);
        assert_eq!(diagnostics[0].help, [format!("is it {}?", root.join("old").display())]);
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
