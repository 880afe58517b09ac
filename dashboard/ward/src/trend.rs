//! Curves for the patient's page: buckets become points, and gaps stay gaps.
//!
//! Each bucket gives the first, lowest, highest and last of its clean readings, and the same of
//! those that something speaks against, each once, in order of time: no extreme is lost, not even
//! beside an artefact beyond it, and nothing is averaged. The line goes through clean readings
//! alone: where there was none for longer than the drawing could hide, a point without value
//! breaks it, whatever doubtful marks stand in between.

use std::cmp::Ordering;

use serde::Serialize;
use veglia_view::{
    Bucket, Dot, Outline, PatientId, Plan, RuleSet, Severity, Site, Trend, TrendAsk, ViewError,
    Vital, VitalKind, WallMs,
};

use veglia_diary::plan_of;
use veglia_store::TxError;
use veglia_words::{Key, Words};

use crate::patient::Sources;
use crate::{WORDS, access, words};

/// Points of a curve per pixel of width is one bucket; wider screens than this do not exist.
pub const PIXELS_MAX: u32 = 4_000;

/// The narrowest chart worth drawing, in pixels.
const PIXELS_MIN: u32 = 50;

/// Longest stretch drawn, in milliseconds: two months, twice the longest isolation of that year.
pub(crate) const STRETCH_MAX_MS: i64 = 62 * 86_400_000;

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
    /// How many of them something speaks against: they are neither the lowest nor the highest.
    pub doubtful: u64,
    /// The lowest clean one; `–` without any.
    pub lowest: String,
    /// The highest clean one; `–` without any.
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

/// Why a chart cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CurveError {
    /// That somebody reads was not written, so nothing is shown.
    #[error("the access log was not written")]
    Access(#[source] TxError),
    /// The plan, whose target may be a limit, was not read.
    #[error("the plan was not read")]
    Plan(#[source] veglia_diary::ReadError),
    /// Ingest gave no curve.
    #[error("the curve was not read")]
    View(#[source] ViewError),
}

/// The chart of a curve, with the limits of `rules` or of the patient's own target. Writes in the
/// access log that the actor reads it, once for [`crate::CURVES_WINDOW_MS`].
///
/// # Errors
/// See [`CurveError`].
pub async fn curve(
    sources: Sources<'_>,
    rules: &RuleSet,
    ask: TrendAsk,
) -> Result<Chart, CurveError> {
    let (record, actor) = (sources.record, sources.actor);
    access::looks_at_curves(record, actor, ask.patient, sources.fallback_now)
        .await
        .map_err(CurveError::Access)?;
    let plan = plan_of(record, actor, ask.patient)
        .await
        .map_err(CurveError::Plan)?;
    let trend = sources.view.trend(ask).await.map_err(CurveError::View)?;
    let w = WORDS.speaking(sources.language);
    let limits = limits(w, rules, plan.as_ref(), ask.vital);
    Ok(chart(w, &ask, &trend, limits))
}

/// Makes a chart of a curve.
fn chart(w: Words, ask: &TrendAsk, trend: &Trend, limits: Vec<Limit>) -> Chart {
    let vital = ask.vital;
    let missing = match trend.damaged.len() {
        0 => String::new(),
        many => w.with("chart-damaged", "n", many).to_string(),
    };
    Chart {
        vital: vital.name(),
        title: format!(
            "{} ({})",
            words::vital_name(w, vital),
            words::unit(w, vital)
        ),
        from: ask.from.0,
        to: ask.to.0,
        points: points(vital, trend),
        limits,
        table: table(w, ask, trend),
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
        VitalKind::SpO2
        | VitalKind::Pulse
        | VitalKind::RespiratoryRate
        | VitalKind::SystolicPressure => JOIN_MS,
    };
    let join_ms = bucket_ms.saturating_mul(2).max(join_ms);
    let mut points: Vec<Point> = Vec::with_capacity(trend.buckets.len().saturating_mul(4));
    let mut before: Option<WallMs> = None;
    for bucket in &trend.buckets {
        for dot in bucket.clean.map(dots).unwrap_or_default() {
            if let Some(before) = before.filter(|before| dot.at.since(*before) > join_ms) {
                points.push(Point(before.plus_ms(1).0, None, false));
            }
            before = Some(dot.at);
            points.push(Point(dot.at.0, Some(in_unit(vital, dot.steps)), false));
        }
        for dot in bucket.doubtful.map(dots).unwrap_or_default() {
            points.push(Point(dot.at.0, Some(in_unit(vital, dot.steps)), true));
        }
    }
    points.sort_by_key(|point| point.0);
    points
}

/// What an outline is drawn by, each reading once, in order of time.
fn dots(outline: Outline) -> Vec<Dot> {
    let mut dots = vec![outline.first, outline.min, outline.max, outline.last];
    dots.sort_by_key(|dot| dot.at);
    dots.dedup();
    dots
}

/// When the first and the last reading of a bucket were measured.
fn span(bucket: &Bucket) -> Option<(WallMs, WallMs)> {
    let outlines = || bucket.clean.into_iter().chain(bucket.doubtful);
    let first = outlines().map(|it| it.first.at).min()?;
    Some((first, outlines().map(|it| it.last.at).max()?))
}

/// The same curve in at most [`ROWS`] stretches, the latest first.
fn table(w: Words, ask: &TrendAsk, trend: &Trend) -> Vec<Summary> {
    let row_ms = (ask.to.since(ask.from) / ROWS).max(1);
    let row_of = |at: WallMs| at.since(ask.from).div_euclid(row_ms);
    let mut rows: Vec<Summary> = trend
        .buckets
        .chunk_by(|one, next| row_of(one.from) == row_of(next.from))
        .filter_map(|row| {
            let (first, _) = span(row.first()?)?;
            let (_, last) = span(row.last()?)?;
            let clean = || row.iter().filter_map(|it| it.clean);
            let lowest = clean().map(|it| it.min).min_by_key(|dot| dot.steps);
            let highest = clean().map(|it| it.max).max_by_key(|dot| dot.steps);
            let said = |dot: Option<Dot>| match dot {
                Some(dot) => {
                    let value = words::value(w, ask.vital, dot.steps);
                    format!("{value} {}", words::at_time(w, dot.at, ask.to))
                }
                None => "–".to_owned(),
            };
            let hour = |at| w.language.hour_of(at, ask.to);
            let (from, to) = (hour(first), hour(last));
            Some(Summary {
                stretch: format!("{from} – {to}"),
                count: row.iter().map(|bucket| bucket.n).sum(),
                doubtful: row.iter().map(|bucket| bucket.flagged).sum(),
                lowest: said(lowest),
                highest: said(highest),
            })
        })
        .collect();
    rows.reverse();
    rows
}

/// The limits to draw for a vital sign: the bands of the rules, the patient's own limits, or the
/// patient's own target.
fn limits(w: Words, rules: &RuleSet, plan: Option<&Plan>, vital: VitalKind) -> Vec<Limit> {
    let target = plan.and_then(|plan| plan.spo2);
    if let Some(target) = target.filter(|_| vital == VitalKind::SpO2) {
        let limit = |percent: u8, key: Key| Limit {
            value: f64::from(percent),
            label: w.with(key, "percent", percent).to_string(),
            kind: "red",
        };
        return vec![
            limit(target.low_percent, Key("chart-target-low")),
            limit(target.high_percent, Key("chart-target-high")),
        ];
    }
    // Whole percents and beats, tenths of a degree: as finely as any rule is written.
    let (from, to, step) = match vital {
        VitalKind::Temperature => (3_000, 4_400, 10),
        VitalKind::SpO2 => (0, 1_000, 10),
        VitalKind::Pulse | VitalKind::RespiratoryRate | VitalKind::SystolicPressure => {
            (0, 3_000, 10)
        }
    };
    let values = (0..=(to - from) / step).map(|place| from + place * step);
    let judged: Vec<(i32, Option<Judged>)> = values
        .map(|steps| (steps, judged(rules, plan, vital, steps)))
        .collect();
    let pairs = judged.windows(2).filter_map(|pair| match pair {
        [(below, Some(lower)), (above, Some(upper))] => {
            limit(w, vital, (*below, *lower), (*above, *upper))
        }
        _ => None,
    });
    pairs.collect()
}

/// How grave the rules, with the patient's own limits, find a value that is a measurement.
type Judged = Option<Severity>;

fn judged(rules: &RuleSet, plan: Option<&Plan>, vital: VitalKind, steps: i32) -> Option<Judged> {
    let vital = Vital::from_steps(vital, steps, Site::Body).ok()?;
    rules.band(vital).map(|_| rules.severity_for(vital, plan))
}

/// The edge between two values that are not equally grave, on the side of the graver one. A line
/// on a chart promises that somebody is told beyond it.
fn limit(w: Words, vital: VitalKind, below: (i32, Judged), above: (i32, Judged)) -> Option<Limit> {
    let ((steps, severity), sign) = match below.1.cmp(&above.1) {
        Ordering::Greater => (below, "≤"),
        Ordering::Less => (above, "≥"),
        Ordering::Equal => return None,
    };
    let (kind, colour) = match severity? {
        Severity::Red => ("red", w.say("chart-red")),
        Severity::Amber => ("amber", w.say("chart-amber")),
        Severity::Technical => return None,
    };
    Some(Limit {
        value: in_unit(vital, steps),
        label: format!("{colour} {sign} {}", words::value(w, vital, steps)),
        kind,
    })
}

#[cfg(test)]
mod tests;
