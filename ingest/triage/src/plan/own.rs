//! The limits of one patient in place of the rule set's: which there are, and what they may be.
//!
//! A limit of one's own moves one edge of one rule; all else of the rule (its repeat, when nobody
//! waits, when it is over) stays. How far an edge may be moved towards looser is data of the rule
//! set (`loosest`), and a rule without that is nobody's to move. The red limit of oxygen saturation
//! is lowered by no limit of one's own, but by a recorded target alone.

use std::fmt;

use serde::{Deserialize, Serialize};
use veglia_wire::VitalKind;

use super::fault::PlanError;
use super::{OxygenScale, Plan, Target};
use crate::flag::Severity;
use crate::rules::{Bad, OwnRule, Range, RuleSet};

/// One of the four limits of a vital sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum End {
    /// Red at this value and under it.
    RedTo,
    /// Amber at this value and under it.
    AmberTo,
    /// Amber at this value and over it.
    AmberFrom,
    /// Red at this value and over it.
    RedFrom,
}

impl End {
    /// All of them, from the lowest value to the highest.
    pub const ALL: [Self; 4] = [Self::RedTo, Self::AmberTo, Self::AmberFrom, Self::RedFrom];

    /// `red_to`, `amber_to`, `amber_from`, `red_from`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RedTo => "red_to",
            Self::AmberTo => "amber_to",
            Self::AmberFrom => "amber_from",
            Self::RedFrom => "red_from",
        }
    }

    /// Whether it is a lower limit.
    #[must_use]
    pub fn is_low(self) -> bool {
        matches!(self, Self::RedTo | Self::AmberTo)
    }

    /// The limit that a rule of this severity draws with its range, if it is open at one end.
    pub(crate) fn of(severity: Severity, range: Range) -> Option<Self> {
        match (severity, range.from, range.to) {
            (Severity::Red, None, Some(_)) => Some(Self::RedTo),
            (Severity::Red, Some(_), None) => Some(Self::RedFrom),
            (Severity::Amber, None, Some(_)) => Some(Self::AmberTo),
            (Severity::Amber, Some(_), None) => Some(Self::AmberFrom),
            _ => None,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The limits of a patient's own for one vital sign, in its steps
/// ([`VitalKind::steps_per_unit`]). What is absent is as the rules have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnLimits {
    /// Of which.
    pub vital: VitalKind,
    /// Red at this value and under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub red_to: Option<i32>,
    /// Amber at this value and under it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amber_to: Option<i32>,
    /// Amber at this value and over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amber_from: Option<i32>,
    /// Red at this value and over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub red_from: Option<i32>,
}

impl OwnLimits {
    /// None at all, for one vital sign.
    #[must_use]
    pub fn of(vital: VitalKind) -> Self {
        Self {
            vital,
            red_to: None,
            amber_to: None,
            amber_from: None,
            red_from: None,
        }
    }

    /// One of them.
    #[must_use]
    pub fn at(&self, end: End) -> Option<i32> {
        match end {
            End::RedTo => self.red_to,
            End::AmberTo => self.amber_to,
            End::AmberFrom => self.amber_from,
            End::RedFrom => self.red_from,
        }
    }

    /// The same with one of them.
    #[must_use]
    pub fn with(mut self, end: End, steps: Option<i32>) -> Self {
        let limit = match end {
            End::RedTo => &mut self.red_to,
            End::AmberTo => &mut self.amber_to,
            End::AmberFrom => &mut self.amber_from,
            End::RedFrom => &mut self.red_from,
        };
        *limit = steps;
        self
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        End::ALL.iter().all(|end| self.at(*end).is_none())
    }
}

/// What of the plan in force moves the limits of the rules.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Own<'a> {
    pub(crate) target: Option<Target>,
    limits: &'a [OwnLimits],
}

impl<'a> Own<'a> {
    pub(crate) fn of(plan: Option<&'a Plan>) -> Self {
        plan.map_or_else(Self::default, |plan| Self {
            target: plan.spo2,
            limits: &plan.limits,
        })
    }

    pub(crate) fn limit(self, vital: VitalKind, end: End) -> Option<i32> {
        let own = self.limits.iter().find(|it| it.vital == vital)?;
        own.at(end)
    }
}

impl RuleSet {
    /// The limits that a plan may replace for a vital sign, each as the rules have it, in steps.
    pub fn limits_to_replace(&self, vital: VitalKind) -> impl Iterator<Item = (End, i32)> {
        let edges = self.own_rules(vital);
        edges.map(|(own, edge)| (own.end, edge * own.per_score))
    }

    fn own_rules(&self, vital: VitalKind) -> impl Iterator<Item = (OwnRule, i32)> {
        self.limits_of(vital).filter_map(|limit| {
            let own = limit.own?;
            let Bad::Band(range) = limit.bad else {
                return None;
            };
            Some((own, range.to.or(range.from)?))
        })
    }

    /// Whether a target lets pass what the fixed red limit would not.
    fn is_lowered_by(&self, target: Target) -> bool {
        let mut limits = self.limits_of(self.target.vital);
        let fixed = limits.find(|limit| limit.name == self.target.rule);
        let red_to = i32::from(target.low_percent) - self.target.red_below;
        let fixed = fixed.map(|limit| limit.bad);
        matches!(fixed, Some(Bad::Band(Range { to: Some(to), .. })) if red_to < to)
    }
}

impl Plan {
    /// Whether its target lets pass what the fixed red limit would not, by the usual scale.
    pub(super) fn is_lowering(&self, rules: &RuleSet) -> bool {
        let is_usual = self.oxygen_scale == OxygenScale::One;
        is_usual && self.spo2.is_some_and(|target| rules.is_lowered_by(target))
    }

    /// What is wrong with its limits, by the rules they replace.
    pub(super) fn faults_of_limits(&self, rules: &RuleSet) -> Vec<PlanError> {
        let mut faults = Vec::new();
        for (place, limits) in self.limits.iter().enumerate() {
            let vital = limits.vital;
            let mut earlier = self.limits.iter().take(place);
            if earlier.any(|it| it.vital == vital) {
                faults.push(PlanError::LimitsTwice(vital));
            } else if limits.is_empty() {
                faults.push(PlanError::LimitsNone(vital));
            } else if vital == VitalKind::SpO2 && self.spo2.is_some() {
                faults.push(PlanError::LimitsBesideTarget);
            } else {
                faults.extend(limits.faults(rules));
            }
        }
        faults
    }
}

impl OwnLimits {
    fn faults(&self, rules: &RuleSet) -> Vec<PlanError> {
        let given = End::ALL.into_iter().filter(|end| self.at(*end).is_some());
        let faults: Vec<PlanError> = given.filter_map(|end| self.fault(end, rules)).collect();
        if !faults.is_empty() || self.is_in_order(rules) {
            return faults;
        }
        vec![PlanError::LimitsOrder(self.vital)]
    }

    fn fault(&self, end: End, rules: &RuleSet) -> Option<PlanError> {
        let (vital, steps) = (self.vital, self.at(end)?);
        let mut known = rules.own_rules(vital).map(|(own, _)| own);
        let Some(own) = known.find(|own| own.end == end) else {
            return Some(PlanError::LimitUnknown(vital, end));
        };
        let score = steps.div_euclid(own.per_score);
        let plausible = rules.vital(vital).map(|it| it.plausible);
        if steps % own.per_score != 0 || !plausible.is_some_and(|it| it.holds(score)) {
            return Some(PlanError::LimitValue(vital, end));
        }
        let is_looser = if end.is_low() {
            score < own.loosest
        } else {
            score > own.loosest
        };
        let loosest = || in_units(vital, own.loosest * own.per_score);
        is_looser.then(|| PlanError::LimitLooser(vital, end, loosest()))
    }

    /// Whether the four, where one's own are absent those of the rules, stand one above the other
    /// and leave something between them.
    fn is_in_order(&self, rules: &RuleSet) -> bool {
        let fixed = |end| {
            let mut known = rules.own_rules(self.vital);
            known.find(|(own, _)| own.end == end)
        };
        let edge = |end: End| {
            let (own, edge) = fixed(end)?;
            let moved = self.at(end).map(|steps| steps.div_euclid(own.per_score));
            Some(moved.unwrap_or(edge))
        };
        let low = [edge(End::RedTo), edge(End::AmberTo)];
        let high = [edge(End::AmberFrom), edge(End::RedFrom)];
        let edges: Vec<i32> = low.into_iter().chain(high).flatten().collect();
        let plausible = rules.vital(self.vital).map(|it| it.plausible);
        let (least, most) = plausible.map_or((None, None), |it| (it.from, it.to));
        let highest = low.into_iter().flatten().max();
        let lowest = high.into_iter().flatten().min();
        let leaves_room = highest.or(least).zip(lowest.or(most));
        edges.is_sorted_by(|a, b| a < b)
            && leaves_room.is_none_or(|(low, high)| low.saturating_add(1) < high)
    }
}

/// A value in its unit, as it is written in a plan: `92`, `38.1`.
#[must_use]
pub fn in_units(vital: VitalKind, steps: i32) -> String {
    let per_unit = vital.steps_per_unit();
    let (whole, part) = (steps.div_euclid(per_unit), steps.rem_euclid(per_unit));
    match part * 10 / per_unit {
        0 => whole.to_string(),
        tenth => format!("{whole}.{tenth}"),
    }
}
