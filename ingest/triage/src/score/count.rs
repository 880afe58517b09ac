//! A value that scores count, and the least that some values make a score.

use serde::{Deserialize, Serialize};
use veglia_wire::{RecordId, VitalKind, WallMs};

use crate::flag::{Evidence, Median, Severity, What};
use crate::plan::OxygenScale;
use crate::rules::{Bad, RuleSet};
use crate::score::{Chart, ScoreParameter};
use crate::stream::Measured;

/// The reading of a stream that is its median, and the stretch, of which the entry is the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct OfStream {
    id: RecordId,
    at: WallMs,
    first: RecordId,
    readings: u32,
}

/// A value that scores count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) at: WallMs,
    pub(crate) id: RecordId,
    pub(super) received: WallMs,
    pub(crate) parameter: ScoreParameter,
    /// In the steps of the vital sign, as measured; of an answer, its value.
    value: i32,
    /// The most points that it carries in any score, by oxygen scale 1 and 2.
    most: [u8; 2],
    /// Whether its signal was poor: it may add points and takes none away.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_weak: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stream: Option<OfStream>,
}

impl Entry {
    /// What became known at a moment by a record, or by the median that ends with it.
    pub(crate) fn new(
        at: WallMs,
        received: WallMs,
        evidence: &Evidence,
        rules: &RuleSet,
    ) -> Option<Self> {
        let parameter = ScoreParameter::of(&evidence.what)?;
        let (value, median) = match evidence.what {
            What::Value { steps, median, .. } => (steps, median),
            What::Answer { answer } => (answer.value, None),
            What::Contact { .. } => return None,
        };
        let mut entry = Self {
            at,
            id: median.map_or(evidence.id, |median| median.last),
            received,
            parameter,
            value,
            most: [0; 2],
            is_weak: false,
            stream: median.map(|median| OfStream {
                id: evidence.id,
                at: evidence.at,
                first: median.first,
                readings: median.readings,
            }),
        };
        entry.weigh(rules);
        Some(entry)
    }

    /// What became known by a reading, or by the median that ends with it.
    pub(crate) fn measured(kind: VitalKind, it: &Measured<'_>, rules: &RuleSet) -> Self {
        let median = it.median();
        let mut entry = Self {
            at: it.at,
            id: it.reading(),
            received: it.received,
            parameter: ScoreParameter::of_vital(kind),
            value: it.steps,
            most: [0; 2],
            is_weak: it.is_weak,
            stream: median.map(|median| OfStream {
                id: it.id,
                at: it.value_at(),
                first: median.first,
                readings: median.readings,
            }),
        };
        if let Some(vital) = rules.vital(kind) {
            entry.most = rules.scores.most(entry.parameter, vital.score(it.steps));
        }
        entry
    }

    /// Looks its points up, in the rules that came or are new.
    pub(super) fn weigh(&mut self, rules: &RuleSet) {
        let Some(value) = rules.rounded(&self.parameter.says(self.value)) else {
            return;
        };
        self.most = rules.scores.most(self.parameter, value);
    }

    pub(super) fn most(&self, scale: OxygenScale) -> u8 {
        let [one, two] = self.most;
        match scale {
            OxygenScale::One => one,
            OxygenScale::Two => two,
        }
    }

    /// Whether it is of a poor signal and would take points away that another carries.
    pub(super) fn is_weaker_than(&self, known: &Self) -> bool {
        let mut pairs = self.most.iter().zip(known.most);
        self.is_weak && pairs.any(|(most, known)| *most < known)
    }

    pub(super) fn is_weak(&self) -> bool {
        self.is_weak
    }

    /// Place among all values: by time of measuring, then by name.
    pub(crate) fn key(&self) -> (WallMs, RecordId) {
        (self.at, self.id)
    }

    pub(crate) fn evidence(&self) -> Evidence {
        let spot = Evidence {
            id: self.id,
            at: self.at,
            what: self.parameter.says(self.value),
        };
        match (self.stream, spot.what) {
            (Some(stream), What::Value { vital, steps, .. }) => Evidence {
                id: stream.id,
                at: stream.at,
                what: What::Value {
                    vital,
                    steps,
                    median: Some(Median {
                        first: stream.first,
                        last: self.id,
                        readings: stream.readings,
                    }),
                },
            },
            _ => spot,
        }
    }

    pub(super) fn is_answer(&self) -> bool {
        self.parameter.vital().is_none()
    }

    pub(super) fn is_of_stream(&self) -> bool {
        self.stream.is_some()
    }
}

/// Some values and how they are counted.
pub(super) struct Count<'a> {
    pub(super) rules: &'a RuleSet,
    pub(super) scale: OxygenScale,
    pub(super) values: Vec<&'a Entry>,
}

impl<'a> Count<'a> {
    fn value(&self, parameter: ScoreParameter) -> Option<&'a Entry> {
        let mut values = self.values.iter();
        values.find(|it| it.parameter == parameter).copied()
    }

    fn breathings(&self, chart: &Chart) -> &'static [bool] {
        let answer = self.value(ScoreParameter::Oxygen);
        chart.breathings(answer.map(|it| it.value == 1))
    }

    /// The class of the least that the score can be.
    pub(super) fn class(&self, chart: &Chart) -> usize {
        let classes = self.breathings(chart).iter().map(|on_oxygen| {
            let mut sum = 0_u8;
            let mut has_single = false;
            for item in &chart.items {
                let entry = self.value(item.parameter);
                let points = entry.and_then(|entry| {
                    let value = self.rules.rounded(&item.parameter.says(entry.value))?;
                    item.points(value, self.scale, *on_oxygen)
                });
                let is_told = || entry.is_some_and(|entry| self.is_told(entry));
                let is_answer = item.parameter == ScoreParameter::Oxygen && entry.is_none();
                let points = match points {
                    Some(points) => points,
                    None if is_answer => item
                        .points(i32::from(*on_oxygen), self.scale, *on_oxygen)
                        .unwrap_or(0),
                    None => item.least(self.scale, *on_oxygen),
                };
                sum = sum.saturating_add(points);
                has_single = has_single || chart.is_single(points) && !is_told();
            }
            chart.class(sum, has_single)
        });
        classes.min().unwrap_or(0)
    }

    /// Whether a rule of its vital sign flags a value already: its points alone say nothing new.
    fn is_told(&self, entry: &Entry) -> bool {
        let what = entry.parameter.says(entry.value);
        if let What::Answer { answer } = what {
            return self.rules.calls.is_symptom(answer);
        }
        let Some((kind, value)) = entry.parameter.vital().zip(self.rules.rounded(&what)) else {
            return false;
        };
        self.rules.limits.iter().any(|limit| {
            let is_bad = matches!(limit.bad, Bad::Band(range) if range.holds(value));
            limit.vital == kind && limit.severity > Severity::Technical && is_bad
        })
    }

    /// The values that certainly carry points, oldest first.
    pub(super) fn behind(&self, chart: &Chart) -> Vec<Entry> {
        let carries = |entry: &Entry| {
            let what = entry.parameter.says(entry.value);
            let value = chart.item(entry.parameter).zip(self.rules.rounded(&what));
            let points = value.and_then(|(item, value)| {
                let breathings = self.breathings(chart).iter();
                let points = breathings.filter_map(|it| item.points(value, self.scale, *it));
                points.min()
            });
            points.is_some_and(|points| points > 0)
        };
        let behind = self.values.iter().copied().filter(|it| carries(it));
        let mut behind: Vec<Entry> = behind.cloned().collect();
        behind.sort_by_key(Entry::key);
        behind
    }

    /// The same, with older values for what is missing.
    pub(super) fn and(&self, older: &'a [Entry]) -> Self {
        let is_missing = |it: &&Entry| self.value(it.parameter).is_none();
        let values = self.values.iter().copied();
        Self {
            rules: self.rules,
            scale: self.scale,
            values: values.chain(older.iter().filter(is_missing)).collect(),
        }
    }
}
