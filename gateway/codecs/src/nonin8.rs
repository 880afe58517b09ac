//! Nonin serial data format 8: four bytes, once a second, at 9600 baud 8N1.
//!
//! ```text
//! byte 0   1 · SNSD · OOT · LPRF · MPRF · ARTF · HR8 · HR7
//! byte 1   0 · HR6 … HR0                     pulse, 511 = missing
//! byte 2   0 · SpO2                          percent, 127 = missing
//! byte 3   0 · R · SPA · R · SNSA · R · R · LOWBAT
//! ```
//!
//! There is no checksum: only the top bits say where a frame starts. So after a loss of step —
//! at the start, after a misplaced top bit, after a value no oximeter can mean — a frame is held
//! back until a second one stands directly behind it; then both are delivered, in order. In step,
//! each frame is delivered at once. A flipped bit inside a value cannot be seen here, and is the
//! reason why no alarm may hang on a single reading.
//!
//! Held and disturbed values are delivered with their flags: what they mean is decided in
//! [`observe`](crate::observe()). Formats 2, 7 and 13 are other protocols.

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use bitflags::bitflags;
use veglia_firmware_core::Field;

use crate::noise::Noise;
use crate::reject::{Reject, RejectReason};
use crate::{Decoder, Frame as AnyFrame};

/// Bytes in a frame.
pub const FRAME_LEN: usize = 4;

/// Set in the first byte of a frame and in no other.
const SYNC: u8 = 0x80;
/// Bits of byte 0 that are flags; they become the upper byte of [`Flags`].
const STATUS: u8 = 0b0111_1100;
const MISSING_SPO2: u8 = 127;
const MISSING_PULSE: u16 = 511;
/// A saturation in percent; zero is a sensor that sees nothing.
const SPO2: RangeInclusive<u8> = 1..=100;
/// Beats per minute that the maker says these oximeters can show.
const PULSE: RangeInclusive<u16> = 18..=321;

/// One second of the oximeter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Oxygen saturation in percent, if there is one.
    pub spo2: Option<u8>,
    /// Pulse in beats per minute, if there is one.
    pub pulse: Option<u16>,
    /// What the oximeter says of them.
    pub flags: Flags,
}

bitflags! {
    /// The flags of both status bytes (byte 0 above byte 3), reserved bits kept as they came.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Flags: u16 {
        /// SNSD: no sensor on the cable. Reserved, and zero, in the newer models.
        const SENSOR_DISCONNECTED = 0x40 << 8;
        /// OOT: out of track, no run of good pulses.
        const OUT_OF_TRACK = 0x20 << 8;
        /// LPRF: low perfusion.
        const LOW_PERFUSION = 0x10 << 8;
        /// MPRF: marginal perfusion.
        const MARGINAL_PERFUSION = 0x08 << 8;
        /// ARTF: a pulse disturbed by movement.
        const ARTEFACT = 0x04 << 8;
        /// SPA: the SmartPoint algorithm calls the measurement good.
        const SMART_POINT = 0x20;
        /// SNSA: the sensor is off the finger or gives nothing usable; numbers beside it are
        /// those of up to ten seconds ago.
        const SENSOR_ALARM = 0x08;
        /// LOWBAT: less than half an hour of battery.
        const LOW_BATTERY = 0x01;
    }
}

/// The four bytes of a frame, for simulated devices. Values beyond the width of their field lose
/// their upper bits, as in the device.
#[must_use]
pub fn encode(frame: &Frame) -> [u8; FRAME_LEN] {
    let [status, sensor] = frame.flags.bits().to_be_bytes();
    let [pulse_high, pulse_low] = (frame.pulse.unwrap_or(MISSING_PULSE) << 1).to_be_bytes();
    [
        SYNC | (status & STATUS) | (pulse_high & 0b11),
        pulse_low >> 1,
        frame.spo2.unwrap_or(MISSING_SPO2) & !SYNC,
        sensor & !SYNC,
    ]
}

/// Reads four bytes that have the shape of a frame.
///
/// # Errors
/// `Noise` when a top bit is misplaced, `OutOfRange` when a value is none an oximeter can mean.
pub fn decode(wire: [u8; FRAME_LEN]) -> Result<Frame, RejectReason> {
    let [status, pulse_low, spo2, sensor] = wire;
    if status & SYNC == 0 || (pulse_low | spo2 | sensor) & SYNC != 0 {
        return Err(RejectReason::Noise);
    }
    let pulse = u16::from_be_bytes([status & 0b11, pulse_low << 1]) >> 1;
    let spo2 = match spo2 {
        MISSING_SPO2 => None,
        percent if SPO2.contains(&percent) => Some(percent),
        _ => return Err(RejectReason::OutOfRange { field: Field::Spo2 }),
    };
    let pulse = match pulse {
        MISSING_PULSE => None,
        rate if PULSE.contains(&rate) => Some(rate),
        _ => {
            return Err(RejectReason::OutOfRange {
                field: Field::Pulse,
            });
        }
    };
    let flags = Flags::from_bits_retain(u16::from_be_bytes([status & STATUS, sensor]));
    Ok(Frame { spo2, pulse, flags })
}

/// The stream of one oximeter.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// Bytes taken since the start.
    offset: u64,
    /// The frame under way, at most three bytes between two calls.
    partial: Vec<u8>,
    /// Where the frame under way began.
    partial_offset: u64,
    step: Step,
    noise: Noise,
}

/// How sure the stream is of where frames start.
#[derive(Clone, Copy, Debug, Default)]
enum Step {
    /// Not at all.
    #[default]
    Lost,
    /// One good frame was seen at this offset, and waits for a second.
    Found(Frame, u64),
    /// Frame stands behind frame.
    Kept,
}

impl Stream {
    fn take(&mut self, byte: u8, out: &mut Vec<Result<AnyFrame, Reject>>) {
        let starts = byte & SYNC != 0;
        if starts != self.partial.is_empty() {
            self.give_up(out);
        }
        if starts {
            self.partial_offset = self.offset;
        }
        if starts || !self.partial.is_empty() {
            self.partial.push(byte);
        } else {
            self.noise.push(byte, self.offset, out);
        }
        self.offset += 1;
        if let Ok(wire) = <[u8; FRAME_LEN]>::try_from(self.partial.as_slice()) {
            self.partial.clear();
            self.whole_frame(wire, out);
        }
    }

    fn whole_frame(&mut self, wire: [u8; FRAME_LEN], out: &mut Vec<Result<AnyFrame, Reject>>) {
        match (decode(wire), self.step) {
            (Ok(frame), Step::Lost) => self.step = Step::Found(frame, self.partial_offset),
            (Ok(frame), Step::Found(first, _)) => {
                self.noise.flush(out);
                out.extend([Ok(AnyFrame::Nonin8(first)), Ok(AnyFrame::Nonin8(frame))]);
                self.step = Step::Kept;
            }
            (Ok(frame), Step::Kept) => out.push(Ok(AnyFrame::Nonin8(frame))),
            (Err(reason), _) => {
                self.lose_step(out);
                self.reject(reason, wire, self.partial_offset, out);
            }
        }
    }

    /// A top bit stood where none may, or was missing: the frame under way is noise.
    fn give_up(&mut self, out: &mut Vec<Result<AnyFrame, Reject>>) {
        self.lose_step(out);
        for (byte, offset) in core::mem::take(&mut self.partial)
            .into_iter()
            .zip(self.partial_offset..)
        {
            self.noise.push(byte, offset, out);
        }
    }

    /// Out of step from here; a frame that waited for a second one waited in vain.
    fn lose_step(&mut self, out: &mut Vec<Result<AnyFrame, Reject>>) {
        if let Step::Found(frame, offset) = core::mem::take(&mut self.step) {
            self.reject(RejectReason::Unconfirmed, encode(&frame), offset, out);
        }
    }

    fn reject(
        &mut self,
        reason: RejectReason,
        wire: [u8; FRAME_LEN],
        offset: u64,
        out: &mut Vec<Result<AnyFrame, Reject>>,
    ) {
        self.noise.flush(out);
        out.push(Err(Reject {
            reason,
            bytes: wire.into(),
            offset,
        }));
    }
}

impl Decoder for Stream {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Result<AnyFrame, Reject>>) {
        for &byte in bytes {
            self.take(byte, out);
        }
    }

    fn finish(&mut self, out: &mut Vec<Result<AnyFrame, Reject>>) {
        self.give_up(out);
        self.noise.flush(out);
        *self = Self::default();
    }
}
