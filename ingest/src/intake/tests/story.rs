//! Devices that change hands, boxes without a clock, and an intake that writes the journal of it:
//! what the rules make of that journal, watched, replayed, shuffled and after a restart.

// req: G7

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use veglia_diary::{
    AssignmentId, AttributionId, Saying, Told, answer_whose, assign_device, correct_whose,
    end_assignment, newest_change, share_device,
};
use veglia_journal::HostFilesystem;
use veglia_store::{Actor, Database, Purpose};
use veglia_triage::{FlagId, PatientId, RuleSet};
use veglia_view::{Latest, Row, Waits, is_stand_in};

use super::*;
use crate::fold::{self, Fold};
use crate::memory::{Beside, Memory};
use crate::replay::{Order, replay};
use crate::sources::Sources;
use crate::waiting::Waiting;

mod attributed;
mod homes;
mod mended;
mod sessions;
mod shared;

const ANNA: PatientId = PatientId::new(0xA);
const BRUNO: PatientId = PatientId::new(0xB);
const ACTOR: Actor = Actor::System("story");
const MINUTE_MS: i64 = 60_000;

/// Restarts tried in one story: all of a short one.
const RESTARTS: usize = 16;

/// A centre, a box with one oximeter, and a journal on a real disk.
struct Story {
    folder: TempDir,
    record: Database,
    intake: Intake<SegmentedLog>,
    clock: Arc<Hand>,
    changes: Arc<AtomicI64>,
    gateways: FakeGateways,
    sent: u64,
}

/// What was made of a journal.
#[derive(Debug, PartialEq)]
struct Meaning {
    standing: Vec<FlagId>,
    /// Those of them that call people.
    confirmed: Vec<FlagId>,
    /// Whose flags rest on readings of which times, withdrawn ones included.
    evidence: BTreeSet<(PatientId, WallMs)>,
    /// The same of flags that stand.
    resting: BTreeSet<(PatientId, WallMs)>,
    rows: BTreeMap<PatientId, Row>,
}

impl Meaning {
    fn flagged(&self) -> Vec<PatientId> {
        let people = self.standing.iter().map(|id| id.patient);
        people.filter(|it| !is_stand_in(*it)).collect()
    }

    /// Flags of somebody unknown that stand.
    fn unknown(&self) -> usize {
        let flags = self.standing.iter();
        flags.filter(|id| is_stand_in(id.patient)).count()
    }

    /// What waits to be told whose it is.
    fn waiting(&self) -> Vec<&Waits> {
        let rows = self.rows.values();
        rows.filter_map(|row| row.waits.as_ref()).collect()
    }

    /// What a row shows, and whether its time is uncertain.
    fn shown(&self, patient: PatientId) -> Option<(WallMs, bool)> {
        let latest = self.rows.get(&patient)?.latest(VitalKind::SpO2)?;
        let is_uncertain = latest.quality.contains(Quality::TIME_UNCERTAIN);
        Some((latest.at, is_uncertain))
    }
}

fn oximeter() -> DeviceId {
    DeviceId::new("nonin:501234").unwrap()
}

fn red(boot: u32, mono: u64, wall: Option<WallMs>) -> Record {
    saturation(boot, mono, wall, 85)
}

fn saturation(boot: u32, mono: u64, wall: Option<WallMs>, percent: i32) -> Record {
    let vital = Vital::from_steps(VitalKind::SpO2, percent * 10, Site::Unknown).unwrap();
    Record {
        device: Some(oximeter()),
        when: When {
            boot: Boot(boot),
            mono: MonoMs(mono),
            wall,
            device: None,
        },
        body: Body::Reading(vital, Quality::empty()),
    }
}

fn clock(boot: u32, mono: u64, wall: Option<WallMs>) -> Record {
    Record {
        device: None,
        body: Body::Clock,
        ..saturation(boot, mono, wall, 97)
    }
}

impl Story {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.db");
        let record = Database::open(&path, Purpose::Record, &[veglia_diary::SCHEMA]);
        let path = folder.path().join("journal");
        let (journal, _) = SegmentedLog::open(HostFilesystem, &path, Options::default()).unwrap();
        let quarantine = Quarantine::open(&folder.path().join("quarantine")).unwrap();
        let clock = Arc::new(Hand(AtomicI64::new(NOON.0)));
        let changes = Arc::new(AtomicI64::new(0));
        let diary = Arc::clone(&changes);
        let news = News::new(Box::new(move || Some(diary.load(Ordering::SeqCst))), 0);
        let (intake, _) = Intake::start(
            journal,
            Ledger::default(),
            quarantine,
            CareClock::real(clock.clone()),
            news,
            Figures::default(),
            Retention::default(),
        )
        .unwrap();
        Self {
            record: record.await.unwrap(),
            folder,
            intake,
            clock,
            changes,
            gateways: FakeGateways::new(),
            sent: 0,
        }
    }

    /// So many minutes after noon.
    fn at(&self, minute: i64) -> WallMs {
        let now = NOON.plus_ms(minute * MINUTE_MS);
        self.clock.0.store(now.0, Ordering::SeqCst);
        now
    }

    async fn assign(&self, patient: PatientId, from: WallMs) -> AssignmentId {
        let id = assign_device(&self.record, &ACTOR, &oximeter(), patient, from, from).await;
        self.written().await;
        id.unwrap()
    }

    async fn end(&self, assignment: AssignmentId, until: WallMs) {
        let ended = end_assignment(&self.record, &ACTOR, assignment, until, until).await;
        ended.unwrap();
        self.written().await;
    }

    /// The intake's next look at the diary finds what is there now.
    async fn written(&self) {
        let newest = newest_change(&self.record, &ACTOR).await.unwrap();
        self.changes.store(newest.0, Ordering::SeqCst);
    }

    fn send(&mut self, records: Vec<Record>) {
        let gateway = GatewayId::new("casa-12").unwrap();
        let count = u8::try_from(records.len()).unwrap();
        let header = FrameHeader {
            gateway: gateway.clone(),
            epoch: Epoch(7),
            first: Sequence::FIRST.plus(self.sent),
            count,
        };
        self.sent += u64::from(count);
        let frame = UpFrame {
            header,
            sent_at: None,
            clock: ClockState::Unknown,
            records,
        };
        let parcel = self.gateways.parcel(&gateway, frame.encode().unwrap());
        self.intake
            .commit([Arrival::Frame(parcel)].into_iter())
            .unwrap();
    }

    fn tick(&mut self) {
        let arrivals = [Arrival::Look, Arrival::Tick];
        self.intake.commit(arrivals.into_iter()).unwrap();
    }

    fn entries(&self) -> Vec<(Position, Entry)> {
        let mut reader = self.intake.journal.reader();
        let items = reader.read(Position::FIRST, 1 << 24).unwrap();
        let entries = items.into_iter().map(|item| match item {
            Item::Entry(entry) => (entry.position, Entry::decode(&entry.bytes).unwrap()),
            damaged @ Item::Damaged { .. } => panic!("{damaged:?}"),
        });
        entries.collect()
    }

    /// What the watch makes of the journal, if it is stopped and started before an entry.
    async fn watched(&self, restart: Option<usize>) -> Meaning {
        let mut fold = Fold::resume(self.record.clone(), RuleSet::shipped(), HashMap::new(), 0)
            .await
            .unwrap();
        let mut flags: BTreeMap<FlagId, Told> = BTreeMap::new();
        let mut ledger = Ledger::default();
        for (place, (position, entry)) in self.entries().iter().enumerate() {
            if restart == Some(place) {
                (fold, ledger) = self.restarted(fold, ledger, *position).await;
            }
            ledger.follow(*position, entry);
            let mut told = fold::Told::default();
            fold.take(entry, &mut told).await.unwrap();
            for (verdict, at) in told.verdicts {
                let id = verdict.id().clone();
                let known = Told::after(flags.remove(&id), verdict, at).unwrap();
                flags.insert(id, known);
            }
        }
        let waiting = &self.intake.ledger.undated;
        assert_eq!(&ledger.undated, waiting, "the intake knows the same");
        let rows = fold.patients.into_iter();
        Meaning {
            standing: standing(&flags),
            confirmed: confirmed(&flags),
            evidence: evidence(flags.values()),
            resting: evidence(flags.values().filter(|told| told.stands())),
            rows: rows.map(|(patient, known)| (patient, known.row)).collect(),
        }
    }

    /// Through the file that it remembers by.
    async fn restarted(&self, fold: Fold, ledger: Ledger, next: Position) -> (Fold, Ledger) {
        let dir = tempfile::tempdir_in(self.folder.path()).unwrap();
        let memory = Memory::open(dir.path()).await.unwrap();
        let beside = Beside {
            change: fold.change(),
            ledger: &ledger,
            waiting: fold.waiting.unsaved(),
            sources: fold.sources.saved(),
            lives: fold.lives(),
            gone: &HashSet::new(),
        };
        memory
            .keep(next, beside, fold.patients.values())
            .await
            .unwrap();
        let remembered = memory.load().await.unwrap();
        let resumed = Fold::resume(
            self.record.clone(),
            RuleSet::shipped(),
            remembered.patients,
            remembered.change,
        );
        let mut resumed = resumed.await.unwrap();
        resumed.waiting = Waiting::remembered(remembered.waiting);
        resumed.sources = Sources::remembered(remembered.sources);
        resumed.ticks = remembered.ledger.ticks;
        (resumed, remembered.ledger)
    }

    /// What everybody makes of the journal: the watch, the watch restarted at any place, and a
    /// replay in the order of arrival and in others.
    async fn meaning(self) -> Meaning {
        let meaning = self.watched(None).await;
        let entries = self.entries().len();
        for place in (0..entries).step_by(entries / RESTARTS + 1) {
            assert_eq!(
                self.watched(Some(place)).await,
                meaning,
                "restarted at {place}"
            );
        }
        let Self {
            folder,
            record,
            intake,
            ..
        } = self;
        drop(intake);
        let orders = (1..6).map(Order::Shuffled);
        for order in orders.chain([Order::Arrival]) {
            let replayed = replay(folder.path(), record.clone(), order, RuleSet::shipped())
                .await
                .unwrap();
            assert_eq!(standing(&replayed.told), meaning.standing, "{order:?}");
        }
        meaning
    }
}

fn evidence<'a>(flags: impl Iterator<Item = &'a Told>) -> BTreeSet<(PatientId, WallMs)> {
    let evidence = flags.flat_map(|told| {
        let readings = told.flag.evidence.iter();
        readings.map(|reading| (told.flag.id.patient, reading.at))
    });
    evidence.collect()
}

fn standing(flags: &BTreeMap<FlagId, Told>) -> Vec<FlagId> {
    let standing = flags.iter().filter(|(_, told)| told.stands());
    standing.map(|(id, _)| id.clone()).collect()
}

fn confirmed(flags: &BTreeMap<FlagId, Told>) -> Vec<FlagId> {
    let confirmed = flags
        .iter()
        .filter(|(_, told)| told.stands() && told.flag.standing.is_confirmed());
    confirmed.map(|(id, _)| id.clone()).collect()
}

/// Anna has the oximeter for an hour, Bruno has it from ten minutes later on.
async fn handed_over(story: &Story) {
    let anna = story.assign(ANNA, story.at(0)).await;
    story.end(anna, story.at(60)).await;
    story.assign(BRUNO, story.at(70)).await;
}

#[tokio::test]
async fn what_a_box_without_a_clock_measured_is_whose_it_was_and_not_whose_it_is() {
    let mut story = Story::new().await;
    handed_over(&story).await;
    // It was off line from noon on, without a clock, and comes back with Bruno.
    story.at(90);
    story.send(vec![clock(1, 1, None), red(1, 30 * 60_000, None)]);
    story.send(vec![saturation(1, 80 * 60_000, None, 97)]);
    let nothing_yet = story.watched(None).await;
    assert_eq!(
        nothing_yet.rows,
        BTreeMap::new(),
        "nobody knows whose it is"
    );
    let told = story.at(91);
    story.send(vec![clock(1, 91 * 60_000, Some(told))]);
    let meaning = story.meaning().await;
    assert_eq!(meaning.flagged(), [ANNA]);
    let minute = |minute: i64| NOON.plus_ms(minute * MINUTE_MS);
    assert_eq!(meaning.shown(ANNA), Some((minute(30), false)));
    assert_eq!(meaning.shown(BRUNO), Some((minute(80), false)));
}

#[tokio::test]
async fn what_no_clock_ever_dates_is_nobodys_once_the_device_had_two_wearers() {
    let mut story = Story::new().await;
    handed_over(&story).await;
    story.at(90);
    story.send(vec![red(1, 30 * 60_000, None), red(1, 31 * 60_000, None)]);
    story.at(120);
    story.tick();
    let entries = story.entries();
    let is_dated = |(_, entry): &&(Position, Entry)| {
        matches!(
            entry,
            Entry::Dated {
                is_exact: false,
                ..
            }
        )
    };
    assert_eq!(entries.iter().filter(is_dated).count(), 1);
    let meaning = story.meaning().await;
    assert_eq!((meaning.flagged(), meaning.rows), (vec![], BTreeMap::new()));
}

#[tokio::test]
async fn what_a_box_doubts_is_nobodys_once_the_device_had_two_wearers() {
    let mut story = Story::new().await;
    handed_over(&story).await;
    let now = story.at(90);
    let doubted = Body::Reading(
        Vital::from_steps(VitalKind::SpO2, 840, Site::Unknown).unwrap(),
        Quality::TIME_UNCERTAIN | Quality::FROM_STORAGE,
    );
    let told = saturation(1, 60_000, Some(now), 84);
    story.send(vec![Record {
        body: doubted,
        ..told
    }]);
    story.tick();
    let meaning = story.meaning().await;
    assert_eq!((meaning.flagged(), meaning.rows), (vec![], BTreeMap::new()));
}

#[tokio::test]
async fn what_has_no_time_is_shown_at_once_to_the_only_wearer_and_judged_when_it_is_dated() {
    let mut story = Story::new().await;
    story.assign(ANNA, story.at(0)).await;
    let received = story.at(30);
    story.send(vec![red(1, 60_000, None), red(1, 120_000, None)]);
    let shown = story.watched(None).await;
    assert_eq!(shown.shown(ANNA), Some((received, true)));
    assert_eq!(shown.flagged(), [], "without a time nothing is judged");
    let told = story.at(31);
    story.send(vec![clock(1, 29 * 60_000, Some(told))]);
    let meaning = story.meaning().await;
    assert_eq!(
        meaning.shown(ANNA),
        Some((told.plus_ms(-27 * MINUTE_MS), false))
    );
    assert_eq!(meaning.flagged(), [ANNA]);
}

#[tokio::test]
async fn a_reading_after_a_hand_over_that_nobody_has_noticed_yet_is_the_new_wearers() {
    let mut story = Story::new().await;
    let anna = story.assign(ANNA, story.at(0)).await;
    story.tick();
    let now = story.at(60);
    story.end(anna, now).await;
    story.assign(BRUNO, now).await;
    // No tick and no look in between: the frame itself has the diary asked.
    story.send(vec![red(1, 60_000, Some(now.plus_ms(1_000)))]);
    let meaning = story.meaning().await;
    assert_eq!(meaning.flagged(), [BRUNO]);
}

#[tokio::test]
async fn readings_before_an_assignment_was_written_are_judged_for_the_new_wearer() {
    let mut story = Story::new().await;
    let anna = story.assign(ANNA, story.at(0)).await;
    story.end(anna, story.at(10)).await;
    let old = story.at(20);
    story.send(vec![red(1, 1, Some(old))]);
    // Bruno has it from here on, and so says the diary a little later.
    let given = story.at(100);
    story.send(vec![
        saturation(1, 10, Some(given.plus_ms(-30_000)), 84),
        red(1, 20, Some(given.plus_ms(30_000))),
        saturation(1, 30, Some(given.plus_ms(60_000)), 97),
    ]);
    story.tick();
    let waiting = story.watched(None).await;
    assert_eq!(waiting.waiting().len(), 4, "each may be another's");
    assert_eq!((waiting.flagged(), waiting.unknown()), (vec![], 3));
    story.at(103);
    story.assign(BRUNO, given).await;
    story.tick();
    let meaning = story.meaning().await;
    assert_eq!(meaning.flagged(), [BRUNO]);
    assert_eq!(meaning.shown(BRUNO), Some((given.plus_ms(60_000), false)));
    let mut of_bruno = meaning.evidence.iter().filter(|(who, _)| *who == BRUNO);
    assert!(of_bruno.all(|(_, at)| *at >= given));
}

#[tokio::test]
async fn readings_of_a_drawer_are_not_judged_for_whoever_gets_the_device_days_later() {
    let mut story = Story::new().await;
    let measured = story.at(0);
    story.send(vec![red(1, 1, Some(measured))]);
    story.at(48 * 60 + 1);
    story.tick();
    story.assign(BRUNO, measured).await;
    story.tick();
    let meaning = story.meaning().await;
    assert_eq!(meaning.flagged(), []);
    assert_eq!(meaning.unknown(), 1, "a red waits until a person closes it");
}

/// Hand-overs and outages drawn at random, and the truth about whose each reading is.
async fn lived(seed: u64) -> (Story, BTreeSet<(PatientId, WallMs)>) {
    let mut chance = fastrand::Rng::with_seed(seed);
    let mut story = Story::new().await;
    let mut truth = BTreeSet::new();
    let mut wearer: Option<(PatientId, AssignmentId)> = None;
    let mut pending = Vec::new();
    let (mut boot, mut zero, mut has_clock) = (1, story.at(0), false);
    for minute in 1..90 {
        let now = story.at(minute);
        match chance.u8(..12) {
            0 => {
                if let Some((_, assignment)) = wearer.take() {
                    story.end(assignment, now).await;
                } else {
                    let patient = *chance.choice([&ANNA, &BRUNO]).unwrap();
                    wearer = Some((patient, story.assign(patient, now).await));
                }
            }
            1 => (boot, zero, has_clock) = (boot + 1, now, false),
            2 => has_clock = true,
            _ => {}
        }
        let at = now.plus_ms(i64::from(chance.u16(1_000..50_000)));
        let mono = at.since(zero).unsigned_abs();
        pending.push(red(boot, mono, has_clock.then_some(at)));
        if let Some((patient, _)) = wearer {
            truth.insert((patient, at));
        }
        // On line one minute in three.
        if minute % 9 > 5 {
            story.clock.0.store(at.0, Ordering::SeqCst);
            story.send(std::mem::take(&mut pending));
        }
    }
    story.at(120);
    story.tick();
    (story, truth)
}

#[tokio::test]
async fn whatever_happens_no_flag_rests_on_a_reading_of_another_patient() {
    for seed in 1..8 {
        let (story, truth) = lived(seed).await;
        let meaning = story.watched(None).await;
        assert!(!meaning.evidence.is_empty(), "seed {seed} makes no flags");
        let of_people = meaning.evidence.iter();
        for one in of_people.filter(|(who, _)| !is_stand_in(*who)) {
            assert!(truth.contains(one), "seed {seed}: {one:?}");
        }
        let of_people = meaning.rows.iter();
        for (patient, row) in of_people.filter(|(who, _)| !is_stand_in(**who)) {
            let is_known = |it: &&Latest| !it.quality.contains(Quality::TIME_UNCERTAIN);
            for latest in row.latest.iter().filter(is_known) {
                assert!(
                    truth.contains(&(*patient, latest.at)),
                    "seed {seed}: {latest:?}"
                );
            }
        }
        story.meaning().await;
    }
}
