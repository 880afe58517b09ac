//! How fast decoders are, each by itself: frames of somebody well, over and over, as a serial port
//! or a Bluetooth device hands them out.
//!
//! A figure is the best of some runs, so that whatever else the machine does counts for little.
//! Everything is decoded as it was sent, or the bench fails.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde::Serialize;
use veglia_codecs::{Framing, Protocol, encode};

use super::table::{ratio, table, whole};

/// Bytes decoded in a run, about.
const RUN_BYTES: usize = 1 << 18;

/// Bytes that a serial port hands out at a time: a few milliseconds of the fastest line.
const PIECE: usize = 256;

const RUNS: usize = 5;

/// How fast one protocol is decoded.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Speed {
    pub(super) protocol: &'static str,
    pub(super) bytes_per_frame: f64,
    pub(super) megabytes_per_s: f64,
    pub(super) frames_per_s: f64,
}

/// Each protocol in turn.
pub(super) fn measure() -> Result<Vec<Speed>> {
    Protocol::ALL.into_iter().map(speed).collect()
}

fn speed(protocol: Protocol) -> Result<Speed> {
    let samples = protocol.samples();
    let wires: Vec<Vec<u8>> = samples.iter().map(encode).collect();
    let bytes: usize = wires.iter().map(Vec::len).sum();
    let times = RUN_BYTES / bytes.max(1);
    // A file ends and another begins; what speaks on and on does not.
    let is_file = protocol.line().is_none() && protocol.gatt().is_none();
    let pieces: Vec<Vec<u8>> = match protocol.framing() {
        Framing::Packets => wires
            .iter()
            .cycle()
            .take(times * wires.len())
            .cloned()
            .collect(),
        Framing::Stream if is_file => vec![wires.concat(); times],
        Framing::Stream => {
            let stream = wires.concat().repeat(times);
            stream.chunks(PIECE).map(<[u8]>::to_vec).collect()
        }
    };
    let best = (0..RUNS).map(|_| run(protocol, &pieces, is_file, times * samples.len()));
    let best = best.collect::<Result<Vec<Duration>>>()?;
    let best = best.into_iter().min().unwrap_or(Duration::MAX);
    let ns = u64::try_from(best.as_nanos())?;
    let (bytes, frames) = (
        u64::try_from(bytes * times)?,
        u64::try_from(times * samples.len())?,
    );
    Ok(Speed {
        protocol: protocol.name(),
        bytes_per_frame: ratio(bytes, frames),
        megabytes_per_s: ratio(bytes * 1_000, ns),
        frames_per_s: ratio(frames * 1_000_000_000, ns),
    })
}

fn run(protocol: Protocol, pieces: &[Vec<u8>], is_file: bool, expected: usize) -> Result<Duration> {
    let mut decoder = protocol.decoder();
    let mut heard = Vec::new();
    let mut frames = 0;
    let began = Instant::now();
    for piece in pieces {
        decoder.push(piece, &mut heard);
        if is_file {
            decoder.finish(&mut heard);
        }
        frames += black_box(&heard).iter().filter(|it| it.is_ok()).count();
        heard.clear();
    }
    let took = began.elapsed();
    if frames != expected {
        bail!("{protocol}: {expected} frames were sent and {frames} decoded");
    }
    Ok(took)
}

/// A row for each protocol.
pub(super) fn rows(speeds: &[Speed]) -> String {
    let heading = ["decoding", "bytes a frame", "MB/s", "frames/s"];
    let rows = speeds.iter().map(|it| {
        vec![
            it.protocol.to_owned(),
            format!("{:.1}", it.bytes_per_frame),
            format!("{:.0}", it.megabytes_per_s),
            whole(it.frames_per_s),
        ]
    });
    table(&heading, rows.collect())
}
