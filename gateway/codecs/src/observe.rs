//! What a frame means to the platform: the one place that decides which numbers are readings.
//!
//! Two rules stand above the rest. *A finger-out frame makes no number*: when the device says
//! that its sensor is off, out of track, still climbing or showing an older value, the frame is
//! a state of contact and nothing else, however good the number beside it looks. *Absence is not
//! a value*: a missing saturation, pulse or temperature makes no reading, and neither does a number
//! that no body has. A disturbed measurement is a reading and says so in its quality; whether it is
//! scored is decided where rules are.
//!
//! An oximeter on the body that gives no saturation is still searching for it, whatever else it
//! gives: the rules count such an attempt as failed when it lasts. A device that measures once and
//! has done so without a value could not measure.
//!
//! Every frame repeats its contact and battery: they are states, and the caller records changes.
//! What comes out of a device's memory is no state of now: it is readings and their time.
//! Nothing here has a memory, a clock or a threshold.

use alloc::format;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use veglia_firmware_core::Model;
use veglia_wire::{
    Contact, DeviceEvent, DeviceId, Pulse, Quality, Sensor, Site, SpO2, Temperature, Vital,
    VitalKind,
};

use crate::Frame;
use crate::time::{DateTime, DeviceTime};

/// A saturation of zero is a sensor that sees nothing.
const SPO2_TENTHS: RangeInclusive<i32> = 1..=1000;
/// 10 to 350 beats per minute, wider than any heart.
const PULSE_TENTHS: RangeInclusive<i32> = 100..=3500;
/// 0 to 50 °C, what thermometers for people can measure.
const CELSIUS_HUNDREDTHS: RangeInclusive<i32> = 0..=5000;

/// One thing a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observation {
    /// When the readings after it were made, by the device's own calendar. Absent when the device
    /// has none, or says that nobody has set it.
    Measured(DeviceTime),
    /// Who speaks on this port, from here on.
    Identity(Identity),
    /// How a sensor stands with the body: a state, repeated with every frame. A node may have
    /// two sensors, and a finger out of the clip says nothing of the probe in the armpit.
    Contact(Sensor, Contact),
    /// A vital sign, with what the device said of it. See [`Identity::qualify`].
    Reading(Vital, Quality),
    /// Charge left, or low: a state, repeated.
    Battery(DeviceEvent),
}

/// Who a node is. What was heard before it may not be attributed to anyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Serial number of the node.
    pub serial: u64,
    /// Whether its oximeter has a calibration of its own.
    pub calibrated: bool,
    /// What it measures.
    pub model: Model,
}

impl Identity {
    /// The device on the wire: `node:` and the serial number in sixteen hexadecimal digits.
    #[must_use]
    pub fn device(self) -> DeviceId {
        DeviceId::new(&format!("node:{:016x}", self.serial))
            .expect("a prefix and sixteen hexadecimal digits make an identifier")
    }

    /// Whether it measures this vital sign.
    #[must_use]
    pub fn measures(self, vital: VitalKind) -> bool {
        match vital {
            VitalKind::SpO2 | VitalKind::Pulse => self.model != Model::Thermometer,
            VitalKind::Temperature => self.model != Model::Oximeter,
            VitalKind::RespiratoryRate | VitalKind::SystolicPressure => false,
        }
    }

    /// The quality of a reading that this device made: a saturation without a calibration is
    /// marked as such. Pulse and temperature do not hang on it.
    #[must_use]
    pub fn qualify(self, vital: Vital, quality: Quality) -> Quality {
        match vital {
            Vital::SpO2(_) if !self.calibrated => quality | Quality::UNCALIBRATED,
            _ => quality,
        }
    }
}

/// What a frame says, in the order time, contact, readings, battery.
#[must_use]
pub fn observe(frame: &Frame) -> Vec<Observation> {
    frame.said()
}

/// What a device that measures on and on says of one sensor: its contact, and the vitals that are
/// there if, and only if, the sensor is on the body.
pub(crate) fn measured<const N: usize>(
    sensor: Sensor,
    contact: Contact,
    vitals: [Option<Vital>; N],
    quality: Quality,
) -> Vec<Observation> {
    told(sensor, contact, vitals, quality, Contact::Searching)
}

/// What a device that has measured once says of it: without a value it could not measure.
pub(crate) fn measured_once<const N: usize>(
    sensor: Sensor,
    contact: Contact,
    vitals: [Option<Vital>; N],
    quality: Quality,
) -> Vec<Observation> {
    told(sensor, contact, vitals, quality, Contact::Unmeasurable)
}

fn told<const N: usize>(
    sensor: Sensor,
    contact: Contact,
    vitals: [Option<Vital>; N],
    quality: Quality,
    without_value: Contact,
) -> Vec<Observation> {
    let is_on = contact == Contact::On;
    let readings = vitals.into_iter().flatten().filter(|_| is_on);
    let mut said = Vec::new();
    if !quality.contains(Quality::FROM_STORAGE) {
        let is_there = vitals.iter().flatten().any(|vital| is_main(sensor, *vital));
        let contact = if is_on && !is_there {
            without_value
        } else {
            contact
        };
        said.push(Observation::Contact(sensor, contact));
    }
    said.extend(readings.map(|vital| Observation::Reading(vital, quality)));
    said
}

/// Whether it is what the sensor is there for.
fn is_main(sensor: Sensor, vital: Vital) -> bool {
    match sensor {
        Sensor::Oximeter => vital.kind() == VitalKind::SpO2,
        Sensor::Thermometer => vital.kind() == VitalKind::Temperature,
    }
}

/// Puts the time in front. What comes out of a memory without one is marked: nobody knows when it
/// was measured.
pub(crate) fn dated(time: Option<DateTime>, said: Vec<Observation>) -> Vec<Observation> {
    let Some(time) = time.and_then(DateTime::seconds) else {
        let marked = said.into_iter().map(|said| match said {
            Observation::Reading(vital, quality) if quality.contains(Quality::FROM_STORAGE) => {
                Observation::Reading(vital, quality | Quality::TIME_UNCERTAIN)
            }
            other => other,
        });
        return marked.collect();
    };
    core::iter::once(Observation::Measured(time))
        .chain(said)
        .collect()
}

/// The qualities whose condition holds.
pub(crate) fn quality<const N: usize>(said: [(bool, Quality); N]) -> Quality {
    said.into_iter()
        .filter(|(set, _)| *set)
        .map(|(_, quality)| quality)
        .collect()
}

/// A saturation in tenths of a percent, if a body can have it.
pub(crate) fn spo2(percent_tenths: impl Into<i32>) -> Option<Vital> {
    let tenths = percent_tenths.into();
    let spo2 = SpO2::from_percent_tenths(tenths).ok();
    spo2.filter(|_| SPO2_TENTHS.contains(&tenths))
        .map(Vital::SpO2)
}

/// A pulse in tenths of a beat per minute, if a body can have it.
pub(crate) fn pulse(per_minute_tenths: impl Into<i32>) -> Option<Vital> {
    let tenths = per_minute_tenths.into();
    let pulse = Pulse::from_per_minute_tenths(tenths).ok();
    pulse
        .filter(|_| PULSE_TENTHS.contains(&tenths))
        .map(Vital::Pulse)
}

/// A temperature in hundredths of a degree Celsius, if a thermometer for people can show it.
pub(crate) fn temperature(celsius_hundredths: impl Into<i32>, site: Site) -> Option<Vital> {
    let hundredths = celsius_hundredths.into();
    let celsius = Temperature::from_celsius_hundredths(hundredths).ok();
    let celsius = celsius.filter(|_| CELSIUS_HUNDREDTHS.contains(&hundredths));
    celsius.map(|celsius| Vital::Temperature(celsius, site))
}
