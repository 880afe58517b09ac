//! The baseline of oxygen saturation, and what drifts away from it.
//!
//! Three gauges run over the values of days: a weighted mean of the recent ones (EWMA), the sum of
//! what they lack (one-sided CUSUM, downwards), and the spread of what the mean did not foresee.
//! One value moves the first two by no more than a few points, because one low reading is usually
//! wrong; the spread takes each as it is, because that is what it measures.
//!
//! All numbers are whole thousandths of a percent: the same values give the same gauges anywhere.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use veglia_wire::{Answer, VitalKind, WallMs};

use super::Setting;
use super::baseline::{Baseline, Baselines, Origin, middle};
use super::memory::Sample;
use super::thread::Thread;
use crate::flag::{Evidence, Why};
use crate::ledger::Stories;
use crate::plan::{Own, of_person};
use crate::state::Said;

/// Residuals that the spread is taken of: four days of three a day.
const RESIDUALS_MAX: usize = 12;

/// Values shown with a flag: the last ones.
const VALUES_SHOWN: usize = 4;

/// Values of the first days that a baseline may rest on: more than they have slots.
const LEARNED_MAX: usize = 32;

const THOUSANDTHS_PER_TENTH: i64 = 100;

/// Where a patient's oxygen saturation stands against the baseline: facts for who draws it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Trend {
    /// The latest value that counts.
    pub at: WallMs,
    /// The baseline it is measured against.
    pub baseline: Baseline,
    /// The weighted mean of the recent values, in thousandths of a percent.
    pub mean_percent_thousandths: i64,
    /// The sum of what the values lacked, in thousandths of a percent.
    pub lacking_percent_thousandths: i64,
    /// The spread of what the mean did not foresee, in thousandths of a percent; none while the
    /// values are too few.
    pub spread_percent_thousandths: Option<i64>,
    /// Whether a flag of a falling trend goes on.
    pub is_falling: bool,
}

/// The gauges after some value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Gauges {
    baseline: Baseline,
    at: WallMs,
    mean: i64,
    lacking: i64,
    residuals: VecDeque<i64>,
}

impl Gauges {
    fn new(baseline: Baseline) -> Self {
        Self {
            baseline,
            at: baseline.from,
            mean: thousandths(baseline.percent_tenths),
            lacking: 0,
            residuals: VecDeque::new(),
        }
    }

    fn take(&mut self, sample: &Sample, setting: Setting<'_>) {
        let rule = &setting.rules.days.trend;
        let usual = thousandths(self.baseline.percent_tenths);
        let value = thousandths(sample.steps);
        self.residuals.push_back(value - self.mean);
        if self.residuals.len() > RESIDUALS_MAX {
            self.residuals.pop_front();
        }
        let bounded = value.clamp(usual - rule.value_at_most, usual + rule.value_at_most);
        self.mean += (bounded - self.mean) * rule.weight_percent / 100;
        let lacking = self.lacking + usual - bounded - rule.slack;
        self.lacking = lacking.clamp(0, rule.sum);
        self.at = sample.at;
    }

    /// How far the mean lies under the baseline.
    fn below(&self) -> i64 {
        thousandths(self.baseline.percent_tenths) - self.mean
    }

    /// Standard deviation of the residuals, once there are so many.
    fn spread(&self, values: usize) -> Option<i64> {
        if self.residuals.len() < values.max(1) {
            return None;
        }
        let count = i64::try_from(self.residuals.len()).ok()?;
        let sum: i64 = self.residuals.iter().sum();
        let squares: i64 = self.residuals.iter().map(|it| it * it).sum();
        Some(((squares * count - sum * sum) / (count * count)).isqrt())
    }
}

fn thousandths(tenths: i32) -> i64 {
    i64::from(tenths) * THOUSANDTHS_PER_TENTH
}

/// What the two rules tell.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) trend: Stories,
    pub(super) spread: Stories,
}

impl From<&Course> for Told {
    fn from(course: &Course) -> Self {
        Self {
            trend: course.trend.open().into(),
            spread: course.spread.open().into(),
        }
    }
}

/// The fold after some value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Course {
    pub(super) baselines: Baselines,
    /// When the first value was measured.
    first: Option<WallMs>,
    /// Values of the first days, while nothing is known.
    learning: Vec<i32>,
    gauges: Option<Gauges>,
    /// The latest values.
    shown: VecDeque<Sample>,
    trend: Thread,
    spread: Thread,
    /// Smallest number of residuals that has a spread, by the rules.
    spread_values: usize,
}

impl Course {
    pub(super) fn trend(&self) -> Option<Trend> {
        let gauges = self.gauges.as_ref()?;
        Some(Trend {
            at: gauges.at,
            baseline: gauges.baseline,
            mean_percent_thousandths: gauges.mean,
            lacking_percent_thousandths: gauges.lacking,
            spread_percent_thousandths: gauges.spread(self.spread_values),
            is_falling: self.trend.open().is_some(),
        })
    }

    /// Takes the next value, after the baselines that were recorded since the one before.
    pub(super) fn advance(
        &mut self,
        sample: &Sample,
        recorded: &[Said<Answer>],
        before: Option<WallMs>,
        setting: Setting<'_>,
        told: &mut Told,
    ) {
        self.spread_values = setting.rules.days.spread.values;
        self.adopt(recorded, before, sample.at, told);
        if self.gauges.is_none() {
            self.learn(sample, setting);
        }
        let Some(gauges) = &mut self.gauges else {
            return;
        };
        gauges.take(sample, setting);
        self.shown.push_back(sample.clone());
        if self.shown.len() > VALUES_SHOWN {
            self.shown.pop_front();
        }
        self.judge(sample, setting, told);
    }

    /// What was recorded as usual after one moment and up to another: what was said against the
    /// baseline before it is over.
    pub(super) fn adopt(
        &mut self,
        recorded: &[Said<Answer>],
        after: Option<WallMs>,
        until: WallMs,
        told: &mut Told,
    ) {
        let is_due = |it: &&Said<Answer>| after.is_none_or(|after| after < it.at) && it.at <= until;
        for said in recorded.iter().filter(is_due) {
            let baseline = Baseline {
                percent_tenths: said.what.value,
                from: said.at,
                origin: Origin::Recorded { id: said.id },
            };
            self.baselines.push(baseline);
            self.gauges = Some(Gauges::new(baseline));
            self.shown.clear();
            self.trend.end(Why::PlanEnded, said.at, &mut told.trend);
            self.spread.end(Why::PlanEnded, said.at, &mut told.spread);
        }
    }

    /// The first days make the baseline of those after them.
    fn learn(&mut self, sample: &Sample, setting: Setting<'_>) {
        let rule = &setting.rules.days.baseline;
        let first = *self.first.get_or_insert(sample.at);
        let is_over = sample.at.since(first) >= rule.learned_ms;
        if !is_over || self.learning.len() < rule.values {
            if self.learning.len() < LEARNED_MAX {
                self.learning.push(sample.steps);
            }
            return;
        }
        let values = u32::try_from(self.learning.len()).unwrap_or(u32::MAX);
        if let Some(percent_tenths) = middle(&mut self.learning) {
            let baseline = Baseline {
                percent_tenths,
                from: sample.at,
                origin: Origin::Learned { values },
            };
            self.baselines.push(baseline);
            self.gauges = Some(Gauges::new(baseline));
        }
        self.learning.clear();
    }

    fn judge(&mut self, sample: &Sample, setting: Setting<'_>, told: &mut Told) {
        let Some(gauges) = &self.gauges else {
            return;
        };
        let days = &setting.rules.days;
        let (at, below) = (sample.at, gauges.below());
        let is_said = self.is_said(sample, setting);
        let rule = &days.trend;
        if below >= rule.low || gauges.lacking >= rule.sum {
            let evidence = || evidence(&self.shown);
            tell(
                &mut self.trend,
                sample,
                is_said,
                rule.remind_ms,
                &mut told.trend,
                evidence,
            );
        } else if below <= rule.recover && gauges.lacking * 2 <= rule.sum {
            self.trend.end(Why::Recovered, at, &mut told.trend);
        }
        let rule = &days.spread;
        match gauges.spread(rule.values) {
            Some(spread) if spread >= rule.wide => {
                let evidence = || evidence(&self.shown);
                tell(
                    &mut self.spread,
                    sample,
                    is_said,
                    rule.remind_ms,
                    &mut told.spread,
                    evidence,
                );
            }
            Some(spread) if spread <= rule.narrow => {
                self.spread.end(Why::Recovered, at, &mut told.spread);
            }
            _ => {}
        }
    }

    /// Whether a limit rule speaks of the value already.
    fn is_said(&self, sample: &Sample, setting: Setting<'_>) -> bool {
        let rules = setting.rules;
        let own = Own::of(of_person(setting.plans, sample.at));
        let baseline = || self.baselines.at(sample.at).map(|it| it.percent_tenths);
        let Some(vital) = rules.vital(VitalKind::SpO2) else {
            return false;
        };
        let score = vital.score(sample.steps);
        let mut limits = rules.limits_of(VitalKind::SpO2);
        limits.any(|limit| {
            let (bad, _) = limit.ranges(&rules.target, own, baseline);
            bad.is_some_and(|range| range.holds(score))
        })
    }
}

fn evidence(shown: &VecDeque<Sample>) -> Vec<Evidence> {
    shown
        .iter()
        .map(|it| it.evidence(VitalKind::SpO2))
        .collect()
}

/// A cause that is there is told, unless a limit says it, and told again while it lasts.
fn tell(
    thread: &mut Thread,
    sample: &Sample,
    is_said: bool,
    remind_ms: i64,
    told: &mut Stories,
    evidence: impl FnOnce() -> Vec<Evidence>,
) {
    if is_said {
        return;
    }
    if thread.open().is_some() {
        thread.remind(sample.at, remind_ms, told);
    } else {
        let trigger = (sample.record(), sample.at, sample.is_late);
        thread.begin(trigger, evidence(), told);
    }
}
