//! The probe's last legs, and the watchdog, by a clock that stands still until a test moves it.

// req: G9

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use tokio::sync::watch;
use veglia_diary::probe::{self, Leg, Overdue, Pace};
use veglia_notify::{Courier, Senders};
use veglia_people::contacts::{self, Address, Channel};
use veglia_people::duty::{self, Period, Post, Shift};
use veglia_people::{Hours, Party, staff};
use veglia_store::Actor;
use veglia_ward::PathFault;
use veglia_wire::{CareClock, Clock, WallMs};

use crate::Config;
use crate::alarm_path::{ADDRESS, AlarmPath, Watchdog};
use crate::paging::Paging;
use crate::tests::site::{Site, text};

const ACTOR: Actor = Actor::System("test");

/// 03:07 in Rome on 21 October 2020.
const START: WallMs = WallMs(1_603_242_420_000);

const PACE: Pace = Pace {
    every_ms: 300_000,
    within_ms: 120_000,
};

/// A centre whose ingest is played by the test.
struct Path {
    site: Site,
    folder: tempfile::TempDir,
    watchdog: Watchdog,
    said: watch::Receiver<Option<PathFault>>,
}

impl Path {
    async fn new(ping: Option<&str>) -> Self {
        let site = Site::with_anna(Config::default()).await;
        site.clock.0.store(START.0, Ordering::SeqCst);
        let (said, seen) = watch::channel(None);
        let path = AlarmPath {
            pace: PACE,
            ping: ping.map(|ping| Address::new(Channel::Webhook, ping).unwrap()),
        };
        let care = CareClock::real(site.clock.clone());
        let notify = Arc::new(veglia_notify::Config::default());
        let watchdog = Watchdog::new(site.record.clone(), care, notify, path, said);
        Self {
            site,
            folder: tempfile::tempdir().unwrap(),
            watchdog,
            said: seen,
        }
    }

    fn now(&self) -> WallMs {
        self.site.clock.now()
    }

    fn pass(&self, seconds: i64) {
        let clock = &self.site.clock.0;
        clock.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }

    /// What gateway, broker and ingest do in a second.
    async fn ingest_has(&self, round: &str) {
        let record = &self.site.record;
        let spoken = self.now();
        let noted = probe::note(record, &ACTOR, round, Leg::Spoken, spoken).await;
        noted.unwrap();
        self.pass(1);
        let now = self.now();
        let judged = probe::judged(record, &ACTOR, round, now, now).await;
        judged.unwrap();
        probe::call(record, &ACTOR, now).await.unwrap();
    }

    async fn paging(&self) {
        let paging = Paging {
            record: self.site.record.clone(),
            care: CareClock::real(self.site.clock.clone()),
            notify: Arc::new(veglia_notify::Config::default()),
        };
        paging.round().await.unwrap();
    }

    fn courier(&self) -> Courier {
        let config = veglia_notify::Config {
            file: Some(self.folder.path().join("messages.jsonl")),
            ..veglia_notify::Config::default()
        };
        let senders = Arc::new(Senders::open(&config).unwrap());
        let clock: Arc<dyn Clock> = self.site.clock.clone();
        let record = self.site.record.clone();
        Courier::new(record, clock, senders, veglia_notify::Pace::default())
    }

    /// A whole round trip.
    async fn round(&self, round: &str) {
        self.ingest_has(round).await;
        self.paging().await;
        assert_eq!(self.courier().probe_round().await.unwrap(), 1);
        self.paging().await;
    }

    /// What was sent to people and programs.
    async fn sent(&self) -> Vec<serde_json::Value> {
        for channel in Channel::ALL {
            self.courier().round(channel).await.unwrap();
        }
        let file = self.folder.path().join("messages.jsonl");
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.collect()
    }

    fn fault(&self) -> Option<PathFault> {
        *self.said.borrow()
    }

    async fn anna_is_on_duty(&self) {
        let record = &self.site.record;
        let username = "anna".parse().unwrap();
        let anna = staff::by_username(record, &ACTOR, &username).await;
        let party = Party::Staff(anna.unwrap().unwrap().id);
        for address in [
            (Channel::Sms, "3331234567"),
            (Channel::Email, "anna@prova.example"),
        ] {
            let address = Address::new(address.0, address.1).unwrap();
            let added = contacts::add(record, &ACTOR, party, &address, START).await;
            added.unwrap();
        }
        let shift = Shift {
            post: Post::Operator,
            party,
            hours: Hours::always(),
            period: Period {
                from: START,
                until: None,
            },
        };
        duty::add_shift(record, &ACTOR, &shift).await.unwrap();
    }
}

#[tokio::test]
async fn a_round_goes_through_the_outbox_closes_itself_and_leaves_nothing_in_it() {
    let mut path = Path::new(None).await;
    path.round("a-1").await;
    let record = &path.site.record;
    let standing = probe::standing(record, &ACTOR).await.unwrap();
    let last = standing.last.unwrap();
    assert_eq!((last.key.as_str(), last.missing()), ("a-1", None));
    path.watchdog.look().await.unwrap();
    assert_eq!(path.fault(), None);
    let outbox = veglia_notify::standing(record, &ACTOR, path.now()).await;
    assert_eq!(outbox.unwrap(), veglia_notify::Standing::default());
    assert_eq!(path.sent().await, Vec::<serde_json::Value>::new());
}

#[tokio::test]
async fn what_waits_of_the_probe_is_no_message_that_waits() {
    let path = Path::new(None).await;
    path.ingest_has("a-1").await;
    path.paging().await;
    path.pass(60);
    let record = &path.site.record;
    let outbox = veglia_notify::standing(record, &ACTOR, path.now()).await;
    assert_eq!(outbox.unwrap(), veglia_notify::Standing::default());
}

#[tokio::test]
async fn a_missed_round_is_said_at_its_time_and_mailed_once_and_its_end_is_a_trace() {
    let mut path = Path::new(None).await;
    path.anna_is_on_duty().await;
    path.round("a-1").await;
    // Ingest dies; the dashboard alone goes on.
    path.pass(420);
    path.watchdog.look().await.unwrap();
    assert_eq!(path.fault(), None);
    path.pass(1);
    for _ in 0..3 {
        path.watchdog.look().await.unwrap();
    }
    let since = START.plus_ms(300_000);
    let overdue = Overdue {
        since,
        leg: Leg::Spoken,
    };
    assert_eq!(path.fault(), Some(PathFault::Overdue(overdue)));
    let sent = path.sent().await;
    let [mail] = &sent[..] else {
        panic!("{sent:?}")
    };
    assert_eq!(
        (&mail["channel"], &mail["recipient"]),
        (&"email".into(), &"staff:1".into())
    );
    let said = mail["text"].as_str().unwrap();
    assert!(said.contains("non risponde dalle 03:12"), "{said}");

    path.pass(600);
    path.round("a-2").await;
    path.watchdog.look().await.unwrap();
    assert_eq!((path.fault(), path.sent().await.len()), (None, 1));
    let record = &path.site.record;
    let traces = probe::interruptions(record, &ACTOR, 10).await.unwrap();
    let [trace] = &traces[..] else {
        panic!("{traces:?}")
    };
    assert_eq!((trace.since, trace.ended), (since, Some(path.now())));
}

#[tokio::test]
async fn a_message_that_stays_in_the_outbox_is_named_and_nobody_on_duty_is_waited_for() {
    let mut path = Path::new(None).await;
    path.ingest_has("a-1").await;
    path.paging().await;
    path.pass(121);
    path.watchdog.look().await.unwrap();
    let Some(PathFault::Overdue(overdue)) = path.fault() else {
        panic!("{:?}", path.fault())
    };
    assert_eq!(overdue.leg, Leg::Delivered);
    assert!(path.sent().await.is_empty());
    path.anna_is_on_duty().await;
    path.watchdog.look().await.unwrap();
    assert_eq!(path.sent().await.len(), 1);
}

#[tokio::test]
async fn a_dashboard_that_restarts_says_it_again_and_mails_nobody_again() {
    let mut path = Path::new(None).await;
    path.anna_is_on_duty().await;
    path.pass(121);
    path.watchdog.look().await.unwrap();
    assert_eq!(path.sent().await.len(), 1);
    let (said, seen) = watch::channel(None);
    let care = CareClock::real(path.site.clock.clone());
    let notify = Arc::new(veglia_notify::Config::default());
    let watched = AlarmPath {
        pace: PACE,
        ping: None,
    };
    let record = path.site.record.clone();
    let mut next = Watchdog::new(record, care, notify, watched, said);
    path.pass(121);
    next.look().await.unwrap();
    assert!(seen.borrow().is_some());
    assert_eq!(path.sent().await.len(), 1);
}

#[tokio::test]
async fn each_round_is_called_outward_once_and_none_of_before_the_start() {
    let mut path = Path::new(Some("https://example.org/ping")).await;
    path.round("a-1").await;
    path.watchdog.look().await.unwrap();
    assert!(path.sent().await.is_empty());
    path.pass(300);
    path.round("a-2").await;
    for _ in 0..2 {
        path.watchdog.look().await.unwrap();
    }
    let sent = path.sent().await;
    let [ping] = &sent[..] else {
        panic!("{sent:?}")
    };
    assert_eq!(
        (&ping["channel"], &ping["recipient"]),
        (&"webhook".into(), &"probe".into())
    );
    let record = &path.site.record;
    let outbox = veglia_notify::standing(record, &ACTOR, path.now()).await;
    assert_eq!(outbox.unwrap().sent, 0);
}

#[tokio::test]
async fn the_ward_says_it_on_top_and_its_script_is_told() {
    let site = Site::with_anna(Config::default()).await;
    site.clock.0.store(START.0, Ordering::SeqCst);
    let cookie = site.signed_in().await;
    let well = site.get_with(ADDRESS, &cookie).await;
    assert_eq!(
        (well.status(), text(well).await.as_str()),
        (StatusCode::OK, "")
    );
    let page = text(site.get_with("/", &cookie).await).await;
    assert!(
        page.contains("data-from=\"/catena-allarmi\" hidden"),
        "{page}"
    );

    let overdue = Overdue {
        since: START,
        leg: Leg::Received,
    };
    site.alarm_path
        .send_replace(Some(PathFault::Overdue(overdue)));
    let sentence = "La catena degli allarmi non risponde dalle 03:07: la lettura di prova";
    let told = text(site.get_with(ADDRESS, &cookie).await).await;
    assert!(told.starts_with(sentence), "{told}");
    let page = text(site.get_with("/", &cookie).await).await;
    assert!(page.contains(sentence), "{page}");
}
