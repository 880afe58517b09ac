//! The web shell: who is signed in, the frame of every page, the files they need, and the doors.
//!
//! A *door* is the list of routes of one audience (`centre` today; citizens, family doctors,
//! hospitals, the city and the agency later). Only doors mount routes. The subjects behind them
//! offer pages as askama templates and streams as bytes; a door fetches, frames and answers. Every
//! route of a door stands behind one check of the session and of the rights, so no handler can
//! forget it; `doors.rs` lists every route there is.
//!
//! From the outside in: security headers, error pages, refusal of requests that another
//! site started, then the routes. Every page works as links and forms; scripts add to it.
//!
//! The listener belongs to the caller. One that can be reached from other machines is refused
//! unless it speaks TLS ([`Config::tls`]) or a proxy that does stands in front
//! ([`Config::behind_proxy`]).

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn_with_state, map_response};
use serde::Deserialize;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tower_http::csrf::CsrfLayer;
use veglia_doctor::{Digest, Notices, Turn};
use veglia_fleet::{Fleet, Places};
use veglia_intake::Line;
use veglia_isolation::Inviter;
use veglia_laboratory::{Door, DoorError, Follower};
use veglia_notify::{Courier, Senders};
use veglia_people::SignIn;
use veglia_people::staff::Role;
use veglia_privacy::{Retention, VeiledView};
use veglia_store::{Actor, Database};
use veglia_view::{CareClock, RuleSet, View};
use veglia_ward::{Hub, Pace, PathFault, Watch};
use veglia_wire::Clock;

mod account;
mod alarm_path;
mod amiss;
mod api;
mod asking;
mod assets;
mod avvisi;
mod bedside;
mod bell;
mod browser;
mod caring;
mod cases;
mod centre;
mod citizen;
mod confirm;
mod devices;
mod doctor;
mod documents;
mod doors;
mod enrol;
mod federated;
mod fleet;
mod glass;
mod handover;
mod headers;
mod health;
mod identity;
mod intake;
mod laboratory;
mod language;
mod listener;
mod login;
mod lost;
mod own;
mod pages;
mod paging;
mod passkey;
mod privacy;
mod reach;
mod recall;
mod register;
mod rights;
mod second;
mod server;
mod session;
mod streams;
mod tls;
mod tokens;
mod users;
mod wall;
mod ways;

use alarm_path::Watchdog;
use amiss::Amiss;
use asking::Asking;
use citizen::Citizens;
use listener::{Bounded, Callers};
use paging::Paging;
use ways::Ways;

pub use alarm_path::AlarmPath;
pub use federated::{ClientError, Federated, FederatedFault};
pub use tls::{Tls, TlsError};
pub use ways::WaysError;

/// Largest body of a request. The largest form of ours is a handover of sixty patients, each with
/// 600 letters of up to nine bytes in a form: filled to its end it must not be too large, because
/// what is refused unread cannot be given back. Nobody uploads files here.
const MAX_BODY_BYTES: usize = 384 * 1024;

/// How long requests under way may still take after the order to stop. Streams end at once.
const DRAIN: Duration = Duration::from_secs(10);

/// How the dashboard is reached.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address and port of the listener.
    pub listen: SocketAddr,
    /// A proxy that speaks TLS stands in front and passes `Host` and `Origin` on unchanged. Cookies
    /// are then for encrypted connections only, and how many connections an address may have is
    /// for the proxy to say.
    pub behind_proxy: bool,
    /// How browsers reach the pages, as `https://HOST`: passkeys are bound to this host for ever.
    /// Without it they are there only where pages are for this machine alone.
    pub address: Option<String>,
    /// The certificate of this server. Cookies are then for encrypted connections only.
    pub tls: Option<Tls>,
    /// The folder of the centre's certificate authority, with which boxes are enrolled.
    pub authority: PathBuf,
    /// Where boxes reach the broker, as `host:port`; without it, on port 8883 of the host by
    /// which they reach the pages.
    pub broker: Option<String>,
    /// Which roles must show a one-time code besides their password. Without a word: doctors, where
    /// pages are encrypted; nobody where they are for this machine alone, because whoever reads its
    /// loopback already has its disk, and a demonstration has no telephone.
    pub codes_for: Option<Vec<Role>>,
    /// An identity provider that vouches for staff.
    pub federated: Option<Federated>,
    /// How long data of patients are kept before they can be erased.
    pub retention: Retention,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            behind_proxy: false,
            address: None,
            tls: None,
            authority: PathBuf::from("ca"),
            broker: None,
            codes_for: None,
            federated: None,
            retention: Retention::default(),
        }
    }
}

impl Config {
    /// The section as `veglia config` prints it, with its defaults.
    pub const TEMPLATE: &'static str = include_str!("template.toml");

    /// Lets relative paths start in the data directory.
    pub fn place(&mut self, data: &Path) {
        if let Some(tls) = &mut self.tls {
            tls.certificate = data.join(&tls.certificate);
            tls.key = data.join(&tls.key);
        }
        self.authority = data.join(&self.authority);
        if let Some(federated) = &mut self.federated {
            federated.place(data);
        }
    }

    /// With the address of pages that only this machine reaches: nobody needs to write it down.
    /// Browsers know passkeys of `localhost` and of no number.
    fn reached_at(mut self, listener: SocketAddr) -> Self {
        if self.address.is_none() && listener.ip().is_loopback() && !self.is_encrypted() {
            self.address = Some(format!("http://localhost:{}", listener.port()));
        }
        self
    }

    /// Which roles must show a one-time code.
    fn codes_for(&self) -> Vec<Role> {
        match &self.codes_for {
            Some(roles) => roles.clone(),
            None if self.is_encrypted() => {
                Role::ALL.into_iter().filter(|it| it.is_doctor()).collect()
            }
            None => Vec::new(),
        }
    }

    /// Whether browsers reach the pages over TLS.
    pub fn is_encrypted(&self) -> bool {
        self.behind_proxy || self.tls.is_some()
    }
}

/// What the dashboard is built on.
#[derive(Clone)]
pub struct Deps {
    /// The clinical record, opened with the schemas of every room that pages ask.
    pub record: Database,
    /// What ingest answers.
    pub view: Arc<dyn View>,
    /// Wall time: sessions and limits go by it.
    pub clock: Arc<dyn Clock>,
    /// The clock of care: what people do for a patient is dated by it.
    pub care: CareClock,
    /// The allow-list that the broker reads.
    pub identities: PathBuf,
    /// The one-time codes of enrolment.
    pub enrolments: PathBuf,
    /// How people are called.
    pub notify: veglia_notify::Config,
    /// How the alarm path is watched; none: not at all.
    pub alarm_path: Option<AlarmPath>,
    /// The way of what is said on the telephone; none when it could not be opened.
    pub line: Option<Line>,
    /// Where laboratories send results, and from which day on a positive opens a case.
    pub laboratory: veglia_laboratory::Config,
}

/// Why the dashboard does not answer.
#[derive(Debug, Error)]
pub enum ServeError {
    /// Passwords and health data would cross the network in clear.
    #[error(
        "the dashboard would answer on {0} without encryption: listen on 127.0.0.1, give it a \
         certificate in [dashboard.tls], or set `behind_proxy = true` when a proxy that speaks TLS \
         stands in front"
    )]
    Exposed(SocketAddr),
    /// The certificate cannot be used.
    #[error("the dashboard cannot encrypt its pages")]
    Tls(#[source] TlsError),
    /// The socket failed.
    #[error("the dashboard's listener failed")]
    Socket(#[source] io::Error),
    /// Pages would stand still without saying so.
    #[error("the task that keeps the ward up to date died")]
    Ward(#[source] JoinError),
    /// A way to sign in is configured and cannot be used.
    #[error("nobody could sign in as it is configured")]
    Ways(#[source] WaysError),
    /// Results of laboratories cannot be taken where the configuration says.
    #[error("laboratories could not send their results")]
    Laboratory(#[source] DoorError),
    /// A channel is configured and cannot be used.
    #[error("people cannot be called")]
    Notify(#[source] veglia_notify::OpenError),
    /// Nobody would be called, and nobody would know.
    #[error("a task that calls people died")]
    Paging(#[source] JoinError),
}

/// What every route may use.
#[derive(Clone)]
pub(crate) struct Shell {
    pub(crate) record: Database,
    /// Ingest, without what patients had hidden.
    pub(crate) view: Arc<dyn View>,
    /// Ingest itself: for a patient's own copy, and for no page.
    pub(crate) ingest: Arc<dyn View>,
    pub(crate) hub: Hub,
    pub(crate) fleet: Fleet,
    pub(crate) rules: Arc<RuleSet>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) care: CareClock,
    pub(crate) door: Arc<SignIn>,
    /// Cases, and the door of whoever has one.
    pub(crate) citizens: Citizens,
    pub(crate) line: Option<Line>,
    /// One answer of a family doctor at a time.
    pub(crate) turn: Arc<Turn>,
    pub(crate) senders: Arc<Senders>,
    pub(crate) notify: Arc<veglia_notify::Config>,
    /// Why the alarms cannot be relied on, if so.
    pub(crate) alarm_path: watch::Receiver<Option<PathFault>>,
    /// Which roles must show a one-time code.
    pub(crate) codes_for: Arc<[Role]>,
    pub(crate) retention: Retention,
    /// How many streams of events each reader has open.
    pub(crate) seats: streams::Seats,
    /// Wakes them when a right may have ended.
    pub(crate) ends: streams::Ends,
    /// The ways in beside password and code.
    pub(crate) ways: Ways,
    pub(crate) cookie: session::CookieKind,
    pub(crate) behind_proxy: bool,
    /// Cancelled when the server stops: a stream that does not watch it holds the stop up.
    pub(crate) closing: CancellationToken,
}

impl Shell {
    /// Whether somebody of this role must show a one-time code.
    pub(crate) fn must_show_codes(&self, role: Role) -> bool {
        self.codes_for.contains(&role)
    }
}

/// What the pages are served through.
enum Entrance {
    Plain(Bounded),
    Tls(tls::Secured),
}

impl From<tls::SecureError> for ServeError {
    fn from(fault: tls::SecureError) -> Self {
        match fault {
            tls::SecureError::Files(fault) => Self::Tls(fault),
            tls::SecureError::Socket(fault) => Self::Socket(fault),
        }
    }
}

/// Answers on `listener` until `shutdown` completes, then lets requests under way finish.
///
/// # Errors
/// [`ServeError::Exposed`] or [`ServeError::Tls`] at once, before anything is answered; or the
/// socket's fault.
pub async fn serve(
    config: Config,
    deps: Deps,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Socket)?;
    if !address.ip().is_loopback() && !config.is_encrypted() {
        return Err(ServeError::Exposed(address));
    }
    let config = config.reached_at(address);
    let ways = Ways::open(&config).map_err(ServeError::Ways)?;
    let callers = if config.behind_proxy {
        Callers::Proxied
    } else {
        Callers::Direct
    };
    let listener = Bounded::new(listener, callers);
    let entrance = match config.tls.clone() {
        Some(files) => Entrance::Tls(tls::Secured::new(files, listener)?),
        None => Entrance::Plain(listener),
    };
    let closing = CancellationToken::new();
    finish_erasures(&deps, config.retention).await;
    let results = Door::open(deps.laboratory.clone()).await;
    let results = results.map_err(ServeError::Laboratory)?;
    let senders = Senders::open(&deps.notify).map_err(ServeError::Notify)?;
    let senders = Arc::new(senders);
    let (said, alarm_path) = watch::channel(None);
    let mut calling = calling(&deps, Arc::clone(&senders), said);
    if let Some(door) = results {
        let (record, care) = (deps.record.clone(), deps.care.clone());
        calling.spawn(door.serve(record, care, closing.clone()));
    }
    let amiss = Amiss::new(&deps);
    let (app, watch) = router(&config, deps, ways, senders, alarm_path, closing.clone());
    calling.spawn(amiss.run(watch.hub()));
    let watching = tokio::spawn(watch.run(closing.clone().cancelled_owned()));
    let ward_died = async {
        match watching.await {
            // It ends by itself only when the server is stopping: then the others decide.
            Ok(()) => std::future::pending().await,
            Err(died) => died,
        }
    };
    let overdue = async {
        shutdown.await;
        closing.cancel();
        tokio::time::sleep(DRAIN).await;
    };
    let serving = async {
        match entrance {
            Entrance::Tls(listener) => server::run(listener, app, closing.clone()).await,
            Entrance::Plain(listener) => server::run(listener, app, closing.clone()).await,
        }
    };
    tokio::select! {
        () = serving => Ok(()),
        died = ward_died => Err(ServeError::Ward(died)),
        // They do not end by themselves, and are cut off with the set when this function ends:
        // what was in the middle of a call is sent again.
        Some(Err(died)) = calling.join_next() => Err(ServeError::Paging(died)),
        () = overdue => {
            tracing::warn!(drain_ms = DRAIN.as_millis(), "requests were cut off at the stop");
            Ok(())
        }
    }
}

/// The tasks that call people.
fn calling(
    deps: &Deps,
    senders: Arc<Senders>,
    said: watch::Sender<Option<PathFault>>,
) -> JoinSet<()> {
    let paging = Paging {
        record: deps.record.clone(),
        care: deps.care.clone(),
        notify: Arc::new(deps.notify.clone()),
    };
    let clock = Arc::clone(&deps.clock);
    let courier = Courier::new(
        deps.record.clone(),
        clock,
        senders,
        veglia_notify::Pace::default(),
    );
    let mut tasks = JoinSet::new();
    if let Some(path) = deps.alarm_path.clone() {
        let (record, care, notify) = (&paging.record, &paging.care, &paging.notify);
        let watchdog = Watchdog::new(record.clone(), care.clone(), Arc::clone(notify), path, said);
        tasks.spawn(watchdog.run());
    }
    let asking = Asking::new(deps.record.clone(), deps.care.clone());
    tasks.spawn(asking.run());
    let summary = deps.notify.page(doctor::SUMMARY);
    let digest = Digest::new(deps.record.clone(), deps.care.clone(), summary);
    tasks.spawn(digest.run());
    let inbox = deps.notify.page(doctor::INBOX);
    let notices = Notices::new(deps.record.clone(), deps.care.clone(), inbox);
    tasks.spawn(notices.run());
    tasks.spawn(handover::reminder(deps).run());
    let invited = deps.notify.page(citizen::ENTRY);
    let inviter = Inviter::new(deps.record.clone(), deps.care.clone(), invited);
    tasks.spawn(inviter.run());
    let from = deps.laboratory.cases_from;
    let follower = Follower::new(deps.record.clone(), deps.care.clone(), from);
    tasks.spawn(follower.run());
    tasks.spawn(paging.run());
    tasks.spawn(courier.run());
    tasks
}

/// Carries out what was confirmed before the program was stopped in its middle. Nobody's page waits
/// for it: what cannot be done now stays confirmed, and is done at the next start or erasure.
async fn finish_erasures(deps: &Deps, retention: Retention) {
    let actor = Actor::System("privacy");
    let finished = veglia_privacy::finish(&deps.record, &actor, retention, deps.care.now());
    match finished.await {
        Ok(0) => {}
        Ok(done) => tracing::info!(done, "confirmed erasures were carried out"),
        Err(error) => {
            let error = pages::chain(&error);
            tracing::error!(%error, "confirmed erasures were not carried out");
        }
    }
}

/// Every route, with all that stands before it; and the task that keeps the ward up to date.
fn router(
    config: &Config,
    deps: Deps,
    ways: Ways,
    senders: Arc<Senders>,
    alarm_path: watch::Receiver<Option<PathFault>>,
    closing: CancellationToken,
) -> (Router, Watch) {
    let (hub, watch) = Hub::new(Arc::clone(&deps.view), deps.record.clone(), Pace::default());
    let door = Arc::new(SignIn::new(deps.record.clone(), deps.clock.now()));
    let encrypted = config.is_encrypted();
    let cookie = session::CookieKind::for_transport(encrypted);
    let places = Places {
        authority: config.authority.clone(),
        identities: deps.identities,
        enrolments: deps.enrolments,
    };
    let fleet = Fleet::new(
        deps.record.clone(),
        Arc::clone(&deps.view),
        places,
        config.broker.clone(),
    );
    let view = VeiledView::new(Arc::clone(&deps.view), deps.record.clone());
    let citizens = Citizens::new(&deps.record);
    let shell = Shell {
        record: deps.record,
        view: Arc::new(view),
        ingest: deps.view,
        hub,
        fleet,
        rules: Arc::new(RuleSet::shipped()),
        clock: deps.clock,
        care: deps.care,
        door,
        citizens,
        line: deps.line,
        turn: Arc::new(Turn::default()),
        senders,
        notify: Arc::new(deps.notify),
        alarm_path,
        codes_for: config.codes_for().into(),
        retention: config.retention,
        ways,
        seats: streams::Seats::default(),
        ends: streams::Ends::default(),
        cookie,
        behind_proxy: config.behind_proxy,
        closing,
    };

    let guarded = doors::mounted(doors::guarded())
        .route_layer(from_fn_with_state(shell.clone(), session::required));
    let citizens = doors::mounted(doors::citizen())
        .route_layer(from_fn_with_state(shell.clone(), citizen::required));

    let pages = guarded
        .merge(citizens)
        .merge(doors::mounted(doors::open()))
        .fallback(pages::not_found)
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(from_fn_with_state(shell.clone(), streams::wake))
        .layer(CsrfLayer::new())
        .layer(from_fn_with_state(shell.clone(), pages::framed));

    let health = doors::mounted(doors::health());

    let protect = move |response| async move { headers::protect(encrypted, response) };
    let api = api::mounted(&shell);
    let app = pages
        .merge(health)
        .merge(api)
        .with_state(shell)
        .layer(map_response(protect));
    (app, watch)
}

#[cfg(test)]
mod tests;
