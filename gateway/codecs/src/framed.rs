//! The two ways in which frames come: cut from a stream of bytes, or one in each attribute value.
//!
//! A protocol gives one function without memory; what is common to all stands here once: bytes
//! that wait for the rest of their frame, where each stood, noise gathered, and frames that are
//! not believed alone.
//!
//! Limits: [`Framed`] holds less than [`Cut::Short`] asks for, which a protocol bounds by the
//! length of its longest frame, and as many unconfirmed frames as [`Wire::COHERENT`] less one.

use alloc::vec::Vec;
use core::marker::PhantomData;

use crate::noise::Noise;
use crate::reject::{MAX_REJECT_BYTES, Reject, RejectReason};
use crate::{Decoder, Frame};

/// What stands at the head of some bytes of a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cut {
    /// A frame of so many bytes.
    Frame(Frame, usize),
    /// A frame cannot begin here: so many bytes, at least one, are given up with a reason.
    Bad(RejectReason, usize),
    /// As far as can be seen a frame begins here, and its end has not come.
    Short,
}

/// A protocol that is cut from a stream.
pub(crate) trait Wire: Send {
    /// How many frames must stand on end before the first is believed; 1 for those that carry a
    /// checksum. It counts again after every loss of step.
    const COHERENT: usize;

    /// What stands at the head of `bytes`, which are never empty. What is said of some bytes must
    /// be said of them whatever follows, else the answers would depend on the cutting.
    fn cut(bytes: &[u8]) -> Cut;
}

/// A frame that waits for others to confirm it.
#[derive(Debug)]
struct Unconfirmed {
    frame: Frame,
    bytes: Vec<u8>,
    offset: u64,
}

/// The decoder of a stream.
#[derive(Debug)]
pub(crate) struct Framed<W> {
    /// Bytes of which no more can be said before others come.
    rest: Vec<u8>,
    /// Where they began, in bytes since the start.
    offset: u64,
    waiting: Vec<Unconfirmed>,
    /// Frame stands behind frame, and enough of them did.
    in_step: bool,
    noise: Noise,
    wire: PhantomData<W>,
}

impl<W> Default for Framed<W> {
    fn default() -> Self {
        Self {
            rest: Vec::new(),
            offset: 0,
            waiting: Vec::new(),
            in_step: false,
            noise: Noise::default(),
            wire: PhantomData,
        }
    }
}

impl<W: Wire> Framed<W> {
    /// Says what can be said of `bytes`, which stand at `self.offset`: how many of them are done.
    fn advance(
        &mut self,
        bytes: &[u8],
        is_end: bool,
        out: &mut Vec<Result<Frame, Reject>>,
    ) -> usize {
        let mut done = 0;
        while let Some(head) = bytes.get(done..).filter(|head| !head.is_empty()) {
            let len = match W::cut(head) {
                Cut::Frame(frame, len) => {
                    self.believe(frame, &head[..len], out);
                    len
                }
                Cut::Bad(reason, len) => {
                    self.give_up(reason, &head[..len], out);
                    len
                }
                Cut::Short if is_end => {
                    self.give_up(RejectReason::Noise, &head[..1], out);
                    1
                }
                Cut::Short => break,
            };
            self.offset += of_len(len);
            done += len;
        }
        done
    }

    fn believe(&mut self, frame: Frame, bytes: &[u8], out: &mut Vec<Result<Frame, Reject>>) {
        if !self.in_step && self.waiting.len() + 1 < W::COHERENT {
            self.waiting.push(Unconfirmed {
                frame,
                bytes: bytes.to_vec(),
                offset: self.offset,
            });
            return;
        }
        self.noise.flush(out);
        out.extend(self.waiting.drain(..).map(|before| Ok(before.frame)));
        out.push(Ok(frame));
        self.in_step = true;
    }

    /// These bytes are no frame: out of step from here, and those that waited did so in vain.
    fn give_up(
        &mut self,
        reason: RejectReason,
        bytes: &[u8],
        out: &mut Vec<Result<Frame, Reject>>,
    ) {
        self.in_step = false;
        for before in core::mem::take(&mut self.waiting) {
            self.noise.flush(out);
            reject(RejectReason::Unconfirmed, &before.bytes, before.offset, out);
        }
        if reason == RejectReason::Noise {
            for (&byte, offset) in bytes.iter().zip(self.offset..) {
                self.noise.push(byte, offset, out);
            }
        } else {
            self.noise.flush(out);
            reject(reason, bytes, self.offset, out);
        }
    }
}

impl<W: Wire> Decoder for Framed<W> {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<Result<Frame, Reject>>) {
        if self.rest.is_empty() {
            let done = self.advance(bytes, false, out);
            self.rest.extend_from_slice(&bytes[done..]);
            return;
        }
        let mut whole = core::mem::take(&mut self.rest);
        whole.extend_from_slice(bytes);
        let done = self.advance(&whole, false, out);
        whole.drain(..done);
        self.rest = whole;
    }

    fn finish(&mut self, out: &mut Vec<Result<Frame, Reject>>) {
        let rest = core::mem::take(&mut self.rest);
        self.advance(&rest, true, out);
        self.give_up(RejectReason::Noise, &[], out);
        self.noise.flush(out);
        *self = Self::default();
    }
}

/// A protocol of which every attribute value is one frame.
pub(crate) trait Packet: Send {
    /// Reads one whole value.
    fn decode(value: &[u8]) -> Result<Frame, RejectReason>;
}

/// The decoder of attribute values.
#[derive(Debug)]
pub(crate) struct Packets<P> {
    offset: u64,
    packet: PhantomData<P>,
}

impl<P> Default for Packets<P> {
    fn default() -> Self {
        Self {
            offset: 0,
            packet: PhantomData,
        }
    }
}

impl<P: Packet> Decoder for Packets<P> {
    fn push(&mut self, value: &[u8], out: &mut Vec<Result<Frame, Reject>>) {
        out.push(P::decode(value).map_err(|reason| Reject {
            reason,
            bytes: value.iter().copied().take(MAX_REJECT_BYTES).collect(),
            offset: self.offset,
        }));
        self.offset += of_len(value.len());
    }

    fn finish(&mut self, _out: &mut Vec<Result<Frame, Reject>>) {
        self.offset = 0;
    }
}

/// In pieces of [`MAX_REJECT_BYTES`].
fn reject(
    reason: RejectReason,
    bytes: &[u8],
    mut offset: u64,
    out: &mut Vec<Result<Frame, Reject>>,
) {
    for piece in bytes.chunks(MAX_REJECT_BYTES) {
        out.push(Err(Reject {
            reason,
            bytes: piece.to_vec(),
            offset,
        }));
        offset += of_len(piece.len());
    }
}

fn of_len(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
