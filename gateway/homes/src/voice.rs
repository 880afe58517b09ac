//! What a device says, as bytes: the true protocols, encoded by the crates that define them.
//!
//! Absent: when to say it, and why.

use veglia_codecs::nonin8;
use veglia_firmware_core::{
    Body, ContactState, FirmwareVersion, MAX_WIRE, Model, NodeFrame, OximetryFlags, Sensor, Site,
    TemperatureFlags, encode,
};

use crate::log::{Flag, What};

/// Which calibration a simulated node claims. Not zero: an uncalibrated node is never scored, and
/// a home that can raise nothing would simulate nothing.
const CALIBRATION: u16 = 1;

const FIRMWARE: FirmwareVersion = FirmwareVersion {
    major: 0,
    minor: 1,
    patch: 0,
};

/// Bytes for the line, and what the log should know of them, if anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Utterance {
    pub(crate) bytes: Vec<u8>,
    pub(crate) said: Option<Said>,
}

/// What an utterance means. Values are absent when they are no readings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) what: What,
    pub(crate) spo2_tenths: Option<u16>,
    pub(crate) pulse_tenths: Option<u16>,
    pub(crate) celsius_hundredths: Option<i16>,
    pub(crate) flags: Vec<Flag>,
    pub(crate) counter: Option<u64>,
}

impl Said {
    /// Something that is not a reading.
    pub(crate) fn event(what: What) -> Self {
        Self {
            what,
            spo2_tenths: None,
            pulse_tenths: None,
            celsius_hundredths: None,
            flags: Vec::new(),
            counter: None,
        }
    }
}

/// One estimate of an oximeter, whichever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Oximetry {
    pub(crate) spo2_tenths: Option<u16>,
    pub(crate) pulse_tenths: Option<u16>,
    pub(crate) artefact: bool,
    pub(crate) counter: Option<u64>,
}

impl Oximetry {
    fn said(&self) -> Said {
        Said {
            spo2_tenths: self.spo2_tenths,
            pulse_tenths: self.pulse_tenths,
            flags: self
                .artefact
                .then_some(Flag::Artefact)
                .into_iter()
                .collect(),
            counter: self.counter,
            ..Said::event(What::Reading)
        }
    }
}

/// A Nonin knows whole percents and whole beats: what it says is what it can say.
pub(crate) fn nonin(oximetry: Oximetry) -> Utterance {
    let whole = in_whole_steps(oximetry);
    let flags = if oximetry.artefact {
        nonin8::Flags::ARTEFACT
    } else {
        nonin8::Flags::SMART_POINT
    };
    Utterance {
        bytes: nonin_second(Some(whole), flags),
        said: Some(whole.said()),
    }
}

/// A Nonin without a finger: it repeats the last numbers for a while, then has none. Neither is
/// a reading.
pub(crate) fn nonin_finger_out(held: Option<Oximetry>) -> Utterance {
    let flags = [Some(Flag::FingerOut), held.map(|_| Flag::Held)];
    Utterance {
        bytes: nonin_second(held.map(in_whole_steps), nonin8::Flags::SENSOR_ALARM),
        said: Some(Said {
            flags: flags.into_iter().flatten().collect(),
            ..Said::event(What::Contact)
        }),
    }
}

fn in_whole_steps(oximetry: Oximetry) -> Oximetry {
    let whole = |tenths: u16| (tenths + 5) / 10 * 10;
    Oximetry {
        spo2_tenths: oximetry.spo2_tenths.map(whole),
        pulse_tenths: oximetry.pulse_tenths.map(whole),
        ..oximetry
    }
}

fn nonin_second(shown: Option<Oximetry>, flags: nonin8::Flags) -> Vec<u8> {
    let spo2 = shown.and_then(|shown| shown.spo2_tenths);
    let pulse = shown.and_then(|shown| shown.pulse_tenths);
    let frame = nonin8::Frame {
        spo2: spo2.and_then(|tenths| u8::try_from(tenths / 10).ok()),
        pulse: pulse.map(|tenths| tenths / 10),
        flags,
    };
    nonin8::encode(&frame).to_vec()
}

/// One node, from its power-up on.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) serial: u64,
    pub(crate) model: Model,
    pub(crate) site: Site,
    sequence: u16,
}

impl Node {
    pub(crate) fn new(serial: u64, model: Model, site: Site) -> Self {
        Self {
            serial,
            model,
            site,
            sequence: 0,
        }
    }

    /// Power was lost: the sequence starts again.
    pub(crate) fn restart(&mut self) {
        self.sequence = 0;
    }

    /// Who speaks, and how much battery is left.
    pub(crate) fn hello(&mut self, uptime_ms: u32) -> [Utterance; 2] {
        let hello = Body::Hello {
            serial: self.serial,
            model: self.model,
            firmware: FIRMWARE,
            calibration: CALIBRATION,
        };
        let [low, ..] = self.serial.to_le_bytes();
        let percent = 60 + low % 40;
        [
            self.say(uptime_ms, hello, None),
            self.say(uptime_ms, Body::Battery { percent }, None),
        ]
    }

    pub(crate) fn oximetry(&mut self, uptime_ms: u32, oximetry: Oximetry) -> Utterance {
        let disturbed = if oximetry.artefact {
            OximetryFlags::ARTEFACT
        } else {
            OximetryFlags::empty()
        };
        let body = Body::Oximetry {
            spo2_tenths: oximetry.spo2_tenths,
            pulse_tenths: oximetry.pulse_tenths,
            quality_percent: if oximetry.artefact { 35 } else { 95 },
            flags: OximetryFlags::FINGER | disturbed,
        };
        self.say(uptime_ms, body, Some(oximetry.said()))
    }

    pub(crate) fn temperature(&mut self, uptime_ms: u32, celsius_hundredths: i16) -> Utterance {
        let body = Body::Temperature {
            celsius_hundredths,
            site: self.site,
            flags: TemperatureFlags::SKIN | TemperatureFlags::SETTLED,
        };
        let said = Said {
            celsius_hundredths: Some(celsius_hundredths),
            ..Said::event(What::Reading)
        };
        self.say(uptime_ms, body, Some(said))
    }

    pub(crate) fn finger_out(&mut self, uptime_ms: u32) -> Utterance {
        let body = Body::Contact {
            sensor: Sensor::Oximeter,
            state: ContactState::Off,
        };
        let said = Said {
            flags: vec![Flag::FingerOut],
            ..Said::event(What::Contact)
        };
        self.say(uptime_ms, body, Some(said))
    }

    fn say(&mut self, uptime_ms: u32, body: Body, said: Option<Said>) -> Utterance {
        let frame = NodeFrame {
            sequence: self.sequence,
            uptime_ms,
            body,
        };
        self.sequence = self.sequence.wrapping_add(1);
        let mut wire = [0; MAX_WIRE];
        let len = encode(&frame, &mut wire);
        Utterance {
            bytes: wire[..len].to_vec(),
            said,
        }
    }
}
