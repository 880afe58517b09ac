//! Viatom's rings and wrist oximeters (O2Ring, Checkme O2, SleepU, Oxylink; also Wellue's): a
//! question every two seconds, an answer to each, over Bluetooth LE.
//!
//! ```text
//! question  AA cc ~cc bb bb nn nn ... crc    cc: command, bb: block, nn: bytes that follow
//! answer    55 ss ~ss bb bb nn nn ... crc    ss: status, 0 = done: not the command
//! to 17     SpO2 · pulse · 5 unexplained · battery % · charging · motion · PI · worn · 1
//! ```
//!
//! Counts are low byte first; the CRC-8 (polynomial 07) stands over all before it, so that one
//! frame is enough to be believed. An answer does not say what it answers: one of thirteen bytes
//! in block 0 is taken for the live values, which no other answer is. Files are fetched by
//! [`Download`], which asks itself and must be given the answers instead of this decoder; what
//! stands in them is [`o2ring_file`](crate::o2ring_file)'s.
//!
//! Sources: ecostech/viatom-ble (MIT), home-health-hub/viatom-o2ring-ble, MackeyStingray/o2r
//! (three recorded answers to 17), the maker's own viatom-develop/LepuBle. Certain: framing,
//! checksum, places of SpO2, pulse, battery, worn; that 255 stands there without a finger and 0
//! while it calibrates. Inferred: that the perfusion index is in tenths of a percent; that any
//! `worn` but 1 is "not worn" (a sister model says 2 for a fallen lead). Where sources differ: the
//! maker's newer app asks 1B instead of 17 and gets two bytes of pulse; no recorded answer was
//! published, and it is not asked. The O2Ring-S speaks another protocol in another service.

use alloc::format;
use alloc::vec::Vec;

use serde::ser::SerializeMap;
use veglia_wire::{Contact, DeviceEvent, Quality, Sensor};

use crate::Frame as AnyFrame;
use crate::bytes::Bytes;
use crate::framed::{Cut, Framed, Wire};
use crate::gatt::{Gatt, Uuid};
use crate::json::hex;
use crate::observe::{Observation, measured, pulse, spo2};
use crate::protocol::{Facts, Framing, KeepAlive};
use crate::reject::RejectReason;
use crate::time::DateTime;

mod download;

pub use download::{Download, DownloadError, Info, Step};

/// Asked for its values every two seconds, as the maker's first app did.
pub(crate) const FACTS: Facts = Facts {
    gatt: Some(Gatt {
        service: Uuid(0x14839AC4_7D7E_415C_9A42_167340CF2339),
        listen: &[Uuid(0x0734594A_A8E7_4B1A_A6B1_CD5243059A57)],
        write: Some(Uuid(0x8B00ACE7_EB0B_49B0_BBE9_9AEE0A26E1A3)),
        name_prefixes: &[],
    }),
    greeting: &[&ASK_VALUES],
    keep_alive: Some(KeepAlive {
        every_ms: 2_000,
        bytes: &ASK_VALUES,
    }),
    set_time: Some(set_time),
    // Two questions without an answer, and what is left of one is stale.
    quiet_ms: 5_000,
    samples,
    ..Facts::new::<Stream>("o2ring", Framing::Stream)
};

fn samples() -> Vec<AnyFrame> {
    let values = |spo2, pulse| Frame::Values {
        spo2,
        pulse,
        rest: [0; 5],
        battery_percent: 83,
        charging: 0,
        motion: 4,
        perfusion_tenths: 35,
        worn: WORN,
        last: 1,
    };
    [values(97, 72), values(96, 141)]
        .map(AnyFrame::O2Ring)
        .into()
}

const ASK_VALUES: [u8; 8] = [0xAA, READ_VALUES, !READ_VALUES, 0, 0, 0, 0, 0x1B];

const FILE_OPEN: u8 = 0x03;
const FILE_READ: u8 = 0x04;
const FILE_CLOSE: u8 = 0x05;
const INFO: u8 = 0x14;
const CONFIGURE: u8 = 0x16;
const READ_VALUES: u8 = 0x17;

const ASKS: u8 = 0xAA;
const ANSWERS: u8 = 0x55;
/// What stands before the content of a frame.
const HEAD_LEN: usize = 7;
/// The content of live values.
const VALUES_LEN: usize = 13;
const WORN: u8 = 1;

/// What the ring said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The values of now.
    Values {
        /// Oxygen saturation in percent; 255 or 0 = none.
        spo2: u8,
        /// Pulse in beats per minute; 255 or 0 = none.
        pulse: u8,
        /// Five bytes that no source explains.
        rest: [u8; 5],
        /// Battery in percent.
        battery_percent: u8,
        /// 0 = not charging, 1 = charging, 2 = charged.
        charging: u8,
        /// How much the hand moves.
        motion: u8,
        /// Perfusion index in tenths of a percent.
        perfusion_tenths: u8,
        /// 1 = worn.
        worn: u8,
        /// A last byte that no source explains.
        last: u8,
    },
    /// Any other short answer, such as "done".
    Answer {
        /// 0 = done.
        status: u8,
        /// Which block.
        block: u16,
        /// What it holds.
        content: Bytes,
    },
}

/// The bytes of an answer, for simulated devices.
#[must_use]
pub fn encode(frame: &Frame) -> Vec<u8> {
    match *frame {
        Frame::Values {
            spo2,
            pulse,
            rest: [a, b, c, d, e],
            battery_percent,
            charging,
            motion,
            perfusion_tenths,
            worn,
            last,
        } => {
            let numbers = [spo2, pulse, a, b, c, d, e];
            let state = [
                battery_percent,
                charging,
                motion,
                perfusion_tenths,
                worn,
                last,
            ];
            whole(ANSWERS, 0, 0, &[numbers.as_slice(), &state].concat())
        }
        Frame::Answer {
            status,
            block,
            content,
        } => whole(ANSWERS, status, block, content.as_slice()),
    }
}

/// The answer that holds `content`, for simulated devices.
#[must_use]
pub fn answer(status: u8, block: u16, content: &[u8]) -> Vec<u8> {
    whole(ANSWERS, status, block, content)
}

fn ask(command: u8, block: u16, content: &[u8]) -> Vec<u8> {
    whole(ASKS, command, block, content)
}

fn whole(head: u8, code: u8, block: u16, content: &[u8]) -> Vec<u8> {
    let [block_low, block_high] = block.to_le_bytes();
    // No content is longer than two bytes count: the longest is a block of a file.
    let len = u16::try_from(content.len())
        .unwrap_or(u16::MAX)
        .to_le_bytes();
    let head = [head, code, !code, block_low, block_high, len[0], len[1]];
    let mut out = [head.as_slice(), content].concat();
    out.push(crc8(&out));
    out
}

/// CRC-8: polynomial 07, from zero.
fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc: u8, _| {
            (crc << 1) ^ if crc & 0x80 == 0 { 0 } else { 0x07 }
        })
    })
}

fn set_time(time: &DateTime) -> Vec<u8> {
    let DateTime {
        year,
        month,
        day,
        hour,
        minute,
        second,
    } = time;
    let text = format!(
        "{{\"SetTIME\":\"{year:04}-{month:02}-{day:02},{hour:02}:{minute:02}:{second:02}\"}}"
    );
    ask(CONFIGURE, 0, text.as_bytes())
}

/// One answer, cut from the bytes it stands in.
struct Answer<'a> {
    status: u8,
    block: u16,
    content: &'a [u8],
    len: usize,
}

/// The answer at the head of some bytes, which are never empty; none longer than `longest` is
/// waited for.
fn answer_at(bytes: &[u8], longest: usize) -> Result<Answer<'_>, Cut> {
    let noise = Err(Cut::Bad(RejectReason::Noise, 1));
    let (status, check) = (bytes.get(1), bytes.get(2));
    let agrees = status
        .zip(check)
        .is_none_or(|(status, check)| *status == !check);
    if bytes[0] != ANSWERS || !agrees {
        return noise;
    }
    let Some(&[_, status, _, block_low, block_high, low, high]) = bytes.first_chunk::<HEAD_LEN>()
    else {
        return Err(Cut::Short);
    };
    let content_len = usize::from(u16::from_le_bytes([low, high]));
    if content_len > longest {
        return Err(Cut::Bad(RejectReason::BadLength, 1));
    }
    let len = HEAD_LEN + content_len + 1;
    let Some(wire) = bytes.get(..len) else {
        return Err(Cut::Short);
    };
    if crc8(wire) != 0 {
        return Err(Cut::Bad(RejectReason::BadCrc, 1));
    }
    Ok(Answer {
        status,
        block: u16::from_le_bytes([block_low, block_high]),
        content: &wire[HEAD_LEN..len - 1],
        len,
    })
}

/// The answers of one ring; a notification holds a piece of one.
#[derive(Debug)]
pub(crate) struct Answers;

pub(crate) type Stream = Framed<Answers>;

impl Wire for Answers {
    const COHERENT: usize = 1;

    fn cut(bytes: &[u8]) -> Cut {
        let answer = match answer_at(bytes, Bytes::MAX) {
            Ok(answer) => answer,
            Err(cut) => return cut,
        };
        let frame = live(&answer).or_else(|| {
            Some(Frame::Answer {
                status: answer.status,
                block: answer.block,
                content: Bytes::new(answer.content)?,
            })
        });
        match frame {
            Some(frame) => Cut::Frame(AnyFrame::O2Ring(frame), answer.len),
            None => Cut::Bad(RejectReason::BadLength, answer.len),
        }
    }
}

/// The live values, if the answer holds them.
fn live(answer: &Answer<'_>) -> Option<Frame> {
    let content: [u8; VALUES_LEN] = answer.content.try_into().ok()?;
    if answer.status != 0 || answer.block != 0 {
        return None;
    }
    let [spo2, pulse, a, b, c, d, e, state @ ..] = content;
    let [
        battery_percent,
        charging,
        motion,
        perfusion_tenths,
        worn,
        last,
    ] = state;
    Some(Frame::Values {
        spo2,
        pulse,
        rest: [a, b, c, d, e],
        battery_percent,
        charging,
        motion,
        perfusion_tenths,
        worn,
        last,
    })
}

impl Frame {
    pub(crate) fn observe(&self) -> Vec<Observation> {
        let Self::Values {
            spo2: percent,
            pulse: rate,
            battery_percent,
            worn,
            ..
        } = *self
        else {
            return Vec::new();
        };
        let contact = if worn == WORN {
            Contact::On
        } else {
            Contact::Off
        };
        let rate = Some(rate).filter(|rate| *rate != u8::MAX);
        let vitals = [
            spo2(u16::from(percent) * 10),
            rate.and_then(|rate| pulse(u16::from(rate) * 10)),
        ];
        let mut said = measured(Sensor::Oximeter, contact, vitals, Quality::empty());
        if battery_percent <= 100 {
            let charge = DeviceEvent::BatteryPercent(battery_percent);
            said.push(Observation::Battery(charge));
        }
        said
    }

    pub(crate) fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Values {
                spo2,
                pulse,
                rest,
                battery_percent,
                charging,
                motion,
                perfusion_tenths,
                worn,
                last,
            } => {
                let there = |it: u8| Some(it).filter(|it| !matches!(*it, 0 | u8::MAX));
                let [a, b, c, d, e] = *rest;
                map.serialize_entry("kind", "values")?;
                map.serialize_entry("spo2_percent", &there(*spo2))?;
                map.serialize_entry("pulse_per_minute", &there(*pulse))?;
                map.serialize_entry("battery_percent", battery_percent)?;
                map.serialize_entry("charging", charging)?;
                map.serialize_entry("motion", motion)?;
                map.serialize_entry("perfusion_percent_tenths", perfusion_tenths)?;
                map.serialize_entry("worn", &(*worn == WORN))?;
                map.serialize_entry("unexplained", &hex(&[a, b, c, d, e, *last]))
            }
            Self::Answer {
                status,
                block,
                content,
            } => {
                map.serialize_entry("kind", "answer")?;
                map.serialize_entry("status", status)?;
                map.serialize_entry("block", block)?;
                map.serialize_entry("unexplained", content)
            }
        }
    }
}
