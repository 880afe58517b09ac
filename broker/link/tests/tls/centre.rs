//! A centre with an authority of its own and a real front door, and boxes that are enrolled there
//! by hand: their files are made here as an enrolment would leave them.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use veglia_broker::{Config, Listeners, ServeError, Tls};
use veglia_identity::{
    Authority, Grant, Grants, IdentityFile, Key, KeyHash, Partitions, Request, UnixSeconds,
};
use veglia_link::CertificateFiles;

/// What the broker's certificate is for, unless a test wants otherwise.
pub(crate) const HOST: &str = "127.0.0.1";

pub(crate) struct Centre {
    pub(crate) identities: IdentityFile,
    /// Where the door listens with TLS.
    pub(crate) address: SocketAddr,
    /// Where it listens without.
    pub(crate) plain: SocketAddr,
    authority: Authority,
    folder: TempDir,
    shutdown: CancellationToken,
    serving: JoinHandle<Result<(), ServeError>>,
}

/// The broker reads the system's clock, so certificates are made by it too.
pub(crate) fn now() -> UnixSeconds {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    UnixSeconds(passed.as_secs().cast_signed())
}

impl Centre {
    pub(crate) async fn open() -> Self {
        Self::open_for(HOST).await
    }

    /// With a broker whose certificate is for `host`.
    pub(crate) async fn open_for(host: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = root(folder.path());
        let issued = authority.issue_server(&[host.to_owned()], now()).unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("server.pem"), &issued.certificate).unwrap();
        issued.key.save(&at("server.key")).unwrap();
        let identities = IdentityFile::new(at("identities.toml"));
        identities.create_if_missing().unwrap();
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let config = Config {
            listen: local,
            tls: Some(Tls {
                listen: local,
                certificate: at("server.pem"),
                key: at("server.key"),
                authority: at("ca/authority.pem"),
            }),
            identities: at("identities.toml"),
            ..Config::default()
        };
        let plain = veglia_broker::listen(&config).await.unwrap();
        let tls = veglia_broker::listen_tls(&config).await.unwrap().unwrap();
        let addresses = (plain.local_addr().unwrap(), tls.local_addr().unwrap());
        let listeners = Listeners {
            plain,
            tls: Some(tls),
        };
        let shutdown = CancellationToken::new();
        let serving = veglia_broker::serve(config, listeners, shutdown.clone());
        Self {
            identities,
            address: addresses.1,
            plain: addresses.0,
            authority,
            folder,
            shutdown,
            serving: tokio::spawn(serving),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The files of a gateway that is in the list.
    pub(crate) fn gateway(&self, name: &str) -> CertificateFiles {
        let (files, key) = self.box_of(name);
        let admitted = self.identities.admit_gateway_key(name, 7, key, now());
        admitted.unwrap();
        files
    }

    /// The files of an ingest that is in the list.
    pub(crate) fn ingest(&self) -> CertificateFiles {
        let (files, key) = self.box_of("ingest");
        let grants = Grants {
            partitions: Partitions::All,
            may: [Grant::Receive].into(),
        };
        let admitted = self
            .identities
            .admit_service_key("ingest", &grants, key, now());
        admitted.unwrap();
        files
    }

    /// The files of a box that has a good certificate and is not in the list.
    pub(crate) fn box_of(&self, name: &str) -> (CertificateFiles, KeyHash) {
        let files = CertificateFiles {
            certificate: self.path(&format!("{name}.pem")),
            key: self.path(&format!("{name}.key")),
            authority: self.path("ca/authority.pem"),
        };
        let key = Key::generate().unwrap();
        key.save(&files.key).unwrap();
        self.certify(&files, name, now());
        (files, key.hash())
    }

    /// Gives a box another certificate for the key that it has.
    pub(crate) fn certify(&self, files: &CertificateFiles, name: &str, now: UnixSeconds) {
        certify_by(&self.authority, files, name, now);
    }

    pub(crate) async fn close(self) {
        self.shutdown.cancel();
        self.serving.await.unwrap().unwrap();
    }
}

/// Signs a certificate for the key of a box.
pub(crate) fn certify_by(
    authority: &Authority,
    files: &CertificateFiles,
    name: &str,
    now: UnixSeconds,
) {
    let key = Key::open(&files.key).unwrap();
    let request = Request::parse(&key.request(name).unwrap()).unwrap();
    let certificate = authority.sign(&request, name, now).unwrap();
    fs::write(&files.certificate, certificate).unwrap();
}

/// An authority that is a year old, in `ca` below a folder.
pub(crate) fn root(folder: &Path) -> Authority {
    let ca = folder.join("ca");
    Authority::create(&ca, "prova", now().plus_days(-365)).unwrap()
}
