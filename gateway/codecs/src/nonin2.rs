//! Nonin serial data format 2: 75 frames a second of five bytes, three packets of 25, 9600 baud.
//!
//! ```text
//! 01 · 1 SNSD ARTF OOT SNSF RPRF GPRF SYNC · pleth · value · sum of the four
//! ```
//!
//! The values of a packet: 1 and 2 pulse, 3 saturation, 4 revision, 6 and 7 a timer, 8 second
//! status, then the same values for other purposes, which are kept and not read. Sources and what
//! is certain: [`nonin`](crate::nonin).

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
    greeting: &[&select(2)],
    set_time: Some(set_time),
    is_fast: true,
    samples,
    ..Facts::new::<Stream>("nonin-2", Framing::Stream)
};

fn samples() -> Vec<AnyFrame> {
    samples_of().map(AnyFrame::Nonin2).into()
}

const START: u8 = 0x01;

/// The bytes of a packet, for simulated devices. The upper halves of wave heights are lost.
#[must_use]
pub fn encode(third: &Third) -> Vec<u8> {
    crate::nonin::encode::<Format2>(third)
}

/// The layout, and the packets of one stream.
#[derive(Debug)]
pub(crate) struct Format2;

pub(crate) type Stream = Framed<Format2>;

impl Layout for Format2 {
    fn read([start, status, pleth, data]: [u8; 4]) -> Option<Twentyfifth> {
        let status = status_of(status).filter(|_| start == START)?;
        Some((status, u16::from(pleth), data))
    }

    fn write((status, pleth, data): Twentyfifth) -> [u8; 4] {
        let [_, pleth] = pleth.to_be_bytes();
        [START, byte_of(status), pleth, data]
    }
}

impl Wire for Format2 {
    /// Twenty-five checksums on end are proof enough.
    const COHERENT: usize = 1;

    fn cut(bytes: &[u8]) -> Cut {
        match cut::<Self>(bytes) {
            Head::Third(third) => Cut::Frame(AnyFrame::Nonin2(third), FRAMES * FRAME_LEN),
            Head::Bad(reason, len) => Cut::Bad(reason, len),
            Head::Short => Cut::Short,
        }
    }
}
