//! Nonin's own Bluetooth service, data format 19: ten bytes a second, big endian.
//!
//! ```text
//! 0A · status · battery 0.1 V · amplitude 0.01 % (2) · counter s (2) · SpO2 · pulse (2)
//! ```
//!
//! Sources: Nonin's sample application and calebmgshort/Nonin3230Oximeter. Certain: the layout; two
//! public firmwares read the battery's byte as the saturation and the amplitude's order of bytes
//! the wrong way round. Inferred: that a finger which is not placed as it should be
//! (CorrectCheck clear) is no finger; no number is taken from it. Newer devices speak the standard
//! service too; some ask to be paired first.

use alloc::vec::Vec;

use bitflags::bitflags;
use serde::ser::SerializeMap;
use veglia_wire::{Contact, DeviceEvent, Quality, Sensor};

use crate::Frame as AnyFrame;
use crate::framed::{Packet, Packets};
use crate::gatt::{Gatt, Uuid};
use crate::json::Names;
use crate::observe::{Observation, measured, pulse, quality, spo2};
use crate::protocol::{Facts, Framing};
use crate::reject::RejectReason;

pub(crate) const FACTS: Facts = Facts {
    gatt: Some(Gatt {
        service: Uuid(0x46A9_70E0_0D5F_11E2_8B5E_0002_A5D5_C51B),
        listen: &[Uuid(0x0AAD_7EA0_0D60_11E2_8E3C_0002_A5D5_C51B)],
        write: None,
        name_prefixes: &[],
    }),
    samples,
    ..Facts::new::<Stream>("nonin-ble", Framing::Packets)
};

fn samples() -> Vec<AnyFrame> {
    let frame = Frame {
        flags: Flags::DISPLAY_SYNC | Flags::SMART_POINT | Flags::FINGER,
        battery_tenths: 30,
        amplitude_hundredths: 356,
        counter: 7,
        spo2: 98,
        pulse: 72,
    };
    let next = Frame {
        counter: 8,
        pulse: 300,
        ..frame
    };
    [frame, next].map(AnyFrame::NoninBle).into()
}

/// Bytes in a value, and the first of them.
const LEN: u8 = 10;
const MISSING_SPO2: u8 = 127;
const MISSING_PULSE: u16 = 511;

/// One second of the oximeter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What the oximeter says of the values.
    pub flags: Flags,
    /// Battery in tenths of a volt.
    pub battery_tenths: u8,
    /// Pulse amplitude index in hundredths of a percent.
    pub amplitude_hundredths: u16,
    /// Counts seconds.
    pub counter: u16,
    /// Saturation in percent; 127 is none.
    pub spo2: u8,
    /// Pulse in beats per minute; 511 is none.
    pub pulse: u16,
}

bitflags! {
    /// The status byte.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Flags: u8 {
        /// In step with the display.
        const DISPLAY_SYNC = 1;
        /// The signal is weak.
        const WEAK_SIGNAL = 1 << 1;
        /// The SmartPoint algorithm calls the measurement good.
        const SMART_POINT = 1 << 2;
        /// Still searching for a pulse.
        const SEARCHING = 1 << 3;
        /// CorrectCheck: the finger is placed as it should be.
        const FINGER = 1 << 4;
        /// The battery is low.
        const LOW_BATTERY = 1 << 5;
    }
}

impl Frame {
    /// Saturation in percent, if there is one.
    #[must_use]
    pub fn spo2(&self) -> Option<u8> {
        Some(self.spo2).filter(|percent| *percent != MISSING_SPO2)
    }

    /// Pulse in beats per minute, if there is one.
    #[must_use]
    pub fn pulse(&self) -> Option<u16> {
        Some(self.pulse).filter(|rate| *rate != MISSING_PULSE)
    }

    pub(crate) fn observe(&self) -> Vec<Observation> {
        let contact = if !self.flags.contains(Flags::FINGER) {
            Contact::Off
        } else if self.flags.contains(Flags::SEARCHING) {
            Contact::Searching
        } else {
            Contact::On
        };
        let is_weak = self.flags.contains(Flags::WEAK_SIGNAL);
        let quality = quality([(is_weak, Quality::WEAK_SIGNAL)]);
        let spo2 = self
            .spo2()
            .and_then(|percent| spo2(u16::from(percent) * 10));
        let pulse = self.pulse().and_then(|rate| pulse(i32::from(rate) * 10));
        let mut said = measured(Sensor::Oximeter, contact, [spo2, pulse], quality);
        if self.flags.contains(Flags::LOW_BATTERY) {
            said.push(Observation::Battery(DeviceEvent::BatteryLow));
        }
        said
    }

    pub(crate) fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("spo2_percent", &self.spo2())?;
        map.serialize_entry("pulse_per_minute", &self.pulse())?;
        map.serialize_entry("flags", &Names(self.flags))?;
        map.serialize_entry("amplitude_percent_hundredths", &self.amplitude_hundredths)?;
        map.serialize_entry("battery_volt_tenths", &self.battery_tenths)?;
        map.serialize_entry("counter_seconds", &self.counter)
    }
}

/// The attribute value, for simulated devices.
#[must_use]
pub fn encode(frame: &Frame) -> Vec<u8> {
    let mut out = Vec::from([LEN, frame.flags.bits(), frame.battery_tenths]);
    out.extend(frame.amplitude_hundredths.to_be_bytes());
    out.extend(frame.counter.to_be_bytes());
    out.push(frame.spo2);
    out.extend(frame.pulse.to_be_bytes());
    out
}

/// Reads an attribute value.
///
/// # Errors
/// `BadLength` when it has not ten bytes and says so in the first.
pub fn decode(value: &[u8]) -> Result<Frame, RejectReason> {
    match *value {
        [
            LEN,
            flags,
            battery,
            amp_high,
            amp_low,
            high,
            low,
            spo2,
            fast,
            slow,
        ] => Ok(Frame {
            flags: Flags::from_bits_retain(flags),
            battery_tenths: battery,
            amplitude_hundredths: u16::from_be_bytes([amp_high, amp_low]),
            counter: u16::from_be_bytes([high, low]),
            spo2,
            pulse: u16::from_be_bytes([fast, slow]),
        }),
        _ => Err(RejectReason::BadLength),
    }
}

/// One value after the other.
#[derive(Debug)]
pub(crate) struct Values;

pub(crate) type Stream = Packets<Values>;

impl Packet for Values {
    fn decode(value: &[u8]) -> Result<AnyFrame, RejectReason> {
        decode(value).map(AnyFrame::NoninBle)
    }
}
