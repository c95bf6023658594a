//! TLS, as far as `ssl-mode` insists on it and the feature `tls` is on.
//!
//! | module | holds |
//! |---|---|
//! | `options` | what `ssl-mode` and its kind ask for, as the driver wants to be told; who does the cryptography |
//! | `problem` | why TLS broke off |

#[cfg(feature = "tls")]
mod options;
#[cfg(feature = "tls")]
mod problem;

#[cfg(feature = "tls")]
pub(super) use options::options;
#[cfg(feature = "tls")]
pub(super) use problem::explain;

#[cfg(not(feature = "tls"))]
pub(super) use without::{explain, options};

/// No TLS is compiled in.
#[cfg(not(feature = "tls"))]
mod without {
    use std::error::Error;

    use mysql_async::SslOpts;

    use crate::connect::problem::{Problem, Tried};
    use crate::connect::values::Ssl;

    #[expect(clippy::unnecessary_wraps, reason = "with TLS there is what can fail")]
    pub(in crate::connect) fn options(_: &Ssl) -> Result<Option<SslOpts>, Problem> {
        Ok(None)
    }

    pub(in crate::connect) fn explain(_: &(dyn Error + 'static), _: Tried<'_>) -> Option<Problem> {
        None
    }
}
