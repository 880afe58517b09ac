//! Frames to bytes and back, without an allocator.
//!
//! Encoding cannot fail: the buffer has the length of the longest frame. Decoding judges in
//! order of trust — framing, checksum, version, kind, length, ranges — and gives the first
//! reason to refuse. Cutting a byte stream at its zeros is the listener's work, not ours.

use core::fmt;
use core::ops::RangeInclusive;

use crc::{CRC_16_IBM_SDLC, Crc};

use crate::frame::{
    Body, ContactState, FirmwareVersion, Model, NodeFrame, OximetryFlags, Sensor, Site,
    TemperatureFlags,
};

const VERSION: u8 = 1;
const HEADER_LEN: usize = 8;
const CRC_LEN: usize = 2;

/// Header and the fourteen bytes of a hello, the longest kind.
const MAX_PAYLOAD: usize = HEADER_LEN + 14;

/// Longest frame on the wire in bytes, the closing zero included.
pub const MAX_WIRE: usize = cobs::max_encoding_length(MAX_PAYLOAD + CRC_LEN) + 1;

const CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_IBM_SDLC);

const HELLO: u8 = 1;
const OXIMETRY: u8 = 2;
const TEMPERATURE: u8 = 3;
const CONTACT: u8 = 4;
const BATTERY: u8 = 5;

/// Stands in an oximetry frame where a window gave no estimate: zero is in neither range.
const ABSENT: u16 = 0;

/// 0.1 to 100 %: a saturation of zero is a sensor that sees nothing.
const SPO2_TENTHS: RangeInclusive<u16> = 1..=1000;
/// 10 to 350 beats per minute, wider than any heart: outside lies a broken estimate.
const PULSE_TENTHS: RangeInclusive<u16> = 100..=3500;
/// 0 to 50 °C, what the thermometer part can measure.
const CELSIUS_HUNDREDTHS: RangeInclusive<i16> = 0..=5000;
const PERCENT: RangeInclusive<u8> = 0..=100;

/// Why bytes are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Not one COBS frame closed by one zero.
    Framing,
    /// The checksum does not agree with the payload.
    Crc,
    /// A version this crate cannot read.
    Version {
        /// The version the frame claims.
        version: u8,
    },
    /// A kind this crate cannot read.
    Kind {
        /// The kind the frame claims.
        kind: u8,
    },
    /// The payload has not the length of its kind.
    Length,
    /// A field holds a value or a code it cannot have.
    OutOfRange {
        /// Which field.
        field: Field,
    },
}

/// A field of a payload that has a range or a table of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Model of the node.
    Model,
    /// Oxygen saturation.
    Spo2,
    /// Pulse.
    Pulse,
    /// Quality of the estimate.
    Quality,
    /// Flags of a reading.
    Flags,
    /// Temperature.
    Temperature,
    /// Site of the temperature.
    Site,
    /// Sensor of a contact.
    Sensor,
    /// State of a contact.
    Contact,
    /// Charge of the battery.
    Battery,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Model => "model",
            Self::Spo2 => "SpO2",
            Self::Pulse => "pulse",
            Self::Quality => "quality",
            Self::Flags => "flags",
            Self::Temperature => "temperature",
            Self::Site => "site",
            Self::Sensor => "sensor",
            Self::Contact => "contact",
            Self::Battery => "battery",
        })
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Framing => f.write_str("the bytes are not one frame closed by a zero"),
            Self::Crc => f.write_str("the checksum does not agree with the frame"),
            Self::Version { version } => {
                write!(
                    f,
                    "frame version {version} is unknown; this reader knows {VERSION}"
                )
            }
            Self::Kind { kind } => write!(f, "frame kind {kind} is unknown"),
            Self::Length => f.write_str("the frame has not the length of its kind"),
            Self::OutOfRange { field } => write!(f, "the {field} lies outside its range"),
        }
    }
}

impl core::error::Error for DecodeError {}

/// Writes `frame` with its checksum and closing zero; the answer is how many bytes of `out` it
/// took.
pub fn encode(frame: &NodeFrame, out: &mut [u8; MAX_WIRE]) -> usize {
    let mut payload = Payload::new();
    payload.put(&[VERSION, kind(&frame.body)]);
    payload.put(&frame.sequence.to_le_bytes());
    payload.put(&frame.uptime_ms.to_le_bytes());
    put_body(&frame.body, &mut payload);
    let checksum = CRC.checksum(payload.written());
    payload.put(&checksum.to_le_bytes());

    let body_len = cobs::encode(payload.written(), &mut out[..MAX_WIRE - 1]);
    out[body_len] = 0;
    body_len + 1
}

/// Reads exactly one frame, the closing zero included, as [`encode`] wrote it.
///
/// # Errors
/// The first reason, in order of trust, why `wire` is not a frame of this version.
pub fn decode(wire: &[u8]) -> Result<NodeFrame, DecodeError> {
    let body = match wire.split_last() {
        Some((0, body)) if body.len() < MAX_WIRE && !body.contains(&0) => body,
        _ => return Err(DecodeError::Framing),
    };
    let mut buffer = [0; MAX_WIRE];
    let len = cobs::decode(body, &mut buffer)
        .map_err(|_| DecodeError::Framing)?
        .frame_size();
    let (payload, checksum) = buffer[..len]
        .split_last_chunk::<CRC_LEN>()
        .ok_or(DecodeError::Length)?;
    if CRC.checksum(payload) != u16::from_le_bytes(*checksum) {
        return Err(DecodeError::Crc);
    }
    match payload.first() {
        Some(&VERSION) => {}
        Some(&version) => return Err(DecodeError::Version { version }),
        None => return Err(DecodeError::Length),
    }
    let (&[_, kind, s0, s1, u0, u1, u2, u3], fields) = payload
        .split_first_chunk::<HEADER_LEN>()
        .ok_or(DecodeError::Length)?;
    Ok(NodeFrame {
        sequence: u16::from_le_bytes([s0, s1]),
        uptime_ms: u32::from_le_bytes([u0, u1, u2, u3]),
        body: read_body(kind, fields)?,
    })
}

const fn kind(body: &Body) -> u8 {
    match body {
        Body::Hello { .. } => HELLO,
        Body::Oximetry { .. } => OXIMETRY,
        Body::Temperature { .. } => TEMPERATURE,
        Body::Contact { .. } => CONTACT,
        Body::Battery { .. } => BATTERY,
    }
}

fn put_body(body: &Body, payload: &mut Payload) {
    match *body {
        Body::Hello {
            serial,
            model,
            firmware,
            calibration,
        } => {
            payload.put(&serial.to_le_bytes());
            payload.put(&[model.code(), firmware.major, firmware.minor, firmware.patch]);
            payload.put(&calibration.to_le_bytes());
        }
        Body::Oximetry {
            spo2_tenths,
            pulse_tenths,
            quality_percent,
            flags,
        } => {
            payload.put(&spo2_tenths.unwrap_or(ABSENT).to_le_bytes());
            payload.put(&pulse_tenths.unwrap_or(ABSENT).to_le_bytes());
            payload.put(&[quality_percent, flags.bits()]);
        }
        Body::Temperature {
            celsius_hundredths,
            site,
            flags,
        } => {
            payload.put(&celsius_hundredths.to_le_bytes());
            payload.put(&[site.code(), flags.bits()]);
        }
        Body::Contact { sensor, state } => payload.put(&[sensor.code(), state.code()]),
        Body::Battery { percent } => payload.put(&[percent]),
    }
}

fn read_body(kind: u8, fields: &[u8]) -> Result<Body, DecodeError> {
    match kind {
        HELLO => read_hello(exactly(fields)?),
        OXIMETRY => read_oximetry(exactly(fields)?),
        TEMPERATURE => read_temperature(exactly(fields)?),
        CONTACT => {
            let [sensor, state] = exactly(fields)?;
            Ok(Body::Contact {
                sensor: known(Sensor::from_code(sensor), Field::Sensor)?,
                state: known(ContactState::from_code(state), Field::Contact)?,
            })
        }
        BATTERY => {
            let [percent] = exactly(fields)?;
            Ok(Body::Battery {
                percent: within(percent, &PERCENT, Field::Battery)?,
            })
        }
        _ => Err(DecodeError::Kind { kind }),
    }
}

fn read_hello(fields: [u8; 14]) -> Result<Body, DecodeError> {
    let [
        s0,
        s1,
        s2,
        s3,
        s4,
        s5,
        s6,
        s7,
        model,
        major,
        minor,
        patch,
        c0,
        c1,
    ] = fields;
    Ok(Body::Hello {
        serial: u64::from_le_bytes([s0, s1, s2, s3, s4, s5, s6, s7]),
        model: known(Model::from_code(model), Field::Model)?,
        firmware: FirmwareVersion {
            major,
            minor,
            patch,
        },
        calibration: u16::from_le_bytes([c0, c1]),
    })
}

fn read_oximetry(fields: [u8; 6]) -> Result<Body, DecodeError> {
    let [s0, s1, p0, p1, quality, flags] = fields;
    Ok(Body::Oximetry {
        spo2_tenths: estimate(u16::from_le_bytes([s0, s1]), &SPO2_TENTHS, Field::Spo2)?,
        pulse_tenths: estimate(u16::from_le_bytes([p0, p1]), &PULSE_TENTHS, Field::Pulse)?,
        quality_percent: within(quality, &PERCENT, Field::Quality)?,
        flags: known(OximetryFlags::from_bits(flags), Field::Flags)?,
    })
}

fn read_temperature(fields: [u8; 4]) -> Result<Body, DecodeError> {
    let [t0, t1, site, flags] = fields;
    let celsius_hundredths = i16::from_le_bytes([t0, t1]);
    Ok(Body::Temperature {
        celsius_hundredths: within(celsius_hundredths, &CELSIUS_HUNDREDTHS, Field::Temperature)?,
        site: known(Site::from_code(site), Field::Site)?,
        flags: known(TemperatureFlags::from_bits(flags), Field::Flags)?,
    })
}

fn exactly<const N: usize>(fields: &[u8]) -> Result<[u8; N], DecodeError> {
    fields.try_into().map_err(|_| DecodeError::Length)
}

fn known<T>(code: Option<T>, field: Field) -> Result<T, DecodeError> {
    code.ok_or(DecodeError::OutOfRange { field })
}

fn estimate(
    value: u16,
    range: &RangeInclusive<u16>,
    field: Field,
) -> Result<Option<u16>, DecodeError> {
    if value == ABSENT {
        Ok(None)
    } else {
        within(value, range, field).map(Some)
    }
}

fn within<T: PartialOrd>(
    value: T,
    range: &RangeInclusive<T>,
    field: Field,
) -> Result<T, DecodeError> {
    if range.contains(&value) {
        Ok(value)
    } else {
        Err(DecodeError::OutOfRange { field })
    }
}

/// The payload under construction, with room for its checksum.
struct Payload {
    bytes: [u8; MAX_PAYLOAD + CRC_LEN],
    len: usize,
}

impl Payload {
    const fn new() -> Self {
        Self {
            bytes: [0; MAX_PAYLOAD + CRC_LEN],
            len: 0,
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        self.bytes[self.len..end].copy_from_slice(bytes);
        self.len = end;
    }

    fn written(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}
