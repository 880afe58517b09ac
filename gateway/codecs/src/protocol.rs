//! The protocols by name, and what each needs: line, GATT, rhythm, and what is sent.
//!
//! Only dispatch: what a protocol needs stands in its module, as [`Facts`].

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use thiserror::Error;

use crate::gatt::Gatt;
use crate::time::DateTime;
use crate::unsupported::why_unsupported;
use crate::{
    Decoder, Frame, bci, choicemmed, contec, contec_ble, contec_v7, jumper, masimo, node,
    nonin_ble, nonin2, nonin7, nonin8, nonin13, o2ring, o2ring_file, pc60fw, plx_continuous,
    plx_spot, taidoc, thermometer,
};

/// A protocol this crate decodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// PLX Continuous Measurement of the standard pulse oximeter.
    PlxContinuous,
    /// PLX Spot-Check Measurement of the standard pulse oximeter.
    PlxSpot,
    /// Temperature Measurement of the standard thermometer.
    Thermometer,
    /// Nonin serial data format 2: 75 frames a second.
    Nonin2,
    /// Nonin serial data format 7: 75 frames a second.
    Nonin7,
    /// Nonin serial data format 8: four bytes a second.
    Nonin8,
    /// Nonin serial data format 13: spot checks.
    Nonin13,
    /// Nonin's own Bluetooth service.
    NoninBle,
    /// Masimo's line of text a second.
    Masimo,
    /// Contec's older oximeters: sixty frames of five bytes a second.
    Contec,
    /// Contec's newer oximeters: sixty packets a second.
    ContecV7,
    /// Contec's Bluetooth oximeters.
    ContecBle,
    /// BerryMed's oximeters: a hundred frames of five bytes a second.
    Bci,
    /// Jumper's JPD-500F.
    Jumper,
    /// Viatom's PC-60FW.
    Pc60Fw,
    /// Viatom's rings, now.
    O2Ring,
    /// What a Viatom ring has recorded.
    O2RingFile,
    /// TaiDoc's thermometers and oximeters.
    TaiDoc,
    /// ChoiceMMed's oximeters.
    ChoiceMmed,
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

impl LineSettings {
    /// Eight data bits, no parity, one stop bit.
    #[must_use]
    pub const fn plain(baud: u32) -> Self {
        Self {
            baud,
            data_bits: 8,
            parity: Parity::None,
            stop_bits: 1,
        }
    }
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

/// What a push to a decoder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// A piece of a stream of bytes, cut anywhere.
    Stream,
    /// One whole attribute value.
    Packets,
}

/// What a device must be sent again and again, else it stops speaking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// How often, in milliseconds.
    pub every_ms: u32,
    /// What.
    pub bytes: &'static [u8],
}

/// What a module says of its protocol. Begin with [`Facts::new`] and say what differs.
pub(crate) struct Facts {
    pub(crate) name: &'static str,
    pub(crate) framing: Framing,
    pub(crate) decoder: fn() -> Box<dyn Decoder>,
    /// How a serial port is opened; none for what is spoken over Bluetooth alone.
    pub(crate) line: Option<LineSettings>,
    /// Where it is spoken over Bluetooth; none for what is spoken on serial lines alone.
    pub(crate) gatt: Option<Gatt>,
    /// Each is one write.
    pub(crate) greeting: &'static [&'static [u8]],
    pub(crate) keep_alive: Option<KeepAlive>,
    pub(crate) measure_now: Option<&'static [u8]>,
    pub(crate) set_time: Option<fn(&DateTime) -> Vec<u8>>,
    pub(crate) quiet_ms: u32,
    /// Many frames a second: see [`Seconds`](crate::Seconds).
    pub(crate) is_fast: bool,
    /// The device says who it is.
    pub(crate) names_itself: bool,
    /// What the device says in a few moments of somebody well, each kind of frame at least once.
    pub(crate) samples: fn() -> Vec<Frame>,
}

impl Facts {
    /// A device that speaks by itself about once a second, and need not be told anything. Three
    /// seconds of silence forgive it one lost frame.
    pub(crate) const fn new<D: Decoder + Default + 'static>(
        name: &'static str,
        framing: Framing,
    ) -> Self {
        Self {
            name,
            framing,
            decoder: fresh::<D>,
            line: None,
            gatt: None,
            greeting: &[],
            keep_alive: None,
            measure_now: None,
            set_time: None,
            quiet_ms: 3_000,
            is_fast: false,
            names_itself: false,
            samples: Vec::new,
        }
    }
}

fn fresh<D: Decoder + Default + 'static>() -> Box<dyn Decoder> {
    Box::<D>::default()
}

/// A name that no protocol has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UnknownProtocol {
    /// A device that is known and cannot be read.
    #[error("{name} cannot be read: {why}")]
    Unsupported {
        /// The name that was asked for.
        name: String,
        /// Why, in a sentence.
        why: &'static str,
    },
    /// Nothing known.
    #[error("there is no protocol {name:?}; choose {}", Names)]
    Unknown {
        /// The name that was asked for.
        name: String,
    },
}

/// All names, as in "a, b or c".
struct Names;

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, protocol) in Protocol::ALL.into_iter().enumerate() {
            let before = match place {
                0 => "",
                _ if place + 1 == Protocol::ALL.len() => " or ",
                _ => ", ",
            };
            write!(f, "{before}{protocol}")?;
        }
        Ok(())
    }
}

impl Protocol {
    /// Every protocol.
    pub const ALL: [Self; 20] = [
        Self::PlxContinuous,
        Self::PlxSpot,
        Self::Thermometer,
        Self::Nonin2,
        Self::Nonin7,
        Self::Nonin8,
        Self::Nonin13,
        Self::NoninBle,
        Self::Masimo,
        Self::Contec,
        Self::ContecV7,
        Self::ContecBle,
        Self::Bci,
        Self::Jumper,
        Self::Pc60Fw,
        Self::O2Ring,
        Self::O2RingFile,
        Self::TaiDoc,
        Self::ChoiceMmed,
        Self::Node,
    ];

    const fn facts(self) -> &'static Facts {
        match self {
            Self::PlxContinuous => &plx_continuous::FACTS,
            Self::PlxSpot => &plx_spot::FACTS,
            Self::Thermometer => &thermometer::FACTS,
            Self::Nonin2 => &nonin2::FACTS,
            Self::Nonin7 => &nonin7::FACTS,
            Self::Nonin8 => &nonin8::FACTS,
            Self::Nonin13 => &nonin13::FACTS,
            Self::NoninBle => &nonin_ble::FACTS,
            Self::Masimo => &masimo::FACTS,
            Self::Contec => &contec::FACTS,
            Self::ContecV7 => &contec_v7::FACTS,
            Self::ContecBle => &contec_ble::FACTS,
            Self::Bci => &bci::FACTS,
            Self::Jumper => &jumper::FACTS,
            Self::Pc60Fw => &pc60fw::FACTS,
            Self::O2Ring => &o2ring::FACTS,
            Self::O2RingFile => &o2ring_file::FACTS,
            Self::TaiDoc => &taidoc::FACTS,
            Self::ChoiceMmed => &choicemmed::FACTS,
            Self::Node => &node::FACTS,
        }
    }

    /// The name used in configuration and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.facts().name
    }

    /// A decoder at the start of a stream.
    #[must_use]
    pub fn decoder(self) -> Box<dyn Decoder> {
        (self.facts().decoder)()
    }

    /// What a push to the decoder is.
    #[must_use]
    pub const fn framing(self) -> Framing {
        self.facts().framing
    }

    /// How to open the serial port; none for a protocol that is spoken over Bluetooth alone.
    #[must_use]
    pub const fn line(self) -> Option<LineSettings> {
        self.facts().line
    }

    /// Where it is spoken over Bluetooth; none for a protocol of serial lines alone.
    #[must_use]
    pub const fn gatt(self) -> Option<Gatt> {
        self.facts().gatt
    }

    /// What to send when the port has been opened, or the subscriptions stand, each in a write of
    /// its own (over Bluetooth in several, none longer than the connection takes).
    #[must_use]
    pub const fn greeting(self) -> &'static [&'static [u8]] {
        self.facts().greeting
    }

    /// What to send again and again while the device is listened to.
    #[must_use]
    pub const fn keep_alive(self) -> Option<KeepAlive> {
        self.facts().keep_alive
    }

    /// What to send so that the device measures once, now; none for a device that only speaks.
    #[must_use]
    pub const fn measure_now(self) -> Option<&'static [u8]> {
        self.facts().measure_now
    }

    /// What to send to set the device's clock; none when the protocol has no such command. The
    /// standard characteristics for that are [`sig`](crate::sig)'s.
    #[must_use]
    pub fn set_time(self, time: &DateTime) -> Option<Vec<u8>> {
        self.facts().set_time.map(|encode| encode(time))
    }

    /// Silence in milliseconds after which what was half heard is stale and the decoder must be
    /// reset.
    #[must_use]
    pub const fn quiet_ms(self) -> u32 {
        self.facts().quiet_ms
    }

    /// Whether it speaks many times a second, and is thinned by [`Seconds`](crate::Seconds).
    #[must_use]
    pub const fn is_fast(self) -> bool {
        self.facts().is_fast
    }

    /// What the device says in a few moments of somebody well, each kind of frame at least once:
    /// for simulated devices, benches, and what fuzzers begin with.
    #[must_use]
    pub fn samples(self) -> Vec<Frame> {
        (self.facts().samples)()
    }

    /// Whether the device says who it is. One that does not must be named by whoever plugs it in.
    #[must_use]
    pub const fn names_itself(self) -> bool {
        self.facts().names_itself
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
        let known = Self::ALL
            .into_iter()
            .find(|protocol| protocol.name() == name);
        known.ok_or_else(|| match why_unsupported(name) {
            Some(why) => UnknownProtocol::Unsupported {
                name: name.into(),
                why,
            },
            None => UnknownProtocol::Unknown { name: name.into() },
        })
    }
}
