//! A secret, and the hash that stands for it in the file.
//!
//! A secret exists in the clear twice: when it is made, to be carried to its gateway, and in the
//! CONNECT packet. Deliberately absent: a constructor from a text somebody chose.

use std::fmt;
use std::hint::black_box;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

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
        Ok(Self(hex(&bytes)))
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
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of a secret as it was presented.
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Whether the text presented is the secret. Takes the same time wherever the first
    /// difference is.
    pub fn matches(&self, presented: &str) -> bool {
        let other = Self::of(presented);
        let pairs = self.0.iter().zip(&other.0);
        let difference = pairs.fold(0, |sum, (one, two)| black_box(sum | (one ^ two)));
        difference == 0
    }

    fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 2 * bytes.len() || !text.is_ascii() {
            return None;
        }
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digits = std::str::from_utf8(digits).ok()?;
            // `from_str_radix` would take a sign.
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None;
            }
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl Serialize for SecretHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for SecretHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let refusal = || de::Error::custom("a SHA-256 is 64 hexadecimal digits");
        Self::parse(&text).ok_or_else(refusal)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_sha_256() {
        // FIPS 180-2, appendix B.1.
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(SecretHash::of("abc"), SecretHash::parse(text).unwrap());
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

    #[test]
    fn what_is_not_64_hexadecimal_digits_is_no_hash() {
        let good = hex(&[0xa5; 32]);
        assert!(SecretHash::parse(&good).is_some());
        assert!(SecretHash::parse(&good[2..]).is_none());
        assert!(SecretHash::parse(&good.replacen("a5", "+5", 1)).is_none());
        assert!(SecretHash::parse(&good.replacen("a5", "é", 1)).is_none());
    }
}
