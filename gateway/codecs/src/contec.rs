//! Contec's older oximeters on USB (CMS50D+, CMS50E, CMS50F up to firmware 4.5): sixty five-byte
//! frames a second at 19200 baud 8O1, and the recording that they hand out when asked.
//!
//! ```text
//! byte 0   1 · beep · falling SpO2 · finger out · signal 0-8
//! byte 2   0 · PR7 · searching · probe error · bar 0-15
//! ```
//!
//! The other bytes, and what is to be believed without a checksum, are those of BerryMed too; the
//! flags are not: see [`bci`](crate::bci).
//!
//! A recording is asked for with `F5 F5` and stopped with `F6 F6 F6`. It begins with three times
//! `F2` and two bytes, then three bytes of length, then three bytes a second: `F0|PR7`,
//! `80|PR6…PR0`, SpO2. A CMS50D+ has no clock and puts `80 00` where the others put hour and
//! minute; no model says the day. So a recorded second has no time, and its readings are marked
//! with that: they can be looked at and are never scored. Whoever guesses a date (one well-known
//! program takes midnight and asks) may be a day wrong.
//!
//! Sources: atbrask/CMS50Dplus (BSD-2) and Contec's *Communication protocol* linked by it,
//! bmartin427/CMS50 (MIT), OSCAR's cms50 loader. Certain: layout, line settings, markers, the
//! shape of a recording. Where sources differ: bit 4 of byte 0 is "finger out" here and in no
//! document of BerryMed. Inferred: that a probe error means nothing can be measured.

use alloc::vec::Vec;

use bitflags::bitflags;
use serde::ser::SerializeMap;
use veglia_wire::{Contact, Quality, Sensor, Vital};

use crate::Frame as AnyFrame;
use crate::five::{self, Fields};
use crate::framed::{Cut, Framed, Wire};
use crate::json::Names;
use crate::observe::{Observation, dated, measured, pulse, spo2};
use crate::protocol::{Facts, Framing, LineSettings, Parity};

/// It only speaks. The recording is not asked for: without a date it helps nobody at home.
pub(crate) const FACTS: Facts = Facts {
    line: Some(LineSettings {
        parity: Parity::Odd,
        ..LineSettings::plain(19_200)
    }),
    quiet_ms: 1_000,
    is_fast: true,
    samples,
    ..Facts::new::<Stream>("contec", Framing::Stream)
};

fn samples() -> Vec<AnyFrame> {
    let live = |spo2, pulse| Live {
        spo2: Some(spo2),
        pulse: Some(pulse),
        signal: 6,
        pleth: 40,
        bar: 5,
        flags: Flags::empty(),
    };
    [live(97, 72), live(96, 141)]
        .map(|live| AnyFrame::Contec(Frame::Live(live)))
        .into()
}

/// What asks for the recording.
pub const ASK_RECORDING: [u8; 2] = [0xF5; 2];

/// What ends it, before its end or after.
pub const END_RECORDING: [u8; 3] = [0xF6; 3];

/// Opens a recording, three times on end.
const OPENING: u8 = 0xF2;
const OPENING_LEN: usize = 12;
/// The first byte of a recorded second, whose lowest bit is the pulse's highest.
const RECORDED: u8 = 0xF0;
const RECORDED_LEN: usize = 3;
const MISSING_SPO2: u8 = 127;
const MISSING_PULSE: u8 = 255;

/// What the oximeter said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A sixtieth of a second, now.
    Live(Live),
    /// A recording begins.
    Recording {
        /// Hour and minute at which it was begun, or `80 00` where no clock is.
        start: [u8; 2],
        /// The three bytes of length.
        length: [u8; 3],
    },
    /// A second of the recording.
    Recorded {
        /// Oxygen saturation in percent, if there is one.
        spo2: Option<u8>,
        /// Pulse in beats per minute, if there is one.
        pulse: Option<u8>,
    },
}

/// A sixtieth of a second of the oximeter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Live {
    /// Oxygen saturation in percent, if there is one.
    pub spo2: Option<u8>,
    /// Pulse in beats per minute, if there is one.
    pub pulse: Option<u8>,
    /// Signal strength, 0 to 8.
    pub signal: u8,
    /// Height of the pulse wave, 0 to 127.
    pub pleth: u8,
    /// Height of the bar, 0 to 15.
    pub bar: u8,
    /// What the oximeter says of them.
    pub flags: Flags,
}

bitflags! {
    /// The flags of byte 0 and, in the upper byte, of byte 2.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Flags: u16 {
        /// The finger is out.
        const FINGER_OUT = 0x10;
        /// The saturation is falling.
        const FALLING_SPO2 = 0x20;
        /// A beat.
        const BEEP = 0x40;
        /// The probe does not work.
        const PROBE_ERROR = 0x10 << 8;
        /// Searching for a pulse.
        const SEARCHING = 0x20 << 8;
    }
}

/// The bytes of a frame, for simulated devices. Values beyond the width of their field lose their
/// upper bits, as in the device.
#[must_use]
pub fn encode(frame: &Frame) -> Vec<u8> {
    match *frame {
        Frame::Live(live) => encode_live(&live).to_vec(),
        Frame::Recording { start, length } => {
            let opening = [OPENING, start[0], start[1]];
            [opening, opening, opening, length].concat()
        }
        Frame::Recorded { spo2, pulse } => {
            let pulse = pulse.unwrap_or(MISSING_PULSE);
            let spo2 = spo2.unwrap_or(MISSING_SPO2) & 0x7F;
            [RECORDED | (pulse >> 7), 0x80 | pulse, spo2].to_vec()
        }
    }
}

fn encode_live(live: &Live) -> [u8; five::LEN] {
    let [high_flags, low_flags] = live.flags.bits().to_be_bytes();
    five::write(&Fields {
        signal: live.signal,
        low_flags,
        pleth: live.pleth,
        bar: live.bar,
        high_flags,
        pulse: live.pulse,
        spo2: live.spo2,
    })
}

fn of_fields(fields: Fields) -> AnyFrame {
    AnyFrame::Contec(Frame::Live(Live {
        spo2: fields.spo2,
        pulse: fields.pulse,
        signal: fields.signal,
        pleth: fields.pleth,
        bar: fields.bar,
        flags: Flags::from_bits_retain(u16::from_be_bytes([fields.high_flags, fields.low_flags])),
    }))
}

/// The stream of one oximeter. A live frame has one top bit, at its head; a recorded second has
/// two; the opening stands three times. So what is what is never in doubt.
#[derive(Debug)]
pub(crate) struct Quintets;

pub(crate) type Stream = Framed<Quintets>;

impl Wire for Quintets {
    const COHERENT: usize = five::COHERENT;

    fn cut(bytes: &[u8]) -> Cut {
        let recording = match bytes[0] {
            OPENING => opening(bytes),
            head if head & !1 == RECORDED => recorded(bytes),
            _ => None,
        };
        recording.unwrap_or_else(|| five::cut(bytes, of_fields))
    }
}

/// The opening of a recording, unless this is something else.
fn opening(bytes: &[u8]) -> Option<Cut> {
    let mut thrice = bytes.iter().zip(0..9).skip(3);
    if thrice.any(|(byte, place)| *byte != bytes[place % 3]) {
        return None;
    }
    // A live frame with this head has no top bit in its next four bytes; here one is fourth.
    if bytes.len() < 4 {
        return Some(Cut::Short);
    }
    let Some([_, hour, minute, .., a, b, c]) = bytes.first_chunk::<OPENING_LEN>().copied() else {
        return Some(Cut::Short);
    };
    let frame = Frame::Recording {
        start: [hour, minute],
        length: [a, b, c],
    };
    Some(Cut::Frame(AnyFrame::Contec(frame), OPENING_LEN))
}

/// A second of a recording, unless this is a live frame or noise.
fn recorded(bytes: &[u8]) -> Option<Cut> {
    match *bytes {
        [_] => Some(Cut::Short),
        [_, low, ..] if low & 0x80 == 0 => None,
        [_, _] => Some(Cut::Short),
        [head, low, spo2, ..] if spo2 == MISSING_SPO2 || spo2 <= 100 => {
            let pulse = (head << 7) | (low & 0x7F);
            let frame = Frame::Recorded {
                spo2: (spo2 != MISSING_SPO2).then_some(spo2),
                pulse: (pulse != MISSING_PULSE).then_some(pulse),
            };
            Some(Cut::Frame(AnyFrame::Contec(frame), RECORDED_LEN))
        }
        _ => None,
    }
}

impl Frame {
    pub(crate) fn observe(&self) -> Vec<Observation> {
        match self {
            Self::Live(live) => live.observe(),
            Self::Recording { .. } => Vec::new(),
            Self::Recorded { spo2, pulse } => {
                let vitals = vitals(*spo2, *pulse);
                let stored = Quality::FROM_STORAGE;
                dated(
                    None,
                    measured(Sensor::Oximeter, Contact::On, vitals, stored),
                )
            }
        }
    }

    pub(crate) fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Live(live) => {
                map.serialize_entry("kind", "live")?;
                map.serialize_entry("spo2_percent", &live.spo2)?;
                map.serialize_entry("pulse_per_minute", &live.pulse)?;
                map.serialize_entry("signal", &live.signal)?;
                map.serialize_entry("pleth", &live.pleth)?;
                map.serialize_entry("flags", &Names(live.flags))
            }
            Self::Recording { start, length } => {
                map.serialize_entry("kind", "recording")?;
                map.serialize_entry("start", start)?;
                map.serialize_entry("length", length)
            }
            Self::Recorded { spo2, pulse } => {
                map.serialize_entry("kind", "recorded")?;
                map.serialize_entry("spo2_percent", spo2)?;
                map.serialize_entry("pulse_per_minute", pulse)
            }
        }
    }
}

impl Live {
    fn observe(&self) -> Vec<Observation> {
        let contact = if self.flags.contains(Flags::FINGER_OUT) {
            Contact::Off
        } else if self.flags.contains(Flags::PROBE_ERROR) {
            Contact::Unmeasurable
        } else if self.flags.contains(Flags::SEARCHING) {
            Contact::Searching
        } else {
            Contact::On
        };
        let vitals = vitals(self.spo2, self.pulse);
        measured(Sensor::Oximeter, contact, vitals, Quality::empty())
    }
}

fn vitals(percent: Option<u8>, rate: Option<u8>) -> [Option<Vital>; 2] {
    [
        percent.and_then(|percent| spo2(u16::from(percent) * 10)),
        rate.and_then(|rate| pulse(u16::from(rate) * 10)),
    ]
}
