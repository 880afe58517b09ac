//! An ingest that knows one patient at home, and answers everything that the API asks.

use std::sync::Arc;

use veglia_view::{
    Asked, Battery, Bedside, Board, Bucket, DeviceState, Dot, Edition, ExportAsk, Latest, Lines,
    Outline, PatientId, Progress, Quality, ROWS_MAX, Reading, Readings, ReadingsAsk, Site, Source,
    Status, Trend, TrendAsk, Version, View, ViewError, VitalKind, WallMs, Ward,
};
use veglia_wire::Clock;

/// Values of everybody, by a clock.
pub(crate) struct Ingest {
    board: Board,
    clock: Arc<dyn Clock>,
}

impl Ingest {
    pub(crate) fn of(patient: PatientId, clock: Arc<dyn Clock>) -> Self {
        let board = Board::new(Edition(1));
        let at = clock.now();
        let measured = |vital, steps, site| Latest {
            vital,
            steps,
            site,
            at,
            quality: Quality::empty(),
            source: Source::Device,
        };
        let filled = board.update(patient, |row| {
            row.measure(measured(VitalKind::SpO2, 880, Site::Unknown));
            row.measure(measured(VitalKind::Pulse, 1_040, Site::Unknown));
            row.measure(measured(VitalKind::Temperature, 3_860, Site::Tympanum));
            let mut oximeter = DeviceState::new("ox:1".parse().expect("a device"));
            oximeter.up = true;
            oximeter.battery = Some(Battery::Percent(80));
            oximeter.last_heard = Some(at);
            oximeter.measures = vec![VitalKind::SpO2, VitalKind::Pulse];
            row.devices.push(oximeter);
        });
        filled.expect("the board has room");
        Self { board, clock }
    }

    fn now(&self) -> Status {
        let care_now = self.clock.now();
        Status {
            care_now,
            speed: 1,
            progress: Some(Progress {
                position: 1,
                waiting_since: None,
                at: care_now,
            }),
        }
    }
}

fn dot(at: WallMs, steps: i32) -> Dot {
    Dot {
        at,
        steps,
        quality: Quality::empty(),
    }
}

impl View for Ingest {
    fn ward(&self, since: Option<Version>) -> Asked<'_, Ward> {
        Box::pin(async move {
            Ok(Ward {
                delta: self.board.since(since, ROWS_MAX),
                status: self.now(),
            })
        })
    }

    fn status(&self) -> Asked<'_, Status> {
        Box::pin(async { Ok(self.now()) })
    }

    fn patient(&self, patient: PatientId) -> Asked<'_, Bedside> {
        Box::pin(async move {
            Ok(Bedside {
                row: self.board.row(patient),
                status: self.now(),
            })
        })
    }

    fn trend(&self, ask: TrendAsk) -> Asked<'_, Trend> {
        let at = ask.from;
        let outline = Outline {
            first: dot(at, 970),
            min: dot(at.plus_ms(1), 840),
            max: dot(at.plus_ms(2), 980),
            last: dot(at.plus_ms(3), 970),
        };
        let bucket = Bucket {
            from: at,
            n: 4,
            flagged: 0,
            clean: Some(outline),
            doubtful: None,
        };
        let trend = Trend {
            bucket_ms: 1_000,
            buckets: vec![bucket],
            damaged: Vec::new(),
        };
        Box::pin(async move { Ok(trend) })
    }

    fn readings(&self, ask: ReadingsAsk) -> Asked<'_, Readings> {
        let reading = Reading {
            at: ask.from,
            steps: 970,
            site: Site::Unknown,
            quality: Quality::empty(),
            device: "ox:1".parse().expect("a device"),
        };
        let readings = Readings {
            readings: vec![reading],
            more: true,
            damaged: Vec::new(),
        };
        Box::pin(async move { Ok(readings) })
    }

    fn export(&self, _: ExportAsk) -> Asked<'_, Lines> {
        Box::pin(async { Err(ViewError::Failed) })
    }
}
