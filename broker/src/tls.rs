//! TLS before MQTT: both sides prove who they are before the first packet.
//!
//! A client certificate must be of the one authority, in date and meant for clients, and its name
//! and key must stand in the identity file: the certificate says who somebody is, the file says
//! who may come. Both are judged inside the handshake, so that whoever is refused learns it by
//! the alert that TLS has for it (`certificate_expired`, `unknown_ca`, `certificate_revoked`, …),
//! and judged again wherever time has passed since: at the CONNECT, at the seat, and for every
//! running session whenever the authority or the list changes.
//!
//! TLS 1.3 is preferred and 1.2 allowed. There is no resumption: a resumed session would skip the
//! judging, and connections here live for days, so a handshake saved is worth nothing.
//!
//! Limits: a handshake takes at most [`HANDSHAKE_PATIENCE`], however busily its bytes trickle, and
//! less while there are many; how many may be under way is in [`crate::Limits`].
//!
//! Deliberately absent: certificate revocation lists (the identity file revokes, within a
//! second), OCSP, early data, any process-wide provider.

pub(crate) mod files;
mod papers;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig,
    SignatureScheme,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use veglia_identity::{Denied, Identities};

use crate::packets::linger;
use crate::refusal::Refusal;
pub(crate) use files::Files;
pub use files::TlsError;
pub(crate) use papers::Papers;

/// For a whole handshake: three round trips of a mobile network that has just woken up. A busy
/// trickle of bytes does not make it longer.
pub(crate) const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);

/// For one that begins while more than half of all places are taken: three round trips of a
/// mobile network that is awake. Whoever needs more comes back when it is quiet.
pub(crate) const CROWDED_PATIENCE: Duration = Duration::from_secs(4);

/// TLS 1.3 first.
pub(crate) const VERSIONS: &[&rustls::SupportedProtocolVersion] =
    &[&rustls::version::TLS13, &rustls::version::TLS12];

/// What TLS offers and asks for, at one moment.
pub(crate) struct Terms {
    acceptor: TlsAcceptor,
    authority: Arc<dyn ClientCertVerifier>,
}

/// The terms in force. `None` when the authority was withdrawn: nobody is vouched for then.
pub(crate) type Trust = Option<Arc<Terms>>;

impl Terms {
    /// The terms of a server certificate with its key, and of an authority for the clients.
    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        roots: RootCertStore,
        identities: watch::Receiver<Arc<Identities>>,
    ) -> Result<Self, Error> {
        let provider = Arc::new(ring::default_provider());
        let authority = vouching(roots, &provider)?;
        let doorkeeper = Arc::new(Doorkeeper {
            authority: Arc::clone(&authority),
            identities,
        });
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(VERSIONS)?
            .with_client_cert_verifier(doorkeeper)
            .with_single_cert(chain, key)?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            authority,
        })
    }

    /// Whether the authority still vouches for somebody who came in under it, or under another.
    pub(crate) fn vouch(&self, papers: &Papers, now: UnixTime) -> Result<(), Refusal> {
        let verified =
            self.authority
                .verify_client_cert(papers.leaf(), papers.intermediates(), now);
        verified.map(|_| ()).map_err(|fault| why(&fault))
    }

    /// Opens a stream, within this time. `Err(None)` is a client that left before it was done:
    /// nobody's fault.
    pub(crate) async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        patience: Duration,
    ) -> Result<(TlsStream<S>, Papers), Option<Refusal>> {
        let accept = self.acceptor.accept(stream).into_fallible();
        match timeout(patience, accept).await {
            Err(_) => Err(Some(Refusal::HandshakeTime)),
            Ok(Err((fault, stream))) => {
                // The alert is on its way; closing with bytes unread would overtake it.
                linger(stream).await;
                Err(why_not(&fault))
            }
            Ok(Ok(stream)) => {
                let (_, session) = stream.get_ref();
                match Papers::of(session.peer_certificates()) {
                    Ok(papers) => Ok((stream, papers)),
                    Err(refusal) => Err(Some(refusal)),
                }
            }
        }
    }
}

impl fmt::Debug for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Terms")
            .field("authority", &self.authority)
            .finish_non_exhaustive()
    }
}

fn vouching(
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, Error> {
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        // A client has one certificate and needs no hint; strangers need not learn whose door
        // this is.
        .clear_root_hint_subjects()
        .build()
        .map_err(|fault| Error::General(fault.to_string()))
}

/// The authority and the identity file in one: what a client certificate must pass.
struct Doorkeeper {
    authority: Arc<dyn ClientCertVerifier>,
    identities: watch::Receiver<Arc<Identities>>,
}

impl fmt::Debug for Doorkeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Doorkeeper")
    }
}

impl ClientCertVerifier for Doorkeeper {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.authority.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self
            .authority
            .verify_client_cert(end_entity, intermediates, now)?;
        let facts = papers::facts(end_entity).map_err(|_| CertificateError::BadEncoding)?;
        let identities = self.identities.borrow();
        match identities.authenticate_key(&facts.name, &facts.key) {
            Ok(_) => Ok(verified),
            Err(Denied::Revoked { .. }) => Err(CertificateError::Revoked.into()),
            Err(_) => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authority.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authority.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authority.supported_verify_schemes()
    }
}

/// `None` for a stream that ended: scanners and bad lines do that all day.
fn why_not(fault: &io::Error) -> Option<Refusal> {
    let tls = fault.get_ref().and_then(|inner| inner.downcast_ref());
    tls.map(why)
}

/// The counter for what TLS said; the alert was chosen by rustls.
fn why(fault: &Error) -> Refusal {
    match fault {
        Error::NoCertificatesPresented => Refusal::NoCertificate,
        Error::InvalidCertificate(fault) => match fault {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                Refusal::CertificateExpired
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Refusal::CertificateTooNew
            }
            CertificateError::Revoked => Refusal::Revoked,
            // A signature that is not the authority's: somebody else of the same name signed.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                Refusal::UnknownAuthority
            }
            CertificateError::ApplicationVerificationFailure => Refusal::NotEnrolled,
            _ => Refusal::BadCertificate,
        },
        Error::AlertReceived(_) => Refusal::HandshakeByClient,
        Error::PeerIncompatible(_) => Refusal::TlsVersion,
        _ => Refusal::NotTls,
    }
}

#[cfg(test)]
mod tests;
