//! What the live ward costs by itself: many patients in memory, each measured once a second, and as
//! many open pages as there may be, all in this process; no broker, no disk but an empty record,
//! no sockets.
//!
//! The first page is made as a browser would get it, while nothing else happens and while
//! everything does. A reading counts as seen when the piece of bytes that tells it is in a page's
//! hands; the readings that are followed are those of somebody at the top of the list. Processor
//! time is that of the whole process, the making of the readings with it.

use std::collections::VecDeque;
use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures_util::StreamExt;
use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use veglia_store::{Database, Purpose};
use veglia_view::{
    About, Asked, Bedside, Board, CareClock, Edition, Evidence, ExportAsk, Flag, FlagId, How,
    Latest, Lines, OpenFlag, PatientId, Progress, Quality, ROWS_MAX, Readings, ReadingsAsk, Row,
    Severity, Site, Source, Standing, Status, Trend, TrendAsk, Trigger, Version, View, ViewError,
    VitalKind, Ward,
};
use veglia_ward::{Filter, Hub, Language, PAGES_MAX, Pace, WardPage, WardQuery};

use super::machine::{kib_after, processor_time};
use super::table::{gib, milliseconds, ratio, table, whole};

/// How long everything happens before pages are asked for beside it.
const LIVE: Duration = Duration::from_secs(15);

/// Pages made for each figure.
const PAGES: usize = 50;

/// Parts in which a second's readings come.
const PARTS: u64 = 20;

/// Pages that look for the readings that are followed.
const FOLLOWERS: usize = 4;

/// One in so many patients has an alarm.
const ALARMED: u64 = 1_000;

/// Patients enough to wait for.
const PATIENCE: Duration = Duration::from_secs(300);

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Cost {
    patients: u64,
    pages: usize,
    /// First pages in microseconds: half and 99 of 100 below it.
    first: Vec<(&'static str, u64, u64)>,
    readings_per_s: f64,
    events_per_s: f64,
    bytes_per_s_and_page: f64,
    /// Of one core.
    cpu_percent: f64,
    memory_bytes: u64,
    /// From the board to a page's hands.
    seen: Wait,
    /// The same while page after page is made.
    seen_beside_pages: Wait,
}

/// How long it took, in microseconds.
#[derive(Debug, Clone, Copy, Serialize)]
struct Wait {
    p50: u64,
    p99: u64,
    max: u64,
    /// How often it was measured.
    count: u64,
}

impl Wait {
    fn of(all: &Histogram<u64>) -> Self {
        Self {
            p50: all.value_at_quantile(0.5),
            p99: all.value_at_quantile(0.99),
            max: all.max(),
            count: all.len(),
        }
    }
}

/// An ingest that is nothing but its board.
struct BoardAlone {
    board: Board,
    clock: CareClock,
}

impl BoardAlone {
    fn status_now(&self) -> Status {
        let now = self.clock.now();
        Status {
            care_now: now,
            speed: 1,
            progress: Some(Progress {
                position: 1,
                waiting_since: None,
                at: now,
            }),
        }
    }
}

impl View for BoardAlone {
    fn ward(&self, since: Option<Version>) -> Asked<'_, Ward> {
        Box::pin(async move {
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
                row: self.board.row(patient),
                status: self.status_now(),
            })
        })
    }

    fn trend(&self, _: TrendAsk) -> Asked<'_, Trend> {
        Box::pin(async { Err(ViewError::Failed) })
    }

    fn readings(&self, _: ReadingsAsk) -> Asked<'_, Readings> {
        Box::pin(async { Err(ViewError::Failed) })
    }

    fn export(&self, _: ExportAsk) -> Asked<'_, Lines> {
        Box::pin(async { Err(ViewError::Failed) })
    }
}

/// Readings that are followed: what a page will say of each, and since when.
type Followed = Arc<Mutex<VecDeque<(String, Instant)>>>;

/// What pages heard.
struct Heard {
    events: u64,
    bytes: u64,
    seen: Histogram<u64>,
    seen_beside_pages: Histogram<u64>,
}

impl Heard {
    fn nothing() -> Result<Self> {
        Ok(Self {
            events: 0,
            bytes: 0,
            seen: Histogram::new(3)?,
            seen_beside_pages: Histogram::new(3)?,
        })
    }
}

/// Whether pages are made beside the readings.
type Busy = Arc<AtomicBool>;

/// As many pages as may be open, half of them read in English: each line is then written twice.
fn open_pages(
    hub: &Hub,
    followed: &Followed,
    is_busy: &Busy,
    stop: &CancellationToken,
) -> Result<Vec<JoinHandle<Result<Heard>>>> {
    let open = |page: usize| {
        let language = match page % 2 {
            0 => Language::It,
            _ => Language::En,
        };
        let events = hub.events(language);
        let events = events.context("no page can be opened")?;
        let follows = (page < FOLLOWERS).then(|| (Followed::clone(followed), is_busy.clone()));
        Ok(tokio::spawn(listen(events, follows, stop.clone())))
    };
    (0..PAGES_MAX).map(open).collect()
}

/// Measures in `folder`, with so many patients.
pub(super) async fn measure(folder: &Path, patients: u64) -> Result<Cost> {
    let schemas = [veglia_people::SCHEMA, veglia_diary::SCHEMA];
    let record = Database::open(&folder.join("ward.db"), Purpose::Record, &schemas).await?;
    let clock = CareClock::real(crate::clock::wall());
    let board = Board::new(Edition(1));
    for number in 1..=patients {
        measured(&board, number, &clock)?;
    }
    let view = Arc::new(BoardAlone {
        board: board.clone(),
        clock: clock.clone(),
    });
    let (hub, watch) = Hub::new(view, record, Pace::default());
    let stop = CancellationToken::new();
    let watching = tokio::spawn(watch.run(stop.clone().cancelled_owned()));
    until_complete(&hub, patients).await?;

    let mut first = first_pages(&hub, ["first page", "filtered", "searched"]);
    let (followed, is_busy) = (Followed::default(), Busy::default());
    let pages = open_pages(&hub, &followed, &is_busy, &stop)?;
    let before = processor_time("self")?;
    let began = Instant::now();
    let making = tokio::spawn(make(board, clock, patients, followed, stop.clone()));
    sleep(LIVE).await;
    is_busy.store(true, Ordering::Relaxed);
    let busy = hub.clone();
    let busy = move || {
        first_pages(
            &busy,
            ["first page, busy", "filtered, busy", "searched, busy"],
        )
    };
    first.extend(tokio::task::spawn_blocking(busy).await?);
    stop.cancel();
    let seconds = began.elapsed().as_secs_f64();
    let busy = processor_time("self")?.saturating_sub(before);
    let readings = making.await??;
    watching.await?;
    let mut all = Heard::nothing()?;
    for page in pages {
        let heard = page.await??;
        all.events += heard.events;
        all.bytes += heard.bytes;
        all.seen.add(heard.seen)?;
        all.seen_beside_pages.add(heard.seen_beside_pages)?;
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let per_s = |count: u64| ratio(count, 1) / seconds;
    Ok(Cost {
        patients,
        pages: PAGES_MAX,
        first,
        readings_per_s: per_s(readings),
        events_per_s: per_s(all.events),
        bytes_per_s_and_page: per_s(all.bytes) / ratio(u64::try_from(PAGES_MAX)?, 1),
        cpu_percent: 100.0 * busy.as_secs_f64() / seconds,
        memory_bytes: kib_after(&status, "VmRSS:").unwrap_or(0),
        seen: Wait::of(&all.seen),
        seen_beside_pages: Wait::of(&all.seen_beside_pages),
    })
}

/// The tables that a person reads.
pub(super) fn rows(cost: &Cost) -> String {
    let pages = cost.first.iter().map(|(name, half, most)| {
        let name = format!("{name}, {} patients", whole(ratio(cost.patients, 1)));
        vec![name, milliseconds(*half), milliseconds(*most)]
    });
    let pages = table(&["the ward", "p50 ms", "p99 ms"], pages.collect());
    let heading = [
        "live",
        "readings/s",
        "pages",
        "events/s",
        "B/s a page",
        "CPU %",
        "GiB",
    ];
    let row = vec![
        format!("{} patients", whole(ratio(cost.patients, 1))),
        whole(cost.readings_per_s),
        cost.pages.to_string(),
        whole(cost.events_per_s),
        whole(cost.bytes_per_s_and_page),
        whole(cost.cpu_percent),
        format!("{:.2}", gib(cost.memory_bytes)),
    ];
    let live = table(&heading, vec![row]);
    let seen = [
        ("while nobody opens a page", cost.seen),
        ("while page after page is made", cost.seen_beside_pages),
    ];
    let seen = seen.map(|(when, wait)| {
        let times = [wait.p50, wait.p99, wait.max].map(milliseconds);
        let mut row = vec![when.to_owned(), wait.count.to_string()];
        row.extend(times);
        row
    });
    let heading = [
        "a reading is seen after",
        "measured",
        "p50 ms",
        "p99 ms",
        "max ms",
    ];
    format!("{pages}\n{live}\n{}\n", table(&heading, seen.into()))
}

/// A reading of a patient; the first of them raises the alarms.
fn measured(board: &Board, number: u64, clock: &CareClock) -> Result<i64> {
    let now = clock.now();
    let is_alarmed = number.is_multiple_of(ALARMED);
    let latest = |vital, steps| Latest {
        vital,
        steps,
        site: Site::Unknown,
        at: now,
        quality: Quality::empty(),
        source: Source::Device,
    };
    let patient = PatientId::new(number);
    board.update(patient, |row: &mut Row| {
        row.measure(latest(VitalKind::SpO2, if is_alarmed { 880 } else { 970 }));
        row.measure(latest(VitalKind::Pulse, 720));
        if is_alarmed && row.flags.is_empty() {
            row.flags.extend(alarm(patient, clock));
        }
    })?;
    Ok(now.0)
}

fn alarm(patient: PatientId, clock: &CareClock) -> Option<OpenFlag> {
    let now = clock.now();
    let reading = "00000000000000aa-1".parse().ok()?;
    let evidence = Evidence::reading(reading, VitalKind::SpO2, 880, now);
    let flag = Flag {
        id: FlagId {
            patient,
            rule: "spo2-red".parse().ok()?,
            rule_set: "home-2020-1".parse().ok()?,
            trigger: Trigger::Record(evidence.id),
        },
        severity: Severity::Red,
        about: About::Vital(VitalKind::SpO2),
        since: now,
        evidence: vec![evidence],
        standing: Standing::Confirmed {
            how: How::AtOnce,
            at: now,
        },
        late: false,
        telling: 1,
    };
    Some(OpenFlag {
        flag,
        raised_at: now,
        over: None,
    })
}

/// Until everybody stands in the list.
async fn until_complete(hub: &Hub, patients: u64) -> Result<()> {
    let began = Instant::now();
    let calm = patients - patients / ALARMED;
    let wanted = format!("data-count=\"calm\">{calm}<");
    while !WardPage::new(hub, &Filter::default(), "/eventi", Language::It)
        .to_string()
        .contains(&wanted)
    {
        anyhow::ensure!(
            began.elapsed() < PATIENCE,
            "the ward was not complete in time"
        );
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Makes pages of each kind, and says how long half and nearly all of them took at most.
fn first_pages(hub: &Hub, names: [&'static str; 3]) -> Vec<(&'static str, u64, u64)> {
    let filtered = WardQuery {
        carico: "nessuno".to_owned(),
        ..WardQuery::default()
    };
    let searched = WardQuery {
        cerca: "registrato 77".to_owned(),
        ..WardQuery::default()
    };
    let queries = [WardQuery::default(), filtered, searched];
    let timed = |(name, query): (&'static str, WardQuery)| {
        let filter = Filter::new(&query, "staff:1");
        let mut took: Vec<u64> = (0..PAGES)
            .map(|_| {
                let began = Instant::now();
                black_box(WardPage::new(hub, &filter, "/eventi", Language::It).to_string());
                u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX)
            })
            .collect();
        took.sort_unstable();
        let at = |place: usize| took.get(place).copied().unwrap_or(0);
        (name, at(PAGES / 2), at(PAGES - 1))
    };
    names.into_iter().zip(queries).map(timed).collect()
}

/// Every patient is measured once a second; how many readings there were.
async fn make(
    board: Board,
    clock: CareClock,
    patients: u64,
    followed: Followed,
    stop: CancellationToken,
) -> Result<u64> {
    let mut beats = interval(Duration::from_secs(1) / u32::try_from(PARTS)?);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut readings, mut part) = (0, 0);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(readings),
            _ = beats.tick() => {}
        }
        let mine = (1..=patients).filter(|number| number % PARTS == part);
        for number in mine {
            measured(&board, number, &clock)?;
            readings += 2;
        }
        // The first with an alarm stands at the top: their readings are followed.
        let at = measured(&board, ALARMED.min(patients), &clock)?;
        let mut followed = followed.lock().unwrap_or_else(PoisonError::into_inner);
        followed.push_back((format!("\"at\":{at},"), Instant::now()));
        if followed.len() > 200 {
            followed.pop_front();
        }
        part = (part + 1) % PARTS;
    }
}

/// One page, to its end.
async fn listen(
    events: impl futures_util::Stream<Item = Result<bytes::Bytes, std::convert::Infallible>>,
    follows: Option<(Followed, Busy)>,
    stop: CancellationToken,
) -> Result<Heard> {
    let mut heard = Heard::nothing()?;
    tokio::pin!(events);
    let mut last = None;
    loop {
        let piece = tokio::select! {
            () = stop.cancelled() => return Ok(heard),
            piece = events.next() => piece,
        };
        let Some(Ok(piece)) = piece else {
            return Ok(heard);
        };
        heard.events += 1;
        heard.bytes += u64::try_from(piece.len())?;
        let Some((followed, is_busy)) = &follows else {
            continue;
        };
        let text = String::from_utf8_lossy(&piece);
        let followed = followed.lock().unwrap_or_else(PoisonError::into_inner);
        let news = followed.iter().rev().take_while(|(_, at)| Some(*at) > last);
        // Of readings within one round the page hears the latest; it is told whole.
        if let Some((_, at)) = news.clone().find(|(said, _)| text.contains(said.as_str())) {
            let waited = u64::try_from(at.elapsed().as_micros())?;
            let seen = if is_busy.load(Ordering::Relaxed) {
                &mut heard.seen_beside_pages
            } else {
                &mut heard.seen
            };
            seen.record(waited)?;
            last = Some(*at);
        }
    }
}
