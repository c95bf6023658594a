//! Which files `LOAD DATA LOCAL` may have.
//!
//! The server asks for a file by name, and may ask at any time: so nothing outside the folders is given to it. The
//! protocol has no way to say no. An empty file would do for the statement, and what is sent behind it would run on
//! as if the rows were there; so the connection ends, as the driver has it, and with it everything that was open.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, FutureExt as _, ready};
use futures_util::stream;
use mysql_async::prelude::GlobalHandler;
use mysql_async::{InfileData, LocalInfileError};

/// How much of a file goes into one packet, in bytes.
const PIECE: u64 = 1 << 16;

/// What is in some folders, also below them, by names that start from one of them or from the root.
#[derive(Clone, Debug, Default)]
pub(crate) struct LocalFiles(Arc<Vec<PathBuf>>);

impl LocalFiles {
    /// With one more folder.
    pub(super) fn with(mut self, folder: PathBuf) -> Self {
        Arc::make_mut(&mut self.0).push(folder);
        self
    }

    /// Why a file is not given out.
    pub(crate) fn refusal(&self, name: &str) -> Option<LocalInfileError> {
        match self.found(name) {
            Some(_) => None,
            None if self.0.is_empty() => Some(LocalInfileError::NoHandler),
            None => Some(LocalInfileError::PathIsNotInTheWhiteList(name.to_owned())),
        }
    }

    /// The file, if it is one of a folder.
    fn found(&self, name: &str) -> Option<PathBuf> {
        self.0.iter().find_map(|folder| {
            let folder = folder.canonicalize().ok()?;
            // With every link followed, so that none leads out of it.
            let file = folder.join(name).canonicalize().ok()?;
            (file.starts_with(&folder) && file.is_file()).then_some(file)
        })
    }
}

impl GlobalHandler for LocalFiles {
    fn handle(&self, file_name: &[u8]) -> BoxFuture<'static, Result<InfileData, LocalInfileError>> {
        let name = String::from_utf8_lossy(file_name).into_owned();
        let pieces = match self.found(&name) {
            Some(file) => pieces(&file).map_err(LocalInfileError::from),
            None => Err(LocalInfileError::PathIsNotInTheWhiteList(name)),
        };
        let data = pieces.map(|pieces| {
            let pieces = pieces.into_iter().map(|piece| Ok(piece.into()));
            stream::iter(pieces).boxed()
        });
        ready(data).boxed()
    }
}

/// All of it before the first piece is sent: what fails half-way would pass for the end of the file.
fn pieces(path: &Path) -> std::io::Result<Vec<Vec<u8>>> {
    let mut file = std::fs::File::open(path)?;
    let mut pieces = vec![];
    loop {
        let mut piece = vec![];
        if file.by_ref().take(PIECE).read_to_end(&mut piece)? == 0 {
            return Ok(pieces);
        }
        pieces.push(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_in_the_folder_is_given_out() {
        let folder = std::env::temp_dir().join(format!("migrate-files-{}", std::process::id()));
        let inner = folder.join("in");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(folder.join("outside"), "x").unwrap();
        std::fs::write(inner.join("inside"), "x".repeat(100_000)).unwrap();
        let files = LocalFiles::default();
        assert_eq!(files.found("inside"), None);
        let files = files.with(folder.join("none")).with(inner.clone());
        let inside = inner.canonicalize().unwrap().join("inside");
        assert_eq!(files.found("inside").as_ref(), Some(&inside));
        assert_eq!(files.found(&inner.join("inside").display().to_string()).as_ref(), Some(&inside));
        let lengths: Vec<_> = pieces(&inside).unwrap().iter().map(Vec::len).collect();
        assert_eq!(lengths, [65_536, 34_464]);
        for name in ["../outside", "missing", ".", "/etc/passwd", ""] {
            assert_eq!(files.found(name), None, "{name}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("../outside", inner.join("link")).unwrap();
            assert_eq!(files.found("link"), None);
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}
