//! BerryMed's oximeters (BM1000B, BM1000C, BM1000E and their many rebrands): the BCI protocol, a
//! hundred five-byte frames a second, over Bluetooth LE or a serial line at 115200 baud 8N1.
//!
//! The frame is Contec's, the flags are not: here bit 5 of the first byte says that the probe is
//! unplugged, there that the saturation falls; a finger is missing by bit 4 of the third byte here
//! and of the first there. So each has a module, and a device must be read as what it is.
//!
//! ```text
//! byte 0   1 · beep · probe unplugged · no signal · signal 0-8
//! byte 2   0 · PR7 · searching · no finger · bar 0-15
//! ```
//!
//! Sources: the maker's *BCI Protocol V1.2* (zh2x/BCI_Protocol) and its own app
//! (zh2x/SpO2-BLE-for-Android), which agree with four independent readers (the Adafruit library,
//! OxiVis, bgould's and ehborisov's). Certain: layout, flags, the markers 127 and 255, the UUIDs,
//! that notifications are not aligned to frames. Inferred: the speed of the serial line.
//! The newer "BERRY" frame of twenty bytes (`FF AA`) and BCI with respiration are not read: their
//! bytes are rejected. The device tells no battery, says its maker.

use alloc::vec::Vec;

use bitflags::bitflags;
use serde::ser::SerializeMap;
use veglia_wire::{Contact, Quality, Sensor};

use crate::Frame as AnyFrame;
use crate::five::{self, Fields};
use crate::framed::{Cut, Framed, Wire};
use crate::gatt::{Gatt, Uuid};
use crate::json::Names;
use crate::observe::{Observation, measured, pulse, spo2};
use crate::protocol::{Facts, Framing, LineSettings};

/// It only speaks.
pub(crate) const FACTS: Facts = Facts {
    line: Some(LineSettings::plain(115_200)),
    gatt: Some(Gatt {
        service: Uuid(0x49535343_FE7D_4AE5_8FA9_9FAFD205E455),
        listen: &[Uuid(0x49535343_1E4D_4BD9_BA61_23C647249616)],
        write: None,
        // The service is that of a radio module which other makers use too.
        name_prefixes: &["BerryMed"],
    }),
    quiet_ms: 1_000,
    is_fast: true,
    samples,
    ..Facts::new::<Stream>("bci", Framing::Stream)
};

fn samples() -> Vec<AnyFrame> {
    let frame = |spo2, pulse| Frame {
        spo2: Some(spo2),
        pulse: Some(pulse),
        signal: 6,
        pleth: 40,
        bar: 5,
        flags: Flags::empty(),
    };
    [frame(97, 72), frame(96, 141)].map(AnyFrame::Bci).into()
}

/// A hundredth of a second of the oximeter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Oxygen saturation in percent, if there is one.
    pub spo2: Option<u8>,
    /// Pulse in beats per minute, if there is one.
    pub pulse: Option<u8>,
    /// Signal strength, 0 to 8.
    pub signal: u8,
    /// Height of the pulse wave, 0 to 127.
    pub pleth: u8,
    /// Height of the bar, 0 to 15.
    pub bar: u8,
    /// What the oximeter says of them.
    pub flags: Flags,
}

bitflags! {
    /// The flags of byte 0 and, in the upper byte, of byte 2.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Flags: u16 {
        /// No signal.
        const NO_SIGNAL = 0x10;
        /// The probe is not plugged in.
        const PROBE_UNPLUGGED = 0x20;
        /// A beat.
        const BEEP = 0x40;
        /// No finger in the probe.
        const NO_FINGER = 0x10 << 8;
        /// Searching for a pulse.
        const SEARCHING = 0x20 << 8;
    }
}

/// The five bytes of a frame, for simulated devices. Values beyond the width of their field lose
/// their upper bits, as in the device.
#[must_use]
pub fn encode(frame: &Frame) -> [u8; five::LEN] {
    let [high_flags, low_flags] = frame.flags.bits().to_be_bytes();
    five::write(&Fields {
        signal: frame.signal,
        low_flags,
        pleth: frame.pleth,
        bar: frame.bar,
        high_flags,
        pulse: frame.pulse,
        spo2: frame.spo2,
    })
}

fn of_fields(fields: Fields) -> AnyFrame {
    AnyFrame::Bci(Frame {
        spo2: fields.spo2,
        pulse: fields.pulse,
        signal: fields.signal,
        pleth: fields.pleth,
        bar: fields.bar,
        flags: Flags::from_bits_retain(u16::from_be_bytes([fields.high_flags, fields.low_flags])),
    })
}

/// The stream of one oximeter.
#[derive(Debug)]
pub(crate) struct Quintets;

pub(crate) type Stream = Framed<Quintets>;

impl Wire for Quintets {
    const COHERENT: usize = five::COHERENT;

    fn cut(bytes: &[u8]) -> Cut {
        five::cut(bytes, of_fields)
    }
}

impl Frame {
    pub(crate) fn observe(&self) -> Vec<Observation> {
        let off = Flags::PROBE_UNPLUGGED | Flags::NO_FINGER;
        let contact = if self.flags.intersects(off) {
            Contact::Off
        } else if self.flags.intersects(Flags::NO_SIGNAL | Flags::SEARCHING) {
            Contact::Searching
        } else {
            Contact::On
        };
        let vitals = [
            self.spo2.and_then(|percent| spo2(u16::from(percent) * 10)),
            self.pulse.and_then(|rate| pulse(u16::from(rate) * 10)),
        ];
        measured(Sensor::Oximeter, contact, vitals, Quality::empty())
    }

    pub(crate) fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("spo2_percent", &self.spo2)?;
        map.serialize_entry("pulse_per_minute", &self.pulse)?;
        map.serialize_entry("signal", &self.signal)?;
        map.serialize_entry("pleth", &self.pleth)?;
        map.serialize_entry("flags", &Names(self.flags))
    }
}
