//! Masimo Rad-8 and Radical-7, serial output "ASCII 1": a line of text a second, 9600 baud 8N1.
//!
//! ```text
//! 03/19/16 13:37:12 SN=0000093112 SPO2=098% BPM=072 PI=01.05% … ALARM=0000 EXC=000000
//! ```
//!
//! Models put more between these, and more behind; what is not read here is passed over. Sources:
//! lines quoted in public clients (Nishanth Menon's masimo logger, mdpnp's Radical-7
//! specification), the exceptions' bits from the Rad-8 manual as quoted there. Certain: the names,
//! three digits for saturation and pulse, dashes for what is missing, the exceptions. Inferred:
//! that the exceptions of the trend memory are those of this line (a line with no sensor shows
//! EXC=1, as it should). From memory: the speed of the line.
//!
//! There is no checksum. A line is believed when it stands between two ends of lines, begins with a
//! date and has every name in its place with as many digits as it must have: that is more than
//! chance writes. The date's order is the owner's choice and is not told: there is no device time.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use bitflags::bitflags;
use serde::ser::SerializeMap;
use veglia_wire::{Contact, Quality, Sensor};

use crate::Frame as AnyFrame;
use crate::framed::{Cut, Framed, Wire};
use crate::json::Names;
use crate::observe::{Observation, measured, pulse, quality, spo2};
use crate::protocol::{Facts, Framing, LineSettings};
use crate::reject::RejectReason;

pub(crate) const FACTS: Facts = Facts {
    line: Some(LineSettings::plain(9_600)),
    samples,
    ..Facts::new::<Stream>("masimo", Framing::Stream)
};

fn samples() -> Vec<AnyFrame> {
    let frame = Frame {
        stamp: *b"10/20/20 08:00:00",
        spo2: Some(97),
        pulse: Some(72),
        perfusion_hundredths: Some(105),
        alarm: 0,
        exceptions: Exceptions::SET,
    };
    let none = Frame {
        spo2: None,
        pulse: None,
        perfusion_hundredths: None,
        exceptions: Exceptions::SET | Exceptions::PULSE_SEARCH,
        ..frame
    };
    [frame, none].map(AnyFrame::Masimo).into()
}

/// Longest line, its end included: the longest known has 190 bytes.
pub const MAX_LINE: usize = 256;

/// Date and time.
const STAMP: &[u8; 17] = b"dd/dd/dd dd:dd:dd";

/// One second of the oximeter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Date and time as they stand in the line.
    pub stamp: [u8; 17],
    /// Saturation in percent, if there is one.
    pub spo2: Option<u16>,
    /// Pulse in beats per minute, if there is one.
    pub pulse: Option<u16>,
    /// Perfusion index in hundredths of a percent, if there is one.
    pub perfusion_hundredths: Option<u16>,
    /// What sounds or blinks at the device; the bits have no public meaning.
    pub alarm: u32,
    /// What the oximeter says of the signal.
    pub exceptions: Exceptions,
}

bitflags! {
    /// The exceptions.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Exceptions: u32 {
        /// No sensor is plugged in.
        const NO_SENSOR = 0x001;
        /// The sensor is defective.
        const DEFECTIVE_SENSOR = 0x002;
        /// Low perfusion.
        const LOW_PERFUSION = 0x004;
        /// Searching for a pulse.
        const PULSE_SEARCH = 0x008;
        /// The signal is disturbed.
        const INTERFERENCE = 0x010;
        /// The sensor is off the patient.
        const SENSOR_OFF = 0x020;
        /// Too much light.
        const AMBIENT_LIGHT = 0x040;
        /// The sensor is of an unknown kind.
        const UNRECOGNISED_SENSOR = 0x080;
        /// The signal's quality is low.
        const LOW_SIGNAL_QUALITY = 0x400;
        /// The maker's full algorithm runs.
        const SET = 0x800;
    }
}

impl Frame {
    pub(crate) fn observe(&self) -> Vec<Observation> {
        use Exceptions as E;

        let off = E::NO_SENSOR | E::DEFECTIVE_SENSOR | E::SENSOR_OFF | E::UNRECOGNISED_SENSOR;
        let contact = if self.exceptions.intersects(off) {
            Contact::Off
        } else if self.exceptions.contains(E::PULSE_SEARCH) {
            Contact::Searching
        } else {
            Contact::On
        };
        let has = |exception| self.exceptions.intersects(exception);
        let quality = quality([
            (has(E::INTERFERENCE | E::AMBIENT_LIGHT), Quality::ARTEFACT),
            (has(E::LOW_PERFUSION), Quality::LOW_PERFUSION),
            (has(E::LOW_SIGNAL_QUALITY), Quality::WEAK_SIGNAL),
        ]);
        let spo2 = self.spo2.and_then(|percent| spo2(i32::from(percent) * 10));
        let pulse = self.pulse.and_then(|rate| pulse(i32::from(rate) * 10));
        measured(Sensor::Oximeter, contact, [spo2, pulse], quality)
    }

    pub(crate) fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("spo2_percent", &self.spo2)?;
        map.serialize_entry("pulse_per_minute", &self.pulse)?;
        map.serialize_entry("perfusion_percent_hundredths", &self.perfusion_hundredths)?;
        map.serialize_entry("alarm", &format!("{:06x}", self.alarm))?;
        map.serialize_entry("exceptions", &Names(self.exceptions))?;
        map.serialize_entry("stamp", &String::from_utf8_lossy(&self.stamp))
    }
}

/// A line, for simulated devices.
#[must_use]
pub fn encode(frame: &Frame) -> Vec<u8> {
    let three = |value: Option<u16>| value.map_or("---".into(), |value| format!("{value:03}"));
    let index = frame.perfusion_hundredths;
    let index = index.map_or("--.--".into(), |index| {
        format!("{:02}.{:02}", index / 100, index % 100)
    });
    let rest = format!(
        " SN=---------- SPO2={}% BPM={} PI={index}% DESAT=-- PIDELTA=+-- \
         ALARM={:06X} EXC={:06X}\r\n",
        three(frame.spo2),
        three(frame.pulse),
        frame.alarm,
        frame.exceptions.bits(),
    );
    [&frame.stamp[..], rest.as_bytes()].concat()
}

/// Reads a line without its end; none when it is not whole.
#[must_use]
pub fn decode(line: &[u8]) -> Option<Frame> {
    let (stamp, rest) = line.split_first_chunk::<17>()?;
    let is_stamp = stamp.iter().zip(STAMP).all(|(byte, shape)| match shape {
        b'd' => byte.is_ascii_digit(),
        shape => byte == shape,
    });
    let text = core::str::from_utf8(rest).ok().filter(|_| is_stamp)?;
    let mut words = Words(text.strip_prefix(' ')?);
    words.find("SN")?;
    let spo2 = three(words.find("SPO2")?.strip_suffix('%')?)?;
    // One model writes a percent sign here too.
    let pulse = words.find("BPM")?;
    let pulse = three(pulse.strip_suffix('%').unwrap_or(pulse))?;
    let perfusion = words.clone().find("PI");
    let perfusion_hundredths = match perfusion {
        Some(index) => hundredths(index.strip_suffix('%').unwrap_or(index))?,
        None => None,
    };
    let alarm = hexadecimal(words.find("ALARM")?)?;
    let exceptions = hexadecimal(words.find("EXC")?)?;
    Some(Frame {
        stamp: *stamp,
        spo2,
        pulse,
        perfusion_hundredths,
        alarm,
        exceptions: Exceptions::from_bits_retain(exceptions),
    })
}

/// What is left of the words of a line, each a name, an equals sign and a value.
#[derive(Clone)]
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    /// The value of the next word that has this name; words before it are passed over.
    fn find(&mut self, name: &str) -> Option<&'a str> {
        loop {
            let text = self.0.trim_ascii_start();
            let end = text.find(' ').unwrap_or(text.len());
            let (word, rest) = text.split_at(end);
            self.0 = rest;
            let (its_name, value) = word.split_once('=')?;
            if its_name == name {
                return Some(value);
            }
        }
    }
}

/// Three digits, or three dashes for none; the outer none is neither.
fn three(text: &str) -> Option<Option<u16>> {
    match text.as_bytes() {
        b"---" => Some(None),
        [a, b, c] if [a, b, c].into_iter().all(u8::is_ascii_digit) => text.parse().ok().map(Some),
        _ => None,
    }
}

/// `dd.dd`, or dashes for none.
fn hundredths(text: &str) -> Option<Option<u16>> {
    if text == "--.--" {
        return Some(None);
    }
    // Two digits and two: more would not fit the number.
    let is_two = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, part) = text.split_once('.')?;
    if !(is_two(whole) && is_two(part)) {
        return None;
    }
    let (whole, part): (u16, u16) = (whole.parse().ok()?, part.parse().ok()?);
    Some(Some(whole * 100 + part))
}

/// Up to eight hexadecimal digits.
fn hexadecimal(text: &str) -> Option<u32> {
    let is_number = text.len() <= 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(text, 16).ok().filter(|_| is_number)
}

/// The lines of one stream.
#[derive(Debug)]
pub(crate) struct Lines;

pub(crate) type Stream = Framed<Lines>;

impl Wire for Lines {
    const COHERENT: usize = 1;

    fn cut(bytes: &[u8]) -> Cut {
        let line = bytes.iter().take(MAX_LINE).position(|byte| *byte == b'\n');
        match line {
            Some(end) => {
                let line = &bytes[..end];
                let frame = decode(line.strip_suffix(b"\r").unwrap_or(line));
                match frame {
                    Some(frame) => Cut::Frame(AnyFrame::Masimo(frame), end + 1),
                    None => Cut::Bad(RejectReason::Noise, end + 1),
                }
            }
            None if bytes.len() >= MAX_LINE => Cut::Bad(RejectReason::Noise, MAX_LINE),
            None => Cut::Short,
        }
    }
}
