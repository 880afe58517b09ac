//! Viatom's fingertip oximeters with the Creative protocol (PC-60FW, sold by Wellue and others):
//! once a second the numbers, ten times a second five samples of the wave.
//!
//! ```text
//! AA 55 tt nn ff ... cc     tt: 0F of the oximeter, F0 of the device; nn: bytes after it
//! 0F 01  SpO2 · pulse (2, low byte first) · perfusion index · status · level    0 = none
//! 0F 02  five samples of the wave
//! 0F 21  mode · step · two parameters
//! F0 03  battery, 0 to 3 bars
//! ```
//!
//! The last byte is a CRC-8 (Maxim) over all before it, so that one frame is enough to be believed.
//!
//! Sources: sza2/viatom_pc60fw (bytes, checksum), the maker's own library in viatomEcho/LepuBle
//! (two bytes of pulse, the status bits, the bars), a recorded stream of the sister model PC-60NW.
//! Certain: framing, checksum, places, bit 1 of the status = probe off and bit 2 = searching (the
//! maker's). Inferred: no bar left means a low battery (the maker's app shows 0 to 25 %). Where
//! sources differ: the maker reads bars from the top bits of `level` too, and the recorded PC-60NW
//! has none there while it measures; so the battery is read from F0 03 alone.

use alloc::vec::Vec;

use bitflags::bitflags;
use serde::ser::SerializeMap;
use veglia_wire::{Contact, DeviceEvent, Quality, Sensor};

use crate::Frame as AnyFrame;
use crate::bytes::Bytes;
use crate::framed::{Cut, Framed, Wire};
use crate::gatt::{Gatt, Uuid};
use crate::json::{Names, hex};
use crate::observe::{Observation, measured, pulse, spo2};
use crate::protocol::{Facts, Framing};
use crate::reject::RejectReason;

/// It only speaks.
pub(crate) const FACTS: Facts = Facts {
    gatt: Some(Gatt {
        service: Uuid(0x6E400001_B5A3_F393_E0A9_E50E24DCCA9E),
        listen: &[Uuid(0x6E400003_B5A3_F393_E0A9_E50E24DCCA9E)],
        write: None,
        // The service is Nordic's serial port, which many devices have.
        name_prefixes: &["PC-60F"],
    }),
    is_fast: true,
    samples,
    ..Facts::new::<Stream>("pc-60fw", Framing::Stream)
};

fn samples() -> Vec<AnyFrame> {
    let values = Frame::Values {
        spo2: 95,
        pulse: 85,
        perfusion_tenths: 87,
        status: Status::empty(),
        level: 0xC0,
    };
    let wave = Frame::Wave([90, 87, 82, 76, 69]);
    [values, wave, Frame::Battery(3)]
        .map(AnyFrame::Pc60Fw)
        .into()
}

const HEAD: [u8; 2] = [0xAA, 0x55];
const OXIMETER: u8 = 0x0F;
const DEVICE: u8 = 0xF0;
/// What stands before the bytes that the length counts.
const PREFIX_LEN: usize = 4;

/// What the oximeter said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The numbers of a second.
    Values {
        /// Oxygen saturation in percent; 0 = none.
        spo2: u8,
        /// Pulse in beats per minute; 0 = none.
        pulse: u16,
        /// Perfusion index in tenths of a percent.
        perfusion_tenths: u8,
        /// What the oximeter says of them.
        status: Status,
        /// The last byte.
        level: u8,
    },
    /// Five samples of the pulse wave.
    Wave([u8; 5]),
    /// Bars of the battery, 0 to 3.
    Battery(u8),
    /// Anything else: who it is of, which kind, and its bytes.
    Other {
        /// 0F or F0.
        token: u8,
        /// Its kind.
        kind: u8,
        /// The rest.
        content: Bytes,
    },
}

bitflags! {
    /// The status byte, unexplained bits kept as they came.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Status: u8 {
        /// No finger.
        const PROBE_OFF = 0x02;
        /// Searching for a pulse.
        const SEARCHING = 0x04;
    }
}

/// The bytes of a frame, for simulated devices.
#[must_use]
pub fn encode(frame: &Frame) -> Vec<u8> {
    match frame {
        Frame::Values {
            spo2,
            pulse,
            perfusion_tenths,
            status,
            level,
        } => {
            let [low, high] = pulse.to_le_bytes();
            let content = [*spo2, low, high, *perfusion_tenths, status.bits(), *level];
            whole(OXIMETER, 0x01, &content)
        }
        Frame::Wave(samples) => whole(OXIMETER, 0x02, samples),
        Frame::Battery(bars) => whole(DEVICE, 0x03, &[*bars]),
        Frame::Other {
            token,
            kind,
            content,
        } => whole(*token, *kind, content.as_slice()),
    }
}

fn whole(token: u8, kind: u8, content: &[u8]) -> Vec<u8> {
    // Kind and checksum are counted; a content is never longer than `Bytes::MAX`.
    let len = u8::try_from(content.len() + 2).unwrap_or(u8::MAX);
    let mut out = [&HEAD, [token, len, kind].as_slice(), content].concat();
    out.push(crc8(&out));
    out
}

/// CRC-8 as Maxim's: polynomial 31, bits reversed, from zero. Over a frame with its CRC it is zero.
fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ byte, |crc: u8, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0x8C } else { 0 }
        })
    })
}

/// The stream of one oximeter; a notification may hold half a frame.
#[derive(Debug)]
pub(crate) struct Checked;

pub(crate) type Stream = Framed<Checked>;

impl Wire for Checked {
    const COHERENT: usize = 1;

    fn cut(bytes: &[u8]) -> Cut {
        let looks_right = bytes.iter().zip(HEAD).all(|(byte, head)| *byte == head)
            && matches!(bytes.get(2), None | Some(&OXIMETER | &DEVICE));
        if !looks_right {
            return Cut::Bad(RejectReason::Noise, 1);
        }
        let Some(&counted) = bytes.get(PREFIX_LEN - 1) else {
            return Cut::Short;
        };
        // At least a kind and the checksum; more than fits is none of its frames.
        let counted = usize::from(counted);
        if !(2..=Bytes::MAX + 2).contains(&counted) {
            return Cut::Bad(RejectReason::Noise, 1);
        }
        let len = PREFIX_LEN + counted;
        let Some(wire) = bytes.get(..len) else {
            return Cut::Short;
        };
        if crc8(wire) != 0 {
            return Cut::Bad(RejectReason::BadCrc, HEAD.len());
        }
        match read(wire[2], wire[4], &wire[5..len - 1]) {
            Some(frame) => Cut::Frame(AnyFrame::Pc60Fw(frame), len),
            None => Cut::Bad(RejectReason::BadLength, len),
        }
    }
}

fn read(token: u8, kind: u8, content: &[u8]) -> Option<Frame> {
    Some(match (token, kind, content) {
        (OXIMETER, 0x01, &[spo2, low, high, perfusion_tenths, status, level]) => Frame::Values {
            spo2,
            pulse: u16::from_le_bytes([low, high]),
            perfusion_tenths,
            status: Status::from_bits_retain(status),
            level,
        },
        (OXIMETER, 0x02, &[a, b, c, d, e]) => Frame::Wave([a, b, c, d, e]),
        (DEVICE, 0x03, &[bars]) => Frame::Battery(bars),
        (OXIMETER, 0x01 | 0x02, _) => return None,
        _ => Frame::Other {
            token,
            kind,
            content: Bytes::new(content)?,
        },
    })
}

impl Frame {
    pub(crate) fn observe(&self) -> Vec<Observation> {
        match *self {
            Self::Values {
                spo2: percent,
                pulse: rate,
                status,
                ..
            } => {
                let contact = if status.contains(Status::PROBE_OFF) {
                    Contact::Off
                } else if status.contains(Status::SEARCHING) {
                    Contact::Searching
                } else {
                    Contact::On
                };
                let vitals = [spo2(u16::from(percent) * 10), pulse(i32::from(rate) * 10)];
                measured(Sensor::Oximeter, contact, vitals, Quality::empty())
            }
            Self::Battery(0) => [Observation::Battery(DeviceEvent::BatteryLow)].into(),
            Self::Battery(_) | Self::Wave(_) | Self::Other { .. } => Vec::new(),
        }
    }

    pub(crate) fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Values {
                spo2,
                pulse,
                perfusion_tenths,
                status,
                level,
            } => {
                map.serialize_entry("kind", "values")?;
                map.serialize_entry("spo2_percent", &Some(*spo2).filter(|it| *it != 0))?;
                map.serialize_entry("pulse_per_minute", &Some(*pulse).filter(|it| *it != 0))?;
                map.serialize_entry("perfusion_percent_tenths", perfusion_tenths)?;
                map.serialize_entry("flags", &Names(*status))?;
                map.serialize_entry("unexplained", &hex(&[*level]))
            }
            Self::Wave(samples) => {
                map.serialize_entry("kind", "wave")?;
                map.serialize_entry("pleth", samples)
            }
            Self::Battery(bars) => {
                map.serialize_entry("kind", "battery")?;
                map.serialize_entry("bars", bars)
            }
            Self::Other {
                token,
                kind,
                content,
            } => {
                map.serialize_entry("kind", "other")?;
                map.serialize_entry("token", &hex(&[*token, *kind]))?;
                map.serialize_entry("unexplained", content)
            }
        }
    }
}
