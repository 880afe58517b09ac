//! What a device measured without a time is nobody's once two patients had it, in the curve, in
//! the table and in the export of either; while it was one patient's, it is shown as doubtful.

// req: G7

use std::sync::Arc;

use veglia_series::{Pressure, Sample, Series};
use veglia_store::{Database, Purpose};
use veglia_view::{
    Board, CareClock, Clock, DeviceId, Edition, ExportAsk, LocalView, PatientId, Quality,
    ReadingsAsk, Scope, Site, TrendAsk, View, VitalKind, WallMs, Worn,
};

const BOB: PatientId = PatientId::new(0xB0B);
const START: WallMs = WallMs(1_604_000_000_000);
const END: WallMs = WallMs(START.0 + 3_600_000);

struct Still;

impl Clock for Still {
    fn now(&self) -> WallMs {
        END
    }
}

/// How many readings a curve, a table and an export of Bob's have.
async fn counted(view: &LocalView) -> [usize; 3] {
    let mut curve = 0;
    for buckets in [1, 3_600] {
        let ask = TrendAsk {
            patient: BOB,
            vital: VitalKind::SpO2,
            from: START,
            to: END,
            buckets,
        };
        let trend = view.trend(ask).await.expect("it answers");
        let n: u64 = trend.buckets.iter().map(|bucket| bucket.n).sum();
        curve = usize::try_from(n).expect("a few");
    }
    let table = view.readings(ReadingsAsk {
        patient: BOB,
        vital: VitalKind::SpO2,
        from: START,
        to: END,
        limit: 100,
    });
    let table = table.await.expect("it answers").readings.len();
    let mut lines = view
        .export(ExportAsk {
            scope: Scope::Patient(BOB),
            from: START,
            to: END,
        })
        .await
        .expect("it answers");
    let mut export = String::new();
    while let Some(piece) = lines.next().await {
        let piece = piece.expect("no damage");
        export.push_str(std::str::from_utf8(&piece).expect("text"));
    }
    [curve, table, export.lines().count() - 1]
}

#[tokio::test]
async fn what_has_no_time_is_shown_to_nobody_once_two_patients_had_the_device() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.db");
    let database = Database::open(&path, Purpose::Series, &[veglia_series::SCHEMA]);
    let (series, mut writer) = Series::open(database.await.unwrap()).await.unwrap();
    let device = DeviceId::new("nonin:501234").unwrap();
    for (second, quality) in [
        (1, Quality::empty()),
        (2, Quality::TIME_UNCERTAIN),
        (3, Quality::FROM_STORAGE),
        (4, Quality::TIME_UNCERTAIN | Quality::ARTEFACT),
    ] {
        let sample = Sample {
            device: device.clone(),
            vital: VitalKind::SpO2,
            site: Site::Unknown,
            at: START.plus_ms(second * 1_000),
            value: 970,
            quality,
        };
        assert_eq!(writer.push(&sample), Pressure::None);
    }
    for is_on_disk in [false, true] {
        if is_on_disk {
            writer.checkpoint(1).await.unwrap();
            writer.settle().await.unwrap();
        }
        for (is_shared, shown) in [(false, 4), (true, 2)] {
            let worn = Worn {
                device: device.clone(),
                from: START,
                until: None,
                is_shared,
            };
            let board = Board::new(Edition(1));
            let care = CareClock::real(Arc::new(Still));
            let worn_by = Arc::new(move |_| vec![worn.clone()]);
            let view = LocalView::new(board, series.clone(), worn_by, care);
            assert_eq!(counted(&view).await, [shown; 3], "shared: {is_shared}");
        }
    }
}
