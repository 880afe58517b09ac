//! Whom a box believes to be the centre.
//!
//! A code carries the beginning of the SHA-256 of the centre's root certificate. If the server
//! presents a root that matches, everything must be signed by it and nothing else counts: this
//! needs no certificate from anybody outside. If it presents none (a centre behind a proxy with a
//! certificate of a public authority), the roots of the operating system decide; what the centre
//! then answers must still carry the root of the code.
//!
//! A box whose clock was lost judges a matching root at that root's own beginning.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use veglia_identity::{CertificateFacts, Pin};
use veglia_wire::Clock;

/// TLS towards a centre with this pin.
pub(super) fn config(pin: Pin, wall: Arc<dyn Clock>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = CentreVerifier {
        pin,
        provider: Arc::clone(&provider),
        system: OnceLock::new(),
    };
    let config = ClientConfig::builder_with_details(provider, Arc::new(Wall(wall)))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

struct Wall(Arc<dyn Clock>);

impl TimeProvider for Wall {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.now().0.div_euclid(1000)).unwrap_or(0);
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

impl fmt::Debug for Wall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Wall").finish()
    }
}

struct CentreVerifier {
    pin: Pin,
    provider: Arc<CryptoProvider>,
    /// The system's roots, read when they are first needed.
    system: OnceLock<RootCertStore>,
}

impl CentreVerifier {
    /// Whoever can vouch for this chain, and when.
    fn judge(
        &self,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(Arc<WebPkiServerVerifier>, UnixTime), Error> {
        let pinned = intermediates.iter().find(|it| self.pin.matches(it));
        let (roots, now) = match pinned {
            Some(root) => {
                let mut roots = RootCertStore::empty();
                roots.add(root.clone().into_owned())?;
                (roots, now.max(beginning(root)))
            }
            None => (self.system.get_or_init(system_roots).clone(), now),
        };
        let provider = Arc::clone(&self.provider);
        let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider).build();
        // Without a single root nobody can be known.
        let verifier = verifier.map_err(|_| CertificateError::UnknownIssuer)?;
        Ok((verifier, now))
    }
}

fn beginning(root: &CertificateDer<'_>) -> UnixTime {
    let facts = CertificateFacts::read(root).ok();
    let seconds = facts.and_then(|facts| u64::try_from(facts.not_before.0).ok());
    UnixTime::since_unix_epoch(Duration::from_secs(seconds.unwrap_or(0)))
}

fn system_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!(%error, "some roots of the system cannot be read");
    }
    let mut roots = RootCertStore::empty();
    let (added, unknown) = roots.add_parsable_certificates(found.certs);
    tracing::debug!(added, unknown, "roots of the system");
    roots
}

impl ServerCertVerifier for CentreVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let (judge, now) = self.judge(intermediates, now)?;
        judge.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

impl fmt::Debug for CentreVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CentreVerifier")
            .field("pin", &self.pin)
            .finish_non_exhaustive()
    }
}
