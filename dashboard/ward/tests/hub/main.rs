//! The live ward beside an ingest that dies, stands still and comes back.

// req: G8

mod views;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use askama::Template;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tempfile::TempDir;
use tokio::time::timeout;
use veglia_people::{CodiceFiscale, patients};
use veglia_store::{Actor, Database};
use veglia_view::{
    About, Asked, Bedside, Board, Bucket, Dot, Edition, Evidence, ExportAsk, Flag, FlagId, How,
    Latest, Lines, OpenFlag, Outline, PatientId, Progress, Quality, Readings, ReadingsAsk, Row,
    Severity, Site, Source, Standing, Status, Trend, TrendAsk, Trigger, Verdict, Version, View,
    ViewError, VitalKind, WallMs, Ward, stand_in,
};
use veglia_ward::{Filter, Hub, Language, Link, Pace, WardPage};

const NOW: i64 = 1_605_964_320_000;
const LIMIT: Duration = Duration::from_secs(20);

/// Quick, so that the test is; nothing is asserted about it.
const PACE: Pace = Pace {
    poll: Duration::from_millis(5),
    tick: Duration::from_millis(10),
    names: Duration::from_millis(50),
    keep_alive: Duration::from_millis(20),
};

const WELL: u8 = 0;
const DEAD: u8 = 1;
const STANDING_STILL: u8 = 2;

/// An ingest whose health the test decides.
struct FakeView {
    board: Mutex<Board>,
    health: AtomicU8,
    now: AtomicI64,
}

impl FakeView {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            board: Mutex::new(Board::new(Edition(1))),
            health: AtomicU8::new(WELL),
            now: AtomicI64::new(NOW),
        })
    }

    fn board(&self) -> Board {
        self.board.lock().expect("nothing panics with it").clone()
    }

    fn become_(&self, health: u8) {
        self.health.store(health, Ordering::SeqCst);
    }

    fn status_now(&self) -> Result<Status, ViewError> {
        let now = WallMs(self.now.load(Ordering::SeqCst));
        let at = match self.health.load(Ordering::SeqCst) {
            DEAD => return Err(ViewError::Unreachable("it is dead".to_owned())),
            STANDING_STILL => now.plus_ms(-60_000),
            _ => now,
        };
        Ok(Status {
            care_now: now,
            speed: 1,
            progress: Some(Progress {
                position: 1,
                waiting_since: None,
                at,
            }),
        })
    }
}

impl View for FakeView {
    fn ward(&self, since: Option<Version>) -> Asked<'_, Ward> {
        Box::pin(async move {
            let status = self.status_now()?;
            let delta = self.board().since(since, 2);
            Ok(Ward { delta, status })
        })
    }

    fn status(&self) -> Asked<'_, Status> {
        Box::pin(async { self.status_now() })
    }

    fn patient(&self, patient: PatientId) -> Asked<'_, Bedside> {
        Box::pin(async move {
            Ok(Bedside {
                row: self.board().row(patient),
                status: self.status_now()?,
            })
        })
    }

    fn trend(&self, ask: TrendAsk) -> Asked<'_, Trend> {
        let dot = |steps| Dot {
            at: ask.from,
            steps,
            quality: Quality::empty(),
        };
        let outline = Outline {
            first: dot(970),
            min: dot(840),
            max: dot(980),
            last: dot(970),
        };
        let bucket = Bucket {
            from: ask.from,
            n: 4,
            flagged: 0,
            clean: Some(outline),
            doubtful: None,
        };
        Box::pin(async move {
            Ok(Trend {
                bucket_ms: 1_800_000,
                buckets: vec![bucket],
                damaged: Vec::new(),
            })
        })
    }

    fn readings(&self, _ask: ReadingsAsk) -> Asked<'_, Readings> {
        Box::pin(async { Err(ViewError::Failed) })
    }

    fn export(&self, _ask: ExportAsk) -> Asked<'_, Lines> {
        Box::pin(async { Err(ViewError::Failed) })
    }
}

struct House {
    _folder: TempDir,
    record: Database,
    view: Arc<FakeView>,
    hub: Hub,
    maria: PatientId,
}

async fn house() -> House {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("record.db");
    let schemas = [veglia_people::SCHEMA, veglia_diary::SCHEMA];
    let record = veglia_trial::open(&path, &schemas).await;
    let person = patients::NewPerson {
        name: "Maria".to_owned(),
        surname: "Rossi".to_owned(),
        codice_fiscale: "RSSMRA85M01H501Q"
            .parse::<CodiceFiscale>()
            .expect("its check letter is right"),
        phone: "+390212345678".parse().expect("a phone number"),
        address: "via Larga 1, Milano".to_owned(),
    };
    let person = patients::register(&record, &Actor::System("test"), &person, WallMs(NOW))
        .await
        .expect("nobody is registered yet");
    let view = FakeView::new();
    let (hub, watch) = Hub::new(view.clone(), record.clone(), PACE);
    tokio::spawn(watch.run(std::future::pending()));
    House {
        _folder: folder,
        record,
        view,
        hub,
        maria: PatientId::new(person.get().unsigned_abs()),
    }
}

fn reading(steps: i32) -> Latest {
    Latest {
        vital: VitalKind::SpO2,
        steps,
        site: Site::Unknown,
        at: WallMs(NOW - 60_000),
        quality: Quality::empty(),
        source: Source::Device,
    }
}

/// A page, as the browser's side of the stream.
struct Screen(Pin<Box<dyn Stream<Item = String> + Send>>);

/// The ward's page, as a browser gets it.
fn rendered(hub: &Hub, filter: &Filter) -> String {
    let page = WardPage::new(hub, filter, "/eventi", Language::It).render();
    page.expect("a page can be rendered")
}

impl Screen {
    fn open(hub: &Hub) -> Self {
        Self::open_through(hub, &Filter::default())
    }

    fn open_through(hub: &Hub, filter: &Filter) -> Self {
        let events = hub.events_through(filter.clone(), Language::It);
        Self::of(events.expect("the ward is not crowded"))
    }

    fn of(events: impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static) -> Self {
        let text = events.map(|bytes| {
            let bytes = bytes.unwrap_or_default();
            String::from_utf8(bytes.to_vec()).expect("events are text")
        });
        Self(Box::pin(text))
    }

    /// The next piece that says `what`, and everything before it.
    async fn until(&mut self, what: &str) -> String {
        let mut heard = String::new();
        let search = async {
            while !heard.contains(what) {
                heard.push_str(&self.0.next().await.expect("the stream does not end"));
            }
        };
        let found = timeout(LIMIT, search).await;
        assert!(found.is_ok(), "{what:?} never came");
        heard
    }
}

async fn wait(hub: &Hub, level: impl Fn(&Link) -> bool) {
    let reached = async {
        while !level(&hub.link()) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(LIMIT, reached).await.expect("the link comes to it");
}

#[tokio::test]
async fn a_page_is_sent_everything_and_then_what_changes() {
    let house = house().await;
    let board = house.view.board();
    board
        .update(house.maria, |row| row.measure(reading(974)))
        .unwrap();
    let mut screen = Screen::open(&house.hub);
    let first = screen.until("Rossi Maria").await;
    assert!(first.starts_with("retry: "), "{first}");
    assert!(first.contains("event: resync"), "{first}");
    screen.until("event: tick").await;

    for stranger in 1..5 {
        board.update(PatientId::new(stranger), |_| ()).unwrap();
    }
    board
        .update(house.maria, |row| {
            row.measure(Latest {
                at: WallMs(NOW),
                ..reading(960)
            });
        })
        .unwrap();
    let change = screen.until("96\u{a0}%").await;
    assert!(change.contains("event: cells"), "{change}");
    let more = if change.contains("NESSUN DATO") {
        change
    } else {
        screen.until("NESSUN DATO").await
    };
    assert!(more.contains("event: "), "{more}");

    board.remove(house.maria);
    screen.until(r#""lane":"calm","patients":[]"#).await;
}

#[tokio::test]
async fn ticks_stop_when_ingest_dies_and_come_back_with_it() {
    for sickness in [DEAD, STANDING_STILL] {
        let house = house().await;
        let board = house.view.board();
        board
            .update(house.maria, |row| row.measure(reading(974)))
            .unwrap();
        let mut screen = Screen::open(&house.hub);
        screen.until("event: tick").await;
        let page = rendered(&house.hub, &Filter::default());
        assert!(!page.contains("is-lost"));

        house.view.become_(sickness);
        wait(&house.hub, |link| matches!(link, Link::Lost(_))).await;
        screen.until(": in attesa").await;
        let silence = screen.until(": in attesa").await + &screen.until(": in attesa").await;
        assert!(!silence.contains("event: tick"), "{silence}");
        let page = rendered(&house.hub, &Filter::default());
        assert!(page.contains("is-lost"));
        assert!(page.contains("Collegamento interrotto – dati fermi alle 14:12"));
        assert!(
            page.contains("Rossi Maria"),
            "what was known is still shown"
        );

        house.view.become_(WELL);
        screen.until("event: tick").await;
        wait(&house.hub, |link| matches!(link, Link::Alive(_))).await;
    }
}

#[tokio::test]
async fn a_page_opened_while_ingest_is_dead_says_so_at_once() {
    let house = house().await;
    house.view.become_(DEAD);
    let mut screen = Screen::open(&house.hub);
    screen.until(": in attesa").await;
    let page = rendered(&house.hub, &Filter::default());
    assert!(page.contains("is-lost"), "{page}");
}

#[tokio::test]
async fn another_life_of_ingest_replaces_every_row() {
    let house = house().await;
    house
        .view
        .board()
        .update(PatientId::new(5), |_| ())
        .unwrap();
    let mut screen = Screen::open(&house.hub);
    screen.until("0000000000000005").await;
    let second = Board::new(Edition(2));
    second.update(house.maria, |_| ()).unwrap();
    *house.view.board.lock().unwrap() = second;
    screen.until("Rossi Maria").await;
    let page = rendered(&house.hub, &Filter::default());
    assert!(!page.contains("0000000000000005"), "{page}");
}

#[tokio::test]
async fn a_page_that_reads_too_slowly_is_sent_everything_again() {
    let house = house().await;
    let board = house.view.board();
    let mut slow = Screen::open(&house.hub);
    slow.until("event: resync").await;
    let mut quick = Screen::open(&house.hub);
    for steps in 0..400 {
        for patient in 1..5 {
            let value = Latest {
                at: WallMs(NOW + i64::from(steps)),
                ..reading(steps)
            };
            board
                .update(PatientId::new(patient), |row| row.measure(value))
                .unwrap();
        }
        quick
            .until(&format!("\"at\":{}", NOW + i64::from(steps)))
            .await;
    }
    let heard = slow.until("event: resync").await;
    assert!(heard.contains("event: order"), "{heard}");
}

#[tokio::test]
async fn a_page_shows_each_patient_in_words_and_shapes() {
    let house = house().await;
    let board = house.view.board();
    board
        .update(house.maria, |row| row.measure(reading(974)))
        .unwrap();
    Screen::open(&house.hub).until("Rossi Maria").await;
    let page = rendered(&house.hub, &Filter::default());
    for words in [
        "●",
        "nessun allarme",
        "97\u{a0}%",
        "1 min fa",
        "21/11/2020 14:11:00",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(page.contains(&format!("href=\"/pazienti/{}\"", house.maria)));
}

fn low(patient: PatientId) -> Flag {
    let evidence = Evidence::reading(
        "00000000000000aa-1".parse().expect("a record id"),
        VitalKind::SpO2,
        870,
        WallMs(NOW),
    );
    Flag {
        id: FlagId {
            patient,
            rule: "spo2-red".parse().expect("a rule's name"),
            rule_set: "home-2020-1".parse().expect("a rule set's name"),
            trigger: Trigger::Record(evidence.id),
        },
        severity: Severity::Red,
        about: About::Vital(VitalKind::SpO2),
        since: WallMs(NOW),
        evidence: vec![evidence],
        standing: Standing::Confirmed {
            how: How::AtOnce,
            at: WallMs(NOW),
        },
        late: false,
        telling: 1,
    }
}

#[tokio::test]
async fn somebody_unknown_is_in_the_list_only_while_they_are_in_danger() {
    let house = house().await;
    let board = house.view.board();
    let unknown = stand_in(7);
    let measured = |row: &mut Row| {
        row.measure(reading(880));
        row.device(&"nonin:501234".parse().expect("a device"));
    };
    board.update(unknown, measured).unwrap();
    board.update(house.maria, |_| ()).unwrap();
    let mut screen = Screen::open(&house.hub);
    let calm = screen.until("Rossi Maria").await;
    assert!(!calm.contains("nonin:501234"), "{calm}");
    let flag = OpenFlag {
        flag: low(unknown),
        raised_at: WallMs(NOW),
        over: None,
    };
    board.update(unknown, |row| row.flag(flag)).unwrap();
    let clinical = format!(r#""lane":"clinical","patients":["{unknown}"]"#);
    let told = screen.until(&clinical).await;
    assert!(told.contains("Di chi è? nonin:501234"), "{told}");
    // Somebody said whose it is: the flag is withdrawn, and the row goes.
    board.update(unknown, |row| row.flags.clear()).unwrap();
    screen.until(r#""lane":"clinical","patients":[]"#).await;
}

#[tokio::test]
async fn every_page_hears_who_has_taken_charge() {
    let house = house().await;
    let flag = low(house.maria);
    let said = [Verdict::Raise(flag.clone())];
    let actor = Actor::System("test");
    veglia_diary::record_verdicts(&house.record, &actor, &said, WallMs(NOW))
        .await
        .unwrap();
    let open = OpenFlag {
        flag: flag.clone(),
        raised_at: WallMs(NOW),
        over: None,
    };
    let board = house.view.board();
    board.update(house.maria, |row| row.flag(open)).unwrap();
    let mut screen = Screen::open(&house.hub);
    screen.until("SpO₂ 87\u{a0}% alle 14:12").await;
    veglia_diary::take_charge(&house.record, &actor, &flag.id, WallMs(NOW))
        .await
        .unwrap();
    screen.until("In carico a Veglia dalle 14:12").await;
}

#[test]
fn all_this_holds_on_postgresql_too() {
    veglia_trial::again_on_postgresql("all_this_holds_on_postgresql_too");
}
