//! Curves for the patient's page: buckets become points, and gaps stay gaps.
//!
//! Each bucket gives its first, lowest, highest and last reading, each once, in order of time: no
//! extreme is lost and nothing is averaged. Where nothing was measured for longer than the drawing
//! could hide, a point without value breaks the line.

use serde::Serialize;
use veglia_view::{Dot, PatientId, Plan, RuleSet, Site, Trend, TrendAsk, Vital, VitalKind, WallMs};

use crate::words;

/// Points of a curve per pixel of width is one bucket; wider screens than this do not exist.
pub const PIXELS_MAX: u32 = 4_000;

/// The narrowest chart worth drawing, in pixels.
const PIXELS_MIN: u32 = 50;

/// Longest stretch drawn, in milliseconds: two months, twice the longest isolation of that year.
const STRETCH_MAX_MS: i64 = 62 * 86_400_000;

/// The longest silence that a line may cross, in milliseconds, on a chart whose buckets are
/// shorter: readings further apart are points of their own.
const JOIN_MS: i64 = 5 * 60_000;

/// The same of temperatures: thermometers speak every few minutes, and a body's temperature does
/// not jump.
const JOIN_TEMPERATURE_MS: i64 = 20 * 60_000;

/// A query that no chart makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TrendRefused {
    /// No such vital sign.
    #[error("`vital` is one of spo2, pulse, temperature, respiratory-rate")]
    Vital,
    /// It ends before it begins, or lasts too long.
    #[error("`from` is before `to`, and at most 62 days before")]
    Range,
    /// Too narrow or too wide.
    #[error("`px` is {PIXELS_MIN} to {PIXELS_MAX}")]
    Pixels,
}

/// The question in an address: `vital`, `from` and `to` in milliseconds, `px` the width.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct TrendQuery {
    /// The stored name of a vital sign.
    pub vital: String,
    /// From when.
    pub from: i64,
    /// Until when.
    pub to: i64,
    /// How wide the chart is, in pixels.
    pub px: u32,
}

impl TrendQuery {
    /// The question to ask of ingest.
    ///
    /// # Errors
    /// See [`TrendRefused`].
    pub fn check(&self, patient: PatientId) -> Result<TrendAsk, TrendRefused> {
        let vital = self.vital.parse().map_err(|_| TrendRefused::Vital)?;
        let (from, to) = (WallMs(self.from), WallMs(self.to));
        if from >= to || to.since(from) > STRETCH_MAX_MS {
            return Err(TrendRefused::Range);
        }
        if !(PIXELS_MIN..=PIXELS_MAX).contains(&self.px) {
            return Err(TrendRefused::Pixels);
        }
        Ok(TrendAsk {
            patient,
            vital,
            from,
            to,
            buckets: self.px,
        })
    }
}

/// A limit drawn across a chart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Limit {
    /// Where, in the vital sign's unit.
    pub value: f64,
    /// What it is, in words.
    pub label: String,
    /// `red` or `amber`, for its colour; its words say the same.
    pub kind: &'static str,
}

/// One point: when, the value or none, and whether something speaks against it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point(pub i64, pub Option<f64>, pub bool);

/// A row of the table that says what the chart shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The stretch, in words.
    pub stretch: String,
    /// How many readings.
    pub count: u64,
    /// The lowest.
    pub lowest: String,
    /// The highest.
    pub highest: String,
}

/// What the chart draws.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Chart {
    /// Which vital sign.
    pub vital: &'static str,
    /// Its name and unit, for the axis.
    pub title: String,
    /// From when, in milliseconds.
    pub from: i64,
    /// Until when.
    pub to: i64,
    /// The points, in order of time.
    pub points: Vec<Point>,
    /// The limits.
    pub limits: Vec<Limit>,
    /// The same as a table of at most [`ROWS`] stretches.
    pub table: Vec<Summary>,
    /// What is missing, in words; empty when nothing is.
    pub missing: String,
}

/// Rows of the table beside a chart: as many as a person listens to.
pub const ROWS: i64 = 12;

/// Makes a chart of a curve.
#[must_use]
pub fn chart(ask: &TrendAsk, trend: &Trend, limits: Vec<Limit>) -> Chart {
    let vital = ask.vital;
    let missing = match trend.damaged.len() {
        0 => String::new(),
        1 => "Un tratto di 5 minuti non è più leggibile.".to_owned(),
        many => format!("{many} tratti di 5 minuti non sono più leggibili."),
    };
    Chart {
        vital: vital.name(),
        title: format!("{} ({})", words::vital_name(vital), words::unit(vital)),
        from: ask.from.0,
        to: ask.to.0,
        points: points(vital, trend),
        limits,
        table: table(ask, trend),
        missing,
    }
}

/// In the vital sign's unit.
fn in_unit(vital: VitalKind, steps: i32) -> f64 {
    f64::from(steps) / f64::from(vital.steps_per_unit())
}

fn points(vital: VitalKind, trend: &Trend) -> Vec<Point> {
    let bucket_ms = i64::try_from(trend.bucket_ms).unwrap_or(i64::MAX);
    let join_ms = match vital {
        VitalKind::Temperature => JOIN_TEMPERATURE_MS,
        VitalKind::SpO2 | VitalKind::Pulse | VitalKind::RespiratoryRate => JOIN_MS,
    };
    let join_ms = bucket_ms.saturating_mul(2).max(join_ms);
    let mut points: Vec<Point> = Vec::with_capacity(trend.buckets.len().saturating_mul(4));
    let mut before: Option<WallMs> = None;
    for bucket in &trend.buckets {
        let mut dots: Vec<Dot> = vec![bucket.first, bucket.min, bucket.max, bucket.last];
        dots.sort_by_key(|dot| dot.at);
        dots.dedup();
        for dot in dots {
            if let Some(before) = before.filter(|before| dot.at.since(*before) > join_ms) {
                points.push(Point(before.plus_ms(1).0, None, false));
            }
            before = Some(dot.at);
            let value = Some(in_unit(vital, dot.steps));
            points.push(Point(dot.at.0, value, !dot.quality.is_clean()));
        }
    }
    points
}

/// The same curve in at most [`ROWS`] stretches, the latest first.
fn table(ask: &TrendAsk, trend: &Trend) -> Vec<Summary> {
    let row_ms = (ask.to.since(ask.from) / ROWS).max(1);
    let row_of = |at: WallMs| at.since(ask.from).div_euclid(row_ms);
    let mut rows: Vec<Summary> = trend
        .buckets
        .chunk_by(|one, next| row_of(one.from) == row_of(next.from))
        .filter_map(|row| {
            let (first, last) = (row.first()?, row.last()?);
            let lowest = row.iter().map(|it| it.min).min_by_key(|dot| dot.steps)?;
            let highest = row.iter().map(|it| it.max).max_by_key(|dot| dot.steps)?;
            let said = |dot: Dot| {
                let value = words::value(ask.vital, dot.steps);
                format!("{value} {}", words::at_time(dot.at, ask.to))
            };
            let from = words::time(first.first.at, ask.to);
            let to = words::time(last.last.at, ask.to);
            Some(Summary {
                stretch: format!("{from} – {to}"),
                count: row.iter().map(|bucket| bucket.n).sum(),
                lowest: said(lowest),
                highest: said(highest),
            })
        })
        .collect();
    rows.reverse();
    rows
}

/// The limits to draw for a vital sign: the bands of the rules, or the patient's own target.
#[must_use]
pub fn limits(rules: &RuleSet, plan: Option<&Plan>, vital: VitalKind) -> Vec<Limit> {
    let target = plan.and_then(|plan| plan.spo2);
    if let Some(target) = target.filter(|_| vital == VitalKind::SpO2) {
        let limit = |percent: u8, word: &str| Limit {
            value: f64::from(percent),
            label: format!("obiettivo personale, {word} {percent} %"),
            kind: "red",
        };
        return vec![
            limit(target.low_percent, "minimo"),
            limit(target.high_percent, "massimo"),
        ];
    }
    // Whole percents and beats, tenths of a degree: as finely as any rule is written.
    let (from, to, step) = match vital {
        VitalKind::Temperature => (3_000, 4_400, 10),
        VitalKind::SpO2 => (0, 1_000, 10),
        VitalKind::Pulse | VitalKind::RespiratoryRate => (0, 3_000, 10),
    };
    let values = (0..=(to - from) / step).map(|place| from + place * step);
    let banded: Vec<(i32, Option<String>)> = values
        .map(|steps| (steps, band(rules, vital, steps)))
        .collect();
    let pairs = banded.windows(2).filter_map(|pair| match pair {
        [(below, Some(lower)), (above, Some(upper))] if lower != upper => {
            limit(rules, vital, (*below, lower), (*above, upper))
        }
        _ => None,
    });
    pairs.collect()
}

fn band(rules: &RuleSet, vital: VitalKind, steps: i32) -> Option<String> {
    let vital = Vital::from_steps(vital, steps, Site::Body).ok()?;
    rules.band(vital).map(|band| band.name().to_owned())
}

/// The edge between two bands, on the side of the worse one. A line on a chart promises that
/// somebody is told beyond it, so a band that no rule speaks of has none.
fn limit(
    rules: &RuleSet,
    vital: VitalKind,
    below: (i32, &str),
    above: (i32, &str),
) -> Option<Limit> {
    let (steps, name, word) = if above.1 == "usual" || below.1 == "red" {
        (below.0, below.1, "≤")
    } else {
        (above.0, above.1, "≥")
    };
    let at_the_edge = Vital::from_steps(vital, steps, Site::Body).ok()?;
    if !rules.is_flagged(at_the_edge) {
        return None;
    }
    let (kind, colour) = match name {
        "red" => ("red", "rosso"),
        "usual" => return None,
        _ => ("amber", "giallo"),
    };
    Some(Limit {
        value: in_unit(vital, steps),
        label: format!("{colour} {word} {}", words::value(vital, steps)),
        kind,
    })
}

#[cfg(test)]
mod tests;
