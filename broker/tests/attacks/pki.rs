//! Certificates for tests, made by the product's own authority, good ones and others.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;
use veglia_identity::{Authority, Key, KeyHash, Request, UnixSeconds};

pub(crate) const DAY_S: i64 = 86_400;

pub(crate) fn now() -> UnixSeconds {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since.expect("this is after 1970").as_secs();
    UnixSeconds(i64::try_from(seconds).expect("and long before the end"))
}

pub(crate) fn days_ago(days: i64) -> UnixSeconds {
    UnixSeconds(now().0 - days * DAY_S)
}

/// An authority in a folder of its own.
pub(crate) struct Centre {
    pub(crate) authority: Authority,
    _folder: TempDir,
}

/// A client certificate and its key.
pub(crate) struct Badge {
    pub(crate) key: Key,
    pub(crate) certificate: String,
}

impl Centre {
    pub(crate) fn new(name: &str) -> Self {
        Self::since(name, now())
    }

    pub(crate) fn since(name: &str, now: UnixSeconds) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let authority = Authority::create(&folder.path().join("authority"), name, now);
        Self {
            authority: authority.expect("a new authority"),
            _folder: folder,
        }
    }

    /// A gateway's certificate of today.
    pub(crate) fn gateway(&self, name: &str) -> Badge {
        self.gateway_for(name, Key::generate().expect("a key"), now())
    }

    pub(crate) fn gateway_for(&self, name: &str, key: Key, now: UnixSeconds) -> Badge {
        let request = key.request(name).expect("a request");
        let request = Request::parse(&request).expect("a good request");
        let certificate = self.authority.sign(&request, name, now).expect("signed");
        Badge { key, certificate }
    }

    /// A service's certificate of today.
    pub(crate) fn service(&self, name: &str) -> Badge {
        let key = Key::generate().expect("a key");
        let issued = self.authority.issue_service(name, &key, now());
        let certificate = issued.expect("signed");
        Badge { key, certificate }
    }

    /// What a client needs to trust a door of this centre.
    pub(crate) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from(self.authority.der().to_vec());
        roots.add(root).expect("a root");
        roots
    }
}

impl Badge {
    pub(crate) fn hash(&self) -> KeyHash {
        self.key.hash()
    }

    fn chain(&self) -> Vec<CertificateDer<'static>> {
        let all = CertificateDer::pem_slice_iter(self.certificate.as_bytes());
        all.collect::<Result<_, _>>().expect("certificates")
    }

    fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.pem().as_bytes()).expect("a key")
    }
}

/// How a client introduces itself.
pub(crate) fn introduction(
    roots: RootCertStore,
    versions: &[&'static SupportedProtocolVersion],
    badge: Option<&Badge>,
) -> Arc<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(versions)
        .expect("versions")
        .with_root_certificates(roots);
    let mut config = match badge {
        None => builder.with_no_client_auth(),
        Some(badge) => builder
            .with_client_auth_cert(badge.chain(), badge.private_key())
            .expect("a certificate and its key"),
    };
    config.resumption = Resumption::in_memory_sessions(8);
    Arc::new(config)
}
