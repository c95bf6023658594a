//! What the engine says → what the core decides by.

use migrate_core::backend::{Fault, ServerError};

use crate::engine::{Error, ErrorKind};

pub(crate) fn server_error(error: Error) -> ServerError {
    let fault = match error.kind {
        ErrorKind::Refused | ErrorKind::Duplicate => Fault::Refused,
        // Nothing happened, and somebody else was in the way: the core tries again.
        ErrorKind::Busy => Fault::LockTimeout,
        ErrorKind::Missing => Fault::NoDatabase,
        ErrorKind::ReadOnly => Fault::ReadOnly,
    };
    ServerError { position: error.position, ..ServerError::new(fault, error.message) }
}
