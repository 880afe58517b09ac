//! Reads a rule set's text and refuses what it cannot vouch for, naming the line.
//!
//! Nothing is defaulted and nothing repaired. Numbers are decimal: `38.1` becomes 381 tenths by
//! its digits, not by arithmetic on floating point.

use std::ops;

use jiff::tz::{TimeZone, TimeZoneDatabase};
use toml::Spanned;
use veglia_wire::VitalKind;

use super::scores;
use super::text::{
    ArrivalText, ContinuousText, Number, PresenceText, RoundingText, Text, VitalText,
};
use super::{
    Arrival, Band, Continuous, LimitRule, PresenceRule, Range, Rounding, RuleName, RuleSet,
    VitalRules, days, limit,
};

/// Why a text is no rule set: the first fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the rule set: {reason}")]
pub struct RuleSetError {
    /// Where, from 1.
    pub line: usize,
    /// What is wrong and what would be right.
    pub reason: String,
}

/// The text, for turning places into lines.
pub(super) struct Reader<'a>(&'a str);

impl Reader<'_> {
    pub(super) fn fault(&self, span: ops::Range<usize>, reason: impl Into<String>) -> RuleSetError {
        let before = self.0.as_bytes().get(..span.start).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        RuleSetError {
            line,
            reason: reason.into(),
        }
    }

    pub(super) fn name(&self, text: &Spanned<String>) -> Result<RuleName, RuleSetError> {
        let named = text.get_ref().parse();
        named.map_err(|fault: super::RuleNameError| self.fault(text.span(), fault.to_string()))
    }

    pub(super) fn kind(&self, text: &Spanned<String>) -> Result<VitalKind, RuleSetError> {
        let kind = text.get_ref().parse();
        kind.map_err(|fault: veglia_wire::vital::UnknownVital| {
            let reason = format!("{:?} is unknown: {fault}", text.get_ref());
            self.fault(text.span(), reason)
        })
    }

    pub(super) fn sourced(
        &self,
        span: ops::Range<usize>,
        source: &str,
    ) -> Result<String, RuleSetError> {
        if source.trim().is_empty() {
            return Err(self.fault(span, "the source is empty: say where the numbers come from"));
        }
        Ok(source.to_owned())
    }

    pub(super) fn steps(
        &self,
        span: ops::Range<usize>,
        number: Number,
        rounding: Rounding,
    ) -> Result<i32, RuleSetError> {
        number.steps(rounding.steps_per_unit()).ok_or_else(|| {
            let reason = format!("{number:?} is finer than the rounding of its vital sign");
            self.fault(span, reason)
        })
    }
}

pub(super) fn rule_set(toml: &str) -> Result<RuleSet, RuleSetError> {
    let reader = Reader(toml);
    let text: Text = toml::from_str(toml)
        .map_err(|fault| reader.fault(fault.span().unwrap_or_default(), fault.message()))?;
    let version = format!("{}-{}", text.id.get_ref(), text.version);
    let version = version
        .parse()
        .map_err(|fault: super::RuleNameError| reader.fault(text.id.span(), fault.to_string()))?;

    let mut vitals: Vec<VitalRules> = Vec::new();
    for entry in &text.vital {
        let rules = vital(&reader, entry)?;
        if vitals.iter().any(|known| known.kind == rules.kind) {
            let reason = format!("{} has been described before", rules.kind);
            return Err(reader.fault(entry.get_ref().name.span(), reason));
        }
        vitals.push(rules);
    }
    let mut limits: Vec<LimitRule> = Vec::new();
    for entry in &text.rule {
        let rule = limit::limit(&reader, entry, &vitals, &limits)?;
        if limits.iter().any(|known| known.name == rule.name) {
            let reason = format!("there is a rule {} already", rule.name);
            return Err(reader.fault(entry.get_ref().name.span(), reason));
        }
        limits.push(rule);
    }
    for vital in &mut vitals {
        limit::prepare(vital, &limits);
    }
    let calls = super::calls::read(&reader, &text, &vitals, &limits)?;
    let gates = super::gates::read(&reader, &text, &vitals)?;
    Ok(RuleSet {
        version,
        zone: zone(&reader, &text.time_zone)?,
        arrival: arrival(&reader, &text.arrival)?,
        continuous: continuous(&reader, &text.continuous, &vitals)?,
        presence: presence(&reader, &text.presence)?,
        target: limit::target(&reader, &text.target, &vitals, &limits)?,
        days: days::days(&reader, &text.days, &vitals, &limits)?,
        scores: scores::charts(&reader, &text.fresh, &text.score, &vitals, &limits)?,
        vitals,
        limits,
        calls,
        gates,
    })
}

/// The zone comes from the tables built into the program: the module reads no disk, and the
/// same program gives the same hours everywhere.
fn zone(reader: &Reader<'_>, name: &Spanned<String>) -> Result<TimeZone, RuleSetError> {
    let zone = TimeZoneDatabase::bundled().get(name.get_ref());
    zone.map_err(|_| reader.fault(name.span(), format!("{:?} is no time zone", name.get_ref())))
}

fn arrival(reader: &Reader<'_>, text: &Spanned<ArrivalText>) -> Result<Arrival, RuleSetError> {
    let numbers = text.get_ref();
    Ok(Arrival {
        late_after_ms: minutes(numbers.late_after_minutes),
        backlog_grace_ms: i64::from(numbers.backlog_grace_seconds) * 1_000,
        ahead_tolerance_ms: minutes(numbers.ahead_tolerance_minutes),
        source: reader.sourced(text.span(), &numbers.source)?,
    })
}

fn continuous(
    reader: &Reader<'_>,
    entry: &Spanned<ContinuousText>,
    vitals: &[VitalRules],
) -> Result<Continuous, RuleSetError> {
    let text = entry.get_ref();
    let mut streamed = Vec::new();
    for name in &text.vitals {
        let vital = reader.kind(name)?;
        if vitals.iter().all(|rules| rules.kind != vital) {
            let reason = format!("{vital} is not described in this rule set");
            return Err(reader.fault(name.span(), reason));
        }
        streamed.push(vital);
    }
    let (gap_ms, median_ms) = (
        i64::from(text.gap_seconds) * 1_000,
        i64::from(*text.median_seconds.get_ref()) * 1_000,
    );
    if gap_ms == 0 || gap_ms >= median_ms {
        let reason = "median_seconds is longer than gap_seconds, which is at least 1";
        return Err(reader.fault(text.median_seconds.span(), reason));
    }
    let settled_readings = *text.settled_readings.get_ref();
    let fit = median_ms / gap_ms;
    if i64::from(settled_readings) > fit {
        let reason = format!("a stream of one in gap_seconds has only {fit} readings in a median");
        return Err(reader.fault(text.settled_readings.span(), reason));
    }
    Ok(Continuous {
        vitals: streamed,
        gap_ms,
        median_ms,
        settled_readings,
        apart_ms: i64::from(text.apart_seconds) * 1_000,
        source: reader.sourced(entry.span(), &text.source)?,
    })
}

fn presence(
    reader: &Reader<'_>,
    entry: &Spanned<PresenceText>,
) -> Result<PresenceRule, RuleSetError> {
    let text = entry.get_ref();
    if *text.offline_after_minutes.get_ref() == 0 {
        let reason = "every home would be off line: offline_after_minutes is at least 1";
        return Err(reader.fault(text.offline_after_minutes.span(), reason));
    }
    if *text.remind_minutes.get_ref() == 0 {
        let reason = "a reminder without end: remind_minutes is at least 1";
        return Err(reader.fault(text.remind_minutes.span(), reason));
    }
    Ok(PresenceRule {
        offline_after_ms: minutes(*text.offline_after_minutes.get_ref()),
        settle_ms: minutes(text.settle_minutes),
        remind_ms: minutes(*text.remind_minutes.get_ref()),
        source: reader.sourced(entry.span(), &text.source)?,
    })
}

pub(super) fn minutes(count: u32) -> i64 {
    i64::from(count) * 60_000
}

fn vital(reader: &Reader<'_>, entry: &Spanned<VitalText>) -> Result<VitalRules, RuleSetError> {
    let text = entry.get_ref();
    let kind = reader.kind(&text.name)?;
    if text.unit.get_ref() != kind.ucum() {
        let reason = format!(
            "{kind} is measured in {:?}, not in {:?}",
            kind.ucum(),
            text.unit.get_ref()
        );
        return Err(reader.fault(text.unit.span(), reason));
    }
    reader.sourced(text.name.span(), &text.source)?;
    let rounding = match text.rounding {
        RoundingText::DownToUnit => Rounding::DownToUnit,
        RoundingText::NearestUnit => Rounding::NearestUnit,
        RoundingText::NearestTenth => Rounding::NearestTenth,
    };
    let range = text.plausible.get_ref();
    let end = |number| {
        reader
            .steps(text.plausible.span(), number, rounding)
            .map(Some)
    };
    let plausible = Range {
        from: end(range.from)?,
        to: end(range.to)?,
    };
    if plausible.from >= plausible.to {
        return Err(reader.fault(text.plausible.span(), "no value would be plausible"));
    }
    Ok(VitalRules {
        kind,
        rounding,
        plausible,
        unscored_sites: text.unscored_sites.clone(),
        bands: bands(reader, text, rounding)?,
        usual: None,
        under_baseline: None,
    })
}

/// Bands stand from the lowest to the highest and meet: every value is in exactly one.
fn bands(
    reader: &Reader<'_>,
    text: &VitalText,
    rounding: Rounding,
) -> Result<Vec<Band>, RuleSetError> {
    let mut bands: Vec<Band> = Vec::new();
    for entry in &text.band {
        let band = entry.get_ref();
        let span = || band.name.span();
        let end = |number: Option<Number>| {
            let steps = number.map(|number| reader.steps(span(), number, rounding));
            steps.transpose()
        };
        let range = Range {
            from: end(band.from)?,
            to: end(band.to)?,
        };
        let name = reader.name(&band.name)?;
        if bands.iter().any(|known| known.name == name) {
            return Err(reader.fault(span(), format!("there is a band {name} already")));
        }
        let below = bands.last().map(|below| below.range.to);
        if let Some(fault) = misfit(below, range) {
            return Err(reader.fault(span(), format!("band {name} {fault}")));
        }
        bands.push(Band {
            name,
            range,
            source: reader.sourced(span(), &band.source)?,
        });
    }
    match (text.band.last(), bands.last()) {
        (Some(entry), Some(Band { name, range, .. })) if range.to.is_some() => {
            let reason =
                format!("band {name} is the last and has an end: a band above it is missing");
            Err(reader.fault(entry.get_ref().name.span(), reason))
        }
        _ => Ok(bands),
    }
}

/// What is wrong with a band above one that ends at `below` (absent: no band; open: no end).
pub(super) fn misfit(below: Option<Option<i32>>, range: Range) -> Option<&'static str> {
    if let (Some(from), Some(to)) = (range.from, range.to)
        && from > to
    {
        return Some("ends before it begins");
    }
    match (below, range.from) {
        (None, None) => None,
        (None, Some(_)) => Some("is the first and has a beginning: a band below it is missing"),
        (Some(None), _) | (Some(_), None) => Some("overlaps the band before it"),
        (Some(Some(below)), Some(from)) => match from.cmp(&below.saturating_add(1)) {
            std::cmp::Ordering::Less => Some("overlaps the band before it"),
            std::cmp::Ordering::Greater => Some("leaves a gap after the band before it"),
            std::cmp::Ordering::Equal => None,
        },
    }
}
