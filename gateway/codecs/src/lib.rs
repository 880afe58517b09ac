//! Device bytes to frames, one module a protocol.
//!
//! A decoder is given whatever the serial port gave, in any pieces, and hands out frames — what
//! the device said, with its own flags — and rejects: bytes that were not a frame, with the
//! reason and the place. It never panics, never invents a reading, and is in step again after
//! noise. [`observe()`] then says what a frame means to the platform, and is the
//! one place that decides which numbers are readings at all.
//!
//! Limits: a decoder holds at most one frame, one unconfirmed frame and [`MAX_REJECT_BYTES`] of
//! noise, whatever comes.
//!
//! Deliberately absent: ports, tasks and clocks (the gateway opens a port with
//! [`Protocol::line`], stamps frames on receipt and calls [`Decoder::reset`] after
//! [`Protocol::quiet_ms`] of silence), the identity of the device (the gateway knows which device
//! is on which port; the node says it in its hello), and guessing which protocol a port speaks.
#![no_std]

extern crate alloc;

use alloc::vec::Vec;

mod json;
mod node;
mod noise;
pub mod nonin8;
mod observe;
mod protocol;
mod reject;

pub use observe::{Identity, Observation, observe};
pub use protocol::{LineSettings, Parity, Protocol, UnknownProtocol};
pub use reject::{MAX_REJECT_BYTES, Reject, RejectReason};

/// What a device said, lossless, with its own flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A Nonin oximeter, serial data format 8.
    Nonin8(nonin8::Frame),
    /// The reference sensor node.
    Node(veglia_firmware_core::NodeFrame),
}

/// One protocol: bytes in, frames and rejects out.
///
/// The answers depend on the bytes alone, never on how they were cut into pieces.
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
