//! Homes whose boxes start without a clock, as the intake hears them.

// req: G4

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use veglia_wire::{
    Body, ClockState, DeviceId, Epoch, FrameHeader, MonoMs, Quality, Record, RecordId, Sequence,
    Site, Vital, VitalKind, When,
};

use super::*;
use crate::dating::{Records, Time};

const NOON: WallMs = WallMs(1_603_188_000_000);

fn record(boot: u32, mono: u64, wall: Option<WallMs>) -> Record {
    let vital = Vital::from_steps(VitalKind::SpO2, 970, Site::Unknown).unwrap();
    Record {
        device: Some(DeviceId::new("nonin:501234").unwrap()),
        when: When {
            boot: Boot(boot),
            mono: MonoMs(mono),
            wall,
            device: None,
        },
        body: Body::Reading(vital, Quality::empty()),
    }
}

/// A journal of which only what is undated is of interest.
#[derive(Default)]
struct Journal {
    entries: Vec<Entry>,
    undated: Undated,
    sent: u64,
}

impl Journal {
    fn append(&mut self, entry: Entry) {
        let place = u64::try_from(self.entries.len()).unwrap() + 1;
        self.undated.follow(Position::new(place).unwrap(), &entry);
        self.entries.push(entry);
    }

    fn receive(&mut self, at: WallMs, records: Vec<Record>) {
        let header = FrameHeader {
            gateway: GatewayId::new("casa-1").unwrap(),
            epoch: Epoch(7),
            first: Sequence::FIRST.plus(self.sent),
            count: u8::try_from(records.len()).unwrap(),
        };
        self.sent += u64::try_from(records.len()).unwrap();
        let frame = UpFrame {
            header,
            sent_at: None,
            clock: ClockState::Unknown,
            records,
        };
        let bytes = frame.encode().unwrap();
        self.append(Entry::Frame { at, skip: 0, bytes });
        self.date(at);
    }

    /// What the intake does after each batch.
    fn date(&mut self, now: WallMs) {
        for due in self.undated.due(now, usize::MAX) {
            let place = usize::try_from(due.position - 1).unwrap();
            let Entry::Frame { bytes, .. } = self.entries[place].clone() else {
                panic!("only frames wait");
            };
            self.append(Entry::Dated {
                at: now,
                received: due.received,
                frame: due.position,
                boot: due.boot,
                zero: due.zero,
                is_exact: due.is_exact,
                skip: due.skip,
                bytes,
            });
        }
    }

    /// Every final time that was given, by record.
    fn times(&self) -> BTreeMap<RecordId, Vec<Time>> {
        let mut times: BTreeMap<RecordId, Vec<Time>> = BTreeMap::new();
        for dated in self.entries.iter().filter_map(Records::of) {
            for it in dated.dated() {
                let known = times.entry(it.id).or_default();
                if !matches!(it.time, Time::Awaited(_)) {
                    known.push(it.time);
                }
            }
        }
        times
    }
}

fn only(times: &BTreeMap<RecordId, Vec<Time>>) -> Vec<Time> {
    let all = times.values().map(|of_one| match of_one[..] {
        [time] => time,
        _ => panic!("dated {} times", of_one.len()),
    });
    all.collect()
}

#[test]
fn a_clock_that_becomes_known_dates_what_its_boot_measured_before() {
    let mut journal = Journal::default();
    let zero = NOON.plus_ms(-3_600_000);
    journal.receive(
        NOON,
        vec![record(3, 60_000, None), record(3, 120_000, None)],
    );
    let told = zero.plus_ms(3_600_500);
    journal.receive(NOON.plus_ms(900), vec![record(3, 3_600_500, Some(told))]);
    let expected = [
        Time::Mapped(zero.plus_ms(60_000)),
        Time::Mapped(zero.plus_ms(120_000)),
        Time::Told(told),
    ];
    assert_eq!(only(&journal.times()), expected);
}

#[test]
fn a_clock_that_stepped_or_told_the_future_dates_nothing_exactly() {
    let zero = NOON.plus_ms(-100_000);
    for wrong in [zero.plus_ms(-86_400_000), zero.plus_ms(86_400_000)] {
        let mut journal = Journal::default();
        // In one frame, because a mapping that is known is used at once.
        journal.receive(
            NOON,
            vec![
                record(3, 60_000, None),
                record(3, 70_000, Some(wrong.plus_ms(70_000))),
                record(3, 90_000, Some(zero.plus_ms(90_000))),
            ],
        );
        let first = only(&journal.times())[0];
        assert!(
            matches!(first, Time::Unknown(at) if at <= NOON),
            "{first:?}"
        );
    }
}

#[test]
fn a_drift_that_a_gateway_corrects_is_no_step() {
    let zero = NOON.plus_ms(-100_000);
    let mut journal = Journal::default();
    journal.receive(
        NOON,
        vec![
            record(3, 60_000, None),
            record(3, 70_000, Some(zero.plus_ms(70_000))),
            record(3, 90_000, Some(zero.plus_ms(90_300))),
        ],
    );
    assert_eq!(
        only(&journal.times())[0],
        Time::Mapped(zero.plus_ms(60_000))
    );
}

#[test]
fn what_no_clock_dates_waits_a_quarter_of_an_hour_and_is_no_later_than_it_came() {
    let mut journal = Journal::default();
    journal.receive(NOON, vec![record(3, 1_000, None), record(3, 31_000, None)]);
    // It is live by now: the boot cannot have begun later than this.
    let live = NOON.plus_ms(10_000);
    journal.receive(live, vec![record(3, 61_000, None)]);
    journal.date(NOON.plus_ms(WAIT_MS - 1));
    assert!(journal.times().values().all(Vec::is_empty));
    journal.date(live.plus_ms(WAIT_MS));
    let zero = live.plus_ms(-61_000);
    let expected = [1_000, 31_000, 61_000].map(|mono| Time::Unknown(zero.plus_ms(mono)));
    assert_eq!(only(&journal.times()), expected);
}

#[test]
fn a_boot_that_is_over_is_not_waited_for() {
    let mut journal = Journal::default();
    journal.receive(NOON, vec![record(3, 1_000, None)]);
    journal.receive(NOON, vec![record(4, 10, Some(NOON))]);
    assert!(only(&journal.times())[0] == Time::Unknown(NOON));
    assert_eq!(
        journal.undated,
        Undated::default(),
        "nothing is kept in mind"
    );
}

#[test]
fn more_frames_than_a_gateway_may_have_waiting_do_not_wait() {
    let mut journal = Journal::default();
    for place in 0..=FRAMES_MAX {
        let mono = u64::try_from(place).unwrap();
        journal.receive(NOON, vec![record(3, mono, None)]);
    }
    let times = journal.times();
    let dated = times.values().filter(|times| !times.is_empty());
    assert_eq!(dated.count(), 1);
}

/// One start of a box: how long before noon, when its clock becomes known, and its readings.
#[derive(Debug, Clone)]
struct Start {
    known_after_ms: Option<u64>,
    readings_ms: BTreeSet<u64>,
}

fn any_start() -> impl Strategy<Value = Start> {
    let readings = prop::collection::btree_set(0_u64..3_000_000, 1..30);
    (prop::option::of(0_u64..3_000_000), readings).prop_map(|(known_after_ms, readings_ms)| Start {
        known_after_ms,
        readings_ms,
    })
}

const HOUR_MS: i64 = 3_600_000;

proptest! {
    #[test]
    fn every_reading_is_dated_once_by_its_boots_clock_or_as_uncertain(
        starts in prop::collection::vec(any_start(), 1..4),
        cuts in prop::collection::vec(1_usize..20, 1..10),
        restart in 0_usize..40,
    ) {
        // The box was off line over all its starts, and sends everything at the end.
        let end = NOON;
        let mut records = Vec::new();
        let mut truth = Vec::new();
        let starts_n = i64::try_from(starts.len()).unwrap();
        for (number, start) in (0_i64..).zip(&starts) {
            let zero = end.plus_ms((number - starts_n) * HOUR_MS);
            let boot = u32::try_from(number).unwrap() + 1;
            for mono in &start.readings_ms {
                let true_at = zero.plus_ms(mono.cast_signed());
                let is_told = start.known_after_ms.is_some_and(|known| known <= *mono);
                truth.push((true_at, is_told, boot));
                records.push(record(boot, *mono, is_told.then_some(true_at)));
            }
        }
        let mut journal = Journal::default();
        let mut sizes = cuts.iter().cycle();
        let mut now = end;
        let mut rest = records.as_slice();
        while !rest.is_empty() {
            let (some, others) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
            journal.receive(now, some.to_vec());
            now = now.plus_ms(50);
            rest = others;
        }
        now = now.plus_ms(WAIT_MS);
        journal.date(now);

        let times = only(&journal.times());
        prop_assert_eq!(times.len(), truth.len());
        let told: BTreeSet<u32> = truth.iter().filter(|it| it.1).map(|it| it.2).collect();
        for (time, (true_at, is_told, boot)) in times.iter().zip(&truth) {
            prop_assert_eq!(time.is_known(), told.contains(boot));
            prop_assert_eq!(matches!(time, Time::Told(_)), *is_told);
            if time.is_known() {
                prop_assert_eq!(time.at(), *true_at);
            } else {
                prop_assert!(time.at() >= *true_at && time.at() <= now);
            }
        }
        // No two of a boot share a moment.
        let moments: BTreeSet<(u32, WallMs)> =
            times.iter().zip(&truth).map(|(time, it)| (it.2, time.at())).collect();
        prop_assert_eq!(moments.len(), times.len());

        // What is remembered at any place and read on from there is the same.
        let mut memory = Undated::default();
        for (place, entry) in journal.entries.iter().enumerate() {
            if place == restart {
                let text = serde_json::to_string(&memory).unwrap();
                memory = serde_json::from_str(&text).unwrap();
            }
            let position = u64::try_from(place).unwrap() + 1;
            memory.follow(Position::new(position).unwrap(), entry);
        }
        prop_assert_eq!(memory, journal.undated);
    }
}
