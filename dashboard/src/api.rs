//! The door of programs: the API, version 1.
//!
//! ```text
//! token ─▶ account ─▶ rate ─▶ scope ─▶ rights ─▶ access log ─▶ handler ─▶ JSON
//! ```
//! A program shows a token of somebody's account ([`veglia_people::tokens`]). A session opens
//! nothing here, so no other site can make a browser ask; and a token opens no page. What the
//! account may do is decided by the same function as for pages ([`rights::judge`]), and what is
//! read of one patient is in the access log before the handler begins, once for an hour.
//!
//! Every answer that is no success is a problem of RFC 9457 ([`problem`]), those of the framework
//! too. The document at [`DOCUMENT`] is made from the handlers: a route that is not in it is not
//! mounted.
//!
//! **Limits**: bodies of [`BODY_BYTES_MAX`]; [`BURST`] questions of one token at once, and then
//! [`PER_SECOND`] a second.
//!
//! **Deliberately absent**: streams of events (a program asks again), writing plans and sheets,
//! values said on the telephone (somebody reads them back to the patient), and the fleet.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{any, get};
use governor::clock::{self, Clock as _};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use veglia_people::tokens::{self, Scope, Secret, Token};
use veglia_store::Access;
use veglia_ward::CURVES_WINDOW_MS;
use veglia_wire::Clock;

use crate::rights::Cared;
use crate::session::CurrentUser;
use crate::{Shell, pages, rights};

mod act;
mod ask;
mod document;
mod problem;
mod read;

use problem::Problem;

/// What every address of the API begins with.
pub(crate) const ROOT: &str = "/api/v1";

/// Where the document is.
const DOCUMENT: &str = "/api/v1/openapi.json";

/// Longest body: the longest note, four bytes a letter, with room for what stands around it.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// Questions of one token in a second, when it never stops: a thousand patients are read in twenty
/// seconds, and a program that runs wild leaves the pages their time.
const PER_SECOND: NonZeroU32 = NonZeroU32::new(50).expect("it is not zero");

/// Questions of one token at once: a page of a program that shows some patients.
const BURST: NonZeroU32 = NonZeroU32::new(200).expect("it is not zero");

/// What stands in the access log: a patient was read, or their diary written in, by a program.
const READ: &str = "api.patient";
const WRITTEN: &str = "api.diary";

/// The handlers, with what the document says of them.
fn handlers() -> OpenApiRouter<Shell> {
    OpenApiRouter::with_openapi(document::head())
        .routes(routes!(read::me))
        .routes(routes!(read::ward))
        .routes(routes!(read::patient))
        .routes(routes!(read::plan))
        .routes(routes!(read::flags))
        .routes(routes!(read::diary))
        .routes(routes!(read::trend))
        .routes(routes!(read::readings))
        .routes(routes!(read::devices))
        .routes(routes!(read::needs))
        .routes(routes!(act::act))
}

/// The API with all that stands before it.
pub(crate) fn mounted(shell: &Shell) -> Router<Shell> {
    let (handlers, document) = handlers().split_for_parts();
    let document = Arc::new(document::complete(document));
    let guard = Guard {
        shell: shell.clone(),
        pace: Arc::new(pace(&shell.clock)),
    };
    let told = move || {
        let document = Arc::clone(&document);
        async move { Json(document.as_ref()).into_response() }
    };
    handlers
        .route_layer(from_fn_with_state(guard, admitted))
        .route(DOCUMENT, get(told))
        .route(ROOT, any(nowhere))
        .route("/api/v1/{*rest}", any(nowhere))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(from_fn(problem::explained))
}

/// No route has this address.
async fn nowhere() -> StatusCode {
    StatusCode::NOT_FOUND
}

/// The wall clock of the pages, as the limiter reads it.
#[derive(Clone)]
struct Wall(Arc<dyn Clock>);

impl clock::Clock for Wall {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let ms = u64::try_from(self.0.now().0).unwrap_or(0);
        Nanos::from(Duration::from_millis(ms))
    }
}

/// How often each token asks. Tokens are few, so nothing is ever forgotten.
type Pace = RateLimiter<i64, HashMapStateStore<i64>, Wall, NoOpMiddleware<Nanos>>;

fn pace(clock: &Arc<dyn Clock>) -> Pace {
    let quota = Quota::per_second(PER_SECOND).allow_burst(BURST);
    RateLimiter::new(quota, HashMapStateStore::default(), Wall(Arc::clone(clock)))
}

/// What stands before every handler.
#[derive(Clone)]
struct Guard {
    shell: Shell,
    pace: Arc<Pace>,
}

/// The token that was shown; there is one before every handler.
#[derive(Debug, Clone)]
pub(crate) struct ByToken(pub(crate) Token);

impl<S: Sync> FromRequestParts<S> for ByToken {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, StatusCode> {
        // Absent only on a route outside this door, where nobody may be assumed.
        let shown = parts.extensions.get().cloned();
        shown.ok_or(StatusCode::UNAUTHORIZED)
    }
}

/// Lets a request through to its handler, or answers it.
async fn admitted(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    match judged(&guard, request).await {
        Ok(request) => next.run(request).await,
        Err(answer) => answer,
    }
}

async fn judged(guard: &Guard, request: Request) -> Result<Request, Response> {
    let shell = &guard.shell;
    let Some(secret) = shown(request.headers()) else {
        return Err(problem::unknown());
    };
    let found = tokens::lookup(&shell.record, &secret, shell.clock.now()).await;
    let found = found.map_err(|error| pages::unavailable("a token was not looked up", &error))?;
    let Some((staff, token)) = found else {
        return Err(problem::unknown());
    };
    if let Err(early) = guard.pace.check_key(&token.id) {
        let wait = early.wait_time_from(guard.pace.clock().now());
        return Err(problem::slowed(wait));
    }
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("", MatchedPath::as_str);
    let asked = scope(route, request.method());
    if let Some(missing) = asked.filter(|scope| !token.allows(*scope)) {
        return Err(Problem::scope(missing).into_response());
    }
    let mut request = rights::judge(shell, &staff, request).await?;
    if let Some(Cared { patient, .. }) = request.extensions().get() {
        let access = Access {
            at_ms: shell.care.now().0,
            purpose: if asked == Some(Scope::DiaryWrite) {
                WRITTEN
            } else {
                READ
            },
            subject: &patient.to_string(),
        };
        let actor = staff.actor();
        let logged = shell
            .record
            .log_access_once(&actor, access, CURVES_WINDOW_MS);
        if let Err(error) = logged.await {
            return Err(pages::unavailable("the access log was not written", &error));
        }
    }
    request.extensions_mut().insert(CurrentUser(staff));
    request.extensions_mut().insert(ByToken(token));
    Ok(request)
}

/// The token of a request, if it has the shape of one.
fn shown(headers: &HeaderMap) -> Option<Secret> {
    let said = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = said.split_once(' ')?;
    let is_ours = scheme.eq_ignore_ascii_case("bearer");
    secret.trim().parse().ok().filter(|_| is_ours)
}

/// What a token must be for; none where any will do.
pub(crate) fn scope(route: &str, method: &Method) -> Option<Scope> {
    let part = route.strip_prefix(ROOT)?;
    if part.starts_with("/ward") {
        Some(Scope::WardRead)
    } else if part.starts_with("/patients/") {
        match *method {
            Method::GET | Method::HEAD => Some(Scope::PatientRead),
            _ => Some(Scope::DiaryWrite),
        }
    } else {
        None
    }
}
