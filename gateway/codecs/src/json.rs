//! Frames and rejects as JSON, for people who look at a line: one flat object each, units in the
//! names, absent values as null. A view for diagnosis, not a format to store: nothing reads it
//! back.

use alloc::format;
use alloc::string::String;

use serde::ser::{Serialize, SerializeMap, Serializer};
use veglia_firmware_core::{Body, ContactState, Model, NodeFrame, Sensor, Site};

use crate::{Frame, Protocol, Reject, nonin8};

impl Serialize for Frame {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::Nonin8(frame) => nonin8_fields(frame, &mut map)?,
            Self::Node(frame) => node_fields(frame, &mut map)?,
        }
        map.end()
    }
}

impl Serialize for Reject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hex: String = self
            .bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("rejected", &format!("{}", self.reason))?;
        map.serialize_entry("offset", &self.offset)?;
        map.serialize_entry("bytes", &hex)?;
        map.end()
    }
}

fn nonin8_fields<M: SerializeMap>(frame: &nonin8::Frame, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("protocol", Protocol::Nonin8.name())?;
    map.serialize_entry("spo2_percent", &frame.spo2)?;
    map.serialize_entry("pulse_per_minute", &frame.pulse)?;
    map.serialize_entry("flags", &Names(frame.flags))
}

fn node_fields<M: SerializeMap>(frame: &NodeFrame, map: &mut M) -> Result<(), M::Error> {
    map.serialize_entry("protocol", Protocol::Node.name())?;
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

/// The set flags by name.
struct Names<F>(F);

impl<F: bitflags::Flags> Serialize for Names<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self
            .0
            .iter_names()
            .map(|(name, _)| name.to_ascii_lowercase().replace('_', "-"));
        serializer.collect_seq(names)
    }
}

const fn model_name(model: Model) -> &'static str {
    match model {
        Model::Oximeter => "oximeter",
        Model::Thermometer => "thermometer",
        Model::Both => "both",
    }
}

const fn sensor_name(sensor: Sensor) -> &'static str {
    match sensor {
        Sensor::Oximeter => "oximeter",
        Sensor::Thermometer => "thermometer",
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

const fn site_name(site: Site) -> &'static str {
    match site {
        Site::Armpit => "armpit",
        Site::Body => "body",
        Site::Ear => "ear",
        Site::Finger => "finger",
        Site::Gut => "gut",
        Site::Mouth => "mouth",
        Site::Rectum => "rectum",
        Site::Toe => "toe",
        Site::Tympanum => "tympanum",
    }
}
