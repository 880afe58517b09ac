//! The bytes of a chunk: up to [`POINTS_MAX`] points of one vital sign of one device.
//!
//! ```text
//! version   u8        1
//! n         varint    how many points
//! crc       u32 le    CRC-32C of the rest
//! t0        i64 le    time of the first point, ms                    ┐
//! step      varint    grid of the times, ms                          │
//! times     blocks    n-1 residuals against the grid, zig-zag        │ absent
//! v0        varint    first value, zig-zag                           │ when
//! divisor   varint    common divisor of all differences of values    │ n = 0
//! values    blocks    n-1 differences divided by it, zig-zag         │
//! marks     runs      pairs (length, marks) of varints, n in all     ┘
//! ```
//! *Times* are held against a grid that starts at `t0`: a residual is the jitter itself, not the
//! difference of two jitters. A residual beyond half a step is a gap: it moves the grid by whole
//! steps, so the points after it cost no more than those before. *Values* of many devices move in
//! coarse steps (whole percents in a type of tenths), which the divisor removes. *Marks* seldom
//! change. Blocks are described in `bits`.
//!
//! Arithmetic wraps, the same way on both sides, so any `i64` time and any `i32` value come back.
//! Points are sorted by time, stably, before they are encoded: late ones find their place and two
//! points of the same millisecond keep the order in which they arrived.
//!
//! A newer version is refused, damage is refused; both are told apart.

use crc::{CRC_32_ISCSI, Crc};

use crate::bits::{Reader, bit_length, pack, put_varint, unzigzag, zigzag};

/// The version written, and the newest one read.
pub const VERSION: u8 = 1;

/// Points in a chunk at most: a five-minute window at 13 readings a second; at the usual one or
/// two a second windows end first. It bounds the memory that a damaged count could ask for.
pub const POINTS_MAX: usize = 4096;

const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// Devices run on round rhythms; a median of jittered intervals does not. The steps tried are the
/// median and its nearest multiples of these, in milliseconds.
const STEP_QUANTA_MS: [u64; 4] = [50, 250, 500, 1000];

/// One reading inside a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// In the vital sign's own step.
    pub value: i32,
    /// Quality in the low sixteen bits, then the site's code.
    pub marks: u32,
}

/// Why bytes are not a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChunkError {
    /// Written by a later program.
    #[error("the chunk has format {0}, this program reads up to {VERSION}; update this program")]
    Newer(u8),
    /// The check sum does not match: the bytes changed after they were written.
    #[error("the chunk's check sum does not match; its readings are lost, its neighbours are not")]
    CheckSum,
    /// The check sum matches but the content makes no sense, or there are too few bytes.
    #[error("the chunk is malformed; its readings are lost, its neighbours are not")]
    Malformed,
}

/// Encodes points, in any order. More than [`POINTS_MAX`] could not be read back.
#[must_use]
pub fn encode(points: &[Point]) -> Vec<u8> {
    debug_assert!(points.len() <= POINTS_MAX);
    if points.is_sorted_by_key(|point| point.at_ms) {
        return encode_sorted(points);
    }
    let mut sorted = points.to_vec();
    sorted.sort_by_key(|point| point.at_ms);
    encode_sorted(&sorted)
}

/// Decodes what [`encode`] wrote, in order of time.
///
/// # Errors
/// See [`ChunkError`].
pub fn decode(bytes: &[u8]) -> Result<Vec<Point>, ChunkError> {
    let mut reader = Reader::new(bytes);
    let version = reader.byte().ok_or(ChunkError::Malformed)?;
    if version != VERSION {
        let newer = version > VERSION;
        return Err(if newer {
            ChunkError::Newer(version)
        } else {
            ChunkError::Malformed
        });
    }
    let n = reader
        .varint()
        .and_then(|n| usize::try_from(n).ok())
        .ok_or(ChunkError::Malformed)?;
    let crc = reader
        .array()
        .map(u32::from_le_bytes)
        .ok_or(ChunkError::Malformed)?;
    if check_sum(n, reader.rest()) != crc {
        return Err(ChunkError::CheckSum);
    }
    if n > POINTS_MAX {
        return Err(ChunkError::Malformed);
    }
    let points = decode_body(&mut reader, n).ok_or(ChunkError::Malformed)?;
    if reader.is_empty() {
        Ok(points)
    } else {
        Err(ChunkError::Malformed)
    }
}

/// Covers the count too, which stands before it.
fn check_sum(n: usize, body: &[u8]) -> u32 {
    let mut digest = CRC.digest();
    digest.update(&widen(n).to_le_bytes());
    digest.update(body);
    digest.finalize()
}

fn encode_sorted(points: &[Point]) -> Vec<u8> {
    let mut body = Vec::with_capacity(32 + 2 * points.len());
    if let Some((first, followers)) = points.split_first() {
        body.extend(first.at_ms.to_le_bytes());
        encode_times(first, followers, &mut body);
        encode_values(first, followers, &mut body);
        encode_marks(points, &mut body);
    }
    let mut out = Vec::with_capacity(8 + body.len());
    out.push(VERSION);
    put_varint(&mut out, widen(points.len()));
    out.extend(check_sum(points.len(), &body).to_le_bytes());
    out.extend(body);
    out
}

fn decode_body(reader: &mut Reader<'_>, n: usize) -> Option<Vec<Point>> {
    let Some(followers) = n.checked_sub(1) else {
        return Some(Vec::new());
    };
    let times = decode_times(reader, followers)?;
    let values = decode_values(reader, followers)?;
    let marks = decode_marks(reader, n)?;
    let points = times.into_iter().zip(values).zip(marks);
    Some(
        points
            .map(|((at_ms, value), marks)| Point {
                at_ms,
                value,
                marks,
            })
            .collect(),
    )
}

/// Where the next time is expected.
#[derive(Debug, Clone, Copy)]
struct Grid {
    expected_ms: i64,
    step_ms: i64,
}

impl Grid {
    fn new(t0_ms: i64, step_ms: u64) -> Self {
        let step_ms = step_ms.cast_signed();
        Self {
            expected_ms: t0_ms.wrapping_add(step_ms),
            step_ms,
        }
    }

    /// The residual of a time; moves on to the next place.
    fn residual(&mut self, at_ms: i64) -> i64 {
        let residual = at_ms.wrapping_sub(self.expected_ms);
        self.advance(residual);
        residual
    }

    /// The time of a residual; moves on to the next place.
    fn place(&mut self, residual: i64) -> i64 {
        let at_ms = self.expected_ms.wrapping_add(residual);
        self.advance(residual);
        at_ms
    }

    /// Beyond half a step the grid moves by whole steps; without a step it follows the time.
    fn advance(&mut self, residual: i64) {
        let half = self.step_ms / 2;
        let moved = if self.step_ms == 0 {
            residual
        } else if residual.unsigned_abs() > half.unsigned_abs() {
            let steps = residual
                .wrapping_add(half)
                .wrapping_div_euclid(self.step_ms);
            steps.wrapping_mul(self.step_ms)
        } else {
            0
        };
        self.expected_ms = self
            .expected_ms
            .wrapping_add(moved)
            .wrapping_add(self.step_ms);
    }
}

fn encode_times(first: &Point, followers: &[Point], out: &mut Vec<u8>) {
    let residuals = |step: u64| {
        let mut grid = Grid::new(first.at_ms, step);
        followers
            .iter()
            .map(move |point| zigzag(grid.residual(point.at_ms)))
    };
    let bits = |step: u64| {
        residuals(step)
            .map(|n| u64::from(bit_length(n)))
            .sum::<u64>()
    };
    let median = median_interval(first, followers);
    let rounded = STEP_QUANTA_MS.into_iter().map(|quantum| {
        let whole = median.saturating_add(quantum / 2) / quantum;
        whole.saturating_mul(quantum)
    });
    let step = rounded
        .chain([median])
        .min_by_key(|step| bits(*step))
        .unwrap_or(0);
    put_varint(out, step);
    pack(&residuals(step).collect::<Vec<_>>(), out);
}

/// Half the intervals are shorter: gaps and bursts do not move it.
fn median_interval(first: &Point, followers: &[Point]) -> u64 {
    let earlier = [first].into_iter().chain(followers);
    let mut intervals: Vec<u64> = followers
        .iter()
        .zip(earlier)
        .map(|(later, earlier)| later.at_ms.wrapping_sub(earlier.at_ms).unsigned_abs())
        .collect();
    if intervals.is_empty() {
        return 0;
    }
    let middle = intervals.len() / 2;
    let (_, median, _) = intervals.select_nth_unstable(middle);
    *median
}

fn decode_times(reader: &mut Reader<'_>, followers: usize) -> Option<Vec<i64>> {
    let t0 = i64::from_le_bytes(reader.array()?);
    let mut grid = Grid::new(t0, reader.varint()?);
    let residuals = reader.unpack(followers)?;
    let placed = residuals
        .into_iter()
        .map(|residual| grid.place(unzigzag(residual)));
    Some([t0].into_iter().chain(placed).collect())
}

fn encode_values(first: &Point, followers: &[Point], out: &mut Vec<u8>) {
    let mut before = i64::from(first.value);
    let mut differences = Vec::with_capacity(followers.len());
    for point in followers {
        let value = i64::from(point.value);
        differences.push(value - before);
        before = value;
    }
    let shared = differences
        .iter()
        .fold(0, |shared, d| common_divisor(shared, d.unsigned_abs()));
    let divisor = shared.max(1);
    put_varint(out, zigzag(i64::from(first.value)));
    put_varint(out, divisor);
    let divisor = divisor.cast_signed();
    pack(
        &differences
            .iter()
            .map(|d| zigzag(d / divisor))
            .collect::<Vec<_>>(),
        out,
    );
}

fn decode_values(reader: &mut Reader<'_>, followers: usize) -> Option<Vec<i32>> {
    let first = i32::try_from(unzigzag(reader.varint()?)).ok()?;
    let divisor = reader.varint()?.cast_signed();
    let mut values = Vec::with_capacity(followers + 1);
    values.push(first);
    let mut value = i64::from(first);
    for difference in reader.unpack(followers)? {
        value = value.checked_add(unzigzag(difference).checked_mul(divisor)?)?;
        values.push(i32::try_from(value).ok()?);
    }
    Some(values)
}

fn common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn encode_marks(points: &[Point], out: &mut Vec<u8>) {
    for run in points.chunk_by(|a, b| a.marks == b.marks) {
        put_varint(out, widen(run.len()));
        put_varint(out, run.first().map_or(0, |point| u64::from(point.marks)));
    }
}

fn decode_marks(reader: &mut Reader<'_>, n: usize) -> Option<Vec<u32>> {
    let mut marks = Vec::with_capacity(n);
    while marks.len() < n {
        let run = usize::try_from(reader.varint()?).ok()?;
        let left = n - marks.len();
        if run == 0 || run > left {
            return None;
        }
        let mark = u32::try_from(reader.varint()?).ok()?;
        marks.resize(marks.len() + run, mark);
    }
    Some(marks)
}

fn widen(length: usize) -> u64 {
    u64::try_from(length).expect("a length fits 64 bits")
}

#[cfg(test)]
mod tests;
