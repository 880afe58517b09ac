//! The five bytes that Contec's and BerryMed's oximeters share: the framing and the numbers, and
//! not what the flags mean, in which the two differ.
//!
//! ```text
//! byte 0   1 · f · f · f · S3 … S0          three flags, signal strength
//! byte 1   0 · pleth
//! byte 2   0 · PR7 · f · f · B3 … B0        two flags, bar graph
//! byte 3   0 · PR6 … PR0                    pulse, 255 = missing
//! byte 4   0 · SpO2                         percent, 127 = missing
//! ```
//!
//! There is no checksum, and five top bits are little: white noise holds such a frame thirty times
//! a second. So eight coherent frames must stand on end before the first is believed, an eighth of
//! a second; none of them is lost by it. Bluetooth notifications are not aligned to frames.

use crate::Frame;
use crate::framed::Cut;
use crate::reject::RejectReason;
use veglia_firmware_core::Field;

/// Bytes in a frame.
pub(crate) const LEN: usize = 5;

/// Frames on end before the first is believed: the chance of noise is then below 2⁻⁴⁰.
pub(crate) const COHERENT: usize = 8;

/// Set in the first byte of a frame and in no other.
const SYNC: u8 = 0x80;
const MISSING_SPO2: u8 = 127;
const MISSING_PULSE: u8 = 255;
/// A saturation in percent, and the zero that some send for none.
const MOST_SPO2: u8 = 100;

/// What the five bytes hold, flags uninterpreted and where they stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fields {
    /// Signal strength, 0 to 8; four bits.
    pub(crate) signal: u8,
    /// Bits 4 to 6 of byte 0.
    pub(crate) low_flags: u8,
    /// Height of the pulse wave, 0 to 127.
    pub(crate) pleth: u8,
    /// Height of the bar, 0 to 15.
    pub(crate) bar: u8,
    /// Bits 4 and 5 of byte 2.
    pub(crate) high_flags: u8,
    /// Pulse in beats per minute.
    pub(crate) pulse: Option<u8>,
    /// Saturation in percent.
    pub(crate) spo2: Option<u8>,
}

/// Puts the five bytes together. Values beyond the width of their field lose their upper bits.
pub(crate) fn write(fields: &Fields) -> [u8; LEN] {
    let pulse = fields.pulse.unwrap_or(MISSING_PULSE);
    [
        SYNC | (fields.low_flags & 0x70) | (fields.signal & 0x0F),
        fields.pleth & !SYNC,
        ((pulse & SYNC) >> 1) | (fields.high_flags & 0x30) | (fields.bar & 0x0F),
        pulse & !SYNC,
        fields.spo2.unwrap_or(MISSING_SPO2) & !SYNC,
    ]
}

fn read(wire: [u8; LEN]) -> Result<Fields, RejectReason> {
    let [low, pleth, high, pulse, spo2] = wire;
    let pulse = ((high & 0x40) << 1) | pulse;
    let spo2 = match spo2 {
        MISSING_SPO2 => None,
        percent if percent <= MOST_SPO2 => Some(percent),
        _ => return Err(RejectReason::OutOfRange { field: Field::Spo2 }),
    };
    Ok(Fields {
        signal: low & 0x0F,
        low_flags: low & 0x70,
        pleth,
        bar: high & 0x0F,
        high_flags: high & 0x30,
        pulse: (pulse != MISSING_PULSE).then_some(pulse),
        spo2,
    })
}

/// What stands at the head of some bytes, which are never empty.
pub(crate) fn cut(bytes: &[u8], frame: fn(Fields) -> Frame) -> Cut {
    if bytes[0] & SYNC == 0 {
        return Cut::Bad(RejectReason::Noise, 1);
    }
    let mut rest = bytes.iter().zip(0..LEN).skip(1);
    if let Some((_, place)) = rest.find(|(byte, _)| **byte & SYNC != 0) {
        return Cut::Bad(RejectReason::Noise, place);
    }
    let Some(wire) = bytes.first_chunk() else {
        return Cut::Short;
    };
    match read(*wire) {
        Ok(fields) => Cut::Frame(frame(fields), LEN),
        Err(reason) => Cut::Bad(reason, LEN),
    }
}
