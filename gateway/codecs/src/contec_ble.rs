//! Contec's oximeters on Bluetooth LE (CMS50D-BT; the same frames are spoken by EMAY's SleepO2):
//! once a second the numbers, sixty times a second the wave, for as long as they are asked for.
//!
//! ```text
//! EB 01 ss rr oo pl ph ck    ss: bit 1 = bit 7 of the pulse, the rest unexplained
//!                            rr: pulse bits 0-6; oo: SpO2, 127 = no finger
//!                            pl ph: unexplained, 7F 00 in every frame that was published
//! EB 00 aa bb cc ck          the wave
//! ck = the sum of all bytes before it, modulo 128
//! ```
//!
//! Sources: OxiVis issue 2 and the drivers nringelstein/CMS50D-BT and r-blindauer's (bytes,
//! characteristics, `9A 1A` every five seconds), EMAY's reader (a frame captured live, the
//! service), icefest/pulseoxdl by way of rico132/PulsoximeterGraphs (the same frames over USB from
//! a CMS50E: bit 7 of the pulse, 127 without a finger), OSCAR's Contec reader (lengths of other
//! answers, advertised names). Certain: the checksum, which fits the three published frames; the
//! place of pulse and SpO2. Where sources differ: the first took bit 1 of `ss` for the finger, the
//! third found the pulse's highest bit in it; the published frames have it clear beside a good
//! pulse and saturation, so the third is followed. Inferred: zero means none. There is no flag for
//! a finger: without a saturation the device is searching. The checksum has seven bits, so two
//! frames must stand on end before the first is believed.

use alloc::vec::Vec;

use serde::ser::SerializeMap;
use veglia_wire::{Contact, Quality, Sensor};

use crate::Frame as AnyFrame;
use crate::framed::{Cut, Framed, Wire};
use crate::gatt::{Gatt, Uuid};
use crate::json::hex;
use crate::observe::{Observation, measured, pulse, spo2};
use crate::protocol::{Facts, Framing, KeepAlive};
use crate::reject::RejectReason;

/// Asked for the numbers (the wave comes with them), and told that we live.
pub(crate) const FACTS: Facts = Facts {
    gatt: Some(Gatt {
        service: Uuid::sig(0xFF12),
        listen: &[Uuid::sig(0xFF02)],
        write: Some(Uuid::sig(0xFF01)),
        // Contec's number of the model follows: SpO208 is a CMS50D-BT.
        name_prefixes: &["SpO2", "SleepO2"],
    }),
    greeting: &[&START],
    keep_alive: Some(KeepAlive {
        every_ms: 4_000,
        bytes: &STILL_HERE,
    }),
    is_fast: true,
    samples,
    ..Facts::new::<Stream>("contec-ble", Framing::Stream)
};

fn samples() -> Vec<AnyFrame> {
    let values = Frame::Values {
        state: 0,
        pulse: 72,
        spo2: 97,
        rest: [0x7F, 0],
    };
    let wave = Frame::Wave([0, 40, 0]);
    [values, wave].map(AnyFrame::ContecBle).into()
}

const START: [u8; 3] = [0x9B, 0x01, 0x1C];
const STILL_HERE: [u8; 2] = [0x9A, 0x1A];

/// What ends the stream.
pub const STOP: [u8; 3] = [0x9B, 0x7F, 0x1A];

const LIVE: u8 = 0xEB;
const VALUES_LEN: usize = 8;
const WAVE_LEN: usize = 6;
const REPLY_LEN: usize = 3;
/// Bit 7 of the pulse.
const PULSE_TOP: u8 = 0x02;
const NO_FINGER: u8 = 127;
const MISSING_PULSE: u8 = 255;

/// What the oximeter said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The numbers of a second.
    Values {
        /// The byte before the pulse, all but its bit 1.
        state: u8,
        /// Pulse in beats per minute; 255 or 0 = none.
        pulse: u8,
        /// Oxygen saturation in percent; 127 or 0 = none.
        spo2: u8,
        /// The two bytes after it.
        rest: [u8; 2],
    },
    /// A piece of the pulse wave: three bytes, of which the second is its height.
    Wave([u8; 3]),
    /// The answer to a command: which, and its byte.
    Reply([u8; 2]),
}

/// The bytes of a frame, for simulated devices.
#[must_use]
pub fn encode(frame: &Frame) -> Vec<u8> {
    let mut out = match *frame {
        Frame::Values {
            state,
            pulse,
            spo2,
            rest,
        } => {
            let top = (pulse >> 7) * PULSE_TOP;
            let state = (state & !PULSE_TOP) | top;
            [LIVE, 0x01, state, pulse & 0x7F, spo2, rest[0], rest[1]].to_vec()
        }
        Frame::Wave([a, b, c]) => [LIVE, 0x00, a, b, c].to_vec(),
        Frame::Reply(reply) => reply.to_vec(),
    };
    out.push(checksum(&out));
    out
}

fn checksum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)) & 0x7F
}

/// The stream of one oximeter; a notification may hold half a frame.
#[derive(Debug)]
pub(crate) struct Summed;

pub(crate) type Stream = Framed<Summed>;

impl Wire for Summed {
    const COHERENT: usize = 2;

    fn cut(bytes: &[u8]) -> Cut {
        let len = match *bytes {
            [LIVE] => return Cut::Short,
            [LIVE, 0x00, ..] => WAVE_LEN,
            [LIVE, 0x01, ..] => VALUES_LEN,
            [LIVE, 0x7F, ..] => REPLY_LEN,
            [0xF3..=0xF6 | 0xFA | 0xFB | 0xFF, ..] => REPLY_LEN,
            _ => return Cut::Bad(RejectReason::Noise, 1),
        };
        let Some(wire) = bytes.get(..len) else {
            return Cut::Short;
        };
        let (sum, body) = wire.split_last().unwrap_or((&0, &[]));
        if checksum(body) != *sum {
            return Cut::Bad(RejectReason::BadCrc, 1);
        }
        let frame = match *body {
            // A pulse with its own top bit set would be told twice over.
            [_, _, _, pulse, ..] if len == VALUES_LEN && pulse > 0x7F => None,
            [_, _, state, pulse, spo2, a, b] => Some(Frame::Values {
                state: state & !PULSE_TOP,
                pulse: pulse | ((state & PULSE_TOP) << 6),
                spo2,
                rest: [a, b],
            }),
            [_, _, a, b, c] => Some(Frame::Wave([a, b, c])),
            [head, value] => Some(Frame::Reply([head, value])),
            _ => None,
        };
        match frame {
            Some(frame) => Cut::Frame(AnyFrame::ContecBle(frame), len),
            None => Cut::Bad(RejectReason::Noise, 1),
        }
    }
}

impl Frame {
    pub(crate) fn observe(&self) -> Vec<Observation> {
        let Self::Values {
            pulse: rate,
            spo2: percent,
            ..
        } = *self
        else {
            return Vec::new();
        };
        let percent = (percent != NO_FINGER).then_some(u16::from(percent) * 10);
        let rate = (rate != MISSING_PULSE).then_some(u16::from(rate) * 10);
        let percent = percent.and_then(spo2);
        // Without a finger the pulse means nothing, whatever stands there.
        let contact = percent.map_or(Contact::Searching, |_| Contact::On);
        let vitals = [percent, rate.and_then(pulse)];
        measured(Sensor::Oximeter, contact, vitals, Quality::empty())
    }

    pub(crate) fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Values {
                state,
                pulse,
                spo2,
                rest,
            } => {
                let spo2 = Some(*spo2).filter(|it| !matches!(*it, NO_FINGER | 0));
                let pulse = Some(*pulse).filter(|it| !matches!(*it, MISSING_PULSE | 0));
                map.serialize_entry("kind", "values")?;
                map.serialize_entry("spo2_percent", &spo2)?;
                map.serialize_entry("pulse_per_minute", &pulse)?;
                map.serialize_entry("unexplained", &hex(&[*state, rest[0], rest[1]]))
            }
            Self::Wave(wave) => {
                map.serialize_entry("kind", "wave")?;
                map.serialize_entry("unexplained", &hex(wave))
            }
            Self::Reply(reply) => {
                map.serialize_entry("kind", "reply")?;
                map.serialize_entry("unexplained", &hex(reply))
            }
        }
    }
}
