//! Whom a box believes to be the centre.
//!
//! A code carries the beginning of the SHA-256 of the centre's root certificate. If the server
//! presents a root that matches, everything must be signed by it and nothing else counts: this
//! needs no certificate from anybody outside. If it presents none, it is not believed and nothing
//! is sent; unless a person has said that the centre stands behind a proxy with a certificate of a
//! public authority. Then the roots of the operating system decide who is told the code, and only
//! the answer must still carry the root of the code.
//!
//! A box whose clock was lost takes the newest time it can prove: that at which its own
//! certificate can have been made, or else the beginning of the root that is shown. Until the end
//! of the server's certificate, whoever has stolen the server's key is believed by such a box.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};
use veglia_identity::{CertificateFacts, Pin, UnixSeconds};
use veglia_link::TlsClock;
use veglia_wire::Clock;

/// Who is believed to be the centre.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trust {
    /// What its root certificate is known by.
    pub(crate) pin: Pin,
    /// Whether the roots of the operating system count when it does not show that root.
    pub(crate) public_ca: bool,
    /// The time is not before this, whatever the clock says.
    pub(crate) not_before: UnixSeconds,
}

/// TLS towards a centre.
pub(super) fn config(trust: Trust, wall: Arc<dyn Clock>) -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let clock = TlsClock::new(wall, trust.not_before);
    let verifier = CentreVerifier {
        trust,
        provider: Arc::clone(&provider),
        system: OnceLock::new(),
    };
    let config = ClientConfig::builder_with_details(provider, Arc::new(clock))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

struct CentreVerifier {
    trust: Trust,
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
        let pinned = intermediates.iter().find(|it| self.trust.pin.matches(it));
        let (roots, now) = match pinned {
            Some(root) => {
                let mut roots = RootCertStore::empty();
                roots.add(root.clone().into_owned())?;
                (roots, now.max(beginning(root)))
            }
            None if !self.trust.public_ca => {
                return Err(CertificateError::UnknownIssuer.into());
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
            .field("trust", &self.trust)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject;
    use veglia_identity::{Authority, Fingerprint};

    use super::*;

    const BEGAN: UnixSeconds = UnixSeconds(1_603_152_000);

    /// The chain of a server as it shows it: its own certificate, then the root.
    fn chain(authority: &Authority) -> Vec<CertificateDer<'static>> {
        let hosts = ["centre.example".to_owned()];
        let issued = authority.issue_server(&hosts, BEGAN).unwrap();
        let chain = CertificateDer::pem_slice_iter(issued.certificate.as_bytes());
        chain.map(Result::unwrap).collect()
    }

    fn verifier(pin: Pin, public_ca: bool, system: Option<&Authority>) -> CentreVerifier {
        let mut roots = RootCertStore::empty();
        if let Some(root) = system {
            roots.add(root.der().to_vec().into()).unwrap();
        }
        CentreVerifier {
            trust: Trust {
                pin,
                public_ca,
                not_before: UnixSeconds(0),
            },
            provider: Arc::new(rustls::crypto::ring::default_provider()),
            system: OnceLock::from(roots),
        }
    }

    fn judged(verifier: &CentreVerifier, chain: &[CertificateDer<'_>]) -> Result<(), Error> {
        let name = ServerName::try_from("centre.example").unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_603_152_001));
        let verified = verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], now);
        verified.map(drop)
    }

    #[test]
    fn the_systems_roots_count_only_when_somebody_said_so() {
        let folder = tempfile::tempdir().unwrap();
        let made = |name: &str| Authority::create(&folder.path().join(name), name, BEGAN).unwrap();
        let (centre, public) = (made("centre"), made("public"));
        let pin = Fingerprint::of(centre.der()).pin();

        let strict = verifier(pin, false, Some(&public));
        let unknown = Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
        assert_eq!(judged(&strict, &chain(&centre)), Ok(()));
        assert_eq!(judged(&strict, &chain(&public)), unknown);

        let public_too = verifier(pin, true, Some(&public));
        assert_eq!(judged(&public_too, &chain(&centre)), Ok(()));
        assert_eq!(judged(&public_too, &chain(&public)), Ok(()));
        let nobodys = verifier(pin, true, None);
        assert_eq!(judged(&nobodys, &chain(&public)), unknown);
    }
}
