//! The questions over a Unix socket: the other end of [`crate::serve`].
//!
//! One connection a question. A socket on the same host costs some tens of microseconds; in
//! return there is no pool to go stale when ingest restarts.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Request, StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use veglia_triage::PatientId;

use crate::socket::{END_MARK, Ending, WardAsk, path};
use crate::{
    Asked, Bedside, ExportAsk, Gateways, GatewaysAsk, Lines, ORDER_WITHIN, OrderAsk, Ordered,
    Readings, ReadingsAsk, Row, Status, Trend, TrendAsk, Version, View, ViewError, Waiting, Ward,
};

/// How long a question may take from connecting to the last byte of its answer. A screen asks
/// twice a second; one that waits longer had better say that nobody answers.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// How long an export may be silent: a page of it may have to be read from a busy disk.
const PIECE_WITHIN: Duration = Duration::from_secs(30);

/// Largest answer: [`crate::ROWS_MAX`] rows of the largest size, or the widest curve, fit twice.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Longest line of an export: an identifier, four short fields.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// Pieces of an export waiting for their reader.
const PIECES_WAITING: usize = 2;

/// Asks an ingest behind a socket.
#[derive(Debug, Clone)]
pub struct HttpView {
    socket: PathBuf,
}

impl HttpView {
    /// Nothing is connected until something is asked.
    #[must_use]
    pub fn new(socket: &Path) -> Self {
        Self {
            socket: socket.to_owned(),
        }
    }

    async fn ask<Q, A>(&self, path: &'static str, question: &Q) -> Result<A, ViewError>
    where
        Q: Serialize + Sync,
        A: DeserializeOwned,
    {
        self.ask_within(ANSWER_WITHIN, path, question).await
    }

    async fn ask_within<Q, A>(
        &self,
        within: Duration,
        path: &'static str,
        question: &Q,
    ) -> Result<A, ViewError>
    where
        Q: Serialize + Sync,
        A: DeserializeOwned,
    {
        let whole = async {
            let (status, body) = self.open(path, question).await?;
            let body = Limited::new(body, ANSWER_BYTES_MAX);
            let bytes = body.collect().await.map_err(broken)?.to_bytes();
            if status == StatusCode::OK {
                serde_json::from_slice(&bytes).map_err(broken)
            } else {
                Err(refusal(status, &bytes))
            }
        };
        timeout(within, whole)
            .await
            .unwrap_or_else(|_| Err(late(within)))
    }

    async fn open<Q: Serialize>(
        &self,
        path: &'static str,
        question: &Q,
    ) -> Result<(StatusCode, Incoming), ViewError> {
        let question = serde_json::to_vec(question).map_err(broken)?;
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(unreachable)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(unreachable)?;
        // Ends with the answer's last byte, or when the answer is dropped.
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to ingest broke");
            }
        });
        let request = Request::post(path)
            .header(header::HOST, "ingest")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(question)))
            .map_err(broken)?;
        let response = sender.send_request(request).await.map_err(unreachable)?;
        Ok((response.status(), response.into_body()))
    }

    async fn lines(&self, ask: ExportAsk) -> Result<Lines, ViewError> {
        let opening = self.open(path::EXPORT, &ask);
        let (status, body) = timeout(ANSWER_WITHIN, opening)
            .await
            .unwrap_or_else(|_| Err(late(ANSWER_WITHIN)))?;
        if status != StatusCode::OK {
            let body = Limited::new(body, ANSWER_BYTES_MAX);
            let bytes = body.collect().await.map_err(broken)?.to_bytes();
            return Err(refusal(status, &bytes));
        }
        let (pieces, lines) = mpsc::channel(PIECES_WAITING);
        tokio::spawn(async move {
            if let Err(error) = receive(body, &pieces).await
                && pieces.send(Err(error)).await.is_err()
            {
                tracing::debug!("the reader of an export left before its end");
            }
        });
        Ok(Lines(lines))
    }
}

impl View for HttpView {
    fn ward(&self, since: Option<Version>) -> Asked<'_, Ward> {
        Box::pin(async move { self.ask(path::WARD, &WardAsk { since }).await })
    }

    fn status(&self) -> Asked<'_, Status> {
        Box::pin(self.ask(path::STATUS, &()))
    }

    fn patient(&self, patient: PatientId) -> Asked<'_, Bedside> {
        Box::pin(async move { self.ask(path::PATIENT, &patient).await })
    }

    fn rows(&self, patients: Vec<PatientId>) -> Asked<'_, Vec<Arc<Row>>> {
        Box::pin(async move { self.ask(path::ROWS, &patients).await })
    }

    fn waiting(&self) -> Asked<'_, Waiting> {
        Box::pin(self.ask(path::WAITING, &()))
    }

    fn trend(&self, ask: TrendAsk) -> Asked<'_, Trend> {
        Box::pin(async move { self.ask(path::TREND, &ask).await })
    }

    fn readings(&self, ask: ReadingsAsk) -> Asked<'_, Readings> {
        Box::pin(async move { self.ask(path::READINGS, &ask).await })
    }

    fn export(&self, ask: ExportAsk) -> Asked<'_, Lines> {
        Box::pin(self.lines(ask))
    }

    fn gateways(&self, ask: GatewaysAsk) -> Asked<'_, Gateways> {
        Box::pin(async move { self.ask(path::GATEWAYS, &ask).await })
    }

    fn order(&self, ask: OrderAsk) -> Asked<'_, Ordered> {
        let within = ORDER_WITHIN + ANSWER_WITHIN;
        Box::pin(async move { self.ask_within(within, path::ORDER, &ask).await })
    }
}

/// Passes whole lines on, and takes the last line for the outcome that it is.
async fn receive(
    mut body: Incoming,
    pieces: &mpsc::Sender<Result<Bytes, ViewError>>,
) -> Result<(), ViewError> {
    let mut rest = BytesMut::new();
    loop {
        let frame = timeout(PIECE_WITHIN, body.frame())
            .await
            .map_err(|_| late(PIECE_WITHIN))?;
        let Some(frame) = frame else {
            return Err(ViewError::Answer("the export was cut short".to_owned()));
        };
        let Ok(data) = frame.map_err(broken)?.into_data() else {
            continue;
        };
        rest.extend_from_slice(&data);
        let Some(end) = rest.iter().rposition(|byte| *byte == b'\n') else {
            if rest.len() > LINE_BYTES_MAX {
                return Err(ViewError::Answer("a line has no end".to_owned()));
            }
            continue;
        };
        let mut whole = rest.split_to(end + 1);
        let mark = whole.iter().position(|byte| *byte == END_MARK);
        let outcome = mark.map(|mark| whole.split_off(mark));
        // A reader who left wants no more; that is no fault.
        if !whole.is_empty() && pieces.send(Ok(whole.freeze())).await.is_err() {
            return Ok(());
        }
        if let Some(outcome) = outcome {
            return match serde_json::from_slice(outcome.get(1..).unwrap_or_default()) {
                Ok(Ending::Whole) => Ok(()),
                Ok(Ending::Broken(error)) => Err(error),
                Err(error) => Err(broken(error)),
            };
        }
    }
}

/// The other side's own reason, or its status when that was not ours to write.
fn refusal(status: StatusCode, body: &[u8]) -> ViewError {
    serde_json::from_slice(body).unwrap_or_else(|_| ViewError::Answer(status.to_string()))
}

fn unreachable(error: impl std::error::Error) -> ViewError {
    ViewError::Unreachable(error.to_string())
}

fn broken(error: impl std::fmt::Display) -> ViewError {
    ViewError::Answer(error.to_string())
}

fn late(within: Duration) -> ViewError {
    ViewError::TimedOut(u64::try_from(within.as_millis()).unwrap_or(u64::MAX))
}
