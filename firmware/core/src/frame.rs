//! The vocabulary of the node: one frame, five kinds of body, and the codes inside them.
//!
//! Plain data with public fields. Ranges are not held by these types: the decoder refuses what
//! lies outside them, so a frame that came from [`decode`](crate::decode) is in range, and one
//! made by hand is as good as its maker. Every code table is a single `code` match; reading a
//! code searches the same table, so that the two directions cannot drift apart.

use bitflags::bitflags;

/// One frame of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeFrame {
    /// Counts the frames of this boot, of all kinds, and wraps: a hole means frames were lost.
    pub sequence: u16,
    /// Time since the node started, in milliseconds; wraps after 49 days.
    pub uptime_ms: u32,
    /// What the frame says.
    pub body: Body,
}

/// What a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Who speaks; sent at start, when asked ([`WHO`](crate::WHO)) and every
    /// [`HELLO_EVERY_MS`](crate::HELLO_EVERY_MS).
    Hello {
        /// Serial number of the node, unique among all nodes.
        serial: u64,
        /// What the node measures.
        model: Model,
        /// Version of the firmware.
        firmware: FirmwareVersion,
        /// Which calibration turned light into saturation; 0 = none, a reference curve.
        calibration: u16,
    },
    /// One estimate of the pulse oximeter.
    Oximetry {
        /// Oxygen saturation in tenths of a percent, 1 to 1000; none when the window gave none.
        spo2_tenths: Option<u16>,
        /// Pulse in tenths of a beat per minute, 100 to 3500; none when the window gave none.
        pulse_tenths: Option<u16>,
        /// How well red and infrared agree, 0 to 100 percent.
        quality_percent: u8,
        /// What the node thinks of its own numbers.
        flags: OximetryFlags,
    },
    /// One reading of the thermometer.
    Temperature {
        /// Temperature in hundredths of a degree Celsius, 0 to 5000.
        celsius_hundredths: i16,
        /// Where on the body the probe sits.
        site: Site,
        /// What the node thinks of its own number.
        flags: TemperatureFlags,
    },
    /// The contact between a sensor and the body changed, or is still missing.
    Contact {
        /// Which sensor.
        sensor: Sensor,
        /// How it stands with the body.
        state: ContactState,
    },
    /// Charge of the battery.
    Battery {
        /// Remaining charge, 0 to 100 percent.
        percent: u8,
    },
}

bitflags! {
    /// What the node thinks of an oximetry estimate.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct OximetryFlags: u8 {
        /// A finger is in the clip. Clear means the numbers are not of a person: contact is
        /// asserted, not assumed, so that a forgotten flag cannot make a reading.
        const FINGER = 1;
        /// Movement disturbed the window.
        const ARTEFACT = 1 << 1;
        /// The pulse is too faint for the usual accuracy.
        const LOW_PERFUSION = 1 << 2;
        /// The signal is weak for another reason, such as stray light or a bad fit.
        const WEAK_SIGNAL = 1 << 3;
        /// The numbers repeat the last good window; they were not measured now.
        const HELD = 1 << 4;
    }
}

bitflags! {
    /// What the node thinks of a temperature.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct TemperatureFlags: u8 {
        /// The probe touches skin. Clear means the number is that of the room.
        const SKIN = 1;
        /// The probe has come to rest. Clear means the number still climbs and is not final.
        const SETTLED = 1 << 1;
    }
}

/// What a node measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Pulse oximeter only.
    Oximeter,
    /// Thermometer only.
    Thermometer,
    /// Both sensors.
    Both,
}

/// Version of the firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirmwareVersion {
    /// First number.
    pub major: u8,
    /// Second number.
    pub minor: u8,
    /// Third number.
    pub patch: u8,
}

/// A sensor of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sensor {
    /// The finger clip.
    Oximeter,
    /// The temperature probe.
    Thermometer,
}

/// How a sensor stands with the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContactState {
    /// On the body, and measuring.
    On,
    /// Off the body: no finger, no skin.
    Off,
    /// On the body, but no trustworthy signal yet.
    Searching,
    /// The sensor does not answer the node.
    Faulty,
}

/// Where on the body a temperature is taken; the codes are those of the Bluetooth Temperature
/// Type characteristic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// Armpit.
    Armpit,
    /// Body, no nearer said.
    Body,
    /// Ear, usually the lobe.
    Ear,
    /// Finger.
    Finger,
    /// Gastro-intestinal tract.
    Gut,
    /// Mouth.
    Mouth,
    /// Rectum.
    Rectum,
    /// Toe.
    Toe,
    /// Tympanum, the ear drum.
    Tympanum,
}

impl Model {
    /// Every model.
    pub const ALL: [Self; 3] = [Self::Oximeter, Self::Thermometer, Self::Both];

    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Oximeter => 1,
            Self::Thermometer => 2,
            Self::Both => 3,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.code() == code)
    }
}

impl Sensor {
    /// Every sensor.
    pub const ALL: [Self; 2] = [Self::Oximeter, Self::Thermometer];

    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Oximeter => 1,
            Self::Thermometer => 2,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.code() == code)
    }
}

impl ContactState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::On, Self::Off, Self::Searching, Self::Faulty];

    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::On => 1,
            Self::Off => 2,
            Self::Searching => 3,
            Self::Faulty => 4,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.code() == code)
    }
}

impl Site {
    /// Every site, in the order of their codes.
    pub const ALL: [Self; 9] = [
        Self::Armpit,
        Self::Body,
        Self::Ear,
        Self::Finger,
        Self::Gut,
        Self::Mouth,
        Self::Rectum,
        Self::Toe,
        Self::Tympanum,
    ];

    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Armpit => 1,
            Self::Body => 2,
            Self::Ear => 3,
            Self::Finger => 4,
            Self::Gut => 5,
            Self::Mouth => 6,
            Self::Rectum => 7,
            Self::Toe => 8,
            Self::Tympanum => 9,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|each| each.code() == code)
    }
}
