//! Bytes given up as noise, gathered so that a burst makes one reject and not a hundred.
//!
//! Where a burst is cut depends only on its bytes: at [`MAX_REJECT_BYTES`], and wherever the
//! decoder has something else to say.

use alloc::vec::Vec;

use crate::Frame;
use crate::reject::{MAX_REJECT_BYTES, Reject, RejectReason};

#[derive(Debug, Default)]
pub(crate) struct Noise {
    bytes: Vec<u8>,
    offset: u64,
}

impl Noise {
    /// Gives up one byte, which stood at `offset` in the stream.
    pub(crate) fn push(&mut self, byte: u8, offset: u64, out: &mut Vec<Result<Frame, Reject>>) {
        if self.bytes.is_empty() {
            self.offset = offset;
        }
        self.bytes.push(byte);
        if self.bytes.len() == MAX_REJECT_BYTES {
            self.flush(out);
        }
    }

    /// Reports what was gathered, if anything was: called before anything later is reported.
    pub(crate) fn flush(&mut self, out: &mut Vec<Result<Frame, Reject>>) {
        if !self.bytes.is_empty() {
            let bytes = core::mem::take(&mut self.bytes);
            out.push(Err(Reject {
                reason: RejectReason::Noise,
                bytes,
                offset: self.offset,
            }));
        }
    }
}
