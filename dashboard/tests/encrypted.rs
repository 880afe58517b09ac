//! The pages over TLS: what a browser gets, what a client that speaks something else gets, and
//! that a new certificate takes effect without a restart.

#![cfg(test)]

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use veglia_dashboard::{Config, Deps, ServeError, Tls, serve};
use veglia_identity::{Authority, UnixSeconds};
use veglia_store::{Database, Purpose};
use veglia_view::HttpView;
use veglia_wire::{CareClock, Clock, WallMs};

/// Only a failure waits this long.
const PATIENCE: Duration = Duration::from_secs(30);

struct Noon;

impl Clock for Noon {
    fn now(&self) -> WallMs {
        WallMs(1_600_000_000_000)
    }
}

struct Centre {
    folder: tempfile::TempDir,
    authority: Authority,
}

impl Centre {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::create(&folder.path().join("ca"), "prova", now()).unwrap();
        let centre = Self { folder, authority };
        centre.certify();
        centre
    }

    fn files(&self) -> Tls {
        Tls {
            certificate: self.folder.path().join("server.pem"),
            key: self.folder.path().join("server.key"),
        }
    }

    /// A new certificate with a new key.
    fn certify(&self) {
        let issued = self
            .authority
            .issue_server(&["localhost".to_owned()], now())
            .unwrap();
        std::fs::write(self.files().certificate, issued.certificate).unwrap();
        std::fs::write(self.files().key, issued.key.pem()).unwrap();
    }

    async fn open(&self) -> (SocketAddr, JoinHandle<Result<(), ServeError>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let config = Config {
            tls: Some(self.files()),
            ..Config::default()
        };
        let deps = deps(self.folder.path()).await;
        let serving = tokio::spawn(serve(config, deps, listener, std::future::pending()));
        (address, serving)
    }

    fn connector(&self) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from(self.authority.der().to_vec());
        roots.add(root).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        TlsConnector::from(Arc::new(config))
    }

    /// The server's own certificate, and its answer to a request.
    async fn ask(&self, address: SocketAddr, path: &str) -> (Vec<u8>, String) {
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = self.connector().connect(name, stream).await.unwrap();
        let (_, session) = stream.get_ref();
        let leaf = session.peer_certificates().unwrap()[0].to_vec();
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        read.unwrap().unwrap();
        (leaf, String::from_utf8_lossy(&answer).into_owned())
    }
}

fn now() -> UnixSeconds {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    UnixSeconds(i64::try_from(since.unwrap().as_secs()).unwrap())
}

async fn deps(folder: &Path) -> Deps {
    let path = folder.join("record.db");
    let schemas = [
        veglia_people::SCHEMA,
        veglia_diary::SCHEMA,
        veglia_fleet::SCHEMA,
        veglia_handover::SCHEMA,
        veglia_isolation::SCHEMA,
        veglia_laboratory::SCHEMA,
        veglia_notify::SCHEMA,
    ];
    let record = Database::open(&path, Purpose::Record, &schemas).await;
    Deps {
        record: record.unwrap(),
        view: Arc::new(HttpView::new(&folder.join("nobody.sock"))),
        clock: Arc::new(Noon),
        care: CareClock::real(Arc::new(Noon)),
        identities: folder.join("identities.toml"),
        enrolments: folder.join("enrolments.toml"),
        notify: veglia_notify::Config::default(),
        alarm_path: None,
        line: None,
        laboratory: veglia_laboratory::Config::default(),
    }
}

#[tokio::test]
async fn the_pages_are_served_over_tls_with_cookies_that_never_leave_it() {
    let centre = Centre::new();
    let (address, _serving) = centre.open().await;
    let (_, answer) = centre.ask(address, "/login").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("strict-transport-security"), "{answer}");
}

#[tokio::test]
async fn plain_http_on_the_port_of_tls_is_closed_and_others_are_served() {
    let centre = Centre::new();
    let (address, _serving) = centre.open().await;
    let mut plain = TcpStream::connect(address).await.unwrap();
    plain
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let _silent = TcpStream::connect(address).await.unwrap();
    let (_, answer) = centre.ask(address, "/healthz").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    let mut rest = Vec::new();
    let ended = timeout(PATIENCE, plain.read_to_end(&mut rest)).await;
    assert!(ended.unwrap().is_err() || !rest.starts_with(b"HTTP"));
}

#[tokio::test]
async fn a_new_certificate_is_used_without_a_restart() {
    let centre = Centre::new();
    let (address, _serving) = centre.open().await;
    let (before, _) = centre.ask(address, "/healthz").await;
    centre.certify();
    let renewed = async {
        while centre.ask(address, "/healthz").await.0 == before {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, renewed).await.unwrap();
}

#[tokio::test]
async fn a_certificate_that_is_missing_or_not_of_its_key_is_said_at_the_start() {
    let centre = Centre::new();
    let other = Centre::new();
    std::fs::copy(other.files().key, centre.files().key).unwrap();
    let (_, serving) = centre.open().await;
    let refused = timeout(PATIENCE, serving).await.unwrap().unwrap();
    let fault = refused.unwrap_err();
    let cause = std::error::Error::source(&fault).unwrap().to_string();
    assert!(cause.contains("cannot be used together"), "{cause}");

    std::fs::remove_file(centre.files().certificate).unwrap();
    let (_, serving) = centre.open().await;
    let refused = timeout(PATIENCE, serving).await.unwrap().unwrap();
    let fault = refused.unwrap_err();
    let cause = std::error::Error::source(&fault).unwrap().to_string();
    assert!(cause.contains("veglia ca server"), "{cause}");
}
