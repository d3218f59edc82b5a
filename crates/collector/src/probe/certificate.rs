//! Certificates: which are trusted, and when those that a server shows expire.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{FailureReason, ProbeConfig, ProbeFailure};

/// The certificates of the system, read once.
#[derive(Debug, Default)]
pub(super) struct TrustedRoots(OnceLock<RootCertStore>);

impl TrustedRoots {
    /// Returns the TLS settings of a probe, which note down what the server shows.
    pub(super) fn client_config(
        &self,
        probe: &ProbeConfig,
        seen: &SeenCertificates,
    ) -> Result<ClientConfig, ProbeFailure> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = if probe.verify_certificate {
            Some(self.verifier(probe, &provider)?)
        } else {
            None
        };
        let watcher = Watcher {
            seen: seen.clone(),
            provider: Arc::clone(&provider),
            verifier,
            trusted: probe
                .ca_certificate_pem
                .as_deref()
                .and_then(parse_pem)
                .unwrap_or_default(),
        };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| invalid(&error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(watcher))
            .with_no_client_auth();
        Ok(config)
    }

    fn verifier(
        &self,
        probe: &ProbeConfig,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<WebPkiServerVerifier>, ProbeFailure> {
        let mut roots = self.0.get_or_init(system_roots).clone();
        let own = probe.ca_certificate_pem.as_deref().and_then(parse_pem);
        for certificate in own.into_iter().flatten() {
            roots.add(certificate).map_err(|error| invalid(&error))?;
        }
        if roots.is_empty() {
            return Err(ProbeFailure::new(
                FailureReason::Config,
                "this machine has no trusted certificates: install ca-certificates",
            ));
        }
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
            .build()
            .map_err(|error| invalid(&error))
    }
}

fn invalid(error: &dyn std::fmt::Display) -> ProbeFailure {
    ProbeFailure::new(
        FailureReason::Config,
        format!("TLS cannot be set up: {error}"),
    )
}

fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // Old systems hold a few that no longer parse; the others are still good.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// Reads the certificates of a PEM text; `None` if there is none, or one is broken.
pub(super) fn parse_pem(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .ok()?;
    (!certificates.is_empty()).then_some(certificates)
}

/// When the certificates expire that the target itself showed.
#[derive(Clone, Debug, Default)]
pub(super) struct SeenCertificates(Arc<Mutex<Option<i64>>>);

impl SeenCertificates {
    /// Returns the earliest end of validity in the chain, in seconds since the epoch.
    pub(super) fn earliest_expiry_secs(&self) -> Option<i64> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the first chain; later ones come from where the target redirects to.
    fn note<'a>(&self, chain: impl Iterator<Item = &'a CertificateDer<'a>>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_none() {
            *seen = chain
                .filter_map(|certificate| {
                    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
                    Some(certificate.validity().not_after.timestamp())
                })
                .min();
        }
    }
}

/// Notes what the server shows before judging it, so that the end of a certificate that is no
/// longer trusted is known too.
#[derive(Debug)]
struct Watcher {
    seen: SeenCertificates,
    provider: Arc<CryptoProvider>,
    /// Without one every certificate will do.
    verifier: Option<Arc<WebPkiServerVerifier>>,
    /// The certificates that the probe trusts by itself.
    trusted: Vec<CertificateDer<'static>>,
}

/// Verifies a certificate that is trusted by itself, as self-signed ones are: most of them are
/// made as an authority's, which no chain may end in.
fn verify_trusted(
    certificate: &CertificateDer<'_>,
    server_name: &ServerName<'_>,
    now: UnixTime,
) -> Result<ServerCertVerified, rustls::Error> {
    verify_server_name(&ParsedCertificate::try_from(certificate)?, server_name)?;
    let (_, parsed) = X509Certificate::from_der(certificate)
        .map_err(|_| rustls::Error::InvalidCertificate(CertificateError::BadEncoding))?;
    let time_of = |timestamp_secs: i64| {
        UnixTime::since_unix_epoch(Duration::from_secs(timestamp_secs.max(0).unsigned_abs()))
    };
    let not_before = time_of(parsed.validity().not_before.timestamp());
    let not_after = time_of(parsed.validity().not_after.timestamp());
    if now > not_after {
        return Err(CertificateError::ExpiredContext {
            time: now,
            not_after,
        }
        .into());
    }
    if now < not_before {
        return Err(CertificateError::NotValidYetContext {
            time: now,
            not_before,
        }
        .into());
    }
    Ok(ServerCertVerified::assertion())
}

impl ServerCertVerifier for Watcher {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.seen
            .note(std::iter::once(end_entity).chain(intermediates));
        match &self.verifier {
            Some(_) if self.trusted.iter().any(|trusted| trusted == end_entity) => {
                verify_trusted(end_entity, server_name, now)
            }
            Some(verifier) => verifier.verify_server_cert(
                end_entity,
                intermediates,
                server_name,
                ocsp_response,
                now,
            ),
            None => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
