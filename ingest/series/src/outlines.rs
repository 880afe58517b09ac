//! The bytes beside a chunk whose readings are partly clean: both outlines.
//!
//! ```text
//! version   u8        1
//! clean     4 points  first, lowest, highest, last
//! doubtful  4 points  the same
//! point     i64 le    milliseconds since 1970
//!           i32 le    value
//!           u32 le    marks
//! ```
//! A chunk of one sort needs none, because its outline is that of all its readings. A mixed chunk
//! without them, or with those of another version, is opened instead: nothing is lost by it but
//! time.

use crate::chunk::Outline;
use crate::codec::Point;

/// The version written, and the only one read.
const VERSION: u8 = 1;

/// Bytes of a point.
const POINT_BYTES: usize = 16;

/// Points in both outlines.
const POINTS: usize = 8;

pub(crate) fn encode(clean: &Outline<Point>, doubtful: &Outline<Point>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1 + POINTS * POINT_BYTES);
    bytes.push(VERSION);
    for outline in [clean, doubtful] {
        for point in [outline.first, outline.min, outline.max, outline.last] {
            bytes.extend(point.at_ms.to_le_bytes());
            bytes.extend(point.value.to_le_bytes());
            bytes.extend(point.marks.to_le_bytes());
        }
    }
    bytes
}

/// The clean outline and the doubtful one; `None` when the bytes are not of this version.
pub(crate) fn decode(bytes: &[u8]) -> Option<(Outline<Point>, Outline<Point>)> {
    let (version, rest) = bytes.split_first()?;
    let (points, tail) = rest.as_chunks::<POINT_BYTES>();
    if *version != VERSION || !tail.is_empty() {
        return None;
    }
    let points: Option<Vec<Point>> = points.iter().map(point).collect();
    let points: [Point; POINTS] = points?.try_into().ok()?;
    let [a, b, c, d, e, f, g, h] = points;
    let outline = |first, min, max, last| Outline {
        first,
        min,
        max,
        last,
    };
    Some((outline(a, b, c, d), outline(e, f, g, h)))
}

fn point(bytes: &[u8; POINT_BYTES]) -> Option<Point> {
    let (at, rest) = bytes.split_first_chunk()?;
    let (value, marks) = rest.split_first_chunk()?;
    Some(Point {
        at_ms: i64::from_le_bytes(*at),
        value: i32::from_le_bytes(*value),
        marks: u32::from_le_bytes(marks.try_into().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(at_ms: i64, value: i32, marks: u32) -> Point {
        Point {
            at_ms,
            value,
            marks,
        }
    }

    fn sample() -> (Outline<Point>, Outline<Point>) {
        let clean = Outline {
            first: point(1, 970, 0),
            min: point(2, 840, 0),
            max: point(3, 990, 0),
            last: point(4, 960, 0),
        };
        let doubtful = Outline {
            first: point(i64::MIN, 500, 4),
            min: point(-6, i32::MIN, 4),
            max: point(7, i32::MAX, u32::MAX),
            last: point(i64::MAX, 500, 8),
        };
        (clean, doubtful)
    }

    #[test]
    fn outlines_come_back_as_they_were() {
        let (clean, doubtful) = sample();
        let bytes = encode(&clean, &doubtful);
        assert_eq!(bytes.len(), 129);
        assert_eq!(decode(&bytes), Some((clean, doubtful)));
        // The bytes that lie in databases: a change of them needs another version.
        let first = [1, 1, 0, 0, 0, 0, 0, 0, 0, 0xca, 3, 0, 0, 0, 0, 0, 0];
        assert_eq!(bytes[..17], first);
    }

    #[test]
    fn bytes_of_another_version_or_length_are_not_believed() {
        let (clean, doubtful) = sample();
        let bytes = encode(&clean, &doubtful);
        let mut other = bytes.clone();
        other[0] = 2;
        for wrong in [&other[..], &bytes[..128], &bytes[..113], &[1], &[]] {
            assert_eq!(decode(wrong), None, "{} bytes", wrong.len());
        }
    }
}
