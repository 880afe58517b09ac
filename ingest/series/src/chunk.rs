//! What is known of a chunk without opening it.

use veglia_wire::{Quality, Site, WallMs};

use crate::codec::Point;

/// Length of a window, in milliseconds: 300 readings at one a second, where a chunk's fixed bytes
/// weigh little and a curve of two weeks is 4,032 rows.
pub(crate) const WINDOW_MS: i64 = 300_000;

/// The number of the window that holds a time. Numbers, not times: the first window that
/// `i64` milliseconds can reach begins before the smallest `i64`.
pub(crate) fn window_of(at_ms: i64) -> i64 {
    at_ms.div_euclid(WINDOW_MS)
}

/// When a window begins.
pub(crate) fn window_start(window: i64) -> WallMs {
    WallMs(window.saturating_mul(WINDOW_MS))
}

/// One reading on a curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dot {
    /// When it was measured.
    pub at: WallMs,
    /// In the vital sign's own step.
    pub value: i32,
    /// What was said of it.
    pub quality: Quality,
}

impl From<Point> for Dot {
    fn from(point: Point) -> Self {
        Self {
            at: WallMs(point.at_ms),
            value: point.value,
            quality: quality_of(point.marks),
        }
    }
}

/// Packs what a point carries beside its value; a code on the wire never changes its meaning.
pub(crate) fn marks_of(quality: Quality, site: Site) -> u32 {
    u32::from(quality.bits()) | u32::from(site.code()) << 16
}

/// The quality in a point's marks. Bits that this program does not know are kept.
pub(crate) fn quality_of(marks: u32) -> Quality {
    let [low, high, _, _] = marks.to_le_bytes();
    Quality::from_bits_retain(u16::from_le_bytes([low, high]))
}

/// The site in a point's marks.
pub(crate) fn site_of(marks: u32) -> Site {
    let [_, _, code, _] = marks.to_le_bytes();
    Site::from_code(code).unwrap_or(Site::Unknown)
}

/// The first, lowest, highest and last of some readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outline<T = Dot> {
    /// The earliest.
    pub first: T,
    /// The lowest; of several, the earliest.
    pub min: T,
    /// The highest; of several, the earliest.
    pub max: T,
    /// The latest.
    pub last: T,
}

impl Outline<Point> {
    fn of_point(point: Point) -> Self {
        Self {
            first: point,
            min: point,
            max: point,
            last: point,
        }
    }

    /// With what arrived later: among readings of the same time, the later one is the last.
    fn merge(self, later: Self) -> Self {
        let earlier_min = (self.min.value, self.min.at_ms) <= (later.min.value, later.min.at_ms);
        let earlier_max = self.max.value > later.max.value
            || self.max.value == later.max.value && self.max.at_ms <= later.max.at_ms;
        Self {
            first: if self.first.at_ms <= later.first.at_ms {
                self.first
            } else {
                later.first
            },
            min: if earlier_min { self.min } else { later.min },
            max: if earlier_max { self.max } else { later.max },
            last: if self.last.at_ms <= later.last.at_ms {
                later.last
            } else {
                self.last
            },
        }
    }

    pub(crate) fn drawn(self) -> Outline {
        Outline {
            first: self.first.into(),
            min: self.min.into(),
            max: self.max.into(),
            last: self.last.into(),
        }
    }
}

/// A summary that two chunks can merge without opening either: it never averages and never loses
/// an extreme. Clean readings and flagged ones are outlined apart: the low of an artefact must
/// not hide the low of the patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digest {
    /// How many readings; never 0.
    pub(crate) n: u64,
    /// How many of them are not clean.
    pub(crate) flagged: u64,
    /// Sum of the values of the clean ones.
    pub(crate) clean_sum: i64,
    /// All of them.
    pub(crate) all: Outline<Point>,
    /// The clean ones; `None` when there are none.
    pub(crate) clean: Option<Outline<Point>>,
    /// Those that something speaks against; `None` when there are none.
    pub(crate) doubtful: Option<Outline<Point>>,
}

impl Digest {
    pub(crate) fn of_point(point: Point) -> Self {
        let is_clean = quality_of(point.marks).is_clean();
        let all = Outline::of_point(point);
        Self {
            n: 1,
            flagged: u64::from(!is_clean),
            clean_sum: if is_clean { i64::from(point.value) } else { 0 },
            all,
            clean: is_clean.then_some(all),
            doubtful: (!is_clean).then_some(all),
        }
    }

    /// Of points in order of arrival; `None` of none.
    pub(crate) fn of(points: &[Point]) -> Option<Self> {
        let digests = points.iter().copied().map(Self::of_point);
        digests.reduce(Self::merge)
    }

    /// With what arrived later.
    #[must_use]
    pub(crate) fn merge(self, later: Self) -> Self {
        Self {
            n: self.n.saturating_add(later.n),
            flagged: self.flagged.saturating_add(later.flagged),
            clean_sum: self.clean_sum.saturating_add(later.clean_sum),
            all: self.all.merge(later.all),
            clean: both(self.clean, later.clean),
            doubtful: both(self.doubtful, later.doubtful),
        }
    }
}

fn both(earlier: Option<Outline<Point>>, later: Option<Outline<Point>>) -> Option<Outline<Point>> {
    match (earlier, later) {
        (Some(earlier), Some(later)) => Some(earlier.merge(later)),
        (one, other) => one.or(other),
    }
}
