//! Handshakes on a stream in memory, with a clock that leaps, and files that change.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::{Instant, sleep};
use tokio_rustls::TlsConnector;
use veglia_identity::{Authority, IdentityFile, Key, Request, UnixSeconds};

use super::files::Look;
use super::*;
use crate::config::Tls;

/// An authority, a server's certificate, and the gateway `casa-1`.
struct Centre {
    folder: TempDir,
    authority: Authority,
    paths: Tls,
    identities: watch::Receiver<Arc<Identities>>,
    casa: Arc<ClientConfig>,
}

fn now() -> UnixSeconds {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    UnixSeconds(i64::try_from(since.as_secs()).unwrap())
}

fn certify(authority: &Authority, paths: &Tls) {
    let issued = authority.issue_server(&["localhost".to_owned()], now());
    let issued = issued.unwrap();
    fs::write(&paths.certificate, issued.certificate).unwrap();
    fs::write(&paths.key, issued.key.pem()).unwrap();
}

fn authority(folder: &Path) -> Authority {
    Authority::create(folder, "centro-di-prova", now()).unwrap()
}

impl Centre {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = authority(&folder.path().join("authority"));
        let paths = Tls {
            listen: ([127, 0, 0, 1], 0).into(),
            certificate: folder.path().join("certificate.pem"),
            key: folder.path().join("key.pem"),
            authority: folder.path().join("authority.pem"),
        };
        certify(&authority, &paths);
        fs::write(&paths.authority, authority.pem()).unwrap();

        let key = Key::generate().unwrap();
        let file = IdentityFile::new(folder.path().join("identities.toml"));
        file.create_if_missing().unwrap();
        file.admit_gateway_key("casa-1", 7, key.hash(), now())
            .unwrap();
        let (_, identities) = watch::channel(Arc::new(file.load().unwrap()));
        let casa = Arc::new(client(&authority, &key));
        Self {
            folder,
            authority,
            paths,
            identities,
            casa,
        }
    }

    fn open(&self) -> (Files, Terms) {
        Files::open(self.paths.clone(), self.identities.clone()).unwrap()
    }
}

fn client(authority: &Authority, key: &Key) -> ClientConfig {
    let request = Request::parse(&key.request("casa-1").unwrap()).unwrap();
    let certificate = authority.sign(&request, "casa-1", now()).unwrap();
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from(authority.der().to_vec()))
        .unwrap();
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(VERSIONS)
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.pem().as_bytes()).unwrap(),
        )
        .unwrap()
}

#[tokio::test]
async fn a_good_handshake_brings_the_papers_and_a_stream() {
    let centre = Centre::new();
    let (_, terms) = centre.open();
    let (ours, theirs) = duplex(4096);
    let server = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::clone(&centre.casa));
    let (shaken, connected) = tokio::join!(
        terms.shake_hands(ours, HANDSHAKE_PATIENCE),
        connector.connect(server, theirs)
    );
    let (mut ours, papers) = shaken.unwrap();
    let mut theirs = connected.unwrap();
    assert_eq!(papers.facts().name, "casa-1");
    assert_eq!(terms.vouch(&papers, UnixTime::now()), Ok(()));
    theirs.write_all(b"ping").await.unwrap();
    theirs.flush().await.unwrap();
    let mut bytes = [0; 4];
    ours.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"ping");
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_trickles_is_ended_when_its_time_is_over() {
    let centre = Centre::new();
    let (_, terms) = centre.open();
    let (ours, mut theirs) = duplex(4096);
    let start = Instant::now();
    let trickle = async {
        // A record of 16 KiB, a byte a second: four hours and a half.
        for byte in [0x16, 3, 1, 0x40, 0]
            .into_iter()
            .chain(std::iter::repeat(1))
        {
            if theirs.write_all(&[byte]).await.is_err() {
                return;
            }
            sleep(Duration::from_secs(1)).await;
        }
    };
    let (shaken, ()) = tokio::join!(terms.shake_hands(ours, HANDSHAKE_PATIENCE), trickle);
    assert!(matches!(shaken, Err(Some(Refusal::HandshakeTime))));
    assert!(start.elapsed() <= HANDSHAKE_PATIENCE + Duration::from_secs(1));
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_is_nobodys_fault() {
    let centre = Centre::new();
    let (_, terms) = centre.open();
    let (ours, theirs) = duplex(4096);
    drop(theirs);
    assert!(matches!(
        terms.shake_hands(ours, HANDSHAKE_PATIENCE).await,
        Err(None)
    ));
}

#[test]
fn a_change_counts_when_two_looks_saw_the_same() {
    let centre = Centre::new();
    let (mut files, _) = centre.open();
    assert!(matches!(files.look(), Look::Unchanged));
    certify(&centre.authority, &centre.paths);
    assert!(matches!(files.look(), Look::Unchanged), "not yet");
    assert!(matches!(files.look(), Look::Changed(_)));
    assert!(matches!(files.look(), Look::Unchanged));
}

#[test]
fn half_of_a_new_pair_never_takes_effect() {
    let centre = Centre::new();
    let (mut files, _) = centre.open();
    let old_key = fs::read(&centre.paths.key).unwrap();
    certify(&centre.authority, &centre.paths);
    let new_key = fs::read(&centre.paths.key).unwrap();
    fs::write(&centre.paths.key, old_key).unwrap();
    assert!(matches!(files.look(), Look::Unchanged), "it may be half");
    fs::write(&centre.paths.key, &new_key).unwrap();
    assert!(
        matches!(files.look(), Look::Unchanged),
        "it has changed again"
    );
    assert!(matches!(files.look(), Look::Changed(_)));
}

#[test]
fn what_cannot_be_used_is_told_once_and_the_good_comes_after_it() {
    let centre = Centre::new();
    let (mut files, _) = centre.open();
    fs::write(&centre.paths.key, "no key").unwrap();
    assert!(matches!(files.look(), Look::Unchanged));
    assert!(matches!(files.look(), Look::Broken(TlsError::NoKey(_))));
    assert!(matches!(files.look(), Look::Unchanged));
    certify(&centre.authority, &centre.paths);
    assert!(matches!(files.look(), Look::Unchanged));
    assert!(matches!(files.look(), Look::Changed(_)));
}

#[test]
fn an_authority_that_is_gone_is_withdrawn_and_one_that_blinks_is_not() {
    let centre = Centre::new();
    let (mut files, _) = centre.open();
    let path = &centre.paths.authority;
    let away = centre.folder.path().join("away.pem");
    fs::rename(path, &away).unwrap();
    assert!(matches!(files.look(), Look::Unchanged));
    fs::rename(&away, path).unwrap();
    assert!(matches!(files.look(), Look::Unchanged));
    assert!(matches!(files.look(), Look::Unchanged), "nothing happened");
    fs::rename(path, &away).unwrap();
    assert!(matches!(files.look(), Look::Unchanged));
    assert!(matches!(files.look(), Look::Withdrawn));
    assert!(matches!(files.look(), Look::Unchanged));
    fs::rename(&away, path).unwrap();
    assert!(matches!(files.look(), Look::Unchanged));
    assert!(matches!(files.look(), Look::Changed(_)));
}

/// As after a moment in which the process could open no more files.
#[test]
fn what_could_not_be_read_for_a_moment_is_tried_again_without_another_change() {
    let centre = Centre::new();
    let (mut files, _) = centre.open();
    certify(&centre.authority, &centre.paths);
    let key = fs::read(&centre.paths.key).unwrap();
    fs::write(&centre.paths.key, vec![b'x'; key.len()]).unwrap();
    let written = fs::metadata(&centre.paths.key).unwrap().modified().unwrap();
    assert!(matches!(files.look(), Look::Unchanged));
    assert!(matches!(files.look(), Look::Broken(_)));
    assert!(matches!(files.look(), Look::Unchanged), "told once");
    // To a look the same file as before: only reading it is different.
    fs::write(&centre.paths.key, key).unwrap();
    let file = fs::File::options().write(true).open(&centre.paths.key);
    file.unwrap().set_modified(written).unwrap();
    assert!(matches!(files.look(), Look::Changed(_)));
    assert!(matches!(files.look(), Look::Unchanged));
}
