//! What a frame means to the platform: the one place that decides which numbers are readings.
//!
//! Two rules stand above the rest. *A finger-out frame makes no number*: when the device says
//! that its sensor is off, out of track, still climbing or showing an older value, the frame is
//! a state of contact and nothing else, however good the number beside it looks. *Absence is not
//! a value*: a missing saturation or pulse makes no reading. A disturbed measurement is a reading
//! and says so in its quality; whether it is scored is decided where rules are.
//!
//! Every frame repeats its contact and battery: they are states, and the caller records changes.
//! Nothing here has a memory, a clock or a threshold.

use alloc::format;
use alloc::vec::Vec;

use veglia_firmware_core::{
    Body, ContactState, Model, NodeFrame, OximetryFlags, Sensor as NodeSensor, Site as NodeSite,
    TemperatureFlags,
};
use veglia_wire::{
    Contact, DeviceEvent, DeviceId, Pulse, Quality, Sensor, Site, SpO2, Temperature, Vital,
    VitalKind,
};

use crate::{Frame, nonin8};

/// One thing a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observation {
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

/// What a frame says, in the order contact, readings, battery.
#[must_use]
pub fn observe(frame: &Frame) -> Vec<Observation> {
    match frame {
        Frame::Nonin8(frame) => observe_nonin8(frame),
        Frame::Node(frame) => observe_node(frame),
    }
}

fn observe_nonin8(frame: &nonin8::Frame) -> Vec<Observation> {
    use nonin8::Flags;

    let spo2 = frame.spo2.and_then(|percent| spo2(u16::from(percent) * 10));
    let rate = frame.pulse.and_then(|rate| pulse(rate.saturating_mul(10)));
    let contact = if frame
        .flags
        .intersects(Flags::SENSOR_DISCONNECTED | Flags::SENSOR_ALARM)
    {
        Contact::Off
    } else if frame.flags.contains(Flags::OUT_OF_TRACK) || (spo2.is_none() && rate.is_none()) {
        Contact::Searching
    } else {
        Contact::On
    };
    let quality = quality([
        (frame.flags.contains(Flags::ARTEFACT), Quality::ARTEFACT),
        (
            frame.flags.contains(Flags::LOW_PERFUSION),
            Quality::LOW_PERFUSION,
        ),
        (
            frame.flags.contains(Flags::MARGINAL_PERFUSION),
            Quality::WEAK_SIGNAL,
        ),
    ]);

    let mut said = measured(Sensor::Oximeter, contact, [spo2, rate], quality);
    if frame.flags.contains(Flags::LOW_BATTERY) {
        said.push(Observation::Battery(DeviceEvent::BatteryLow));
    }
    said
}

fn observe_node(frame: &NodeFrame) -> Vec<Observation> {
    match frame.body {
        Body::Hello {
            serial,
            calibration,
            model,
            ..
        } => [Observation::Identity(Identity {
            serial,
            calibrated: calibration != 0,
            model,
        })]
        .into(),
        Body::Oximetry {
            spo2_tenths,
            pulse_tenths,
            flags,
            ..
        } => {
            let vitals = [spo2_tenths.and_then(spo2), pulse_tenths.and_then(pulse)];
            let contact = if !flags.contains(OximetryFlags::FINGER) {
                Contact::Off
            } else if flags.contains(OximetryFlags::HELD) || vitals == [None, None] {
                Contact::Searching
            } else {
                Contact::On
            };
            let quality = quality([
                (flags.contains(OximetryFlags::ARTEFACT), Quality::ARTEFACT),
                (
                    flags.contains(OximetryFlags::LOW_PERFUSION),
                    Quality::LOW_PERFUSION,
                ),
                (
                    flags.contains(OximetryFlags::WEAK_SIGNAL),
                    Quality::WEAK_SIGNAL,
                ),
            ]);
            measured(Sensor::Oximeter, contact, vitals, quality)
        }
        Body::Temperature {
            celsius_hundredths,
            site,
            flags,
        } => {
            let contact = if !flags.contains(TemperatureFlags::SKIN) {
                Contact::Off
            } else if !flags.contains(TemperatureFlags::SETTLED) {
                Contact::Searching
            } else {
                Contact::On
            };
            let vital = temperature(celsius_hundredths, site);
            measured(Sensor::Thermometer, contact, [vital], Quality::empty())
        }
        Body::Contact { sensor, state } => {
            [Observation::Contact(sensor_of(sensor), contact_of(state))].into()
        }
        Body::Battery { percent } => {
            [Observation::Battery(DeviceEvent::BatteryPercent(percent))].into()
        }
    }
}

/// The contact, and the vitals that are there if, and only if, the sensor is on the body.
fn measured<const N: usize>(
    sensor: Sensor,
    contact: Contact,
    vitals: [Option<Vital>; N],
    quality: Quality,
) -> Vec<Observation> {
    let mut said = Vec::from([Observation::Contact(sensor, contact)]);
    if contact == Contact::On {
        let there = vitals.into_iter().flatten();
        said.extend(there.map(|vital| Observation::Reading(vital, quality)));
    }
    said
}

fn quality<const N: usize>(said: [(bool, Quality); N]) -> Quality {
    said.into_iter()
        .filter(|(set, _)| *set)
        .map(|(_, quality)| quality)
        .collect()
}

fn spo2(percent_tenths: u16) -> Option<Vital> {
    SpO2::from_percent_tenths(i32::from(percent_tenths))
        .ok()
        .map(Vital::SpO2)
}

fn pulse(per_minute_tenths: u16) -> Option<Vital> {
    Pulse::from_per_minute_tenths(i32::from(per_minute_tenths))
        .ok()
        .map(Vital::Pulse)
}

fn temperature(celsius_hundredths: i16, site: NodeSite) -> Option<Vital> {
    Temperature::from_celsius_hundredths(i32::from(celsius_hundredths))
        .ok()
        .map(|temperature| Vital::Temperature(temperature, site_of(site)))
}

const fn sensor_of(sensor: NodeSensor) -> Sensor {
    match sensor {
        NodeSensor::Oximeter => Sensor::Oximeter,
        NodeSensor::Thermometer => Sensor::Thermometer,
    }
}

const fn contact_of(state: ContactState) -> Contact {
    match state {
        ContactState::On => Contact::On,
        ContactState::Off => Contact::Off,
        ContactState::Searching => Contact::Searching,
        ContactState::Faulty => Contact::Unmeasurable,
    }
}

const fn site_of(site: NodeSite) -> Site {
    match site {
        NodeSite::Armpit => Site::Armpit,
        NodeSite::Body => Site::Body,
        NodeSite::Ear => Site::Ear,
        NodeSite::Finger => Site::Finger,
        NodeSite::Gut => Site::GastroIntestinal,
        NodeSite::Mouth => Site::Mouth,
        NodeSite::Rectum => Site::Rectum,
        NodeSite::Toe => Site::Toe,
        NodeSite::Tympanum => Site::Tympanum,
    }
}
