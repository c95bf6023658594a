//! Why a command ended without having done what was asked.

use migrate_core::apply::Report;
use migrate_core::backend::{Fault, ServerError};
use migrate_core::diagnostic::{Diagnostic, codes};
use migrate_core::error::{Error, ErrorKind};

use crate::exit::Exit;

/// Why a command ended: what to say, and how the process ends.
#[derive(Debug)]
pub struct Failure {
    /// How the process ends.
    pub exit: Exit,
    /// What a person should read.
    pub diagnostics: Vec<Diagnostic>,
    /// What had been done by then.
    pub report: Option<Box<Report>>,
}

impl Failure {
    /// With one thing to say.
    pub fn new(exit: Exit, diagnostic: Diagnostic) -> Self {
        Self { exit, diagnostics: vec![diagnostic], report: None }
    }

    /// A command that cannot be carried out as it was typed.
    pub fn usage(diagnostic: Diagnostic) -> Self {
        Self::new(Exit::Usage, diagnostic)
    }

    /// The server, outside of a run.
    pub fn server(error: ServerError) -> Self {
        Error::from(ErrorKind::from(error)).into()
    }

    /// A backup or a restore.
    pub fn backup(error: &ServerError) -> Self {
        let exit = match error.fault {
            Fault::Connect | Fault::NoDatabase | Fault::Lost => Exit::NoConnection,
            Fault::LockTimeout | Fault::Deadlock => Exit::Locked,
            _ => Exit::Precondition,
        };
        let problem = Diagnostic::error(codes::BACKUP, error.to_string());
        Self::new(
            exit,
            match &error.hint {
                Some(hint) => problem.help(hint.clone()),
                None => problem,
            },
        )
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            exit: Exit::from(&error),
            diagnostics: error.diagnostics(),
            report: Some(Box::new(error.report().clone())),
        }
    }
}

/// Configuration, URLs, arguments.
impl From<Box<Diagnostic>> for Failure {
    fn from(diagnostic: Box<Diagnostic>) -> Self {
        Self::usage(*diagnostic)
    }
}

/// A configuration or a set with everything that is wrong with it.
impl From<Vec<Diagnostic>> for Failure {
    fn from(diagnostics: Vec<Diagnostic>) -> Self {
        Self { exit: Exit::Usage, diagnostics, report: None }
    }
}
