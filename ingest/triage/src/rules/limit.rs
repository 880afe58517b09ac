//! Reads the limit rules of a rule set and the personal target that moves one of them.

use std::ops;

use toml::Spanned;
use veglia_wire::VitalKind;

use super::parse::{Reader, RuleSetError, minutes};
use super::text::{Number, RuleText, TargetText};
use super::{Bad, Confirmation, LimitRule, OwnRule, Range, TargetRule, VitalRules};
use crate::flag::Severity;
use crate::plan::End;

pub(super) fn limit(
    reader: &Reader<'_>,
    entry: &Spanned<RuleText>,
    vitals: &[VitalRules],
    graver: &[LimitRule],
) -> Result<LimitRule, RuleSetError> {
    let text = entry.get_ref();
    let name = reader.name(&text.name)?;
    let kind = reader.kind(&text.vital)?;
    let rules = vitals.iter().find(|rules| rules.kind == kind);
    let rules = rules
        .ok_or_else(|| reader.fault(text.vital.span(), format!("{kind} is not described above")))?;
    let mut under = Vec::new();
    for name in &text.under {
        let mut known = graver.iter().filter(|it| it.vital == kind);
        let rule = known.find(|it| it.name.as_str() == name.get_ref());
        under.push(rule.ok_or_else(|| {
            let reason = format!("no rule {:?} for {kind} stands above", name.get_ref());
            reader.fault(name.span(), reason)
        })?);
    }
    let bad = bad(reader, text, rules, &under)?;
    let at_once = match &text.at_once_beyond {
        None => None,
        Some(number) => Some(at_once(reader, number, rules, bad)?),
    };
    let worse_points = match &text.worse_points {
        None => None,
        Some(number) => {
            let points = reader.steps(number.span(), *number.get_ref(), rules.rounding)?;
            if points < 1 || at_once.is_none() {
                let reason = "worse_points is at least 1, of a rule with at_once_beyond";
                return Err(reader.fault(number.span(), reason));
            }
            Some(points)
        }
    };
    let own = match &text.loosest {
        None => None,
        Some(number) => Some(own(reader, number, rules, (text.severity, bad), graver)?),
    };
    if *text.recover_readings.get_ref() == 0 {
        let reason = "an episode cannot end without a reading: recover_readings is at least 1";
        return Err(reader.fault(text.recover_readings.span(), reason));
    }
    let remind = text.remind_minutes.as_ref();
    if let Some(never) = remind.filter(|count| *count.get_ref() == 0) {
        let reason = "a reminder by every reading: remind_minutes is at least 1, or is left out";
        return Err(reader.fault(never.span(), reason));
    }
    Ok(LimitRule {
        name,
        vital: kind,
        severity: text.severity,
        bad,
        under: under.into_iter().map(|rule| rule.name.clone()).collect(),
        at_once,
        worse_points,
        own,
        confirmation: confirmation(
            reader,
            text.name.span(),
            text.repeat_after_seconds,
            text.repeat_within_minutes,
        )?,
        recover_readings: *text.recover_readings.get_ref(),
        recover_ms: minutes(text.recover_minutes),
        remind_ms: remind.map(|count| minutes(*count.get_ref())),
        source: reader.sourced(text.name.span(), &text.source)?,
    })
}

/// The rule's band and, since who is beyond it is no better off, the bands of the rules it is
/// under; or what lies under the baseline.
fn bad(
    reader: &Reader<'_>,
    text: &RuleText,
    rules: &VitalRules,
    under: &[&LimitRule],
) -> Result<Bad, RuleSetError> {
    let (name, kind) = (&text.name, rules.kind);
    let band = match (&text.band, &text.under_baseline) {
        (Some(band), None) => band,
        (None, Some(number)) => {
            let points = reader.steps(number.span(), *number.get_ref(), rules.rounding)?;
            if points < 1 || kind != VitalKind::SpO2 {
                let reason = "under_baseline is at least 1 point of spo2, which has a baseline";
                return Err(reader.fault(number.span(), reason));
            }
            if text.severity == Severity::Red {
                let reason = "what is measured by the patient's own baseline is amber";
                return Err(reader.fault(number.span(), reason));
            }
            return Ok(Bad::UnderBaseline(points));
        }
        _ => {
            let reason = "a rule has a band, or says how far under_baseline is bad";
            return Err(reader.fault(name.span(), reason));
        }
    };
    let mut known = rules.bands.iter();
    let own = known.find(|it| it.name() == band.get_ref());
    let mut bad = own.map(|it| it.range).ok_or_else(|| {
        let reason = format!("{kind} has no band {:?}", band.get_ref());
        reader.fault(band.span(), reason)
    })?;
    for graver in under.iter().rev() {
        if let Bad::Band(range) = graver.bad {
            bad = bad.with_neighbour(range).ok_or_else(|| {
                let reason = format!("its band does not touch that of {}", graver.name);
                reader.fault(band.span(), reason)
            })?;
        }
    }
    Ok(Bad::Band(bad))
}

/// The part of a rule's band that is too bad to wait.
fn at_once(
    reader: &Reader<'_>,
    number: &Spanned<Number>,
    rules: &VitalRules,
    bad: Bad,
) -> Result<Range, RuleSetError> {
    let steps = reader.steps(number.span(), *number.get_ref(), rules.rounding)?;
    let range = match bad {
        Bad::Band(band) => beyond(band, steps),
        Bad::UnderBaseline(_) => None,
    };
    range.ok_or_else(|| {
        let reason = "at_once_beyond must lie in a band that is open at one end";
        reader.fault(number.span(), reason)
    })
}

/// How far a plan may move the open-ended band of a rule; of a vital sign one rule has each limit.
fn own(
    reader: &Reader<'_>,
    number: &Spanned<Number>,
    rules: &VitalRules,
    (severity, bad): (Severity, Bad),
    known: &[LimitRule],
) -> Result<OwnRule, RuleSetError> {
    let fault = |reason: &str| Err(reader.fault(number.span(), reason));
    let loosest = reader.steps(number.span(), *number.get_ref(), rules.rounding)?;
    let Bad::Band(range) = bad else {
        return fault("loosest is of a rule with a band");
    };
    let Some((end, edge)) = End::of(severity, range).zip(range.to.or(range.from)) else {
        return fault("loosest must belong to a red or amber band that is open at one end");
    };
    let tightens = if end.is_low() {
        loosest > edge
    } else {
        loosest < edge
    };
    if tightens {
        return fault("loosest is the band's own limit or looser");
    }
    let mut before = known.iter().filter(|it| it.vital == rules.kind);
    if before.any(|it| it.own.is_some_and(|own| own.end == end)) {
        return fault("another rule of this vital sign has this limit already");
    }
    Ok(OwnRule {
        end,
        loosest,
        per_score: rules.kind.steps_per_unit() / rules.rounding.steps_per_unit(),
    })
}

/// Looks up once what every value of a vital sign is asked for.
pub(super) fn prepare(vital: &mut VitalRules, limits: &[LimitRule]) {
    let mut usual = Some(Range::default());
    for limit in limits.iter().filter(|it| it.vital == vital.kind) {
        match limit.bad {
            Bad::Band(range) => usual = usual.and_then(|usual| outside(usual, range)),
            Bad::UnderBaseline(points) => {
                let least = vital.under_baseline.unwrap_or(points).min(points);
                vital.under_baseline = Some(least);
            }
        }
    }
    vital.usual = usual;
}

/// What a range that is open at one end leaves of another.
fn outside(usual: Range, bad: Range) -> Option<Range> {
    match (bad.from, bad.to) {
        (None, Some(to)) => Some(Range {
            from: usual.from.max(Some(to.saturating_add(1))),
            ..usual
        }),
        (Some(from), None) => {
            let to = from.saturating_sub(1);
            let to = usual.to.map_or(to, |known| known.min(to));
            Some(Range {
                to: Some(to),
                ..usual
            })
        }
        _ => None,
    }
}

pub(super) fn confirmation(
    reader: &Reader<'_>,
    span: ops::Range<usize>,
    repeat_after_seconds: Option<u32>,
    repeat_within_minutes: Option<u32>,
) -> Result<Confirmation, RuleSetError> {
    let after_ms = repeat_after_seconds.map(|count| i64::from(count) * 1_000);
    let within_ms = repeat_within_minutes.map(minutes);
    match (after_ms, within_ms) {
        (None, None) => Ok(Confirmation::AtOnce),
        (Some(after_ms), Some(within_ms)) if after_ms < within_ms => Ok(Confirmation::Repeat {
            after_ms,
            within_ms,
        }),
        _ => {
            let reason = "a repeat needs repeat_after_seconds and, later, repeat_within_minutes";
            Err(reader.fault(span, reason))
        }
    }
}

/// The part of an open-ended band from `steps` outwards, `steps` in it.
fn beyond(band: Range, steps: i32) -> Option<Range> {
    let part = match (band.from, band.to) {
        (None, Some(_)) => Range {
            from: None,
            to: Some(steps),
        },
        (Some(_), None) => Range {
            from: Some(steps),
            to: None,
        },
        _ => return None,
    };
    band.holds(steps).then_some(part)
}

pub(super) fn target(
    reader: &Reader<'_>,
    entry: &Spanned<TargetText>,
    vitals: &[VitalRules],
    limits: &[LimitRule],
) -> Result<TargetRule, RuleSetError> {
    let text = entry.get_ref();
    let kind = reader.kind(&text.vital)?;
    let limit = limits
        .iter()
        .find(|limit| limit.name.as_str() == text.rule.get_ref());
    let rules = vitals.iter().find(|rules| rules.kind == kind);
    let (Some(limit), Some(rules)) = (limit.filter(|it| it.vital == kind), rules) else {
        let reason = format!("there is no rule {:?} for {kind}", text.rule.get_ref());
        return Err(reader.fault(text.rule.span(), reason));
    };
    if !matches!(limit.bad, Bad::Band(Range { from: None, .. })) {
        let reason = "a target moves the lower limit: the rule's band must be the lowest";
        return Err(reader.fault(text.rule.span(), reason));
    }
    let points = |number| reader.steps(text.rule.span(), number, rules.rounding);
    let (red_below, at_once_below) = (points(text.red_below)?, points(text.at_once_below)?);
    if red_below < 1 || at_once_below < red_below {
        let reason = "red_below is at least 1 and at_once_below at least as much";
        return Err(reader.fault(text.rule.span(), reason));
    }
    Ok(TargetRule {
        vital: kind,
        rule: limit.name.clone(),
        red_below,
        at_once_below,
        source: reader.sourced(text.rule.span(), &text.source)?,
    })
}
