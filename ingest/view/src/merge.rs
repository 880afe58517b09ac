//! One grid of buckets for a curve that several devices measured in turn.
//!
//! A device counts only while the patient wore it. An interval of wearing that begins or ends
//! inside a bucket is asked for in up to three parts: the cut bucket at its head, the whole buckets
//! in the middle, the cut bucket at its tail.

use std::collections::BTreeMap;
use std::ops::Range;

use veglia_wire::WallMs;

use crate::{Bucket, Dot, Outline};

/// How a range is cut into buckets of equal length; the last one is whole too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grid {
    from: i64,
    end: i64,
    bucket_ms: i64,
}

/// A stretch to ask of one device, and into how many buckets it falls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) range: Range<WallMs>,
    pub(crate) buckets: u32,
}

impl Grid {
    /// `from` before `to`, not further apart than an `i64` can say, and at least one bucket.
    pub(crate) fn new(from: WallMs, to: WallMs, buckets: u32) -> Self {
        let span = to.since(from).max(1);
        let buckets = i64::from(buckets.max(1));
        let bucket_ms = (span.saturating_add(buckets - 1) / buckets).max(1);
        let count = span.saturating_add(bucket_ms - 1) / bucket_ms;
        Self {
            from: from.0,
            end: from.plus_ms(count.saturating_mul(bucket_ms)).0,
            bucket_ms,
        }
    }

    pub(crate) fn bucket_ms(&self) -> u64 {
        self.bucket_ms.unsigned_abs()
    }

    /// What to ask of a device worn from `from` until `until`.
    pub(crate) fn parts(&self, from: WallMs, until: Option<WallMs>) -> Vec<Part> {
        let start = from.0.max(self.from);
        let end = until.map_or(self.end, |until| until.0.min(self.end));
        if start >= end {
            return Vec::new();
        }
        let first_edge = self.edge_before(start.saturating_add(self.bucket_ms - 1));
        let last_edge = self.edge_before(end);
        if first_edge > last_edge {
            return vec![part(start, end, 1)];
        }
        let whole = (last_edge - first_edge) / self.bucket_ms;
        [
            (start, first_edge, 1),
            (
                first_edge,
                last_edge,
                u32::try_from(whole).unwrap_or(u32::MAX),
            ),
            (last_edge, end, 1),
        ]
        .into_iter()
        .filter(|(start, end, _)| start < end)
        .map(|(start, end, buckets)| part(start, end, buckets))
        .collect()
    }

    /// The beginning of the bucket that holds a moment.
    fn edge_before(&self, at: i64) -> i64 {
        at - at.saturating_sub(self.from).rem_euclid(self.bucket_ms)
    }
}

fn part(start: i64, end: i64, buckets: u32) -> Part {
    Part {
        range: WallMs(start)..WallMs(end),
        buckets,
    }
}

/// The buckets of a grid as they fill.
#[derive(Debug)]
pub(crate) struct Curve {
    grid: Grid,
    buckets: BTreeMap<i64, Bucket>,
}

impl Curve {
    pub(crate) fn new(grid: Grid) -> Self {
        Self {
            grid,
            buckets: BTreeMap::new(),
        }
    }

    /// Takes in the readings of a device in one bucket, whole or cut.
    pub(crate) fn add(&mut self, bucket: &veglia_series::Bucket) {
        let from = self.grid.edge_before(bucket.from.0);
        let added = Bucket {
            from: WallMs(from),
            n: bucket.n,
            flagged: bucket.flagged,
            clean: bucket.clean.map(outline),
            doubtful: bucket.doubtful.map(outline),
        };
        self.buckets
            .entry(from)
            .and_modify(|known| *known = merged(*known, added))
            .or_insert(added);
    }

    pub(crate) fn into_buckets(self) -> Vec<Bucket> {
        self.buckets.into_values().collect()
    }
}

fn merged(one: Bucket, other: Bucket) -> Bucket {
    Bucket {
        from: one.from,
        n: one.n.saturating_add(other.n),
        flagged: one.flagged.saturating_add(other.flagged),
        clean: both(one.clean, other.clean),
        doubtful: both(one.doubtful, other.doubtful),
    }
}

fn both(one: Option<Outline>, other: Option<Outline>) -> Option<Outline> {
    let (Some(left), Some(right)) = (one, other) else {
        return one.or(other);
    };
    let pick = |left: Dot, right: Dot, right_wins: bool| if right_wins { right } else { left };
    let by_min = |dot: Dot| (dot.steps, dot.at);
    let by_max = |dot: Dot| (dot.steps, std::cmp::Reverse(dot.at));
    Some(Outline {
        first: pick(left.first, right.first, right.first.at < left.first.at),
        min: pick(left.min, right.min, by_min(right.min) < by_min(left.min)),
        max: pick(left.max, right.max, by_max(right.max) > by_max(left.max)),
        last: pick(left.last, right.last, right.last.at >= left.last.at),
    })
}

fn outline(outline: veglia_series::Outline) -> Outline {
    Outline {
        first: dot(outline.first),
        min: dot(outline.min),
        max: dot(outline.max),
        last: dot(outline.last),
    }
}

fn dot(dot: veglia_series::Dot) -> Dot {
    Dot {
        at: dot.at,
        steps: dot.value,
        quality: dot.quality,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_parts_of_a_worn_interval_cover_it_once_and_keep_to_the_grid(
            from in -1_000_i64..1_000,
            span in 1_i64..5_000,
            buckets in 1_u32..60,
            worn in -2_000_i64..7_000,
            length in proptest::option::of(0_i64..5_000),
        ) {
            let grid = Grid::new(WallMs(from), WallMs(from + span), buckets);
            prop_assert!(grid.end >= from + span);
            prop_assert!(grid.end < from + span + grid.bucket_ms);
            let until = length.map(|length| WallMs(worn + length));
            let mut at = worn.max(from);
            for part in grid.parts(WallMs(worn), until) {
                prop_assert_eq!(part.range.start.0, at);
                at = part.range.end.0;
                let length = part.range.end.0 - part.range.start.0;
                if part.buckets == 1 {
                    let same = grid.edge_before(part.range.start.0);
                    prop_assert_eq!(same, grid.edge_before(part.range.end.0 - 1));
                } else {
                    prop_assert_eq!(length, grid.bucket_ms * i64::from(part.buckets));
                    prop_assert_eq!(grid.edge_before(part.range.start.0), part.range.start.0);
                }
            }
            let end = until.map_or(grid.end, |until| until.0.min(grid.end));
            prop_assert_eq!(at, end.max(worn.max(from)));
        }
    }
}
