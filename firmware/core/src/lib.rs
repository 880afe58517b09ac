//! What the sensor node says, byte by byte.
//!
//! The node is our reference oximeter and thermometer on a serial line. This crate is the one
//! definition of its language: the firmware and the simulated homes encode, the gateway decodes.
//!
//! On the wire a frame is `COBS(payload ‖ CRC-16/IBM-SDLC, little endian) 0x00`. COBS keeps zero
//! out of the frame, so a zero always ends one, and a listener that joins late or hears noise is
//! in step again after the next zero. The payload is eight bytes of header and the fields of its
//! kind, all little endian, of exactly the length its kind has:
//!
//! ```text
//! header       version u8 = 1 · kind u8 · sequence u16 · uptime_ms u32
//! 1 hello        serial u64 · model u8 · firmware u8 u8 u8 · calibration u16
//! 2 oximetry     spo2_tenths u16 · pulse_tenths u16 (0 = none) · quality_percent u8 · flags u8
//! 3 temperature  celsius_hundredths i16 · site u8 · flags u8
//! 4 contact      sensor u8 · state u8
//! 5 battery      percent u8
//! ```
//!
//! Limits: a frame is at most [`MAX_WIRE`] bytes. A version, kind, flag or code this crate does
//! not know is refused, not skipped: a flag we cannot read may be the one that says the number
//! beside it is worthless. A change of fields is therefore a new version.
//!
//! Deliberately absent: the time of day (the node has no clock; the gateway stamps on receipt),
//! the patient, and any identity in a reading. Only [`Hello`](Body::Hello) says which node
//! speaks, so a listener must not attribute readings it heard before the first one. There is no
//! encryption: the line is a cable inside one room. The crate needs neither std nor an allocator.
#![no_std]

mod codec;
mod frame;

pub use codec::{DecodeError, Field, MAX_WIRE, decode, encode};
pub use frame::{
    Body, ContactState, FirmwareVersion, Model, NodeFrame, OximetryFlags, Sensor, Site,
    TemperatureFlags,
};

/// What a listener may send: who speaks? The node answers with its hello before anything else, so
/// that a gateway that was just started need not wait for the next one. A node listens to this byte
/// and to [`MEASURE`], and to no other.
pub const WHO: u8 = b'?';

/// The other thing that a listener may send: measure once, now, with every sensor you have. A node
/// that measures only when somebody takes it in hand wakes its sensors and answers with one frame
/// of each: a reading, or the contact that is missing. A node that measures all the time goes on
/// doing so. It asks for nothing that a person at the node could not do, so it needs no more proof
/// than the cable.
pub const MEASURE: u8 = b'!';

/// How often the node repeats its hello unasked, in milliseconds: also a listener whose question
/// was lost knows within a minute who speaks, for 26 bytes.
pub const HELLO_EVERY_MS: u32 = 60_000;
