//! The rules over days: their text, their numbers, and what makes them refused.

use serde::Deserialize;
use toml::Spanned;
use veglia_wire::VitalKind;

use super::parse::{Reader, RuleSetError, minutes};
use super::text::Number;
use super::{LimitRule, RuleName, VitalRules};
use crate::flag::Severity;

/// How a baseline is learned.
#[derive(Debug, Clone)]
pub(crate) struct BaselineRule {
    pub(crate) learned_ms: i64,
    /// Values that the first days must have.
    pub(crate) values: usize,
    pub(crate) source: String,
}

/// When a mean or a sum under the baseline is flagged; all but the weight in thousandths of a
/// percent.
#[derive(Debug, Clone)]
pub(crate) struct TrendRule {
    pub(crate) name: RuleName,
    /// How much of the mean the newest value is.
    pub(crate) weight_percent: i64,
    /// How far under the baseline the mean is flagged.
    pub(crate) low: i64,
    /// What a value may lack before the sum takes it.
    pub(crate) slack: i64,
    /// The sum that is flagged.
    pub(crate) sum: i64,
    /// The most by which one value counts.
    pub(crate) value_at_most: i64,
    /// How near the baseline the mean is good again.
    pub(crate) recover: i64,
    pub(crate) remind_ms: i64,
    pub(crate) source: String,
}

/// When restless values are flagged; in thousandths of a percent.
#[derive(Debug, Clone)]
pub(crate) struct SpreadRule {
    pub(crate) name: RuleName,
    pub(crate) values: usize,
    pub(crate) wide: i64,
    pub(crate) narrow: i64,
    pub(crate) remind_ms: i64,
    pub(crate) source: String,
}

/// When a fever has lasted too long.
#[derive(Debug, Clone)]
pub(crate) struct LastingFeverRule {
    pub(crate) name: RuleName,
    pub(crate) severity: Severity,
    /// The lowest fever, rounded as temperatures are.
    pub(crate) from: i32,
    pub(crate) lasts_ms: i64,
    pub(crate) free_ms: i64,
    pub(crate) remind_ms: i64,
    pub(crate) source: String,
}

/// How a test under exertion is judged.
#[derive(Debug, Clone)]
pub(crate) struct ExertionRule {
    pub(crate) name: RuleName,
    pub(crate) drop_tenths: i32,
    /// The highest whole percent that is bad by itself.
    pub(crate) low: i32,
    /// How old the value at rest may be.
    pub(crate) rest_within_ms: i64,
    /// The lowest whole percent at rest from which the test may be asked.
    pub(crate) ask_from: i32,
    pub(crate) source: String,
}

/// All of them.
#[derive(Debug, Clone)]
pub(crate) struct DaysRules {
    pub(crate) baseline: BaselineRule,
    pub(crate) trend: TrendRule,
    pub(crate) spread: SpreadRule,
    pub(crate) fever: LastingFeverRule,
    pub(crate) exertion: ExertionRule,
}

impl DaysRules {
    /// Each rule's name and source.
    pub(crate) fn sources(&self) -> [(&RuleName, &str); 4] {
        [
            (&self.trend.name, &self.trend.source),
            (&self.spread.name, &self.spread.source),
            (&self.fever.name, &self.fever.source),
            (&self.exertion.name, &self.exertion.source),
        ]
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DaysText {
    baseline: Spanned<BaselineText>,
    trend: Spanned<TrendText>,
    spread: Spanned<SpreadText>,
    fever: Spanned<FeverText>,
    exertion: Spanned<ExertionText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BaselineText {
    learned_days: u32,
    values: u32,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TrendText {
    name: Spanned<String>,
    weight_percent: Spanned<u32>,
    low_points: Number,
    slack_points: Number,
    sum_points: Number,
    value_points: Number,
    recover_points: Number,
    remind_hours: u32,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpreadText {
    name: Spanned<String>,
    values: Spanned<u32>,
    wide_points: Number,
    narrow_points: Number,
    remind_hours: u32,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FeverText {
    name: Spanned<String>,
    severity: Severity,
    band: Spanned<String>,
    lasts_hours: u32,
    free_hours: u32,
    remind_hours: u32,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExertionText {
    name: Spanned<String>,
    drop_points: Number,
    low: Number,
    rest_minutes: u32,
    ask_from: Number,
    source: String,
}

fn hours(count: u32) -> i64 {
    minutes(count) * 60
}

/// Points of oxygen saturation in tenths.
fn tenths(
    reader: &Reader<'_>,
    at: &std::ops::Range<usize>,
    number: Number,
) -> Result<i32, RuleSetError> {
    let tenths = number.steps(10).filter(|it| *it >= 0);
    tenths.ok_or_else(|| {
        let reason = format!("{number:?} is no number of points, in tenths at the finest");
        reader.fault(at.clone(), reason)
    })
}

pub(super) fn days(
    reader: &Reader<'_>,
    text: &Spanned<DaysText>,
    vitals: &[VitalRules],
    limits: &[LimitRule],
) -> Result<DaysRules, RuleSetError> {
    let text = text.get_ref();
    let baseline = text.baseline.get_ref();
    let rules = DaysRules {
        baseline: BaselineRule {
            learned_ms: hours(baseline.learned_days) * 24,
            values: count(reader, text.baseline.span(), baseline.values)?,
            source: reader.sourced(text.baseline.span(), &baseline.source)?,
        },
        trend: trend(reader, text.trend.get_ref())?,
        spread: spread(reader, text.spread.get_ref())?,
        fever: fever(reader, text.fever.get_ref(), vitals)?,
        exertion: exertion(reader, text.exertion.get_ref())?,
    };
    let spans = [
        text.trend.get_ref().name.span(),
        text.spread.get_ref().name.span(),
        text.fever.get_ref().name.span(),
        text.exertion.get_ref().name.span(),
    ];
    let mut known: Vec<&RuleName> = limits.iter().map(|limit| &limit.name).collect();
    for ((name, _), span) in rules.sources().into_iter().zip(spans) {
        if known.contains(&name) {
            return Err(reader.fault(span, format!("there is a rule {name} already")));
        }
        known.push(name);
    }
    Ok(rules)
}

fn count(
    reader: &Reader<'_>,
    at: std::ops::Range<usize>,
    values: u32,
) -> Result<usize, RuleSetError> {
    let count = usize::try_from(values)
        .ok()
        .filter(|it| (2..=12).contains(it));
    count.ok_or_else(|| reader.fault(at, "values are 2 to 12: as many as are kept for it"))
}

fn trend(reader: &Reader<'_>, text: &TrendText) -> Result<TrendRule, RuleSetError> {
    let at = text.name.span();
    let points = |number| Ok(i64::from(tenths(reader, &at, number)?) * 100);
    let weight_percent = i64::from(*text.weight_percent.get_ref());
    if !(1..=100).contains(&weight_percent) {
        let reason = "weight_percent is 1 to 100: how much of the mean the newest value is";
        return Err(reader.fault(text.weight_percent.span(), reason));
    }
    let rule = TrendRule {
        name: reader.name(&text.name)?,
        weight_percent,
        low: points(text.low_points)?,
        slack: points(text.slack_points)?,
        sum: points(text.sum_points)?,
        value_at_most: points(text.value_points)?,
        recover: points(text.recover_points)?,
        remind_ms: hours(text.remind_hours),
        source: reader.sourced(at.clone(), &text.source)?,
    };
    if rule.recover >= rule.low || rule.slack >= rule.value_at_most || rule.sum == 0 {
        let reason = "recover_points lies under low_points, slack_points under value_points, and \
                      sum_points is more than 0: else it never ends, or never begins";
        return Err(reader.fault(at, reason));
    }
    Ok(rule)
}

fn spread(reader: &Reader<'_>, text: &SpreadText) -> Result<SpreadRule, RuleSetError> {
    let at = text.name.span();
    let points = |number| Ok(i64::from(tenths(reader, &at, number)?) * 100);
    let (wide, narrow) = (points(text.wide_points)?, points(text.narrow_points)?);
    if narrow >= wide {
        return Err(reader.fault(at, "narrow_points lies under wide_points"));
    }
    Ok(SpreadRule {
        name: reader.name(&text.name)?,
        values: count(reader, text.values.span(), *text.values.get_ref())?,
        wide,
        narrow,
        remind_ms: hours(text.remind_hours),
        source: reader.sourced(at, &text.source)?,
    })
}

fn fever(
    reader: &Reader<'_>,
    text: &FeverText,
    vitals: &[VitalRules],
) -> Result<LastingFeverRule, RuleSetError> {
    let at = text.name.span();
    let mut known = vitals.iter();
    let rules = known.find(|it| it.kind == VitalKind::Temperature);
    let mut bands = rules.iter().flat_map(|it| &it.bands);
    let band = bands.find(|it| it.name() == text.band.get_ref());
    let from = band.and_then(|band| band.range.from).ok_or_else(|| {
        let reason = format!(
            "temperature has no band {:?} with a beginning",
            text.band.get_ref()
        );
        reader.fault(text.band.span(), reason)
    })?;
    if text.lasts_hours == 0 || text.free_hours == 0 {
        return Err(reader.fault(at, "lasts_hours and free_hours are at least 1"));
    }
    Ok(LastingFeverRule {
        name: reader.name(&text.name)?,
        severity: text.severity,
        from,
        lasts_ms: hours(text.lasts_hours),
        free_ms: hours(text.free_hours),
        remind_ms: hours(text.remind_hours),
        source: reader.sourced(at, &text.source)?,
    })
}

fn exertion(reader: &Reader<'_>, text: &ExertionText) -> Result<ExertionRule, RuleSetError> {
    let at = text.name.span();
    let drop_tenths = tenths(reader, &at, text.drop_points)?;
    let percent = |number| Ok(tenths(reader, &at, number)? / 10);
    if drop_tenths == 0 {
        return Err(reader.fault(at, "drop_points is more than 0: every test would be bad"));
    }
    Ok(ExertionRule {
        name: reader.name(&text.name)?,
        drop_tenths,
        low: percent(text.low)?,
        rest_within_ms: minutes(text.rest_minutes),
        ask_from: percent(text.ask_from)?,
        source: reader.sourced(at.clone(), &text.source)?,
    })
}
