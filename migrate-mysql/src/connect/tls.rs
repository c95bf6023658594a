//! TLS, as far as `ssl-mode` insists on it.

use std::path::Path;

use mysql_async::{ClientIdentity, SslOpts};
use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::problem::Problem;
use super::values::{Roots, Ssl, SslMode};

/// What the driver makes TLS of. Files are read anew for every connection: certificates are renewed while a service
/// runs.
pub(super) fn options(ssl: &Ssl) -> Result<SslOpts, Problem> {
    if CryptoProvider::get_default().is_none() {
        // Without a default the driver panics where two providers are compiled in. Who is faster may have it.
        let _ = ring::default_provider().install_default();
    }
    let mut options = SslOpts::default();
    if let Some((cert, key)) = &ssl.identity {
        options = options.with_client_identity(Some(identity(cert, key)?));
    }
    if ssl.mode != SslMode::VerifyIdentity {
        return Ok(options.with_danger_accept_invalid_certs(true));
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
    Ok(options.with_root_certs(roots).with_disable_built_in_roots(has_roots))
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
