//! Why TLS broke off, from what rustls says.

use std::error::Error as StdError;

use mysql_async::TlsError;
use rustls::{AlertDescription, CertificateError, Error};

use crate::connect::problem::{Problem, Tried};
use crate::connect::values::Roots;

const OTHER_NAME: &str = "connect by a name it is for, or be content with encryption: ssl-mode=REQUIRED";

/// What a broken handshake means, if it is one.
pub(in crate::connect) fn explain(cause: &(dyn StdError + 'static), tried: Tried<'_>) -> Option<Problem> {
    if let Some(TlsError::InvalidDnsName(_)) = cause.downcast_ref::<TlsError>() {
        let hint = "name it by its address, or go without TLS: ssl-mode=DISABLED";
        let message = format!("{}: no certificate can be for such a name", tried.place);
        return Some(Problem::new(message, Some(hint)).last());
    }
    let error = cause.downcast_ref::<Error>()?;
    let Tried { place, ssl, .. } = tried;
    let roots = match &ssl.roots {
        Roots::File(path) => path.display().to_string(),
        Roots::System => "the operating system's certificates".to_owned(),
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
            CertificateError::UnknownIssuer => {
                let hint = "name the authority that signed it: ssl-ca=FILE";
                Problem::new(format!("{certificate} {place} is not signed by one of {roots}"), Some(hint))
            }
            other if other.to_string().contains("UnsupportedCertVersion") => {
                let hint = "make it anew with a subjectAltName, which makes it version 3";
                Problem::new(format!("{certificate} {place} is of version 1, which cannot be read here"), Some(hint))
            }
            other => Problem::new(format!("{certificate} {place} cannot be trusted: {other}"), None),
        },
        Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired => {
                let hint = "name one: ssl-cert=FILE and ssl-key=FILE";
                Problem::new(format!("{place} asks for a certificate of the client"), Some(hint))
            }
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::DecryptError
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown => {
                let hint = "ssl-cert must be signed by an authority of the server's ssl_ca, and be valid now";
                Problem::new(format!("{place} refuses the client's certificate: {error}"), Some(hint))
            }
            _ => Problem::new(
                format!("{place} broke TLS off: {error}"),
                Some("TLS 1.2 or 1.3 is needed: see tls_version on the server"),
            ),
        },
        Error::InconsistentKeys(_) => {
            Problem::new(format!("ssl-cert and ssl-key cannot be used together: {error}"), None)
        }
        _ => Problem::new(
            format!("{place}: no TLS: {error}"),
            Some("check that a MySQL or MariaDB server listens there"),
        ),
    };
    Some(problem.last())
}

/// `db.example` of `DnsName("db.example")`.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').map_or(name, |(_, inner)| inner.trim_end_matches(')'));
    inner.trim_matches('"')
}
