//! Readings as pages get them: without those of periods that a patient had hidden.

use veglia_diary::{Hideable, hide};
use veglia_privacy::VeiledView;
use veglia_store::Actor;
use veglia_view::{
    Asked, Bedside, Bucket, DeviceId, Dot, ExportAsk, Lines, Outline, PatientId, Quality, Reading,
    Readings, ReadingsAsk, Scope, Site, Status, Trend, TrendAsk, Version, View, ViewError,
    VitalKind, WallMs, Ward,
};

const NURSE: Actor = Actor::Staff(1);
const PATIENT: PatientId = PatientId::new(0xa11ce);
const HOUR_MS: i64 = 3_600_000;

/// Somebody who measures every hour for four days, ninety-five per cent.
struct Hourly;

fn at(hour: i64) -> WallMs {
    WallMs(hour * HOUR_MS)
}

fn measured(from: WallMs, to: WallMs) -> impl Iterator<Item = WallMs> {
    (0..96).map(at).filter(move |it| (from..to).contains(it))
}

fn away<T>() -> Asked<'static, T> {
    Box::pin(async { Err(ViewError::Failed) })
}

impl View for Hourly {
    fn ward(&self, _: Option<Version>) -> Asked<'_, Ward> {
        away()
    }

    fn status(&self) -> Asked<'_, Status> {
        away()
    }

    fn patient(&self, _: PatientId) -> Asked<'_, Bedside> {
        away()
    }

    fn trend(&self, ask: TrendAsk) -> Asked<'_, Trend> {
        Box::pin(async move {
            let bucket = |at| {
                let dot = Dot {
                    at,
                    steps: 950,
                    quality: Quality::empty(),
                };
                Bucket {
                    from: at,
                    n: 1,
                    flagged: 0,
                    clean: Some(Outline {
                        first: dot,
                        min: dot,
                        max: dot,
                        last: dot,
                    }),
                    doubtful: None,
                }
            };
            Ok(Trend {
                bucket_ms: HOUR_MS.unsigned_abs(),
                buckets: measured(ask.from, ask.to).map(bucket).collect(),
                damaged: Vec::new(),
            })
        })
    }

    fn readings(&self, ask: ReadingsAsk) -> Asked<'_, Readings> {
        Box::pin(async move {
            let device: DeviceId = "nonin:501234".parse().expect("a device");
            let reading = |at| Reading {
                at,
                steps: 950,
                site: Site::Unknown,
                quality: Quality::empty(),
                device: device.clone(),
            };
            let all: Vec<Reading> = measured(ask.from, ask.to).map(reading).collect();
            Ok(Readings {
                more: all.len() > ask.limit,
                readings: all.into_iter().take(ask.limit).collect(),
                damaged: Vec::new(),
            })
        })
    }

    fn export(&self, _: ExportAsk) -> Asked<'_, Lines> {
        away()
    }
}

#[tokio::test]
async fn a_hidden_day_is_a_day_on_which_nobody_measured() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("record.db");
    let record = veglia_trial::open(&path, &[veglia_diary::SCHEMA]).await;
    let day = Hideable::Period(at(24)..at(48));
    let hidden = hide(&record, &NURSE, PATIENT, &day, at(95)).await;
    hidden.expect("it is over for a day");
    let view = VeiledView::new(std::sync::Arc::new(Hourly), record);

    let ask = TrendAsk {
        patient: PATIENT,
        vital: VitalKind::SpO2,
        from: at(0),
        to: at(96),
        buckets: 96,
    };
    let trend = view.trend(ask).await.expect("a curve");
    let hours = |from: i64, to: i64| (from..to).map(at);
    let drawn: Vec<WallMs> = trend.buckets.iter().map(|it| it.from).collect();
    let open: Vec<WallMs> = hours(0, 24).chain(hours(48, 96)).collect();
    assert_eq!(drawn, open);
    let other = TrendAsk {
        patient: PatientId::new(7),
        ..ask
    };
    let other = view.trend(other).await.expect("a curve");
    assert_eq!(
        other.buckets.len(),
        96,
        "of another patient nothing is hidden"
    );

    let ask = |limit| ReadingsAsk {
        patient: PATIENT,
        vital: VitalKind::SpO2,
        from: at(0),
        to: at(96),
        limit,
    };
    let all = view.readings(ask(1_000)).await.expect("readings");
    let given: Vec<WallMs> = all.readings.iter().map(|it| it.at).collect();
    assert_eq!((given, all.more), (open, false));
    // What is hidden takes nobody's place, and nothing is counted that is not given.
    let some = view.readings(ask(30)).await.expect("readings");
    assert_eq!((some.readings.len(), some.more), (30, true));
    let first = view.readings(ask(24)).await.expect("readings");
    assert_eq!((first.readings.len(), first.more), (24, true));

    let ask = ExportAsk {
        scope: Scope::Patient(PATIENT),
        from: at(0),
        to: at(96),
    };
    let export = view.export(ask).await;
    assert!(matches!(export, Err(ViewError::Refused(_))));
}

#[test]
fn readings_are_hidden_on_postgresql_too() {
    veglia_trial::again_on_postgresql("readings_are_hidden_on_postgresql_too");
}
