//! Nonin serial data format 7: as format 2, with a pulse wave of 16 bits in place of the start
//! byte.
//!
//! ```text
//! 1 SNSD ARTF OOT SNSF RPRF GPRF SYNC · pleth high · pleth low · value · sum of the four
//! ```
//!
//! Sources and what is certain: [`nonin`](crate::nonin).

use alloc::vec::Vec;

use crate::Frame as AnyFrame;
use crate::framed::{Cut, Framed, Wire};
use crate::nonin::{
    FRAME_LEN, FRAMES, Head, Layout, Third, Twentyfifth, byte_of, cut, samples_of, select,
    set_time, status_of,
};
use crate::protocol::{Facts, Framing, LineSettings};

pub(crate) const FACTS: Facts = Facts {
    line: Some(LineSettings::plain(9_600)),
    greeting: &[&select(7)],
    set_time: Some(set_time),
    is_fast: true,
    samples,
    ..Facts::new::<Stream>("nonin-7", Framing::Stream)
};

fn samples() -> Vec<AnyFrame> {
    samples_of().map(AnyFrame::Nonin7).into()
}

/// The bytes of a packet, for simulated devices.
#[must_use]
pub fn encode(third: &Third) -> Vec<u8> {
    crate::nonin::encode::<Format7>(third)
}

/// The layout, and the packets of one stream.
#[derive(Debug)]
pub(crate) struct Format7;

pub(crate) type Stream = Framed<Format7>;

impl Layout for Format7 {
    fn read([status, high, low, data]: [u8; 4]) -> Option<Twentyfifth> {
        Some((status_of(status)?, u16::from_be_bytes([high, low]), data))
    }

    fn write((status, pleth, data): Twentyfifth) -> [u8; 4] {
        let [high, low] = pleth.to_be_bytes();
        [byte_of(status), high, low, data]
    }
}

impl Wire for Format7 {
    /// Twenty-five checksums on end are proof enough.
    const COHERENT: usize = 1;

    fn cut(bytes: &[u8]) -> Cut {
        match cut::<Self>(bytes) {
            Head::Third(third) => Cut::Frame(AnyFrame::Nonin7(third), FRAMES * FRAME_LEN),
            Head::Bad(reason, len) => Cut::Bad(reason, len),
            Head::Short => Cut::Short,
        }
    }
}
