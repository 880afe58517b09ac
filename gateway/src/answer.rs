//! What a centre answered, checked before any of it is kept.
//!
//! Believed is an answer that carries the root certificate that is known already (by the code, or
//! kept since enrolment) and nothing beside it, and a certificate that this root has signed for a
//! client, for the key that was made here. Whoever merely answered in the centre's place, whatever
//! vouched for the connection, cannot make the box throw away what it has.
//!
//! A certificate that ends too far ahead is refused as well: the box's clock would later be held
//! up to it. A clock that says it is before the centre began is lost and judges nothing.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use veglia_identity::{
    Admission, CENTRE_DAYS, CertificateError, CertificateFacts, KeyHash, Pin, UnixSeconds,
};
use veglia_link::{AddressError, date};
use veglia_wire::{GatewayId, IdError, Partition};

use crate::centre::Centre;
use crate::enrolment::Enrolment;

/// The farthest ahead that a certificate ends, in days: the longest that a centre gives, and three
/// for a clock that is slow.
const MAX_DAYS_AHEAD: i64 = CENTRE_DAYS + 3;

/// What is wrong with an answer.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The root is not the one that is known.
    #[error("it is of another centre than the code")]
    OtherCentre,
    /// The root has not signed the certificate for a client.
    #[error("its certificate was not signed by the centre")]
    NotSigned(#[source] rustls::Error),
    /// The certificate is for another key.
    #[error("its certificate is for the key of another box")]
    OtherKey,
    /// The certificate is for another name.
    #[error("its certificate is for {found:?} and not for {name:?}")]
    OtherName {
        /// Whom it is for.
        found: String,
        /// Whom it should be for.
        name: String,
    },
    /// The certificate ends too far ahead, so one of two clocks is wrong.
    #[error(
        "its certificate ends on {ends}, and the clock here says {believed}: if that is not the \
         time, set the clock; if it is, the centre's is wrong"
    )]
    TooLong {
        /// The end of the certificate.
        ends: String,
        /// What the clock here says.
        believed: String,
    },
    /// A certificate cannot be read.
    #[error("its certificate cannot be read")]
    Certificate(#[from] CertificateError),
    /// The id or the partition cannot be.
    #[error("its gateway or partition cannot be")]
    Id(#[from] IdError),
    /// The broker's address cannot be.
    #[error("its broker cannot be")]
    Broker(#[from] AddressError),
}

/// Checks an answer against what was asked: of which centre, for which key. `now` is what the
/// clock says, right or wrong.
pub(crate) fn believe(
    answer: &Admission,
    centre: &Centre,
    key: KeyHash,
    pin: Pin,
    now: UnixSeconds,
) -> Result<Enrolment, AnswerError> {
    let root = root(&answer.authority, pin).ok_or(AnswerError::OtherCentre)?;
    let certificate = CertificateDer::from_pem_slice(answer.certificate.as_bytes());
    let certificate = certificate.map_err(|_| CertificateError::Pem)?;
    let facts = CertificateFacts::read(&certificate)?;
    let began = CertificateFacts::read(&root)?.not_before;
    signed(&certificate, root, facts.not_before)?;
    if facts.key != key {
        return Err(AnswerError::OtherKey);
    }
    if facts.name != answer.gateway {
        return Err(AnswerError::OtherName {
            found: facts.name,
            name: answer.gateway.clone(),
        });
    }
    if now >= began && facts.not_after > now.plus_days(MAX_DAYS_AHEAD) {
        return Err(AnswerError::TooLong {
            ends: date(facts.not_after),
            believed: date(now),
        });
    }
    Ok(Enrolment {
        gateway: GatewayId::new(&answer.gateway)?,
        partition: Partition::new(answer.partition)?,
        broker: answer.broker.parse()?,
        centre: centre.to_string(),
    })
}

/// The one root of a text. A second one beside it would be trusted as well, once it is kept.
fn root(pem: &str, pin: Pin) -> Option<CertificateDer<'static>> {
    let roots: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let [root] = <[_; 1]>::try_from(roots.ok()?).ok()?;
    pin.matches(&root).then_some(root)
}

/// Whether the root has signed the certificate, and for a client. Judged at a moment at which it
/// is valid: its dates are looked at apart, because this box may not know the time.
fn signed(
    certificate: &CertificateDer<'_>,
    root: CertificateDer<'_>,
    at: UnixSeconds,
) -> Result<(), AnswerError> {
    let mut roots = RootCertStore::empty();
    let root = root.into_owned();
    roots.add(root).map_err(AnswerError::NotSigned)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build();
    let verifier = verifier.map_err(|_| AnswerError::OtherCentre)?;
    let at = std::time::Duration::from_secs(u64::try_from(at.0).unwrap_or(0));
    let verified = verifier.verify_client_cert(certificate, &[], UnixTime::since_unix_epoch(at));
    verified.map(drop).map_err(AnswerError::NotSigned)
}
