//! A patient's curve keeps the clean low beside a lower artefact, in the process and over a
//! socket, also where two devices share a bucket.

// req: G6

use std::sync::Arc;

use tokio::net::UnixListener;
use veglia_series::{Pressure, Sample, Series, SeriesWriter};
use veglia_store::{Database, Purpose};
use veglia_view::{
    Board, Bucket, CareClock, Clock, DeviceId, Dot, Edition, HttpView, LocalView, PatientId,
    Quality, Site, TrendAsk, View, VitalKind, WallMs, Worn, WornBy, serve,
};

const ANNA: PatientId = PatientId::new(0xA);
const START: i64 = 1_604_000_000_000;
const FORTNIGHT_MS: i64 = 14 * 86_400_000;

/// The clean drop of one second, in the ninth day.
const DROP: i64 = START + 9 * 86_400_000;

/// Anna changed her clip a quarter of an hour after it.
const EXCHANGE: i64 = DROP + 900_000;

struct Still;

impl Clock for Still {
    fn now(&self) -> WallMs {
        WallMs(START + FORTNIGHT_MS)
    }
}

fn device(name: &str) -> DeviceId {
    DeviceId::new(name).expect("a short name")
}

fn worn_by() -> WornBy {
    let worn = |name: &str, from: i64, until: Option<i64>| Worn {
        device: device(name),
        from: WallMs(from),
        until: until.map(WallMs),
        is_shared: false,
    };
    Arc::new(move |_| {
        vec![
            worn("clip:1", START, Some(EXCHANGE)),
            worn("clip:2", EXCHANGE, None),
        ]
    })
}

/// Both clips all the while: the first drops for a second, the second is disturbed for a minute
/// before it is worn and for a minute after.
fn push_everything(writer: &mut SeriesWriter) {
    let mut push = |name: &str, at: i64, value: i32, quality: Quality| {
        let sample = Sample {
            device: device(name),
            vital: VitalKind::SpO2,
            site: Site::Unknown,
            at: WallMs(at),
            value,
            quality,
        };
        assert_eq!(writer.push(&sample), Pressure::None);
    };
    for second in -3_600..3_600_i64 {
        let at = DROP + second * 1_000;
        let low = if second == 0 { 840 } else { 970 };
        push("clip:1", at, low, Quality::empty());
        if (at - EXCHANGE).abs() < 60_000 {
            push("clip:2", at, 500, Quality::ARTEFACT);
        } else {
            push("clip:2", at, 960, Quality::WEAK_SIGNAL);
        }
    }
}

async fn assert_honest(view: &dyn View) {
    for buckets in [1, 60, 800, 8_000] {
        let ask = TrendAsk {
            patient: ANNA,
            vital: VitalKind::SpO2,
            from: WallMs(START),
            to: WallMs(START + FORTNIGHT_MS),
            buckets,
        };
        let curve = view.trend(ask).await.expect("it answers").buckets;
        let clean = curve.iter().filter_map(|bucket| bucket.clean);
        let lows: Vec<Dot> = clean.map(|it| it.min).filter(|it| it.steps < 900).collect();
        let drop = Dot {
            at: WallMs(DROP),
            steps: 840,
            quality: Quality::empty(),
        };
        assert_eq!(lows, [drop], "{buckets} buckets");
        let doubtful = curve.iter().filter_map(|bucket| bucket.doubtful);
        let lows: Vec<Dot> = doubtful.map(|it| it.min).collect();
        assert!(!lows.is_empty());
        assert!(lows.iter().all(|it| it.steps == 500 && it.at.0 >= EXCHANGE));
        let flagged = |bucket: &Bucket| bucket.flagged;
        assert_eq!(curve.iter().map(flagged).sum::<u64>(), 60);
        assert_eq!(curve.iter().map(|bucket| bucket.n).sum::<u64>(), 7_200);
    }
}

#[tokio::test]
async fn a_clean_low_is_not_hidden_by_a_lower_artefact_of_another_device() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("series.db");
    let schemas = [veglia_series::SCHEMA];
    let database = Database::open(&path, Purpose::Series, &schemas).await;
    let (series, mut writer) = Series::open(database.unwrap()).await.unwrap();
    push_everything(&mut writer);
    let clock = CareClock::real(Arc::new(Still));
    let local = LocalView::new(Board::new(Edition(1)), series, worn_by(), clock);
    assert_honest(&local).await;

    writer.checkpoint(1).await.unwrap();
    writer.settle().await.unwrap();
    let socket = folder.path().join("view.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let shutdown = async {
        stopped.await.unwrap_or_default();
    };
    let task = tokio::spawn(serve(listener, Arc::new(local), shutdown));
    assert_honest(&HttpView::new(&socket)).await;
    stop.send(()).unwrap();
    task.await.unwrap().unwrap();
}
