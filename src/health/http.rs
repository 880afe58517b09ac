//! One connection: a question, its answer, and the end.
//!
//! | route | answer |
//! |---|---|
//! | `/healthz` | 200: the process answers and its tasks turn; 503 and which does not |
//! | `/readyz` | 200 `ok`, or 503 and why the role cannot do its work |
//! | `/metrics` | its figures as OpenMetrics text |
//! | `/status` | the same in JSON, and in words, for `veglia status` |
//! | `/`, `/box` | of a gateway: its devices, what waits, its clock; as a page, and in JSON |
//!
//! A connection carries one question: whoever asks does so a few times a minute, and nothing is
//! held for those who do not.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::figure::{self, Figure};
use super::{Kind, Role, Standing, Told};

/// How long a question may take to arrive. Whoever asks is on this machine, or a proxy that is:
/// longer, and a few silent connections keep everybody else waiting.
const HEAD_WITHIN: Duration = Duration::from_secs(2);

/// How long a role may take to say how it is: longer than a question of the pages to ingest may.
const EXAMINED_WITHIN: Duration = Duration::from_secs(4);

/// A whole conversation, with a slow reader at its end. Prometheus gives up after ten seconds.
const CONVERSATION_WITHIN: Duration = Duration::from_secs(15);

/// Longest question: the least that the server allows, and ten times what is asked.
const HEAD_BYTES_MAX: usize = 8 * 1024;

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";

/// The page has its own style and nothing else.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// What every connection of a role needs.
pub(super) struct Answering {
    pub(super) kind: Kind,
    /// The role, from the moment at which it can be asked.
    pub(super) role: watch::Receiver<Option<Arc<dyn Role>>>,
    pub(super) began: Instant,
    /// Cancelled when the role stops.
    pub(super) stop: CancellationToken,
}

/// Answers one question.
pub(super) async fn converse<S>(stream: S, answering: Arc<Answering>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(|request: Request<Incoming>| {
        let answering = Arc::clone(&answering);
        async move {
            Ok::<_, Infallible>(
                answering
                    .answer(request.method(), request.uri().path())
                    .await,
            )
        }
    });
    let conversation = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .keep_alive(false)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    match timeout(CONVERSATION_WITHIN, conversation).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a question about health broke off"),
        Err(_) => tracing::debug!("a question about health took too long"),
    }
}

impl Answering {
    async fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            let text = "only GET and HEAD are answered here\n";
            let mut refusal = response(StatusCode::METHOD_NOT_ALLOWED, TEXT, text);
            let allowed = HeaderValue::from_static("GET, HEAD");
            refusal.headers_mut().insert(ALLOW, allowed);
            return refusal;
        }
        match path {
            "/healthz" => match self.stalled().await {
                None => response(StatusCode::OK, TEXT, "ok\n"),
                Some(what) => response(StatusCode::SERVICE_UNAVAILABLE, TEXT, what + "\n"),
            },
            "/readyz" => match self.standing().await.why() {
                None => response(StatusCode::OK, TEXT, "ok\n"),
                Some(why) => response(StatusCode::SERVICE_UNAVAILABLE, TEXT, why + "\n"),
            },
            "/metrics" => match figure::text(self.standing().await.figures) {
                Ok(text) => response(StatusCode::OK, figure::CONTENT_TYPE, text),
                Err(error) => failed(&error),
            },
            "/status" => match serde_json::to_string(&Told::from(self.standing().await)) {
                Ok(text) => response(StatusCode::OK, JSON, text),
                Err(error) => failed(&error),
            },
            "/" | "/box" => self.shown(path == "/").await,
            _ => nowhere(),
        }
    }

    /// What does not turn; a role that is starting has nothing that could.
    pub(super) async fn stalled(&self) -> Option<String> {
        let role = self.role.borrow().clone();
        role?.stalled().await
    }

    async fn shown(&self, as_page: bool) -> Response<Full<Bytes>> {
        let role = self.role.borrow().clone();
        let shown = match role {
            Some(role) => timeout(EXAMINED_WITHIN, role.show()).await.ok().flatten(),
            None => None,
        };
        match shown {
            Some(shown) if as_page => {
                let mut page = response(StatusCode::OK, HTML, shown.html);
                let policy = HeaderValue::from_static(PAGE_POLICY);
                page.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
                page
            }
            Some(shown) => response(StatusCode::OK, JSON, shown.json),
            None => nowhere(),
        }
    }

    /// How the role is, with the figures that every role has.
    async fn standing(&self) -> Standing {
        let role = self.role.borrow().clone();
        let mut standing = match role {
            None => Standing::silent("it is starting; its log says what it waits for"),
            Some(role) => {
                let late = |_| {
                    let within = EXAMINED_WITHIN.as_secs();
                    Standing::silent(format!(
                        "it did not say within {within} s how it is: see whether the disk is busy"
                    ))
                };
                let examined = timeout(EXAMINED_WITHIN, role.examine()).await;
                examined.unwrap_or_else(late)
            }
        };
        if self.stop.is_cancelled() {
            standing.unready = vec!["it is stopping".into()];
        }
        let ready = standing.unready.is_empty();
        standing.figures.extend(self.of_every_role(ready));
        standing
    }

    fn of_every_role(&self, ready: bool) -> [Figure; 3] {
        [
            Figure::levels(
                "veglia_ready",
                "Whether the role can do its work; /readyz says why not.",
                "role",
                [(self.kind.name(), ready.into())],
            ),
            Figure::level(
                "veglia_uptime_seconds",
                "How long the role has been running.",
                self.began.elapsed(),
            ),
            Figure::levels(
                "veglia_build_info",
                "Always 1; the label says which version runs.",
                "version",
                [(env!("CARGO_PKG_VERSION"), true.into())],
            ),
        ]
    }
}

fn nowhere() -> Response<Full<Bytes>> {
    let text = "there are /healthz, /readyz, /metrics and /status\n";
    response(StatusCode::NOT_FOUND, TEXT, text)
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Response<Full<Bytes>> {
    tracing::error!(error, "the state of a role could not be written down");
    let text = "the state could not be written down: see the log\n";
    response(StatusCode::INTERNAL_SERVER_ERROR, TEXT, text)
}

fn response(
    status: StatusCode,
    content_type: &'static str,
    text: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
