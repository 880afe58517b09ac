//! One story, told to both implementations: inside the process, and over a socket.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::UnixListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use veglia_series::{Pressure, Sample, Series, SeriesWriter};
use veglia_store::{Database, Purpose};
use veglia_view::{
    Board, CareClock, Clock, DeviceId, EXPORT_HEADER, Edition, ExportAsk, HttpView, Latest,
    LocalView, NAMED_MAX, PatientId, Progress, Quality, ReadingsAsk, Scope, Site, Source, TrendAsk,
    View, ViewError, VitalKind, WallMs, Worn, WornBy, serve,
};

const ANNA: PatientId = PatientId::new(0xA);
const BRUNO: PatientId = PatientId::new(0xB);
const START: i64 = 1_604_000_000_000;

/// Until when Anna wore the first clip; Bruno wore it from then on, and she the second.
const EXCHANGE: i64 = START + 95_500;

struct Hands(AtomicI64);

impl Clock for Hands {
    fn now(&self) -> WallMs {
        WallMs(self.0.load(Ordering::Relaxed))
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
    Arc::new(move |patient| match patient {
        ANNA => vec![
            worn("nonin:2", EXCHANGE, None),
            worn("nonin:1", START - 5_000, Some(EXCHANGE)),
        ],
        BRUNO => vec![worn("nonin:1", EXCHANGE, None)],
        _ => Vec::new(),
    })
}

fn sample(name: &str, second: i64, value: i32) -> Sample {
    Sample {
        device: device(name),
        vital: VitalKind::SpO2,
        site: Site::Unknown,
        at: WallMs(START + second * 1_000),
        value,
        quality: Quality::empty(),
    }
}

/// Two clips at one reading a second for 200 s, with a one-second drop of Anna's in each.
fn push_everything(writer: &mut SeriesWriter) {
    let mut push = |sample| assert_eq!(writer.push(&sample), Pressure::None);
    for second in 0..200 {
        let drop = |at, normal| if second == at { 840 } else { normal };
        push(sample("nonin:1", second, drop(33, 970)));
        push(sample("nonin:2", second, drop(150, 950)));
    }
    let mut warm = sample("nonin:2", 120, 3_660);
    warm.vital = VitalKind::Temperature;
    warm.site = Site::Armpit;
    warm.quality = Quality::HELD;
    push(warm);
}

struct House {
    folder: TempDir,
    board: Board,
    writer: SeriesWriter,
    local: LocalView,
}

async fn house() -> House {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("series.db");
    let schemas = [veglia_series::SCHEMA];
    let database = Database::open(&path, Purpose::Series, &schemas)
        .await
        .expect("the folder is ours alone");
    let (series, mut writer) = Series::open(database).await.expect("the series are new");
    push_everything(&mut writer);
    let board = Board::new(Edition(7));
    let clock = CareClock::anchored(
        Arc::new(Hands(AtomicI64::new(5_000))),
        WallMs(0),
        WallMs(START),
        60,
    );
    let local = LocalView::new(board.clone(), series, worn_by(), clock);
    House {
        folder,
        board,
        writer,
        local,
    }
}

struct Served {
    view: HttpView,
    stop: oneshot::Sender<()>,
    task: JoinHandle<std::io::Result<()>>,
}

fn served(socket: &Path, view: Arc<dyn View>) -> Served {
    let listener = UnixListener::bind(socket).expect("the folder is ours alone");
    let (stop, stopped) = oneshot::channel();
    let shutdown = async {
        stopped.await.unwrap_or_default();
    };
    Served {
        view: HttpView::new(socket),
        stop,
        task: tokio::spawn(serve(listener, view, shutdown)),
    }
}

async fn on_both(story: impl AsyncFn(&dyn View, &House)) {
    let here = house().await;
    story(&here.local, &here).await;
    let there = house().await;
    let socket = there.folder.path().join("view.sock");
    let served = served(&socket, Arc::new(there.local.clone()));
    story(&served.view, &there).await;
    served.stop.send(()).expect("it still serves");
    served
        .task
        .await
        .expect("it does not panic")
        .expect("the socket is sound");
}

fn latest(second: i64, steps: i32) -> Latest {
    Latest {
        vital: VitalKind::SpO2,
        steps,
        site: Site::Unknown,
        at: WallMs(START + second * 1_000),
        quality: Quality::empty(),
        source: Source::Device,
    }
}

#[tokio::test]
async fn a_screen_sees_what_changed_since_it_last_asked() {
    on_both(async |view, house| {
        let empty = view.ward(None).await.unwrap();
        assert!(empty.delta.afresh && empty.delta.complete && empty.delta.rows.is_empty());

        house
            .board
            .update(ANNA, |row| row.measure(latest(10, 970)))
            .unwrap();
        house
            .board
            .update(BRUNO, |row| row.measure(latest(11, 910)))
            .unwrap();
        let two = view.ward(Some(empty.delta.version)).await.unwrap().delta;
        assert!(!two.afresh);
        let patients: Vec<PatientId> = two.rows.iter().map(|row| row.patient).collect();
        assert_eq!(patients, [ANNA, BRUNO]);

        let anna = view.patient(ANNA).await.unwrap();
        assert_eq!(anna.row.as_deref(), Some(two.rows[0].as_ref()));
        assert_eq!(view.patient(PatientId::new(9)).await.unwrap().row, None);

        // A reading that came late does not replace the one measured after it.
        house
            .board
            .update(ANNA, |row| row.measure(latest(9, 880)))
            .unwrap();
        let one = view.ward(Some(two.version)).await.unwrap().delta;
        assert_eq!(one.rows.len(), 1);
        assert_eq!(one.rows[0].latest(VitalKind::SpO2), Some(&latest(10, 970)));

        house.board.remove(BRUNO);
        let gone = view.ward(Some(one.version)).await.unwrap().delta;
        assert_eq!((gone.rows.len(), gone.departed), (0, vec![BRUNO]));
        let still = view.ward(Some(gone.version)).await.unwrap().delta;
        assert!(still.rows.is_empty() && still.departed.is_empty());
    })
    .await;
}

#[tokio::test]
async fn many_rows_come_with_one_question_and_too_many_are_refused() {
    on_both(async |view, house| {
        let here = |number: &u64| number.is_multiple_of(2);
        let longest = u64::try_from(NAMED_MAX).unwrap();
        for number in (0..longest).filter(here) {
            let number = PatientId::new(u64::MAX / 2 - number);
            house.board.update(number, |_| ()).unwrap();
        }
        let named = |count| (0..count).map(|number| PatientId::new(u64::MAX / 2 - number));
        let rows = view.rows(named(longest).collect()).await.unwrap();
        let rows: Vec<PatientId> = rows.iter().map(|row| row.patient).collect();
        let asked: Vec<PatientId> = named(longest).step_by(2).collect();
        assert_eq!(rows, asked, "who is not on the board is left out");
        let refused = view.rows(named(longest + 1).collect()).await.unwrap_err();
        assert!(matches!(refused, ViewError::Refused(_)), "{refused}");
    })
    .await;
}

#[tokio::test]
async fn the_state_of_ingest_speaks_in_care_time() {
    on_both(async |view, house| {
        let silent = view.status().await.unwrap();
        assert_eq!(silent.care_now, WallMs(START + 300_000));
        assert_eq!((silent.speed, silent.progress), (60, None));
        let progress = Progress {
            position: 42,
            waiting_since: Some(WallMs(START + 240_000)),
            at: WallMs(START + 299_000),
        };
        house.board.report(progress);
        let told = view.ward(None).await.unwrap().status;
        assert_eq!(told.progress, Some(progress));
        assert_eq!(told.waiting_ms(), 60_000);
    })
    .await;
}

#[tokio::test]
async fn a_curve_follows_the_patient_from_one_device_to_the_next() {
    on_both(async |view, _| {
        for buckets in [1, 3, 7, 200, 1_000] {
            let ask = TrendAsk {
                patient: ANNA,
                vital: VitalKind::SpO2,
                from: WallMs(START),
                to: WallMs(START + 200_000),
                buckets,
            };
            let curve = view.trend(ask).await.unwrap();
            let n: u64 = curve.buckets.iter().map(|bucket| bucket.n).sum();
            assert_eq!(n, 200, "each second once, whoever measured it");
            let drops = |at: i64| {
                let at = WallMs(START + at * 1_000);
                curve
                    .buckets
                    .iter()
                    .filter_map(|bucket| bucket.clean)
                    .filter(move |it| it.min.steps == 840 && it.min.at == at)
            };
            assert_eq!(drops(33).count(), 1, "{buckets} buckets");
            if buckets > 1 {
                assert_eq!(drops(150).count(), 1, "{buckets} buckets");
            }
            let apart = |pair: &[veglia_view::Bucket]| pair[1].from.since(pair[0].from);
            let whole = i64::try_from(curve.bucket_ms).unwrap();
            assert!(
                curve
                    .buckets
                    .windows(2)
                    .all(|pair| apart(pair) % whole == 0)
            );
        }
    })
    .await;
}

#[tokio::test]
async fn bruno_is_not_shown_what_anna_measured() {
    on_both(async |view, _| {
        let ask = ReadingsAsk {
            patient: BRUNO,
            vital: VitalKind::SpO2,
            from: WallMs(START),
            to: WallMs(START + 100_000),
            limit: 3,
        };
        let table = view.readings(ask).await.unwrap();
        let seconds: Vec<i64> = table
            .readings
            .iter()
            .map(|reading| (reading.at.0 - START) / 1_000)
            .collect();
        assert_eq!(seconds, [96, 97, 98]);
        assert!(table.more);
        assert!(
            table
                .readings
                .iter()
                .all(|it| it.device == device("nonin:1"))
        );
    })
    .await;
}

#[tokio::test]
async fn a_wrong_question_is_refused_with_its_reason() {
    on_both(async |view, _| {
        let backwards = TrendAsk {
            patient: ANNA,
            vital: VitalKind::SpO2,
            from: WallMs(START),
            to: WallMs(START),
            buckets: 10,
        };
        let refused = ViewError::Refused("a range ends after it begins".to_owned());
        assert_eq!(view.trend(backwards).await.unwrap_err(), refused);
        let none = TrendAsk {
            to: WallMs(START + 1),
            buckets: 0,
            ..backwards
        };
        let refused = view.trend(none).await.unwrap_err();
        assert!(matches!(refused, ViewError::Refused(_)), "{refused}");
    })
    .await;
}

async fn text_of(view: &dyn View, ask: ExportAsk) -> (String, Option<ViewError>) {
    let mut lines = view.export(ask).await.expect("an export starts");
    let mut text = String::new();
    while let Some(piece) = lines.next().await {
        match piece {
            Ok(piece) => {
                assert!(piece.ends_with(b"\n"), "a piece ends at a line's end");
                text.push_str(str::from_utf8(&piece).expect("CSV is text"));
            }
            Err(error) => return (text, Some(error)),
        }
    }
    (text, None)
}

#[tokio::test]
async fn an_export_holds_every_reading_once_in_order() {
    on_both(async |view, _| {
        let everything = ExportAsk {
            scope: Scope::Everything,
            from: WallMs(i64::MIN),
            to: WallMs(i64::MAX),
        };
        let (text, ended) = text_of(view, everything).await;
        assert_eq!(ended, None);
        let lines: Vec<&str> = text.strip_prefix(EXPORT_HEADER).unwrap().lines().collect();
        assert_eq!(lines.len(), 401);
        assert_eq!(lines[0], "nonin:1,spo2,1604000000000,97.0,");
        assert_eq!(lines[33], "nonin:1,spo2,1604000033000,84.0,");
        assert_eq!(lines[400], "nonin:2,temperature,1604000120000,36.60,held");

        let annas = ExportAsk {
            scope: Scope::Patient(ANNA),
            ..everything
        };
        let (text, ended) = text_of(view, annas).await;
        assert_eq!(ended, None);
        let count = |name: &str| text.lines().filter(|line| line.starts_with(name)).count();
        assert_eq!((count("nonin:1,"), count("nonin:2,")), (96, 105));
    })
    .await;
}

#[tokio::test]
async fn a_dead_ingest_is_said_to_be_dead_and_its_successor_is_found() {
    let house = house().await;
    let socket = house.folder.path().join("view.sock");
    let first = served(&socket, Arc::new(house.local.clone()));
    let known = first.view.ward(None).await.unwrap().delta.version;
    first.stop.send(()).unwrap();
    first.task.await.unwrap().unwrap();

    let dead = first.view.status().await.unwrap_err();
    assert!(matches!(dead, ViewError::Unreachable(_)), "{dead}");

    std::fs::remove_file(&socket).unwrap();
    let second_board = Board::new(Edition(8));
    second_board
        .update(ANNA, |row| row.measure(latest(10, 970)))
        .unwrap();
    let (series, _writer) = {
        let path = house.folder.path().join("other.db");
        let schemas = [veglia_series::SCHEMA];
        let database = Database::open(&path, Purpose::Series, &schemas)
            .await
            .unwrap();
        Series::open(database).await.unwrap()
    };
    let hands = Arc::new(Hands(AtomicI64::new(0)));
    let local = LocalView::new(second_board, series, worn_by(), CareClock::real(hands));
    let second = served(&socket, Arc::new(local));
    let delta = first.view.ward(Some(known)).await.unwrap().delta;
    assert!(
        delta.afresh,
        "another board's count says nothing about this one"
    );
    assert_eq!(delta.rows.len(), 1);
    second.stop.send(()).unwrap();
    second.task.await.unwrap().unwrap();
    drop(house.writer);
}

#[tokio::test]
async fn an_ingest_that_does_not_answer_is_given_up_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("view.sock");
    let _deaf = UnixListener::bind(&socket).unwrap();
    let view = HttpView::new(&socket);
    let asked = tokio::time::timeout(Duration::from_secs(30), view.status());
    assert_eq!(asked.await.unwrap(), Err(ViewError::TimedOut(2_000)));
}

#[tokio::test]
async fn an_export_cut_short_is_never_taken_for_a_whole_one() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("view.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let dying = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut question = [0; 1_024];
        let _count = stream.read(&mut question).await.unwrap();
        let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\na,spo2,1,97.0,\na,sp";
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    let everything = ExportAsk {
        scope: Scope::Everything,
        from: WallMs(0),
        to: WallMs(1),
    };
    let (text, ended) = text_of(&HttpView::new(&socket), everything).await;
    assert_eq!(text, "a,spo2,1,97.0,\n");
    assert!(matches!(ended, Some(ViewError::Answer(_))), "{ended:?}");
    dying.await.unwrap();
}
