//! What a root certificate is known by, and the part of it that fits on a label.
//!
//! A pin is the first 80 bits of the fingerprint. Who wanted to pass for the centre would have to
//! find another root with the same 80 bits: some 10²⁴ keys to try.

use sha2::{Digest, Sha256};

use crate::hex;

/// The bytes of a pin: 16 characters of five bits.
pub(crate) const PIN_BYTES: usize = 10;

/// The SHA-256 of a root certificate (DER).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(hex::Digest32);

hex::written_as_hex!(Fingerprint);

impl Fingerprint {
    /// The fingerprint of a certificate in DER.
    pub fn of(certificate_der: &[u8]) -> Self {
        Self(Sha256::digest(certificate_der).into())
    }

    /// Its first 80 bits.
    pub fn pin(&self) -> Pin {
        let mut pin = [0; PIN_BYTES];
        for (to, from) in pin.iter_mut().zip(&self.0) {
            *to = *from;
        }
        Pin(pin)
    }
}

/// The first 80 bits of a fingerprint: by it a box recognises its centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin(pub(crate) [u8; PIN_BYTES]);

impl Pin {
    /// Whether a certificate in DER is the one that was pinned.
    pub fn matches(&self, certificate_der: &[u8]) -> bool {
        Fingerprint::of(certificate_der).pin() == *self
    }
}
