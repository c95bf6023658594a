//! One file: its name, and its text when somebody asks for it.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Place, codes};
use crate::source::Source;

/// One file of a [`Folder`](super::Folder).
#[derive(Clone, Debug)]
pub struct File {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) content: Content,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    OnDisk,
    Text(Arc<str>),
}

impl File {
    /// The path as a person would type it: the folder as it was given, and the name.
    pub fn path(&self) -> String {
        self.path.display().to_string()
    }

    /// The name relative to the folder, with `/` between a subfolder and what is in it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name without the subfolders it lies in.
    pub fn base(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }

    /// The subfolder it lies in, relative to the folder; empty at the top.
    pub(crate) fn subfolder(&self) -> &str {
        self.name.rsplit_once('/').map_or("", |(subfolder, _)| subfolder)
    }

    /// Its text, exactly as it is: a byte order mark and the ends of lines stay, because other tools' checksums are
    /// over them.
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
}
