//! What `ssl-mode` and its kind ask for, as the driver wants to be told.

use std::path::Path;

use mysql_async::{ClientIdentity, SslOpts};
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::connect::problem::Problem;
use crate::connect::values::{Roots, Ssl, SslMode};

/// What the driver makes TLS of. Files are read anew for every connection: certificates are renewed while a service
/// runs.
pub(in crate::connect) fn options(ssl: &Ssl) -> Result<Option<SslOpts>, Problem> {
    provide()?;
    let mut options = SslOpts::default();
    if let Some((cert, key)) = &ssl.identity {
        options = options.with_client_identity(Some(identity(cert, key)?));
    }
    if ssl.mode != SslMode::VerifyIdentity {
        return Ok(Some(options.with_danger_accept_invalid_certs(true)));
    }
    let roots = match &ssl.roots {
        Roots::File(path) => {
            let roots = certificates(path, "ssl-ca")?;
            for root in &roots {
                RootCertStore::empty().add(root.clone()).map_err(|error| {
                    problem(format!("ssl-ca {} holds no certificate of an authority: {error}", path.display()), None)
                })?;
            }
            roots
        }
        Roots::System => {
            let all = rustls_native_certs::load_native_certs().certs;
            all.into_iter().filter(|root| RootCertStore::empty().add(root.clone()).is_ok()).collect()
        }
    };
    // A container often has none of its own: then those that the driver brings count.
    let has_roots = !roots.is_empty();
    let roots = roots.into_iter().map(|root| root.to_vec().into()).collect();
    Ok(Some(options.with_root_certs(roots).with_disable_built_in_roots(has_roots)))
}

/// The driver asks the process's default provider for cryptography, and panics where there is none and rustls cannot
/// choose: an application's own stays, else ring becomes it, else aws-lc-rs, as far as they are compiled in.
#[cfg_attr(
    any(feature = "aws-lc-rs", feature = "ring"),
    expect(clippy::unnecessary_wraps, reason = "without them there may be none")
)]
fn provide() -> Result<(), Problem> {
    if CryptoProvider::get_default().is_some() {
        return Ok(());
    }
    #[cfg(feature = "ring")]
    let provider = rustls::crypto::ring::default_provider();
    #[cfg(all(feature = "aws-lc-rs", not(feature = "ring")))]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    {
        // Who is faster may have it.
        let _ = provider.install_default();
        Ok(())
    }
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    Err(problem(
        "there is no cryptography for TLS: none was compiled in, and none was installed",
        Some(
            "switch the feature `ring` or `aws-lc-rs` of migrate-mysql on, or install a default with \
             rustls::crypto::CryptoProvider::install_default",
        ),
    ))
}

/// Read and looked at here, as the driver's errors do not say which file they are about.
fn identity(cert: &Path, key: &Path) -> Result<ClientIdentity, Problem> {
    certificates(cert, "ssl-cert")?;
    let chain = file(cert, "ssl-cert")?;
    let private = file(key, "ssl-key")?;
    let shown = key.display();
    PrivateKeyDer::from_pem_slice(&private).map_err(|error| {
        if private.windows(9).any(|word| word == b"ENCRYPTED") {
            let hint = format!("write one without: openssl pkey -in {shown} -out NEW");
            return problem(format!("ssl-key {shown} has a passphrase, and cannot be read"), Some(&hint));
        }
        problem(format!("ssl-key {shown} has no key in it: {error}"), Some("it must be PEM"))
    })?;
    Ok(ClientIdentity::new(chain.into(), private.into()))
}

fn file(path: &Path, word: &str) -> Result<Vec<u8>, Problem> {
    std::fs::read(path).map_err(|error| {
        problem(format!("{word} {} cannot be read: {error}", path.display()), Some("name a file that is there, as PEM"))
    })
}

fn certificates(path: &Path, word: &str) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let bytes = file(path, word)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        Ok(_) => Err(problem(format!("{word} {} has no certificate in it", path.display()), Some("it must be PEM"))),
        Err(error) => Err(problem(format!("{word} {} is not PEM: {error}", path.display()), None)),
    }
}

fn problem(message: impl Into<String>, hint: Option<&str>) -> Problem {
    Problem::new(message, hint).last()
}

#[cfg(test)]
#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
mod tests {
    use super::*;

    #[test]
    fn without_cryptography_there_is_no_tls_and_no_panic() {
        let ssl = Ssl { mode: SslMode::Required, roots: Roots::System, identity: None };
        let error = options(&ssl).map(drop).unwrap_err().error;
        assert!(error.message.starts_with("there is no cryptography for TLS"), "{error:?}");
        let hint = error.hint.unwrap_or_default();
        assert!(hint.contains("the feature `ring` or `aws-lc-rs` of migrate-mysql"), "{hint}");
    }
}
