//! Every connection has a task of its own, from the accept to the last byte.
//!
//! So nobody waits for anybody: a client that is slow with its handshake, or says nothing at all,
//! holds up itself only, and only for as long as it may.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::admission::{Admission, Pass};
use crate::refusal::Refusal;
use crate::session::{self, Hall};
use crate::tls::{CROWDED_PATIENCE, HANDSHAKE_PATIENCE};

/// For sessions to notice that the door closes. They wait for nothing, so this is generous.
const DRAIN_PATIENCE: Duration = Duration::from_secs(5);

/// By which way somebody comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// From this machine, with a secret.
    Plain,
    /// From anywhere, with a certificate.
    Tls,
}

/// The sessions that run.
pub(crate) struct Sessions {
    tasks: JoinSet<()>,
    hall: Arc<Hall>,
    places: Arc<Admission>,
    handshakes: Arc<Admission>,
    closing: CancellationToken,
}

impl Sessions {
    pub(crate) fn new(hall: Hall, places: Arc<Admission>, handshakes: Arc<Admission>) -> Self {
        Self {
            tasks: JoinSet::new(),
            hall: Arc::new(hall),
            places,
            handshakes,
            closing: CancellationToken::new(),
        }
    }

    /// Takes on a connection, or closes it.
    pub(crate) fn begin(&mut self, stream: TcpStream, address: SocketAddr, way: Way) {
        let (place, handshake) = match self.admit(address, way) {
            Ok(passes) => passes,
            Err(why) => return self.hall.counters.turned_away(why),
        };
        // Acknowledgements are small and awaited.
        if let Err(fault) = stream.set_nodelay(true) {
            tracing::debug!(%fault, "the connection ended before it began");
            return;
        }
        let hall = Arc::clone(&self.hall);
        let closing = self.closing.clone();
        let patience = if self.handshakes.is_crowded() {
            CROWDED_PATIENCE
        } else {
            HANDSHAKE_PATIENCE
        };
        self.tasks.spawn(async move {
            let whole = async {
                match handshake {
                    None => session::run(stream, None, &hall).await,
                    Some(handshake) => secured(stream, handshake, patience, &hall).await,
                }
            };
            tokio::select! {
                () = closing.cancelled() => {}
                () = whole => {}
            }
            drop(place);
        });
    }

    fn admit(&self, address: SocketAddr, way: Way) -> Result<(Pass, Option<Pass>), Refusal> {
        let place = self.places.admit(address.ip())?;
        let handshake = match way {
            Way::Plain => None,
            Way::Tls => Some(self.handshakes.admit(address.ip())?),
        };
        Ok((place, handshake))
    }

    /// The next session that ended. Waits for ever while there is none.
    pub(crate) async fn one_ended(&mut self) {
        match self.tasks.join_next().await {
            Some(ended) => note(ended),
            None => std::future::pending().await,
        }
    }

    /// Ends every session.
    pub(crate) async fn end(mut self) {
        self.closing.cancel();
        let all = async {
            while let Some(ended) = self.tasks.join_next().await {
                note(ended);
            }
        };
        if timeout(DRAIN_PATIENCE, all).await.is_err() {
            tracing::warn!("some sessions did not end in time and were cut off");
        }
    }
}

/// A handshake, and the session behind it.
async fn secured(stream: TcpStream, place: Pass, patience: Duration, hall: &Hall) {
    // The terms of this moment; later ones judge again before there is a session.
    let trust = hall.trust.borrow().clone();
    let shaken = match trust {
        Some(terms) => tokio::select! {
            shaken = terms.shake_hands(stream, patience) => shaken,
            why = place.withdrawn() => Err(Some(why)),
        },
        None => Err(Some(Refusal::UnknownAuthority)),
    };
    drop(place);
    match shaken {
        Ok((stream, papers)) => session::run(stream, Some(Arc::new(papers)), hall).await,
        Err(Some(why)) => hall.counters.turned_away(why),
        Err(None) => tracing::debug!("a client left before its handshake was done"),
    }
}

/// A session that panics takes nobody with it, but somebody must hear of it.
fn note(ended: Result<(), JoinError>) {
    if let Err(fault) = ended {
        let fault: &dyn Error = &fault;
        tracing::error!(error = fault, "a session failed");
    }
}
