//! The protocols by name, with the line settings and the rhythm each one needs.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use thiserror::Error;
use veglia_firmware_core::{MEASURE, WHO};

use crate::{Decoder, node, nonin8};

/// A protocol this crate decodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Nonin serial data format 8: four bytes a second.
    Nonin8,
    /// The reference sensor node.
    Node,
}

/// How a serial port must be opened for a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineSettings {
    /// Speed in bits per second.
    pub baud: u32,
    /// Data bits in a character.
    pub data_bits: u8,
    /// Parity bit.
    pub parity: Parity,
    /// Stop bits after a character.
    pub stop_bits: u8,
}

/// Parity of a serial line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parity {
    /// No parity bit.
    None,
    /// Odd parity.
    Odd,
    /// Even parity.
    Even,
}

/// A name that no protocol has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no protocol {name:?}; choose nonin-8 or node")]
pub struct UnknownProtocol {
    /// The name that was asked for.
    pub name: String,
}

impl Protocol {
    /// Every protocol.
    pub const ALL: [Self; 2] = [Self::Nonin8, Self::Node];

    /// The name used in configuration and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nonin8 => "nonin-8",
            Self::Node => "node",
        }
    }

    /// A decoder at the start of a stream.
    #[must_use]
    pub fn decoder(self) -> Box<dyn Decoder> {
        match self {
            Self::Nonin8 => Box::<nonin8::Stream>::default(),
            Self::Node => Box::<node::Stream>::default(),
        }
    }

    /// How to open the port.
    #[must_use]
    pub const fn line(self) -> LineSettings {
        let baud = match self {
            Self::Nonin8 => 9_600,
            Self::Node => 115_200,
        };
        LineSettings {
            baud,
            data_bits: 8,
            parity: Parity::None,
            stop_bits: 1,
        }
    }

    /// What to send when the port has been opened: a node is asked who it is, because what it
    /// says before its hello is nobody's. A Nonin only speaks.
    #[must_use]
    pub const fn greeting(self) -> &'static [u8] {
        match self {
            Self::Nonin8 => &[],
            Self::Node => &[WHO],
        }
    }

    /// What to send so that the device measures once, now; none for a device that only speaks.
    #[must_use]
    pub const fn measure_now(self) -> Option<&'static [u8]> {
        match self {
            Self::Nonin8 => None,
            Self::Node => Some(&[MEASURE]),
        }
    }

    /// Silence in milliseconds after which what was half heard is stale and the decoder must be
    /// reset. A Nonin speaks every second and its frame may wait for the next one to confirm it:
    /// three seconds forgive one lost frame. A node's frame crosses the line in 3 ms; a second is
    /// the jitter of a busy host.
    #[must_use]
    pub const fn quiet_ms(self) -> u32 {
        match self {
            Self::Nonin8 => 3_000,
            Self::Node => 1_000,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Protocol {
    type Err = UnknownProtocol;

    fn from_str(name: &str) -> Result<Self, UnknownProtocol> {
        Self::ALL
            .into_iter()
            .find(|protocol| protocol.name() == name)
            .ok_or_else(|| UnknownProtocol { name: name.into() })
    }
}
