//! TLS that trusts the system's certificates, read on the first handshake instead of with every client: a client that only
//! speaks plain HTTP reads none, and all clients of the process share what was read.

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::Mutex;
use std::sync::PoisonError;

use codex_utils_rustls_provider::ensure_rustls_crypto_provider;
use rustls::CertificateError;
use rustls::ClientConfig;
use rustls::DigitallySignedStruct;
use rustls::Error;
use rustls::RootCertStore;
use rustls::SignatureScheme;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::danger::ServerCertVerified;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::crypto::verify_tls12_signature;
use rustls::crypto::verify_tls13_signature;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::ServerName;
use rustls_pki_types::UnixTime;

/// Where the reader of the system's certificates is told to look; another value makes it read again.
const ENVIRONMENT: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// A configuration with the process's roots; its copies share TLS sessions, so a new connection can resume an old one's.
pub(crate) fn client_config() -> ClientConfig {
    static CONFIG: LazyLock<ClientConfig> = LazyLock::new(|| config(RootCertStore::empty()));
    CONFIG.clone()
}

/// A configuration that trusts `certificates` too, and Mozilla's roots; or which of them cannot be a root.
pub(crate) fn client_config_with(certificates: &[CertificateDer<'static>]) -> Result<ClientConfig, (usize, Error)> {
    let mut extra = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for (index, certificate) in certificates.iter().enumerate() {
        extra.add(certificate.clone()).map_err(|error| (index, error))?;
    }
    Ok(config(extra))
}

fn config(extra: RootCertStore) -> ClientConfig {
    ensure_rustls_crypto_provider();
    let builder = ClientConfig::builder();
    let provider = Arc::clone(builder.crypto_provider());
    let roots = Arc::new(SystemRoots { provider, extra, read: Mutex::new(None) });
    builder.dangerous().with_custom_certificate_verifier(roots).with_no_client_auth()
}

type Environment = [Option<OsString>; ENVIRONMENT.len()];

/// Checks certificates as rustls does, against roots that are read when the first one is to be checked.
struct SystemRoots {
    provider: Arc<CryptoProvider>,
    /// Trusted beside the system's.
    extra: RootCertStore,
    read: Mutex<Option<(Environment, Arc<WebPkiServerVerifier>)>>,
}

impl SystemRoots {
    fn verifier(&self) -> Result<Arc<WebPkiServerVerifier>, Error> {
        let environment = ENVIRONMENT.map(std::env::var_os);
        // Reading under the lock keeps connections that start together from reading once each.
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, verifier)) = read.as_ref()
            && *known == environment
        {
            return Ok(Arc::clone(verifier));
        }
        let found = rustls_native_certs::load_native_certs();
        let mut roots = self.extra.clone();
        let (added, ignored) = roots.add_parsable_certificates(found.certs);
        tracing::debug!(added, ignored, errors = ?found.errors, "read the system's certificates");
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider)).build().map_err(|error| {
                tracing::warn!(%error, errors = ?found.errors, "no certificate of the system can be used");
                Error::InvalidCertificate(CertificateError::UnknownIssuer)
            })?;
        *read = Some((environment, Arc::clone(&verifier)));
        Ok(verifier)
    }
}

impl ServerCertVerifier for SystemRoots {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verifier()?.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl fmt::Debug for SystemRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemRoots").finish_non_exhaustive()
    }
}
