//! A device of the story: a reference node on a pty. What it measures counts, so that each reading
//! is found again; and it remembers what went into a line that somebody held.

use std::path::{Path, PathBuf};

use veglia_codecs::Protocol;
use veglia_firmware_core::{
    Body, FirmwareVersion, MAX_WIRE, Model, NodeFrame, OximetryFlags, Site, TemperatureFlags,
    encode,
};
use veglia_homes::{Heard, Pty, encode_counter};

use crate::process::wait_until;

/// Not zero: an uncalibrated node is never scored.
const CALIBRATION: u16 = 1;

/// One node and its battery.
#[derive(Debug)]
pub(crate) struct Node {
    serial: u64,
    /// Which port of the box it is plugged into, and where that is.
    place: usize,
    port: PathBuf,
    pty: Option<Pty>,
    introduced: bool,
    sequence: u16,
    /// Number of the next reading.
    next: u64,
    /// How full its battery is, in percent, as it said last.
    charge: u8,
    /// The minute of each reading that somebody could hear, by its number.
    pub(crate) heard: Vec<(u64, i64)>,
}

impl Node {
    pub(crate) fn new(serial: u64, place: usize, port: &Path) -> Self {
        Self {
            serial,
            place,
            port: port.to_owned(),
            pty: None,
            introduced: false,
            sequence: 0,
            next: 0,
            charge: 100,
            heard: Vec::new(),
        }
    }

    /// What it is called on the wire.
    pub(crate) fn id(&self) -> String {
        format!("node:{:016x}", self.serial)
    }

    pub(crate) fn is_plugged(&self) -> bool {
        self.pty.is_some()
    }

    /// Plugs it into its port.
    pub(crate) fn plug(&mut self) {
        self.pty = Some(Pty::plug(&self.port).expect("there is a pty"));
        self.introduced = false;
    }

    /// Pulls it out.
    pub(crate) fn pull(&mut self) {
        self.pty = None;
    }

    /// From the next time on it is plugged in elsewhere.
    pub(crate) fn exchange_ports(&mut self, other: &mut Self) {
        std::mem::swap(&mut self.port, &mut other.port);
        std::mem::swap(&mut self.place, &mut other.place);
    }

    /// Whether somebody has its port open.
    pub(crate) fn has_listener(&self) -> bool {
        let has = self.pty.as_ref().map(Pty::has_reader);
        has.is_some_and(|has| has.expect("a pty can be asked"))
    }

    /// Measures once at this minute; whoever listens hears it.
    pub(crate) fn measure(&mut self, minute: i64) {
        let number = self.next;
        self.next += 1;
        let (spo2, pulse) = encode_counter(Protocol::Node, number);
        let body = Body::Oximetry {
            spo2_tenths: Some(spo2),
            pulse_tenths: Some(pulse),
            quality_percent: 95,
            flags: OximetryFlags::FINGER,
        };
        if self.say(minute, body) {
            self.heard.push((number, minute));
        }
    }

    /// Says how full its battery is.
    pub(crate) fn battery(&mut self, minute: i64, percent: u8) {
        if self.say(minute, Body::Battery { percent }) {
            self.charge = percent;
        }
    }

    /// Says a charge that is not the one it said last, if somebody listens: whoever has heard that,
    /// at this place, has heard all that it said before.
    pub(crate) fn mark(&mut self, minute: i64) -> Option<(usize, u8)> {
        let percent = match self.charge {
            odd if odd % 2 == 1 => odd + 1,
            even => even.saturating_sub(1),
        };
        let is_heard = self.say(minute, Body::Battery { percent });
        is_heard.then(|| {
            self.charge = percent;
            (self.place, percent)
        })
    }

    /// Takes a temperature; it is not counted.
    pub(crate) fn temperature(&mut self, minute: i64) {
        let body = Body::Temperature {
            celsius_hundredths: 3_650,
            site: Site::Armpit,
            flags: TemperatureFlags::SKIN | TemperatureFlags::SETTLED,
        };
        self.say(minute, body);
    }

    /// True when it went into a line that somebody holds.
    fn say(&mut self, minute: i64, body: Body) -> bool {
        if !self.has_listener() {
            return false;
        }
        if !std::mem::replace(&mut self.introduced, true) {
            self.write(minute, self.hello());
        }
        self.write(minute, body)
    }

    fn hello(&self) -> Body {
        Body::Hello {
            serial: self.serial,
            model: Model::Both,
            firmware: FirmwareVersion {
                major: 0,
                minor: 1,
                patch: 0,
            },
            calibration: CALIBRATION,
        }
    }

    /// Waits for room in the line as long as somebody reads from it.
    fn write(&mut self, minute: i64, body: Body) -> bool {
        let frame = NodeFrame {
            sequence: self.sequence,
            uptime_ms: u32::try_from(minute * 60_000).expect("a week fits"),
            body,
        };
        self.sequence = self.sequence.wrapping_add(1);
        let mut wire = [0; MAX_WIRE];
        let len = encode(&frame, &mut wire);
        let mut rest = wire[..len].to_vec();
        wait_until("there is room in the line", || {
            let pty = self.pty.as_ref()?;
            if !pty.has_reader().expect("a pty can be asked") {
                return Some(false);
            }
            match pty.write(&rest).expect("a pty takes bytes") {
                Heard::Whole => Some(true),
                Heard::Not => None,
                // A zero ends what went in; then it is said again.
                Heard::Torn => {
                    rest.insert(0, 0);
                    None
                }
            }
        })
    }
}
