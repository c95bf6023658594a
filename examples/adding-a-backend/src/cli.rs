//! What the command line must know of the engine, beside its backend.

use migrate_cli::backends::{CliBackend, Database, Opening};
use migrate_core::backend::ServerError;
use migrate_core::diagnostic::{Diagnostic, codes};
use migrate_core::{Backend, Dialect};

use crate::engine::Connection;
use crate::error::server_error;
use crate::{TOY, Toy};

/// Databases of `toy:PATH`.
#[derive(Clone, Copy, Debug)]
pub struct ToyCli;

impl CliBackend for ToyCli {
    fn schemes(&self) -> &'static [&'static str] {
        &["toy"]
    }

    fn dialect(&self) -> &'static Dialect {
        &TOY
    }

    fn open(&self, opening: &Opening<'_>) -> Result<Box<dyn Database>, Box<Diagnostic>> {
        let path = opening.url.rest();
        if path.is_empty() {
            return Err(Box::new(
                Diagnostic::error(codes::BAD_URL, format!("`{}` names no file", opening.url))
                    .help("write one like toy:app.toy"),
            ));
        }
        // A relative path starts at whoever wrote it: the configuration's folder, or the current one.
        Ok(Box::new(Opened(Toy::open(opening.base.join(path)).create(opening.create))))
    }
}

struct Opened(Toy);

impl Database for Opened {
    fn backend(&self) -> Box<dyn Backend> {
        Box::new(self.0.clone())
    }

    fn name(&self) -> String {
        self.0.path().file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn create(&self) -> Result<bool, ServerError> {
        Connection::create(self.0.path()).map_err(server_error)
    }
}
