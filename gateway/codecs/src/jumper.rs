//! Jumper's JPD-500F ("My Oximeter", also sold as Custom PLS-01BT): an attribute value of four
//! bytes about once a second.
//!
//! ```text
//! 81 rr oo pp    rr: pulse, 255 = none; oo: SpO2, 127 = none; pp: perfusion index, 0 = none
//! 80 ...         the pulse wave
//! 2D 2D ...      idle
//! ```
//!
//! Sources: smarttelemed-v4, obniz's PLS_01BT, a French client, a Chinese one and an ESP32 sketch:
//! all have the pulse first, and `81 38 63 44` was read as pulse 56, SpO2 99. Where they differ:
//! the first two markers. obniz drops a saturation of 177, the French client one of 127; 177 is no
//! saturation either, so both are none. The French client drops values without perfusion, and so
//! do we: no number is better than one out of no pulse. Inferred: that the perfusion index is in
//! tenths of a percent, and what 80 and 2D mean. There is no flag for a finger: without a value
//! the device is searching. There is no checksum; the radio has its own, and a value comes whole.

use alloc::vec::Vec;

use serde::ser::SerializeMap;
use veglia_wire::{Contact, Quality, Sensor};

use crate::Frame as AnyFrame;
use crate::bytes::Bytes;
use crate::framed::{Packet, Packets};
use crate::gatt::{Gatt, Uuid};
use crate::observe::{Observation, measured, pulse, spo2};
use crate::protocol::{Facts, Framing};
use crate::reject::RejectReason;

/// It only speaks.
pub(crate) const FACTS: Facts = Facts {
    gatt: Some(Gatt {
        service: Uuid(0xCDEACB80_5235_4C07_8846_93A37EE6B86D),
        listen: &[Uuid(0xCDEACB81_5235_4C07_8846_93A37EE6B86D)],
        write: None,
        name_prefixes: &[],
    }),
    is_fast: true,
    samples,
    ..Facts::new::<Stream>("jumper", Framing::Packets)
};

fn samples() -> Vec<AnyFrame> {
    let values = |pulse, spo2| Frame::Values {
        pulse,
        spo2,
        perfusion_tenths: 68,
    };
    [values(56, 99), values(141, 96)]
        .map(AnyFrame::Jumper)
        .into()
}

const VALUES: u8 = 0x81;
const WAVE: u8 = 0x80;
const IDLE: u8 = 0x2D;

/// What the oximeter said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The numbers of now.
    Values {
        /// Pulse in beats per minute; 255 = none.
        pulse: u8,
        /// Oxygen saturation in percent; 127 or 177 = none.
        spo2: u8,
        /// Perfusion index in tenths of a percent; 0 = none.
        perfusion_tenths: u8,
    },
    /// A piece of the pulse wave, or the idle value: no number is read from it.
    Other(Bytes),
}

/// The bytes of a value, for simulated devices.
#[must_use]
pub fn encode(frame: &Frame) -> Vec<u8> {
    match frame {
        Frame::Values {
            pulse,
            spo2,
            perfusion_tenths,
        } => [VALUES, *pulse, *spo2, *perfusion_tenths].to_vec(),
        Frame::Other(bytes) => bytes.as_slice().to_vec(),
    }
}

/// The values of one oximeter.
#[derive(Debug)]
pub(crate) struct Values;

pub(crate) type Stream = Packets<Values>;

impl Packet for Values {
    fn decode(value: &[u8]) -> Result<AnyFrame, RejectReason> {
        let frame = match *value {
            [VALUES, pulse, spo2, perfusion_tenths] => Frame::Values {
                pulse,
                spo2,
                perfusion_tenths,
            },
            [VALUES, ..] => return Err(RejectReason::BadLength),
            [WAVE | IDLE, ..] => Frame::Other(Bytes::new(value).ok_or(RejectReason::BadLength)?),
            _ => return Err(RejectReason::Noise),
        };
        Ok(AnyFrame::Jumper(frame))
    }
}

impl Frame {
    pub(crate) fn observe(&self) -> Vec<Observation> {
        let Self::Values {
            pulse: rate,
            spo2: percent,
            perfusion_tenths,
        } = *self
        else {
            return Vec::new();
        };
        let percent = spo2(u16::from(percent) * 10).filter(|_| rate != 255);
        let contact = match percent {
            Some(_) if perfusion_tenths > 0 => Contact::On,
            _ => Contact::Searching,
        };
        let vitals = [percent, pulse(u16::from(rate) * 10)];
        measured(Sensor::Oximeter, contact, vitals, Quality::empty())
    }

    pub(crate) fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Values {
                pulse,
                spo2,
                perfusion_tenths,
            } => {
                map.serialize_entry("kind", "values")?;
                let spo2 = Some(*spo2).filter(|it| *it <= 100);
                map.serialize_entry("spo2_percent", &spo2)?;
                map.serialize_entry("pulse_per_minute", &Some(*pulse).filter(|it| *it != 255))?;
                map.serialize_entry("perfusion_percent_tenths", perfusion_tenths)
            }
            Self::Other(bytes) => {
                map.serialize_entry("kind", "other")?;
                map.serialize_entry("unexplained", bytes)
            }
        }
    }
}
