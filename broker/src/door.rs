//! The door itself: it accepts, keeps its helpers running, and closes in order.
//!
//! Beside the sessions run: one task that empties the backend into the mailboxes, one that probes
//! the router, one that watches the files, one that tells of refusals.
//!
//! A router of our own that ends or falls silent is opened again, with every session closed: the
//! clients come back by themselves, and what was lost with it is sent again from the outboxes.
//! One that needs this too often ([`MOST_REOPENINGS`]) has something that opening does not mend.
//! Then, and when any other task ends, [`serve`] returns its error, the process ends, and whoever
//! started it starts it again.
//!
//! The caller owns the sockets and the moment of the end, so a port can be known before and a
//! test needs no fixed one.

use std::collections::VecDeque;
use std::error::Error;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use veglia_identity::{Identities, LoadError, Poll, Watch};

use crate::admission::Admission;
use crate::backend::{Backend, BackendError, Link, Remedy};
use crate::config::{Config, Limits};
use crate::counters::{Counters, Health};
use crate::distribution::distribute;
use crate::fanout::Fanout;
use crate::probe::{self, Pace, RouterSilent};
use crate::session::Hall;
use crate::sessions::{Sessions, Way};
use crate::takeover::Seats;
use crate::tls::{Files, TlsError, Trust};
use crate::warden::Warden;

/// After an accept that failed, mostly for want of file descriptors: a session has time to end.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// How often the router may be opened again within [`REOPENINGS_WITHIN`]. Each leaves a thread of
/// the old router asleep, with a log of at most a mebibyte.
const MOST_REOPENINGS: usize = 3;

/// Long enough that three times cannot be chance.
const REOPENINGS_WITHIN: Duration = Duration::from_secs(3600);

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
    /// The files of TLS could not be used at the start.
    #[error("the broker needs its certificate, its key and the authority's certificate")]
    Tls(#[source] TlsError),
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

/// The sockets of a door.
#[derive(Debug)]
pub struct Listeners {
    /// For processes of this machine.
    pub plain: TcpListener,
    /// For everybody else. A door that is configured for TLS opens it itself if it is not given.
    pub tls: Option<TcpListener>,
}

impl From<TcpListener> for Listeners {
    fn from(plain: TcpListener) -> Self {
        Self { plain, tls: None }
    }
}

/// Takes the plain port of the configuration.
pub async fn listen(config: &Config) -> Result<TcpListener, ServeError> {
    refuse_unprotected(config.listen)?;
    bind(config.listen).await
}

/// Takes the port for TLS, if the configuration has one.
pub async fn listen_tls(config: &Config) -> Result<Option<TcpListener>, ServeError> {
    match &config.tls {
        Some(tls) => bind(tls.listen).await.map(Some),
        None => Ok(None),
    }
}

async fn bind(listen: SocketAddr) -> Result<TcpListener, ServeError> {
    let bound = TcpListener::bind(listen).await;
    bound.map_err(|source| ServeError::Bind { listen, source })
}

/// Opens the front door, with what the configuration wants behind it, and serves until `shutdown`.
pub async fn serve(
    config: Config,
    listeners: impl Into<Listeners>,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let backend = config.backend.make();
    let door = FrontDoor::new(config, backend)?;
    door.serve(listeners, shutdown).await
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
    pace: Pace,
    warden: Warden,
    health: Health,
}

impl FrontDoor {
    /// Reads the identity file and the files of TLS; opens nothing yet.
    pub fn new(config: Config, backend: Box<dyn Backend>) -> Result<Self, ServeError> {
        let mut list = Watch::new(&config.identities);
        let identities = match list.poll() {
            Poll::Changed(identities) => identities,
            Poll::Broken(fault) => return Err(ServeError::Identities(fault)),
            Poll::Unchanged => Arc::default(),
        };
        let (identities, known) = watch::channel(identities);
        let files = config.tls.clone().map(|paths| Files::open(paths, known));
        let (files, terms) = files.transpose().map_err(ServeError::Tls)?.unzip();
        let (trust, _) = watch::channel(terms.map(Arc::new));
        let health = Health {
            counters: Arc::new(Counters::default()),
            admission: Admission::to_the_house(&config.limits),
            handshakes: Admission::to_handshakes(&config.limits),
            arrivals: Arc::default(),
            seats: Arc::new(Seats::default()),
            fanout: Arc::new(Fanout::default()),
            standing: backend.standing(),
        };
        let warden = Warden {
            list,
            identities,
            files,
            trust,
            arrivals: Arc::clone(&health.arrivals),
            seats: Arc::clone(&health.seats),
        };
        Ok(Self {
            config,
            backend,
            pace: Pace::default(),
            warden,
            health,
        })
    }

    /// Probes the router at another pace.
    #[must_use]
    pub fn probing(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// A look at the door from outside.
    pub fn health(&self) -> Health {
        self.health.clone()
    }

    /// Serves until `shutdown`, then closes every session and returns; or returns why it cannot
    /// go on. Clients keep what was not acknowledged end to end.
    pub async fn serve(
        self,
        listeners: impl Into<Listeners>,
        shutdown: CancellationToken,
    ) -> Result<(), ServeError> {
        let mut listeners = listeners.into();
        let plain = listeners.plain.local_addr();
        refuse_unprotected(plain.map_err(ServeError::Listener)?)?;
        match &self.config.tls {
            None => listeners.tls = None,
            Some(_) if listeners.tls.is_some() => {}
            Some(_) => listeners.tls = listen_tls(&self.config).await?,
        }
        if let Some(secured) = &listeners.tls {
            let address = secured.local_addr().map_err(ServeError::Listener)?;
            tracing::info!(%address, "front door open with TLS");
        }
        let mut house = House {
            backend: self.backend,
            pace: self.pace,
            identities: self.warden.identities.subscribe(),
            trust: self.warden.trust.subscribe(),
            limits: self.config.limits,
            helpers: JoinSet::new(),
            health: self.health,
        };
        let warden = self.warden;
        house
            .helpers
            .spawn(async { ServeError::Died(warden.watch().await) });
        let counters = Arc::clone(&house.health.counters);
        house.helpers.spawn(async move { counters.tell().await });

        let mut reopenings = Reopenings::default();
        loop {
            match house.stand_open(&listeners, &shutdown).await {
                End::Closed => return Ok(()),
                End::Failed(fault) => return Err(fault),
                End::RouterLost(fault) => {
                    let ours = house.backend.remedy() == Remedy::Reopen;
                    if !ours || !reopenings.allow(Instant::now()) {
                        return Err(fault);
                    }
                    let fault: &dyn Error = &fault;
                    tracing::error!(
                        error = fault,
                        "every session was closed, and the message router is opened again"
                    );
                    house.health.counters.router_restarted();
                }
            }
        }
    }
}

/// How the door came to stand closed.
enum End {
    /// It was told to.
    Closed,
    /// The backend is of no use any more.
    RouterLost(ServeError),
    /// Something else, which only a new process mends.
    Failed(ServeError),
}

/// The moments at which the router was opened again.
#[derive(Debug, Default)]
struct Reopenings(VecDeque<Instant>);

impl Reopenings {
    fn allow(&mut self, now: Instant) -> bool {
        self.0.retain(|then| now - *then < REOPENINGS_WITHIN);
        self.0.push_back(now);
        self.0.len() <= MOST_REOPENINGS
    }
}

/// What outlives a router.
struct House {
    backend: Box<dyn Backend>,
    pace: Pace,
    identities: watch::Receiver<Arc<Identities>>,
    trust: watch::Receiver<Trust>,
    limits: Limits,
    helpers: JoinSet<ServeError>,
    health: Health,
}

impl House {
    /// Opens the backend and lets clients in, for as long as both last. No session is left after.
    async fn stand_open(&mut self, at: &Listeners, shutdown: &CancellationToken) -> End {
        let link = match self.backend.open() {
            Ok(link) => link,
            Err(fault) => return End::Failed(ServeError::Backend(fault)),
        };
        let (mut sessions, mut router) = self.furnish(link);
        let end = loop {
            let (accepted, way) = tokio::select! {
                () = shutdown.cancelled() => break End::Closed,
                Some(ended) = self.helpers.join_next() => {
                    break End::Failed(ended.unwrap_or_else(ServeError::Died));
                }
                Some(ended) = router.join_next() => break match ended {
                    Ok(fault) => End::RouterLost(fault),
                    Err(panic) => End::Failed(ServeError::Died(panic)),
                },
                () = sessions.one_ended() => continue,
                accepted = at.plain.accept() => (accepted, Way::Plain),
                accepted = accept(at.tls.as_ref()) => (accepted, Way::Tls),
            };
            match accepted {
                Ok((stream, address)) => sessions.begin(stream, address, way),
                Err(fault) => {
                    tracing::warn!(%fault, "a connection could not be accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        };
        sessions.end().await;
        end
    }

    /// What works with one open backend: the sessions, and the tasks that end with it.
    fn furnish(&self, link: Link) -> (Sessions, JoinSet<ServeError>) {
        let Health {
            counters,
            admission,
            handshakes,
            arrivals,
            seats,
            fanout,
            standing: _,
        } = self.health.clone();
        let (came_back, seen) = watch::channel(0);
        let mut router = JoinSet::new();
        router.spawn(distribute(
            link.deliveries,
            Arc::clone(&fanout),
            Arc::clone(&seats),
            came_back,
        ));
        let probe = probe::watch_over(
            link.hand_over.clone(),
            seen,
            Arc::clone(&counters),
            self.pace,
            self.backend.remedy(),
        );
        router.spawn(async { ServeError::RouterSilent(probe.await) });
        let hall = Hall {
            identities: self.identities.clone(),
            trust: self.trust.clone(),
            arrivals,
            seats,
            fanout,
            hand_over: link.hand_over,
            counters,
            limits: self.limits,
        };
        (Sessions::new(hall, admission, handshakes), router)
    }
}

async fn accept(listener: Option<&TcpListener>) -> io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_router_is_opened_again_three_times_an_hour_and_no_more() {
        let start = Instant::now();
        let mut reopenings = Reopenings::default();
        for minute in 0..3 {
            assert!(reopenings.allow(start + Duration::from_secs(60 * minute)));
        }
        assert!(!reopenings.allow(start + Duration::from_secs(180)));
        assert!(reopenings.allow(start + 2 * REOPENINGS_WITHIN));
    }
}
