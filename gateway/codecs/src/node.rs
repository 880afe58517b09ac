//! The reference node's stream: cut at zeros, then decoded by the crate that defines its frames.
//!
//! Every frame has its own checksum, so one is enough to be believed. What stands before the
//! first zero after the port opens is usually the tail of a frame, and is rejected like any other
//! damage. Identity is not ours: until a hello was heard, the caller cannot know who speaks.

use alloc::format;
use alloc::vec::Vec;

use serde::ser::SerializeMap;
use veglia_firmware_core::{
    Body, ContactState, FirmwareVersion, MAX_WIRE, MEASURE, Model, NodeFrame, OximetryFlags,
    Sensor as NodeSensor, Site as NodeSite, TemperatureFlags, WHO, decode,
};
use veglia_wire::{Contact, DeviceEvent, Quality, Sensor, Site};

use crate::json::Names;
use crate::noise::Noise;
use crate::observe::{Identity, Observation, measured, pulse, quality, spo2, temperature};
use crate::protocol::{Facts, Framing, LineSettings};
use crate::reject::Reject;
use crate::{Decoder, Frame};

/// A node is asked who it is, because what it says before its hello is nobody's. Its frame crosses
/// the line in 3 ms; a second is the jitter of a busy host.
pub(crate) const FACTS: Facts = Facts {
    line: Some(LineSettings::plain(115_200)),
    greeting: &[&[WHO]],
    measure_now: Some(&[MEASURE]),
    quiet_ms: 1_000,
    names_itself: true,
    samples,
    ..Facts::new::<Stream>("node", Framing::Stream)
};

fn samples() -> Vec<Frame> {
    let bodies = [
        Body::Hello {
            serial: 0xC0_FFEE,
            model: Model::Both,
            firmware: FirmwareVersion {
                major: 0,
                minor: 1,
                patch: 0,
            },
            calibration: 7,
        },
        Body::Oximetry {
            spo2_tenths: Some(967),
            pulse_tenths: Some(724),
            quality_percent: 93,
            flags: OximetryFlags::FINGER,
        },
        Body::Temperature {
            celsius_hundredths: 3_660,
            site: NodeSite::Armpit,
            flags: TemperatureFlags::all(),
        },
        Body::Contact {
            sensor: NodeSensor::Oximeter,
            state: ContactState::On,
        },
        Body::Battery { percent: 83 },
    ];
    let frames = (1..).zip(bodies).map(|(sequence, body)| NodeFrame {
        sequence,
        uptime_ms: 1_000 * u32::from(sequence),
        body,
    });
    frames.map(Frame::Node).collect()
}

/// The bytes of a frame, its closing zero included.
pub(crate) fn encode(frame: &NodeFrame) -> Vec<u8> {
    let mut out = [0; MAX_WIRE];
    let len = veglia_firmware_core::encode(frame, &mut out);
    out.iter().copied().take(len).collect()
}

pub(crate) fn observe(frame: &NodeFrame) -> Vec<Observation> {
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
            } else if flags.contains(OximetryFlags::HELD) {
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
            let vital = temperature(celsius_hundredths, site_of(site));
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

pub(crate) fn fields<M: SerializeMap>(frame: &NodeFrame, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("sequence", &frame.sequence)?;
    map.serialize_entry("uptime_ms", &frame.uptime_ms)?;
    match frame.body {
        Body::Hello {
            serial,
            model,
            firmware,
            calibration,
        } => {
            map.serialize_entry("kind", "hello")?;
            map.serialize_entry("serial", &format!("{serial:016x}"))?;
            map.serialize_entry("model", model_name(model))?;
            let version = format!("{}.{}.{}", firmware.major, firmware.minor, firmware.patch);
            map.serialize_entry("firmware", &version)?;
            map.serialize_entry("calibration", &calibration)
        }
        Body::Oximetry {
            spo2_tenths,
            pulse_tenths,
            quality_percent,
            flags,
        } => {
            map.serialize_entry("kind", "oximetry")?;
            map.serialize_entry("spo2_percent_tenths", &spo2_tenths)?;
            map.serialize_entry("pulse_per_minute_tenths", &pulse_tenths)?;
            map.serialize_entry("quality_percent", &quality_percent)?;
            map.serialize_entry("flags", &Names(flags))
        }
        Body::Temperature {
            celsius_hundredths,
            site,
            flags,
        } => {
            map.serialize_entry("kind", "temperature")?;
            map.serialize_entry("celsius_hundredths", &celsius_hundredths)?;
            map.serialize_entry("site", site_name(site))?;
            map.serialize_entry("flags", &Names(flags))
        }
        Body::Contact { sensor, state } => {
            map.serialize_entry("kind", "contact")?;
            map.serialize_entry("sensor", sensor_name(sensor))?;
            map.serialize_entry("state", contact_name(state))
        }
        Body::Battery { percent } => {
            map.serialize_entry("kind", "battery")?;
            map.serialize_entry("percent", &percent)
        }
    }
}

/// The stream of one node.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// Bytes taken since the start.
    offset: u64,
    /// Bytes since the last zero, at most [`MAX_WIRE`].
    partial: Vec<u8>,
    /// Where they began.
    partial_offset: u64,
    /// More than a frame's worth came without a zero: all is noise up to the next one.
    overlong: bool,
    noise: Noise,
}

impl Stream {
    fn take(&mut self, byte: u8, out: &mut Vec<Result<Frame, Reject>>) {
        if self.partial.is_empty() {
            self.partial_offset = self.offset;
        }
        if self.partial.len() == MAX_WIRE {
            self.overlong = true;
            self.give_up(out);
        }
        if self.overlong {
            self.noise.push(byte, self.offset, out);
        } else {
            self.partial.push(byte);
        }
        self.offset += 1;
        if byte == 0 {
            self.end_of_frame(out);
        }
    }

    fn end_of_frame(&mut self, out: &mut Vec<Result<Frame, Reject>>) {
        self.noise.flush(out);
        self.overlong = false;
        let bytes = core::mem::take(&mut self.partial);
        // A zero after a zero ends nothing: a sender may put one in front to clear the line.
        if bytes.len() > 1 {
            out.push(match decode(&bytes) {
                Ok(frame) => Ok(Frame::Node(frame)),
                Err(error) => Err(Reject {
                    reason: error.into(),
                    bytes,
                    offset: self.partial_offset,
                }),
            });
        }
    }

    fn give_up(&mut self, out: &mut Vec<Result<Frame, Reject>>) {
        for (byte, offset) in core::mem::take(&mut self.partial)
            .into_iter()
            .zip(self.partial_offset..)
        {
            self.noise.push(byte, offset, out);
        }
    }
}

impl Decoder for Stream {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Result<Frame, Reject>>) {
        for &byte in bytes {
            self.take(byte, out);
        }
    }

    fn finish(&mut self, out: &mut Vec<Result<Frame, Reject>>) {
        self.give_up(out);
        self.noise.flush(out);
        *self = Self::default();
    }
}

const fn model_name(model: Model) -> &'static str {
    match model {
        Model::Oximeter => "oximeter",
        Model::Thermometer => "thermometer",
        Model::Both => "both",
    }
}

const fn sensor_name(sensor: NodeSensor) -> &'static str {
    match sensor {
        NodeSensor::Oximeter => "oximeter",
        NodeSensor::Thermometer => "thermometer",
    }
}

const fn contact_name(state: ContactState) -> &'static str {
    match state {
        ContactState::On => "on",
        ContactState::Off => "off",
        ContactState::Searching => "searching",
        ContactState::Faulty => "faulty",
    }
}

const fn site_name(site: NodeSite) -> &'static str {
    match site {
        NodeSite::Armpit => "armpit",
        NodeSite::Body => "body",
        NodeSite::Ear => "ear",
        NodeSite::Finger => "finger",
        NodeSite::Gut => "gut",
        NodeSite::Mouth => "mouth",
        NodeSite::Rectum => "rectum",
        NodeSite::Toe => "toe",
        NodeSite::Tympanum => "tympanum",
    }
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
