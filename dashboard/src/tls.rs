//! TLS for the pages: a listener whose connections have shaken hands already.
//!
//! Handshakes run in tasks of their own, so a client that trickles bytes delays nobody. Each takes
//! one of the listener's places from the accept on and has [`HANDSHAKE_PATIENCE`]; whoever cannot
//! finish is closed without an answer, plain HTTP on this port included.
//!
//! The files are looked at every second and a new pair is used from the next handshake on, when two
//! looks in a row saw the same: half of a new pair never takes effect, and connections under way
//! stay. A pair that cannot be used is said once, and tried again at every look. The chain is sent
//! as it stands in the file, with the root when it is there: a box that is being enrolled
//! recognises its centre by it.
//!
//! Deliberately absent: client certificates (people sign in; boxes have the broker's door), and
//! plain HTTP that redirects, which would need a second port to refuse a password on.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::serve::Listener;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::Deserialize;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::listener::{Bounded, Held};

/// For a whole handshake: three round trips of a mobile network that has just woken up.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);

/// How soon a new certificate is used, twice: two looks must see the same.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Connections that have shaken hands and wait for the server, which takes them at once.
const SHAKEN: usize = 16;

/// TLS 1.3 first; 1.2 for the older browser in a surgery.
const VERSIONS: &[&rustls::SupportedProtocolVersion] =
    &[&rustls::version::TLS13, &rustls::version::TLS12];

/// The files of the server's certificate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate and those it was signed by, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// Why the files of TLS cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read as PEM.
    #[error("cannot use {}: make it with `veglia ca server`, or restore a copy", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: pem::Error,
    },
    /// The file holds something else.
    #[error("{} holds no certificate: name the file that `veglia ca server` wrote", .0.display())]
    NoCertificate(PathBuf),
    /// Key and certificate do not go together, or are of a kind that is not known.
    #[error(
        "the certificate {} and the key {} cannot be used together: \
         make both again with `veglia ca server`", certificate.display(), key.display()
    )]
    Pair {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
}

impl Tls {
    fn load(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let file = |path: &Path, source| TlsError::File {
            path: path.to_owned(),
            source,
        };
        let chain: Vec<_> = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect)
            .map_err(|source| file(&self.certificate, source))?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate(self.certificate.clone()));
        }
        let key =
            PrivateKeyDer::from_pem_file(&self.key).map_err(|source| file(&self.key, source))?;
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(VERSIONS)
            .map(|builder| builder.with_no_client_auth())
            .and_then(|builder| builder.with_single_cert(chain, key));
        config.map(Arc::new).map_err(|source| TlsError::Pair {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            source,
        })
    }

    fn stamps(&self) -> [Stamp; 2] {
        [stamp(&self.certificate), stamp(&self.key)]
    }
}

/// Enough to tell one file from the next; `None` while there is none.
type Stamp = Option<(SystemTime, u64, u64)>;

fn stamp(path: &Path) -> Stamp {
    let data = fs::metadata(path).ok()?;
    Some((data.modified().ok()?, data.ino(), data.len()))
}

/// A listener of connections that have shaken hands. Its tasks end when it is dropped.
pub(crate) struct Secured {
    shaken: mpsc::Receiver<(TlsStream<Held>, SocketAddr)>,
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Secured {
    /// Reads the files, and begins to accept.
    pub(crate) fn new(files: Tls, listener: Bounded) -> Result<Self, SecureError> {
        let address = listener.local_addr().map_err(SecureError::Socket)?;
        let (watched, config) = Watched::begin(files)?;
        let (newest, config) = watch::channel(config);
        let (sender, shaken) = mpsc::channel(SHAKEN);
        let mut tasks = JoinSet::new();
        tasks.spawn(renew(watched, newest));
        tasks.spawn(accept(listener, config, sender));
        Ok(Self {
            shaken,
            address,
            _tasks: tasks,
        })
    }
}

/// Why the listener could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecureError {
    #[error(transparent)]
    Files(#[from] TlsError),
    #[error(transparent)]
    Socket(io::Error),
}

impl Listener for Secured {
    type Io = TlsStream<Held>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TlsStream<Held>, SocketAddr) {
        match self.shaken.recv().await {
            Some(connection) => connection,
            // The accepting task lives as long as this listener.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

async fn accept(
    mut listener: Bounded,
    config: watch::Receiver<Arc<ServerConfig>>,
    shaken: mpsc::Sender<(TlsStream<Held>, SocketAddr)>,
) {
    // As many as the listener has places.
    let mut handshakes = JoinSet::new();
    loop {
        tokio::select! {
            (stream, peer) = listener.accept() => {
                let acceptor = TlsAcceptor::from(Arc::clone(&config.borrow()));
                let shaken = shaken.clone();
                handshakes.spawn(async move {
                    let done = timeout(HANDSHAKE_PATIENCE, acceptor.accept(stream)).await;
                    if let Ok(Ok(stream)) = done
                        && shaken.send((stream, peer)).await.is_err()
                    {
                        tracing::debug!("a connection came while the server was closing");
                    }
                });
            }
            Some(_) = handshakes.join_next() => {}
        }
    }
}

/// The files, and what was last seen of them.
struct Watched {
    files: Tls,
    /// Those that handshakes use.
    in_force: [Stamp; 2],
    last_seen: [Stamp; 2],
    /// Those that could not be used, and were said.
    refused: Option<[Stamp; 2]>,
}

impl Watched {
    fn begin(files: Tls) -> Result<(Self, Arc<ServerConfig>), TlsError> {
        // Stamped before they are read: a change in between is seen at the next look.
        let in_force = files.stamps();
        let config = files.load()?;
        let watched = Self {
            files,
            in_force,
            last_seen: in_force,
            refused: None,
        };
        Ok((watched, config))
    }

    /// A new pair, or why it cannot be used; `None` when there is nothing to say.
    fn look(&mut self) -> Option<Result<Arc<ServerConfig>, TlsError>> {
        let seen = self.files.stamps();
        let is_settled = seen == self.last_seen;
        self.last_seen = seen;
        if !is_settled || seen == self.in_force {
            return None;
        }
        match self.files.load() {
            Ok(config) => {
                self.in_force = seen;
                self.refused = None;
                Some(Ok(config))
            }
            Err(_) if self.refused == Some(seen) => None,
            Err(fault) => {
                self.refused = Some(seen);
                Some(Err(fault))
            }
        }
    }
}

/// Watches the files for as long as anybody shakes hands.
async fn renew(mut watched: Watched, newest: watch::Sender<Arc<ServerConfig>>) {
    loop {
        sleep(LOOK_EVERY).await;
        let looked = spawn_blocking(move || {
            let news = watched.look();
            (watched, news)
        });
        let news = match looked.await {
            Ok((back, news)) => {
                watched = back;
                news
            }
            Err(fault) => {
                tracing::error!(%fault, "new certificates are not seen until the next start");
                return;
            }
        };
        match news {
            None => {}
            Some(Ok(config)) => {
                tracing::info!("the pages have a new certificate");
                newest.send_replace(config);
            }
            Some(Err(fault)) => {
                let cause = std::error::Error::source(&fault).map(ToString::to_string);
                tracing::error!(%fault, cause, "the pages keep the certificate they have");
            }
        }
    }
}

#[cfg(test)]
mod tests;
