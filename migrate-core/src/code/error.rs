//! Why code ended early.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::backend::ServerError;

/// Whatever keeps code from its end. Every error becomes one with `?`, and stays the source of it.
///
/// ```
/// use migrate_core::code::CodeError;
///
/// fn count(text: &str) -> Result<u64, CodeError> {
///     let count: u64 = text.parse()?;
///     if count == 0 { Err(CodeError::new("there is nothing to copy")) } else { Ok(count) }
/// }
/// assert_eq!(count("x").unwrap_err().to_string(), "invalid digit found in string");
/// assert_eq!(count("0").unwrap_err().to_string(), "there is nothing to copy");
/// ```
///
/// It is no [`Error`] itself, so that all others can become one.
#[derive(Clone, Debug)]
pub struct CodeError(Arc<dyn Error + Send + Sync>);

impl CodeError {
    /// A reason in words.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(Arc::new(Reason(reason.into())))
    }

    /// What went wrong.
    pub fn source(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.0
    }

    /// What the server said, if that is it and the context passed it on.
    pub(crate) fn server(&self) -> Option<&ServerError> {
        match self.0.downcast_ref() {
            Some(ContextError::Server(error)) => Some(error),
            Some(_) => None,
            None => self.0.downcast_ref(),
        }
    }

    /// Whether it ended because it was asked to.
    pub(crate) fn is_stop(&self) -> bool {
        matches!(self.0.downcast_ref(), Some(ContextError::Stopping))
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for CodeError {
    fn from(error: E) -> Self {
        Self(Arc::new(error))
    }
}

impl fmt::Display for CodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Equal where they say the same.
impl PartialEq for CodeError {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

#[derive(Debug)]
struct Reason(String);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Reason {}

/// Why a [`CodeContext`](super::CodeContext) refuses something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContextError {
    /// The server says no, or is gone.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The connection is of another type; that of each backend stands at its session.
    #[error("the connection to {engine} is no {wanted}")]
    Native {
        /// The type that was asked for.
        wanted: &'static str,
        /// The name of the dialect.
        engine: &'static str,
    },
    /// Only code that runs in batches ends a transaction with a checkpoint.
    #[error("only code that was declared `in_batches` can commit with a checkpoint")]
    NotInBatches,
    /// A checkpoint alone is written only where no transaction is open.
    #[error(
        "only code that was declared `outside_transaction` can save a checkpoint by itself: commit with it instead"
    )]
    InTransaction,
    /// The transaction belongs to the run.
    #[error("the transaction of the migration is open: `{0}` would end it")]
    EndsTransaction(String),
    /// A text is not SQL that can be split.
    #[error("{0}")]
    Script(String),
    /// The run was asked to stop. What was committed is kept; code that passes this on is not taken for failed.
    #[error("stopped by request")]
    Stopping,
}
