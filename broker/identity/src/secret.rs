//! A secret, and the hash that stands for it in the file.
//!
//! A secret exists in the clear twice: when it is made, to be carried to its gateway, and in the
//! CONNECT packet. Deliberately absent: a constructor from a text somebody chose.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::hex;

/// As many bytes as the hash has: more would add nothing.
const SECRET_BYTES: usize = 32;

/// 32 random bytes, written as 64 hexadecimal digits. It is shown once and never stored here.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Makes a new secret from the operating system's randomness.
    pub(crate) fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; SECRET_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(hex::write(&bytes)))
    }

    /// The text to give to its owner: the password of the CONNECT packet.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Redacted: a secret in a log is no secret.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// The SHA-256 of a secret's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretHash(hex::Digest32);

impl SecretHash {
    /// The hash of a secret as it was presented.
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Whether the text presented is the secret. Takes the same time wherever the first
    /// difference is.
    pub fn matches(&self, presented: &str) -> bool {
        hex::same(&self.0, &Self::of(presented).0)
    }
}

hex::written_as_hex!(SecretHash);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_sha_256() {
        // FIPS 180-2, appendix B.1.
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(SecretHash::of("abc"), text.parse().unwrap());
    }

    #[test]
    fn only_the_secret_itself_matches() {
        let secret = Secret::generate().unwrap();
        let hash = SecretHash::of(secret.reveal());
        assert!(hash.matches(secret.reveal()));
        assert!(!hash.matches(""));
        assert!(!hash.matches(&secret.reveal().to_uppercase().replace('0', "O")));
        assert!(!hash.matches(Secret::generate().unwrap().reveal()));
    }

    #[test]
    fn a_secret_does_not_show_in_a_debug_print() {
        let secret = Secret::generate().unwrap();
        assert_eq!(secret.reveal().len(), 64);
        assert!(!format!("{secret:?}").contains(secret.reveal()));
    }
}
