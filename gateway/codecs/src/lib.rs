//! Device bytes to frames, one module a protocol.
//!
//! A decoder is given whatever the device gave, and hands out frames — what the device said, with
//! its own flags — and rejects: bytes that were not a frame, with the reason and the place. It
//! never panics, never invents a reading, and is in step again after noise. [`observe()`] then
//! says what a frame means to the platform, and is the one place that decides which numbers are
//! readings at all. [`Seconds`] thins the devices that speak sixty times a second.
//!
//! # What a module is
//!
//! A protocol is a module and one line in each match of `frame.rs` and `protocol.rs`. The module's
//! header names its sources, what is certain and what is inferred. It holds:
//!
//! - `pub struct Frame`: what the device said, lossless and `Copy`, with its flags as bitflags and
//!   its numbers as they came; a missing number is `None` or the maker's own word for it.
//! - `pub fn encode(frame: &Frame)`: its bytes, for simulated devices and for the tests that tell
//!   every stream again.
//! - `pub(crate) type Stream`: its decoder. Nearly all are a `Framed` (`framed.rs`), given one
//!   function that says what stands at the head of some bytes, or a `Packets`, given one that reads
//!   a whole attribute value.
//! - `impl Frame { pub(crate) fn observe(&self) -> Vec<Observation>; pub(crate) fn fields<M:
//!   SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> }`: what it means, put together by
//!   `observe::measured` alone, and how it reads as JSON.
//! - `pub(crate) const FACTS: Facts`: name, line, GATT, what to send and when.
//!
//! A module judges bytes and flags. It does not judge what becomes a number: that a sensor off the
//! body makes none, that a missing value is none, and which numbers a body can have, stands in
//! `observe.rs` once. A protocol without a checksum demands several coherent frames on end before
//! the first is believed. A byte that no source explains is kept, and nothing is read from it.
//!
//! # Streams and packets
//!
//! Of [`Framing::Stream`] any cutting gives the same answers: serial lines, and Bluetooth devices
//! that write a byte stream into notifications. Of [`Framing::Packets`] each push is exactly one
//! attribute value, whole, of any attribute of [`Gatt::listen`], in the order of arrival.
//!
//! # Sixty frames a second
//!
//! Of fast devices the last valid frame of each second is kept, never a mean, and every change of
//! contact. Codecs have no clock and the devices' frames no numbers, so the caller's monotonic
//! clock says what a second is: see [`Seconds`], through which every frame of a port or a
//! Bluetooth device goes. It passes on at once what slow devices say.
//!
//! Limits: a decoder holds at most one frame, a few unconfirmed frames and [`MAX_REJECT_BYTES`] of
//! noise, whatever comes.
//!
//! Deliberately absent: ports, tasks and clocks (the gateway opens a port with
//! [`Protocol::line`], stamps frames on receipt and calls [`Decoder::reset`] after
//! [`Protocol::quiet_ms`] of silence), the identity of the device (the gateway knows which device
//! is on which port; the node says it in its hello), and guessing which protocol a port speaks.
#![no_std]

extern crate alloc;

use alloc::vec::Vec;

pub mod bci;
mod bytes;
pub mod choicemmed;
pub mod contec;
pub mod contec_ble;
pub mod contec_v7;
mod five;
mod frame;
mod framed;
mod gatt;
mod json;
pub mod jumper;
pub mod masimo;
mod node;
mod noise;
pub mod nonin;
pub mod nonin13;
pub mod nonin2;
pub mod nonin7;
pub mod nonin8;
pub mod nonin_ble;
pub mod o2ring;
pub mod o2ring_file;
mod observe;
pub mod pc60fw;
pub mod plx;
pub mod plx_continuous;
pub mod plx_spot;
mod protocol;
pub mod racp;
mod reject;
mod seconds;
pub mod sig;
pub mod taidoc;
pub mod thermometer;
mod time;
mod unsupported;

pub use bytes::Bytes;
pub use frame::{Frame, encode};
pub use gatt::{Gatt, Uuid};
pub use observe::{Identity, Observation, observe};
pub use protocol::{Framing, KeepAlive, LineSettings, Parity, Protocol, UnknownProtocol};
pub use reject::{FileFault, MAX_REJECT_BYTES, Reject, RejectReason};
pub use seconds::Seconds;
pub use time::{DateTime, DeviceTime};
pub use unsupported::unsupported;

/// One protocol: bytes in, frames and rejects out.
///
/// The answers of a [`Framing::Stream`] depend on the bytes alone, never on how they were cut into
/// pieces; to one of [`Framing::Packets`] each push is one whole attribute value.
pub trait Decoder: Send {
    /// Takes the next bytes and appends what they complete, in the order of the wire.
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Result<Frame, Reject>>);

    /// The stream ends here: what was half heard is appended as rejects, and forgotten.
    fn finish(&mut self, out: &mut Vec<Result<Frame, Reject>>);

    /// The stream was interrupted — the port opened anew, or was silent for
    /// [`Protocol::quiet_ms`] — so what was half heard belongs to the past and is forgotten. A
    /// frame held back from before a silence must not be stamped with the time after it.
    fn reset(&mut self) {
        self.finish(&mut Vec::new());
    }
}
