//! Where a database is.

use std::path::{Path, PathBuf};
use std::time::Duration;

use migrate_core::async_trait;
use migrate_core::backend::{Backend, Dialect, ServerError, Session};

use crate::engine::Connection;
use crate::error::server_error;
use crate::{TOY, ToySession};

/// A database file. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toy {
    path: PathBuf,
    create: bool,
}

impl Toy {
    /// A file that is there, by its path.
    pub fn open(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), create: false }
    }

    /// Whether connecting creates the file where there is none.
    pub fn create(self, create: bool) -> Self {
        Self { create, ..self }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[async_trait]
impl Backend for Toy {
    fn dialect(&self) -> &'static Dialect {
        &TOY
    }

    fn label(&self) -> String {
        format!("toy:{}", self.path.display())
    }

    async fn connect(&self) -> Result<Box<dyn Session>, ServerError> {
        if self.create {
            Connection::create(&self.path).map_err(server_error)?;
        }
        Ok(Box::new(ToySession::new(Connection::open(&self.path).map_err(server_error)?)))
    }

    async fn pause(&self, duration: Duration) {
        // There is no runtime, so there is nobody else whom this keeps from working.
        std::thread::sleep(duration);
    }
}
