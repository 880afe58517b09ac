//! When a record happened, as far as anybody can say.
//!
//! A gateway's own wall time is believed when it had one and it does not lie in the future. A box
//! that started without a clock has only the monotonic time of its boot; when its clock becomes
//! known, that maps the whole boot, what came before included. The intake waits for it
//! (`undated.rs`) and then writes an entry that dates what waited. So every consumer dates a
//! record by the one entry it stands in, and all of them alike.
//!
//! What no clock ever dated is filed under the latest time that it can have been measured: it was
//! received after it was made, and the monotonic distances within a boot are exact. It is marked
//! as uncertain, kept and shown, and no rule scores it. The server's "now" is never given silently.
//!
//! Limits: a wall time in the past is believed. A box whose clock was set to a wrong past, and
//! later stepped, has told wrong times before the step; they stay as they were told.

use veglia_series::Sample;
use veglia_wire::{Body, Boot, GatewayId, Quality, Record, RecordId, UpFrame, WallMs};

use crate::entry::Entry;
use crate::probe::is_probe;

/// How far ahead of ingest a gateway's clock may be, in care milliseconds, before its times are
/// called uncertain: above any honest drift, below what would hide a silence.
const AHEAD_TOLERATED_MS: i64 = 5 * 60 * 1000;

/// What is known of a record's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Time {
    /// The gateway knew it.
    Told(WallMs),
    /// The gateway's clock became known later, and maps the boot that the record was made in.
    Mapped(WallMs),
    /// At the latest this; a later entry of the journal will date it.
    Awaited(WallMs),
    /// At the latest this, and nobody will ever know better.
    Unknown(WallMs),
}

impl Time {
    /// The time, or the latest that it can have been.
    pub(crate) fn at(self) -> WallMs {
        match self {
            Self::Told(at) | Self::Mapped(at) | Self::Awaited(at) | Self::Unknown(at) => at,
        }
    }

    /// Whether it is exact.
    pub(crate) fn is_known(self) -> bool {
        matches!(self, Self::Told(_) | Self::Mapped(_))
    }

    /// What is to be said against it.
    pub(crate) fn doubt(self) -> Quality {
        if self.is_known() {
            Quality::empty()
        } else {
            Quality::TIME_UNCERTAIN
        }
    }
}

/// A record that is new at the centre, or newly dated.
pub(crate) struct Dated {
    pub(crate) id: RecordId,
    pub(crate) record: Record,
    pub(crate) time: Time,
}

/// The records that an entry holds.
pub(crate) struct Records {
    pub(crate) gateway: GatewayId,
    frame: UpFrame,
    skip: usize,
    by: By,
}

/// By what the records of an entry are dated.
enum By {
    /// A frame that came: the monotonic time of each boot that was last when it came.
    Arrival(WallMs, Vec<Reach>),
    /// What waited in a frame: the moment that its boot's monotonic time counts from.
    Mapping {
        received: WallMs,
        boot: Boot,
        zero: WallMs,
        is_exact: bool,
    },
}

/// What a frame says of the clock of a boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reach {
    pub(crate) boot: Boot,
    /// The latest moment that its monotonic time can count from: nothing is received before it
    /// is made.
    pub(crate) latest_zero: WallMs,
}

impl Records {
    /// None for entries without records, and for a frame that cannot be read any more.
    pub(crate) fn of(entry: &Entry) -> Option<Self> {
        let (skip, bytes) = match entry {
            Entry::Frame { skip, bytes, .. } | Entry::Dated { skip, bytes, .. } => (*skip, bytes),
            Entry::Tick { .. }
            | Entry::Change { .. }
            | Entry::Gone { .. }
            | Entry::Refused { .. } => return None,
        };
        let Ok(frame) = UpFrame::decode(bytes) else {
            // The intake stores only what it has decoded, and the journal has checked the bytes.
            tracing::error!("a frame that was understood when it came cannot be read any more");
            return None;
        };
        let by = match entry {
            Entry::Dated {
                received,
                boot,
                zero,
                is_exact,
                ..
            } => By::Mapping {
                received: *received,
                boot: *boot,
                zero: *zero,
                is_exact: *is_exact,
            },
            _ => By::Arrival(entry.at(), reaches(&frame, entry.at())),
        };
        Some(Self {
            gateway: frame.header.gateway.clone(),
            frame,
            skip: usize::from(skip),
            by,
        })
    }

    /// Each record with its time, in order.
    pub(crate) fn dated(self) -> impl Iterator<Item = Dated> {
        let Self {
            frame, skip, by, ..
        } = self;
        let records = frame.into_numbered().skip(skip);
        records.filter_map(move |(id, record)| {
            let time = by.date(&record)?;
            Some(Dated { id, record, time })
        })
    }
}

impl By {
    /// None for a record that this entry does not date.
    fn date(&self, record: &Record) -> Option<Time> {
        match self {
            Self::Arrival(received, reaches) => Some(match believed(record, *received) {
                Some(wall) => Time::Told(wall),
                None => {
                    let mut known = reaches.iter();
                    let reach = known.find(|reach| reach.boot == record.when.boot);
                    let latest = reach.map_or(*received, |it| on(it.latest_zero, record));
                    if is_awaited(record) {
                        Time::Awaited(latest)
                    } else {
                        Time::Unknown(latest)
                    }
                }
            }),
            Self::Mapping {
                received,
                boot,
                zero,
                is_exact,
            } => {
                let is_ours = record.when.boot == *boot && waits(record, *received);
                let at = on(*zero, record);
                is_ours.then_some(if *is_exact {
                    Time::Mapped(at)
                } else {
                    Time::Unknown(at)
                })
            }
        }
    }
}

/// The readings that an entry gives to the series, for ever; those of the alarm path's probe are
/// nobody's and end with the journal.
pub(crate) fn samples(records: Records) -> impl Iterator<Item = Sample> {
    let is_probe = is_probe(&records.gateway);
    let records = (!is_probe).then(|| records.dated());
    records.into_iter().flatten().filter_map(|it| sample(&it))
}

/// The sample of a record, if it is a reading of a device, and its time awaits nothing.
pub(crate) fn sample(dated: &Dated) -> Option<Sample> {
    let (Body::Reading(vital, quality), Some(device)) = (dated.record.body, &dated.record.device)
    else {
        return None;
    };
    if matches!(dated.time, Time::Awaited(_)) {
        return None;
    }
    Some(Sample {
        device: device.clone(),
        vital: vital.kind(),
        site: vital.site(),
        at: dated.time.at(),
        value: vital.steps(),
        quality: quality | dated.time.doubt(),
    })
}

/// The gateway's wall time, unless it lies in the future.
pub(crate) fn believed(record: &Record, received: WallMs) -> Option<WallMs> {
    let wall = record.when.wall?;
    (wall.since(received) <= AHEAD_TOLERATED_MS).then_some(wall)
}

/// Whether a record that came so waits for its boot's clock.
pub(crate) fn waits(record: &Record, received: WallMs) -> bool {
    is_awaited(record) && believed(record, received).is_none()
}

/// Only readings are worth waiting for: what devices and people say beside them is taken at once.
fn is_awaited(record: &Record) -> bool {
    record.device.is_some() && matches!(record.body, Body::Reading(..))
}

/// The moment that a record's boot counts from, if it happened at `wall`.
pub(crate) fn zero(record: &Record, wall: WallMs) -> WallMs {
    wall.plus_ms(-mono(record))
}

/// The moment of a record in a boot that counts from `zero`.
fn on(zero: WallMs, record: &Record) -> WallMs {
    zero.plus_ms(mono(record))
}

fn mono(record: &Record) -> i64 {
    i64::try_from(record.when.mono.0).unwrap_or(i64::MAX)
}

/// How far each boot of a frame had come, if it has records without a time.
pub(crate) fn reaches(frame: &UpFrame, received: WallMs) -> Vec<Reach> {
    let mut reaches: Vec<Reach> = Vec::new();
    let mut records = frame.records.iter();
    if records.all(|record| believed(record, received).is_some()) {
        return reaches;
    }
    for record in &frame.records {
        let (boot, latest_zero) = (record.when.boot, zero(record, received));
        match reaches.iter_mut().find(|reach| reach.boot == boot) {
            Some(reach) => reach.latest_zero = reach.latest_zero.min(latest_zero),
            None => reaches.push(Reach { boot, latest_zero }),
        }
    }
    reaches
}

#[cfg(test)]
mod tests {
    use veglia_wire::{
        ClockState, DeviceId, Epoch, FrameHeader, MonoMs, Sequence, Site, Vital, VitalKind, When,
    };

    use super::*;

    const RECEIVED: WallMs = WallMs(1_603_188_000_000);

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

    fn frame(records: Vec<Record>) -> Vec<u8> {
        let header = FrameHeader {
            gateway: GatewayId::new("casa-1").unwrap(),
            epoch: Epoch(7),
            first: Sequence::FIRST,
            count: u8::try_from(records.len()).unwrap(),
        };
        let frame = UpFrame {
            header,
            sent_at: None,
            clock: ClockState::Unknown,
            records,
        };
        frame.encode().unwrap()
    }

    fn times(entry: &Entry) -> Vec<Time> {
        let records = Records::of(entry).unwrap();
        records.dated().map(|dated| dated.time).collect()
    }

    #[test]
    fn a_time_is_believed_unless_it_lies_in_the_future_or_is_missing() {
        let day = 24 * 3_600_000;
        for (ahead, is_believed) in [
            (Some(0), true),
            (Some(-3 * day), true),
            (Some(60_000), true),
            (Some(day), false),
            (None, false),
        ] {
            let wall = ahead.map(|ahead| RECEIVED.plus_ms(ahead));
            let found = believed(&record(1, 0, wall), RECEIVED);
            assert_eq!(found, wall.filter(|_| is_believed), "{ahead:?}");
        }
    }

    #[test]
    fn what_has_no_time_keeps_its_distances_and_is_no_later_than_it_came() {
        let records = vec![
            record(1, 1_000, None),
            record(1, 2_500, None),
            record(2, 10, None),
            record(2, 500, Some(RECEIVED.plus_ms(-40))),
        ];
        let entry = Entry::Frame {
            at: RECEIVED,
            skip: 0,
            bytes: frame(records),
        };
        assert_eq!(
            times(&entry),
            [
                Time::Awaited(RECEIVED.plus_ms(-1_500)),
                Time::Awaited(RECEIVED),
                Time::Awaited(RECEIVED.plus_ms(-490)),
                Time::Told(RECEIVED.plus_ms(-40)),
            ]
        );
        // None of it goes into the series before it is dated, but for the one that has a time.
        assert_eq!(samples(Records::of(&entry).unwrap()).count(), 1);
    }

    #[test]
    fn a_mapping_dates_what_waited_of_its_boot_and_nothing_else() {
        let bytes = frame(vec![
            record(1, 1_000, None),
            record(2, 10, None),
            record(2, 400, None),
            record(2, 500, Some(RECEIVED.plus_ms(-40))),
        ]);
        let zero = RECEIVED.plus_ms(-540);
        for (is_exact, doubt) in [(true, Quality::empty()), (false, Quality::TIME_UNCERTAIN)] {
            let entry = Entry::Dated {
                at: RECEIVED.plus_ms(60_000),
                received: RECEIVED,
                frame: 3,
                boot: Boot(2),
                zero,
                is_exact,
                skip: 2,
                bytes: bytes.clone(),
            };
            let samples: Vec<Sample> = samples(Records::of(&entry).unwrap()).collect();
            let [sample] = &samples[..] else {
                panic!("{samples:?}")
            };
            assert_eq!((sample.at, sample.quality), (zero.plus_ms(400), doubt));
        }
    }
}
