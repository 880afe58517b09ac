//! Contec's newer oximeters on USB or Bluetooth classic (CMS50D+ from firmware 4.6, CMS50E, CMS50F,
//! CMS50FW, CMS50EW): "protocol V7", sixty packets a second at 115200 baud 8N1, for as long as
//! they are asked for.
//!
//! ```text
//! byte 0    0 · type: 1 = live
//! byte 1    1 · the top bits of the seven bytes after it, lowest first
//! byte 2    probe error · low SpO2 ... see Flags · signal 0-8
//! byte 3    searching · pleth
//! byte 4    ... PI invalid · bar 0-15
//! byte 5    pulse, 255 = missing
//! byte 6    SpO2, 127 = missing
//! byte 7,8  perfusion index in hundredths of a percent, low byte first, 65535 = missing
//! ```
//!
//! On the wire every byte but the first has its top bit set, and the real one stands in byte 1. So
//! nine top bits and the type say where a packet is, there being no checksum, and two on end are
//! enough to be believed. The device falls silent unless it is told `AF` every five seconds.
//!
//! Sources: Contec's *Communication protocol of pulse oximeter V7.0* (in albertcbraun/CMS50FW),
//! timegrid/CMS50Dplus7, tobac/cms50ew; the layout was checked against a recorded stream. Where
//! they differ: one client tells the device that it lives every 54 seconds and is served; five is
//! the document's. Some clients send A7, A2 and A0 before A1; the document does not ask for it.
//! Inferred: that a probe error means nothing can be measured. Absent: the stored sessions
//! (A3 to A7), packets of other types, which are rejected.

use alloc::vec::Vec;

use bitflags::bitflags;
use serde::ser::SerializeMap;
use veglia_firmware_core::Field;
use veglia_wire::{Contact, Quality, Sensor};

use crate::Frame as AnyFrame;
use crate::framed::{Cut, Framed, Wire};
use crate::json::Names;
use crate::observe::{Observation, measured, pulse, spo2};
use crate::protocol::{Facts, Framing, KeepAlive, LineSettings};
use crate::reject::RejectReason;

/// Asked to begin, and told that we live a second sooner than it wants to hear it.
pub(crate) const FACTS: Facts = Facts {
    line: Some(LineSettings::plain(115_200)),
    greeting: &[&START],
    keep_alive: Some(KeepAlive {
        every_ms: 4_000,
        bytes: &STILL_HERE,
    }),
    quiet_ms: 1_000,
    is_fast: true,
    samples,
    ..Facts::new::<Stream>("contec-v7", Framing::Stream)
};

fn samples() -> Vec<AnyFrame> {
    let frame = |spo2, pulse| Frame {
        spo2: Some(spo2),
        pulse: Some(pulse),
        perfusion_hundredths: Some(356),
        signal: 6,
        pleth: 40,
        bar: 5,
        flags: Flags::empty(),
    };
    [frame(97, 72), frame(96, 141)]
        .map(AnyFrame::ContecV7)
        .into()
}

/// Bytes in a live packet.
pub const PACKET_LEN: usize = 9;

const START: [u8; 9] = command(0xA1);
const STILL_HERE: [u8; 9] = command(0xAF);

/// What ends the stream.
pub const STOP: [u8; 9] = command(0xA2);

const LIVE: u8 = 0x01;
const TOP: u8 = 0x80;
const MISSING_SPO2: u8 = 127;
const MISSING_PULSE: u8 = 255;
const MISSING_PERFUSION: u16 = u16::MAX;
/// A saturation in percent, and the zero that some send for none.
const MOST_SPO2: u8 = 100;

const fn command(code: u8) -> [u8; 9] {
    [0x7D, 0x81, code, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80]
}

/// A sixtieth of a second of the oximeter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Oxygen saturation in percent, if there is one.
    pub spo2: Option<u8>,
    /// Pulse in beats per minute, if there is one.
    pub pulse: Option<u8>,
    /// Perfusion index in hundredths of a percent, if there is one.
    pub perfusion_hundredths: Option<u16>,
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
    /// The flags of bytes 2 to 4, a byte each, unexplained bits kept as they came.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Flags: u32 {
        /// It has searched for a pulse for too long.
        const SEARCHING_TOO_LONG = 0x10;
        /// The saturation is low.
        const LOW_SPO2 = 0x20;
        /// A beat.
        const BEEP = 0x40;
        /// The probe does not work.
        const PROBE_ERROR = 0x80;
        /// Searching for a pulse.
        const SEARCHING = 0x80 << 8;
        /// The perfusion index is not to be used.
        const PERFUSION_INVALID = 0x10 << 16;
    }
}

/// The nine bytes of a packet, for simulated devices. Values beyond the width of their field lose
/// their upper bits, as in the device.
#[must_use]
pub fn encode(frame: &Frame) -> [u8; PACKET_LEN] {
    let [_, bar_flags, pleth_flags, signal_flags] = frame.flags.bits().to_be_bytes();
    let perfusion = frame.perfusion_hundredths.unwrap_or(MISSING_PERFUSION);
    let [perfusion_low, perfusion_high] = perfusion.to_le_bytes();
    let data = [
        (signal_flags & 0xF0) | (frame.signal & 0x0F),
        (pleth_flags & TOP) | (frame.pleth & !TOP),
        (bar_flags & 0xF0) | (frame.bar & 0x0F),
        frame.pulse.unwrap_or(MISSING_PULSE),
        frame.spo2.unwrap_or(MISSING_SPO2),
        perfusion_low,
        perfusion_high,
    ];
    let tops = data.iter().rev();
    let tops = tops.fold(0, |tops, byte| (tops << 1) | (byte >> 7));
    let [a, b, c, d, e, f, g] = data.map(|byte| TOP | byte);
    [LIVE, TOP | tops, a, b, c, d, e, f, g]
}

/// Reads nine bytes that have the shape of a live packet.
///
/// # Errors
/// `Noise` when a top bit is misplaced or the type is another, `OutOfRange` when the saturation is
/// none an oximeter can mean.
pub fn decode(wire: [u8; PACKET_LEN]) -> Result<Frame, RejectReason> {
    let [kind, tops, low @ ..] = wire;
    if kind != LIVE || tops & TOP == 0 || low.iter().any(|byte| byte & TOP == 0) {
        return Err(RejectReason::Noise);
    }
    let mut data = low.map(|byte| byte & !TOP);
    for (byte, place) in data.iter_mut().zip(0..) {
        *byte |= (tops >> place) << 7;
    }
    let [
        signal,
        pleth,
        bar,
        pulse,
        spo2,
        perfusion_low,
        perfusion_high,
    ] = data;
    let spo2 = match spo2 {
        MISSING_SPO2 => None,
        percent if percent <= MOST_SPO2 => Some(percent),
        _ => return Err(RejectReason::OutOfRange { field: Field::Spo2 }),
    };
    let perfusion = u16::from_le_bytes([perfusion_low, perfusion_high]);
    let flags = [0, bar & 0xF0, pleth & TOP, signal & 0xF0];
    Ok(Frame {
        spo2,
        pulse: (pulse != MISSING_PULSE).then_some(pulse),
        perfusion_hundredths: (perfusion != MISSING_PERFUSION).then_some(perfusion),
        signal: signal & 0x0F,
        pleth: pleth & !TOP,
        bar: bar & 0x0F,
        flags: Flags::from_bits_retain(u32::from_be_bytes(flags)),
    })
}

/// The stream of one oximeter.
#[derive(Debug)]
pub(crate) struct Nines;

pub(crate) type Stream = Framed<Nines>;

impl Wire for Nines {
    const COHERENT: usize = 2;

    fn cut(bytes: &[u8]) -> Cut {
        if bytes[0] != LIVE {
            return Cut::Bad(RejectReason::Noise, 1);
        }
        let mut rest = bytes.iter().zip(0..PACKET_LEN).skip(1);
        if let Some((_, place)) = rest.find(|(byte, _)| **byte & TOP == 0) {
            return Cut::Bad(RejectReason::Noise, place);
        }
        let Some(wire) = bytes.first_chunk() else {
            return Cut::Short;
        };
        match decode(*wire) {
            Ok(frame) => Cut::Frame(AnyFrame::ContecV7(frame), PACKET_LEN),
            Err(reason) => Cut::Bad(reason, PACKET_LEN),
        }
    }
}

impl Frame {
    pub(crate) fn observe(&self) -> Vec<Observation> {
        let searching = Flags::SEARCHING | Flags::SEARCHING_TOO_LONG;
        let contact = if self.flags.contains(Flags::PROBE_ERROR) {
            Contact::Unmeasurable
        } else if self.flags.intersects(searching) {
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
        map.serialize_entry("perfusion_percent_hundredths", &self.perfusion_hundredths)?;
        map.serialize_entry("signal", &self.signal)?;
        map.serialize_entry("pleth", &self.pleth)?;
        map.serialize_entry("flags", &Names(self.flags))
    }
}
