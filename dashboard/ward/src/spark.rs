//! The last day of a vital sign, drawn small: a bar for each half hour from its lowest to its
//! highest clean reading, against the band in which the rules call nobody.
//!
//! Never an average, and nothing between two bars: a half hour without clean readings is a hole,
//! so a silent oximeter looks silent. The band is the patient's own where the plan has one.
//!
//! **Limits**: as old as [`REDRAWN_EVERY_MS`]; the number beside it is the news.

use std::fmt::Write as _;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use veglia_view::{
    Dot, Latest, PatientId, Plan, RuleSet, Site, Trend, TrendAsk, Vital, VitalKind, WallMs,
};
use veglia_words::{Each, Key, Words};

use crate::{WORDS, words};

/// What is drawn: a day, in milliseconds.
const DAY_MS: i64 = 24 * 3_600_000;

/// Bars of a day: one for each half hour, two pixels apart.
const BARS: i64 = 48;

/// A drawing is made again after so long, in milliseconds of care time: a third of a bar.
pub(crate) const REDRAWN_EVERY_MS: i64 = 10 * 60_000;

/// The drawing's own measures; the page decides how large that is.
const WIDTH: i64 = 2 * BARS;
const HEIGHT: f64 = 24.0;

/// With what a latest value is compared: the reading nearest to two hours before it, in
/// milliseconds, and how far from that it may be.
const BEFORE_MS: i64 = 2 * 3_600_000;
const BEFORE_GIVE_MS: i64 = 3_600_000;

/// The last day of one vital sign of one patient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Spark {
    /// The bars, as the `d` of an SVG path in a box of 96 by 24.
    #[serde(serialize_with = "drawn")]
    pub path: Arc<str>,
    /// Where the band begins, from the top of the box.
    pub band_y: String,
    /// How high the band is; empty where the rules have none.
    pub band_height: String,
    /// The same for those who do not see it.
    pub said: String,
    /// Clean readings of some hours ago.
    #[serde(skip)]
    before: Arc<[Dot]>,
}

fn drawn<S: Serializer>(path: &Arc<str>, to: S) -> Result<S::Ok, S::Error> {
    path.as_ref().serialize(to)
}

/// How a value has moved: a mark, and the same in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Arrow {
    /// `↑`, `↓` or `→`.
    pub mark: &'static str,
    /// By how much and in what time: `4 in 2 h`; empty for none.
    pub text: String,
    /// For those who do not see the mark.
    pub said: String,
}

/// The question behind a drawing.
pub(crate) fn ask(patient: PatientId, vital: VitalKind, now: WallMs) -> TrendAsk {
    // Bars that keep their place while the day moves on: they end with the half hour under way.
    let bar_ms = DAY_MS / BARS;
    let to = WallMs((now.0.div_euclid(bar_ms) + 1) * bar_ms);
    TrendAsk {
        patient,
        vital,
        from: to.plus_ms(-DAY_MS),
        to,
        buckets: u32::try_from(BARS).unwrap_or(u32::MAX),
    }
}

impl Spark {
    /// Draws the answer to [`ask`]: one drawing, told in each language.
    pub(crate) fn draw(
        ask: &TrendAsk,
        trend: &Trend,
        rules: &RuleSet,
        plan: Option<&Plan>,
    ) -> Each<Arc<Self>> {
        let vital = ask.vital;
        let outlines = || trend.buckets.iter().filter_map(|it| it.clean);
        let lowest = outlines().map(|it| it.min.steps).min();
        let highest = outlines().map(|it| it.max.steps).max();
        let (from, to) = usual(vital);
        let scale = (
            lowest.map_or(from, |it| it.min(from)),
            highest.map_or(to, |it| it.max(to)),
        );
        let (band_y, band_height) = match band(rules, plan, vital) {
            Some((low, high)) => {
                let (top, bottom) = (y(high, scale), y(low, scale));
                (short(top), short((bottom - top).max(0.0)))
            }
            None => (String::new(), String::new()),
        };
        let said = |w: Words| match (lowest, highest) {
            (Some(low), Some(high)) => w
                .with("spark-range", "low", words::value(w, vital, low))
                .and("high", words::value(w, vital, high))
                .to_string(),
            _ => w.say("spark-empty").into_owned(),
        };
        let before = outlines().flat_map(|it| [it.first, it.last]);
        let since = ask.to.plus_ms(-BEFORE_MS - 2 * BEFORE_GIVE_MS);
        let path: Arc<str> = path(ask, trend, scale).into();
        let before: Arc<[Dot]> = before.filter(|dot| dot.at >= since).collect();
        Each::make(|language| {
            Arc::new(Self {
                path: Arc::clone(&path),
                band_y: band_y.clone(),
                band_height: band_height.clone(),
                said: said(WORDS.speaking(language)),
                before: Arc::clone(&before),
            })
        })
    }

    /// How the latest value has moved since some two hours before it; none without a reading then.
    pub(crate) fn arrow(&self, w: Words, latest: &Latest) -> Option<Arrow> {
        let away = |dot: &&Dot| (latest.at.since(dot.at) - BEFORE_MS).abs();
        let before = self.before.iter().min_by_key(away)?;
        if away(&before) > BEFORE_GIVE_MS {
            return None;
        }
        let moved = latest.steps - before.steps;
        let span = words::span(w, latest.at.since(before.at));
        let (mark, said) = match (moved.abs() >= worth_saying(latest.vital), moved > 0) {
            (false, _) => {
                return Some(Arrow {
                    mark: "→",
                    text: String::new(),
                    said: w.with("arrow-steady", "span", span).to_string(),
                });
            }
            (true, true) => ("↑", Key("arrow-up")),
            (true, false) => ("↓", Key("arrow-down")),
        };
        let amount = words::amount(w, latest.vital, moved.saturating_abs());
        let text = w.with("arrow-text", "amount", amount).and("span", span);
        let text = text.to_string();
        let said = w.with(said, "text", &text).to_string();
        Some(Arrow { mark, text, said })
    }
}

/// From what movement on an arrow points, in steps: beyond the scatter of a healthy finger. It
/// calls nobody; the rules have their own.
fn worth_saying(vital: VitalKind) -> i32 {
    match vital {
        VitalKind::SpO2 => 20,
        VitalKind::Pulse => 150,
        VitalKind::Temperature => 50,
        VitalKind::RespiratoryRate => 40,
        VitalKind::SystolicPressure => 200,
    }
}

/// What a drawing spans at least, in steps, so that drawings of two patients compare.
fn usual(vital: VitalKind) -> (i32, i32) {
    match vital {
        VitalKind::SpO2 => (840, 1_000),
        VitalKind::Pulse => (400, 1_400),
        VitalKind::Temperature => (3_500, 4_050),
        VitalKind::RespiratoryRate => (80, 300),
        VitalKind::SystolicPressure => (800, 2_000),
    }
}

/// The values between which the rules, with the patient's own target and limits, call nobody.
fn band(rules: &RuleSet, plan: Option<&Plan>, vital: VitalKind) -> Option<(i32, i32)> {
    let (from, to) = usual(vital);
    let calls_nobody = |steps: &i32| {
        let vital = Vital::from_steps(vital, *steps, Site::Body).ok();
        vital.is_some_and(|it| rules.band(it).is_some() && rules.severity_for(it, plan).is_none())
    };
    let all = || (from..=to).step_by(10).filter(calls_nobody);
    Some((all().min()?, all().max()?))
}

fn path(ask: &TrendAsk, trend: &Trend, scale: (i32, i32)) -> String {
    let mut path = String::new();
    for bucket in &trend.buckets {
        let Some(clean) = bucket.clean else { continue };
        let x = bucket.from.since(ask.from) * WIDTH / DAY_MS + 1;
        let (top, bottom) = (y(clean.max.steps, scale), y(clean.min.steps, scale));
        let drawn = write!(path, "M{x} {}V{}", short(top), short(bottom));
        // Writing into a text does not fail; half a bar would be a lie.
        if drawn.is_err() {
            return String::new();
        }
    }
    path
}

/// How far from the top of the box, a pixel within its edges.
fn y(steps: i32, (low, high): (i32, i32)) -> f64 {
    let part = f64::from(high - steps) / f64::from((high - low).max(1));
    1.0 + part.clamp(0.0, 1.0) * (HEIGHT - 2.0)
}

fn short(number: f64) -> String {
    let text = format!("{number:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests;
