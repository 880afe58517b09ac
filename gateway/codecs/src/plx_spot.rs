//! PLX Spot-Check Measurement (0x2A5E): the standard pulse oximeter that measures once and says so
//! by indication, at once or later out of its memory.
//!
//! ```text
//! flags u8 · SpO2 · pulse · [date time] · [status u16] · [sensor u24] · [amplitude]
//! ```
//!
//! Flags bit 0 to 3 say which fields are there, bit 4 that nobody has set the device's clock, the
//! rest is reserved and refused. Sources: as [`plx`](crate::plx); all certain.

use alloc::vec::Vec;

use serde::ser::SerializeMap;
use veglia_wire::Sensor;

use crate::Frame as AnyFrame;
use crate::framed::{Packet, Packets};
use crate::gatt::Gatt;
use crate::observe::{Observation, dated, measured_once};
use crate::plx::{MeasurementStatus, Pair, Status};
use crate::protocol::{Facts, Framing};
use crate::reject::RejectReason;
use crate::sig::{Fields, PLX_SPOT_CHECK, PULSE_OXIMETER, SFloat, encode_date_time};
use crate::time::{DateTime, DeviceTime};

pub(crate) const FACTS: Facts = Facts {
    gatt: Some(Gatt {
        service: PULSE_OXIMETER,
        listen: &[PLX_SPOT_CHECK],
        write: None,
        name_prefixes: &[],
    }),
    samples,
    ..Facts::new::<Stream>("plx-spot", Framing::Packets)
};

fn samples() -> Vec<AnyFrame> {
    let plain = Frame {
        pair: Pair {
            spo2: SFloat::tenths(960),
            pulse: SFloat::tenths(810),
        },
        time: None,
        clock_not_set: false,
        status: Status::default(),
    };
    let stored = Frame {
        time: DateTime::at(DeviceTime(1_603_180_800)),
        status: Status {
            measurement: Some(MeasurementStatus::VALIDATED | MeasurementStatus::FROM_STORAGE),
            ..Status::default()
        },
        ..plain
    };
    [plain, stored].map(AnyFrame::PlxSpot).into()
}

const TIME: u8 = 1;
/// The first of the three flags of [`Status`].
const STATUS: u8 = 1 << 1;
const CLOCK_NOT_SET: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What was measured.
    pub pair: Pair,
    /// When, by the device's clock.
    pub time: Option<DateTime>,
    /// Nobody has set the device's clock: its time counts from nowhere.
    pub clock_not_set: bool,
    /// What the device says of it.
    pub status: Status,
}

/// The attribute value, for simulated devices.
#[must_use]
pub fn encode(frame: &Frame) -> Vec<u8> {
    let time = u8::from(frame.time.is_some()) * TIME;
    let clock = u8::from(frame.clock_not_set) * CLOCK_NOT_SET;
    let mut out = Vec::from([time | clock | frame.status.flags(STATUS)]);
    frame.pair.put(&mut out);
    out.extend(frame.time.into_iter().flat_map(encode_date_time));
    frame.status.put(&mut out);
    out
}

/// Reads an attribute value.
///
/// # Errors
/// `BadLength` when fields are missing or left over, `Reserved` when the flags announce fields that
/// nobody knows.
pub fn decode(value: &[u8]) -> Result<Frame, RejectReason> {
    let mut fields = Fields(value);
    let flags = fields.byte().ok_or(RejectReason::BadLength)?;
    if flags & RESERVED != 0 {
        return Err(RejectReason::Reserved);
    }
    take(fields, flags).ok_or(RejectReason::BadLength)
}

fn take(mut fields: Fields<'_>, flags: u8) -> Option<Frame> {
    let frame = Frame {
        pair: Pair::take(&mut fields)?,
        time: fields.when(flags & TIME != 0, Fields::date_time)?,
        clock_not_set: flags & CLOCK_NOT_SET != 0,
        status: Status::take(&mut fields, flags, STATUS)?,
    };
    fields.end()?;
    Some(frame)
}

/// One value after the other.
#[derive(Debug)]
pub(crate) struct Measurements;

pub(crate) type Stream = Packets<Measurements>;

impl Packet for Measurements {
    fn decode(value: &[u8]) -> Result<AnyFrame, RejectReason> {
        decode(value).map(AnyFrame::PlxSpot)
    }
}

impl Frame {
    pub(crate) fn observe(&self) -> Vec<Observation> {
        let time = self.time.filter(|_| !self.clock_not_set);
        let said = measured_once(
            Sensor::Oximeter,
            self.status.contact(),
            self.pair.vitals(),
            self.status.quality(),
        );
        dated(time, said)
    }

    pub(crate) fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("spo2_percent_tenths", &self.pair.spo2.steps(1))?;
        map.serialize_entry("pulse_per_minute_tenths", &self.pair.pulse.steps(1))?;
        map.serialize_entry("time", &self.time)?;
        map.serialize_entry("clock_not_set", &self.clock_not_set)?;
        self.status.fields(map)
    }
}
