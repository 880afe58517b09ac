//! PLX Continuous Measurement (0x2A5F): the standard pulse oximeter, about once a second.
//!
//! ```text
//! flags u8 · SpO2 · pulse · [fast pair] · [slow pair] · [status u16] · [sensor u24] · [amplitude]
//! ```
//!
//! Numbers are SFLOAT, little endian; flags bit 0 to 4 say which fields are there, the rest is
//! reserved and refused. There is no time: it is measured now. The normal pair makes the readings;
//! fast and slow are other averages of the same and are only shown. Sources: as
//! [`plx`](crate::plx); all certain.

use alloc::vec::Vec;

use serde::ser::SerializeMap;
use veglia_wire::Sensor;

use crate::Frame as AnyFrame;
use crate::framed::{Packet, Packets};
use crate::gatt::Gatt;
use crate::observe::{Observation, measured};
use crate::plx::{MeasurementStatus, Pair, SensorStatus, Status};
use crate::protocol::{Facts, Framing};
use crate::reject::RejectReason;
use crate::sig::{Fields, PLX_CONTINUOUS, PULSE_OXIMETER, SFloat};

pub(crate) const FACTS: Facts = Facts {
    gatt: Some(Gatt {
        service: PULSE_OXIMETER,
        listen: &[PLX_CONTINUOUS],
        write: None,
        name_prefixes: &[],
    }),
    samples,
    ..Facts::new::<Stream>("plx-continuous", Framing::Packets)
};

fn samples() -> Vec<AnyFrame> {
    let pair = |spo2, pulse| Pair {
        spo2: SFloat::tenths(spo2),
        pulse: SFloat::tenths(pulse),
    };
    let plain = Frame {
        normal: pair(970, 720),
        fast: None,
        slow: None,
        status: Status::default(),
    };
    let full = Frame {
        fast: Some(pair(960, 730)),
        slow: Some(pair(980, 710)),
        status: Status {
            measurement: Some(MeasurementStatus::ONGOING | MeasurementStatus::QUALIFIED),
            sensor: Some(SensorStatus::empty()),
            amplitude: Some(SFloat::tenths(87)),
        },
        ..plain
    };
    [plain, full].map(AnyFrame::PlxContinuous).into()
}

const FAST: u8 = 1;
const SLOW: u8 = 1 << 1;
/// The first of the three flags of [`Status`].
const STATUS: u8 = 1 << 2;
const RESERVED: u8 = 0b1110_0000;

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What the device shows.
    pub normal: Pair,
    /// An average over less time.
    pub fast: Option<Pair>,
    /// An average over more time.
    pub slow: Option<Pair>,
    /// What the device says of it.
    pub status: Status,
}

/// The attribute value, for simulated devices.
#[must_use]
pub fn encode(frame: &Frame) -> Vec<u8> {
    let fast = u8::from(frame.fast.is_some()) * FAST;
    let slow = u8::from(frame.slow.is_some()) * SLOW;
    let mut out = Vec::from([fast | slow | frame.status.flags(STATUS)]);
    let pairs = [Some(frame.normal), frame.fast, frame.slow];
    for pair in pairs.into_iter().flatten() {
        pair.put(&mut out);
    }
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
        normal: Pair::take(&mut fields)?,
        fast: fields.when(flags & FAST != 0, Pair::take)?,
        slow: fields.when(flags & SLOW != 0, Pair::take)?,
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
        decode(value).map(AnyFrame::PlxContinuous)
    }
}

impl Frame {
    pub(crate) fn observe(&self) -> Vec<Observation> {
        measured(
            Sensor::Oximeter,
            self.status.contact(),
            self.normal.vitals(),
            self.status.quality(),
        )
    }

    pub(crate) fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let steps = |pair: Pair| [pair.spo2.steps(1), pair.pulse.steps(1)];
        let [spo2, pulse] = steps(self.normal);
        map.serialize_entry("spo2_percent_tenths", &spo2)?;
        map.serialize_entry("pulse_per_minute_tenths", &pulse)?;
        map.serialize_entry("fast_tenths", &self.fast.map(steps))?;
        map.serialize_entry("slow_tenths", &self.slow.map(steps))?;
        self.status.fields(map)
    }
}
