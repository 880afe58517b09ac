//! How a gateway or a service proves who it is.
//!
//! A secret is a password, for a broker on the same machine: it is sent over a plain connection,
//! and therefore to a loopback address only. Everybody else has a certificate. Its files are read
//! again for each attempt to connect, so that a renewed certificate is used without a restart.
//!
//! The time by which certificates are judged is the system's, but never earlier than our own
//! certificate can have been made: its end less the longest it was to live, and not before its
//! beginning (which is the authority's). A box whose clock has lost the time is sure of that much.
//! All other faults of the clock are told, with what the box believes the time to be.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{InconsistentKeys, RootCertStore};
use thiserror::Error;
use veglia_identity::{CertificateError, CertificateFacts, Key, KeyError};
use veglia_wire::Clock;

use crate::address::{Address, Scheme};
use crate::secret::Secret;
use crate::tls_clock::TlsClock;

/// Largest file of certificates. Ours holds one or two of less than a kilobyte each.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// How a gateway or a service proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// A password, for a broker on this machine.
    Secret(Secret),
    /// A certificate, over TLS.
    Certificate(CertificateFiles),
}

/// Where a certificate and what belongs to it are, all PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// Our certificate, and after it whatever the broker needs to trust it.
    pub certificate: PathBuf,
    /// Its private key, readable by its owner alone.
    pub key: PathBuf,
    /// The root certificate of the centre: only what it has signed is the centre's broker.
    pub authority: PathBuf,
}

/// Why nothing can be proved.
#[derive(Debug, Error)]
pub enum AccessError {
    /// A file cannot be read.
    #[error("cannot read {}: check that it is there and who owns it", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A file holds no certificate.
    #[error(
        "there is no certificate in {}: it is PEM and begins with -----BEGIN CERTIFICATE-----; \
         restore a copy, or enrol again",
        path.display()
    )]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A certificate cannot be understood.
    #[error("the certificate in {} cannot be used", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: CertificateError,
    },
    /// The authority's certificate cannot be trusted.
    #[error("{} is no root certificate: copy the centre's authority.pem there", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: rustls::Error,
    },
    /// The certificate is somebody else's.
    #[error("the certificate in {} is for {found:?} and not for {name:?}", path.display())]
    Named {
        /// The file.
        path: PathBuf,
        /// Whom it is for.
        found: String,
        /// Who wanted to use it.
        name: String,
    },
    /// The key cannot be used.
    #[error("the private key cannot be used")]
    Key(#[from] KeyError),
    /// The key is of another certificate.
    #[error(
        "the key in {} does not belong to the certificate in {}: put both back from one copy, or \
         enrol again",
        key.display(),
        certificate.display()
    )]
    Mismatch {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// The TLS library refuses them together.
    #[error("the certificate in {} cannot be used for TLS", path.display())]
    Tls {
        /// The certificate.
        path: PathBuf,
        /// Why not.
        #[source]
        source: rustls::Error,
    },
    /// A URL promises TLS and there is only a secret.
    #[error(
        "mqtts:// asks for TLS, which needs a certificate and not a secret: enrol the box, or \
         write mqtt:// if the broker is on this machine"
    )]
    SecretOverTls,
    /// A URL says no TLS and there is a certificate.
    #[error("mqtt:// is not encrypted, but a certificate is only used over TLS: write mqtts://")]
    CertificateInPlain,
    /// The broker is on another machine and there is only a secret.
    #[error(
        "{broker} is not this machine, and a secret would cross the network for all to read: \
         enrol the box, so that it has a certificate"
    )]
    SecretAbroad {
        /// The broker.
        broker: Address,
    },
}

/// What a certificate gives for one attempt to connect.
pub(crate) struct Proof {
    pub(crate) config: Arc<ClientConfig>,
    pub(crate) facts: CertificateFacts,
}

impl Access {
    /// Refuses what the URL's scheme contradicts. Reads no file.
    pub fn check(&self, broker: &Address) -> Result<(), AccessError> {
        match (self, broker.scheme()) {
            (Self::Secret(_), Some(Scheme::Tls)) => Err(AccessError::SecretOverTls),
            (Self::Certificate(_), Some(Scheme::Plain)) => Err(AccessError::CertificateInPlain),
            _ => Ok(()),
        }
    }
}

impl CertificateFiles {
    /// Reads the files, as `name`, whose certificates live for so many days. Blocks on the disk.
    pub(crate) fn prove(
        &self,
        name: &str,
        lives_days: i64,
        wall: Arc<dyn Clock>,
    ) -> Result<Proof, AccessError> {
        let chain = certificates(&self.certificate)?;
        let damaged = |source| AccessError::Damaged {
            path: self.certificate.clone(),
            source,
        };
        let facts = CertificateFacts::read(&chain[0]).map_err(damaged)?;
        if facts.name != name {
            return Err(AccessError::Named {
                path: self.certificate.clone(),
                found: facts.name,
                name: name.to_owned(),
            });
        }
        let mut roots = RootCertStore::empty();
        for root in certificates(&self.authority)? {
            roots.add(root).map_err(|source| AccessError::Authority {
                path: self.authority.clone(),
                source,
            })?;
        }
        let key = Key::open(&self.key)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.der().to_vec()));
        let clock = Arc::new(TlsClock::new(wall, facts.made_after(lives_days)));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_details(provider, clock)
            .with_safe_default_protocol_versions()
            .map(|config| config.with_root_certificates(roots))
            .and_then(|config| config.with_client_auth_cert(chain, key))
            .map_err(|source| self.refused(source))?;
        Ok(Proof {
            config: Arc::new(config),
            facts,
        })
    }

    fn refused(&self, source: rustls::Error) -> AccessError {
        match source {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                AccessError::Mismatch {
                    certificate: self.certificate.clone(),
                    key: self.key.clone(),
                }
            }
            source => AccessError::Tls {
                path: self.certificate.clone(),
                source,
            },
        }
    }
}

/// The certificates in a file, at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, AccessError> {
    let read = |source| AccessError::Read {
        path: path.to_owned(),
        source,
    };
    let empty = || AccessError::Empty {
        path: path.to_owned(),
    };
    if fs::metadata(path).map_err(read)?.len() > MAX_FILE_BYTES {
        return Err(empty());
    }
    let pem = fs::read(path).map_err(read)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    found.ok().filter(|it| !it.is_empty()).ok_or_else(empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_promises_otherwise_is_refused() {
        let secret = Access::Secret(Secret::new("abracadabra"));
        let certificate = Access::Certificate(CertificateFiles {
            certificate: "certificate.pem".into(),
            key: "key.pem".into(),
            authority: "authority.pem".into(),
        });
        let check = |access: &Access, text: &str| access.check(&text.parse().unwrap());
        assert!(check(&secret, "mqtt://localhost").is_ok());
        assert!(check(&certificate, "mqtts://centre.example").is_ok());
        for access in [&secret, &certificate] {
            assert!(check(access, "localhost:1883").is_ok());
        }
        let error = check(&secret, "mqtts://centre.example").unwrap_err();
        assert!(matches!(error, AccessError::SecretOverTls), "{error}");
        let error = check(&certificate, "mqtt://localhost").unwrap_err();
        assert!(matches!(error, AccessError::CertificateInPlain), "{error}");
    }
}
