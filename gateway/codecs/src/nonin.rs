//! What Nonin's serial formats have in common: the commands, and the packet of 25 frames.
//!
//! Sources: the formats as in Nonin's OEM and 9560 specifications, read through
//! mattjlewis/NoninPulseOx, pez-globo/pufferfish-software (Apache-2) and mdpnp, which agree; the
//! command that selects a format through four public clients, which send the same bytes. Certain:
//! the layout, both checksums, the places of rate and saturation. Inferred: the two bits of the
//! second status byte, which are those of format 8, and that older models, which have one format
//! only, do not mind the command.
//!
//! Values for a display are held for ten seconds after the finger is gone; the values read here are
//! those for recording, and none is a reading while the sensor's alarm is on.

use alloc::vec::Vec;

use bitflags::bitflags;
use serde::ser::SerializeMap;
use veglia_wire::{Contact, DeviceEvent, Quality, Sensor};

use crate::json::Names;
use crate::observe::{Observation, measured, pulse, quality, spo2};
use crate::reject::RejectReason;
use crate::time::DateTime;

/// Frames in a packet; three packets make a second.
pub const FRAMES: usize = 25;

/// Bytes in a frame of formats 2 and 7.
pub(crate) const FRAME_LEN: usize = 5;

const MISSING_SPO2: u8 = 127;
const MISSING_PULSE: u16 = 511;

/// The command that selects a serial format. A device answers 06 when it has it and 15 when it has
/// not, and takes commands for five seconds after it was connected.
pub(crate) const fn select(format: u8) -> [u8; 6] {
    [0x02, 0x70, 0x02, 0x02, format, 0x03]
}

/// The command that sets the clock, in plain numbers. One public client writes it so; the reports
/// of the device itself are in decimal digits.
pub(crate) fn set_time(time: &DateTime) -> Vec<u8> {
    let year = u8::try_from(time.year % 100).unwrap_or(0);
    Vec::from([
        0x02,
        0x72,
        0x06,
        year,
        time.month,
        time.day,
        time.hour,
        time.minute,
        time.second,
        0x03,
    ])
}

bitflags! {
    /// The status byte that stands in each of the 25 frames. Bit 7 is always set.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Status: u8 {
        /// SNSD: no sensor on the cable. Reserved in newer models.
        const SENSOR_DISCONNECTED = 0x40;
        /// ARTF: a pulse disturbed by movement.
        const ARTEFACT = 0x20;
        /// OOT: out of track, no run of good pulses.
        const OUT_OF_TRACK = 0x10;
        /// SNSF or SNSA: the sensor is off the finger or gives nothing usable.
        const SENSOR_ALARM = 0x08;
        /// RPRF: red perfusion, low. With green it is yellow, marginal.
        const RED_PERFUSION = 0x04;
        /// GPRF: green perfusion, good. With red it is yellow, marginal.
        const GREEN_PERFUSION = 0x02;
        /// The first frame of a packet.
        const SYNC = 0x01;
    }
}

/// Always set in a status byte.
const STATUS: u8 = 0x80;

bitflags! {
    /// The second status byte, once in a packet.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Status2: u8 {
        /// SPA: the SmartPoint algorithm calls the measurement good.
        const SMART_POINT = 0x20;
        /// LOWBAT: less than half an hour of battery.
        const LOW_BATTERY = 0x01;
    }
}

/// A third of a second of formats 2 and 7: 25 points of the pulse wave, and one set of values
/// spread over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Third {
    /// Status of each frame, bit 7 left out.
    pub status: [Status; FRAMES],
    /// Height of the pulse wave; 8 bits in format 2.
    pub pleth: [u16; FRAMES],
    /// The value byte of each frame.
    pub data: [u8; FRAMES],
}

/// Places of value bytes, from 0.
const PULSE_HIGH: usize = 0;
const PULSE_LOW: usize = 1;
const SPO2: usize = 2;
const STATUS2: usize = 7;

impl Third {
    /// Saturation in percent, for recording, if there is one.
    #[must_use]
    pub fn spo2(&self) -> Option<u8> {
        let percent = self.data[SPO2] & 0x7F;
        (percent != MISSING_SPO2).then_some(percent)
    }

    /// Pulse in beats per minute, for recording, if there is one.
    #[must_use]
    pub fn pulse(&self) -> Option<u16> {
        let (high, low) = (self.data[PULSE_HIGH] & 0x03, self.data[PULSE_LOW] & 0x7F);
        let rate = u16::from(high) << 7 | u16::from(low);
        (rate != MISSING_PULSE).then_some(rate)
    }

    /// What was said in any of the 25 frames.
    #[must_use]
    pub fn flags(&self) -> Status {
        let all = self
            .status
            .iter()
            .copied()
            .fold(Status::empty(), Status::union);
        all.difference(Status::SYNC)
    }

    /// The second status byte.
    #[must_use]
    pub fn status2(&self) -> Status2 {
        Status2::from_bits_retain(self.data[STATUS2])
    }

    /// One that says these values in all 25 frames, for simulated devices.
    #[must_use]
    pub fn new(spo2: Option<u8>, pulse: Option<u16>, flags: Status, status2: Status2) -> Self {
        let mut status = [flags.difference(Status::SYNC); FRAMES];
        status[0] |= Status::SYNC;
        let rate = pulse.unwrap_or(MISSING_PULSE);
        let [_, high] = (rate >> 7 & 0x03).to_be_bytes();
        let [_, low] = (rate & 0x7F).to_be_bytes();
        let mut data = [0; FRAMES];
        data[PULSE_HIGH] = high;
        data[PULSE_LOW] = low;
        data[SPO2] = spo2.unwrap_or(MISSING_SPO2);
        data[STATUS2] = status2.bits();
        Self {
            status,
            pleth: [0; FRAMES],
            data,
        }
    }

    pub(crate) fn observe(&self) -> Vec<Observation> {
        let flags = self.flags();
        let contact = if flags.intersects(Status::SENSOR_DISCONNECTED | Status::SENSOR_ALARM) {
            Contact::Off
        } else if flags.contains(Status::OUT_OF_TRACK) {
            Contact::Searching
        } else {
            Contact::On
        };
        let perfusion = Status::RED_PERFUSION | Status::GREEN_PERFUSION;
        let is = |colour| {
            self.status
                .iter()
                .any(|each| each.intersection(perfusion) == colour)
        };
        let quality = quality([
            (flags.contains(Status::ARTEFACT), Quality::ARTEFACT),
            (is(Status::RED_PERFUSION), Quality::LOW_PERFUSION),
            (is(perfusion), Quality::WEAK_SIGNAL),
        ]);
        let spo2 = self
            .spo2()
            .and_then(|percent| spo2(u16::from(percent) * 10));
        let pulse = self.pulse().and_then(|rate| pulse(i32::from(rate) * 10));
        let mut said = measured(Sensor::Oximeter, contact, [spo2, pulse], quality);
        if self.status2().contains(Status2::LOW_BATTERY) {
            said.push(Observation::Battery(DeviceEvent::BatteryLow));
        }
        said
    }

    pub(crate) fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("spo2_percent", &self.spo2())?;
        map.serialize_entry("pulse_per_minute", &self.pulse())?;
        map.serialize_entry("flags", &Names(self.flags()))?;
        map.serialize_entry("more_flags", &Names(self.status2()))?;
        map.serialize_entry("pleth", &self.pleth.as_slice())
    }
}

/// Two thirds of a second of somebody well.
pub(crate) fn samples_of() -> [Third; 2] {
    let third = |spo2, pulse| {
        let green = Status::GREEN_PERFUSION;
        Third::new(Some(spo2), Some(pulse), green, Status2::SMART_POINT)
    };
    [third(97, 72), third(98, 141)]
}

/// One frame: status, wave, value.
pub(crate) type Twentyfifth = (Status, u16, u8);

/// A frame as its four bytes before the checksum.
pub(crate) trait Layout {
    /// Reads them; none when they have not the shape of a frame.
    fn read(bytes: [u8; 4]) -> Option<Twentyfifth>;

    /// Writes them.
    fn write(frame: Twentyfifth) -> [u8; 4];
}

pub(crate) fn status_of(byte: u8) -> Option<Status> {
    (byte & STATUS != 0).then(|| Status::from_bits_retain(byte & !STATUS))
}

pub(crate) const fn byte_of(status: Status) -> u8 {
    STATUS | status.bits()
}

/// What stands at the head of some bytes of format 2 or 7.
pub(crate) enum Head {
    Third(Third),
    Bad(RejectReason, usize),
    Short,
}

/// A packet stands where a frame says that it is the first, and 24 sound ones follow that do not.
pub(crate) fn cut<L: Layout>(bytes: &[u8]) -> Head {
    let mut third = Third {
        status: [Status::empty(); FRAMES],
        pleth: [0; FRAMES],
        data: [0; FRAMES],
    };
    for place in 0..FRAMES {
        let at = place * FRAME_LEN;
        let Some(wire) = bytes
            .get(at..)
            .and_then(|rest| rest.first_chunk::<FRAME_LEN>())
        else {
            return Head::Short;
        };
        let frame = sound::<L>(*wire);
        match (place, frame) {
            (0, None) => return Head::Bad(RejectReason::Noise, 1),
            (0, Some((status, ..))) if !status.contains(Status::SYNC) => {
                return Head::Bad(RejectReason::Incomplete, FRAME_LEN);
            }
            (1.., None) => return Head::Bad(RejectReason::Incomplete, at),
            (1.., Some((status, ..))) if status.contains(Status::SYNC) => {
                return Head::Bad(RejectReason::Incomplete, at);
            }
            (_, Some((status, pleth, data))) => {
                third.status[place] = status;
                third.pleth[place] = pleth;
                third.data[place] = data;
            }
        }
    }
    Head::Third(third)
}

fn sound<L: Layout>([a, b, c, d, sum]: [u8; FRAME_LEN]) -> Option<Twentyfifth> {
    let bytes = [a, b, c, d];
    let is_whole = bytes.into_iter().fold(0, u8::wrapping_add) == sum;
    L::read(bytes).filter(|_| is_whole)
}

pub(crate) fn encode<L: Layout>(third: &Third) -> Vec<u8> {
    let frames = third.status.iter().zip(third.pleth).zip(third.data);
    let bytes = frames.flat_map(|((&status, pleth), data)| {
        let bytes = L::write((status, pleth, data));
        let sum = bytes.into_iter().fold(0, u8::wrapping_add);
        bytes.into_iter().chain([sum])
    });
    bytes.collect()
}
