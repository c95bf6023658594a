//! Why TLS broke off, from what rustls says.

use std::error::Error as StdError;

use rustls::{AlertDescription, CertificateError, Error};

use crate::connect::problem::{Problem, Tried};
use crate::connect::values::Roots;

/// What a broken handshake means, if it is one.
pub(in crate::connect) fn explain(cause: &(dyn StdError + 'static), tried: Tried<'_>) -> Option<Problem> {
    let error = cause.downcast_ref::<Error>()?;
    let Tried { place, ssl, .. } = tried;
    let roots = match &ssl.roots {
        Some(Roots::File(path)) => path.display().to_string(),
        _ => "the operating system's certificates".to_owned(),
    };
    let certificate = "the certificate of";
    let problem = match error {
        Error::InvalidCertificate(bad) => match bad {
            CertificateError::NotValidForName => {
                Problem::new(format!("{certificate} {place} is not for this name"), Some(OTHER_NAME))
            }
            CertificateError::NotValidForNameContext { expected, presented } => {
                let names: Vec<_> = presented.iter().map(|name| bare(name)).collect();
                let expected = expected.to_str();
                Problem::new(
                    if names.is_empty() {
                        format!(
                            "{certificate} {place} names no host in its subjectAltName, where {expected} should stand"
                        )
                    } else {
                        format!("{certificate} {place} is for {} and not for {expected}", names.join(", "))
                    },
                    Some(OTHER_NAME),
                )
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                Problem::new(format!("{certificate} {place} has expired"), Some("renew it on the server"))
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Problem::new(
                format!("{certificate} {place} is not valid yet"),
                Some("check the clocks of both machines"),
            ),
            CertificateError::Revoked => {
                Problem::new(format!("{certificate} {place} was revoked"), Some("renew it on the server"))
            }
            CertificateError::UnknownIssuer => {
                let hint = "name the authority that signed it: sslrootcert=FILE";
                Problem::new(format!("{certificate} {place} is not signed by one of {roots}"), Some(hint))
            }
            other if other.to_string().contains("UnsupportedCertVersion") => {
                let hint = "make it anew with a subjectAltName, which makes it version 3";
                Problem::new(format!("{certificate} {place} is of version 1, which cannot be verified"), Some(hint))
            }
            other => Problem::new(format!("{certificate} {place} cannot be trusted: {other}"), None),
        },
        Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired => {
                let hint = "name one: sslcert=FILE and sslkey=FILE";
                Problem::new(format!("{place} asks for a certificate of the client"), Some(hint))
            }
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::DecryptError
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown => {
                let hint = "sslcert must be signed by an authority of the server's ssl_ca_file, and be valid now";
                Problem::new(format!("{place} refuses the client's certificate: {error}"), Some(hint))
            }
            _ => Problem::new(format!("{place} broke TLS off: {error}"), None),
        },
        _ => Problem::new(format!("{place}: no TLS: {error}"), Some("check that a PostgreSQL server listens there")),
    };
    Some(problem.encryption())
}

const OTHER_NAME: &str = "connect by a name it is for, or be content with its signature: sslmode=verify-ca";

/// `db.example` of `DnsName("db.example")`.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').map_or(name, |(_, inner)| inner.trim_end_matches(')'));
    inner.trim_matches('"')
}
