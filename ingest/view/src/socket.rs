//! The answers over a Unix socket: HTTP/1.1, questions and answers in JSON.
//!
//! Every question is a `POST` of its own type to the path of its name; every refusal is a
//! [`ViewError`] in JSON. Who may connect is decided by the permissions of the socket's folder,
//! which belong to the caller, as the listener does.
//!
//! An export is a body without known length. Its last line is `#` and the outcome, so that lines
//! cut off by a dying process are never taken for a whole export.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Json, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::net::UnixListener;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use veglia_triage::PatientId;

use crate::{
    ExportAsk, GatewaysAsk, Lines, OrderAsk, ReadingsAsk, TrendAsk, Version, View, ViewError,
};

/// Paths of the questions.
pub(crate) mod path {
    pub(crate) const WARD: &str = "/ward";
    pub(crate) const STATUS: &str = "/status";
    pub(crate) const PATIENT: &str = "/patient";
    pub(crate) const ROWS: &str = "/rows";
    pub(crate) const WAITING: &str = "/waiting";
    pub(crate) const TREND: &str = "/trend";
    pub(crate) const READINGS: &str = "/readings";
    pub(crate) const EXPORT: &str = "/export";
    pub(crate) const GATEWAYS: &str = "/gateways";
    pub(crate) const ORDER: &str = "/order";
}

/// What the last line of an export begins with; no device's name does.
pub(crate) const END_MARK: u8 = b'#';

/// Longest question: a few numbers, or the names of [`crate::NAMED_MAX`] patients.
const QUESTION_BYTES_MAX: usize = 4 * 1024;

/// Questions answered at once; the next ones wait. More would only share the same disk.
const AT_ONCE_MAX: usize = 64;

/// Orders under way at once; the next ones wait. They mostly wait for a home to answer.
const ORDERS_AT_ONCE_MAX: usize = 256;

/// Pieces of an export between its writer and the socket.
const PIECES_WAITING: usize = 2;

/// How long answers under way may still take after the order to stop.
const DRAIN: Duration = Duration::from_secs(5);

/// A question about what changed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct WardAsk {
    pub(crate) since: Option<Version>,
}

/// How an export ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Ending {
    /// Every line was sent.
    Whole,
    /// Lines are missing.
    Broken(ViewError),
}

#[derive(Clone)]
struct Desk {
    view: Arc<dyn View>,
    at_once: Arc<Semaphore>,
    orders: Arc<Semaphore>,
}

/// Answers on `listener` until `shutdown` completes, then lets answers under way finish.
///
/// # Errors
/// The socket's fault.
pub async fn serve(
    listener: UnixListener,
    view: Arc<dyn View>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let desk = Desk {
        view,
        at_once: Arc::new(Semaphore::new(AT_ONCE_MAX)),
        orders: Arc::new(Semaphore::new(ORDERS_AT_ONCE_MAX)),
    };
    let app = Router::new()
        .route(path::WARD, post(ward))
        .route(path::STATUS, post(status))
        .route(path::PATIENT, post(patient))
        .route(path::ROWS, post(rows))
        .route(path::WAITING, post(waiting))
        .route(path::TREND, post(trend))
        .route(path::READINGS, post(readings))
        .route(path::EXPORT, post(export))
        .route(path::GATEWAYS, post(gateways))
        .route(path::ORDER, post(order))
        .layer(DefaultBodyLimit::max(QUESTION_BYTES_MAX))
        .with_state(desk);
    let closing = CancellationToken::new();
    let stop = {
        let closing = closing.clone();
        async move {
            shutdown.await;
            closing.cancel();
        }
    };
    let overdue = async {
        closing.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        ended = axum::serve(listener, app).with_graceful_shutdown(stop).into_future() => ended,
        () = overdue => {
            tracing::warn!(drain_ms = DRAIN.as_millis(), "answers were cut off at the stop");
            Ok(())
        }
    }
}

async fn ward(State(desk): State<Desk>, Json(ask): Json<WardAsk>) -> Response {
    let _turn = desk.at_once.acquire().await;
    answer(desk.view.ward(ask.since).await)
}

async fn status(State(desk): State<Desk>, Json(()): Json<()>) -> Response {
    let _turn = desk.at_once.acquire().await;
    answer(desk.view.status().await)
}

async fn patient(State(desk): State<Desk>, Json(patient): Json<PatientId>) -> Response {
    let _turn = desk.at_once.acquire().await;
    answer(desk.view.patient(patient).await)
}

async fn rows(State(desk): State<Desk>, Json(patients): Json<Vec<PatientId>>) -> Response {
    let _turn = desk.at_once.acquire().await;
    answer(desk.view.rows(patients).await)
}

async fn waiting(State(desk): State<Desk>, Json(()): Json<()>) -> Response {
    let _turn = desk.at_once.acquire().await;
    answer(desk.view.waiting().await)
}

async fn trend(State(desk): State<Desk>, Json(ask): Json<TrendAsk>) -> Response {
    let _turn = desk.at_once.acquire().await;
    answer(desk.view.trend(ask).await)
}

async fn readings(State(desk): State<Desk>, Json(ask): Json<ReadingsAsk>) -> Response {
    let _turn = desk.at_once.acquire().await;
    answer(desk.view.readings(ask).await)
}

async fn gateways(State(desk): State<Desk>, Json(ask): Json<GatewaysAsk>) -> Response {
    let _turn = desk.at_once.acquire().await;
    answer(desk.view.gateways(ask).await)
}

async fn order(State(desk): State<Desk>, Json(ask): Json<OrderAsk>) -> Response {
    let _turn = desk.orders.acquire().await;
    answer(desk.view.order(ask).await)
}

async fn export(State(desk): State<Desk>, Json(ask): Json<ExportAsk>) -> Response {
    match desk.view.export(ask).await {
        Ok(lines) => {
            let (pieces, body) = mpsc::channel(PIECES_WAITING);
            tokio::spawn(forward(lines, pieces));
            let body = Body::from_stream(ReceiverStream::new(body));
            ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], body).into_response()
        }
        Err(error) => refuse(error),
    }
}

async fn forward(mut lines: Lines, pieces: mpsc::Sender<Result<Bytes, ViewError>>) {
    let mut ending = Ending::Whole;
    while let Some(piece) = lines.next().await {
        match piece {
            Ok(piece) => {
                if pieces.send(Ok(piece)).await.is_err() {
                    return;
                }
            }
            Err(error) => ending = Ending::Broken(error),
        }
    }
    let last = match serde_json::to_string(&ending) {
        Ok(text) => Ok(Bytes::from(format!("{}{text}\n", char::from(END_MARK)))),
        Err(error) => Err(ViewError::Answer(error.to_string())),
    };
    if pieces.send(last).await.is_err() {
        tracing::debug!("the reader of an export left before its end");
    }
}

fn answer<T: Serialize>(outcome: Result<T, ViewError>) -> Response {
    match outcome {
        Ok(value) => Json(value).into_response(),
        Err(error) => refuse(error),
    }
}

fn refuse(error: ViewError) -> Response {
    let status = match error {
        ViewError::Refused(_) => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, Json(error)).into_response()
}
