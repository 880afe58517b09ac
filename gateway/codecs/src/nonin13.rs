//! Nonin serial data format 13: a spot check of 22 bytes, sent at once or out of memory, 9600 baud.
//!
//! ```text
//! 00 02 00 0D · length 00 0E · 20 YY MM DD hh mm ss ff · status2 status · pulse high low ·
//! reserved · SpO2 · sum of these fourteen · 03
//! ```
//!
//! Sources: Nonin's 9560 Bluetooth specification, through mattjlewis/NoninPulseOx and mdpnp.
//! Certain: the layout, the checksum, the flags. The date is in decimal digits (century 20h); a
//! device that writes its numbers plainly would write 14h there, and is read too, because that byte
//! tells the two apart. Any other century is no date. Inferred: that a measurement which the
//! SmartPoint algorithm does not call good has a weak signal. A longer report, which the
//! specification allows for, is refused: nobody knows what it says more.

use alloc::vec::Vec;

use bitflags::bitflags;
use serde::ser::SerializeMap;
use veglia_wire::{Contact, DeviceEvent, Quality, Sensor};

use crate::Frame as AnyFrame;
use crate::framed::{Cut, Framed, Wire};
use crate::json::Names;
use crate::nonin::{select, set_time};
use crate::observe::{Observation, dated, measured_once, pulse, quality, spo2};
use crate::protocol::{Facts, Framing, LineSettings};
use crate::reject::RejectReason;
use crate::time::{DateTime, DeviceTime};

pub(crate) const FACTS: Facts = Facts {
    line: Some(LineSettings::plain(9_600)),
    greeting: &[&select(13)],
    set_time: Some(set_time),
    samples,
    ..Facts::new::<Stream>("nonin-13", Framing::Stream)
};

fn samples() -> Vec<AnyFrame> {
    let time = DateTime::at(DeviceTime(1_603_180_800)).unwrap_or_default();
    let live = Frame {
        date: date(time),
        flags: Flags::SMART_POINT,
        pulse: 72,
        reserved: 0,
        spo2: 97,
    };
    let stored = Frame {
        flags: Flags::SMART_POINT | Flags::FROM_MEMORY,
        pulse: 300,
        ..live
    };
    [live, stored].map(AnyFrame::Nonin13).into()
}

/// Bytes in a report.
pub const FRAME_LEN: usize = 22;

const HEAD: [u8; 6] = [0x00, 0x02, 0x00, 0x0D, 0x00, 0x0E];
const DATA_LEN: usize = 14;
const END: u8 = 0x03;
const MISSING_SPO2: u8 = 127;
const MISSING_PULSE: u16 = 511;
/// The century, in decimal digits and as a plain number.
const DIGITS: u8 = 0x20;
const PLAIN: u8 = 20;

/// One spot check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Century, year, month, day, hour, minute, second and hundredths as they came: [`Frame::time`]
    /// reads them.
    pub date: [u8; 8],
    /// What the oximeter says of the measurement.
    pub flags: Flags,
    /// Pulse in beats per minute; 511 is none.
    pub pulse: u16,
    /// A byte that the maker keeps for later.
    pub reserved: u8,
    /// Saturation in percent; 127 is none.
    pub spo2: u8,
}

bitflags! {
    /// The two status bytes, the first above the second.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Flags: u16 {
        /// SPA: the SmartPoint algorithm calls the measurement good.
        const SMART_POINT = 0x02 << 8;
        /// NOMS: nothing could be measured.
        const NO_MEASUREMENT = 0x01 << 8;
        /// MEM: out of the device's memory.
        const FROM_MEMORY = 0x10;
        /// LOWBAT: the battery is low.
        const LOW_BATTERY = 0x01;
    }
}

impl Frame {
    /// When it was measured by the device's clock, if it can be read as a date.
    #[must_use]
    pub fn time(&self) -> Option<DateTime> {
        let [century, rest @ .., _hundredths] = self.date;
        let [year, month, day, hour, minute, second] = match century {
            DIGITS => decimal(rest)?,
            PLAIN => rest,
            _ => return None,
        };
        Some(DateTime {
            year: 2_000 + u16::from(year),
            month,
            day,
            hour,
            minute,
            second,
        })
    }

    pub(crate) fn observe(&self) -> Vec<Observation> {
        let flags = self.flags;
        let contact = if flags.contains(Flags::NO_MEASUREMENT) {
            Contact::Unmeasurable
        } else {
            Contact::On
        };
        let quality = quality([
            (!flags.contains(Flags::SMART_POINT), Quality::WEAK_SIGNAL),
            (flags.contains(Flags::FROM_MEMORY), Quality::FROM_STORAGE),
        ]);
        let spo2 = Some(self.spo2).filter(|percent| *percent != MISSING_SPO2);
        let pulse_rate = Some(self.pulse).filter(|rate| *rate != MISSING_PULSE);
        let vitals = [
            spo2.and_then(|percent| self::spo2(u16::from(percent) * 10)),
            pulse_rate.and_then(|rate| pulse(i32::from(rate) * 10)),
        ];
        let said = measured_once(Sensor::Oximeter, contact, vitals, quality);
        let mut said = dated(self.time(), said);
        if flags.contains(Flags::LOW_BATTERY) && !flags.contains(Flags::FROM_MEMORY) {
            said.push(Observation::Battery(DeviceEvent::BatteryLow));
        }
        said
    }

    pub(crate) fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let spo2 = Some(self.spo2).filter(|percent| *percent != MISSING_SPO2);
        let pulse = Some(self.pulse).filter(|rate| *rate != MISSING_PULSE);
        map.serialize_entry("spo2_percent", &spo2)?;
        map.serialize_entry("pulse_per_minute", &pulse)?;
        map.serialize_entry("time", &self.time())?;
        map.serialize_entry("flags", &Names(self.flags))
    }
}

/// Bytes of two decimal digits as numbers.
fn decimal(bytes: [u8; 6]) -> Option<[u8; 6]> {
    let is_decimal = |byte: &u8| byte >> 4 < 10 && byte & 0x0F < 10;
    let all = bytes.iter().all(is_decimal);
    all.then(|| bytes.map(|byte| (byte >> 4) * 10 + (byte & 0x0F)))
}

/// A date as the oximeter writes it.
#[must_use]
pub fn date(time: DateTime) -> [u8; 8] {
    let digits = |number: u8| ((number / 10) << 4) | (number % 10);
    let year = u8::try_from(time.year % 100).unwrap_or(0);
    [
        DIGITS,
        digits(year),
        digits(time.month),
        digits(time.day),
        digits(time.hour),
        digits(time.minute),
        digits(time.second),
        0,
    ]
}

/// The bytes of a report, for simulated devices.
#[must_use]
pub fn encode(frame: &Frame) -> Vec<u8> {
    let mut out = Vec::from(HEAD);
    out.extend(frame.date);
    out.extend(frame.flags.bits().to_be_bytes());
    out.extend(frame.pulse.to_be_bytes());
    out.extend([frame.reserved, frame.spo2]);
    let sum = out.iter().skip(HEAD.len()).copied();
    let sum = sum.fold(0, u8::wrapping_add);
    out.extend([sum, END]);
    out
}

/// The reports of one stream.
#[derive(Debug)]
pub(crate) struct Reports;

pub(crate) type Stream = Framed<Reports>;

impl Wire for Reports {
    /// Six fixed bytes, a checksum and a fixed end.
    const COHERENT: usize = 1;

    fn cut(bytes: &[u8]) -> Cut {
        if bytes.iter().zip(HEAD).any(|(byte, head)| *byte != head) {
            return Cut::Bad(RejectReason::Noise, 1);
        }
        let Some(wire) = bytes.first_chunk::<FRAME_LEN>() else {
            return Cut::Short;
        };
        let (data, end) = wire.split_at(HEAD.len()).1.split_at(DATA_LEN);
        let sum = data.iter().copied().fold(0, u8::wrapping_add);
        if end != [sum, END] {
            return Cut::Bad(RejectReason::BadCrc, 1);
        }
        match *data {
            [
                c,
                y,
                m,
                d,
                h,
                i,
                s,
                f,
                high,
                low,
                fast,
                slow,
                reserved,
                spo2,
            ] => {
                let frame = Frame {
                    date: [c, y, m, d, h, i, s, f],
                    flags: Flags::from_bits_retain(u16::from_be_bytes([high, low])),
                    pulse: u16::from_be_bytes([fast, slow]),
                    reserved,
                    spo2,
                };
                Cut::Frame(AnyFrame::Nonin13(frame), FRAME_LEN)
            }
            _ => Cut::Bad(RejectReason::BadLength, 1),
        }
    }
}
