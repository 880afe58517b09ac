//! The answers, inside ingest's own process.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use veglia_series::{ReadError, Sample, Series};
use veglia_triage::PatientId;
use veglia_wire::{CareClock, DeviceId, Quality, WallMs};

use crate::merge::{Curve, Grid};
use crate::{
    Asked, BUCKETS_MAX, Bedside, Board, ExportAsk, GatewayBoard, Gateways, GatewaysAsk, Lines,
    OrderAsk, Ordered, Orders, READINGS_MAX, ROWS_MAX, Reading, Readings, ReadingsAsk, Scope,
    Status, Trend, TrendAsk, Version, View, ViewError, Waiting, Ward, export,
};

/// Longest range of a curve or table, in milliseconds: ten years, more than any isolation.
pub const SPAN_MAX_MS: i64 = 10 * 366 * 86_400_000;

/// A device that was a patient's for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worn {
    /// Which.
    pub device: DeviceId,
    /// From when.
    pub from: WallMs,
    /// Until when, this moment excluded; `None` when it still is.
    pub until: Option<WallMs>,
    /// Whether somebody else had it too: what it measured without a time may be theirs, and is
    /// nobody's.
    pub is_shared: bool,
}

impl Worn {
    /// Whether a reading measured while it was worn is its wearer's.
    pub(crate) fn is_ours(&self, sample: &Sample) -> bool {
        !(self.is_shared && sample.quality.contains(Quality::TIME_UNCERTAIN))
    }
}

/// Which devices a patient wore, and when. Ingest knows the assignments in memory, because it
/// resolves every reading with them.
pub type WornBy = Arc<dyn Fn(PatientId) -> Vec<Worn> + Send + Sync>;

/// Answers from the board and the series of this process.
#[derive(Clone)]
pub struct LocalView {
    board: Board,
    series: Series,
    worn_by: WornBy,
    clock: CareClock,
    gateways: GatewayBoard,
    orders: Orders,
}

impl fmt::Debug for LocalView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalView").finish_non_exhaustive()
    }
}

impl LocalView {
    /// `clock` is the clock of care that ingest runs by.
    #[must_use]
    pub fn new(board: Board, series: Series, worn_by: WornBy, clock: CareClock) -> Self {
        Self {
            board,
            series,
            worn_by,
            clock,
            gateways: GatewayBoard::default(),
            orders: Arc::new(|_| Box::pin(async { Ordered::NotConnected })),
        }
    }

    /// The same, with gateways to list and a way to ask something of them.
    #[must_use]
    pub fn with_gateways(self, gateways: GatewayBoard, orders: Orders) -> Self {
        Self {
            gateways,
            orders,
            ..self
        }
    }

    fn status_now(&self) -> Status {
        Status {
            care_now: self.clock.now(),
            speed: self.clock.speed(),
            progress: self.board.progress(),
        }
    }

    async fn curve(&self, ask: TrendAsk) -> Result<Trend, ViewError> {
        check_range(ask.from, ask.to)?;
        if ask.buckets == 0 || ask.buckets > BUCKETS_MAX {
            return Err(ViewError::Refused(format!(
                "a curve has 1 to {BUCKETS_MAX} buckets, not {}",
                ask.buckets
            )));
        }
        let grid = Grid::new(ask.from, ask.to, ask.buckets);
        let mut curve = Curve::new(grid);
        let mut damaged = Vec::new();
        for worn in (self.worn_by)(ask.patient) {
            for part in grid.parts(worn.from, worn.until) {
                let (device, series) = (&worn.device, &self.series);
                let found = if worn.is_shared {
                    let dated = series.m4_dated(device, ask.vital, part.range, part.buckets);
                    dated.await
                } else {
                    let all = series.m4(device, ask.vital, part.range, part.buckets);
                    all.await
                };
                let found = found.map_err(|error| failed(&error))?;
                found.buckets.iter().for_each(|bucket| curve.add(bucket));
                damaged.extend(found.damaged.iter().map(|damage| damage.from));
            }
        }
        damaged.sort_unstable();
        damaged.dedup();
        Ok(Trend {
            bucket_ms: grid.bucket_ms(),
            buckets: curve.into_buckets(),
            damaged,
        })
    }

    async fn table(&self, ask: ReadingsAsk) -> Result<Readings, ViewError> {
        check_range(ask.from, ask.to)?;
        let limit = ask.limit.min(READINGS_MAX);
        let mut table = Readings {
            readings: Vec::new(),
            more: false,
            damaged: Vec::new(),
        };
        for worn in (self.worn_by)(ask.patient) {
            let until = worn.until.unwrap_or(ask.to).min(ask.to);
            let range = worn.from.max(ask.from)..until;
            if range.is_empty() {
                continue;
            }
            let found = self
                .series
                .raw(&worn.device, ask.vital, range, limit)
                .await
                .map_err(|error| failed(&error))?;
            table.more |= found.more;
            let ours = found.samples.into_iter().filter(|it| worn.is_ours(it));
            let readings = ours.map(|sample| Reading {
                at: sample.at,
                steps: sample.value,
                site: sample.site,
                quality: sample.quality,
                device: sample.device,
            });
            table.readings.extend(readings);
            let damaged = found.damaged.iter().map(|damage| damage.from);
            table.damaged.extend(damaged);
        }
        table.readings.sort_by_key(|reading| reading.at);
        table.more |= table.readings.len() > limit;
        table.readings.truncate(limit);
        Ok(table)
    }

    fn lines(&self, ask: ExportAsk) -> Result<Lines, ViewError> {
        if ask.from >= ask.to {
            return Err(backwards());
        }
        let worn = match ask.scope {
            Scope::Patient(patient) => (self.worn_by)(patient),
            Scope::Everything => {
                let devices = self.series.devices().into_iter();
                devices
                    .map(|device| Worn {
                        device,
                        from: ask.from,
                        until: None,
                        is_shared: false,
                    })
                    .collect()
            }
        };
        Ok(export::start(self.series.clone(), ask, worn))
    }
}

impl View for LocalView {
    fn ward(&self, since: Option<Version>) -> Asked<'_, Ward> {
        Box::pin(async move {
            // Status first: it must never claim to be later than the rows beside it.
            let status = self.status_now();
            let delta = self.board.since(since, ROWS_MAX);
            Ok(Ward { delta, status })
        })
    }

    fn status(&self) -> Asked<'_, Status> {
        Box::pin(async { Ok(self.status_now()) })
    }

    fn patient(&self, patient: PatientId) -> Asked<'_, Bedside> {
        Box::pin(async move {
            Ok(Bedside {
                status: self.status_now(),
                row: self.board.row(patient),
            })
        })
    }

    fn waiting(&self) -> Asked<'_, Waiting> {
        Box::pin(async {
            Ok(Waiting {
                status: self.status_now(),
                rows: self.board.waiting(),
            })
        })
    }

    fn trend(&self, ask: TrendAsk) -> Asked<'_, Trend> {
        Box::pin(self.curve(ask))
    }

    fn readings(&self, ask: ReadingsAsk) -> Asked<'_, Readings> {
        Box::pin(self.table(ask))
    }

    fn export(&self, ask: ExportAsk) -> Asked<'_, Lines> {
        Box::pin(async move { self.lines(ask) })
    }

    fn gateways(&self, ask: GatewaysAsk) -> Asked<'_, Gateways> {
        Box::pin(async move { Ok(self.gateways.page(&ask)) })
    }

    fn order(&self, ask: OrderAsk) -> Asked<'_, Ordered> {
        let ordered = (self.orders)(ask);
        Box::pin(async move { Ok(ordered.await) })
    }
}

fn check_range(from: WallMs, to: WallMs) -> Result<(), ViewError> {
    if from >= to {
        return Err(backwards());
    }
    if to.since(from) > SPAN_MAX_MS {
        let days = SPAN_MAX_MS / 86_400_000;
        return Err(ViewError::Refused(format!(
            "a range has at most {days} days"
        )));
    }
    Ok(())
}

fn backwards() -> ViewError {
    ViewError::Refused("a range ends after it begins".to_owned())
}

/// Logs the whole story here, where it is handled; who asked gets a sentence.
pub(crate) fn failed(error: &ReadError) -> ViewError {
    let mut story = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        story.push_str(": ");
        story.push_str(&error.to_string());
        cause = error.source();
    }
    tracing::error!(error = story, "a question was not answered");
    ViewError::Failed
}
