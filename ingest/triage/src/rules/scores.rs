//! Reads the scores of a rule set: how old a value may be, the points of every value, the classes
//! of every sum, and the rules.
//!
//! As strict as the rest: a table that has a value twice or not at all, a parameter that is not
//! known or measured in another unit, an answer without points, a sum without a class are refused
//! with their line.

mod text;

use std::ops;

use toml::Spanned;

use super::limit::confirmation;
use super::parse::{Reader, minutes, misfit};
use super::text::Number;
use super::{LimitRule, Range, RuleName, RuleSetError, VitalRules};
use crate::plan::OxygenScale;
use crate::score::{
    Chart, Charts, Class, Fresh, Item, PointBand, SCORE_MAX, Scale, ScoreParameter, ScoreRule,
    Table,
};

use text::{BreathingText, ParameterText, ScoreRuleText};
pub(super) use text::{FreshText, ScoreText};

/// Reads all that a rule set says of scores.
pub(super) fn charts(
    reader: &Reader<'_>,
    fresh_texts: &[Spanned<FreshText>],
    texts: &[Spanned<ScoreText>],
    vitals: &[VitalRules],
    limits: &[LimitRule],
) -> Result<Charts, RuleSetError> {
    let mut charts = Charts::default();
    for entry in fresh_texts {
        let fresh = fresh(reader, entry.get_ref())?;
        if charts.age_ms(fresh.parameter) != i64::MIN {
            let reason = format!("the age of {} is given already", fresh.parameter);
            return Err(reader.fault(entry.get_ref().name.span(), reason));
        }
        charts.fresh.push(fresh);
    }
    for entry in texts {
        let text = entry.get_ref();
        let chart = chart(reader, text, vitals, &charts)?;
        if charts.chart(chart.scale).is_some() {
            let reason = format!("{} has been described before", chart.scale);
            return Err(reader.fault(text.name.span(), reason));
        }
        for entry in &text.rule {
            let name = &entry.get_ref().name;
            let rule = rule(reader, entry.get_ref(), &chart, &charts)?;
            let is_taken = limits.iter().any(|limit| limit.name == rule.name);
            if is_taken || charts.rule(&rule.name).is_some() {
                let reason = format!("there is a rule {} already", rule.name);
                return Err(reader.fault(name.span(), reason));
            }
            charts.rules.push(rule);
        }
        charts.charts.push(chart);
    }
    charts.prepare();
    Ok(charts)
}

fn parameter(reader: &Reader<'_>, name: &Spanned<String>) -> Result<ScoreParameter, RuleSetError> {
    let mut known = ScoreParameter::ALL.into_iter();
    let named = known.find(|it| it.name() == name.get_ref());
    named.ok_or_else(|| {
        let names = ScoreParameter::ALL.map(ScoreParameter::name).join(", ");
        let reason = format!("{:?} is unknown: scores count {names}", name.get_ref());
        reader.fault(name.span(), reason)
    })
}

fn fresh(reader: &Reader<'_>, text: &FreshText) -> Result<Fresh, RuleSetError> {
    if *text.minutes.get_ref() == 0 {
        let reason = "a value counts for at least one minute";
        return Err(reader.fault(text.minutes.span(), reason));
    }
    Ok(Fresh {
        parameter: parameter(reader, &text.name)?,
        age_ms: minutes(*text.minutes.get_ref()),
        source: reader.sourced(text.name.span(), &text.source)?,
    })
}

fn chart(
    reader: &Reader<'_>,
    text: &ScoreText,
    vitals: &[VitalRules],
    known: &Charts,
) -> Result<Chart, RuleSetError> {
    let mut scales = Scale::ALL.into_iter();
    let scale = scales.find(|scale| scale.name() == text.name.get_ref());
    let scale = scale.ok_or_else(|| {
        let names = Scale::ALL.map(Scale::name).join(", ");
        let reason = format!("{:?} is unknown: scores are {names}", text.name.get_ref());
        reader.fault(text.name.span(), reason)
    })?;
    let mut items: Vec<Item> = Vec::new();
    for entry in &text.parameter {
        let text = entry.get_ref();
        let parameter = parameter(reader, &text.name)?;
        if known.age_ms(parameter) == i64::MIN {
            let reason = format!("nothing says how old {parameter} may be: a [[fresh]] is missing");
            return Err(reader.fault(text.name.span(), reason));
        }
        let table = table(reader, text, parameter, vitals)?;
        match items.iter_mut().find(|item| item.parameter == parameter) {
            Some(item) => item.tables.push(table),
            None => items.push(Item {
                parameter,
                tables: vec![table],
            }),
        }
    }
    let mut chart = Chart {
        scale,
        items,
        classes: Vec::new(),
        single: None,
        source: reader.sourced(text.name.span(), &text.source)?,
    };
    if let Some(reason) = misfit_of_tables(&chart) {
        return Err(reader.fault(text.name.span(), reason));
    }
    classes(reader, text, &mut chart)?;
    Ok(chart)
}

/// What is wrong with a chart's tables, each of which is sound.
fn misfit_of_tables(chart: &Chart) -> Option<String> {
    let mut most = 0_u32;
    for item in &chart.items {
        let parameter = item.parameter;
        let points = item.tables.iter().flat_map(|table| &table.bands);
        most += points.map(|band| u32::from(band.points)).max().unwrap_or(0);
        for scale in [OxygenScale::One, OxygenScale::Two] {
            for on_oxygen in [false, true] {
                let tables = item.tables.iter();
                match tables.filter(|it| it.is_for(scale, on_oxygen)).count() {
                    1 => {}
                    0 => return Some(format!("a table of {parameter} is missing")),
                    _ => return Some(format!("two tables of {parameter} are for the same people")),
                }
            }
        }
        let mut tables = item.tables.iter();
        let is_by_breathing = tables.any(|table| table.on_oxygen.is_some());
        if is_by_breathing && chart.item(ScoreParameter::Oxygen).is_none() {
            return Some(format!(
                "the points of {parameter} depend on oxygen, which is not counted"
            ));
        }
    }
    let is_countable = most <= u32::from(SCORE_MAX);
    (!is_countable).then(|| format!("the score can be {most}; at most {SCORE_MAX} is counted"))
}

fn table(
    reader: &Reader<'_>,
    text: &ParameterText,
    parameter: ScoreParameter,
    vitals: &[VitalRules],
) -> Result<Table, RuleSetError> {
    let span = text.name.span();
    if parameter != ScoreParameter::SpO2 && (text.scale.is_some() || text.on.is_some()) {
        let reason = format!("{parameter} has one table; only spo2 has scales");
        return Err(reader.fault(span, reason));
    }
    let bands = match parameter.vital() {
        None => answers(reader, text, parameter)?,
        Some(kind) => {
            let rules = vitals.iter().find(|rules| rules.kind == kind);
            let rules = rules.ok_or_else(|| {
                let reason = format!("{kind} is not described in this rule set");
                reader.fault(span.clone(), reason)
            })?;
            bands(reader, text, rules)?
        }
    };
    Ok(Table {
        scale: text.scale,
        on_oxygen: text.on.map(|on| on == BreathingText::Oxygen),
        bands,
        source: reader.sourced(span, &text.source)?,
    })
}

fn bands(
    reader: &Reader<'_>,
    text: &ParameterText,
    rules: &VitalRules,
) -> Result<Vec<PointBand>, RuleSetError> {
    let kind = rules.kind;
    let span = text.name.span();
    let unit = text.unit.as_ref().map(Spanned::get_ref);
    if unit.is_none_or(|unit| unit != kind.ucum()) {
        let span = text.unit.as_ref().map_or(span, Spanned::span);
        let written = unit.map_or("no unit", String::as_str);
        let reason = format!(
            "{kind} is measured in {:?}, not in {written:?}",
            kind.ucum()
        );
        return Err(reader.fault(span, reason));
    }
    let Some(texts) = text.bands.as_ref().filter(|_| text.answers.is_none()) else {
        return Err(reader.fault(span, format!("{kind} has bands, and no answers")));
    };
    let mut bands: Vec<PointBand> = Vec::new();
    for entry in texts {
        let band = entry.get_ref();
        let end = |number: Option<Number>| {
            let steps = number.map(|number| reader.steps(entry.span(), number, rules.rounding));
            steps.transpose()
        };
        let range = Range {
            from: end(band.from)?,
            to: end(band.to)?,
        };
        let below = bands.last().map(|below| below.range.to);
        if let Some(fault) = misfit(below, range) {
            return Err(reader.fault(entry.span(), format!("this band of {kind} {fault}")));
        }
        let points = band.points;
        bands.push(PointBand { range, points });
    }
    closed_above(reader, span, bands, |band| band.range)
}

/// A list of ranges that has an end is not complete.
fn closed_above<T>(
    reader: &Reader<'_>,
    span: ops::Range<usize>,
    list: Vec<T>,
    range: impl Fn(&T) -> Range,
) -> Result<Vec<T>, RuleSetError> {
    match list.last().map(range) {
        Some(Range { to: None, .. }) => Ok(list),
        _ => {
            let reason = "the last has an end, or there is none: one above it is missing";
            Err(reader.fault(span, reason))
        }
    }
}

fn answers(
    reader: &Reader<'_>,
    text: &ParameterText,
    parameter: ScoreParameter,
) -> Result<Vec<PointBand>, RuleSetError> {
    let fault = |reason: String| reader.fault(text.name.span(), reason);
    let is_plain = text.bands.is_none() && text.unit.is_none();
    let Some(given) = text.answers.as_ref().filter(|_| is_plain) else {
        return Err(fault(format!(
            "{parameter} has answers, no unit and no bands"
        )));
    };
    let known = parameter.answers();
    let is_known = |word: &String| known.iter().any(|(name, _)| name == word);
    if let Some(word) = given.keys().find(|word| !is_known(word)) {
        return Err(fault(format!("{word:?} is no answer to {parameter}")));
    }
    let bands = known.iter().map(|(word, value)| {
        let points = given.get(*word);
        let points = points.ok_or_else(|| fault(format!("the points of {word:?} are missing")))?;
        let range = Range {
            from: Some(*value),
            to: Some(*value),
        };
        Ok(PointBand {
            range,
            points: *points,
        })
    });
    bands.collect()
}

fn classes(reader: &Reader<'_>, text: &ScoreText, chart: &mut Chart) -> Result<(), RuleSetError> {
    let mut last: Option<Option<i32>> = None;
    for (place, entry) in text.class.iter().enumerate() {
        let class = entry.get_ref();
        let fault = |reason: String| reader.fault(class.name.span(), reason);
        let name = reader.name(&class.name)?;
        if chart.classes.iter().any(|known| known.name == name) {
            return Err(fault(format!("there is a class {name} already")));
        }
        let range = Range {
            from: class.from,
            to: class.to,
        };
        let sums = match class.single {
            None => {
                if let Some(reason) = misfit(last, range) {
                    return Err(fault(format!("class {name} {reason}")));
                }
                last = Some(range.to);
                Some(range)
            }
            Some(points) if range == Range::default() && points > 0 && chart.single.is_none() => {
                chart.single = Some((points, place));
                None
            }
            Some(_) => {
                let reason = "has single alone, of at least one point, once in a score";
                return Err(fault(format!("class {name} {reason}")));
            }
        };
        chart.classes.push(Class {
            name,
            sums,
            source: reader.sourced(class.name.span(), &class.source)?,
        });
    }
    match last {
        Some(None) => Ok(()),
        _ => {
            let reason = "the last class has an end, or there is none: one above it is missing";
            Err(reader.fault(text.name.span(), reason))
        }
    }
}

fn rule(
    reader: &Reader<'_>,
    text: &ScoreRuleText,
    chart: &Chart,
    known: &Charts,
) -> Result<ScoreRule, RuleSetError> {
    let named = |name: &RuleName| name.as_str() == text.class.get_ref();
    let class = chart.classes.iter().position(|class| named(&class.name));
    let class = class.ok_or_else(|| {
        let reason = format!("{} has no class {:?}", chart.scale, text.class.get_ref());
        reader.fault(text.class.span(), reason)
    })?;
    let sums = chart.classes.iter().skip(class).filter_map(|it| it.sums);
    let sums = sums.map(|sums| u8::try_from(sums.from.unwrap_or(0)).unwrap_or(u8::MAX));
    let yields_to = text.yields_to.as_ref().map(|name| {
        let graver = name.get_ref().parse().ok();
        let graver = graver.filter(|graver| known.rule(graver).is_some());
        graver.ok_or_else(|| {
            let reason = format!("there is no rule {:?} of a score above", name.get_ref());
            reader.fault(name.span(), reason)
        })
    });
    if *text.recover_readings.get_ref() == 0 {
        let reason = "an episode cannot end without a reading: recover_readings is at least 1";
        return Err(reader.fault(text.recover_readings.span(), reason));
    }
    let remind = text.remind_minutes.as_ref();
    if let Some(never) = remind.filter(|count| *count.get_ref() == 0) {
        let reason = "a reminder by every reading: remind_minutes is at least 1, or is left out";
        return Err(reader.fault(never.span(), reason));
    }
    Ok(ScoreRule {
        name: reader.name(&text.name)?,
        scale: chart.scale,
        class,
        least: sums.min().unwrap_or(0),
        severity: text.severity,
        yields_to: yields_to.transpose()?,
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
