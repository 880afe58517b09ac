//! The door of laboratories: HL7 over MLLP, one answer for each message.
//!
//! **AA only when it is on the disk.** A message is answered after the transaction that keeps it;
//! one that could not be kept is answered AR, and comes again. Killed in between, the laboratory
//! has no answer, sends again, and is told of the row that is there.
//!
//! **Nothing is thrown away.** What cannot be read is answered AE or AR with where the fault is,
//! and kept; so is the beginning of what is too long. A frame that was never finished was not
//! answered either: it is the sender's still.
//!
//! **No password.** MLLP has none. So it is off unless configured, listens on this machine alone
//! unless a tunnel is said to stand in front, and then knows the addresses that may send; without
//! that list it does not start.
//!
//! Deliberately absent: TLS of its own (laboratories come through VPNs), the enhanced mode of
//! acknowledgement (every message gets its one answer), and sending.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use veglia_store::{Actor, Database};
use veglia_wire::CareClock;

use crate::config::Config;
use crate::mllp::{Came, Frames, framed};
use crate::receive::{self, Received};

/// Connections at once: each laboratory of a region has one or two. With the largest message in
/// each of them, 16 MB.
const CONNECTIONS_MAX: usize = 32;

/// How long a connection may say nothing: a small laboratory has an hour without a result, and
/// connects again.
const IDLE: Duration = Duration::from_secs(60 * 60);

/// How long a frame may stand still that has begun.
const STALLED: Duration = Duration::from_secs(30);

/// How long an answer may take to be read.
const ANSWERED: Duration = Duration::from_secs(30);

/// Bytes read at once.
const READ_BYTES: usize = 16 * 1024;

/// After a fault of the socket: descriptors come back.
const REST: Duration = Duration::from_millis(200);

const ACTOR: Actor = Actor::System("laboratory");

/// A listener that laboratories may reach.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    address: SocketAddr,
    config: Config,
}

/// Why results are not taken.
#[derive(Debug, Error)]
pub enum DoorError {
    /// Names and results would cross the network in clear.
    #[error(
        "laboratories would send in clear to {0}: listen on 127.0.0.1, or set `behind_tunnel = \
         true` in [laboratory] when a tunnel that encrypts stands in front"
    )]
    Exposed(SocketAddr),
    /// Anybody could say that anybody is positive.
    #[error(
        "whoever reaches {0} could send results: name in [laboratory] from = […] the addresses of \
         laboratories"
    )]
    Anybody(SocketAddr),
    /// The socket failed.
    #[error(
        "cannot take results of laboratories on {address}; if another program listens there, \
         choose another address in [laboratory]"
    )]
    Socket {
        /// Where.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl Door {
    /// Listens where the configuration says; `None` where it says nothing.
    ///
    /// # Errors
    /// See [`DoorError`].
    pub async fn open(config: Config) -> Result<Option<Self>, DoorError> {
        let Some(wanted) = config.listen else {
            return Ok(None);
        };
        if !wanted.ip().is_loopback() {
            if !config.behind_tunnel {
                return Err(DoorError::Exposed(wanted));
            }
            if config.from.is_empty() {
                return Err(DoorError::Anybody(wanted));
            }
        }
        let socket = |source| DoorError::Socket {
            address: wanted,
            source,
        };
        let listener = TcpListener::bind(wanted).await.map_err(socket)?;
        let address = listener.local_addr().map_err(socket)?;
        tracing::info!(%address, "results of laboratories taken");
        Ok(Some(Self {
            listener,
            address,
            config,
        }))
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes results until told to stop. A message that is being kept then is kept and answered.
    pub async fn serve(self, record: Database, care: CareClock, stop: CancellationToken) {
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut lines = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = lines.join_next() => continue,
                accepted = self.listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::error!(%error, "a laboratory could not connect");
                    tokio::time::sleep(REST).await;
                    continue;
                }
            };
            if !self.config.admits(peer.ip()) {
                tracing::warn!(%peer, "not of [laboratory] from: closed");
                continue;
            }
            // One more than there is room for is closed, and connects again.
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                tracing::warn!(%peer, places = CONNECTIONS_MAX, "no room for one more laboratory");
                continue;
            };
            let line = Line {
                record: record.clone(),
                care: care.clone(),
                peer,
                stop: stop.clone(),
            };
            lines.spawn(async move {
                line.run(stream).await;
                drop(place);
            });
        }
        while lines.join_next().await.is_some() {}
    }
}

/// One connection.
struct Line {
    record: Database,
    care: CareClock,
    peer: SocketAddr,
    stop: CancellationToken,
}

impl Line {
    async fn run(&self, mut stream: TcpStream) {
        let mut frames = Frames::default();
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let patience = if frames.is_open() { STALLED } else { IDLE };
            let read = tokio::select! {
                () = self.stop.cancelled() => return,
                read = timeout(patience, stream.read(&mut buffer)) => read,
            };
            let many = match read {
                Ok(Ok(many @ 1..)) => many,
                Ok(Ok(0)) if !frames.is_open() => return,
                Ok(Ok(_)) | Err(_) => {
                    let is_open = frames.is_open();
                    tracing::warn!(peer = %self.peer, is_open, "a laboratory fell silent");
                    return;
                }
                Ok(Err(error)) => {
                    tracing::warn!(peer = %self.peer, %error, "the line to a laboratory broke");
                    return;
                }
            };
            let mut bytes = buffer.get(..many).unwrap_or_default();
            while let Some(came) = frames.take(&mut bytes) {
                if !self.answer(&mut stream, came).await {
                    return;
                }
            }
        }
    }

    /// Whether the connection goes on.
    async fn answer(&self, stream: &mut TcpStream, came: Came) -> bool {
        let (bytes, received, goes_on) = match came {
            Came::Message(bytes) => (bytes, Received::Whole, true),
            Came::Huge(bytes) => (bytes, Received::Beginning, false),
            Came::Noise => {
                tracing::warn!(peer = %self.peer, "what comes is no MLLP: closed");
                return false;
            }
        };
        let now = self.care.now();
        let answer = receive::message(&self.record, &ACTOR, &bytes, received, now).await;
        let sent = timeout(ANSWERED, stream.write_all(&framed(&answer))).await;
        matches!(sent, Ok(Ok(()))) && goes_on
    }
}
