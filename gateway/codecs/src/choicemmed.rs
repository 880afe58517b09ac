//! ChoiceMMed's fingertip oximeters on Bluetooth LE (Innovo iP900BP-B, Zacurate 500E-B): once a
//! second a value of thirteen bytes, some 24 times a second one of two for the wave.
//!
//! ```text
//! 3E oo 00 rr 00 bb 20 00 00 00 00 pp F0
//!    oo: SpO2, 127 or 0 = none; rr: pulse; bb: breaths a minute, estimated; pp: perfusion index
//! 01 ww    the wave
//! ```
//!
//! Sources: two clients of one model, an Innovo iP900BP-B (a logger with a plot, and an application
//! for phones), which do not know of each other and agree on every byte used here; one model is
//! all there is, and nothing comes from the maker. Where they differ: one calls byte 5 breaths a
//! minute, the other does not explain it; it is shown and never a reading. Certain: layout, length,
//! first and last byte. Inferred: that 127 and 0 are none (one source), that the perfusion index
//! is in tenths of a percent (both). Bytes 2 and 4 are zero in all that was published: what they
//! mean otherwise is not known, and then the number before them is not read. There is no flag for
//! a finger: without a value the device is searching. Both characteristics must be subscribed to,
//! says one source; the other is served without.

use alloc::vec::Vec;

use serde::ser::SerializeMap;
use veglia_wire::{Contact, Quality, Sensor};

use crate::Frame as AnyFrame;
use crate::framed::{Packet, Packets};
use crate::gatt::{Gatt, Uuid};
use crate::json::hex;
use crate::observe::{Observation, measured, pulse, spo2};
use crate::protocol::{Facts, Framing};
use crate::reject::RejectReason;

/// It only speaks. It stands in the service of Nordic's serial port, with characteristics that are
/// not that one's.
pub(crate) const FACTS: Facts = Facts {
    gatt: Some(Gatt {
        service: Uuid(0x6E400001_B5A3_F393_E0A9_E50E24DCCA9E),
        listen: &[Uuid::sig(0xFFF0), Uuid::sig(0xFFF1)],
        write: None,
        name_prefixes: &["iP900BPB", "IP900BPB", "500E-B"],
    }),
    is_fast: true,
    samples,
    ..Facts::new::<Stream>("choicemmed", Framing::Packets)
};

fn samples() -> Vec<AnyFrame> {
    let values = Frame::Values {
        spo2: 97,
        after_spo2: 0,
        pulse: 72,
        after_pulse: 0,
        breaths: 16,
        rest: [0x20, 0, 0, 0, 0],
        perfusion_tenths: 68,
    };
    [values, Frame::Wave(40)].map(AnyFrame::ChoiceMmed).into()
}

const HEAD: u8 = 0x3E;
const TAIL: u8 = 0xF0;
const WAVE: u8 = 0x01;

/// What the oximeter said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The numbers of a second.
    Values {
        /// Oxygen saturation in percent; 127 or 0 = none.
        spo2: u8,
        /// The byte after it.
        after_spo2: u8,
        /// Pulse in beats per minute; 0 = none.
        pulse: u8,
        /// The byte after it.
        after_pulse: u8,
        /// Breaths a minute as the oximeter estimates them: shown, never a reading.
        breaths: u8,
        /// Five bytes that no source explains.
        rest: [u8; 5],
        /// Perfusion index in tenths of a percent.
        perfusion_tenths: u8,
    },
    /// A sample of the pulse wave.
    Wave(u8),
}

/// The bytes of a value, for simulated devices.
#[must_use]
pub fn encode(frame: &Frame) -> Vec<u8> {
    match *frame {
        Frame::Values {
            spo2,
            after_spo2,
            pulse,
            after_pulse,
            breaths,
            rest: [a, b, c, d, e],
            perfusion_tenths,
        } => {
            let numbers = [HEAD, spo2, after_spo2, pulse, after_pulse, breaths];
            let rest = [a, b, c, d, e, perfusion_tenths, TAIL];
            [numbers.as_slice(), &rest].concat()
        }
        Frame::Wave(sample) => [WAVE, sample].to_vec(),
    }
}

/// The values of one oximeter.
#[derive(Debug)]
pub(crate) struct Values;

pub(crate) type Stream = Packets<Values>;

impl Packet for Values {
    fn decode(value: &[u8]) -> Result<AnyFrame, RejectReason> {
        let frame = match *value {
            [WAVE, sample] => Frame::Wave(sample),
            [
                HEAD,
                spo2,
                after_spo2,
                pulse,
                after_pulse,
                breaths,
                a,
                b,
                c,
                d,
                e,
                pi,
                TAIL,
            ] => Frame::Values {
                spo2,
                after_spo2,
                pulse,
                after_pulse,
                breaths,
                rest: [a, b, c, d, e],
                perfusion_tenths: pi,
            },
            [WAVE | HEAD, ..] => return Err(RejectReason::BadLength),
            _ => return Err(RejectReason::Noise),
        };
        Ok(AnyFrame::ChoiceMmed(frame))
    }
}

impl Frame {
    pub(crate) fn observe(&self) -> Vec<Observation> {
        let Self::Values {
            spo2: percent,
            after_spo2: 0,
            pulse: rate,
            after_pulse,
            ..
        } = *self
        else {
            return self.unread();
        };
        let percent = spo2(u16::from(percent) * 10);
        let contact = percent.map_or(Contact::Searching, |_| Contact::On);
        let rate = pulse(u16::from(rate) * 10).filter(|_| after_pulse == 0);
        measured(Sensor::Oximeter, contact, [percent, rate], Quality::empty())
    }

    /// The wave says nothing, and numbers that we cannot read are numbers that we have not.
    fn unread(&self) -> Vec<Observation> {
        match self {
            Self::Wave(_) => Vec::new(),
            Self::Values { .. } => {
                measured(Sensor::Oximeter, Contact::Searching, [], Quality::empty())
            }
        }
    }

    pub(crate) fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Values {
                spo2,
                after_spo2,
                pulse,
                after_pulse,
                breaths,
                rest,
                perfusion_tenths,
            } => {
                let spo2 = Some(*spo2).filter(|it| (1..=100).contains(it));
                map.serialize_entry("kind", "values")?;
                map.serialize_entry("spo2_percent", &spo2)?;
                map.serialize_entry("pulse_per_minute", &Some(*pulse).filter(|it| *it != 0))?;
                map.serialize_entry("breaths_per_minute_estimated", breaths)?;
                map.serialize_entry("perfusion_percent_tenths", perfusion_tenths)?;
                let [a, b, c, d, e] = *rest;
                let unexplained = [*after_spo2, *after_pulse, a, b, c, d, e];
                map.serialize_entry("unexplained", &hex(&unexplained))
            }
            Self::Wave(sample) => {
                map.serialize_entry("kind", "wave")?;
                map.serialize_entry("pleth", sample)
            }
        }
    }
}
