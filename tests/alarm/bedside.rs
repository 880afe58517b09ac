//! A device at the bedside: a reference node on a pty that says what the test has it say.

use std::path::Path;
use std::time::Instant;

use veglia_firmware_core::{
    Body, FirmwareVersion, MAX_WIRE, MEASURE, Model, NodeFrame, OximetryFlags, Site,
    TemperatureFlags, encode,
};
use veglia_homes::{Heard, Pty};
use veglia_wire::WallMs;

use crate::care::wall;
use crate::process::wait_until;

/// Not zero: an uncalibrated node is never scored.
const CALIBRATION: u16 = 1;

/// Bytes of a listener taken at once: it says one at a time.
const ASKED_BYTES: usize = 64;

/// A node, plugged in.
#[derive(Debug)]
pub(crate) struct Device {
    pty: Pty,
    serial: u64,
    began: Instant,
    sequence: u16,
}

/// What a node with this serial number is called on the wire.
pub(crate) fn name_of(serial: u64) -> String {
    format!("node:{serial:016x}")
}

impl Device {
    /// Plugs a node into a port.
    pub(crate) fn plug(port: &Path, serial: u64) -> Self {
        Self {
            pty: Pty::plug(port).expect("there is a pty"),
            serial,
            began: Instant::now(),
            sequence: 0,
        }
    }

    /// A finger is measured: percent and beats a minute. When it was said, to somebody who hears.
    pub(crate) fn oximetry(&mut self, spo2: u16, pulse: u16) -> WallMs {
        self.introduce();
        self.say(Body::Oximetry {
            spo2_tenths: Some(spo2 * 10),
            pulse_tenths: Some(pulse * 10),
            quality_percent: 95,
            flags: OximetryFlags::FINGER,
        })
    }

    /// A temperature is taken, in hundredths of a degree.
    pub(crate) fn temperature(&mut self, celsius_hundredths: i16) {
        self.introduce();
        self.say(Body::Temperature {
            celsius_hundredths,
            site: Site::Armpit,
            flags: TemperatureFlags::SKIN | TemperatureFlags::SETTLED,
        });
    }

    /// Waits until the centre has asked for another measurement.
    pub(crate) fn is_asked_to_measure(&self) {
        wait_until("the device is asked to measure again", || {
            let asked = self.pty.sent::<ASKED_BYTES>().expect("the line is whole");
            asked.contains(&MEASURE).then_some(())
        });
    }

    /// A gateway that was started meanwhile must know who speaks.
    fn introduce(&mut self) {
        self.say(Body::Hello {
            serial: self.serial,
            model: Model::Both,
            firmware: FirmwareVersion {
                major: 0,
                minor: 1,
                patch: 0,
            },
            calibration: CALIBRATION,
        });
    }

    fn say(&mut self, body: Body) -> WallMs {
        let uptime_ms = self.began.elapsed().as_millis();
        let frame = NodeFrame {
            sequence: self.sequence,
            uptime_ms: u32::try_from(uptime_ms).expect("a test is short"),
            body,
        };
        self.sequence = self.sequence.wrapping_add(1);
        let mut wire = [0; MAX_WIRE];
        let len = encode(&frame, &mut wire);
        wait_until("somebody listens to the device", || {
            let heard = self.pty.write(&wire[..len]).expect("the line is whole");
            assert_ne!(heard, Heard::Torn, "a frame fits into the line");
            (heard == Heard::Whole).then(wall)
        })
    }
}
