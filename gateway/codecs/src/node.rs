//! The reference node's stream: cut at zeros, then decoded by the crate that defines its frames.
//!
//! Every frame has its own checksum, so one is enough to be believed. What stands before the
//! first zero after the port opens is usually the tail of a frame, and is rejected like any other
//! damage. Identity is not ours: until a hello was heard, the caller cannot know who speaks.

use alloc::vec::Vec;

use veglia_firmware_core::{MAX_WIRE, decode};

use crate::noise::Noise;
use crate::reject::Reject;
use crate::{Decoder, Frame};

/// The stream of one node.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// Bytes taken since the start.
    offset: u64,
    /// Bytes since the last zero, at most [`MAX_WIRE`].
    partial: Vec<u8>,
    /// Where they began.
    partial_offset: u64,
    /// More than a frame's worth came without a zero: all is noise up to the next one.
    overlong: bool,
    noise: Noise,
}

impl Stream {
    fn take(&mut self, byte: u8, out: &mut Vec<Result<Frame, Reject>>) {
        if self.partial.is_empty() {
            self.partial_offset = self.offset;
        }
        if self.partial.len() == MAX_WIRE {
            self.overlong = true;
            self.give_up(out);
        }
        if self.overlong {
            self.noise.push(byte, self.offset, out);
        } else {
            self.partial.push(byte);
        }
        self.offset += 1;
        if byte == 0 {
            self.end_of_frame(out);
        }
    }

    fn end_of_frame(&mut self, out: &mut Vec<Result<Frame, Reject>>) {
        self.noise.flush(out);
        self.overlong = false;
        let bytes = core::mem::take(&mut self.partial);
        // A zero after a zero ends nothing: a sender may put one in front to clear the line.
        if bytes.len() > 1 {
            out.push(match decode(&bytes) {
                Ok(frame) => Ok(Frame::Node(frame)),
                Err(error) => Err(Reject {
                    reason: error.into(),
                    bytes,
                    offset: self.partial_offset,
                }),
            });
        }
    }

    fn give_up(&mut self, out: &mut Vec<Result<Frame, Reject>>) {
        for (byte, offset) in core::mem::take(&mut self.partial)
            .into_iter()
            .zip(self.partial_offset..)
        {
            self.noise.push(byte, offset, out);
        }
    }
}

impl Decoder for Stream {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Result<Frame, Reject>>) {
        for &byte in bytes {
            self.take(byte, out);
        }
    }

    fn finish(&mut self, out: &mut Vec<Result<Frame, Reject>>) {
        self.give_up(out);
        self.noise.flush(out);
        *self = Self::default();
    }
}
