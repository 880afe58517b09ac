//! The door itself: it accepts, keeps its helpers running, and closes in order.
//!
//! Three tasks run beside the sessions: one empties the backend into the mailboxes, one probes
//! the router, one watches the identity file. None of them may end before the door does: if one
//! does, [`serve`] returns its error, the process ends, and whoever started it starts it again.
//!
//! The caller owns the socket and the moment of the end, so a port can be known before and a test
//! needs no fixed one. TLS has its place between the accept and the session, in the session's
//! own task: a stream goes in and a stream comes out.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet, spawn_blocking};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use veglia_identity::{Identities, LoadError, Poll, Watch};
use veglia_wire::Topic;

use crate::admission::Admission;
use crate::backend::{Backend, BackendError, Message};
use crate::config::Config;
use crate::counters::{Counters, Health};
use crate::fanout::Fanout;
use crate::probe::{self, RouterSilent};
use crate::rumqttd::Rumqttd;
use crate::session::{self, Hall};
use crate::takeover::Seats;

/// How soon an enrolment or a revocation takes effect.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// After an accept that failed, mostly for want of file descriptors: a session has time to end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// For sessions to notice that the door closes. They wait for nothing, so this is generous.
const DRAIN_PATIENCE: Duration = Duration::from_secs(5);

/// Why the door did not open, or closed by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is open to others and nothing protects it.
    #[error(
        "refusing to listen on {0} without TLS: \
         secrets would travel in the clear; listen on 127.0.0.1"
    )]
    Unprotected(SocketAddr),
    /// The port could not be had.
    #[error("cannot listen on {listen}: is another broker running? choose another port")]
    Bind {
        /// The address.
        listen: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The listener has no address.
    #[error("the listening socket is not usable")]
    Listener(#[source] io::Error),
    /// The identity file could not be used at the start.
    #[error("the broker needs its identity file")]
    Identities(#[source] LoadError),
    /// The backend did not open.
    #[error("the broker could not start")]
    Backend(#[source] BackendError),
    /// The backend ended.
    #[error("the message router has ended: restart the broker")]
    BackendGone,
    /// The backend no longer answers.
    #[error("the message router has stopped: restart the broker")]
    RouterSilent(#[source] RouterSilent),
    /// A task of the broker panicked.
    #[error("a part of the broker has failed: restart it, and report the failure")]
    Died(#[source] JoinError),
}

/// Takes the port of the configuration.
pub async fn listen(config: &Config) -> Result<TcpListener, ServeError> {
    let listen = config.listen;
    refuse_unprotected(listen)?;
    let bound = TcpListener::bind(listen).await;
    bound.map_err(|source| ServeError::Bind { listen, source })
}

/// Opens the front door with rumqttd behind it and serves until `shutdown`.
pub async fn serve(
    config: Config,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let door = FrontDoor::new(config, Box::new(Rumqttd))?;
    door.serve(listener, shutdown).await
}

fn refuse_unprotected(address: SocketAddr) -> Result<(), ServeError> {
    if address.ip().is_loopback() {
        Ok(())
    } else {
        Err(ServeError::Unprotected(address))
    }
}

/// A front door, not yet open.
pub struct FrontDoor {
    config: Config,
    backend: Box<dyn Backend>,
    watch: Watch,
    identities: Arc<Identities>,
    health: Health,
}

impl FrontDoor {
    /// Reads the identity file; opens nothing yet.
    pub fn new(config: Config, backend: Box<dyn Backend>) -> Result<Self, ServeError> {
        let mut watch = Watch::new(&config.identities);
        let identities = match watch.poll() {
            Poll::Changed(identities) => identities,
            Poll::Broken(fault) => return Err(ServeError::Identities(fault)),
            Poll::Unchanged => Arc::default(),
        };
        let health = Health {
            counters: Arc::new(Counters::default()),
            admission: Admission::new(&config.limits),
            seats: Arc::new(Seats::default()),
            fanout: Arc::new(Fanout::default()),
        };
        Ok(Self {
            config,
            backend,
            watch,
            identities,
            health,
        })
    }

    /// A look at the door from outside.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Serves until `shutdown`, then closes every session and returns; or returns why it cannot
    /// go on. Clients keep what was not acknowledged end to end.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> Result<(), ServeError> {
        refuse_unprotected(listener.local_addr().map_err(ServeError::Listener)?)?;
        let link = self.backend.open().map_err(ServeError::Backend)?;
        let Health {
            counters,
            admission,
            seats,
            fanout,
        } = self.health;
        let (changed, identities) = watch::channel(self.identities);
        let (came_back, seen) = watch::channel(0);

        let mut helpers = JoinSet::new();
        helpers.spawn(distribute(link.deliveries, Arc::clone(&fanout), came_back));
        helpers.spawn(watch_identities(self.watch, changed, Arc::clone(&seats)));
        let probe = probe::watch_over(link.hand_over.clone(), seen, Arc::clone(&counters));
        helpers.spawn(async { ServeError::RouterSilent(probe.await) });

        let hall = Hall {
            identities,
            seats,
            fanout,
            hand_over: link.hand_over,
            counters,
            limits: self.config.limits,
        };
        let mut sessions = Sessions::new(hall, admission);
        let outcome = loop {
            tokio::select! {
                () = shutdown.cancelled() => break Ok(()),
                Some(ended) = helpers.join_next() => {
                    break Err(ended.unwrap_or_else(ServeError::Died));
                }
                Some(ended) = sessions.tasks.join_next() => note(ended),
                accepted = listener.accept() => match accepted {
                    Ok((stream, address)) => sessions.begin(stream, address),
                    Err(fault) => {
                        tracing::warn!(%fault, "a connection could not be accepted");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        };
        drop(listener);
        sessions.end().await;
        outcome
    }
}

/// The sessions that run.
struct Sessions {
    tasks: JoinSet<()>,
    hall: Arc<Hall>,
    admission: Arc<Admission>,
    closing: CancellationToken,
}

impl Sessions {
    fn new(hall: Hall, admission: Arc<Admission>) -> Self {
        Self {
            tasks: JoinSet::new(),
            hall: Arc::new(hall),
            admission,
            closing: CancellationToken::new(),
        }
    }

    fn begin(&mut self, stream: TcpStream, address: SocketAddr) {
        let pass = match self.admission.admit(address.ip()) {
            Ok(pass) => pass,
            Err(why) => return self.hall.counters.refused(why),
        };
        // Acknowledgements are small and awaited.
        if let Err(fault) = stream.set_nodelay(true) {
            tracing::debug!(%fault, "the connection ended before it began");
            return;
        }
        let hall = Arc::clone(&self.hall);
        let closing = self.closing.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = closing.cancelled() => {}
                () = session::run(stream, &hall) => {}
            }
            drop(pass);
        });
    }

    async fn end(mut self) {
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

/// A session that panics takes nobody with it, but somebody must hear of it.
fn note(ended: Result<(), JoinError>) {
    if let Err(fault) = ended {
        let fault: &dyn Error = &fault;
        tracing::error!(error = fault, "a session failed");
    }
}

/// From the backend into the mailboxes; never waits for a subscriber.
async fn distribute(
    mut deliveries: mpsc::Receiver<Message>,
    fanout: Arc<Fanout>,
    came_back: watch::Sender<u64>,
) -> ServeError {
    while let Some(message) = deliveries.recv().await {
        if let Some(number) = probe::number(&message) {
            came_back.send_replace(number);
        } else if let Ok(topic) = message.topic.parse::<Topic>() {
            let hearers = fanout.deliver(&topic, &message);
            tracing::trace!(topic = %topic, hearers, "delivered");
        }
    }
    ServeError::BackendGone
}

async fn watch_identities(
    mut watch: Watch,
    changed: watch::Sender<Arc<Identities>>,
    seats: Arc<Seats>,
) -> ServeError {
    loop {
        sleep(LOOK_EVERY).await;
        let looked = spawn_blocking(move || {
            let poll = watch.poll();
            (watch, poll)
        });
        let poll = match looked.await {
            Ok((same, poll)) => {
                watch = same;
                poll
            }
            Err(fault) => return ServeError::Died(fault),
        };
        match poll {
            Poll::Unchanged => {}
            Poll::Changed(identities) => {
                tracing::info!(known = identities.len(), "the identity file has changed");
                // Before the sweep: who takes a seat from now on is judged by the new list.
                changed.send_replace(Arc::clone(&identities));
                seats.revoke_changed(&identities);
            }
            Poll::Broken(fault) => {
                let fault: &dyn Error = &fault;
                tracing::error!(
                    error = fault,
                    "the last good list of identities stays in force"
                );
            }
        }
    }
}
