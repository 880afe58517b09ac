//! A private key: made where it is used, kept in a file that only its owner reads.
//!
//! One kind of key everywhere, ECDSA on P-256: every TLS library knows it, and a signature is
//! cheap on the smallest gateway. What others see of it is its [`KeyHash`].
//!
//! Deliberately absent: a password on the file. A box starts after a power cut with nobody there
//! to type it, so the password would stand beside the key.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use rcgen::{PublicKeyData, SigningKey};
use sha2::{Digest, Sha256};

use crate::hex;
use crate::replace::{WholeFile, WriteError, read_at_most};

/// Largest key file that is read: a P-256 key is 241 bytes of PEM, some tools write parameters
/// and the public key beside it.
const MAX_KEY_FILE_BYTES: u64 = 4 * 1024;

/// The bits that let anybody but the owner at a file.
const NOT_THE_OWNER: u32 = 0o077;

/// The SHA-256 of a public key (SubjectPublicKeyInfo, DER): what the allow-list pins. A renewed
/// certificate has the same key, so the list is not touched by a renewal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHash(hex::Digest32);

impl KeyHash {
    /// The hash of a SubjectPublicKeyInfo in DER, as it stands in a certificate.
    pub fn of_spki(spki_der: &[u8]) -> Self {
        Self(Sha256::digest(spki_der).into())
    }
}

hex::written_as_hex!(KeyHash);

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be opened or read.
    #[error("cannot read the key {}: check that it is there and who owns it", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others than its owner can read or change it.
    #[error(
        "{} is open to others (mode {mode:03o}): if nobody read it, run `chmod 600` on it, else \
         make a new key",
        path.display()
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// Not a private key of the one kind used here.
    #[error(
        "{} holds no private key that can be used (PKCS#8 PEM, ECDSA P-256): restore a copy, or \
         make a new key",
        .0.display()
    )]
    NotAKey(PathBuf),
    /// It would have replaced another key.
    #[error("{} is there already: it was not replaced, move it away first", .0.display())]
    Exists(PathBuf),
    /// It could not be kept.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The key could not be made or used.
    #[error("the key could not be made or used")]
    Crypto(#[source] rcgen::Error),
}

/// A private key. It never leaves the machine that made it.
pub struct Key(KeyPair);

impl Key {
    /// Makes a new key from the operating system's randomness.
    pub fn generate() -> Result<Self, KeyError> {
        KeyPair::generate().map(Self).map_err(KeyError::Crypto)
    }

    /// Reads a key file, and refuses one that others can read.
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        let unread = |source| KeyError::Read {
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(unread)?;
        let mode = file.metadata().map_err(unread)?.mode();
        if mode & NOT_THE_OWNER != 0 {
            return Err(KeyError::Open {
                path: path.to_owned(),
                mode: mode & 0o777,
            });
        }
        let not_a_key = || KeyError::NotAKey(path.to_owned());
        let text = match read_at_most(MAX_KEY_FILE_BYTES, file) {
            Ok(text) => text.ok_or_else(not_a_key)?,
            Err(fault) if fault.kind() == io::ErrorKind::InvalidData => return Err(not_a_key()),
            Err(fault) => return Err(unread(fault)),
        };
        Self::from_pem(&text).ok_or_else(not_a_key)
    }

    /// Reads PKCS#8 PEM; none if it is not an ECDSA key on P-256.
    fn from_pem(text: &str) -> Option<Self> {
        let pair = KeyPair::from_pem(text).ok()?;
        pair.is_compatible(&PKCS_ECDSA_P256_SHA256)
            .then_some(Self(pair))
    }

    /// Keeps the key in a new file (0600) and syncs it. A file that is there is left alone.
    pub fn save(&self, path: &Path) -> Result<(), KeyError> {
        let file = WholeFile::new(path);
        let _held = file.lock()?;
        match fs::symlink_metadata(path) {
            Ok(_) => return Err(KeyError::Exists(path.to_owned())),
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => {}
            Err(source) => {
                return Err(KeyError::Read {
                    path: path.to_owned(),
                    source,
                });
            }
        }
        Ok(file.replace(&self.pem())?)
    }

    /// What stands for it in the allow-list.
    pub fn hash(&self) -> KeyHash {
        KeyHash::of_spki(&self.0.subject_public_key_info())
    }

    /// The private key as PKCS#8 PEM: for its file, and for nothing else.
    pub fn pem(&self) -> String {
        self.0.serialize_pem()
    }

    /// The private key as PKCS#8 DER, for the TLS library.
    pub fn der(&self) -> &[u8] {
        self.0.serialized_der()
    }

    /// A signing request (PKCS#10 PEM): it proves possession of the key. The name is a note for
    /// people; the centre ignores it.
    pub fn request(&self, name: &str) -> Result<String, KeyError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = common_name(name);
        let request = params.serialize_request(&self.0);
        let pem = request.and_then(|request| request.pem());
        pem.map_err(KeyError::Crypto)
    }
}

/// A subject that says only who it is.
pub(crate) fn common_name(name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    subject
}

/// Redacted: a key in a log is no secret.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.hash())
    }
}

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        self.0.der_bytes()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        self.0.algorithm()
    }
}

impl SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.0.sign(message)
    }
}
