//! Temperature Measurement (0x2A1C): the standard thermometer, by indication, once it has settled.
//!
//! ```text
//! flags u8 · temperature FLOAT · [date time] · [type u8]
//! ```
//!
//! Flags bit 0 says Fahrenheit, bit 1 and 2 which fields are there; the rest is reserved and
//! refused. The Intermediate Temperature (0x2A1E) has the same layout and is not listened to: it
//! still climbs, and would be a fever that nobody has, or hide one. Sources: the characteristic's
//! public definition (oesmith/gatt-xml), Nordic's Android-BLE-Common-Library (BSD-3) for the
//! vectors; all certain.
//!
//! Nothing in the value says whether the thermometer is on a body or whether it was read from
//! memory: a time long past is all there is to tell by, and who knows both clocks does.

use alloc::vec::Vec;

use serde::ser::SerializeMap;
use veglia_wire::{Contact, Quality, Sensor, Site};

use crate::Frame as AnyFrame;
use crate::framed::{Packet, Packets};
use crate::gatt::Gatt;
use crate::observe::{Observation, dated, measured_once, temperature};
use crate::protocol::{Facts, Framing};
use crate::reject::RejectReason;
use crate::sig::{
    Fields, Float, HEALTH_THERMOMETER, TEMPERATURE_MEASUREMENT, decode_temperature_type,
    encode_date_time,
};
use crate::time::{DateTime, DeviceTime};

pub(crate) const FACTS: Facts = Facts {
    gatt: Some(Gatt {
        service: HEALTH_THERMOMETER,
        listen: &[TEMPERATURE_MEASUREMENT],
        write: None,
        name_prefixes: &[],
    }),
    samples,
    ..Facts::new::<Stream>("thermometer", Framing::Packets)
};

fn samples() -> Vec<AnyFrame> {
    let plain = Frame {
        temperature: Float::hundredths(3_660),
        is_fahrenheit: false,
        time: None,
        site: None,
    };
    let full = Frame {
        temperature: Float::hundredths(9_860),
        is_fahrenheit: true,
        time: DateTime::at(DeviceTime(1_603_180_800)),
        site: Some(3),
    };
    [plain, full].map(AnyFrame::Thermometer).into()
}

const FAHRENHEIT: u8 = 1;
const TIME: u8 = 1 << 1;
const SITE: u8 = 1 << 2;
const RESERVED: u8 = 0b1111_1000;

/// One measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The number, in the unit below.
    pub temperature: Float,
    /// Degrees Fahrenheit, not Celsius.
    pub is_fahrenheit: bool,
    /// When, by the device's clock.
    pub time: Option<DateTime>,
    /// The code of the place on the body, if the device sends one; 1 to 9 have names.
    pub site: Option<u8>,
}

impl Frame {
    /// Hundredths of a degree Celsius, if there is a number.
    #[must_use]
    pub fn celsius_hundredths(&self) -> Option<i32> {
        if !self.is_fahrenheit {
            return self.temperature.steps(2);
        }
        let above_freezing = self.temperature.steps(2)?.checked_sub(3_200)?;
        let ninths = above_freezing.checked_mul(5)?;
        Some((ninths + 4 * ninths.signum()) / 9)
    }

    /// Where it was measured; unknown when the device does not say or its code has no name.
    #[must_use]
    pub fn site(&self) -> Site {
        let site = self.site.and_then(|code| decode_temperature_type(&[code]));
        site.unwrap_or(Site::Unknown)
    }

    pub(crate) fn observe(&self) -> Vec<Observation> {
        let celsius = self.celsius_hundredths();
        let vital = celsius.and_then(|celsius| temperature(celsius, self.site()));
        let said = measured_once(Sensor::Thermometer, Contact::On, [vital], Quality::empty());
        dated(self.time, said)
    }

    pub(crate) fn fields<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("celsius_hundredths", &self.celsius_hundredths())?;
        map.serialize_entry("shown_in_fahrenheit", &self.is_fahrenheit)?;
        map.serialize_entry("time", &self.time)?;
        map.serialize_entry("site", &self.site)
    }
}

/// The attribute value, for simulated devices.
#[must_use]
pub fn encode(frame: &Frame) -> Vec<u8> {
    let unit = u8::from(frame.is_fahrenheit) * FAHRENHEIT;
    let time = u8::from(frame.time.is_some()) * TIME;
    let site = u8::from(frame.site.is_some()) * SITE;
    let mut out = Vec::from([unit | time | site]);
    out.extend(frame.temperature.0.to_le_bytes());
    out.extend(frame.time.into_iter().flat_map(encode_date_time));
    out.extend(frame.site);
    out
}

/// Reads an attribute value.
///
/// # Errors
/// `BadLength` when fields are missing or left over, `Reserved` when the flags announce fields that
/// nobody knows.
pub fn decode(value: &[u8]) -> Result<Frame, RejectReason> {
    let mut fields = Fields(value);
    let flags = fields.byte().ok_or(RejectReason::BadLength)?;
    if flags & RESERVED != 0 {
        return Err(RejectReason::Reserved);
    }
    take(fields, flags).ok_or(RejectReason::BadLength)
}

fn take(mut fields: Fields<'_>, flags: u8) -> Option<Frame> {
    let frame = Frame {
        temperature: fields.take().map(u32::from_le_bytes).map(Float)?,
        is_fahrenheit: flags & FAHRENHEIT != 0,
        time: fields.when(flags & TIME != 0, Fields::date_time)?,
        site: fields.when(flags & SITE != 0, Fields::byte)?,
    };
    fields.end()?;
    Some(frame)
}

/// One value after the other.
#[derive(Debug)]
pub(crate) struct Measurements;

pub(crate) type Stream = Packets<Measurements>;

impl Packet for Measurements {
    fn decode(value: &[u8]) -> Result<AnyFrame, RejectReason> {
        decode(value).map(AnyFrame::Thermometer)
    }
}
