//! TaiDoc's thermometers and oximeters (TD-1241, TD-1261, TD-1035, FORA IR40 and IR42; TD-8201 and
//! TD-8255): frames of eight bytes, an answer to each question.
//!
//! ```text
//! 51 cc d0 d1 d2 d3 ee ss    ee: A3 asks, A5 answers; ss: sum of all before it
//! 25   when the last stored value was measured: d0 d1 = day 5 bits · month 4 · year 7 from 2000,
//!      d2 minute, d3 hour
//! 26   the last stored value: d0 d1 = temperature in tenths of a degree Celsius, or in hundredths
//!      from 1000 on
//! 49   of now: d0 = SpO2, d3 = pulse, 0 = none
//! ```
//!
//! A thermometer is asked after it has measured, and tells its last value again at every
//! connection. It becomes a reading with the time that the device gives in the answer before it
//! (25, then 26): by that a gateway knows whether it is of now, and whether it has it already.
//! Without that answer it is out of the memory and of no certain time.
//!
//! Sources: advmeds-service/advmeds-bluetooth-lib (all models), WhizConnect's reader of a FORA IR40
//! (25 and 26 on the same characteristic), a reader of a FORA IR20b (the bits of the date).
//! Certain: framing, checksum, temperature, SpO2. Where sources differ: one takes no notice of a
//! saturation whose d3 is 0, and so do we. Inferred: that d3 is the pulse; that a value from 1000
//! on is in hundredths (one source); which sensor answers: 26 is asked of other TaiDoc meters too
//! and means other things there, so that what is no temperature of a body is none. The place where
//! it was taken is not told. Setting the clock (33) stands in no source and is not done.

use alloc::vec::Vec;

use serde::ser::SerializeMap;
use veglia_wire::{Contact, Quality, Sensor, Site};

use crate::Frame as AnyFrame;
use crate::framed::{Cut, Framed, Wire};
use crate::gatt::{Gatt, Uuid};
use crate::json::hex;
use crate::observe::{
    Observation, dated, measured, measured_once, pulse, quality, spo2, temperature,
};
use crate::protocol::{Facts, Framing, KeepAlive};
use crate::reject::RejectReason;
use crate::time::DateTime;

/// Asked for the last stored value and its time, and again and again for what is measured now.
pub(crate) const FACTS: Facts = Facts {
    gatt: Some(Gatt {
        service: Uuid(0x00001523_1212_EFDE_1523_785FEABCD123),
        listen: &[Uuid(0x00001524_1212_EFDE_1523_785FEABCD123)],
        write: Some(Uuid(0x00001524_1212_EFDE_1523_785FEABCD123)),
        // The service is that of Nordic's example, which many devices were made from.
        name_prefixes: &["TAIDOC", "FORA IR"],
    }),
    greeting: &[&ASK_TIME, &ASK_STORED],
    keep_alive: Some(KeepAlive {
        every_ms: 2_000,
        bytes: &ASK_NOW,
    }),
    // An answer waits for the next one, and those come every two seconds.
    quiet_ms: 5_000,
    samples,
    ..Facts::new::<Stream>("taidoc", Framing::Stream)
};

fn samples() -> Vec<AnyFrame> {
    let now = |spo2, pulse| Frame::Now {
        spo2,
        rest: [0; 2],
        pulse,
    };
    let fever = Frame::Stored {
        time: None,
        value: [0x86, 0x01, 0, 0],
    };
    [now(97, 72), fever, now(96, 141)]
        .map(AnyFrame::TaiDoc)
        .into()
}

/// Bytes in a frame.
pub const FRAME_LEN: usize = 8;

const ASK_TIME: [u8; FRAME_LEN] = [0x51, 0x25, 0, 0, 0, 0, 0xA3, 0x19];
const ASK_STORED: [u8; FRAME_LEN] = [0x51, 0x26, 0, 0, 0, 0, 0xA3, 0x1A];
const ASK_NOW: [u8; FRAME_LEN] = [0x51, 0x49, 0, 0, 0, 0, 0xA3, 0x3D];

/// What switches the device off.
pub const POWER_OFF: [u8; FRAME_LEN] = [0x51, 0x50, 0, 0, 0, 0, 0xA3, 0x44];

const HEAD: u8 = 0x51;
const ASKS: u8 = 0xA3;
const ANSWERS: u8 = 0xA5;
const TIME: u8 = 0x25;
const STORED: u8 = 0x26;
const NOW: u8 = 0x49;

/// Hundredths of a degree that these thermometers can mean on a body.
const BODY: core::ops::RangeInclusive<i32> = 2_500..=4_500;

/// What the device said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The last stored value, after its time if that was told.
    Stored {
        /// The four bytes of the time.
        time: Option<[u8; 4]>,
        /// The four bytes of the value.
        value: [u8; 4],
    },
    /// What an oximeter measures now.
    Now {
        /// Oxygen saturation in percent; 0 = none.
        spo2: u8,
        /// Two bytes that no source explains.
        rest: [u8; 2],
        /// Pulse in beats per minute; 0 = none.
        pulse: u8,
    },
    /// Any other answer, and every question.
    Other {
        /// Which.
        command: u8,
        /// Its four bytes.
        data: [u8; 4],
        /// Asked by somebody, not answered by the device.
        is_question: bool,
    },
}

/// The bytes of a frame, for simulated devices.
#[must_use]
pub fn encode(frame: &Frame) -> Vec<u8> {
    match *frame {
        Frame::Stored { time, value } => {
            let time = time.map(|time| whole(TIME, time, ANSWERS).to_vec());
            let value = whole(STORED, value, ANSWERS);
            [time.unwrap_or_default().as_slice(), &value].concat()
        }
        Frame::Now {
            spo2,
            rest: [a, b],
            pulse,
        } => whole(NOW, [spo2, a, b, pulse], ANSWERS).to_vec(),
        Frame::Other {
            command,
            data,
            is_question,
        } => {
            let end = if is_question { ASKS } else { ANSWERS };
            whole(command, data, end).to_vec()
        }
    }
}

fn whole(command: u8, [a, b, c, d]: [u8; 4], end: u8) -> [u8; FRAME_LEN] {
    let body = [HEAD, command, a, b, c, d, end];
    [HEAD, command, a, b, c, d, end, checksum(&body)]
}

fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte))
}

/// The answers of one device. A time waits for the value that it belongs to.
#[derive(Debug)]
pub(crate) struct Eights;

pub(crate) type Stream = Framed<Eights>;

/// An answer or a question, before it is known what it means.
struct Eight {
    command: u8,
    data: [u8; 4],
    is_question: bool,
}

impl Wire for Eights {
    const COHERENT: usize = 1;

    fn cut(bytes: &[u8]) -> Cut {
        let eight = match eight(bytes) {
            Ok(eight) => eight,
            Err(cut) => return cut,
        };
        let (data, command) = (eight.data, eight.command);
        let other = Frame::Other {
            command,
            data,
            is_question: eight.is_question,
        };
        let (frame, len) = match command {
            _ if eight.is_question => (other, FRAME_LEN),
            TIME => match self::eight(&bytes[FRAME_LEN..]) {
                Ok(next) if next.command == STORED && !next.is_question => {
                    let (time, value) = (Some(data), next.data);
                    (Frame::Stored { time, value }, 2 * FRAME_LEN)
                }
                Err(Cut::Short) => return Cut::Short,
                _ => (other, FRAME_LEN),
            },
            STORED => (
                Frame::Stored {
                    time: None,
                    value: data,
                },
                FRAME_LEN,
            ),
            NOW => {
                let [spo2, a, b, pulse] = data;
                let rest = [a, b];
                (Frame::Now { spo2, rest, pulse }, FRAME_LEN)
            }
            _ => (other, FRAME_LEN),
        };
        Cut::Frame(AnyFrame::TaiDoc(frame), len)
    }
}

fn eight(bytes: &[u8]) -> Result<Eight, Cut> {
    let is_head = bytes.first().is_none_or(|byte| *byte == HEAD);
    let is_end = bytes
        .get(6)
        .is_none_or(|byte| matches!(*byte, ASKS | ANSWERS));
    if !is_head || !is_end {
        return Err(Cut::Bad(RejectReason::Noise, 1));
    }
    let Some([_, command, a, b, c, d, end, sum]) = bytes.first_chunk::<FRAME_LEN>() else {
        return Err(Cut::Short);
    };
    if checksum(&bytes[..FRAME_LEN - 1]) != *sum {
        return Err(Cut::Bad(RejectReason::BadCrc, 1));
    }
    Ok(Eight {
        command: *command,
        data: [*a, *b, *c, *d],
        is_question: *end == ASKS,
    })
}

/// The time of a stored value: a day in fifteen bits and a half, a minute and an hour.
fn date_time([low, high, minute, hour]: [u8; 4]) -> DateTime {
    let day = u16::from_le_bytes([low, high]);
    let bits = |value: u16| u8::try_from(value).unwrap_or(u8::MAX);
    DateTime {
        year: 2000 + (day >> 9),
        month: bits((day >> 5) & 0x0F),
        day: bits(day & 0x1F),
        hour,
        minute,
        second: 0,
    }
}

/// The four bytes of a time, for simulated devices; seconds are not told.
#[must_use]
pub fn encode_time(time: &DateTime) -> [u8; 4] {
    let year = time.year.saturating_sub(2000) & 0x7F;
    let day = (year << 9) | (u16::from(time.month) & 0x0F) << 5 | (u16::from(time.day) & 0x1F);
    let [low, high] = day.to_le_bytes();
    [low, high, time.minute, time.hour]
}

fn hundredths([low, high, ..]: [u8; 4]) -> i32 {
    match i32::from(u16::from_le_bytes([low, high])) {
        hundredths @ 1000.. => hundredths,
        tenths => tenths * 10,
    }
}

impl Frame {
    pub(crate) fn observe(&self) -> Vec<Observation> {
        match *self {
            Self::Stored { time, value } => {
                let hundredths = hundredths(value);
                if !BODY.contains(&hundredths) {
                    return Vec::new();
                }
                let time = time.map(date_time).filter(|time| time.seconds().is_some());
                let quality = quality([(time.is_none(), Quality::FROM_STORAGE)]);
                let vitals = [temperature(hundredths, Site::Unknown)];
                let thermometer = Sensor::Thermometer;
                dated(
                    time,
                    measured_once(thermometer, Contact::On, vitals, quality),
                )
            }
            Self::Now {
                spo2: percent,
                pulse: rate,
                ..
            } => {
                let vitals = [spo2(u16::from(percent) * 10), pulse(u16::from(rate) * 10)];
                let is_whole = vitals.iter().all(Option::is_some);
                let contact = if is_whole {
                    Contact::On
                } else {
                    Contact::Searching
                };
                measured(Sensor::Oximeter, contact, vitals, Quality::empty())
            }
            Self::Other { .. } => Vec::new(),
        }
    }

    pub(crate) fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Stored { time, value } => {
                let time = time.map(date_time).and_then(DateTime::seconds);
                map.serialize_entry("kind", "stored")?;
                map.serialize_entry("celsius_hundredths", &hundredths(*value))?;
                map.serialize_entry("device_seconds", &time.map(|time| time.0))?;
                map.serialize_entry("bytes", &hex(value))
            }
            Self::Now { spo2, rest, pulse } => {
                map.serialize_entry("kind", "now")?;
                map.serialize_entry("spo2_percent", &Some(*spo2).filter(|it| *it != 0))?;
                map.serialize_entry("pulse_per_minute", &Some(*pulse).filter(|it| *it != 0))?;
                map.serialize_entry("unexplained", &hex(rest))
            }
            Self::Other {
                command,
                data,
                is_question,
            } => {
                let kind = if *is_question { "question" } else { "answer" };
                map.serialize_entry("kind", kind)?;
                map.serialize_entry("command", &hex(&[*command]))?;
                map.serialize_entry("unexplained", &hex(data))
            }
        }
    }
}
