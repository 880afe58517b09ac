//! What became of a week: every reading against what the centre received and how it was dated.

use std::collections::BTreeMap;
use std::fmt;

use veglia_codecs::Protocol;
use veglia_homes::decode_counter;
use veglia_wire::{Body, DeviceEvent, Record, Vital, WallMs};

use crate::centre::Stored;
use crate::node::Node;
use crate::{DAY, HOUR, clock};

/// How far a time may lie from when it was measured, in minutes: time passes while the box reads,
/// and the clocks of box and world are compared now and then.
const TOLERATED: i64 = 2 * HOUR;

/// When a reading was measured, as the centre has it, and whether it says that it is uncertain.
type Dated = BTreeMap<String, BTreeMap<u64, (i64, bool)>>;

/// Saturation and pulse of one moment, each with whether its time is uncertain.
type Moment = [Option<(u16, bool)>; 2];

/// What the judge must know of the story.
#[derive(Debug)]
pub(crate) struct Story {
    origin: WallMs,
}

/// What was found, all of it as it must be.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    heard: usize,
    received: usize,
    records: usize,
    starts: usize,
    holes: usize,
    /// Readings in the line, or on their way to the disk, when the power was cut.
    cut_off: usize,
    uncertain: usize,
}

/// What stands at one place of a device's row of readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Number(u64),
    /// The device came or went, or the box said that it gave something up.
    Explained,
    /// The box was started.
    Started,
}

/// Readings of an export by device and number. Both values of a moment make the number.
pub(crate) fn dated(stored: Vec<Stored>) -> Dated {
    let mut moments: BTreeMap<(String, i64), Moment> = BTreeMap::new();
    for line in stored {
        let place = match line.vital.as_str() {
            "spo2" => 0,
            "pulse" => 1,
            _ => continue,
        };
        let uncertain = line.quality.contains("time_uncertain");
        let moment = moments.entry((line.device, line.measured_ms)).or_default();
        moment[place] = Some((line.steps, uncertain));
    }
    let mut dated = Dated::new();
    for ((device, measured_ms), moment) in moments {
        if let [Some((spo2, uncertain)), Some((pulse, _))] = moment {
            let number = decode_counter(Protocol::Node, spo2, pulse).expect("a counted pair");
            let of_device = dated.entry(device).or_default();
            of_device.insert(number, (measured_ms, uncertain));
        }
    }
    dated
}

impl Story {
    pub(crate) fn new(origin: WallMs) -> Self {
        Self { origin }
    }

    /// Panics where something is not as it must be.
    pub(crate) fn judge(
        &self,
        nodes: &[Node],
        records: &[(u64, Record)],
        dated: &Dated,
    ) -> Summary {
        let sequences: Vec<u64> = records.iter().map(|(sequence, _)| *sequence).collect();
        let all: Vec<u64> = (1..).take(records.len()).collect();
        assert!(sequences == all, "every sequence came once, in order");
        let is_start = |(_, record): &&(u64, Record)| {
            record.device.is_none() && record.body == Body::Event(DeviceEvent::Up)
        };
        let mut summary = Summary {
            records: records.len(),
            starts: records.iter().filter(is_start).count(),
            ..Summary::default()
        };
        for node in nodes {
            summary.device(node, &marks(&node.id(), records));
            self.times(node, &dated[&node.id()], &mut summary);
        }
        assert!(summary.uncertain > 0, "a start that never knew the time");
        summary
    }

    /// Every reading is dated right, or says that it is not.
    fn times(&self, node: &Node, dated: &BTreeMap<u64, (i64, bool)>, summary: &mut Summary) {
        for (number, minute) in &node.heard {
            let Some((measured_ms, uncertain)) = dated.get(number) else {
                continue;
            };
            summary.uncertain += usize::from(*uncertain);
            let told = (measured_ms - self.origin.0) / 60_000;
            let is_right = (told - minute).abs() <= TOLERATED;
            // For some time around a step nobody knows which clock a reading went by.
            let mut near = (minute - TOLERATED..=minute + TOLERATED).map(clock);
            let is_calm = near.all(|ahead| ahead.is_none_or(|it| it == 0));
            assert!(
                is_right || *uncertain || !is_calm,
                "reading {number} of {} was measured on day {} minute {}, not on day {} minute {}",
                node.id(),
                minute / DAY,
                minute % DAY,
                told / DAY,
                told % DAY
            );
        }
    }
}

/// The readings of a device and what explains holes between them, in the order of receipt.
fn marks(device: &str, records: &[(u64, Record)]) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut spo2 = None;
    for (_, record) in records {
        let is_its = record
            .device
            .as_ref()
            .is_some_and(|it| it.as_str() == device);
        match record.body {
            Body::Reading(Vital::SpO2(value), _) if is_its => {
                spo2 = u16::try_from(value.percent_tenths()).ok();
            }
            Body::Reading(Vital::Pulse(value), _) if is_its => {
                let pulse = u16::try_from(value.per_minute_tenths()).expect("a pulse fits");
                let spo2 = spo2.take().expect("a pulse follows its saturation");
                let number = decode_counter(Protocol::Node, spo2, pulse);
                marks.push(Mark::Number(number.expect("a counted pair")));
            }
            Body::Event(DeviceEvent::Up) if record.device.is_none() => marks.push(Mark::Started),
            Body::Event(DeviceEvent::Up | DeviceEvent::Down) if is_its => {
                marks.push(Mark::Explained);
            }
            Body::Gap(_) => marks.push(Mark::Explained),
            _ => {}
        }
    }
    marks
}

impl Summary {
    fn device(&mut self, node: &Node, marks: &[Mark]) {
        let mut heard = node.heard.iter().map(|(number, _)| *number).peekable();
        let (mut started, mut explained, mut last) = (false, false, None);
        for mark in marks {
            let number = match mark {
                Mark::Started => {
                    started = true;
                    continue;
                }
                Mark::Explained => {
                    explained = true;
                    continue;
                }
                Mark::Number(number) => *number,
            };
            assert!(last < Some(number), "{number} of {} came twice", node.id());
            let mut missing = 0;
            while heard.next_if(|heard| *heard < number).is_some() {
                missing += 1;
            }
            assert_eq!(heard.next(), Some(number), "nobody said what was received");
            let is_hole = last.is_some_and(|last: u64| last + 1 < number);
            assert!(
                !is_hole || started || explained,
                "the hole before {number} of {} has no reason",
                node.id()
            );
            assert!(
                missing == 0 || started,
                "{missing} readings before {number} of {} were heard and are not there",
                node.id()
            );
            self.holes += usize::from(is_hole);
            self.cut_off += missing;
            self.received += 1;
            (started, explained, last) = (false, false, Some(number));
        }
        assert_eq!(heard.next(), None, "the last reading of {} came", node.id());
        self.heard += node.heard.len();
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            heard,
            received,
            records,
            starts,
            holes,
            cut_off,
            uncertain,
        } = self;
        write!(
            f,
            "{heard} readings heard, {received} received in {records} records, {starts} starts, \
             {holes} holes, all explained; {cut_off} readings in the line when the power was cut; \
             {uncertain} dated uncertainly, as they say"
        )
    }
}
