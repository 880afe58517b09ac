//! What the intake stores, answers and refuses, with a disk that can be filled and failed.

// req: G4

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tempfile::TempDir;
use veglia_journal::fake::FaultyFilesystem;
use veglia_journal::{Item, JournalReader, Options, SegmentedLog};
use veglia_link::Incoming;
use veglia_link::receiver::fake::FakeGateways;
use veglia_wire::frame::crc32c;
use veglia_wire::{
    Ack, Body, Boot, Clock, ClockState, DeviceId, FrameHeader, MonoMs, Quality, Record,
    RefusalReason, Site, Vital, VitalKind, When,
};

use super::*;

mod story;

const NOON: WallMs = WallMs(1_603_188_000_000);

/// A clock that is set by hand.
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> WallMs {
        WallMs(self.0.load(Ordering::SeqCst))
    }
}

/// An intake on a disk of its own, and one gateway that speaks to it.
struct Bench {
    disk: FaultyFilesystem,
    intake: Intake<SegmentedLog<FaultyFilesystem>>,
    gateways: FakeGateways,
    gateway: GatewayId,
    quarantine: TempDir,
    care: Arc<Hand>,
    /// The newest row of the diary.
    changes: Arc<AtomicI64>,
}

impl Bench {
    fn new() -> Self {
        let disk = FaultyFilesystem::new();
        let (journal, _) =
            SegmentedLog::open(disk.clone(), Path::new("journal"), Options::default()).unwrap();
        let quarantine = tempfile::tempdir().unwrap();
        let kept = Quarantine::open(quarantine.path()).unwrap();
        let care = Arc::new(Hand(AtomicI64::new(NOON.0)));
        let changes = Arc::new(AtomicI64::new(0));
        let diary = Arc::clone(&changes);
        let news = News::new(Box::new(move || Some(diary.load(Ordering::SeqCst))), 0);
        let clock = CareClock::real(care.clone());
        let figures = Figures::default();
        let (ledger, marks) = (Ledger::default(), Retention::default());
        let (intake, _) =
            Intake::start(journal, ledger, kept, clock, news, figures, marks).unwrap();
        let gateway = GatewayId::new("casa-12").unwrap();
        Self {
            disk,
            intake,
            gateways: FakeGateways::new(),
            gateway,
            quarantine,
            care,
            changes,
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), IntakeError> {
        let parcel = self.gateways.parcel(&self.gateway, bytes.to_vec());
        self.intake.commit([Arrival::Frame(parcel)].into_iter())
    }

    fn greet(&mut self, oldest: u64, newest: u64) {
        let hello = Hello {
            epoch: Epoch(7),
            oldest: Sequence::new(oldest),
            newest: Sequence::new(newest),
            software: "0.1.0".into(),
            clock: ClockState::Holdover,
            boot: Boot(1),
            session: None,
        };
        let Incoming::Hello {
            gateway,
            hello,
            reply,
        } = self.gateways.hello(&self.gateway, hello)
        else {
            panic!("a greeting is a greeting");
        };
        self.intake
            .commit([Arrival::Hello(gateway, hello, reply)].into_iter())
            .unwrap();
    }

    fn answer(&self) -> Option<Ack> {
        self.gateways
            .acks(WallMs(0))
            .into_iter()
            .next()
            .map(|(_, ack)| ack)
    }

    /// The entries of the journal, without the tick it begins with.
    fn journal(&self) -> Vec<Entry> {
        let items = self
            .intake
            .journal
            .reader()
            .read(Position::FIRST.next(), 1 << 20)
            .unwrap();
        let entry = |item| match item {
            Item::Entry(entry) => Entry::decode(&entry.bytes).unwrap(),
            damaged @ Item::Damaged { .. } => panic!("{damaged:?}"),
        };
        items.into_iter().map(entry).collect()
    }

    /// What the journal says to a ledger that knows nothing.
    fn folded(&self) -> Ledger {
        let mut folded = Ledger::default();
        for (entry, place) in self.journal().iter().zip(2..) {
            folded.follow(Position::new(place).unwrap(), entry);
        }
        folded
    }

    fn in_quarantine(&self) -> usize {
        std::fs::read_dir(self.quarantine.path()).unwrap().count()
    }
}

fn frame_of(gateway: &str, first: u64, count: u8) -> Vec<u8> {
    let when = When {
        boot: Boot(1),
        mono: MonoMs(5),
        wall: None,
        device: None,
    };
    let record = Record {
        device: None,
        when,
        body: Body::Clock,
    };
    let header = FrameHeader {
        gateway: GatewayId::new(gateway).unwrap(),
        epoch: Epoch(7),
        first: Sequence::new(first).unwrap(),
        count,
    };
    let records = vec![record; usize::from(count)];
    let frame = UpFrame {
        header,
        sent_at: None,
        clock: ClockState::Holdover,
        records,
    };
    frame.encode().unwrap()
}

fn frame(first: u64, count: u8) -> Vec<u8> {
    frame_of("casa-12", first, count)
}

/// A frame whose CRCs are right and whose body names a clock state that does not exist.
fn foreign(first: u64, count: u8) -> Vec<u8> {
    let mut bytes = frame(first, count);
    // The body begins: map of twelve, 1, null, 2, clock state.
    let body = bytes
        .windows(4)
        .position(|four| four == [0xac, 0x01, 0xf6, 0x02])
        .unwrap();
    bytes[body + 4] = 0x09;
    // It ends before the CRC: 1a and four bytes.
    let end = bytes.len() - 5;
    let crc = crc32c(&bytes[body..end]);
    bytes[end + 1..].copy_from_slice(&crc.to_be_bytes());
    bytes
}

/// A frame of the next version of the format, undamaged.
fn newer(first: u64, count: u8) -> Vec<u8> {
    let mut bytes = frame(first, count);
    // [array, bytes(n), map of five, key 1, version …]: the version follows the first key.
    assert_eq!(bytes[2..5], [0xa5, 0x01, 0x01]);
    bytes[4] = 2;
    let end = 2 + usize::from(bytes[1] & 0x1f);
    let crc = crc32c(&bytes[2..end]);
    bytes[end + 1..end + 5].copy_from_slice(&crc.to_be_bytes());
    bytes
}

fn through(number: u64) -> Option<Sequence> {
    Sequence::new(number)
}

#[test]
fn a_frame_is_stored_once_and_acknowledged_as_often_as_it_comes() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        bench.take(&frame(1, 4)).unwrap();
        assert_eq!(bench.answer().unwrap().through, through(4));
    }
    assert_eq!(bench.journal().len(), 1);
    assert_eq!(bench.intake.figures.snapshot().repeated, 2);
}

#[test]
fn a_frame_that_overlaps_is_stored_without_what_is_known() {
    let mut bench = Bench::new();
    bench.take(&frame(1, 4)).unwrap();
    bench.take(&frame(3, 4)).unwrap();
    assert_eq!(bench.answer().unwrap().through, through(6));
    let skips: Vec<u8> = bench
        .journal()
        .iter()
        .map(|entry| match entry {
            Entry::Frame { skip, .. } => *skip,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(skips, [0, 2]);
}

#[test]
fn a_frame_after_a_hole_is_not_stored_and_the_missing_one_is_asked_for() {
    let mut bench = Bench::new();
    bench.take(&frame(1, 4)).unwrap();
    bench.take(&frame(9, 4)).unwrap();
    let answer = bench.answer().unwrap();
    assert_eq!((answer.through, answer.expected), (through(4), through(5)));
    assert_eq!(bench.journal().len(), 1);
}

#[test]
fn what_the_disk_does_not_take_is_not_acknowledged_and_comes_again() {
    let mut bench = Bench::new();
    bench.disk.set_free_bytes(Some(0));
    bench.take(&frame(1, 4)).unwrap();
    assert_eq!(bench.answer(), None);
    assert!(bench.intake.figures.snapshot().disk_full);
    bench.disk.set_free_bytes(None);
    bench.take(&frame(1, 4)).unwrap();
    assert_eq!(bench.answer().unwrap().through, through(4));
    assert_eq!(bench.journal().len(), 1);
}

#[test]
fn a_change_that_the_disk_does_not_take_is_written_with_the_next_batch_once() {
    let mut bench = Bench::new();
    bench.disk.set_free_bytes(Some(0));
    bench.changes.store(3, Ordering::SeqCst);
    bench.intake.commit([Arrival::Look].into_iter()).unwrap();
    bench.disk.set_free_bytes(None);
    for _ in 0..2 {
        let arrivals = [Arrival::Look, Arrival::Tick];
        bench.intake.commit(arrivals.into_iter()).unwrap();
    }
    let written = bench.journal();
    assert!(
        matches!(
            written[..],
            [
                Entry::Change { id: 3, .. },
                Entry::Tick { .. },
                Entry::Tick { .. }
            ]
        ),
        "{written:?}"
    );
}

#[test]
fn a_disk_that_does_not_confirm_ends_the_intake_without_a_word() {
    let mut bench = Bench::new();
    bench.disk.fail_sync_after(0);
    let error = bench.take(&frame(1, 4)).unwrap_err();
    assert!(matches!(error, IntakeError::Journal(_)), "{error}");
    assert_eq!(bench.answer(), None);
}

#[test]
fn a_damaged_frame_is_kept_aside_and_asked_for_again() {
    let mut bench = Bench::new();
    let mut bytes = frame(1, 4);
    let in_body = bytes.len() - 6;
    bytes[in_body] ^= 0x10;
    bench.take(&bytes).unwrap();
    let answer = bench.answer().unwrap();
    assert_eq!((answer.through, answer.expected), (None, through(1)));
    assert_eq!((bench.in_quarantine(), bench.journal().len()), (1, 0));
    bench.take(&frame(1, 4)).unwrap();
    assert_eq!(bench.answer().unwrap().through, through(4));
}

#[test]
fn bytes_that_are_no_frame_are_kept_aside_and_not_answered() {
    let mut bench = Bench::new();
    bench.take(b"no frame at all").unwrap();
    assert_eq!((bench.answer(), bench.in_quarantine()), (None, 1));
}

#[test]
fn a_frame_that_is_not_understood_is_refused_kept_and_does_not_block_its_gateway() {
    let mut bench = Bench::new();
    bench.take(&foreign(1, 4)).unwrap();
    let answer = bench.answer().unwrap();
    let refused = answer.refused.unwrap();
    assert_eq!((refused.from.get(), refused.to.get()), (1, 4));
    assert_eq!(refused.reason, RefusalReason::Undecodable);
    assert_eq!(bench.in_quarantine(), 1);
    assert!(matches!(bench.journal()[..], [Entry::Refused { .. }]));
    bench.take(&frame(5, 2)).unwrap();
    assert_eq!(bench.answer().unwrap().through, through(6));
}

#[test]
fn a_frame_of_a_newer_version_is_refused_and_its_gateway_is_told_so() {
    let mut bench = Bench::new();
    bench.take(&newer(1, 4)).unwrap();
    let refused = bench.answer().unwrap().refused.unwrap();
    assert_eq!((refused.from.get(), refused.to.get()), (1, 4));
    assert_eq!(refused.reason, RefusalReason::NewerVersion);
    assert_eq!(bench.in_quarantine(), 1);
    assert_eq!(bench.intake.figures.snapshot().refused, 4);
    // It does not come between what is older and what is understood again.
    bench.take(&frame(5, 2)).unwrap();
    assert_eq!(bench.answer().unwrap().through, through(6));
    let folded = bench.folded();
    assert_eq!(folded, bench.intake.ledger);
    // Damaged on the way it is asked for again, like any other.
    let mut bytes = newer(7, 2);
    let in_body = bytes.len() - 6;
    bytes[in_body] ^= 0x10;
    bench.take(&bytes).unwrap();
    let answer = bench.answer().unwrap();
    assert_eq!((answer.refused, answer.expected), (None, through(7)));
}

#[test]
fn a_frame_may_not_speak_for_another_gateway_than_its_topic() {
    let mut bench = Bench::new();
    bench.take(&frame_of("casa-99", 1, 4)).unwrap();
    assert_eq!((bench.answer(), bench.in_quarantine()), (None, 1));
    assert_eq!(bench.journal(), []);
}

#[test]
fn a_greeting_is_told_what_is_on_disk() {
    let mut bench = Bench::new();
    bench.greet(1, 4);
    assert_eq!(bench.answer().unwrap().through, None);
    bench.take(&frame(1, 4)).unwrap();
    bench.greet(1, 4);
    assert_eq!(bench.answer().unwrap().through, through(4));
}

#[test]
fn records_that_nobody_has_any_more_are_written_down_as_lost() {
    let mut bench = Bench::new();
    bench.take(&frame(1, 4)).unwrap();
    bench.greet(9, 12);
    assert_eq!(bench.answer().unwrap().through, through(8));
    let journal = bench.journal();
    let Some(Entry::Gone { from, to, .. }) = journal.last() else {
        panic!("{journal:?}")
    };
    assert_eq!((from.get(), to.get()), (5, 8));
    bench.take(&frame(9, 4)).unwrap();
    assert_eq!(bench.answer().unwrap().through, through(12));
}

#[test]
fn a_ledger_folded_from_the_journal_knows_what_the_intake_knew() {
    let mut bench = Bench::new();
    bench.take(&frame(1, 4)).unwrap();
    bench.greet(9, 12);
    bench.take(&foreign(9, 4)).unwrap();
    let folded = bench.folded();
    assert_eq!(folded, bench.intake.ledger);
    assert_eq!(folded.through(&bench.gateway, Epoch(7)), through(12));
}

/// A frame with one reading, and what the gateway knew of its time.
fn reading(first: u64, mono: u64, wall: Option<WallMs>) -> Vec<u8> {
    let vital = Vital::from_steps(VitalKind::SpO2, 970, Site::Unknown).unwrap();
    let record = Record {
        device: Some(DeviceId::new("nonin:501234").unwrap()),
        when: When {
            boot: Boot(1),
            mono: MonoMs(mono),
            wall,
            device: None,
        },
        body: Body::Reading(vital, Quality::empty()),
    };
    let header = FrameHeader {
        gateway: GatewayId::new("casa-12").unwrap(),
        epoch: Epoch(7),
        first: Sequence::new(first).unwrap(),
        count: 1,
    };
    let frame = UpFrame {
        header,
        sent_at: None,
        clock: ClockState::Unknown,
        records: vec![record],
    };
    frame.encode().unwrap()
}

#[test]
fn a_frame_without_a_time_is_acknowledged_at_once_and_dated_when_its_clock_is_known() {
    let mut bench = Bench::new();
    bench.take(&reading(1, 1_000, None)).unwrap();
    assert_eq!(bench.answer().unwrap().through, through(1));
    let later = NOON.plus_ms(60_000);
    bench.care.0.store(later.0, Ordering::SeqCst);
    bench.take(&reading(2, 61_000, Some(later))).unwrap();
    let journal = bench.journal();
    let [
        Entry::Frame { bytes: first, .. },
        Entry::Frame { .. },
        dated,
    ] = &journal[..]
    else {
        panic!("{journal:?}")
    };
    let expected = Entry::Dated {
        at: later,
        received: NOON,
        frame: 2,
        boot: Boot(1),
        zero: NOON.plus_ms(-1_000),
        is_exact: true,
        skip: 0,
        bytes: first.clone(),
    };
    assert_eq!(*dated, expected);
    assert_eq!(bench.folded(), bench.intake.ledger);
}

#[test]
fn a_frame_that_the_disk_could_not_date_is_dated_at_the_next_tick_once() {
    let mut bench = Bench::new();
    bench.take(&reading(1, 1_000, None)).unwrap();
    bench.take(&frame(2, 1)).unwrap();
    let later = NOON.plus_ms(3_600_000);
    bench.care.0.store(later.0, Ordering::SeqCst);
    bench.disk.set_free_bytes(Some(0));
    bench.intake.commit([Arrival::Tick].into_iter()).unwrap();
    bench.disk.set_free_bytes(None);
    for _ in 0..2 {
        bench.intake.commit([Arrival::Tick].into_iter()).unwrap();
    }
    let journal = bench.journal();
    let is_dated = |entry: &&Entry| {
        matches!(
            entry,
            Entry::Dated {
                is_exact: false,
                ..
            }
        )
    };
    assert_eq!(journal.iter().filter(is_dated).count(), 1, "{journal:?}");
    assert_eq!(bench.folded(), bench.intake.ledger);
}

#[test]
fn a_change_written_before_a_frame_came_stands_before_it_in_the_journal() {
    let mut bench = Bench::new();
    bench.changes.store(5, Ordering::SeqCst);
    bench.take(&frame(1, 1)).unwrap();
    bench.take(&frame(2, 1)).unwrap();
    let journal = bench.journal();
    let is_ordered = matches!(
        journal[..],
        [
            Entry::Change { id: 5, .. },
            Entry::Frame { .. },
            Entry::Frame { .. }
        ]
    );
    assert!(is_ordered, "{journal:?}");
}
