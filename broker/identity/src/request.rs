//! A signing request, as a stranger sends it.
//!
//! Only its public key is used, after its signature has shown that the sender holds the private
//! one. The name and every extension it asks for are ignored: what goes into a certificate is
//! decided here, from the allow-list.

use rcgen::{PKCS_ECDSA_P256_SHA256, PublicKeyData, SubjectPublicKeyInfo};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::FromDer;

use crate::key::KeyHash;

/// Largest request that is read, as PEM: ours are about 430 bytes, and other tools add a subject
/// and a few attributes.
pub const MAX_REQUEST_BYTES: usize = 4 * 1024;

/// The label of a request in PEM.
const LABEL: &str = "CERTIFICATE REQUEST";

/// Why a request is not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Larger than any honest one.
    #[error("the signing request is larger than {MAX_REQUEST_BYTES} bytes: send only the request")]
    TooLarge,
    /// Not PKCS#10 in PEM.
    #[error("this is not a signing request (PKCS#10, PEM): make one with the box's own program")]
    Malformed,
    /// Another kind of key.
    #[error("the key of the signing request is not ECDSA on P-256: make a new key")]
    KeyKind,
    /// The sender does not hold the key.
    #[error("the signing request is not signed by its own key: make it again")]
    Signature,
}

/// A request whose sender holds the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub(crate) public_key: SubjectPublicKeyInfo,
}

impl Request {
    /// Reads a request and verifies its own signature.
    pub fn parse(pem: &str) -> Result<Self, RequestError> {
        if pem.len() > MAX_REQUEST_BYTES {
            return Err(RequestError::TooLarge);
        }
        let malformed = |_| RequestError::Malformed;
        let (_, pem) = parse_x509_pem(pem.as_bytes()).map_err(malformed)?;
        if pem.label != LABEL {
            return Err(RequestError::Malformed);
        }
        let parsed = X509CertificationRequest::from_der(&pem.contents);
        let (rest, request) = parsed.map_err(|_| RequestError::Malformed)?;
        if !rest.is_empty() {
            return Err(RequestError::Malformed);
        }
        let spki = request.certification_request_info.subject_pki.raw;
        // The kind first: the signature of another kind may be one that cannot be checked here.
        let public_key = SubjectPublicKeyInfo::from_der(spki);
        let public_key = public_key.map_err(|_| RequestError::KeyKind)?;
        if public_key.algorithm() != &PKCS_ECDSA_P256_SHA256 {
            return Err(RequestError::KeyKind);
        }
        let signed = request.verify_signature();
        signed.map_err(|_| RequestError::Signature)?;
        Ok(Self { public_key })
    }

    /// The key it is about.
    pub fn key(&self) -> KeyHash {
        KeyHash::of_spki(&self.public_key.subject_public_key_info())
    }
}
