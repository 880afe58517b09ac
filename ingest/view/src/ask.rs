//! What may be asked, what is answered, and the one trait for both ways of asking.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use veglia_triage::PatientId;
use veglia_wire::{DeviceId, Quality, Site, VitalKind, WallMs};

use crate::{Delta, Gateways, GatewaysAsk, OrderAsk, Ordered, Progress, Row, Version};

/// Buckets in a curve at most: one for each pixel of the widest screens.
pub const BUCKETS_MAX: u32 = 8_000;

/// Readings in one answer at most: enough for a table that a person reads, half an hour at one a
/// second from two devices. More is an export.
pub const READINGS_MAX: usize = 5_000;

/// Patients in one question at most: their names fit into the longest question.
pub const NAMED_MAX: usize = 200;

/// What becomes of a question.
pub type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<T, ViewError>> + Send + 'a>>;

/// What others may ask of ingest, in its own process or over a socket.
pub trait View: Send + Sync {
    /// What changed on the board since a version, and how ingest is doing.
    fn ward(&self, since: Option<Version>) -> Asked<'_, Ward>;
    /// How ingest is doing.
    fn status(&self) -> Asked<'_, Status>;
    /// What is known of one patient, and how ingest is doing.
    fn patient(&self, patient: PatientId) -> Asked<'_, Bedside>;
    /// The rows of some patients, at most [`NAMED_MAX`]; who is not on the board is left out.
    fn rows(&self, patients: Vec<PatientId>) -> Asked<'_, Vec<Arc<Row>>> {
        Box::pin(async move {
            if patients.len() > NAMED_MAX {
                let most = format!("at most {NAMED_MAX} patients in one question");
                return Err(ViewError::Refused(most));
            }
            let mut rows = Vec::with_capacity(patients.len());
            for patient in patients {
                rows.extend(self.patient(patient).await?.row);
            }
            Ok(rows)
        })
    }
    /// What waits to be told whose it is: the rows of those who stand in, at most
    /// [`crate::ROWS_MAX`], the first that came first.
    fn waiting(&self) -> Asked<'_, Waiting> {
        Box::pin(async { Err(nothing_waits()) })
    }
    /// The curve of a patient's vital sign.
    fn trend(&self, ask: TrendAsk) -> Asked<'_, Trend>;
    /// The single readings of a patient's vital sign, the earliest first.
    fn readings(&self, ask: ReadingsAsk) -> Asked<'_, Readings>;
    /// Every reading, as lines of CSV: [`crate::EXPORT_HEADER`], then device by device, vital by
    /// vital, in order of time.
    fn export(&self, ask: ExportAsk) -> Asked<'_, Lines>;
    /// How the gateways are that were heard since ingest began.
    fn gateways(&self, _: GatewaysAsk) -> Asked<'_, Gateways> {
        Box::pin(async { Err(no_gateways()) })
    }
    /// Asks something of a gateway, and waits up to [`crate::ORDER_WITHIN`] for what becomes of
    /// it. It may be an error and have been done all the same: ask only what may be done twice.
    fn order(&self, _: OrderAsk) -> Asked<'_, Ordered> {
        Box::pin(async { Err(no_gateways()) })
    }
}

/// The answer of a view without gateways behind it.
fn no_gateways() -> ViewError {
    ViewError::Refused("there are no gateways behind this view".to_owned())
}

/// The answer of a view that follows no journal.
fn nothing_waits() -> ViewError {
    ViewError::Refused("this view does not tell what waits".to_owned())
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ViewError {
    /// Nobody answers on the socket.
    #[error("ingest does not answer ({0}): see that it runs")]
    Unreachable(String),
    /// The answer did not come in time.
    #[error("ingest did not answer within {0} ms: see whether its disk is busy")]
    TimedOut(u64),
    /// The question was wrong, and would be wrong again.
    #[error("the question was refused: {0}")]
    Refused(String),
    /// An export came to its end, but some stored readings are damaged.
    #[error("{0} stretches of five minutes can no longer be read: their lines are missing")]
    Missing(u64),
    /// Ingest could not answer; the reason is in its own log.
    #[error("ingest could not answer: see its log")]
    Failed,
    /// The two sides do not speak the same version.
    #[error("the answer was not understood ({0}): run the same version of Veglia on both sides")]
    Answer(String),
}

/// The board's changes and ingest's state at the same moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ward {
    /// What changed.
    pub delta: Delta,
    /// How ingest is doing.
    pub status: Status,
}

/// One patient and ingest's state at the same moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bedside {
    /// The patient's row; `None` for one who is not on the board.
    pub row: Option<Arc<Row>>,
    /// How ingest is doing.
    pub status: Status,
}

/// What waits to be told whose it is, and ingest's state at the same moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The rows of those who stand in for somebody unknown.
    pub rows: Vec<Arc<Row>>,
    /// How ingest is doing.
    pub status: Status,
}

/// How ingest is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The clock of care, now.
    pub care_now: WallMs,
    /// Care seconds in one wall second.
    pub speed: u32,
    /// How far the watch has come; `None` before its first word.
    pub progress: Option<Progress>,
}

impl Status {
    /// How old the oldest record is that no rule has seen yet, in milliseconds of care time.
    #[must_use]
    pub fn waiting_ms(&self) -> i64 {
        let since = self.progress.and_then(|progress| progress.waiting_since);
        since.map_or(0, |since| self.care_now.since(since).max(0))
    }
}

/// A question for a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrendAsk {
    /// Whose.
    pub patient: PatientId,
    /// Which vital sign.
    pub vital: VitalKind,
    /// From when, by measured time.
    pub from: WallMs,
    /// Until when, this moment excluded.
    pub to: WallMs,
    /// In how many buckets, 1 to [`BUCKETS_MAX`].
    pub buckets: u32,
}

/// One reading on a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dot {
    /// When it was measured.
    pub at: WallMs,
    /// In the vital sign's own step.
    pub steps: i32,
    /// What was said of it.
    pub quality: Quality,
}

/// The first, lowest, highest and last of some readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// The earliest.
    pub first: Dot,
    /// The lowest; of several, the earliest.
    pub min: Dot,
    /// The highest; of several, the earliest.
    pub max: Dot,
    /// The latest.
    pub last: Dot,
}

/// The readings of one stretch of time: never an average, never without its extremes. Those that
/// count and those that something speaks against are outlined apart, so that the low of an
/// artefact hides no low of the patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    /// When the bucket begins; it lasts [`Trend::bucket_ms`].
    pub from: WallMs,
    /// How many readings; never 0.
    pub n: u64,
    /// How many of them are not clean ([`Quality::is_clean`]).
    pub flagged: u64,
    /// The clean ones; `None` when there are none.
    pub clean: Option<Outline>,
    /// Those that are not; to be drawn greyed. `None` when there are none.
    pub doubtful: Option<Outline>,
}

/// A curve. A bucket without readings is absent: a gap stays a gap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trend {
    /// Length of a bucket, in milliseconds.
    pub bucket_ms: u64,
    /// The buckets that have readings, in order of time.
    pub buckets: Vec<Bucket>,
    /// Stretches of which stored readings can no longer be read, as their beginnings.
    pub damaged: Vec<WallMs>,
}

/// A question for single readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadingsAsk {
    /// Whose.
    pub patient: PatientId,
    /// Which vital sign.
    pub vital: VitalKind,
    /// From when, by measured time.
    pub from: WallMs,
    /// Until when, this moment excluded.
    pub to: WallMs,
    /// How many at most, and never above [`READINGS_MAX`].
    pub limit: usize,
}

/// One reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// When it was measured.
    pub at: WallMs,
    /// In the vital sign's own step.
    pub steps: i32,
    /// Where on the body; only temperatures say.
    pub site: Site,
    /// What was said of it.
    pub quality: Quality,
    /// Which device measured.
    pub device: DeviceId,
}

/// Single readings of a patient, in order of time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readings {
    /// The readings.
    pub readings: Vec<Reading>,
    /// Whether there are more than were asked for.
    pub more: bool,
    /// Stretches of which stored readings can no longer be read, as their beginnings.
    pub damaged: Vec<WallMs>,
}

/// Whose readings to export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Every device, also those that nobody wears.
    Everything,
    /// What a patient's devices measured while they were the patient's.
    Patient(PatientId),
}

/// A question for an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportAsk {
    /// Whose.
    pub scope: Scope,
    /// From when, by measured time.
    pub from: WallMs,
    /// Until when, this moment excluded.
    pub to: WallMs,
}

/// Lines of an export as they come: pieces of text that end at line ends. An error is the last
/// thing that comes, and says that lines are missing.
#[derive(Debug)]
pub struct Lines(pub(crate) mpsc::Receiver<Result<Bytes, ViewError>>);

impl Lines {
    /// The next piece; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<Bytes, ViewError>> {
        self.0.recv().await
    }
}
