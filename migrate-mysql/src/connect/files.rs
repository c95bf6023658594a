//! Which files `LOAD DATA LOCAL` may have.
//!
//! The server asks for a file by name, and may ask at any time: so nothing outside the one folder is given to it. The
//! driver ends a connection whose request it refuses; here the server gets an empty file instead, which changes
//! nothing, and what it asked for is kept for whoever sent the statement.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use futures_util::future::{BoxFuture, FutureExt as _};
use mysql_async::prelude::GlobalHandler;
use mysql_async::{InfileData, LocalInfileError, WhiteListFsHandler};

/// The files of one connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct LocalFiles(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    folder: Option<PathBuf>,
    refused: Option<String>,
}

impl LocalFiles {
    /// Gives out what is in a folder, also below it, by names that start from it or from the root; nothing for `None`.
    pub(crate) fn allow(&self, folder: Option<PathBuf>) {
        self.state(|state| state.folder = folder);
    }

    /// What the server asked for in vain since the last question: the statement that made it do so loaded nothing.
    pub(crate) fn take_refused(&self) -> Option<String> {
        self.state(|state| state.refused.take())
    }

    fn state<T>(&self, use_: impl FnOnce(&mut State) -> T) -> T {
        use_(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The file, if it is one of the folder.
    fn found(&self, name: &str) -> Option<PathBuf> {
        let folder = self.state(|state| state.folder.clone())?.canonicalize().ok()?;
        // With every link followed, so that none leads out of it.
        let file = folder.join(name).canonicalize().ok()?;
        (file.starts_with(&folder) && file.is_file()).then_some(file)
    }
}

impl GlobalHandler for LocalFiles {
    fn handle(&self, file_name: &[u8]) -> BoxFuture<'static, Result<InfileData, LocalInfileError>> {
        let name = String::from_utf8_lossy(file_name).into_owned();
        match self.found(&name) {
            Some(file) => {
                let path = file.display().to_string();
                WhiteListFsHandler::new([file]).handle(path.as_bytes())
            }
            None => {
                self.state(|state| state.refused = Some(name));
                async { Ok(futures_util::stream::empty().boxed()) }.boxed()
            }
        }
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
        std::fs::write(inner.join("inside"), "x").unwrap();
        let files = LocalFiles::default();
        assert_eq!(files.found("inside"), None);
        files.allow(Some(inner.clone()));
        let inside = Some(inner.canonicalize().unwrap().join("inside"));
        assert_eq!(files.found("inside"), inside);
        assert_eq!(files.found(&inner.join("inside").display().to_string()), inside);
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
