//! Where boxes ask to be let in: `POST /enrol` and `POST /enrol/renew`, without the sockets.
//!
//! A body in, a status and a body out, both JSON. Everybody may ask, so everything is bounded: how
//! often an address may, how many are served at once, how long a body is (the door sees to that
//! with [`MAX_BODY_BYTES`]). What is admitted is written into the log before it is answered. What
//! was begun is done to its end, its place and its line in the log included, also when the asker
//! hangs up meanwhile.
//!
//! Deliberately absent: who the asker is (the code or the key says it) and any word in the log
//! about what was asked.

use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use veglia_identity::{
    Admission, CertificateFacts, Refusal, RefusalKind, Registrar, RegistrarError, UnixSeconds,
};
use veglia_store::{Actor, Database};
use veglia_wire::WallMs;

use crate::files::Files;
use crate::limit::Limiter;
use crate::{log, story};

pub use veglia_identity::MAX_BODY_BYTES;

/// Asked at once at most; the files are locked by one of them at a time. Others wait.
const AT_ONCE: usize = 4;

/// Waiting at most; more are told to come again. A box waits half a minute for its answer.
const QUEUE: usize = 64;

/// The port of the broker's TLS listener when nothing else is configured.
const BROKER_PORT: u16 = 8883;

/// Who signs what boxes do by themselves.
const ACTOR: Actor = Actor::System("enrol");

/// What a box wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// To be let in, with a code.
    Enrol,
    /// Its next certificate.
    Renew,
}

/// What the door answers, as `application/json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub json: String,
}

/// A question as it came.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// From where.
    pub from: IpAddr,
    /// By which name the centre was called: the `Host` of the request.
    pub host: Option<&'a str>,
    /// What was said.
    pub body: &'a [u8],
}

/// Redacted: a code in a log is no secret, and neither is where a home is.
impl fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asked(redacted)")
    }
}

/// The counter at which boxes ask.
#[derive(Debug)]
pub struct Reception {
    clerk: Clerk,
    limiter: Mutex<Limiter>,
    places: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

/// Who does what is asked.
#[derive(Debug, Clone)]
struct Clerk {
    files: Files,
    record: Database,
    broker: Option<String>,
}

impl Reception {
    pub(crate) fn new(files: Files, record: Database, broker: Option<String>) -> Self {
        Self {
            clerk: Clerk {
                files,
                record,
                broker,
            },
            limiter: Mutex::default(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
            queue: Arc::new(Semaphore::new(QUEUE)),
        }
    }

    /// Answers a box. `now` is wall time. Dropped while it waits for its turn, nothing is done;
    /// dropped later, the work goes on without anybody to answer.
    pub async fn answer(&self, wish: Wish, asked: Asked<'_>, now: WallMs) -> Answer {
        let admitted = {
            let mut limiter = self.limiter.lock().unwrap_or_else(PoisonError::into_inner);
            limiter.admits(asked.from, now)
        };
        if !admitted {
            return too_many();
        }
        let Ok(waiting) = Arc::clone(&self.queue).try_acquire_owned() else {
            return too_many();
        };
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
            return too_many();
        };
        let clerk = self.clerk.clone();
        let body = asked.body.to_vec();
        let broker = clerk.broker_for(asked.host);
        let served = tokio::spawn(async move {
            let _held = (waiting, place);
            match wish {
                Wish::Enrol => clerk.serve(&body, broker, Registrar::enrol, now).await,
                Wish::Renew => clerk.serve(&body, broker, Registrar::renew, now).await,
            }
        });
        served.await.unwrap_or_else(|fault| faulty(&fault))
    }
}

impl Clerk {
    async fn serve<R: DeserializeOwned + Send + 'static>(
        &self,
        body: &[u8],
        broker: String,
        work: fn(&Registrar, &R, UnixSeconds) -> Result<Admission, RegistrarError>,
        now: WallMs,
    ) -> Answer {
        let Ok(request) = serde_json::from_slice::<R>(body) else {
            return not_understood();
        };
        let at = seconds(now);
        let done = self
            .files
            .as_registrar(broker, move |it| work(it, &request, at));
        match done.await {
            Ok(Some(Ok(admission))) => self.admit(&admission, now).await,
            Ok(Some(Err(refused))) => {
                if refused.is_fault() {
                    tracing::error!(error = %story(&refused), "a box could not be enrolled");
                } else {
                    tracing::warn!(kind = ?refused.refusal().kind, "a box was not let in");
                }
                refusal(refused.refusal())
            }
            Ok(None) => refusal(Refusal {
                error: "this centre cannot enrol boxes yet: whoever runs it makes its authority \
                        with `veglia ca init`, then the same code can be tried again"
                    .to_owned(),
                kind: RefusalKind::Busy,
            }),
            Err(fault) => faulty(&fault),
        }
    }

    async fn admit(&self, admission: &Admission, now: WallMs) -> Answer {
        let facts = match CertificateFacts::read_pem(&admission.certificate) {
            Ok(facts) => facts,
            Err(fault) => return faulty(&fault),
        };
        let gateway = &admission.gateway;
        let written = log::certified(&self.record, &ACTOR, gateway, &facts, now).await;
        if let Err(fault) = written {
            return faulty(&fault);
        }
        tracing::info!(gateway, "a box has its certificate");
        match serde_json::to_string(admission) {
            Ok(json) => Answer { status: 200, json },
            Err(fault) => faulty(&fault),
        }
    }

    /// Where the broker is: as configured, or on the host by which the box found these pages.
    fn broker_for(&self, host: Option<&str>) -> String {
        if let Some(broker) = &self.broker {
            return broker.clone();
        }
        let host = host.unwrap_or("localhost");
        let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
        let name = match host.rsplit_once(':') {
            Some((name, port)) if is_port(port) => name,
            _ => host,
        };
        format!("{name}:{BROKER_PORT}")
    }
}

/// The answer to a body that is too long, did not come in time, or is no JSON of ours.
#[must_use]
pub fn not_understood() -> Answer {
    refusal(Refusal {
        error: format!(
            "the request is cut off, longer than {MAX_BODY_BYTES} bytes, or not JSON of a known \
             kind: use the same version of Veglia on the box and at the centre, and try again"
        ),
        kind: RefusalKind::BadRequest,
    })
}

fn too_many() -> Answer {
    let said = refusal(Refusal {
        error: "too many boxes ask at once: wait a minute, and try again".to_owned(),
        kind: RefusalKind::Busy,
    });
    Answer {
        status: 429,
        ..said
    }
}

/// A fault of ours: the reason is in our log and nobody else's business.
fn faulty(fault: &(dyn Error + 'static)) -> Answer {
    tracing::error!(error = %story(fault), "a box could not be enrolled");
    refusal(Refusal {
        error: "the centre cannot do this now: try again in a few minutes, and call the centre if \
                it stays so"
            .to_owned(),
        kind: RefusalKind::Busy,
    })
}

fn refusal(refusal: Refusal) -> Answer {
    Answer {
        status: refusal.kind.status(),
        // Two plain words always serialise; an empty object is not understood, which is true.
        json: serde_json::to_string(&refusal).unwrap_or_else(|_| "{}".to_owned()),
    }
}

/// Wall milliseconds as certificates count.
pub(crate) fn seconds(at: WallMs) -> UnixSeconds {
    UnixSeconds(at.0.div_euclid(1_000))
}
