//! Nonin serial data format 8: four bytes, once a second, at 9600 baud 8N1.
//!
//! ```text
//! byte 0   1 · SNSD · OOT · LPRF · MPRF · ARTF · HR8 · HR7
//! byte 1   0 · HR6 … HR0                     pulse, 511 = missing
//! byte 2   0 · SpO2                          percent, 127 = missing
//! byte 3   0 · R · SPA · R · SNSA · R · R · LOWBAT
//! ```
//!
//! There is no checksum: only the top bits say where a frame starts. So after a loss of step —
//! at the start, after a misplaced top bit, after a value no oximeter can mean — a frame is held
//! back until a second one stands directly behind it; then both are delivered, in order. In step,
//! each frame is delivered at once. A flipped bit inside a value cannot be seen here, and is the
//! reason why no alarm may hang on a single reading.
//!
//! Held and disturbed values are delivered with their flags: what they mean is decided in
//! [`observe`](crate::observe()). Formats 2, 7 and 13 are other protocols.

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use bitflags::bitflags;
use serde::ser::SerializeMap;
use veglia_firmware_core::Field;
use veglia_wire::{Contact, DeviceEvent, Quality, Sensor};

use crate::Frame as AnyFrame;
use crate::framed::{Cut, Framed, Wire};
use crate::json::Names;
use crate::nonin::{select, set_time};
use crate::observe::{Observation, measured, pulse, quality, spo2};
use crate::protocol::{Facts, Framing, LineSettings};
use crate::reject::RejectReason;

pub(crate) const FACTS: Facts = Facts {
    line: Some(LineSettings::plain(9_600)),
    greeting: &[&select(8)],
    set_time: Some(set_time),
    samples,
    ..Facts::new::<Stream>("nonin-8", Framing::Stream)
};

fn samples() -> Vec<AnyFrame> {
    let second = |spo2, pulse| Frame {
        spo2: Some(spo2),
        pulse: Some(pulse),
        flags: Flags::SMART_POINT,
    };
    [second(97, 72), second(96, 141)]
        .map(AnyFrame::Nonin8)
        .into()
}

/// Bytes in a frame.
pub const FRAME_LEN: usize = 4;

/// Set in the first byte of a frame and in no other.
const SYNC: u8 = 0x80;
/// Bits of byte 0 that are flags; they become the upper byte of [`Flags`].
const STATUS: u8 = 0b0111_1100;
const MISSING_SPO2: u8 = 127;
const MISSING_PULSE: u16 = 511;
/// A saturation in percent; zero is a sensor that sees nothing.
const SPO2: RangeInclusive<u8> = 1..=100;
/// Beats per minute that the maker says these oximeters can show.
const PULSE: RangeInclusive<u16> = 18..=321;

/// One second of the oximeter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Oxygen saturation in percent, if there is one.
    pub spo2: Option<u8>,
    /// Pulse in beats per minute, if there is one.
    pub pulse: Option<u16>,
    /// What the oximeter says of them.
    pub flags: Flags,
}

bitflags! {
    /// The flags of both status bytes (byte 0 above byte 3), reserved bits kept as they came.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Flags: u16 {
        /// SNSD: no sensor on the cable. Reserved, and zero, in the newer models.
        const SENSOR_DISCONNECTED = 0x40 << 8;
        /// OOT: out of track, no run of good pulses.
        const OUT_OF_TRACK = 0x20 << 8;
        /// LPRF: low perfusion.
        const LOW_PERFUSION = 0x10 << 8;
        /// MPRF: marginal perfusion.
        const MARGINAL_PERFUSION = 0x08 << 8;
        /// ARTF: a pulse disturbed by movement.
        const ARTEFACT = 0x04 << 8;
        /// SPA: the SmartPoint algorithm calls the measurement good.
        const SMART_POINT = 0x20;
        /// SNSA: the sensor is off the finger or gives nothing usable; numbers beside it are
        /// those of up to ten seconds ago.
        const SENSOR_ALARM = 0x08;
        /// LOWBAT: less than half an hour of battery.
        const LOW_BATTERY = 0x01;
    }
}

/// The four bytes of a frame, for simulated devices. Values beyond the width of their field lose
/// their upper bits, as in the device.
#[must_use]
pub fn encode(frame: &Frame) -> [u8; FRAME_LEN] {
    let [status, sensor] = frame.flags.bits().to_be_bytes();
    let [pulse_high, pulse_low] = (frame.pulse.unwrap_or(MISSING_PULSE) << 1).to_be_bytes();
    [
        SYNC | (status & STATUS) | (pulse_high & 0b11),
        pulse_low >> 1,
        frame.spo2.unwrap_or(MISSING_SPO2) & !SYNC,
        sensor & !SYNC,
    ]
}

/// Reads four bytes that have the shape of a frame.
///
/// # Errors
/// `Noise` when a top bit is misplaced, `OutOfRange` when a value is none an oximeter can mean.
pub fn decode(wire: [u8; FRAME_LEN]) -> Result<Frame, RejectReason> {
    let [status, pulse_low, spo2, sensor] = wire;
    if status & SYNC == 0 || (pulse_low | spo2 | sensor) & SYNC != 0 {
        return Err(RejectReason::Noise);
    }
    let pulse = u16::from_be_bytes([status & 0b11, pulse_low << 1]) >> 1;
    let spo2 = match spo2 {
        MISSING_SPO2 => None,
        percent if SPO2.contains(&percent) => Some(percent),
        _ => return Err(RejectReason::OutOfRange { field: Field::Spo2 }),
    };
    let pulse = match pulse {
        MISSING_PULSE => None,
        rate if PULSE.contains(&rate) => Some(rate),
        _ => {
            return Err(RejectReason::OutOfRange {
                field: Field::Pulse,
            });
        }
    };
    let flags = Flags::from_bits_retain(u16::from_be_bytes([status & STATUS, sensor]));
    Ok(Frame { spo2, pulse, flags })
}

/// The stream of one oximeter: a frame stands where a top bit does, and is believed once a second
/// one stands behind it.
#[derive(Debug)]
pub(crate) struct Quartets;

pub(crate) type Stream = Framed<Quartets>;

impl Wire for Quartets {
    const COHERENT: usize = 2;

    fn cut(bytes: &[u8]) -> Cut {
        if bytes[0] & SYNC == 0 {
            return Cut::Bad(RejectReason::Noise, 1);
        }
        let mut rest = bytes.iter().zip(0..FRAME_LEN).skip(1);
        if let Some((_, place)) = rest.find(|(byte, _)| **byte & SYNC != 0) {
            return Cut::Bad(RejectReason::Noise, place);
        }
        let Some(wire) = bytes.first_chunk() else {
            return Cut::Short;
        };
        match decode(*wire) {
            Ok(frame) => Cut::Frame(AnyFrame::Nonin8(frame), FRAME_LEN),
            Err(reason) => Cut::Bad(reason, FRAME_LEN),
        }
    }
}

impl Frame {
    pub(crate) fn observe(&self) -> Vec<Observation> {
        let flags = self.flags;
        let contact = if flags.intersects(Flags::SENSOR_DISCONNECTED | Flags::SENSOR_ALARM) {
            Contact::Off
        } else if flags.contains(Flags::OUT_OF_TRACK) {
            Contact::Searching
        } else {
            Contact::On
        };
        let quality = quality([
            (flags.contains(Flags::ARTEFACT), Quality::ARTEFACT),
            (flags.contains(Flags::LOW_PERFUSION), Quality::LOW_PERFUSION),
            (
                flags.contains(Flags::MARGINAL_PERFUSION),
                Quality::WEAK_SIGNAL,
            ),
        ]);
        let spo2 = self.spo2.and_then(|percent| spo2(u16::from(percent) * 10));
        let pulse = self.pulse.and_then(|rate| pulse(i32::from(rate) * 10));
        let mut said = measured(Sensor::Oximeter, contact, [spo2, pulse], quality);
        if flags.contains(Flags::LOW_BATTERY) {
            said.push(Observation::Battery(DeviceEvent::BatteryLow));
        }
        said
    }

    pub(crate) fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("spo2_percent", &self.spo2)?;
        map.serialize_entry("pulse_per_minute", &self.pulse)?;
        map.serialize_entry("flags", &Names(self.flags))
    }
}
