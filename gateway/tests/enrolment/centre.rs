//! A centre's pages of a hundred lines: real codes, a real authority, two routes, over HTTPS or in
//! plain; and what can go wrong with its answers.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use veglia_identity::{
    Admission, Authority, EnrolmentCode, EnrolmentFile, IdentityFile, Registrar, UnixSeconds,
};
use veglia_wire::{Clock, Partition, WallMs};

/// 2020-10-20: the centre's time goes by this, and so does the box's, unless a test sets it.
pub(crate) const TODAY: UnixSeconds = UnixSeconds(1_603_152_000);

/// A clock in a test's hand.
pub(crate) struct Hand(AtomicI64);

impl Hand {
    pub(crate) fn at(time: UnixSeconds) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(time.0)))
    }

    pub(crate) fn set(&self, time: UnixSeconds) {
        self.0.store(time.0, Ordering::SeqCst);
    }

    fn read(&self) -> UnixSeconds {
        UnixSeconds(self.0.load(Ordering::SeqCst))
    }
}

impl Clock for Hand {
    fn now(&self) -> WallMs {
        WallMs(self.read().0 * 1000)
    }
}

/// What becomes of an answer.
#[derive(Clone)]
pub(crate) enum Manner {
    Proper,
    /// Everything is done, and then the connection is closed without a word.
    Mute,
    /// Answers with something else.
    Otherwise(u16, Vec<u8>),
    /// Changes what it answers.
    Changed(Arc<dyn Fn(&mut Admission) + Send + Sync>),
}

struct Pages {
    registrar: Registrar,
    clock: Arc<Hand>,
    manner: Mutex<Manner>,
    /// Everything that was asked.
    asked: Mutex<Vec<u8>>,
}

pub(crate) struct Centre {
    pub(crate) identities: IdentityFile,
    pub(crate) clock: Arc<Hand>,
    address: SocketAddr,
    encrypted: bool,
    pages: Arc<Pages>,
    enrolments: EnrolmentFile,
    folder: TempDir,
    serving: JoinHandle<()>,
}

impl Centre {
    /// Pages with a certificate of the centre's own authority.
    pub(crate) async fn open() -> Self {
        Self::open_as(true, "127.0.0.1").await
    }

    pub(crate) async fn open_plain() -> Self {
        Self::open_as(false, "127.0.0.1").await
    }

    /// Pages whose certificate is for `host`.
    pub(crate) async fn open_as(encrypted: bool, host: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let authority = Authority::create(&at("ca"), "prova", TODAY).unwrap();
        let acceptor = encrypted.then(|| acceptor(&authority, host));
        let identities = IdentityFile::new(at("identities.toml"));
        identities.create_if_missing().unwrap();
        let enrolments = EnrolmentFile::new(at("enrolments.toml"));
        let clock = Hand::at(TODAY);
        let pages = Arc::new(Pages {
            registrar: Registrar {
                authority,
                identities: identities.clone(),
                enrolments: enrolments.clone(),
                broker: "broker.example:8883".to_owned(),
            },
            clock: Arc::clone(&clock),
            manner: Mutex::new(Manner::Proper),
            asked: Mutex::default(),
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(accept(listener, acceptor, Arc::clone(&pages)));
        Self {
            identities,
            clock,
            address,
            encrypted,
            pages,
            enrolments,
            folder,
            serving,
        }
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.encrypted { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// A code for a gateway, good for an hour.
    pub(crate) fn code(&self, gateway: &str) -> EnrolmentCode {
        let root = self.pages.registrar.authority.fingerprint();
        let until = UnixSeconds(TODAY.0 + 3600);
        let partition = Partition::new(7).unwrap().number();
        let made = self
            .enrolments
            .make(root, gateway, partition, until, self.clock.read());
        made.unwrap()
    }

    pub(crate) fn behave(&self, manner: Manner) {
        *self.pages.manner.lock().unwrap() = manner;
    }

    /// Whether it was ever asked something with this in it.
    pub(crate) fn heard(&self, part: &str) -> bool {
        let asked = self.pages.asked.lock().unwrap();
        String::from_utf8_lossy(&asked).contains(part)
    }

    /// Its authority, once more.
    pub(crate) fn authority(&self) -> Authority {
        Authority::open(&self.folder.path().join("ca")).unwrap()
    }

    /// A folder for a box.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Centre {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn acceptor(authority: &Authority, host: &str) -> TlsAcceptor {
    let issued = authority.issue_server(&[host.to_owned()], TODAY).unwrap();
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(issued.certificate.as_bytes()).collect();
    let key = PrivateKeyDer::from_pem_slice(issued.key.pem().as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain.unwrap(), key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>, pages: Arc<Pages>) {
    loop {
        let (socket, _) = listener.accept().await.unwrap();
        let pages = Arc::clone(&pages);
        match acceptor.clone() {
            None => drop(tokio::spawn(serve(socket, pages))),
            Some(acceptor) => drop(tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(socket).await {
                    serve(stream, pages).await;
                }
            })),
        }
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin + 'static>(stream: S, pages: Arc<Pages>) {
    let service = service_fn(|request| {
        let pages = Arc::clone(&pages);
        async move { answer(request, &pages).await }
    });
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // A mute centre ends its connections with an error, on purpose.
    drop(served.await);
}

/// An error closes the connection.
async fn answer(
    request: Request<Incoming>,
    pages: &Pages,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    pages.asked.lock().unwrap().extend_from_slice(&body);
    let now = pages.clock.read();
    let registrar = &pages.registrar;
    let done = match path.as_str() {
        "/enrol" => registrar.enrol(&serde_json::from_slice(&body).unwrap(), now),
        "/enrol/renew" => registrar.renew(&serde_json::from_slice(&body).unwrap(), now),
        other => panic!("nothing is asked at {other}"),
    };
    let (status, text) = match done {
        Ok(admission) => (200, serde_json::to_vec(&admission).unwrap()),
        Err(error) => {
            let refusal = error.refusal();
            (refusal.kind.status(), serde_json::to_vec(&refusal).unwrap())
        }
    };
    let manner = pages.manner.lock().unwrap().clone();
    let (status, text) = match manner {
        Manner::Proper => (status, text),
        Manner::Mute => return Err(std::io::Error::other("mute")),
        Manner::Otherwise(status, text) => (status, text),
        Manner::Changed(change) => {
            let mut admission: Admission = serde_json::from_slice(&text).unwrap();
            change(&mut admission);
            (status, serde_json::to_vec(&admission).unwrap())
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status.try_into().unwrap();
    Ok(response)
}
