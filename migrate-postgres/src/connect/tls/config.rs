//! What `sslmode` and its kind ask for, as rustls wants to be told.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
    verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, InconsistentKeys, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};
use tokio_postgres::config::SslNegotiation;
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};

use crate::connect::problem::Problem;
use crate::connect::values::{Roots, Ssl, SslMode, TlsVersion};

/// Whoever is asked for cryptography: the process's default where an application has installed one, else ring, else
/// aws-lc-rs, as far as they are compiled in.
#[cfg_attr(
    any(feature = "aws-lc-rs", feature = "ring"),
    expect(clippy::unnecessary_wraps, reason = "without them there may be none")
)]
fn provider() -> Result<Arc<CryptoProvider>, Problem> {
    if let Some(installed) = CryptoProvider::get_default() {
        return Ok(Arc::clone(installed));
    }
    #[cfg(feature = "ring")]
    return Ok(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(all(feature = "aws-lc-rs", not(feature = "ring")))]
    return Ok(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    Err(problem(
        "there is no cryptography for TLS: none was compiled in, and none was installed",
        Some(
            "switch the feature `ring` or `aws-lc-rs` of migrate-postgres on, or install a default with \
             rustls::crypto::CryptoProvider::install_default",
        ),
    ))
}

/// Reads the files that are named, anew for every connection: certificates are renewed while a service runs.
pub(super) fn client_config(ssl: &Ssl) -> Result<ClientConfig, Problem> {
    let provider = provider()?;
    let trust = match (&ssl.roots, ssl.mode) {
        (Some(roots), _) => Some(Trust::new(roots, ssl.revoked.as_deref(), &provider)?),
        (None, SslMode::VerifyCa | SslMode::VerifyFull) => {
            let hint = "name it: sslrootcert=FILE, or sslrootcert=system for the operating system's certificates";
            return Err(problem("the server's certificate cannot be verified without a root certificate", Some(hint)));
        }
        (None, _) => None,
    };
    let verifier = Verifier {
        trust,
        by_name: ssl.mode == SslMode::VerifyFull,
        algorithms: provider.signature_verification_algorithms,
    };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder =
        builder.with_protocol_versions(&versions(&ssl.versions)).map_err(|error| problem(error.to_string(), None))?;
    let builder = builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match &ssl.identity {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => {
            let chain = certificates(cert, "sslcert")?;
            let private = private_key(key)?;
            let together = identity(&provider, chain, private).map_err(|error| {
                let (cert, key) = (cert.display(), key.display());
                problem(format!("sslcert {cert} and sslkey {key} cannot be used together: {error}"), None)
            })?;
            builder.with_client_cert_resolver(Arc::new(together))
        }
    };
    config.enable_sni = ssl.sni;
    if ssl.negotiation == SslNegotiation::Direct {
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    Ok(config)
}

fn versions(wanted: &[TlsVersion]) -> Vec<&'static SupportedProtocolVersion> {
    let version = |wanted: &TlsVersion| match wanted {
        TlsVersion::Tls12 => &TLS12,
        TlsVersion::Tls13 => &TLS13,
    };
    wanted.iter().map(version).collect()
}

/// Not through the builder, which refuses certificates of version 1: a client's often is one, and it is the server that
/// judges it.
fn identity(
    provider: &CryptoProvider,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<SingleCertAndKey, Error> {
    let certified = CertifiedKey::new(chain, provider.key_provider.load_private_key(key)?);
    match certified.keys_match() {
        Err(error @ Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => Err(error),
        _ => Ok(SingleCertAndKey::from(certified)),
    }
}

fn problem(message: impl Into<String>, hint: Option<&str>) -> Problem {
    Problem::new(message, hint).last()
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

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Problem> {
    let shown = path.display();
    let bytes = file(path, "sslkey")?;
    if !is_private(path) {
        let hint = format!("chmod 0600 {shown}");
        return Err(problem(format!("sslkey {shown} can be read by others"), Some(&hint)));
    }
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| {
        if bytes.windows(9).any(|word| word == b"ENCRYPTED") {
            let hint = format!("write one without: openssl pkey -in {shown} -out NEW");
            return problem(format!("sslkey {shown} has a passphrase, and cannot be read"), Some(&hint));
        }
        problem(format!("sslkey {shown} has no key in it: {error}"), Some("it must be PEM"))
    })
}

/// As libpq wants it: nobody else's, or root's and a group's.
#[cfg(unix)]
fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).is_ok_and(|found| {
        let others = if found.uid() == 0 { 0o037 } else { 0o077 };
        found.mode() & others == 0
    })
}

#[cfg(not(unix))]
fn is_private(_: &Path) -> bool {
    true
}

/// Whose certificates are good.
#[derive(Debug)]
struct Trust {
    chain: Arc<WebPkiServerVerifier>,
    /// The roots themselves: a server may show one of them, as the PostgreSQL manual does it.
    roots: Vec<CertificateDer<'static>>,
}

impl Trust {
    fn new(roots: &Roots, revoked: Option<&Path>, provider: &Arc<CryptoProvider>) -> Result<Self, Problem> {
        let mut store = RootCertStore::empty();
        let roots = match roots {
            Roots::System => {
                store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                if store.is_empty() {
                    // A container often has none.
                    store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
                }
                vec![]
            }
            Roots::File(path) => {
                let all = certificates(path, "sslrootcert")?;
                for certificate in &all {
                    store.add(certificate.clone()).map_err(|error| {
                        problem(format!("sslrootcert {} holds no root certificate: {error}", path.display()), None)
                    })?;
                }
                all
            }
        };
        let mut builder = WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(provider));
        if let Some(path) = revoked {
            let bytes = file(path, "sslcrl")?;
            let lists: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&bytes).collect();
            let lists =
                lists.map_err(|error| problem(format!("sslcrl {} is not PEM: {error}", path.display()), None))?;
            builder = builder.with_crls(lists);
        }
        let chain = builder.build().map_err(|error| problem(format!("sslrootcert cannot be used: {error}"), None))?;
        Ok(Self { chain, roots })
    }
}

/// Verifies as much as `sslmode` says.
#[derive(Debug)]
struct Verifier {
    /// Nobody is asked where it is `None`: every certificate is good.
    trust: Option<Trust>,
    by_name: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(trust) = &self.trust else { return Ok(ServerCertVerified::assertion()) };
        if trust.roots.iter().any(|root| root == end_entity) {
            is_current(end_entity, now)?;
            if self.by_name {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        match trust.chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is the last thing that is looked at.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.by_name => Ok(ServerCertVerified::assertion()),
            answer => answer,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms).or_else(|error| {
            // A certificate of version 1 is read by nothing above; where nobody is to be verified its key will do.
            let key =
                Certificate::from_der(cert).and_then(|cert| cert.tbs_certificate.subject_public_key_info.to_der());
            let key = key.map_err(|_| error)?;
            verify_tls13_signature_with_raw_key(message, &key.into(), dss, &self.algorithms)
        })
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn is_current(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
    let parsed = Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let validity = parsed.tbs_certificate.validity;
    let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(now.as_secs());
    if now < validity.not_before.to_system_time() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now > validity.not_after.to_system_time() {
        return Err(CertificateError::Expired.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    #[test]
    fn ring_goes_before_aws_lc_rs() {
        let chosen = format!("{:?}", super::provider().expect("one is compiled in").key_provider);
        assert_eq!(chosen, if cfg!(feature = "ring") { "Ring" } else { "AwsLcRs" });
    }
}
