//! What a certificate says about itself: who, which key, from when to when.
//!
//! Nothing is verified here. Whoever accepts a connection verifies the chain first, in the TLS
//! library; these facts are for looking the name up afterwards, and for knowing when to renew.

use x509_parser::certificate::X509Certificate;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::FromDer;

use crate::key::KeyHash;
use crate::seconds::UnixSeconds;

/// Largest certificate that is read. Ours are below 1 KiB; a chain's leaf from elsewhere has at
/// most a few.
const MAX_CERTIFICATE_BYTES: usize = 16 * 1024;

/// The label of a certificate in PEM.
pub(crate) const LABEL: &str = "CERTIFICATE";

/// How long before its end a certificate is renewed: a third of a gateway's 90 days. It cannot be
/// told from the certificate itself, whose beginning is the authority's.
pub(crate) const RENEWED_BEFORE_END_DAYS: i64 = 30;

/// Why a certificate could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not PEM, or of another kind.
    #[error("there is no certificate in the text: it begins with -----BEGIN CERTIFICATE-----")]
    Pem,
    /// Not X.509, or larger than any certificate.
    #[error("it is not a certificate, or it is damaged: restore a copy, or have it made again")]
    Der,
    /// Nobody is named in it.
    #[error("the certificate names nobody: it needs exactly one common name")]
    Name,
}

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The common name of its subject: the name of the identity.
    pub name: String,
    /// Which key it is for.
    pub key: KeyHash,
    /// It is valid from then on.
    pub not_before: UnixSeconds,
    /// It is valid up to then.
    pub not_after: UnixSeconds,
}

impl CertificateFacts {
    /// Reads a certificate in DER and verifies nothing.
    pub fn read(der: &[u8]) -> Result<Self, CertificateError> {
        if der.len() > MAX_CERTIFICATE_BYTES {
            return Err(CertificateError::Der);
        }
        let (rest, parsed) = X509Certificate::from_der(der).map_err(|_| CertificateError::Der)?;
        if !rest.is_empty() {
            return Err(CertificateError::Der);
        }
        let mut names = parsed.subject().iter_common_name();
        // Two names: whoever looks at the first and whoever looks at the last would disagree.
        let (Some(name), None) = (names.next(), names.next()) else {
            return Err(CertificateError::Name);
        };
        let name = name.as_str().map_err(|_| CertificateError::Name)?;
        let validity = parsed.validity();
        Ok(Self {
            name: name.to_owned(),
            key: KeyHash::of_spki(parsed.public_key().raw),
            not_before: UnixSeconds(validity.not_before.timestamp()),
            not_after: UnixSeconds(validity.not_after.timestamp()),
        })
    }

    /// Reads the first certificate of a PEM text.
    pub fn read_pem(text: &str) -> Result<Self, CertificateError> {
        Self::read(&der_of(text)?)
    }

    /// The time before which it cannot have been made, if it was to live for so many days: its own
    /// beginning is the authority's and says little. Who has lost the time is sure of this much.
    pub fn made_after(&self, days: i64) -> UnixSeconds {
        self.not_after
            .plus_days(days.saturating_neg())
            .max(self.not_before)
    }

    /// From when on it should be renewed.
    pub fn renew_from(&self) -> UnixSeconds {
        self.not_after.plus_days(-RENEWED_BEFORE_END_DAYS)
    }
}

/// The first block of a PEM text, which must be a certificate.
pub(crate) fn der_of(text: &str) -> Result<Vec<u8>, CertificateError> {
    let (_, pem) = parse_x509_pem(text.as_bytes()).map_err(|_| CertificateError::Pem)?;
    if pem.label == LABEL {
        Ok(pem.contents)
    } else {
        Err(CertificateError::Pem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    #[test]
    fn a_certificate_was_made_no_earlier_than_its_life_before_its_end() {
        let began = UnixSeconds(0);
        let facts = CertificateFacts {
            name: "casa-1".to_owned(),
            key: Key::generate().unwrap().hash(),
            not_before: began,
            not_after: began.plus_days(1_000),
        };
        assert_eq!(facts.made_after(90), began.plus_days(910));
        assert_eq!(facts.made_after(1_001), began);
        assert_eq!(facts.made_after(i64::MAX), began);
    }
}
