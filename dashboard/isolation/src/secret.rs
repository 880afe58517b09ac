//! Random secrets that browsers and links carry; tables have only their hashes.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use thiserror::Error;

/// Random bytes: 128 bits are beyond guessing, and fit an SMS.
const BYTES: usize = 16;

/// A secret. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// A text that is no secret of ours.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
#[error("a secret has 32 hexadecimal digits")]
pub struct SecretError;

impl Secret {
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(hex(&bytes)))
    }

    /// As the cookie or the link carries it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(crate) fn hash(&self) -> String {
        digest(&["secret", &self.0])
    }
}

/// SHA-256 over words, told apart; in hexadecimal.
pub(crate) fn digest(words: &[&str]) -> String {
    let mut digest = Sha256::new();
    for word in words {
        digest.update(word.as_bytes());
        // No word of ours holds it.
        digest.update([0]);
    }
    hex(&digest.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let fits = text.len() == 2 * BYTES && text.bytes().all(is_hex);
        fits.then(|| Self(text.to_owned())).ok_or(SecretError)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
