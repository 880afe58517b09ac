//! A plan as a file: what the shipped templates are, and what a centre may write for one patient.
//!
//! It is refused with the line and the reason of the first fault; nothing is defaulted but absence,
//! and nothing repaired. Numbers carry their unit, so that a Fahrenheit is not taken for a Celsius.

use std::ops::Range;

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;
use toml::Spanned;
use veglia_wire::{VitalKind, WallMs};

use super::own::End;
use super::{Calling, Field, Guard, OwnLimits, OxygenScale, Parameter, Plan, PlanVersion, Target};
use crate::patient::PatientId;
use crate::rules::{Number, RuleSet};

/// Days of a plan are days of the calendar here: a fortnight over a change of the clock ends at
/// the hour it began.
const ZONE: &str = "Europe/Rome";

/// Why a text is no plan: the first fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the plan: {reason}")]
pub struct PlanFileError {
    /// Where, from 1.
    pub line: usize,
    /// What is wrong and what would be right.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    #[serde(default)]
    title: String,
    #[serde(default)]
    source: String,
    days: Option<Spanned<u16>>,
    until: Option<Spanned<String>>,
    target: Option<Spanned<Target>>,
    oxygen_scale: Option<Spanned<OxygenScale>>,
    #[serde(default)]
    guards: Vec<Guard>,
    #[serde(default)]
    calling: Calling,
    #[serde(default)]
    parameter: Vec<ParameterText>,
    #[serde(default)]
    limits: Vec<LimitsText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ParameterText {
    vital: Spanned<String>,
    when: Spanned<String>,
    grace_minutes: Spanned<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsText {
    vital: Spanned<String>,
    unit: Spanned<String>,
    red_to: Option<Spanned<Number>>,
    amber_to: Option<Spanned<Number>>,
    amber_from: Option<Spanned<Number>>,
    red_from: Option<Spanned<Number>>,
}

/// A plan that was read: without a patient and a beginning, and not checked by the rules yet.
pub(super) struct Draft {
    pub(super) title: String,
    pub(super) source: String,
    ends: Ends,
    target: Option<Target>,
    oxygen_scale: OxygenScale,
    guards: Vec<Guard>,
    calling: Calling,
    parameters: Vec<Parameter>,
    limits: Vec<OwnLimits>,
    /// The line of each part that can be at fault.
    lines: Vec<(Field, usize)>,
}

/// When a plan ends.
#[derive(Debug, Clone, Copy)]
enum Ends {
    Never,
    AfterDays(u16),
    With(Date),
}

/// The text, for turning places into lines.
struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn line(&self, span: Range<usize>) -> usize {
        let before = self.0.as_bytes().get(..span.start).unwrap_or_default();
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    fn fault(&self, span: Range<usize>, reason: impl Into<String>) -> PlanFileError {
        PlanFileError {
            line: self.line(span),
            reason: reason.into(),
        }
    }

    fn vital(&self, text: &Spanned<String>) -> Result<VitalKind, PlanFileError> {
        let vital = text.get_ref().parse();
        vital.map_err(|fault: veglia_wire::vital::UnknownVital| {
            let reason = format!("{:?} is unknown: {fault}", text.get_ref());
            self.fault(text.span(), reason)
        })
    }

    fn parameter(&self, text: &ParameterText) -> Result<Parameter, PlanFileError> {
        let when = text.when.get_ref().parse();
        let fault = |fault: super::ExpectedError| self.fault(text.when.span(), fault.to_string());
        Ok(Parameter {
            vital: self.vital(&text.vital)?,
            expected: when.map_err(fault)?,
            grace_minutes: *text.grace_minutes.get_ref(),
        })
    }

    fn limits(&self, text: &LimitsText) -> Result<OwnLimits, PlanFileError> {
        let vital = self.vital(&text.vital)?;
        if text.unit.get_ref() != vital.ucum() {
            let (right, wrong) = (vital.ucum(), text.unit.get_ref());
            let reason = format!("{vital} is measured in {right:?}, not in {wrong:?}");
            return Err(self.fault(text.unit.span(), reason));
        }
        let mut limits = OwnLimits::of(vital);
        for end in End::ALL {
            let Some(number) = text.at(end) else {
                continue;
            };
            let steps = number.get_ref().steps(vital.steps_per_unit());
            let steps = steps.ok_or_else(|| {
                let reason = format!("{end} of {vital} has at most one decimal");
                self.fault(number.span(), reason)
            })?;
            limits = limits.with(end, Some(steps));
        }
        Ok(limits)
    }

    fn ends(&self, text: &Text) -> Result<(Ends, Option<usize>), PlanFileError> {
        match (&text.days, &text.until) {
            (None, None) => Ok((Ends::Never, None)),
            (Some(days), None) => Ok((
                Ends::AfterDays(*days.get_ref()),
                Some(self.line(days.span())),
            )),
            (None, Some(until)) => {
                let day = until.get_ref().parse().map_err(|_| {
                    self.fault(until.span(), "until is a day, written as 2020-11-03")
                })?;
                Ok((Ends::With(day), Some(self.line(until.span()))))
            }
            (Some(_), Some(until)) => {
                Err(self.fault(until.span(), "a plan has days or until, not both"))
            }
        }
    }

    fn lines(&self, text: &Text) -> Vec<(Field, usize)> {
        let mut lines = Vec::new();
        let mut at = |field: Field, span: Range<usize>| lines.push((field, self.line(span)));
        for it in &text.parameter {
            if let Ok(vital) = it.vital.get_ref().parse() {
                at(Field::When(vital), it.when.span());
                at(Field::Grace(vital), it.grace_minutes.span());
            }
        }
        if let Some(target) = &text.target {
            at(Field::Target, target.span());
        }
        if let Some(scale) = &text.oxygen_scale {
            at(Field::Scale, scale.span());
        }
        for it in &text.limits {
            if let Ok(vital) = it.vital.get_ref().parse() {
                at(Field::Limits(vital), it.vital.span());
                let ends = End::ALL.into_iter();
                for (end, number) in ends.filter_map(|end| Some((end, it.at(end)?))) {
                    at(Field::Limit(vital, end), number.span());
                }
            }
        }
        lines
    }
}

impl LimitsText {
    fn at(&self, end: End) -> Option<&Spanned<Number>> {
        let number = match end {
            End::RedTo => &self.red_to,
            End::AmberTo => &self.amber_to,
            End::AmberFrom => &self.amber_from,
            End::RedFrom => &self.red_from,
        };
        number.as_ref()
    }
}

impl Draft {
    pub(super) fn read(toml: &str) -> Result<Self, PlanFileError> {
        let reader = Reader(toml);
        let text: Text = toml::from_str(toml)
            .map_err(|fault| reader.fault(fault.span().unwrap_or_default(), fault.message()))?;
        let mut lines = reader.lines(&text);
        let (ends, line) = reader.ends(&text)?;
        lines.extend(line.map(|line| (Field::Until, line)));
        let parameters = text.parameter.iter().map(|it| reader.parameter(it));
        let limits = text.limits.iter().map(|it| reader.limits(it));
        Ok(Self {
            ends,
            target: text.target.map(Spanned::into_inner),
            oxygen_scale: text
                .oxygen_scale
                .map(Spanned::into_inner)
                .unwrap_or_default(),
            guards: text.guards,
            calling: text.calling,
            parameters: parameters.collect::<Result<_, _>>()?,
            limits: limits.collect::<Result<_, _>>()?,
            lines,
            title: text.title,
            source: text.source,
        })
    }

    /// The plan of a patient from a moment on: version 1.
    pub(super) fn plan(&self, patient: PatientId, from: WallMs) -> Plan {
        Plan {
            patient,
            version: PlanVersion(1),
            from,
            until: match self.ends {
                Ends::Never => None,
                Ends::AfterDays(days) => days_after(from, days),
                Ends::With(day) => after_day(day),
            },
            parameters: self.parameters.clone(),
            spo2: self.target,
            oxygen_scale: self.oxygen_scale,
            guards: self.guards.clone(),
            limits: self.limits.clone(),
            calling: self.calling.clone(),
        }
    }

    /// The last line of what a fault is about: of what stands twice, the second is too many.
    fn line(&self, field: Field) -> usize {
        let mut lines = self.lines.iter().rev();
        lines
            .find(|(known, _)| *known == field)
            .map_or(1, |it| it.1)
    }
}

impl Plan {
    /// Reads a plan from a file and checks it by the rules: version 1, from a moment on.
    ///
    /// # Errors
    /// The first fault, with its line.
    pub fn read(
        toml: &str,
        patient: PatientId,
        from: WallMs,
        rules: &RuleSet,
    ) -> Result<Self, PlanFileError> {
        let draft = Draft::read(toml)?;
        let plan = draft.plan(patient, from);
        let faults = plan.validate(rules).err().unwrap_or_default();
        match faults.first() {
            None => Ok(plan),
            Some(fault) => Err(PlanFileError {
                line: draft.line(fault.field()),
                reason: fault.to_string(),
            }),
        }
    }
}

/// The same time of day, so many days of the calendar later.
fn days_after(from: WallMs, days: u16) -> Option<WallMs> {
    let zone = zone()?;
    let from = Timestamp::from_millisecond(from.0).ok()?.to_zoned(zone);
    let until = from.checked_add(i64::from(days).days()).ok()?;
    Some(WallMs(until.timestamp().as_millisecond()))
}

/// The first moment after a day of the patients' calendar: when a plan that lasts through it ends.
#[must_use]
pub fn after_day(day: Date) -> Option<WallMs> {
    let end = day.tomorrow().ok()?.to_zoned(zone()?).ok()?;
    Some(WallMs(end.timestamp().as_millisecond()))
}

fn zone() -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(ZONE).ok()
}
